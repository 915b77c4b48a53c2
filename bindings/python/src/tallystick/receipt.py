"""What a recording call gives back."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class _Awaitable:
    """What has its answer already, and gives itself when it is awaited. It is made as coroutines
    are, for ``asyncio.run()`` and ``asyncio.create_task()``, which take nothing else."""

    __slots__ = ()

    def __await__(self: R) -> Generator[Any, None, R]:
        return self
        yield

    def send(self, value: Any, /) -> NoReturn:
        raise StopIteration(self)

    def throw(self, error: Any, *more: Any) -> NoReturn:
        raise error

    def close(self) -> None:
        pass


class _Fields(NamedTuple):
    id: str | None = None
    index: int | None = None  # type: ignore[assignment]
    leaf: str | None = None
    repeated: bool = False


class Receipt(_Awaitable, _Fields):
    """Where an event went. True if it was recorded.

    ``id`` is the event's; ``index`` and ``leaf`` (hexadecimal) are its place in the trail and the
    hash that stands for it in the tree, known in mode ``sync`` only. Keep them: with a checkpoint
    they are the whole evidence.

    It can be awaited, and gives itself; it need not be.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.id is not None


NOT_RECORDED = Receipt()


class Answer(_Awaitable, list[T], Generic[T]):
    """A list that can be awaited too, and gives itself."""

    __slots__ = ("next",)

    def __init__(self, items: Any = (), next: str | None = None) -> None:
        super().__init__(items)
        self.next = next
        """The cursor for the next page; None at the end."""
