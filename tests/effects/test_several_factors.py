"""Several factors: means by several, differences of differences, slopes at values, weights."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, draws_of, made, over_groups
from made_draws import made_fit
from models import model_of

from winstan import effects
from winstan.errors import OptionError

X = DATA["x"].to_numpy()


def eta_of(p, cond, stim, x):
    """The linear predictor of Power ~ cond * stim + x, by hand."""
    b, s = p["cond"], p["cond:stim"]
    main = {"a": 0.0, "b": b[:, 0], "c": b[:, 1]}[cond]
    both = {"a": 0.0, "b": s[:, 0], "c": s[:, 1]}[cond]
    fixed = p["Intercept"] + main + (p["stim"] + both) * stim
    return fixed[:, None] + p["x"][:, None] * np.atleast_1d(x)


def means_by_hand(p, cond, stim, rows) -> np.ndarray:
    return np.exp(eta_of(p, cond, stim, X[rows])).mean(axis=1)


@pytest.fixture(scope="module")
def gamma():
    return made("Power ~ cond * stim + x", "gamma")


@pytest.fixture(scope="module")
def gamma_of_sexes():
    return made("Power ~ cond * stim + x + sex", "gamma")


def test_means_by_several_columns_are_over_the_rows_of_each_combination(gamma_of_sexes):
    model, p = gamma_of_sexes
    curve = effects.conditional(model, p, "cond", by=["stim", "sex"])
    assert curve.by == ("stim", "sex")
    assert curve.levels == tuple(product([0, 1], ["f", "m"]))
    for k, (stim, sex) in enumerate(curve.levels):
        rows = ((DATA["stim"] == stim) & (DATA["sex"] == sex)).to_numpy()
        for j, cond in enumerate("abc"):
            expected = means_by_hand(p, cond, stim, rows) * np.exp(p["sex"][:, 0] * (sex == "m"))
            np.testing.assert_allclose(curve.draws[:, j, k], expected, rtol=1e-9)


def test_the_table_of_means_by_several_columns():
    fit = made_fit(model_of("Power ~ cond + stim + sex + (1|mouse)", DATA, "gamma"), draws=50)
    table = fit.means("cond", by=["stim", "sex"], prob=[0.5, 0.94])
    assert list(table) == ["cond", "stim", "sex", "groups", "mean", "sd",
                           "hdi_25%", "hdi_75%", "hdi_3%", "hdi_97%"]  # fmt: skip
    assert len(table) == 12
    assert table["stim"].tolist() == [0] * 6 + [1] * 6
    long = fit.means("cond", by=["stim", "sex"], draws=True)
    assert list(long) == ["cond", "stim", "sex", "draw", "value"]
    keys = ["cond", "stim", "sex"]
    np.testing.assert_allclose(
        long.groupby(keys)["value"].mean(), table.set_index(keys)["mean"].sort_index()
    )
    # Some set, others chosen: levels stand in the order in which by= names them.
    mixed = fit.contrast("cond", by={"sex": None, "stim": [1, 0]}, draws=True)
    alone = fit.contrast("cond", by={"stim": [0]}, draws=True)
    assert list(mixed) == ["contrast", "sex", "stim", "draw", "value"]
    assert mixed["stim"].tolist()[:4] == [1, 0, 1, 0]
    assert mixed["sex"].tolist()[:4] == ["f", "f", "m", "m"]
    assert len(alone) * 4 == len(mixed)


def test_set_and_chosen_levels_are_each_at_their_place(gamma_of_sexes):
    model, p = gamma_of_sexes
    result = effects.contrast(model, p, "cond", by={"x": [3, 9], "sex": None, "stim": [1]})
    assert result.levels == tuple(product([3, 9], ["f", "m"], [1]))
    for k, (x, sex, stim) in enumerate(result.levels):
        shift = p["sex"][:, 0] * (sex == "m")
        b, a = (np.exp(eta_of(p, cond, stim, x)[:, 0] + shift) for cond in "ba")
        np.testing.assert_allclose(result.draws[:, 0, k], b - a, rtol=1e-9)


def test_a_difference_of_differences_of_a_linear_model_is_the_interaction():
    model, p = made("y ~ cond * stim + (1|mouse)", "gaussian")
    for asked in ({"treatment": "cond", "of": "stim"}, {"treatment": "cond:stim"}):
        got = draws_of(model, p, **asked)
        assert list(got) == ["b - a of stim (1 - 0)", "c - a of stim (1 - 0)"]
        np.testing.assert_allclose(list(got.values()), p["cond:stim"].T, atol=1e-10)
    turned = draws_of(model, p, "stim : cond", pairs=["reference", "all"])
    assert list(turned) == [f"1 - 0 of cond ({pair})" for pair in ("b - a", "c - a", "c - b")]
    np.testing.assert_allclose(
        turned["1 - 0 of cond (c - b)"], p["cond:stim"][:, 1] - p["cond:stim"][:, 0], atol=1e-10
    )


def test_differences_and_ratios_of_those_on_the_response_scale(gamma):
    model, p = gamma
    every = np.ones(len(DATA), bool)
    m = {(c, s): means_by_hand(p, c, s, every) for c in "abc" for s in (0, 1)}
    got = draws_of(model, p, "cond", of="stim", pairs="all")
    for label, (one, other) in {"c - b": "cb", "c - a": "ca"}.items():
        expected = (m[one, 1] - m[one, 0]) - (m[other, 1] - m[other, 0])
        np.testing.assert_allclose(got[f"{label} of stim (1 - 0)"], expected, rtol=1e-8)
    got = draws_of(model, p, "cond", of="stim", ratio=True)
    expected = (m["b", 1] / m["b", 0]) / (m["a", 1] / m["a", 0])
    np.testing.assert_allclose(got["b / a of stim (1 / 0)"], expected, rtol=1e-9)
    percent = draws_of(model, p, "cond", of="stim", ratio="percent")
    np.testing.assert_allclose(
        percent["b / a of stim (1 / 0) (% change)"], 100 * (expected - 1), rtol=1e-8, atol=1e-8
    )
    poly = draws_of(model, p, "stim", of={"cond": ["a", "c", "b"]}, pairs=["all", "poly"])
    curve = [m["a", s] - 2 * m["c", s] + m["b", s] for s in (0, 1)]
    np.testing.assert_allclose(poly["1 - 0 of cond (quadratic)"], curve[1] - curve[0], rtol=1e-7)


def test_three_columns_and_levels_of_another():
    model, p = made("y ~ cond * stim * sex", "gaussian")
    got = draws_of(model, p, "sex", of=["stim", "cond"])
    np.testing.assert_allclose(
        got["m - f of stim (1 - 0 of cond (b - a))"], p["cond:stim:sex"][:, 0], atol=1e-10
    )
    by = draws_of(model, p, "stim", of="cond", by="sex")
    np.testing.assert_allclose(
        by["1 - 0 of cond (c - a)", "m"] - by["1 - 0 of cond (c - a)", "f"],
        p["cond:stim:sex"][:, 1],
        atol=1e-10,
    )


def test_slopes_at_values_and_differences_of_slopes():
    model, p = made("Power ~ stim * x", "gamma")
    stim = DATA["stim"].to_numpy()
    got = draws_of(model, p, "x", slope=True, values=[3, 9])
    assert list(got) == ["slope at 3", "slope at 9"]
    for at in (3, 9):
        own = p["x"][:, None] + p["stim:x"][:, None] * stim
        eta = p["Intercept"][:, None] + p["stim"][:, None] * stim + own * at
        np.testing.assert_allclose(
            got[f"slope at {at}"], (np.exp(eta) * own).mean(axis=1), rtol=1e-7
        )
    linear, q = made("y ~ cond * x + (x|mouse)", "gaussian")
    slopes = draws_of(linear, q, "cond", of="x", slope=True, pairs="all", groups="population")
    assert list(slopes) == ["b - a of x (slope)", "c - a of x (slope)", "c - b of x (slope)"]
    np.testing.assert_allclose(slopes["c - a of x (slope)"], q["cond:x"][:, 1], rtol=1e-7)
    steps = draws_of(linear, q, "cond", of="x", groups="population")
    np.testing.assert_allclose(steps["b - a of x (+1)"], q["cond:x"][:, 0], atol=1e-9)
    curved, r = made("y ~ x + I(x**2)", "gaussian")
    edge = float(X.min())
    np.testing.assert_allclose(
        draws_of(curved, r, "x", slope=True, values=[edge])[f"slope at {edge:g}"],
        r["x"] + 2 * edge * r["I(x ** 2)"],
        rtol=1e-6,
    )


def test_equal_weights_are_those_of_a_balanced_grid():
    """Lenth's reference grid: factors alike, numbers at their mean; of a linear model."""
    model, p = made("y ~ cond + stim + sex + x", "gaussian")
    balanced = effects.conditional(model, p, "cond", weights="equal")
    middle = p["Intercept"] + 0.5 * p["stim"] + 0.5 * p["sex"][:, 0] + p["x"] * X.mean()
    effect = np.column_stack([np.zeros(len(middle)), p["cond"]])
    np.testing.assert_allclose(balanced.draws[:, :, 0], middle[:, None] + effect, rtol=1e-9)
    observed = effects.conditional(model, p, "cond")
    share = (DATA["sex"] == "m").mean()
    seen = (
        p["Intercept"]
        + DATA["stim"].mean() * p["stim"]
        + share * p["sex"][:, 0]
        + p["x"] * X.mean()
    )
    np.testing.assert_allclose(observed.draws[:, :, 0], seen[:, None] + effect, rtol=1e-9)
    # Of a factor in an interaction the contrast is the plain average over the other's levels.
    model, p = made("y ~ cond * sex", "gaussian")
    got = draws_of(model, p, "cond", weights="equal")
    np.testing.assert_allclose(
        got["b - a"], p["cond"][:, 0] + 0.5 * p["cond:sex"][:, 0], atol=1e-10
    )
    model, p = made("Power ~ stim + x + sex + (1|mouse)", "gamma")
    got = effects.contrast(model, p, "stim", by="sex", weights="equal", groups="typical")
    for k, sex in enumerate("fm"):
        eta = p["Intercept"] + p["sex"][:, 0] * (sex == "m")
        rows = np.exp(eta[:, None] + p["x"][:, None] * X) * np.expm1(p["stim"])[:, None]
        np.testing.assert_allclose(
            got.draws[:, 0, k], over_groups(rows, DATA["mouse"].tolist()), rtol=1e-9
        )


def test_empty_cells_are_refused_by_name():
    data = DATA[~((DATA["cond"] == "c") & (DATA["sex"] == "m"))].reset_index(drop=True)
    model, p = made("y ~ cond + sex + stim + (1|mouse)", "gaussian", data=data)
    with pytest.raises(OptionError, match=r"No row has 1 combination of 'cond' and 'sex'.*"
                       r"cond = c, sex = m.*by=\{'cond': \['a', 'b', 'c'\]"):  # fmt: skip
        effects.conditional(model, p, "stim", by=["cond", "sex"])
    # What the formula says of it is had by setting the columns, and equal weights set them.
    set_ = {"cond": ["c"], "sex": ["m"]}
    for options in ({"by": set_}, {"by": ["cond", "sex"], "weights": "equal"}):
        curve = effects.conditional(model, p, "stim", groups="typical", **options)
        k = curve.levels.index(("c", "m"))
        expected = p["Intercept"] + p["cond"][:, 1] + p["sex"][:, 0]
        np.testing.assert_allclose(curve.draws[:, 0, k], expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_cells_without_a_mean_are_refused_by_name():
    """Cell means of which one has no coefficient: nothing says what it is."""
    data = DATA[~((DATA["cond"] == "c") & (DATA["sex"] == "m"))].reset_index(drop=True)
    model, p = made("y ~ 0 + cond:sex", "gaussian", data=data)
    with pytest.raises(Exception, match=r"c.*m"):
        effects.contrast(model, p, "cond", by="sex")
    with pytest.raises(Exception, match=r"c.*m"):
        effects.contrast(model, p, "cond", weights="equal")
    kept = effects.contrast(model, p, "cond", by="sex", values=["a", "b"])
    assert kept.draws.shape[1:] == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"treatment": "cond", "by": ["stim", "stim"]}, "names a column twice"),
        ({"treatment": "cond", "by": []}, "by= names no column"),
        ({"treatment": "cond", "by": ["stim", "cond"]}, "by='cond' is the treatment itself"),
        ({"treatment": "cond", "of": "cond"}, "of= names 'cond', which is the treatment itself"),
        ({"treatment": "cond:stim", "of": "x"}, "says already what of= says"),
        ({"treatment": "cond:cond"}, "names a column twice"),
        ({"treatment": ["cond", "stim"]}, "contrast takes one column"),
        ({"treatment": "cond", "of": "stin"}, "Did you mean 'stim'"),
        ({"treatment": "cond*stim"}, r"It is an interaction: contrast\('cond:stim'\)"),
        (
            {"treatment": "cond", "of": "stim", "pairs": ["all"]},
            "1 entries, and what is compared 2",
        ),
        ({"treatment": "cond", "of": "stim", "by": "stim"}, "by='stim' is the treatment itself"),
        ({"treatment": "cond", "of": "stim", "slope": True, "ratio": True}, "takes no ratio="),
        ({"treatment": "stim", "of": "cond", "slope": True}, "'cond' is a factor"),
        ({"treatment": "cond", "weights": "even"}, "weights must be 'observed' or 'equal'"),
        ({"treatment": "cond", "by": {"stim": [1, 1]}}, "has a value of 'stim' twice"),
    ],
)
def test_what_cannot_be_asked(options, message):
    model, p = made("y ~ cond * stim + x + sex", "gaussian")
    with pytest.raises(OptionError, match=message):
        effects.contrast(model, p, **options)


def test_effects_by_several_columns_of_observed_differences():
    model, p = made("y ~ cond * stim * sex", "gaussian")
    result = effects.contrast(model, p, "cond", by=["sex", "stim"], pairs="effect")
    seen = effects.observed_contrast(model, result, None)
    assert list(seen) == ["contrast", "sex", "stim", "group", "difference"]
    means = DATA.groupby(["sex", "stim", "cond"])["y"].mean().unstack()  # noqa: PD010
    expected = means.sub(means.mean(axis=1), axis=0)
    for label in "abc":
        own = seen[seen["contrast"] == f"{label} - mean"].set_index(["sex", "stim"])["difference"]
        pd.testing.assert_series_equal(own, expected[label], check_names=False)
    twice = effects.contrast(model, p, "cond", of="stim")
    seen = effects.observed_contrast(model, twice, None)
    means = DATA.groupby(["cond", "stim"])["y"].mean().unstack()  # noqa: PD010
    rise = means[1] - means[0]
    np.testing.assert_allclose(seen["difference"], [rise["b"] - rise["a"], rise["c"] - rise["a"]])
