"""What an application does to its database by way of SQLAlchemy (1.4 and 2): how long statements take,
and what changes in rows.

    tallystick.sqlalchemy.time_statements(engine, slow_ms=100)
    tallystick.sqlalchemy.record_changes(Session)

Statements are recorded without their parameters. Changes are recorded when the transaction is committed,
with each column's value before and after; what is rolled back, to a savepoint too, did not happen. Rows of
a table between two others (``secondary``) are members of a relationship: who has it has changed. Bulk
statements (``session.execute(update(…))``, ``session.bulk_save_objects``) change rows that no session
holds: they show as statements only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy import inspect as state_of
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from . import recorder as recorders
from ._values import cut, error_text
from .errors import Error
from .recorder import Mode, Recorder

_STATEMENT_MAX: Final = 4096
_ID_MAX: Final = 256

_TABLE: Final = re.compile(
    r"\b(?:FROM|INTO|UPDATE|TABLE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?([\w.\"`\[\]]+)", re.IGNORECASE
)

_KINDS: Final = {
    "C": ("data_create", "resource.create"),
    "U": ("data_update", "resource.update"),
    "D": ("data_delete", "resource.delete"),
}


# ---- statements ----


def time_statements(
    engine: Any,
    *,
    slow_ms: float = 0.0,
    mode: Mode | None = None,
    recorder: Recorder | None = None,
) -> Callable[[], None]:
    """Records each statement of an engine (an asynchronous one too) that takes ``slow_ms`` at least, or
    fails, as ``database_timing``. Gives a function that ends it."""
    target = getattr(engine, "sync_engine", engine)

    def before(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        context._tallystick_started = time.perf_counter()

    def record(statement: str, context: Any, **members: Any) -> None:
        started = getattr(context, "_tallystick_started", None)
        took = 0.0 if started is None else (time.perf_counter() - started) * 1000
        if took < slow_ms and "error_message" not in members:
            return
        operation = statement.split(None, 1)[0].lower() if statement.strip() else "statement"
        table = _TABLE.search(statement)
        (recorder or recorders.default()).record(
            {
                "event_type": "database_timing",
                "resource_type": "table",
                "resource_id": _bare(table[1]) if table else None,
                "response_time_ms": round(took, 3),
                "details": {
                    "operation": operation,
                    "statement": cut(statement, _STATEMENT_MAX),
                    "database": target.dialect.name,
                },
                **members,
            },
            mode,
        )

    def after(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        record(statement, context)

    def failed(failure: Any) -> None:
        if failure.statement is not None and failure.execution_context is not None:
            error = failure.original_exception
            record(
                failure.statement,
                failure.execution_context,
                status="error",
                error_message=error_text(error),
            )

    listeners = (
        ("before_cursor_execute", before),
        ("after_cursor_execute", after),
        ("handle_error", failed),
    )
    for name, listener in listeners:
        event.listen(target, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            event.remove(target, name, listener)

    return stop


def _bare(name: str) -> str:
    return cut(name.translate({ord(mark): None for mark in '"`[]'}), _ID_MAX)


# ---- rows ----


def record_changes(
    session: Any,
    *,
    only: Callable[[Any], bool] | None = None,
    exclude: tuple[str, ...] = (),
    mode: Mode | None = None,
    recorder: Recorder | None = None,
) -> Callable[[], None]:
    """Records rows that are created, changed and deleted through a session, a ``sessionmaker`` or the
    class ``Session``. ``only`` says of an object whether it is wanted; ``exclude`` names columns whose
    values are left out. Gives a function that ends it.

    In mode ``sync``, given here or the recorder's own, the events are recorded before the commit,
    which fails where the trail has no receipt to give: ``tallystick.Denied``.
    """
    target = _target_of(session)
    waiting = _Waiting(recorder, mode)

    def flushed(session: Any, context: Any) -> None:
        for kind, objects in (("C", session.new), ("U", session.dirty), ("D", session.deleted)):
            for row in objects:
                if only is None or only(row):
                    change = _change_of(session, row, kind, exclude)
                    if change is not None:
                        waiting.add(session, change)

    def begun(session: Any, transaction: Any, connection: Any) -> None:
        if waiting.waits and not transaction.nested:
            waiting.listen(session, connection)

    def committing(session: Any) -> None:
        if waiting.waits and session.get_nested_transaction() is None:
            session.flush()
            waiting.record(session)

    def committed(session: Any) -> None:
        savepoint = session.get_nested_transaction()
        if savepoint is None:
            waiting.record(session)
        else:
            waiting.keep(session, savepoint)

    listeners = (
        ("after_flush", flushed),
        ("after_begin", begun),
        ("before_commit", committing),
        ("after_commit", committed),
        ("after_transaction_end", waiting.drop),
    )
    for name, listener in listeners:
        event.listen(target, name, listener)

    def stop() -> None:
        for name, listener in listeners:
            event.remove(target, name, listener)

    return stop


def _target_of(session: Any) -> Any:
    """What events are listened to at: of an asynchronous session or its maker, the synchronous one."""
    made = getattr(session, "class_", None)
    inner = getattr(session, "sync_session", None) or getattr(
        made or session, "sync_session_class", None
    )
    return inner or session


class _Waiting:
    """Changes of transactions that are not committed yet, each with the transaction or savepoint that
    it happened in. Each session's ``info`` has them under this object: others may wait there, too."""

    def __init__(self, recorder: Recorder | None, mode: Mode | None) -> None:
        self._recorder = recorder
        self._mode = mode

    @property
    def recorder(self) -> Recorder:
        return self._recorder or recorders.default()

    @property
    def waits(self) -> bool:
        """Whether a receipt is waited for: while the commit can still be prevented."""
        return self.recorder.waits(self._mode)

    def add(self, session: Any, change: dict[str, Any]) -> None:
        transaction = session.get_nested_transaction() or session.get_transaction()
        session.info.setdefault(self, []).append((transaction, change))

    def record(self, session: Any) -> None:
        changes = session.info.get(self, [])
        while changes:
            _, change = changes[0]
            try:
                self.recorder.record(change, self._mode)
            except Error as error:
                if self.waits:
                    raise  # and what has no receipt waits for the next attempt to commit
                self.recorder.failure(str(error), change)  # of a strict one: what is committed stays
            del changes[0]

    def listen(self, session: Any, connection: Any) -> None:
        """Records when the connection commits what the commit flushes after `before_commit`, or finds in
        a savepoint left open. Until the transaction ends: a connection may outlive many."""

        def committing(_: Any) -> None:
            self.record(session)

        event.listen(connection, "commit", committing)
        session.info.setdefault((self, "commit"), []).append((connection, committing))

    def keep(self, session: Any, savepoint: Any) -> None:
        """A savepoint that was kept is part of what is around it."""
        outer = savepoint.parent
        while outer.parent is not None and not outer.nested:
            outer = outer.parent
        waiting = session.info.get(self, ())
        session.info[self] = [(outer if t is savepoint else t, c) for t, c in waiting]

    def drop(self, session: Any, transaction: Any) -> None:
        """It ended, and nobody kept what happened in it."""
        waiting = session.info.get(self)
        if waiting:
            session.info[self] = [(t, c) for t, c in waiting if t is not transaction]
        if transaction.parent is None:
            for connection, committing in session.info.pop((self, "commit"), ()):
                event.remove(connection, "commit", committing)


def _change_of(
    session: Any, row: Any, kind: str, exclude: tuple[str, ...]
) -> dict[str, Any] | None:
    """The event for a row that is being flushed; None where no column has changed."""
    state = state_of(row)
    changes: dict[str, dict[str, Any]] = {}
    for attribute in state.mapper.column_attrs:
        if attribute.key in exclude:
            continue
        change = _column_change(state, attribute.key, kind)
        if change is not None:
            changes[attribute.key] = change
    for relation in state.mapper.relationships:
        # Rows of a table between two others are no objects: they show as their owners' changes.
        if relation.secondary is not None and not relation.viewonly and relation.key not in exclude:
            change = _members_change(state, relation, kind)
            if change is not None:
                changes[relation.key] = change
    if kind == "U" and not changes:
        return None
    event_type, action = _KINDS[kind]
    return {
        "event_type": event_type,
        "action": action,
        "crud": kind,
        "resource_type": getattr(state.mapper.local_table, "name", type(row).__name__),
        "resource_id": _id_text(state.mapper.primary_key_from_instance(row)),
        "changes": changes,
    }


def _id_text(key: Iterable[Any]) -> str:
    return cut(",".join(str(part) for part in key), _ID_MAX)


def _id_of(row: Any) -> str:
    """Of a row that may have expired: it is not loaded for that."""
    state = state_of(row)
    known = None if state.key is None else state.key[1]
    return _id_text(known or state.mapper.primary_key_from_instance(row))


def _members_change(state: Any, relation: Any, kind: str) -> dict[str, Any] | None:
    """Of a relationship by way of a table between: the ids of who is in it."""
    history = state.get_history(relation.key, PASSIVE_NO_INITIALIZE)
    if kind != "D" and not history.has_changes():
        return None
    kept, added, removed = (
        [_id_of(row) for row in rows or () if row is not None]
        for rows in (history.unchanged, history.added, history.deleted)
    )
    if kind == "C":
        return {"before": None, "after": sorted(added)}
    if relation.lazy in ("dynamic", "write_only"):  # which never knows all of it
        change = {"before": {"removed": sorted(removed)}, "after": {"added": sorted(added)}}
        return change if added or removed else None
    before = sorted(kept + removed)
    if kind == "D":
        return {"before": before, "after": None} if before else None
    return {"before": before, "after": sorted(kept + added)}


def _column_change(state: Any, name: str, kind: str) -> dict[str, Any] | None:
    history = state.get_history(name, PASSIVE_NO_INITIALIZE)
    if kind == "C":
        value = state.dict.get(name)
        return None if value is None else {"before": None, "after": value}
    if kind == "D":
        value = state.dict.get(name)
        return None if value is None else {"before": value, "after": None}
    if not history.has_changes():
        return None
    # A value that was set without having been loaded has no before that anybody knows.
    change = {"before": history.deleted[0]} if history.deleted else {}
    change["after"] = history.added[0] if history.added else None
    return change
