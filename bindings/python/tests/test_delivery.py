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
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from conftest import LONG_S, Trail, made, served
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


def test_threads(trail: Trail) -> None:
    def work(number: int) -> None:
        with tallystick.context(user_id=number):
            for step in range(100):
                audit_logger.log("thread.step", details={"step": step})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tallystick.flush(LONG_S)
    steps: dict[str, list[int]] = {}
    for entry in trail.entries():
        steps.setdefault(entry["user_id"], []).append(entry["details"]["step"])
    assert steps == {str(number): list(range(100)) for number in range(8)}
    assert tallystick.statistics()["sent"] == 800


def test_a_loop_that_is_blocked_ships_meanwhile(trail: Trail) -> None:
    tasks, steps = 10, 20
    recorded: list[str | None] = []
    shipped: list[dict[str, Any]] = []

    def block() -> None:
        """As a handler does that calls what does not await. No other task goes on meanwhile."""
        count = len(recorded)
        until = time.monotonic() + LONG_S
        time.sleep(1)
        while tallystick.statistics()["queued"] > 0:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert len(recorded) == count
        shipped.extend(trail.entries())

    async def work(number: int) -> None:
        for step in range(steps):
            recorded.append(audit_logger.log("a", details={"task": number, "step": step}).id)
            if number == step == tasks // 2:
                block()
            await asyncio.sleep(0)

    async def wait_for_receipt(number: int) -> tallystick.Receipt:
        return await recorders.default().record_async({"action": "b"}, "sync")

    async def main() -> list[tallystick.Receipt | None]:
        receipts = map(wait_for_receipt, range(tasks))
        return await asyncio.gather(*receipts, *map(work, range(tasks)))

    receipts = asyncio.run(main())[:tasks]
    assert tallystick.flush(LONG_S)
    entries = trail.entries()
    assert len({receipt.index for receipt in receipts if receipt}) == tasks
    assert sorted(entry["action"] for entry in entries) == ["a"] * tasks * steps + ["b"] * tasks
    assert [entry["id"] for entry in entries if entry["action"] == "a"] == recorded
    # All that were recorded before it was blocked, and none of those after.
    before = [entry["id"] for entry in shipped if entry["action"] == "a"]
    assert 0 < len(before) < len(recorded) and before == recorded[: len(before)]
    assert len(before) == tasks * (tasks // 2) + tasks // 2 + 1


def test_closing_while_others_record(trail: Trail) -> None:
    stop = threading.Event()
    recorded: list[str | None] = []

    def work() -> None:
        while not stop.is_set():
            recorded.append(audit_logger.log("a").id)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        tallystick.close(0.2)
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    kept = {identity for identity in recorded if identity}
    assert kept and len(recorded) == len(kept) + recorders.default().failed
    audit_logger.log("last")  # with what was left in spools
    assert tallystick.flush(LONG_S)
    assert kept <= {entry["id"] for entry in trail.entries(len(kept) + 1)}


def test_a_child_after_fork(trail: Trail) -> None:
    said = trail.run(
        """
        import os, tallystick
        from tallystick import audit_logger
        audit_logger.log("parent.before")
        children = []
        for number in range(3):
            child = os.fork()
            if child == 0:
                audit_logger.log("child", details={"number": number})
                said = f"child {tallystick.flush(60)}\\n"
                os.write(1, said.encode())  # at once: others write there, too
                os._exit(0)
            children.append(child)
        audit_logger.log("parent.after")
        for child in children:
            os.waitpid(child, 0)
        print("parent", tallystick.flush(60))
        """
    )
    assert sorted(said.split()) == sorted(["child", "True"] * 3 + ["parent", "True"])
    entries = trail.entries()
    assert sorted(entry["action"] for entry in entries) == [
        "child",
        "child",
        "child",
        "parent.after",
        "parent.before",
    ]
    assert len({entry["id"] for entry in entries}) == 5


def test_a_child_of_a_process_whose_threads_record(trail: Trail) -> None:
    trail.run(
        """
        import os, threading, warnings
        warnings.simplefilter("ignore")  # that this process has threads
        import tallystick
        from tallystick import audit_logger
        stop = threading.Event()

        def work():
            while not stop.is_set():
                audit_logger.log("parent")

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(10):
            child = os.fork()
            if child == 0:
                audit_logger.log("child", details={"number": number})
                os._exit(0 if tallystick.flush(100) else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        assert tallystick.flush(100)
        """
    )
    entries = trail.entries()
    children = [entry for entry in entries if entry["action"] == "child"]
    assert [entry["details"]["number"] for entry in children] == list(range(10))
    assert len({entry["id"] for entry in entries}) == len(entries)


def test_a_full_spool_stops_only_who_records() -> None:
    tallystick.configure("http://127.0.0.1:1", spool_size_max=8 << 20, timeout_ms=2000, strict=True)
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.001):
            ticks += 1

    other = threading.Thread(target=tick)
    other.start()
    until = time.monotonic() + LONG_S
    lost = 0
    try:
        while True:  # a machine that stood still has not let the other go on either: once more
            before = ticks
            try:
                audit_logger.log("a", details={"text": "x" * 20000})
            except tallystick.Full:
                lost += 1
                if ticks > before + 10:
                    break
                assert time.monotonic() < until
    finally:
        stop.set()
        other.join()
    assert tallystick.statistics()["lost"] == lost


def test_a_process_that_ends_ships_what_it_has(tmp_path: Any) -> None:
    trail = made(tmp_path / "data")
    trail.spool = str(tmp_path / "spool")
    server = served(trail)
    # It goes on when the end of the process begins to wait for it. What is on its way until then is
    # a request of 2 MiB at most.
    server.send_signal(signal.SIGSTOP)
    try:
        trail.run(
            """
            import os, signal, sys
            from tallystick import audit_logger, recorder
            close = recorder.Recorder.close

            def close_when_somebody_answers(self, timeout):
                os.kill(int(sys.argv[1]), signal.SIGCONT)
                close(self, timeout)

            recorder.EXIT_S = 100
            recorder.Recorder.close = close_when_somebody_answers
            for number in range(40):
                audit_logger.log("last.words", details={"number": number, "text": "x" * 200_000})
            """,
            str(server.pid),
        )
        server.send_signal(signal.SIGCONT)
        numbers = [entry["details"]["number"] for entry in trail.entries()]
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait()
    assert numbers == list(range(40))


def test_the_end_of_a_process_waits_for_two_seconds_at_most(trail: Trail) -> None:
    said = trail.run(
        """
        import types
        from tallystick import audit_logger, recorder
        audit_logger.log("a")
        now = iter((7.0, 8.5))
        recorder.time = types.SimpleNamespace(monotonic=lambda: next(now))
        recorder.Recorder.close = lambda self, timeout: print("closed", timeout)
        """
    )
    assert said == "closed 0.5\n"


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_of_multiprocessing_ship_what_they_have(
    method: str, trail: Trail, tmp_path: Any
) -> None:
    """They end without what `atexit` knows."""
    program = tmp_path / "program.py"
    program.write_text(
        """if True:
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        from tallystick import audit_logger, recorder

        recorder.EXIT_S = 60  # the machine may be slow

        def work(number):
            return bool(audit_logger.log("worked", user_id=f"u{number}"))

        if __name__ == "__main__":
            method = multiprocessing.get_context(sys.argv[1])
            audit_logger.log("begun")
            with ProcessPoolExecutor(2, mp_context=method) as pool:
                assert all(pool.map(work, range(4)))
            child = method.Process(target=work, args=(4,))
            child.start()
            child.join()
        """
    )
    trail.run("import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')",
              str(program), method)  # fmt: skip
    users = sorted(entry.get("user_id", "") for entry in trail.entries())
    assert users == ["", "u0", "u1", "u2", "u3", "u4"]


def test_a_signal_while_the_recorder_opens(
    folder: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its handler records, too, in the same thread."""
    client = tallystick._tally.Client  # type: ignore[attr-defined]

    def interrupted(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(tallystick._tally, "Client", client)  # type: ignore[attr-defined]
        audit_logger.log("handler")
        return client(*args, **options)

    monkeypatch.setattr(tallystick._tally, "Client", interrupted)  # type: ignore[attr-defined]
    thread = threading.Thread(target=audit_logger.log, args=("first",), daemon=True)
    thread.start()
    thread.join(LONG_S)
    assert not thread.is_alive()
    assert tallystick.flush(LONG_S)
    assert {entry["action"] for entry in folder.entries(2)} == {"handler", "first"}


def test_a_lock_that_was_held_at_fork(trail: Trail) -> None:
    said = trail.run(
        """
        import os, signal
        from tallystick import audit_logger, recorder
        recorder._lock.acquire()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            print(bool(audit_logger.log("child")), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        """
    )
    assert said == "True\n"


def test_what_a_process_left_is_shipped_by_the_next(trail: Trail, tmp_path: Any) -> None:
    lost = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    code = "from tallystick import audit_logger\naudit_logger.log({!r})\n"
    # Nobody answers there: what is recorded stays in the spool, at the end and when killed.
    away = made(tmp_path / "away")
    away.spool = str(tmp_path / "away spool")
    server = served(away)
    server.send_signal(signal.SIGSTOP)
    try:
        away.run(code.format("at.exit"))
        away.run(code.format("killed") + lost, check=False)
    finally:
        server.send_signal(signal.SIGCONT)
    try:
        # The next process takes over what was left, beside its own work: at the latest the one
        # after.
        left = {"at.exit", "killed"}
        until = time.monotonic() + LONG_S
        while not left <= {entry["action"] for entry in away.entries()}:
            assert time.monotonic() < until
            away.run(code.format("next") + "import tallystick; assert tallystick.flush(100)")
        actions = [entry["action"] for entry in away.entries()]
        assert [actions.count(action) for action in left] == [1, 1]
    finally:
        server.terminate()
        server.wait()


def test_an_end_without_a_server_is_quick_and_quiet(trail: Trail) -> None:
    said = trail.run(
        """
        from tallystick import audit_logger
        assert audit_logger.log("a").id
        print("done")
        """,
        TALLY_URL="http://127.0.0.1:1",
    )
    assert said.startswith("done\n")
    assert "Traceback" not in said


def test_another_interpreter_of_the_process(trail: Trail) -> None:
    pytest.importorskip("_xxsubinterpreters")
    said = trail.run(
        """
        import sys, _xxsubinterpreters as interpreters
        import tallystick
        assert tallystick.record({"action": "first"})
        other = interpreters.create()
        interpreters.run_string(other, '''if True:
            import sys
            sys.path[:] = %r
            import tallystick
            assert tallystick.record({"action": "second"}), "not recorded"
            assert tallystick.flush(60)
            tallystick.close()
        ''' % (sys.path,))
        interpreters.destroy(other)
        assert tallystick.record({"action": "third"})
        assert tallystick.flush(60)
        """
    )
    assert "Traceback" not in said
    assert [entry["action"] for entry in trail.entries()] == ["first", "second", "third"]


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


def test_an_application_that_says_nothing_of_tallystick_may_be_forked_and_ended() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", "import tallystick"],
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
