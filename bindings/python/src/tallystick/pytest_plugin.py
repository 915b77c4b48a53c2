"""The fixture ``tallystick_events``, known to pytest wherever tallystick is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def tallystick_events() -> Iterator[list[dict[str, Any]]]:
    """What was recorded during the test: see ``tallystick.testing.capture``."""
    from tallystick.testing import capture

    with capture() as events:
        yield events
