"""The members an event has, and of which kind each is. The extension reads this table too.

It is the table "Fields" of docs/api.md; a test compares the two.
"""

from __future__ import annotations

from typing import Final

TEXT: Final = 0
"""A text. Numbers, UUIDs, enumeration members and the like are written as text."""
WHOLE: Final = 1
"""A whole number."""
DURATION: Final = 2
"""Milliseconds, a plain number without an exponent."""
TIME: Final = 3
"""RFC 3339; a ``datetime`` or seconds since 1970 are written so."""
OBJECT: Final = 4
DETAILS: Final = 5
"""The object that members which are no field go to."""

FIELDS: Final[dict[str, int]] = {
    "id": TEXT,
    "timestamp": TIME,
    "event_type": TEXT,
    "action": TEXT,
    "crud": TEXT,
    "severity": TEXT,
    "status": TEXT,
    "status_code": WHOLE,
    "user_id": TEXT,
    "user_email": TEXT,
    "group_id": TEXT,
    "actor_type": TEXT,
    "on_behalf_of": TEXT,
    "session_id": TEXT,
    "ip_address": TEXT,
    "user_agent": TEXT,
    "resource_type": TEXT,
    "resource_id": TEXT,
    "method": TEXT,
    "endpoint": TEXT,
    "response_time_ms": DURATION,
    "service": TEXT,
    "request_id": TEXT,
    "correlation_id": TEXT,
    "trace_id": TEXT,
    "message": TEXT,
    "error_message": TEXT,
    "changes": OBJECT,
    "details": DETAILS,
}

RESERVED: Final = frozenset(
    {"v", "index", "trail", "received", "writer", "leaf", "private", "control"}
)
"""The trail's own members: an event that brings one is refused."""

NOT_IN_CONTEXT: Final = frozenset({"id", "timestamp", "details", "changes"}) | RESERVED
"""What belongs to one event alone."""
