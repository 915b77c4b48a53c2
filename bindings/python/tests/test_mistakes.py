"""What applications do wrong. A wrong option is raised where it is given. A wrong event reaches no
application: it is counted and said with its place, unless somebody asked for exceptions."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import logging
import math
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Trail

import tallystick
from tallystick import AuditEvent, AuditLogger, Recorder, _values, audit_logger
from tallystick import recorder as recorders

HERE = Path(__file__).name
URL = "http://127.0.0.1:1"

# ---- options ----

NUMBERS = ("spool_size_max", "memory_size_max", "spool_sync_ms", "timeout_ms")
TEXTS = ("key", "trail", "service", "mode", "full", "spool", "ca_file", "vkey")
NO_NUMBERS = (1.5, math.nan, "5", True, [5])
NO_TEXTS = (5, b"x", ["x"])

WRONG_OPTIONS: list[tuple[dict[str, Any], type[Exception], str]] = [
    *(({name: n}, ValueError, name) for name in NUMBERS for n in (-1, -(10**30), 2**63, 10**30)),
    *(({name: value}, TypeError, name) for name in NUMBERS for value in NO_NUMBERS),
    *(({name: value}, TypeError, name) for name in TEXTS for value in NO_TEXTS),
    *(({name: text}, ValueError, name) for name in TEXTS for text in ("a\0b", "\ud800")),
    ({"spool_size_max": 1}, ValueError, "8 MiB to 1 TiB"),
    ({"memory_size_max": 1}, ValueError, "1 MiB to 1 TiB"),
    ({"timeout_ms": 3_600_001}, ValueError, "an hour"),
    ({"key": ""}, ValueError, "key: it is empty.*TALLY_KEY"),
    ({"key": "two words"}, ValueError, "the key"),
    ({"trail": ""}, ValueError, "no trail's name"),
    ({"trail": "No Name"}, ValueError, "no trail's name"),
    ({"service": ""}, ValueError, "service"),
    ({"service": "x" * 257}, ValueError, "service"),
    ({"spool": ""}, ValueError, "the spool's folder"),
    ({"mode": ""}, ValueError, "mode: .*spool, sync and memory"),
    ({"mode": "snyc"}, ValueError, 'mode: "snyc" is none of spool, sync and memory'),
    ({"full": "explode"}, ValueError, 'full: "explode" is none of block, refuse and drop_oldest'),
    ({"vkey": ""}, ValueError, "vkey.*tally init"),
    ({"vkey": "YOUR_VKEY"}, ValueError, 'vkey: "YOUR_VKEY" is no verification key'),
    ({"mask_names": "password"}, TypeError, "mask_names: a list of texts"),
    ({"mask_names": 5}, TypeError, "mask_names: a list of texts"),
    ({"mask_names": [5]}, TypeError, "mask_names: a text, not int"),
    ({"mask_names": [""]}, ValueError, "mask_names"),
    ({"mask_patterns": b"x"}, TypeError, "mask_patterns: a list of texts"),
    ({"mask_patterns": ["("]}, ValueError, "mask_patterns"),
    ({"enabled": "false"}, TypeError, "enabled: True or False, not 'false'"),
    ({"strict": None}, TypeError, "strict: True or False"),
    ({"insecure_http": "no"}, TypeError, "insecure_http: True or False, not 'no'"),
    ({"proxies": "10.0.0.0/8"}, TypeError, "proxies: a list of networks"),
    ({"proxies": [5]}, TypeError, "proxies: a text, not int"),
    ({"proxies": ["everybody"]}, ValueError, "'everybody' is no address"),
    ({"no_such": 5}, TypeError, "no_such"),
]

WRONG_PLACES = [
    *((where, "a server's URL begins with") for where in ("htp://a", "htps://a", "ftp://a")),
    *((where, "a server's URL begins with") for where in ("http:/a", "http//a", "HTTPS:a")),
    *((where, "a server's URL begins with") for where in ("localhost:7878", "127.0.0.1:7878")),
    ("http://", "is no URL"),
    ("http://127.0.0.1:99999", "is no URL"),
    ("http://user:secret@127.0.0.1", "password"),
    ("unix:relative", "a socket's path begins with /"),
]


@pytest.mark.parametrize(("options", "kind", "said"), WRONG_OPTIONS)
def test_a_wrong_option_is_raised_where_it_is_given(
    options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    before = recorders.default()
    with pytest.raises(kind, match=said):
        tallystick.configure(URL, **options)
    assert recorders.default() is before
    if "proxies" not in options:
        with pytest.raises(kind, match=said):
            Recorder(URL, **options)
        with pytest.raises(kind, match=said):
            Recorder(**options)


@pytest.mark.parametrize(("where", "said"), WRONG_PLACES)
def test_what_only_looks_like_a_server_is_raised(where: str, said: str) -> None:
    with pytest.raises(tallystick.Invalid, match=said):
        tallystick.configure(where)


def test_a_key_goes_in_the_clear_only_if_that_is_said() -> None:
    with pytest.raises(tallystick.Invalid, match="insecure_http"):
        tallystick.configure("http://tally.example:7878", key="k")
    tallystick.configure("http://tally.example:7878", key="k", insecure_http=True)


@pytest.mark.parametrize("where", [5, b"/data", ["a"]])
def test_a_place_is_a_text_or_a_path(where: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="where: a text"):
        tallystick.configure(where)
    tallystick.configure(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        dict.fromkeys(NUMBERS, 0),
        dict.fromkeys(NUMBERS),
        {"spool_size_max": 8 << 20, "memory_size_max": 1 << 20, "spool_sync_ms": 1, "timeout_ms": 1},
        {"spool_size_max": 1 << 40, "memory_size_max": 1 << 40, "timeout_ms": 3_600_000},
        {"enabled": 0, "strict": 1, "mask_names": ("iban",), "mask_patterns": {"A[0-9]+"}},
    ],
)
def test_options_that_are_right(options: dict[str, Any]) -> None:
    Recorder(URL, **options)
    Recorder(**options)


def test_what_the_environment_says_wrong_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def says(name: str, value: str, said: str) -> None:
        monkeypatch.setenv(name, value)
        tallystick.configure(None if name == "TALLY_URL" else URL, timeout_ms=10)
        assert not audit_logger.log("a")
        assert f"Audit logging failed: {said}" in caplog.text

    says("TALLY_URL", "htp://127.0.0.1", "no data folder at htp://127.0.0.1")
    says("TALLY_KEY", "two words", "the key has characters")


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        ({"recorder": URL}, TypeError, "recorder: a tallystick.Recorder"),
        ({"recorder": Recorder}, TypeError, "recorder"),
        ({"enabled": "no"}, TypeError, "enabled"),
        ({"retention_days": -1}, ValueError, "retention_days"),
        ({"retention_days": 0}, ValueError, "retention_days"),
        ({"retention_days": "90"}, ValueError, "retention_days"),
    ],
)
def test_a_wrong_logger(arguments: dict[str, Any], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        AuditLogger(**arguments)


def test_a_wrong_key_in_the_environment_disproves_nothing(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    tallystick.configure(trail.url, key=trail.admin_key)
    audit_logger.log("a", mode="sync")
    (entry,) = audit_logger.get_audit_logs(action="a")
    monkeypatch.setenv("TALLY_VKEY", "YOUR_VKEY")
    with pytest.raises(tallystick.Invalid, match="YOUR_VKEY"):
        entry.verify_integrity()
    monkeypatch.setenv("TALLY_VKEY", trail.vkey)
    assert entry.verify_integrity()


# ---- values ----


class Silent:
    """Says nothing of itself."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __bool__(self) -> bool:
        raise RuntimeError("neither")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


class SilentText(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")


class BrokenMapping(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        raise RuntimeError("no members")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no names")

    def __len__(self) -> int:
        return 1


class Colour(enum.Enum):
    RED = "red"
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int = 1


class Model:
    """As pydantic's do."""

    def model_dump(self) -> dict[str, Any]:
        return {"x": 1}


class BrokenModel:
    def model_dump(self) -> dict[str, Any]:
        raise RuntimeError("no dump")


def circle() -> Any:
    around: dict[str, Any] = {}
    around["around"] = [around]
    return around


VALUES: dict[str, Any] = {
    "nothing": None,
    "empty": "",
    "true": True,
    "negative": -1,
    "huge": 10**5000,
    "many digits": 10**4000,
    "nan": math.nan,
    "infinite": -math.inf,
    "tiny": 5e-324,
    "zoneless": datetime.datetime(2026, 1, 2, 3, 4, 5),
    "date": datetime.date(2026, 1, 2),
    "year 1": datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc),
    "duration": datetime.timedelta(days=-1),
    "bytes": b"abc",
    "no text": b"\xff\xfe",
    "view": memoryview(b"xyz"),  # another: it is an id, too
    "set": {1, "a"},
    "decimal": decimal.Decimal("1.50"),
    "decimal nan": decimal.Decimal("sNaN"),
    "uuid": uuid.UUID(int=1),
    "enum": Colour.RED,
    "enum of numbers": Colour.ONE,
    "dataclass": Point(),
    "class": Point,
    "model": Model(),
    "broken model": BrokenModel(),
    "circle": circle(),
    "lone surrogate": "a\ud800b",
    "nul": "a\0b",
    "long": "x" * 100_000,
    "too large": "x" * 3_000_000,
    "list": [1, [2]],
    "names that are none": {1: 2, None: 3, (4,): 5, "\ud800": 6},
    "silent": Silent(),
    "silent text": SilentText("said"),
    "broken mapping": BrokenMapping(),
    "error": ValueError("wrong"),
    "silent error": ValueError(Silent()),
    "function": len,
    "generator": (n for n in range(3)),
}

# Every recording call, with the value wherever it takes one that is not a name.
CALLS: dict[str, Callable[[Any], object]] = {
    "record": lambda v: tallystick.record(v),
    "record members": lambda v: tallystick.record(
        {"action": "a", "user_id": v, "status_code": v, "severity": v, "details": v, "other": v}
    ),
    "record times": lambda v: tallystick.record(
        {"action": "a", "timestamp": v, "response_time_ms": v, "changes": v, "id": v}
    ),
    "record names": lambda v: tallystick.record({"action": v, "event_type": v}),
    "log": lambda v: audit_logger.log("a", v, v, v, v, v, v, v, v),
    "log action": lambda v: audit_logger.log(v),
    "log mode": lambda v: audit_logger.log("a", mode=v),
    "log more": lambda v: audit_logger.log("a", other=v, index=v, status=v),
    "log_user_action": lambda v: audit_logger.log_user_action(v, "a", v, v),
    "log_resource_change": lambda v: audit_logger.log_resource_change("a", v, v, v, v, {"b": v}),
    "log_resource_change changes": lambda v: audit_logger.log_resource_change(
        "a", "t", 1, before=v, after=v, changes=v, request=v
    ),
    "log_action": lambda v: audit_logger.log_action("a", v, v, v, v),
    "log_auth_event": lambda v: audit_logger.log_auth_event(v, v, True, v),
    "log_database_timing": lambda v: audit_logger.log_database_timing(v, v, v),
    "log_event": lambda v: audit_logger.log_event(v),
    "log_event more": lambda v: audit_logger.log_event(v, user_id=v),
    "log_event object": lambda v: audit_logger.log_event(
        AuditEvent(v, v, v, action="a", details=v, timestamp=v)
    ),
    "log_authentication_event": lambda v: audit_logger.log_authentication_event(
        v, v, False, v, v, v
    ),
    "log_data_access": lambda v: audit_logger.log_data_access(v, v, v, v, v),
    "log_report_event": lambda v: audit_logger.log_report_event(v, v, v, v),
    "log_security_event": lambda v: audit_logger.log_security_event(v, v, v, v, v),
    "context": lambda v: in_context(v),
    "scope": lambda v: in_scope(v),
    "decorator": lambda v: decorated(v),
}


def in_context(value: Any) -> object:
    with tallystick.context(user_id=value, endpoint=value, other=value):
        tallystick.set_user(value, tenant=value)
        return audit_logger.log("a")


def in_scope(value: Any) -> object:
    with tallystick.scope("a", resource_id=value, user_id=value) as scope:
        scope.before = value
        scope.after = {"b": value}
        scope.set(other=value)
        scope.fail(value)
    return scope.receipt


def decorated(value: Any) -> object:
    @tallystick.audit_log("a", "thing", "value", log_data=True)
    def work(value: Any) -> Any:
        return value

    return work(value)


# What is no value, but an event that nobody can make one of.
NO_EVENTS = (None, 5, "text", [1], {}, {"user_id": None}, BrokenMapping(), Silent(), Point())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    """A folder for all of them: none looks at what another left."""
    from conftest import made

    base = tmp_path_factory.mktemp("mistakes")
    made_trail = made(base / "data")
    made_trail.spool = str(base / "spool")
    return made_trail


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each failure is logged."""
    monkeypatch.setattr(recorders, "QUIET_S", 0.0)


@pytest.mark.parametrize("value", VALUES)
def test_no_value_reaches_the_application(
    value: str, shared: Trail, loud: None, caplog: pytest.LogCaptureFixture
) -> None:
    """An event with it is recorded, or it is said that it was not, and where."""
    tallystick.configure(shared.folder, spool=shared.spool)
    for name, call in CALLS.items():
        caplog.clear()
        before = recorders.default().failed
        receipt = call(VALUES[value])
        failed = recorders.default().failed - before
        if isinstance(receipt, tallystick.Receipt):
            assert bool(receipt) == (failed == 0), (name, caplog.text)
        critical = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
        assert len(critical) == failed, name
        assert all(HERE in text for text in critical), (name, critical)
    assert tallystick.flush(120)
    assert tallystick.statistics()["refused"] == 0


@pytest.mark.parametrize("value", VALUES)
def test_strict_raises_errors_of_three_kinds(value: str, shared: Trail) -> None:
    tallystick.configure(shared.folder, spool=shared.spool, strict=True)
    for name, call in CALLS.items():
        try:
            receipt = call(VALUES[value])
        except (TypeError, ValueError, tallystick.Error):
            continue
        if isinstance(receipt, tallystick.Receipt):
            assert receipt, name


@pytest.mark.parametrize("event", NO_EVENTS, ids=lambda event: type(event).__name__)
def test_what_is_no_event_is_counted_and_said_with_its_place(
    event: Any, shared: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    tallystick.configure(shared.folder, spool=shared.spool)
    for _ in range(20):
        assert not tallystick.record(event)
        assert not audit_logger.log_event(event)
    assert recorders.default().failed == 40
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert record.getMessage().startswith("Audit logging failed: an event ")
    assert f"{HERE}:" in record.getMessage()
    recorders.default().strict = True
    with pytest.raises(tallystick.Invalid, match="an event "):
        tallystick.record(event)


def test_an_event_may_be_an_object_or_a_mapping(shared: Trail, loud: None) -> None:
    tallystick.configure(shared.folder, spool=shared.spool, strict=True)
    assert tallystick.record(AuditEvent(action="a"))
    assert tallystick.record(os.environ | {"action": "a"})
    assert audit_logger.log_event({"action": "a"})


def test_an_event_without_a_name_is_kept(folder: Trail, caplog: pytest.LogCaptureFixture) -> None:
    assert tallystick.record({"user_id": "u", "status_code": 5, "action": ""})
    assert tallystick.flush(120)
    (entry,) = folder.entries(1)
    assert (entry["action"], entry["user_id"]) == ("audit.refused", "u")
    assert set(entry["details"]["refused"]) == {"because", "status_code"}
    assert "recorded without what the trail refused" in caplog.text


def test_what_was_moved_is_said_once(shared: Trail, caplog: pytest.LogCaptureFixture) -> None:
    tallystick.configure(shared.folder, spool=shared.spool)
    for _ in range(20):
        assert audit_logger.log("a", severity="hgih")
    (record,) = caplog.records
    assert "severity is one of low, medium, high, critical" in record.getMessage()
    assert f"a at {__file__}:" in record.getMessage()


WRONG_MODES = ["snyc", "", 5, Silent(), "\ud800"]


@pytest.mark.parametrize("mode", WRONG_MODES)
def test_a_wrong_mode_is_said_once_and_loses_nothing(
    mode: Any, shared: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    tallystick.configure(shared.folder, spool=shared.spool)
    for _ in range(20):
        assert audit_logger.log("a", mode=mode)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "an event was recorded in mode spool: " in record.getMessage()
    assert "mode: " in record.getMessage().partition(": ")[2]
    assert f"a at {__file__}:" in record.getMessage()
    assert recorders.default().failed == 0
    assert recorders.default().statistics()["recorded"] == 20


@pytest.mark.parametrize("mode", WRONG_MODES)
def test_a_wrong_mode_is_said_in_tests_too(
    mode: Any, tallystick_events: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert audit_logger.log("a", mode=mode)
    assert [event["action"] for event in tallystick_events] == ["a"]
    assert "an event was recorded in mode spool: mode: " in caplog.text and HERE in caplog.text


def test_a_wrong_mode_is_raised_where_exceptions_are_wanted(shared: Trail) -> None:
    tallystick.configure(shared.folder, spool=shared.spool, strict=True)
    with pytest.raises(tallystick.Invalid, match='mode: "snyc" is none of'):
        audit_logger.log("a", mode="snyc")  # type: ignore[arg-type]


def test_a_session_of_a_database_is_told_from_a_wrong_action(tallystick_events: list[Any]) -> None:
    class Session:
        pass

    audit_logger.log(Session(), "a", "thing")
    audit_logger.log_user_action(Session(), "u", "b")
    for wrong in (1.5, b"c", datetime.date(2026, 1, 2), decimal.Decimal(1), {"d": 1}):
        assert audit_logger.log(wrong)
    actions = [event["action"] for event in tallystick_events]
    assert actions == ["a", "b", "1.5", "c", "2026-01-02", "1", {"d": 1}]


@pytest.mark.parametrize(("zone", "said"), [("UTC", 0), ("Europe/Berlin", 1)])
def test_a_time_without_a_zone_is_utc_and_that_is_said_once(
    zone: str,
    said: int,
    tallystick_events: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(_values, "_zoneless", [])
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for _ in range(3):
            audit_logger.log("a", timestamp=datetime.datetime(2026, 7, 2, 3, 4, 5))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [event["timestamp"] for event in tallystick_events] == 3 * ["2026-07-02T03:04:05"]
    assert caplog.text.count("was taken for UTC") == said


# ---- questions ----


@pytest.mark.parametrize(
    ("question", "column", "caret"),
    [
        ("user_idx:u1", 1, "    ^"),
        ("action:a user_idx:u1", 10, "    " + 9 * " " + "^"),
        ("message:ü status_code:>=x", 26, "    " + 24 * " " + "^"),
    ],
)
def test_a_broken_filter_is_shown_with_its_place(
    question: str, column: int, caret: str, trail: Trail
) -> None:
    with pytest.raises(tallystick.Invalid) as caught:
        audit_logger.get_audit_logs("u1", q=question)
    error = caught.value
    lines = str(error).split("\n")
    assert lines[0] == f"the filter is refused at column {column}: {error.reason}"
    assert lines[1:] == [f"    {question}", caret]
    assert (error.column, error.filter) == (column, question)
    assert error.offset == len(caret) - 5
    with pytest.raises(tallystick.Invalid) as caught:
        recorders.default().get("/api/events?q=user_idx:u1")
    assert (caught.value.column, caught.value.filter) == (1, None)


def test_the_caret_stands_in_the_filter_only_where_that_is_broken(trail: Trail) -> None:
    with pytest.raises(tallystick.Invalid, match="^severity: ") as caught:
        audit_logger.get_audit_logs(severity="hgih", q="action:a")
    assert (caught.value.filter, caught.value.offset) == (None, None)
