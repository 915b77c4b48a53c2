"""An application of Celery whose tasks record events; its worker runs in processes of its own.

SHOP_BROKER is the URL of its Redis.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from celery import Celery

import tallystick.celery
from tallystick import audit_logger

app = Celery("shop", broker=os.environ["SHOP_BROKER"], backend=os.environ["SHOP_BROKER"])
app.conf.broker_connection_retry_on_startup = True
tallystick.celery.install(app, record_tasks=bool(os.environ.get("SHOP_RECORDS_TASKS")))


@app.task(name="shop.pack")
def pack(number: int) -> int:
    audit_logger.log("parcel.pack", "parcel", resource_id=number)
    return os.getpid()


@app.task(name="shop.send", bind=True, max_retries=1, default_retry_delay=0)
def send(self: Any, number: int) -> None:
    audit_logger.log("parcel.send", "parcel", resource_id=number)
    pack.delay(number)
    if self.request.retries == 0:
        raise self.retry(exc=ConnectionError("no van"))


@app.task(name="shop.drop")
def drop(number: int) -> None:
    """Records an event and is gone in the middle."""
    audit_logger.log("parcel.drop", "parcel", resource_id=number)
    os.kill(os.getpid(), signal.SIGKILL)
