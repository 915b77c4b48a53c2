"""Entries, asked of the trail."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Set
from typing import Any, Final
from urllib.parse import urlencode

from ._values import text_of, time_text
from .errors import Invalid
from .events import AuditEvent
from .receipt import Answer
from .recorder import Recorder

FLUSH_S: Final = 2.0
"""How long reading waits for what this process has recorded to arrive."""

_TIMES: Final = ("start_date", "end_date")


def read(recorder: Recorder, parameters: Mapping[str, Any]) -> Answer[AuditEvent]:
    """The page that the parameters of ``GET /api/events`` ask for, newest first."""
    given = {name: _text(name, value) for name, value in parameters.items() if value is not None}
    recorder.flush(FLUSH_S)
    try:
        page = recorder.get("/api/events?" + urlencode(given))
    except Invalid as error:
        if "q" not in given or error.column == 0 or _is_of_another(error, given):
            raise
        raise _pointed(error, given["q"]) from None
    entries = (AuditEvent.from_entry(entry, recorder) for entry in page["data"])
    return Answer(entries, page["next"])


def _is_of_another(error: Invalid, given: Mapping[str, str]) -> bool:
    """Whether it is about a parameter of its own, whose name it begins with, and not the filter."""
    return any(error.reason.startswith(f"{name}: ") for name in given if name != "q")


def _pointed(error: Invalid, query: str) -> Invalid:
    """The same, saying where: the filter, and a caret below the place."""
    before = query.encode("utf-8", "replace")[: error.column - 1].decode("utf-8", "replace")
    # What the caret stands behind is as wide as the filter above it: tabs stay tabs.
    blank = "".join("\t" if character == "\t" else " " for character in before)
    said = f"the filter is refused at column {error.column}: {error.reason}"
    pointed = Invalid(f"{said}\n    {query}\n    {blank}^", error.pointer, error.column)
    pointed.reason, pointed.filter, pointed.offset = error.reason, query, len(before)
    return pointed


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date) or (name in _TIMES and isinstance(value, (int, float))):
        return str(time_text(value))
    if isinstance(value, (list, tuple, Set)):  # its text would be no entry's value
        raise TypeError(f'{name}: one value; several are asked for by q="{name}:a,b"')
    return text_of(value)
