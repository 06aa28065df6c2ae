"""Curves in Stan, in PyMC and row by row: one density."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from reference_density import Reference

from winstan.backends import backend_named
from winstan.unconstrained import coordinate_sizes

pytestmark = pytest.mark.slow


def counts(seed=0):
    """Twenty times of five animals in two conditions, at scales away from one."""
    rng = np.random.default_rng(seed)
    t = np.tile(np.linspace(20, 50, 20), 10)
    mouse, cond = np.repeat(list("efghi"), 40), np.tile(np.repeat(list("ab"), 20), 5)
    eta = 1 + np.sin(t / 6) * np.where(cond == "a", 0.3, 0.9) + (mouse == "f") * 0.4
    y = rng.poisson(np.exp(eta))
    z = 170 + 31 * (eta + rng.standard_normal(t.size))
    dose = np.arange(t.size) % 4
    return pd.DataFrame({"t": t, "mouse": mouse, "cond": cond, "dose": dose, "y": y, "z": z})


DATA = counts()
CASES = [
    ("poisson", "y ~ cond + s(t, by=cond, k=5) + s(t, mouse, bs='fs', k=4)", None),
    ("poisson", "y ~ s(t, k=5) + s(t, mouse, bs='fs', k=5)", "noncentered"),
    ("poisson", "y ~ mo(dose) + hsgp(t, m=5) + (mo(dose)|mouse)", None),
    ("poisson", "y ~ hsgp(t, m=2)", None),  # as many columns as numbers that their sds are of
    ("gaussian", "z ~ s(t, k=5) + s(t, mouse, bs='fs', k=5)", None),
    ("gaussian", "z ~ cond + s(t, by=cond) + (t|mouse)", None),
    ("gaussian", "z ~ cond + hsgp(t, by=cond, m=6) + (1|mouse)", None),
]


@pytest.mark.parametrize(("family", "formula", "parametrization"), CASES)
def test_backends_have_one_density(family, formula, parametrization):
    model = model_of(formula, DATA, family, parametrization=parametrization)
    dim = sum(coordinate_sizes(model).values())
    points = np.random.default_rng(4).normal(0, 0.7, (8, dim))
    ours, our_slopes = backend_named("stan").log_density(model, points)
    theirs, their_slopes = backend_named("pymc").log_density(model, points)
    gap = ours - theirs
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-8 * np.abs(ours).max())
    scale = np.abs(our_slopes).max()
    np.testing.assert_allclose(our_slopes, their_slopes, rtol=1e-6, atol=1e-8 * scale)
    if model.marginal is None:  # else tests/design/test_smooths.py has it, row by row
        reference = Reference(model)
        gap = ours - [reference(point) for point in points]
        np.testing.assert_allclose(gap - gap[0], 0, atol=1e-8 * np.abs(ours).max())
