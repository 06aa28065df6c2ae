"""R's packages as engines: their formulas, what they cover, and that they are no need."""

import pytest

from benchmarks.designs import DESIGNS
from benchmarks.engines import ENGINES
from benchmarks.r_packages import PACKAGES, covers, formula_in_r, missing
from benchmarks.table import REFERENCE, Row, framed, gains, summary


@pytest.mark.parametrize(
    ("design", "formula"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days|Subject)"),
        ("cbpp", "cbind(incidence, size - incidence) ~ period + (1|herd)"),
        ("pastes", "strength ~ 1 + (1|batch/cask)"),
    ],
)
def test_formulas_are_those_of_r(design, formula):
    assert covers(DESIGNS[design])
    assert formula_in_r(DESIGNS[design]) == formula


def test_curves_and_models_without_groups_are_not_covered():
    assert not covers(DESIGNS["histogram"])
    assert not any(covers(design) for design in DESIGNS.values() if "|" not in design.formula)


def test_a_machine_without_r_lacks_it(monkeypatch):
    missing.cache_clear()
    monkeypatch.setenv("PATH", "")
    assert [ENGINES[package].missing for package in PACKAGES] == ["R", "R"]
    missing.cache_clear()


def test_the_whole_posterior_is_set_beside_the_quicker_point_estimate():
    rows = [
        Row("lfp", REFERENCE, 480, "ok", wall=0.12, fits=3, bulk_per_s=4e4),
        Row("lfp", "lme4", 480, "ok", wall=0.24, fits=3),
        Row("lfp", "glmmTMB", 480, "ok", wall=0.48, fits=3),
        Row("cbpp", REFERENCE, 56, "ok", wall=0.12, fits=3, bulk_per_s=4e4),
    ]
    found = gains(framed(rows)).set_index("design")["over_point"]
    assert found["lfp"] == pytest.approx(0.5)
    assert found.isna()["cbpp"]
    assert "whole posterior over point estimate" in summary(framed(rows))
