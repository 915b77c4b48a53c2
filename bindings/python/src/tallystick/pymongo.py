"""How long commands to MongoDB take, by way of PyMongo (and Motor, which is made of it).

    client = pymongo.MongoClient(event_listeners=[tallystick.pymongo.CommandTimer(slow_ms=100)])

Each command is one event ``database_timing``: the collection is its resource, ``details`` has the
operation and the database. Filters and documents are not recorded; of a failure, what the server says
of it is, and of a duplicate key that has the key.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from pymongo import monitoring

from . import recorder as recorders
from ._values import cut
from .recorder import Mode, Recorder

_ID_MAX: Final = 256
_OPEN_MAX: Final = 10_000
"""Commands whose end is waited for; beyond, the oldest are forgotten: their connection broke."""

QUIET: Final = frozenset(
    """hello ismaster isMaster ping endSessions saslStart saslContinue authenticate getnonce
    buildInfo killCursors""".split()
)
"""Commands that nobody asked for."""


_NO_COLLECTION: Final = ("user", "role", "getparameter", "getlog")
"""Parts of commands' names whose value is no collection: somebody's name, for one."""


def _collection(command: Any, name: str) -> str | None:
    """A command names its collection as the value of its first member; getMore has it beside."""
    named = command.get("collection") or command.get(name)
    other = any(part in name.lower() for part in _NO_COLLECTION)
    return named if isinstance(named, str) and not other else None


def _failed(failure: Any) -> dict[str, Any]:
    said = failure.get("errmsg") if isinstance(failure, dict) else failure
    return {"status": "error", "error_message": cut(str(said), 8192)}


class CommandTimer(monitoring.CommandListener):
    """Records commands that take ``slow_ms`` at least, and those that fail or do not write all that
    they were to."""

    def __init__(
        self,
        *,
        slow_ms: float = 0.0,
        mode: Mode | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._slow_ms = slow_ms
        self._mode = mode
        self._recorder = recorder
        self._lock = threading.Lock()
        self._collections: dict[tuple[int, Any], str] = {}

    def started(self, event: Any) -> None:
        if event.command_name in QUIET:
            return
        named = _collection(event.command, event.command_name)
        if named is not None:
            with self._lock:
                while len(self._collections) >= _OPEN_MAX:
                    del self._collections[next(iter(self._collections))]
                self._collections[event.request_id, event.connection_id] = named

    def succeeded(self, event: Any) -> None:
        # A command goes well, too, where it does not write what it was to, and PyMongo raises.
        reply = event.reply if isinstance(event.reply, dict) else {}
        unwritten = reply.get("writeErrors") or [reply.get("writeConcernError")]
        self._ended(event, _failed(unwritten[0]) if unwritten[0] else {})

    def failed(self, event: Any) -> None:
        self._ended(event, _failed(event.failure))

    def _ended(self, event: Any, members: dict[str, Any]) -> None:
        if event.command_name in QUIET:
            return
        with self._lock:
            collection = self._collections.pop((event.request_id, event.connection_id), None)
        took = event.duration_micros / 1000
        if took < self._slow_ms and not members:
            return
        details = {
            "operation": event.command_name,
            "database": getattr(event, "database_name", None),
        }
        (self._recorder or recorders.default()).record(
            {
                "event_type": "database_timing",
                "resource_type": "collection",
                "resource_id": cut(collection, _ID_MAX) if collection else None,
                "response_time_ms": took,
                "details": {name: value for name, value in details.items() if value is not None},
                **members,
            },
            self._mode,
        )
