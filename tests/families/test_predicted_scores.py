"""Scores of sigma, nu and alpha: derivatives of scipy's densities, and what they vary by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from scipy_densities import BY_NAME
from test_rising import exact

from winstan.families import FAMILIES
from winstan.families.sample import Sample

SCORES = [
    ("gaussian", "sigma"), ("lognormal", "sigma"), ("student", "sigma"), ("student", "nu"),
    ("gamma", "alpha"), ("negative_binomial", "alpha"), ("beta", "phi"),
    ("weibull", "alpha"), ("inverse_gaussian", "lam"),
    ("negative_binomial1", "phi"), ("exgaussian", "sigma"), ("exgaussian", "beta"),
    ("skew_normal", "sigma"), ("skew_normal", "alpha"),
    ("von_mises", "kappa"),
]  # fmt: skip


def density(family: str, y, mu, aux):
    """Log density of rows by scipy."""
    if family == "beta":
        return stats.beta.logpdf(y, mu * aux["phi"], (1 - mu) * aux["phi"])
    return BY_NAME[family](y, mu, aux)


def example(family: str, unit: float):
    """Rows of three cells with weights, and the cells' parameters."""
    rng = np.random.default_rng(3)
    cell = np.arange(40) % 3
    weight = rng.integers(1, 5, cell.size).astype(float)
    if FAMILIES[family].kind == "count":
        y = rng.poisson(np.array([0.4, 6.0, 90.0])[cell]).astype(float)
    elif family == "beta":
        y = rng.beta(1.3, 2.1, cell.size)
    elif family == "von_mises":
        y = rng.vonmises(0.4, 1.5, cell.size)
    elif FAMILIES[family].kind == "positive":
        y = unit * rng.gamma(2.0, 1.0, cell.size)
    else:
        y = unit * (3 + rng.standard_t(4, cell.size))
    aux = {
        "sigma": np.array([0.3, 1.1, 2.0]) * (1.0 if family == "lognormal" else unit),
        "nu": np.array([1.3, 7.0, 80.0]),
        "alpha": np.array([0.2, 1.9, 30.0]),
        "phi": np.array([0.4, 5.0, 70.0]),
        "lam": np.array([0.4, 5.0, 70.0]) * unit,
        "beta": np.array([0.4, 2.0, 30.0]) * unit,
        "kappa": np.array([0.2, 3.0, 2e3]),
    }
    one = FAMILIES[family]
    link = one.link(None)
    center = np.average(np.log(y) if family == "lognormal" else y, weights=weight)
    eta = link.function(center * np.array([0.8, 1.0, 1.3]))
    own = {name: aux[name] for name in one.auxiliary}
    return one, link, Sample(y, weight, np.zeros(cell.size)), cell, eta, own


@pytest.mark.parametrize(("family", "name"), SCORES)
@pytest.mark.parametrize("unit", [1.0, 1e3, 1e-3])
def test_scores_are_the_derivatives_of_the_rows_densities(family, name, unit):
    one, link, sample, cell, eta, aux = example(family, unit)
    of = one.statistics(sample, cell, 3, one.auxiliary)
    score, information = one.scores[name](of, eta, aux, link)
    assert np.all(information > 0)
    mu, step = link.inverse(eta)[cell], 1e-5

    def at(factor: float) -> np.ndarray:
        moved = {k: (v * factor if k == name else v)[cell] for k, v in aux.items()}
        return np.bincount(cell, sample.weight * density(family, sample.y, mu, moved))

    # By the logarithm of the parameter, whose derivative has no unit.
    expected = (at(np.exp(step)) - at(np.exp(-step))) / (2 * step)
    np.testing.assert_allclose(score * aux[name], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("family", [
    "gaussian", "lognormal", "student", "gamma", "beta", "weibull", "inverse_gaussian",
    "negative_binomial1", "von_mises", "exgaussian", "skew_normal",
])  # fmt: skip
def test_scores_of_the_mean_and_of_a_parameter_in_each_cell(family):
    """The mean's score by rows, where the other parameters differ between cells."""
    one, link, sample, cell, eta, aux = example(family, 1e3)
    of = one.statistics(sample, cell, 3, one.auxiliary)
    score, _ = one.score(of, eta, aux, link)
    step = 1e-5 * np.maximum(1.0, abs(eta))

    def at(moved: np.ndarray) -> np.ndarray:
        rows = {k: v[cell] for k, v in aux.items()}
        return np.bincount(
            cell, sample.weight * density(family, sample.y, link.inverse(moved)[cell], rows)
        )

    expected = (at(eta + step) - at(eta - step)) / (2 * step)
    np.testing.assert_allclose(score, expected, rtol=1e-6, atol=1e-7 * abs(expected).max())


NODES = np.linspace(-36, 36, 4001)
"""Log odds of the distribution function: the trapezoidal rule there is exact to rounding."""


def nodes_of(frozen) -> tuple[np.ndarray, np.ndarray]:
    y = np.where(NODES < 0, frozen.ppf(special.expit(NODES)), frozen.isf(special.expit(-NODES)))
    weight = special.expit(NODES) * special.expit(-NODES)
    return y, weight / weight.sum()


def angles_of(frozen) -> tuple[np.ndarray, np.ndarray]:
    y = np.linspace(-np.pi, np.pi, 4000, endpoint=False)
    return y, frozen.pdf(y) * (y[1] - y[0])  # exact to rounding: it is periodic


@pytest.mark.parametrize(
    ("family", "aux"),
    [
        ("gaussian", {"sigma": 0.03}),
        ("lognormal", {"sigma": 0.7}),
        *(("student", {"sigma": 40.0, "nu": nu}) for nu in (1.5, 4.0, 30.0)),
        *(("gamma", {"alpha": alpha}) for alpha in (0.3, 2.0, 400.0)),
        *(("beta", {"phi": phi}) for phi in (4.0, 40.0, 900.0)),
        *(("weibull", {"alpha": alpha}) for alpha in (0.6, 9.0)),
        *(("inverse_gaussian", {"lam": lam}) for lam in (9.0, 900.0)),
        *(("von_mises", {"kappa": kappa}) for kappa in (0.1, 3.0, 90.0)),
    ],
)
def test_expected_information_is_the_variance_of_the_score(family, aux):
    one = FAMILIES[family]
    link = one.link(None)
    mu = {"gaussian": 7.0, "lognormal": 0.4, "student": -3.0, "beta": 0.3, "von_mises": 0.4}.get(
        family, 55.0
    )
    frozen = {
        "gaussian": lambda: stats.norm(mu, aux["sigma"]),
        "lognormal": lambda: stats.lognorm(aux["sigma"], scale=np.exp(mu)),
        "student": lambda: stats.t(aux["nu"], mu, aux["sigma"]),
        "gamma": lambda: stats.gamma(aux["alpha"], scale=mu / aux["alpha"]),
        "beta": lambda: stats.beta(mu * aux["phi"], (1 - mu) * aux["phi"]),
        "weibull": lambda: stats.weibull_min(
            aux["alpha"], scale=mu / special.gamma(1 + 1 / aux["alpha"])
        ),
        "inverse_gaussian": lambda: stats.invgauss(mu / aux["lam"], scale=aux["lam"]),
        "von_mises": lambda: stats.vonmises(aux["kappa"], loc=mu),
    }[family]()
    y, weight = angles_of(frozen) if family == "von_mises" else nodes_of(frozen)
    cell = np.arange(y.size)
    of = one.statistics(Sample(y, None, np.zeros(y.size)), cell, y.size, one.auxiliary)
    eta = np.full(y.size, link.function(mu))
    each = {name: np.full(y.size, value) for name, value in aux.items()}
    of_mean, _ = one.score(of, eta, each, link)
    for name, value in aux.items():
        score, information = one.scores[name](of, eta, each, link)
        assert weight @ score * value == pytest.approx(0, abs=1e-7)
        # Each cell is one row: the information is the same in all.
        np.testing.assert_allclose(information, weight @ score**2, rtol=1e-6)
        # None is stated where the mean is orthogonal to them.
        shares = one.shared.get(("mu", name), lambda *of: np.zeros(1))
        shared, size = weight @ (score * of_mean), (weight @ score**2) * (weight @ of_mean**2)
        stated = shares(of, eta, each, link)
        np.testing.assert_allclose(stated, shared, rtol=1e-6, atol=1e-6 * np.sqrt(size))


def information_of_counts(mu: float, alpha: float) -> float:
    """Expected information on log alpha of a count, by the sum over all of them."""
    sd = np.sqrt(mu + mu**2 / alpha)
    y = np.arange(int(mu + 60 * sd) + 60)
    p = stats.nbinom.pmf(y, alpha, alpha / (alpha + mu))
    slope = special.digamma(y + alpha) - special.digamma(alpha) - np.log1p(mu / alpha)
    slope += (mu - y) / (alpha + mu)
    return float(alpha**2 * (p @ slope**2))


@pytest.mark.parametrize(
    ("mu", "alpha", "tolerance"),
    [(1e4, 0.5, 0.05), (1e4, 4.0, 0.01), (3.0, 3e3, 0.01), (50.0, 1e4, 0.02), (0.2, 500.0, 0.01)],
)
def test_information_of_counts_has_the_limits_of_gamma_and_poisson(mu, alpha, tolerance):
    one = FAMILIES["negative_binomial"]
    link = one.link(None)
    of = one.statistics(Sample(np.array([2.0]), None, np.zeros(1)), np.zeros(1, int), 1, ["alpha"])
    _, information = one.scores["alpha"](
        of, np.log([mu]), {"alpha": np.array([alpha])}, link
    )  # fmt: skip
    expected = information_of_counts(mu, alpha)
    assert alpha**2 * information[0] == pytest.approx(expected, rel=tolerance)


def test_information_of_counts_that_are_poisson_s_is_never_less_than_its_limit():
    """Where the trigamma function has lost its digits too."""
    one = FAMILIES["negative_binomial"]
    alpha, mu = 10.0 ** np.arange(2, 60), 3.0
    y = np.full(alpha.size, 2.0)
    of = one.statistics(Sample(y, None, 0 * y), np.arange(y.size), y.size, ["alpha"])
    eta = np.full(y.size, np.log(mu))
    _, information = one.scores["alpha"](of, eta, {"alpha": alpha}, one.link(None))
    limit = 0.5 * (mu / (alpha + mu)) ** 2 / alpha**2
    assert np.all(information >= limit * (1 - 1e-12))


ALPHAS = np.array([1e-2, 0.3, 2.0, 31.0, 400.0, 7e4, 1e6, 1e8])
COUNTS = np.array([0, 0, 1, 2, 7, 33, 350, 3000])


def counts(mu: float):
    """Every count under every shape, a cell each shape: cell, y, and the exact sums by cell."""
    cell = np.repeat(np.arange(ALPHAS.size), COUNTS.size)
    y = np.tile(COUNTS, ALPHAS.size)
    rows = [exact(int(v), mu, float(ALPHAS[c])) for v, c in zip(y, cell, strict=True)]
    value, slope, _ = np.array(rows).T
    return cell, y.astype(float), value, np.bincount(cell, slope)


@pytest.mark.parametrize("mu", [0.05, 3.0, 900.0])
def test_counts_of_a_shape_for_each_cell_are_products_of_factors(mu):
    one = FAMILIES["negative_binomial"]
    link = one.link(None)
    cell, y, value, slope = counts(mu)
    of = one.statistics(Sample(y, None, np.zeros(y.size)), cell, ALPHAS.size, ["alpha"])
    eta = np.full(ALPHAS.size, np.log(mu))
    got = one.log_likelihood(of, eta, {"alpha": ALPHAS}, link)
    assert got == pytest.approx(value.sum(), rel=1e-11)
    score, _ = one.scores["alpha"](of, eta, {"alpha": ALPHAS}, link)
    # What rounding may leave is of the size of what the score sums up, which is that of the counts.
    error = ALPHAS * score - slope
    assert abs(error).max() < 1e-12 * (y.sum() + mu * y.size), error


def test_each_row_s_own_shape_has_its_own_probability():
    one = FAMILIES["negative_binomial"]
    cell, y, value, _ = counts(20.0)
    got = one.log_densities(
        y, np.full((1, y.size), np.log(20.0)), {"alpha": ALPHAS[cell][None]}, one.link(None)
    )
    np.testing.assert_allclose(got[0], value, rtol=1e-11, atol=1e-13)
