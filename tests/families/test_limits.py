"""Censored and truncated responses, and known standard errors: densities, refusals, posteriors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from limits_cases import CAN, CASES, CENSORED, limited_data
from limits_reference import distribution, least_end, limited_rows
from models import model_of
from posterior_checks import agree
from reference_density import Reference
from row_densities import BESIDE, INVERSE
from scipy import integrate, special, stats
from slopes import slopes_agree

import winstan as ws
from winstan.backends import backend_named
from winstan.families import FAMILIES, LINKS
from winstan.families.namespace import NUMPY
from winstan.unconstrained import coordinate_sizes

AUX = {"sigma": 43.0, "nu": 3.7, "alpha": 1.9, "phi": 2.7, "lam": 370.0, "beta": 31.0, "ndt": 0.4}
REACTION = ("inverse_gaussian", "exgaussian", "shifted_lognormal")


def eta_of(model):
    """Linear predictors of about the data's size, block by block, and numbers."""
    mu = np.linspace(0.8, 1.3, model.cells.n) * np.mean(model.design.response.y)
    blocks = [model.link.function(mu)] + [
        np.linspace(0.9, 1.2, model.cells.n) * np.log(AUX[name])
        for name in model.likelihood.predicted
    ]
    return np.concatenate(blocks), {p.name: AUX[p.name] for p in model.likelihood.scalars}


def row_by_row(model, eta, numbers):
    """The rows' log densities by scipy."""
    of = model.cells.of_row
    aux = dict(numbers)
    for b, name in enumerate(model.likelihood.predicted, 1):
        aux[name] = BESIDE[name](model.likelihood.block(eta, b))[of]
    mu = INVERSE[model.link.name](model.likelihood.block(eta, 0))[of]
    response = model.design.response
    return limited_rows(model.family.name, mu, in_units(model, aux), response.y, response.limits)


def in_units(model, numbers):
    """A shift is a share of the least response."""
    response = model.design.response
    least = least_end(response.y, response.limits)
    return {k: v * least if k == "ndt" else v for k, v in numbers.items()}


# -- the density of all rows, and of each ---------------------------------------------------------


@pytest.mark.parametrize(("family", "formula", "options"), CASES)
def test_the_likelihood_of_cells_is_the_sum_over_rows(family, formula, options):
    model = model_of(formula, limited_data(family), family, **options)
    eta, numbers = eta_of(model)
    rows = row_by_row(model, eta, numbers)
    weight = 1.0 if model.design.weights is None else model.design.weights
    likelihood = model.likelihood
    assert likelihood.log_density(eta, numbers) == pytest.approx(np.sum(weight * rows), rel=1e-8)
    # Censored rows of a part of a cell and of one limit share a number.
    intervals = model.cells.statistics["interval_tally"].size
    limits = model.design.response.limits
    assert 0 <= intervals <= limits.censored + limits.truncated * len(rows)


@pytest.mark.parametrize(("family", "formula", "options"), CASES)
def test_scores_are_derivatives_and_informations_are_positive(family, formula, options):
    model = model_of(formula, limited_data(family), family, **options)
    eta, numbers = eta_of(model)
    score, information = model.likelihood.score(eta, numbers)
    step = 1e-5 * np.abs(eta)
    slope = [
        np.subtract(*(model.likelihood.log_density(eta + s * h * e, numbers) for s in (1, -1)))
        / (2 * h)
        for h, e in zip(step, np.eye(eta.size), strict=True)
    ]
    np.testing.assert_allclose(score, slope, rtol=1e-4, atol=1e-4 * np.abs(slope).max())
    assert np.all(information > 0)


@pytest.mark.parametrize(("family", "formula", "options"), CASES[: 2 * len(CAN) - 2] + CASES[-2:])
def test_log_densities_of_single_rows(family, formula, options):
    model = model_of(formula, limited_data(family), family, **options)
    eta, numbers = eta_of(model)
    of, y = model.cells.of_row, model.design.response.y
    eta = eta[of]
    draws = {k: np.full((2, 1), value) for k, value in in_units(model, numbers).items()}
    both = np.stack([eta, 1.01 * eta])
    got = model.family.log_densities(y, both, draws, model.link, model.design.response.limits)
    expected = row_by_row(model, eta_of(model)[0], numbers)
    np.testing.assert_allclose(got[0], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("family", [name for name in CAN if name not in REACTION])
def test_tails_keep_their_digits_far_out(family):
    """Where a probability is 1e-280 its logarithm has nine digits; and where it is 1 - 1e-13."""
    base = FAMILIES[family]
    link = LINKS[base.links[0]]
    aux = {
        name: {"sigma": 0.7, "nu": 40.0, "alpha": 6.3, "phi": 3.1}[name] for name in base.auxiliary
    }
    eta = np.array(link.function(31.0) if family != "lognormal" else 1.1)
    own = distribution(family, INVERSE[link.name](eta), aux)
    logs = np.log([1e-250, 1e-60, 1e-13, 1e-3, 0.3, 0.5])
    for lower, value in ((True, own.ppf(np.exp(logs))), (False, own.isf(np.exp(logs)))):
        y = np.unique(value[np.isfinite(value)])
        y = y[y > 0] if family != "gaussian" else y
        scaled = np.log(y) if base.log_response else y
        wide = {name: np.full(y.shape, value) for name, value in aux.items()}
        below, above = base.cumulative.log_tails(scaled, np.full(y.shape, eta), wide, link, NUMPY)
        got, expected = (below, own.logcdf(y)) if lower else (above, own.logsf(y))
        # scipy's logarithm of a t's or a gamma's tail underflows where the tail does.
        some = np.isfinite(expected) & (expected > -640)
        assert some.sum() >= 2 + (not base.whole)
        np.testing.assert_allclose(got[some], expected[some], rtol=2e-9)
        assert np.isfinite(below).all()
        assert np.isfinite(above).all()


def log_tail(own, y, side):
    """Logarithm of what a density has beyond y, by the integral of it over its value there."""
    top, scale = own.logpdf(y), own.std()

    def over(s):
        return np.exp(own.logpdf(y + side * scale * s) - top)

    reach = next(2.0**k for k in range(-30, 30) if over(2.0**k) < 1e-25)
    edges = reach * np.array([0, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 1.0])
    parts = [integrate.quad(over, a, b, epsrel=1e-12, epsabs=0)[0] for a, b in pairwise(edges)]
    return top + np.log(scale * sum(parts))


@pytest.mark.parametrize(
    ("family", "mu", "aux"),
    [
        ("inverse_gaussian", 1.7, {"lam": 0.9}),
        ("inverse_gaussian", 310.0, {"lam": 12000.0}),
        ("exgaussian", 0.43, {"sigma": 0.05, "beta": 0.13}),
        ("exgaussian", 430.0, {"sigma": 90.0, "beta": 2.0}),
        ("exgaussian", 0.43, {"sigma": 0.004, "beta": 0.2}),
        ("shifted_lognormal", -0.9, {"sigma": 0.4, "ndt": 0.21}),
        ("shifted_lognormal", 5.5, {"sigma": 1.3, "ndt": 140.0}),
    ],
)
@pytest.mark.slow
def test_tails_of_reaction_times_are_integrals_of_their_densities(family, mu, aux):
    """Where scipy's distribution functions are zero, too; and one tail is one less the other."""
    base = FAMILIES[family]
    link = LINKS[base.links[0]]
    own = distribution(family, np.array(mu), aux)
    far = np.array([-25.0, -8, -3, -1, -0.3, 0.4, 2, 6, 20, 60])
    start = aux.get("ndt", 0.0) if base.kind == "positive" else mu - aux["beta"]
    y = own.mean() + own.std() * far
    if base.kind == "positive":
        y = np.concatenate([start + (own.mean() - start) * 2.0 ** -np.arange(9), y[y > start]])
    else:  # about the edge, too
        y = np.concatenate([start + aux["sigma"] * far, y])
    y = y[own.logpdf(y) > -650]
    wide = {name: np.full(y.shape, value) for name, value in aux.items()}
    eta = np.full(y.shape, float(link.function(np.array(mu))))
    below, above = base.cumulative.log_tails(y, eta, wide, link, NUMPY)
    assert below.min() < (-8 if aux.get("sigma", 0.0) == 1.3 else -40)  # the points reach far out
    for at, low, high in zip(y, below, above, strict=True):
        if low < high:
            assert low == pytest.approx(log_tail(own, at, -1), rel=1e-9, abs=1e-9)
        else:
            assert high == pytest.approx(log_tail(own, at, 1), rel=1e-9, abs=1e-9)
        assert np.exp(low) + np.exp(high) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("status", ["left", "right"])
def test_no_response_is_known_to_be_below_a_shift_that_is_not(status):
    """What is right-censored may end before the shift, and says nothing then."""
    data = limited_data("shifted_lognormal")
    data["status"] = np.where(data.index < 9, status, "none")
    data.loc[:8, "y"] = 2.0
    model = model_of("censored(y, status) ~ 1", data, "shifted_lognormal")
    least = data.y.min() if status == "left" else data.y[9:].min()
    assert model.cells.statistics["least"] == least
    numbers = {"sigma": 0.8, "ndt": 0.6}
    rest = model_of("y ~ 1", data[9:], "shifted_lognormal").likelihood
    if status == "right":  # 2 is below 0.6 of the least of the others
        got = model.likelihood.log_density(np.array([4.3]), numbers)
        assert got == pytest.approx(rest.log_density(np.array([4.3]), numbers), rel=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 3.0, 1e3, 1e8])
def test_tails_of_a_negative_binomial_are_incomplete_beta_functions(alpha):
    """Of any shape and mean, far from the mean and near it: nine digits, as scipy's betainc."""
    own = FAMILIES["negative_binomial"].cumulative
    for mu in (1e-3, 0.3, 5.0, 1e3, 1e5):
        away = np.array([-3, -1, 0, 1, 3, 10, 30]) * np.sqrt(mu + mu**2 / alpha)
        y = np.unique(np.floor(np.clip(mu + away, 0, None)))
        arrays = np.full(y.shape, np.log(mu)), {"alpha": np.full(y.shape, alpha)}
        below, above = own.log_tails(y, *arrays, LINKS["log"], NUMPY)
        share, rest = mu / (mu + alpha), alpha / (mu + alpha)
        expected = special.betainc(y + 1, alpha, share)
        more = expected > 1e-280
        np.testing.assert_allclose(above[more], np.log(expected[more]), rtol=1e-8, atol=3e-8)
        if mu / alpha > 1e-6:  # nearer to one `rest` has lost its digits
            expected = special.betainc(alpha, y + 1, rest)
            np.testing.assert_allclose(below, np.log(expected), rtol=1e-8, atol=3e-8)


def test_weights_are_rows_repeated_and_offsets_are_known_parts():
    data = limited_data("gaussian")
    weighted = model_of(CENSORED, data, "gaussian", weights="w")
    repeated = model_of(CENSORED, data.loc[data.index.repeat(data.w)], "gaussian")
    eta, numbers = eta_of(weighted)
    assert weighted.likelihood.log_density(eta, numbers) == pytest.approx(
        repeated.likelihood.log_density(eta, numbers), rel=1e-12
    )
    for name, value in repeated.cells.statistics.items():
        if name != "of_row":
            np.testing.assert_allclose(weighted.cells.statistics[name], value, rtol=1e-9)
    plain = model_of("censored(y, upper, status) ~ 1 + offset(t)", data, "gaussian")
    moved = data.assign(y=data.y - data.t, upper=data.upper - data.t)
    other = model_of("censored(y, upper, status) ~ 1", moved, "gaussian")
    mu = 190.0
    assert plain.likelihood.log_density(mu + plain.cells.offset, {"sigma": 40.0}) == pytest.approx(
        other.likelihood.log_density(np.full(other.cells.n, mu), {"sigma": 40.0}), rel=1e-12
    )


# -- the backends ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("family", "formula", "options"), CASES)
def test_stan_and_pymc_have_the_density_of_the_rows(family, formula, options):
    model = model_of(formula, limited_data(family), family, **options)
    assert model.template == "limits"
    reference = Reference(model)
    points = np.random.default_rng(5).normal(0, 0.3, (3, reference.dim))
    assert reference.dim == sum(coordinate_sizes(model).values())
    density, slope = backend_named("stan").log_density(model, points)
    expected = np.array([reference(point) for point in points])
    np.testing.assert_allclose(density, expected, rtol=1e-8)
    slopes_agree(reference, points, slope, tolerance=1e-5)
    theirs, their_slope = backend_named("pymc").log_density(model, points)
    gap = density - theirs
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-8 * np.abs(density).max())
    np.testing.assert_allclose(their_slope, slope, rtol=1e-6, atol=1e-7 * np.abs(slope).max())


def schools():
    y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    error = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    return pd.DataFrame({"y": y, "s": error, "school": list("ABCDEFGH")})


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["stan", "pymc"])
def test_eight_schools(backend):
    """Rubin (1981): means and sd of the effects by quadrature over mu and tau."""
    data = schools()
    priors = {"Intercept": ws.Normal(0, 5), "sd": ws.HalfCauchy(5)}
    fit = ws.fit(
        "y | se(s) ~ 1 + (1|school)", data, priors=priors, backend=backend, seed=3,
        progress=False, draws=2000,
    )  # fmt: skip
    assert "sigma" not in fit.summary().index
    tau = np.tan((np.arange(4000) + 0.5) / 4000 * np.pi / 2) * 5  # uniform in the prior's cdf
    precision = 1 / (data.s.to_numpy() ** 2 + tau[:, None] ** 2)
    total = precision.sum(1) + 1 / 25
    mean = (precision * data.y.to_numpy()).sum(1) / total
    log_weight = (
        0.5 * np.log(precision).sum(1) - 0.5 * np.log(total)
        - 0.5 * (precision * data.y.to_numpy() ** 2).sum(1) + 0.5 * total * mean**2
    )  # fmt: skip
    weight = special.softmax(log_weight)
    mu = weight @ mean
    agree(fit, {"Intercept": (mu, np.sqrt(weight @ (1 / total + mean**2) - mu**2), 0.0)})
    # of school A: shrunk from its own estimate
    shrink = tau**2 / (tau**2 + data.s[0] ** 2)
    effect = weight @ (shrink * (data.y[0] - mean))
    assert fit.draws["posterior"]["1|school"].mean(("chain", "draw")).sel(
        school__factor_dim="A"
    ).item() == pytest.approx(effect, abs=0.4)


@pytest.mark.slow
def test_a_censored_normal_by_quadrature_and_substitution_is_biased():
    rng = np.random.default_rng(2)
    latent = rng.normal(1.3, 0.8, 60)
    data = pd.DataFrame({"y": np.maximum(latent, 1.0), "low": latent < 1.0})
    data["status"] = np.where(data.low, "left", "none")
    priors = {"Intercept": ws.Normal(0, 10), "sigma": ws.Exponential(0.5)}
    fit = ws.fit("censored(y, status) ~ 1", data, priors=priors, seed=1, progress=False)
    n_low, seen = int(data.low.sum()), data.y[~data.low].to_numpy()

    def log_density(mu, sigma):
        points = stats.norm.logpdf(seen[:, None, None], mu, sigma).sum(0)
        limits = n_low * stats.norm.logcdf(1.0, mu, sigma)
        return points + limits + stats.norm.logpdf(mu, 0, 10) - 0.5 * sigma

    mu, sigma = np.meshgrid(np.linspace(0.2, 2.2, 400), np.linspace(0.3, 2.5, 400), indexing="ij")
    weight = special.softmax(log_density(mu, sigma))
    for name, x in (("Intercept", mu), ("sigma", sigma)):
        mean = float((weight * x).sum())
        agree(fit, {name: (mean, float(np.sqrt((weight * x**2).sum() - mean**2)), 0.0)})
    substituted = float(data.y.mean())
    assert substituted > float((weight * mu).sum()) + 0.1
    with pytest.warns(ws.DesignWarning, match="log probabilities"):
        elpd = fit.loo().elpd
    assert np.isfinite(elpd)
    # Replicates are of the response itself, below the limit too.
    assert (fit.posterior_predictive(draws=100) < 1.0).mean() > 0.2


@pytest.mark.parametrize(
    ("left", "censored", "expected"),
    [
        ("censored(y, status)", 10, 0.8),
        ("censored(y, status)", 25, 0.95),
        ("truncated(y, -9)", 0, 0.95),
    ],
)
def test_steps_are_small_where_most_rows_are_beyond_a_limit(left, censored, expected):
    """Divergences of 6 in 40 censored and 16 in 40 truncated fits at 0.8 (`make sbc`)."""
    y = np.random.default_rng(1).normal(1, 1, 40)
    limit = np.sort(y)[censored - 1] if censored else -np.inf
    table = pd.DataFrame({"y": np.maximum(y, limit), "x": np.tile([0, 1], 20)})
    table["status"] = np.where(y <= limit, "left", "none")
    assert model_of(f"{left} ~ x", table, "gaussian").target_accept == expected
