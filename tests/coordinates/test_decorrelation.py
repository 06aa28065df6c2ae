"""Coefficients and effects decorrelated by the approximate posterior; its factored precision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from coordinate_cases import HOW, crossed, dense_precision, grouped_rows
from models import model_of
from scipy import linalg, sparse

import winstan as ws
from winstan.approximation import block_cholesky, columns, laplace
from winstan.approximation.auxiliary import AuxiliaryCoordinates
from winstan.approximation.curvature import inverse_curvature, sharpened
from winstan.approximation.laplace import approximate
from winstan.coordinates import choosing, decorrelation
from winstan.tuning import Tuning

APART = Tuning().low_rank_apart


@pytest.mark.parametrize("stored", [sparse.csr_array, np.asarray])
def test_the_factored_precision_is_the_inverse(stored):
    rng, p, covariance, information = crossed()
    H = dense_precision(p, information, covariance)
    factor = block_cholesky.factorise(stored(H), block_cholesky.layout(p))
    assert factor.layout.term == 1
    right = rng.normal(size=len(H))
    inverse = np.linalg.inv(H)
    np.testing.assert_allclose(factor.solve(right), inverse @ right, rtol=1e-8)
    others = np.arange(len(H))[: 2 + 7]
    np.testing.assert_allclose(
        factor.covariance(), inverse[np.ix_(others, others)], rtol=1e-7, atol=1e-9
    )
    blocks = factor.of_eliminated(factor.covariance())
    for j in range(11):
        at = [2 + 7 + j, 2 + 7 + 11 + j]
        np.testing.assert_allclose(blocks[j], inverse[np.ix_(at, at)], rtol=1e-7)


@pytest.mark.parametrize(
    ("formula", "family"),
    [("y ~ x + t + (x|g) + (1|h)", "gaussian"), ("y ~ x + (1|g)", "gamma"), ("y ~ x", "gamma")],
)
def test_dense_and_sparse_arithmetic_agree(formula, family, monkeypatch):
    data = grouped_rows()
    data["y"] = np.exp((data["y"] - data["y"].mean()) / data["y"].std())
    priors = {"b": ws.StudentT(4, 0, 3)} if family == "gaussian" else {}  # sampled, not integrated
    found = []
    monkeypatch.setattr(choosing, "approximate", lambda *a: found.append(a[0]) or approximate(*a))
    model_of(formula, data, family, priors=priors)
    dense = approximate(*found)
    stored = replace(found[0], tuning=Tuning(dense_columns=0))
    assert not columns.columns_of(stored).dense
    sparse_ = approximate(stored)
    for name in ("beta", "beta_covariance", "u", "u_variance", "free_aux"):
        a, b = getattr(dense, name), getattr(sparse_, name)
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("wanted", [True, False, None])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x",
        "y ~ 1 + (1|g)",
        "y ~ 1",
        "y ~ 0 + (1|g)",
        "y ~ x + (x|g) + (1|h)",
        "y ~ x + (x|g/h)",
        "y ~ x + (1|g) + (x||h)",
    ],
)
def test_decorrelated_coordinates_have_the_approximate_covariance(formula, wanted):
    """Uncorrelated coordinates of unit variance become the approximate posterior's effects."""
    data, how = grouped_rows(), HOW[wanted]
    seen = {}
    real_fit, real_map = laplace.approximate, choosing.to_coordinates
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            choosing,
            "approximate",
            lambda *a: seen.update(p=a[0]) or seen.setdefault("f", real_fit(*a)),
        )
        patch.setattr(choosing, "to_coordinates", lambda *a: seen.setdefault("map", real_map(*a)))
        coordinates = model_of(
            formula, data, "student", parametrization=how, tuning=Tuning(regression_from=0.0)
        ).coordinates
    p, fit = seen["p"], seen["f"]
    P, T = p.X.shape[1], fit.u.size
    identity = np.eye(P + T)
    covariance = np.column_stack([fit.factor.solve(column) for column in identity])
    at = block_cholesky.layout(p)
    stored = np.concatenate([at.remaining, at.eliminated]).astype(int)
    whole = seen["map"].toarray()[stored]
    expected = whole @ covariance @ whole.T
    joint = len(coordinates.decorrelation.remaining_scale)
    scale = coordinates.decorrelation.deviations(identity[:, :joint], identity[:, joint:])
    sd = np.sqrt(np.diag(expected))
    got = scale.T @ scale / np.outer(sd, sd)
    expected /= np.outer(sd, sd)
    # What is left out is how several effects of one level correlate, given all others.
    left_out = expected - got
    level = np.tile(np.arange(at.levels), at.width)
    within = (level[:, None] == level) & ~np.eye(len(level), dtype=bool)
    if wanted is None:
        assert np.abs(left_out[joint:, joint:]).max(initial=0) < 0.3
    left_out[joint:, joint:][within] = 0
    np.testing.assert_allclose(left_out, 0, atol=1e-6)


def factor_of_many(n_axes: int, noise: float) -> np.ndarray:
    """Scale of two coefficients and 256 effects that have a few directions in common."""
    rng = np.random.default_rng(3)
    P, W = 2, 256
    axes = linalg.hadamard(W)[:, 1 : n_axes + 1] / np.sqrt(W)  # all effects have equal parts
    other = rng.normal(size=(W, W)) * noise / np.sqrt(W)
    covariance = np.eye(W) + axes @ np.diag(np.linspace(2, 9, n_axes)) @ axes.T + other @ other.T
    sd = rng.uniform(0.1, 3, W) / np.sqrt(np.diag(covariance))
    scale = np.zeros((P + W, P + W))
    scale[:P, :P] = [[0.7, 0], [0.2, 0.4]]
    scale[P:, :P] = rng.normal(size=(W, P))
    scale[P:, P:] = sd[:, None] * np.linalg.cholesky(covariance)
    return scale


def test_many_effects_of_few_axes_keep_their_covariance():
    scale = factor_of_many(7, noise=0.1)
    axes = decorrelation.low_rank(scale, 2, APART)
    assert len(axes.right) == 2 + 7
    np.testing.assert_array_equal(axes.dense()[:, :2], scale[:, :2])
    # In the axes' coordinates the covariance is one, but for what was left out on purpose.
    back = np.linalg.solve(axes.dense(), scale)
    sd = np.linalg.svd(back, compute_uv=False)
    assert sd.max() < 1 + APART
    assert sd.min() > 1 - APART
    assert (
        np.linalg.svd(scale[2:, 2:] / np.linalg.norm(scale[2:, 2:], axis=1)[:, None])[1].max() > 2
    )


def test_effects_of_many_axes_keep_their_matrix():
    assert decorrelation.low_rank(factor_of_many(7, noise=2.0), 2, APART) is None
    assert decorrelation.low_rank(factor_of_many(7, noise=0.1)[:150, :150], 2, APART) is None


@pytest.mark.slow
def test_coefficients_alone_have_no_axes():
    """Two hundred levels of a factor, and no effects beside them: nothing to warn of."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"c": pd.Categorical(np.repeat([f"c{i}" for i in range(202)], 3))})
    data["y"] = rng.poisson(3, len(data))
    data["g"] = rng.integers(0, 6, len(data)).astype(str)
    for formula in ("y ~ c", "y ~ c + (1|g)"):
        with np.errstate(all="raise"):
            coordinates = model_of(formula, data, "poisson").coordinates
        assert coordinates.decorrelation.low_rank is None


@pytest.mark.parametrize(
    ("curvature", "expected"),
    [(4.0, 0.5), (-3.0, 1.0), (np.nan, 1.0)],
    ids=["known", "no maximum", "overflown"],
)
def test_scale_of_an_auxiliary_parameter(curvature, expected):
    at = np.array([0.3])

    def quadratic(free_aux):
        return -0.5 * curvature * float((free_aux - at) @ (free_aux - at))

    # A normal density falls by eight units, four standard deviations out: no tail
    found = inverse_curvature(quadratic, at, np.array([0.05]))
    np.testing.assert_allclose(found, [[expected**2]], rtol=1e-8)


def test_auxiliary_parameters_follow_later_ones():
    """Of a normal density what is sampled is standard normal: the map has its covariance."""
    at, sd = np.array([0.3, -1.0, 2.0]), np.array([0.2, 1.5, 0.7])
    correlation = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, -0.5], [-0.3, -0.5, 1.0]])
    covariance = correlation * np.outer(sd, sd)

    def quadratic(free_aux):
        return -0.5 * float((free_aux - at) @ np.linalg.solve(covariance, free_aux - at))

    curvature = inverse_curvature(quadratic, at, np.full(3, 0.05))
    found = AuxiliaryCoordinates.straight(at, curvature)
    assert not np.any(np.tril(found.regression))
    root = np.linalg.inv(np.eye(3) - found.regression) * found.scale
    np.testing.assert_allclose(root @ root.T, covariance, rtol=1e-6)


def test_numbers_known_to_six_digits_are_met_and_others_stay():
    """The search ends within a thousandth: hundreds of standard deviations away."""
    mode, sd = np.array([0.3, -1.0, 2.0]), np.array([1e-5, 0.5, 2e-6])

    def density(free_aux):
        z = (free_aux - mode) / sd
        return -0.5 * float(z @ z) - 0.1 * z[0] * z[2] + 1e-3 * z[0] ** 3

    found, covariance = sharpened(density, mode + np.array([1e-4, 0.1, -2e-5]))
    np.testing.assert_allclose(found[[0, 2]], mode[[0, 2]], atol=0.05 * 2e-6)
    assert found[1] == mode[1] + 0.1
    correlation = np.array([[1, -0.1], [-0.1, 1]]) / 0.99
    expected = correlation * np.outer(sd[[0, 2]], sd[[0, 2]])
    np.testing.assert_allclose(covariance[np.ix_([0, 2], [0, 2])], expected, rtol=0.02)
