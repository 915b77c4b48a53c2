"""The applications of python_web.py: one endpoint, and what is done to record its calls.

APP is fastapi or flask; WAY is none, spool, sync (the decorator in these modes) or database (a row by
SQLAlchemy, committed in each request, in the database that DATABASE names).
"""

import datetime
import os
import uuid
from collections.abc import Callable
from typing import Any

WAY = os.environ["WAY"]


def store() -> Callable[..., None]:
    """Writes a row of a table like that of an application which keeps its trail beside its data."""
    from sqlalchemy import JSON, Column, DateTime, String, create_engine
    from sqlalchemy.orm import declarative_base, sessionmaker

    base: Any = declarative_base()

    class AuditLog(base):
        __tablename__ = "audit_logs"
        id = Column(String(36), primary_key=True)
        user_id = Column(String(64), index=True)
        action = Column(String(100), index=True)
        resource_type = Column(String(50), index=True)
        resource_id = Column(String(64))
        details = Column(JSON)
        ip_address = Column(String(45))
        user_agent = Column(String(500))
        request_id = Column(String(64))
        status = Column(String(20))
        timestamp = Column(DateTime(timezone=True), index=True)

    engine = create_engine(os.environ["DATABASE"], pool_size=16)
    base.metadata.create_all(engine)
    session = sessionmaker(engine)

    def write(resource_id: str, address: str | None, agent: str | None) -> None:
        row = AuditLog(
            id=str(uuid.uuid4()),
            user_id="u42",
            action="invoice.approve",
            resource_type="invoice",
            resource_id=resource_id,
            ip_address=address,
            user_agent=agent,
            request_id=str(uuid.uuid4()),
            status="success",
            timestamp=datetime.datetime.now(datetime.timezone.utc),
        )
        with session() as db:
            db.add(row)
            db.commit()

    return write


def made_with_fastapi() -> Any:
    from fastapi import FastAPI, Request

    app = FastAPI()
    write = store() if WAY == "database" else None

    def approve(number: str, request: Request) -> dict[str, str]:
        request.state.user_id = "u42"
        if write is not None:
            address = request.client.host if request.client else None
            write(number, address, request.headers.get("user-agent"))
        return {"approved": number}

    if WAY in ("spool", "sync"):
        from tallystick.fastapi import audit_log, install

        install(app)
        approve = audit_log("invoice.approve", "invoice", "number", mode=WAY)(approve)
    app.post("/invoices/{number}/approve")(approve)
    return app


def made_with_flask() -> Any:
    from flask import Flask, g, request

    app = Flask("bench")
    write = store() if WAY == "database" else None

    def approve(number: str) -> dict[str, str]:
        g.user = "u42"
        if write is not None:
            write(number, request.remote_addr, request.headers.get("user-agent"))
        return {"approved": number}

    if WAY in ("spool", "sync"):
        from tallystick.flask import Tallystick, audit_log

        Tallystick(app)
        approve = audit_log("invoice.approve", "invoice", "number", mode=WAY)(approve)
    app.post("/invoices/<number>/approve")(approve)
    return app


app = made_with_flask() if os.environ["APP"] == "flask" else made_with_fastapi()
