"""Tasks of Celery (5.2 and later): the events of a task have the context of whoever sent it.

    app = Celery("shop", broker="redis://…")
    tallystick.celery.install(app, record_tasks=True)

Call it where the application is made: the same in those who send and in the worker. The context
travels as a dictionary of texts in the message's header ``tallystick``; who may write to the broker
may write what they like there, as they may send any task. ``actor_type`` and ``on_behalf_of`` are
not in it: they say how somebody acts, and a task acts in another way than who has sent it.

How this meets Celery: a task's context is entered and left by the signals around its run, in the
thread that runs it, whatever pool that is of. A pool's process ends without Python's ``atexit``, so
its events are shipped by the signal of its end; what a killed one leaves in the spool is shipped by
the next process with that spool. Who is killed, or stopped by a hard time limit, cannot record its
end: the worker's main process does, which has seen the message come. Nothing that goes wrong here
reaches the task.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final
from weakref import WeakValueDictionary

from celery import signals
from celery.exceptions import Reject, Retry

from . import recorder as recorders
from ._values import cut, error_text, plain
from .context import Context, current_context

HEADER: Final = "tallystick"

CARRIED: Final = {
    "user_id": 256,
    "user_email": 256,
    "group_id": 256,
    "session_id": 256,
    "ip_address": 255,
    "request_id": 256,
    "correlation_id": 256,
    "trace_id": 256,
}
"""The members that go with a task, and how many bytes each may have."""

_ACTION_MAX: Final = 256

_RUN: Final = "tallystick_run"
"""Where a task's request holds its run."""


def install(app: Any, *, record_tasks: bool = False) -> Callable[[], None]:
    """Lets contexts go with the tasks of an application. ``record_tasks`` records each run as
    well: ``task.NAME`` with the task's id as ``request_id``, how it ended, and how long it took.
    Gives a function that ends it; installed again, the new options hold.

    Celery does not say of which application a task is when it is sent: contexts go with those of
    all applications of the process.
    """
    tasks = _Tasks(app, record_tasks)
    listeners: list[tuple[Any, Callable[..., None]]] = [
        (signals.before_task_publish, tasks.sends),
        (signals.task_prerun, tasks.begins),
        (signals.task_postrun, tasks.ends),
        (signals.worker_process_shutdown, tasks.leaves),
    ]
    reporting: list[tuple[Any, Callable[..., None]]] = [
        (signals.task_received, tasks.receives),
        (signals.task_failure, tasks.fails),
        (signals.task_revoked, tasks.terminates),
    ]
    identity = f"tallystick {id(app)}"

    def stop() -> None:
        for signal, _ in listeners + reporting:
            signal.disconnect(dispatch_uid=identity)

    stop()
    for signal, listener in listeners + (reporting if record_tasks else []):
        signal.connect(_guarded(listener), weak=False, dispatch_uid=identity)
    return stop


def _guarded(listener: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(listener)
    def guarded(**said: Any) -> None:
        try:
            listener(**said)
        except Exception as error:
            recorders.default().failure(f"of a Celery task: {error_text(error)}")

    return guarded


class _Run:
    """A run of a task: the context that is entered for it."""

    def __init__(self, sent: Mapping[str, str]) -> None:
        self.started = time.perf_counter()
        self.context = Context(sent, started=self.started)

    @property
    def took_ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1000, 3)


class _Tasks:
    """What listens; each method is a signal's, and takes what it names of what that says."""

    def __init__(self, app: Any, record_tasks: bool) -> None:
        self.app = app
        self.record_tasks = record_tasks
        self.received: WeakValueDictionary[str, Any] = WeakValueDictionary()
        """The worker's requests by id, for as long as it has them itself."""

    def sends(self, headers: Any = None, **_: Any) -> None:
        context = current_context()
        if context is None or not isinstance(headers, dict):
            return
        members = _carried(context.members)
        if members:
            headers[HEADER] = members

    def begins(self, task: Any = None, **_: Any) -> None:
        if task.app != self.app:
            return
        request = task.request
        # A task that runs in place has not been sent: it is inside of its caller's context.
        run = _Run({} if request.is_eager else _sent_with(vars(request)))
        setattr(request, _RUN, run)
        run.context.__enter__()

    def ends(self, task: Any = None, retval: Any = None, state: Any = None, **_: Any) -> None:
        if task.app != self.app:
            return
        run: _Run | None = vars(task.request).pop(_RUN, None)
        if run is None:
            return
        try:
            if self.record_tasks:
                _record_run(task, run, state, retval)
        finally:
            run.context.__exit__(None, None, None)

    def leaves(self, **_: Any) -> None:
        recorders._close_all()

    def receives(self, request: Any = None, **_: Any) -> None:
        self.received[request.id] = request

    def fails(
        self, sender: Any = None, task_id: Any = None, exception: Any = None, **_: Any
    ) -> None:
        """A task has failed. Inside of its run, the run's end says so; in the worker's main process
        nobody else will."""
        is_running = hasattr(sender.request, _RUN)
        if sender.app != self.app or is_running or isinstance(exception, Reject):
            return
        received = self.received.get(task_id)
        said = {} if received is None else received.request_dict
        _record_broken(sender, task_id, said, error_text(exception))

    def terminates(
        self,
        sender: Any = None,
        request: Any = None,
        terminated: bool = False,
        signum: Any = None,
        **_: Any,
    ) -> None:
        """A task was revoked; if it was running, it has ended by that."""
        if terminated and sender.app == self.app:
            _record_broken(sender, request.id, vars(request), f"Terminated: {signum}")


def _record_run(task: Any, run: _Run, state: str | None, result: Any) -> None:
    if state is None:  # an exception is passing: in place, or one that ends the process
        result = sys.exc_info()[1]
        state = "RETRY" if isinstance(result, Retry) else "FAILURE"
    event = _event(task, task.request.id, state, task.request.retries)
    event["response_time_ms"] = run.took_ms
    if state in ("FAILURE", "RETRY", "REJECTED"):
        cause = (result.exc or result) if isinstance(result, Retry) else result
        event["status"] = "failure"
        event["error_message"] = error_text(cause) if isinstance(cause, BaseException) else None
    recorders.default().record(event)


def _record_broken(task: Any, task_id: Any, said: Mapping[str, Any], error: str) -> None:
    event = _event(task, task_id, "FAILURE", said.get("retries"))
    event.update(status="error", error_message=error)
    recorders.default().record({**_sent_with(said), **event})


def _event(task: Any, task_id: Any, state: str, retries: Any) -> dict[str, Any]:
    return {
        "action": cut(f"task.{task.name}", _ACTION_MAX),
        "status": "success",
        "request_id": cut(str(task_id), CARRIED["request_id"]),
        "details": {"state": state, "retries": retries or 0},
    }


def _sent_with(request: Mapping[str, Any]) -> dict[str, str]:
    """The members in a message's header, which is beside Celery's own or among the custom ones."""
    header = request.get(HEADER)
    if header is None:
        custom = request.get("headers")
        header = custom.get(HEADER) if isinstance(custom, Mapping) else None
    if not isinstance(header, Mapping):
        return {}
    return _carried({name: value for name, value in header.items() if isinstance(value, str)})


def _carried(members: Mapping[str, Any]) -> dict[str, str]:
    carried = {}
    for name, size in CARRIED.items():
        value = members.get(name)
        if value is not None and value != "":
            carried[name] = cut(_text(value), size)
    return carried


def _text(value: Any) -> str:
    """As the trail would have it, and as every broker takes it: without lone surrogates."""
    simpler = value if isinstance(value, str) and not isinstance(value, Enum) else plain(value)
    return str(simpler).encode("utf-8", "replace").decode()
