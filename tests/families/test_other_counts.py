"""Geometric counts, and counts whose variance is a multiple of the mean: what is their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from models import model_of
from scipy import stats

import winstan as ws
from winstan.backends import Settings, backend_named
from winstan.families import FAMILIES, LINKS
from winstan.families.sample import Sample
from winstan.guards.dispersion import check_dispersion


def bursts(n: int = 400, seed: int = 6) -> pd.DataFrame:
    """Spikes of variance 3.5 times their mean."""
    rng = np.random.default_rng(seed)
    x = rng.choice([-1.0, 0.0, 0.5, 2.0], n)
    mu = np.exp(1.1 + 0.6 * x)
    return pd.DataFrame({"x": x, "y": rng.negative_binomial(mu / 2.5, 1 / 3.5)})


def test_maximum_is_that_of_statsmodels():
    data = bursts()
    X = sm.add_constant(data[["x"]])
    found = sm.NegativeBinomial(data["y"], X, loglike_method="nb1").fit(disp=False, maxiter=500)
    intercept, slope, phi = found.params
    model = model_of("y ~ x", data, "negative_binomial1")
    cells = model.cells
    assert cells.n == 4
    eta = np.array([intercept + slope * data["x"][cells.of_row == c].iloc[0] for c in range(4)])
    value = model.likelihood.log_density(eta, {"phi": phi})
    assert value == pytest.approx(found.llf, rel=1e-9)
    score, _ = model.likelihood.score(eta, {"phi": phi})
    assert abs(score).sum() > 1  # each cell's own is not zero, but
    x = np.array([data["x"][cells.of_row == c].iloc[0] for c in range(4)])
    np.testing.assert_allclose([score.sum(), score @ x], 0, atol=0.02)
    step = 1e-5
    up, down = (model.likelihood.log_density(eta, {"phi": phi + s}) for s in (step, -step))
    assert (up - down) / (2 * step) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("phi", [1e-12, 1e-7, 1e-3])
def test_counts_of_no_overdispersion_are_poisson(phi):
    y = np.array([0.0, 1.0, 7.0, 300.0, 3000.0])
    one, cell, eta = FAMILIES["negative_binomial1"], np.arange(5), np.log([0.01, 3, 5, 280, 3000.0])
    of = one.statistics(Sample(y, None, 0 * y), cell, 5, ())
    got = one.log_likelihood(of, eta, {"phi": phi}, LINKS["log"])
    poisson = stats.poisson.logpmf(y, np.exp(eta))
    # By phi, the derivative is ((y - mu)^2 - y) / (2 mu).
    moved = phi * ((y - np.exp(eta)) ** 2 - y) / (2 * np.exp(eta))
    assert got == pytest.approx(poisson.sum() + moved.sum(), rel=1e-10, abs=10 * phi)
    rows = one.log_densities(y, eta[None], {"phi": phi}, LINKS["log"])[0]
    np.testing.assert_allclose(rows, poisson + moved, rtol=1e-9, atol=1e3 * phi**2 + 1e-11)


@pytest.mark.parametrize("family", ["geometric", "negative_binomial1"])
def test_bambi_is_refused_by_name(family):
    model = model_of("y ~ x", bursts(), family)
    with pytest.raises(ws.BackendError, match=f"bambi has no family '{family}'"):
        backend_named("bambi").check(model, Settings())


def test_counts_that_vary_more_than_geometric_ones_are_told():
    rng = np.random.default_rng(3)
    wide = pd.DataFrame({"y": rng.negative_binomial(0.15, 0.15 / 8.15, 400)})
    said = check_dispersion(model_of("y ~ 1", wide, "geometric"))
    assert 'family="negative_binomial"' in said
    own = pd.DataFrame({"y": rng.geometric(1 / 9, 400) - 1})
    assert check_dispersion(model_of("y ~ 1", own, "geometric")) is None


@pytest.mark.slow
def test_posterior_of_a_geometric_mean_is_a_beta():
    """With a flat prior of log mu, mu / (1 + mu) is Beta(sum y, n)."""
    data = pd.DataFrame({"y": [0, 3, 1, 0, 12, 4, 2, 7], "w": [1, 2, 1, 3, 1, 2, 1, 1]})
    exact = stats.beta(data["w"] @ data["y"], data["w"].sum())
    fit = ws.fit(
        "y ~ 1", data, "geometric", weights="w", priors={"Intercept": ws.Flat()}, draws=3000,
        seed=1, progress=False,
    )  # fmt: skip
    assert fit.diagnostics.ok
    share = 1 / (1 + np.exp(-fit.draws["posterior"]["Intercept"].to_numpy().ravel()))
    ess = float(fit.summary().loc["Intercept", "ess_bulk"])
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    got = np.mean(share[:, None] < exact.ppf(levels), axis=0)
    np.testing.assert_allclose(got, levels, atol=2 / np.sqrt(ess))


@pytest.mark.slow
def test_posterior_of_a_linear_variance_by_quadrature():
    y = bursts(30)["y"].to_numpy()
    log_mu, log_phi = np.meshgrid(
        np.linspace(0, 3.5, 250), np.log(2.5) + np.linspace(-4, 4, 250), indexing="ij"
    )
    mu, phi = np.exp(log_mu), np.exp(log_phi)
    log_p = stats.nbinom.logpmf(y, (mu / phi)[..., None], 1 / (1 + phi[..., None])).sum(axis=-1)
    log_p += stats.norm.logpdf(log_mu, 1, 2) + stats.halfcauchy.logpdf(phi) + log_phi
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    exact = [(np.sum(p * v), np.sqrt(np.sum(p * v**2) - np.sum(p * v) ** 2)) for v in (log_mu, phi)]
    fit = ws.fit(
        "y ~ 1", pd.DataFrame({"y": y}), "nbinom1", priors={"Intercept": ws.Normal(1, 2)},
        draws=2000, seed=2, progress=False,
    )  # fmt: skip
    assert fit.diagnostics.ok
    table = fit.summary()
    for name, (mean, sd) in zip(("Intercept", "phi"), exact, strict=True):
        row = table.loc[name]
        assert row["mean"] == pytest.approx(mean, abs=4 * sd / np.sqrt(row["ess_bulk"]))
        assert row["sd"] == pytest.approx(sd, rel=0.1)
