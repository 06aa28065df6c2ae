"""Residuals of rows: given others of their unit, drawn with their correlation."""

from __future__ import annotations

import numpy as np
import pytest
from support.residual_reference import correlation, model_of, residual_covariance, rows

from winstan.residual.rows import draw_residuals, given_observed, given_others

KINDS = {
    "ar": ("ar(visit, unit)", -0.4),
    "car": ("car(time, unit)", 0.93),
    "cs": ("cs(visit, unit)", -0.2),
    "toep": ("toep(visit, unit)", np.array([0.5, 0.1, -0.3])),
    "unstr": ("unstr(visit, unit)", np.array([0.5, 0.3, 0.6, -0.1, 0.2, 0.4])),
}


def made(kind):
    term, value = KINDS[kind]
    data = rows()
    model = model_of(f"y ~ x + {term}", data)
    places = data["time" if kind == "car" else "visit"].to_numpy().astype(float)
    draws = {kind: value, "sigma": 1.7}
    R = residual_covariance(model, places, data.unit.to_numpy(), draws)
    return model, R, np.asarray(value, float)[None]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_given_the_others_is_the_normal_conditional(kind):
    model, R, value = made(kind)
    e = np.random.default_rng(1).normal(size=(1, len(R)))
    mean, sd, square = given_others(model.residual, value, np.full_like(e, 1.7), e)
    for i in (0, 7, len(R) - 1):
        others = np.arange(len(R)) != i
        weights = np.linalg.solve(R[np.ix_(others, others)], R[others, i])
        assert mean[0, i] == pytest.approx(weights @ e[0, others], abs=1e-10)
        assert sd[0, i] ** 2 == pytest.approx(R[i, i] - weights @ R[others, i], rel=1e-10)
        same = np.flatnonzero((R[i] != 0) & others)
        form = e[0, same] @ np.linalg.solve(R[np.ix_(same, same)], e[0, same])
        assert square[0, i] == pytest.approx(form, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_residuals_have_the_covariance(kind):
    model, R, value = made(kind)
    n = 20_000
    many = np.repeat(value, n, axis=0)
    e = draw_residuals(
        model.residual.structure,
        model.design.residual,
        many,
        np.array([[1.7]]),
        np.random.default_rng(2),
    )
    error = np.sqrt((np.outer(np.diag(R), np.diag(R)) + R**2) / n)
    assert np.max(np.abs(e.T @ e / n - R) / error) < 5


@pytest.mark.parametrize("kind", KINDS)
def test_new_rows_given_those_seen(kind):
    model, _, value = made(kind)
    structure = model.residual.structure
    seen, new = np.array([2.0, 0.0]), np.array([3.0, 1.0])
    if kind == "car":  # far earlier rows say no more than the nearest
        seen, new = np.array([20.0, 0.0, 4.5]), np.array([26.0, 11.0])
    both = np.r_[seen, new]
    C = correlation(kind, value[0], both, structure.order)
    m = seen.size
    weights = np.linalg.solve(C[:m, :m], C[:m, m:])
    e = np.random.default_rng(3).normal(size=(1, m))
    mean, root = given_observed(structure, value, seen, new, e)
    np.testing.assert_allclose(mean[0], e[0] @ weights, atol=1e-12)
    np.testing.assert_allclose(root[0] @ root[0].T, C[m:, m:] - C[m:, :m] @ weights, atol=1e-12)
