"""Formulas of parameters that are refused, by words that name the thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from models import model_of
from test_predicted_effects import fit_of, rows

import winstan as ws
from winstan.errors import WinstanError
from winstan.families import FAMILIES


def refused(formulas, family: str = "gaussian", data: pd.DataFrame | None = None, **by_name) -> str:
    """The words with which `ws.fit` refuses; nothing is sampled."""
    with pytest.raises(WinstanError) as caught:
        ws.fit(formulas, rows() if data is None else data, family, progress=False, **by_name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("family", "name", "has"),
    [
        ("gaussian", "nu", "'sigma'"),
        ("gaussian", "sigm", "'sigma'"),
        ("lognormal", "alpha", "'sigma'"),
        ("student", "alpha", "'sigma', 'nu'"),
        ("gamma", "sigma", "'alpha'"),
        ("negative_binomial", "sigma", "'alpha'"),
        ("poisson", "sigma", "none beside the mean"),
        ("bernoulli", "phi", "none beside the mean"),
    ],
)
def test_a_parameter_that_the_family_has_not(family, name, has):
    words = refused(f"y ~ x; {name} ~ x", family)
    assert f"The {family} family has no parameter {name!r}" in words
    assert f"'{name} ~ x'" in words
    assert f"it has {has}" in words
    same = refused("y ~ x", family, **{name: "x"}) if name != "sigm" else words
    assert name in same


@pytest.mark.parametrize("formulas", ["y ~ x; mu ~ stim", ["y ~ x", "mu ~ stim"]])
def test_the_mean_twice(formulas):
    words = refused(formulas)
    assert "'mu' is the mean" in words
    assert "'y ~ x'" in words


@pytest.mark.parametrize(
    ("formulas", "by_name", "words"),
    [
        ("y ~ x; sigma ~ x; sigma ~ stim", {}, "two formulas of 'sigma'"),
        ("y ~ x; sigma ~ x", {"sigma": "stim"}, "two formulas of 'sigma'"),
        ("y ~ x; log(sigma) ~ x", {}, "'log(sigma)' is none"),
        ("y ~ x", {"sigma": 2.0}, "sigma= takes the right side of a formula"),
        (["y ~ x", 3], {}, "a list of strings, not int"),
        ("y ~ x; sigma ~ nothing", {}, "nothing"),
        ("y ~ x; sigma ~ y", {}, "the response 'y' is also a predictor"),
        ("y ~ (1 |p| mouse); sigma ~ stim", {}, "no other term of 'mouse' has it"),
        ("y ~ (1 |p| mouse); sigma ~ (1 |q| mouse)", {}, "'p'"),
        ("y ~ (1 |p| mouse); sigma ~ (1 |p| x)", {}, "'p'"),
    ],
)
def test_formulas_that_say_nothing_sound(formulas, by_name, words):
    assert words in refused(formulas, **by_name)


@pytest.mark.parametrize("name", ["sigma", "sigma_x", "sigma_Intercept"])
def test_columns_that_have_the_name_of_a_parameter(name):
    words = refused(f"y ~ {name}; sigma ~ x", data=rows().assign(**{name: rows()["stim"]}))
    assert f"{name!r} has the name of a parameter" in words
    assert f"I({name})" in words


def test_a_column_called_sigma_that_is_not_used_is_no_hindrance():
    model = model_of(["y ~ x", "sigma ~ stim"], rows().assign(sigma=2.0), "gaussian")
    assert model.stacked.parameters == ("mu", "sigma")
    assert "sigma" not in model.design.predictors


def test_questions_about_parameters_without_a_formula():
    fit = fit_of("y ~ x + (1|mouse)")
    for ask in (
        lambda: fit.contrast("x", parameter="sigma"),
        lambda: fit.means("x", values=[0, 1], parameter="sigma"),
        lambda: fit.conditional("x", parameter="sigma"),
        lambda: fit.effects(parameter="sigma"),
        lambda: fit.group_effects(parameter="sigma"),
    ):
        with pytest.raises(ws.OptionError, match=r"'sigma' has no formula in 'y ~ x \+ \(1\|mouse"):
            ask()
    with pytest.raises(ws.OptionError, match="'nu', which the gaussian family has not"):
        fit.contrast("x", parameter="nu")


def test_questions_about_predictors_of_another_parameter():
    fit = fit_of("y ~ x", "sigma ~ stim + (1|mouse)")
    with pytest.raises(ws.OptionError, match=r"'stim', which is no predictor of 'y ~ x'.*'sigma'"):
        fit.contrast("stim")
    with pytest.raises(ws.OptionError, match=r"'x', which is no predictor of 'sigma ~ stim"):
        fit.contrast("x", parameter="sigma")
    with pytest.raises(ws.OptionError, match=r"'y ~ x' has no group term.*parameter='sigma'"):
        fit.group_effects()
    # Of a lognormal response the mean depends on sigma, and so on its predictors.
    logged = fit_of("y ~ x", "sigma ~ stim", family="lognormal")
    assert np.isfinite(logged.contrast("stim")["mean"]).all()


def test_a_lognormal_population_whose_sigma_varies_between_groups():
    fit = fit_of("y ~ stim + (1|mouse)", "sigma ~ stim + (1|mouse)", family="lognormal")
    for ask in (
        lambda: fit.contrast("stim", groups="population"),
        lambda: fit.predict(kind="mean", groups="population"),
    ):
        with pytest.raises(ws.OptionError, match=r"'sigma' has group effects.*lognormal"):
            ask()
    # Of sigma itself there is one.
    assert (fit.means("stim", parameter="sigma", groups="population")["mean"] > 0).all()


def test_a_lognormal_population_of_one_factor_where_sigma_varies_between_another_s():
    data = rows().assign(day=lambda d: "d" + (d.index % 6).astype(str))
    formulas = "y ~ stim + (1|mouse)", "sigma ~ stim + (1|day)"
    fit = fit_of(*formulas, family="lognormal", data=data)
    d = fit.joined()
    settings = {"mouse": "population", "day": "typical"}
    got = fit.contrast("stim", groups=settings, ratio=True, draws=True).sort_values("draw")
    sigma = [np.exp(d["sigma_Intercept"] + k * d["sigma_stim"]) for k in (0, 1)]
    expected = np.exp(d["stim"] + (sigma[1] ** 2 - sigma[0] ** 2) / 2)
    np.testing.assert_allclose(got["value"], expected, rtol=1e-10)
    with pytest.raises(ws.OptionError, match="'sigma' has group effects"):
        fit.contrast("stim", groups={"mouse": "typical", "day": "population"})


def test_a_family_that_states_no_score_of_a_parameter():
    words = refused("y ~ x; sigma ~ x", replace(FAMILIES["gaussian"], scores={}))
    assert "'sigma' of the gaussian family cannot have a formula" in words
