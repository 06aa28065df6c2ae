"""The negative binomial's density, against sums of exact factors in sixty decimal digits."""

from __future__ import annotations

import functools
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import optimize, special

import winstan as ws
from winstan.backends import pymc as pymc_backend
from winstan.backends.stan import BACKEND as STAN
from winstan.families import FAMILIES
from winstan.families.rising import log_pmf, log_rising_sum, rising_statistics

FAMILY = FAMILIES["negative_binomial"]
LOG = FAMILY.link("log")
ALPHAS = [1e-3, 0.3, 1.7, 31.0, 33.0, 150.0, 4e3, 7e4, 1e6, 1e8, 1e10, 1e12, 1e15]


@functools.cache
def factors(y: int, alpha: float) -> tuple[Decimal, Decimal, Decimal]:
    """Product of 1 + k / alpha over k < y; its log's derivative by log alpha; y factorial."""
    with localcontext() as context:
        context.prec = 60
        a, product, slope, factorial = Decimal(alpha), Decimal(1), Decimal(0), Decimal(1)
        for k in range(y):
            product *= 1 + k / a
            slope -= k / (a + k)
            factorial *= k + 1
        return product, slope, factorial


def exact(y: int, mu: float, alpha: float) -> tuple[float, float, float]:
    """Log probability; its derivatives by log alpha and by log mu.

    Gamma(y + alpha) / Gamma(alpha) is the product of alpha + k over k < y.
    """
    product, slope, factorial = factors(y, alpha)
    with localcontext() as context:
        context.prec = 60
        a, m, y_ = Decimal(alpha), Decimal(mu), Decimal(y)
        log1p = (1 + m / a).ln()
        value = (product / factorial).ln() + y_ * m.ln() - (y_ + a) * log1p
        slope += -a * log1p + (y_ + a) * m / (a + m)
        return float(value), float(slope), float(y_ - (y_ + a) * m / (a + m))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("mu", [0.01, 1.0, 40.0, 2900.0, 1e6])
def test_the_density_of_a_count_is_the_product_of_its_factors(alpha, mu):
    y = np.array([0, 1, 2, 7, 33, 350, 3000])
    want = np.array([exact(int(v), mu, alpha)[0] for v in y])
    aux = {"alpha": np.full((1, 1), alpha)}
    got = FAMILY.log_densities(y.astype(float), np.log(np.full((1, y.size), mu)), aux, LOG)
    np.testing.assert_allclose(got[0], want, rtol=1e-10)
    np.testing.assert_allclose(log_pmf(y, mu, alpha), want, rtol=1e-11)


def test_draws_of_large_and_small_alpha_side_by_side_have_their_own_densities():
    y = np.array([0.0, 3.0, 80.0])
    alpha = np.array([[0.5], [1e12], [20.0], [500.0]])
    got = log_pmf(y, 4.0, alpha)
    want = [[exact(int(v), 4.0, float(a))[0] for v in y] for a in alpha[:, 0]]
    np.testing.assert_allclose(got, want, rtol=1e-11)


COUNTS = {
    "zeros": [0, 0, 0],
    "zeros and ones": [0, 1, 1, 0],
    "few": [0, 3, 1, 1, 4, 2, 2, 9, 0],
    "about the number of first factors": [30, 31, 32, 33, 34, 34],
    "large and small": [0, 2, 2, 41, 700, 3000],
}


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("counts", COUNTS)
def test_the_product_over_all_rows_is_that_of_its_factors(counts, alpha):
    rows = COUNTS[counts]
    value, tally = np.unique(np.array(rows, float), return_counts=True)
    with localcontext() as context:
        context.prec = 60
        product = Decimal(1)
        for y in rows:
            product *= factors(y, alpha)[0]
        want = float(product.ln())
    got = log_rising_sum(rising_statistics(value, tally.astype(float)), alpha)
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-18)


def test_an_infinite_alpha_is_poisson():
    y, mu = np.array([0.0, 4.0, 60.0]), 5.0
    poisson = y * np.log(mu) - mu - special.gammaln(y + 1)
    np.testing.assert_allclose(log_pmf(y, mu, np.inf), poisson, rtol=1e-12)
    drawn = FAMILY.draw_responses(np.random.default_rng(1), np.full(20_000, 5.0), {"alpha": np.inf})
    assert drawn.mean() == pytest.approx(5, abs=0.08)  # five standard errors
    assert drawn.var() == pytest.approx(5, abs=0.26)


def tabled(rows: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"y": rows})


ENGINES = {
    "stan": pytest.param(STAN, marks=pytest.mark.slow),
    "pymc": pytest.param(pymc_backend.BACKEND, marks=pytest.mark.slow),
}


@pytest.mark.parametrize("backend", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("counts", ["few", "large and small"])
def test_engines_have_the_exact_density_and_derivatives_up_to_any_alpha(backend, counts):
    rows = COUNTS[counts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = model_of(
            "y ~ 1",
            tabled(rows),
            "negative_binomial",
            priors={"Intercept": ws.Flat(), "alpha": ws.InverseGamma(0.4, 0.3)},
        )
    coordinates = model.coordinates
    location, scale, bend, knot = (
        float(np.ravel(part)[0])
        for part in (
            coordinates.aux_location,
            coordinates.aux_scale,
            coordinates.aux_skew,
            coordinates.aux_knot,
        )
    )
    assert (bend > 0) == (counts == "few")  # the coordinate with a tail, and a line

    def log_alpha(x):
        return location + scale * x + bend * np.logaddexp(0, -3 * (x - knot)) / 3

    x = np.array([optimize.brentq(lambda x, a=a: log_alpha(x) - np.log(a), -1e3, 1e3, xtol=1e-14)
                  for a in ALPHAS])  # fmt: skip
    raw = np.column_stack([np.linspace(-1, 1, x.size), x])
    width = float(coordinates.decorrelation.remaining_scale[0, 0])
    log_mu = float(coordinates.beta_location[0]) + width * raw[:, 0]
    falls = 1 / (1 + np.exp(3 * (x - knot)))
    slope = scale - bend * falls
    density, gradient = [], []
    for i in range(x.size):
        alpha = float(np.exp(log_alpha(x[i])))
        value, by_alpha, by_mu = np.sum(
            [exact(y, float(np.exp(log_mu[i])), alpha) for y in rows], axis=0
        )
        value += -0.4 * np.log(alpha) - 0.3 / alpha + np.log(slope[i])
        by_alpha += -0.4 + 0.3 / alpha
        bent = 3 * bend * falls[i] * (1 - falls[i]) / slope[i]
        density.append(value)
        gradient.append([by_mu * width, by_alpha * slope[i] + bent])
    got, got_gradient = backend.log_density(model, raw)
    constant = got[3] - density[3]  # of what does not move
    size = np.abs(density)
    np.testing.assert_allclose((got - density - constant) / size, 0, atol=1e-9)
    np.testing.assert_allclose(got_gradient, gradient, rtol=1e-9, atol=1e-9 * len(rows))


def poisson_counts(n: int, mean: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, 20, n), rng.integers(0, 2, n)
    mu = mean * np.exp(0.3 * x + rng.normal(0, 0.3, 20)[g])
    return pd.DataFrame({"g": g, "x": x, "k": rng.poisson(mu)})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "mean", "formula"),
    [(240, 1, "k ~ x"), (240, 3000, "k ~ x + (1|g)"), (20_000, 30, "k ~ x + (1|g)"),
     (200_000, 5, "k ~ x + (1|g)")],
)  # fmt: skip
def test_counts_no_more_variable_than_poisson_converge_to_poissons_answer(n, mean, formula):
    data = poisson_counts(n, mean, n + mean)
    fits = [
        ws.fit(formula, data, family, seed=1, progress=False, silence="random_slopes")
        for family in ("negative_binomial", "poisson")
    ]
    assert all(fit.diagnostics.ok for fit in fits), [fit.verdict for fit in fits]
    ours, poisson = (fit.summary().loc["x"] for fit in fits)
    if n > 240 or mean > 1:  # few small counts leave room for more variance
        assert abs(ours["mean"] - poisson["mean"]) < 0.25 * poisson["sd"]
    assert fits[0].summary().loc["alpha", "ess_bulk"] > 1000


def test_the_coordinate_of_a_shape_that_may_be_infinite_is_about_normal():
    """By the quantiles of alpha's posterior: of 1 / alpha a Gamma(0.4, 0.3), cut by the data."""
    data = poisson_counts(2000, 5, 3).assign(g=0)
    rng = np.random.default_rng(4)
    data["k"] = rng.poisson(5.0, len(data))
    model = model_of("k ~ 1", data, "negative_binomial")
    coordinates = model.coordinates
    location, scale, bend, knot = (
        float(np.ravel(part)[0])
        for part in (coordinates.aux_location, coordinates.aux_scale, coordinates.aux_skew,
                     coordinates.aux_knot)
    )  # fmt: skip
    assert bend > 0
    log_alpha = np.linspace(2, 60, 40_001)
    # Near Poisson the likelihood of u = 1 / alpha is normal: score and information at u = 0.
    y = data["k"].to_numpy(float)
    m = y.mean()
    score, information = 0.5 * np.sum((y - m) ** 2 - y), y.size * m**2 / 2
    u = np.exp(-log_alpha)
    log_density = -0.4 * log_alpha - 0.3 * u + score * u - 0.5 * information * u**2
    mass = np.cumsum(np.exp(log_density - log_density.max()))
    mass /= mass[-1]
    scores = np.array([-1.5, -1.0, 0.0, 1.0, 1.5])
    x = scores
    at = location + scale * x + bend * np.logaddexp(0, -3 * (x - knot)) / 3
    got = special.ndtri(np.interp(at, log_alpha, mass))
    np.testing.assert_allclose(got, scores, atol=0.35)
