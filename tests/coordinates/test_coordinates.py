"""Coordinates: what nested terms say of each other, and the way back from the coordinates."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from coordinate_cases import HOW, crossed, dense_precision, grouped_rows, nested, problem
from models import correlation_names, model_of
from scipy import integrate, linalg, sparse, stats
from template_cases import data_of

from winstan.approximation import block_cholesky, laplace
from winstan.backends import Settings, backend_named
from winstan.coordinates import (
    choosing,
    nesting,
    sd_dependent_scale,
    sds,
)
from winstan.coordinates.choosing import choose_coordinates
from winstan.draws import Sampled, canonical
from winstan.errors import DataError
from winstan.tuning import USUAL, Tuning
from winstan.unconstrained import coordinate_sizes


def test_nesting_is_found_with_the_innermost_first():
    _, inner, middle, outer = nested()
    one = np.ones((60, 1))
    crossed = np.arange(60) % 3
    found = nesting.nesting(problem([one] * 4, [middle, inner, crossed, outer]))
    assert [[o.term for o in term] for term in found] == [[3], [0, 3], [], []]
    for term, own, level in ((0, middle, outer), (1, inner, middle)):
        np.testing.assert_array_equal(found[term][0].level[own], level)
        np.testing.assert_allclose(found[term][0].A, [[1.0]])


def test_an_outer_slope_needs_an_inner_one():
    rng, inner, middle, _ = nested()
    x = rng.normal(size=60)
    line, one = np.column_stack([np.ones(60), x]), np.ones((60, 1))
    assert nesting.nesting(problem([line, one], [middle, inner]))[1] == ()
    (found,) = nesting.nesting(problem([one, line], [middle, inner]))[1]
    np.testing.assert_allclose(found.A, [[1.0], [0.0]], atol=1e-12)


@pytest.mark.parametrize("width", [1, 2])
def test_information_on_outer_effects_is_what_is_left_of_the_inner_ones(width):
    """The inner effects integrated out: Z' (Z_in S Z_in' + 1/w)^-1 Z, on all rows at once."""
    rng, inner, middle, outer = nested()
    Z = np.column_stack([np.ones(60), rng.normal(size=60)])[:, :width]
    weight = rng.uniform(0.5, 3, 60)
    roots = [rng.normal(size=(width, width)) + 2 * np.eye(width) for _ in range(3)]
    S = tuple(L @ L.T for L in roots)
    p = problem([Z, Z, Z], [inner, middle, outer])
    known = nesting.information(p, weight, S, nesting.nesting(p))

    def full(level):
        out = np.zeros((60, level.max() + 1, width))
        out[np.arange(60), level] = Z
        return out.reshape(60, -1)

    noise = np.diag(1 / weight)
    for m, level in enumerate((inner, middle, outer)):
        whole = full(level).T @ np.linalg.inv(noise) @ full(level)
        blocks = [whole[i : i + width, i : i + width] for i in range(0, len(whole), width)]
        np.testing.assert_allclose(known[m], blocks, rtol=1e-8, atol=1e-9)
        noise = noise + full(level) @ linalg.block_diag(*[S[m]] * (level.max() + 1)) @ full(level).T


def test_a_treatment_of_whole_groups_is_centring():
    _, inner, *_ = nested()
    treated = (np.arange(12) % 2)[inner].astype(float)
    within = np.random.default_rng(2).normal(size=60)
    X = np.column_stack([np.ones(60), treated, within])
    coordinates = choose_coordinates(problem([np.ones((60, 1))], [inner], X=X), parametrization={})
    centring = coordinates.terms[0].centring[0]
    np.testing.assert_allclose(centring[inner][:, :2], X[:, :2], atol=1e-12)
    np.testing.assert_array_equal(centring[:, 2], 0)


@pytest.mark.parametrize("wanted", [True, False, None])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (1|g)",
        "y ~ x + (x|g) + (1|h)",
        "y ~ x + t + (x|g/h)",
        "y ~ x + (x||g) + (1|g:h)",
    ],
)
def test_the_coordinates_lead_back_to_the_effects(formula, wanted):
    """Standard scores of zero, at the approximate fit, are the effects of that fit."""
    data, how = grouped_rows(), HOW[wanted]
    model = model_of(formula, data, "student", parametrization=how)
    seen = {}
    real = laplace.approximate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "approximate", lambda *a: seen.setdefault("fit", real(*a)))
        model = model_of(formula, data, "student", parametrization=how)
    fit = seen["fit"]

    factors = []
    for _, group in correlation_names(model.design):
        m = [g is group for g in model.design.groups].index(True)
        S = fit.effect_covariance[m]
        sd = np.sqrt(np.diag(S))
        factors.append(np.linalg.cholesky(S / np.outer(sd, sd))[None, None])
    draws = canonical(
        model,
        Sampled(
            fit.beta[None, None],
            np.sqrt(np.concatenate([np.diag(S) for S in fit.effect_covariance]))[None, None],
            factors,
            np.zeros((1, 1, fit.u.size)),
            np.ones((1, 1, 2)),
        ),
    )
    got = np.concatenate(
        [
            draws[f"{effect.name}|{group.factor}"][0, 0].reshape(-1)
            for group in model.design.groups
            for effect in group.effects
        ]
    )
    np.testing.assert_allclose(got, fit.u, rtol=1e-7, atol=1e-7 * np.abs(fit.u).max())


def test_a_failed_start_names_the_response(monkeypatch):
    def fails(*_, **__):
        raise ValueError("array must not contain infs or NaNs")

    monkeypatch.setattr("winstan.building.sampling.choose_coordinates", fails)
    data = pd.DataFrame({"y": [1e-9, 2.0, 3e60], "x": [0.0, 1.0, 3.0]})
    with pytest.raises(DataError, match=r"'y' runs from 1e-09 to 3e\+60"):
        model_of("y ~ x", data, "gamma")


@pytest.mark.parametrize("family", ["gamma", "poisson", "bernoulli", "student"])
@pytest.mark.parametrize("formula", ["y ~ x + (1|g)", "y ~ x + (x|g) + (1|h)", "y ~ x + (x|g/h)"])
@pytest.mark.slow
def test_scores_are_standard_given_sds_and_coefficients(family, formula):
    """By the density itself: its curvature along each score is one, wherever the sds are.

    To how well a quadratic serves: on average closely, either way.
    """
    data = data_of(family).assign(g=lambda d: d["g"] + d["h"].str[1].where(d["x"] > 1, "0"))
    found = curvatures(formula, data, family, {})
    np.testing.assert_allclose(found.mean(axis=1), 1, atol=0.3)
    assert np.abs(np.log(found)).mean(axis=1).max() < 0.35  # too much and too little do not cancel
    # Without what mends what a quadratic leaves
    alone = Tuning(location_from=np.inf)
    informed, plain = (curvatures(formula, data, family, how, alone) for how in ({}, "noncentered"))
    if family in ("gamma", "poisson"):  # sixty rows of 0 and 1 say as good as nothing
        assert np.abs(np.log(informed)).mean() < 0.6 * np.abs(np.log(plain)).mean()


def curvatures(formula, data, family, how, tuning=USUAL) -> np.ndarray:
    """Minus the second derivative of the density along each score, at three points of the sds."""
    model = model_of(formula, data, family, parametrization=how, tuning=tuning)
    sizes = coordinate_sizes(model)
    joint, n_sd = sizes["joint_raw"], sizes["sd_raw"]
    first = joint + n_sd + sizes["corr_raw"]
    P = model.population.shape[1]
    scores = np.r_[P:joint, first : first + sizes["rest_raw"]]
    step, size, out = 1e-3, sum(sizes.values()), []
    for sd_raw in (0.0, -1.5, 1.5):
        point = np.zeros(size)
        point[joint : joint + n_sd] = sd_raw
        moves = step * np.eye(size)[scores]
        points = np.concatenate([point - moves, point + moves])
        slopes = backend_named("stan").log_density(model, points)[1]
        below, above = slopes[: len(scores)], slopes[len(scores) :]
        out.append(((below - above) / (2 * step))[np.arange(len(scores)), scores])
    return np.array(out)


def test_scales_of_coefficients_follow_the_sds():
    """Their derivative is that of the coefficients' posterior covariance, from full matrices."""
    _, p, covariance, information = crossed()
    H = dense_precision(p, information, covariance)
    factor = block_cholesky.factorise(sparse.csr_array(H), block_cholesky.layout(p))
    fit = SimpleNamespace(
        beta=np.zeros(2),
        beta_covariance=np.linalg.inv(H)[:2, :2],
        effect_covariance=covariance,
        factor=factor,
        sd=np.sqrt(np.concatenate([np.diag(S) for S in covariance])),
        sd_slopes=np.eye(3),
    )
    terms = [SimpleNamespace(shape=s, information=np.ones(1)) for s in ((1, 7), (2, 11))]
    found = sd_dependent_scale.find_sd_dependent_scale(fit, terms, left=0.0)
    sd = fit.sd
    np.testing.assert_array_equal(found.at, [0, 1])
    unit = np.eye(2)
    np.testing.assert_allclose(found(unit, sd), unit, rtol=1e-12)
    step = 1e-4
    for k, (m, i) in enumerate([(0, 0), (1, 0), (1, 1)]):
        wider = [S.copy() for S in covariance]
        wider[m][i] *= np.sqrt(1 + step)
        wider[m][:, i] *= np.sqrt(1 + step)
        change = np.linalg.inv(dense_precision(p, information, wider))[:2, :2]
        expected = np.diag(change - fit.beta_covariance) / np.diag(fit.beta_covariance)
        moved = sd.copy()
        moved[k] *= np.sqrt(1 + step)
        got = np.diag(found(unit, moved)) ** 2 - 1
        np.testing.assert_allclose(got, expected, rtol=2e-3)


def test_a_balanced_treatment_within_groups_keeps_its_scale():
    group = np.repeat(np.arange(8), 4)
    treated = np.tile([-0.5, 0.5], 16)
    X = np.column_stack([np.ones(32), treated])
    p = problem([np.ones((32, 1))], [group], X=X)
    np.testing.assert_array_equal(choose_coordinates(p, {}).sd_dependent_scale.at, [0])
    between = np.column_stack([np.ones(32), (group % 2) - 0.5])
    p = problem([np.ones((32, 1))], [group], X=between)
    np.testing.assert_array_equal(choose_coordinates(p, {}).sd_dependent_scale.at, [0, 1])


def check_quantiles(density, location, scale, skew):
    """A density of log sd is that of a standard normal in the hyperbola's coordinate."""

    def mass(low, high):
        return integrate.quad(density, low, high, epsabs=0, epsrel=1e-9, limit=500)[0]

    whole = mass(-12, 4)
    for x in (-2.0, -1.0, 0.0, 1.0, 2.0):
        at = location + scale * x + skew * np.hypot(1, x)
        assert stats.norm.ppf(mass(-12, at) / whole) == pytest.approx(x, abs=0.25)


@pytest.mark.parametrize(("true_sd", "J", "bent"), [(2.0, 60, False), (0.05, 8, True)])
def test_sds_are_normal_in_their_coordinate(true_sd, J, bent):
    """Group means of known error: the exact posterior of the sd has the quantiles of the normal."""
    rng = np.random.default_rng(6)
    error = rng.uniform(0.3, 0.9, J) ** 2
    estimate = true_sd * rng.normal(size=J) + np.sqrt(error) * rng.normal(size=J)
    S = 0.4  # where the approximate fit happens to stop must not matter
    p = problem([np.ones((J, 1))], [np.arange(J)])
    stub = SimpleNamespace(
        u=estimate * S / (S + error),
        u_variance=S * error / (S + error),
        effect_covariance=(np.array([[S]]),),
        sd=np.sqrt([S]),
        sd_slopes=np.eye(1),
        sensitivities=(),
        factor=None,
    )
    (location,), (scale,), (skew,) = sds.sd_coordinates(p, stub, [True])

    def density(log_sd):
        spread = np.sqrt(np.exp(2 * log_sd) + error)
        log_prior = stats.expon.logpdf(np.exp(log_sd)) + log_sd
        return np.exp(stats.norm.logpdf(estimate, 0, spread).sum() + log_prior + 0.9 * J)

    check_quantiles(density, location, scale, skew)
    assert (skew < -0.3 * scale) == bent


@pytest.mark.slow
def test_draws_by_default_are_more_of_many_effects():
    data = pd.concat([grouped_rows()] * 12, ignore_index=True)
    formula = "y ~ x + (1|g) + (1|h)"
    assert model_of(formula, data, "student").draws == 1000
    data["h"] = np.arange(len(data)) // 2
    many = model_of(formula, data, "student")
    assert many.draws == 2000
    assert many.step_size_jitter > 0
    integrated = model_of(formula, data, "gaussian")
    assert integrated.marginal is not None
    assert integrated.draws == 1000  # what is integrated out is not sampled
    assert Settings(draws=40).with_defaults(2000, 150, 0.8).draws == 40  # the user's own


@pytest.mark.parametrize("true_sd", [3.0, 0.1])
def test_of_few_groups_the_contrasts_tell_the_sd(true_sd):
    """Their common mean is free: the exact posterior, it integrated out, has normal quantiles."""
    rng, J, S = np.random.default_rng(9), 4, 0.7
    error = rng.uniform(0.3, 0.9, J) ** 2
    estimate = 5 + true_sd * rng.normal(size=J) + np.sqrt(error) * rng.normal(size=J)
    weight = 1 / error
    known = np.diag(weight) - np.outer(weight, weight) / weight.sum()
    C = np.linalg.inv(known + np.eye(J) / S)
    p = problem([np.ones((J, 1))], [np.arange(J)])
    stub = SimpleNamespace(
        beta=np.zeros(1),
        u=C @ known @ estimate,
        u_variance=np.diag(C),
        effect_covariance=(np.array([[S]]),),
        sd=np.sqrt([S]),
        sd_slopes=np.eye(1),
        sensitivities=(),
        factor=SimpleNamespace(of_effects=lambda P, at, n: C[at : at + n, at : at + n]),
    )
    (location,), (scale,), (skew,) = sds.sd_coordinates(p, stub, [True])

    def density(log_sd):
        total = np.exp(2 * log_sd) + error
        middle = (estimate / total).sum() / (1 / total).sum()
        restricted = np.log(total).sum() + np.log((1 / total).sum())
        restricted += (np.square(estimate - middle) / total).sum()
        return np.exp(-0.5 * restricted + stats.expon.logpdf(np.exp(log_sd)) + log_sd)

    check_quantiles(density, location, scale, skew)
    assert (skew < 0) == (true_sd < 1)


def test_effects_of_one_column_have_the_covariance_of_the_inverse():
    _, p, covariance, information = crossed()
    H = dense_precision(p, information, covariance)
    factor = block_cholesky.factorise(sparse.csr_array(H), block_cholesky.layout(p))
    inverse, P = np.linalg.inv(H), p.X.shape[1]
    at = 0
    for Z, J in zip(p.Z, p.n_levels, strict=True):
        for _ in range(Z.shape[1]):
            block = slice(P + at, P + at + J)
            np.testing.assert_allclose(
                factor.of_effects(P, at, J), inverse[block, block], rtol=1e-7
            )
            at += J
