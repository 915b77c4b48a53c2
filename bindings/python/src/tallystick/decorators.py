"""Functions whose calls are recorded.

``audit_log`` is the plain one; the frameworks' decorators of that name are made of ``audited``,
which knows all kinds of functions:

    def describe(call: Call) -> dict[str, Any] | None:
        return {"action": "report.approve", "resource_id": call.arguments["report_id"]}

    audited(function, describe)

``describe`` is called once, when the call has ended: ``call.error`` is what it raised,
``call.result`` what it gave (of a generator: None). What it returns is recorded, with status, error
message and response time where it says none of its own; None records nothing. An error goes on
after that; one of ``describe`` itself is logged and stops nothing.

What is recorded is what happened, so mode ``sync`` cannot prevent it; it raises
``tallystick.Denied`` in place of giving the result, so that a transaction around the call is rolled
back.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from types import CoroutineType
from typing import Any, TypeVar, cast, overload

from . import _tally
from . import recorder as recorders
from ._values import error_text
from .errors import Error
from .recorder import Mode, Recorder

F = TypeVar("F", bound=Callable[..., Any])


class _Parameters:
    """A function's, read once."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters.values()
        self.names = tuple(self.signature.parameters)
        self.positional = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self.is_plain = all(
            p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in parameters
        )

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name; of a call that fails by itself, those that were named."""
        if not self.is_plain:
            return self._bound_by_signature(args, kwargs)
        given = dict(zip(self.positional, args))
        if len(args) > len(given) or not given.keys().isdisjoint(kwargs):
            return dict(kwargs)
        given.update(kwargs)
        arguments = {
            name: given[name] if name in given else self.defaults[name]
            for name in self.names
            if name in given or name in self.defaults
        }
        return arguments if given.keys() <= arguments.keys() else dict(kwargs)

    def _bound_by_signature(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            bound = self.signature.bind_partial(*args, **kwargs)
        except TypeError:
            return dict(kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments.update(arguments.pop(name))
        return arguments


_read_parameters = functools.lru_cache(maxsize=4096)(_Parameters)


def _parameters_of(function: Callable[..., Any]) -> _Parameters:
    """As ``inspect.signature`` raises them, TypeError and ValueError."""
    try:
        return _read_parameters(function)
    except TypeError:  # it has no hash, if that is all
        return _Parameters(function)


class Call(_tally.Call):
    """One call of an audited function: its ``function``, ``args``, ``kwargs``, ``result`` and
    ``error``."""

    __slots__ = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments by the names of their parameters, also those given by position or default; what
        stands in a ``**kwargs`` parameter stands beside the others."""
        return _parameters_of(self.function).bound(self.args, self.kwargs)

    def find(self, wanted: Callable[[Any], bool]) -> Any:
        """The first argument that is wanted, such as the request; or None."""
        for value in (*self.args, *self.kwargs.values()):
            if wanted(value):
                return value
        return None


Describe = Callable[[Call], Mapping[str, Any] | None]


def audited(
    function: F,
    describe: Describe,
    *,
    mode: Mode | None = None,
    recorder: Recorder | None = None,
) -> F:
    """The function, of the same kind and signature, whose calls are recorded."""
    if isinstance(function, (classmethod, staticmethod)):
        inner = audited(function.__func__, describe, mode=mode, recorder=recorder)
        return cast(F, type(function)(inner))
    if isinstance(function, type) or not callable(function):
        said = f"the class {function.__name__}" if isinstance(function, type) else repr(function)
        raise TypeError(f"only calls of functions and methods are recorded, not of {said}")
    ending = _Ending(describe, recorders.checked_mode(mode), recorder)
    if inspect.isasyncgenfunction(function):
        wrapper = _async_generator(function, ending)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, ending)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function, ending)
    else:
        wrapper = _plain(function, ending)
    return cast(F, functools.wraps(function)(wrapper))


class _Ending:
    """What happens when a call has ended."""

    __slots__ = ("describe", "mode", "_recorder")

    def __init__(self, describe: Describe, mode: Mode | None, recorder: Recorder | None) -> None:
        self.describe = describe
        self.mode = mode
        self._recorder = recorder

    @property
    def recorder(self) -> Recorder:
        return self._recorder or recorders.default()

    def end(self, call: Call, in_loop: bool = False) -> Coroutine[Any, Any, None] | None:
        """Records the call, unless it is in an event loop and a receipt has to be waited for: then
        that is what is to be awaited."""
        recorder = self._recorder or recorders._default
        try:
            event = _tally.call_event(call, self.describe)
        except Exception as error:
            recorder.failure(f"a decorator cannot describe the call: {error_text(error)}")
            return None
        if event is None:
            return None
        if call.error is not None and event.get("error_message") is None:
            event["error_message"] = error_text(call.error)
        if in_loop and (self.mode or recorder.mode) == "sync":
            return self._end_in_loop(recorder, call, event)
        try:
            recorder.record(event, self.mode)
        except Error as error:
            self.denied(call, event, error)
        return None

    async def end_async(self, call: Call) -> None:
        waiting = self.end(call, in_loop=True)
        if waiting is not None:
            await waiting

    async def _end_in_loop(self, recorder: Recorder, call: Call, event: dict[str, Any]) -> None:
        try:
            await recorder.record_async(event, self.mode)
        except Error as error:
            self.denied(call, event, error)

    def denied(self, call: Call, event: dict[str, Any], error: Error) -> None:
        if call.error is None:
            raise error
        self.recorder.failure(str(error), event)  # the call's own error is the one that goes on


def _plain(function: Callable[..., Any], ending: _Ending) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        call = Call(function, args, kwargs)
        try:
            call.result = function(*args, **kwargs)
        except BaseException as error:
            call.error = error
            ending.end(call)
            raise
        if isinstance(call.result, CoroutineType):
            return _awaited(call, ending)  # a function that gives a coroutine, such as a partial
        ending.end(call)
        return call.result

    return wrapper


async def _awaited(call: Call, ending: _Ending) -> Any:
    try:
        call.result = await call.result
    except BaseException as error:
        call.result, call.error = None, error
        await ending.end_async(call)
        raise
    await ending.end_async(call)
    return call.result


def _coroutine(function: Callable[..., Any], ending: _Ending) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        call = Call(function, args, kwargs)
        try:
            call.result = await function(*args, **kwargs)
        except BaseException as error:
            call.error = error
            await ending.end_async(call)
            raise
        waiting = ending.end(call, in_loop=True)
        if waiting is not None:
            await waiting
        return call.result

    return wrapper


def _generator(function: Callable[..., Any], ending: _Ending) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        call = Call(function, args, kwargs)
        try:
            call.result = yield from function(*args, **kwargs)
        except GeneratorExit:  # its reader wanted no more: it has not failed
            ending.end(call)
            raise
        except BaseException as error:
            call.error = error
            ending.end(call)
            raise
        ending.end(call)
        return call.result

    return wrapper


def _async_generator(function: Callable[..., Any], ending: _Ending) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        call = Call(function, args, kwargs)
        inner = function(*args, **kwargs)
        try:
            value = await inner.__anext__()
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as thrown:
                    value = await inner.athrow(thrown)
                else:
                    value = await inner.asend(sent)
        except StopAsyncIteration:
            pass
        except GeneratorExit:
            await ending.end_async(call)
            raise
        except BaseException as error:
            call.error = error
            await ending.end_async(call)
            raise
        await ending.end_async(call)

    return wrapper


@overload
def audit_log(action: F) -> F: ...


@overload
def audit_log(
    action: str | None = None,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str | None = None,
    *,
    mode: Mode | None = None,
    log_data: bool = False,
    recorder: Recorder | None = None,
    **members: Any,
) -> Callable[[F], F]: ...


def audit_log(
    action: Any = None,
    resource_type: str | None = None,
    get_resource_id: Callable[..., Any] | str | None = None,
    *,
    mode: Mode | None = None,
    log_data: bool = False,
    recorder: Recorder | None = None,
    **members: Any,
) -> Any:
    """Records each call of a function: ``@audit_log("report.approve", "report", "report_id")``.

    Without an action it is the function's module and name. ``get_resource_id`` is the name of an
    argument, or a function that is given the result (of a call that failed: None) and may take the
    arguments by name as well. ``log_data`` puts the arguments into the details. ``members`` are
    further members of the event. ``@audit_log`` alone will do.
    """
    if is_function(action):
        return audit_log()(action)

    named = get_resource_id if isinstance(get_resource_id, str) else None

    def decorate(function: F) -> F:
        name = action or _name_of(function)

        def describe(call: Call) -> dict[str, Any]:
            kwargs = call.kwargs
            event = {"action": name, "resource_type": resource_type, **members}
            event["resource_id"] = (
                kwargs[named] if named in kwargs else found_resource_id(call, get_resource_id)
            )
            if log_data:
                event["details"] = {"arguments": call.arguments, **(members.get("details") or {})}
            return event

        return audited(function, describe, mode=mode, recorder=recorder)

    return decorate


def is_function(action: Any) -> bool:
    """Whether a decorator was written without its parentheses, so that its first argument is what
    it decorates."""
    return callable(action) or isinstance(action, (classmethod, staticmethod))


def _name_of(function: Any) -> str:
    """Its module and name; of a partial, those of what it is a part of."""
    while isinstance(function, functools.partial):
        function = function.func
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{module}.{name}".replace(".<locals>", "")


def found_resource_id(call: Call, get_resource_id: Callable[..., Any] | str | None) -> Any:
    """The same as ``resource_id_of``, or None where the function fails: of a call that has failed it is
    given None in place of a result, and an event without its resource is better than none."""
    try:
        return resource_id_of(call, get_resource_id)
    except Exception as error:
        if call.error is None:
            recorders.log.warning("get_resource_id finds no resource: %s", error_text(error))
        return None


def resource_id_of(call: Call, get_resource_id: Callable[..., Any] | str | None) -> Any:
    """The id of what a call was about: an argument by its name, or what a function says of the
    result and, where it takes them, the arguments. None if there is none."""
    if get_resource_id is None:
        result = call.result
        return result.get("id") if isinstance(result, Mapping) else getattr(result, "id", None)
    if isinstance(get_resource_id, str):
        if get_resource_id in call.kwargs:
            return call.kwargs[get_resource_id]
        return call.arguments.get(get_resource_id)
    arguments = call.arguments
    try:
        parameters = _parameters_of(get_resource_id).signature.parameters.values()
    except (TypeError, ValueError):
        return get_resource_id(call.result)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        named = arguments
    else:
        named = {p.name: arguments[p.name] for p in parameters if p.name in arguments}
    takes_result = [p for p in parameters if p.name not in named and p.kind < p.KEYWORD_ONLY]
    if takes_result and takes_result[0].kind is not inspect.Parameter.VAR_KEYWORD:
        return get_resource_id(call.result, **named)
    return get_resource_id(**named)
