"""What differs between two states of a resource."""

from __future__ import annotations

import json
from typing import Any

from . import _tally
from ._values import Token
from .errors import Error


def snapshot(state: Any) -> Any:
    """A state as values of JSON, which does not change when the state does. Numbers keep their
    digits. What is too large for an event is as good as not known: None."""
    if state is None:
        return None
    try:
        return json.loads(_tally.write_value(state), parse_float=Token, parse_int=Token)
    except (Error, ValueError, RecursionError):
        return None


def changes_between(before: Any, after: Any) -> dict[str, dict[str, Any]] | None:
    """``{name: {"before": …, "after": …}}`` for the members that differ; None where nothing is
    known.

    A state is a mapping, or an object with fields (a dataclass, a pydantic model); None of one of
    them is a creation, or a deletion. Both are compared as what an event would say of them.
    """
    if before is None and after is None:
        return None
    old, new = _members(before), _members(after)
    changes: dict[str, dict[str, Any]] = {}
    for name in [*old, *(name for name in new if name not in old)]:
        change = {}
        if name in old:
            change["before"] = old[name]
        if name in new:
            change["after"] = new[name]
        if len(change) < 2 or _differ(old[name], new[name]):
            changes[name] = change
    return changes


def _members(state: Any) -> dict[str, Any]:
    known = snapshot(state)
    if known is None:
        return {}
    return known if isinstance(known, dict) else {"value": known}


def _differ(old: Any, new: Any) -> bool:
    """As texts of JSON, where 1, 1.0, "1" and true are four values."""
    return _tally.write_value(old) != _tally.write_value(new)
