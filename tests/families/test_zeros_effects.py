"""Means, contrasts and replicates of families with zeros of their own: the zeros are in them."""

from __future__ import annotations

import numpy as np
import pytest
from effects_cases import DATA, draws_of
from made_draws import flat, made_posterior
from models import model_of
from row_densities import row_log_densities
from scipy import integrate, special, stats
from zeros_reference import base_of, zero_of

from winstan import effects
from winstan.effects.parameters import about
from winstan.effects.population import population_mean
from winstan.effects.replicates import posterior_predictive
from winstan.errors import OptionError


def truncated(family: str, p: dict, e: np.ndarray) -> np.ndarray:
    """Mean above zero of the counts of a hurdle."""
    mu = np.exp(e)
    if family == "hurdle_poisson":
        return mu / -np.expm1(-mu)
    alpha = p["alpha"]
    return mu / -np.expm1(-alpha * np.log1p(mu / alpha))


MEANS = {
    "zero_inflated_poisson": lambda e, p: (1 - p["zi"]) * np.exp(e),
    "zero_inflated_negative_binomial": lambda e, p: (1 - p["zi"]) * np.exp(e),
    "hurdle_poisson": lambda e, p: (1 - p["hu"]) * truncated("hurdle_poisson", p, e),
    "hurdle_negative_binomial": lambda e, p: (
        (1 - p["hu"]) * truncated("hurdle_negative_binomial", p, e)
    ),
    "hurdle_gamma": lambda e, p: (1 - p["hu"]) * np.exp(e),
    "hurdle_lognormal": lambda e, p: (1 - p["hu"]) * np.exp(e + p["sigma"] ** 2 / 2),
}
SILENT = DATA.assign(
    count=np.where(np.arange(len(DATA)) % 4, DATA["count"], 0),
    Power=np.where(np.arange(len(DATA)) % 4, DATA["Power"], 0.0),
)


def made(formula, family):
    """A model of data with zeros, and draws of it: those of probabilities between 0 and 1."""
    response = "Power" if base_of(family) in ("gamma", "lognormal") else "count"
    formulas = [one.format(y=response, zero=zero_of(family)) for one in formula]
    model = model_of(formulas, SILENT, family)
    p = flat(made_posterior(model, chains=2, draws=20))
    if (zero := zero_of(family)) in p:
        p[zero] = special.expit(np.log(p[zero]) - 1)
    return model, p


@pytest.mark.parametrize("family", MEANS)
def test_the_mean_counts_the_zeros(family):
    model, p = made(["{y} ~ stim"], family)
    low, high = (MEANS[family](p["Intercept"] + s * p["stim"], p) for s in (0, 1))
    got = draws_of(model, p, "stim", groups=None)["1 - 0"]
    np.testing.assert_allclose(got, high - low, rtol=1e-10)


@pytest.mark.parametrize("family", MEANS)
def test_a_formula_of_zeros_is_in_the_contrast_of_the_mean(family):
    zero = zero_of(family)
    model, p = made(["{y} ~ stim", "{zero} ~ stim"], family)
    shares = [special.expit(p[f"{zero}_Intercept"] + s * p[f"{zero}_stim"]) for s in (0, 1)]
    low, high = (
        MEANS[family](p["Intercept"] + s * p["stim"], {**p, zero: share})
        for s, share in enumerate(shares)
    )
    got = draws_of(model, p, "stim", groups=None)["1 - 0"]
    np.testing.assert_allclose(got, high - low, rtol=1e-10)
    part = draws_of(about(model, zero), p, "stim", groups=None)["1 - 0"]
    np.testing.assert_allclose(part, shares[1] - shares[0], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("family", MEANS)
@pytest.mark.parametrize("sd", [0.0, 0.3, 1.0, 2.5])
def test_the_populations_mean_by_adaptive_quadrature(family, sd):
    model, p = made(["{y} ~ stim + (1|mouse)"], family)
    p = {name: value[:1] for name, value in p.items()}
    if family == "hurdle_negative_binomial":
        p["alpha"] = np.array([0.4])
    beside = {name: p[name][:, None] for name in model.family.auxiliary}
    eta = np.array([[-9.0, -3.0, 0.2, 4.0]])
    got = population_mean(model, beside, eta, np.full_like(eta, sd**2))[0]
    one = {name: float(p[name][0]) for name in model.family.auxiliary}
    for value, at in zip(got, eta[0], strict=True):
        expected, _ = integrate.quad(
            lambda z, at=at: float(MEANS[family](at + sd * z, one)) * stats.norm.pdf(z),
            -12, 14, limit=800, points=[0.0, sd], epsabs=0, epsrel=1e-12,
        )  # fmt: skip
        assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", ["hurdle_poisson", "zero_inflated_negative_binomial"])
def test_slopes_of_the_population_are_derivatives_of_its_mean(family):
    model, p = made(["{y} ~ hours + (1|mouse)"], family)
    slope = effects.contrast(model, p, "hours", slope=True, groups="population").draws[:, 0, 0]
    beside = {name: p[name][:, None] for name in model.family.auxiliary}
    x = DATA["hours"].to_numpy()
    mice = DATA["mouse"]
    weights = 1 / mice.map(mice.value_counts()).to_numpy() / mice.nunique()

    def mean_at(x):
        eta = p["Intercept"][:, None] + p["hours"][:, None] * x
        variance = np.broadcast_to(p["1|mouse_sigma"][:, None] ** 2, eta.shape)
        return population_mean(model, beside, eta, variance)

    difference = (mean_at(x + 1e-5) - mean_at(x - 1e-5)) / 2e-5 @ weights
    np.testing.assert_allclose(slope, difference, rtol=2e-5)


def test_the_population_is_refused_where_zeros_have_effects_of_their_own():
    model, p = made(["{y} ~ stim + (1|mouse)", "{zero} ~ stim + (1|mouse)"], "hurdle_gamma")
    with pytest.raises(OptionError, match=r"'hu' has group effects.*not integrated out together"):
        effects.contrast(model, p, "stim", groups="population")


@pytest.mark.parametrize("family", MEANS)
def test_replicates_have_zeros(family):
    model, p = made(["{y} ~ 1"], family)
    y = posterior_predictive(model, p, 1, 40, 0).values[0]
    mu = np.exp(p["Intercept"])
    own = {name: p[name] for name in model.family.auxiliary}
    none = np.exp(row_log_densities(family, model.link.name, np.zeros(40), np.log(mu), own, None))
    z = ((y == 0) - none[:, None]).sum() / np.sqrt(y.shape[1] * (none * (1 - none)).sum())
    assert abs(z) < 4
