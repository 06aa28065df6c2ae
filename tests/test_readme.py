"""The README's Python runs from top to bottom, and its fits converge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
SCREEN_AND_A_HALF = 80
"""Lines; what is beyond belongs to the docs."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # the text tells of them
def test_the_snippets_run_and_converge():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    space: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), space)
    assert space["fit"].diagnostics.ok


def test_it_is_short_and_leads_to_the_docs():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= SCREEN_AND_A_HALF
    assert "docs/start.md" in text
