"""Celery as it is run: a client, a Redis, workers with their processes, and a served trail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG_S, Trail, made, served

import tallystick

pytest.importorskip("celery")
redis = pytest.importorskip("redis")

TASKS = 12


@pytest.fixture
def broker() -> Iterator[str]:
    """A Redis of this test alone, which keeps nothing; a socket's path has to be short."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not there (packaging/deps.sh test)")
    folder = tempfile.mkdtemp(prefix="tally-redis-")
    socket = f"{folder}/socket"
    options = {"port": "0", "unixsocket": socket, "dir": folder, "save": "", "appendonly": "no"}
    process = subprocess.Popen(
        [server, *(part for name, value in options.items() for part in (f"--{name}", value))],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: answers(socket))
        yield f"redis+socket://{socket}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def answers(socket: str) -> bool:
    try:
        return bool(redis.Redis(unix_socket_path=socket).ping())
    except redis.exceptions.ConnectionError:  # it is loading, or not there yet
        return False


def wait_for(condition: Any) -> None:
    until = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Trail]:
    """A trail whose server does not answer until ``answer``: what is recorded stays in spools."""
    trail = made(tmp_path / "data")
    trail.spool = str(tmp_path / "spool")
    server = served(trail)
    server.send_signal(signal.SIGSTOP)
    trail.extra["pid"] = str(server.pid)
    try:
        yield trail
    finally:
        server.kill()
        server.wait()


def answer(trail: Trail) -> None:
    os.kill(int(trail.extra["pid"]), signal.SIGCONT)


def environment(trail: Trail, broker: str, **env: str) -> dict[str, str]:
    path = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SHOP_BROKER": broker,
        "TALLY_URL": trail.url,
        "TALLY_KEY": trail.admin_key,
        "TALLY_SPOOL": trail.spool,
        **env,
    }


@contextmanager
def worker(
    trail: Trail, broker: str, *options: str, **env: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, which is shut down warm: it ends what it has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_shop", "worker", "--loglevel", "critical"]
        + ["--without-gossip", "--without-mingle", "--without-heartbeat", *options],
        env={**os.environ, "C_FORCE_ROOT": "1", **environment(trail, broker, **env)},
    )
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(LONG_S) == 0
    finally:
        process.kill()
        process.wait()


def send(trail: Trail, broker: str, code: str) -> list[str]:
    """Runs code as a client, in a context for each of the numbers; what the tasks gave."""
    said = trail.run(
        f"""
import tallystick
from celery.exceptions import WorkerLostError
from celery_shop import drop, pack, send
results = []
for number in range({TASKS}):
    who = {{"user_id": f"u{{number}}", "correlation_id": f"c{{number}}", "actor_type": "user"}}
    with tallystick.context(**who):
        results.append({code})
for result in results:
    try:
        print("result:", result.get(timeout={LONG_S}))
    except WorkerLostError:
        print("result: lost")
""",
        **environment(trail, broker),
    )
    return [line.split()[1] for line in said.splitlines() if line.startswith("result: ")]


def adopted(trail: Trail, count: int) -> list[dict[str, Any]]:
    """The entries, so many or more, after this process has shipped what is left in spools."""
    tallystick.configure(trail.url, key=trail.admin_key, spool=trail.spool)
    tallystick.record({"action": "adopt"})
    entries = trail.entries(count + 1)
    tallystick.close()
    return [entry for entry in entries if entry["action"] != "adopt"]


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_each_task_is_its_senders(trail: Trail, broker: str, pool: str) -> None:
    with worker(trail, broker, "-P", pool, "-c", "2"):
        pids = send(trail, broker, "pack.delay(number)")
    assert len(pids) == TASKS
    entries = adopted(trail, TASKS)
    assert sorted((e["user_id"], e["correlation_id"], e["resource_id"]) for e in entries) == sorted(
        (f"u{n}", f"c{n}", str(n)) for n in range(TASKS)
    )
    assert not any("actor_type" in entry for entry in entries)


def test_runs_retries_and_tasks_of_tasks(trail: Trail, broker: str) -> None:
    with worker(trail, broker, "-c", "2", SHOP_RECORDS_TASKS="1"):
        send(trail, broker, "send.delay(number)")
        # The last ones to run are those that were sent by tasks.
        wait_for(lambda: count_of(trail, "task.shop.pack") >= 2 * TASKS)
    entries = adopted(trail, 8 * TASKS)
    for number in range(TASKS):
        mine = [e for e in entries if e["user_id"] == f"u{number}"]
        assert {e["correlation_id"] for e in mine} == {f"c{number}"}
        assert Counter((e["action"], e["status"]) for e in mine) == {
            ("parcel.send", "success"): 2,
            ("parcel.pack", "success"): 2,
            ("task.shop.pack", "success"): 2,
            ("task.shop.send", "success"): 1,
            ("task.shop.send", "failure"): 1,
        }
        runs = [e for e in mine if e["action"] == "task.shop.send"]
        assert len({e["request_id"] for e in runs}) == 1
    assert len(entries) == 8 * TASKS


def count_of(trail: Trail, action: str) -> int:
    return sum(entry["action"] == action for entry in trail.entries())


def test_a_killed_process_loses_nothing(silent: Trail, broker: str) -> None:
    with worker(silent, broker, "-c", "2", SHOP_RECORDS_TASKS="1"):
        said = send(silent, broker, "(drop if number % 4 == 0 else pack).delay(number)")
        assert said.count("lost") == TASKS / 4
    answer(silent)
    entries = adopted(silent, 2 * TASKS)
    expected: Counter[tuple[str, str, str]] = Counter()
    for n in range(TASKS):
        done, status = ("drop", "error") if n % 4 == 0 else ("pack", "success")
        expected[f"parcel.{done}", f"u{n}", "success"] += 1
        expected[f"task.shop.{done}", f"u{n}", status] += 1
    assert Counter((e["action"], e["user_id"], e["status"]) for e in entries) == expected
    lost = [e["error_message"] for e in entries if e["action"] == "task.shop.drop"]
    assert all("WorkerLostError" in error for error in lost)


def test_a_killed_worker_loses_nothing(silent: Trail, broker: str) -> None:
    """Its main process is killed, and the others die with it; the next worker has the spool."""
    with worker(silent, broker, "-c", "2") as first:
        send(silent, broker, "pack.delay(number)")
        first.kill()
        first.wait()
    answer(silent)
    with worker(silent, broker, "-c", "2"):
        send(silent, broker, "pack.delay(number)")
        wait_for(lambda: len(silent.entries()) >= 2 * TASKS)
    users = Counter(entry["user_id"] for entry in silent.entries())
    assert users == {f"u{n}": 2 for n in range(TASKS)}
