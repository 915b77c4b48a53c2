"""The WSGI middleware: lists, generators, files; errors at each place; and what it must not
change."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

import tallystick
from tallystick import audit_logger
from tallystick.wsgi import AuditMiddleware

Events = list[dict[str, Any]]


def environ(path: str = "/a", method: str = "GET", **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "REMOTE_ADDR": "192.0.2.7",
        "QUERY_STRING": "secret=1",
        "HTTP_USER_AGENT": "curl",
        **more,
    }
    setup_testing_defaults(result)
    return result


def served(app: Any, request: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body, as a server reads them; the validator of the standard is around
    both."""
    said: list[Any] = []

    def start(status: str, headers: Any, exc_info: Any = None) -> Any:
        said[:] = [status, dict(headers)]
        return lambda data: None

    body = app(request, start)
    try:
        data = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return said[0], said[1], data


def plain(status: str = "200 OK") -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", "text/plain")])
        audit_logger.log_action("a")
        return [b"body"]

    return app


def streaming(closed: list[str], fail: bool = False) -> Any:
    class Body:
        def __init__(self) -> None:
            self._parts = self._made()

        def _made(self) -> Iterator[bytes]:
            audit_logger.log("first")
            yield b"1"
            if fail:
                raise OSError("gone")
            audit_logger.log("second")
            yield b"2"

        def __iter__(self) -> Iterator[bytes]:
            return self._parts

        def close(self) -> None:
            audit_logger.log("close")
            closed.append("closed")

    def app(environ: Any, start_response: Any) -> Body:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Body()

    return app


def test_events_inherit_their_request(tallystick_events: Events) -> None:
    app = validator(AuditMiddleware(validator(plain())))
    status, headers, body = served(app, environ("/things", HTTP_X_REQUEST_ID="r-1"))
    (event,) = tallystick_events
    assert event.pop("response_time_ms") >= 0
    assert event == {
        "action": "a",
        "ip_address": "192.0.2.7",
        "user_agent": "curl",
        "method": "GET",
        "endpoint": "/things",
        "request_id": "r-1",
        "status_code": 200,
    }
    assert (status, headers["X-Request-Id"], body) == ("200 OK", "r-1", b"body")
    assert tallystick.current_context() is None


def test_a_status_without_a_number_is_let_through(tallystick_events: Events) -> None:
    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("Fine", [])
        return [b"body"]

    status, _, body = served(AuditMiddleware(app, record="all"), environ())
    assert (status, body) == ("Fine", b"body")
    assert [event.get("status_code") for event in tallystick_events] == [None]


def test_headers_may_be_any_iterable() -> None:
    def app(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", (header for header in [("X-Own", "1")]))
        return [b""]

    _, headers, _ = served(AuditMiddleware(app), environ("/", HTTP_X_REQUEST_ID="r-1"))
    assert dict(headers) == {"X-Own": "1", "X-Request-Id": "r-1"}


def test_a_stream_is_inside_until_it_is_closed(tallystick_events: Events) -> None:
    closed: list[str] = []
    app = validator(AuditMiddleware(validator(streaming(closed)), record="all"))
    _, headers, body = served(app, environ())
    assert (body, closed) == (b"12", ["closed"])
    assert [e["action"] for e in tallystick_events] == ["first", "second", "close", "http.get"]
    assert {event["request_id"] for event in tallystick_events} == {headers["X-Request-Id"]}
    assert tallystick.current_context() is None


def test_between_the_parts_of_a_stream_there_is_no_context(tallystick_events: Events) -> None:
    """Servers run other things in that thread, and some forget to close."""
    body = iter(AuditMiddleware(streaming([]))(environ(), lambda *a: lambda data: None))
    assert next(body) == b"1"
    assert tallystick.current_context() is None


def test_an_error_in_a_stream(tallystick_events: Events) -> None:
    closed: list[str] = []
    with pytest.raises(OSError, match="gone"):
        served(AuditMiddleware(streaming(closed, fail=True), record="all"), environ())
    event = tallystick_events[-1]
    assert (event["status"], event["error_message"]) == ("error", "OSError: gone")
    assert closed == ["closed"] and tallystick.current_context() is None


def test_a_stream_that_its_reader_leaves(tallystick_events: Events) -> None:
    body: Any = AuditMiddleware(streaming([]), record="all")(
        environ(), lambda *a: lambda data: None
    )
    next(iter(body))
    body.close()
    body.close()
    assert [e["action"] for e in tallystick_events] == ["first", "close", "http.get", "close"]


def test_an_error_of_the_application_goes_on(tallystick_events: Events) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise KeyError("x")

    with pytest.raises(KeyError):
        served(AuditMiddleware(app, record="all"), environ())
    (event,) = tallystick_events
    assert (event["status"], event["status_code"]) == ("error", 500)
    assert event["error_message"] == "KeyError: 'x'"
    assert tallystick.current_context() is None


def test_an_answer_to_an_error(tallystick_events: Events) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        try:
            raise KeyError("x")
        except KeyError:
            import sys

            start_response("500 Oh", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"oh"]

    served(validator(AuditMiddleware(app, record="all")), environ())
    (event,) = tallystick_events
    assert (event["status"], event["error_message"]) == ("error", "KeyError: 'x'")


def test_a_file_stays_the_servers(tallystick_events: Events) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))

    request = environ()
    request["wsgi.file_wrapper"] = FileWrapper
    body = AuditMiddleware(app, record="all")(request, lambda *a: lambda data: None)
    assert isinstance(body, FileWrapper)
    assert [event["status_code"] for event in tallystick_events] == [200]


@pytest.mark.parametrize(
    ("status", "said"), [("204 No Content", "success"), ("404 No", "failure"), ("500 Oh", "error")]
)
def test_every_status_is_recorded(status: str, said: str, tallystick_events: Events) -> None:
    served(
        AuditMiddleware(plain(status), record=lambda e: e["method"] == "PUT"), environ(method="PUT")
    )
    event = tallystick_events[-1]
    assert (event["status"], event["status_code"]) == (said, int(status[:3]))


def test_mutations_and_exclusions(tallystick_events: Events) -> None:
    app = AuditMiddleware(plain(), record="mutations")
    for path, method in (("/a", "GET"), ("/a", "POST"), ("/health", "POST")):
        served(app, environ(path, method))
    recorded = [e["endpoint"] for e in tallystick_events if e["action"].startswith("http.")]
    assert recorded == ["/a"]


def test_a_request_is_gone_with_its_end(tallystick_events: Events) -> None:
    """Part of a cycle, it would stay until the garbage collector comes by."""

    class Mark:
        pass

    request = environ()
    request["mark"] = Mark()
    is_there = weakref.ref(request["mark"])
    gc.disable()
    try:
        served(AuditMiddleware(streaming([]), record="all"), request)
        del request
        assert is_there() is None
    finally:
        gc.enable()


def test_sync_denies_before_the_response_begins() -> None:
    started: list[str] = []
    app = AuditMiddleware(plain(), record="all", mode="sync")
    with pytest.raises(tallystick.Denied):
        app(environ(), lambda status, headers: started.append(status))  # type: ignore[arg-type, func-returns-value]
    assert started == []
