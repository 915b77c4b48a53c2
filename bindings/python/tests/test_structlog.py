"""structlog's processors, with structlog where it is there."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

import tallystick
from tallystick.context import Context
from tallystick.structlog import (
    AuditProcessor,
    add_correlation_id,
    add_duration,
    add_request,
    add_timestamp,
    add_user,
)


def test_what_the_context_knows_is_added() -> None:
    with tallystick.context(
        correlation_id="c1",
        trace_id="t1",
        user_id="u1",
        session_id="s1",
        request_id="r1",
        method="GET",
        endpoint="/a",
        ip_address="192.0.2.1",
    ):
        line: Any = {"event": "x"}
        for processor in (add_correlation_id, add_user, add_request):
            line = processor(None, "info", line)
    assert line == {
        "event": "x",
        "correlation_id": "c1",
        "trace_id": "t1",
        "user_id": "u1",
        "session_id": "s1",
        "request_id": "r1",
        "method": "GET",
        "endpoint": "/a",
        "ip_address": "192.0.2.1",
    }


def test_what_a_line_says_itself_stays() -> None:
    with tallystick.context(user_id="u1", correlation_id="c1"):
        line = add_user(None, "info", {"user_id": "u2"})
        line = add_correlation_id(None, "info", line)
        line = add_timestamp(None, "info", {**line, "timestamp": "then"})
    assert line == {"user_id": "u2", "correlation_id": "c1", "timestamp": "then"}


def test_nothing_is_added_without_a_context() -> None:
    line: Any = {}
    for processor in (add_correlation_id, add_user, add_request, add_duration):
        line = processor(None, "info", line)
    assert line == {}


def test_the_timestamp_is_iso_8601_in_utc() -> None:
    line = add_timestamp(None, "info", {})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])


def test_the_duration_counts_from_the_requests_start() -> None:
    with Context({}, started=time.perf_counter() - 0.5):
        line = add_duration(None, "info", {})
    assert line["duration_ms"] >= 500


def test_lines_that_say_what_happened_are_recorded(tallystick_events: list[Any]) -> None:
    processor = AuditProcessor()
    line: Any = {"event": "limit raised", "action": "limit.raise", "user_id": "u1", "limit": 5}
    before = dict(line)
    assert processor(None, "warning", line) is line
    assert line == before
    assert processor(None, "info", {"event": "chatter"}) == {"event": "chatter"}
    (event,) = tallystick_events
    assert event["action"] == "limit.raise"
    assert event["severity"] == "medium"
    assert event["message"] == "limit raised"
    assert event["user_id"] == "u1"
    assert event["details"] == {"limit": 5}


def test_all_lines_if_wanted(tallystick_events: list[Any]) -> None:
    AuditProcessor(lambda line: True)(None, "error", {"event": "x", "duration_ms": 2.5})
    (event,) = tallystick_events
    assert event["action"] == "log.error"
    assert event["status"] == "error"
    assert event["response_time_ms"] == 2.5


@pytest.mark.parametrize("how", ["true", "error", "triple"])
def test_an_exception_is_the_error_message(how: str, tallystick_events: list[Any]) -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        said = {"true": True, "error": error, "triple": (type(error), error, None)}[how]
        AuditProcessor()(None, "exception", {"action": "a.b", "exc_info": said})
    assert tallystick_events[0]["error_message"] == "ValueError: no"


def test_with_structlog(tallystick_events: list[Any]) -> None:
    structlog = pytest.importorskip("structlog")
    logger = structlog.wrap_logger(
        structlog.ReturnLogger(),
        processors=[
            add_correlation_id,
            add_user,
            add_request,
            add_timestamp,
            add_duration,
            AuditProcessor(),
            structlog.processors.JSONRenderer(),
        ],
    )
    with tallystick.context(user_id="u1", correlation_id="c1"):
        said = logger.info("limit raised", action="limit.raise")
    assert '"user_id": "u1"' in said
    assert tallystick_events[0]["action"] == "limit.raise"
    assert tallystick_events[0]["timestamp"].endswith("Z")
