"""What recording costs a request in Python by itself: no sockets, no server, no other process.

    build/python-environment/bin/python bench/python_calls.py [APPLICATION...]

Microseconds of processor time a request, of applications that do nothing else: without anything, with
the middleware or extension, and with the decorator as well. The ways alternate in batches. Told is the
least of nothing, how much more the least of each other way is, and in brackets the median of how much
more a batch takes than its neighbour. Events go to a folder's spool that nobody ships (no server
answers there).
"""

import asyncio
import importlib.util
import io
import logging
import os
import statistics
import sys
import tempfile
import time
import types
from collections.abc import Callable
from typing import Any

import tallystick

CALLS = int(os.environ.get("BENCH_CALLS", "100"))  # of a batch
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "100"))
WAYS = ("nothing", "middleware", "decorator")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"

Batch = Callable[[int], None]


def batch_of_wsgi(app: Callable[..., Any]) -> Batch:
    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        assert status == "200 OK", status

    def ask() -> None:
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

    def batch(count: int) -> None:
        for _ in range(count):
            ask()

    return batch


def batch_of_asgi(app: Callable[..., Any], loop: asyncio.AbstractEventLoop) -> Batch:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200, message

    async def asked(count: int) -> None:
        for _ in range(count):
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

    return lambda count: loop.run_until_complete(asked(count))


def flask_app(way: str) -> Batch:
    from flask import Flask, g

    from tallystick.flask import Tallystick, audit_log

    app = Flask("bench")

    def approve(number: str) -> dict[str, Any]:
        g.user = "u42"
        return {"approved": number}

    if way != "nothing":
        Tallystick(app)
    if way == "decorator":
        approve = audit_log("invoice.approve", "invoice", "number")(approve)
    app.post("/invoices/<number>/approve")(approve)
    return batch_of_wsgi(app)


def fastapi_app(way: str, kind: str, loop: asyncio.AbstractEventLoop) -> Batch:
    from fastapi import FastAPI, Request

    from tallystick.fastapi import audit_log, install

    app = FastAPI()

    async def approve_async(number: str, request: Request) -> dict[str, Any]:
        request.state.user_id = "u42"
        return {"approved": number}

    def approve(number: str, request: Request) -> dict[str, Any]:
        request.state.user_id = "u42"
        return {"approved": number}

    endpoint: Any = approve_async if kind == "async def" else approve
    if way != "nothing":
        install(app)
    if way == "decorator":
        endpoint = audit_log("invoice.approve", "invoice", "number")(endpoint)
    app.post("/invoices/{number}/approve")(endpoint)
    return batch_of_asgi(app, loop)


def django_app(way: str) -> Batch:
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

    def approve(request: Any, number: str) -> Any:
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

    return batch_of_wsgi(app)


def measure(batches: dict[str, Batch]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {way: [] for way in batches}
    for number in range(-2, ROUNDS):
        for way, batch in batches.items():
            start = time.process_time()
            batch(CALLS)
            if number >= 0:  # all is loaded and open
                times[way].append((time.process_time() - start) / CALLS * 1e6)
    return times


def report(name: str, times: dict[str, list[float]]) -> None:
    nothing = times["nothing"]
    cells = [f"{min(nothing):10.1f}"]
    for way in WAYS[1:]:
        more = statistics.median(one - other for one, other in zip(times[way], nothing))
        cells.append(f"{min(times[way]) - min(nothing):12.1f} ({more:5.1f})")
    print(f"{name:22}" + "".join(cells), flush=True)


def main() -> None:
    loop = asyncio.new_event_loop()
    rows: dict[str, tuple[str, Callable[[str], Batch]]] = {
        "flask": ("flask", flask_app),
        "fastapi-async": ("fastapi", lambda way: fastapi_app(way, "async def", loop)),
        "fastapi-def": ("fastapi", lambda way: fastapi_app(way, "def", loop)),
        "django": ("django", django_app),
    }
    wanted = sys.argv[1:] or list(rows)
    logging.getLogger("tallystick").setLevel(logging.CRITICAL + 1)
    with tempfile.TemporaryDirectory() as folder:
        tallystick.configure(
            "http://127.0.0.1:1", key="none", spool=f"{folder}/spool", spool_size_max=2**30
        )
        print(f"{'µs a request':22}{'nothing':>10}{'middleware more':>20}{'and decorator':>20}")
        for name in wanted:
            module, make = rows[name]
            if importlib.util.find_spec(module) is None:
                print(f"{module} is not installed")
                continue
            report(name, measure({way: make(way) for way in WAYS}))
        tallystick.close(0)
    loop.close()


if __name__ == "__main__":
    main()
