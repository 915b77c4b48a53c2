"""What a recording call gives back."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Fields(NamedTuple):
    id: str | None = None
    index: int | None = None  # type: ignore[assignment]
    leaf: str | None = None
    repeated: bool = False


class Receipt(_Fields):
    """Where an event went. True if it was recorded.

    ``id`` is the event's; ``index`` and ``leaf`` (hexadecimal) are its place in the trail and the
    hash that stands for it in the tree, known in mode ``sync`` only. Keep them: with a checkpoint
    they are the whole evidence.

    It can be awaited, and gives itself; it need not be.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.id is not None

    def __await__(self) -> Generator[Any, None, Receipt]:
        return self
        yield


NOT_RECORDED = Receipt()


class Answer(list[T], Generic[T]):
    """A list that can be awaited too, and gives itself."""

    __slots__ = ("next",)

    def __init__(self, items: Any = (), next: str | None = None) -> None:
        super().__init__(items)
        self.next = next
        """The cursor for the next page; None at the end."""

    def __await__(self) -> Generator[Any, None, Answer[T]]:
        return self
        yield
