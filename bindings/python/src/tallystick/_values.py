"""Values that JSON does not have, written as values that it has.

The extension writes texts, numbers, booleans, None, dictionaries, lists and tuples by itself and
asks ``plain`` for a simpler value in place of anything else. No value makes recording fail: at last
it is written as its text.
"""

from __future__ import annotations

import base64
import collections
import dataclasses
import datetime
import decimal
import enum
import logging
import os
import re
import uuid
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

log = logging.getLogger("tallystick")

TEXT_MAX: Final = 1000
"""Characters of what other values say of themselves."""

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Token(str):
    """A number as it is to be written, digit by digit."""


def plain(value: Any) -> Any:
    """A simpler value in place of one that JSON does not have. Raises nothing of its own."""
    try:
        return _plain(value)
    except Exception:
        return _repr(value)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return Token(value) if value.is_finite() else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text_of_bytes(bytes(value))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return _ordered(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, BaseException):
        return error_text(value)
    if isinstance(value, Sequence) and not isinstance(value, collections.UserString):
        return list(value)
    for name in ("model_dump", "tolist"):  # pydantic's models; numbers and arrays of NumPy
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            simpler = method()
            if simpler is not value:
                return simpler
    return _short(text_of(value))


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()


def _ordered(values: Set[Any]) -> list[Any]:
    """A set has no order; the same set is to be written the same way."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def _repr(value: Any) -> str:
    try:
        return _short(repr(value))
    except Exception:
        return f"<{type(value).__name__}>"


def _short(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def keyed(value: dict[Any, Any]) -> dict[str, Any]:
    """The same dictionary with texts for keys; a key whose text is taken says its type as well."""
    result: dict[str, Any] = {}
    others = []
    for key, member in value.items():
        if type(key) is str and key.isascii():
            result[key] = member
        else:
            others.append((key, member))
    for key, member in others:
        name = _key_text(key)
        if name in result and not isinstance(key, str):
            name = f"{name} ({type(key).__name__})"
        while name in result:
            name += "_"
        result[name] = member
    return result


def _key_text(key: Any) -> str:
    if key is None or isinstance(key, (bool, tuple, frozenset)):
        text = _repr(key)
    else:
        simpler = key if isinstance(key, str) else plain(key)
        text = simpler if isinstance(simpler, str) else _repr(simpler)
    return _SURROGATES.sub("\ufffd", str(text))


_zoneless: list[bool] = []
"""Not empty: it was said what becomes of times without a zone."""


def say_zoneless(value: datetime.datetime) -> None:
    """A time without a zone is in UTC for a trail. Where the machine's clock is not, it may have been
    meant otherwise; that is said once."""
    if _zoneless or value.tzinfo is not None or not value.astimezone().utcoffset():
        return
    _zoneless.append(True)
    log.warning(
        "a time without a zone was taken for UTC, and this machine is in another zone: "
        "use datetime.now(timezone.utc) or time.astimezone()"
    )


def time_text(value: Any) -> Any:
    """RFC 3339 for what a time may be given as."""
    try:
        if isinstance(value, datetime.datetime):
            say_zoneless(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
        return value.isoformat() if isinstance(value, datetime.datetime) else plain(value)
    except Exception:
        return _repr(value)


def milliseconds(value: Any) -> Any:
    """A duration that is no plain number: a ``timedelta``, a fraction, a text."""
    if isinstance(value, datetime.timedelta):
        return Token(f"{value / datetime.timedelta(milliseconds=1):.3f}")
    simpler = plain(value)
    if isinstance(simpler, Token):  # a decimal: 1E+3 is 1000
        return Token(f"{decimal.Decimal(simpler):f}")
    return simpler


def text_of(value: Any) -> str:
    """What a value says of itself, whatever it is: for messages, and where only a text will do."""
    if isinstance(value, enum.Enum):
        value = value.value
    try:
        return str.__str__(value) if isinstance(value, str) else str(value)
    except Exception:
        return _repr(value)


def error_text(error: BaseException) -> str:
    """An exception as ``error_message``: its type and what it says, within the field's limit. Without
    the parameters that SQLAlchemy shows of a statement: values of any columns, that have no names
    before them."""
    try:
        said = str(error)
    except Exception:
        said = ""
    said = said.partition("\n[parameters: ")[0]
    name = type(error).__name__
    return cut(f"{name}: {said}" if said else name, 8192)


def cut(text: str, size: int) -> str:
    """The text, or so much of it that it fits in so many bytes and ends in an ellipsis."""
    data = text.encode("utf-8", "replace")
    if len(data) <= size:
        return text
    return data[: size - 3].decode("utf-8", "ignore") + "…"
