"""The judgement of the defaults: its designs, its bounds, its page."""

from __future__ import annotations

import pandas as pd

from benchmarks.defaults import cases, is_out, page
from winstan.families import FAMILIES


def test_every_family_with_one_mean_has_designs():
    found = {case.family for case in cases(list(FAMILIES))}
    assert set(FAMILIES) - found == {"von_mises", "categorical"}
    assert {case.spread for case in cases(["gaussian"])} == {"equal", "unequal"}
    assert cases(["gaussian"])[-1].truth()["sigma_x"] > 0


def test_coverage_is_out_beyond_two_errors_of_its_bounds():
    assert not is_out(0.92, 200)
    assert not is_out(0.90, 200)  # the error is 0.017
    assert is_out(0.88, 200)
    assert is_out(1.0, 2000)
    assert not is_out(1.0, 40)


def test_the_page_marks_what_is_out():
    row = {"family": "gamma", "animals": 4, "varying": "slopes", "spread": "equal", "studies": 400}
    for method in ("bayes", "lme", "anova"):
        row |= {f"{method}_coverage": 0.94, f"{method}_false_positives": 0.06}
        row |= {f"{method}_failed": 0, f"{method}_unconverged": 0}
    text = page(pd.DataFrame([row, {**row, "animals": 8, "bayes_coverage": 0.8}]))
    assert "| gamma | 4 | slopes | equal | 400 | 0.940 | 0.060 |" in text
    assert "| gamma | 8 | slopes | equal | 400 | 0.800 **!** |" in text
    assert "1 of the designs are marked" in text
    every = 3 * len(cases(list(FAMILIES)))
    assert f"Of all {every} designs {every - 2} have not been run yet." in text
