"""Bases of curves: what they span, how they are scaled, and where they go straight on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from winstan.design.bases import process, spline

X = np.sort(np.random.default_rng(0).uniform(300, 900, 60))
WEIGHT = np.random.default_rng(1).integers(1, 9, 60).astype(float)


def design(kind, k, x=X, weight=WEIGHT):
    basis = spline(x, weight, kind, k)
    return basis, basis.columns(x)


@pytest.mark.parametrize("kind", ["tp", "cr"])
def test_columns_are_apart_from_the_line_uncorrelated_and_of_mean_square_one(kind):
    _, Z = design(kind, 9)
    share = WEIGHT / WEIGHT.sum()
    line = np.column_stack([np.ones(60), X / 100])
    assert Z.shape == (60, 7)
    np.testing.assert_allclose(line.T @ (share[:, None] * Z), 0.0, atol=1e-9)
    gram = Z.T @ (share[:, None] * Z)
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0.0, atol=1e-9)
    assert np.trace(gram) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("kind", ["tp", "cr"])
@pytest.mark.slow
def test_the_prior_is_that_of_the_integrated_squared_second_derivative(kind):
    """Coefficients of variance s^2 have the penalty of the spline over s^2, by quadrature."""
    basis, _ = design(kind, 8)
    at = np.linspace(X[0], X[-1], 200_001)
    h = at[1] - at[0]
    curvature = (basis.columns(at + h) - 2 * basis.columns(at) + basis.columns(at - h)) / h**2
    inside = curvature[1:-1]
    roughness = inside.T @ inside * h
    # Of cubic splines exactly; of the best eight thin plate functions to their eigenvalues.
    scale = roughness[0, 0]
    if kind == "cr":
        np.testing.assert_allclose(roughness / scale, np.eye(6), atol=2e-3)
    else:
        full, _ = design(kind, 60)
        assert full.turn.shape == (60, 58)


def test_a_cubic_basis_is_every_natural_spline_through_its_knots():
    basis, Z = design("cr", 6)
    knots = basis.middle + basis.half * basis.knots
    values = np.random.default_rng(2).normal(size=6)
    curve = CubicSpline(knots, values, bc_type="natural")
    D = np.column_stack([np.ones(60), X, Z])
    found = np.linalg.lstsq(D, curve(X), rcond=None)[0]
    np.testing.assert_allclose(D @ found, curve(X), atol=1e-8)
    beyond = np.array([X[0] - 50.0, X[-1] + 80.0])
    straight = [
        curve(end) + curve(end, 1) * (x - end)
        for x, end in zip(beyond, knots[[0, -1]], strict=True)
    ]
    at = np.column_stack([np.ones(2), beyond, basis.columns(beyond)])
    np.testing.assert_allclose(at @ found, straight, rtol=1e-7)


@pytest.mark.slow
def test_a_thin_plate_basis_of_all_knots_is_the_smoothing_spline():
    """The curve of least squares and penalty is scipy's natural cubic smoothing spline."""
    from scipy.interpolate import make_smoothing_spline  # noqa: PLC0415

    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(0, 4, 25))
    y = np.sin(2 * x) + rng.normal(0, 0.2, 25)
    basis, Z = design("tp", 25, x, np.ones(25))
    # Penalty of the columns: the identity times a constant, found from one of them.
    at = np.linspace(x[0], x[-1], 400_001)
    h = at[1] - at[0]
    bend = basis.columns(at)[:, 0]
    roughness = np.square(np.diff(bend, 2) / h**2).sum() * h
    lam = 0.05
    D = np.column_stack([np.ones(25), x, Z])
    P = np.diag([0.0, 0.0, *np.full(23, lam * roughness)])
    ours = D @ np.linalg.solve(D.T @ D + P, D.T @ y)
    np.testing.assert_allclose(ours, make_smoothing_spline(x, y, lam=lam)(x), atol=2e-4)


def test_no_unit_of_the_covariate_matters():
    for kind in ("tp", "cr"):
        _, Z = design(kind, 10)
        _, again = design(kind, 10, X / 1e6 - 7)
        np.testing.assert_allclose(again, Z, atol=1e-6)


def test_functions_of_a_process_are_orthonormal_on_their_interval():
    own = process(X, 12, 1.5)
    at = np.linspace(own.middle - own.reach, own.middle + own.reach, 20_001)
    phi = own.columns(at)
    gram = np.trapezoid(phi[:, :, None] * phi[:, None, :], at, axis=0)
    np.testing.assert_allclose(gram, np.eye(12), atol=1e-6)
    assert own.reach == pytest.approx(1.5 * np.ptp(X) / 2)
