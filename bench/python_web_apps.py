"""The applications of python_web.py: two endpoints, and what is done to record their calls.

/approve does nothing else. /pay is what an audited endpoint does at the least: it reads a row and changes it, by
SQLAlchemy in the database that DATABASE names, and is there only with one. APP is fastapi or flask; WAY is none,
middleware (or extension, which records nothing), spool, sync (with the decorator, in these modes) or database (a row of
a table of events, committed in each request).
"""

import datetime
import os
import uuid
from collections.abc import Callable
from typing import Any

WAY = os.environ["WAY"]
DATABASE = os.environ.get("DATABASE")
INVOICES = 16


def store() -> tuple[Callable[..., None], Callable[[str], int]]:
    """Two functions: one writes a row of a table like that of an application which keeps its trail beside its data;
    one pays an invoice and says how often that was done. Each way has tables of its own."""
    from sqlalchemy import JSON, Column, DateTime, Integer, String, create_engine
    from sqlalchemy.orm import declarative_base, sessionmaker

    base: Any = declarative_base()

    class Invoice(base):
        __tablename__ = f"invoices_{WAY}"
        id = Column(String(64), primary_key=True)
        customer = Column(String(100))
        state = Column(String(20))
        payments = Column(Integer)

    class AuditLog(base):
        __tablename__ = f"audit_logs_{WAY}"
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

    assert DATABASE
    engine = create_engine(DATABASE, pool_size=16)
    session = sessionmaker(engine)
    base.metadata.create_all(engine)
    with session() as db:
        for number in range(INVOICES):
            db.merge(Invoice(id=f"i-{number}", customer="Example Ltd", state="open", payments=0))
        db.commit()

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

    def pay(number: str) -> int:
        with session() as db:
            invoice = db.get(Invoice, number)
            invoice.state = "paid"
            invoice.payments += 1
            count = invoice.payments
            db.commit()
        return count

    return write, pay


def made_with_fastapi() -> Any:
    from fastapi import FastAPI, Request

    app = FastAPI()
    record, change = store() if DATABASE else (None, None)

    def seen(number: str, request: Request) -> None:
        request.state.user_id = "u42"
        if WAY == "database" and record is not None:
            address = request.client.host if request.client else None
            record(number, address, request.headers.get("user-agent"))

    def approve(number: str, request: Request) -> dict[str, Any]:
        seen(number, request)
        return {"approved": number}

    def pay(number: str, request: Request) -> dict[str, Any]:
        assert change
        payments = change(number)
        seen(number, request)
        return {"paid": number, "payments": payments}

    if WAY in ("middleware", "spool", "sync"):
        from tallystick.fastapi import audit_log, install

        install(app)
        if WAY != "middleware":
            approve = audit_log("invoice.approve", "invoice", "number", mode=WAY)(approve)
            pay = audit_log("invoice.pay", "invoice", "number", mode=WAY)(pay)
    app.post("/invoices/{number}/approve")(approve)
    app.post("/invoices/{number}/pay")(pay)
    return app


def made_with_flask() -> Any:
    from flask import Flask, g, request

    app = Flask("bench")
    record, change = store() if DATABASE else (None, None)

    def seen(number: str) -> None:
        g.user = "u42"
        if WAY == "database" and record is not None:
            record(number, request.remote_addr, request.headers.get("user-agent"))

    def approve(number: str) -> dict[str, Any]:
        seen(number)
        return {"approved": number}

    def pay(number: str) -> dict[str, Any]:
        assert change
        payments = change(number)
        seen(number)
        return {"paid": number, "payments": payments}

    if WAY in ("middleware", "spool", "sync"):
        from tallystick.flask import Tallystick, audit_log

        Tallystick(app)
        if WAY != "middleware":
            approve = audit_log("invoice.approve", "invoice", "number", mode=WAY)(approve)
            pay = audit_log("invoice.pay", "invoice", "number", mode=WAY)(pay)
    app.post("/invoices/<number>/approve")(approve)
    app.post("/invoices/<number>/pay")(pay)
    return app


app = made_with_flask() if os.environ["APP"] == "flask" else made_with_fastapi()
