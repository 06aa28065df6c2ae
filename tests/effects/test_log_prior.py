"""Log densities of priors are scipy's, of each parameter where its prior is."""

from __future__ import annotations

import numpy as np
import pytest
from effects_cases import DATA, made
from made_draws import flat, made_posterior
from models import model_of
from prior_densities import (
    cholesky_correlation,
    lkj_log_density,
    prior_log_density,
    threshold_log_density,
)
from scipy import integrate, stats

import winstan as ws
from winstan.effects.log_prior import log_prior
from winstan.effects.prior_draws import prior_draws

PRIORS = [
    ws.Normal(-2, 0.3),
    ws.Normal(-2, 30, lower=1.5, upper=40),
    ws.StudentT(3, 1.5, 4),
    ws.Cauchy(1, 0.2),
    ws.Exponential(0.25),
    ws.Gamma(2, 0.1),
    ws.InverseGamma(0.4, 0.3),
    ws.Beta(0.6, 3),
    ws.HalfNormal(3),
    ws.HalfStudentT(4, 2.5),
    ws.HalfCauchy(0.5),
]


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_densities_are_normalised(prior):
    at = np.array([0.05, 0.4, 0.93]) + (2.0 if prior.bounded else 0.0)
    got = prior.log_density(at) + prior.log_constant
    np.testing.assert_allclose(got, [prior_log_density(prior, x) for x in at], rtol=1e-10)


@pytest.mark.parametrize(("eta", "q"), [(0.7, 2), (2.5, 3), (1.0, 4)])
def test_correlation_matrices_have_the_lkj_density(eta, q):
    """The density of a Cholesky factor has the Jacobian of L -> L L' on top."""
    free = np.random.default_rng(q).normal(0, 0.6, q * (q - 1) // 2)
    L, _ = cholesky_correlation(free, q)
    jacobian = sum((q - 1 - i) * np.log(L[i, i]) for i in range(1, q))
    got = ws.LKJ(eta).log_density_of(L @ L.T)
    assert float(got) == pytest.approx(lkj_log_density(L, eta) - jacobian, rel=1e-10)


def test_every_parameter_where_its_prior_is():
    """The Intercept's is at the mean of the predictors; of shares, per unit of the parameter."""
    priors = {
        "Intercept": ws.StudentT(4, 200, 90),
        "cond": ws.Normal(3, 70),
        "x": ws.Cauchy(0, 11),
        "sd": ws.Gamma(2, 0.03),
        "1|mouse_sigma": ws.HalfStudentT(3, 40),
        "corr": ws.LKJ(2.5),
        "sigma": ws.Exponential(0.02),
    }
    model, draws = made("y ~ cond + x + (1 + x|mouse)", "gaussian", priors=priors)
    found = log_prior(model, draws)
    assert list(found) == list(model.priors.table)
    means = [np.mean(DATA["cond"] == level) for level in "bc"]
    at_mean = draws["Intercept"] + draws["cond"] @ means + draws["x"] * DATA["x"].mean()
    r = draws["mouse_corr"][:, 0]
    expected = {
        "Intercept": stats.t(4, 200, 90).logpdf(at_mean),
        "cond[b]": stats.norm(3, 70).logpdf(draws["cond"][:, 0]),
        "cond[c]": stats.norm(3, 70).logpdf(draws["cond"][:, 1]),
        "x": stats.cauchy(0, 11).logpdf(draws["x"]),
        "1|mouse_sigma": np.log(2) + stats.t(3, 0, 40).logpdf(draws["1|mouse_sigma"]),
        "x|mouse_sigma": stats.gamma(2, scale=1 / 0.03).logpdf(draws["x|mouse_sigma"]),
        # Of two effects, (r + 1) / 2 is Beta(eta, eta).
        "mouse_corr": stats.beta(2.5, 2.5, -1, 2).logpdf(r),
        "sigma": stats.expon(scale=50).logpdf(draws["sigma"]),
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, err_msg=name)


def test_levels_arms_and_simplexes():
    """Level columns have theirs at the means in their rows, each arm its own sds."""
    data = DATA.assign(dose=np.arange(len(DATA)) % 4)
    formula = "y ~ 0 + sex + x + mo(dose) + (1|gr(mouse, by=sex))"
    priors = {"simo": ws.Dirichlet((2, 1, 3.5))}
    model, draws = made(formula, "gaussian", data=data, priors=priors)
    (simplex,) = [one.variable for one in model.stacked.monotones]
    shares = np.random.default_rng(1).dirichlet((1, 1, 1), len(draws["x"]))
    found = log_prior(model, draws | {simplex: shares})
    table = model.priors
    assert set(found) == set(table.table)
    at = draws["sex"].copy()
    for k, sex in enumerate("fm"):
        own = data[data["sex"] == sex]
        at[:, k] += draws["x"] * own["x"].mean() + draws["mo(dose)"] * own["dose"].mean()
    for k, sex in enumerate("fm"):
        name = f"sex[{sex}]"
        np.testing.assert_allclose(
            found[name], [prior_log_density(table[name], v) for v in at[:, k]], rtol=1e-9
        )
        name = f"1|mouse_sigma[{sex}]"
        sds = draws["1|mouse_sigma"][:, k]
        np.testing.assert_allclose(
            found[name], [prior_log_density(table[name], v) for v in sds], rtol=1e-9
        )
    np.testing.assert_allclose(
        found[simplex], stats.dirichlet((2, 1, 3.5)).logpdf(shares.T), rtol=1e-9
    )


@pytest.mark.parametrize("prior", [ws.Dirichlet(1.7), ws.Normal(0.2, 1.4)], ids=str)
def test_thresholds_at_the_mean_of_the_predictors(prior):
    data = DATA.assign(score=np.arange(len(DATA)) % 4)
    model, draws = made(
        "score ~ x + (1|mouse)", "cumulative", data=data, priors={"threshold": prior}
    )
    at = draws["threshold"] - draws["x"][:, None] * data["x"].mean()
    expected = [threshold_log_density(prior, "logit", row) for row in at]
    if not isinstance(prior, ws.Dirichlet):  # three that are in order
        expected = np.add(expected, np.log(6))
    np.testing.assert_allclose(log_prior(model, draws)["threshold"], expected, rtol=1e-9)


def test_a_bound_by_the_data_is_the_unit_of_its_share():
    model, draws = made("Power ~ x", "shifted_lognormal", priors={"ndt": ws.Beta(2, 3)})
    least = DATA["Power"].min()
    ndt = np.linspace(0.1, 0.9, 40) * least
    got = log_prior(model, draws | {"ndt": ndt})["ndt"]
    np.testing.assert_allclose(got, stats.beta(2, 3, 0, least).logpdf(ndt), rtol=1e-9)


@pytest.mark.parametrize(
    "formula", ["y ~ sex + hsgp(x, by=sex) + s(hours, k=6)", "y ~ s(x, mouse, bs='fs', k=4)"]
)
@pytest.mark.slow
def test_sds_and_lengths_of_curves(formula):
    model, draws = made(formula, "gaussian")
    found = log_prior(model, draws)
    assert set(found) == set(model.priors.table)
    place = {"f": 0, "m": 1, "level": 0, "slope": 1, "bend": 2}
    for name in found:
        if not name.startswith(("sds_", "sdgp_", "lscale_")):
            continue
        variable, _, label = name.removesuffix("]").partition("[")
        values = draws[variable][:, place[label]] if label else draws[variable]
        prior = model.priors[name]
        expected = [prior_log_density(prior, value) for value in values]
        np.testing.assert_allclose(found[name], expected, rtol=1e-10)


@pytest.mark.parametrize("prior", [ws.Horseshoe(), ws.R2D2()], ids=str)
def test_shared_priors_integrate_to_that_of_a_coefficient(prior):
    """Given its numbers a coefficient is normal: its densities over a grid sum to one."""
    model = model_of("y ~ x + hours", DATA, "gaussian", priors={"b": prior})
    draws = prior_draws(model, np.random.default_rng(2), 5)
    found = log_prior(model, draws)
    assert {"x", "hours"} < found.keys()
    assert all(np.isfinite(values).all() for values in found.values())
    for s in range(2):
        one = {name: values[[s]] for name, values in draws.items()}

        peak = np.exp(log_prior(model, one | {"x": np.zeros(1)})["x"][0])
        grid = np.linspace(-9, 9, 2001) / (peak * np.sqrt(2 * np.pi))  # sds
        every = {name: np.repeat(values, grid.size, axis=0) for name, values in one.items()}
        values = np.exp(log_prior(model, every | {"x": grid})["x"])
        total = values.sum() * (grid[1] - grid[0])
        assert total == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("term", ["ar", "cs"])
def test_residual_correlations(term):
    """The determinant to the power of two, over its integral."""
    data = DATA.assign(trial=DATA.groupby("mouse").cumcount())
    model = model_of(f"y ~ x + {term}(trial, mouse)", data, "gaussian", priors={term: ws.LKJ(3)})
    draws = flat(made_posterior(model))
    n = data.groupby("mouse").size().max() if term == "cs" else 2

    def density(r):
        return ((1 - r) ** (n - 1) * (1 + (n - 1) * r)) ** 2

    r = np.linspace(0.05, 0.8, len(draws["x"]))
    got = log_prior(model, draws | {term: r})[term]
    total, _ = integrate.quad(density, -1 / (n - 1), 1)
    np.testing.assert_allclose(got, np.log(density(r) / total), rtol=1e-9)
