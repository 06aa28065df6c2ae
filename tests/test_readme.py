"""The README's Python runs from top to bottom, and its fits converge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from winstan.design_warnings import GUARDS

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # the text tells of them
def test_the_snippets_run_and_converge():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    space: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), space)
    assert space["both"].ok
    assert space["fit"].diagnostics.ok


def test_every_guard_is_in_the_table():
    table = README.read_text(encoding="utf-8").partition("## Warnings of the data")[2]
    for name in GUARDS:
        assert f"`{name}`" in table
