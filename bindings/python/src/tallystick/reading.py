"""Entries, asked of the trail."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from .events import AuditEvent
from .receipt import Answer
from .recorder import Recorder

FLUSH_S: Final = 2.0
"""How long reading waits for what this process has recorded to arrive."""


def read(recorder: Recorder, parameters: Mapping[str, Any]) -> Answer[AuditEvent]:
    """The page that the parameters of ``GET /api/events`` ask for, newest first."""
    given = {name: _text(value) for name, value in parameters.items() if value is not None}
    recorder.flush(FLUSH_S)
    page = recorder.get("/api/events?" + urlencode(given))
    entries = (AuditEvent.from_entry(entry, recorder) for entry in page["data"])
    return Answer(entries, page["next"])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)
