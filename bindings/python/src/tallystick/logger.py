"""``AuditLogger``: every way of recording, as calls.

Each call works on the class, on an instance and on the global ``audit_logger``; the first two of
these mean the same recorder, unless the instance was given one of its own. What a call gives back
can be awaited, and need not be. Events inherit from the current context (``tallystick.context``).

Wherever a call takes ``**more``, these are further members of the event, and win over what the call
would say; those that are no field stand in its details. ``mode="sync"`` waits for the receipt and
raises ``tallystick.Denied`` without one. In an event loop that stops the loop meanwhile:
``await asyncio.to_thread(audit_logger.log, …, mode="sync")`` does not.
"""

from __future__ import annotations

import enum
import functools
import time
import uuid
from collections.abc import Callable, Mapping
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeVar

from . import recorder as recorders
from ._values import text_of
from .changes import changes_between
from .context import _current_get
from .events import AuditEvent, AuditSeverity, members_of_event
from .reading import read
from .receipt import NOT_RECORDED, Answer, Receipt
from .recorder import Mode, Recorder

P = ParamSpec("P")
R = TypeVar("R")


_VALUES: Final = frozenset({"builtins", "datetime", "decimal", "uuid"})


class _everywhere(Generic[P, R]):
    """A method that means the global logger's where it is called on the class."""

    def __init__(self, function: Callable[Concatenate[AuditLogger, P], R]) -> None:
        self.__wrapped__ = function
        self.__doc__ = function.__doc__

    def __get__(self, instance: AuditLogger | None, owner: type[AuditLogger]) -> Callable[P, R]:
        return MethodType(self.__wrapped__, audit_logger if instance is None else instance)


def _without_db(*needed: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a database session stand before the other arguments, where one was needed once: an
    object of a library's, which is no action and no id, not even a wrong one. What is ``needed``
    besides is there then."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            kwargs.pop("db", None)
            if len(args) > 1 and type(args[1]) is not str and _is_session(args[1]):
                left = len(args) - 2 + sum(name in kwargs for name in needed)
                if left >= len(needed):
                    args = (args[0], *args[2:])
            return function(*args, **kwargs)

        return call

    return decorate


def _is_session(value: Any) -> bool:
    return type(value).__module__ not in _VALUES and not isinstance(
        value, (str, int, uuid.UUID, enum.Enum)
    )


class _OfGlobal:
    """What is asked of the class, and set on it, is the global logger's."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, kind: type) -> Any:
        return getattr(audit_logger, self._name)

    def __set__(self, owner: Any, value: Any) -> None:
        setattr(audit_logger, self._name, value)


class _Everywhere(type):
    """Calls on the class mean the global logger, and so do its settings."""

    if not TYPE_CHECKING:
        enabled = _OfGlobal()
        retention_days = _OfGlobal()


class AuditLogger(metaclass=_Everywhere):
    """Records events, and reads them back.

    ``recorder`` is where to; without one, what ``tallystick.configure()`` or the environment says.
    ``enabled`` and ``retention_days`` can be set at any time, on the class for the global logger.
    The second is for how long the application means entries to be kept; keeping and expiring them
    is the trail's.
    """

    enabled: bool
    retention_days: int

    ACTION_LOGIN: Final = "user.login"
    ACTION_LOGOUT: Final = "user.logout"
    ACTION_REGISTER: Final = "user.register"
    ACTION_PASSWORD_CHANGE: Final = "user.password_change"
    ACTION_PROFILE_UPDATE: Final = "user.profile_update"
    ACTION_DELETE_ACCOUNT: Final = "user.delete_account"
    ACTION_CREATE: Final = "resource.create"
    ACTION_READ: Final = "resource.read"
    ACTION_UPDATE: Final = "resource.update"
    ACTION_DELETE: Final = "resource.delete"
    ACTION_PERMISSION_GRANT: Final = "permission.grant"
    ACTION_PERMISSION_REVOKE: Final = "permission.revoke"
    ACTION_API_KEY_CREATE: Final = "api_key.create"
    ACTION_API_KEY_REVOKE: Final = "api_key.revoke"

    def __init__(
        self,
        recorder: Recorder | None = None,
        *,
        enabled: bool = True,
        retention_days: int = 2555,
    ) -> None:
        if recorder is not None and not isinstance(recorder, Recorder):
            wrong = type(recorder).__name__
            raise TypeError(f"recorder: a tallystick.Recorder(where, …), not {wrong}")
        self._recorder = recorder
        self.enabled = enabled
        self.retention_days = retention_days

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "enabled":
            value = recorders.checked_switch("enabled", value)
        elif name == "retention_days" and (not isinstance(value, int) or value < 1):
            raise ValueError(f"retention_days: a whole number from 1, not {value!r}")
        super().__setattr__(name, value)

    @property
    def recorder(self) -> Recorder:
        return self._recorder or recorders._default

    def _record(self, event: dict[str, Any], more: dict[str, Any], mode: Mode | None) -> Receipt:
        if not self.enabled:
            return NOT_RECORDED
        if more and isinstance(event, dict):
            event.update(more)
        return (self._recorder or recorders._default).record(event, mode)

    # Flask's names.

    @_everywhere
    def log_action(
        self,
        /,
        action: str,
        user_id: Any = None,
        data: Any = None,
        status_code: int | None = None,
        response_time: float | None = None,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """Someone did something. ``data`` becomes the details; ``response_time`` is in
        milliseconds, and is else counted from the start of the request."""
        event = {
            "action": action,
            "user_id": user_id,
            "details": data,
            "status_code": status_code,
            "response_time_ms": _since_start() if response_time is None else response_time,
        }
        return self._record(event, more, mode)

    @_everywhere
    def log_auth_event(
        self,
        /,
        event_type: str,
        user_id: Any = None,
        success: bool | None = None,
        details: Any = None,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """Who someone is was asked: ``"login"`` (by ``success``, ``login_success`` or
        ``login_failure``), ``"logout"``, ``"password_change"``, …"""
        event = _authentication(event_type, success)
        event.update(user_id=user_id, details=details)
        return self._record(event, more, mode)

    @_everywhere
    def log_database_timing(
        self,
        /,
        collection_name: str,
        operation: str,
        duration: float,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """An operation on a collection or table took so many milliseconds."""
        event = {
            "event_type": "database_timing",
            "resource_type": "collection",
            "resource_id": collection_name,
            "response_time_ms": duration,
            "details": {"operation": operation},
        }
        return self._record(event, more, mode)

    # FastAPI's names.

    @_everywhere
    @_without_db("action")
    def log(
        self,
        /,
        action: str,
        resource_type: str | None = None,
        user_id: Any = None,
        resource_id: Any = None,
        details: Any = None,
        changes: Mapping[str, Any] | None = None,
        status: str | None = None,
        error_message: Any = None,
        request: Any = None,
        *,
        mode: Mode | None = None,
        db: Any = None,
        **more: Any,
    ) -> Receipt:
        """Someone did something to a resource. ``status`` is success unless there is an
        ``error_message``; ``request`` is the framework's, if its members are not in the context
        already; ``db`` is not needed."""
        event = _of_request(request)
        event.update(
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            details=details,
            changes=changes,
            status=("success" if error_message is None else "failure")
            if status is None
            else status,
            error_message=None if error_message is None else text_of(error_message),
        )
        if user_id is not None:
            event["user_id"] = user_id
        return self._record(event, more, mode)

    @_everywhere
    @_without_db("user_id", "action")
    def log_user_action(
        self,
        /,
        user_id: Any,
        action: str,
        details: Any = None,
        request: Any = None,
        *,
        mode: Mode | None = None,
        db: Any = None,
        **more: Any,
    ) -> Receipt:
        """A user did something to their own account: the resource is the user."""
        event = _of_request(request)
        event.update(action=action, user_id=user_id, resource_type="user", resource_id=user_id)
        event.update(details=details)
        return self._record(event, more, mode)

    @_everywhere
    @_without_db("action", "resource_type", "resource_id")
    def log_resource_change(
        self,
        /,
        action: str,
        resource_type: str,
        resource_id: Any,
        user_id: Any = None,
        before: Any = None,
        after: Any = None,
        changes: Mapping[str, Any] | None = None,
        request: Any = None,
        *,
        mode: Mode | None = None,
        db: Any = None,
        **more: Any,
    ) -> Receipt:
        """A resource went from one state to another. ``changes`` are the members that differ
        between ``before`` and ``after``, unless they are given."""
        event = _of_request(request)
        event.update(
            action=action,
            resource_type=resource_type,
            resource_id=resource_id,
            changes=changes_between(before, after) if changes is None else changes,
        )
        if user_id is not None:
            event["user_id"] = user_id
        return self._record(event, more, mode)

    # The security framework's names.

    @_everywhere
    def log_event(
        self,
        /,
        event: AuditEvent | Mapping[str, Any],
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """Records an event as it is."""
        return self._record(members_of_event(event), more, mode)

    @_everywhere
    def log_authentication_event(
        self,
        /,
        event_type: str,
        user_id: Any = None,
        success: bool | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
        details: Any = None,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """As ``log_auth_event``, with the client's address and agent where no context has them."""
        event = _authentication(event_type, success)
        event.update(
            user_id=user_id,
            ip_address=ip_address,
            user_agent=user_agent,
            resource_type="authentication",
            details=details,
        )
        return self._record(event, more, mode)

    @_everywhere
    def log_data_access(
        self,
        /,
        user_id: Any,
        resource_type: str,
        resource_id: Any = None,
        operation: str = "read",
        details: Any = None,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """Data was created, read, updated or deleted (``operation``, or its letter C, R, U, D)."""
        name = text_of(operation).lower()
        event = {
            "event_type": "data_" + _OPERATIONS.get(name, name),
            "user_id": user_id,
            "resource_type": resource_type,
            "resource_id": resource_id,
            "details": details,
        }
        return self._record(event, more, mode)

    @_everywhere
    def log_report_event(
        self,
        /,
        event_type: str,
        user_id: Any = None,
        report_id: Any = None,
        details: Any = None,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """A report was created, approved or rejected: ``report_create``, …, or ``"approve"``."""
        text = text_of(event_type)
        event = {
            "event_type": text if text.startswith("report_") else f"report_{text}",
            "user_id": user_id,
            "resource_type": "report",
            "resource_id": report_id,
            "details": details,
        }
        return self._record(event, more, mode)

    @_everywhere
    def log_security_event(
        self,
        /,
        event_type: str = "security_violation",
        severity: str | None = None,
        user_id: Any = None,
        message: str | None = None,
        details: Any = None,
        *,
        mode: Mode | None = None,
        **more: Any,
    ) -> Receipt:
        """Something that a security engineer wants to know."""
        event = {
            "event_type": event_type,
            "severity": severity,
            "user_id": user_id,
            "message": message,
            "details": details,
        }
        return self._record(event, more, mode)

    @_everywhere
    @_without_db()
    def get_audit_logs(
        self,
        /,
        user_id: Any = None,
        *,
        user_email: str | None = None,
        action: str | None = None,
        event_type: str | None = None,
        resource_type: str | None = None,
        entity_type: str | None = None,
        resource_id: Any = None,
        severity: AuditSeverity | str | None = None,
        start_date: Any = None,
        end_date: Any = None,
        success: bool | None = None,
        limit: int = 50,
        q: str | None = None,
        cursor: str | None = None,
        db: Any = None,
    ) -> Answer[AuditEvent]:
        """The newest entries that match all of this, at most ``limit`` (1,000) of them.

        Dates include both ends. ``q`` is a filter as in docs/api.md. The answer's ``next`` is the
        ``cursor`` of the page behind it. What this process has recorded is shipped first. The key
        needs a role that may read; ``tallystick.Forbidden`` says so, and ``tallystick.Invalid``
        what is wrong with a question.
        """
        parameters = {
            "user_id": user_id,
            "user_email": user_email,
            "action": action,
            "event_type": event_type,
            "resource_type": resource_type,
            "entity_type": entity_type,
            "resource_id": resource_id,
            "severity": severity,
            "start_date": start_date,
            "end_date": end_date,
            "success": success,
            "limit": limit,
            "q": q,
            "cursor": cursor,
        }
        return read(self.recorder, parameters)

    @_everywhere
    def flush(self, /, timeout: float = 5.0) -> bool:
        """Waits until all that was recorded has its answer; False if that takes longer."""
        return self.recorder.flush(timeout)


_OPERATIONS: Final = {
    "c": "create",
    "r": "read",
    "u": "update",
    "d": "delete",
    "view": "read",
    "write": "update",
}

_AUTHENTICATION: Final = {
    "register": "user_register",
    "registration": "user_register",
    "delete_account": "account_delete",
}


def _authentication(event_type: str, success: bool | None) -> dict[str, Any]:
    text = text_of(event_type)
    if text == "login":
        text = "login_failure" if success is False else "login_success"
    status = None if success is None else "success" if success else "failure"
    return {"event_type": _AUTHENTICATION.get(text, text), "status": status}


def _of_request(request: Any) -> dict[str, Any]:
    if request is None:
        return {}
    from .request import members_of

    try:
        return members_of(request)
    except Exception:  # such as Flask's request, where there is none
        return {}


def _since_start() -> float | None:
    """Milliseconds since the request started; None outside of one."""
    context = _current_get()
    if context is None or context.started is None:
        return None
    return round((time.perf_counter() - context.started) * 1000, 3)


audit_logger = AuditLogger()
"""The logger that calls on the class mean."""
