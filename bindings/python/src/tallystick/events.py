"""Events: their types and severities, and one as an object."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import _tally
from ._fields import FIELDS
from .errors import Error, Invalid


class _Word(str, enum.Enum):
    """A text that is one of a list."""

    def __str__(self) -> str:
        return str(self.value)


class AuditSeverity(_Word):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class AuditEventType(_Word):
    """The catalogue (docs/api.md): what is known of these is filled in. Any other text is a type
    too."""

    LOGIN_SUCCESS = "login_success"
    LOGIN_FAILURE = "login_failure"
    LOGOUT = "logout"
    USER_REGISTER = "user_register"
    PASSWORD_CHANGE = "password_change"
    PROFILE_UPDATE = "profile_update"
    ACCOUNT_DELETE = "account_delete"
    ACCESS_GRANTED = "access_granted"
    ACCESS_DENIED = "access_denied"
    DATA_CREATE = "data_create"
    DATA_READ = "data_read"
    DATA_UPDATE = "data_update"
    DATA_DELETE = "data_delete"
    REPORT_CREATE = "report_create"
    REPORT_APPROVE = "report_approve"
    REPORT_REJECT = "report_reject"
    USER_CREATE = "user_create"
    USER_UPDATE = "user_update"
    USER_DELETE = "user_delete"
    ROLE_CHANGE = "role_change"
    PERMISSION_GRANT = "permission_grant"
    PERMISSION_REVOKE = "permission_revoke"
    API_KEY_CREATE = "api_key_create"
    API_KEY_REVOKE = "api_key_revoke"
    CONFIG_CHANGE = "config_change"
    SECURITY_VIOLATION = "security_violation"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    DATABASE_TIMING = "database_timing"
    DATA_ACCESS = "data_access"
    DATA_PORTABILITY = "data_portability"
    RIGHT_TO_BE_FORGOTTEN = "right_to_be_forgotten"
    AUDIT_READ = "audit_read"
    AUDIT_EXPORT = "audit_export"
    AUDIT_CLEANUP = "audit_cleanup"


@dataclasses.dataclass(kw_only=False)
class AuditEvent:
    """An event, or an entry of a trail (then ``index`` says which).

    All members are optional but one of ``event_type`` and ``action``. They can be read as
    attributes and as those of a dictionary; ``event["no_such"]`` is a KeyError,
    ``event.get("no_such")`` is None.
    """

    event_type: str | None = None
    severity: str | None = None
    user_id: Any = None
    ip_address: str | None = None
    user_agent: str | None = None
    resource_type: str | None = None
    resource_id: Any = None
    action: str | None = None
    details: Mapping[str, Any] | None = None
    timestamp: datetime.datetime | str | None = None
    session_id: str | None = None
    status: str | None = None
    id: str | None = None
    user_email: str | None = None
    group_id: str | None = None
    actor_type: str | None = None
    on_behalf_of: str | None = None
    crud: str | None = None
    endpoint: str | None = None
    method: str | None = None
    status_code: int | None = None
    response_time_ms: float | None = None
    error_message: str | None = None
    message: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    trace_id: str | None = None
    service: str | None = None
    changes: Mapping[str, Any] | None = None
    index: int | None = None
    """Its place in the trail; None for an event that was not read back."""
    received: str | None = None
    """When the trail took it; set by the trail."""
    writer: str | None = None
    """Which key wrote it; set by the trail."""
    checksum: str = dataclasses.field(default="", compare=False)
    """SHA-256 of the event's JSON with sorted names, made when it was created."""

    def __post_init__(self) -> None:
        self._source: tuple[Any, dict[str, Any]] | None = None
        if not self.checksum:
            self.checksum = self._sum()

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any], source: Any = None) -> AuditEvent:
        """An entry as a trail gives it. ``source`` is the recorder that can be asked for
        evidence."""
        known = {name: entry[name] for name in _MEMBERS if name in entry}
        event = cls(**known)
        event._source = None if source is None else (source, dict(entry))
        return event

    def to_dict(self) -> dict[str, Any]:
        """Its members, those that it has, as values of JSON."""
        written: dict[str, Any] = json.loads(_tally.write_event(self.members()))
        for name in ("index", "received", "writer"):
            if getattr(self, name) is not None:
                written[name] = getattr(self, name)
        return written

    def members(self) -> dict[str, Any]:
        """What is recorded of it."""
        return {name: getattr(self, name) for name in FIELDS if getattr(self, name) is not None}

    def verify_integrity(self) -> bool:
        """Whether it is what it was.

        An entry that was read back: whether the trail has these members at this index, and a proof
        that leads from there to the root that the trail's key signed (``tallystick.evidence``). Any
        other event: whether it has the checksum that it had when it was created. An entry that
        comes from another process (by ``pickle``) has to be read again: it does not know whom to
        ask.
        """
        if self.index is None:
            return self.checksum != "" and self.checksum == self._sum()
        if self._source is None:
            raise Error(f"an entry is proved where it was read: read it again, by its id {self.id}")
        from .evidence import is_proved

        recorder, entry = self._source
        return self.checksum == self._sum() and is_proved(recorder, entry)

    def __getstate__(self) -> dict[str, Any]:
        """For other processes: the recorder, with its key, stays in this one."""
        return {**vars(self), "_source": None}

    def __copy__(self) -> AuditEvent:
        return self.__deepcopy__({}, copy=lambda value, memo: value)

    def __deepcopy__(self, memo: dict[int, Any], copy: Any = copy.deepcopy) -> AuditEvent:
        other = object.__new__(type(self))
        for name, value in vars(self).items():  # the recorder is the same
            vars(other)[name] = value if name == "_source" else copy(value, memo)
        return other

    def _sum(self) -> str:
        """Empty for what is too large to be an event: that is said when it is recorded."""
        try:
            members = self.to_dict()
        except Invalid:
            return ""
        text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def __getitem__(self, name: str) -> Any:
        value = getattr(self, name) if name in _MEMBERS else None
        if value is None:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        value = getattr(self, name) if name in _MEMBERS else None
        return default if value is None else value

    def keys(self) -> list[str]:
        return [name for name in _MEMBERS if getattr(self, name) is not None]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: object) -> bool:
        return name in self.keys()


def members_of_event(event: Any) -> Any:
    """The dictionary that is recorded of an event given as an object or a mapping; anything else as
    it is, for the recorder to refuse."""
    if isinstance(event, AuditEvent):
        return event.members()
    try:
        return dict(event) if isinstance(event, Mapping) else event
    except Exception:  # of a mapping of its own kind
        return event


_MEMBERS = tuple(
    field.name
    for field in dataclasses.fields(AuditEvent)
    if field.name != "checksum"
)
