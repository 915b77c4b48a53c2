"""One destination of events, and what becomes of those that do not get there.

A ``Recorder`` opens its client with the first event. In the default mode nothing that goes wrong
reaches the application: it is logged as ``Audit logging failed: …`` at level CRITICAL on the logger
``tallystick``, at most every ten seconds, with how many events that were and where the application
recorded the last. Mode ``sync`` raises, and so does a recorder that is ``strict``.

What the trail cannot take as it is, is not lost either: a member that is refused is moved to
``details.refused`` as text, and the event is recorded without it. A call with a mode that there is not
is recorded in the recorder's own.

A wrong option is another matter: it is raised where it is given, once, when the application starts.
What the environment says wrong is a failure like others.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, get_args

from . import _tally
from ._values import cut, error_text, text_of
from .context import _current_get
from .errors import Denied, Error, Invalid
from .receipt import NOT_RECORDED, Receipt

Mode = Literal["spool", "sync", "memory"]

log = logging.getLogger("tallystick")

QUIET_S: Final = 10.0
"""Failures are logged once in so many seconds, and so is what was moved."""

EXIT_S: Final = 2.0
"""How long the end of the process waits for events to be shipped; the rest stays in the spool."""

MOVED_MAX: Final = 8
"""Members of one event that are moved to ``details.refused`` before it is given up."""

# A signal's handler may record while its thread is in here.
_lock = threading.RLock()
_open: weakref.WeakSet[Recorder] = weakref.WeakSet()

captured: list[list[dict[str, Any]]] = []
"""Where events go instead, innermost last: see ``tallystick.testing``."""


class _Seldom:
    """What is worth saying, but not each time."""

    def __init__(self) -> None:
        self._quiet_until = 0.0
        self._unsaid = 0

    def due(self, count: int = 1) -> int:
        """How many there were since it was said last, if it is time to say so again; else 0."""
        now = time.monotonic()
        with _lock:
            self._unsaid += count
            if now < self._quiet_until:
                return 0
            self._quiet_until = now + QUIET_S
            unsaid, self._unsaid = self._unsaid, 0
        return unsaid


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
        insecure_http: bool = False,
    ) -> None:
        self._options: dict[str, Any] = {
            "key": key,
            "trail": trail,
            "service": service,
            "mode": mode,
            "full": full,
            "spool": _path(spool),
            "spool_size_max": spool_size_max,
            "memory_size_max": memory_size_max,
            "spool_sync_ms": spool_sync_ms,
            "timeout_ms": timeout_ms,
            "mask_names": listed("mask_names", mask_names),
            "mask_patterns": listed("mask_patterns", mask_patterns),
            "ca_file": _path(ca_file),
            "insecure_http": checked_switch("insecure_http", insecure_http),
        }
        self.where: str | None = _path(where) or None
        given = {name: value for name, value in self._options.items() if value not in (None, 0)}
        if self.where is not None or given:
            _tally.check_options(self.where, **given)
        if vkey is not None:
            _tally.check_vkey(vkey)
        self.enabled = checked_switch("enabled", enabled)
        self.strict = checked_switch("strict", strict)
        self.mode: Mode = mode or "spool"
        self.trail = trail or "main"
        self.vkey = vkey
        self.failed = 0
        """Events that were not recorded."""
        self._options["notice"] = self._notice
        self._client: _tally.Client | None = None
        self._failures = _Seldom()
        self._moves = _Seldom()
        self._modes = _Seldom()
        self._counted = 0
        self._count_again = False

    def __getstate__(self) -> dict[str, Any]:
        """For other processes: one of the same options, its key among them, that opens with its
        first event."""
        return {**vars(self), "_client": None}

    def record(self, event: dict[str, Any], mode: Mode | None = None) -> Receipt:
        """Records an event, with what the current context has. The dictionary stays as it is."""
        if not self.enabled:
            return NOT_RECORDED
        context = _current_get()
        members = None if context is None else context.members
        client = self._client
        try:
            if captured:
                return _capture(event, members, mode)
            if client is None:
                client = self._opened()
            receipt = client.record(event, members, mode)
        except Error as error:
            return self._not_recorded(event, members, mode, error)
        except Exception as error:  # of a value's own code, or of this package
            if client is not None and client.interrupted_by(error):
                raise  # of a signal's handler, which wants to end the wait
            reason = Error(error_text(error))
            reason.__cause__ = error
            return self._not_recorded(event, members, mode, reason)
        if self._count_again:
            self._count_lost()
        return receipt

    async def record_async(self, event: dict[str, Any], mode: Mode | None = None) -> Receipt:
        """The same, without stopping the event loop while a receipt is waited for."""
        if captured or not self.waits(mode):
            return self.record(event, mode)
        return await asyncio.to_thread(self.record, event, mode)

    def waits(self, mode: Mode | None) -> bool:
        """Whether recording in this mode waits for a receipt, and raises without one."""
        if mode is None:
            mode = self.mode
        return isinstance(mode, str) and mode == "sync"

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
                client = _tally.Client(where, **self._options)
                self._client = self._client or client  # a signal's handler may have been faster
                _open.add(self)
            return self._client

    def _not_recorded(
        self,
        event: dict[str, Any],
        members: dict[str, Any] | None,
        mode: Mode | None,
        error: Error,
    ) -> Receipt:
        if self.strict or self.waits(mode):
            raise error
        if isinstance(error, NotConfigured):
            error.warn_once()
            return NOT_RECORDED
        if not _is_mode(mode):
            return self._in_own_mode(event, error)
        if isinstance(error, Invalid) and isinstance(event, dict) and self._client is not None:
            receipt = self._without_refused(self._client, event, members, mode, error)
            if receipt is not None:
                return receipt
        self.failure(str(error), {} if event is None else event)
        return NOT_RECORDED

    def _in_own_mode(self, event: dict[str, Any], error: Error) -> Receipt:
        """Records the event as if nothing were said about a mode that there is not."""
        receipt = self.record(event)
        count = self._modes.due() if receipt else 0
        if count > 0:
            text = "an event was recorded in mode %s: %s (%s; %d such)"
            log.warning(text, self.mode, error, _place(event), count)
        return receipt

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
            if rest and error.pointer == "" and _is_nameless(rest):
                pass  # it only lacks a name
            else:
                name = error.pointer.split("/")[1] if "/" in error.pointer else "details"
                if name == "refused" or name not in rest:
                    return None
                refused[name] = cut(_text(rest.pop(name)), 4096)
            refused["because"] = str(error)
            rest["refused"] = refused
            if _is_nameless(rest):
                rest["action"] = "audit.refused"
            try:
                receipt = client.record(rest, None, mode)
            except Invalid as again:
                error = again
                continue
            except Error:
                return None
            count = self._moves.due()
            if count > 0:
                text = "an event was recorded without what the trail refused: %s (%s; %d such)"
                log.warning(text, error, _place(event), count)
            return receipt
        return None

    def failure(self, reason: str, event: Any = None, count: int = 1) -> None:
        """Counts events that were not recorded, and says so, but not for each."""
        with _lock:
            self.failed += count
        unsaid = self._failures.due(count)
        if unsaid > 0:
            text = "Audit logging failed: %s (%s; %d not recorded)"
            log.critical(text, reason, _place(event), unsaid)

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


def _path(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def listed(name: str, texts: Any) -> list[Any] | None:
    """A text is a list of its letters, too, which nobody means."""
    if texts is None:
        return None
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise TypeError(f"{name}: a list of texts, not {type(texts).__name__}")
    return list(texts)


def checked_switch(name: str, value: Any) -> bool:
    """A variable of the environment that says "false" would be true."""
    if not isinstance(value, int):
        raise TypeError(f"{name}: True or False, not {value!r}")
    return bool(value)


def checked_mode(mode: Any) -> Mode | None:
    """A mode as an option, which is not to be found wrong when it is needed."""
    if not _is_mode(mode):
        raise Invalid(f"mode: {text_of(mode)!r} is none of spool, sync and memory")
    return mode  # type: ignore[no-any-return]


def _is_mode(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in get_args(Mode))


def _is_nameless(event: dict[str, Any]) -> bool:
    """Whether it does not say what happened."""
    said = (event.get("action"), event.get("event_type"))
    return all(name is None or (isinstance(name, str) and not name) for name in said)


def _place(event: Any) -> str:
    """What an event is called, and where the application records it: for messages. None: several
    events, which nobody records just now."""
    if event is None:
        return "events"
    said = event.get("action", event.get("event_type")) if isinstance(event, dict) else None
    name = ("" if said is None else cut(text_of(said), 100)) or "an event"
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        if frame.f_back is None:
            return name
        frame = frame.f_back
    return f"{name} at {frame.f_code.co_filename}:{frame.f_lineno}"


def _text(value: Any) -> str:
    try:
        return value if isinstance(value, str) else _tally.write_value(value)
    except Invalid:  # too large for any event
        return text_of(value)


def _capture(
    event: dict[str, Any], members: dict[str, Any] | None, mode: Mode | None
) -> Receipt:
    checked_mode(mode)
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
    _lock = threading.RLock()
    _tell_multiprocessing()


def _tell_multiprocessing() -> None:
    """Its processes end without what ``atexit`` knows, but not without its own finalizers. Of these
    they begin with none, and then do what is to be done after a fork."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        _close_at_end(util)
        util.register_after_fork(util, _close_at_end)


def _close_at_end(util: Any) -> None:
    util.Finalize(None, _close_all, exitpriority=-100)  # after everybody's


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
_tell_multiprocessing()
