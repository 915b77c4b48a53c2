"""A middleware for WSGI applications: Flask, Django, Pyramid, Bottle and others.

    app = AuditMiddleware(app, record="mutations")

Events that are recorded while a request is answered, and while its response is streamed, inherit
its address, agent, method, endpoint and ids. Requests themselves are recorded if ``record`` says
so, when the server closes the response. A request without an ``X-Request-Id`` gets one, which the
response says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from . import _tally
from ._requests import EXCLUDED, Exchange, Late, Record, Requests, steps
from .context import _current_reset, _current_set
from .recorder import Mode

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
StartResponse = Callable[..., Callable[[bytes], object]]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

EXCHANGE = "tallystick.exchange"
"""Where the environment holds the exchange, for extensions of frameworks."""


class AuditMiddleware:
    """Requests, and the events inside of them. The options are those of
    ``tallystick.asgi.AuditMiddleware``."""

    def __init__(
        self,
        app: App,
        *,
        record: Record | None = None,
        trusted_proxies: Iterable[str] = (),
        exclude: Iterable[str] = EXCLUDED,
        session_cookie: str | None = None,
        mode: Mode | None = None,
        late: Late | None = None,
    ) -> None:
        self.app = app
        self.late: Late = late or dict
        self.requests = Requests(
            record=record,
            trusted_proxies=trusted_proxies,
            exclude=exclude,
            session_cookie=session_cookie,
            mode=mode,
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        app, requests = self.app, self.requests
        excludes = requests.excludes
        if excludes(environ.get("PATH_INFO", "")):
            return app(environ, start_response)
        cookies = environ.get("HTTP_COOKIE") if requests.session_cookie else None
        request = _tally.request_of_environ(environ)  # which is a dict: PEP 3333
        exchange = Exchange(requests, request, self.late, (), cookies)
        environ[EXCHANGE] = exchange
        environ.setdefault("HTTP_X_REQUEST_ID", exchange.request_id)
        token = _current_set(exchange)
        try:
            body = app(environ, _watched(exchange, start_response))
        except BaseException as error:
            exchange.fails(error)
            exchange.record()
            raise
        else:
            if type(body) in (list, tuple) or _is_file(body, environ):
                exchange.record()  # nothing of the application runs from here on
                return body
            return _Body(exchange, body)
        finally:
            _current_reset(token)


def _is_file(body: Iterable[bytes], environ: Environ) -> bool:
    """Whether the server sends it by itself."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


def _watched(exchange: Exchange, start_response: StartResponse) -> StartResponse:
    def start(
        status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        code = status[:3]  # a server may take what PEP 3333 does not allow
        exchange.status_code = int(code) if code.isdecimal() else None
        headers = list(headers)  # others than PEP 3333's are read once
        _say_request_id(headers, exchange.request_id)
        if not exchange.recorded and exchange.requests.is_sync:
            exchange.record()
        if exc_info is None:
            return start_response(status, headers)
        exchange.error = exc_info[1]
        return start_response(status, headers, exc_info)

    return start


def _say_request_id(headers: list[tuple[str, str]], request_id: str) -> None:
    for name, _ in headers:
        if len(name) == 12 and name.lower() == "x-request-id":
            return
    if request_id.isascii() and request_id.isprintable():
        headers.append(("X-Request-Id", request_id))


class _Body:
    """A response's body, made inside of the request's context."""

    __slots__ = ("_exchange", "_body")

    def __init__(self, exchange: Exchange, body: Iterable[bytes]) -> None:
        self._exchange = exchange
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return steps(self._exchange, self._body)

    def close(self) -> None:
        exchange = self._exchange
        token = _current_set(exchange)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            exchange.fails(error)
            raise
        finally:
            try:
                if not exchange.recorded:
                    exchange.record()
            finally:
                _current_reset(token)
