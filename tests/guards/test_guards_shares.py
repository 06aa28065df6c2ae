"""Shares under gaussian, and zeros beyond what means and variance let one expect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards
from models import model_of
from scipy import optimize, special, stats

from benchmarks.guard_rates import KINDS, fires
from winstan.guards.scores import check_scores
from winstan.guards.zero_score import zero_score
from winstan.guards.zeros import check_zeros


def rows(n: int = 240) -> pd.DataFrame:
    """Two conditions, without groups."""
    return pd.DataFrame({"cond": np.repeat(["a", "b"], n // 2), "n": 12})


JUDGED = [kind for kind in KINDS if kind.guard in ("excess_zeros", "scores", "shares", "angles")]


@pytest.mark.parametrize("kind", JUDGED, ids=lambda k: f"{k.guard} {k.label}")
def test_most_sets_that_need_a_model_are_told_and_others_are_not(kind):
    told = np.mean([fires(kind, seed) for seed in range(3)])
    assert told >= 0.6 if kind.needed else told == 0


def test_zeros_of_their_own_are_counted_against_those_expected():
    rng, data = np.random.default_rng(1), rows()
    data["y"] = rng.poisson(5, 240) * (rng.random(240) < 0.6)
    said = check_zeros(model_of("y ~ cond", data, "poisson"))
    found = int((data.y == 0).sum())
    # Of a negative binomial of each condition's mean, and of the variance about both.
    mean = data.groupby("cond")["y"].transform("mean").to_numpy()
    alpha = (mean**2).sum() / ((data.y - mean) ** 2 * 120 / 119 - mean).sum()
    expected = stats.nbinom.pmf(0, alpha, alpha / (alpha + mean)).sum()
    numbers = [int(word) for word in said.replace(",", "").split() if word.isdigit()]
    assert numbers[:2] == [found, 240]
    assert numbers[2] == pytest.approx(expected, rel=0.05)
    assert "family='zero_inflated_poisson' or 'hurdle_poisson'" in said
    assert check_zeros(model_of("y ~ cond", data, "zero_inflated_poisson")) is None
    heavier = data.loc[np.repeat(data.index, 2)].reset_index(drop=True)
    twice = check_zeros(model_of("y ~ cond", data.assign(w=2), "poisson", weights="w"))
    assert twice.split()[3:9] == check_zeros(model_of("y ~ cond", heavier, "poisson")).split()[3:9]


@pytest.mark.parametrize("formula", ["y ~ 1", "y ~ 1; alpha ~ 1"])
def test_zeros_beyond_a_negative_binomial_are_counted_against_its_own(formula):
    """Those of the shape that the counts have at the largest likelihood; weights are rows."""
    rng, data = np.random.default_rng(5), rows()
    data["y"] = rng.poisson(6 * rng.gamma(4, 0.25, 240)) * (rng.random(240) < 0.6)
    said = check_zeros(model_of(formula, data, "negative_binomial"))
    mean = data.y.mean()

    def lost(log_alpha):
        alpha = np.exp(log_alpha)
        return -stats.nbinom.logpmf(data.y, alpha, alpha / (alpha + mean)).sum()

    alpha = np.exp(optimize.minimize_scalar(lost, bounds=(-5, 5), method="bounded").x)
    numbers = [int(word) for word in said.replace(",", "").split() if word.isdigit()]
    expected = 240 * stats.nbinom.pmf(0, alpha, alpha / (alpha + mean))
    assert numbers[:2] == [int((data.y == 0).sum()), 240]
    assert numbers[2] == pytest.approx(expected, abs=1)
    assert "'zero_inflated_negative_binomial' or 'hurdle_negative_binomial'" in said
    once = data.y.value_counts().rename_axis("y").reset_index(name="w")
    rolled = check_zeros(model_of(formula, once, "negative_binomial", weights="w"))
    assert rolled is None or rolled.split()[3] == said.split()[3]
    _, _, errors = zero_score(model_of(formula, data, "negative_binomial"))
    _, _, same = zero_score(model_of(formula, once, "negative_binomial", weights="w"))
    assert same == pytest.approx(errors, rel=0.02)


def test_successes_of_no_row_are_named_their_family():
    rng, data = np.random.default_rng(2), rows()
    data["y"] = rng.binomial(12, 0.4, 240) * (rng.random(240) < 0.7)
    found = guards("p(y, n) ~ cond", data, "binomial")
    assert "family='zero_inflated_binomial', whose `zi`" in found["excess_zeros"]
    assert "beta_binomial" in found["overdispersion"]
    assert "excess_zeros" not in guards("p(y, n) ~ cond", data, "binomial", silence="excess_zeros")


def test_shares_are_told_what_fits_them_and_are_not_called_skewed():
    rng, data = np.random.default_rng(3), rows()
    data["y"] = rng.beta(0.7, 2.4, 240)
    found = guards("y ~ cond", data)
    assert set(found) == {"shares"}
    mean, sd = data.groupby("cond")["y"].transform("mean"), 0.0
    sd = np.sqrt(((data.y - mean) ** 2).sum() / 238)
    beyond = (special.ndtr(-mean / sd) + special.ndtr((mean - 1) / sd)).mean()
    said = float(found["shares"].partition(" fit has ")[2].partition("%")[0])
    assert said == pytest.approx(100 * beyond, rel=0.05)
    assert "use family='beta'; if" in found["shares"]
    data.loc[::5, "y"] = 1.0
    assert "'ordered_beta' or 'zero_one_inflated_beta'" in guards("y ~ cond", data)["shares"]
    percent = guards("y ~ cond", data.assign(y=100 * data.y), silence="heap")["shares"]
    assert "from 0 to 100, as percentages are" in percent
    assert "divide it by 100 and use family='ordered_beta'" in percent
    for other in (20 * data.y, 100 * rng.beta(9, 30, 240), data.y - 0.5, (data.y > 0.5) * 1.0):
        assert "shares" not in guards("y ~ cond", data.assign(y=other), silence="skew")


def test_scores_are_told_of_the_family_of_ordered_categories():
    rng, data = np.random.default_rng(4), rows()
    data["y"] = rng.integers(1, 6, 240)
    said = guards("y ~ cond", data)["scores"]
    assert "whole numbers 1 to 5 alone" in said
    assert "family='cumulative'" in said
    for other in (data.y + 20, data.y * 0.5, 3 * data.y):
        assert "scores" not in guards("y ~ cond", data.assign(y=other))
    assert check_scores(model_of("y ~ cond", data, "cumulative")) is None


def test_angles_are_told_of_the_circle_and_their_unit():
    rng, data = np.random.default_rng(6), rows()
    data["y"] = rng.vonmises(3.0, 1.5, 240)
    found = guards("y ~ cond", data)
    assert set(found) <= {"angles", "heap"}
    assert "from -3.142 to 3.142, as angles in radians" in found["angles"]
    assert "family='von_mises' of y, in radians" in found["angles"]
    degrees = np.rad2deg(data.y) % 360
    said = guards("y ~ cond", data.assign(y=degrees))
    assert "angles" not in said  # of one side there: a line has them as well
    turned = guards("y ~ cond", data.assign(y=(degrees + 180) % 360))["angles"]
    assert "from 0 to 360, as angles in degrees" in turned
    assert "family='von_mises' of np.deg2rad(y)" in turned
    for other in (2 * data.y, data.y / 4, data.y - 1):
        assert "angles" not in guards("y ~ cond", data.assign(y=other))
