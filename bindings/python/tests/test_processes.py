"""Recording by threads, event loops and processes, which begin, fork and end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from conftest import LONG_S, Trail, made, served

import tallystick
from tallystick import audit_logger
from tallystick import recorder as recorders


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
        import os, tallystick, warnings
        from tallystick import audit_logger
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads: from Python 3.12 on
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
    name = "_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters"
    pytest.importorskip(name)
    said = trail.run(
        """
        import importlib, sys
        import tallystick
        interpreters = importlib.import_module(sys.argv[1])
        assert tallystick.record({"action": "first"})
        if sys.version_info < (3, 13):  # none with a lock of its own
            other = interpreters.create(isolated=False)
        else:
            other = interpreters.create("legacy")
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
        """,
        name,
    )
    assert "Traceback" not in said
    assert [entry["action"] for entry in trail.entries()] == ["first", "second", "third"]


def test_an_application_that_says_nothing_of_tallystick_may_be_forked_and_ended() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", "import tallystick"],
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
