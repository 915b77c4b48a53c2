"""What can be known of an event from the request that it belongs to.

Requests come as an ASGI scope, as a WSGI environment, or as a framework's object that has one of
them (Starlette's, FastAPI's, Flask's, Django's). Nothing secret is taken: no cookies, no query, no
body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _tally

_proxies: _tally.Proxies | None = None


def trust_proxies(networks: Iterable[str]) -> None:
    """Networks whose ``Forwarded`` and ``X-Forwarded-For`` are believed: addresses, networks like
    ``10.0.0.0/8``, and the words ``loopback``, ``private`` and ``unix``. None, if nothing is
    said."""
    global _proxies
    _proxies = _tally.Proxies(networks)


def members_of(request: Any) -> dict[str, Any]:
    """Members for an event, those that are known; an empty dictionary for what is no request."""
    found = request_of(request)
    return {} if found is None else members_now(found)


def members_of_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Of an ASGI connection; what the application put into its ``state`` (``user_id``,
    ``request_id``) counts."""
    return members_now(request_of_scope(scope))


def members_of_environ(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Of a WSGI request."""
    return members_now(request_of_environ(environ))


def members_now(request: _tally.Request) -> dict[str, Any]:
    """A new dictionary, by the networks that are trusted now."""
    return request.members(_proxies)


def request_of(request: Any) -> _tally.Request | None:
    """What a request says of itself now; None of what is no request."""
    scope = getattr(request, "scope", request)
    if isinstance(scope, Mapping) and "headers" in scope and "type" in scope:
        return request_of_scope(scope)
    environ = getattr(request, "environ", None) or getattr(request, "META", None) or request
    if isinstance(environ, Mapping) and ("REQUEST_METHOD" in environ or "REMOTE_ADDR" in environ):
        return request_of_environ(environ)
    return None


def request_of_scope(scope: Mapping[str, Any]) -> _tally.Request:
    state = scope.get("state")
    if type(scope) is dict and (state is None or type(state) is dict):
        return _tally.request_of_scope(scope)
    plain = dict(scope)
    plain["state"] = dict(state) if isinstance(state, Mapping) else None
    return _tally.request_of_scope(plain)


def request_of_environ(environ: Mapping[str, Any]) -> _tally.Request:
    return _tally.request_of_environ(environ if type(environ) is dict else dict(environ))


def client_address(
    peer: str | None, forwarded: str | None = None, x_forwarded_for: str | None = None
) -> str | None:
    """The client's address behind the proxies that are trusted."""
    proxies = _proxies or _tally.Proxies([])
    try:
        return proxies.client_address(peer, forwarded, x_forwarded_for)
    except ValueError:  # a header with a NUL in it
        return _tally.Proxies([]).client_address(peer)
