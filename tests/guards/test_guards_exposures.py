"""Exposures in place of their logarithms, and counts in place of measurements."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards
from models import model_of

import winstan as ws
from winstan.guards.exposures import check_exposure
from winstan.guards.scores import check_scores


def visits(seed: int, low: float = 0.5, high: float = 10.0, n: int = 120) -> pd.DataFrame:
    """Counts, and times between, at a rate of 3 per hour of exposure."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"hours": rng.uniform(low, high, n), "cond": np.tile(["a", "b"], n // 2)})
    mean = 3 * data["hours"] * np.where(data["cond"] == "b", 2, 1) * rng.gamma(3, 1 / 3, n)
    return data.assign(y=rng.poisson(mean), t=mean * rng.gamma(4, 1 / 4, n), lh=np.log(data.hours))


@pytest.mark.parametrize(("response", "family"), [
    ("y", "poisson"), ("y", "negative_binomial"), ("t", "gamma"),
])  # fmt: skip
@pytest.mark.parametrize(("low", "high"), [(0.5, 10.0), (2.0, 24.0), (50.0, 70.0)])
def test_an_exposure_is_told_from_its_logarithm(response, family, low, high):
    for seed in range(10):
        data = visits(seed, low, high)
        raw = model_of(f"{response} ~ cond + offset(hours)", data, family)
        assert "write offset(log(hours))" in check_exposure(raw)
        for right in ("offset(lh)", "offset(log(hours))"):
            assert check_exposure(model_of(f"{response} ~ cond + {right}", data, family)) is None


def test_other_links_and_offsets_have_no_finding():
    data = visits(1)
    assert check_exposure(model_of("y ~ cond + offset(hours)", data, "gaussian")) is None
    assert check_exposure(model_of("y ~ cond", data, "poisson")) is None
    same = data.assign(hours=2.0)
    assert check_exposure(model_of("y ~ cond + offset(hours)", same, "poisson")) is None


def test_what_a_wrong_offset_leaves_is_no_overdispersion():
    data = visits(2).assign(y=lambda d: np.round(3 * d["hours"]))
    found = guards("y ~ cond + offset(hours)", data, "poisson")
    assert "raw_exposure" in found
    assert "overdispersion" not in found


@pytest.mark.parametrize("mean", [1.5, 4.0, 15.0])
def test_counts_with_zeros_under_gaussian_name_families_of_counts(mean):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"y": rng.negative_binomial(1, 1 / (1 + mean), 200), "c": ["a", "b"] * 100})
    said = check_scores(model_of("y ~ c", data, "gaussian"))
    assert "family='poisson'" in said
    assert f"{np.mean(data['y'] == 0):.0%} of the rows" in said or data["y"].nunique() <= 7
    assert check_scores(model_of("y ~ c", data.assign(y=data["y"] + 1000), "gaussian")) is None
    assert check_scores(model_of("y ~ c", data.assign(y=data["y"] + 0.5), "gaussian")) is None


def test_a_rate_under_a_family_of_counts_is_told_of_the_exposure():
    data = visits(4).assign(rate=lambda d: d["y"] / d["hours"])
    with pytest.raises(ws.FamilyError, match=r"If 'rate' is a rate.*\+ offset\(log\(exposure\)\)"):
        model_of("rate ~ cond", data, "poisson")


def test_a_comma_for_the_bar_of_a_group_term_is_told_of():
    with pytest.raises(ws.FormulaError, match=r"character 14\): a group term has a bar"):
        model_of("y ~ cond + (1, g)", visits(5), "poisson")
