"""Processors for structlog: what the current context knows in each log line, and log lines as events.

    structlog.configure(processors=[
        tallystick.structlog.add_correlation_id,
        tallystick.structlog.add_user,
        tallystick.structlog.add_request,
        tallystick.structlog.add_timestamp,
        tallystick.structlog.add_duration,
        tallystick.structlog.AuditProcessor(),
        structlog.processors.JSONRenderer(),
    ])
    structlog.get_logger().info("limit raised", action="limit.raise", limit=500)

Each leaves alone what a line says by itself. They need nothing of structlog's and work with anything
that calls a processor as it does.
"""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from . import recorder as recorders
from ._fields import FIELDS
from ._values import cut, error_text
from .context import _current_get
from .recorder import Mode, Recorder

EventDict = MutableMapping[str, Any]

_MESSAGE_MAX: Final = 8192

_SEVERITIES: Final = {
    "warning": "medium",
    "warn": "medium",
    "error": "high",
    "exception": "high",
    "critical": "critical",
    "fatal": "critical",
}


def add_correlation_id(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """``correlation_id`` and ``trace_id``."""
    return _add(event_dict, "correlation_id", "trace_id")


def add_user(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """``user_id``, ``user_email``, ``group_id``, ``session_id``."""
    return _add(event_dict, "user_id", "user_email", "group_id", "session_id")


def add_request(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """``request_id``, ``method``, ``endpoint``, ``ip_address``."""
    return _add(event_dict, "request_id", "method", "endpoint", "ip_address")


def add_timestamp(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """``timestamp``: now, ISO 8601 in UTC with microseconds."""
    if "timestamp" not in event_dict:
        now = datetime.datetime.now(datetime.timezone.utc)
        event_dict["timestamp"] = now.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event_dict


def add_duration(logger: Any, method: str, event_dict: EventDict) -> EventDict:
    """``duration_ms``: milliseconds since the request began, where a context knows that."""
    context = _current_get()
    if context is not None and context.started is not None:
        took = (time.perf_counter() - context.started) * 1000
        event_dict.setdefault("duration_ms", round(took, 3))
    return event_dict


def _add(event_dict: EventDict, *names: str) -> EventDict:
    context = _current_get()
    if context is not None:
        for name in names:
            value = context.members.get(name)
            if value is not None:
                event_dict.setdefault(name, value)
    return event_dict


class AuditProcessor:
    """Records log lines and hands them on as they are.

    ``wanted`` says which ones; if nothing is said, those with an ``action`` or an ``event_type``. A
    line's text is the event's message, what has the name of a field is that member, the rest goes to
    the details.
    """

    def __init__(
        self,
        wanted: Callable[[EventDict], bool] | None = None,
        *,
        mode: Mode | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._wanted = wanted or _says_what_happened
        self._mode = mode
        self._recorder = recorder

    def __call__(self, logger: Any, method: str, event_dict: EventDict) -> EventDict:
        if self._wanted(event_dict):
            recorder = self._recorder or recorders.default()
            recorder.record(event_of(method, event_dict), self._mode)
        return event_dict


def _says_what_happened(event_dict: EventDict) -> bool:
    return "action" in event_dict or "event_type" in event_dict


def event_of(method: str, event_dict: EventDict) -> dict[str, Any]:
    """The event that a line stands for; ``method`` is the logger's that was called."""
    severity = _SEVERITIES.get(method, "low")
    event: dict[str, Any] = {"severity": severity}
    if severity in ("high", "critical"):
        event["status"] = "error"
    details: dict[str, Any] = {}
    for name, value in event_dict.items():
        if value is None or name.startswith("_"):
            continue
        if name == "event":
            event.setdefault("message", cut(str(value), _MESSAGE_MAX))
        elif name == "duration_ms":
            event.setdefault("response_time_ms", value)
        elif name == "exc_info":
            error = _error(value)
            if error is not None:
                event.setdefault("error_message", error_text(error))
        elif name == "details" and isinstance(value, dict):
            details.update(value)
        elif name in FIELDS and name != "details":
            event[name] = value
        else:
            details[name] = value
    if "action" not in event and "event_type" not in event:
        event["action"] = f"log.{method}"
    if details:
        event["details"] = details
    return event


def _error(value: Any) -> BaseException | None:
    """What ``exc_info`` may be: an exception, a triple, or true for the one being handled."""
    if isinstance(value, tuple) and len(value) == 3:
        value = value[1]
    elif value is True:
        value = sys.exc_info()[1]
    return value if isinstance(value, BaseException) else None
