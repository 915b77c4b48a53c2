"""The tutorials' code runs as it stands there: of each page one block after the other, as one
program.

A page says which modules it needs beside the package: ``<!-- needs sqlalchemy -->``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Trail

DOCS = Path(__file__).parents[3] / "docs"
PAGES = sorted(DOCS.glob("python*.md"))


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def test_there_are_tutorials() -> None:
    if not DOCS.is_dir():
        pytest.skip("the documents are not here")
    assert len(blocks(DOCS / "python.md")) >= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial(page: Path, trail: Trail) -> None:
    """The URL and the keys are the test's."""
    for needed in re.findall(r"<!-- needs (.*?) -->", page.read_text()):
        for module in needed.split():
            pytest.importorskip(module)
    program = "\n".join(blocks(page))
    program = program.replace("http://127.0.0.1:7878", trail.url)
    program = program.replace("tally_YOUR_KEY", trail.admin_key)
    program = program.replace("YOUR_VKEY", trail.vkey)
    trail.run(program + "\nprint('to the end')\n", TALLY_URL="", TALLY_KEY="").index("to the end")
