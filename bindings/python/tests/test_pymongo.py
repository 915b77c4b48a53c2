"""Timings of MongoDB's commands: the events are PyMongo's own, the server is not needed."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

monitoring = pytest.importorskip("pymongo.monitoring")

from tallystick.pymongo import CommandTimer

ADDRESS = ("localhost", 27017)


def started(command: dict[str, Any], number: int = 1, name: str | None = None) -> Any:
    name = name or next(iter(command))
    return monitoring.CommandStartedEvent(command, "shop", number, ADDRESS, None)


def succeeded(name: str, number: int = 1, ms: float = 1.5) -> Any:
    took = datetime.timedelta(milliseconds=ms)
    return monitoring.CommandSucceededEvent(took, {"ok": 1}, name, number, ADDRESS, None)


def failed(name: str, number: int = 1) -> Any:
    took = datetime.timedelta(milliseconds=2)
    failure = {"ok": 0, "errmsg": "no such collection"}
    return monitoring.CommandFailedEvent(took, failure, name, number, ADDRESS, None)


def test_a_command_is_timed(tallystick_events: list[Any]) -> None:
    timer = CommandTimer()
    timer.started(started({"find": "orders", "filter": {"card": "secret"}}))
    timer.succeeded(succeeded("find"))
    (event,) = tallystick_events
    assert event["event_type"] == "database_timing"
    assert event["resource_type"] == "collection"
    assert event["resource_id"] == "orders"
    assert event["response_time_ms"] == 1.5
    assert event["details"]["operation"] == "find"
    assert "secret" not in str(event)


def test_more_of_a_cursor_has_its_collection(tallystick_events: list[Any]) -> None:
    timer = CommandTimer()
    timer.started(started({"getMore": 7, "collection": "orders"}))
    timer.succeeded(succeeded("getMore"))
    assert tallystick_events[0]["resource_id"] == "orders"


def test_a_command_without_a_collection(tallystick_events: list[Any]) -> None:
    timer = CommandTimer()
    timer.started(started({"listDatabases": 1}))
    timer.succeeded(succeeded("listDatabases"))
    assert "resource_id" not in tallystick_events[0]


def test_users_and_roles_are_no_collections(tallystick_events: list[Any]) -> None:
    timer = CommandTimer()
    for command in ({"dropUser": "bob"}, {"rolesInfo": "r"}, {"grantRolesToUser": "bob"}):
        timer.started(started(command))
        timer.succeeded(succeeded(next(iter(command))))
    timer.started(started({"usersInfo": "bob"}))
    timer.failed(failed("usersInfo"))
    assert len(tallystick_events) == 4
    assert all("resource_id" not in event for event in tallystick_events)


def test_a_command_that_fails(tallystick_events: list[Any]) -> None:
    timer = CommandTimer(slow_ms=1000)
    timer.started(started({"drop": "orders"}))
    timer.failed(failed("drop"))
    (event,) = tallystick_events
    assert event["status"] == "error"
    assert event["error_message"] == "no such collection"
    assert event["resource_id"] == "orders"


def test_commands_at_the_same_time_are_kept_apart(tallystick_events: list[Any]) -> None:
    timer = CommandTimer()
    timer.started(started({"find": "a"}, 1))
    timer.started(started({"find": "b"}, 2))
    timer.succeeded(succeeded("find", 2))
    timer.succeeded(succeeded("find", 1))
    assert [event["resource_id"] for event in tallystick_events] == ["b", "a"]


def test_what_nobody_asked_for_and_what_is_quick_is_left_out(
    tallystick_events: list[Any],
) -> None:
    timer = CommandTimer(slow_ms=100)
    timer.started(started({"hello": 1}))
    timer.succeeded(succeeded("hello", ms=500))
    timer.started(started({"find": "a"}))
    timer.succeeded(succeeded("find", ms=99))
    assert tallystick_events == []


def test_commands_without_an_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.pymongo._OPEN_MAX", 10)
    timer = CommandTimer()
    for number in range(100):
        timer.started(started({"find": "a"}, number))
    assert len(timer._collections) == 10
