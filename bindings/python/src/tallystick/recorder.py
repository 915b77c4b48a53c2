"""One destination of events, and what becomes of those that do not get there.

A ``Recorder`` opens its client with the first event. In the default mode nothing that goes wrong
reaches the application: it is logged as ``Audit logging failed: …`` at level CRITICAL on the logger
``tallystick``, at most every ten seconds, with how many events that were. Mode ``sync`` raises, and
so does a recorder that is ``strict``.

What the trail cannot take as it is, is not lost either: a member that is refused is moved to
``details.refused`` as text, and the event is recorded without it.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any, Final, Literal

from . import _tally
from ._values import cut
from .context import _current
from .errors import Denied, Error, Invalid
from .receipt import NOT_RECORDED, Receipt

Mode = Literal["spool", "sync", "memory"]

log = logging.getLogger("tallystick")

QUIET_S: Final = 10.0
"""Failures are logged once in so many seconds."""

EXIT_S: Final = 2.0
"""How long the end of the process waits for events to be shipped; the rest stays in the spool."""

MOVED_MAX: Final = 8
"""Members of one event that are moved to ``details.refused`` before it is given up."""

_lock = threading.Lock()
_open: weakref.WeakSet[Recorder] = weakref.WeakSet()

captured: list[list[dict[str, Any]]] = []
"""Where events go instead, innermost last: see ``tallystick.testing``."""


class Recorder:
    """Records events to one trail. Its options are those of ``tallystick.configure()``."""

    def __init__(
        self,
        where: str | os.PathLike[str] | None = None,
        *,
        key: str | None = None,
        trail: str | None = None,
        service: str | None = None,
        mode: Mode | None = None,
        full: Literal["block", "refuse", "drop_oldest"] | None = None,
        spool: str | os.PathLike[str] | None = None,
        spool_size_max: int = 0,
        memory_size_max: int = 0,
        spool_sync_ms: int = 0,
        timeout_ms: int = 0,
        mask_names: Sequence[str] | None = None,
        mask_patterns: Sequence[str] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        vkey: str | None = None,
        enabled: bool = True,
        strict: bool = False,
    ) -> None:
        self.enabled = enabled
        self.strict = strict
        self.mode: Mode = mode or "spool"
        self.where = os.fspath(where) if where is not None else None
        self.trail = trail or "main"
        self.vkey = vkey
        self.failed = 0
        """Events that were not recorded."""
        self._options: dict[str, Any] = {
            "key": key,
            "trail": trail,
            "service": service,
            "mode": mode,
            "full": full,
            "spool": os.fspath(spool) if spool is not None else None,
            "spool_size_max": spool_size_max,
            "memory_size_max": memory_size_max,
            "spool_sync_ms": spool_sync_ms,
            "timeout_ms": timeout_ms,
            "mask_names": list(mask_names) if mask_names is not None else None,
            "mask_patterns": list(mask_patterns) if mask_patterns is not None else None,
            "ca_file": os.fspath(ca_file) if ca_file is not None else None,
            "notice": self._notice,
        }
        self._client: _tally.Client | None = None
        self._quiet_until = 0.0
        self._unsaid = 0
        self._counted = 0
        self._count_again = False

    def record(self, event: dict[str, Any], mode: Mode | None = None) -> Receipt:
        """Records an event, with what the current context has. The dictionary stays as it is."""
        if not self.enabled:
            return NOT_RECORDED
        context = _current.get()
        members = None if context is None else context.members
        if captured:
            return _capture(event, members)
        try:
            client = self._client or self._opened()
            receipt = tuple.__new__(Receipt, client.record(event, members, mode))
        except Error as error:
            return self._not_recorded(event, members, mode, error)
        except Exception as error:  # of a value's own code, or of this package
            reason = Error(f"{type(error).__name__}: {error}")
            reason.__cause__ = error
            return self._not_recorded(event, members, mode, reason)
        if self._count_again:
            self._count_lost()
        return receipt

    async def record_async(self, event: dict[str, Any], mode: Mode | None = None) -> Receipt:
        """The same, without stopping the event loop while a receipt is waited for."""
        if (mode or self.mode) != "sync" or captured:
            return self.record(event, mode)
        return await asyncio.to_thread(self.record, event, mode)

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until all that was recorded has its answer; False if that takes longer."""
        return True if self._client is None else self._client.flush(timeout)

    def close(self, timeout: float = EXIT_S) -> None:
        """Ships what is queued for so many seconds; the rest stays in the spool. The next event
        opens the recorder again."""
        with _lock:
            client, self._client = self._client, None
        if client is not None:
            client.close(timeout)

    def statistics(self) -> dict[str, int]:
        """Counts of events: recorded, queued, sent, repeated, refused, lost, denied, invalid,
        masked."""
        return {} if self._client is None else self._client.statistics()

    def get(self, target: str) -> Any:
        """Asks the trail, as docs/api.md says: ``get("/api/stats?by=action")``."""
        return json.loads((self._client or self._opened()).get(target))

    def _opened(self) -> _tally.Client:
        with _lock:
            if self._client is None:
                where = self.where or os.environ.get("TALLY_URL")
                if not where:
                    raise NotConfigured()
                self._client = _tally.Client(where, **self._options)
                _open.add(self)
            return self._client

    def _not_recorded(
        self,
        event: dict[str, Any],
        members: dict[str, Any] | None,
        mode: Mode | None,
        error: Error,
    ) -> Receipt:
        if self.strict or (mode or self.mode) == "sync":
            raise error
        if isinstance(error, NotConfigured):
            error.warn_once()
            return NOT_RECORDED
        if isinstance(error, Invalid) and self._client is not None:
            receipt = self._without_refused(self._client, event, members, mode, error)
            if receipt is not None:
                return receipt
        self.failure(str(error), event)
        return NOT_RECORDED

    def _without_refused(
        self,
        client: _tally.Client,
        event: dict[str, Any],
        members: dict[str, Any] | None,
        mode: Mode | None,
        error: Error,
    ) -> Receipt | None:
        """Records the event without what is refused, which is kept as text."""
        rest = {**(members or {}), **{k: v for k, v in event.items() if v is not None}}
        refused: dict[str, str] = {}
        for _ in range(MOVED_MAX):
            name = error.pointer.split("/")[1] if "/" in error.pointer else "details"
            if name == "refused" or name not in rest:
                return None
            refused[name] = cut(_text(rest.pop(name)), 4096)
            refused["because"] = str(error)
            rest["refused"] = refused
            if "action" not in rest and "event_type" not in rest:
                rest["action"] = "audit.refused"
            try:
                receipt = tuple.__new__(Receipt, client.record(rest, None, mode))
            except Invalid as again:
                error = again
                continue
            except Error:
                return None
            log.warning("an event was recorded without what the trail refused: %s", error)
            return receipt
        return None

    def failure(self, reason: str, event: dict[str, Any] | None = None, count: int = 1) -> None:
        """Counts events that were not recorded, and says so, but not for each."""
        now = time.monotonic()
        with _lock:
            self.failed += count
            self._unsaid += count
            if now < self._quiet_until:
                return
            self._quiet_until = now + QUIET_S
            unsaid, self._unsaid = self._unsaid, 0
        what = (event or {}).get("action") or (event or {}).get("event_type") or "events"
        log.critical("Audit logging failed: %s (%s; %d not recorded)", reason, what, unsaid)

    def _notice(self, text: str) -> None:
        self._count_again = True
        log.warning("audit trail: %s", text)

    def _count_lost(self) -> None:
        """After a notice: whether the library has lost events, or the trail has refused some."""
        self._count_again = False
        statistics = self.statistics()
        gone = statistics.get("lost", 0) + statistics.get("refused", 0)
        if gone > self._counted:
            count, self._counted = gone - self._counted, gone
            self.failure("events were lost or refused", None, count)


class NotConfigured(Denied):
    """Nobody has said where the trail is."""

    warned = False

    def __init__(self) -> None:
        super().__init__(
            "tallystick is not configured, nothing is recorded: "
            "set TALLY_URL or call tallystick.configure()"
        )

    def warn_once(self) -> None:
        if not NotConfigured.warned:
            NotConfigured.warned = True
            log.warning("%s", self)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _tally.write_value(value)


def _capture(event: dict[str, Any], members: dict[str, Any] | None) -> Receipt:
    written = json.loads(_tally.write_event(event, members))
    captured[-1].append(written)
    return Receipt(str(written.get("id", f"captured-{len(captured[-1])}")))


_default = Recorder()


def default() -> Recorder:
    """The recorder that calls without one of their own use."""
    return _default


def set_default(recorder: Recorder) -> None:
    """Puts another one in its place; the old one is closed."""
    global _default
    old, _default = _default, recorder
    NotConfigured.warned = False
    old.close()


def _close_all() -> None:
    """At the end of the process: all recorders together get two seconds."""
    until = time.monotonic() + EXIT_S
    for recorder in list(_open):
        recorder.close(max(0.0, until - time.monotonic()))


def _after_fork() -> None:
    """A thread that is not there any more may have held it."""
    global _lock
    _lock = threading.Lock()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
