"""What can go wrong. Unless the caller asks for it, nothing of this reaches an application."""

from __future__ import annotations


class Error(Exception):
    """The trail could not do what it was asked for.

    ``pointer`` is the JSON pointer (RFC 6901) of the member that is wrong, or empty; ``column`` the
    column of a filter, in bytes from 1, or 0. What was wrong with a filter that
    ``get_audit_logs()`` was given is ``reason``, and stands at ``filter[offset:]``; its text shows
    the place with a caret.
    """

    filter: str | None = None
    offset: int | None = None

    def __init__(self, text: str, pointer: str = "", column: int = 0) -> None:
        super().__init__(text)
        self.pointer = pointer
        self.column = column
        self.reason = text

    def __reduce__(self) -> tuple[object, ...]:
        """For processes: as it is, though its text is not all of it."""
        return type(self), (str(self), self.pointer, self.column), self.__dict__


class Denied(Error):
    """No receipt came, and the event is not kept: do not do what it says."""


class Conflict(Error):
    """The event's id stands for other content."""


class Invalid(Error, ValueError):
    """The trail refuses the event, the option or the question; ``pointer`` may say where."""


class Full(Error):
    """There is no room left in the spool."""


class Absent(Error, LookupError):
    """There is no such entry."""


class Forbidden(Error, PermissionError):
    """The key is not known, or has no role that may do this."""


class Unsupported(Error):
    """A trail of this kind does not answer this."""
