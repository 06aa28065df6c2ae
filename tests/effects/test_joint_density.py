"""Joint densities of units that a fit has not seen are scipy's, by normals and grids."""

from __future__ import annotations

import numpy as np
import pytest
from effects_cases import DATA
from made_draws import flat, made_posterior
from models import model_of
from scipy import integrate, stats
from scipy.special import expit, gammaln, logsumexp

from winstan.building import refit_model
from winstan.design import take_data
from winstan.design_warnings import silenced
from winstan.effects.joint_density import joint_log_density, unseen_rows

S = 6
TRIALS = DATA.assign(
    cell=DATA["mouse"] + np.where(np.arange(len(DATA)) % 2, "p", "q"),
    day=np.arange(len(DATA)) % 5,
    times=1 + np.arange(len(DATA)) % 3,
    trial=DATA.groupby("mouse").cumcount(),
)
UNIT = np.flatnonzero(TRIALS["mouse"] == "m2")
OUT = TRIALS.iloc[UNIT]


def densities(formula, family, **options):
    """The joint log density of one mouse at made-up draws of a model of the others."""
    with silenced("all"):
        model = model_of(formula, TRIALS, family, **options)
    keep = np.ones(len(TRIALS), bool)
    keep[UNIT] = False
    subset = take_data(model.design, keep)
    without = refit_model(model, subset.design)
    draws = flat(made_posterior(without, chains=1, draws=S, seed=3))
    if "ar" in draws:
        draws["ar"] = np.linspace(-0.5, 0.8, S)
    weight = np.ones(UNIT.size) if model.design.weights is None else model.design.weights[UNIT]
    unseen = unseen_rows(model, UNIT, weight, subset.places)
    return without, draws, joint_log_density(unseen, draws)


def covariance(draws, s):
    sd = np.array([draws["1|mouse_sigma"][s], draws["x|mouse_sigma"][s]])
    r = draws["mouse_corr"][s, 0]
    return np.outer(sd, sd) * [[1, r], [r, 1]]


def test_slopes_nested_and_crossed_effects_are_a_multivariate_normal():
    """Effects of the mouse and its cells are integrated out, those of days are the draws' own."""
    formula = "y ~ x + (1 + x|mouse) + (1|cell) + (1|day)"
    without, draws, got = densities(formula, "gaussian")
    assert [len(group.levels) for group in without.design.groups] == [5, 10, 5]
    x, y = OUT["x"].to_numpy(), OUT["y"].to_numpy()
    Z = np.column_stack([np.ones_like(x), x])
    same = OUT["cell"].to_numpy()[:, None] == OUT["cell"].to_numpy()
    for s in range(S):
        mean = draws["Intercept"][s] + draws["x"][s] * x + draws["1|day"][s][OUT["day"]]
        V = Z @ covariance(draws, s) @ Z.T + draws["1|cell_sigma"][s] ** 2 * same
        V += draws["sigma"][s] ** 2 * np.eye(x.size)
        assert got[s] == pytest.approx(stats.multivariate_normal(mean, V).logpdf(y), rel=1e-9)


def test_weights_are_rows_that_were_the_same():
    """In a lognormal model the density is of y itself."""
    _, draws, got = densities("Power ~ stim + (1|mouse)", "lognormal", weights="times")
    again = OUT.loc[OUT.index.repeat(OUT["times"])]
    logs = np.log(again["Power"].to_numpy())
    for s in range(S):
        mean = draws["Intercept"][s] + draws["stim"][s] * again["stim"]
        V = draws["1|mouse_sigma"][s] ** 2 + draws["sigma"][s] ** 2 * np.eye(logs.size)
        expected = stats.multivariate_normal(mean, V).logpdf(logs) - logs.sum()
        assert got[s] == pytest.approx(expected, rel=1e-9)


def test_correlated_residuals_and_a_spread_of_their_own():
    formula = ["y ~ x + (1|mouse) + ar(trial, mouse)", "sigma ~ stim"]
    _, draws, got = densities(formula, "gaussian")
    lag = np.abs(np.subtract.outer(OUT["trial"].to_numpy(), OUT["trial"].to_numpy()))
    for s in range(S):
        mean = draws["Intercept"][s] + draws["x"][s] * OUT["x"]
        sigma = np.exp(
            draws["sigma_Intercept"][s] + draws["sigma_stim"][s] * OUT["stim"].to_numpy()
        )
        V = draws["1|mouse_sigma"][s] ** 2 + np.outer(sigma, sigma) * draws["ar"][s] ** lag
        expected = stats.multivariate_normal(mean, V).logpdf(OUT["y"])
        assert got[s] == pytest.approx(expected, rel=1e-9)


def log_of_quad(log_density):
    """Log of an integral over a standard normal, whose peak is found on a grid."""
    grid = np.linspace(-8, 8, 4001)
    values = np.array([log_density(z) for z in grid]) + stats.norm.logpdf(grid)
    top, at = values.max(), grid[values.argmax()]
    with np.errstate(over="ignore"):
        found, _ = integrate.quad(
            lambda z: np.exp(log_density(z) + stats.norm.logpdf(z) - top),
            -12,
            12,
            points=[at],
            limit=500,
        )
    return top + np.log(found)


@pytest.mark.parametrize("family", ["poisson", "bernoulli"])
@pytest.mark.slow
def test_one_effect_by_quadrature(family):
    response = {"poisson": "count", "bernoulli": "ok"}[family]
    _, draws, got = densities(f"{response} ~ stim + (1|mouse)", family)
    y = OUT[response].to_numpy()
    for s in range(S):
        eta = draws["Intercept"][s] + draws["stim"][s] * OUT["stim"].to_numpy()

        def log_density(z, s=s, eta=eta):
            at = eta + draws["1|mouse_sigma"][s] * z
            if family == "poisson":
                return np.sum(y * at - np.exp(at) - gammaln(y + 1))
            return np.sum(np.where(y == 1, np.log(expit(at)), np.log(expit(-at))))

        assert got[s] == pytest.approx(log_of_quad(log_density), abs=1e-4)


@pytest.mark.slow
def test_two_effects_by_importance_sampling():
    """Of a mean and of its spread, correlated: against a grid of both."""
    formula = ["y ~ stim + (1 |p| mouse)", "sigma ~ 1 + (1 |p| mouse)"]
    _, draws, got = densities(formula, "gaussian")
    grid = np.linspace(-9, 9, 721)
    a, b = (part.ravel() for part in np.meshgrid(grid, grid))
    for s in range(3):
        sd = draws["1|mouse_sigma"][s], draws["sigma_1|mouse_sigma"][s]
        r = draws["mouse_corr"][s, 0]
        u, v = sd[0] * a, sd[1] * (r * a + np.sqrt(1 - r**2) * b)
        whole = stats.norm.logpdf(a) + stats.norm.logpdf(b)
        for stim, y in zip(OUT["stim"], OUT["y"], strict=True):
            mean = draws["Intercept"][s] + draws["stim"][s] * stim + u
            whole = whole + stats.norm(mean, np.exp(draws["sigma_Intercept"][s] + v)).logpdf(y)
        expected = logsumexp(whole) + 2 * np.log(grid[1] - grid[0])
        assert got[s] == pytest.approx(expected, abs=0.15)


def test_counts_of_categories_are_multinomial():
    counts = np.random.default_rng(5).integers(1, 6, (len(TRIALS), 3))
    data = TRIALS.assign(a=counts[:, 0], b=counts[:, 1], c=counts[:, 2])
    model = model_of("multinomial(a, b, c) ~ x + (1|mouse)", data, "multinomial")
    rows = np.nonzero(model.design.response.counts)[0]
    at = np.flatnonzero(np.isin(rows, UNIT))
    keep = ~np.isin(rows, UNIT)
    subset = take_data(model.design, keep)
    assert subset.design.n_rows == len(data) - UNIT.size
    draws = flat(made_posterior(refit_model(model, subset.design), chains=1, draws=3, seed=3))
    for name in draws:
        if name.endswith("|mouse_sigma"):
            draws[name] = np.full_like(draws[name], 1e-6)  # all mice are alike
    got = joint_log_density(unseen_rows(model, at, model.design.weights[at], subset.places), draws)
    names = [name for name in draws if name.endswith("Intercept")]
    slopes = [name.replace("Intercept", "x") for name in names]
    for s in range(3):
        eta = np.column_stack(
            [np.zeros(UNIT.size)]
            + [
                draws[i][s] + draws[x][s] * OUT["x"].to_numpy()
                for i, x in zip(names, slopes, strict=True)
            ]
        )
        p = np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
        own = counts[UNIT]
        expected = sum(
            stats.multinomial(n.sum(), q / q.sum()).logpmf(n) for n, q in zip(own, p, strict=True)
        )
        assert got[s] == pytest.approx(expected, abs=0.1)  # of 64 points
