"""Latent effects of single rows that resemble each other: densities, draws, predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support.residual_reference import correlation, model_of, rows

import winstan as ws
from winstan.backends import backend_named
from winstan.draws import canonical
from winstan.effects.predictions import predict
from winstan.effects.prior_draws import prior_draws
from winstan.report.methods import methods_text
from winstan.unconstrained import coordinate_sizes, sampled_at

TERMS = {
    "ar": "ar(visit, unit)",
    "car": "car(time, unit)",
    "cs": "cs(visit, unit)",
    "toep": "toep(visit, unit)",
    "unstr": "unstr(visit, unit)",
}
PRIORS = {"ar": 2.5, "cs": 1.7, "toep": 1.4, "unstr": 2.0}


def counts(mean=3.0):
    """Counts of the rows: few, of which the data say little, or many."""
    data = rows()
    rng = np.random.default_rng(8)
    drift = data.groupby("unit").ngroup() / 12 + 0.1 * data.visit
    return data.assign(n=rng.poisson(mean * np.exp(0.3 * data.x + drift)))


def case(kind, mean=3.0, formula="n ~ x + (1|mouse)"):
    prior = ws.LKJ(PRIORS[kind]) if kind in PRIORS else ws.Beta(5.0, 1.6)
    return model_of(f"{formula} + {TERMS[kind]}", counts(mean), "poisson", priors={kind: prior})


def points(model, n=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, sum(coordinate_sizes(model).values())))


def draws_at(model, raw):
    sizes, blocks, at = coordinate_sizes(model), {}, 0
    for name, size in sizes.items():
        blocks[name] = raw[None, :, at : at + size]
        at += size
    return {name: v[0] for name, v in canonical(model, sampled_at(model, blocks, seed=1)).items()}


def log_joint(model, kind, data, draws, s):
    """Log density of responses and latent effects given the other parameters, by scipy."""
    level = model.design.groups[-1].level[model.design.row]
    latent, sd = draws[f"{kind}_latent"][s][level], draws[f"{kind}_sigma"][s]
    mouse = pd.Index(model.design.groups[0].levels).get_indexer(data.mouse)
    eta = draws["Intercept"][s] + draws["x"][s] * data.x + draws["1|mouse"][s][mouse] + latent
    out = stats.poisson.logpmf(data.n, np.exp(eta)).sum()
    place = data["time" if kind == "car" else "visit"].to_numpy().astype(float)
    for unit in data.unit.unique():
        at = np.flatnonzero(data.unit == unit)
        C = correlation(kind, draws[kind][s], place[at], model.structure.order)
        out += stats.multivariate_normal.logpdf(latent[at], np.zeros(at.size), sd**2 * C)
    return out


@pytest.mark.parametrize("mean", [3.0, 400.0])
@pytest.mark.parametrize("kind", TERMS)
def test_responses_and_effects_have_the_density_of_the_matrix(kind, mean):
    # Of points that differ in innovations or standard scores alone: nothing else changes.
    model, data = case(kind, mean), counts(mean)
    informed = model.coordinates.terms[-1].informed
    assert informed == (mean > 100)
    raw = np.repeat(points(model, 1), 3, axis=0)
    at = slice(
        sum(list(coordinate_sizes(model).values())[:3]), -model.coordinates.aux_location.size
    )
    raw[1:, at] = points(model, 2, seed=4)[:, at]
    found, _ = backend_named("stan").log_density(model, raw)
    draws = draws_at(model, raw)
    expected = [log_joint(model, kind, data, draws, s) for s in range(3)]
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-8)


@pytest.mark.parametrize("mean", [3.0, 400.0])
@pytest.mark.parametrize("kind", TERMS)
@pytest.mark.slow
def test_pymc_has_the_density_and_the_gradient_of_stan(kind, mean):
    model = case(kind, mean)
    raw = points(model)
    found, gradient = backend_named("stan").log_density(model, raw)
    expected, slope = backend_named("pymc").log_density(model, raw)
    assert np.ptp(found - expected) < 1e-8
    np.testing.assert_allclose(gradient, slope, rtol=1e-7, atol=1e-7)


def test_draws_of_the_prior_have_the_correlation_and_the_sd():
    model = case("ar")
    draws = prior_draws(model, np.random.default_rng(3), 20_000)
    group = model.design.groups[-1]
    term = model.design.residual
    first, second = term.rows[:2]  # neighbours of one unit
    level = group.level[model.design.row]
    z = draws["ar_latent"] / draws["ar_sigma"][:, None]
    a, b = z[:, level[first]], z[:, level[second]]
    gap = term.gaps[0]
    assert np.mean(a * b) == pytest.approx(np.mean(draws["ar"] ** gap), abs=0.03)
    assert np.mean(a**2) == pytest.approx(1, abs=0.03)


def trials(units=10, n=24, rho=0.7, sd=0.5, seed=2):
    """Counts of trials that follow each other."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(units, n))
    for k in range(1, n):
        z[:, k] = rho * z[:, k - 1] + np.sqrt(1 - rho**2) * z[:, k]
    stim = (np.arange(n) // 5 + np.arange(units)[:, None]) % 2
    eta = 1.5 + 0.6 * stim + sd * z + 0.3 * rng.normal(size=(units, 1))
    return pd.DataFrame(
        {
            "spikes": rng.poisson(np.exp(eta)).ravel(),
            "stim": stim.ravel(),
            "mouse": np.repeat([f"m{i}" for i in range(units)], n),
            "trial": np.tile(np.arange(n), units),
        }
    )


@pytest.mark.slow
def test_a_fit_recovers_the_correlation_and_the_effect():
    formula = "spikes ~ stim + (1|mouse) + ar(trial, mouse)"
    fit = ws.fit(formula, trials(), "poisson", draws=2000, seed=1, silence="all")
    table = fit.summary()
    for name, value in {"ar": 0.7, "ar_sigma": 0.5, "stim": 0.6}.items():
        assert abs(table.loc[name, "mean"] - value) < 3 * table.loc[name, "sd"]
    assert fit.diagnostics.n_divergent == 0
    assert table["r_hat"].max() < 1.03
    assert "latent (observation-level) effect" in methods_text(fit, prob=0.94)


@pytest.fixture(scope="module")
def made():
    """A model, and draws of all its parameters."""
    model = case("ar")
    return model, prior_draws(model, np.random.default_rng(1), 2000)


def test_the_population_has_the_variance_of_latent_effects(made):
    model, draws = made
    rows_of = pd.DataFrame({"x": [0.4]})
    typical = one_row(predict(model, draws, rows_of, groups="typical"))
    whole = one_row(predict(model, draws, rows_of, groups="population"))
    factor = np.exp(0.5 * (draws["ar_sigma"] ** 2 + draws["1|mouse_sigma"] ** 2))
    np.testing.assert_allclose(whole, typical * factor, rtol=1e-9)


def one_row(prediction):
    return np.hstack([values for _, values in prediction.blocks])[:, 0]


def test_the_next_row_follows_the_last_one_with_given(made):
    model, draws = made
    data = counts()
    last = data[data.unit == "a1"].visit.max()
    new = pd.DataFrame({"x": [0.0], "mouse": "a", "unit": "a1", "visit": last + 2})
    level = model.design.groups[-1].level[model.design.row]
    seen = draws["ar_latent"][:, level[(data.unit == "a1") & (data.visit == last)][0]]
    mouse = list(model.design.groups[0].levels).index("a")
    own = draws["Intercept"] + draws["1|mouse"][:, mouse]
    left = draws["ar_sigma"] * np.sqrt(1 - draws["ar"] ** 4)
    z = (one_row(predict(model, draws, new, kind="link", given="data")) - own) - (
        draws["ar"] ** 2 * seen
    )
    assert stats.kstest(z / left, "norm").pvalue > 0.001
    alone = one_row(predict(model, draws, new, kind="link")) - own
    assert stats.kstest(alone / draws["ar_sigma"], "norm").pvalue > 0.001
    there = one_row(predict(model, draws, new.assign(visit=last), kind="link"))
    np.testing.assert_allclose(there, own + seen)


def test_latent_effects_are_named_so(made):
    model, _ = made
    names = [variable.name for variable in model.variables]
    assert {"ar", "ar_sigma", "ar_latent"} <= set(names)
    assert model.design.groups[-1].factor == "ar(visit, unit)"
