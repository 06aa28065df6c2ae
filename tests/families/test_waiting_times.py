"""Exponential, Weibull and inverse Gaussian responses: what is their own, and posteriors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import stats
from scipy_densities import BY_NAME

import winstan as ws
from winstan.families import FAMILIES, LINKS
from winstan.families.sample import Sample

FAMILY = ("exponential", "weibull", "inverse_gaussian")


def waits(n: int = 25, seed: int = 2) -> pd.DataFrame:
    """Seconds until something happens, about half a minute."""
    return pd.DataFrame({"y": 31 * np.random.default_rng(seed).weibull(1.6, n)})


@pytest.mark.parametrize("family", FAMILY)
def test_zeros_are_refused_with_what_fits_them(family):
    data = waits()
    data.loc[[3, 8], "y"] = 0.0
    with pytest.raises(ws.FamilyError, match=r"2 of 25 rows.*row 3: 0, row 8: 0.*'hurdle_gamma'"):
        model_of("y ~ 1", data, family)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_default_priors_follow_the_unit(unit):
    data = waits()
    own = model_of("y ~ 1", data.assign(y=unit * data["y"]), "inverse_gaussian").priors
    base = model_of("y ~ 1", data, "inverse_gaussian").priors
    assert own["lam"].numbers[1] == pytest.approx(unit * base["lam"].numbers[1])
    assert own["Intercept"].numbers[0] - base["Intercept"].numbers[0] == pytest.approx(np.log(unit))
    assert model_of("y ~ 1", data, "weibull").priors["alpha"] == ws.InverseGamma(0.4, 0.3)


def test_precise_responses_lose_no_digits():
    """The difference of sums of y and of 1 / y would have lost ten of sixteen."""
    y = 31.0 * (1 + 1e-5 * stats.norm.ppf((np.arange(9) + 0.5) / 9))
    mu, lam, cell = np.array([31.0]), 31e10, np.zeros(9, int)
    stats_ = FAMILIES["inverse_gaussian"].statistics(Sample(y, None, 0 * y), cell, 1, ())
    link = LINKS["log"]
    got = FAMILIES["inverse_gaussian"].log_likelihood(stats_, np.log(mu), {"lam": lam}, link)
    squares = lam * np.square((y - mu) / mu) / y
    expected = 0.5 * (9 * np.log(lam / (2 * np.pi)) - 3 * np.log(y).sum() - squares.sum())
    assert got == pytest.approx(expected, rel=1e-9)


def test_random_responses_of_means_far_beyond_their_shape():
    """As the mean grows, 1 / y becomes a chi-squared variable over lam."""
    rng = np.random.default_rng(3)
    for mean in (1e12, np.inf):
        y = FAMILIES["inverse_gaussian"].draw_responses(rng, np.full(5000, mean), {"lam": 3.0})
        assert np.all(y > 0)
        assert stats.kstest(3.0 / y, stats.chi2(1).cdf).pvalue > 0.001


@pytest.mark.slow
def test_posterior_of_an_exponential_mean_is_inverse_gamma():
    """Of a flat prior of log mu; the same rows as weights, and as exposures."""
    y = waits(12)["y"].to_numpy()
    flat = {"Intercept": ws.Flat()}
    exact = stats.invgamma(12, scale=y.sum())
    data = pd.DataFrame({"y": y, "t": np.linspace(0.2, 9, 12)}).assign(z=lambda d: d.y * d.t)
    for formula in ("y ~ 1", "z ~ 1 + offset(np.log(t))"):
        fit = ws.fit(formula, data, "exponential", priors=flat, draws=4000, seed=1, progress=False)
        assert fit.diagnostics.ok
        mu = np.exp(fit.draws["posterior"]["Intercept"].to_numpy().ravel())
        ess = float(fit.summary().loc["Intercept", "ess_bulk"])
        at = exact.ppf([0.05, 0.25, 0.5, 0.75, 0.95])
        share = np.mean(mu[:, None] < at, axis=0)
        np.testing.assert_allclose(share, [0.05, 0.25, 0.5, 0.75, 0.95], atol=2 / np.sqrt(ess))
        error = 4 * exact.std() / np.sqrt(ess)
        assert mu.mean() == pytest.approx(exact.mean(), abs=error)


def grid_posterior(density, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of the mean and of the shape, by the trapezoidal rule on their logarithms."""
    at = np.meshgrid(*(x + np.linspace(-2.5, 2.5, 200) for x in middle), indexing="ij")
    log_p = density(*at)
    p = np.exp(log_p - log_p.max())
    assert max(p[0].max(), p[-1].max(), p[:, 0].max(), p[:, -1].max()) < 1e-5  # all of it
    p /= p.sum()
    means = np.array([np.sum(p * np.exp(x)) for x in at])
    squares = [np.sum(p * np.square(np.exp(x) - m)) for x, m in zip(at, means, strict=True)]
    return means, np.sqrt(squares)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "name", "middle"),
    [("weibull", "alpha", [3.3, 0.5]), ("inverse_gaussian", "lam", [3.3, 3.4])],
)
def test_posterior_by_quadrature(family, name, middle):
    data = waits()
    y = data["y"].to_numpy()
    priors = {"Intercept": ws.Normal(3.0, 2.0), name: ws.Gamma(1.3, 0.05)}

    def density(log_mu: np.ndarray, log_shape: np.ndarray) -> np.ndarray:
        mu, shape = np.exp(log_mu)[..., None], np.exp(log_shape)[..., None]
        of_rows = BY_NAME[family](y, mu, {name: shape})
        prior = stats.gamma.logpdf(np.exp(log_shape), 1.3, scale=20) + log_shape
        return of_rows.sum(axis=-1) + stats.norm.logpdf(log_mu, 3, 2) + prior

    mean, sd = grid_posterior(density, np.array(middle))
    fit = ws.fit("y ~ 1", data, family, priors=priors, draws=2000, seed=3, progress=False)
    assert fit.diagnostics.ok
    draws = fit.draws["posterior"]
    got = [np.exp(draws["Intercept"].to_numpy().ravel()), draws[name].to_numpy().ravel()]
    ess = fit.summary().loc[["Intercept", name], "ess_bulk"].to_numpy(float)
    assert np.all(np.abs([x.mean() for x in got] - mean) < 4 * sd / np.sqrt(ess))
    np.testing.assert_allclose([x.std() for x in got], sd, rtol=0.08)
