"""FastAPI and Starlette: the middleware, and a decorator for endpoints.

    app = FastAPI()
    tallystick.fastapi.install(app)

    @app.post("/invoices/{invoice_id}/approve")
    @audit_log("invoice.approve", "invoice", "invoice_id")
    async def approve(invoice_id: int): ...

Who it is, is ``request.state.user_id`` (a dependency or middleware sets it), or what Starlette's
``AuthenticationMiddleware`` found. FastAPI sees the endpoint's own signature: dependencies and the
schema are as without the decorator.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, MutableMapping
from typing import Any, Final, TypeVar

from ._requests import Exchange, current_request, status_of
from .asgi import AuditMiddleware, current_scope, late_members
from .context import _current_get
from .decorators import Call, audited, found_resource_id, is_function
from .recorder import Mode
from .request import members_of_scope

__all__ = ["AuditMiddleware", "audit_log", "install"]

F = TypeVar("F", bound=Callable[..., Any])

_PLAIN: Final = frozenset({str, int, float, bool, type(None), bytes, dict, list, tuple, set})
"""Types of most arguments and results, which are neither connections nor responses."""

_CONNECTIONS: Final = ("http", "websocket")


def install(app: Any, **options: Any) -> None:
    """Puts ``tallystick.asgi.AuditMiddleware`` with these options around an application. Of several
    middlewares the one that was added last is the outermost."""
    app.add_middleware(AuditMiddleware, **options)


def audit_log(
    action: str,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str | None = None,
    *,
    mode: Mode | None = None,
    **members: Any,
) -> Callable[[F], F]:
    """Records each call of an endpoint, with its outcome; an error goes on.

    ``get_resource_id`` is the name of a parameter, or a function of the result (of a failure: None)
    that may take parameters by name; without it, the result's ``id``. ``members`` are further
    members of the event. It stands below the route's decorator.
    """
    if is_function(action):
        raise TypeError('audit_log is told what is done: @audit_log("invoice.create", "invoice")')

    named = get_resource_id if isinstance(get_resource_id, str) else None

    def decorate(endpoint: F) -> F:
        # One function on the way of an ordinary call, because each that is called costs its memory.
        def describe(call: Call) -> dict[str, Any]:
            kwargs = call.kwargs
            event: dict[str, Any] = {"action": action, "resource_type": resource_type}
            scope = response = None
            for value in (*call.args, *kwargs.values()):
                if type(value) in _PLAIN:
                    continue
                its = getattr(value, "scope", None) if scope is None else None
                if isinstance(its, (dict, MutableMapping)) and its.get("type") in _CONNECTIONS:
                    scope = its
                elif response is None and _is_response(value):
                    response = value
            if scope is None:
                scope = current_scope()
            elif type(_current_get()) is not Exchange and current_request() is None:
                event.update(members_of_scope(scope))
                event.update(late_members(scope))
            if scope is None or scope["type"] == "http":
                failed = call.error is not None
                says_nothing = response is None and not failed and type(call.result) in _PLAIN
                code = None if says_nothing else _status_code(call, response)
                if code is None and scope is not None:
                    route = scope.get("route")
                    code = 500 if failed else getattr(route, "status_code", None) or 200
                event["status_code"] = code
                if code is not None and code >= 400 and not failed:
                    event["status"] = status_of(code)
            event["resource_id"] = (
                kwargs[named] if named in kwargs else found_resource_id(call, get_resource_id)
            )
            event.update(members)
            return event

        wrapper = audited(endpoint, describe, mode=mode)
        _resolve(wrapper, endpoint)
        return wrapper

    return decorate


def _resolve(wrapper: Any, endpoint: Callable[..., Any]) -> None:
    """Names in annotations are the endpoint's module's; older versions look for them in the
    wrapper's."""
    try:
        signature = inspect.signature(endpoint, eval_str=True)
    except Exception:  # a name that will be there later, which FastAPI then resolves as without us
        return
    if signature.return_annotation is None:  # which is not to every version what the text is
        said = inspect.signature(endpoint).return_annotation
        signature = signature.replace(return_annotation=said)
    wrapper.__signature__ = signature


def _status_code(call: Call, response: Any) -> int | None:
    """Of the exception, or of the response that the endpoint returns or was given."""
    source = response if call.error is None else call.error
    if type(call.result) not in _PLAIN and _is_response(call.result):
        source = call.result
    code = getattr(source, "status_code", None)
    return code if isinstance(code, int) else None


def _is_response(value: Any) -> bool:
    """One of Starlette's, or made like one."""
    return (
        type(value) not in _PLAIN
        and hasattr(value, "status_code")
        and hasattr(value, "headers")
        and callable(getattr(value, "set_cookie", None))
    )
