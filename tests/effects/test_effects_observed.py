"""Observed differences and raw rows are what pandas gives."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, MICE, draws_of, made, observed, stimulated_less_not
from made_draws import made_fit
from models import model_of

from winstan import effects
from winstan.errors import DesignWarning, OptionError


def test_observed_differences_are_those_of_pandas_group_means():
    model, p = made("Power ~ stim + (1|mouse)", "gamma")
    means = DATA.pivot_table(index="mouse", columns="stim", values="Power", aggfunc="mean")
    got = observed(model, p, "stim", "mouse").set_index("group")["difference"]
    pd.testing.assert_series_equal(
        got.sort_index(), (means[1] - means[0]), check_names=False, check_index_type=False
    )
    got = observed(model, p, "stim", "mouse", ratio=True).set_index("group")
    assert set(got["contrast"]) == {"1 / 0"}
    np.testing.assert_allclose(got["difference"][MICE], (means[1] / means[0])[MICE])


def test_observed_differences_of_several_values_and_their_order():
    model, p = made("y ~ cond + (1|mouse)", "gaussian")
    means = DATA.pivot_table(index="mouse", columns="cond", values="y", aggfunc="mean")
    got = observed(model, p, "cond", "mouse", values=["c", "a", "b"])
    for label, level in (("a - c", "a"), ("b - c", "b")):
        part = got[got["contrast"] == label].set_index("group")["difference"]
        np.testing.assert_allclose(part[MICE], (means[level] - means["c"])[MICE])


def test_observed_proportions_are_of_all_trials():
    model, p = made("p(hits, of) ~ stim + (1|mouse)", "binomial", weights="n")
    sums = (
        DATA.assign(hits=DATA["hits"] * DATA["n"], of=DATA["of"] * DATA["n"])
        .groupby(["mouse", "stim"])[["hits", "of"]]
        .sum()
    )
    rate = sums["hits"] / sums["of"]
    got = observed(model, p, "stim", "mouse").set_index("group")["difference"]
    np.testing.assert_allclose(got[MICE], stimulated_less_not(rate)[MICE])


def test_observed_counts_are_rates_where_there_is_exposure():
    model, p = made("count ~ stim + offset(np.log(hours)) + (1|mouse)", "poisson")
    sums = DATA.groupby(["mouse", "stim"])[["count", "hours"]].sum()
    rate = sums["count"] / sums["hours"]
    got = observed(model, p, "stim", "mouse").set_index("group")["difference"]
    np.testing.assert_allclose(got[MICE], stimulated_less_not(rate)[MICE])
    shifted, p = made("y ~ stim + offset(x) + (1|mouse)", "gaussian")
    means = DATA.assign(y=DATA["y"] - DATA["x"]).groupby(["mouse", "stim"])["y"].mean()
    got = observed(shifted, p, "stim", "mouse").set_index("group")["difference"]
    np.testing.assert_allclose(got[MICE], stimulated_less_not(means)[MICE])


def test_groups_with_one_side_have_no_observed_difference():
    data = DATA[~((DATA["mouse"] == "m2") & (DATA["stim"] == 1))]
    model, p = made("y ~ stim + (1|mouse)", "gaussian", data=data)
    got = observed(model, p, "stim", "mouse")
    assert sorted(got["group"]) == ["m0", "m1", "m3", "m4", "m5"]


def test_a_treatment_between_groups_compares_the_averages_of_group_means():
    model, p = made("y ~ sex + (1|mouse)", "gaussian")
    got = observed(model, p, "sex", "mouse")
    means = DATA.groupby("mouse")["y"].mean()
    assert got["group"].tolist() == [None]
    expected = means[["m1", "m3", "m5"]].mean() - means[["m0", "m2", "m4"]].mean()
    assert got["difference"].tolist() == pytest.approx([expected])


def test_observed_differences_within_each_level_of_by():
    model, p = made("y ~ stim * cond + (1|mouse)", "gaussian")
    got = observed(model, p, "stim", "mouse", by="cond").set_index(["cond", "group"])
    expected = stimulated_less_not(DATA.groupby(["cond", "mouse", "stim"])["y"].mean()).dropna()
    assert set(got.index) == set(expected.index)
    for key, value in expected.items():
        assert got.loc[key, "difference"] == pytest.approx(value)


def test_observed_difference_of_all_rows_without_groups_and_none_for_one_more():
    model, p = made("y ~ stim + x", "gaussian")
    got = observed(model, p, "stim", None)
    means = DATA.groupby("stim")["y"].mean()
    assert got["difference"].tolist() == pytest.approx([means[1] - means[0]])
    empty = observed(model, p, "x", None)
    assert empty.empty
    assert list(empty.columns) == ["contrast", "group", "difference"]


def test_raw_rows_under_the_intercepts():
    model, _ = made("p(hits, of) ~ stim + (1|mouse)", "binomial")
    rows = effects.intercept_data(model, "mouse", "stim")
    assert rows["level"].tolist() == DATA["mouse"].tolist()
    assert rows["treatment"].tolist() == DATA["stim"].tolist()
    np.testing.assert_allclose(rows["value"], DATA["hits"] / DATA["of"])
    model, _ = made("y ~ x + (1|mouse)", "gaussian")
    with pytest.raises(OptionError, match="'x' has 48 values"):
        effects.intercept_data(model, "mouse", "x")
    with pytest.raises(OptionError, match="treatment= names 'stim'"):
        effects.intercept_data(model, "mouse", "stim")


@pytest.mark.parametrize(
    ("formula", "family", "label"),
    [
        ("Power ~ stim", "gamma", "Power"),
        ("np.log10(Power) ~ stim", "gaussian", "np.log10(Power)"),
        ("p(hits, of) ~ stim", "binomial", "proportion of hits"),
        ("ok ~ stim", "bernoulli", "P(ok)"),
        ("sex ~ stim", "bernoulli", "P(sex = m)"),
    ],
)
def test_what_the_means_are_means_of(formula, family, label):
    assert effects.response_label(model_of(formula, DATA, family)) == label


def test_levels_are_found_by_how_they_are_written():
    for term in ("stim", "C(stim)"):
        model, p = made(f"y ~ {term} + (1|mouse)", "gaussian")
        assert list(draws_of(model, p, "stim", values=["0", "1"])) == ["1 - 0"]
        assert len(observed(model, p, "stim", "mouse", values=["0", "1"])) == len(MICE)


def test_levels_stand_in_the_models_order():
    """Not by the alphabet: rest, low, high; nor are levels kept that no row has."""
    order = ["rest", "low", "high", "never"]
    data = DATA.assign(
        cond=pd.Categorical(DATA["cond"].map(dict(zip("abc", order, strict=False))), order)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        model = model_of("Power ~ cond + (1|mouse)", data, "gamma")
    raw = effects.intercept_data(model, "mouse", "cond")
    assert list(raw["treatment"].cat.categories) == order[:3]
    assert list(raw["treatment"]) == list(data["cond"])
    given = model_of('Power ~ C(cond, Treatment("c")) + (1|mouse)', DATA, "gamma")
    raw = effects.intercept_data(given, "mouse", "cond")
    assert list(raw["treatment"].cat.categories) == ["c", "a", "b"]
    fit = made_fit(model)
    plot = fit.plot_predictive("groups", by="cond", draws=5)
    assert next(s for s in plot.scales if "y" in s.aesthetics).labels == order[:3]
    labels = fit.plot_intercepts("mouse", treatment="cond", unit="mV")
    assert labels.labels.x == "Power, mV"
    fills = next(s for s in labels.scales if "fill" in s.aesthetics)
    assert list(fills.breaks)[1:] == ["cond rest", "cond low", "cond high"]
