from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, final

from typing_extensions import disjoint_base

from .receipt import Receipt

_Call = TypeVar("_Call", bound=Call)

@disjoint_base
class Call:
    def __new__(
        cls: type[_Call],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        /,
    ) -> _Call: ...
    @property
    def function(self) -> Callable[..., Any]: ...
    @property
    def args(self) -> tuple[Any, ...]: ...
    @property
    def kwargs(self) -> dict[str, Any]: ...
    result: Any
    error: BaseException | None

@final
class Client:
    def __new__(
        cls,
        where: str | None = None,
        *,
        key: str | None = None,
        trail: str | None = None,
        service: str | None = None,
        mode: str | None = None,
        full: str | None = None,
        spool: str | None = None,
        spool_size_max: int = 0,
        memory_size_max: int = 0,
        spool_sync_ms: int = 0,
        timeout_ms: int = 0,
        mask_names: list[str] | None = None,
        mask_patterns: list[str] | None = None,
        ca_file: str | None = None,
        insecure_http: bool = False,
        notice: Callable[[str], object] | None = None,
    ) -> Client: ...
    @property
    def spool(self) -> str | None: ...
    def record(
        self,
        event: dict[str, Any],
        context: dict[str, Any] | None = None,
        mode: str | None = None,
        /,
    ) -> Receipt: ...
    def record_json(
        self, text: str | bytes, mode: str | None = None, /
    ) -> Receipt: ...
    def interrupted_by(self, error: BaseException, /) -> bool: ...
    def flush(self, timeout: float, /) -> bool: ...
    def close(self, timeout: float, /) -> None: ...
    def statistics(self) -> dict[str, int]: ...
    def get(self, target: str, /) -> str: ...

@final
class Proxies:
    def __new__(cls, networks: Iterable[str]) -> Proxies: ...
    def client_address(
        self,
        peer: str | None,
        forwarded: str | None = None,
        x_forwarded_for: str | None = None,
        /,
    ) -> str | None: ...

@final
class Request:
    def members(self, proxies: Proxies | None, /) -> dict[str, Any]: ...
    def identify(self) -> str: ...

def call_event(
    call: _Call, describe: Callable[[_Call], Mapping[str, Any] | None], /
) -> dict[str, Any] | None: ...
def request_of_scope(scope: dict[str, Any], /) -> Request: ...
def request_of_environ(environ: dict[str, Any], /) -> Request: ...
def uuid4() -> str: ...
def write_event(event: Mapping[str, Any], context: Mapping[str, Any] | None = None, /) -> str: ...
def write_value(value: object, /) -> str: ...
def check_options(where: str | None = None, **options: Any) -> None: ...
def check_vkey(vkey: str, /) -> None: ...
def check_leaf(
    public: bytes, index: int, proof: list[bytes], checkpoint: str, vkey: str, /
) -> int: ...
