"""Contexts that go with tasks, by Celery's signals: tasks in place, and messages of a broker in
memory."""

from __future__ import annotations

import contextvars
import enum
import logging
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("celery")

from celery import Celery, chain, signals
from celery.app.trace import build_tracer
from celery.exceptions import Ignore, Reject, WorkerLostError

import tallystick
import tallystick.celery
from tallystick import _fields, audit_logger, current_context
from tallystick import recorder as recorders
from tallystick.celery import CARRIED, HEADER, install

WHO = {
    "user_id": "u42",
    "user_email": "ann@example.org",
    "group_id": "acme",
    "session_id": "s-1",
    "ip_address": "192.0.2.7",
    "request_id": "r-1",
    "correlation_id": "c-1",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}


class Shop:
    """An application, what it has sent, and a worker's way of running that."""

    def __init__(self) -> None:
        self.app = Celery(
            "shop", broker="memory://", backend="cache+memory://", set_as_current=False
        )
        self.sent: list[dict[str, Any]] = []

    def task(self, function: Any, **options: Any) -> Any:
        return self.app.task(name=f"shop.{function.__name__}", **options)(function)

    def kept(self, headers: Any = None, **_: Any) -> None:
        self.sent.append(headers)

    def run(self, task: Any, *args: Any, headers: dict[str, Any] | None = None) -> Any:
        """As a worker does, in a context of its own."""
        headers = self.sent[-1] if headers is None else headers
        tracer = build_tracer(task.name, task, app=self.app)
        request = {"delivery_info": {}, **headers}
        contextvars.Context().run(tracer, headers.get("id", "t-1"), args, {}, request)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    signals.after_task_publish.connect(shop.kept, weak=False)
    stop = install(shop.app)
    yield shop
    stop()
    signals.after_task_publish.disconnect(shop.kept)


@pytest.fixture
def recording(shop: Shop) -> Shop:
    install(shop.app, record_tasks=True)
    return shop


def pack() -> None:
    audit_logger.log("parcel.pack", "parcel", resource_id="p-1")


def test_the_context_goes_with_the_task(shop: Shop, tallystick_events: list[Any]) -> None:
    task = shop.task(pack)
    with tallystick.context(**WHO):
        task.delay()
    assert shop.sent[0][HEADER] == WHO
    shop.run(task)
    (event,) = tallystick_events
    assert {name: event[name] for name in WHO} == WHO
    assert event["action"] == "parcel.pack"
    assert current_context() is None


def test_what_does_not_go_with_it(shop: Shop, tallystick_events: list[Any]) -> None:
    task = shop.task(pack)
    with tallystick.context(
        user_id="u1",
        actor_type="user",
        on_behalf_of="u2",
        service="web",
        method="POST",
        endpoint="/parcels",
        user_agent="curl",
        tenant="acme",
    ):
        task.delay()
    assert shop.sent[0][HEADER] == {"user_id": "u1"}
    shop.run(task)
    assert tallystick_events[0].keys().isdisjoint({"actor_type", "on_behalf_of", "method"})


def test_what_goes_with_it_is_fields() -> None:
    assert all(_fields.FIELDS[name] == _fields.TEXT for name in CARRIED)


def test_without_a_context_nothing_does(shop: Shop, tallystick_events: list[Any]) -> None:
    task = shop.task(pack)
    task.delay()
    with tallystick.context(tenant="acme", user_id=""):
        task.delay()
    assert [HEADER in headers for headers in shop.sent] == [False, False]
    shop.run(task)
    assert "user_id" not in tallystick_events[0]


class Role(enum.Enum):
    ADMIN = "admin"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42, "42"),
        (uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (Role.ADMIN, "admin"),
        ("é" * 200, "é" * 126 + "…"),
        ("a\ud800", "a?"),
    ],
)
def test_members_are_texts_of_a_limited_size(shop: Shop, value: Any, text: str) -> None:
    task = shop.task(pack)
    with tallystick.context(user_id=value):
        task.delay()
    assert shop.sent[0][HEADER] == {"user_id": text}


@pytest.mark.parametrize(
    ("header", "members"),
    [
        ({"user_id": "u1", "actor_type": "system", "id": "x"}, {"user_id": "u1"}),
        ({"user_id": ["u1"], "group_id": 7, "trace_id": "t"}, {"trace_id": "t"}),
        ({"user_id": "u" * 300}, {"user_id": "u" * 253 + "…"}),
        ({7: "u1"}, {}),
        ("user_id=u1", {}),
        ([], {}),
        (None, {}),
    ],
)
def test_a_header_that_anybody_may_have_written(
    shop: Shop, tallystick_events: list[Any], header: Any, members: dict[str, str]
) -> None:
    shop.run(shop.task(pack), headers={"id": "t-1", HEADER: header})
    (event,) = tallystick_events
    assert {name: event[name] for name in [*CARRIED, "actor_type"] if name in event} == members
    assert event.get("id") != "x"


def test_the_first_protocol_has_it_among_the_custom_headers(
    shop: Shop, tallystick_events: list[Any]
) -> None:
    shop.run(shop.task(pack), headers={"id": "t-1", "headers": {HEADER: {"user_id": "u1"}}})
    assert tallystick_events[0]["user_id"] == "u1"


def test_it_goes_on_with_the_tasks_of_a_task(shop: Shop, tallystick_events: list[Any]) -> None:
    inner = shop.task(pack)

    def outer() -> None:
        tallystick.set_user("u2")
        inner.delay()

    task = shop.task(outer)
    with tallystick.context(user_id="u1", correlation_id="c-1"):
        chain(task.si(), inner.si()).delay()
    shop.run(task, headers={**shop.sent[0], HEADER: shop.sent[0][HEADER]})
    assert [headers[HEADER]["user_id"] for headers in shop.sent] == ["u1", "u2"]
    assert {headers[HEADER]["correlation_id"] for headers in shop.sent} == {"c-1"}


def test_a_retry_keeps_it(recording: Shop, tallystick_events: list[Any]) -> None:
    def send(self: Any) -> None:
        audit_logger.log("parcel.send")
        if self.request.retries == 0:
            raise self.retry(exc=ConnectionError("no van"), countdown=0)

    task = recording.task(send, bind=True)
    with tallystick.context(user_id="u1"):
        task.delay()
    recording.run(task)
    recording.run(task)
    assert [event["action"] for event in tallystick_events] == ["parcel.send", "task.shop.send"] * 2
    assert {event["user_id"] for event in tallystick_events} == {"u1"}
    _, retried, _, succeeded = tallystick_events
    assert retried["status"] == "failure"
    assert retried["error_message"] == "ConnectionError: no van"
    assert retried["details"] == {"state": "RETRY", "retries": 0}
    assert succeeded["status"] == "success"
    assert succeeded["details"] == {"state": "SUCCESS", "retries": 1}
    assert retried["request_id"] == succeeded["request_id"] == recording.sent[0]["id"]


def test_a_run_is_an_event(recording: Shop, tallystick_events: list[Any]) -> None:
    task = recording.task(pack)
    with tallystick.context(user_id="u1", request_id="r-1"):
        task.delay()
    recording.run(task)
    inside, run = tallystick_events
    assert inside["request_id"] == "r-1"
    assert run["action"] == "task.shop.pack"
    assert run["request_id"] == recording.sent[0]["id"]
    assert run["status"] == "success"
    assert run["user_id"] == "u1"
    assert run["response_time_ms"] >= 0
    assert "error_message" not in run


@pytest.mark.parametrize(
    ("error", "state", "status", "said"),
    [
        (ValueError("no such parcel"), "FAILURE", "failure", "ValueError: no such parcel"),
        (Reject("full", requeue=False), "REJECTED", "failure", "Reject"),
        (Ignore(), "IGNORED", "success", ""),
    ],
)
def test_a_run_that_does_not_succeed(
    recording: Shop,
    tallystick_events: list[Any],
    error: Exception,
    state: str,
    status: str,
    said: str,
) -> None:
    def fail() -> None:
        raise error

    try:
        recording.run(recording.task(fail), headers={"id": "t-1", "delivery_info": {}})
    except Reject:
        pass
    (run,) = tallystick_events
    assert run["details"]["state"] == state
    assert run["status"] == status
    assert said in run.get("error_message", "")
    assert current_context() is None


def test_runs_are_not_recorded_unless_asked_for(shop: Shop, tallystick_events: list[Any]) -> None:
    shop.run(shop.task(pack), headers={"id": "t-1"})
    assert [event["action"] for event in tallystick_events] == ["parcel.pack"]


def test_in_place(recording: Shop, tallystick_events: list[Any]) -> None:
    recording.app.conf.task_always_eager = True

    def pay(user: str) -> None:
        audit_logger.log("cart.pay")
        tallystick.set_user(user)

    task = recording.task(pay)
    with tallystick.context(user_id="u1", tenant="acme"):
        task.apply_async(("u2",), headers={HEADER: {"user_id": "forged"}})
        audit_logger.log("cart.close")
    paid, run, closed = tallystick_events
    assert paid["user_id"] == "u1" and paid["details"] == {"tenant": "acme"}
    assert run["user_id"] == "u2"
    assert closed["user_id"] == "u1"


def test_in_place_with_an_error_that_goes_on(
    recording: Shop, tallystick_events: list[Any]
) -> None:
    recording.app.conf.update(task_always_eager=True, task_eager_propagates=True)

    errors = [ValueError("no"), SystemExit(3)]

    def fail(number: int) -> None:
        raise errors[number]

    task = recording.task(fail)
    with tallystick.context(user_id="u1"):
        for number, error in enumerate(errors):
            with pytest.raises(type(error)):
                task.delay(number)
        assert current_context().members == {"user_id": "u1"}  # type: ignore[union-attr]
    assert [event["error_message"] for event in tallystick_events] == [
        "ValueError: no",
        "SystemExit: 3",
    ]


def test_in_threads(recording: Shop, tallystick_events: list[Any]) -> None:
    """Tasks of a pool of threads do not see each other's contexts."""
    together = threading.Barrier(4, timeout=60)

    def wait(number: int) -> None:
        together.wait()
        audit_logger.log("parcel.wait", resource_id=number)
        together.wait()

    task = recording.task(wait)
    tracer = build_tracer(task.name, task, app=recording.app)
    threads = [
        threading.Thread(
            target=tracer,
            args=(
                f"t-{n}",
                (n,),
                {},
                {"id": f"t-{n}", HEADER: {"user_id": f"u{n}"}, "delivery_info": {}},
            ),
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waited = [e for e in tallystick_events if e["action"] == "parcel.wait"]
    assert sorted((e["resource_id"], e["user_id"]) for e in waited) == [
        (str(n), f"u{n}") for n in range(4)
    ]
    assert sorted(
        (e["request_id"], e["user_id"]) for e in tallystick_events if e not in waited
    ) == [(f"t-{n}", f"u{n}") for n in range(4)]


class Received:
    """What a worker's main process has of a task."""

    def __init__(self, **said: Any) -> None:
        self.id = said["id"]
        self.request_dict = said


def test_a_run_whose_process_was_lost(recording: Shop, tallystick_events: list[Any]) -> None:
    task = recording.task(pack)
    received = Received(id="t-1", retries=2, **{HEADER: {"user_id": "u1"}})
    signals.task_received.send(sender=None, request=received)
    for task_id in ("t-1", "t-2"):
        lost = WorkerLostError("signal 9")
        signals.task_failure.send(sender=task, task_id=task_id, exception=lost)
    signals.task_failure.send(sender=task, task_id="t-1", exception=Reject("recorded by its run"))
    known, unknown = tallystick_events
    assert known["action"] == "task.shop.pack"
    assert known["status"] == "error"
    assert known["user_id"] == "u1"
    assert known["request_id"] == "t-1"
    assert known["error_message"] == "WorkerLostError: signal 9"
    assert known["details"] == {"state": "FAILURE", "retries": 2}
    assert "user_id" not in unknown


def test_a_run_that_was_terminated(recording: Shop, tallystick_events: list[Any]) -> None:
    task = recording.task(pack)
    request = type("Context", (), {})()
    vars(request).update({"id": "t-1", HEADER: {"user_id": "u1"}})
    signals.task_revoked.send(sender=task, request=request, terminated=False, signum=None)
    signals.task_revoked.send(sender=task, request=request, terminated=True, signum="SIGTERM")
    (run,) = tallystick_events
    assert run["status"] == "error"
    assert run["error_message"] == "Terminated: SIGTERM"
    assert run["user_id"] == "u1"


def test_a_process_of_a_pool_ships_what_it_has(shop: Shop, folder: Any) -> None:
    audit_logger.log("parcel.pack")
    assert recorders.default()._client is not None
    signals.worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
    assert recorders.default()._client is None


def test_each_application_has_its_own_options(
    recording: Shop, tallystick_events: list[Any]
) -> None:
    other = Shop()
    stop = install(other.app)
    other.run(other.task(pack), headers={"id": "t-1", HEADER: {"user_id": "u1"}})
    recording.run(recording.task(pack), headers={"id": "t-2", HEADER: {"user_id": "u2"}})
    stop()
    stop()
    other.run(other.task(pack), headers={"id": "t-3", HEADER: {"user_id": "u3"}})
    assert [(event["action"], event.get("user_id")) for event in tallystick_events] == [
        ("parcel.pack", "u1"),
        ("parcel.pack", "u2"),
        ("task.shop.pack", "u2"),
        ("parcel.pack", None),
    ]


class Broken:
    """A value that cannot even be printed."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class BrokenContext(tallystick.Context):
    members: Any = property(lambda self: 1 / 0, lambda self, members: None)


class Away(recorders.Recorder):
    """A trail that gives no receipt."""

    def record(self, event: dict[str, Any], mode: Any = None) -> Any:
        raise tallystick.Denied("away")


def test_nothing_that_goes_wrong_reaches_anybody(
    recording: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    ran = []

    def run() -> None:
        ran.append(current_context())

    task = recording.task(run)
    recorders.set_default(Away())
    with tallystick.context(user_id=Broken()):
        task.delay()
    with caplog.at_level(logging.CRITICAL, "tallystick"), BrokenContext({}):
        task.delay()
    assert [HEADER in headers for headers in recording.sent] == [True, False]
    recording.run(task)
    assert len(ran) == 1
    assert recorders.default().failed == 2
    assert "division by zero" in caplog.text
    signals.task_failure.send(sender=task, task_id="t-1", exception=ValueError())
    assert recorders.default().failed == 3
