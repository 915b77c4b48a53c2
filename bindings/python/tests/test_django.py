"""Django: the middleware in both kinds, the decorator, and logging in and out."""

from __future__ import annotations

import asyncio
import gc
import io
import weakref
from typing import Any

import pytest

django = pytest.importorskip("django")

import django_site  # noqa: E402
from django.conf import settings  # noqa: E402

if not settings.configured:
    settings.configure(**django_site.SETTINGS)
    django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse, QueryDict  # noqa: E402
from django.test import AsyncClient, Client, RequestFactory, override_settings  # noqa: E402
from django.utils.functional import SimpleLazyObject  # noqa: E402

import tallystick  # noqa: E402
from tallystick import audit_logger  # noqa: E402
from tallystick.django import AuditMiddleware, audit_log  # noqa: E402

Events = list[dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def database() -> None:
    call_command("migrate", verbosity=0)
    User.objects.create_user("ada", "ada@example.org", "ada's password")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def named(events: Events, action: str) -> dict[str, Any]:
    (event,) = [event for event in events if event.get("action") == action]
    return event


def test_who_did_what_to_which(client: Client, tallystick_events: Events) -> None:
    client.force_login(User.objects.get())
    tallystick_events.clear()
    answer = client.patch("/things/t-1", {"a": 1}, "application/json", HTTP_USER_AGENT="curl")
    inside, view, request = tallystick_events
    common = {
        "user_id": "1",
        "user_email": "ada@example.org",
        "session_id": inside["session_id"],
        "ip_address": "127.0.0.1",
        "user_agent": "curl",
        "method": "PATCH",
        "endpoint": "/things/t-1",
        "request_id": answer["X-Request-Id"],
    }
    assert client.session.session_key not in repr(tallystick_events)
    for event in tallystick_events:
        assert event.pop("response_time_ms") >= 0
    assert inside == {"action": "inside", **common}
    assert view == {
        "action": "thing.update",
        "resource_type": "thing",
        "resource_id": "t-1",
        "status": "success",
        "status_code": 200,
        "details": {"data": {"a": 1}},
        **common,
    }
    assert request == {"action": "http.patch", "status": "success", "status_code": 200, **common}
    assert tallystick.current_context() is None


@pytest.mark.parametrize(
    ("name", "code", "status", "error"),
    [
        ("absent", 404, "failure", "Http404: no such thing"),
        ("broken", 500, "error", "KeyError: 'broken'"),
        ("conflict", 409, "failure", None),
    ],
)
def test_a_failure(
    name: str,
    code: int,
    status: str,
    error: str | None,
    client: Client,
    tallystick_events: Events,
) -> None:
    assert client.get(f"/things/{name}").status_code == code
    view, request = named(tallystick_events, "thing.read"), named(tallystick_events, "http.get")
    assert (view["status"], view["status_code"], view.get("error_message")) == (
        "failure",
        code,
        error,
    )
    assert (request["status"], request["status_code"]) == (status, code)
    assert request.get("error_message") == error


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        ({"data": {"name": "n", "tag": ["1", "2"]}}, {"name": "n", "tag": ["1", "2"]}),
        ({"data": {"name": "n", "file": io.BytesIO(b"FILE")}}, {"name": "n"}),
        ({"data": {"a": {"b": 1}}, "content_type": "application/json"}, {"a": {"b": 1}}),
        ({"data": "{no", "content_type": "application/json"}, None),
        ({"data": b"\xff", "content_type": "application/pdf"}, None),
    ],
)
def test_data_when_asked_for(
    sent: dict[str, Any], data: Any, client: Client, tallystick_events: Events
) -> None:
    client.post("/things/t-1", **sent)
    details = named(tallystick_events, "thing.create").get("details", {})
    assert details == ({} if data is None else {"data": data})
    assert "FILE" not in repr(tallystick_events)


def test_a_form_that_is_put(client: Client, tallystick_events: Events) -> None:
    client.put("/things/t-1", "a=1&b=2&b=3", "application/x-www-form-urlencoded")
    details = named(tallystick_events, "thing.update")["details"]
    assert details == {"data": {"a": "1", "b": ["2", "3"]}}


class RestRequest:
    """As Django REST framework wraps a request, of which it has read the body."""

    def __init__(self, request: Any, data: Any) -> None:
        self._request = request
        self.data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


def test_a_request_of_the_rest_framework(tallystick_events: Events) -> None:
    @audit_log(resource_type="thing", log_data=True)
    def create(self: Any, request: RestRequest) -> HttpResponse:
        return HttpResponse(status=422)

    create(None, RestRequest(RequestFactory().post("/things", {"a": "1"}), QueryDict("a=1&f=FILE")))
    create(None, RestRequest(RequestFactory().post("/things"), {"b": [2]}))
    form, json = tallystick_events
    assert (form["action"], form["status_code"]) == ("thing.create", 422)
    assert (form["details"], json["details"]) == ({"data": {"a": "1"}}, {"data": {"b": [2]}})


@pytest.mark.parametrize("lazy", [False, True])
def test_a_user_that_a_middleware_has_found(lazy: bool, tallystick_events: Events) -> None:
    """By a token, say; there is no session. One that nobody has asked for is not loaded."""

    def view(request: Any) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: ada) if lazy else ada
        audit_logger.log("early")
        assert request.user.email == "ada@example.org"
        audit_logger.log("late")
        return HttpResponse()

    ada = User.objects.get()
    AuditMiddleware(view)(RequestFactory().get("/"))
    users = [event.get("user_email") for event in tallystick_events]
    assert users == [None if lazy else "ada@example.org", "ada@example.org", "ada@example.org"]


def test_a_view_without_parentheses(tallystick_events: Events) -> None:
    @audit_log
    def view(request: Any) -> HttpResponse:
        return HttpResponse()

    view(RequestFactory().get("/"))
    assert tallystick_events[0]["action"] == "resource.read"


def test_of_much_data_only_the_size(client: Client, tallystick_events: Events) -> None:
    client.post("/things/t-1", {"text": "x" * 20000}, "application/json")
    details = named(tallystick_events, "thing.create")["details"]
    assert list(details) == ["data_size"] and details["data_size"] > 20000


def test_a_method_of_a_class(client: Client, tallystick_events: Events) -> None:
    client.get("/things")
    event = named(tallystick_events, "thing.list")
    assert (event["resource_id"], event["endpoint"]) == ("12", "/things")


def test_logging_in_and_out(client: Client, tallystick_events: Events) -> None:
    client.post("/enter", {"username": "ada", "password": "wrong password"})
    client.post("/enter", {"username": "ada", "password": "ada's password"})
    client.post("/leave")
    events = [e for e in tallystick_events if "event_type" in e]
    assert [e["event_type"] for e in events] == ["login_failure", "login_success", "logout"]
    failure, success, logout = events
    assert failure["details"] == {"username": "ada"} and failure["status"] == "failure"
    assert (success["user_id"], success["user_email"]) == ("1", "ada@example.org")
    assert logout["user_id"] == "1"
    assert all(e["ip_address"] == "127.0.0.1" and e["endpoint"] for e in events)
    assert "password" not in repr(tallystick_events)


def test_looking_at_a_session_does_not_use_it(client: Client, tallystick_events: Events) -> None:
    """The response to a request whose session was used says that it varies by cookies."""
    client.force_login(User.objects.get())
    answer = client.get("/things/t-1")
    assert {event.get("user_id") for event in tallystick_events} == {"1"}
    assert "Vary" not in answer


@pytest.mark.parametrize("path", ["/health", "/quiet/a"])
def test_what_is_excluded(path: str, client: Client, tallystick_events: Events) -> None:
    client.get(path)
    assert [event["action"] for event in tallystick_events] == ["inside"]


def test_a_stream(client: Client, tallystick_events: Events) -> None:
    answer: Any = client.get("/stream/well")
    assert tallystick_events == []
    assert b"".join(answer.streaming_content) == b"12"
    part, request = tallystick_events
    assert part["request_id"] == request["request_id"] == answer["X-Request-Id"]
    assert (request["action"], request["status"]) == ("http.get", "success")


def test_a_stream_that_breaks(client: Client, tallystick_events: Events) -> None:
    answer: Any = client.get("/stream/broken")
    with pytest.raises(OSError, match="gone"):
        b"".join(answer.streaming_content)
    answer.close()
    event = named(tallystick_events, "http.get")
    assert (event["status"], event["error_message"]) == ("error", "OSError: gone")


def test_a_stream_that_nobody_reads(client: Client, tallystick_events: Events) -> None:
    client.get("/stream/well").close()
    assert [event["action"] for event in tallystick_events] == ["http.get"]


def test_a_request_is_gone_with_its_end(tallystick_events: Events) -> None:
    """Part of a cycle, it would stay until the garbage collector comes by."""

    def answer(request: Any) -> HttpResponse:
        tallystick.record({"action": "a"})
        return HttpResponse()

    request: Any = RequestFactory().get("/things/7")
    is_there = weakref.ref(request)
    gc.disable()
    try:
        AuditMiddleware(answer)(request)
        del request
        assert is_there() is None
    finally:
        gc.enable()


def test_a_file_stays_the_servers(tallystick_events: Events) -> None:
    middleware = AuditMiddleware(django_site.file)
    answer: Any = middleware(RequestFactory().get("/file"))
    assert answer.file_to_stream is not None
    assert named(tallystick_events, "http.get")["status_code"] == 200
    answer.close()


@pytest.mark.parametrize(("name", "code"), [("a", 200), ("broken", 500)])
def test_asynchronous_views(
    name: str, code: int, client: Client, tallystick_events: Events
) -> None:
    """Under both kinds of server."""
    asynchronous = AsyncClient(raise_request_exception=False)
    answers = [client.get(f"/wait/{name}"), asyncio.run(asynchronous.get(f"/wait/{name}"))]
    assert [answer.status_code for answer in answers] == [code, code]
    for answer in answers:
        events = [e for e in tallystick_events if e["request_id"] == answer["X-Request-Id"]]
        assert [e["action"] for e in events] == ["awaited", "thing.wait", "http.get"]
        assert events[1]["resource_id"] == name and events[2]["status_code"] == code
        assert events[2].get("error_message") == (None if code == 200 else "KeyError: 'broken'")


def test_a_synchronous_view_in_an_event_loop(tallystick_events: Events) -> None:
    client = AsyncClient()
    client.force_login(User.objects.get())
    tallystick_events.clear()
    answer = asyncio.run(client.get("/things/t-1"))
    assert {e["request_id"] for e in tallystick_events} == {answer["X-Request-Id"]}
    assert [e["action"] for e in tallystick_events] == ["inside", "thing.read", "http.get"]
    assert {e["user_email"] for e in tallystick_events} == {"ada@example.org"}


def test_an_asynchronous_view_without_an_event_loop(
    client: Client, tallystick_events: Events
) -> None:
    """Its session may not be loaded there; the session's key is known all the same."""
    client.force_login(User.objects.get())
    tallystick_events.clear()
    client.get("/wait/w-1")
    awaited, view, request = tallystick_events
    assert len(request["session_id"]) == 32 and request["user_id"] == "1"
    assert awaited["session_id"] == view["session_id"] == request["session_id"]


@pytest.mark.skipif(django.VERSION < (4, 2), reason="Django streams asynchronously since 4.2")
def test_an_asynchronous_stream(tallystick_events: Events) -> None:
    async def main() -> bytes:
        answer: Any = await AsyncClient().get("/stream")
        return b"".join([part async for part in answer.streaming_content])

    assert asyncio.run(main()) == b"12"
    assert [e["action"] for e in tallystick_events][:1] == ["part"]
    assert tallystick_events[0]["endpoint"] == "/stream"


def test_the_settings_configure(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {}
    monkeypatch.setattr("tallystick.django.configure", lambda **options: said.update(options))
    from django.apps import apps

    given = {"WHERE": "http://127.0.0.1:1", "KEY": "k", "RECORD": None, "SIGNALS": True}
    with override_settings(TALLYSTICK=given):
        apps.get_app_config("tallystick").ready()
    assert said == {"where": "http://127.0.0.1:1", "key": "k"}
