"""Crossed intercepts of few levels: coordinates that are right wherever the sds are."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from coordinate_cases import HOW, problem
from models import model_of
from reference_density import Reference
from slopes import slopes_agree

import winstan as ws
from benchmarks.coverage import study
from benchmarks.plain_divergences import crossed_rows
from winstan.backends import backend_named
from winstan.coordinates import crossing, nesting
from winstan.draws import canonical
from winstan.tuning import USUAL, Tuning
from winstan.unconstrained import coordinate_sizes, sampled_at

# Three levels of a factor are what this is about.
pytestmark = pytest.mark.filterwarnings("ignore:The grouping factor")
# Of 24 such sets, five did where each coefficient had a scale of its own.
DIVERGED = 4, 9, 15

FORMULA = "y ~ x + (1|a) + (1|b)"


def curvature(model, sd_raw: np.ndarray) -> np.ndarray:
    """Eigenvalues of minus the density's second derivative, at the mode given the sds."""
    sizes = coordinate_sizes(model)
    first = sizes["joint_raw"]
    n, density = sum(sizes.values()), backend_named("stan").log_density
    free = np.r_[:first, first + sizes["sd_raw"] : n]
    at, step = np.zeros(n), 1e-3
    at[first : first + sizes["sd_raw"]] = sd_raw
    for _ in range(30):
        moves = step * np.eye(n)[free]
        slopes = density(model, np.concatenate([at[None], at + moves, at - moves]))[1][:, free]
        above, below = np.split(slopes[1:], 2)
        values, vectors = np.linalg.eigh((below - above) / (2 * step))
        move = vectors @ ((vectors.T @ slopes[0]) / np.maximum(np.abs(values), 0.05))
        at[free] += move * min(1, 2 / np.linalg.norm(move))
        if np.linalg.norm(move) < 1e-3:
            return values
    raise AssertionError("no mode")


@pytest.mark.parametrize(
    ("family", "seed"), [("poisson", 10), ("poisson", 41), ("gamma", 36), ("gamma", 11)]
)
@pytest.mark.slow
def test_coordinates_are_standard_at_any_sds(family, seed):
    """A tenth to ten times the fit's sds: with fixed maps, eigenvalues were 0.010 to 350."""
    model = model_of(FORMULA, crossed_rows(family, seed), family)
    coordinates = model.coordinates
    assert coordinates.compensation.terms
    x = np.linspace(-30, 30, 60_001)
    for ratios in itertools.product((0.1, 1.0, 10.0), repeat=2):
        wanted = np.log(coordinates.sd_dependent_location.at * ratios)
        along = [
            np.interp(w, location + scale * x + skew * np.hypot(1, x), x)
            for w, location, scale, skew in zip(
                wanted,
                coordinates.log_sd_location,
                coordinates.log_sd_scale,
                coordinates.log_sd_skew,
                strict=True,
            )
        ]
        values = curvature(model, np.linalg.solve(coordinates.sd_correlation_root, along))
        assert values.min() > 0.25, ratios
        assert values.max() < 5, ratios


@pytest.mark.parametrize(
    ("family", "seed"),
    [("poisson", 41), ("poisson", 54), ("poisson", 291), ("gamma", 11), ("gamma", 49)],
)  # fmt: skip
@pytest.mark.slow
def test_few_crossed_levels_do_not_diverge_by_default(family, seed):
    """Six to fifty-five draws of each did."""
    data = crossed_rows(family, seed)
    fit = ws.fit(FORMULA, data, family, seed=seed, progress=False, silence="all")
    assert int(fit.draws["sample_stats"]["diverging"].sum()) == 0
    assert fit.diagnostics.max_r_hat < 1.01


def test_totals_take_the_mean_of_crossed_effects_in_each_level():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 12, 90), rng.integers(0, 4, 90)
    x, weight = rng.normal(size=90), rng.uniform(0.5, 2, 90)
    line, one = np.column_stack([np.ones(90), x]), np.ones((90, 1))
    p = problem([one, line], [b, a])
    none, (found,) = crossing.crossing(p, weight, nesting.nesting(p))
    assert none == ()
    assert found.term == 0
    effects = rng.normal(size=4)
    for level in range(12):
        rows = a == level
        root = np.sqrt(weight[rows])[:, None]
        expected = np.linalg.lstsq(root * line[rows], root[:, 0] * effects[b[rows]])[0]
        np.testing.assert_allclose((found.A @ effects).reshape(2, 12)[:, level], expected)


@pytest.mark.parametrize("levels", [(20, 15), (1000, 5)])
def test_many_levels_have_a_fixed_map(levels):
    """Their sds are known, or a matrix between them costs more than it gains."""
    rows = np.arange(5000)
    p = problem([np.ones((5000, 1))] * 2, [rows % levels[0], rows // 7 % levels[1]])
    assert crossing.crossing(p, np.ones(5000), ((), ())) == ((), ())


def test_the_intercept_undoes_the_mean_of_crossed_effects():
    """Balanced, and a flat prior: minus the mean, whatever the sds; a slope has no part in it."""
    data = crossed_rows("poisson", 10)
    priors = {"Intercept": ws.Normal(0, 1e3)}
    for sd in (0.3, 3.0):
        model = model_of(FORMULA, data, "poisson", priors=priors | {"1|b_sigma": ws.HalfNormal(sd)})
        compensation = model.coordinates.compensation
        (term,) = compensation.terms
        assert model.coordinates.terms[term].shape == (1, 3)
        np.testing.assert_allclose(compensation.regression[0].sum(), 1, atol=1e-3)
        np.testing.assert_array_equal(compensation.regression[1], 0)


@pytest.mark.parametrize("how", HOW.values())
def test_effects_of_their_prior_alone_take_nothing(how):
    data = crossed_rows("poisson", 10)
    coordinates = model_of(FORMULA, data, "poisson", parametrization=how).coordinates
    found = how != "noncentered"
    assert bool(coordinates.compensation.terms) == found
    assert any(term.crossed for term in coordinates.terms) == found


def rows(seed: int = 3) -> pd.DataFrame:
    """Crossed and nested groups of few levels, a slope, counts."""
    rng = np.random.default_rng(seed)
    n = 160
    table = pd.DataFrame({
        "x": rng.normal(size=n),
        "a": rng.choice([f"a{i}" for i in range(6)], n),
        "b": rng.choice([f"b{i}" for i in range(4)], n),
        "c": rng.choice([f"c{i}" for i in range(6)], n),
        "s": rng.choice([f"s{i}" for i in range(5)], n),
    })  # fmt: skip
    effect = rng.normal(0, 0.6, 26)
    eta = 0.5 + 0.3 * table["x"] + effect[table["a"].str[1].astype(int)]
    eta += effect[10 + table["b"].str[1].astype(int)] * (1 + 0.5 * table["x"])
    return table.assign(y=rng.poisson(np.exp(eta)))


MIXED = {
    "nested and crossed": "y ~ x + (1|a/s) + (1|b)",
    "two that lead": "y ~ x + (1|a/s) + (1|b) + (1|c)",
    "as many levels": "y ~ x + (1|a) + (0 + x|a) + (1|c)",
    "slopes, crossed": "y ~ x + (x|a) + (x|b)",
    "slopes of few": "y ~ x + (x|b)",
    "uncorrelated slopes of few": "y ~ x + (x||b)",
    "slopes of few, nested": "y ~ x + (x|b) + (1|b:s)",
    "no intercept": "y ~ 0 + x + (1|a) + (1|b)",
}


@pytest.mark.parametrize("factored", [True, False])
@pytest.mark.parametrize("case", MIXED)
def test_the_density_is_the_sum_over_rows(case, factored):
    tuning = USUAL if factored else Tuning(factored=1)
    model = model_of(MIXED[case], rows(), "poisson", tuning=tuning)
    coordinates = model.coordinates
    if factored:
        assert coordinates.sd_dependent_covariance.any or any(
            term.crossed for term in coordinates.terms
        )
        assert case != "two that lead" or len(coordinates.compensation.terms) == 2
    reference = Reference(model)
    points = np.random.default_rng(5).normal(0, 0.9, (3, reference.dim))
    density, slope = backend_named("stan").log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-9)
    slopes_agree(reference, points, slope)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["two that lead", "slopes of few", "slopes, crossed"])
def test_stan_and_pymc_agree(case):
    model = model_of(MIXED[case], rows(), "poisson")
    points = np.random.default_rng(6).normal(0, 0.9, (4, Reference(model).dim))
    stan, pymc = (backend_named(name).log_density(model, points) for name in ("stan", "pymc"))
    np.testing.assert_allclose(np.diff(pymc[0]), np.diff(stan[0]), rtol=1e-8)
    np.testing.assert_allclose(pymc[1], stan[1], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_coefficients_have_the_spread_of_few_groups_effects(seed):
    """Four mice of an intercept and a slope, at sds and correlations a width from the middle."""
    data = study("gamma", 4, slope_sd=1.0, seed=4000 + seed)
    model = model_of("y ~ x + (x|mouse)", data, "gamma")
    assert model.coordinates.sd_dependent_covariance.any
    sizes = coordinate_sizes(model)
    for at in itertools.product((-1.0, 1.0), repeat=3):
        first = sizes["joint_raw"]
        point = np.zeros(sum(sizes.values()))
        point[first : first + 3] = at
        step, density = 1e-3, backend_named("stan").log_density
        moves = step * np.eye(len(point))[:first]
        slopes = density(model, np.concatenate([point + moves, point - moves]))[1][:, :first]
        values = np.linalg.eigvalsh((slopes[first:] - slopes[:first]) / (2 * step))
        assert values.min() > 0.5, at
        assert values.max() < 2, at


@pytest.mark.slow
def test_several_effects_of_four_groups_do_not_diverge_by_default():
    for seed in DIVERGED:
        data = study("gamma", 4, slope_sd=1.0, seed=4000 + seed)
        fit = ws.fit("y ~ x + (x|mouse)", data, "gamma", seed=seed, progress=False, silence="all")
        assert int(fit.draws["sample_stats"]["diverging"].sum()) == 0


@pytest.mark.parametrize("case", ["two that lead", "slopes of few", "slopes, crossed"])
def test_draws_are_those_of_the_density(case, monkeypatch):
    """From coordinates to coefficients and effects: what the density takes, numpy gives back."""
    model = model_of(MIXED[case], rows(), "poisson")
    point = np.random.default_rng(8).normal(0, 0.9, Reference(model).dim)
    taken = {}
    real = Reference.rows
    monkeypatch.setattr(
        Reference, "rows", lambda self, values: taken.update(values) or real(self, values)
    )
    Reference(model)(point)
    sizes = coordinate_sizes(model)
    parts = np.split(point, np.cumsum(list(sizes.values()))[:-1])
    raw = {name: part[None, None] for name, part in zip(sizes, parts, strict=True)}
    got = canonical(model, sampled_at(model, raw, 1))
    for name, values in taken.items():
        np.testing.assert_allclose(got[name][0, 0], values, rtol=1e-9, err_msg=name)
