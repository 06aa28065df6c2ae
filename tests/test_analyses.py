"""The analyses of the documentation run, converge, and find the effects that are in their data."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "analyses.md"
TRUTH = {
    "scores": 1.0,
    "preference": 0.8,
    "occupancy": 1.0,
    "expression": 0.9,
    "latencies": 0.7,
    "reaction": 0.25,
    "silent": 0.35,
    "successes": 0.7,
    "phases": 0.6,
    "spread": 2.5,
    "growth": 0.5,
    "doses": 1.0,
    "behaviour": 0.9,
    "proportions": 0.6,
    "schools": 7.69,
    "neurons": 0.8,
    "within": 0.3,
    "between": 1.0,
}


@pytest.mark.slow
def test_the_analyses_run_converge_and_find_what_is_there():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    space: dict = {}
    for block in blocks:
        exec(compile(block, "analyses.md", "exec"), space)
        if "fit" in space:
            assert space["fit"].diagnostics.ok, block
    scores = [(space[name]["mean"] - true) / space[name]["sd"] for name, true in TRUTH.items()]
    assert np.max(np.abs(scores)) < 3.3, dict(zip(TRUTH, scores, strict=True))
    assert np.mean(np.square(scores)) < 2  # about one, if posteriors are as wide as their errors
    each, effect = space["table"], space["effect"]
    assert np.all(np.abs(each["mean"] - effect) < 4 * each["sd"])
    assert space["each"].ok
