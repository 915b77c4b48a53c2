"""Django: a middleware, a decorator for views, and events of logging in and out.

    INSTALLED_APPS = [..., "tallystick.django.Tallystick"]
    MIDDLEWARE = [..., "django.contrib.auth.middleware.AuthenticationMiddleware",
                  "tallystick.django.AuditMiddleware"]
    TALLYSTICK = {"WHERE": "http://127.0.0.1:7878", "KEY": "tally_…", "RECORD": "mutations"}

``TALLYSTICK`` has the options of ``tallystick.configure()``, and of the middleware ``RECORD``,
``EXCLUDE`` and ``TRUSTED_PROXIES``; ``SIGNALS: False`` leaves logging in and out alone.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar, overload

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.http import FileResponse, HttpRequest, QueryDict, RawPostDataException
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import LazyObject, empty

from . import configure
from ._requests import (
    DATA_SIZE_MAX,
    Exchange,
    Requests,
    action_of,
    current_request,
    data_members,
    flat,
    session_hash,
    session_members,
    status_of,
    steps,
    user_members,
)
from .context import _current_get, _current_reset, _current_set, _leave
from .decorators import Call, audited, found_resource_id, is_function
from .logger import AuditLogger
from .recorder import Mode
from .request import members_of, request_of_environ, request_of_scope

__all__ = ["AuditMiddleware", "Tallystick", "audit_log"]

F = TypeVar("F", bound=Callable[..., Any])

_MIDDLEWARE = ("record", "exclude", "trusted_proxies", "mode")


def _options() -> dict[str, Any]:
    given = getattr(settings, "TALLYSTICK", {})
    return {str(name).lower(): value for name, value in given.items()}


class Tallystick(AppConfig):
    """The application: configures the recorder as ``settings.TALLYSTICK`` says and hears
    signals."""

    name = "tallystick.django"
    label = "tallystick"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        options = _options()
        signals = options.pop("signals", True)
        for name in ("record", "exclude", "trusted_proxies"):
            options.pop(name, None)
        if options:
            configure(**options)
        if signals:
            _hear()


def _hear() -> None:
    from django.contrib.auth import signals

    signals.user_logged_in.connect(_logged_in, dispatch_uid="tallystick")
    signals.user_logged_out.connect(_logged_out, dispatch_uid="tallystick")
    signals.user_login_failed.connect(_login_failed, dispatch_uid="tallystick")


def _logged_in(sender: Any, request: Any = None, user: Any = None, **_: Any) -> None:
    _authentication("login", True, request, **user_members(user))


def _logged_out(sender: Any, request: Any = None, user: Any = None, **_: Any) -> None:
    _authentication("logout", None, request, **user_members(user))


def _login_failed(sender: Any, credentials: Any = None, request: Any = None, **_: Any) -> None:
    """The name that was tried is kept, nothing else of what was given."""
    tried = (credentials or {}).get("username") or (credentials or {}).get("email")
    _authentication("login", False, request, details={"username": tried} if tried else None)


def _authentication(kind: str, success: bool | None, request: Any, **members: Any) -> None:
    AuditLogger.log_auth_event(
        kind, success=success, resource_type="authentication", **{**members_of(request), **members}
    )


class AuditMiddleware(MiddlewareMixin):
    """Gives events their request, and records requests if ``RECORD`` says so; sync and async.

    It stands behind the middlewares for sessions and authentication. Exceptions that Django answers
    are recorded with the response that it made of them.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self._is_async = inspect.iscoroutinefunction(get_response)
        options = _options()
        self.requests = Requests(
            **{name: options[name] for name in _MIDDLEWARE if options.get(name) is not None}
        )

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._answer_async(request)
        if self.requests.excludes(request.path_info):
            return self.get_response(request)
        exchange = self._begun(request)
        token = _current_set(exchange)
        try:
            response = self._answered(exchange, self.get_response(request))
        except BaseException as error:
            exchange.fails(error)
            exchange.record()
            raise
        else:
            if not exchange.recorded and (self.requests.is_sync or not _streams(response)):
                exchange.record()
            return response
        finally:
            _current_reset(token)

    async def _answer_async(self, request: HttpRequest) -> Any:
        if self.requests.excludes(request.path_info):
            return await self.get_response(request)
        exchange = self._begun(request)
        token = _current_set(exchange)
        try:
            response = self._answered(exchange, await self.get_response(request))
        except BaseException as error:
            exchange.fails(error)
            await exchange.record_async()
            raise
        else:
            if not exchange.recorded and (self.requests.is_sync or not _streams(response)):
                await exchange.record_async()
            return response
        finally:
            _leave(exchange, token)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """What the view has raised, before Django makes a response of it."""
        exchange = current_request()
        if exchange is not None:
            exchange.error = exception

    def _begun(self, request: HttpRequest) -> Exchange:
        scope = getattr(request, "scope", None)
        said = request_of_environ(request.META) if scope is None else request_of_scope(scope)
        return Exchange(self.requests, said, _late, request)

    def _answered(self, exchange: Exchange, response: Any) -> Any:
        exchange.status_code = response.status_code
        request_id = exchange.request_id
        if "X-Request-Id" not in response and request_id.isascii() and request_id.isprintable():
            response["X-Request-Id"] = request_id
        if _streams(response):
            exchange.settle()
            made = _steps_async if getattr(response, "is_async", False) else steps
            response.streaming_content = made(exchange, response.streaming_content)
            response._resource_closers.append(exchange.record)
        return response


def _streams(response: Any) -> bool:
    """Whether the application makes parts of the response later; files are sent by the server."""
    return getattr(response, "streaming", False) and not isinstance(response, FileResponse)


async def _steps_async(exchange: Exchange, parts: Any) -> AsyncIterator[bytes]:
    parts = aiter(parts)
    while True:
        with exchange:
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                exchange.ends()
                return
            except BaseException as error:
                exchange.fails(error)
                raise
        yield part


def _late(request: Any) -> dict[str, Any]:
    """The user and the session. A user that is not loaded yet is loaded where a session may have
    one, but not in an event loop: it takes a query."""
    session: Any = getattr(request, "session", None)
    try:
        members = session_members(session)
    except SynchronousOnlyOperation:  # it is not loaded yet
        members = {"session_id": session_hash(session.session_key)}
    user = _loaded_user(request)
    if session is not None and members and user is None and not _in_event_loop():
        accessed = session.accessed  # by the application, so far
        user = getattr(request, "user", None)
        members.update(user_members(user))  # which loads it
        session.accessed = accessed
    else:
        members.update(user_members(user))
    return members


def _loaded_user(request: Any) -> Any:
    """Django's, or whatever a middleware of the application's own has put there; None if it is
    still to be loaded."""
    user = vars(request).get("user")
    if user is None or (isinstance(user, LazyObject) and user._wrapped is empty):
        return getattr(request, "_acached_user", None)
    return user


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@overload
def audit_log(action: F) -> F: ...


@overload
def audit_log(
    action: str | None = None,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str | None = None,
    *,
    log_data: bool = False,
    mode: Mode | None = None,
    **members: Any,
) -> Callable[[F], F]: ...


def audit_log(
    action: Any = None,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str | None = None,
    *,
    log_data: bool = False,
    mode: Mode | None = None,
    **members: Any,
) -> Any:
    """Records each call of a view, a function or a method, and how it ended; an error goes on.

    Without an action it is made of the resource's type and the method (``invoice.update``).
    ``get_resource_id`` is the name of an argument (without it, ``resource_id``, ``pk`` or ``id``),
    or a function of the response that may take arguments by name. ``log_data`` puts the request's
    data into ``details.data``: a body that is JSON or a form, else the query's arguments; never
    files, and only the size of what is large.
    """
    if is_function(action):
        return audit_log()(action)

    named = get_resource_id if isinstance(get_resource_id, str) else None

    def decorate(view: F) -> F:
        def describe(call: Call) -> dict[str, Any]:
            given: Any = call.args[0] if call.args else None
            request = given if isinstance(given, HttpRequest) else None
            if request is None:
                given = call.find(_is_request)
                request = _django_request(given)
            event: dict[str, Any] = {"resource_type": resource_type}
            if request is not None:
                if type(_current_get()) is not Exchange and current_request() is None:
                    event.update(members_of(request))
                    event.update(_late(request))
                code = None if call.error is not None else getattr(call.result, "status_code", 200)
                if type(code) is not int:
                    code = _status_code(call)
                event["status_code"] = code
                if call.error is None and code >= 400:
                    event["status"] = status_of(code)
            event["action"] = action or action_of(resource_type, getattr(request, "method", None))
            kwargs = call.kwargs
            event["resource_id"] = (
                kwargs[named] if named in kwargs else _resource_id(call, get_resource_id)
            )
            event.update(members)
            if log_data and request is not None:
                event["details"] = {
                    **data_members(lambda: _data(request, getattr(given, "data", None))),
                    **(members.get("details") or {}),
                }
            return event

        return audited(view, describe, mode=mode)

    return decorate


def _is_request(value: Any) -> bool:
    return isinstance(_django_request(value), HttpRequest)


def _django_request(value: Any) -> Any:
    """Inside of the one that Django REST framework makes of it."""
    return getattr(value, "_request", value)


def _status_code(call: Call) -> int:
    """Of the response, or of the one that Django will make of the exception."""
    if call.error is None:
        code = getattr(call.result, "status_code", 200)
        return code if isinstance(code, int) else 200
    from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
    from django.http import Http404

    for kind, code in ((Http404, 404), (PermissionDenied, 403), (BadRequest, 400)):
        if isinstance(call.error, kind):
            return code
    return 400 if isinstance(call.error, SuspiciousOperation) else 500


def _resource_id(call: Call, get_resource_id: Callable[..., Any] | str | None) -> Any:
    if get_resource_id is not None:
        return found_resource_id(call, get_resource_id)
    arguments = call.arguments
    return next((arguments[n] for n in ("resource_id", "pk", "id") if n in arguments), None)


def _data(request: Any, parsed: Any) -> tuple[Any, int | None]:
    """What the request brought, and the size of it if it is too much to be looked at. ``parsed`` is
    what Django REST framework has read of it; a form is where Django has it, too."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return flat(request.GET.lists()), None
    if isinstance(parsed, (dict, list)) and not isinstance(parsed, QueryDict):
        return parsed, None
    if request.POST:
        return flat(request.POST.lists()), None
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    if size > DATA_SIZE_MAX:
        return {"": None}, size
    if request.content_type and request.content_type.endswith("json"):
        return _json(request), None
    if request.content_type == "application/x-www-form-urlencoded":  # of a PUT or PATCH
        return flat(QueryDict(request.body, encoding=request.encoding).lists()), None
    return None, None


def _json(request: Any) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RawPostDataException):  # no JSON, or the view has read it as a stream
        return None
