"""What a request says of an event, and what it may not say."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick import request as requests
from tallystick.request import client_address, members_of, trust_proxies

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "/app",
    "PATH_INFO": "/caf\xc3\xa9",
    "QUERY_STRING": "token=secret",
    "REMOTE_ADDR": "192.0.2.1",
    "HTTP_USER_AGENT": "Mozilla",
    "HTTP_X_REQUEST_ID": "r1",
    "HTTP_X_CORRELATION_ID": "c1",
    "HTTP_TRACEPARENT": TRACE,
    "HTTP_COOKIE": "session=secret",
    "HTTP_AUTHORIZATION": "secret",
    "HTTP_X_FORWARDED_FOR": "198.51.100.7, 10.0.0.2",
    "wsgi.input": object(),
}

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "root_path": "/app",
    "path": "/app/café",
    "query_string": b"token=secret",
    "client": ("192.0.2.1", 4711),
    "headers": [
        (b"user-agent", b"Mozilla"),
        (b"x-request-id", b"r1"),
        (b"x-correlation-id", b"c1"),
        (b"traceparent", TRACE.encode()),
        (b"cookie", b"session=secret"),
        (b"authorization", b"secret"),
        (b"x-forwarded-for", b"198.51.100.7"),
        (b"x-forwarded-for", b"10.0.0.2"),
    ],
}

EXPECTED = {
    "method": "POST",
    "endpoint": "/app/café",
    "ip_address": "192.0.2.1",
    "forwarded_for": "198.51.100.7, 10.0.0.2",
    "user_agent": "Mozilla",
    "request_id": "r1",
    "correlation_id": "c1",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}


@pytest.fixture(autouse=True)
def nobody_is_trusted() -> Iterator[None]:
    trust_proxies([])
    yield
    trust_proxies([])


@pytest.mark.parametrize(
    "request_",
    [
        ENVIRON,
        SCOPE,
        SimpleNamespace(environ=ENVIRON),
        SimpleNamespace(META=ENVIRON),
        SimpleNamespace(scope=SCOPE),
    ],
    ids=["wsgi", "asgi", "flask", "django", "starlette"],
)
def test_members(request_: Any) -> None:
    members = members_of(request_)
    assert members == EXPECTED
    assert "secret" not in repr(members)


def test_the_application_may_say_more_in_state() -> None:
    scope = {**SCOPE, "state": {"user_id": 7, "request_id": "mine", "other": "x"}}
    members = members_of(scope)
    assert (members["user_id"], members["request_id"]) == (7, "mine")
    assert "other" not in members


def test_a_websocket_and_a_unix_socket() -> None:
    scope = {"type": "websocket", "path": "/live", "headers": [], "client": None}
    assert members_of(scope) == {"method": "WEBSOCKET", "endpoint": "/live"}


def test_headers_as_servers_may_give_them() -> None:
    headers = [[b"User-Agent", b"caf\xe9"], (b"X-REQUEST-ID", b""), (b"x-user-agent", b"no")]
    scope = {"type": "http", "path": "/", "client": ["::ffff:192.0.2.1", 1]}
    expected = {"endpoint": "/", "ip_address": "192.0.2.1", "user_agent": "café"}
    for kind in (list, tuple, iter):
        assert members_of({**scope, "headers": kind(headers)}) == expected


@pytest.mark.parametrize("headers", [[b"ab"], [(b"user-agent",)], [("user-agent", "x")], 7])
def test_headers_that_are_none(headers: Any) -> None:
    with pytest.raises(TypeError):
        members_of({"type": "http", "path": "/", "headers": headers})


def test_what_changes_later_does_not_count() -> None:
    scope = {**SCOPE, "headers": list(SCOPE["headers"])}
    found = requests.request_of_scope(scope)
    scope["headers"].clear()
    scope.clear()
    assert requests.members_now(found) == EXPECTED
    environ = dict(ENVIRON)
    found = requests.request_of_environ(environ)
    environ.clear()
    assert requests.members_now(found) == EXPECTED


def test_an_id_is_made_where_there_is_none() -> None:
    found = requests.request_of_scope({"type": "http", "path": "/", "headers": []})
    made = found.identify()
    assert uuid.UUID(made).version == 4 and str(uuid.UUID(made)) == made
    assert found.identify() == made == requests.members_now(found)["request_id"]
    said = requests.request_of_scope({**SCOPE, "state": {"request_id": 7}})
    assert said.identify() == "7" and requests.members_now(said)["request_id"] == 7
    assert requests.request_of_environ(ENVIRON).identify() == "r1"


@pytest.mark.parametrize("path", ["/\ud800", "/\0", "/\xff\xfe", "/\u20ac"])
def test_paths_that_nobody_should_send(path: str) -> None:
    for request in ({**SCOPE, "path": path, "root_path": ""}, {**ENVIRON, "PATH_INFO": path}):
        assert isinstance(members_of(request)["endpoint"], str)


@pytest.mark.parametrize("request_", [{}, object(), None, "text", 7, {"headers": []}])
def test_what_is_no_request_says_nothing(request_: Any) -> None:
    assert members_of(request_) == {}


def test_long_values_are_cut_to_what_a_trail_takes() -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/" + "\xc3\xa9" * 5000,
        "HTTP_X_REQUEST_ID": "r" * 1000,
        "HTTP_X_FORWARDED_FOR": "1.2.3.4, " * 1000,
    }
    members = members_of(environ)
    assert len(members["endpoint"].encode()) <= 2048 and members["endpoint"].endswith("é…")
    assert len(members["request_id"].encode()) == 256
    assert len(members["forwarded_for"].encode()) <= 1024


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-" + "G" * 32 + "-00f067aa0ba902b7-01",
        "00-abc-def-01",
    ],
)
def test_what_is_no_traceparent(header: str) -> None:
    assert "trace_id" not in members_of({**ENVIRON, "HTTP_TRACEPARENT": header})


def test_only_trusted_proxies_are_believed() -> None:
    chain = "198.51.100.7, 203.0.113.9, 10.0.0.2"
    assert client_address("192.0.2.1", None, chain) == "192.0.2.1"
    trust_proxies(["192.0.2.0/24", "10.0.0.0/8"])
    assert client_address("192.0.2.1", None, chain) == "203.0.113.9"
    assert client_address("192.0.2.1", "for=198.51.100.1", None) == "198.51.100.1"
    assert client_address("192.0.2.1", "for=198.51.100.1", chain) == "192.0.2.1"  # which is it?
    assert client_address("192.0.2.1", None, None) == "192.0.2.1"
    assert client_address("192.0.2.1:443") == "192.0.2.1"
    assert client_address(None) is None
    assert client_address("192.0.2.1", None, "198.51.100.7\0") == "192.0.2.1"
    assert client_address("192.0.2.1:80", "for=198.51.100.7\0") == "192.0.2.1"
    assert client_address("testclient", "for=198.51.100.7\0") is None
    assert _address("[2001:db8::1]:80", "198.51.100.7\0") == "2001:db8::1"
    assert _address("testclient", "198.51.100.7\0") is None
    assert _address("192.0.2.1\0", "198.51.100.7") is None


def _address(peer: str, x_forwarded_for: str) -> str | None:
    environ = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": peer}
    return members_of({**environ, "HTTP_X_FORWARDED_FOR": x_forwarded_for}).get("ip_address")


def test_a_network_that_is_none() -> None:
    with pytest.raises(ValueError, match="10.0.0.0/99"):
        trust_proxies(["10.0.0.0/99"])
    with pytest.raises(TypeError):
        trust_proxies([7])  # type: ignore[list-item]
    assert requests.client_address("192.0.2.1", None, "1.1.1.1") == "192.0.2.1"
