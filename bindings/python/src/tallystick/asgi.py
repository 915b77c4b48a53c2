"""A middleware for ASGI applications: FastAPI, Starlette, Django, Quart, Litestar and others.

    app = AuditMiddleware(app, record="mutations")

Events that are recorded while a request is answered, in its dependencies, thread pool and
background tasks too, inherit its address, agent, method, endpoint, ids and user. Requests
themselves are recorded if ``record`` says so. A request without an ``X-Request-Id`` gets one, which
the response says and ``request.state.request_id`` holds.

The middleware starts no task and holds nothing back, so context variables and streams work as
without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from . import _tally
from ._requests import (
    EXCLUDED,
    Exchange,
    Record,
    Requests,
    session_members,
    user_members,
)
from .context import _current_get, _current_set, _leave
from .recorder import Mode
from .request import request_of_scope

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_KINDS: Final = ("http", "websocket")
_STARTS: Final = ("http.response.start", "websocket.http.response.start")


def current_scope() -> Scope | None:
    """The ASGI scope of the request that is being answered here; None outside of one."""
    context = _current_get()
    while context is not None:
        if isinstance(context, Exchange) and context.scope is not None:
            return context.scope
        context = context.outer
    return None


class AuditMiddleware:
    """Requests, websockets and the events inside of them.

    ``record``: ``"all"``, ``"mutations"``, or a function that is given the event and says whether
    to record it or with which further members. ``trusted_proxies``: see
    ``tallystick.trust_proxies``. ``exclude``: paths that are let through (``/static/*`` for all
    below). ``session_cookie``: the cookie of sessions that the server keeps; its hash becomes
    ``session_id``. ``mode="sync"`` denies a response whose event has no receipt.
    """

    def __init__(
        self,
        app: App,
        *,
        record: Record | None = None,
        trusted_proxies: Iterable[str] = (),
        exclude: Iterable[str] = EXCLUDED,
        session_cookie: str | None = None,
        mode: Mode | None = None,
    ) -> None:
        self.app = app
        self.requests = Requests(
            record=record,
            trusted_proxies=trusted_proxies,
            exclude=exclude,
            session_cookie=session_cookie,
            mode=mode,
        )

    # One function, because each that is called on the way of an ordinary request costs its memory.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app, requests = self.app, self.requests
        excludes = requests.excludes
        if scope["type"] not in _KINDS or excludes(scope["path"]):
            await app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        if type(scope) is dict and type(state) is dict:
            request = _tally.request_of_scope(scope)
        else:
            request = request_of_scope(scope)
        cookies = _cookies(scope) if requests.session_cookie else None
        exchange = Exchange(requests, request, late_members, scope, cookies)
        exchange.scope = scope
        if type(state) is dict or isinstance(state, MutableMapping):
            state.setdefault("request_id", exchange.request_id)
        token = _current_set(exchange)
        try:
            await app(scope, receive, _watched(exchange, send))
        except BaseException as error:
            exchange.fails(error)
            await exchange.record_async()
            raise
        else:
            if not exchange.recorded:
                await exchange.record_async()
        finally:
            _leave(exchange, token)


def _cookies(scope: Scope) -> str:
    said = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    return said.decode("latin-1")


def _watched(exchange: Exchange, send: Send) -> Send:
    """``send`` for the application. Where the request itself is not recorded, messages go straight
    through."""

    def watched(message: Message) -> Awaitable[None]:
        kind = message["type"]
        if kind == "http.response.body":
            pass
        elif kind in _STARTS:
            exchange.status_code = message["status"]
            message = _with_request_id(message, exchange.request_id)
        elif kind == "websocket.accept":
            exchange.status_code = 101
        elif kind == "websocket.close" and exchange.status_code is None:
            exchange.status_code = 403
        return send(message) if exchange.recorded else _sent(exchange, message, send)

    return watched


async def _sent(exchange: Exchange, message: Message, send: Send) -> None:
    if message["type"] in _STARTS and exchange.requests.is_sync:
        await exchange.record_async()
    await send(message)
    if message["type"] == "http.response.body" and not message.get("more_body"):
        exchange.ends()


def late_members(scope: Scope) -> dict[str, Any]:
    """The user and the session, as far as they are known by now."""
    session = scope.get("session")
    late = {} if session is None else session_members(session)
    user = scope.get("user")
    if user is not None:
        late.update(user_members(user))
    state = scope.get("state")
    if type(state) is dict or isinstance(state, MutableMapping):
        user_id = state.get("user_id")
        if user_id is not None:
            late["user_id"] = user_id
    return late


def _with_request_id(message: Message, request_id: str) -> Message:
    """Another one, which says it: the application may send its own again."""
    headers = list(message.get("headers", ()))  # of any iterable, read once
    for name, _ in headers:
        if len(name) == 12 and name.lower() == b"x-request-id":
            break
    else:
        if request_id.isascii() and request_id.isprintable():
            headers.append((b"x-request-id", request_id.encode()))
    return {**message, "headers": headers}
