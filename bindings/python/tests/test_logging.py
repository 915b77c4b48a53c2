"""Records of ``logging`` as events."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import tallystick
from tallystick import recorder as recorders
from tallystick.logging import AuditHandler


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.Logger("shop.payments")
    handler = AuditHandler()
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_a_record_is_an_event(logger: logging.Logger, tallystick_events: list[Any]) -> None:
    with tallystick.context(request_id="r1"):
        logger.warning("limit of %s raised", "acme", extra={"user_id": "u42", "limit": 500})
    (event,) = tallystick_events
    assert event["action"] == "log.shop.payments"
    assert event["severity"] == "medium"
    assert event["message"] == "limit of acme raised"
    assert event["user_id"] == "u42"
    assert event["request_id"] == "r1"
    assert event["details"]["limit"] == 500
    assert event["details"]["logger"] == "shop.payments"
    assert "status" not in event


def test_the_time_is_the_records(logger: logging.Logger, tallystick_events: list[Any]) -> None:
    record = logger.makeRecord("shop", logging.INFO, "f", 1, "x", (), None)
    record.created = 1_700_000_000.25
    logger.handle(record)
    assert tallystick_events[0]["timestamp"].startswith("2023-11-14T22:13:20.25")


@pytest.mark.parametrize(
    ("level", "severity", "status"),
    [
        (logging.DEBUG, "low", None),
        (logging.INFO, "low", None),
        (logging.WARNING, "medium", None),
        (logging.ERROR, "high", "error"),
        (logging.CRITICAL, "critical", "error"),
    ],
)
def test_levels(
    logger: logging.Logger,
    tallystick_events: list[Any],
    level: int,
    severity: str,
    status: str | None,
) -> None:
    logger.log(level, "x")
    assert tallystick_events[0]["severity"] == severity
    assert tallystick_events[0].get("status") == status


def test_an_exception_is_the_error_message(
    logger: logging.Logger, tallystick_events: list[Any]
) -> None:
    try:
        raise KeyError("account")
    except KeyError:
        logger.exception("no account")
    assert tallystick_events[0]["error_message"] == "KeyError: 'account'"


def test_a_type_stands_for_an_action(
    logger: logging.Logger, tallystick_events: list[Any]
) -> None:
    logger.info("x", extra={"event_type": "config_change", "details": {"a": 1}})
    (event,) = tallystick_events
    assert event["event_type"] == "config_change"
    assert "action" not in event
    assert event["details"]["a"] == 1


class Silent:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_a_message_that_does_not_fit_its_arguments_is_recorded_beside_them(
    logger: logging.Logger, tallystick_events: list[Any]
) -> None:
    logger.info("%d", "seven")
    logger.info(Silent())
    said = [event["message"] for event in tallystick_events]
    assert said[0] == "%d % ('seven',)" and "Silent" in said[1]


def test_a_long_message_is_cut(logger: logging.Logger, tallystick_events: list[Any]) -> None:
    logger.info("ä" * 10_000)
    assert len(tallystick_events[0]["message"].encode()) <= 8192
    assert tallystick_events[0]["message"].endswith("…")


def test_failures_do_not_go_round_in_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler stands at the root, and each of its failures is logged."""
    monkeypatch.delenv("TALLY_URL", raising=False)
    recorder = recorders.Recorder("http://127.0.0.1:1", key="k", mode="sync", timeout_ms=50)
    calls = []
    monkeypatch.setattr(
        recorder, "record", lambda event, mode: (calls.append(event), recorder.failure("away"))
    )
    root = logging.getLogger()
    handler = AuditHandler(recorder=recorder)
    root.addHandler(handler)
    try:
        logging.getLogger("shop").error("once")
    finally:
        root.removeHandler(handler)
    assert len(calls) == 1
