"""What recording costs a web application in Python: requests a second with the decorator and without, and with a
row that is committed to PostgreSQL in each request.

    build/python-environment/bin/python bench/python_web.py build/tally

A server each (uvicorn, and gunicorn with threads; one process), all running; a round gives each the same load in turn,
and ratios are those of one round, so that what else the machine does meets all of them alike. `spool` is safe
from a crash of the process when the response is sent, and from a power cut 100 ms later; `sync` and the row of the
database are on stable storage. The database is left out where SQLAlchemy, psycopg2 or PostgreSQL 15 is missing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 8
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "400"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
WAIT_S = 120

SERVERS = {
    "fastapi": ["uvicorn", "--log-level", "warning", "--no-access-log"]
    + ["--timeout-keep-alive", "600", "--fd"],
    "flask": [
        "gunicorn",
        "--threads",
        str(CONNECTIONS),
        "--keep-alive",
        "600",
        "--log-level",
        "warning",
    ]
    + ["--bind"],
}


@contextmanager
def trail(tally: str, folder: Path) -> Iterator[dict[str, str]]:
    """A trail and its server; the environment of who records there."""
    said = subprocess.run(
        [tally, "init", str(folder)], check=True, capture_output=True, text=True
    ).stdout
    key = re.search(r"^admin key: (\S+)", said, re.MULTILINE)
    assert key
    server = subprocess.Popen(
        [tally, "serve", "--data", str(folder), "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout
    try:
        line = next(line for line in server.stdout if line.startswith("listening on "))
        yield {"TALLY_URL": line.split()[-1], "TALLY_KEY": key[1]}
    finally:
        server.terminate()
        server.wait()


@contextmanager
def database(folder: Path) -> Iterator[str | None]:
    """A cluster's address for SQLAlchemy; None where something is missing."""
    modules = ("sqlalchemy", "psycopg2")
    if (
        any(importlib.util.find_spec(module) is None for module in modules)
        or not Path("/usr/lib/postgresql/15/bin/initdb").exists()
    ):
        yield None
        return
    script = str(HERE / "postgres.sh")
    environment = {"BENCH_POSTGRES_BUFFERS": "128MB", **os.environ}
    subprocess.run(
        [script, "start", str(folder)], check=True, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield f"postgresql+psycopg2://bench@/postgres?host={folder}"
    finally:
        subprocess.run([script, "stop", str(folder)], check=True)


@contextmanager
def application(app: str, way: str, environment: dict[str, str]) -> Iterator[int]:
    """The port of a server that runs it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    # What is accepted inherits it; the servers do not know that it is TCP, or do not care.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    number = listener.fileno()
    where = f"fd://{number}" if app == "flask" else str(number)
    process = subprocess.Popen(
        [sys.executable, "-m", *SERVERS[app], where, "python_web_apps:app"],
        cwd=HERE,
        env={**os.environ, **environment, "APP": app, "WAY": way, "PYTHONDONTWRITEBYTECODE": "1"},
        pass_fds=[number],
    )
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.wait()
        listener.close()


class Connection:
    """One that is kept, and speaks just enough HTTP."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, count: int) -> None:
        request = (
            b"POST /invoices/i-7/approve HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n"
            b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\r\n"
        )
        for _ in range(count):
            self.socket.sendall(request)
            said = b""
            while b"\r\n\r\n" not in said:
                said += self._more()
            head, _, body = said.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"no answer to count: {head.decode()}")
            size = re.search(rb"(?i)content-length: (\d+)", head)
            assert size, head
            while len(body) < int(size[1]):
                body += self._more()

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("the server has hung up")
        return data


def rate(connections: list[Connection]) -> float:
    """Requests a second, over all connections."""
    with ThreadPoolExecutor(len(connections)) as threads:
        start = time.perf_counter()
        list(threads.map(lambda c: c.ask(REQUESTS // len(connections)), connections))
        return REQUESTS / (time.perf_counter() - start)


def measure(ports: dict[str, int]) -> dict[str, list[float]]:
    connections = {
        way: [Connection(port) for _ in range(CONNECTIONS)] for way, port in ports.items()
    }
    for kept in connections.values():
        rate(kept)  # all is loaded and open then
    rates: dict[str, list[float]] = {way: [] for way in ports}
    ways = list(ports)
    for number in range(ROUNDS):
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            rates[way].append(rate(connections[way]))
    for kept in connections.values():
        for connection in kept:
            connection.socket.close()
    return rates


def report(app: str, rates: dict[str, list[float]]) -> None:
    names = {
        "none": "nothing is recorded",
        "spool": "the decorator",
        "sync": 'the decorator, mode "sync"',
        "database": "SQLAlchemy, a commit each",
    }
    print(f"{app:34}{'requests/s':>12}{'of nothing':>12}{'quartiles':>16}")
    for way, measured in rates.items():
        ratios = [one / other for one, other in zip(measured, rates["none"])]
        low, middle, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        print(
            f"{names[way]:34}{statistics.median(measured):12.0f}"
            f"{middle:12.2f}{low:10.2f}..{high:.2f}"
        )
    if "database" in rates:
        for way in ("spool", "sync"):
            times = statistics.median(a / b for a, b in zip(rates[way], rates["database"]))
            print(f"{names[way]}: {times:.2f} times the requests of the database")
    print(flush=True)


def main() -> None:
    tally = shutil.which(sys.argv[1]) if len(sys.argv) == 2 else None
    if tally is None:
        raise SystemExit("usage: python_web.py TALLY")
    tally = os.path.abspath(tally)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.chmod(0o711)  # PostgreSQL may run as another user
        environment = stack.enter_context(trail(tally, scratch / "data"))
        environment["TALLY_SPOOL"] = str(scratch / "spool")
        address = stack.enter_context(database(scratch / "postgres"))
        ways = ["none", "spool", "sync"]
        if address is None:
            print(
                "without SQLAlchemy, psycopg2 and PostgreSQL 15 there is no database to compare with"
            )
        else:
            ways.append("database")
            environment["DATABASE"] = address
        for app, server in SERVERS.items():
            if any(importlib.util.find_spec(module) is None for module in (app, server[0])):
                print(f"{app} or {server[0]} is not installed")
                continue
            with ExitStack() as servers:
                ports = {
                    way: servers.enter_context(application(app, way, environment)) for way in ways
                }
                report(app, measure(ports))


if __name__ == "__main__":
    main()
