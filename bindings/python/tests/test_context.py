"""What events inherit, and from where, in tasks and threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import tallystick
from tallystick import audit_logger

Events = list[dict[str, Any]]


def members_now() -> dict[str, Any]:
    context = tallystick.current_context()
    return {} if context is None else dict(context.members)


def test_inner_contexts_take_from_outer_ones(tallystick_events: Events) -> None:
    with tallystick.context(user_id="u", request_id="r"):
        with tallystick.context(user_id="v", session_id="s"):
            audit_logger.log_action("inner")
        audit_logger.log_action("outer")
    audit_logger.log_action("outside")
    assert [
        {name: event.get(name) for name in ("user_id", "request_id", "session_id")}
        for event in tallystick_events
    ] == [
        {"user_id": "v", "request_id": "r", "session_id": "s"},
        {"user_id": "u", "request_id": "r", "session_id": None},
        {"user_id": None, "request_id": None, "session_id": None},
    ]


def test_a_context_is_left_when_an_error_goes_through() -> None:
    with pytest.raises(KeyError):
        with tallystick.context(user_id="u"):
            raise KeyError
    assert tallystick.current_context() is None


@pytest.mark.parametrize("name", ["id", "timestamp", "details", "changes", "index", "writer"])
def test_what_belongs_to_one_event(name: str) -> None:
    with pytest.raises(tallystick.Invalid, match=name) as raised:
        tallystick.context(**{name: "x"})
    assert raised.value.pointer == f"/{name}"


def test_tasks_have_contexts_of_their_own() -> None:
    seen: dict[str, Any] = {}

    async def request(user: str) -> None:
        async with tallystick.context(user_id=user):
            for _ in range(3):
                await asyncio.sleep(0)
                assert members_now() == {"user_id": user}
            seen[user] = await asyncio.to_thread(members_now)
            seen[user + "'s task"] = await asyncio.create_task(inherited())

    async def inherited() -> dict[str, Any]:
        return members_now()

    async def main() -> None:
        await asyncio.gather(*(request(f"u{i}") for i in range(5)))
        assert tallystick.current_context() is None

    asyncio.run(main())
    assert seen == {
        name: {"user_id": f"u{i}"} for i in range(5) for name in (f"u{i}", f"u{i}'s task")
    }


def test_a_new_thread_begins_with_none_and_a_copied_context_with_this_one() -> None:
    with tallystick.context(user_id="u"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(members_now).result() == {}
        copied = contextvars.copy_context()
        assert pool.submit(copied.run, members_now).result() == {"user_id": "u"}


def test_set_user_is_seen_outside_of_a_copied_context() -> None:
    """A synchronous dependency or view runs in a thread with a copy of the request's context."""

    async def request() -> dict[str, Any]:
        with tallystick.context(request_id="r"):
            await asyncio.to_thread(tallystick.set_user, 7, user_email="e", tenant="t")
            return members_now()

    assert asyncio.run(request()) == {
        "request_id": "r",
        "user_id": 7,
        "user_email": "e",
        "tenant": "t",
    }


def test_set_user_without_a_context_is_for_this_thread() -> None:
    def run() -> None:
        tallystick.set_user("u")
        assert members_now() == {"user_id": "u"}

    contextvars.copy_context().run(run)
    assert tallystick.current_context() is None


def test_what_was_recorded_before_set_user_has_none(tallystick_events: Events) -> None:
    with tallystick.context(request_id="r"):
        audit_logger.log_action("before")
        tallystick.set_user("u")
        audit_logger.log_action("after")
    assert [event.get("user_id") for event in tallystick_events] == [None, "u"]


def test_left_in_another_copy_of_the_context() -> None:
    """Frameworks run the halves of a generator in different copies."""
    context = tallystick.context(user_id="u")
    contextvars.copy_context().run(context.__enter__)
    context.__exit__(None, None, None)
    assert tallystick.current_context() is None

    inside = contextvars.copy_context()
    inside.run(context.__enter__)
    copied = inside.copy()
    copied.run(context.__exit__, None, None, None)
    assert copied.run(tallystick.current_context) is None


def test_many_threads_at_once(tallystick_events: Events) -> None:
    def request(number: int) -> None:
        with tallystick.context(user_id=number, request_id=f"r{number}"):
            for _ in range(50):
                audit_logger.log_action("thread.run", data={"number": number})

    threads = [threading.Thread(target=request, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tallystick_events) == 400
    for event in tallystick_events:
        number = event["details"]["number"]
        assert (event["user_id"], event["request_id"]) == (str(number), f"r{number}")
