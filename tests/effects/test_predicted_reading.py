"""What a second reading of formulas of other parameters found, each with its right answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan import effects
from winstan.comparison.comparability import check_same_question
from winstan.effects.prior_draws import prior_draws
from winstan.errors import DataError, FormulaError, OptionError
from winstan.families.links import LINKS


def rows(seed: int = 0, n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 10, n)
    data = pd.DataFrame(
        {
            "g": [f"g{k}" for k in g],
            "arm": np.where(g < 4, "a", "b"),
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "t": rng.uniform(0, 1, n),
            "cond": rng.choice(["a", "b", "c"], n),
        }
    )
    data["y"] = data.x + np.exp(0.3 * data.z) * rng.normal(size=n)
    data["count"] = rng.poisson(np.exp(1 + 0.2 * data.x)) * (rng.random(n) < 0.8)
    return data


def priors_of(formula, family="gaussian", size=200, **options):
    model = model_of(formula, rows(), family, **options)
    return model, prior_draws(model, np.random.default_rng(1), size)


def test_rows_of_different_arms_have_their_own_population():
    model, p = priors_of("count ~ x + (1|gr(g, by=arm))", "poisson")
    new = pd.DataFrame({"x": [0.0, 0.0], "arm": ["a", "b"], "g": ["n", "m"]})
    values = np.hstack(
        [v for _, v in effects.predict(model, p, new, groups="population", own=False).blocks]
    )
    expected = np.exp(p["Intercept"][:, None] + p["1|g_sigma"] ** 2 / 2)
    np.testing.assert_allclose(values, expected, rtol=1e-10)


def test_a_new_group_in_each_arm_has_that_arms_sd():
    model, p = priors_of("y ~ x + (1|gr(g, by=arm))", size=4000)
    p["Intercept"][:], p["x"][:] = 0.0, 0.0
    p["1|g_sigma"][:] = [0.1, 3.0]
    curve = effects.conditional(model, p, "x", values={"x": [0.0]}, by="arm", groups="new")
    spread = curve.draws[:, 0].std(axis=0)
    assert spread == pytest.approx([0.1, 3.0], rel=0.08)
    same = pd.DataFrame({"x": [0.0, 0.0], "arm": ["a", "b"], "g": ["n", "n"]})
    values = np.hstack([v for _, v in effects.predict(model, p, same, groups="new").blocks])
    assert values.std(axis=0) == pytest.approx([0.1, 3.0], rel=0.08)


def test_a_column_called_as_an_intercept_would_be_is_no_intercept():
    data = rows().rename(columns={"z": "sigma_Intercept"})
    formulas = ["y ~ sigma_Intercept", "sigma ~ 0 + x"]
    fit = made_fit(model_of(formulas, data, "gaussian"), chains=2, draws=50)
    got = fit.means("x", values=[0.0], parameter="sigma", draws=True)["value"]
    np.testing.assert_allclose(got, 1.0)


def test_terms_of_one_label_have_one_by():
    for formulas in (
        ["y ~ x + (1|p|g)", "sigma ~ (1|p|gr(g, by=arm))"],
        ["y ~ x + (1|p|gr(g, by=arm))", "sigma ~ (1|p|g)"],
    ):
        with pytest.raises(FormulaError, match="have one covariance"):
            model_of(formulas, rows(), "gaussian")


def test_a_number_of_one_formula_is_a_number_in_all():
    model, p = priors_of(["y ~ x + (1|g)", "sigma ~ z"])
    assert not effects.contrasts.has_labels(model, "z")
    assert effects.contrasts.has_labels(model, "g")
    by = effects.contrast(model, p, "x", by="z")
    assert len(by.levels) == 3  # the mean, and one sd to either side
    effects.conditional(model, p, "x", values={"z": 0.0})


@pytest.mark.parametrize(
    ("formulas", "family"),
    [
        (["y ~ 1", "sigma ~ 0 + (1|g)"], "gaussian"),
        (["y ~ 1", "sigma ~ 0 + offset(z)"], "gaussian"),
        (["y ~ (1|g)", "nu ~ 0 + (1|g)"], "student"),
    ],
)
def test_a_linear_predictor_without_coefficients(formulas, family):
    model = model_of(formulas, rows(), family)
    assert model.population.shape == (2 * model.cells.n, 1)


def test_an_arm_may_be_called_anything():
    data = rows().rename(columns={"arm": "factor"})
    fit = made_fit(model_of("y ~ x + (1|gr(g, by=factor))", data, "gaussian"), chains=2, draws=20)
    dims = fit.draws["posterior"]["1|g_sigma"].dims
    assert dims[-1] == "g__by_factor_dim"


def test_figures_of_several_contrasts_of_a_parameter():
    fit = made_fit(model_of(["y ~ cond", "sigma ~ cond"], rows(), "gaussian"), chains=2, draws=50)
    fit.plot_difference("cond", parameter="sigma").draw()


def test_other_offsets_and_columns_of_sigma_are_other_data():
    data = rows()
    data["minus"] = -data["z"]
    one = model_of(["y ~ x", "sigma ~ offset(z)"], data, "gaussian")
    other = model_of(["y ~ x", "sigma ~ offset(-z)"], data, "gaussian")
    with pytest.raises(OptionError, match=r"different data.*sigma_offset"):
        check_same_question(one, other, "one", "other")


def test_a_response_that_the_formula_gives_is_refused_with_a_formula_of_sigma_too():
    data = rows().assign(y=lambda d: 2 * d.x + 1)
    with pytest.raises(DataError, match="gives 'y' exactly"):
        model_of(["y ~ x", "sigma ~ z"], data, "gaussian")


def test_offsets_of_all_parameters_are_at_zero_in_means():
    formulas = ["count ~ x", "zi ~ z + offset(2*t)"]
    model, p = priors_of(formulas, "zero_inflated_poisson")
    got = effects.conditional(model, p, "x", values={"x": [0.0]}).draws[:, 0, 0]
    z = rows()["z"].to_numpy()
    zi = LINKS["logit"].inverse(p["zi_Intercept"][:, None] + p["zi_z"][:, None] * z)
    expected = np.exp(p["Intercept"]) * (1 - zi).mean(axis=1)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    alone = effects.conditional(effects.about(model, "mu"), p, "x", values={"x": [0.0]})
    np.testing.assert_allclose(alone.draws[:, 0, 0], np.exp(p["Intercept"]), rtol=1e-9)


def test_contrasts_of_a_parameter_in_many_fits():
    data = pd.concat([rows(k).assign(cell=k) for k in range(2)], ignore_index=True)
    many = ws.fit_each(
        "y ~ x", data, by="cell", sigma="cond", contrasts={"cond": {"parameter": "sigma"}},
        n_jobs=1, chains=2, seed=1, progress=False, silence="all",
    )  # fmt: skip
    assert many.failures.empty
    with pytest.raises(OptionError, match="'nu'"):
        ws.fit_each("y ~ x", data, by="cell", contrasts={"x": {"parameter": "nu"}}, n_jobs=1)


def test_the_caption_of_a_curve_names_its_parameter():
    formulas = ["y ~ x + (1|g)", "sigma ~ x + (1|g)"]
    fit = made_fit(model_of(formulas, rows(), "gaussian"), chains=2, draws=50)
    caption = fit.plot_conditional("x", parameter="sigma").labels.caption
    assert "sigma: in a typical g" in caption.replace("\n", " ")
