"""Real servers with several workers: each request is in the trail, exactly once, whatever ends a
worker."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import LONG_S, Trail, made, served

HERE = Path(__file__).parent
REQUESTS = 60
WORKERS = 2

GUNICORN = [
    "gunicorn",
    "--preload",
    "--threads",
    "3",
    "--graceful-timeout",
    "60",
    "--timeout",
    "120",
]
UVICORN = ["uvicorn", "--log-level", "warning"]
SERVERS = [("flask", GUNICORN), ("fastapi", UVICORN)]


@contextmanager
def running(
    trail: Trail, app: str, server: list[str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server with the application, and its port. The socket is open before the server is there,
    so that nothing has to be waited for. The server leads a process group: who is killed, is killed
    with it."""
    for module in (server[0], app):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    number = listener.fileno()
    where = ["--bind", f"fd://{number}"] if server is GUNICORN else ["--fd", str(number)]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *server, "--workers", str(WORKERS), *where, "served_apps:app"],
            cwd=HERE,
            env={
                **os.environ,
                "APP": app,
                "UVICORN_TIMEOUT_WORKER_HEALTHCHECK": "120",
                "TALLY_URL": trail.url,
                "TALLY_KEY": trail.admin_key,
                "TALLY_SPOOL": trail.spool,
            },
            pass_fds=[number],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process, listener.getsockname()[1]
    finally:
        listener.close()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def answered(port: int, number: int, way: str = "/things") -> dict[str, int] | None:
    """What is said; None if the process was killed before."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG_S * 2)
    try:
        connection.request("POST", f"{way}/{number}", headers={"X-Request-Id": f"r-{number}"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    assert (answer.status, answer.headers["X-Request-Id"]) == (200, f"r-{number}"), body
    said: dict[str, int] = json.loads(body)
    return said


def asked(port: int, number: int) -> int | None:
    """The process that has answered."""
    said = answered(port, number)
    return said and said["process"]


def load(port: int, numbers: range) -> dict[int, int]:
    """The requests that were answered, and the processes that did."""
    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(lambda number: (number, asked(port, number)), numbers)
        return {number: process for number, process in answers if process is not None}


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(LONG_S)


def shipped(trail: Trail, action: str, wanted: Iterable[str]) -> Counter[str]:
    """How often each resource is in the trail, once those that are wanted are, or it is too late: a
    next process takes over what others have left, one spool after the other."""
    code = "import sys, tallystick; tallystick.record({'action': 'next'}); sys.stdin.read()"
    environment = {"TALLY_URL": trail.url, "TALLY_KEY": trail.admin_key, "TALLY_SPOOL": trail.spool}
    following = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, env={**os.environ, **environment}
    )
    expected = set(wanted)
    until = time.monotonic() + LONG_S
    try:
        while True:
            entries = [entry for entry in trail.entries() if entry["action"] == action]
            key = "request_id" if action.startswith("http.") else "resource_id"
            count = Counter(entry[key] for entry in entries)
            if expected <= set(count) or time.monotonic() > until:
                return count
            time.sleep(0.2)
    finally:
        following.communicate()


@pytest.mark.parametrize(("app", "server"), SERVERS, ids=["gunicorn", "uvicorn"])
def test_each_request_exactly_once(
    app: str, server: list[str], trail: Trail, tmp_path: Path
) -> None:
    with running(trail, app, server, tmp_path) as (process, port):
        processes = load(port, range(REQUESTS))
        ended(process)
        assert sorted(processes) == list(range(REQUESTS)), (tmp_path / "server.log").read_text()
    things = [str(number) for number in range(REQUESTS)]
    requests = [f"r-{number}" for number in range(REQUESTS)]
    assert shipped(trail, "thing.create", things) == Counter(things)
    assert shipped(trail, "http.post", requests) == Counter(requests)


def test_a_loop_that_a_handler_blocks_loses_nothing(trail: Trail, tmp_path: Path) -> None:
    """Each worker's, again and again, while requests come that have to wait for it."""
    blocking = range(REQUESTS, REQUESTS + 2 * WORKERS)
    with running(trail, "fastapi", UVICORN, tmp_path) as (process, port):
        with ThreadPoolExecutor(6) as threads:
            blocked = threads.map(lambda n: answered(port, n, "/things/blocked"), blocking)
            assert sorted(load(port, range(REQUESTS))) == list(range(REQUESTS))
        said = list(blocked)
        ended(process)
    assert [one and one["queued"] for one in said] == [0] * len(blocking)
    things = [str(number) for number in (*range(REQUESTS), *blocking)]
    steps = [f"{number}.{step}" for number in blocking for step in range(50)]
    assert shipped(trail, "thing.create", things) == Counter(things)
    assert shipped(trail, "thing.step", steps) == Counter(steps)


@pytest.mark.parametrize(("app", "server"), SERVERS, ids=["gunicorn", "uvicorn"])
def test_what_killed_workers_have_recorded_is_shipped_by_the_next(
    app: str, server: list[str], tmp_path: Path
) -> None:
    trail = made(tmp_path / "data")
    trail.spool = str(tmp_path / "spool")
    tally = served(trail)
    tally.send_signal(signal.SIGSTOP)  # from now on it takes events, and answers none
    try:
        with running(trail, app, server, tmp_path) as (process, port):
            processes = load(port, range(REQUESTS))
            assert processes, (tmp_path / "server.log").read_text()
            os.kill(next(iter(processes.values())), signal.SIGKILL)
            processes |= load(port, range(REQUESTS, 2 * REQUESTS))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert len(processes) > REQUESTS
        tally.send_signal(signal.SIGCONT)
        things = {str(number) for number in processes}
        count = shipped(trail, "thing.create", things)
    finally:
        tally.send_signal(signal.SIGCONT)
        tally.terminate()
        tally.wait()
    assert things <= set(count), "what was answered is missing"
    assert set(count.values()) == {1}
