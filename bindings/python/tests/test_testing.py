"""What the tests of applications use."""

from __future__ import annotations

from typing import Any

import pytest

import tallystick
from tallystick import audit_logger
from tallystick.testing import capture


def test_capture_collects_and_ends() -> None:
    with capture() as outer:
        audit_logger.log("a")
        with capture() as inner:
            receipt = audit_logger.log("b", mode="sync")
            assert receipt and receipt.id
        audit_logger.log("c", id="mine")
    audit_logger.log("d")
    assert [event["action"] for event in outer] == ["a", "c"]
    assert [event["action"] for event in inner] == ["b"]


def test_capture_ends_when_an_error_goes_through() -> None:
    with pytest.raises(KeyError):
        with capture():
            raise KeyError
    assert not audit_logger.log("a")


def test_the_fixture_is_known_wherever_it_is_installed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from tallystick import audit_logger

        def test_it(tallystick_events):
            audit_logger.log("user.login", user_id="u")
            assert tallystick_events[0]["user_id"] == "u"
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_all_public_names_are_there() -> None:
    assert [name for name in tallystick.__all__ if not hasattr(tallystick, name)] == []


def test_events_are_as_they_would_be_sent(tallystick_events: list[dict[str, Any]]) -> None:
    with tallystick.context(tenant="t"):
        audit_logger.log("a", user_id=7)
    assert tallystick_events == [
        {"action": "a", "user_id": "7", "status": "success", "details": {"tenant": "t"}}
    ]
