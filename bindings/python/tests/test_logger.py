"""AuditLogger: what each call records, however it is called."""

from __future__ import annotations

import asyncio
import gc
import inspect
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from patience import LONG_S

import tallystick
from tallystick import AuditEvent, AuditEventType, AuditLogger, AuditSeverity, audit_logger
from tallystick.context import Context

Events = list[dict[str, Any]]

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, Any]]] = [
    (
        "log_action",
        ("cart.add", "u1", {"item": 7}, 201, 12.5),
        {},
        {
            "action": "cart.add",
            "user_id": "u1",
            "details": {"item": 7},
            "status_code": 201,
            "response_time_ms": 12.5,
        },
    ),
    ("log_action", ("a",), {"response_time": 0}, {"action": "a", "response_time_ms": 0}),
    (
        "log_auth_event",
        ("login", "u1", True),
        {},
        {"event_type": "login_success", "user_id": "u1", "status": "success"},
    ),
    (
        "log_auth_event",
        ("login", "u1", False, {"reason": "password"}),
        {},
        {
            "event_type": "login_failure",
            "user_id": "u1",
            "status": "failure",
            "details": {"reason": "password"},
        },
    ),
    ("log_auth_event", ("logout", "u1"), {}, {"event_type": "logout", "user_id": "u1"}),
    (
        "log_database_timing",
        ("users", "find", 3.5),
        {},
        {
            "event_type": "database_timing",
            "resource_type": "collection",
            "resource_id": "users",
            "response_time_ms": 3.5,
            "details": {"operation": "find"},
        },
    ),
    (
        "log",
        ("user.login", "user", "u1"),
        {"details": {"a": 1}, "db": object()},
        {
            "action": "user.login",
            "resource_type": "user",
            "user_id": "u1",
            "details": {"a": 1},
            "status": "success",
        },
    ),
    (
        "log",
        ("a", "b", None, 7, None, {"x": {"before": 1, "after": 2}}, None, ValueError("no")),
        {},
        {
            "action": "a",
            "resource_type": "b",
            "resource_id": "7",
            "changes": {"x": {"before": 1, "after": 2}},
            "status": "failure",
            "error_message": "no",
        },
    ),
    (
        "log_user_action",
        (7, "user.profile_update", {"field": "name"}),
        {},
        {
            "action": "user.profile_update",
            "user_id": "7",
            "resource_type": "user",
            "resource_id": "7",
            "details": {"field": "name"},
        },
    ),
    (
        "log_resource_change",
        ("resource.update", "report", "r1", "u1", {"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}),
        {},
        {
            "action": "resource.update",
            "resource_type": "report",
            "resource_id": "r1",
            "user_id": "u1",
            "changes": {"b": {"before": 2, "after": 3}, "c": {"after": 4}},
        },
    ),
    (
        "log_event",
        (AuditEvent(AuditEventType.CONFIG_CHANGE, AuditSeverity.HIGH, "admin", action="update"),),
        {"mode": "memory"},
        {
            "event_type": "config_change",
            "severity": "high",
            "user_id": "admin",
            "action": "update",
        },
    ),
    ("log_event", ({"action": "a", "size": 1},), {}, {"action": "a", "details": {"size": 1}}),
    (
        "log_authentication_event",
        (AuditEventType.LOGIN_FAILURE, "u1", False, "192.0.2.1", "Mozilla"),
        {},
        {
            "event_type": "login_failure",
            "user_id": "u1",
            "status": "failure",
            "ip_address": "192.0.2.1",
            "user_agent": "Mozilla",
            "resource_type": "authentication",
        },
    ),
    (
        "log_data_access",
        ("u1", "report", 5),
        {"operation": "D"},
        {
            "event_type": "data_delete",
            "user_id": "u1",
            "resource_type": "report",
            "resource_id": "5",
        },
    ),
    (
        "log_report_event",
        ("approve", "u1", "rep789"),
        {"details": {"previous_status": "pending"}},
        {
            "event_type": "report_approve",
            "user_id": "u1",
            "resource_type": "report",
            "resource_id": "rep789",
            "details": {"previous_status": "pending"},
        },
    ),
    (
        "log_security_event",
        (),
        {"severity": AuditSeverity.CRITICAL, "message": "who is that?"},
        {
            "event_type": "security_violation",
            "severity": "critical",
            "message": "who is that?",
        },
    ),
]


@pytest.mark.parametrize(("name", "arguments", "keywords", "expected"), CALLS)
def test_calls_on_class_instance_and_global_sync_and_awaited(
    name: str,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    expected: dict[str, Any],
    tallystick_events: Events,
) -> None:
    async def awaited(call: Callable[..., Any]) -> Any:
        return await call(*arguments, **keywords)

    for owner in (AuditLogger, AuditLogger(), audit_logger):
        call = getattr(owner, name)
        assert call(*arguments, **keywords).id
        assert asyncio.run(awaited(call)).id
    assert tallystick_events == [expected] * 6


def test_never_awaited_is_no_warning(tallystick_events: Events) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        AuditLogger.log("a")
        audit_logger.log_event(AuditEvent("logout"))
        gc.collect()  # which finds what other tests have left, too
    assert [warning for warning in caught if "awaited" in str(warning.message)] == []


def test_what_a_call_gives_may_be_run_as_a_task(tallystick_events: Events) -> None:
    """As services do whose logger was a coroutine's, and was not waited for."""

    async def main() -> list[Any]:
        tasks = [
            asyncio.create_task(audit_logger.log("a")),
            asyncio.create_task(asyncio.wait_for(AuditLogger.log("b"), LONG_S)),
        ]
        return await asyncio.gather(*tasks, audit_logger.log("c"))

    receipts = asyncio.run(main())
    assert [type(receipt) for receipt in receipts] == [tallystick.Receipt] * 3
    assert asyncio.run(audit_logger.log("d"))
    assert [event["action"] for event in tallystick_events] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("owner", [AuditLogger, audit_logger])
def test_a_session_may_stand_first(owner: Any, tallystick_events: Events) -> None:
    class Session:
        pass

    owner.log(Session(), "user.login", "user", "u1")
    owner.log(Session(), action="user.login", resource_type="user", user_id="u1")
    owner.log(db=Session(), action="user.login", resource_type="user", user_id="u1")
    expected = {
        "action": "user.login",
        "resource_type": "user",
        "user_id": "u1",
        "status": "success",
    }
    assert tallystick_events == [expected] * 3


def test_further_members_win_and_the_rest_goes_to_details(tallystick_events: Events) -> None:
    audit_logger.log("a", status_code=404, status="error", colour="red", self="me")
    assert tallystick_events == [
        {
            "action": "a",
            "status": "error",
            "status_code": 404,
            "details": {"colour": "red", "self": "me"},
        }
    ]


def test_the_callers_dictionaries_stay_as_they_are(tallystick_events: Events) -> None:
    details = {"password": "x", "list": [1, {"a": 2}]}
    changes = {"a": {"before": 1, "after": 2}}
    event = {"action": "a", "colour": "red", "details": details}
    audit_logger.log("a", details=details, changes=changes, colour="red")
    audit_logger.log_action("a", data=details, size=1)
    audit_logger.log_event(event, size=1)
    assert details == {"password": "x", "list": [1, {"a": 2}]}
    assert changes == {"a": {"before": 1, "after": 2}}
    assert event == {"action": "a", "colour": "red", "details": details}


def test_the_response_time_is_given_or_counted(tallystick_events: Events) -> None:
    audit_logger.log_action("outside")
    with Context({}, started=time.perf_counter() - 2):
        audit_logger.log_action("given", response_time=0)
        audit_logger.log_action("counted")
        with tallystick.context(user_id="u"):
            audit_logger.log_action("counted inside")
    times = [event.get("response_time_ms") for event in tallystick_events]
    assert times[:2] == [None, 0]
    assert times[2] >= 2000 and times[3] >= times[2]


def test_disabled_records_nothing(tallystick_events: Events) -> None:
    logger = AuditLogger(enabled=False)
    receipt = logger.log("a")
    assert not receipt and receipt.id is None and receipt.index is None
    logger.enabled = True
    assert logger.log("b")
    assert [event["action"] for event in tallystick_events] == ["b"]
    assert logger.retention_days == 2555
    assert AuditLogger(retention_days=90).retention_days == 90


def test_the_switch_of_the_class_is_the_global_loggers(tallystick_events: Events) -> None:
    own = AuditLogger()
    AuditLogger.enabled = False
    try:
        assert AuditLogger.enabled is False and audit_logger.enabled is False
        assert not AuditLogger.log("a") and not audit_logger.log("b")
        assert own.log("c")
    finally:
        AuditLogger.enabled = True
    assert audit_logger.enabled is True and AuditLogger.log("d")
    assert [event["action"] for event in tallystick_events] == ["c", "d"]


@pytest.mark.parametrize("switched", [AuditLogger, AuditLogger()])
def test_what_is_no_switch_is_raised(switched: Any) -> None:
    with pytest.raises(TypeError, match="enabled: True or False, not 'false'"):
        switched.enabled = "false"
    assert switched.enabled is True


def test_the_retention_of_the_class_is_the_global_loggers() -> None:
    assert AuditLogger.retention_days == audit_logger.retention_days == 2555
    AuditLogger.retention_days = 90
    try:
        assert audit_logger.retention_days == 90
        assert AuditLogger().retention_days == 2555
        with pytest.raises(ValueError, match="retention_days: a whole number from 1, not 0"):
            AuditLogger.retention_days = 0
    finally:
        AuditLogger.retention_days = 2555


def test_signatures_are_those_of_the_methods() -> None:
    parameters = list(inspect.signature(AuditLogger.log).parameters)
    assert parameters[:9] == [
        "action",
        "resource_type",
        "user_id",
        "resource_id",
        "details",
        "changes",
        "status",
        "error_message",
        "request",
    ]
    assert list(inspect.signature(audit_logger.log_action).parameters)[:5] == [
        "action",
        "user_id",
        "data",
        "status_code",
        "response_time",
    ]
    assert inspect.getdoc(AuditLogger.log_auth_event)


def test_a_subclass_may_say_more(tallystick_events: Events) -> None:
    class Mine(AuditLogger):
        def log_login(self, user_id: str) -> Any:
            return self.log("user.login", "user", user_id, service="mine")

    Mine().log_login("u")
    assert tallystick_events[0]["service"] == "mine"


def test_the_constants_are_actions_of_the_catalogue() -> None:
    constants = {value for name, value in vars(AuditLogger).items() if name.startswith("ACTION_")}
    assert AuditLogger.ACTION_LOGIN == "user.login"
    assert constants == {
        "user.login",
        "user.logout",
        "user.register",
        "user.password_change",
        "user.profile_update",
        "user.delete_account",
        "resource.create",
        "resource.read",
        "resource.update",
        "resource.delete",
        "permission.grant",
        "permission.revoke",
        "api_key.create",
        "api_key.revoke",
    }


def test_the_enumeration_is_the_catalogue() -> None:
    from pathlib import Path

    document = Path(__file__).parents[3] / "docs" / "api.md"
    if not document.is_file():
        pytest.skip("the documents are not here")
    section = document.read_text().partition("\n## Catalogue\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    assert [row.strip(" `") for row in rows] == [str(member) for member in AuditEventType]
