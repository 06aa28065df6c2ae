"""Whose effect a contrast is: the population's mean, in closed form and by quadrature; the default.

The population's mean is held, draw by draw, to formulas written out here and to scipy's adaptive
quadrature, with sds and correlations away from one and zero.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, MICE, draws_of, made
from scipy import integrate, special, stats

from winstan import effects
from winstan.effects.estimands import choose_estimand
from winstan.effects.population import population_mean, population_slope
from winstan.errors import OptionError
from winstan.tuning import Tuning


def variance_of(p: dict, slope: str, x: float) -> np.ndarray:
    """Variance of the linear predictor at x, by the draw's sds and correlation, shape (S,)."""
    one, two = p["1|mouse_sigma"], p[f"{slope}|mouse_sigma"]
    rho = p["mouse_corr"][:, 0]
    return one**2 + 2 * rho * one * two * x + two**2 * x**2


@pytest.mark.parametrize(
    ("response", "family", "link", "mean"),
    [
        ("y", "gaussian", "identity", lambda e, v, p: e),
        ("Power", "student", "log", lambda e, v, p: np.exp(e + v / 2)),
        ("Power", "gamma", "log", lambda e, v, p: np.exp(e + v / 2)),
        ("Power", "lognormal", "identity", lambda e, v, p: np.exp(e + v / 2 + p["sigma"] ** 2 / 2)),
        ("count", "poisson", "sqrt", lambda e, v, p: e**2 + v),
        ("ok", "bernoulli", "probit", lambda e, v, p: stats.norm.cdf(e / np.sqrt(1 + v))),
    ],
)
def test_the_populations_mean_in_closed_form_draw_by_draw(response, family, link, mean):
    model, p = made(f"{response} ~ stim + (stim|mouse)", family, link=link)
    assert np.abs(p["mouse_corr"]).max() > 0.1
    eta = p["Intercept"]
    low = mean(eta, variance_of(p, "stim", 0), p)
    high = mean(eta + p["stim"], variance_of(p, "stim", 1), p)
    got = draws_of(model, p, "stim", groups="population")["1 - 0"]
    np.testing.assert_allclose(got, high - low, rtol=1e-10)
    ratio = effects.conditional(model, p, "stim", groups="population").draws[:, :, 0]
    np.testing.assert_allclose(ratio, np.stack([low, high], axis=1), rtol=1e-10)


@pytest.mark.parametrize("link", ["logit", "cloglog"])
@pytest.mark.parametrize("sd", [0.0, 0.05, 0.7, 2.0, 6.0])
def test_the_populations_probability_by_adaptive_quadrature(link, sd):
    model, p = made("ok ~ stim + (1|mouse)", "bernoulli", link=link)
    eta = np.array([[-4.0, -1.0, 0.3, 2.5]])
    got = population_mean(model, p, eta, np.full_like(eta, sd**2))[0]
    inverse = special.expit if link == "logit" else lambda e: -np.expm1(-np.exp(e))
    for value, at in zip(got, eta[0], strict=True):
        expected, _ = integrate.quad(
            lambda z, at=at: inverse(at + sd * z) * stats.norm.pdf(z), -12, 12, limit=400
        )
        assert value == pytest.approx(expected, abs=2e-10)


@pytest.mark.parametrize(
    ("response", "family", "link"),
    [
        ("y", "gaussian", "identity"),
        ("Power", "gamma", "log"),
        ("Power", "lognormal", "identity"),
        ("count", "poisson", "sqrt"),
        ("ok", "bernoulli", "probit"),
        ("ok", "bernoulli", "logit"),
        ("ok", "bernoulli", "cloglog"),
    ],
)
def test_slopes_of_the_population_are_derivatives_of_its_mean(response, family, link):
    """Slopes differ between mice, so that the variance changes with x too."""
    data = DATA.assign(x=DATA["x"] / 20)
    model, p = made(f"{response} ~ x + (x|mouse)", family, link=link, data=data)
    slope = effects.contrast(model, p, "x", slope=True, groups="population").draws[:, 0, 0]
    x = data["x"].to_numpy()
    weights = np.array([1 / np.sum(DATA["mouse"] == m) for m in DATA["mouse"]]) / len(MICE)
    step = 1e-5

    def mean_at(x):
        eta = p["Intercept"][:, None] + p["x"][:, None] * x
        variance = np.stack([variance_of(p, "x", value) for value in x], axis=1)
        beside = {name: p[name][:, None] for name in model.family.auxiliary}
        return population_mean(model, beside, eta, variance)

    difference = (mean_at(x + step) - mean_at(x - step)) / (2 * step) @ weights
    np.testing.assert_allclose(slope, difference, rtol=2e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("response", "link"), [("ok", "logit"), ("ok", "cloglog"), ("score", "logit")]
)
def test_many_rows_have_the_means_and_slopes_that_each_has_by_itself(response, link):
    """They are interpolated in eta, those of one variance together, in blocks of draws."""
    rng, n, S = np.random.default_rng(2), 300, 7
    if response == "ok":
        model, beside = made("ok ~ stim + (1|mouse)", "bernoulli", link=link)[0], {}
    else:
        data = DATA.assign(score=rng.integers(0, 4, len(DATA)))
        whole = made("score ~ stim + (1|mouse)", "cumulative", link=link, data=data)[0]
        model = effects.parts_of(whole, None)[1].model
        beside = {"threshold": tuple(k + rng.normal(0, 0.1, (S, 1)) for k in (-1.0, 0.2, 1.5))}
    eta, rise, turn = rng.uniform(-2, 2, (3, S, n))
    variance = rng.uniform(0.2, 0.6, (S, 3))[:, rng.integers(0, 3, n)]
    many = SimpleNamespace(
        family=model.family, link=model.link, design=model.design, tuning=Tuning(chunk=3 * n)
    )
    some = range(0, n, 13)
    columns = [slice(i, i + 1) for i in some]
    each = [population_mean(model, beside, eta[:, i], variance[:, i]) for i in columns]
    found = population_mean(many, beside, eta, variance)
    np.testing.assert_allclose(found[:, some], np.hstack(each), atol=1e-10)
    assert np.ptp(found, axis=1).min() > 0.1
    for by in (turn, 0 * turn):
        slopes = [
            population_slope(model, beside, eta[:, i], variance[:, i], rise[:, i], by[:, i])
            for i in columns
        ]
        found = population_slope(many, beside, eta, variance, rise, by)
        np.testing.assert_allclose(found[:, some], np.hstack(slopes), atol=5e-8)


def test_a_linear_models_population_is_its_coefficient_and_these_groups_are_not():
    model, p = made("y ~ stim + (stim|mouse)", "gaussian")
    for groups in (None, "population", "typical"):
        got = draws_of(model, p, "stim", groups=groups)["1 - 0"]
        np.testing.assert_allclose(got, p["stim"], rtol=1e-10)
    these = draws_of(model, p, "stim", groups="these")["1 - 0"]
    np.testing.assert_allclose(these, p["stim"] + p["stim|mouse"].mean(axis=1), rtol=1e-10)


def test_a_new_group_has_effects_of_its_own_draw_by_draw():
    model, p = made("y ~ stim + (stim|mouse)", "gaussian")
    many = {name: np.concatenate([values] * 400) for name, values in p.items()}
    got = draws_of(model, many, "stim", groups="new")["1 - 0"]
    scores = (got - many["stim"]) / many["stim|mouse_sigma"]
    assert np.std(scores) == pytest.approx(1, abs=0.02)
    assert np.mean(scores) == pytest.approx(0, abs=0.02)
    again = draws_of(model, many, "stim", groups="new", seed=1)["1 - 0"]
    assert not np.array_equal(got, again)


@pytest.mark.parametrize(
    ("response", "family", "link", "default"),
    [
        ("y", "gaussian", "identity", "population"),
        ("ok", "bernoulli", "logit", "population"),
        ("ok", "bernoulli", "probit", "population"),
        ("count", "poisson", "sqrt", "population"),
        ("Power", "gamma", "log", "typical"),
        ("Power", "lognormal", "identity", "typical"),
        ("Power", "gamma", "inverse", "typical"),
    ],
)
def test_the_default_and_what_tables_say_of_it(response, family, link, default):
    model, p = made(f"{response} ~ stim + (1|mouse)", family, link=link)
    result = effects.contrast(model, p, "stim")
    table = effects.contrast_table(result, 0.9, "hdi")
    assert table["groups"].tolist() == [default]
    words = {"population": "in the population of mouse", "typical": "in a typical mouse"}
    assert table.attrs["estimand"] == words[default]
    assert effects.contrast_draws(result).attrs["groups"] == default
    chosen = effects.contrast(model, p, "stim", groups=default)
    np.testing.assert_array_equal(result.draws, chosen.draws)
    each = effects.contrast_table(effects.contrast(model, p, "stim", by="mouse"), 0.9, "hdi")
    assert set(each["groups"]) == {"these"}


def test_tables_without_group_terms_have_nobody_to_name():
    table = effects.contrast_table(
        effects.contrast(*made("y ~ stim", "gaussian"), "stim"), 0.9, "hdi"
    )
    assert "groups" not in table
    assert "groups" not in table.attrs


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")  # few levels of cond
def test_each_factor_can_have_its_own_estimand():
    model, p = made("Power ~ stim + (stim|mouse) + (1|cond)", "gamma")
    groups = {"mouse": "typical", "cond": "population"}
    expected = np.exp(p["Intercept"] + p["1|cond_sigma"] ** 2 / 2) * np.expm1(p["stim"])
    got = draws_of(model, p, "stim", groups=groups)["1 - 0"]
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    estimand = choose_estimand(model, groups)
    assert estimand.name == "mouse: typical, cond: population"
    assert estimand.words == "in a typical mouse, in the population of cond"


def test_a_mean_beyond_all_numbers_is_refused_with_the_remedy():
    model, p = made("Power ~ stim + (1|mouse)", "gamma")
    p["1|mouse_sigma"] = np.full_like(p["1|mouse_sigma"], 60.0)
    with pytest.raises(OptionError, match=f"too large in {len(p['stim'])} of .*groups='typical'"):
        effects.contrast(model, p, "stim", groups="population")


def test_questions_that_have_no_answer_in_the_population():
    model, p = made("Power ~ stim + (1|mouse)", "gamma", link="inverse")
    with pytest.raises(OptionError, match="no answer under the inverse link"):
        effects.contrast(model, p, "stim", groups="population")
    model, p = made("y ~ stim + (1|mouse)", "gaussian")
    for groups in ("population", "new"):
        with pytest.raises(OptionError, match=r"single levels of 'mouse'.*groups='these'"):
            effects.contrast(model, p, "stim", by="mouse", groups=groups)


def test_single_levels_of_one_factor_and_the_population_of_another():
    data = DATA.assign(cell=np.arange(len(DATA)) % 4)
    model, p = made("Power ~ stim + (1|mouse/cell)", "gamma", data=data)
    groups = {"mouse": "these", "mouse:cell": "population"}
    got = draws_of(model, p, "stim", by="mouse", groups=groups)
    for j, mouse in enumerate(MICE):
        mean = p["Intercept"] + p["1|mouse"][:, j] + p["1|mouse:cell_sigma"] ** 2 / 2
        expected = np.exp(mean) * np.expm1(p["stim"])
        np.testing.assert_allclose(got["1 - 0", mouse], expected, rtol=1e-10)
    estimand = choose_estimand(model, groups, ["stim", "mouse"])
    assert estimand.words == "in each mouse by itself, in the population of mouse:cell"


def test_rows_of_predictions_are_in_their_own_groups_and_new_ones_only_if_not_fitted():
    model, p = made("y ~ stim + (1|mouse)", "gaussian")
    rows = pd.DataFrame({"stim": [0, 1], "mouse": ["m1", "m2"]})
    for new, groups, names, words in (
        (None, "these", ["these"] * len(DATA), "in each mouse by itself"),
        (rows, "new", ["these"] * 2, "in each mouse by itself"),
        (
            rows.assign(mouse=["m1", "unseen"]),
            "new",
            ["these", "new"],
            "in each mouse by itself; in each mouse by itself, new ones drawn",
        ),
        (rows, "population", ["population"] * 2, "in the population of mouse"),
    ):
        table = effects.prediction_table(effects.predict(model, p, new, groups=groups), 0.9, "hdi")
        assert table["groups"].tolist() == names
        assert table.attrs["estimand"] == words


def test_factors_that_a_mapping_leaves_out_have_the_default():
    data = DATA.assign(cell=[f"c{i % 7}" for i in range(len(DATA))])
    model, p = made("y ~ stim + (stim|mouse) + (1|cell)", "gaussian", data=data)
    by_default = draws_of(model, p, "stim", groups=None)
    got = draws_of(model, p, "stim", groups={"cell": "these"})
    np.testing.assert_allclose(got["1 - 0"], by_default["1 - 0"], rtol=1e-12)
    estimand = choose_estimand(model, {"cell": "these"}, ["stim"])
    assert dict(estimand.settings) == {"mouse": "population", "cell": "these"}
    logged, _ = made("Power ~ stim + (stim|mouse) + (1|cell)", "gamma", data=data)
    assert choose_estimand(logged, {"cell": "these"}, ["stim"]).settings["mouse"] == "typical"


# --- a counterfactual leaves every row in its group -----------------------------------------------

CAGES = DATA.assign(
    arm=np.where(DATA["mouse"].isin(MICE[: len(MICE) // 2]), "ctrl", "drug"),
    cage=[MICE.index(m) % (len(MICE) // 2) for m in DATA["mouse"]],
)


@pytest.mark.parametrize("groups", ["these", "typical", "population"])
@pytest.mark.parametrize("family", ["gaussian", "gamma"])
def test_one_partition_of_the_rows_has_one_contrast_whatever_its_name(family, groups):
    y = {"gaussian": "y", "gamma": "Power"}[family]
    unique, p = made(f"{y} ~ arm + (1|mouse)", family, data=CAGES)
    expected = draws_of(unique, p, "arm", groups=groups)["drug - ctrl"]
    for factor in ("arm:cage", "arm:mouse", "mouse:arm"):
        model, _ = made(f"{y} ~ arm + (1|{factor})", family, data=CAGES)
        column = CAGES[factor.split(":")].astype(str).agg(":".join, axis=1)
        own = dict(zip(column, CAGES["mouse"], strict=True))
        order = [MICE.index(own[level]) for level in model.design.groups[0].levels]
        q = {name: v for name, v in p.items() if "mouse" not in name}
        q |= {f"1|{factor}": p["1|mouse"][:, order], f"1|{factor}_sigma": p["1|mouse_sigma"]}
        got = draws_of(model, q, "arm", groups=groups)["drug - ctrl"]
        np.testing.assert_allclose(got, expected, rtol=1e-10)
        curve = effects.conditional(model, q, "arm", groups=groups).draws[:, :, 0]
        np.testing.assert_allclose(curve[:, 1] - curve[:, 0], expected, rtol=1e-8)


def test_curves_have_no_kinks_at_doses_that_name_groups():
    dose = DATA["stim"] * 2.0 + (DATA["x"] > DATA["x"].median())
    model, p = made("y ~ dose + (1|mouse/dose)", "gaussian", data=DATA.assign(dose=dose))
    for groups in ("these", "population"):
        curve = effects.conditional(model, p, "dose", points=13, groups=groups).draws[:, :, 0]
        expected = np.broadcast_to(p["dose"][:, None] * 3 / 12, curve[:, 1:].shape)
        np.testing.assert_allclose(np.diff(curve, axis=1), expected, rtol=1e-8)
        slope = effects.contrast(model, p, "dose", slope=True, groups=groups).draws[:, 0, 0]
        np.testing.assert_allclose(slope, p["dose"], rtol=1e-8)


def test_the_users_rows_and_their_levels_stay_as_they_are():
    model, p = made("y ~ arm + (1|arm:cage)", "gaussian", data=CAGES)
    before = model.design.predictors.copy(), model.design.groups[0].level.copy()
    effects.contrast(model, p, "arm", groups="these")
    pd.testing.assert_frame_equal(model.design.predictors, before[0])
    np.testing.assert_array_equal(model.design.groups[0].level, before[1])


def test_groups_that_the_data_have_not_are_refused_and_not_taken_for_zero():
    data = DATA.assign(cell=[f"{m}c{i % 4}" for i, m in enumerate(DATA["mouse"])])
    model, p = made("y ~ x + (1|mouse/cell)", "gaussian", data=data)
    with pytest.raises(OptionError, match=r"'mouse' cannot be set.*'mouse:cell'.*data have not"):
        effects.contrast(model, p, "mouse", values=["m0", "m1"])
    alone, q = made("y ~ x + (1|mouse)", "gaussian")
    got = draws_of(alone, q, "mouse", values=["m0", "m1"])["m1 - m0"]
    np.testing.assert_allclose(got, q["1|mouse"][:, 1] - q["1|mouse"][:, 0], rtol=1e-10)
