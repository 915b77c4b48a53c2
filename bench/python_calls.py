"""What recording costs a request in Python by itself: no sockets, no server, no other process.

    build/python-environment/bin/python bench/python_calls.py [APPLICATION...]

Microseconds of processor time a request, of applications whose endpoint changes a row by SQLAlchemy, in
an SQLite in memory: without anything, with the middleware or extension, and with the decorator as well.
What an endpoint does between two events drives out of the processor's caches what recording needs; in
an endpoint that does nothing, recording would seem to cost half of what it does. So the ways alternate
request by request, in random order. Told are the median of nothing, and how much more the median of
each other way is. Events go to a folder's spool that nobody ships (no server answers there).

Beside other work it is to be run with real-time priority (`chrt -f 1`), several times, in turns with what
it is held against: runs of the same differ by 3 µs on a quiet machine, and by 30 on one that is not.
"""

import asyncio
import importlib.util
import io
import logging
import os
import random
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Awaitable, Callable
from typing import Any

import tallystick

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "1500"))
ROUNDS_BEFORE = 50  # until all is loaded and open
WAYS = ("nothing", "middleware", "decorator")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"

Ask = Callable[[], Awaitable[None]]


def make_change() -> Callable[[str], None]:
    """What an endpoint does: a row is read, changed and committed."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
    from sqlalchemy.pool import StaticPool

    class Base(DeclarativeBase):
        pass

    class Invoice(Base):
        __tablename__ = "invoices"
        number: Mapped[str] = mapped_column(primary_key=True)
        customer: Mapped[str]
        payments: Mapped[int]

    engine = create_engine(
        "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
    )
    make_session = sessionmaker(engine)
    Base.metadata.create_all(engine)
    with make_session() as session:
        session.add(Invoice(number="i-7", customer="Example Ltd", payments=0))
        session.commit()

    def change(number: str) -> None:
        with make_session() as session:
            invoice = session.get_one(Invoice, number)
            invoice.payments += 1
            session.commit()

    return change


def ask_wsgi(app: Callable[..., Any]) -> Ask:
    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        assert status == "200 OK", status

    async def ask() -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/invoices/i-7/approve",
            "QUERY_STRING": "",
            "CONTENT_LENGTH": "0",
            "SERVER_NAME": "bench",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "HTTP_HOST": "bench",
            "HTTP_ACCEPT": "*/*",
            "HTTP_USER_AGENT": AGENT,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        body = app(environ, start_response)
        for _ in body:
            pass
        if hasattr(body, "close"):
            body.close()

    return ask


def ask_asgi(app: Callable[..., Any]) -> Ask:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200, message

    async def ask() -> None:
        headers = [(b"host", b"bench"), (b"accept", b"*/*"), (b"user-agent", AGENT.encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("bench", 80),
            "client": ("192.0.2.7", 4711),
            "scheme": "http",
            "method": "POST",
            "root_path": "",
            "path": "/invoices/i-7/approve",
            "raw_path": b"/invoices/i-7/approve",
            "query_string": b"",
            "headers": headers,
            "state": {},
        }
        await app(scope, receive, send)

    return ask


def flask_app(way: str) -> Ask:
    from flask import Flask, g

    from tallystick.flask import Tallystick, audit_log

    app = Flask("bench")
    change = make_change()

    def approve(number: str) -> dict[str, Any]:
        change(number)
        g.user = "u42"
        return {"approved": number}

    if way != "nothing":
        Tallystick(app)
    if way == "decorator":
        approve = audit_log("invoice.approve", "invoice", "number")(approve)
    app.post("/invoices/<number>/approve")(approve)
    return ask_wsgi(app)


def fastapi_app(way: str, kind: str) -> Ask:
    from fastapi import FastAPI, Request

    from tallystick.fastapi import audit_log, install

    app = FastAPI()
    change = make_change()

    async def approve_async(number: str, request: Request) -> dict[str, Any]:
        change(number)
        request.state.user_id = "u42"
        return {"approved": number}

    def approve(number: str, request: Request) -> dict[str, Any]:
        change(number)
        request.state.user_id = "u42"
        return {"approved": number}

    endpoint: Any = approve_async if kind == "async def" else approve
    if way != "nothing":
        install(app)
    if way == "decorator":
        endpoint = audit_log("invoice.approve", "invoice", "number")(endpoint)
    app.post("/invoices/{number}/approve")(endpoint)
    return ask_asgi(app)


def django_app(way: str) -> Ask:
    import django
    from django.conf import settings
    from django.http import JsonResponse
    from django.urls import path

    if not settings.configured:
        settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], MIDDLEWARE=[])
        django.setup()
    from django.core.handlers.wsgi import WSGIHandler

    from tallystick.django import audit_log

    class User:
        id = "u42"

    change = make_change()

    def approve(request: Any, number: str) -> Any:
        change(number)
        request._cached_user = User
        return JsonResponse({"approved": number})

    if way == "decorator":
        approve = audit_log("invoice.approve", "invoice", "number")(approve)
    urls: Any = types.ModuleType(f"urls_{way}")
    urls.urlpatterns = [path("invoices/<number>/approve", approve)]
    settings.MIDDLEWARE = [] if way == "nothing" else ["tallystick.django.AuditMiddleware"]
    handler = WSGIHandler()

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        settings.ROOT_URLCONF = urls
        return handler(environ, start_response)

    return ask_wsgi(app)


async def measure(asks: dict[str, Ask]) -> dict[str, list[float]]:
    """In one task, as a server answers requests: what threads and caches a task has would be new in
    each."""
    times: dict[str, list[float]] = {way: [] for way in asks}
    for number in range(-ROUNDS_BEFORE, ROUNDS):
        for way in random.sample(WAYS, len(WAYS)):
            start = time.process_time()
            await asks[way]()
            if number >= 0:
                times[way].append((time.process_time() - start) * 1e6)
    return times


def report(name: str, times: dict[str, list[float]]) -> None:
    medians = [statistics.median(times[way]) for way in WAYS]
    more = "".join(f"{median - medians[0]:12.1f}" for median in medians[1:])
    print(f"{name:22}{medians[0]:10.1f}{more}", flush=True)


def main() -> None:
    rows: dict[str, tuple[str, Callable[[str], Ask]]] = {
        "flask": ("flask", flask_app),
        "fastapi-async": ("fastapi", lambda way: fastapi_app(way, "async def")),
        "fastapi-def": ("fastapi", lambda way: fastapi_app(way, "def")),
        "django": ("django", django_app),
    }
    wanted = sys.argv[1:] or list(rows)
    logging.getLogger("tallystick").setLevel(logging.CRITICAL + 1)
    with tempfile.TemporaryDirectory() as folder:
        tallystick.configure(
            "http://127.0.0.1:1", key="none", spool=f"{folder}/spool", spool_size_max=2**30
        )
        more = "".join(f"{way:>12}" for way in WAYS[1:])
        print(f"{'µs a request':22}{WAYS[0]:>10}{more}")
        for name in wanted:
            module, make = rows[name]
            if importlib.util.find_spec(module) is None:
                print(f"{module} is not installed")
                continue
            report(name, asyncio.run(measure({way: make(way) for way in WAYS})))
        tallystick.close(0)


if __name__ == "__main__":
    main()
