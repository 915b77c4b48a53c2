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

from ._requests import EXCLUDED, Exchange, Late, Record, Requests
from .recorder import Mode
from .request import request_of_environ

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
        late: Late = dict,
    ) -> None:
        self.app = app
        self.late = late
        self.requests = Requests(
            record=record,
            trusted_proxies=trusted_proxies,
            exclude=exclude,
            session_cookie=session_cookie,
            mode=mode,
        )

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self.requests.excludes(environ.get("PATH_INFO", "")):
            return self.app(environ, start_response)
        exchange = self.requests.begun(
            request_of_environ(environ), self.late, environ.get("HTTP_COOKIE")
        )
        environ[EXCHANGE] = exchange
        environ.setdefault("HTTP_X_REQUEST_ID", exchange.context.request_id)
        with exchange.context:
            return self._answer(exchange, environ, start_response)

    def _answer(
        self, exchange: Exchange, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            body = self.app(environ, _watched(exchange, start_response))
        except BaseException as error:
            exchange.fails(error)
            exchange.record()
            raise
        wrapper = environ.get("wsgi.file_wrapper")
        sent_by_server = isinstance(wrapper, type) and isinstance(body, wrapper)
        if sent_by_server or type(body) in (list, tuple):
            exchange.record()  # nothing of the application runs from here on
            return body
        return _Body(exchange, body)


def _watched(exchange: Exchange, start_response: StartResponse) -> StartResponse:
    def start(
        status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        exchange.responds(int(status[:3]))
        request_id = exchange.request_id
        if request_id is not None and not _says_request_id(headers):
            headers = [*headers, ("X-Request-Id", request_id)]
        if exchange.requests.is_sync:
            exchange.record()
        if exc_info is None:
            return start_response(status, headers)
        exchange.error = exc_info[1]
        return start_response(status, headers, exc_info)

    return start


def _says_request_id(headers: Iterable[tuple[str, str]]) -> bool:
    for name, _ in headers:
        if len(name) == 12 and name.lower() == "x-request-id":
            return True
    return False


class _Body:
    """A response's body, whose every part is made inside of the request's context."""

    def __init__(self, exchange: Exchange, body: Iterable[bytes]) -> None:
        self._exchange = exchange
        self._body = body
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._exchange.context:
            try:
                if self._parts is None:
                    self._parts = iter(self._body)
                return next(self._parts)
            except StopIteration:
                self._exchange.ends()
                raise
            except BaseException as error:
                self._exchange.fails(error)
                raise

    def close(self) -> None:
        with self._exchange.context:
            try:
                close = getattr(self._body, "close", None)
                if close is not None:
                    close()
            except BaseException as error:
                self._exchange.fails(error)
                raise
            finally:
                self._exchange.record()
