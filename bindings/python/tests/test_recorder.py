"""What becomes of events that cannot be recorded, with a client that refuses as it is told."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from typing import Any

import pytest

import tallystick
from tallystick import _tally, audit_logger
from tallystick import recorder as recorders
from tallystick.errors import Denied, Error, Full, Invalid
from tallystick.recorder import Recorder


class Client:
    """Takes what `refuse` does not raise for."""

    def __init__(self, where: str, **options: Any) -> None:
        self.where = where
        self.options = options
        self.taken: list[tuple[dict[str, Any], Any, Any]] = []
        self.counts = {"lost": 0, "refused": 0}
        self.closed: float | None = None

    def refuse(self, event: dict[str, Any], mode: str | None) -> None:
        pass

    def interrupted_by(self, error: BaseException) -> bool:
        return False

    def record(self, event: Any, context: Any = None, mode: Any = None) -> tuple[Any, ...]:
        self.refuse({**(context or {}), **event}, mode)
        self.taken.append((event, context, mode))
        return (f"id-{len(self.taken)}", None, None, False)

    def statistics(self) -> dict[str, int]:
        return self.counts

    def flush(self, timeout: float) -> bool:
        return True

    def close(self, timeout: float) -> None:
        self.closed = timeout


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client("there")
    monkeypatch.setattr(_tally, "Client", lambda where, **options: made)
    tallystick.configure("there")
    return made


def raising(error: Error) -> Any:
    def refuse(event: dict[str, Any], mode: str | None) -> None:
        raise error

    return refuse


def test_without_a_configuration_there_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert not audit_logger.log("a")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "TALLY_URL" in caplog.text
    with pytest.raises(Denied, match="not configured"):
        audit_logger.log("a", mode="sync")
    with pytest.raises(Denied):
        audit_logger.get_audit_logs()


def test_disabled_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    tallystick.configure(enabled=False)
    assert not audit_logger.log("a")
    assert not audit_logger.log("a", mode="sync")
    assert caplog.records == []


def test_the_client_is_opened_with_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def make(where: str, **options: Any) -> Client:
        opened.append((where, options["key"], options["trail"], options["mode"]))
        return Client(where)

    monkeypatch.setattr(_tally, "Client", make)
    tallystick.configure("there", key="k", trail="orders", mode="memory")
    assert opened == []
    audit_logger.log("a")
    audit_logger.log("b")
    assert opened == [("there", "k", "orders", "memory")]
    monkeypatch.setenv("TALLY_URL", "elsewhere")
    tallystick.configure()
    audit_logger.log("c")
    assert opened[1:] == [("elsewhere", None, None, None)]


def test_failures_are_logged_once_with_a_count(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.refuse = raising(Full("no room"))  # type: ignore[method-assign]
    now = [1000.0]
    monkeypatch.setattr(recorders.time, "monotonic", lambda: now[0])
    for _ in range(5):
        assert not audit_logger.log("user.login")
    now[0] += recorders.QUIET_S
    audit_logger.log("user.login")
    assert [(record.name, record.levelno) for record in caplog.records] == 2 * [
        ("tallystick", logging.CRITICAL)
    ]
    texts = [record.getMessage() for record in caplog.records]
    assert [re.sub(r":\d+;", ":0;", text) for text in texts] == [
        f"Audit logging failed: no room (user.login at {__file__}:0; 1 not recorded)",
        f"Audit logging failed: no room (user.login at {__file__}:0; 5 not recorded)",
    ]
    assert recorders.default().failed == 6


@pytest.mark.parametrize(
    "error", [Denied("no receipt"), Full("no room"), Invalid("bad", "/action")]
)
def test_sync_and_strict_raise(client: Client, error: Error) -> None:
    client.refuse = raising(error)  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        audit_logger.log("a", mode="sync")
    recorders.default().strict = True
    with pytest.raises(type(error)):
        audit_logger.log("a")


def test_a_client_that_cannot_be_opened_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def make(where: str, **options: Any) -> Any:
        raise Invalid("that is no URL")

    monkeypatch.setattr(_tally, "Client", make)
    tallystick.configure("nowhere")
    assert not audit_logger.log("a")
    assert "Audit logging failed: that is no URL" in caplog.text


def test_what_is_no_error_of_ours_stops_nothing_either(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.refuse = raising(RuntimeError("oh"))  # type: ignore[arg-type, method-assign]
    assert not audit_logger.log("a")
    assert not audit_logger.log("a", mode=7)  # type: ignore[arg-type]
    assert not tallystick.record([])  # type: ignore[arg-type]
    assert "Audit logging failed: RuntimeError: oh" in caplog.text
    with pytest.raises(Error, match="RuntimeError: oh"):
        audit_logger.log("a", mode="sync")


def test_a_request_that_cannot_be_asked_says_nothing(tallystick_events: list[Any]) -> None:
    class Outside:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("working outside of request context")

    assert audit_logger.log("a", request=Outside())
    assert tallystick_events == [{"action": "a", "status": "success"}]


def test_what_is_refused_is_moved_and_the_event_recorded(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(event: dict[str, Any], mode: str | None) -> None:
        if "user_id" in event:
            raise Invalid("too long", "/user_id")
        if isinstance(event.get("details"), dict):
            raise Invalid("too deep", "/details/a/0")

    client.refuse = refuse  # type: ignore[method-assign]
    with tallystick.context(user_id="u", request_id="r"):
        assert audit_logger.log("a", details={"a": [1]})
    ((event, context, mode),) = client.taken
    assert (context, mode) == (None, None)
    assert event["action"] == "a" and event["request_id"] == "r"
    assert event["refused"] == {"user_id": "u", "details": '{"a":[1]}', "because": "too deep"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_an_event_without_anything_that_is_taken_is_a_failure(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.refuse = raising(Invalid("never", ""))  # type: ignore[method-assign]
    assert not tallystick.record({"action": "a", "details": {}})
    client.refuse = raising(Invalid("never", "/action"))  # type: ignore[method-assign]
    assert not tallystick.record({"action": "a"})
    assert client.taken == []
    assert recorders.default().failed == 2


def test_an_action_that_is_refused_is_named_in_another(client: Client) -> None:
    def refuse(event: dict[str, Any], mode: str | None) -> None:
        if event.get("action") == "":
            raise Invalid("empty", "/action")

    client.refuse = refuse  # type: ignore[method-assign]
    assert tallystick.record({"action": "", "user_id": "u"})
    assert client.taken[0][0]["action"] == "audit.refused"


def test_loss_is_counted_after_a_notice(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    audit_logger.log("a")
    client.counts = {"lost": 3, "refused": 1}
    recorders.default()._notice("the server refuses the key")
    audit_logger.log("b")
    audit_logger.log("c")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "audit trail: the server refuses the key"),
        ("CRITICAL", "Audit logging failed: events were lost or refused (events; 4 not recorded)"),
    ]


def test_sync_does_not_stop_the_event_loop(client: Client) -> None:
    released = threading.Event()

    def refuse(event: dict[str, Any], mode: str | None) -> None:
        assert mode != "sync" or released.wait(60)

    client.refuse = refuse  # type: ignore[method-assign]

    async def main() -> None:
        async def work() -> None:
            async with tallystick.scope("a", mode="sync"):
                pass

        working = asyncio.create_task(work())
        while not working.done() and not released.is_set():
            await asyncio.sleep(0.01)
            released.set()
        await working

    asyncio.run(main())
    assert client.taken[0][2] == "sync"


def test_close_gives_what_time_is_left_and_opens_again(client: Client) -> None:
    audit_logger.log("a")
    tallystick.close(1.5)
    assert client.closed == 1.5
    tallystick.close()
    assert client.closed == 1.5
    assert audit_logger.log("b")


def test_a_logger_with_a_recorder_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients: dict[str, Client] = {}

    def make(where: str, **options: Any) -> Client:
        return clients.setdefault(where, Client(where))

    monkeypatch.setattr(_tally, "Client", make)
    tallystick.configure("default")
    tenant = tallystick.AuditLogger(Recorder("tenant", trail="tenant"))
    tenant.log("a")
    tallystick.AuditLogger.log("b")
    assert [c.taken[0][0]["action"] for c in (clients["tenant"], clients["default"])] == ["a", "b"]
