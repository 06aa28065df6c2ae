"""Random responses and replicated data have the distributions that they are named after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, N, fits, made
from made_draws import made_fit
from models import model_of
from scipy import special, stats

import winstan as ws
from winstan.effects.replicates import posterior_predictive, prior_predictive
from winstan.errors import OptionError
from winstan.families import FAMILIES
from winstan.families.poisson import LARGEST_POISSON


def counts_fit(values: np.ndarray, distribution) -> bool:
    """Chi-square over values that are expected at least ten times; the rest together."""
    at = np.arange(int(values.max()) + 1)
    expected = values.size * distribution.pmf(at)
    common = expected >= 10
    observed = np.bincount(values.astype(int))[common]
    rest = values.size - observed.sum(), values.size - expected[common].sum()
    seen, wanted = observed.astype(float), expected[common]
    if rest[1] > 1:
        seen, wanted = np.append(seen, rest[0]), np.append(wanted, rest[1])
    return stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue > 0.001


def skewed(mean: float, sd: float, slant: float):
    own_mean, own_variance = stats.skewnorm.stats(slant)
    scale = sd / np.sqrt(own_variance)
    return stats.skewnorm(slant, mean - scale * own_mean, scale)


RESPONSES = [
    ("gaussian", -7.0, {"sigma": 2.5}, None, stats.norm(-7, 2.5)),
    ("student", 3.0, {"sigma": 0.4, "nu": 3.5}, None, stats.t(3.5, 3.0, 0.4)),
    ("lognormal", 1.3, {"sigma": 0.6}, None, stats.lognorm(0.6, scale=np.exp(1.3))),
    ("gamma", 40.0, {"alpha": 0.7}, None, stats.gamma(0.7, scale=40 / 0.7)),
    ("gamma", 0.02, {"alpha": 8.0}, None, stats.gamma(8, scale=0.02 / 8)),
    ("skew_normal", 3.0, {"sigma": 0.4, "alpha": -3.0}, None, skewed(3.0, 0.4, -3.0)),
    ("exgaussian", 9.0, {"sigma": 0.4, "beta": 2.0}, None, stats.exponnorm(5, 7, 0.4)),
    (
        "shifted_lognormal",
        1.3,
        {"sigma": 0.6, "ndt": 7.0},
        None,
        stats.lognorm(0.6, 7, np.exp(1.3)),
    ),
    ("exponential", 0.3, {}, None, stats.expon(scale=0.3)),
    (
        "weibull",
        40.0,
        {"alpha": 0.7},
        None,
        stats.weibull_min(0.7, scale=40 / special.gamma(17 / 7)),
    ),
    ("weibull", 3.0, {"alpha": 5.0}, None, stats.weibull_min(5, scale=3 / special.gamma(1.2))),
    ("inverse_gaussian", 40.0, {"lam": 9.0}, None, stats.invgauss(40 / 9, scale=9)),
    ("beta", 0.21, {"phi": 14.0}, None, stats.beta(0.21 * 14, 0.79 * 14)),
    ("beta", 0.64, {"phi": 0.9}, None, stats.beta(0.64 * 0.9, 0.36 * 0.9)),
    ("von_mises", 0.4, {"kappa": 3.1}, None, stats.vonmises(3.1, loc=0.4)),
    ("von_mises", 0.0, {"kappa": 2e4}, None, stats.vonmises(2e4)),
    ("poisson", 6.5, {}, None, stats.poisson(6.5)),
    ("negative_binomial", 9.0, {"alpha": 1.7}, None, stats.nbinom(1.7, 1.7 / (1.7 + 9))),
    ("negative_binomial1", 9.0, {"phi": 2.5}, None, stats.nbinom(3.6, 1 / 3.5)),
    ("geometric", 4.0, {}, None, stats.nbinom(1, 1 / 5)),
    ("bernoulli", 0.23, {}, None, stats.bernoulli(0.23)),
    ("binomial", 0.37, {}, 12, stats.binom(12, 0.37)),
    ("beta_binomial", 0.37, {"phi": 2.6}, 12, stats.betabinom(12, 0.37 * 2.6, 0.63 * 2.6)),
]


# Families with zeros of their own: the share of zeros, and the distribution of the others.
WITH_ZEROS = [
    ("zero_inflated_poisson", 2.5, {"zi": 0.3}, 0.3 + 0.7 * np.exp(-2.5), stats.poisson(2.5)),
    (
        "zero_inflated_negative_binomial", 9.0, {"zi": 0.2, "alpha": 1.7},
        0.2 + 0.8 * stats.nbinom(1.7, 1.7 / 10.7).pmf(0), stats.nbinom(1.7, 1.7 / 10.7),
    ),
    ("hurdle_poisson", 1.2, {"hu": 0.4}, 0.4, stats.poisson(1.2)),
    ("hurdle_poisson", 0.01, {"hu": 0.4}, 0.4, stats.poisson(0.01)),
    (
        "hurdle_negative_binomial", 3.0, {"hu": 0.1, "alpha": 0.6}, 0.1,
        stats.nbinom(0.6, 0.6 / 3.6),
    ),
    ("hurdle_gamma", 40.0, {"hu": 0.3, "alpha": 0.7}, 0.3, stats.gamma(0.7, scale=40 / 0.7)),
    (
        "hurdle_lognormal", 1.3, {"hu": 0.6, "sigma": 0.6}, 0.6,
        stats.lognorm(0.6, scale=np.exp(1.3)),
    ),
]  # fmt: skip


# Shares with ends: of zeros, of ones, and the distribution of the others.
_LOGIT = special.logit(0.3)
WITH_ENDS = [
    ("zero_one_inflated_beta", {"phi": 5.0, "zoi": 0.4, "coi": 0.1}, 0.36, 0.04),
    (
        "ordered_beta", {"phi": 5.0, "cutzero": -1.3, "cutgap": 1.9},
        special.expit(-1.3 - _LOGIT), special.expit(_LOGIT - 0.6),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("family", "aux", "zeros", "ones"), WITH_ENDS)
def test_ends_have_their_shares_and_others_the_distribution_between(family, aux, zeros, ones):
    y = FAMILIES[family].draw_responses(np.random.default_rng(12), np.full(N, 0.3), aux)
    assert stats.binomtest(int((y == 0).sum()), N, zeros).pvalue > 0.001
    assert stats.binomtest(int((y == 1).sum()), N, ones).pvalue > 0.001
    assert fits(y[(y > 0) & (y < 1)], stats.beta(1.5, 3.5))


def test_successes_with_zeros_have_their_share_and_else_are_binomial():
    rng, trials = np.random.default_rng(12), np.full(N, 9.0)
    y = FAMILIES["zero_inflated_binomial"].draw_responses(rng, np.full(N, 0.3), {"zi": 0.2}, trials)
    binomial = stats.binom(9, 0.3)
    mixed = 0.8 * binomial.pmf(np.arange(10)) + 0.2 * (np.arange(10) == 0)
    assert counts_fit(y, stats.rv_discrete(values=(np.arange(10), mixed)))


@pytest.mark.parametrize(("family", "mu", "aux", "zeros", "above"), WITH_ZEROS)
def test_zeros_have_their_share_and_others_the_distribution_above_zero(
    family, mu, aux, zeros, above
):
    y = FAMILIES[family].draw_responses(np.random.default_rng(12), np.full(N, mu), aux)
    assert stats.binomtest(int((y == 0).sum()), N, zeros).pvalue > 0.001
    some = y[y > 0]
    if hasattr(above.dist, "pdf"):
        assert fits(some, above)
        return
    at = np.arange(1, 200)
    truncated = stats.rv_discrete(values=(at, above.pmf(at) / above.pmf(at).sum()))
    assert counts_fit(some, truncated)


@pytest.mark.parametrize(("family", "mu", "aux", "trials", "reference"), RESPONSES)
def test_responses_have_the_distribution_of_the_family(family, mu, aux, trials, reference):
    rng = np.random.default_rng(11)
    y = FAMILIES[family].draw_responses(rng, np.full(N, mu), aux, trials)
    assert y.dtype == float
    check = fits if hasattr(reference.dist, "pdf") else counts_fit
    assert check(y, reference)
    again = FAMILIES[family].draw_responses(np.random.default_rng(11), np.full(N, mu), aux, trials)
    np.testing.assert_array_equal(y, again)


CATEGORIES = [
    *((name, [0.13, 0.02, 0.55, 0.3]) for name in ("cumulative", "sratio", "acat")),
    ("categorical", [0.5, 0.2, 0.03, 0.27]),
]


@pytest.mark.parametrize(("family", "shares"), CATEGORIES)
def test_categories_have_their_shares(family, shares):
    mu = np.broadcast_to(shares, (N, len(shares)))
    y = FAMILIES[family].draw_responses(np.random.default_rng(11), mu, {})
    assert counts_fit(y, stats.rv_discrete(values=(np.arange(len(shares)), shares)))


def test_the_generator_of_every_family_is_tested():
    tested = {family for family, *_ in [*RESPONSES, *WITH_ZEROS, *WITH_ENDS, *CATEGORIES]}
    assert tested | {"zero_inflated_binomial"} == set(FAMILIES)


def test_parameters_of_each_draw_and_row():
    rng = np.random.default_rng(3)
    mu = np.array([[1.0, 100.0], [1.0, 100.0]]).repeat(N // 2, axis=1)
    sigma = np.array([[0.5], [7.0]])
    y = FAMILIES["gaussian"].draw_responses(rng, mu, {"sigma": sigma})
    for s, scale in enumerate((0.5, 7.0)):
        assert fits(y[s, : N // 2], stats.norm(1, scale))
        assert fits(y[s, N // 2 :], stats.norm(100, scale))


def test_means_too_large_for_integers_are_normal():
    rng = np.random.default_rng(4)
    mean = 25 * LARGEST_POISSON
    y = FAMILIES["poisson"].draw_responses(rng, np.full(N, mean), {})
    assert fits((y - mean) / np.sqrt(mean), stats.norm)
    assert np.isinf(FAMILIES["poisson"].draw_responses(rng, np.array([np.inf]), {})).all()
    small = FAMILIES["gamma"].draw_responses(rng, np.full(N, 5.0), {"alpha": 1e-3})
    assert (small > 0).all()


def test_replicates_use_each_rows_own_groups_offset_and_trials():
    fit = made_fit(
        model_of("count ~ stim + offset(np.log(hours)) + (stim|mouse)", DATA, "poisson"), draws=2000
    )
    p = fit.joined()
    y = fit.posterior_predictive(draws=8000)
    assert y.dims == ("chain", "draw", "row")
    assert y.chain.values.tolist() == [0, 1, 2, 3]
    assert y.draw.values.tolist() == list(range(2000))
    assert y.row.values.tolist() == list(range(len(DATA)))
    mice = sorted(DATA["mouse"].unique())
    for row in (0, 13, 30):
        d = DATA.iloc[row]
        j = mice.index(d["mouse"])
        mu = d["hours"] * np.exp(
            p["Intercept"] + p["1|mouse"][:, j] + (p["stim"] + p["stim|mouse"][:, j]) * d["stim"]
        )
        z = (y.values[..., row].ravel() - mu) / np.sqrt(mu)
        assert abs(z.mean()) < 4 / np.sqrt(8000)
        assert abs((z**2).mean() - 1) < 4 * (z**2).std() / np.sqrt(8000)
    model, p = made("p(hits, of) ~ stim", "binomial")
    y = posterior_predictive(model, p, 1, 40, 0).values
    assert (y <= DATA["of"].to_numpy()).all()


def test_replicates_of_a_conjugate_posterior_are_student():
    # y ~ N(mu, sigma), prior 1 / sigma^2: a new y is t(n - 1, mean, s sqrt(1 + 1/n)).
    y = np.random.default_rng(0).normal(-40, 3, 9)
    model = model_of("y ~ 1", pd.DataFrame({"y": y}), "gaussian")
    rng = np.random.default_rng(1)
    sigma = np.sqrt(y.var(ddof=1) * 8 / rng.chisquare(8, N))
    p = {"Intercept": rng.normal(y.mean(), sigma / 3), "sigma": sigma}
    new = posterior_predictive(model, p, 1, N, 2).values[0]
    reference = stats.t(8, y.mean(), y.std(ddof=1) * np.sqrt(1 + 1 / 9))
    assert fits(new[:, 4], reference)


def test_replicates_are_thinned_evenly_and_repeatable():
    fit = made_fit(model_of("y ~ stim", DATA, "gaussian"), draws=101, chains=1)
    y = fit.posterior_predictive(draws=11)
    assert y.draw.values.tolist() == list(range(0, 101, 10))
    np.testing.assert_array_equal(y, fit.posterior_predictive(11, seed=0))
    assert not np.array_equal(y, fit.posterior_predictive(11, seed=1))
    assert fit.posterior_predictive(500).sizes["draw"] == 101
    assert y.name == "y"
    for bad in (0, -1, 2.5, True, "all"):
        with pytest.raises(OptionError, match="draws= must be"):
            fit.posterior_predictive(bad)
    with pytest.raises(OptionError, match="seed= must be"):
        fit.prior_predictive(seed=-1)


def test_vague_priors_reach_infinity_without_noise():
    model = model_of("count ~ 1", DATA, "poisson", priors={"Intercept": ws.Normal(0, 2000)})
    y = prior_predictive(model, 200, 0).values
    assert np.isinf(y).any()
    assert (y >= 0).all()


def test_rows_of_one_draw_share_its_parameters():
    model = model_of(
        "ok ~ 1", DATA, "bernoulli", link="logit", priors={"Intercept": ws.Normal(0, 1.5)}
    )
    y = prior_predictive(model, N, 1).values[0]
    # Rows share the intercept: E y1 y2 = E p^2, by quadrature.
    x, w = np.polynomial.hermite_e.hermegauss(80)
    p2 = w @ special.expit(1.5 * x) ** 2 / w.sum()
    both = y[:, 0] * y[:, 1]
    assert both.mean() == pytest.approx(p2, abs=4 * both.std() / np.sqrt(N))
