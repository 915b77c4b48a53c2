"""A small Django site for the tests: its settings, its addresses and its views."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path
from django.views import View

from tallystick import audit_logger
from tallystick.django import audit_log

SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "for this test",
    "ROOT_URLCONF": "django_site",
    "ALLOWED_HOSTS": ["*"],
    "USE_TZ": True,
    "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
    "DATABASES": {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "file:site?mode=memory&cache=shared",  # the same in every thread
        }
    },
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "INSTALLED_APPS": [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "tallystick.django.Tallystick",
    ],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "tallystick.django.AuditMiddleware",
    ],
    "TALLYSTICK": {"RECORD": "all", "EXCLUDE": ["/health", "/quiet/*"]},
}


@audit_log(resource_type="thing", log_data=True)
def thing(request: HttpRequest, pk: str) -> Any:
    audit_logger.log_action("inside")
    if pk == "absent":
        raise Http404("no such thing")
    if pk == "broken":
        raise KeyError("broken")
    return JsonResponse({"thing": pk}, status=409 if pk == "conflict" else 200)


@audit_log("thing.wait", "thing", "name")
async def wait(request: HttpRequest, name: str) -> HttpResponse:
    audit_logger.log("awaited")
    if name == "broken":
        raise KeyError(name)
    return HttpResponse(name)


class Things(View):
    @audit_log("thing.list", "thing", lambda response: response["X-Count"])
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("", headers={"X-Count": "12"})


def stream(request: HttpRequest, end: str) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "1"
        audit_logger.log("part")
        if end == "broken":
            raise OSError("gone")
        yield "2"

    return StreamingHttpResponse(parts())


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield "1"
        audit_logger.log("part")
        yield "2"

    return StreamingHttpResponse(parts())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(open(__file__, "rb"))


def enter(request: HttpRequest) -> HttpResponse:
    user = authenticate(
        request, username=request.POST["username"], password=request.POST["password"]
    )
    if user is None:
        return HttpResponse("no", status=401)
    login(request, user)
    return HttpResponse("yes")


def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("bye")


def health(request: HttpRequest) -> HttpResponse:
    audit_logger.log("inside")
    return HttpResponse("well")


urlpatterns = [
    path("things/<str:pk>", thing),
    path("things", Things.as_view()),
    path("wait/<str:name>", wait),
    path("stream/<str:end>", stream),
    path("stream", stream_async),
    path("file", file),
    path("enter", enter),
    path("leave", leave),
    path("health", health),
    path("quiet/a", health),
]
