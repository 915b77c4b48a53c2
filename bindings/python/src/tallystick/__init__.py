"""Record who did what to which thing, when, from where and with what result.

    import tallystick
    from tallystick import audit_logger

    tallystick.configure("http://127.0.0.1:7878", key="…")      # or TALLY_URL and TALLY_KEY
    audit_logger.log("invoice.approve", "invoice", user_id="u42", resource_id="i-7")

Without a configuration nothing is recorded and one warning is logged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from . import testing
from .context import Context, context, current_context, set_user
from .decorators import audit_log
from .errors import (
    Absent,
    Conflict,
    Denied,
    Error,
    Forbidden,
    Full,
    Invalid,
    Unsupported,
)
from .events import AuditEvent, AuditEventType, AuditSeverity, members_of_event
from .logger import AuditLogger, audit_logger
from .receipt import Receipt
from .recorder import Mode, Recorder, default, set_default
from .request import client_address, trust_proxies
from .scope import Scope, scope

__all__ = [
    "Absent",
    "AuditEvent",
    "AuditEventType",
    "AuditLogger",
    "AuditSeverity",
    "Conflict",
    "Context",
    "Denied",
    "Error",
    "Forbidden",
    "Full",
    "Invalid",
    "Receipt",
    "Recorder",
    "Scope",
    "Unsupported",
    "audit_log",
    "audit_logger",
    "client_address",
    "close",
    "configure",
    "context",
    "current_context",
    "flush",
    "record",
    "scope",
    "set_user",
    "statistics",
    "testing",
    "trust_proxies",
]


def configure(
    where: str | os.PathLike[str] | None = None,
    *,
    key: str | None = None,
    trail: str | None = None,
    service: str | None = None,
    mode: Mode | None = None,
    full: Literal["block", "refuse", "drop_oldest"] | None = None,
    spool: str | os.PathLike[str] | None = None,
    spool_size_max: int = 0,
    memory_size_max: int = 0,
    spool_sync_ms: int = 0,
    timeout_ms: int = 0,
    mask_names: Sequence[str] | None = None,
    mask_patterns: Sequence[str] | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    vkey: str | None = None,
    enabled: bool = True,
    strict: bool = False,
    insecure_http: bool = False,
    proxies: Iterable[str] | None = None,
) -> None:
    """Says where events go. Call it once, before the first event; again to go elsewhere.

    ``where`` is a server's URL (``http://…``, ``https://…``, ``unix:/path``) or a data folder; else
    $TALLY_URL. ``key`` is the API key, else $TALLY_KEY; ``spool`` the folder of events that are not
    shipped yet, else $TALLY_SPOOL. ``mode`` is ``spool`` (the default), ``sync`` or ``memory``;
    ``full`` says what recording does when the spool is full. Zero means the default of a size or
    time. ``enabled=False`` records nothing and says nothing; ``strict=True`` raises whatever fails.
    ``vkey`` is the trail's verification key, which ``verify_integrity()`` needs, else $TALLY_VKEY.
    ``insecure_http=True`` sends the key over plain HTTP to another machine, where anybody on the
    way can read it. ``proxies`` are the networks whose word is taken for a client's address
    (``trust_proxies``).
    """
    recorder = Recorder(
        where,
        key=key,
        trail=trail,
        service=service,
        mode=mode,
        full=full,
        spool=spool,
        spool_size_max=spool_size_max,
        memory_size_max=memory_size_max,
        spool_sync_ms=spool_sync_ms,
        timeout_ms=timeout_ms,
        mask_names=mask_names,
        mask_patterns=mask_patterns,
        ca_file=ca_file,
        vkey=vkey,
        enabled=enabled,
        strict=strict,
        insecure_http=insecure_http,
    )
    if proxies is not None:
        trust_proxies(proxies)
    set_default(recorder)


def record(event: Mapping[str, Any] | AuditEvent, mode: Mode | None = None) -> Receipt:
    """Records an event given as a dictionary of its members (docs/api.md), or as an object."""
    return default().record(event if type(event) is dict else members_of_event(event), mode)


def flush(timeout: float = 5.0) -> bool:
    """Waits until all that was recorded has its answer; False if that takes longer."""
    return default().flush(timeout)


def close(timeout: float = 2.0) -> None:
    """Ships what is queued for so many seconds; the rest stays in the spool."""
    default().close(timeout)


def statistics() -> dict[str, int]:
    """Counts of events since the first: recorded, queued, sent, refused, lost, …"""
    return default().statistics()
