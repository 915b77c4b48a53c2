"""The tutorial's code runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Trail

TUTORIAL = Path(__file__).parents[3] / "docs" / "python.md"


def blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", TUTORIAL.read_text(), re.MULTILINE | re.DOTALL)


def test_the_tutorial(trail: Trail) -> None:
    """One block after the other, as one program; the URL and the key are the test's."""
    if not TUTORIAL.is_file():
        pytest.skip("the documents are not here")
    assert len(blocks()) >= 8
    program = "\n".join(blocks())
    program = program.replace("http://127.0.0.1:7878", trail.url)
    program = program.replace("tally_YOUR_KEY", trail.admin_key)
    program = program.replace("YOUR_VKEY", trail.vkey)
    trail.run(program + "\nprint('to the end')\n", TALLY_URL="", TALLY_KEY="").index("to the end")
