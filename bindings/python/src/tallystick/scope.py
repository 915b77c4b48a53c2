"""One event for a block of work: how it ended, how long it took, what it changed.

    with tallystick.scope("report.approve", resource_type="report", resource_id=7) as scope:
        scope.before = report.copy()
        report["state"] = "approved"
        scope.after = report

The event is recorded when the block ends: status success, or failure with the error, which goes on.
A generator that is not read to its end has not failed.
While it is open, events inherit its ``correlation_id`` (made if there is none). ``async with``
works as well.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from . import _tally
from . import recorder as recorders
from ._values import error_text, text_of
from .changes import changes_between, snapshot
from .context import Context, _current_get
from .errors import Error
from .receipt import NOT_RECORDED, Receipt
from .recorder import Mode, Recorder


class Scope:
    """Entered once. ``before`` and ``after`` are states of the resource (mappings, dataclasses, …):
    ``before`` is copied when it is set, so that it may be changed then."""

    def __init__(
        self,
        event: dict[str, Any],
        *,
        mode: Mode | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._event = event
        self._mode = mode
        self._recorder = recorder
        self._before: Any = None
        self._after: Any = None
        self._failure: str | None = None
        self._context: Context | None = None
        self._started = 0.0
        self.receipt: Receipt = NOT_RECORDED
        """Of the event, when the block has ended."""

    @property
    def before(self) -> Any:
        return self._before

    @before.setter
    def before(self, state: Any) -> None:
        self._before = snapshot(state)

    @property
    def after(self) -> Any:
        return self._after

    @after.setter
    def after(self, state: Any) -> None:
        self._after = state

    def set(self, **members: Any) -> None:
        """Members that became known meanwhile; they replace those given before."""
        self._event.update(members)

    def fail(self, reason: Any = None) -> None:
        """It is a failure, although nothing is raised."""
        if isinstance(reason, BaseException):
            self._failure = error_text(reason)
        else:
            self._failure = "" if reason is None else text_of(reason)

    def __enter__(self) -> Scope:
        outer = _current_get()
        members: dict[str, Any] = outer.members if outer is not None else {}
        correlation = self._event.get("correlation_id") or members.get("correlation_id")
        self._context = Context({"correlation_id": correlation or _tally.uuid4()})
        self._context.__enter__()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recorder = self._recorder or recorders.default()
        event = self._ended(error)
        try:
            self.receipt = recorder.record(event, self._mode)
        except Error as denied:
            if error is None:
                raise
            recorder.failure(str(denied), event)  # the error in the block is the one that goes on
        finally:
            self._leave()

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recorder = self._recorder or recorders.default()
        event = self._ended(error)
        try:
            self.receipt = await recorder.record_async(event, self._mode)
        except Error as denied:
            if error is None:
                raise
            recorder.failure(str(denied), event)
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._context is not None:
            self._context.__exit__(None, None, None)

    def _ended(self, error: BaseException | None) -> dict[str, Any]:
        took = (time.perf_counter() - self._started) * 1000
        event: dict[str, Any] = {"status": "success", "response_time_ms": round(took, 3)}
        changes = changes_between(self._before, self._after)
        if changes:
            event["changes"] = changes
        event.update((name, value) for name, value in self._event.items() if value is not None)
        if isinstance(error, GeneratorExit):
            error = None  # a generator's reader wants no more: it has not failed
        failure = error_text(error) if error is not None else self._failure
        if failure is not None:
            if event["status"] == "success":
                event["status"] = "failure"
            event.setdefault("error_message", failure or None)
        return event


def scope(
    action: str | None = None,
    *,
    event_type: str | None = None,
    mode: Mode | None = None,
    recorder: Recorder | None = None,
    **members: Any,
) -> Scope:
    """A scope whose event has this action or type and these members."""
    return Scope(
        {"action": action, "event_type": event_type, **members}, mode=mode, recorder=recorder
    )
