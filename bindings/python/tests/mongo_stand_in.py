"""A MongoDB server that says what it is told: MongoDB's wire protocol over TCP, for tests of what a
real PyMongo does.

It answers the handshake (OP_QUERY, which clients still begin with, and OP_MSG), and each command
with what its table of answers has for it: a document, or a function of the command that gives one.
``None`` ends the connection instead.
https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import bson

Document = dict[str, Any]
Answer = Document | None | Callable[[Document], Document | None]

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
MORE_TO_COME = 2
"""A bit of OP_MSG: the client waits for no answer."""

HELLO: Document = {
    "helloOk": True,
    "ismaster": True,
    "isWritablePrimary": True,
    "maxBsonObjectSize": 16 << 20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "logicalSessionTimeoutMinutes": 30,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "readOnly": False,
    "ok": 1.0,
}


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        while len(head := self.rfile.read(16)) == 16:
            size, number, _, operation = struct.unpack("<iiii", head)
            body = self.rfile.read(size - 16)
            waits, command = read_query(body) if operation == OP_QUERY else read_message(body)
            answer = self.server.answer(command)
            if answer is None:
                return
            if not waits:
                continue
            document = bson.encode(answer)
            if operation == OP_QUERY:
                operation, said = OP_REPLY, struct.pack("<iqii", 0, 0, 0, 1) + document
            else:
                said = struct.pack("<IB", 0, 0) + document
            head = struct.pack("<iiii", 16 + len(said), 0, number, operation)
            self.wfile.write(head + said)


def read_query(body: bytes) -> tuple[bool, Document]:
    """Flags, the name of a collection, two numbers, the command."""
    command: Document = bson.decode(body[body.index(b"\0", 4) + 9 :])
    return True, command


def read_message(body: bytes) -> tuple[bool, Document]:
    """Flags; then sections: the command, and arrays of documents that belong to it by name."""
    (flags,) = struct.unpack_from("<I", body)
    command: Document = {}
    at = 4
    while at < len(body):
        kind = body[at]
        (size,) = struct.unpack_from("<i", body, at + 1)
        section = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = {**bson.decode(section), **command}
        else:
            name, _, documents = section[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(documents)
        at += 1 + size
    return not flags & MORE_TO_COME, command


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answers = answers

    def answer(self, command: Document) -> Document | None:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return HELLO
        answer = self.answers.get(name, {"ok": 1.0})
        return answer(command) if callable(answer) else answer


@contextmanager
def standing_in(**answers: Answer) -> Iterator[str]:
    """The address of a server that gives these answers; ``{"ok": 1}`` to all other commands."""
    with _Server(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"mongodb://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()
