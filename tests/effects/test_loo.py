"""Pointwise log densities are scipy's, row by row; leave-one-out is ArviZ's, and the exact one."""

from __future__ import annotations

from dataclasses import replace
from warnings import catch_warnings, simplefilter

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from effects_cases import DATA, MICE, made
from made_draws import fit_with, made_fit
from models import model_of
from row_densities import INVERSE, row_log_densities
from scipy import special, stats

from winstan import effects
from winstan.effects import means, pointwise
from winstan.errors import DesignWarning, OptionError
from winstan.families import FAMILIES
from winstan.families.links import LINKS
from winstan.tuning import Tuning

S = 7


@pytest.mark.parametrize(
    ("family", "link"),
    [
        (family, link)
        for family in FAMILIES.values()
        if family.of_labels is None
        for link in family.links
    ],
    ids=lambda x: getattr(x, "name", x),
)
def test_densities_are_scipys(family, link):
    rng = np.random.default_rng(3)
    n = 60
    low, high = (0.4, 4.0) if family.positive_mean and link != "log" else (-2.5, 2.5)
    eta = rng.uniform(low, high, (S, n))
    eta = np.where(np.abs(eta) < 0.05, 0.3, eta)  # of which the inverse link has no mean
    aux = {name: rng.uniform(1.5, 7.0, (S, 1)) for name in family.auxiliary}
    shares = {"zi", "hu", "zoi", "coi", "ndt"} & aux.keys()
    aux |= {name: rng.uniform(0.1, 0.9, (S, 1)) for name in shares}
    if family.thresholds is not None:
        cuts = np.sort(rng.normal(0, 2, (S, 4)), axis=1)
        aux["threshold"] = tuple(cuts[:, [k]] for k in range(4))
    trials = None
    if family.of_categories:
        y = rng.integers(0, 5, n).astype(float)
    elif family.of_trials:
        trials = rng.integers(0, 12, n).astype(float) if family.trials else np.ones(n)
        y = np.round(rng.uniform(0, trials))
        y[:10] = trials[:10]
    elif family.kind == "count":
        y = np.r_[0.0, 0.0, 1.0, 300.0, rng.poisson(5.0, n - 4)]
    elif family.kind == "unit":
        y = np.r_[1e-9, 1 - 1e-9, rng.beta(0.8, 1.3, n - 2)]
    elif family.kind == "proportion":
        y = np.r_[np.zeros(9), np.ones(9), rng.beta(0.8, 1.3, n - 18)]
    elif family.kind in ("positive", "nonnegative"):
        y = np.exp(rng.normal(0.0, 2.0, n))
        y[:9] = 0.0 if family.kind == "nonnegative" else y[:9]
    elif family.circular:
        y = np.r_[-np.pi, np.pi, rng.uniform(-np.pi, 2 * np.pi, n - 2)]
    else:
        y = rng.normal(1.0, 9.0, n)
    got = family.log_densities(y, eta, aux, LINKS[link], trials if family.trials else None)
    assert got.shape == (S, n)
    for s in range(S):
        of_draw = {
            name: [at[s, 0] for at in values] if isinstance(values, tuple) else values[s, 0]
            for name, values in aux.items()
        }
        expected = row_log_densities(family.name, link, y, eta[s], of_draw, trials)
        np.testing.assert_allclose(got[s], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_certain_outcomes_far_out(link):
    """Where a probability rounds to 0 or 1, its logarithm still has all its digits."""
    eta = np.array([[-30.0, -30.0, 30.0, 30.0, -800.0]])
    y = np.array([0.0, 1.0, 1.0, 0.0, 0.0])
    got = FAMILIES["bernoulli"].log_densities(y, eta, {}, LINKS[link])[0]
    far = {
        "logit": -30.0,
        "probit": stats.norm.logcdf(-30.0),
        "cloglog": -30.0,  # P(1) = 1 - exp(-exp(eta)) is exp(eta)
    }[link]
    not_one = -np.exp(30.0) if link == "cloglog" else far
    np.testing.assert_allclose(got, [0.0, far, 0.0, not_one, 0.0], rtol=1e-12, atol=1e-12)


def test_large_shapes_are_the_limits():
    """A negative binomial of huge shape is Poisson, a t of many degrees of freedom normal."""
    y, eta = np.array([0.0, 4.0, 70.0]), np.full((1, 3), 2.0)
    got = FAMILIES["negative_binomial"].log_densities(y, eta, {"alpha": 1e12}, LINKS["log"])
    np.testing.assert_allclose(got[0], stats.poisson.logpmf(y, np.exp(2.0)), rtol=1e-7)
    got = FAMILIES["student"].log_densities(y, eta, {"nu": 1e9, "sigma": 5.0}, LINKS["identity"])
    np.testing.assert_allclose(got[0], stats.norm.logpdf(y, 2.0, 5.0), rtol=1e-6)


def array_of(model, p) -> np.ndarray:
    return effects.log_likelihood(model, p, 2).to_numpy().reshape(len(p["Intercept"]), -1)


def test_rows_of_the_data_with_their_own_effects_and_offsets():
    formula = "count ~ stim * x + offset(np.log(hours)) + (stim|mouse)"
    for family in ("poisson", "negative_binomial"):  # only the first moves offsets into cells
        model, p = made(formula, family)
        # scipy's nbinom takes a probability, which loses the digits of a mean far below one.
        p["x"], p["stim:x"] = 0.05 * p["x"], 0.05 * p["stim:x"]
        got = array_of(model, p)
        for i, row in enumerate(DATA.itertuples()):
            j = MICE.index(row.mouse)
            eta = p["Intercept"] + p["stim"] * row.stim + p["x"] * row.x + p["1|mouse"][:, j]
            eta = eta + (p["stim:x"] * row.x + p["stim|mouse"][:, j]) * row.stim
            mu = row.hours * np.exp(eta)
            expected = (
                stats.poisson.logpmf(row.count, mu)
                if family == "poisson"
                else stats.nbinom.logpmf(row.count, p["alpha"], p["alpha"] / (p["alpha"] + mu))
            )
            np.testing.assert_allclose(got[:, i], expected, rtol=1e-9)


CASES = [
    ("Power ~ stim + offset(x / 10) + (1|mouse)", "gamma", {}),
    ("Power ~ stim + offset(x / 10) + (1|mouse)", "lognormal", {}),
    ("y ~ stim + offset(x) + (1|mouse)", "gaussian", {}),
    ("y ~ stim + offset(x) + (1|mouse)", "student", {}),
    ("p(hits, of) ~ cond + (1|mouse)", "binomial", {"link": "cloglog"}),
    ("ok ~ cond + (1|mouse)", "bernoulli", {"link": "probit"}),
    ("count ~ stim + offset(np.log(hours)) + (1|mouse)", "poisson", {}),
    ("count ~ stim + offset(np.log(hours)) + (1|mouse)", "negative_binomial", {}),
]


@pytest.mark.parametrize(("formula", "family", "options"), CASES)
@pytest.mark.parametrize("weights", [None, "n"])
def test_they_add_up_to_the_density_of_the_cells(formula, family, options, weights, monkeypatch):
    """Un-compressed and weighted, they are what was sampled; whatever the chunks."""
    model, p = made(formula, family, weights=weights, **options)
    got = array_of(model, p)
    weight = np.ones(len(DATA)) if weights is None else DATA[weights].to_numpy()
    rows = means.take_rows(means.rows_of(model.design), model.cells.design_row)
    eta = np.hstack([eta for _, eta in means.linear_predictor(model, p, rows)])
    for s in (0, 5):
        aux = {name: p[name][s] for name in model.family.auxiliary}
        whole = model.family.log_likelihood(
            model.cells.statistics, eta[s] + model.cells.offset, aux, model.link
        )
        np.testing.assert_allclose(got[s] @ weight, whole, rtol=1e-10)
    parts = replace(model, tuning=Tuning(chunk=5 * len(p["Intercept"])))
    np.testing.assert_array_equal(array_of(parts, p), got)


def test_rows_that_are_alike_are_evaluated_once():
    twice = pd.concat([DATA, DATA], ignore_index=True)
    model, p = made("ok ~ cond + (1|mouse)", "bernoulli", data=twice)
    found = pointwise.pointwise(model, p)
    assert found.n <= 6 * 3 * 2
    assert sum(values.shape[1] for _, values in found.blocks) == found.n
    got = array_of(model, p)
    np.testing.assert_array_equal(got[:, : len(DATA)], got[:, len(DATA) :])


# --- leave-one-out --------------------------------------------------------------------------------


def quietly(f, *args, **kwargs):
    with catch_warnings():
        simplefilter("ignore")
        return f(*args, **kwargs)


def exact_normal_draws(y, weight, n_draws=4000, chains=4, seed=1):
    """Independent draws of mean and sd of a normal sample under the prior 1 / sigma."""
    rng = np.random.default_rng(seed)
    n, mean = weight.sum(), np.average(y, weights=weight)
    ss = weight @ np.square(y - mean)
    sigma = np.sqrt(ss / rng.chisquare(n - 1, n_draws))
    mu = rng.normal(mean, sigma / np.sqrt(n))
    shape = (chains, n_draws // chains)
    return {"Intercept": mu.reshape(shape), "sigma": sigma.reshape(shape)}


def normal_fit(y, weight=None):
    data = pd.DataFrame({"y": y, "w": np.ones(len(y)) if weight is None else weight})
    with catch_warnings():
        simplefilter("ignore", DesignWarning)
        model = model_of("y ~ 1", data, "gaussian", weights=None if weight is None else "w")
    return fit_with(model, exact_normal_draws(y, data["w"].to_numpy()))


Y = np.random.default_rng(5).normal(40.0, 7.0, 50)


def test_of_a_normal_sample_it_is_the_t_density_of_the_others():
    """Exact: given n - 1 others, a value has their t distribution with n - 2 degrees of freedom."""
    result = normal_fit(Y).loo()
    exact = []
    for i, value in enumerate(Y):
        others = np.delete(Y, i)
        m = len(others)
        scale = others.std(ddof=1) * np.sqrt(1 + 1 / m)
        exact.append(stats.t.logpdf(value, m - 1, others.mean(), scale))
    np.testing.assert_allclose(result.elpd_i, exact, atol=0.05)
    assert result.elpd == pytest.approx(np.sum(exact), abs=0.15)
    assert result.se == pytest.approx(np.std(exact, ddof=1) * np.sqrt(len(Y)), rel=0.02)
    assert 1 < result.p < 3  # two parameters
    assert result.n_data_points == 50
    assert not result.warning


@pytest.mark.parametrize(("formula", "family", "options"), [CASES[3], CASES[4], CASES[6]])
def test_it_is_arvizs_with_the_effective_draws_of_each_row(formula, family, options):
    fit = made_fit(model_of(formula, DATA, family, **options), draws=200)
    density = np.moveaxis(fit.log_likelihood().to_numpy(), -1, 0)
    by_seven = replace(fit.model, tuning=Tuning(chunk=800 * 7))  # rows at a time
    got = replace(fit, model=by_seven).loo(silence="influential_rows")
    expected = []
    for row in density:
        ess = array_stats.ess(np.exp(row), method="mean", chain_axis=0, draw_axis=1)
        expected.append(quietly(array_stats.loo, row, r_eff=float(ess) / row.size))
    elpd, k, p = np.array(expected).T
    np.testing.assert_allclose(got.elpd_i, elpd, rtol=1e-10)
    np.testing.assert_allclose(got.pareto_k, k, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(got.p_loo_i, p, rtol=1e-9, atol=1e-11)
    tree = fit.draws.copy()
    tree["log_likelihood"] = xr.Dataset({"y": fit.log_likelihood()})
    whole = quietly(az.loo, tree, pointwise=True)
    for name in ("good_k", "n_samples", "n_data_points", "warning"):
        assert got[name] == whole[name], name
    assert got.elpd == pytest.approx(elpd.sum())
    assert got.se == pytest.approx(np.sqrt(elpd.size) * elpd.std(ddof=1))
    assert float(got.p_loo_i.sum()) == pytest.approx(got.p)


def test_a_weight_counts_observations():
    weight = np.tile([1, 3], 25)
    weighted, repeated = normal_fit(Y, weight).loo(), normal_fit(np.repeat(Y, weight)).loo()
    assert weighted.n_data_points == repeated.n_data_points == 100
    np.testing.assert_allclose(weighted.elpd_i, repeated.elpd_i, rtol=1e-9)
    for name in ("elpd", "se", "p"):
        assert weighted[name] == pytest.approx(repeated[name], rel=1e-9), name
    np.testing.assert_array_equal(weighted.elpd_i["row"], np.repeat(np.arange(50), weight))
    with pytest.raises(OptionError, match="2 rows of 50 have a weight that is no whole number"):
        normal_fit(Y, np.r_[0.5, 1.5, np.ones(48)]).loo()


def test_influential_rows_are_named():
    outlier = Y.copy()
    outlier[17] = 400.0
    fit = normal_fit(outlier)
    with pytest.warns(DesignWarning, match=r"1 of 50 rows .* above 0\.7 \(row 17: ") as caught:
        result = fit.loo()
    assert caught[0].message.guard == "influential_rows"
    assert result.warning
    assert result.pareto_k.to_numpy().argmax() == 17
    fit.loo(silence="influential_rows")  # warnings are errors here


def test_fits_of_one_response_compare():
    gaussian = normal_fit(np.exp(Y / 12))
    model = model_of("y ~ 1", pd.DataFrame({"y": np.exp(Y / 12)}), "lognormal")
    lognormal = fit_with(model, exact_normal_draws(Y / 12, np.ones(50)))
    table = quietly(
        az.compare,
        {"gaussian": gaussian.loo(silence="all"), "lognormal": lognormal.loo()},
    )
    assert list(table.index) == ["lognormal", "gaussian"]
    # The density of y has the Jacobian of the logarithm: that of log(y) less log(y).
    log_density = stats.norm.logpdf(
        Y[0] / 12, lognormal.draws["posterior"]["Intercept"], lognormal.draws["posterior"]["sigma"]
    )
    np.testing.assert_allclose(lognormal.log_likelihood()[..., 0], log_density - Y[0] / 12)


def test_an_array_too_large_to_hold_is_refused(monkeypatch):
    fit = normal_fit(Y)
    assert fit.log_likelihood().sizes == {"chain": 4, "draw": 1000, "row": 50}
    small = replace(fit.model, tuning=Tuning(largest_array=4000 * 50 * 8 - 1))
    with pytest.raises(OptionError, match=r"50 rows under 4,000 draws are 0\.0 GB.*loo"):
        replace(fit, model=small).log_likelihood()


def test_links_of_the_reference_are_winstans():
    """The reference inverts by scipy; so does winstan, elsewhere than in its densities."""
    eta = np.linspace(0.2, 2.0, 9)
    for name, link in LINKS.items():
        np.testing.assert_allclose(link.inverse(eta), INVERSE[name](eta), rtol=1e-12)
    assert special.expit(0.0) == 0.5
