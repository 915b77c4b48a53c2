"""Signals while a call waits: their handlers run, and what they raise ends the wait."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tallystick

HOUR_S = 3600
"""Where nothing interrupts it, a test waits for longer than anybody lets it run."""

STORED = (
    b"HTTP/1.1 201 Yes\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"repeated":[],"refused":[],"refused_count":0,"receipts":[{"index":7,"leaf":"%s"}]}'
    % (b"0" * 64)
)


class Silent:
    """A server that takes requests and answers when it is told to. With the first request comes a
    signal."""

    def __init__(self, number: int) -> None:
        self.answer = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._number = number
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        signalled = False
        while True:
            connection, _ = self._listener.accept()
            with connection:
                connection.recv(65536)
                if not signalled:
                    os.kill(os.getpid(), self._number)
                    signalled = True
                self.answer.wait()
                connection.sendall(STORED)


@pytest.fixture
def on_signal() -> Iterator[Callable[[Any], int]]:
    """Has a function run with a signal, whose number it gives."""
    number = signal.SIGUSR1
    before = signal.getsignal(number)
    yield lambda does: (signal.signal(number, lambda *_: does()), int(number))[1]
    signal.signal(number, before)


def recorder(url: str, **options: Any) -> tallystick.Recorder:
    return tallystick.Recorder(url, key="k", timeout_ms=1000 * HOUR_S, **options)


def test_a_receipt_is_not_waited_for_after_ctrl_c() -> None:
    silent = Silent(signal.SIGINT)
    waiting = recorder(silent.url)
    with pytest.raises(KeyboardInterrupt):
        waiting.record({"action": "a", "id": "id-1"}, "sync")
    assert waiting.statistics()["denied"] == 1
    # It may stand in the trail, so another event says that it was not to be done.
    assert waiting.statistics()["queued"] == 1
    waiting.close(0)


def test_a_flush_ends_with_ctrl_c_and_the_events_stay() -> None:
    silent = Silent(signal.SIGINT)
    waiting = recorder(silent.url)
    with pytest.raises(KeyboardInterrupt):  # which may come before the event's call is over
        waiting.record({"action": "a"})
        waiting.flush(HOUR_S)
    assert waiting.statistics()["queued"] == 1
    waiting.close(0)


def test_a_close_ends_with_ctrl_c() -> None:
    silent = Silent(signal.SIGINT)
    waiting = recorder(silent.url)
    with pytest.raises(KeyboardInterrupt):
        waiting.record({"action": "a"})
        waiting.close(HOUR_S)


def test_a_question_ends_with_ctrl_c() -> None:
    silent = Silent(signal.SIGINT)
    waiting = recorder(silent.url)
    with pytest.raises(KeyboardInterrupt):
        waiting.get("/api/stats")
    waiting.close(0)


@pytest.mark.parametrize("kind", [TimeoutError, tallystick.Conflict])
def test_what_a_handler_raises_comes_out_as_itself(kind: Any, on_signal: Any) -> None:
    error = kind("too long")

    def handle() -> None:
        raise error

    silent = Silent(on_signal(handle))
    waiting = recorder(silent.url)
    with pytest.raises(kind) as caught:
        waiting.record({"action": "a", "id": "id-1"}, "sync")
    assert caught.value is error
    waiting.close(0)


def test_a_handler_that_raises_nothing_does_not_end_the_wait(on_signal: Any) -> None:
    ran = []

    def handle() -> None:
        ran.append(bool(waiting.record({"action": "meanwhile"})))
        silent.answer.set()

    silent = Silent(on_signal(handle))
    waiting = recorder(silent.url)
    receipt = waiting.record({"action": "a", "id": "id-1"}, "sync")
    assert receipt.id == "id-1"
    assert receipt.index == 7
    assert ran == [True]
    waiting.close(0)


def test_while_another_thread_waits_signals_have_their_handlers_run(on_signal: Any) -> None:
    silent = Silent(on_signal(lambda: silent.answer.set()))
    waiting = recorder(silent.url)
    receipts: list[tallystick.Receipt] = []
    thread = threading.Thread(
        target=lambda: receipts.append(waiting.record({"action": "a"}, "sync"))
    )
    thread.start()
    thread.join()
    assert [receipt.index for receipt in receipts] == [7]
    waiting.close(0)


def test_while_a_record_waits_for_room_other_threads_run() -> None:
    url = "http://127.0.0.1:1"  # nobody takes anything
    waiting = tallystick.Recorder(url, key="k", timeout_ms=1000, spool_size_max=8 << 20)
    turns = 0
    turns_of_records: list[int] = []

    def record_until_there_is_no_room() -> None:
        while not waiting.statistics().get("lost"):
            before = turns
            waiting.record({"action": "a", "details": {"text": "x" * 100_000}})
            turns_of_records.append(turns - before)

    thread = threading.Thread(target=record_until_there_is_no_room)
    thread.start()
    while thread.is_alive():
        turns += 1
        time.sleep(0)  # lets go of the interpreter
    assert turns_of_records[-1] > 100
    waiting.close(0)
