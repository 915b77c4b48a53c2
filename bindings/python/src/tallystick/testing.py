"""For the tests of applications: events in a list, without a server.

    with tallystick.testing.capture() as events:
        client.post("/login", …)
    assert events[-1]["action"] == "user.login"

An event is what would be sent: with what its context has, before anything is masked and before the
trail fills in what it knows. It is a fixture of pytest too, ``tallystick_events``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import recorder as recorders


@contextmanager
def capture() -> Iterator[list[dict[str, Any]]]:
    """The list that all events of this process go to meanwhile, whatever is configured. Of captures
    inside each other, the innermost."""
    events: list[dict[str, Any]] = []
    recorders.captured.append(events)
    try:
        yield events
    finally:
        recorders.captured[:] = [other for other in recorders.captured if other is not events]
