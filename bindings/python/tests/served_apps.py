"""The applications that real servers run in test_servers.py: FastAPI's and Flask's, as far as they
are there.

Something is recorded before a server forks its workers, as applications do that are loaded once.
"""

from __future__ import annotations

import os
import time
from typing import Any

from patience import LONG_S

import tallystick
from tallystick import audit_logger

audit_logger.log("app.load")


def made_with_flask() -> Any:
    from flask import Flask

    from tallystick.flask import Tallystick, audit_log

    app = Flask(__name__)
    Tallystick(app, record="mutations")

    @app.post("/things/<resource_id>")
    @audit_log("thing.create", "thing")
    def create(resource_id: str) -> dict[str, Any]:
        return {"process": os.getpid()}

    return app


def made_with_fastapi() -> Any:
    from fastapi import FastAPI

    from tallystick.fastapi import audit_log, install

    app = FastAPI()
    install(app, record="mutations")

    @app.post("/things/blocked/{resource_id}")
    @audit_log("thing.create", "thing", "resource_id")
    async def create_blocked(resource_id: str) -> dict[str, Any]:
        """Blocks the loop until nothing waits to be shipped."""
        for step in range(50):
            audit_logger.log("thing.step", "thing", resource_id=f"{resource_id}.{step}")
        until = time.monotonic() + LONG_S
        time.sleep(0.5)
        while tallystick.statistics()["queued"] > 0 and time.monotonic() < until:
            time.sleep(0.1)
        return {"process": os.getpid(), "queued": tallystick.statistics()["queued"]}

    @app.post("/things/{resource_id}")
    @audit_log("thing.create", "thing", "resource_id")
    def create(resource_id: str) -> dict[str, Any]:
        return {"process": os.getpid()}

    return app


if os.environ.get("APP") == "flask":
    app = made_with_flask()
else:
    app = made_with_fastapi()
