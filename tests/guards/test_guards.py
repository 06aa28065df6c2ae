"""Guards fire where the data deserve it, say the remedy, and are silent elsewhere."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from guard_cases import cages, grid, guards
from template_cases import data_of

import winstan as ws
from winstan.errors import DesignWarning, OptionError
from winstan.families import FAMILIES
from winstan.fitted.pipeline import model_from


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return ws.simulate_lfp(seed=1)


# --- confounding


@pytest.mark.parametrize("groups", ["(1|treat:cage)", "(1|id)", "(1|treat:id)"])
def test_cages_within_arms_are_right_in_any_spelling(groups):
    assert guards(f"y ~ treat + {groups}", cages()) == {}


def test_a_predictor_that_is_a_grouping_factor_as_well():
    found = guards("y ~ treat + (1|treat/cage)", cages())
    assert "It is a population-level term already" in found["few_levels"]
    text = found["confounding"]
    assert "'treat' is a predictor and a grouping factor" in text
    assert "Leave `(1|treat)` out, and keep `(1|treat:cage)`" in text
    assert "about these groups" not in text
    text = guards("y ~ treat + (1|treat)", cages())["confounding"]
    assert "Leave `(1|treat)` out." in text
    # a straight line through doses, and how doses depart from it
    data = grid(dose=8, rep=5)
    data["dose"] = data["dose"].str[4:].astype(int)
    assert guards("y ~ dose + (1|dose)", data) == {}


def test_one_mouse_of_each_treatment():
    data = grid(mouse=5, rep=20)
    data["drug"] = data["mouse"].map(dict(zip(sorted(set(data["mouse"])), "abcde", strict=True)))
    text = guards("y ~ drug + (1|mouse)", data)["confounding"]
    assert "'drug' is constant within every 'mouse'" in text
    assert "levels 'a', 'b', 'c', 'd', 'e' have one group each" in text


@pytest.mark.slow
def test_only_the_level_of_a_single_mouse_is_named():
    data = grid(mouse=7, rep=20)
    data["drug"] = data["mouse"].map(dict(zip(sorted(set(data["mouse"])), "aaabbbc", strict=True)))
    text = guards("y ~ drug + (1|mouse)", data)["confounding"]
    assert "its level 'c' has one group:" in text
    assert guards("y ~ drug + (1|mouse)", data[data["drug"] != "c"]) == {}


def test_cages_confounded_though_mice_are_many():
    data = grid(cage=6, mouse=4, rep=5)
    data["drug"] = (data["cage"] == "cage0").astype(int)
    text = guards("y ~ drug + (1|cage/mouse)", data)["confounding"]
    assert "within every 'cage'" in text
    assert "its level 1 has one group:" in text
    assert "`(1|cage)`" in text
    assert guards("y ~ drug + (1|cage:mouse)", data).get("confounding") is None


def test_as_many_coefficients_as_groups():
    data = grid(mouse=6, rep=10)
    number = data["mouse"].str[5:].astype(int)
    data["dose"] = number
    assert guards("y ~ dose + (1|mouse)", data) == {}
    assert "confounding" in guards("y ~ poly(dose, 5) + (1|mouse)", data)


def test_a_treatment_within_groups_is_not_confounded(trials):
    assert "confounding" not in guards("Power ~ stim + (1|mouse)", trials, "gamma")


# --- skew


def test_a_gaussian_fit_of_power(trials):
    found = guards("Power ~ stim + (stim|mouse)", trials)
    assert set(found) == {"skew"}
    assert "family='lognormal' or 'gamma'" in found["skew"]
    assert guards("log(Power) ~ stim + (stim|mouse)", trials) == {}
    assert guards("`Log power` ~ stim + (stim|mouse)", trials) == {}
    assert guards("Power ~ stim + (stim|mouse)", trials, "student") == {}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.exponential(3, n),
        lambda rng, n: rng.gamma(2, 3, n),
        lambda rng, n: rng.lognormal(1, 0.8, n),
    ],
)
def test_skewed_responses_of_single_rows_and_of_cells(draw, seed):
    rng = np.random.default_rng(seed)
    data = grid(seed=seed, mouse=8, rep=40)
    data["y"] = draw(rng, len(data))
    assert "skew" in guards("y ~ x + (1|mouse)", data)
    assert "skew" in guards("y ~ 1 + (1|mouse)", data)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.normal(10, 2, n),
        lambda rng, n: rng.uniform(0, 1, n) + 1e-6,
        lambda rng, n: 1000 + rng.exponential(3, n),  # zero is far away: no family mends it
        lambda rng, n: np.append(rng.normal(10, 1, n - 1), 60.0),  # an outlier
        lambda rng, n: rng.gamma(30, 1, n),
        lambda rng, n: rng.exponential(3, n) - 1,  # not positive
    ],
)
def test_what_a_logarithm_would_not_mend_is_left_alone(draw, seed):
    rng = np.random.default_rng(seed)
    data = grid(seed=seed, mouse=8, rep=40)
    data["y"] = draw(rng, len(data))
    assert "skew" not in guards("y ~ x + (1|mouse)", data)
    assert "skew" not in guards("y ~ 1 + (1|mouse)", data)


def test_skewness_between_groups_is_none_of_the_residuals():
    data = grid(mouse=8, rep=40)
    data["y"] += 2.0 ** data["mouse"].str[5:].astype(int)
    assert pd.Series(data["y"]).skew() > 1.2
    assert guards("y ~ 1 + (1|mouse)", data) == {}
    assert "skew" not in guards("y ~ x + (1|mouse)", data)


@pytest.mark.parametrize("transform", [np.log, np.log10, lambda v: 10 * np.log10(v)])
def test_logarithms_of_a_column_need_no_other(transform):
    rng = np.random.default_rng(3)
    logs = rng.exponential(size=400) + 0.01  # skewed still
    data = pd.DataFrame({"mouse": np.repeat(list("abcdefgh"), 50), "power": np.exp(logs)})
    data["log power"] = transform(data["power"]).round(4)
    assert "skew" not in guards("`log power` ~ 1 + (1|mouse)", data)
    assert "skew" in guards("`log power` ~ 1 + (1|mouse)", data.drop(columns="power"))
    # of a column that has nothing to do with it
    other = data.assign(power=rng.permutation(data["power"]))
    assert "skew" in guards("`log power` ~ 1 + (1|mouse)", other)


def test_skewed_whole_numbers_are_counts():
    data = grid(mouse=8, rep=40)
    data["y"] = 1 + np.random.default_rng(1).negative_binomial(1, 0.1, len(data))
    assert "'negative_binomial'" in guards("y ~ 1 + (1|mouse)", data)["skew"]


# --- names and silence


def test_every_guard_can_be_silenced_by_name(trials):
    both = guards("Power ~ stim + (1|mouse)", trials)
    assert set(both) == {"random_slopes", "skew"}
    assert set(guards("Power ~ stim + (1|mouse)", trials, silence="skew")) == {"random_slopes"}
    for silence in (["skew", "random_slopes"], ("all",), "all"):
        assert guards("Power ~ stim + (1|mouse)", trials, silence=silence) == {}
    # silence ends with the fit
    assert guards("Power ~ stim + (1|mouse)", trials) == both


@pytest.mark.slow
def test_older_warnings_have_names(trials):
    data = trials[trials["mouse"].isin(["m0", "m1", "m2"])].copy()
    data["mouse"] = pd.Categorical(data["mouse"], ["m0", "m1", "m2", "m9"])
    data["alias"] = "a" + data["mouse"].astype(str)
    data["w"] = 1.0
    data.iloc[0, data.columns.get_loc("w")] = 0
    data.iloc[1, data.columns.get_loc("w")] = 0.5
    data.iloc[2, data.columns.get_loc("stim")] = 1
    data.iloc[3, data.columns.get_loc("Power")] = np.nan
    formula = "Power ~ stim + (stim|mouse) + (1|alias)"
    found = guards(formula, data, "gamma", weights="w")
    expected = {"few_levels", "same_groups", "missing_rows", "unused_levels"}
    expected |= {"fractional_weights", "zero_weights"}
    assert set(found) == expected
    for name, text in found.items():
        assert text.endswith(f'(silence="{name}" hides this.)')
        rest = set(guards(formula, data, "gamma", weights="w", silence=name))
        assert rest == expected - {name}


@pytest.mark.parametrize(
    ("silence", "message"),
    [
        ("random_slope", "'random_slope'.* Did you mean 'random_slopes'"),
        (["skew", "pseudo_replication"], "Did you mean 'pseudoreplication'"),
        ("everything", "Known: .*'all'"),
        (3, "not int"),
        ([3], "names 3"),
    ],
)
def test_unknown_names_are_refused_before_anything_else(trials, silence, message):
    with pytest.raises(OptionError, match=message):
        ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", silence=silence)


def test_fit_warns_at_the_callers_line_and_is_silent_on_request(trials):
    options = {"family": "gamma", "seed": 1}
    with pytest.warns(DesignWarning, match="`\\(stim\\|mouse\\)`") as caught:
        ws.fit("Power ~ stim + (1|mouse)", trials, **options)
    assert [w.message.guard for w in caught] == ["random_slopes"]
    assert caught[0].filename == __file__
    ws.fit("Power ~ stim + (1|mouse)", trials, silence="random_slopes", **options)


# --- every family


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_meets_every_guard(family, weights):
    """Nothing is raised but warnings of the data, all of them by name."""
    data = pd.concat([data_of(family, seed) for seed in range(4)], ignore_index=True)
    trials = "trials" if FAMILIES[family].trials else None
    if FAMILIES[family].zeros:  # enough of them to be judged
        data.loc[::3, "y"] = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model_from(
            "y ~ x + cond + (1|g)", data, family, {}, link=None, priors=None, center=True,
            weights=weights, trials=trials, parametrization=None, silence=None,
        )  # fmt: skip
    assert {type(w.message) for w in caught} <= {DesignWarning}
