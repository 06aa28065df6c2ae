"""The beta family: what is its own, and its posterior by quadrature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import optimize, special, stats

import winstan as ws
from winstan.families import FAMILIES, LINKS
from winstan.families.namespace import NUMPY
from winstan.families.sample import Sample
from winstan.model import Model
from winstan.report.methods import methods_text

BETA = FAMILIES["beta"]


def rows(n: int = 32, seed: int = 4) -> pd.DataFrame:
    """Shares of crude oil that become gasoline: few rows, precise ones, of batches."""
    rng = np.random.default_rng(seed)
    batch = np.arange(n) % 8
    temp = rng.uniform(205, 445, n)
    mu = special.expit(-6.2 + 0.011 * temp + 0.3 * rng.normal(size=8)[batch])
    phi = np.exp(4.6 - 0.004 * (temp - 330))
    y = rng.beta(mu * phi, (1 - mu) * phi)
    return pd.DataFrame({"y": y, "temp": temp / 100, "batch": batch.astype(str)})


# -- responses that it cannot have ----------------------------------------------------------------


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_exact_ends_are_refused_with_what_fits_them(end):
    data = rows()
    data.loc[[5, 9], "y"] = end
    with pytest.raises(ws.FamilyError) as refused:
        model_of("y ~ temp", data, "beta")
    said = str(refused.value)
    for words in (
        "needs a response between 0 and 1, ends not included, but 'y' has 2 of 32 rows",
        f"(row 5: {end:g}, row 9: {end:g})",
        "family='binomial'",
        "family='ordered_beta', where",
        "'zero_one_inflated_beta', where",
        "half of the last digit",
    ):
        assert words in said
    assert "drop" not in said


def test_percent_are_to_be_divided_and_other_numbers_are_not_between():
    data = rows()
    with pytest.raises(ws.FamilyError, match=r"32 of 32 rows.*percent, write y/100"):
        model_of("y ~ temp", data.assign(y=100 * data.y), "beta")
    with pytest.raises(
        ws.FamilyError, match=r"ends not included.*fits family='gaussian'"
    ) as refused:
        model_of("y ~ temp", data.assign(y=data.y - 0.3), "beta")
    assert "percent" not in str(refused.value)


def test_it_is_named_to_those_whose_response_lies_between():
    for family in ("poisson", "bernoulli"):
        with pytest.raises(ws.FamilyError, match="This response fits family='beta'; or mend"):
            model_of("y ~ temp", rows(), family)
    with pytest.raises(ws.FamilyError, match="'beta' for other proportions"):
        model_of("y ~ temp", rows(), "gaussian", link="logit")


# -- density, far out -----------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("eta", [-30.0, -6.0, 2.5, 30.0])
def test_density_keeps_its_digits_where_a_mean_rounds_to_an_end(link, eta):
    y, phi = np.array([1e-7, 0.2, 0.999]), 3.1
    log_mu = float(LINKS[link].log_inverse(eta, NUMPY))
    log_rest = float(LINKS[link].log_complement(eta, NUMPY))
    a, b = phi * np.exp(log_mu), phi * np.exp(log_rest)
    # log gamma(z) = -log z - 0.577 z where z is next to zero, and there all else is lost.
    log_gamma = [
        -np.log(phi) - log - np.euler_gamma * z if z < 1e-9 else special.gammaln(z)
        for z, log in ((a, log_mu), (b, log_rest))
    ]
    expected = special.gammaln(phi) - sum(log_gamma) + (a - 1) * np.log(y) + (b - 1) * np.log1p(-y)
    got = BETA.log_densities(y, np.full((1, 3), eta), {"phi": phi}, LINKS[link])[0]
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    if link == "cloglog" and eta > 7:  # exp(-exp(30)) is no more than zero, its logarithm is known
        assert np.isfinite(got).all()
    sample = Sample(y, None, np.zeros(3))
    of = BETA.statistics(sample, np.zeros(3, int), 1)
    whole = BETA.log_likelihood(of, np.array([eta]), {"phi": phi}, LINKS[link])
    assert whole == pytest.approx(expected.sum(), rel=1e-12)
    score, information = BETA.score(of, np.array([eta]), {"phi": phi}, LINKS[link])
    assert np.isfinite([*score, *information]).all()


def test_information_on_the_precision_is_between_its_limits():
    """By the logarithm 1 a row where phi is small, 1/2 where it is large, if digits are left."""
    phi = 10.0 ** np.arange(-9, 60)
    y = np.full(phi.size, 0.3)
    of = BETA.statistics(Sample(y, None, 0 * y), np.arange(y.size), y.size, ["phi"])
    score, information = BETA.scores["phi"](of, special.logit(y), {"phi": phi}, LINKS["logit"])
    by_log = information * phi**2
    assert np.isfinite(score).all()
    assert np.all((by_log >= 0.5 * (1 - 1e-12)) & (by_log <= 1 + 1e-12))
    np.testing.assert_allclose(by_log[[0, -1]], [1.0, 0.5], rtol=1e-6)
    assert np.all(np.diff(by_log) < 1e-6)


# -- random responses -----------------------------------------------------------------------------


@pytest.mark.parametrize("phi", [1e-300, 1e-9, 0.01, 3.0, 1e12, 1e40, np.inf])
@pytest.mark.parametrize("mu", [0.0, 1e-300, 1e-9, 0.3, 1 - 1e-16, 1.0])
def test_random_responses_are_never_at_the_ends(mu, phi):
    rng = np.random.default_rng(8)
    with np.errstate(all="raise", under="ignore"):
        y = BETA.draw_responses(rng, np.full(2000, mu), {"phi": phi})
    assert np.all((y > 0) & (y < 1))
    if phi >= 1e12 and 1e-9 < mu < 0.9:
        np.testing.assert_allclose(y, mu, rtol=1e-5)


def test_random_responses_of_a_small_precision_are_at_both_ends_by_the_mean():
    y = BETA.draw_responses(np.random.default_rng(1), np.full(20_000, 0.3), {"phi": 1e-4})
    assert np.mean(y > 0.5) == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 20_000))
    assert np.mean((y > 0.01) & (y < 0.99)) < 0.01


# -- priors ---------------------------------------------------------------------------------------


def test_default_prior_of_the_precision_is_proper_and_wide():
    prior = model_of("y ~ temp", rows(), "beta").priors["phi"]
    assert prior == ws.InverseGamma(0.5, 2.0)
    phi = stats.invgamma(0.5, scale=2.0)
    assert phi.cdf(1000) - phi.cdf(1) == pytest.approx(0.9, abs=0.01)
    # 1 / sqrt(phi) is HalfNormal(0.5).
    np.testing.assert_allclose(
        phi.sf([0.7, 40.0]), stats.halfnorm(scale=0.5).cdf([0.7**-0.5, 40**-0.5])
    )
    at_mean = model_of(["y ~ temp", "phi ~ temp"], rows(), "beta").priors["phi_Intercept"]
    assert at_mean == ws.Normal(np.log(30.0), 2.0)


# -- posteriors -----------------------------------------------------------------------------------


def covariance_at(loss, at: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Inverse of the curvature at a minimum, by differences."""
    moves = step * np.eye(at.size)
    curvature = [
        [(loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)) for b in moves]
        for a in moves
    ]
    return np.linalg.inv(np.array(curvature) / (4 * step**2))


def by_quadrature(model: Model, density, start, width: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """Means and sds of the posterior, by the trapezoidal rule about its maximum."""

    def loss(at: np.ndarray) -> float:
        return -float(density(at[None])[0])

    best = optimize.minimize(loss, start, method="BFGS").x
    root = np.linalg.cholesky(covariance_at(loss, best))
    axis = np.linspace(-6, 6, width)
    z = np.stack(np.meshgrid(*[axis] * len(start), indexing="ij"), -1).reshape(-1, len(start))
    at = best + z @ root.T
    log_p = np.concatenate([density(part) for part in np.array_split(at, 200)])
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    values = at.copy()
    if "phi" in {v.name for v in model.variables}:
        values[:, -1] = np.exp(at[:, -1])
    mean = p @ values
    return mean, np.sqrt(p @ np.square(values - mean))


def agree(fit: ws.Fit, names: list[str], mean: np.ndarray, sd: np.ndarray) -> None:
    table = fit.summary().loc[names]
    assert fit.diagnostics.ok
    error = 4 * sd / np.sqrt(table["ess_bulk"].to_numpy(float))
    assert np.all(np.abs(table["mean"].to_numpy(float) - mean) < error)
    np.testing.assert_allclose(table["sd"].to_numpy(float), sd, rtol=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_posterior_of_a_regression_by_quadrature(link):
    data = rows()
    flat = {"Intercept": ws.Flat(), "b": ws.Flat()}
    fit = ws.fit(
        "y ~ temp", data, "beta", link=link, priors=flat, draws=2000, seed=3, progress=False
    )
    y, x = data.y.to_numpy(), data.temp.to_numpy()
    inverse = {
        "logit": special.expit,
        "probit": special.ndtr,
        "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    }[link]

    def density(at: np.ndarray) -> np.ndarray:
        mu = np.clip(inverse(at[:, :1] + at[:, 1:2] * x), 1e-12, 1 - 1e-12)
        phi = np.exp(at[:, 2:])
        log_p = stats.beta.logpdf(y, mu * phi, (1 - mu) * phi).sum(axis=1) + at[:, 2]
        return log_p + stats.invgamma(0.5, scale=2.0).logpdf(phi[:, 0])

    mean, sd = by_quadrature(fit.model, density, np.array([-3.0, 0.7, 3.5]))
    agree(fit, ["Intercept", "temp", "phi"], mean, sd)


@pytest.mark.slow
def test_posterior_of_a_formula_of_the_precision_by_quadrature():
    data = rows()
    wide = {"Intercept": ws.Flat(), "b": ws.Flat(), "phi_Intercept": ws.Normal(3, 4)}
    wide["phi_temp"] = ws.Normal(0, 3)
    fit = ws.fit(
        ["y ~ temp", "phi ~ temp"], data, "beta", priors=wide, center=False, draws=2000, seed=3,
        progress=False,
    )  # fmt: skip
    y, x = data.y.to_numpy(), data.temp.to_numpy()

    def density(at: np.ndarray) -> np.ndarray:
        mu = special.expit(at[:, :1] + at[:, 1:2] * x)
        phi = np.exp(at[:, 2:3] + at[:, 3:] * x)
        log_p = stats.beta.logpdf(y, mu * phi, (1 - mu) * phi).sum(axis=1)
        return log_p + stats.norm.logpdf(at[:, 2], 3, 4) + stats.norm.logpdf(at[:, 3], 0, 3)

    mean, sd = by_quadrature(fit.model, density, np.array([-6.0, 1.1, 4.0, 0.0]), width=17)
    agree(fit, ["Intercept", "temp", "phi_Intercept", "phi_temp"], mean, sd)


@pytest.mark.slow
def test_many_rows_lead_to_the_maximum_of_the_likelihood():
    rng = np.random.default_rng(12)
    data = pd.DataFrame({"x": rng.choice([-1.0, 0.0, 0.5, 2.0], 4000)})
    mu = special.expit(0.4 - 0.8 * data.x)
    data["y"] = rng.beta(11 * mu, 11 * (1 - mu))

    def loss(at: np.ndarray) -> float:
        mu, phi = special.expit(at[0] + at[1] * data.x), np.exp(at[2])
        return -float(stats.beta.logpdf(data.y, mu * phi, (1 - mu) * phi).sum())

    best = optimize.minimize(loss, np.zeros(3), method="BFGS").x
    fit = ws.fit("y ~ x", data, "beta", seed=2, progress=False)
    assert fit.model.cells.n == 4
    draws = fit.draws["posterior"]
    got = np.array([draws["Intercept"], draws["x"], np.log(draws["phi"])]).reshape(3, -1)
    width = np.sqrt(np.diag(covariance_at(loss, best)))
    assert np.all(np.abs(got.mean(axis=1) - best) < 0.1 * width)
    np.testing.assert_allclose(got.std(axis=1), width, rtol=0.1)


def test_a_predicted_precision_far_from_its_start_is_found():
    # Shapes below one: y down to 1e-12. Steps from the start, 30, ended beyond all numbers.
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    mu, phi = special.expit(-2 + 0.5 * x), np.exp(1 + 0.6 * x)
    y = np.maximum(rng.beta(mu * phi, (1 - mu) * phi), 1e-12)
    model = model_of("y ~ x; phi ~ x", pd.DataFrame({"y": y, "x": x}), "beta")

    def loss(b):
        mu, phi = special.expit(b[0] + b[1] * x), np.exp(b[2] + b[3] * x)
        return -stats.beta.logpdf(y, mu * phi, (1 - mu) * phi).sum()

    best = optimize.minimize(loss, [-2, 0.5, 1, 0.6]).x
    found = model.likelihood.block(model.coordinates.eta, 1)
    np.testing.assert_allclose(np.sort(found), np.sort(best[2] + best[3] * x), atol=0.1)


# -- questions ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_answers_are_of_mean_shares():
    data = rows(200)
    fit = ws.fit("y ~ temp", data, "beta", seed=1, progress=False)
    effect = fit.contrast("temp").iloc[0]
    draws = fit.draws["posterior"]
    eta = [
        draws["Intercept"].to_numpy().reshape(-1, 1)
        + draws["temp"].to_numpy().reshape(-1, 1) * (data["temp"].to_numpy() + more)
        for more in (0, 1)
    ]
    expected = (special.expit(eta[1]) - special.expit(eta[0])).mean()
    assert effect["mean"] == pytest.approx(expected, rel=1e-9)
    half = 0.1 * data["y"].std() / data["temp"].std()
    given = fit.contrast("temp", rope=(-half, half)).iloc[0]
    assert effect["p_rope"] == given["p_rope"]
    y = fit.posterior_predictive(50).to_numpy()
    assert np.all((y > 0) & (y < 1))
    said = methods_text(fit, prob=0.94)
    assert "a Bayesian regression: a beta distribution, the mean through the logit link" in said
    assert "precision (phi)" in said
