"""Correlation matrices from canonical partial correlations, and back."""

from __future__ import annotations

import numpy as np
from scipy import stats

from winstan.correlations import correlation_factors, free_correlations, partial_log_density


def test_factors_are_of_correlation_matrices_and_are_undone():
    raw = np.random.default_rng(2).normal(0.2, 0.9, (5, 6))
    factor = correlation_factors(raw, 4)
    np.testing.assert_allclose(np.square(factor).sum(axis=-1), 1, rtol=1e-14)
    assert np.all(np.triu(factor, 1) == 0)
    matrix = factor @ np.swapaxes(factor, -1, -2)
    np.testing.assert_allclose(free_correlations(matrix), raw, rtol=1e-10)


def test_the_second_partial_correlation_is_given_the_first():
    """Of three variables: r_23.1 = (r_23 - r_12 r_13) / sqrt((1 - r_12^2) (1 - r_13^2))."""
    z = np.array([0.5, -0.3, 0.7])
    factor = correlation_factors(np.arctanh(z), 3)
    R = factor @ factor.T
    np.testing.assert_allclose([R[1, 0], R[2, 0]], z[:2])
    given = (R[2, 1] - R[1, 0] * R[2, 0]) / np.sqrt((1 - R[1, 0] ** 2) * (1 - R[2, 0] ** 2))
    np.testing.assert_allclose(given, z[2])


def test_partial_correlations_are_symmetric_betas_under_lkj():
    """Of three variables: both with the first of shapes eta + 1/2, the third of eta."""
    raw, eta = np.array([0.4, -0.8, 1.1]), 1.7
    z, shapes = np.tanh(raw), np.array([eta + 0.5, eta + 0.5, eta])
    expected = stats.beta.logpdf(z, shapes, shapes, loc=-1, scale=2) + np.log1p(-np.square(z))
    np.testing.assert_allclose(partial_log_density(raw, 3, eta), expected.sum())
