"""Responses, replicates and log densities have each row's own sigma, nu or alpha."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from scipy import stats
from test_predicted_effects import fit_of, rows, values

import winstan as ws
from winstan.effects.prior_draws import prior_draws

BOTH = "y ~ stim + (1 + stim |p| mouse)", "sigma ~ stim + x + offset(0.3 * x) + (1 |p| mouse)"


def by_row(d: dict[str, np.ndarray], data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean (of the logarithm) and sigma of each row at each draw, of `BOTH`: (S, rows)."""
    mouse = data["mouse"].str[1:].astype(int).to_numpy()
    stim, x = data["stim"].to_numpy(), data["x"].to_numpy()
    mu = d["Intercept"][:, None] + d["1|mouse"][:, mouse]
    mu = mu + (d["stim"][:, None] + d["stim|mouse"][:, mouse]) * stim
    log_sigma = d["sigma_Intercept"][:, None] + d["sigma_1|mouse"][:, mouse] + 0.3 * x
    log_sigma = log_sigma + d["sigma_stim"][:, None] * stim + d["sigma_x"][:, None] * x
    return mu, np.exp(log_sigma)


def uniform(p: np.ndarray) -> None:
    """Refuse probabilities that are not uniform, by Kolmogorov's test."""
    assert stats.kstest(p.ravel(), "uniform").pvalue > 1e-3


def test_responses_have_each_row_s_own_sigma():
    fit, data = fit_of(*BOTH), rows()
    mu, sigma = by_row(fit.joined(), data)
    y = values(fit.predict(kind="response", draws=True, seed=3)).reshape(mu.shape)
    uniform(stats.norm.cdf(y, mu, sigma))
    # In every condition by itself, whose sigma is another.
    for stim in (0, 1):
        some = data["stim"].to_numpy() == stim
        uniform(stats.norm.cdf(y, mu, sigma)[:, some])
    once = fit.predict(data, kind="response", draws=True, seed=4)
    uniform(stats.norm.cdf(values(once).reshape(mu.shape), mu, sigma))


def test_replicates_have_each_row_s_own_sigma():
    fit = fit_of(*BOTH)
    mu, sigma = by_row(fit.joined(), rows())
    y = fit.posterior_predictive(300, seed=2).to_numpy().reshape(mu.shape)
    uniform(stats.norm.cdf(y, mu, sigma))


def test_responses_where_sigma_alone_has_groups():
    fit, data = fit_of("y ~ stim", "sigma ~ stim + (1|mouse)"), rows()
    d, stim = fit.joined(), data["stim"].to_numpy()
    mouse = data["mouse"].str[1:].astype(int).to_numpy()
    mu = d["Intercept"][:, None] + d["stim"][:, None] * stim
    fixed = d["sigma_Intercept"][:, None] + d["sigma_stim"][:, None] * stim
    for groups, u in (("these", d["sigma_1|mouse"][:, mouse]), ("typical", 0.0)):
        table = fit.predict(kind="response", groups=groups, draws=True, seed=3)
        y = values(table).reshape(mu.shape)
        uniform(stats.norm.cdf(y, mu, np.exp(fixed + u)))
        assert table.attrs["groups"] == groups
    new = data.assign(mouse=[f"n{i}" for i in range(len(data))])
    with pytest.raises(ws.DataError, match="'mouse' that were not fitted"):
        fit.predict(new, kind="response")
    y = values(fit.predict(new, kind="response", groups="new", draws=True)).reshape(mu.shape)
    # A new animal's sigma is lognormal over the population: by quadrature, of each draw.
    nodes, weight = np.polynomial.hermite_e.hermegauss(60)
    width = d["sigma_1|mouse_sigma"][:, None, None] * nodes
    p = stats.norm.cdf((y - mu)[..., None] / np.exp(fixed[..., None] + width)) @ weight
    uniform(p / weight.sum())
    mean = fit.predict(new[["stim"]])  # which does not depend on sigma, and needs no mouse
    np.testing.assert_allclose(mean["mean"], mu.mean(axis=0), rtol=1e-10)


def densities(family: str, y, mu, own, d) -> np.ndarray:
    if family == "gaussian":
        return stats.norm.logpdf(y, mu, own)
    if family == "lognormal":
        return stats.lognorm.logpdf(y, own, scale=np.exp(mu))
    if family == "student":
        return stats.t.logpdf(y, d["nu"][:, None], mu, own)
    if family == "gamma":
        return stats.gamma.logpdf(y, own, scale=np.exp(mu) / own)
    return stats.nbinom.logpmf(y, own, own / (own + np.exp(mu)))


@pytest.mark.parametrize(
    "family", ["gaussian", "lognormal", "student", "gamma", "negative_binomial"]
)
def test_log_likelihood_is_scipy_s_row_by_row(family):
    data, formulas = rows(), BOTH
    if family == "negative_binomial":
        data = data.assign(y=np.floor(4 * data["y"]))
    if family in ("gamma", "negative_binomial"):
        formulas = BOTH[0], BOTH[1].replace("sigma ~", "alpha ~")
    fit = fit_of(*formulas, family=family, data=data)
    d = {name.replace("alpha_", "sigma_"): x for name, x in fit.joined().items()}
    mu, own = by_row(d, data)
    expected = densities(family, data["y"].to_numpy(), mu, own, d)
    got = fit.log_likelihood()
    np.testing.assert_allclose(got.to_numpy().reshape(mu.shape), expected, rtol=1e-9, atol=1e-9)


def test_student_s_rows_have_their_own_nu():
    fit = fit_of("y ~ x", "sigma ~ stim", "nu ~ stim + (1|mouse)", family="student")
    d, data = fit.joined(), rows()
    stim, mouse = data["stim"].to_numpy(), data["mouse"].str[1:].astype(int).to_numpy()
    nu = np.exp(
        d["nu_Intercept"][:, None] + d["nu_stim"][:, None] * stim + d["nu_1|mouse"][:, mouse]
    )
    sigma = np.exp(d["sigma_Intercept"][:, None] + d["sigma_stim"][:, None] * stim)
    mu = d["Intercept"][:, None] + d["x"][:, None] * data["x"].to_numpy()
    got = fit.log_likelihood().to_numpy().reshape(mu.shape)
    expected = stats.t.logpdf(data["y"].to_numpy(), nu, mu, sigma)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    y = fit.posterior_predictive(300, seed=6).to_numpy().reshape(mu.shape)
    uniform(stats.t.cdf(y, nu, mu, sigma))


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_loo_is_of_each_row_s_own_density():
    """Draws that hardly differ: leaving a row out changes nothing, and loo is its density."""
    fit = fit_of(*BOTH)
    posterior = fit.draws["posterior"]
    for name in posterior:
        x = posterior[name].values
        x[...] = x[0, 0] + 1e-4 * (x - x[0, 0])
    mu, sigma = by_row(fit.joined(), rows())
    loo = fit.loo()
    expected = stats.norm.logpdf(rows()["y"].to_numpy(), mu, sigma)[0]
    np.testing.assert_allclose(loo.elpd_i, expected, atol=0.02)
    assert np.ptp(expected) > 2  # rows differ: one sigma for all would be seen


TIGHT = {
    "Intercept": ws.Normal(3.0, 1e-9),
    "b": ws.Normal(0.0, 1e-9),
    "sigma_Intercept": ws.Normal(0.5, 1e-9),
    "sigma_stim": ws.Normal(1.1, 1e-9),
    "1|mouse_sigma": ws.HalfNormal(1e-9),
    "sigma_1|mouse_sigma": ws.HalfNormal(1e-9),
}


def test_the_prior_s_replicates_have_each_row_s_own_sigma():
    data = rows()
    model = model_of(
        ["y ~ stim + (1 |p| mouse)", "sigma ~ stim + (1 |p| mouse)"], data, "gaussian",
        priors=TIGHT,
    )  # fmt: skip
    y = made_fit(model).prior_predictive(200, seed=5).to_numpy().reshape(200, -1)
    stim = data["stim"].to_numpy()
    sigma = np.exp(0.5 + 1.1 * (stim - stim.mean()))  # the prior is at the mean of the predictors
    uniform(stats.norm.cdf(y, 3.0, sigma))


def test_prior_draws_have_the_priors_of_sigma_and_its_correlations():
    model = model_of(
        ["y ~ stim + (1 |p| mouse)", "sigma ~ stim + (1 |p| mouse)"], rows(), "gaussian",
        priors={"sigma_stim": ws.Normal(0.4, 0.2), "sigma_1|mouse_sigma": ws.Exponential(2.0),
                "mouse_corr": ws.LKJ(1.0)},
    )  # fmt: skip
    d = prior_draws(model, np.random.default_rng(1), 4000)
    uniform(stats.norm.cdf(d["sigma_stim"], 0.4, 0.2))
    uniform(stats.expon.cdf(d["sigma_1|mouse_sigma"], scale=0.5))
    uniform((1 + d["mouse_corr"][:, 0]) / 2)  # LKJ(1) of two effects
    z = d["1|mouse"] / d["1|mouse_sigma"][:, None]
    w = d["sigma_1|mouse"] / d["sigma_1|mouse_sigma"][:, None]
    uniform(stats.norm.cdf(w))
    # Of correlation R given R: the rest is standard normal, and independent.
    R = d["mouse_corr"][:, :1]
    rest = (w - R * z) / np.sqrt(1 - R**2)
    uniform(stats.norm.cdf(rest))
    assert abs(np.corrcoef(rest.ravel(), z.ravel())[0, 1]) < 4 / np.sqrt(rest.size)
