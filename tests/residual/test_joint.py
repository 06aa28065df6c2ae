"""Student's residuals of a unit: the multivariate t, unit by unit, by scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from support.residual_reference import correlation, model_of, rows

import winstan as ws
from winstan.backends import backend_named
from winstan.design import take_data
from winstan.draws import canonical
from winstan.effects.joint_density import joint_log_density, unseen_rows
from winstan.effects.pointwise import pointwise, total_log_likelihood
from winstan.unconstrained import coordinate_sizes, sampled_at

CASES = {
    "ar": ("y ~ x + (1|mouse) + ar(visit, unit)", {}),
    "car": ("y ~ x + car(time, unit)", {}),
    "cs": ("y ~ x + cs(visit, unit)", {"sigma": "arm"}),
    "toep": ("y ~ x + toep(visit, unit)", {}),
    "unstr": ("y ~ x + unstr(visit, unit)", {}),
}
PRIORS = {"ar": 2.5, "cs": 1.7, "toep": 1.4, "unstr": 2.0}


def case(kind):
    formula, formulas = CASES[kind]
    prior = ws.LKJ(PRIORS[kind]) if kind in PRIORS else ws.Beta(5.0, 1.6)
    return model_of(formula, rows(), "student", formulas=formulas, priors={kind: prior})


def points(model, n=3):
    return np.random.default_rng(0).normal(size=(n, sum(coordinate_sizes(model).values())))


def draws_at(model, raw):
    blocks, at = {}, 0
    for name, size in coordinate_sizes(model).items():
        blocks[name] = raw[None, :, at : at + size]
        at += size
    return {name: v[0] for name, v in canonical(model, sampled_at(model, blocks, seed=1)).items()}


def of_units(model, kind, draws, s):
    """The distribution of each unit's rows, and their places among all."""
    data = rows()
    eta = draws["Intercept"][s] + draws["x"][s] * data.x.to_numpy()
    if "1|mouse" in draws:
        levels = pd.Index(model.design.groups[0].levels)
        eta = eta + draws["1|mouse"][s][levels.get_indexer(data.mouse)]
    if "sigma" in draws:
        scale = np.full(len(data), draws["sigma"][s])
    else:
        (arm,) = [name for name in draws if name.startswith("sigma_arm")]
        of_sham = np.ravel(draws[arm][s])[0]
        scale = np.exp(draws["sigma_Intercept"][s] + of_sham * (data.arm == "sham"))
    place = data["time" if kind == "car" else "visit"].to_numpy().astype(float)
    for unit in model.design.residual.factor.levels:
        at = np.flatnonzero(data.unit == unit)
        C = correlation(kind, draws[kind][s], place[at], model.structure.order)
        R = C * np.outer(np.asarray(scale)[at], np.asarray(scale)[at])
        yield at, eta[at], R


def log_likelihood(model, kind, draws, s):
    """Of all rows at one draw, unit by unit, by scipy."""
    y = rows().y.to_numpy()
    return sum(
        stats.multivariate_t.logpdf(y[at], mean, R, df=draws["nu"][s])
        for at, mean, R in of_units(model, kind, draws, s)
    )


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.slow
def test_backends_have_that_density(kind):
    model = case(kind)
    raw = np.repeat(points(model, 1), 3, axis=0)
    joint = coordinate_sizes(model)["joint_raw"]
    raw[1:, :joint] += 0.3 * np.random.default_rng(1).normal(size=(2, joint))
    found, gradient = backend_named("stan").log_density(model, raw)
    other, slope = backend_named("pymc").log_density(model, raw)
    assert np.ptp(found - other) < 1e-8
    np.testing.assert_allclose(gradient, slope, rtol=1e-7, atol=1e-7)
    if kind != "ar":  # without group effects: the rest are priors of the coefficients
        draws = draws_at(model, raw)
        likelihood = np.array([log_likelihood(model, kind, draws, s) for s in range(3)])
        X = np.column_stack([np.ones(len(rows())), rows().x])
        at_mean = draws["Intercept"] + draws["x"] * X[:, 1].mean()
        prior = model.priors["Intercept"].log_density(at_mean)
        prior = prior + model.priors["x"].log_density(draws["x"])
        if kind == "cs":
            return
        np.testing.assert_allclose(np.diff(found), np.diff(likelihood + prior), rtol=1e-8)


@pytest.mark.parametrize("kind", CASES)
def test_the_log_likelihood_of_all_rows_is_their_joint_density(kind):
    """And not the sum of each row's given the others, which counts neighbours twice."""
    model = case(kind)
    draws = draws_at(model, points(model))
    expected = [log_likelihood(model, kind, draws, s) for s in range(3)]
    np.testing.assert_allclose(total_log_likelihood(model, draws), expected, rtol=1e-9)
    formula, formulas = CASES[kind]
    normal = model_of(formula, rows(), formulas=formulas)
    own = draws | {"nu": np.full(3, 1e9)}
    expected = [log_likelihood(model, kind, own, s) for s in range(3)]
    np.testing.assert_allclose(total_log_likelihood(normal, draws), expected, rtol=1e-5)


def test_a_row_given_the_others_has_the_conditional_t():
    model = case("unstr")
    draws = draws_at(model, points(model, 2))
    found = pointwise(model, draws)
    out = np.hstack([values for _, values in found.blocks])[:, found.number]
    y, nu = rows().y.to_numpy(), draws["nu"][0]
    for at, mean, R in of_units(model, "unstr", draws, 0):
        for i in range(at.size):
            others = np.arange(at.size) != i
            S = R[np.ix_(others, others)]
            weights = np.linalg.solve(S, R[others, i])
            e = y[at] - mean
            form = e[others] @ np.linalg.solve(S, e[others])
            n = at.size - 1
            scale = np.sqrt((R[i, i] - weights @ R[others, i]) * (nu + form) / (nu + n))
            expected = stats.t.logpdf(e[i], nu + n, weights @ e[others], scale)
            assert out[0, at[i]] == pytest.approx(expected, rel=1e-9)


def test_an_animal_left_out_has_its_units_joint_density_over_its_effect():
    model, data = case("ar"), rows()
    at = np.flatnonzero(data.mouse == "b")
    subset = take_data(model.design, data.mouse.to_numpy() != "b", None)
    unseen = unseen_rows(model, at, np.ones(at.size), subset.places)
    draws = draws_at(model, points(model, 2))
    found = joint_log_density(unseen, draws)
    y = data.y.to_numpy()
    for s in range(2):
        effect, sd = draws["1|mouse"][s, 1], draws["1|mouse_sigma"][s]  # that is put into the mean
        units = [one for one in of_units(model, "ar", draws, s) if np.isin(one[0], at).all()]
        assert len(units) == 2

        def density(u, s=s, effect=effect, sd=sd, units=units):
            each = (
                stats.multivariate_t.logpdf(y[own], mean - effect + u, R, df=draws["nu"][s])
                for own, mean, R in units
            )
            return np.exp(sum(each) + stats.norm.logpdf(u, 0, sd) - found[s])

        share = integrate.quad(density, -8 * sd, 8 * sd, limit=400, epsrel=1e-9)[0]
        assert share == pytest.approx(1, rel=1e-6)


def test_a_unit_left_out_has_the_multivariate_t():
    model, data = case("cs"), rows()
    at = np.flatnonzero(data.unit == "d2")
    unseen = unseen_rows(
        model, at, np.ones(at.size), take_data(model.design, data.unit != "d2", None).places
    )
    draws = draws_at(model, points(model, 3))
    expected = [
        stats.multivariate_t.logpdf(data.y.to_numpy()[at], mean, R, df=draws["nu"][s])
        for s in range(3)
        for own, mean, R in of_units(model, "cs", draws, s)
        if np.array_equal(own, at)
    ]
    np.testing.assert_allclose(joint_log_density(unseen, draws), expected, rtol=1e-9)


def test_replicates_have_a_factor_of_their_own_for_each_unit():
    """Else the tails of all animals come at once; given nu, the factors are of an inverse gamma."""
    nu, draws = 3.0, 4000
    model = case("ar")
    numbers = {"nu": np.full((draws, 1), nu)}
    seen = np.zeros((draws, model.design.residual.sizes.size))
    rng = np.random.default_rng(1)
    factor = model.family.elliptical.factor(rng, seen, 0, numbers)
    assert abs(stats.spearmanr(factor[:, 0], factor[:, 1]).statistic) < 4.5 / np.sqrt(draws)
    assert stats.kstest(nu / factor.ravel() ** 2, stats.chi2(nu).cdf).pvalue > 1e-4
