"""What the tests share: a server, a data folder, an application's process.

TALLY is the program `tally`; tests that need it say that they are skipped without.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from patience import LONG_S

import tallystick
from tallystick import recorder as recorders

# How long an example takes says more of the machine than of the code.
settings.register_profile(
    "any machine",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")

pytest_plugins = ["pytester"]

__all__ = ["LONG_S", "Trail", "made", "served"]


@dataclass
class Trail:
    """A data folder, and the server of it if there is one."""

    program: str
    folder: Path
    admin_key: str
    vkey: str
    url: str = ""
    spool: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def key(self, role: str) -> str:
        """A new API key of this role."""
        said = self.tally("key", str(self.folder), "add", "--role", role, "--name", f"a {role}")
        found = re.search(r"tally_[A-Za-z0-9_-]+", said)
        assert found
        return found[0]

    def tally(self, *arguments: str) -> str:
        return subprocess.run(
            [self.program, *arguments], check=True, capture_output=True, text=True
        ).stdout

    def entries(self, count: int = 0) -> list[dict[str, Any]]:
        """All that is in the trail, oldest first, as the command line reads it; at least so many:
        what a folder's writer has committed is seen by others when it is signed."""
        until = time.monotonic() + LONG_S
        while True:
            key = ["--key", self.admin_key] if self.url.startswith("http") else []
            said = self.tally("export", self.url, "--format", "ndjson", *key)
            entries = [json.loads(line, object_pairs_hook=once) for line in said.splitlines()]
            if len(entries) >= count or time.monotonic() > until:
                return entries
            time.sleep(0.05)

    def run(self, code: str, *arguments: str, check: bool = True, **env: str) -> str:
        """Runs an application in a process of its own, configured by its environment."""
        path = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        code = "import patience\n" + textwrap.dedent(code)
        result = subprocess.run(
            [sys.executable, "-X", "dev", "-c", code, *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, path)),
                "TALLY_URL": self.url,
                "TALLY_KEY": self.admin_key,
                "TALLY_SPOOL": self.spool,
                **env,
            },
            capture_output=True,
            text=True,
            timeout=LONG_S * 2,
        )
        if check:
            assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr


def program() -> str:
    found = os.environ.get("TALLY")
    if not found:
        pytest.skip("TALLY does not say where the program is")
    return found


def made(folder: Path) -> Trail:
    tally = program()
    said = subprocess.run(
        [tally, "init", str(folder)], check=True, capture_output=True, text=True
    ).stdout
    lines = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return Trail(tally, folder, lines["admin key"], lines["vkey"])


def served(trail: Trail) -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [trail.program, "serve", "--data", str(trail.folder), "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("listening on "):
            trail.url = line.removeprefix("listening on ").strip()
            break
    assert trail.url, "the server does not start"
    return server


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Each test begins without a configuration, and leaves none."""
    for name in ("TALLY_URL", "TALLY_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TALLY_SPOOL", str(tmp_path / "spool"))
    recorders.set_default(recorders.Recorder())
    yield
    tallystick.close(0)  # what nobody took is not waited for
    recorders.set_default(recorders.Recorder())


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    """A fresh trail, served; tallystick is configured for it."""
    trail = made(tmp_path / "data")
    trail.spool = str(tmp_path / "spool")
    server = served(trail)
    try:
        tallystick.configure(trail.url, key=trail.admin_key, vkey=trail.vkey)
        yield trail
        tallystick.close()
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Trail:
    """A fresh trail, embedded; tallystick is configured for it."""
    trail = made(tmp_path / "data")
    trail.spool = str(tmp_path / "spool")
    trail.url = str(trail.folder)
    tallystick.configure(trail.folder, vkey=trail.vkey)
    return trail


@pytest.fixture
def written() -> Callable[..., dict[str, Any]]:
    """The event that a dictionary, and a context's, are recorded as."""

    def write(event: dict[str, Any], context: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(
            tallystick._tally.write_event(event, context),  # type: ignore[attr-defined]
            object_pairs_hook=once,
        )
        return result

    return write


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that stands there twice is what no trail takes."""
    result = dict(pairs)
    assert len(result) == len(pairs), [name for name, _ in pairs]
    return result
