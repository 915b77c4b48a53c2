"""Flask: an extension that gives events their request, and a decorator for views.

    app = Flask(__name__)
    Tallystick(app)

    @app.patch("/invoices/<resource_id>")
    @audit_log(log_data=True)
    def change(resource_id): ...

Who it is, is ``g.user``: a mapping, an object with ``id``, ``email`` and ``group_id`` (or
``group``), or an id.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, overload

import flask
from flask import Flask, Response, g, request
from flask.globals import request_ctx
from flask.sessions import NullSession, SecureCookieSession
from flask.signals import got_request_exception

from ._requests import (
    DATA_SIZE_MAX,
    EXCLUDED,
    Exchange,
    Record,
    action_of,
    current_request,
    data_members,
    flat,
    session_members,
    status_of,
    user_members,
)
from .context import _current_get
from .decorators import Call, audited, found_resource_id, is_function
from .recorder import Mode
from .request import members_of_environ
from .wsgi import EXCHANGE, AuditMiddleware

__all__ = ["Tallystick", "audit_log"]

F = TypeVar("F", bound=Callable[..., Any])

_BODIES: Final = frozenset({str, bytes, dict, list})
"""Types of results that say nothing of their status."""


class Tallystick:
    """The extension. Its options are those of ``tallystick.wsgi.AuditMiddleware``, and ``user``: a
    function that says who it is, if that is not in ``g.user`` (``lambda: current_user`` with
    Flask-Login)."""

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        *,
        user: Callable[[], Any] | None = None,
        record: Record | None = None,
        trusted_proxies: Iterable[str] = (),
        exclude: Iterable[str] = EXCLUDED,
        session_cookie: str | None = None,
        mode: Mode | None = None,
    ) -> None:
        """Once for each application; options given here win over those given before."""
        if "tallystick" in app.extensions:
            raise RuntimeError("this application has the extension already")
        options = {
            "record": record,
            "trusted_proxies": trusted_proxies,
            "exclude": exclude,
            "session_cookie": session_cookie,
            "mode": mode,
            **self._options,
        }
        app.extensions["tallystick"] = options.pop("user", None) or user
        middleware = AuditMiddleware(app.wsgi_app, late=_late, **options)
        app.wsgi_app = middleware  # type: ignore[method-assign]
        app.after_request(_answered)
        got_request_exception.connect(_failed, app)


# Sessions that are a cookie with their members: they have no key.
_COOKIES: Final = frozenset({SecureCookieSession, NullSession})

# Of the contexts themselves: the proxies would look for them each time that they are asked.
_get_request_context = request_ctx._get_current_object  # type: ignore[attr-defined, unused-ignore]
_get_g = g._get_current_object  # type: ignore[attr-defined, unused-ignore]


def _context() -> Any:
    """The request's, or None."""
    try:
        return _get_request_context()
    except RuntimeError:
        return None


def _late(_: Any = None) -> dict[str, Any]:
    """User, group and session, as far as they are known by now."""
    try:
        context = _get_request_context()
    except RuntimeError:
        return {}
    late: dict[str, Any] = {}
    # The session is taken from where it is kept: the proxy would note that the application used it,
    # and so would what the session itself is asked.
    kept = vars(context)
    session = kept.get("_session", kept.get("session"))
    if type(session) not in _COOKIES:
        late.update(session_members(session))
    elif (session_id := dict.get(session, "session_id")) is not None:
        late["session_id"] = session_id
    find_user = context.app.extensions.get("tallystick")
    user = getattr(_get_g(), "user", None) if find_user is None else find_user()
    if type(user) is str:
        late["user_id"] = user
    elif user is not None:
        late.update(user_members(user))
    return late


def _answered(response: Response) -> Response:
    """The request is over before its response is sent: what is known of it is kept."""
    context = _get_request_context()
    exchange: Exchange | None = context.request.environ.get(EXCHANGE)
    if exchange is not None:
        exchange.status_code = response.status_code
        exchange.settle()
    return response


def _failed(app: Flask, exception: BaseException, **_: Any) -> None:
    context = _context()
    exchange = None if context is None else context.request.environ.get(EXCHANGE)
    if exchange is not None:
        exchange.error = exception


@overload
def audit_log(action: F) -> F: ...


@overload
def audit_log(
    action: str | None = None,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str = "resource_id",
    *,
    log_data: bool = False,
    mode: Mode | None = None,
    **members: Any,
) -> Callable[[F], F]: ...


def audit_log(
    action: Any = None,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str = "resource_id",
    *,
    log_data: bool = False,
    mode: Mode | None = None,
    **members: Any,
) -> Any:
    """Records each call of a view: who did C, R, U or D to what, and how it ended.

    Without an action it is made of the resource's type and the method (``invoice.update``).
    ``get_resource_id`` is the name of a view's argument, or a function of what the view returned
    that may take the arguments by name. ``log_data`` puts the request's data into ``details.data``:
    a body that is JSON or a form, else the query's arguments; never files, and only the size of
    what is large. It stands below the route's decorator.
    """
    if is_function(action):
        return audit_log()(action)

    needs_request = log_data or not action
    named = get_resource_id if isinstance(get_resource_id, str) else None

    def decorate(view: F) -> F:
        def describe(call: Call) -> dict[str, Any]:
            event: dict[str, Any] = {"action": action, "resource_type": resource_type}
            exchange = _current_get()
            if type(exchange) is not Exchange:
                exchange = current_request()
            context = _context() if exchange is None or needs_request else None
            current = None if context is None else context.request
            if exchange is None and current is not None:
                event.update(members_of_environ(current.environ))
                event.update(_late())
            if exchange is not None or current is not None:
                plain = call.error is None and type(call.result) in _BODIES
                event["status_code"] = code = 200 if plain else _status_code(call)
                if code >= 400 and call.error is None:
                    event["status"] = status_of(code)
            if not action:
                event["action"] = action_of(resource_type, getattr(current, "method", None))
            kwargs = call.kwargs
            event["resource_id"] = (
                kwargs[named] if named in kwargs else found_resource_id(call, get_resource_id)
            )
            event.update(members)
            if log_data and current is not None:
                event["details"] = {**data_members(_data), **(members.get("details") or {})}
            return event

        return audited(_returning(view), describe, mode=mode)

    return decorate


def _returning(view: F) -> F:
    """A view that is a generator has ended, as far as its request goes, when it returns the
    generator."""
    if not inspect.isgeneratorfunction(view):
        return view

    @functools.wraps(view)
    def returning(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return returning  # type: ignore[return-value]


def _status_code(call: Call) -> int:
    """Of what the view raised or returned: a response, an exception of HTTP's, a body, or a tuple of
    one of these and a status or headers."""
    if call.error is not None:
        return _status_of(call.error, 500)
    source, code = call.result, None
    if isinstance(source, tuple) and source:
        code = next((p for p in source[1:2] if not isinstance(p, (Mapping, list, tuple))), None)
        source = source[0]
    if isinstance(code, str) and code[:3].isdigit():
        code = int(code[:3])
    return code if isinstance(code, int) else _status_of(source, 200)


def _status_of(source: Any, otherwise: int) -> int:
    """Of a response or an exception, which may have one."""
    code = getattr(source, "status_code", None)
    if isinstance(source, Exception):
        code = getattr(source, "code", None)
        if code is None:
            code = getattr(getattr(source, "response", None), "status_code", None)
    return code if isinstance(code, int) else otherwise


def _data() -> tuple[Any, int | None]:
    """What the request brought, and the size of it if it is too much to be looked at. A body is
    read again from what the view has read; one that the view took as a stream is gone."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return flat(request.args.lists()), None
    if not request.is_json:
        return flat(request.form.lists()), None
    size = request.content_length
    if size is not None and size > DATA_SIZE_MAX:
        return {"": None}, size
    return _json(request.get_data()), None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
