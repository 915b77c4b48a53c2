"""What recording costs a web application in Python: requests a second and processor time with the middleware alone,
with the decorator as well, without both, and with a row that is committed to PostgreSQL in each request.

    build/python-environment/bin/python bench/python_web.py build/tally

Of an endpoint that does nothing else, and of one that reads a row of a PostgreSQL, changes it and commits. A server each
(uvicorn, and gunicorn with threads; one process), all running; a round gives each the same load in turn, and
ratios and differences are those of one round, so that what else the machine does meets all of them alike. The processor
time is that of the application's process, all its threads, so that it says what shipping costs there as well; that of
the trail's server stands beside it.

`spool` is safe from a crash of the process when the response is sent, and from a power cut 100 ms later; `sync` and
the rows of the database are on stable storage. Without SQLAlchemy, psycopg2 or PostgreSQL 15 only the first endpoint
is measured, and no database.
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
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "400"))  # of a round
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
WAIT_S = 120
SETTLE_S = 0.7  # longer than events gather

NAMES = {
    "none": "nothing is recorded",
    "middleware": "the middleware or extension",
    "spool": "the decorator",
    "sync": 'the decorator, mode "sync"',
    "database": "SQLAlchemy, a commit each",
}

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
def trail(tally: str, folder: Path) -> Iterator[tuple[dict[str, str], int]]:
    """A trail and its server: the environment of who records there, and its process."""
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
        yield {"TALLY_URL": line.split()[-1], "TALLY_KEY": key[1]}, server.pid
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
def application(app: str, way: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The port and the process of a server that runs it."""
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
        yield listener.getsockname()[1], process.pid
    finally:
        process.terminate()
        process.wait()
        listener.close()


def processor_time(pid: int) -> float:
    """Seconds of a process and its children, all threads of them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(
        time.clock_gettime((~process << 3) | 2)  # clock_getcpuclockid()
        for process in (pid, *map(int, children))
    )


class Connection:
    """One that is kept, and speaks just enough HTTP."""

    def __init__(self, port: int, number: int) -> None:
        self.number = number
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, endpoint: str, count: int) -> None:
        request = (
            f"POST /invoices/i-{self.number}/{endpoint} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n"
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\r\n"
        ).encode()
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


class Load:
    """One application under load, and what a round of it costs."""

    def __init__(self, port: int, pid: int, trail_pid: int) -> None:
        self.connections = [Connection(port, number) for number in range(CONNECTIONS)]
        self.pids = (pid, trail_pid)
        self.rates: list[float] = []  # requests a second
        self.own: list[float] = []  # seconds a request, of the application
        self.trails: list[float] = []  # … of the trail's server

    def round(self, endpoint: str) -> None:
        before = [processor_time(pid) for pid in self.pids]
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            start = time.perf_counter()
            count = REQUESTS // CONNECTIONS
            list(threads.map(lambda c: c.ask(endpoint, count), self.connections))
            self.rates.append(REQUESTS / (time.perf_counter() - start))
        time.sleep(SETTLE_S)  # what is spooled is shipped
        after = [processor_time(pid) for pid in self.pids]
        own, trails = ((b - a) / REQUESTS for a, b in zip(before, after))
        self.own.append(own)
        self.trails.append(trails)

    def close(self) -> None:
        for connection in self.connections:
            connection.socket.close()


def measure(servers: dict[str, tuple[int, int]], trail_pid: int, endpoint: str) -> dict[str, Load]:
    loads = {way: Load(port, pid, trail_pid) for way, (port, pid) in servers.items()}
    ways = list(loads)
    for number in range(-1, ROUNDS):
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            loads[way].round(endpoint)
    for load in loads.values():
        load.close()
        for figures in (load.rates, load.own, load.trails):
            del figures[0]  # all is loaded and open after it
    return loads


def quartiles(load: Load, other: Load) -> list[float]:
    """Of how many times the requests of another it had, round by round."""
    ratios = [one / two for one, two in zip(load.rates, other.rates)]
    return statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3


def report(app: str, endpoint: str, loads: dict[str, Load]) -> None:
    print(
        f"{f'{app}, /{endpoint}':30}{'requests/s':>12}{'of nothing':>12}{'quartiles':>14}"
        f"{'µs/request':>12}{'more':>8}{'trail µs':>10}"
    )
    none = loads["none"]
    for way, load in loads.items():
        low, middle, high = quartiles(load, none)
        more = statistics.median(one - other for one, other in zip(load.own, none.own))
        print(
            f"{NAMES[way]:30}{statistics.median(load.rates):12.0f}{middle:12.2f}"
            f"{low:8.2f}..{high:.2f}{statistics.median(load.own) * 1e6:12.0f}{more * 1e6:8.0f}"
            f"{statistics.median(load.trails) * 1e6:10.0f}"
        )
    pairs = [("spool", "middleware")]
    if "database" in loads:
        pairs += [("spool", "database"), ("sync", "database")]
    for way, other in pairs:
        low, middle, high = quartiles(loads[way], loads[other])
        times = f"{middle:.2f} ({low:.2f}..{high:.2f})"
        print(f"{NAMES[way]}: {times} times the requests of {NAMES[other]}")
    print(flush=True)


def main() -> None:
    tally = shutil.which(sys.argv[1]) if len(sys.argv) == 2 else None
    if tally is None:
        raise SystemExit("usage: python_web.py TALLY")
    tally = os.path.abspath(tally)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.chmod(0o711)  # PostgreSQL may run as another user
        environment, trail_pid = stack.enter_context(trail(tally, scratch / "data"))
        environment["TALLY_SPOOL"] = str(scratch / "spool")
        address = stack.enter_context(database(scratch / "postgres"))
        ways, endpoints = ["none", "middleware", "spool", "sync"], ["approve"]
        if address is None:
            print(
                "without SQLAlchemy, psycopg2 and PostgreSQL 15 there is no database to compare with"
            )
        else:
            ways.append("database")
            endpoints.append("pay")
            environment["DATABASE"] = address
        for app, server in SERVERS.items():
            if any(importlib.util.find_spec(module) is None for module in (app, server[0])):
                print(f"{app} or {server[0]} is not installed")
                continue
            with ExitStack() as open_servers:
                servers = {
                    way: open_servers.enter_context(application(app, way, environment))
                    for way in ways
                }
                for endpoint in endpoints:
                    report(app, endpoint, measure(servers, trail_pid, endpoint))


if __name__ == "__main__":
    main()
