"""What waits for a moment and then goes on, waits here for as long as a machine takes that does ten
other things. Whoever imports this module has patience; applications' processes do (``Trail.run``)."""

from __future__ import annotations

from typing import Any

from tallystick import _tally, reading

LONG_S = 120.0
"""For what should take no time at all."""

_Client = _tally.Client


def _client(where: str, **options: Any) -> Any:
    """Its receipts and answers are waited for, where the test does not say for how long."""
    options["timeout_ms"] = options.get("timeout_ms") or int(LONG_S * 1000)
    return _Client(where, **options)


_tally.Client = _client  # type: ignore[assignment, misc]
reading.FLUSH_S = LONG_S  # type: ignore[misc]
