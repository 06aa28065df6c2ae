"""Draws from priors, and of data from them, have the distributions that they are named after."""

from __future__ import annotations

import numpy as np
import pytest
from effects_cases import DATA, N, fits
from made_draws import made_fit
from models import model_of
from scipy import stats

import winstan as ws
from winstan.effects.prior_draws import prior_draws
from winstan.effects.replicates import prior_predictive
from winstan.errors import PriorError


@pytest.mark.parametrize(
    ("prior", "reference"),
    [
        (ws.Normal(-2, 0.3), stats.norm(-2, 0.3)),
        (ws.StudentT(3, 1.5, 4), stats.t(3, 1.5, 4)),
        (ws.Cauchy(1, 0.2), stats.cauchy(1, 0.2)),
        (ws.Exponential(0.25), stats.expon(scale=4)),
        (ws.Gamma(2, 0.1), stats.gamma(2, scale=10)),
        (ws.InverseGamma(0.4, 0.3), stats.invgamma(0.4, scale=0.3)),
        (ws.HalfNormal(3), stats.halfnorm(scale=3)),
        (ws.HalfCauchy(0.5), stats.halfcauchy(scale=0.5)),
    ],
)
def test_priors_are_drawn_from_their_density(prior, reference):
    values = prior.sample(np.random.default_rng(5), (N // 4, 4))
    assert values.shape == (N // 4, 4)
    assert fits(values.reshape(-1), reference)


def test_half_student_is_the_positive_half():
    values = ws.HalfStudentT(4, 2.5).sample(np.random.default_rng(6), N)
    assert stats.kstest(values, lambda x: 2 * stats.t(4, 0, 2.5).cdf(x) - 1).pvalue > 0.001


@pytest.mark.parametrize("prior", [ws.Flat(), ws.LKJ(2)])
def test_priors_without_draws(prior):
    with pytest.raises(PriorError, match="cannot be drawn from"):
        prior.sample(np.random.default_rng(0), 3)


@pytest.mark.parametrize(("eta", "width"), [(1.0, 2), (0.7, 3), (3.0, 4)])
def test_correlations_have_the_lkj_marginals(eta, width):
    L = ws.LKJ(eta).sample_factors(np.random.default_rng(7), N, width)
    np.testing.assert_allclose(np.triu(L, 1), 0)
    R = L @ np.swapaxes(L, 1, 2)
    np.testing.assert_allclose(np.diagonal(R, axis1=1, axis2=2), 1)
    # Lewandowski et al. (2009): each correlation is 2 Beta(b, b) - 1, b = eta - 1 + q / 2.
    b = eta - 1 + width / 2
    for i in range(width):
        for j in range(i):
            assert fits(R[:, i, j], stats.beta(b, b, loc=-1, scale=2))


def test_determinants_of_lkj():
    # E det(R)^c is a ratio of LKJ's normalising constants; three uniform correlations: direct.
    R = ws.LKJ(2.0).sample_factors(np.random.default_rng(8), 4 * N, 3)
    R = R @ np.swapaxes(R, 1, 2)
    # Partial correlations are independent: E(1 - r^2) = b / (b + 1/2) for r = 2 Beta(b, b) - 1.
    expected = np.prod([b / (b + 0.5) for b in (2.5, 2.5, 2.0)])
    dets = np.linalg.det(R)
    assert abs(dets.mean() - expected) < 4 * dets.std() / np.sqrt(dets.size)


def test_prior_draws_are_of_the_models_priors():
    priors = {"Intercept": ws.Normal(2, 3), "stim": ws.Normal(-1, 0.5), "1|mouse_sigma":
              ws.HalfNormal(2), "stim|mouse_sigma": ws.Exponential(4), "corr": ws.LKJ(3),
              "alpha": ws.Gamma(4, 2)}  # fmt: skip
    model = model_of("Power ~ stim + cond + (stim|mouse)", DATA, "gamma", priors=priors)
    p = prior_draws(model, np.random.default_rng(9), N)
    assert {name: x.shape for name, x in p.items()} == {
        v.name: (N, *v.shape) for v in model.variables
    }
    slopes = np.column_stack([p["stim"], p["cond"]])
    X = np.column_stack([DATA["stim"], DATA["cond"] == "b", DATA["cond"] == "c"])
    assert fits(p["Intercept"] + slopes @ X.mean(axis=0), stats.norm(2, 3))
    assert fits(p["stim"], stats.norm(-1, 0.5))
    assert fits(p["alpha"], stats.gamma(4, scale=0.5))
    assert fits(p["mouse_corr"][:, 0], stats.beta(3, 3, loc=-1, scale=2))
    # Given sd and correlation, a group's effects are bivariate normal.
    one = p["1|mouse"][:, 2] / p["1|mouse_sigma"]
    two = p["stim|mouse"][:, 2] / p["stim|mouse_sigma"]
    r = p["mouse_corr"][:, 0]
    assert fits(one, stats.norm)
    assert fits((two - r * one) / np.sqrt(1 - r**2), stats.norm)
    assert abs(np.corrcoef(p["1|mouse"][:, 0], p["1|mouse"][:, 1])[0, 1]) < 4 / np.sqrt(N)


def test_intercept_prior_at_zero_where_the_model_is_not_centred():
    model = model_of("y ~ x", DATA, "gaussian", center=False, priors={"Intercept": ws.Normal(7, 2)})
    p = prior_draws(model, np.random.default_rng(1), N)
    assert fits(p["Intercept"], stats.norm(7, 2))


def test_several_correlated_terms_of_one_factor():
    model = model_of(
        "y ~ x + (x|mouse) + (0 + stim + hours|mouse)", DATA, "gaussian",
        priors={"corr": ws.LKJ(2)},
    )  # fmt: skip
    p = prior_draws(model, np.random.default_rng(2), N)
    assert p["mouse_corr"].shape == (N, 2)
    z = {n: p[f"{n}|mouse"][:, 1] / p[f"{n}|mouse_sigma"] for n in ("1", "x", "stim", "hours")}
    for k, (a, b) in enumerate((("1", "x"), ("stim", "hours"))):
        product = z[a] * z[b] - p["mouse_corr"][:, k]
        assert abs(product.mean()) < 4 * product.std() / np.sqrt(N)
        products = z[a] * z[b] * p["mouse_corr"][:, k]  # E = E r^2 = 1 / (2 b + 1), b = 2
        assert products.mean() == pytest.approx(0.2, abs=4 * products.std() / np.sqrt(N))


def test_a_uniform_probability_gives_uniform_counts():
    # Phi of a standard normal is uniform, and a binomial over a uniform p is uniform on 0..n.
    data = DATA.assign(of=9)
    model = model_of(
        "p(hits, of) ~ 1", data, "binomial", link="probit", priors={"Intercept": ws.Normal(0, 1)}
    )
    y = prior_predictive(model, N, 0)
    assert y.dims == ("chain", "draw", "row")
    assert y.shape == (1, N, len(DATA))
    for row in (0, 20):
        counts = np.bincount(y.values[0, :, row].astype(int), minlength=10)
        assert stats.chisquare(counts).pvalue > 0.001


def test_prior_predictive_of_gaussian_rows():
    # Fixed parameters but for normal ones: each row is normal, of the sum of the variances.
    data = DATA.assign(z=DATA["x"] - DATA["x"].mean())
    priors = {"Intercept": ws.Normal(5, 2), "z": ws.Normal(1, 0.25), "sigma": ws.Gamma(1e8, 1e8)}
    model = model_of("y ~ z", data, "gaussian", priors=priors)
    y = prior_predictive(model, N, 3).values[0]
    for row in (0, 7):
        z = data["z"].iloc[row]
        assert fits(y[:, row], stats.norm(5 + z, np.sqrt(4 + (0.25 * z) ** 2 + 1)))


def test_priors_are_confined_where_the_likelihood_is():
    data = DATA.assign(one=np.arange(len(DATA)) % 2)
    priors = {"Intercept": ws.Normal(1, 1), "alpha": ws.Gamma(1e8, 1e2)}  # a gamma of no spread
    model = model_of("Power ~ 1", data, "gamma", link="identity", priors=priors)
    y = prior_predictive(model, N, 4).values[0]
    # alpha = 1e6 leaves a relative spread of 1e-3 about a normal cut off at zero.
    assert stats.kstest(y[:, 0], stats.truncnorm(-1, np.inf, 1, 1).cdf).statistic < 0.015
    with pytest.raises(PriorError, match=r"rows whose mean is not positive.*link='identity'"):
        prior_predictive(
            model_of(
                "Power ~ 1", data, "gamma", link="identity", priors={"Intercept": ws.Normal(-9, 1)}
            ),
            50,
            0,
        )


@pytest.mark.parametrize("name", ["Intercept", "stim", "1|mouse_sigma", "sigma"])
def test_improper_priors_are_named(name):
    fit = made_fit(
        model_of("y ~ stim + (1|mouse)", DATA, "gaussian", priors={name: ws.Flat()}), draws=20
    )
    with pytest.raises(PriorError, match=f"prior of '{name.replace('|', '[|]')}' is Flat"):
        fit.prior_predictive()
