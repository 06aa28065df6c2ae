"""Intervals that hold several contrasts at once, and several probabilities in one table."""

from __future__ import annotations

import numpy as np
import pytest
from effects_cases import DATA
from made_draws import made_fit
from models import model_of
from scipy import stats

import winstan as ws
from winstan import effects
from winstan.effects.intervals import simultaneous_ends
from winstan.errors import OptionError


@pytest.mark.parametrize("k", [1, 5, 40])
@pytest.mark.slow
def test_independent_normals_have_the_quantile_of_the_largest(k):
    draws = np.random.default_rng(k).normal(7.0, 3.0, (200_000, k))
    low, high = simultaneous_ends(draws, 0.9)
    expected = stats.norm.ppf((1 + 0.9 ** (1 / k)) / 2)
    np.testing.assert_allclose((high - low) / 2 / draws.std(axis=0, ddof=1), expected, rtol=0.01)


def test_they_hold_all_of_correlated_contrasts_as_often_as_they_say():
    """All pairs of four means: normal posteriors about normal estimates, 600 studies."""
    rng = np.random.default_rng(3)
    root = np.array([[b == i for i in range(4)] for b in range(4)], float)
    pairs = np.array([root[j] - root[i] for i in range(4) for j in range(i + 1, 4)])
    posterior = rng.normal(size=(2000, 4)) @ pairs.T
    low, high = simultaneous_ends(posterior, 0.9)
    estimates = rng.normal(size=(600, 4)) @ pairs.T
    truths = np.zeros(6)
    inside = (estimates + low <= truths) & (truths <= estimates + high)
    whole, single = inside.all(axis=1).mean(), inside.mean()
    assert abs(whole - 0.9) < 3 * np.sqrt(0.09 / 600)
    assert single > 0.96
    # Tukey's studentised range, of infinitely many degrees of freedom, is the same problem.
    reach = stats.studentized_range.ppf(0.9, 4, 1e6)
    np.testing.assert_allclose((high - low) / 2, reach, rtol=0.03)


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of("Power ~ cond * stim + sex + (1|mouse)", DATA, "gamma"), draws=300)


def test_a_table_of_simultaneous_intervals(fit):
    table = fit.contrast("cond", by="stim", pairs="all", prob=[0.5, 0.9], simultaneous=True)
    assert list(table)[5:13] == ["hdi_25%", "hdi_75%", "hdi_5%", "hdi_95%",
                                 "sim_25%", "sim_75%", "sim_5%", "sim_95%"]  # fmt: skip
    draws = fit.contrast("cond", by="stim", pairs="all", draws=True)
    wide = draws.pivot_table(index="draw", columns=["contrast", "stim"], values="value", sort=False)
    for low, high, prob in (("sim_25%", "sim_75%", 0.5), ("sim_5%", "sim_95%", 0.9)):
        inside = (wide.to_numpy() >= table[low].to_numpy()) & (
            wide.to_numpy() <= table[high].to_numpy()
        )
        assert inside.all(axis=1).mean() == pytest.approx(prob, abs=2e-3)
        width = (table[high] - table[low]) / table["sd"]
        np.testing.assert_allclose(width, width.iloc[0])
    single = fit.contrast("cond", by="stim", pairs="all", prob=0.9)
    np.testing.assert_array_equal(table["hdi_5%"], single["hdi_5%"])


def test_those_of_ratios_are_of_logarithms_and_percent_is_the_same(fit):
    ratio, percent = (
        fit.contrast("cond", pairs="all", ratio=r, simultaneous=True) for r in (True, "percent")
    )
    draws = fit.contrast("cond", pairs="all", ratio=True, draws=True)
    logs = np.log(draws["value"].to_numpy().reshape(-1, 3))
    low, high = np.exp(simultaneous_ends(logs, 0.94))
    np.testing.assert_allclose(ratio[["sim_3%", "sim_97%"]], np.column_stack([low, high]))
    np.testing.assert_allclose(percent["sim_3%"], 100 * (ratio["sim_3%"] - 1))
    assert (ratio["sim_3%"] > 0).all()


def test_dunnett_is_reference_with_simultaneous_intervals(fit):
    both = fit.contrast("cond", pairs="dunnett")
    assert {"sim_3%", "sim_97%"} <= set(both)
    alone = fit.contrast("cond", pairs="dunnett", simultaneous=False)
    assert alone.equals(fit.contrast("cond"))


def test_all_categories_and_all_predictors_are_held_at_once():
    data = DATA.assign(score=DATA["count"].clip(5, 8).astype(str))
    scores = made_fit(model_of("score ~ cond + x", data, "cumulative"), draws=200)
    table = scores.contrast("cond", simultaneous=True, prob=0.8)
    draws = scores.contrast("cond", draws=True)
    wide = draws.pivot_table(index="draw", columns=["category", "contrast"], values="value",
                             sort=False)  # fmt: skip
    inside = (wide >= table["sim_10%"].to_numpy()) & (wide <= table["sim_90%"].to_numpy())
    assert inside.all(axis=1).mean() == pytest.approx(0.8, abs=3e-3)
    every = scores.effects(simultaneous=True)
    assert {"sim_3%", "sim_97%"} <= set(every)
    # x has a slope: more contrasts, wider intervals.
    widths = [(t["sim_97%"] - t["sim_3%"]).iloc[0] for t in (every, scores.contrast(
        "cond", simultaneous=True))]  # fmt: skip
    assert widths[0] > widths[1]


@pytest.mark.parametrize("prob", [[], [0.5, 0.5], [0.5, 94], [True], "0.5"])
def test_probabilities_that_are_none(fit, prob):
    with pytest.raises(OptionError, match="prob"):
        fit.contrast("cond", prob=prob)


def test_a_balanced_gaussian_posterior_is_the_analysis_of_variance():
    """Flat priors: exact draws of the posterior against t intervals of the same contrasts."""
    rng = np.random.default_rng(11)
    levels = np.repeat(["a", "b", "c", "d"], 12)
    data = {"y": rng.normal(50, 8, 48) + 4 * (levels == "c"), "cond": levels}
    aov = ws.anova("y ~ cond", data)
    model = model_of("y ~ cond", data, "gaussian")
    X = np.column_stack([np.ones(48), *(levels == c for c in "bcd")]).astype(float)
    inverse = np.linalg.inv(X.T @ X)
    beta = inverse @ X.T @ data["y"]
    residual = np.sum(np.square(data["y"] - X @ beta))
    n = 40_000
    sigma = np.sqrt(residual / rng.chisquare(44, n))
    draws = beta + sigma[:, None] * rng.normal(size=(n, 4)) @ np.linalg.cholesky(inverse).T
    posterior = {"Intercept": draws[:, 0], "cond": draws[:, 1:], "sigma": sigma}
    for pairs in ("all", "effect", "helmert", "poly", {"cd - ab": [-0.5, -0.5, 0.5, 0.5]}):
        found = effects.contrast(model, posterior, "cond", pairs=pairs)
        ours = effects.contrast_table(found, 0.9, "eti")
        theirs = aov.contrast("cond", pairs=pairs, prob=0.9)
        assert ours["contrast"].tolist() == theirs["contrast"].tolist()
        error = 5 * theirs["std_error"].to_numpy() / np.sqrt(n)
        np.testing.assert_array_less(np.abs(ours["mean"] - theirs["estimate"]), error)
        for one, other in (("eti_5%", "ci_5%"), ("eti_95%", "ci_95%")):
            np.testing.assert_array_less(np.abs(ours[one] - theirs[other]), 3 * error)
