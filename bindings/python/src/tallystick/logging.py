"""Records of Python's ``logging`` as events.

    logging.getLogger("payments.audit").addHandler(tallystick.logging.AuditHandler())
    logging.getLogger("payments.audit").warning(
        "limit raised", extra={"action": "limit.raise", "user_id": "u42", "limit": 500}
    )

What stands in ``extra`` under the name of a field is that member of the event, the rest goes to its
details. The event has the current context, as any. A record without an action is ``log.NAME`` with its logger's
name. The level gives the severity, and from ERROR on the status ``error``.

What the package logs itself is never recorded, or a failure would go round in circles.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from . import recorder as recorders
from ._fields import FIELDS
from ._values import cut, error_text, text_of
from .recorder import Mode, Recorder

_MESSAGE_MAX: Final = 8192

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has: all else in it came as ``extra``."""


class AuditHandler(logging.Handler):
    """Records what it is given. Nothing that goes wrong reaches the code that logs, but for
    ``tallystick.Denied`` in mode ``sync``."""

    def __init__(
        self,
        level: int | str = logging.NOTSET,
        *,
        mode: Mode | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        super().__init__(level)
        self._mode = mode
        self._recorder = recorder
        self.addFilter(_is_no_echo)

    def emit(self, record: logging.LogRecord) -> None:
        recorder = self._recorder or recorders.default()
        try:
            event = event_of(record)
        except Exception as error:  # of what a record was made to hold
            recorder.failure(f"a log record cannot be read: {error_text(error)}")
            return
        recorder.record(event, self._mode)


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    """The event that a record stands for."""
    event: dict[str, Any] = {
        "action": f"log.{record.name}",
        "timestamp": record.created,
        "severity": _severity(record.levelno),
        "message": cut(_message(record), _MESSAGE_MAX),
    }
    if record.levelno >= logging.ERROR:
        event["status"] = "error"
    if record.exc_info and record.exc_info[1] is not None:
        event["error_message"] = error_text(record.exc_info[1])
    details: dict[str, Any] = {
        "logger": record.name,
        "level": record.levelname,
        "source": f"{record.pathname}:{record.lineno}",
    }
    for name, value in vars(record).items():
        if name in _OWN or value is None:
            continue
        if name == "details" and isinstance(value, dict):
            details.update(value)
        elif name in FIELDS and name != "details":
            event[name] = value
        else:
            details[name] = value
    if "event_type" in event and "action" not in vars(record):
        del event["action"]  # the type says it
    event["details"] = details
    return event


def _message(record: logging.LogRecord) -> str:
    """Arguments that do not fit stand behind it, where ``logging`` would show a traceback."""
    try:
        return record.getMessage()
    except Exception:
        return f"{text_of(record.msg)} % {text_of(record.args)}"


def _severity(level: int) -> str:
    if level >= logging.CRITICAL:
        return "critical"
    if level >= logging.ERROR:
        return "high"
    return "medium" if level >= logging.WARNING else "low"


def _is_no_echo(record: logging.LogRecord) -> bool:
    return record.name != "tallystick" and not record.name.startswith("tallystick.")
