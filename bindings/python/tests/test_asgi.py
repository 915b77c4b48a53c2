"""The ASGI middleware: context, outcome, streams, websockets; and what it must not change."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

import pytest

import tallystick
from tallystick import audit_logger
from tallystick.asgi import AuditMiddleware, current_scope

Events = list[dict[str, Any]]


def http(path: str = "/a", method: str = "GET", **headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"secret=1",
        "client": ("192.0.2.7", 1234),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
    }


def served(app: Any, scope: dict[str, Any]) -> list[dict[str, Any]]:
    """What the application sends."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def answering(status: int = 200, inside: Callable[[], object] = lambda: None) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        inside()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await send({"type": "http.response.body", "body": b"b"})

    return app


def test_a_message_that_is_sent_again_stays_as_it_is() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send({"type": "http.response.body"})

    first, second = (
        dict(served(AuditMiddleware(app), http(x_request_id=name))[0]["headers"])
        for name in ("r-1", "r-2")
    )
    assert (first[b"x-request-id"], second[b"x-request-id"]) == (b"r-1", b"r-2")
    assert start["headers"] == [(b"a", b"b")]


def test_events_inherit_their_request(tallystick_events: Events) -> None:
    app = AuditMiddleware(answering(inside=lambda: audit_logger.log_action("a", data={"x": 1})))
    scope = http("/things", "PATCH", user_agent="curl", x_request_id="r-1", cookie="session=s")
    sent = served(app, scope)
    (event,) = tallystick_events
    assert event.pop("response_time_ms") >= 0
    assert event == {
        "action": "a",
        "ip_address": "192.0.2.7",
        "user_agent": "curl",
        "method": "PATCH",
        "endpoint": "/things",
        "request_id": "r-1",
        "details": {"x": 1},
    }
    assert (b"x-request-id", b"r-1") in sent[0]["headers"]
    assert tallystick.current_context() is None and current_scope() is None


def test_a_request_without_an_id_gets_one(tallystick_events: Events) -> None:
    scope = http()
    seen: list[Any] = []
    app = AuditMiddleware(answering(inside=lambda: seen.append(current_scope())), record="all")
    sent = served(app, scope)
    said = dict(sent[0]["headers"])[b"x-request-id"].decode()
    assert said == scope["state"]["request_id"] == tallystick_events[0]["request_id"]
    assert seen == [scope]


def test_an_id_that_the_application_says_stays(tallystick_events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"X-Request-ID", b"own")]}
        )

    (start,) = served(AuditMiddleware(app), http())
    assert start["headers"] == [(b"X-Request-ID", b"own")]


@pytest.mark.parametrize("own", [(b"set-cookie", b"a=1"), (b"x-request-id", b"own")])
def test_headers_may_be_any_iterable(own: tuple[bytes, bytes]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = (header for header in [own])
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    (start,) = served(AuditMiddleware(app), http(x_request_id="r-1"))
    expected = {b"x-request-id": b"r-1", own[0]: own[1]}
    assert dict(start["headers"]) == expected


@pytest.mark.parametrize(
    ("status", "said"), [(200, "success"), (302, "success"), (404, "failure"), (503, "error")]
)
def test_every_status_is_recorded(status: int, said: str, tallystick_events: Events) -> None:
    served(AuditMiddleware(answering(status), record="all"), http())
    (event,) = tallystick_events
    assert (event["action"], event["status_code"], event["status"]) == ("http.get", status, said)
    assert event["response_time_ms"] >= 0


def test_an_error_is_recorded_and_goes_on(tallystick_events: Events) -> None:
    def fail() -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        served(AuditMiddleware(answering(inside=fail), record="all"), http())
    (event,) = tallystick_events
    assert (event["status"], event["status_code"]) == ("error", 500)
    assert event["error_message"] == "KeyError: 'no such thing'"
    assert tallystick.current_context() is None


def test_a_client_that_leaves(tallystick_events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        served(AuditMiddleware(app, record="all"), http())
    (event,) = tallystick_events
    assert (event["status"], event["status_code"]) == ("failure", 499)


def test_an_error_behind_the_first_byte_is_one(tallystick_events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError("gone")

    with pytest.raises(OSError):
        served(AuditMiddleware(app, record="all"), http())
    (event,) = tallystick_events
    assert (event["status"], event["status_code"]) == ("error", 200)


@pytest.mark.parametrize(
    ("record", "methods"),
    [
        (None, []),
        ("all", ["GET", "HEAD", "POST", "DELETE"]),
        ("mutations", ["POST", "DELETE"]),
        (lambda event: event["method"] == "HEAD", ["HEAD"]),
        (lambda event: {"resource_type": "page"} if event["method"] == "GET" else None, ["GET"]),
        (lambda event: 1 / 0, []),
    ],
)
def test_which_are_recorded(record: Any, methods: list[str], tallystick_events: Events) -> None:
    for method in ("GET", "HEAD", "POST", "DELETE"):
        served(AuditMiddleware(answering(), record=record), http(method=method))
    assert [event["method"] for event in tallystick_events] == methods
    assert all(event.get("resource_type", "page") == "page" for event in tallystick_events)


def test_what_is_excluded_is_let_through(tallystick_events: Events) -> None:
    app = AuditMiddleware(
        answering(inside=lambda: audit_logger.log("a")), record="all", exclude=["/b", "/static/*"]
    )
    for path in ("/b", "/static/x/y", "/bc", "/static"):
        served(app, http(path))
    assert [event.get("endpoint") for event in tallystick_events] == [
        None, None, "/bc", "/bc", "/static", "/static",
    ]  # fmt: skip


def test_a_wrong_choice_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="record"):
        AuditMiddleware(answering(), record="some")  # type: ignore[arg-type]


def test_a_session_is_known_by_its_hash(tallystick_events: Events) -> None:
    app = AuditMiddleware(answering(), record="all", session_cookie="sid")
    served(app, http(cookie="other=1; sid=very-secret"))
    served(app, http(cookie="sid=very-secret"))
    served(app, http(cookie="sidx=1"))
    first, second, third = tallystick_events
    assert len(first["session_id"]) == 32 and first["session_id"] == second["session_id"]
    assert "session_id" not in third
    assert "very-secret" not in repr(tallystick_events)


def test_the_user_is_known_as_soon_as_the_application_knows(tallystick_events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        audit_logger.log("before")
        scope["state"]["user_id"] = 7
        await asyncio.to_thread(audit_logger.log, "after")
        tallystick.set_user("u-8")
        audit_logger.log("later")

    served(AuditMiddleware(app, record="all"), http())
    assert [event.get("user_id") for event in tallystick_events] == [None, "7", "u-8", "u-8"]


def test_no_task_is_switched_and_variables_go_both_ways() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outer")
    tasks: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.current_task())
        assert variable.get() == "set before"
        variable.set("set inside")

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.current_task())
        variable.set("set before")
        await AuditMiddleware(inner)(scope, receive, send)
        assert variable.get() == "set inside"

    served(outer, http())
    assert tasks[0] is tasks[1]


def test_parts_are_sent_as_they_come(tallystick_events: Events) -> None:
    events: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"1", b"2"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            events.append(part.decode())

    async def send(message: Any) -> None:
        events.append(message["type"].rpartition(".")[2])

    asyncio.run(AuditMiddleware(app)(http(), None, send))  # type: ignore[arg-type]
    assert events == ["start", "body", "1", "body", "2"]


def test_lifespan_is_not_a_request(tallystick_events: Events) -> None:
    scope = {"type": "lifespan"}
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, send, tallystick.current_context()))

    send = object()
    asyncio.run(AuditMiddleware(app, record="all")(scope, None, send))  # type: ignore[arg-type]
    assert seen == [(scope, send, None)] and tallystick_events == []


@pytest.mark.parametrize(("kind", "code"), [("websocket.accept", 101), ("websocket.close", 403)])
def test_a_websocket(kind: str, code: int, tallystick_events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": kind})
        audit_logger.log("chat.say")
        await send({"type": "websocket.close"})

    served(
        AuditMiddleware(app, record="all"), {**http("/chat"), "type": "websocket", "method": None}
    )
    said, connection = tallystick_events
    assert (said["endpoint"], connection["endpoint"]) == ("/chat", "/chat")
    assert connection["status_code"] == code


def test_sync_denies_before_the_response_begins() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    app = AuditMiddleware(answering(), record="all", mode="sync")
    with pytest.raises(tallystick.Denied):  # nothing is configured
        asyncio.run(app(http(), None, send))  # type: ignore[arg-type]
    assert sent == []


def test_requests_at_once_do_not_mix(tallystick_events: Events) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        tallystick.set_user(scope["path"])
        await asyncio.sleep(0)
        audit_logger.log("a")

    async def main() -> None:
        middleware = AuditMiddleware(app)
        paths = [f"/{number}" for number in range(50)]
        await asyncio.gather(*(middleware(http(path), None, None) for path in paths))  # type: ignore[arg-type]

    asyncio.run(main())
    assert len(tallystick_events) == 50
    assert all(event["user_id"] == event["endpoint"] for event in tallystick_events)
