"""The approximate fit of likelihoods far from normal: averages over its own uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from coordinate_cases import crossed, dense_precision, problem_of
from models import model_of
from scipy import integrate, optimize, sparse, stats

import winstan as ws
from winstan.approximation import averages, block_cholesky, laplace, sds


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "gamma"])
def test_averages_are_over_a_normal_linear_predictor(family):
    p = problem_of(family)
    aux = {"alpha": 2.0} if family == "gamma" else {}
    rng = np.random.default_rng(1)
    eta, spread = rng.normal(0, 1, p.offset.size), rng.uniform(0.3, 1.3, p.offset.size)
    nodes = averages.quadrature_nodes(p, eta, spread)

    def mean_over(c: int, weight) -> float:
        """Mean of the cell's score times a weight of the deviation."""
        normal = stats.norm(eta[c], spread[c])

        def integrand(at: float) -> float:
            point = np.where(np.arange(eta.size) == c, at, eta)
            score = p.likelihood.score(point, aux)[0][c]
            return score * normal.pdf(at) * weight(at - eta[c])

        return integrate.quad(integrand, *normal.ppf([1e-12, 1 - 1e-12]))[0]

    found, expected = averages.mean_score(p, nodes, aux)
    observed = averages.observed_information(p, eta, spread, aux)
    for c in range(0, eta.size, 97):
        assert found[c] == pytest.approx(mean_over(c, lambda d: 1), rel=0.01, abs=0.01)
        # E f' = E f d / sd^2, by parts
        slope = mean_over(c, lambda d: d) / spread[c] ** 2
        least = averages.KEPT * expected[c]
        assert observed[c] == pytest.approx(max(-slope, least), rel=0.03, abs=0.01)
    step = 1e-5 * np.eye(eta.size)[3]
    low, high = (
        averages.mean_objective(p, averages.quadrature_nodes(p, at, spread), aux)
        for at in (eta - step, eta + step)
    )
    assert (high - low) / 2e-5 == pytest.approx(found[3], rel=1e-4)


def test_a_certain_linear_predictor_has_one_node():
    p = problem_of("poisson")
    eta = np.linspace(-1, 1, p.offset.size)
    ((_, weight, at),) = averages.quadrature_nodes(p, eta, np.zeros_like(eta))
    assert weight == 1
    np.testing.assert_array_equal(at, eta)
    observed = averages.observed_information(p, eta, np.zeros_like(eta), {})
    np.testing.assert_allclose(observed, p.likelihood.statistics["n"] * np.exp(eta), rtol=1e-5)


def test_the_fit_is_where_the_average_density_is_stationary():
    """By the closed form of counts: the mean of exp(eta) is exp(mean + variance / 2)."""
    p = problem_of("poisson", "x + (1|child) + (1|class)")
    fit = laplace.approximate(p)
    at = block_cholesky.layout(p)
    covariance = np.linalg.inv(dense_precision(p, fit.cell_information, fit.effect_covariance))
    parts = [p.X] + [np.eye(J)[level] for J, level in zip(p.n_levels, p.level, strict=True)]
    whole = np.hstack(parts)
    eta = p.offset + whole @ np.concatenate([fit.beta, fit.u])
    variance = np.einsum("ci,ij,cj->c", whole, covariance, whole)
    mean = p.likelihood.statistics["n"] * np.exp(eta + variance / 2)
    np.testing.assert_allclose(
        fit.factor.variance(
            sparse.csr_array(whole[:, at.eliminated]), sparse.csr_array(whole[:, at.remaining]),
            fit.factor.covariance(),
        ),
        variance, rtol=1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(fit.cell_information, mean, rtol=0.03, atol=1e-3)
    of_prior = np.concatenate(
        [
            (fit.beta - p.beta_prior[:, 0]) / p.beta_prior[:, 1] ** 2,
            *(
                fit.u[level] / S[0, 0]
                for level, S in zip(
                    (slice(150), slice(150, 165)), fit.effect_covariance, strict=True
                )
            ),
        ]
    )
    slope = whole.T @ (p.likelihood.statistics["sum_y"] - mean) - of_prior
    assert np.abs(covariance @ slope / np.sqrt(np.diag(covariance))).max() < 0.1


@pytest.mark.parametrize("link", ["inverse", "identity"])
def test_a_confined_linear_predictor_is_averaged_at_its_middle(link):
    """No node of the iterations lies at the bound, where the information has no end."""
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(40), 2)
    mean = np.exp(rng.normal(0, 0.8, 40))[g]
    data = pd.DataFrame({"gamma": rng.gamma(2, mean / 2), "x": rng.normal(size=80), "g": g})
    model = model_of("gamma ~ x + (1|g)", data, "gamma", link=link)
    sd = np.exp(model.coordinates.log_sd_location)
    assert np.all((sd > 0.01) & (sd < 100))
    assert np.isfinite(model.coordinates.decorrelation.remaining_scale).all()


@pytest.mark.parametrize("groups", [8, 60])
def test_a_single_event_is_one_event(groups):
    """At a maximum the mean of all counts is what was counted, but for the priors' pull."""
    rng = np.random.default_rng(groups)
    g = np.repeat(np.arange(groups), 6)
    counted = np.where(np.arange(g.size) == 11, 1, 0)
    data = pd.DataFrame({"poisson": counted, "x": rng.normal(size=g.size), "child": g})
    fit = laplace.approximate(problem_of("poisson", data=data))
    assert 0.7 < fit.cell_information.sum() < 2


@pytest.mark.parametrize("dense", [True, False])
def test_variance_of_linear_predictors(dense):
    _, p, covariance, information = crossed()
    H = dense_precision(p, information, covariance)
    factor = block_cholesky.factorise(H if dense else sparse.csr_array(H), block_cholesky.layout(p))
    indicators = [np.eye(J)[level] for J, level in zip(p.n_levels, p.level, strict=True)]
    whole = np.hstack([p.X, indicators[0], indicators[1], p.X[:, 1:] * indicators[1]])
    store = np.asarray if dense else sparse.csr_array
    found = factor.variance(
        store(whole[:, factor.layout.eliminated]), store(whole[:, factor.layout.remaining]),
        factor.covariance(),
    )  # fmt: skip
    np.testing.assert_allclose(found, np.diag(whole @ np.linalg.inv(H) @ whole.T), rtol=1e-7)


@pytest.mark.parametrize("prior", [ws.Exponential(2.0), ws.HalfNormal(0.7), ws.Gamma(3.0, 2.0)])
def test_steps_of_the_sds_include_their_priors(prior):
    """By a search for the mode of the density of log sd, four effects being known."""
    effects = np.array([1.0, -2.0, 0.5, 3.0])

    def loss(log_sd: float) -> float:
        sd = np.exp(log_sd)
        return -(stats.norm(0, sd).logpdf(effects).sum() + float(prior.log_density(sd)) + log_sd)

    expected = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded").x
    found = sds._mode(np.sqrt(np.mean(effects**2)), effects.size, prior)[0]
    assert np.log(found) == pytest.approx(expected, abs=2e-4)


def test_without_a_prior_many_effects_move_no_sd():
    """No bias that steps would add up."""
    assert sds._mode(0.7, 100_000, ws.HalfNormal(1e6))[0] == pytest.approx(0.7, rel=2e-4)


def test_an_sd_far_below_what_its_prior_has_is_found():
    """Of no density there: inverse gammas have none near zero."""
    assert np.isfinite(sds._mode(1e-3, 5, ws.InverseGamma(2.0, 1.0))[0])
    with pytest.raises(np.linalg.LinAlgError):
        sds._mode(np.nan, 5, ws.Exponential(1.0))
