"""Successes of trials that vary, or have zeros of their own; shares that may be exactly 0 or 1."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from row_densities import row_log_densities
from scipy import special, stats
from template_cases import data_of

import winstan as ws
from winstan.backends.bambi import BACKEND as BAMBI
from winstan.effects.population import population_mean
from winstan.errors import BackendError, DataError, FamilyError, FormulaError
from winstan.families import FAMILIES
from winstan.families.sample import Sample

SUCCESSES = ["beta_binomial", "zero_inflated_binomial"]
ENDS = ["ordered_beta", "zero_one_inflated_beta"]


def example(family: str):
    """Rows of four cells with weights, the last of zeros alone, and the cells' parameters."""
    rng = np.random.default_rng(3)
    cell = np.arange(80) % 4
    trials = rng.integers(1, 60, cell.size).astype(float) if family in SUCCESSES else None
    y = rng.beta(1.3, 2.1, cell.size)
    if trials is None:
        y = np.select([y < 0.2, y > 0.7], [0.0, 1.0], y)
    else:
        y = rng.binomial(trials.astype(int), y) * (rng.random(cell.size) < 0.8)
    y = np.where(cell == 3, 0.0, y)
    one = FAMILIES[family]
    aux = {
        "phi": np.array([0.4, 5.0, 700.0, 3.0]),
        "zi": np.array([0.1, 0.3, 0.6, 0.4]),
        "zoi": np.array([0.1, 0.3, 0.6, 0.9]),
        "coi": np.array([0.5, 0.1, 0.3, 0.7]),
        "cutzero": -1.3,
        "cutgap": 2.7,
    }
    sample = Sample(y, rng.integers(1, 5, cell.size).astype(float), np.zeros(cell.size), trials)
    return one, sample, cell, np.array([-0.8, 0.3, 1.2, -0.2]), {k: aux[k] for k in one.auxiliary}


def by_cell(one, link, sample, cell, eta, aux):
    """Log density of each cell's rows, by scipy."""
    rows = {name: value[cell] if np.ndim(value) else value for name, value in aux.items()}
    density = row_log_densities(one.name, link, sample.y, eta[cell], rows, sample.size)
    return np.bincount(cell, sample.weight * density)


@pytest.mark.parametrize(
    ("family", "link"),
    [(name, link) for name in [*SUCCESSES, *ENDS] for link in FAMILIES[name].links],
)
def test_scores_are_the_derivatives_of_the_rows_densities(family, link):
    one, sample, cell, eta, aux = example(family)
    of = one.statistics(sample, cell, 4, one.auxiliary)
    whole = one.log_likelihood(of, eta, aux, one.link(link))
    assert whole == pytest.approx(by_cell(one, link, sample, cell, eta, aux).sum(), rel=1e-11)
    step = 1e-5

    def at(move: float, name: str) -> np.ndarray:
        moved = {k: v * np.exp(move) if k == name else v for k, v in aux.items()}
        return by_cell(one, link, sample, cell, eta + move * (name == "mu"), moved)

    for name in ("mu", *one.scores):
        expected = (at(step, name) - at(-step, name)) / (2 * step)
        function = one.score if name == "mu" else one.scores[name]
        score, information = function(of, eta, aux, one.link(link))
        score = score * aux.get(name, 1.0)
        np.testing.assert_allclose(score, expected, rtol=1e-5, atol=2e-6)
        assert np.all(information > 0)


def informations(family: str, n: int, mu: float, parameter: float):
    """Stated and expected information of one row, of the mean and of the other parameter."""
    one, y = FAMILIES[family], np.arange(n + 1.0)
    (name,) = one.auxiliary
    eta, trials = np.full(n + 1, special.logit(mu)), np.full(n + 1, float(n))
    p = np.exp(row_log_densities(family, "logit", y, eta, {name: parameter}, trials))
    of = one.statistics(Sample(y, None, 0 * y, trials), np.arange(n + 1), n + 1, [name])
    each = {name: np.full(n + 1, parameter)}
    for score in (one.score, one.scores[name]):
        slope, information = score(of, eta, each, one.link(None))
        assert p @ slope == pytest.approx(0, abs=1e-8 * np.abs(p @ np.abs(slope)) + 1e-10)
        yield p @ information, p @ slope**2


@pytest.mark.parametrize("n", [1, 9, 80])
@pytest.mark.parametrize("mu", [0.02, 0.4])
def test_expected_information_is_the_variance_of_the_score(n, mu):
    for zi in (0.1, 0.7):
        for stated, expected in informations("zero_inflated_binomial", n, mu, zi):
            assert stated == pytest.approx(expected, rel=1e-8)
    for phi in (0.3, 4.0, 4e3):
        of_mean, of_phi = informations("beta_binomial", n, mu, phi)
        assert 0.3 < of_mean[0] / of_mean[1] < 3
        if n > 1:  # one trial tells nothing of phi
            assert 0.25 < of_phi[0] / of_phi[1] < 4


def by_factors(y: int, n: int, mu: float, phi: float) -> float:
    """Log probability of y successes among n, factor by factor: nothing cancels."""

    def rising(k: int, shape: float) -> float:
        return float(np.log1p(np.arange(k) / shape).sum())

    of_binomial = stats.binom.logpmf(y, n, mu)
    return of_binomial + rising(y, mu * phi) + rising(n - y, (1 - mu) * phi) - rising(n, phi)


@pytest.mark.parametrize("mu", [1e-5, 0.3, 0.9])
@pytest.mark.parametrize("phi", [1e-3, 2.0, 1e4, 1e9, 1e20])
def test_density_of_varying_successes_keeps_its_digits(mu, phi):
    one, n = FAMILIES["beta_binomial"], np.array([1.0, 7.0, 200.0, 30_000.0])
    y = np.round(0.3 * n)
    eta = np.full(4, special.logit(mu))
    expected = [by_factors(int(a), int(b), mu, phi) for a, b in zip(y, n, strict=True)]
    got = one.log_densities(y, eta[None], {"phi": phi}, one.link(None), n)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-10)
    of = one.statistics(Sample(y, None, np.zeros(4), n), np.arange(4), 4)
    whole = one.log_likelihood(of, eta, {"phi": phi}, one.link(None))
    assert whole == pytest.approx(sum(expected), rel=1e-9)


# -- responses that they cannot have, and the remedies --------------------------------------------


def shares(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=n), "y": rng.uniform(0.05, 0.95, n), "n": 12})
    data["ends"] = np.select([data.y < 0.2, data.y > 0.8], [0.0, 1.0], data.y)
    return data


@pytest.mark.parametrize("family", ["beta", *ENDS])
def test_percent_are_recognised_and_their_scale_is_asked_for(family):
    data = shares()
    data["percent"] = 100 * (data.y if family == "beta" else data.ends)
    data.loc[3, "percent"] = 0.5
    n = int((data.percent > 1).sum())
    said = rf"'percent' has .* of 40 rows.*{n} rows are beyond 1.*percent, write percent/100"
    with pytest.raises(FamilyError, match=said):
        model_of("percent ~ x", data, family)
    assert model_of("percent/100 ~ x", data, family).family.name == family
    data["text"] = [f"{value:.0f}%" for value in data.percent]
    with pytest.raises(FormulaError, match=r"'text' is not numeric.*divide it by 100"):
        model_of("text ~ x", data, family)
    with pytest.raises(FamilyError, match=r"0 to 1|0 and 1") as refused:
        model_of("y ~ x", data.assign(y=2 * data.percent), family)
    assert "percent" not in str(refused.value)


def test_shares_without_trials_are_named_their_families():
    data = shares()
    for family in SUCCESSES:
        with pytest.raises(FamilyError, match=r"needs the number of trials.*fit family='beta'"):
            model_of("y ~ x", data, family)
    with pytest.raises(FamilyError, match="fit family='ordered_beta' or 'zero_one_inflated_beta'"):
        model_of("ends ~ x", data, "binomial")
    with pytest.raises(FamilyError, match=r"multiply them by the trials.*'beta'"):
        model_of("p(y, n) ~ x", data, "beta_binomial")
    with pytest.raises(FamilyError, match=r"'gamma' needs.*fits family='ordered_beta' or"):
        model_of("ends ~ x", data, "gamma")
    with pytest.raises(FamilyError, match=r"'ordered_beta' does not take; use .*'beta_binomial'"):
        model_of("p(y, n) ~ x", data, "ordered_beta")
    with pytest.raises(FamilyError, match="successes no larger than trials"):
        model_of("p(k, n) ~ x", data.assign(k=np.arange(40)), "zero_inflated_binomial")


@pytest.mark.parametrize(
    ("family", "value", "said"),
    [
        ("ordered_beta", 0.3, "1 row between 0 and 1"),
        ("zero_one_inflated_beta", 1.0, "no row between 0 and 1"),
        ("hurdle_gamma", 2.5, "1 row above zero"),
        ("hurdle_poisson", 3.0, "1 row above zero"),
    ],
)
def test_too_few_rows_to_tell_a_mean_are_refused(family, value, said):
    data = shares().assign(y=0.0)
    data.loc[7, "y"] = value
    with pytest.raises(DataError, match=rf"'y' has {said}, of 40.*family='bernoulli'"):
        model_of("y ~ x", data, family)


@pytest.mark.parametrize("family", ["beta", "gamma", *ENDS, "hurdle_gamma"])
@pytest.mark.slow
def test_a_response_that_the_formula_gives_exactly_is_refused(family):
    data = shares().assign(g=np.arange(40) % 5)
    eta = 0.3 + 0.5 * data.x + 0.2 * data.g
    data["y"] = np.exp(eta) if family.endswith("gamma") else special.expit(eta)
    if not family.startswith(("beta", "gamma")):
        data.loc[::6, "y"] = 0.0
    with pytest.raises(DataError, match="gives 'y' exactly, in all 40 rows"):
        model_of("y ~ x + (1|g)", data, family)


@pytest.mark.parametrize("family", ENDS)
def test_what_bambi_does_not_have_is_refused_by_name(family):
    with pytest.raises(BackendError, match=f"bambi has no family '{family}'"):
        BAMBI.code(model_of("ends ~ x", shares(), family))


# -- posteriors -----------------------------------------------------------------------------------


def posterior(log_density, axes) -> tuple[np.ndarray, np.ndarray]:
    """Means and sds over a grid that holds the posterior, by the trapezoidal rule."""
    grid = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], -1)
    log_p = log_density(*grid.T)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean = p @ grid
    return mean, np.sqrt(p @ np.square(grid - mean))


def agree(fit: ws.Fit, names: list[str], mean: np.ndarray, sd: np.ndarray) -> None:
    """Draws against a posterior's means and sds, numbers of the positive line by their logs."""
    assert fit.diagnostics.ok
    table = fit.summary()
    for name, m, s in zip(names, mean, sd, strict=True):
        x = fit.draws["posterior"][name.removeprefix("log ")].to_numpy().ravel()
        x = np.log(x) if name.startswith("log ") else x
        error = s / np.sqrt(float(table.loc[name.removeprefix("log "), "ess_bulk"]))
        assert abs(x.mean() - m) < 4 * error, name
        assert x.std() == pytest.approx(s, rel=0.08), name


QUICK = {"draws": 2000, "seed": 3, "progress": False}


@pytest.mark.slow
def test_posterior_of_varying_successes_by_quadrature():
    rng = np.random.default_rng(6)
    n = rng.integers(3, 25, 40)
    data = pd.DataFrame({"k": rng.binomial(n, rng.beta(1.8, 4.2, 40)), "n": n})
    priors = {"Intercept": ws.Normal(0, 1.5)}
    fit = ws.fit("p(k, n) ~ 1", data, "beta_binomial", priors=priors, **QUICK)

    def log_density(b, log_phi):
        mu, phi = special.expit(b)[:, None], np.exp(log_phi)[:, None]
        rows = stats.betabinom.logpmf(data.k.to_numpy(), n, mu * phi, (1 - mu) * phi).sum(axis=1)
        prior = stats.invgamma(0.5, scale=2.0).logpdf(phi[:, 0]) + log_phi
        return rows + stats.norm.logpdf(b, 0, 1.5) + prior

    mean, sd = posterior(log_density, [np.linspace(-2.5, 0.5, 90), np.linspace(-0.5, 5, 90)])
    agree(fit, ["Intercept", "log phi"], mean, sd)


@pytest.mark.slow
def test_posterior_of_successes_with_zeros_by_quadrature():
    rng = np.random.default_rng(6)
    k = rng.binomial(6, 0.3, 50) * (rng.random(50) < 0.7)
    priors = {"Intercept": ws.Normal(0, 1.5)}
    fit = ws.fit("y ~ 1", pd.DataFrame({"y": k}), "zero_inflated_binomial", trials=6,
                 priors=priors, **QUICK)  # fmt: skip

    def log_density(b, zi):
        f = stats.binom.pmf(k, 6, special.expit(b)[:, None])
        p = zi[:, None] * (k == 0) + (1 - zi[:, None]) * f
        return np.log(p).sum(axis=1) + stats.norm.logpdf(b, 0, 1.5)

    mean, sd = posterior(log_density, [np.linspace(-2.5, 0.7, 120), np.linspace(0.001, 0.8, 120)])
    agree(fit, ["Intercept", "zi"], mean, sd)


@pytest.mark.slow
def test_ends_with_probabilities_of_their_own_have_a_beta_posterior():
    data = shares(60)
    fit = ws.fit("ends ~ x", data, "zero_one_inflated_beta", **QUICK)
    ones, zeros = int((data.ends == 1).sum()), int((data.ends == 0).sum())
    ends = ones + zeros
    of_ends, of_ones = stats.beta(1 + ends, 61 - ends), stats.beta(1 + ones, 1 + zeros)
    agree(fit, ["zoi", "coi"], *np.array([[d.mean(), d.std()] for d in (of_ends, of_ones)]).T)
    draws = {k: v.to_numpy().reshape(-1, 1) for k, v in fit.draws["posterior"].items()}
    between = [
        special.expit(draws["Intercept"] + draws["x"] * (data.x.to_numpy() + d)) for d in (0, 1)
    ]
    effect = ((1 - draws["zoi"]) * (between[1] - between[0])).mean()
    assert fit.contrast("x").iloc[0]["mean"] == pytest.approx(effect, rel=1e-9)
    alone = fit.contrast("x", parameter="mu").iloc[0]["mean"]
    assert alone == pytest.approx((between[1] - between[0]).mean(), rel=1e-9)


@pytest.mark.slow
def test_posterior_of_ordered_ends_by_quadrature():
    data = shares(60)
    priors = {"Intercept": ws.Normal(0, 1.5)}
    fit = ws.fit("ends ~ 1", data, "ordered_beta", priors=priors, **QUICK)
    y = data.ends.to_numpy()
    inside = y[(y > 0) & (y < 1)]
    n = [np.count_nonzero(y == end) for end in (0, 1)]
    sums = np.log(inside).sum(), np.log1p(-inside).sum()

    def log_density(b, cut, log_gap, log_phi):
        gap, phi, mu = np.exp(log_gap), np.exp(log_phi), special.expit(b)
        lower, upper = special.expit(b - cut), special.expit(b - cut - gap)
        rows = n[0] * np.log(1 - lower) + n[1] * np.log(upper)
        rows += inside.size * (np.log(lower - upper) - special.betaln(mu * phi, phi - mu * phi))
        rows += (mu * phi - 1) * sums[0] + (phi - mu * phi - 1) * sums[1]
        prior = stats.norm.logpdf(b, 0, 1.5) + stats.norm.logpdf(cut, -2, 2.5)
        prior += stats.gamma.logpdf(gap, 2, scale=2) + log_gap
        return rows + prior + stats.invgamma(0.5, scale=2.0).logpdf(phi) + log_phi

    axes = [np.linspace(-1, 1, 31), np.linspace(-3.5, 0.5, 35), np.linspace(-0.2, 2, 31)]
    mean, sd = posterior(log_density, [*axes, np.linspace(0.5, 3, 31)])
    agree(fit, ["Intercept", "cutzero", "log cutgap", "log phi"], mean, sd)


# -- questions ------------------------------------------------------------------------------------


def test_mean_of_ordered_ends_over_a_population_is_an_integral():
    one = FAMILIES["ordered_beta"]
    aux = {"phi": 5.0, "cutzero": -1.1, "cutgap": 2.4}
    y = one.draw_responses(np.random.default_rng(1), np.full(400_000, 0.3), aux)
    exactly = float(one.response_mean(np.array([0.3]), aux)[0])
    assert y.mean() == pytest.approx(exactly, abs=4 * y.std() / np.sqrt(y.size))
    assert one.response_mean(np.array([0.0, 1.0]), aux).tolist() == [0.0, 1.0]
    data = data_of("ordered_beta")
    model = model_of("y ~ x + (1|g)", data, "ordered_beta")
    at, sd = np.array([[0.4, -2.0, 3.0]]), 1.7
    beside = {name: np.array([[value]]) for name, value in aux.items()}
    got = population_mean(model, beside, at, np.full((1, 3), sd**2))
    z = np.linspace(-9, 9, 4001)
    p = stats.norm.pdf(z) / stats.norm.pdf(z).sum()
    expected = [p @ one.response_mean(special.expit(m + sd * z), aux) for m in at[0]]
    np.testing.assert_allclose(got[0], expected, rtol=1e-8)


@pytest.mark.slow
def test_parts_are_asked_for_by_name():
    data = data_of("zero_one_inflated_beta")
    fit = ws.fit(["y ~ x", "zoi ~ x"], data, "zero_one_inflated_beta", **QUICK | {"draws": 300})
    draws = {k: v.to_numpy().reshape(-1, 1) for k, v in fit.draws["posterior"].items()}
    x = data.x.to_numpy()
    zoi = [special.expit(draws["zoi_Intercept"] + draws["zoi_x"] * (x + d)) for d in (0, 1)]
    effect = fit.contrast("x", parameter="zoi").iloc[0]["mean"]
    assert effect == pytest.approx((zoi[1] - zoi[0]).mean(), rel=1e-9)
    mu = [special.expit(draws["Intercept"] + draws["x"] * (x + d)) for d in (0, 1)]
    whole = [o * draws["coi"] + (1 - o) * m for o, m in zip(zoi, mu, strict=True)]
    assert fit.contrast("x").iloc[0]["mean"] == pytest.approx(
        (whole[1] - whole[0]).mean(), rel=1e-9
    )
