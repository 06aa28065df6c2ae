"""Repeated responses and units that the formula omits are found, and chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from guard_cases import grid, guards
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

import winstan as ws
from winstan.guards.chance import difference_across_cells, difference_of_units


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return ws.simulate_lfp(seed=1)


def monster(trials: pd.DataFrame, times: int = 40) -> pd.DataFrame:
    repeated = trials.loc[trials.index.repeat(times)].reset_index(drop=True)
    return repeated.rename(columns={"trial": "i_trial"})


FORMULA = "Power ~ stim + (stim|mouse)"


def test_trials_repeated_once_per_spike(trials):
    text = guards(FORMULA, monster(trials, 157), "gamma")["pseudoreplication"]
    assert "75,360 rows hold 480 distinct trials (column 'i_trial')" in text
    keys = ["stim", "mouse", "i_trial"]
    assert f"`data.drop_duplicates({keys})`" in text
    # and the remedy is one
    once = monster(trials, 157).drop_duplicates(keys)
    assert guards(FORMULA, once, "gamma") == {}


@pytest.mark.parametrize("family", ["gamma", "lognormal"])
def test_order_library_and_labels_make_no_difference(trials, family):
    data = monster(trials).sample(frac=1, random_state=1).reset_index(drop=True)
    data["i_trial"] = "t" + data["i_trial"].astype(str)
    data.loc[3, "Power"] = np.nan
    for given in (data, pl.from_pandas(data), pl.from_pandas(data).lazy()):
        found = guards(FORMULA, given, family)
        assert set(found) == {"pseudoreplication", "missing_rows"}
        assert "19,199 rows hold 480 distinct trials" in found["pseudoreplication"]


def test_repeated_trials_of_rounded_power(trials):
    data = monster(trials)
    data["Power"] = data["Power"].round(1)
    assert "480 distinct trials" in guards(FORMULA, data, "gamma")["pseudoreplication"]


def test_a_covariate_of_every_row_does_not_hide_repeats(trials):
    data = monster(trials)
    data["time"] = np.random.default_rng(1).uniform(size=len(data))
    found = guards("Power ~ stim + time + (stim|mouse)", data, "gamma")
    assert "480 distinct trials" in found["pseudoreplication"]


def test_intervals_of_trials():
    samples = ws.simulate_lfp(3, 20, seed=1, samples=True)
    text = guards(FORMULA, samples, "gamma")["pseudoreplication"]
    assert f"{len(samples):,} rows hold 120 distinct trials (column 'trial')" in text
    assert "`(1|stim:mouse:trial)`" in text
    with_trials = "Power ~ stim + (stim|mouse) + (1|stim:mouse:trial)"
    assert "pseudoreplication" not in guards(with_trials, samples, "gamma")


def test_copied_rows(trials):
    copied = pd.concat([trials, trials.iloc[:20]])
    text = guards("Power ~ stim + (stim|mouse)", copied, "gamma")["pseudoreplication"]
    assert "20 of 500 rows repeat another row's 'Power' exactly" in text
    assert "480 distinct measurements" in text
    assert guards("Power ~ stim + (stim|mouse)", trials, "gamma") == {}


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_an_outcome_of_the_animal_in_each_of_its_rows(family):
    rng = np.random.default_rng(2)
    data = grid(cage=10, animal=5, visit=6)
    data["id"] = data["cage"] + data["animal"]
    ids = sorted(data["id"].unique())
    data["drug"] = data["id"].map(dict(zip(ids, np.tile([0, 1], 25), strict=True)))
    draws = rng.integers(0, 2, 50) if family == "bernoulli" else rng.poisson(3, 50)
    data["outcome"] = data["id"].map(dict(zip(ids, draws, strict=True)))
    text = guards("outcome ~ drug + (drug|cage)", data, family)["pseudoreplication"]
    assert "300 rows hold 50 distinct units" in text
    inside = guards("outcome ~ drug + (1|id)", data, family)["pseudoreplication"]
    assert "300 rows hold 50 distinct responses" in inside


def test_neurons_that_differ_and_are_left_out():
    spikes = ws.simulate_spikes(seed=1)
    mice = "count ~ condition + (condition|mouse)"
    text = guards(mice, spikes, "negative_binomial")["pseudoreplication"]
    assert "2,880 rows hold 48 distinct units (column 'neuron')" in text
    assert "Add `(1|neuron)`" in text
    both = mice + " + (condition|neuron)"
    assert guards(both, spikes, "negative_binomial") == {}
    # neurons without differences are no units: their rows are independent
    alike = ws.simulate_spikes(seed=1, neuron_sd=0, neuron_slope_sd=0)
    assert guards(mice, alike, "negative_binomial") == {}


def test_numbers_that_are_counted_anew_in_every_neuron_are_nested():
    spikes = ws.simulate_spikes(seed=1)
    spikes["neuron"] = spikes["neuron"].str[2:]
    text = guards("count ~ condition + (condition|mouse)", spikes, "poisson")["pseudoreplication"]
    assert "hold 48 distinct units" in text
    assert "Add `(1|mouse:neuron)`" in text


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("family", "draw"),
    [
        ("bernoulli", lambda rng, n: rng.integers(0, 2, n)),
        ("bernoulli", lambda rng, n: (rng.uniform(size=n) < 0.02).astype(int)),
        ("poisson", lambda rng, n: rng.poisson(2, n)),
        ("gaussian", lambda rng, n: rng.integers(1, 8, n)),
        ("gaussian", lambda rng, n: rng.normal(300, 50, n).round()),
        ("gaussian", lambda rng, n: rng.normal(30, 5, n).round(1)),
        ("gaussian", lambda rng, n: rng.poisson(20, n) / 7),
        ("gaussian", lambda rng, n: np.log(rng.poisson(200, n) + 1)),
        ("gaussian", lambda rng, n: np.clip(rng.normal(10, 1, n), 9.5, 10.5)),
        ("gaussian", lambda rng, n: rng.normal(10, 1, n)),
        ("lognormal", lambda rng, n: np.array([float(f"{y:.3g}") for y in rng.lognormal(3, 2, n)])),
    ],
)
def test_values_that_meet_by_chance_are_no_repeats(family, draw, seed):
    rng = np.random.default_rng(seed)
    data = grid(mouse=6, stim=2, trial=40)
    data["y"] = draw(rng, len(data))
    data["session"] = np.tile(np.repeat(["a", "b", "c", "d"], 10), 12)
    data["pair"] = np.arange(len(data)) // 2
    data["weather"] = rng.integers(0, 5, len(data))
    assert guards("y ~ stim + (stim|mouse)", data, family, silence="scores") == {}


def test_columns_made_from_the_response_are_no_units():
    rng = np.random.default_rng(3)
    data = grid(mouse=6, stim=2, rep=60)
    data["count"] = rng.poisson(6, len(data))
    data["rate"] = data["count"] / 7
    data["high"] = (data["count"] > 6).astype(int)
    data["grade"] = pd.cut(data["count"], [-1, 3, 5, 6, 7, 8, 99], labels=list("cafebd")).astype(
        str
    )
    z = data.groupby("mouse")["count"]
    data["z"] = (data["count"] - z.transform("mean")) / z.transform("std")
    assert guards("count ~ stim + (stim|mouse)", data, "poisson") == {}
    assert guards("rate ~ stim + (stim|mouse)", data) == {}
    assert guards("z ~ stim + (stim|mouse)", data) == {}
    assert guards("high ~ stim + (stim|mouse)", data, "bernoulli") == {}
    assert guards("high ~ x", data, "bernoulli") == {}


def test_odd_columns_are_no_obstacle(trials):
    odd = trials.assign(
        lists=[[1]] * len(trials),
        dates=pd.Timestamp("2020-01-01"),
        mixed=[1, "a"] * (len(trials) // 2),
        empty=np.nan,
    )
    assert guards(FORMULA, odd, "gamma") == {}
    found = guards(FORMULA, monster(odd), "gamma")
    assert "480 distinct trials" in found["pseudoreplication"]


def test_difference_of_units_is_the_f_test_of_nested_models():
    rng = np.random.default_rng(6)
    cell = np.arange(4).repeat(60)
    unit = np.arange(24).repeat(10)
    for sd in (0.0, 0.5, 0.62, 0.7, 2.0):
        y = 1e3 + cell + rng.normal(0, sd, 24)[unit] + rng.normal(size=240)
        data = pd.DataFrame({"y": y, "cell": cell, "unit": unit})
        table = anova_lm(*(ols(f"y ~ C({name})", data).fit() for name in ("cell", "unit")))
        assert difference_of_units(y, cell, unit) == (table["Pr(>F)"].iloc[1] < 1e-6)
    assert difference_of_units(cell + unit / 7, cell, unit)  # nothing within
    assert not difference_of_units(cell / 3, cell, unit)


@pytest.mark.slow
def test_millions_of_rows_take_no_time():
    rng = np.random.default_rng(0)
    n = 300_000
    data = pd.DataFrame(
        {
            "mouse": pd.Categorical.from_codes(rng.integers(0, 8, n), [f"m{i}" for i in range(8)]),
            "stim": rng.integers(0, 2, n),
            "trial": np.arange(n) // 20,
            "y": np.repeat(rng.normal(10, 1, n // 20), 20),
            "noise": rng.normal(size=n),
        }
    )
    data["mouse"] = data["mouse"].to_numpy()[data["trial"] * 20]
    data["stim"] = data["stim"].to_numpy()[data["trial"] * 20]
    # more rows than the samples that columns are first judged by
    text = guards("y ~ stim + (stim|mouse)", data)["pseudoreplication"]
    assert "300,000 rows hold 15,000 distinct trials (column 'trial')" in text
    data["y"] = rng.normal(10, 1, n)
    assert guards("y ~ stim + (stim|mouse)", data.drop(columns="trial")) == {}


def growth(spread: float, seed: int) -> pd.DataFrame:
    """Sixteen mice of two diets, weighed in six weeks."""
    rng = np.random.default_rng(seed)
    mouse, week = np.repeat(np.arange(16), 6), np.tile(np.arange(6), 16)
    own = rng.normal(0, spread, 16)
    weight = 25 + own[mouse] + 0.5 * week + rng.normal(0, 1, 96)
    diet = np.where(mouse % 2, "fat", "chow")
    return pd.DataFrame({"weight": weight, "week": week, "diet": diet, "mouse": mouse})


def test_units_measured_once_under_each_condition_are_found():
    for formula in ("weight ~ week * diet", "weight ~ C(week) + diet"):
        text = guards(formula, growth(2.0, 1))["pseudoreplication"]
        assert text.startswith("96 rows hold 16 distinct ")
        assert "Add `(1|mouse)`." in text
    assert "pseudoreplication" not in guards("weight ~ week + (1|mouse)", growth(2.0, 1))


@pytest.mark.slow
def test_units_that_are_not_alike_are_no_finding():
    for seed in range(20):
        assert guards("weight ~ week * diet", growth(0.0, seed)) == {}


def test_units_across_cells_have_the_two_way_f_test():
    """Balanced and not, against least squares with a column for every cell and unit."""
    rng = np.random.default_rng(5)
    cell, unit = np.repeat(np.arange(4), 12), np.tile(np.arange(12), 4)
    for kept in (np.ones(48, bool), rng.random(48) < 0.7):
        c, u = (np.unique(code[kept], return_inverse=True)[1] for code in (cell, unit))
        of_cells = np.eye(4)[c]
        models = (of_cells, np.hstack([of_cells, np.eye(12)[u]]))
        for spread in np.linspace(0.8, 3.2, 13):
            y = rng.normal(0, spread, 12)[u] + c + rng.normal(0, 1, u.size)
            fitted = [X @ np.linalg.lstsq(X, y, rcond=None)[0] for X in models]
            rss = [np.sum(np.square(y - mean)) for mean in fitted]
            rank = [int(np.linalg.matrix_rank(X)) for X in models]
            df, rest = rank[1] - rank[0], y.size - rank[1]
            p = stats.f.sf((rss[0] - rss[1]) / df / (rss[1] / rest), df, rest)
            if not 0.5e-6 < p < 2e-6:  # as near as the sweeps come
                assert difference_across_cells(y, c, u) == (p < 1e-6)
