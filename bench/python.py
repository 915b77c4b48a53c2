"""What recording costs in Python, beside what else one might do with an event.

    build/python-environment/bin/python bench/python.py

Microseconds a call, the least and the median of many rounds; the rounds of all rows alternate, so
that what else the machine does meets all of them. Events go to a folder's spool that nobody ships
(no server answers there).
"""

from __future__ import annotations

import json
import logging
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable

import tallystick
from tallystick import audit_logger
from tallystick._tally import write_event

CALLS = 100
ROUNDS = 200

REQUEST = {
    "user_id": "u42",
    "session_id": uuid.uuid4().hex,
    "request_id": str(uuid.uuid4()),
    "ip_address": "192.0.2.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
    "endpoint": "/api/invoices/i-7/approve",
    "method": "POST",
}
EVENT = {
    "action": "invoice.approve",
    "resource_type": "invoice",
    "resource_id": "i-7",
    "details": {"amount": 120.5, "currency": "EUR", "lines": [1, 2, 3]},
}


def log() -> None:
    audit_logger.log("invoice.approve", "invoice", resource_id="i-7", details=EVENT["details"])


def record() -> None:
    tallystick.record(EVENT)


def write() -> None:
    write_event(EVENT, REQUEST)


def dump() -> None:
    json.dumps({**REQUEST, **EVENT})


def to_file(logger: logging.Logger) -> Callable[[], None]:
    def call() -> None:
        logger.info("%s", json.dumps({**REQUEST, **EVENT}))

    return call


def measure(rows: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, call in rows.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            times[name].append((time.perf_counter() - start) / CALLS * 1e6)
    return times


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        logger = logging.getLogger("bench")
        logger.propagate = False
        logger.setLevel(logging.INFO)
        logger.addHandler(logging.FileHandler(f"{folder}/log"))
        logging.getLogger("tallystick").setLevel(logging.CRITICAL + 1)
        tallystick.configure(
            "http://127.0.0.1:1", key="none", spool=f"{folder}/spool", spool_size_max=2**30
        )
        with tallystick.context(**REQUEST):
            times = measure(
                {
                    "audit_logger.log(), in a request": log,
                    "tallystick.record(), in a request": record,
                    "of that, writing JSON": write,
                    "json.dumps() of the same": dump,
                    "logging.info() of it to a file": to_file(logger),
                }
            )
        tallystick.close(0)
    print(f"{'µs a call':36}{'least':>8}{'median':>8}")
    for name, taken in times.items():
        print(f"{name:36}{min(taken):8.2f}{statistics.median(taken):8.2f}")


if __name__ == "__main__":
    main()
