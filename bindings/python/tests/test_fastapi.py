"""FastAPI: the decorator, dependencies, thread pool, background tasks, streams and the schema."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

fastapi = pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from fastapi import BackgroundTasks, Body, Depends, FastAPI, HTTPException, Request, Response  # noqa: E402
from fastapi.responses import StreamingResponse  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

import tallystick  # noqa: E402
from tallystick import audit_logger  # noqa: E402
from tallystick.fastapi import audit_log, install  # noqa: E402

Events = list[dict[str, Any]]


def current_user(request: Request, user: str = "u42") -> str:
    """A synchronous dependency: it runs in the thread pool."""
    request.state.user_id = user
    audit_logger.log("dependency")
    return user


async def session() -> AsyncIterator[str]:
    audit_logger.log("session.open")
    yield "session"
    audit_logger.log("session.close")


def built(decorated: bool = True) -> FastAPI:
    """The same application with the decorator and without."""
    app = FastAPI()

    def audited(*args: Any, **kwargs: Any) -> Any:
        return audit_log(*args, **kwargs) if decorated else lambda function: function

    @app.post("/reports", status_code=201)
    @audited("report.create", "report")
    async def create(
        data: dict[str, Any] = Body(...),
        user: str = Depends(current_user),
        db: str = Depends(session),
    ) -> dict[str, Any]:
        """Makes a report."""
        assert (user, db) == ("u42", "session")
        return {"id": 7, **data}

    @app.get("/reports/{report_id}")
    @audited("report.read", "report", "report_id")
    def read(report_id: int, request: Request, verbose: bool = False) -> dict[str, Any]:
        audit_logger.log_action("inside")
        if report_id == 404:
            raise HTTPException(404, "no such report")
        if report_id == 500:
            raise KeyError("broken")
        return {"report_id": report_id, "verbose": verbose}

    @app.put("/reports/{report_id}")
    @audited("report.update", "report", lambda result, report_id: f"r-{report_id}")
    async def update(report_id: int, response: Response, code: int = 202) -> Any:
        response.status_code = code
        return {}

    @app.get("/found/{name}")
    @audited("report.find", "report", lambda result: result["id"])
    async def find(name: str) -> dict[str, str]:
        if name == "none":
            raise HTTPException(404)
        return {"id": name}

    @app.delete("/reports/{report_id}")
    @audited("report.delete", "report", "report_id", severity="high")
    async def delete(report_id: int) -> Response:
        return Response(status_code=409)

    @app.get("/stream")
    @audited("report.stream")
    async def stream() -> StreamingResponse:
        def parts() -> Iterator[bytes]:
            yield b"1"
            audit_logger.log("part")
            yield b"2"

        return StreamingResponse(parts())

    @app.post("/later")
    @audited("report.later")
    async def later(tasks: BackgroundTasks, user: str = Depends(current_user)) -> None:
        tasks.add_task(audit_logger.log, "background")

    return app


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = built()
    install(app)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def named(events: Events, action: str) -> dict[str, Any]:
    (event,) = [event for event in events if event["action"] == action]
    return event


def test_a_success_with_the_results_id(client: TestClient, tallystick_events: Events) -> None:
    answer = client.post(
        "/reports", json={"title": "t", "password": "p"}, headers={"X-Request-Id": "r"}
    )
    assert answer.json() == {"id": 7, "title": "t", "password": "p"}
    event = named(tallystick_events, "report.create")
    assert event.pop("response_time_ms") >= 0
    assert event.pop("user_agent")
    assert event == {
        "action": "report.create",
        "resource_type": "report",
        "resource_id": "7",
        "user_id": "u42",
        "status": "success",
        "status_code": 201,
        "method": "POST",
        "endpoint": "/reports",
        "request_id": "r",
    }


def test_all_of_a_request_is_of_one_request(client: TestClient, tallystick_events: Events) -> None:
    answer = client.post("/reports", json={})
    actions = [event["action"] for event in tallystick_events]
    assert sorted(actions) == ["dependency", "report.create", "session.close", "session.open"]
    assert {e["request_id"] for e in tallystick_events} == {answer.headers["X-Request-Id"]}
    assert named(tallystick_events, "dependency")["user_id"] == "u42"


def test_a_synchronous_endpoint(client: TestClient, tallystick_events: Events) -> None:
    assert client.get("/reports/5?verbose=1").json() == {"report_id": 5, "verbose": True}
    event = named(tallystick_events, "report.read")
    assert (event["resource_id"], event["status_code"], event["endpoint"]) == (
        "5",
        200,
        "/reports/5",
    )
    inside = named(tallystick_events, "inside")
    assert inside["request_id"] == event["request_id"] and inside["response_time_ms"] >= 0


@pytest.mark.parametrize(("report_id", "text"), [(404, "no such report"), (500, "broken")])
def test_a_failure_goes_on(
    report_id: int, text: str, client: TestClient, tallystick_events: Events
) -> None:
    assert client.get(f"/reports/{report_id}").status_code == report_id
    event = named(tallystick_events, "report.read")
    assert (event["status"], event["status_code"]) == ("failure", report_id)
    assert text in event["error_message"]


def test_a_failure_has_no_result_to_ask(client: TestClient, tallystick_events: Events) -> None:
    client.get("/found/r-1")
    client.get("/found/none")
    events = [(e.get("resource_id"), e["status"]) for e in tallystick_events]
    assert events == [("r-1", "success"), (None, "failure")]


@pytest.mark.parametrize(("code", "status"), [(202, "success"), (418, "failure"), (503, "error")])
def test_a_status_code_that_the_endpoint_sets(
    code: int, status: str, client: TestClient, tallystick_events: Events
) -> None:
    client.put(f"/reports/3?code={code}")
    event = named(tallystick_events, "report.update")
    assert (event["resource_id"], event["status_code"], event["status"]) == ("r-3", code, status)


def test_a_response_that_the_endpoint_returns(
    client: TestClient, tallystick_events: Events
) -> None:
    client.delete("/reports/3")
    event = named(tallystick_events, "report.delete")
    assert (event["status_code"], event["status"], event["severity"]) == (409, "failure", "high")


def test_streams_and_background_tasks_are_inside(
    client: TestClient, tallystick_events: Events
) -> None:
    answer = client.get("/stream")
    assert answer.text == "12"
    assert named(tallystick_events, "part")["request_id"] == answer.headers["X-Request-Id"]
    client.post("/later")
    background = named(tallystick_events, "background")
    assert (background["user_id"], background["endpoint"]) == ("u42", "/later")


def test_a_middleware_in_a_task_of_its_own(tallystick_events: Events) -> None:
    """Starlette's BaseHTTPMiddleware runs what is inside of it in another task."""
    app = built()

    @app.middleware("http")
    async def authenticate(request: Request, call_next: Any) -> Any:
        request.state.user_id = "from middleware"
        tallystick.set_user(user_email="u@example.org")
        return await call_next(request)

    install(app, record="all")
    TestClient(app).get("/reports/5")
    for action in ("inside", "report.read", "http.get"):
        event = named(tallystick_events, action)
        assert (event["user_id"], event["user_email"]) == ("from middleware", "u@example.org")


def test_without_the_middleware(tallystick_events: Events) -> None:
    client = TestClient(built())
    client.get("/reports/5")
    event = named(tallystick_events, "report.read")
    assert (event["endpoint"], event["method"]) == ("/reports/5", "GET")
    client.put("/reports/5")  # takes no request: only the call is known
    assert "endpoint" not in named(tallystick_events, "report.update")


def test_outcomes_without_middleware_and_request(tallystick_events: Events) -> None:
    """What the call says by itself is not lost."""
    app = FastAPI()

    @app.get("/things/{name}")
    @audit_log("thing.read")
    def read(name: str) -> Any:
        if name == "raised":
            raise HTTPException(403)
        if name == "broken":
            raise KeyError(name)
        return Response(status_code=409) if name == "returned" else name

    client = TestClient(app, raise_server_exceptions=False)
    names = ("raised", "returned", "plain", "broken")
    assert [client.get(f"/things/{name}").status_code for name in names] == [403, 409, 200, 500]
    outcomes = [(event["status"], event.get("status_code")) for event in tallystick_events]
    assert outcomes == [("failure", 403), ("failure", 409), ("success", None), ("failure", None)]


def test_an_endpoint_is_told_what_is_done() -> None:
    with pytest.raises(TypeError, match="told what is done"):
        audit_log(lambda: 1)  # type: ignore[arg-type]


def test_the_schema_is_as_without_the_decorator() -> None:
    with_it, without = (json.dumps(built(decorated).openapi()) for decorated in (True, False))
    assert with_it == without


def test_a_wrong_request_never_reaches_the_endpoint(
    client: TestClient, tallystick_events: Events
) -> None:
    assert client.get("/reports/no-number").status_code == 422
    assert tallystick_events == []


def test_websockets_are_inside(tallystick_events: Events) -> None:
    app = FastAPI()

    @app.websocket("/chat")
    @audit_log("chat.join", "room", lambda: "lobby")
    async def chat(websocket: fastapi.WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())

    install(app)
    with TestClient(app).websocket_connect("/chat") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    event = named(tallystick_events, "chat.join")
    assert (event["endpoint"], event["resource_id"]) == ("/chat", "lobby")


def test_sync_denies_what_is_not_recorded() -> None:
    app = built()
    install(app, record="mutations", mode="sync")
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/reports/5").status_code == 200
    assert client.post("/reports", json={}).status_code == 500  # nothing is configured
