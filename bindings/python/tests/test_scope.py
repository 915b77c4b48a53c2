"""An event for a block: its end, its time, its changes."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import tallystick
from tallystick import audit_logger
from tallystick.changes import changes_between

Events = list[dict[str, Any]]


def test_success(tallystick_events: Events) -> None:
    with tallystick.scope("report.create", resource_type="report", user_id="u") as scope:
        scope.set(resource_id=7, status_code=201)
    (event,) = tallystick_events
    assert event.pop("response_time_ms") >= 0
    assert event == {
        "action": "report.create",
        "resource_type": "report",
        "resource_id": "7",
        "user_id": "u",
        "status": "success",
        "status_code": 201,
        "correlation_id": event["correlation_id"],
    }
    assert scope.receipt.id


def test_an_error_is_a_failure_and_goes_on(tallystick_events: Events) -> None:
    with pytest.raises(KeyError):
        with tallystick.scope("a"):
            raise KeyError("missing")
    (event,) = tallystick_events
    assert (event["status"], event["error_message"]) == ("failure", "KeyError: 'missing'")


def test_a_failure_without_an_error(tallystick_events: Events) -> None:
    with tallystick.scope("a") as scope:
        scope.fail("not today")
    with tallystick.scope("a") as scope:
        scope.fail()
    assert [(e["status"], e.get("error_message")) for e in tallystick_events] == [
        ("failure", "not today"),
        ("failure", None),
    ]


def test_a_generator_that_is_not_read_to_its_end_has_not_failed(tallystick_events: Events) -> None:
    def parts() -> Iterator[int]:
        with tallystick.scope("a"):
            yield 1
            yield 2

    async def parts_async() -> AsyncIterator[int]:
        async with tallystick.scope("a"):
            yield 1
            yield 2

    async def main() -> None:
        reader: Any = parts_async()
        assert await anext(reader) == 1
        await reader.aclose()

    reader: Any = parts()
    assert next(reader) == 1
    reader.close()
    asyncio.run(main())
    said = [(event["status"], event.get("error_message")) for event in tallystick_events]
    assert said == [("success", None)] * 2


def test_what_was_given_wins_but_not_over_an_error(tallystick_events: Events) -> None:
    with tallystick.scope("a", response_time_ms=0, status="error"):
        pass
    with pytest.raises(ValueError):
        with tallystick.scope("a", status="success"):
            raise ValueError
    assert tallystick_events[0]["response_time_ms"] == 0
    assert [event["status"] for event in tallystick_events] == ["error", "failure"]


def test_asynchronous(tallystick_events: Events) -> None:
    async def work() -> None:
        async with tallystick.scope("a") as scope:
            await asyncio.sleep(0)
            audit_logger.log("b")
        assert scope.receipt.id
        with pytest.raises(asyncio.CancelledError):
            async with tallystick.scope("c"):
                raise asyncio.CancelledError

    asyncio.run(work())
    b, a, c = tallystick_events
    assert (a["action"], b["action"], c["status"]) == ("a", "b", "failure")
    assert a["correlation_id"] == b["correlation_id"] != c["correlation_id"]


def test_the_correlation_of_outside_is_kept(tallystick_events: Events) -> None:
    with tallystick.context(correlation_id="outside"), tallystick.scope("a"):
        audit_logger.log("b")
    with tallystick.scope("c", correlation_id="mine"), tallystick.scope("d"):
        pass
    audit_logger.log("e")
    assert {event["action"]: event.get("correlation_id") for event in tallystick_events} == {
        "a": "outside",
        "b": "outside",
        "c": "mine",
        "d": "mine",
        "e": None,
    }


def test_before_is_what_it_was_when_it_was_set(tallystick_events: Events) -> None:
    report = {"state": "draft", "tags": ["a"], "at": datetime.date(2026, 1, 2)}
    with tallystick.scope("a") as scope:
        scope.before = report
        report["state"] = "done"
        report["tags"] += ["b"]
        scope.after = report
    assert tallystick_events[0]["changes"] == {
        "state": {"before": "draft", "after": "done"},
        "tags": {"before": ["a"], "after": ["a", "b"]},
    }


def test_no_changes_are_none(tallystick_events: Events) -> None:
    with tallystick.scope("a") as scope:
        scope.before = {"a": 1}
        scope.after = {"a": 1}
    assert "changes" not in tallystick_events[0]


@dataclass
class Report:
    name: str
    size: float


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, None, None),
        (None, {"a": 1}, {"a": {"after": 1}}),
        ({"a": None}, None, {"a": {"before": None}}),
        ({"a": 1, "b": 2}, {"b": 2, "c": 3}, {"a": {"before": 1}, "c": {"after": 3}}),
        (Report("n", 1.5), Report("n", 2.5), {"size": {"before": "1.5", "after": "2.5"}}),
        ({"a": 1}, {"a": True}, {"a": {"before": "1", "after": True}}),
        ({"a": {1, 2}}, {"a": [1, 2]}, {}),
        ({"a": [1]}, {"a": ["1"]}, {"a": {"before": ["1"], "after": ["1"]}}),
        (3, 4, {"value": {"before": "3", "after": "4"}}),
    ],
)
def test_changes(before: Any, after: Any, expected: Any) -> None:
    changes = changes_between(before, after)
    assert changes == _with_tokens(expected)


def _with_tokens(value: Any) -> Any:
    """Numbers are kept as their digits, which compare as texts."""
    if isinstance(value, dict):
        return {name: _with_tokens(member) for name, member in value.items()}
    return str(value) if isinstance(value, (int, float)) and value is not True else value


def test_what_is_too_large_or_contains_itself_stops_nothing(tallystick_events: Events) -> None:
    knot: dict[str, Any] = {}
    knot["knot"] = knot
    with tallystick.scope("a") as scope:
        scope.before = {"text": "x" * 3_000_000}
        scope.after = knot
    assert tallystick_events[0]["status"] == "success"
