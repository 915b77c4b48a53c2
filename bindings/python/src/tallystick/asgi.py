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
from contextvars import ContextVar
from typing import Any

from ._requests import EXCLUDED, Exchange, Record, Requests, session_members, user_members
from .recorder import Mode
from .request import members_of_scope

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_scope: ContextVar[Scope | None] = ContextVar("tallystick_asgi_scope", default=None)


def current_scope() -> Scope | None:
    """The ASGI scope of the request that is being answered here; None outside of one."""
    return _scope.get()


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self.requests.excludes(scope["path"]):
            await self.app(scope, receive, send)
            return
        exchange = self._begun(scope)
        token = _scope.set(scope)
        try:
            with exchange.context:
                await self._answer(exchange, scope, receive, send)
        finally:
            _scope.reset(token)

    def _begun(self, scope: Scope) -> Exchange:
        state = scope.setdefault("state", {})
        cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
        exchange = self.requests.begun(
            members_of_scope(scope), lambda: late_members(scope), cookies.decode("latin-1")
        )
        if isinstance(state, MutableMapping):
            state.setdefault("request_id", exchange.context.request_id)
        return exchange

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            kind = message["type"]
            if kind.endswith("response.start"):
                exchange.responds(message["status"])
                _say_request_id(message, exchange.request_id)
                if exchange.requests.is_sync:
                    await exchange.record_async()
            elif kind == "websocket.accept":
                exchange.responds(101)
            elif kind == "websocket.close" and exchange.status_code is None:
                exchange.responds(403)
            await send(message)
            if kind == "http.response.body" and not message.get("more_body"):
                exchange.ends()

        try:
            await self.app(scope, receive, watched)
        except BaseException as error:
            exchange.fails(error)
            await exchange.record_async()
            raise
        await exchange.record_async()


def late_members(scope: Scope) -> dict[str, Any]:
    """The user and the session, as far as they are known by now."""
    late = session_members(scope.get("session"))
    late.update(user_members(scope.get("user")))
    state = scope.get("state")
    user_id = state.get("user_id") if isinstance(state, MutableMapping) else None
    if user_id is not None:
        late["user_id"] = user_id
    return late


def _say_request_id(message: Message, request_id: str | None) -> None:
    headers = list(message.get("headers", ()))
    if request_id is not None and all(name.lower() != b"x-request-id" for name, _ in headers):
        message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
