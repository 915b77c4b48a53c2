"""What events of one request have in common.

    with tallystick.context(user_id="u42", request_id=request_id):
        ...                         every event recorded meanwhile inherits these

An event takes from the innermost context what it lacks itself; a context takes from the one around
it, when it is made, what it lacks itself. Contexts follow ``contextvars``: tasks,
``asyncio.to_thread`` and whatever else copies a context sees the same one; a new thread begins with
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

from ._fields import NOT_IN_CONTEXT
from .errors import Invalid

_current: ContextVar[Context | None] = ContextVar("tallystick_context", default=None)

# Bound once: methods of an imported name are looked up and made anew for each call.
_current_get = _current.get
_current_set = _current.set
_current_reset = _current.reset


class Context:
    """Members that events inherit; enter it with ``with`` or ``async with``.

    ``started`` is a reading of ``time.perf_counter()``: the time since then is the response time of
    actions that bring none.
    """

    __slots__ = ("members", "outer", "started", "_tokens")

    def __init__(self, members: Mapping[str, Any], *, started: float | None = None) -> None:
        outer = _current_get()
        inherited = outer.members if outer is not None else {}
        self.members: dict[str, Any] = {**inherited, **_checked(members)}
        """All that is inherited here, the outer contexts' members among it. Never changed in
        place."""
        self.outer = outer
        inherited_start: float | None = None if outer is None else outer.started
        self.started: float | None = inherited_start if started is None else started
        self._tokens: list[Token[Context | None]] = []

    def update(self, **members: Any) -> None:
        """Sets members from now on, for everybody who is inside of this context."""
        self.members = {**self.members, **_checked(members)}

    def __enter__(self) -> Context:
        self._tokens.append(_current_set(self))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _leave(self, self._tokens.pop())

    async def __aenter__(self) -> Context:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)


def _leave(context: Context, token: Token[Context | None]) -> None:
    """Ends what ``_current.set(context)`` began."""
    try:
        _current_reset(token)
    except ValueError:
        # Left elsewhere than entered: frameworks run the two halves of a generator in different
        # copies of a context.
        if _current_get() is context:
            _current_set(context.outer)


def _checked(members: Mapping[str, Any]) -> dict[str, Any]:
    wrong = NOT_IN_CONTEXT.intersection(members)
    if wrong:
        name = min(wrong)
        raise Invalid(f"a context cannot have the member {name!r}", f"/{name}")
    return {name: value for name, value in members.items() if value is not None}


def context(**members: Any) -> Context:
    """A context of these members over the current one; any of an event's but ``id``, ``timestamp``,
    ``details`` and ``changes``. Members that are no field stand in the events' ``details``."""
    return Context(members)


def current_context() -> Context | None:
    """The context that an event recorded here inherits from, or None."""
    return _current_get()


def set_user(
    user_id: Any = None, *, user_email: str | None = None, group_id: Any = None, **members: Any
) -> None:
    """Says who it is, once that is known: for all of the innermost context (a request's, in the
    frameworks), also for who entered it further out. Without one, for this task or thread."""
    members.update(user_id=user_id, user_email=user_email, group_id=group_id)
    innermost = _current_get()
    if innermost is None:
        _current_set(Context(members))
    else:
        innermost.update(**members)
