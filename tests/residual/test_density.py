"""The density of correlated residuals: row by row by scipy, and on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special
from support.residual_reference import log_marginal, model_of, rows

import winstan as ws
from winstan.backends import backend_named
from winstan.building import refit_model
from winstan.design import take_data
from winstan.draws import canonical
from winstan.residual.patterned import Toeplitz, lag_correlations
from winstan.residual.system import log_density, log_likelihood
from winstan.unconstrained import coordinate_sizes, sampled_at

# Each kind of correlation once, and each structure of the other terms once: units inside a factor's
# groups, across them, slopes, no group at all; one sigma, and one by a formula.
CASES = {
    "ar": ("y ~ x + (1|mouse) + ar(visit, unit)", {}),
    "car": ("y ~ x + (x|mouse) + (1|day) + car(time, unit)", {}),
    "cs": ("y ~ x + (1|day) + cs(visit, mouse:session)", {"sigma": "arm"}),
    "toep": ("y ~ 0 + arm + (1|mouse) + (x|day)", {"residual": "toep(visit, unit)"}),
    "unstr": ("y ~ x + unstr(visit, unit)", {"sigma": "0 + C(visit)"}),
}
# Away from their defaults, which are uniform.
PRIORS = {"ar": 2.5, "cs": 1.7, "toep": 1.4, "unstr": 2.0}


def case(kind):
    formula, formulas = CASES[kind]
    prior = ws.LKJ(PRIORS[kind]) if kind in PRIORS else ws.Beta(5.0, 1.6)
    return model_of(formula, rows(), formulas=formulas, priors={kind: prior})


def points(model, n=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, sum(coordinate_sizes(model).values())))


@pytest.mark.parametrize("kind", CASES)
def test_the_density_is_that_of_all_rows_at_once(kind):
    model, data = case(kind), rows()
    raw = points(model)
    sizes, blocks, at = coordinate_sizes(model), {}, 0
    for name, size in sizes.items():
        blocks[name] = raw[None, :, at : at + size]
        at += size
    draws = canonical(model, sampled_at(model, blocks, seed=1))
    variances, spread, numbers = model.residual.parts(model.variances.at(raw))
    roots = model.stacked.roots(variances.sd, variances.factors)
    found = log_likelihood(model.residual, roots, spread, numbers)
    places = data["time" if kind == "car" else "visit"].to_numpy().astype(float)
    names = [model.coefficients.sampled_names[p] for p in model.residual.spread_at]
    for s in range(len(raw)):
        own = {name: values[0, s] for name, values in draws.items()}
        own |= dict(zip(names, spread[s], strict=False))  # at the mean of the predictors
        expected = log_marginal(model, data.y.to_numpy(), places, data.unit.to_numpy(), own)
        assert found[s] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("backend", ["stan", "pymc"])
@pytest.mark.parametrize("kind", CASES)
@pytest.mark.slow
def test_backends_have_the_same_density_and_its_gradient(kind, backend):
    model = case(kind)
    raw = points(model)

    def density(at):
        return log_density(model.residual, model.variances.at(at)) + model.variances.log_slope(at)

    found, gradient = backend_named(backend).log_density(model, raw)
    assert np.ptp(found - density(raw)) < 1e-9
    step = 1e-5 * np.eye(raw.shape[1])
    expected = (density(raw[0] + step) - density(raw[0] - step)) / 2e-5
    np.testing.assert_allclose(gradient[0], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["ar", "car", "cs"])
def test_the_prior_of_one_correlation_is_normalised(kind):
    structure = case(kind).residual.structure
    total, _ = integrate.quad(
        lambda z: float(np.exp(structure.log_prior(np.array([[z]]))[0])), -40, 40, limit=200
    )
    assert total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("kind", CASES)
def test_the_prior_of_correlations_is_that_of_their_numbers_by_the_jacobian(kind):
    structure = case(kind).residual.structure
    z = np.random.default_rng(2).normal(0, 0.6, (2, structure.n_numbers))
    step = 1e-6 * np.eye(structure.n_numbers)
    for one in z:
        slope = [
            np.ravel(structure.correlations(one + d) - structure.correlations(one - d)) / 2e-6
            for d in step
        ]
        expected = structure.log_prior(one[None])[0] - np.linalg.slogdet(np.array(slope))[1]
        found = structure.log_prior_of(structure.correlations(one[None]))
        np.testing.assert_allclose(found, [expected], rtol=1e-6)


@pytest.mark.parametrize("kind", ["cs", "toep"])
def test_without_the_longest_unit_the_correlation_has_the_prior_of_all_rows(kind):
    """Bounds of ``cs`` are by the largest unit, and ``toep`` has a correlation for each lag."""
    data = rows().query("visit < 2 or unit == 'a2'").reset_index(drop=True)
    model = model_of(f"y ~ x + {kind}(visit, unit)", data, priors={kind: ws.LKJ(1.7)})
    some = take_data(model.design, (data.unit != "a2").to_numpy())
    refit = refit_model(model, some.design)
    whole, part = model.residual.structure, refit.residual.structure
    assert part.order == whole.order == 4
    assert [v.shape for v in refit.variables] == [v.shape for v in model.variables]
    z = np.random.default_rng(3).normal(size=(4, whole.n_numbers))
    np.testing.assert_array_equal(part.log_prior(z), whole.log_prior(z))
    np.testing.assert_array_equal(part.correlations(z), whole.correlations(z))


def test_lkj_of_a_toeplitz_matrix_is_its_determinant_to_a_power():
    # the density of two lags, by the determinant, over that of partial correlations
    structure, z = Toeplitz(3, (1.4,)), np.array([[0.3, -0.8], [-1.1, 0.4]])
    step = 1e-6
    density = []
    for one in z:
        lags = lag_correlations(np.tanh(one))
        slope = np.array(
            [
                (lag_correlations(np.tanh(one + d)) - lag_correlations(np.tanh(one - d)))
                / (2 * step)
                for d in step * np.eye(2)
            ]
        )
        C = structure.matrix(lags[None])[0]
        density.append(0.4 * np.log(np.linalg.det(C)) + np.log(abs(np.linalg.det(slope))))
    assert np.diff(structure.log_prior(z)) == pytest.approx(np.diff(density), rel=1e-6)


def test_the_default_prior_of_car_is_uniform_at_the_typical_gap_in_any_unit_of_time():
    data = rows()
    weeks = model_of("y ~ x + car(time, unit)", data.assign(time=data.time / 7))
    days = model_of("y ~ x + car(time, unit)", data)
    gap = np.median(days.design.residual.gaps)
    assert days.priors["car"].numbers == pytest.approx((gap, 1.0))
    z = np.array([[-1.0], [0.5]])
    expected = special.log_expit(z) + special.log_expit(-z)  # uniform, by its logit
    for model in (days, weeks):
        assert model.residual.structure.log_prior(z) == pytest.approx(expected[:, 0])
