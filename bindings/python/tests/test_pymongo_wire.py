"""Timings of MongoDB's commands, from a real PyMongo that speaks to a server over the wire."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import LONG_S, Trail

pymongo = pytest.importorskip("pymongo")

import mongo_stand_in
from mongo_stand_in import Document, standing_in
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, OperationFailure

import tallystick
from tallystick import audit_logger
from tallystick.pymongo import CommandTimer

Events = list[dict[str, Any]]

SECRET = "4111 1111 1111 1111"
DUPLICATE = "E11000 duplicate key error collection: shop.orders"
PATIENCE_MS = int(LONG_S * 1000)


@contextmanager
def asked(kind: str = "MongoClient", slow_ms: float = 0.0, **answers: Any) -> Iterator[Any]:
    """A client of a server that gives these answers."""
    if not hasattr(pymongo, kind):
        pytest.skip(f"this PyMongo has no {kind}")
    with standing_in(**answers) as url:
        yield getattr(pymongo, kind)(
            url,
            event_listeners=[CommandTimer(slow_ms=slow_ms)],
            retryReads=False,
            retryWrites=False,
            serverSelectionTimeoutMS=PATIENCE_MS,
            socketTimeoutMS=PATIENCE_MS,
            connectTimeoutMS=PATIENCE_MS,
        )


def batch(command: Document) -> Document:
    """What a find gives first; there is more."""
    name = f"shop.{command['find']}"
    return {"cursor": {"id": 7, "ns": name, "firstBatch": [{"_id": 1}]}, "ok": 1.0}


def rest(command: Document) -> Document:
    assert command["getMore"] == 7
    name = f"shop.{command['collection']}"
    return {"cursor": {"id": 0, "ns": name, "nextBatch": [{"_id": 2}]}, "ok": 1.0}


def inserted(command: Document) -> Document:
    return {"n": len(command["documents"]), "ok": 1.0}


def refused(command: Document) -> Document:
    error = {"index": 0, "code": 11000, "errmsg": DUPLICATE, "keyValue": {"card": SECRET}}
    return {"n": len(command["documents"]) - 1, "writeErrors": [error], "ok": 1.0}


def said(event: dict[str, Any]) -> tuple[Any, ...]:
    details = event["details"]
    return event["resource_id"], details["operation"], event.get("status", "success")


def test_what_is_done_is_timed(tallystick_events: Events) -> None:
    with asked(find=batch, getMore=rest, insert=inserted) as client:
        orders = client.shop.orders
        orders.insert_many([{"card": SECRET}, {"card": SECRET}])
        assert [found["_id"] for found in orders.find({"card": SECRET})] == [1, 2]
        client.close()
    assert [said(event) for event in tallystick_events] == [
        ("orders", "insert", "success"),
        ("orders", "find", "success"),
        ("orders", "getMore", "success"),
    ]
    assert SECRET not in str(tallystick_events)


def test_it_is_the_event_of_log_database_timing(tallystick_events: Events) -> None:
    with asked(insert=inserted) as client:
        client.shop.orders.insert_one({"_id": 1})
        client.close()
    (event,) = tallystick_events
    duration = event["response_time_ms"]
    assert duration >= 0
    assert event["details"].pop("database", "shop") == "shop"
    audit_logger.log_database_timing("orders", "insert", duration)
    assert tallystick_events[1] == event


def test_it_is_timed_from_the_question_to_the_answer(tallystick_events: Events) -> None:
    held_s = 0.05

    def hold(command: Document) -> Document:
        time.sleep(held_s)
        return inserted(command)

    with asked(slow_ms=held_s * 1000, insert=hold) as client:
        client.shop.orders.insert_one({"_id": 1})
        client.close()
    assert [said(event) for event in tallystick_events] == [("orders", "insert", "success")]
    assert tallystick_events[0]["response_time_ms"] >= held_s * 1000


def test_a_command_that_fails(tallystick_events: Events) -> None:
    failure = {"ok": 0.0, "errmsg": "no such thing", "code": 26, "codeName": "NamespaceNotFound"}
    with asked(slow_ms=PATIENCE_MS, aggregate=failure) as client:
        with pytest.raises(OperationFailure):
            list(client.shop.orders.aggregate([{"$match": {"card": SECRET}}]))
        client.close()
    (event,) = tallystick_events
    assert said(event) == ("orders", "aggregate", "error")
    assert event["error_message"] == "no such thing"
    assert SECRET not in str(event)


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_command_does_not_write(count: int, tallystick_events: Events) -> None:
    """MongoDB says of such a command that it went well, and PyMongo raises."""
    with asked(slow_ms=PATIENCE_MS, insert=refused) as client:
        orders = client.shop.orders
        if count == 1:
            with pytest.raises(DuplicateKeyError):
                orders.insert_one({"card": SECRET})
        else:
            with pytest.raises(BulkWriteError):
                orders.insert_many([{"card": SECRET}] * count, ordered=False)
        client.close()
    (event,) = tallystick_events
    assert said(event) == ("orders", "insert", "error")
    assert event["error_message"] == DUPLICATE
    assert SECRET not in str(event)


def test_what_is_not_written_as_safely_as_asked(tallystick_events: Events) -> None:
    concern = {"code": 64, "errmsg": "waiting for replication timed out"}
    answer = {"n": 1, "writeConcernError": concern, "ok": 1.0}
    with asked(slow_ms=PATIENCE_MS, insert=answer) as client:
        with pytest.raises(OperationFailure):
            client.shop.orders.insert_one({"_id": 1})
        client.close()
    (event,) = tallystick_events
    assert said(event) == ("orders", "insert", "error")
    assert event["error_message"] == concern["errmsg"]


def test_a_connection_that_breaks(tallystick_events: Events) -> None:
    with asked(slow_ms=PATIENCE_MS, find=lambda command: None) as client:
        with pytest.raises(AutoReconnect):
            client.shop.orders.find_one()
        client.close()
    (event,) = tallystick_events
    assert said(event) == ("orders", "find", "error")
    assert event["error_message"]


def test_a_write_that_nobody_answers(tallystick_events: Events) -> None:
    with asked(insert=inserted) as client:
        orders = client.shop.get_collection("orders", write_concern=pymongo.WriteConcern(w=0))
        orders.insert_one({"_id": 1})
        client.close()
    assert [said(event) for event in tallystick_events] == [("orders", "insert", "success")]


class Together:
    """Answers when so many have asked, so that all are asked at once."""

    def __init__(self, count: int) -> None:
        self._all = threading.Barrier(count)

    def __call__(self, command: Document) -> Document:
        self._all.wait(LONG_S)
        if command["find"].startswith("missing"):
            return {"ok": 0.0, "errmsg": command["find"], "code": 26}
        return {**batch(command), "cursor": {**batch(command)["cursor"], "id": 0}}


NAMES = [f"{'missing' if number % 3 == 0 else 'there'}-{number}" for number in range(12)]
FOUND = [(name, "find", "error" if name.startswith("missing") else "success") for name in NAMES]


def test_several_at_once_are_kept_apart(tallystick_events: Events) -> None:
    def find(client: Any, name: str) -> None:
        try:
            client.shop[name].find_one()
        except OperationFailure as error:
            assert name in str(error)

    with asked(find=Together(len(NAMES))) as client:
        threads = [threading.Thread(target=find, args=(client, name)) for name in NAMES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert sorted(said(event) for event in tallystick_events) == sorted(FOUND)
    for event in tallystick_events:
        assert event.get("error_message", event["resource_id"]) == event["resource_id"]


def test_several_tasks_of_a_loop_are_kept_apart(tallystick_events: Events) -> None:
    async def main() -> None:
        with asked("AsyncMongoClient", find=Together(len(NAMES))) as client:
            finds = (client.shop[name].find_one() for name in NAMES)
            await asyncio.gather(*finds, return_exceptions=True)
            await client.close()

    asyncio.run(main())
    assert sorted(said(event) for event in tallystick_events) == sorted(FOUND)


def test_it_has_its_context_and_gets_to_the_trail(trail: Trail) -> None:
    with asked(insert=inserted, drop=None) as client, tallystick.context(user_id="u42"):
        client.shop.orders.insert_one({"card": SECRET})
        with pytest.raises(AutoReconnect):
            client.shop.orders.drop()
        client.close()
    assert tallystick.flush(LONG_S)
    insert, drop = trail.entries(2)
    for entry, operation, status in ((insert, "insert", "success"), (drop, "drop", "error")):
        assert entry["event_type"] == "database_timing"
        assert (entry["resource_type"], entry["resource_id"]) == ("collection", "orders")
        assert (entry["user_id"], entry["status"]) == ("u42", status)
        assert entry["details"]["operation"] == operation
        assert entry["response_time_ms"] >= 0


def test_the_handshake_is_nobodys(tallystick_events: Events) -> None:
    with asked() as client:
        assert client.admin.command("ping")["ok"] == mongo_stand_in.HELLO["ok"]
        client.close()
    assert tallystick_events == []
