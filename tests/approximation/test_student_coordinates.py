"""Coordinates of Student's sigma and nu."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from models import model_of
from reference_density import Reference
from scipy import integrate, stats

import winstan as ws
from winstan.approximation.student import shift_of_sigma, student_coordinates
from winstan.unconstrained import sampled_at


def two_conditions(seed: int, nu: float | None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = np.tile([0.0, 1.0], 48)
    noise = rng.normal(size=96) if nu is None else rng.standard_t(nu, 96)
    return pd.DataFrame({"x": x, "y": 10 + 0.5 * x + noise})


def at_raw(model, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sigma and nu at coordinates, shape (n, 2)."""
    n, P = len(raw), model.coordinates.beta_location.size
    blocks = {"joint_raw": np.zeros((1, n, P)), "aux_raw": raw[None]}
    empty = {name: np.zeros((1, n, 0)) for name in ("sd_raw", "corr_raw", "rest_raw")}
    return tuple(np.moveaxis(sampled_at(model, blocks | empty, 0).aux[0], -1, 0))


@pytest.mark.parametrize("nu", [0.7, 2.5, 8.0, 60.0])
def test_what_is_in_sigmas_place_has_no_information_with_nu(nu):
    """The expected product of both scores, by integrating over the density of scipy."""
    step = 1e-4

    def log_density(y, kept, log_nu):
        sigma = np.exp(kept - shift_of_sigma(np.asarray(log_nu)))
        return stats.t.logpdf(y, np.exp(log_nu), 0, sigma)

    def product(y, *others):
        """Scores of y by each of two ways to move (kept, log nu)."""
        at = np.array([0.3, np.log(nu)])
        out = 1.0
        for way in others:
            move = step * np.array(way)
            out *= (log_density(y, *(at + move)) - log_density(y, *(at - move))) / (2 * step)
        return out * np.exp(log_density(y, *at))

    def information(*ways):
        return 2 * integrate.quad(product, 0, np.inf, args=ways, limit=200)[0]

    kept, log_nu = (1.0, 0.0), (0.0, 1.0)
    both = information(kept, log_nu)
    assert abs(both) < 1e-3 * np.sqrt(information(kept, kept) * information(log_nu, log_nu))


@pytest.mark.parametrize(
    ("mean", "sd"), [((0.4, 1.7), (0.11, 0.3)), ((-2.0, 3.1), (0.02, 0.02))], ids=["wide", "narrow"]
)
def test_a_normal_density_has_a_straight_coordinate(mean, sd):
    def density(free_aux):
        kept = free_aux[0] + shift_of_sigma(free_aux[1])
        return float(stats.norm.logpdf([kept, free_aux[1]], mean, sd).sum())

    start = np.array([mean[0] - shift_of_sigma(np.asarray(mean[1])), mean[1]])
    sigma, nu = student_coordinates(density, start)
    assert sigma == pytest.approx((mean[0], sd[0], 0.0, 0.0, 0.0), rel=1e-4)
    x = np.linspace(-2, 2, 9)
    location, scale, skew, _, taper = nu
    y = np.arcsinh(taper * x) / taper if taper else x
    found = location + scale * y + skew / 3 * np.logaddexp(0, -3 * y)
    np.testing.assert_allclose(found, mean[1] + sd[1] * x, atol=0.03 * sd[1])


def test_a_density_that_overflows_leaves_units_of_the_logarithm():
    start = np.array([0.2, 1.0])
    sigma, nu = student_coordinates(lambda _: np.nan, start)
    assert sigma == pytest.approx((0.2 + shift_of_sigma(start[1]), 1.0, 0.0, 0.0, 0.0))
    assert nu == pytest.approx((1.0, 1.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize(("seed", "nu"), [(37, 8), (0, 2.5), (4, None)])
def test_the_density_has_the_jacobian_of_the_map(seed, nu):
    """Volumes of (log sigma, log nu) by finite differences of what draws are made with."""
    model = model_of("y ~ x", two_conditions(seed, nu), "student")
    reference = Reference(model)
    data = two_conditions(seed, nu)
    intercept, slope = model.coordinates.beta_location
    mean = intercept + slope * (data["x"] - 0.5)
    values = []
    for raw in np.random.default_rng(1).normal(0, 1.5, (8, 2)):
        step = 1e-5
        points = raw + step * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
        free_aux = np.log(at_raw(model, points)).T
        slopes = (free_aux[::2] - free_aux[1::2]) / (2 * step)
        sigma, t = (float(v[0]) for v in at_raw(model, raw[None]))
        rows = stats.t.logpdf(data["y"], t, mean, sigma).sum()
        own = np.log(abs(np.linalg.det(slopes))) + np.log(sigma * t) + rows
        own += float(model.priors["sigma"].log_density(sigma) + model.priors["nu"].log_density(t))
        values.append(reference(np.concatenate([np.zeros(2), raw])) - own)
    np.testing.assert_allclose(values, values[0], atol=1e-6)


# Of forty plain data sets nine had divergences where sigma and nu were decorrelated linearly.
DIVERGED = [(6, 4), (12, 8), (30, 2.5), (37, 8), (46, 4)]


@pytest.mark.parametrize(("seed", "nu"), DIVERGED)
def test_plain_data_have_no_divergences(seed, nu):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ws.fit("y ~ x", two_conditions(seed, nu), "student", seed=seed, progress=False)
    assert int(fit.draws["sample_stats"]["diverging"].sum()) == 0
    # Distances of draws from what a standard normal has, by quantiles of nu's coordinate
    log_nu = np.log(fit.draws.posterior["nu"].to_numpy().ravel())
    log_sigma = np.log(fit.draws.posterior["sigma"].to_numpy().ravel())
    kept = log_sigma + np.log1p(np.exp(-log_nu))
    assert np.corrcoef(log_sigma, log_nu)[0, 1] > 0.4
    assert abs(np.corrcoef(kept, log_nu)[0, 1]) < 0.3
    grid = np.linspace(-6, 6, 2001)
    raw = np.interp(log_nu, np.log(at_raw(fit.model, np.c_[0 * grid, grid])[1]), grid)
    assert abs(raw.mean()) < 0.25
    assert raw.std() == pytest.approx(1, rel=0.15)
    assert abs(stats.skew(raw)) < 0.3
