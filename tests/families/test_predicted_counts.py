"""Negative binomial with a shape for each cell: both backends, by exact sums of factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from test_rising import exact

import winstan as ws
from winstan.backends import pymc, stan

pytestmark = pytest.mark.slow  # the templates compile on first use

ALPHAS = np.array([1e-2, 0.3, 2.0, 31.0, 400.0, 7e4, 1e6, 1e8])
PRIORS = {"Intercept": ws.Normal(2.0, 5.0), "alpha_cell": ws.Normal(4.0, 9.0)}


def rows(largest: int) -> pd.DataFrame:
    """Eight cells, each with counts from none to large ones."""
    y = np.array([0, 0, 1, 2, 7, 33, 350, largest])
    cells = [f"c{i}" for i in range(ALPHAS.size)]
    return pd.DataFrame({"y": np.tile(y, ALPHAS.size), "cell": np.repeat(cells, y.size)})


def at(model, beta: np.ndarray) -> np.ndarray:
    """Coordinates of coefficients: without group terms they are linear."""
    coordinates = model.coordinates
    return np.linalg.solve(
        coordinates.decorrelation.remaining_scale, beta - coordinates.beta_location
    )


@pytest.mark.parametrize("backend", [stan, pymc])
@pytest.mark.parametrize(("mu", "largest"), [(0.05, 40), (30.0, 3000), (2e4, 30_000)])
def test_density_and_gradient_are_exact_for_every_shape(backend, mu, largest):
    data = rows(largest)
    model = model_of(["y ~ 1", "alpha ~ 0 + cell"], data, "negative_binomial", priors=PRIORS)
    assert model.level_means is None
    beta = np.log([mu, *ALPHAS])
    density, slope = backend.BACKEND.log_density(model, at(model, beta)[None])

    alpha = np.repeat(ALPHAS, 8)
    pairs = zip(data["y"], alpha, strict=True)
    value, of_alpha, of_mu = np.array([exact(int(y), mu, float(a)) for y, a in pairs]).T
    mean, sd = np.array([2.0] + [4.0] * 8), np.array([5.0] + [9.0] * 8)
    z = (beta - mean) / sd
    prior = (-0.5 * z**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)).sum()
    assert density[0] == pytest.approx(value.sum() + prior, rel=1e-9)

    by_beta = np.concatenate([[of_mu.sum()], of_alpha.reshape(8, 8).sum(axis=1)]) - z / sd
    got = np.linalg.solve(model.coordinates.decorrelation.remaining_scale.T, slope[0])
    error = abs(got - by_beta)
    # Rounding is of the size of what the counts and their means add up to.
    assert error.max() < 1e-11 * (data["y"].sum() + mu * len(data)), error
