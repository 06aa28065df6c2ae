"""Coordinates of a billion rows, whose numbers are known to five digits: standard normal too."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from template_cases import data_of

from winstan.backends import backend_named
from winstan.unconstrained import coordinate_sizes

pytestmark = pytest.mark.slow  # the templates compile on first use


@pytest.mark.parametrize(
    "family",
    ["gamma", "student", "weibull", "negative_binomial", "zero_inflated_negative_binomial",
     "hurdle_gamma", "beta", "exgaussian"],
)  # fmt: skip
def test_what_is_sampled_is_about_standard_normal(family):
    data = data_of(family).assign(w=16_000_000)
    model = model_of("y ~ x + (1|g)", data, family, weights="w", parametrization={})
    points = np.random.default_rng(0).normal(size=(40, sum(coordinate_sizes(model).values())))
    points[0] = 0
    density, _ = backend_named("stan").log_density(model, points)
    off = density - density[0] + 0.5 * np.square(points).sum(axis=1)
    # Of 40 points, some three standard deviations out; a scale that is wrong makes it thousands.
    assert np.abs(off).max() < 5
