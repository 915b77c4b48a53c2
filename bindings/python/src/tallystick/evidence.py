"""Whether an entry is in the trail as it says, shown by the trail's own evidence.

The trail gives an entry's exact bytes, its salt, an inclusion proof and a signed checkpoint
(``form=evidence``, docs/format.md). The salted commitment in the public part is recomputed from the
private one, the proof is followed from the public part's hash to the root, and the checkpoint's
signature is held against the trail's key.

That key has to come from somewhere else than the trail: ``configure(vkey=…)`` or $TALLY_VKEY. A
server that names the key itself would prove only that it agrees with itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _tally
from .errors import Error, Invalid

if TYPE_CHECKING:
    from .recorder import Recorder

# What stands in an answer and in neither part of the entry, or in a part and in no answer.
_BESIDE = frozenset({"index", "erased", "private"})


def is_proved(recorder: Recorder, entry: Mapping[str, Any]) -> bool:
    """Whether the trail proves this entry, as it was read, and no other at its index."""
    vkey = recorder.vkey or os.environ.get("TALLY_VKEY")
    if not vkey:
        raise Error("an entry is proved by the trail's key: configure(vkey=…) or set TALLY_VKEY")
    _tally.check_vkey(vkey)  # a wrong key in the environment disproves nothing
    evidence = recorder.get(f"/api/events/{entry['index']}?form=evidence")
    try:
        return check(evidence, entry, vkey)
    except Invalid:
        return False


def check(evidence: Mapping[str, Any], entry: Mapping[str, Any], vkey: str) -> bool:
    """The same with the evidence at hand, and no trail to ask. Raises ``Invalid`` where the proof
    or the signature does not hold."""
    public = evidence["public"].encode()
    proof = [base64.b64decode(text) for text in evidence["proof"]]
    _tally.check_leaf(public, int(evidence["index"]), proof, evidence["checkpoint"], vkey)
    members = json.loads(public)
    if evidence["private"] is not None:
        if members["private"] != _commitment(evidence):
            return False
        members.update(json.loads(evidence["private"]))
    return bool(evidence["index"] == entry["index"] and _said(members) == _said(entry))


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in _BESIDE}


def _commitment(evidence: Mapping[str, Any]) -> str:
    salted = (
        b"tally/private/v1\0" + base64.b64decode(evidence["salt"]) + evidence["private"].encode()
    )
    return base64.b64encode(hashlib.sha256(salted).digest()).decode()
