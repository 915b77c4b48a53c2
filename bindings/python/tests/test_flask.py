"""Flask: the extension and the decorator; users, data, files, secrets, errors and streams."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("flask")

import flask  # noqa: E402
from flask import Flask, abort, g, request  # noqa: E402
from flask.testing import FlaskClient  # noqa: E402
from werkzeug.exceptions import NotFound  # noqa: E402

import tallystick  # noqa: E402
from tallystick import AuditLogger, audit_logger  # noqa: E402
from tallystick.flask import Tallystick, audit_log  # noqa: E402

Events = list[dict[str, Any]]

USER = {"id": "u42", "email": "u42@example.org", "group_id": 5}


def built(**options: Any) -> Flask:
    app = Flask(__name__)
    app.secret_key = "for this test"
    Tallystick(app, **options)

    @app.before_request
    def authenticate() -> None:
        g.user = USER

    @app.route("/things/<resource_id>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @audit_log(resource_type="thing")
    def thing(resource_id: str) -> Any:
        AuditLogger.log_action("inside", data={"x": 1})
        if resource_id.isdigit():
            abort(int(resource_id))
        if resource_id == "broken":
            raise KeyError("broken")
        return {"thing": resource_id}, (404 if resource_id == "gone" else 200)

    @app.route("/data", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @audit_log("data.take", log_data=True)
    def data() -> Any:
        taken = request.get_json(silent=True)
        if isinstance(taken, dict):
            taken.clear()
        return request.form.get("name", "")

    @app.post("/raw")
    @audit_log("data.raw", log_data=True)
    def raw() -> bytes:
        return request.stream.read()

    @app.get("/stream")
    @audit_log("thing.stream")
    def stream() -> Iterator[str]:
        yield "1"
        audit_logger.log("part")
        yield "2"

    @app.get("/bare")
    @audit_log
    def bare() -> str:
        return "bare"

    return app


@pytest.fixture
def client() -> FlaskClient:
    return built().test_client()


def named(events: Events, action: str) -> dict[str, Any]:
    (event,) = [event for event in events if event["action"] == action]
    return event


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("GET", "read"),
        ("POST", "create"),
        ("PUT", "update"),
        ("PATCH", "update"),
        ("DELETE", "delete"),
    ],
)
def test_who_did_what_to_which(
    method: str, verb: str, client: FlaskClient, tallystick_events: Events
) -> None:
    answer = client.open("/things/t-1?password=p", method=method, headers={"User-Agent": "curl"})
    event = named(tallystick_events, f"thing.{verb}")
    assert event.pop("response_time_ms") >= 0
    assert event == {
        "action": f"thing.{verb}",
        "resource_type": "thing",
        "resource_id": "t-1",
        "user_id": "u42",
        "user_email": "u42@example.org",
        "group_id": "5",
        "status": "success",
        "status_code": 200,
        "ip_address": "127.0.0.1",
        "user_agent": "curl",
        "method": method,
        "endpoint": "/things/t-1",
        "request_id": answer.headers["X-Request-Id"],
    }


def test_the_logger_knows_the_request(client: FlaskClient, tallystick_events: Events) -> None:
    with client.session_transaction() as session:
        session["session_id"] = "s-1"
    client.get("/things/t-1")
    event = named(tallystick_events, "inside")
    assert event["response_time_ms"] >= 0
    expected = {"user_id": "u42", "endpoint": "/things/t-1", "session_id": "s-1", "method": "GET"}
    assert expected.items() <= event.items()
    assert USER == {"id": "u42", "email": "u42@example.org", "group_id": 5}


@pytest.mark.parametrize(
    ("name", "code", "status", "error"),
    [
        ("403", 403, "failure", "Forbidden"),
        ("503", 503, "failure", "Unavailable"),
        ("broken", 500, "failure", "KeyError: 'broken'"),
        ("gone", 404, "failure", None),
    ],
)
def test_a_failure(
    name: str,
    code: int,
    status: str,
    error: str | None,
    client: FlaskClient,
    tallystick_events: Events,
) -> None:
    assert client.get(f"/things/{name}").status_code == code
    event = named(tallystick_events, "thing.read")
    assert (event["status"], event["status_code"]) == (status, code)
    assert error is None or error in event["error_message"]


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        ({"method": "GET", "query_string": "a=1&a=2&b=3"}, {"a": ["1", "2"], "b": "3"}),
        ({"method": "GET"}, None),
        ({"method": "DELETE", "query_string": "a=1"}, {"a": "1"}),
        ({"method": "POST", "json": {"a": {"b": [1, None]}}}, {"a": {"b": [1, None]}}),
        ({"method": "PUT", "json": [1]}, [1]),
        ({"method": "PATCH", "json": "text"}, "text"),
        ({"method": "POST", "data": "{no json", "content_type": "application/json"}, None),
        (
            {"method": "POST", "data": {"name": "n", "tag": ["1", "2"]}},
            {"name": "n", "tag": ["1", "2"]},
        ),
        ({"method": "POST", "data": b"\x00\xff", "content_type": "application/pdf"}, None),
        (
            {"method": "POST", "data": {"name": "n", "file": (io.BytesIO(b"FILE"), "f")}},
            {"name": "n"},
        ),
    ],
)
def test_data_when_asked_for(
    sent: dict[str, Any], data: Any, client: FlaskClient, tallystick_events: Events
) -> None:
    assert client.open("/data", **sent).status_code == 200
    details = named(tallystick_events, "data.take").get("details", {})
    assert details == ({} if data is None else {"data": data})
    assert "FILE" not in repr(tallystick_events)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize("body", [{"text": "x" * 20000}, nested(40)])
def test_of_much_data_only_the_size(
    body: Any, client: FlaskClient, tallystick_events: Events
) -> None:
    client.post("/data", json=body)
    details = named(tallystick_events, "data.take")["details"]
    assert list(details) == ["data_size"] and details["data_size"] > 40


@pytest.mark.parametrize("depth", [60, 900, 5000])
def test_data_that_cannot_be_read_hides_nothing(
    depth: int, client: FlaskClient, tallystick_events: Events
) -> None:
    """Who sends it is recorded all the same."""
    body = "[" * depth + "]" * depth
    client.post("/data", data=body, content_type="application/json")
    event = named(tallystick_events, "data.take")
    assert event["user_id"] == "u42" and "data" not in event["details"]
    assert {"data_size", "data_error"} & set(event["details"])


def test_a_form_that_is_too_large(tallystick_events: Events) -> None:
    app = built()
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.test_client().post("/data", data={"name": "n" * 100})
    event = named(tallystick_events, "data.take")
    assert event["status_code"] == 413 and "data_error" in event["details"]


def test_a_stream_that_the_view_reads_is_the_views(
    client: FlaskClient, tallystick_events: Events
) -> None:
    answer = client.post("/raw", data=b'{"a": 1}', content_type="application/json")
    assert answer.data == b'{"a": 1}'
    assert (
        "details" not in named(tallystick_events, "data.raw")
        or not named(tallystick_events, "data.raw")["details"]
    )


def test_secrets_are_masked(trail: Any) -> None:
    client = built().test_client()
    client.post("/data", json={"name": "n", "password": "hush", "a": [{"api_key": "hush"}]})
    client.post("/data", data={"name": "n", "token": "hush", "card": "4111 1111 1111 1111"})
    tallystick.flush()
    first, second = trail.entries(2)
    assert first["details"]["data"]["name"] == second["details"]["data"]["name"] == "n"
    assert "hush" not in repr((first, second)) and "4111 1111" not in repr((first, second))


def test_a_generator_is_inside_until_it_ends(
    client: FlaskClient, tallystick_events: Events
) -> None:
    answer = client.get("/stream")
    assert answer.text == "12"
    part, view = named(tallystick_events, "part"), named(tallystick_events, "thing.stream")
    assert part["request_id"] == view["request_id"] == answer.headers["X-Request-Id"]
    assert part["user_id"] == "u42" and tallystick.current_context() is None


def test_looking_at_a_session_does_not_use_it(tallystick_events: Events) -> None:
    """The response to a request whose session was used says that it varies by cookies."""
    client = built(record="all").test_client()
    with client.session_transaction() as session:
        session["session_id"] = "s-1"
    answer = client.get("/things/t-1")
    answer.close()
    assert {event["session_id"] for event in tallystick_events} == {"s-1"}
    assert "Vary" not in answer.headers


def test_without_arguments(client: FlaskClient, tallystick_events: Events) -> None:
    client.get("/bare")
    assert named(tallystick_events, "resource.read")["endpoint"] == "/bare"


def test_requests_are_recorded_with_user_and_error(tallystick_events: Events) -> None:
    client = built(record="all").test_client()
    client.get("/things/broken").close()
    event = named(tallystick_events, "http.get")
    assert (event["user_id"], event["status"], event["status_code"]) == ("u42", "error", 500)
    assert event["error_message"] == "KeyError: 'broken'"
    client.get("/no/such").close()
    assert tallystick_events[-1]["status_code"] == 404


def test_asynchronous_views(tallystick_events: Events) -> None:
    pytest.importorskip("asgiref")
    app = built()

    @app.get("/async/<resource_id>")
    @audit_log("thing.wait")
    async def wait(resource_id: str) -> str:
        audit_logger.log("awaited")
        if resource_id == "fail":
            raise KeyError(resource_id)
        return "done"

    client = app.test_client()
    assert client.get("/async/a").text == "done"
    event = named(tallystick_events, "thing.wait")
    assert (event["resource_id"], event["user_id"], event["status"]) == ("a", "u42", "success")
    assert named(tallystick_events, "awaited")["request_id"] == event["request_id"]
    assert client.get("/async/fail").status_code == 500
    assert tallystick_events[-1]["error_message"] == "KeyError: 'fail'"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (lambda: None, (None, None)),
        (lambda: "u1", ("u1", None)),
        (lambda: 0, ("0", None)),
        (lambda: SimpleNamespace(id=1, group=SimpleNamespace(id=2)), ("1", "2")),
        (lambda: SimpleNamespace(username="n", group="admins"), ("n", "admins")),
        (lambda: SimpleNamespace(id=1, is_authenticated=False), (None, None)),
        (lambda: {"user_id": 3, "group": {"name": "staff"}}, ("3", "staff")),
        (lambda: 1 / 0, (None, None)),
    ],
)
def test_what_a_user_may_be(
    user: Callable[[], Any], expected: tuple[Any, Any], tallystick_events: Events
) -> None:
    built(user=user).test_client().get("/things/t-1")
    event = named(tallystick_events, "inside")
    assert (event.get("user_id"), event.get("group_id")) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"exclude": "/static/*"}, "exclude: a list of texts, not str"),
        ({"trusted_proxies": "10.0.0.0/8"}, "trusted_proxies: a list of texts, not str"),
        ({"mode": "synch"}, "mode: 'synch' is none of spool, sync and memory"),
        ({"record": "everything"}, "record is 'all', 'mutations'"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_a_wrong_option_is_raised_when_the_application_is_made(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        built(**options)


def test_twice_is_a_mistake() -> None:
    app = built()
    with pytest.raises(RuntimeError, match="already"):
        Tallystick(app)


def test_a_factory(tallystick_events: Events) -> None:
    extension = Tallystick()
    for name in ("one", "two"):
        app = Flask(name)
        extension.init_app(app, record="all")
        app.test_client().get("/").close()
    assert [event["status_code"] for event in tallystick_events] == [404, 404]


def test_outside_of_a_request(tallystick_events: Events) -> None:
    audit_log("job.run")(lambda: None)()
    app = built()
    with app.app_context():
        audit_log("job.run")(lambda: None)()
    with app.test_request_context("/x", method="POST"):
        g.user = "u1"
        audit_log("job.run")(lambda: None)()
    assert [event.get("user_id") for event in tallystick_events] == [None, None, "u1"]
    assert tallystick_events[2]["endpoint"] == "/x"
    assert not flask.has_request_context()


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (lambda: (flask.Response("x", 404), {"A": "b"}), 404),
        (lambda: (flask.Response("x", 500), [("A", "b")]), 500),
        (lambda: (flask.Response("x", 404), None, {"A": "b"}), 404),
        (lambda: (flask.Response("x", 404), 201), 201),
        (lambda: ("x", "409 CONFLICT"), 409),
        (lambda: NotFound(), 404),
        (lambda: (NotFound(), {"A": "b"}), 404),
        (lambda: abort(flask.Response("x", 402)), 402),
    ],
)
def test_a_status_is_that_of_the_answer(
    view: Callable[[], Any], code: int, tallystick_events: Events
) -> None:
    app = Flask(__name__)
    Tallystick(app)
    app.get("/")(audit_log("thing.get")(view))
    assert app.test_client().get("/").status_code == code
    (event,) = tallystick_events
    assert event["status_code"] == code
    assert (event["status"] == "success") == (code < 400)
