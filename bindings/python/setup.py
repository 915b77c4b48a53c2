"""Builds the extension, and before it the C library that it carries.

All that is made lies in build/, the library in build/library, by meson. TALLYSTICK_BUILD names a
folder of `meson setup` that has the library already, as the tests do; then all lies there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

READY = os.environ.get("TALLYSTICK_BUILD")
SCRATCH = Path(READY, "python-package") if READY else HERE / "build"

# Each of them uses those behind it.
LAYERS = ["client", "output", "query", "store", "event", "tree", "base"]

# What the library needs of others: pkg-config's name, and Debian's package. The program and the tests
# need more, so they are not set up.
NEEDED = {
    "libcrypto": "libssl-dev",
    "libsodium": "libsodium-dev",
    "libzstd": "libzstd-dev",
    "libcurl": "libcurl4-openssl-dev",
}


def is_there(library: str) -> bool:
    if shutil.which("pkg-config") is None:
        return False
    return subprocess.run(["pkg-config", "--exists", library]).returncode == 0


def check_needs() -> None:
    """Ends with the names of the packages that are missing."""
    missing = {name: package for name, package in NEEDED.items() if not is_there(name)}
    if shutil.which("pkg-config") is None:
        missing["pkg-config"] = "pkg-config"
    compiler = os.environ.get("CC", "cc").split()[-1]
    if shutil.which(compiler) is None:
        missing[compiler] = "gcc"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        missing["Python.h"] = "python3-dev"
    if missing:
        sys.exit(
            f"tallystick: the C library cannot be built without {', '.join(missing)}.\n"
            f"On Debian: apt-get install {' '.join(missing.values())}"
        )


def build_library(folder: Path) -> Path:
    """Builds the archives in the folder."""
    if not (ROOT / "meson.build").is_file():
        sys.exit(f"tallystick is built from its repository: there is no meson.build in {ROOT}")
    check_needs()
    if not (folder / "build.ninja").is_file():
        options = ["--buildtype=release", "-Dstrip=true", "-Dprogram=false"]
        subprocess.check_call(["meson", "setup", str(folder), str(ROOT), *options])
    targets = [f"src/{layer}/lib{layer}.a" for layer in LAYERS]
    subprocess.check_call(["ninja", "-C", str(folder), *targets])
    return folder


def pkg_config(option: str) -> list[str]:
    text = subprocess.check_output(["pkg-config", option, *NEEDED], text=True)
    return text.split()


class BuildWithLibrary(build_ext):
    def build_extension(self, extension: Extension) -> None:
        if READY:
            folder = Path(READY)
            check_needs()
        else:
            folder = build_library(SCRATCH / "library")
        archives = [folder / "src" / layer / f"lib{layer}.a" for layer in LAYERS]
        # Whose symbols are the extension's own: another copy of the library in the process, or the
        # library of a program that embeds Python, is not to be mixed with it.
        extension.extra_link_args = [
            "-Wl,--exclude-libs,ALL",
            *map(str, archives),
            *pkg_config("--libs"),
            "-pthread",
        ]
        extension.depends = [*extension.depends, *map(str, archives)]
        super().build_extension(extension)


class StableWheel(bdist_wheel):
    """One wheel for 3.10 and all that come after it."""

    def get_tag(self) -> tuple[str, str, str]:
        _, _, platform = super().get_tag()
        return "cp310", "abi3", platform


SCRATCH.mkdir(parents=True, exist_ok=True)
setup(
    options={"build": {"build_base": str(SCRATCH)}, "egg_info": {"egg_base": str(SCRATCH)}},
    ext_modules=[
        Extension(
            "tallystick._tally",
            sources=sorted(str(path.relative_to(HERE)) for path in (HERE / "native").glob("*.c")),
            depends=sorted(str(path.relative_to(HERE)) for path in (HERE / "native").glob("*.h")),
            include_dirs=[str(ROOT / "include"), str(ROOT / "src" / "base")],
            # Without PY_SSIZE_T_CLEAN: a format with a length (s#), built with Python 3.13 or later,
            # would be refused by those before.
            define_macros=[("Py_LIMITED_API", "0x030A0000")],
            extra_compile_args=[
                "-std=c17",
                "-O2",
                "-fvisibility=hidden",
                "-Wall",
                "-Wextra",
                "-Wshadow",
            ],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildWithLibrary, "bdist_wheel": StableWheel},
)
