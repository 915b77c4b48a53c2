"""From a call to an entry and back, with a real trail: a server's, and one embedded in the
process."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import enum
import json
import os
import pickle
import time
from typing import Any

import pytest
from conftest import LONG_S, Trail, made
from hypothesis import given
from hypothesis import strategies as some
from test_events import EXAMPLES

import tallystick
from tallystick import AuditEvent, AuditLogger, audit_logger
from tallystick import recorder as recorders
from tallystick.evidence import check


def test_what_the_fastapi_service_tests(trail: Trail) -> None:
    async def main() -> Any:
        db = object()
        await audit_logger.log(
            db=db,
            action=audit_logger.ACTION_LOGIN,
            resource_type="user",
            user_id="user_123",
        )
        return await audit_logger.get_audit_logs(db=db, user_id="user_123")

    logs = asyncio.run(main())
    assert len(logs) == 1
    assert logs[0].action == "user.login"
    assert logs[0].status == "success"
    assert logs[0]["event_type"] == "login_success"


@pytest.mark.parametrize("where", ["trail", "folder"])
def test_the_examples_come_back_equal(where: str, request: pytest.FixtureRequest) -> None:
    trail: Trail = request.getfixturevalue(where)
    for members in EXAMPLES:
        audit_logger.log_event(AuditEvent(**members))
    assert tallystick.flush(LONG_S)
    for members, entry in zip(EXAMPLES, trail.entries(len(EXAMPLES)), strict=True):
        assert {name: entry[name] for name in members} == members


# Without runs of digits that could be a card's, and names that stand for secrets.
texts = some.text(max_size=8)
names = some.text('abcä "\\\u2028', max_size=4)
values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**11), 10**11)
    | some.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("where", ["trail", "folder"])
def test_any_details_come_back_equal(where: str, request: pytest.FixtureRequest) -> None:
    trail: Trail = request.getfixturevalue(where)
    sent: dict[str | None, Any] = {}

    @given(some.dictionaries(names, values, min_size=1))
    def record(details: dict[str, Any]) -> None:
        sent[audit_logger.log("law.test", details=details).id] = details

    record()
    assert tallystick.flush(LONG_S)
    assert {e["id"]: e["details"] for e in trail.entries(len(sent))} == sent


class Kind(str, enum.Enum):
    """An application's own."""

    FAILURE = "login_failure"


def test_the_filters_of_reading(trail: Trail) -> None:
    log = audit_logger.log
    log("user.login", "user", "u1", user_email="u1@example.org", timestamp="2026-01-01T12:00:00Z")
    log("user.login", "user", "u2", error_message="no", timestamp="2026-01-02T12:00:00Z")
    log("report.approve", "report", "u1", "r1", timestamp="2026-01-03T12:00:00Z")
    log("resource.delete", "file", "u3", "f*1", severity="high", timestamp="2026-01-04T12:00:00Z")

    def users(**filters: Any) -> list[str]:
        return [str(entry.user_id) for entry in AuditLogger.get_audit_logs(**filters)]

    assert users() == ["u3", "u1", "u2", "u1"]
    assert users(user_id="u1") == ["u1", "u1"]
    assert users(user_email="u1@example.org") == ["u1"]
    assert users(action="user.login") == ["u2", "u1"]
    assert users(event_type="login_failure") == ["u2"]
    assert users(resource_type="report", resource_id="r1") == ["u1"]
    assert users(entity_type="file", resource_id="f*1") == ["u3"]
    assert users(resource_type="report", entity_type="file") == ["u3", "u1"]  # one field: either
    assert users(severity=tallystick.AuditSeverity.HIGH) == ["u3"]
    assert users(success=False) == ["u2"]
    assert users(start_date="2026-01-02", end_date="2026-01-03") == ["u1", "u2"]
    assert users(q="action:user.* -user_id:u2") == ["u1"]
    page = audit_logger.get_audit_logs(limit=3)
    assert len(page) == 3 and page.next
    rest = audit_logger.get_audit_logs(limit=3, cursor=page.next)
    assert [entry.user_id for entry in rest] == ["u1"] and rest.next is None
    assert users(start_date=1767355200, end_date=1767398400.5) == ["u2"]  # noon to midnight
    assert users(event_type=Kind.FAILURE) == ["u2"]
    with pytest.raises(TypeError, match='q="event_type:a,b"'):
        users(event_type=["login_failure", "login_success"])
    with pytest.raises(tallystick.Invalid, match="1000"):
        audit_logger.get_audit_logs(limit=1001)
    with pytest.raises(tallystick.Invalid, match="'2026-01-02' and start_date '2026-01-03'"):
        users(start_date="2026-01-03", end_date="2026-01-02")
    with pytest.raises(tallystick.Invalid, match="unknown field"):
        audit_logger.get_audit_logs(q="usr:u1")


def test_a_folder_is_read_but_has_no_evidence_to_give(folder: Trail) -> None:
    audit_logger.log("a", user_id="u")
    audit_logger.log("b", user_id="v")
    (entry,) = audit_logger.get_audit_logs(user_id="u")
    assert (entry.action, entry.status) == ("a", "success")
    with pytest.raises(tallystick.Unsupported):
        entry.verify_integrity()


def test_a_writer_may_not_read(trail: Trail) -> None:
    tallystick.configure(trail.url, key=trail.key("writer"))
    receipt = wait_for_key()
    assert receipt.index is not None
    with pytest.raises(tallystick.Forbidden):
        audit_logger.get_audit_logs()


def wait_for_key() -> tallystick.Receipt:
    """The server looks for new keys once a second."""
    until = time.monotonic() + LONG_S
    while True:
        try:
            return audit_logger.log("a", mode="sync")
        except tallystick.Denied:
            assert time.monotonic() < until
            time.sleep(0.2)


def test_sync_gives_the_place_and_the_hash(trail: Trail) -> None:
    receipt = audit_logger.log("a", mode="sync")
    assert receipt.index is not None and receipt.leaf is not None and not receipt.repeated
    again = audit_logger.log("a", mode="sync")
    assert again.index == receipt.index + 1
    evidence = recorders.default().get(f"/api/events/{receipt.index}?form=evidence")
    assert evidence["leaf"] == receipt.leaf
    same: dict[str, Any] = {"id": "mine", "timestamp": "2026-01-02T03:04:05Z", "mode": "sync"}
    first = audit_logger.log("b", **same)
    assert audit_logger.log("b", **same) == (*first[:3], True)
    with pytest.raises(tallystick.Conflict):
        audit_logger.log("c", **same)


def test_sync_without_a_server_denies(tmp_path: Any) -> None:
    tallystick.configure("http://127.0.0.1:1", timeout_ms=200)
    with pytest.raises(tallystick.Denied):
        audit_logger.log("a", mode="sync")
    assert audit_logger.log("a").id


def test_entries_are_proved(trail: Trail) -> None:
    audit_logger.log("a", user_id="ü", details={"n": 1})
    audit_logger.log("b")
    entries = audit_logger.get_audit_logs()
    assert [entry.verify_integrity() for entry in entries] == [True, True]
    entry = entries[1]
    assert entry.user_id == "ü"
    entry.user_id = "someone else"
    assert not entry.verify_integrity()
    # The entry as it was read is held against the trail, not only against itself.
    forged = AuditEvent.from_entry(
        {**entry._source[1], "user_id": "someone else"}, recorders.default()
    )
    assert not forged.verify_integrity()
    moved = AuditEvent.from_entry({**entry._source[1], "index": 2}, recorders.default())
    assert not moved.verify_integrity()


def test_entries_may_be_copied_and_sent_to_processes(trail: Trail) -> None:
    audit_logger.log("a", details={"n": 1})
    page = audit_logger.get_audit_logs()
    (entry,) = page
    for same in (copy.copy(entry), copy.deepcopy(entry), copy.deepcopy(page)[0]):
        assert same == entry and same.verify_integrity()
    assert json.loads(json.dumps(dataclasses.asdict(entry)))["id"] == entry.id
    data = pickle.dumps(page)
    assert trail.admin_key.encode() not in data
    sent = pickle.loads(data)
    assert (type(sent), sent, sent.next) == (type(page), page, page.next)
    with pytest.raises(tallystick.Error, match=f"read it again, by its id {entry.id}"):
        sent[0].verify_integrity()


def test_a_logger_may_be_sent_to_processes(trail: Trail) -> None:
    logger = AuditLogger(tallystick.Recorder(trail.url, key=trail.admin_key))
    logger.log("here")
    there = pickle.loads(pickle.dumps(logger))
    assert there.log("there") and there.flush(LONG_S) and logger.flush(LONG_S)
    assert {entry["action"] for entry in trail.entries()} == {"here", "there"}


def test_entries_are_not_proved_by_another_key(trail: Trail, tmp_path: Any) -> None:
    audit_logger.log("a")
    (entry,) = audit_logger.get_audit_logs()
    recorders.default().vkey = made(tmp_path / "other").vkey
    assert not entry.verify_integrity()
    recorders.default().vkey = None
    with pytest.raises(tallystick.Error, match="vkey"):
        entry.verify_integrity()


def test_forged_evidence(trail: Trail) -> None:
    audit_logger.log("a", user_id="ü", timestamp="2026-01-02T03:04:05Z")
    audit_logger.log("b")
    assert tallystick.flush(LONG_S)
    (entry,) = recorders.default().get("/api/events?q=action:a")["data"]
    evidence = recorders.default().get(f"/api/events/{entry['index']}?form=evidence")
    assert check(evidence, entry, trail.vkey)

    other = {**entry, "user_id": "v"}
    private = evidence["private"].replace("ü", "v")
    assert not check(evidence, other, trail.vkey)
    assert not check({**evidence, "private": private}, other, trail.vkey)
    assert not check({**evidence, "salt": "AAAAAAAAAAAAAAAAAAAAAA=="}, entry, trail.vkey)
    assert not check(evidence, {**entry, "index": 99}, trail.vkey)
    erased = {name: value for name, value in entry.items() if name != "user_id"}
    assert check(
        {**evidence, "private": None, "salt": None}, {**erased, "erased": True}, trail.vkey
    )
    public = evidence["public"].replace("2026-01-02", "2026-01-03")
    for forged in (
        {"public": public},
        {"proof": evidence["proof"][:-1]},
        {"proof": [*evidence["proof"], evidence["proof"][0]]},
        {"index": evidence["index"] + 1},
        {"checkpoint": evidence["checkpoint"].replace("\n3\n", "\n4\n")},
    ):
        with pytest.raises(tallystick.Invalid):
            check({**evidence, **forged}, entry, trail.vkey)


def test_secrets_are_masked_and_the_callers_are_not(trail: Trail) -> None:
    details = {"password": "hunter2", "card": "4111 1111 1111 1111", "name": "n"}
    audit_logger.log("a", details=details)
    assert details["password"] == "hunter2"
    (entry,) = audit_logger.get_audit_logs()
    assert entry["details"] == {"password": "[masked]", "card": "[masked]", "name": "n"}


def test_what_a_trail_refuses_is_kept_as_text(trail: Trail) -> None:
    deep: Any = "x"
    for _ in range(5):
        deep = {"a": deep}
    assert audit_logger.log("a", user_id="u" * 300, severity="dreadful", details=deep)
    assert tallystick.record({"event_type": "b", "index": 7, "timestamp": "yesterday"})
    b, a = audit_logger.get_audit_logs()
    assert a["details"]["a"] == deep["a"]
    refused = a["details"]["refused"]
    assert refused["user_id"] == "u" * 300 and refused["severity"] == "dreadful"
    assert b["details"]["index"] == 7
    assert b["details"]["refused"]["timestamp"] == "yesterday"
    with pytest.raises(tallystick.Invalid) as raised:
        audit_logger.log("a", user_id="u" * 300, mode="sync")
    assert raised.value.pointer == "/user_id"


def test_statistics_and_the_spool(trail: Trail) -> None:
    assert tallystick.statistics() == {}
    audit_logger.log("a")
    assert tallystick.flush(LONG_S)
    counts = tallystick.statistics()
    assert (counts["recorded"], counts["sent"], counts["queued"], counts["lost"]) == (1, 1, 0, 0)
    client = recorders.default()._client
    assert client is not None and client.spool is not None
    assert client.spool.startswith(trail.spool) and os.path.isdir(client.spool)


def test_a_client_that_was_closed(trail: Trail) -> None:
    client = recorders.default()._opened()
    client.close(0)
    client.close(0)
    for call in (
        lambda: client.record({"action": "a"}),
        lambda: client.record_json("{}"),
        lambda: client.flush(0),
        lambda: client.statistics(),
        lambda: client.get("/api/events"),
    ):
        with pytest.raises(tallystick.Error, match="closed"):
            call()
    assert client.spool is None


def test_json_text_is_recorded_as_it_is(trail: Trail) -> None:
    client = recorders.default()._opened()
    text = '{"action": "a", "details": {"n": 1.10, "big": 12345678901234567890}}'
    assert client.record_json(text, "sync")[1] is not None
    said = client.get("/api/events")
    assert '"n":1.10' in said.replace(" ", "") and "12345678901234567890" in said
    with pytest.raises(tallystick.Invalid):
        client.record_json("{")
