"""What can be known of an event from the request that it belongs to.

Requests come as an ASGI scope, as a WSGI environment, or as a framework's object that has one of
them (Starlette's, FastAPI's, Flask's, Django's). Nothing secret is taken: no cookies, no query, no
body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from . import _tally
from ._values import cut

_IDENTIFIER_MAX: Final = 256
_ENDPOINT_MAX: Final = 2048
_CHAIN_MAX: Final = 1024

_NAMES: Final = (
    "forwarded",
    "x-forwarded-for",
    "user-agent",
    "x-request-id",
    "x-correlation-id",
    "traceparent",
)
_HEADERS: Final = {name.encode(): name for name in _NAMES}
_VARIABLES: Final = [("HTTP_" + name.replace("-", "_").upper(), name) for name in _NAMES]

_proxies: _tally.Proxies | None = None


def trust_proxies(networks: Iterable[str]) -> None:
    """Networks whose ``Forwarded`` and ``X-Forwarded-For`` are believed: addresses, networks like
    ``10.0.0.0/8``, and the words ``loopback``, ``private`` and ``unix``. None, if nothing is
    said."""
    global _proxies
    _proxies = _tally.Proxies(list(networks))


def members_of(request: Any) -> dict[str, Any]:
    """Members for an event, those that are known; an empty dictionary for what is no request."""
    scope = getattr(request, "scope", request)
    if isinstance(scope, Mapping) and "headers" in scope and "type" in scope:
        return members_of_scope(scope)
    environ = getattr(request, "environ", None) or getattr(request, "META", None) or request
    if isinstance(environ, Mapping) and ("REQUEST_METHOD" in environ or "REMOTE_ADDR" in environ):
        return members_of_environ(environ)
    return {}


def members_of_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Of an ASGI connection; what the application put into its ``state`` (``user_id``,
    ``request_id``) counts."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope.get("headers", ()):
        name = _HEADERS.get(raw_name.lower())
        if name is None:
            continue
        value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    client = scope.get("client")
    members = _members(headers, client[0] if client else None)
    members["method"] = scope.get("method", "WEBSOCKET" if scope["type"] == "websocket" else None)
    members["endpoint"] = _endpoint(scope.get("root_path", ""), scope.get("path", ""))
    state = scope.get("state") or {}
    for name in ("user_id", "request_id"):
        value = state.get(name) if isinstance(state, Mapping) else None
        if value is not None:
            members[name] = value
    return _known(members)


def members_of_environ(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Of a WSGI request."""
    headers = {name: environ[key] for key, name in _VARIABLES if isinstance(environ.get(key), str)}
    members = _members(headers, environ.get("REMOTE_ADDR") or None)
    members["method"] = environ.get("REQUEST_METHOD")
    path = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace")
    members["endpoint"] = _endpoint(
        str(environ.get("SCRIPT_NAME", "")), path.decode("utf-8", "replace")
    )
    return _known(members)


def client_address(
    peer: str | None, forwarded: str | None = None, x_forwarded_for: str | None = None
) -> str | None:
    """The client's address behind the proxies that are trusted."""
    global _proxies
    if _proxies is None:
        _proxies = _tally.Proxies([])
    try:
        return _proxies.client_address(peer, forwarded, x_forwarded_for)
    except ValueError:  # a header with a NUL in it
        return peer


def _members(headers: Mapping[str, str], peer: str | None) -> dict[str, Any]:
    forwarded = headers.get("forwarded")
    x_forwarded_for = headers.get("x-forwarded-for")
    chain = forwarded or x_forwarded_for
    return {
        "ip_address": client_address(peer, forwarded, x_forwarded_for),
        "forwarded_for": cut(chain, _CHAIN_MAX) if chain else None,
        "user_agent": headers.get("user-agent"),
        "request_id": _identifier(headers.get("x-request-id")),
        "correlation_id": _identifier(headers.get("x-correlation-id")),
        "trace_id": _trace_id(headers.get("traceparent")),
    }


def _identifier(text: str | None) -> str | None:
    return cut(text, _IDENTIFIER_MAX) if text else None


def _endpoint(root: str, path: str) -> str:
    return cut(path if root and path.startswith(root) else root + path, _ENDPOINT_MAX)


def _trace_id(traceparent: str | None) -> str | None:
    """W3C Trace Context, section 3.2: version, 32 digits, 16 digits, flags."""
    parts = (traceparent or "").split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or parts[1].strip("0123456789abcdef"):
        return None
    return parts[1] if parts[1].strip("0") else None


def _known(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
