"""Functions whose calls are recorded: of every kind, and unchanged but for that."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import tallystick
from tallystick import audit_log
from tallystick.decorators import Call, audited, resource_id_of

Events = list[dict[str, Any]]


@audit_log("report.read", "report", "report_id")
def plain(report_id: int, *, loud: bool = False) -> str:
    """Reads a report."""
    if loud:
        raise ValueError("too loud")
    return f"report {report_id}"


@audit_log("report.read", "report", "report_id")
async def coroutine(report_id: int, *, loud: bool = False) -> str:
    """Reads a report."""
    await asyncio.sleep(0)
    if loud:
        raise ValueError("too loud")
    return f"report {report_id}"


@audit_log("report.read", "report", "report_id")
def generator(report_id: int, *, loud: bool = False) -> Iterator[str]:
    """Reads a report."""
    yield "report"
    if loud:
        raise ValueError("too loud")
    yield str(report_id)


@audit_log("report.read", "report", "report_id")
async def async_generator(report_id: int, *, loud: bool = False) -> AsyncIterator[str]:
    """Reads a report."""
    yield "report"
    if loud:
        raise ValueError("too loud")
    yield str(report_id)


def call(function: Any, *args: Any, **kwargs: Any) -> str:
    """Whatever the function is, what it gives."""
    if inspect.isasyncgenfunction(function):

        async def collect() -> str:
            return " ".join([value async for value in function(*args, **kwargs)])

        return asyncio.run(collect())
    if inspect.iscoroutinefunction(function):
        result = asyncio.run(function(*args, **kwargs))
    else:
        result = function(*args, **kwargs)
    return result if isinstance(result, str) else " ".join(result)


KINDS = [plain, coroutine, generator, async_generator]


@pytest.mark.parametrize("function", KINDS)
def test_a_success(function: Any, tallystick_events: Events) -> None:
    assert call(function, 7) == call(function, report_id=7) == "report 7"
    for event in tallystick_events:
        assert event.pop("response_time_ms") >= 0
    assert tallystick_events == 2 * [
        {
            "action": "report.read",
            "resource_type": "report",
            "resource_id": "7",
            "status": "success",
        }
    ]


@pytest.mark.parametrize("function", KINDS)
def test_a_failure_goes_on(function: Any, tallystick_events: Events) -> None:
    with pytest.raises(ValueError, match="too loud"):
        call(function, 7, loud=True)
    (event,) = tallystick_events
    assert (event["status"], event["error_message"]) == ("failure", "ValueError: too loud")


@pytest.mark.parametrize("function", KINDS)
def test_a_wrong_call_fails_as_it_would(function: Any, tallystick_events: Events) -> None:
    with pytest.raises(TypeError, match="report_id"):
        call(function)


@pytest.mark.parametrize("function", KINDS)
def test_it_is_of_the_same_kind_and_signature(function: Any) -> None:
    inner = function.__wrapped__
    assert inspect.signature(function) == inspect.signature(inner)
    assert (function.__name__, function.__doc__) == (inner.__name__, "Reads a report.")
    for kind in (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    ):
        assert kind(function) == kind(inner)


def test_a_generator_that_is_left_has_not_failed(tallystick_events: Events) -> None:
    reading = generator(7)
    assert next(reading) == "report"
    reading.close()  # type: ignore[attr-defined]

    async def leave() -> None:
        reading = async_generator(7)
        async for _ in reading:
            break
        await reading.aclose()  # type: ignore[attr-defined]

    asyncio.run(leave())
    assert [event["status"] for event in tallystick_events] == ["success", "success"]


def test_what_is_sent_into_a_generator_arrives(tallystick_events: Events) -> None:
    @audit_log("a")
    def echo() -> Any:
        got = yield "ready"
        yield got

    echoing = echo()
    assert next(echoing) == "ready"
    assert echoing.send("hello") == "hello"


def test_what_is_sent_into_an_async_generator_arrives(tallystick_events: Events) -> None:
    @audit_log("a")
    async def echo() -> Any:
        try:
            got = yield "ready"
            yield got
        except KeyError as error:
            yield f"caught {error}"

    async def main() -> None:
        echoing = echo()
        assert await echoing.__anext__() == "ready"
        assert await echoing.asend("hello") == "hello"
        assert await echoing.athrow(KeyError(1)) == "caught 1"
        await echoing.aclose()

    asyncio.run(main())
    assert [event["status"] for event in tallystick_events] == ["success"]


def test_methods_classmethods_and_partials(tallystick_events: Events) -> None:
    class Reports:
        @audit_log("a", get_resource_id="number")
        def read(self, number: int) -> int:
            return number

        @classmethod
        @audit_log("b", get_resource_id="number")
        def read_class(cls, number: int) -> int:
            return number

    async def slow(number: int) -> int:
        return number

    assert Reports().read(1) == 1
    assert Reports.read_class(2) == 2
    half = audited(functools.partial(slow, 3), lambda call: {"action": "c"})
    assert asyncio.run(half()) == 3
    assert [(e["action"], e.get("resource_id")) for e in tallystick_events] == [
        ("a", "1"),
        ("b", "2"),
        ("c", None),
    ]


def test_the_name_stands_for_an_action(tallystick_events: Events) -> None:
    @audit_log()
    def pay() -> dict[str, int]:
        return {"id": 9}

    @audit_log
    def refund(amount: int) -> dict[str, int]:
        return {"id": amount}

    half = audit_log(functools.partial(refund.__wrapped__, 7))  # type: ignore[attr-defined]
    assert (pay(), refund(3), half()) == ({"id": 9}, {"id": 3}, {"id": 7})
    assert [event["resource_id"] for event in tallystick_events] == ["9", "3", "7"]
    for event, name in zip(tallystick_events, ("pay", "refund", "refund")):
        assert event["action"].startswith("test_decorators.")
        assert event["action"].endswith(f".{name}")


def test_above_classmethod_and_staticmethod(tallystick_events: Events) -> None:
    class Reports:
        @audit_log("a", get_resource_id="number")
        @classmethod
        def read(cls, number: int) -> Any:
            return cls, number

        @audit_log
        @staticmethod
        def count(number: int) -> int:
            return number

    assert Reports.read(1) == (Reports, 1) and Reports().read(number=2) == (Reports, 2)
    assert Reports.count(3) == Reports().count(3) == 3
    assert [event.get("resource_id") for event in tallystick_events] == ["1", "2", None, None]
    assert tallystick_events[2]["action"].endswith("Reports.count")


def test_what_is_no_function_is_raised_where_it_is_decorated() -> None:
    class View:
        pass

    with pytest.raises(TypeError, match="only calls of functions .* not of the class View"):
        audit_log("a")(View)
    with pytest.raises(TypeError, match="not of <property"):
        audit_log("a")(property(lambda self: 1))
    with pytest.raises(tallystick.Invalid, match="mode: 'synch' is none of spool, sync"):
        audit_log("a", mode="synch")(print)  # type: ignore[call-overload]


def test_arguments_only_when_asked_for(tallystick_events: Events) -> None:
    @audit_log("a", log_data=True, details={"kind": "test"})
    def function(a: int, b: int = 2, *rest: int, **more: int) -> None:
        pass

    function(1, 2, 3, c=4)
    assert tallystick_events[0]["details"] == {
        "arguments": {"a": 1, "b": 2, "rest": [3], "c": 4},
        "kind": "test",
    }


@pytest.mark.parametrize(
    ("get_resource_id", "expected"),
    [
        (None, 5),
        ("name", "n"),
        ("no such", None),
        (lambda result: result.id * 2, 10),
        (lambda name: name * 2, "nn"),
        (lambda result, name: f"{name}{result.id}", "n5"),
        (lambda **named: named["name"], "n"),
        (str.__len__, None),
    ],
)
def test_the_resource(get_resource_id: Any, expected: Any) -> None:
    class Thing:
        id = 5

    def function(name: str) -> Thing:
        return Thing()

    call = Call(function, ("n",), {})
    call.result = Thing()
    if get_resource_id is str.__len__:
        with pytest.raises(TypeError):
            resource_id_of(call, get_resource_id)
    else:
        assert resource_id_of(call, get_resource_id) == expected


@pytest.mark.parametrize("fails", [False, True])
def test_a_resource_that_is_not_found_hides_nothing(
    fails: bool, tallystick_events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asks a result for its id does not think of calls without one."""

    @audit_log("a", get_resource_id=lambda result: result["id"])
    def function() -> dict[str, int]:
        if fails:
            raise KeyError("x")
        return {}

    with pytest.raises(KeyError) if fails else contextlib.nullcontext():
        function()
    (event,) = tallystick_events
    assert event["status"] == ("failure" if fails else "success")
    assert ("get_resource_id" in caplog.text) != fails


def test_a_description_that_fails_stops_nothing(
    tallystick_events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    def describe(call: Call) -> dict[str, Any]:
        raise RuntimeError("oh")

    assert audited(len, describe)("abc") == 3
    assert tallystick_events == []
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "RuntimeError: oh" in caplog.text


def test_nothing_said_is_nothing_recorded(tallystick_events: Events) -> None:
    assert audited(len, lambda call: None)("abc") == 3
    assert tallystick_events == []


def test_sync_raises_in_place_of_the_result_but_not_of_an_error() -> None:
    with pytest.raises(tallystick.Denied):
        audit_log("a", mode="sync")(len)("abc")

    @audit_log("a", mode="sync")
    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(fail())


def one(a: Any, b: Any = 2, *, c: Any = 3) -> None: ...
def two(a: Any, /, b: Any, *rest: Any, c: Any = 3, **more: Any) -> None: ...
def none() -> None: ...


@pytest.mark.parametrize("function", [one, two, none])
@pytest.mark.parametrize("args", [(), (1,), (1, 4), (1, 4, 5)])
@pytest.mark.parametrize("kwargs", [{}, {"b": 6}, {"c": 7}, {"a": 8, "c": 9}, {"d": 10}])
def test_arguments_are_what_python_makes_of_them(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    try:
        bound = inspect.signature(function).bind_partial(*args, **kwargs)
    except TypeError:
        expected = kwargs
    else:
        bound.apply_defaults()
        expected = {**bound.arguments, **bound.arguments.get("more", {})}
        expected.pop("more", None)
    found = Call(function, args, kwargs).arguments
    assert found == expected and list(found) == list(expected)
