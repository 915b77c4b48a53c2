"""What the middlewares and extensions share: a request's context, and the event of a request as
such.

A request's context, its ``Exchange``, is entered when the request begins. Who it is and which
session it belongs to becomes known later, where the framework keeps it (``request.state``,
``g.user``, ``request.user``): it looks there whenever an event is recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final, Literal

from . import _tally
from . import recorder as recorders
from . import request as web
from ._values import error_text
from .context import Context, _checked, _current_get, _current_reset, _current_set
from .errors import Error
from .recorder import Mode

Record = Literal["all", "mutations"] | Callable[[dict[str, Any]], Mapping[str, Any] | bool | None]
"""Which requests are recorded as such: see ``Requests``."""

EXCLUDED: Final = ("/health", "/healthz", "/livez", "/readyz", "/ready", "/metrics", "/favicon.ico")
"""Paths that are asked for by machines, all day long."""

DATA_SIZE_MAX: Final = 16384
"""Bytes of a request's data that an event takes."""

DATA_DEPTH_MAX: Final = 16

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "WEBSOCKET"})

_VERBS: Final = {
    "POST": "create",
    "GET": "read",
    "HEAD": "read",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}

Late = Callable[[Any], dict[str, Any]]
"""Who it is, as far as that is known by now: a new dictionary. It is given what the request came as: a
scope, a framework's object, or None where the framework knows which one is being answered."""

_NOTHING: Final[Mapping[str, Any]] = {}


def current_request() -> Exchange | None:
    """The innermost request that events which are recorded here inherit from."""
    context = _current_get()
    while context is not None and not isinstance(context, Exchange):
        context = context.outer
    return context


class Requests:
    """What a middleware does with requests.

    ``record`` is ``"all"``, ``"mutations"`` (methods that change something) or a function that is
    given the event and says whether to record it, or with which further members; None records none,
    and requests have their contexts only. ``exclude`` are paths that have no context either; one
    that ends in ``/*`` stands for all below it. ``session_cookie`` is the cookie that holds the id
    of a session, if the server keeps sessions: what is recorded is its ``session_hash``.
    """

    def __init__(
        self,
        *,
        record: Record | None = None,
        trusted_proxies: Iterable[str] = (),
        exclude: Iterable[str] = EXCLUDED,
        session_cookie: str | None = None,
        mode: Mode | None = None,
    ) -> None:
        if not (record is None or callable(record) or record in ("all", "mutations")):
            raise ValueError("record is 'all', 'mutations', a function or None")
        self.record = record
        self.session_cookie = session_cookie
        self.mode = recorders.checked_mode(mode)
        excluded = recorders.listed("exclude", exclude) or []
        whole = frozenset(path for path in excluded if not path.endswith("/*"))
        below = tuple(path[:-1] for path in excluded if path.endswith("/*"))
        self.excludes: Callable[[str], bool] = whole.__contains__
        if below:
            self.excludes = lambda path: path in whole or path.startswith(below)
        trusted = recorders.listed("trusted_proxies", trusted_proxies)
        if trusted:
            web.trust_proxies(trusted)

    def session_of(self, cookies: str) -> dict[str, Any]:
        """A member, if the cookies hold the id of a session."""
        value = _cookie(cookies, self.session_cookie) if self.session_cookie else None
        return {"session_id": session_hash(value)} if value else {}

    @property
    def is_sync(self) -> bool:
        return self.record is not None and recorders.default().waits(self.mode)


class Exchange(Context):
    """One request and its response, and a context of what the request says of itself and of what
    ``late`` finds when members are asked for; what was set wins. Nothing is looked up before."""

    __slots__ = (
        "requests",
        "request_id",
        "scope",
        "status_code",
        "error",
        "recorded",
        "_took",
        "_request",
        "_late",
        "_source",
        "_inherited",
        "_set",
    )

    def __init__(
        self,
        requests: Requests,
        request: _tally.Request,
        late: Late,
        source: Any,
        cookies: str | None = None,
    ) -> None:
        """A request that has begun. It gets an id if it has none, and from its cookies its
        session's."""
        outer = _current_get()
        self.requests = requests
        self.request_id: str = request.identify()
        """Of anybody's making: no value for a header unless it is ASCII and printable."""
        self.scope: MutableMapping[str, Any] | None = None
        """Of an ASGI connection."""
        self.status_code: int | None = None
        """Of the response, once that has begun."""
        self.error: BaseException | None = None
        self.recorded = requests.record is None
        self.started = time.perf_counter()
        self.outer = outer
        self._tokens = []
        self._took: float | None = None
        self._request = request
        self._late = late
        self._source = source
        self._inherited = _NOTHING if outer is None else outer.members
        self._set: dict[str, Any] | None = None
        if cookies:
            self._inherited = {**self._inherited, **requests.session_of(cookies)}

    @property
    def members(self) -> dict[str, Any]:
        members = self._found()
        members.update(self._known())
        if self.status_code is not None:
            members.setdefault("status_code", self.status_code)
        return members

    @members.setter
    def members(self, members: dict[str, Any]) -> None:
        self._set = members

    def update(self, **members: Any) -> None:
        """As every context's; what is late stays late."""
        self._set = {**self._known(), **_checked(members)}

    def settle(self) -> None:
        """Keeps what is known now, for when the framework has let go of the request."""
        self._source = self._found()
        self._late = dict

    def _known(self) -> dict[str, Any]:
        known = self._set
        if known is None:
            known = self._request.members(web._proxies)
            if self._inherited:
                known = {**self._inherited, **known}
            self._set = known
        return known

    def _found(self) -> dict[str, Any]:
        late = self._late
        try:
            return late(self._source)
        except Exception:  # the framework's request is over, or its store of users is
            return {}

    def fails(self, error: BaseException) -> None:
        """The application has raised. Without a response that will be a 500, or the client has left
        (499, as nginx says it)."""
        self.error = error
        if self.status_code is None:
            self.status_code = 499 if isinstance(error, asyncio.CancelledError) else 500

    def ends(self) -> None:
        """The last byte is there: what happens after it takes none of the request's time."""
        if self._took is None and self.started is not None:
            self._took = (time.perf_counter() - self.started) * 1000

    def record(self) -> None:
        """Records the request if it is to be. Once: a second call does nothing."""
        event = None if self.recorded else self._event()
        if event is None:
            return
        try:
            recorders.default().record(event, self.requests.mode)
        except Error as denied:
            self._denied(event, denied)

    async def record_async(self) -> None:
        event = None if self.recorded else self._event()
        if event is None:
            return
        try:
            await recorders.default().record_async(event, self.requests.mode)
        except Error as denied:
            self._denied(event, denied)

    def _denied(self, event: dict[str, Any], denied: Error) -> None:
        if self.error is None:
            raise denied
        recorders.default().failure(
            str(denied), event
        )  # the application's error is the one that goes on

    def _event(self) -> dict[str, Any] | None:
        self.recorded = True
        self.ends()
        event = {**self.members, **_outcome(self.status_code, self.error)}
        event["action"] = f"http.{str(event.get('method', 'request')).lower()}"
        if self._took is not None:
            event["response_time_ms"] = round(self._took, 3)
        return _wanted(self.requests.record, event)


def steps(exchange: Exchange, body: Iterable[Any]) -> Iterator[Any]:
    """A response's body, whose every part is made inside of the request's context."""
    parts = None
    while True:
        token = _current_set(exchange)
        try:
            if parts is None:
                parts = iter(body)
            part = next(parts)
        except StopIteration:
            if not exchange.recorded:
                exchange.ends()
            return
        except BaseException as error:
            exchange.fails(error)
            raise
        finally:
            _current_reset(token)
        yield part


def _wanted(record: Record | None, event: dict[str, Any]) -> dict[str, Any] | None:
    if record is None:
        return None
    if record == "all":
        return event
    if record == "mutations":
        return None if event.get("method") in _READING else event
    try:
        said = record(dict(event))
    except Exception as error:
        recorders.default().failure(f"`record` cannot judge a request: {error_text(error)}", event)
        return None
    if isinstance(said, Mapping):
        return {**event, **said}
    return event if said else None


def _outcome(status_code: int | None, error: BaseException | None) -> dict[str, Any]:
    outcome: dict[str, Any] = {"status": status_of(status_code), "status_code": status_code}
    if error is not None:
        outcome["error_message"] = error_text(error)
        if outcome["status"] == "success":  # it broke after its first byte
            outcome["status"] = "error"
    return outcome


def status_of(status_code: int | None) -> str:
    """As a trail says it where an event does not."""
    code = status_code or 200
    return "error" if code >= 500 else "failure" if code >= 400 else "success"


def action_of(resource_type: str | None, method: str | None) -> str:
    """``invoice.update`` for a PATCH."""
    name = (method or "request").upper()
    return f"{resource_type or 'resource'}.{_VERBS.get(name, name.lower())}"


def session_hash(value: Any) -> str:
    """What is recorded of a session's id: with the id itself, who reads the trail could enter the
    session."""
    return hashlib.sha256(str(value).encode("utf-8", "replace")).hexdigest()[:32]


def session_members(session: Any) -> dict[str, Any]:
    """Of a framework's session: ``session["session_id"]``, which the application has put there, or
    the key of a session that the server keeps. That it was looked at does not show: a response to a
    request whose session was used says ``Vary: Cookie``."""
    if session is None:
        return {}
    accessed = getattr(session, "accessed", None)
    try:
        if isinstance(session, (dict, Mapping)) and session.get("session_id") is not None:
            return {"session_id": session["session_id"]}
        key = getattr(session, "sid", None) or getattr(session, "session_key", None)
        return {"session_id": session_hash(key)} if key else {}
    finally:
        if accessed is not None:
            session.accessed = accessed


def user_members(user: Any) -> dict[str, Any]:
    """Of what an application calls a user: a mapping, an object of the usual attributes, or an
    id."""
    if user is None:
        return {}
    if isinstance(user, (str, int, uuid.UUID)):
        return {"user_id": user}
    get = _getter(user)
    if get("is_authenticated") is False:
        return {}
    found = {
        "user_id": _first(get, "id", "user_id", "pk", "identity", "username"),
        "user_email": _first(get, "email"),
        "group_id": _first(get, "group_id", "group"),
    }
    group = found["group_id"]
    if group is not None and not isinstance(group, (str, int, uuid.UUID)):
        found["group_id"] = _first(_getter(group), "id", "group_id", "name")
    return {name: value for name, value in found.items() if value is not None and value != ""}


def _first(get: Callable[[str], Any], *names: str) -> Any:
    for name in names:
        value = get(name)
        if value is not None and not callable(value):
            return value
    return None


def _getter(source: Any) -> Callable[[str], Any]:
    """Of a mapping's members, or an object's attributes; it gives None for what is not there."""
    if isinstance(source, (dict, Mapping)):
        return source.get

    def get(name: str) -> Any:
        try:
            return getattr(source, name, None)
        except Exception:  # a property that is not implemented
            return None

    return get


def _cookie(cookies: str, name: str) -> str | None:
    for part in cookies.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None


def data_members(read: Callable[[], tuple[Any, int | None]]) -> dict[str, Any]:
    """Details of a request's data as ``read`` finds it, or of its size where it is more than an event
    takes. What is in them is masked by the recorder; more than it takes would be kept as a text, in
    which names do not stand out. Data that cannot be read does not keep its event from being recorded."""
    try:
        return _data_members(*read())
    except Exception as error:
        return {"data_error": error_text(error)}


def _data_members(data: Any, size: int | None) -> dict[str, Any]:
    if data is None or data == {} or data == []:
        return {}
    if size is None or size <= DATA_SIZE_MAX:
        size = len(_tally.write_value(data).encode("utf-8", "replace"))
    if size > DATA_SIZE_MAX or _deeper(data, DATA_DEPTH_MAX):
        return {"data_size": size}
    return {"data": data}


def _deeper(value: Any, depth: int) -> bool:
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    return depth == 0 or any(_deeper(member, depth - 1) for member in value)


def flat(lists: Iterable[tuple[str, list[Any]]]) -> dict[str, Any]:
    """Arguments or a form's fields: one value as it is, several as a list."""
    return {name: values[0] if len(values) == 1 else values for name, values in lists}
