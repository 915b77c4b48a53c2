"""The extension as a file: that it is for all Pythons from 3.10 on, and keeps the library to
itself."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import tallystick._tally as extension

FILE = Path(str(extension.__file__))


def run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_its_name_is_for_any_python() -> None:
    assert FILE.name == "_tally.abi3.so"


def test_it_uses_the_stable_interface_only() -> None:
    if importlib.util.find_spec("abi3audit") is None:
        pytest.skip("abi3audit is not installed")
    run(sys.executable, "-m", "abi3audit", "--strict", "--assume-minimum-abi3", "3.10", str(FILE))


def test_it_has_one_symbol_for_others() -> None:
    symbols = run("nm", "-D", "--defined-only", str(FILE)).split("\n")
    assert [line.split()[-1] for line in symbols if line] == ["PyInit__tally"]


def test_the_wheel_is_for_any_python_and_needs_nothing_of_pythons() -> None:
    distribution = importlib.metadata.distribution("tallystick")
    wheel = distribution.read_text("WHEEL") or ""
    assert "Tag: cp310-abi3-" in wheel
    assert distribution.requires is None


def test_its_types_are_as_declared() -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    run(sys.executable, "-m", "mypy.stubtest", "tallystick._tally")


def test_types_are_right() -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    package = Path(__file__).parents[1]
    run(
        sys.executable,
        "-m",
        "mypy",
        "--cache-dir=/dev/null",
        f"--config-file={package / 'pyproject.toml'}",
    )
