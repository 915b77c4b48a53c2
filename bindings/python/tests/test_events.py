"""Events as objects: their dictionaries, their checksums, and entries' evidence."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime
import hashlib
import json
import pickle
from typing import Any

import pytest

from tallystick import AuditEvent, AuditEventType, AuditSeverity, _tally
from tallystick.errors import Invalid

EXAMPLES: list[dict[str, Any]] = [
    {
        "event_type": "login_success",
        "severity": "low",
        "user_id": "user123",
        "ip_address": "192.168.1.100",
        "user_agent": "Mozilla/5.0...",
        "action": "login",
        "resource_type": "authentication",
    },
    {
        "event_type": "report_approve",
        "severity": "medium",
        "user_id": "approver456",
        "resource_type": "report",
        "resource_id": "rep789",
        "action": "approve",
        "details": {"previous_status": "pending", "comments": "Approved after review"},
    },
    {
        "event_type": "config_change",
        "severity": "high",
        "user_id": "admin789",
        "resource_type": "system",
        "resource_id": "smtp_settings",
        "action": "update",
        "details": {
            "changed_fields": ["host", "port"],
            "old_values": {"host": "smtp.old.com", "port": 25},
        },
    },
]


@pytest.mark.parametrize("members", EXAMPLES)
def test_to_dict_gives_the_members(members: dict[str, Any]) -> None:
    event = AuditEvent(**members)
    assert event.to_dict() == members
    assert dict(event) == members
    assert AuditEvent(**event.to_dict()) == event


def test_members_as_attributes_and_as_items() -> None:
    event = AuditEvent(AuditEventType.LOGOUT, AuditSeverity.LOW, "u")
    assert event["user_id"] == event.user_id == event.get("user_id") == "u"
    assert event.get("action") is None and event.get("no such", 1) == 1
    assert "user_id" in event and "action" not in event and "checksum" not in event
    for name in ("action", "no such", "checksum", "_source", "to_dict"):
        with pytest.raises(KeyError):
            event[name]
    assert event.to_dict() == {"event_type": "logout", "severity": "low", "user_id": "u"}


def test_the_checksum_is_that_of_the_json_with_sorted_names() -> None:
    event = AuditEvent("logout", user_id="ü", details={"b": 1, "a": datetime.date(2026, 1, 2)})
    text = '{"details":{"a":"2026-01-02","b":1},"event_type":"logout","user_id":"ü"}'
    assert event.checksum == hashlib.sha256(text.encode()).hexdigest()


def test_an_event_that_was_changed_has_no_integrity() -> None:
    details = {"amount": 10}
    event = AuditEvent("data_update", user_id="u", details=details)
    assert event.verify_integrity()
    details["amount"] = 11
    assert not event.verify_integrity()
    details["amount"] = 10
    assert event.verify_integrity()
    event.user_id = "v"
    assert not event.verify_integrity()


# The example of docs/format.md is checked in C; here a tree of two leaves, made by hand.

PUBLIC = json.dumps({"action": "a", "private": "x"}).encode()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))]
)
def test_a_copy_is_an_event_like_it(copied: Any) -> None:
    event = AuditEvent(event_type="config_change", user_id="u1", details={"a": [1]})
    other = copied(event)
    assert other == event and other is not event and other.verify_integrity()
    other.user_id = "u2"
    assert not other.verify_integrity() and event.verify_integrity()
    assert set(dataclasses.asdict(event)) == {*AuditEvent.__dataclass_fields__}
    json.dumps(dataclasses.asdict(event))


def test_a_checkpoint_that_the_key_did_not_sign_proves_nothing() -> None:
    key_id = hashlib.sha256(b"t\n\x01" + bytes(32)).digest()[:4]
    key = base64.b64encode(b"\x01" + bytes(32)).decode()
    vkey = f"t+{key_id.hex()}+{key}"
    root = base64.b64encode(node(leaf(PUBLIC), leaf(b"other"))).decode()
    signature = base64.b64encode(key_id + bytes(64)).decode()
    note = f"t\n2\n{root}\n\n\u2014 t {signature}\n"
    for wrong in (note, note.replace("t\n2", "t\n3"), "", "no note"):
        with pytest.raises(Invalid):
            _tally.check_leaf(PUBLIC, 0, [leaf(b"other")], wrong, vkey)
    with pytest.raises(Invalid):
        _tally.check_leaf(PUBLIC, 0, [leaf(b"other")], note, "no key")


@pytest.mark.parametrize(
    ("proof", "raised"),
    [
        ([b"short"], ValueError),
        ([bytes(32)] * 65, ValueError),
        (["text"], TypeError),
        (7, SystemError),
    ],
)
def test_a_proof_is_a_list_of_hashes(proof: Any, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        _tally.check_leaf(PUBLIC, 0, proof, "", "")
