"""Repeated responses and units that the formula omits are found, and chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from guard_cases import grid, guards
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

import winstan as ws
from winstan.guards.chance import difference_of_units
from winstan.guards.codes import codes_of, combine, number_of, whole_values


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
    ],
)
def test_values_that_meet_by_chance_are_no_repeats(family, draw, seed):
    rng = np.random.default_rng(seed)
    data = grid(mouse=6, stim=2, trial=40)
    data["y"] = draw(rng, len(data))
    data["session"] = np.tile(np.repeat(["a", "b", "c", "d"], 10), 12)
    data["pair"] = np.arange(len(data)) // 2
    data["weather"] = rng.integers(0, 5, len(data))
    assert guards("y ~ stim + (stim|mouse)", data, family) == {}


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


def many(kind: str) -> tuple[str, str, pd.DataFrame]:
    """Return 120,000 rows: formula, family, data."""
    rng = np.random.default_rng(7)
    n = 120_000
    data = pd.DataFrame(
        {
            "mouse": np.array([f"m{i}" for i in range(8)])[rng.integers(0, 8, n // 20)].repeat(20),
            "stim": rng.integers(0, 2, n // 20).repeat(20),
            "trial": [f"t{i // 20}" for i in range(n)],
            "noise": rng.normal(size=n),
            "row": np.arange(n),
            "y": rng.normal(10, 1, n // 20).repeat(20),
        }
    )
    family = "gaussian"
    if kind == "copies":
        data = data.drop(columns="trial")
        data["row"] = np.arange(n)
    elif kind == "not constant":  # a trial in three has a second value
        data.loc[::60, "y"] += 1
    elif kind == "counts":
        data["y"], family = rng.poisson(4, n // 20).repeat(20), "poisson"
    elif kind == "rounded":
        data["y"] = rng.normal(10, 1, n).round(2)
    elif kind == "zeros":
        data["y"] = np.where(rng.uniform(size=n) < 0.5, 0.0, rng.normal(size=n))
    elif kind == "distinct":
        data["y"] = rng.normal(size=n) + rng.normal(size=n // 20).repeat(20)
    elif kind == "independent":
        data["y"] = rng.normal(size=n)
    elif kind == "binomial":
        data["of"] = rng.choice([20, 30], n // 20).repeat(20)
        data["y"] = rng.binomial(data["of"][::20], 0.5).repeat(20)
        return "p(y, of) ~ stim + (stim|mouse)", "binomial", data
    return "y ~ stim + (stim|mouse)", family, data.sample(frac=1, random_state=3)


KINDS = {
    "trials": "6,000 distinct trials (column 'trial'): the response is the same",
    "copies": "114,000 of 120,000 rows repeat another row's 'y' exactly",
    "not constant": "6,000 distinct trials (column 'trial'), of which the formula does not know",
    "counts": "6,000 distinct trials (column 'trial'): the response is the same",
    "binomial": "6,000 distinct trials (column 'trial'): the response is the same",
    "distinct": "6,000 distinct trials (column 'trial'), of which the formula does not know",
    "rounded": None,
    "zeros": None,
    "independent": None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_many_rows_some_responses_tell_what_all_do(kind, monkeypatch):
    formula, family, data = many(kind)
    some = guards(formula, data, family).get("pseudoreplication")
    monkeypatch.setattr("winstan.guards.repeats.SAMPLE", len(data))
    assert some == guards(formula, data, family).get("pseudoreplication")
    assert (some is None) == (KINDS[kind] is None)
    assert some is None or KINDS[kind] in some


def test_whole_values_are_all_rows_of_about_a_share_of_the_values():
    rng = np.random.default_rng(4)
    for values in (rng.normal(size=6_000), np.arange(6_000.0), 2.0 ** rng.uniform(-9, 9, 6_000)):
        y = rng.permutation(values.repeat(10))
        some = whole_values(y, 6_000)
        assert (np.diff(some) > 0).all()
        counts = pd.Series(y[some]).value_counts()
        assert (counts == 10).all()
        # 600 of 6,000 values, binomial: sd 23
        assert abs(len(counts) - 600) < 5 * 23
    zeros = np.array([0.0, -0.0] * 50)
    assert len(whole_values(zeros, 50)) in (0, 100)


@pytest.mark.parametrize(
    "values",
    [
        np.array([7, -3, 7, 5]),
        np.array([2**62, -(2**62), 2**62, 0]),
        np.array([True, False, True, True]),
        pd.array([3, None, 3, 9], dtype="Int64"),
        pd.Series(["b", "a", "b", None], dtype="category").array,
        np.array([np.nan, 1.0, np.nan, 2.0]),
    ],
)
def test_codes_number_the_values_that_occur(values):
    codes = codes_of(values)
    assert sorted(set(codes)) == list(range(number_of(codes)))
    same = [
        [(pd.isna(a) and pd.isna(b)) or (a == b) is True for b in values.tolist()]
        for a in values.tolist()
    ]
    np.testing.assert_array_equal(codes[:, None] == codes, same)


@pytest.mark.parametrize("n", [30, 30_000])
def test_combinations_are_told_apart_by_table_and_by_hash(n):
    rng = np.random.default_rng(n)
    # `n` values each: more combinations than four a row
    first, second, third = (codes_of(rng.integers(0, k, n)) for k in (3, n, n))
    codes = combine(first, second, third)
    rows = pd.DataFrame({"a": first, "b": second, "c": third})
    assert number_of(codes) == len(rows.drop_duplicates())
    assert rows.groupby(codes).nunique().max().max() == 1


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
