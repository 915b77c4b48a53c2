"""From dictionaries to JSON: what json.dumps() can do, to the same; the rest, to something."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import fractions
import ipaddress
import json
import math
import pathlib
import types
import uuid
from collections import OrderedDict, UserString, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import once
from hypothesis import given
from hypothesis import strategies as some

from tallystick._fields import FIELDS
from tallystick._tally import write_event, write_value
from tallystick.errors import Invalid

texts = some.text()
json_values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: some.lists(inner) | some.dictionaries(texts, inner),
    max_leaves=12,
)


def read(text: str) -> Any:
    return json.loads(text, object_pairs_hook=once)


@given(json_values)
def test_values_of_json_come_back_equal(value: Any) -> None:
    assert read(write_value(value)) == value


@given(json_values)
def test_numbers_keep_their_kind(value: Any) -> None:
    assert repr(read(write_value(value))) == repr(value)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Huge(enum.Enum):
    ONE = 10**5000


class Word(str, enum.Enum):
    YES = "yes"


Point = namedtuple("Point", "x y")


@dataclass
class Address:
    street: str
    since: datetime.date


class Angry:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class AngryMapping(dict[str, Any]):
    def __len__(self) -> int:
        raise RuntimeError("no")


class Model:
    def model_dump(self) -> dict[str, Any]:
        return {"name": "n", "at": datetime.date(2026, 1, 2)}


class Numbers:
    """As NumPy's: of one number `tolist` gives a number, of an array a list."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers

    def tolist(self) -> Any:
        return self.numbers


class Endless:
    """Each simpler value is another one of the kind."""

    def model_dump(self) -> Any:
        return Endless()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc), "2026-01-02T03:04:00+00:00"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.timedelta(seconds=90), 90.0),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.50"), 1.5),
        (decimal.Decimal("NaN"), "NaN"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Word.YES, "yes"),
        (b"text", "text"),
        (b"\xff\x00", "base64:/wA="),
        (bytearray(b"a"), "a"),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset(["a", 1]), ["a", 1]),
        (Point(1, 2), [1, 2]),
        (Address("Main", datetime.date(2026, 1, 2)), {"street": "Main", "since": "2026-01-02"}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (ValueError("bad"), "ValueError: bad"),
        (Model(), {"name": "n", "at": "2026-01-02"}),
        (UserString("words"), "words"),
        (ipaddress.ip_address("192.0.2.7"), "192.0.2.7"),
        (fractions.Fraction(1, 3), "1/3"),
        (Numbers([1, 2]), [1, 2]),
        (Angry(), "<Angry>"),
        (AngryMapping(a=1), {"a": 1}),
        (10**30, 10**30),
        (-(2**63), -(2**63)),
        pytest.param(10**5000, "a number of too many digits", id="too many digits"),
        (math.inf, "inf"),
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("😀\x00\x1f\"\\/\u2028", "😀\x00\x1f\"\\/\u2028"),
        ({1: "a", "1": "b"}, {"1": "b", "1 (int)": "a"}),
        ({None: 1, True: 2, (1, 2): 3, Colour.RED: 4}, {"None": 1, "True": 2, "(1, 2)": 3, "red":
        4}), ({"\ud800": 1, "\ufffd": 2}, {"\ufffd": 1, "\ufffd_": 2}),
        ({"ä": 1, b"\xc3\xa4": 2}, {"ä": 1, "ä (bytes)": 2}),
    ],
)  # fmt: skip
def test_other_values_become_something(value: Any, expected: Any) -> None:
    assert read(write_value(value)) == expected
    assert read(write_value([{"in": value}])) == [{"in": expected}]


def test_decimals_keep_their_digits() -> None:
    assert write_value(decimal.Decimal("1.500")) == "1.500"
    assert write_value([decimal.Decimal("12345678901234567890.1")]) == "[12345678901234567890.1]"


def test_what_contains_itself_ends() -> None:
    around: list[Any] = [1]
    around.append(around)
    knot: dict[str, Any] = {"a": {}}
    knot["a"]["knot"] = knot
    knot["again"] = knot["a"]
    for value in (around, knot, [around, around]):
        assert isinstance(read(write_value(value)), (list, dict))


def test_the_same_twice_is_not_itself() -> None:
    one = {"a": 1}
    assert read(write_value([one, one])) == [one, one]


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    text = write_value(deep)
    assert text.count("[") < 64 + 1000  # the rest is its repr, which is cut
    assert write_value(Endless()).startswith('"<')


def test_what_grows_without_end_is_refused() -> None:
    wide: Any = "x" * 1000
    for _ in range(40):
        wide = [wide, wide]
    with pytest.raises(Invalid, match="larger"):
        write_value(wide)


def test_an_interrupt_is_no_value() -> None:
    class Interrupting:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_value([Interrupting()])


def test_a_list_may_change_while_it_is_written() -> None:
    class Clearing:
        def __init__(self, container: Any) -> None:
            self.container = container

        def __repr__(self) -> str:
            self.container.clear()
            return "cleared"

    values: list[Any] = [1, 2, 3]
    values.insert(0, Clearing(values))
    assert read(write_value(values)) == ["cleared"]
    kept: dict[str, Any] = {"a": None, "b": 1}
    kept["a"] = Clearing(kept)
    assert read(write_value(kept)) == {"a": "cleared"}


def test_recording_while_an_event_is_written() -> None:
    class Recording:
        def __repr__(self) -> str:
            return write_value({"inner": ["x" * 2000]})

    assert read(write_event({"action": "a", "details": {"r": Recording(), "s": 1}})) == {
        "action": "a",
        "details": {"r": write_value({"inner": ["x" * 2000]})[:999] + "…", "s": 1},
    }


# Events.


def test_an_event_without_anything_else(written: Callable[..., Any]) -> None:
    assert written({"action": "a"}) == {"action": "a"}
    assert written({}) == {}


def test_none_is_not_there(written: Callable[..., Any]) -> None:
    assert written({"action": "a", "user_id": None, "colour": None, "details": None}) == {
        "action": "a"
    }


def test_the_context_gives_what_is_missing(written: Callable[..., Any]) -> None:
    context = {"user_id": "u", "request_id": "r", "session_id": "s"}
    event = {"action": "a", "user_id": "other", "session_id": None}
    assert written(event, context) == {
        "action": "a",
        "user_id": "other",
        "request_id": "r",
        "session_id": "s",
    }


def test_what_is_no_field_goes_to_details(written: Callable[..., Any]) -> None:
    event = {"action": "a", "colour": "red", "details": {"size": 1}}
    assert written(event, {"tenant": "t"}) == {
        "action": "a",
        "details": {"size": 1, "colour": "red", "tenant": "t"},
    }


def test_details_win_over_the_event_and_the_event_over_the_context(
    written: Callable[..., Any],
) -> None:
    event = {"action": "a", "colour": "red", "shape": "round", "details": {"colour": "blue"}}
    assert written(event, {"colour": "green", "shape": "flat"})["details"] == {
        "colour": "blue",
        "shape": "round",
    }


@pytest.mark.parametrize("details", [[1, 2], "text", 7, (1, 2)])
def test_details_that_are_no_object(details: Any, written: Callable[..., Any]) -> None:
    expected = list(details) if isinstance(details, tuple) else details
    assert written({"action": "a", "details": details})["details"] == {"value": expected}


def test_details_of_other_kinds(written: Callable[..., Any]) -> None:
    address = Address("Main", datetime.date(2026, 1, 2))
    assert written({"action": "a", "details": address})["details"]["street"] == "Main"
    assert written({"action": "a", "details": Model()})["details"]["name"] == "n"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("user_id", 42, "42"),
        ("user_id", uuid.UUID(int=2), str(uuid.UUID(int=2))),
        ("user_id", True, "True"),
        ("resource_id", decimal.Decimal("7"), "7"),
        ("resource_id", 2**70, str(2**70)),
        pytest.param("resource_id", 10**5000, "a number of too many digits", id="too many digits"),
        pytest.param(
            "resource_id", Huge.ONE, "a number of too many digits", id="in an enumeration"
        ),
        ("resource_id", 1.5, "1.5"),
        ("resource_id", Level.HIGH, "3"),
        ("severity", Word.YES, "yes"),
        ("severity", Colour.RED, "red"),
        ("status_code", Level.HIGH, 3),
        ("response_time_ms", 0, 0),
        ("response_time_ms", 0.1, 0.1),
        ("response_time_ms", datetime.timedelta(milliseconds=1500), 1500.0),
        ("response_time_ms", decimal.Decimal("1E+3"), 1000),
        ("timestamp", datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        ("timestamp", 0, "1970-01-01T00:00:00+00:00"),
        ("timestamp", 1.5, "1970-01-01T00:00:01.500000+00:00"),
        ("timestamp", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("message", ["no", "text"], ["no", "text"]),
    ],
)
def test_fields_have_their_kinds(
    name: str, value: Any, expected: Any, written: Callable[..., Any]
) -> None:
    got = written({"action": "a", name: value})[name]
    assert got == expected
    assert type(got) is type(expected)


@given(some.floats(min_value=0, max_value=1e15))
def test_durations_have_no_exponent(duration: float) -> None:
    text = write_event({"action": "a", "response_time_ms": duration})
    token = text.partition('"response_time_ms":')[2].rstrip("}")
    assert set(token) <= set("0123456789.") and len(token) <= 32
    assert math.isclose(float(token), duration, rel_tol=1e-15, abs_tol=1e-9)


events = some.dictionaries(some.sampled_from(sorted(FIELDS)) | texts, json_values)


@given(events, events)
def test_dictionaries_stay_as_they_are(event: dict[str, Any], context: dict[str, Any]) -> None:
    context.pop("details", None)
    before = copy.deepcopy((event, context))
    result = read(write_event(event, context))
    assert (event, context) == before
    for name, value in event.items():
        if name not in FIELDS and value is not None and not isinstance(event.get("details"), dict):
            assert result["details"][name] == value or name == "value"


@pytest.mark.parametrize("event", [None, 7, [("action", "a")], "text"])
def test_an_event_is_a_dict(event: Any) -> None:
    with pytest.raises(Invalid):
        write_event(event)


def test_the_table_of_fields_is_that_of_the_documents() -> None:
    document = pathlib.Path(__file__).parents[3] / "docs" / "api.md"
    if not document.is_file():
        pytest.skip("the documents are not here")
    section = document.read_text().partition("\n## Fields\n")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in section.splitlines() if row.startswith("| `")]
    names = {row[1].strip(" `") for row in rows if "set by Tallystick" not in row[6]}
    assert names == set(FIELDS)
