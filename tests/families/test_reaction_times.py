"""Reaction times: far tails, the bound of the shift, posteriors by quadrature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import special, stats
from scipy_densities import BY_NAME

import winstan as ws
from winstan.backends import backend_named
from winstan.backends.pymc_program import pymc_program
from winstan.backends.stan_program import stan_program
from winstan.families import FAMILIES, LINKS
from winstan.families.namespace import NUMPY, pytensor_namespace
from winstan.families.reaction_times import inverse_mills
from winstan.families.sample import Sample

IDENTITY = LINKS["identity"]


def times(n: int = 40, seed: int = 5) -> pd.DataFrame:
    """Milliseconds, with a shift and a tail."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"y": 210 + 160 * rng.lognormal(0, 0.6, n), "w": rng.integers(1, 4, n)})


def density(family: str, y: float, mu: float, aux: dict[str, float]) -> float:
    rows = FAMILIES[family].log_densities(np.array([y]), np.array([[mu]]), aux, IDENTITY)
    return float(rows[0, 0])


# -- far out --------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [-9.0, -0.3, 2.0, 40.0])
@pytest.mark.parametrize("beta", [1e-3, 1e-6, 1e-12])
def test_exgaussian_of_a_short_tail_is_normal(y, beta):
    """The first term in beta is that of the third moment: beta^3 (z^3 - 3 z) / 3, and beta^2's."""
    got = density("exgaussian", y, 0.0, {"sigma": 1.0, "beta": beta})
    second = 0.5 * beta**2 * (y * y - 1)
    assert got == pytest.approx(stats.norm.logpdf(y) + second, rel=1e-13, abs=1e5 * beta**3)


@pytest.mark.parametrize(("y", "sigma"), [(1e4, 1.0), (30.0, 1e-9), (1e8, 0.5)])
def test_exgaussian_far_above_is_exponential(y, sigma):
    beta = 2.0
    expected = -np.log(beta) - (y + beta) / beta + 0.5 * (sigma / beta) ** 2
    got = density("exgaussian", y, 0.0, {"sigma": sigma, "beta": beta})
    assert got == pytest.approx(expected, rel=1e-14)


def test_exgaussian_far_below_falls_as_a_normal_does():
    sigma, beta, y = 1.0, 3.0, -1e5
    z, w = (y + beta) / sigma, (y + beta) / sigma - sigma / beta
    expected = -np.log(beta) - 0.5 * z * z - np.log(-w) - 0.5 * np.log(2 * np.pi)
    got = density("exgaussian", y, 0.0, {"sigma": sigma, "beta": beta})
    assert got == pytest.approx(expected, rel=1e-15)


def test_skew_normal_far_out_is_normal_or_its_square():
    """On the side of the tail twice the normal, on the other of Phi's tail."""
    alpha = 7.0
    m = np.sqrt(2 / np.pi) * alpha / np.sqrt(1 + alpha**2)
    for z in (60.0, -60.0, -1e4):
        y = (z - m) / np.sqrt(1 - m * m)
        tail = 0.0 if z > 0 else -0.5 * (alpha * z) ** 2 - np.log(-alpha * z * np.sqrt(2 * np.pi))
        expected = np.log(2) + stats.norm.logpdf(z) + 0.5 * np.log1p(-m * m) + tail
        got = density("skew_normal", y, 0.0, {"sigma": 1.0, "alpha": alpha})
        assert got == pytest.approx(expected, rel=1e-10)


def test_functions_of_the_tail_agree_and_have_derivatives():
    pt = pytensor_namespace()
    x = np.array([-1e8, -200.0, -30.0, -1.0, -1e-9, 0.0, 5.0, 40.0, 1e6])
    np.testing.assert_allclose(pt.log_ndtr(x).eval(), special.log_ndtr(x), rtol=1e-9)
    np.testing.assert_allclose(pt.log_erfcx(-x[:6]).eval(), NUMPY.log_erfcx(-x[:6]), rtol=1e-13)
    step = 1e-6
    by_difference = (special.log_ndtr(x[1:7] + step) - special.log_ndtr(x[1:7] - step)) / (2 * step)
    np.testing.assert_allclose(inverse_mills(x[1:7]), by_difference, rtol=1e-6, atol=1e-9)
    assert inverse_mills(x[:1])[0] == pytest.approx(1e8, rel=1e-12)
    assert inverse_mills(x[-1:])[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("family", ["exgaussian", "skew_normal"])
@pytest.mark.parametrize(("sigma", "second"), [(3.0, 40.0), (60.0, 0.02), (0.5, 3.0)])
def test_templates_are_exact_far_out(family, sigma, second):
    """Rows hundreds of sds away to both sides, by Stan and PyMC: values and derivatives."""
    data = pd.DataFrame({"y": [-300.0, -2.0, 0.0, 1.0, 7.0, 900.0]})
    names = FAMILIES[family].auxiliary
    priors = {
        "Intercept": ws.Normal(0, 10), "sigma": ws.HalfNormal(50),
        names[1]: ws.Normal(0, 50) if family == "skew_normal" else ws.HalfNormal(50),
    }  # fmt: skip
    model = model_of("y ~ 1", data, family, priors=priors)
    coordinates = model.coordinates
    numbers = {"sigma": sigma, names[1]: second}
    free = model.likelihood.free(numbers)
    raw = (free - coordinates.aux_location) / coordinates.aux_scale.diagonal()
    assert not np.any(coordinates.aux_taper)
    points = np.concatenate([[0.4], raw])[None]
    densities = [backend_named(name).log_density(model, points) for name in ("stan", "pymc")]
    (ours, our_slope), (theirs, their_slope) = densities
    assert np.isfinite(our_slope).all()
    np.testing.assert_allclose(our_slope, their_slope, rtol=1e-6, atol=1e-8 * abs(ours[0]))
    assert np.isfinite(theirs).all()


# -- the shift ------------------------------------------------------------------------------------


def test_shift_is_bounded_by_the_least_response_that_counts():
    data = times()
    least = data["y"].min()
    model = model_of("y ~ 1", data, "shifted_lognormal")
    assert model.cells.statistics["least"] == least
    assert model.priors["ndt"] == ws.Beta(1, 1)
    assert "Beta(1, 1)  (default)  as a share of the least response" in str(model.priors)
    drawn = ws.families.FAMILIES["shifted_lognormal"]
    sample = Sample(np.array([3.0, 5.0, 9.0]), np.array([0.0, 2.0, 1.0]), np.zeros(3))
    assert drawn.statistics(sample, np.zeros(3, int), 1, ())["least"] == 5.0
    assert drawn.scale_part(sample).y[1] == pytest.approx(np.log(2.5))
    row = density("shifted_lognormal", 3.0, 0.3, {"sigma": 0.5, "ndt": 3.0})
    assert row == -np.inf


def test_formulas_and_wrong_priors_of_the_shift_are_refused_by_name():
    with pytest.raises(ws.FormulaError, match=r"'ndt ~ \(1\|g\)'.*least response.*by='g'"):
        model_of(
            ["y ~ 1", "ndt ~ (1|g)"], times().assign(g=list("abcdefgh") * 5), "shifted_lognormal"
        )
    with pytest.raises(ws.FormulaError, match=r"'ndt ~ x'.*exgaussian"):
        model_of(["y ~ 1", "ndt ~ x"], times().assign(x=range(40)), "shifted_lognormal")
    with pytest.raises(ws.PriorError, match=r"'ndt'.*share.*Beta or Flat"):
        model_of("y ~ 1", times(), "shifted_lognormal", priors={"ndt": ws.Normal(200, 50)})


def test_programs_say_what_the_shift_is():
    model = model_of("y ~ 1", times(), "shifted_lognormal")
    program, _ = stan_program(model)
    for line in ("real<lower=0, upper=min(y)> ndt;", "ndt / min(y) ~ beta(1, 1);",
                 "y - ndt ~ lognormal(mu, sigma);"):  # fmt: skip
        assert line in program
    program, _ = pymc_program(model)
    assert 'ndt = pm.Deterministic("ndt", ndt_share * y.min())' in program
    assert "pm.logp(pm.LogNormal.dist(mu=mu, sigma=sigma), y - ndt)" in program
    weighted, _ = stan_program(model_of("y ~ 1", times(), "shifted_lognormal", weights="w"))
    assert "lognormal_lpdf(y[n] - ndt | mu[n], sigma)" in weighted


def test_pymc_s_exgaussian_is_another_and_not_written():
    with pytest.raises(ws.BackendError, match=r"fit.code\('stan'\) does"):
        pymc_program(model_of("y ~ 1", times(), "exgaussian"))


@pytest.mark.parametrize("family", ["exgaussian", "skew_normal", "shifted_lognormal"])
def test_bambi_is_refused(family):
    model = model_of("y ~ 1", times(), family)
    with pytest.raises(ws.BackendError, match=f"no family '{family}' of these parameters"):
        backend_named("bambi").check(model, ws.backends.Settings())


# -- posteriors -----------------------------------------------------------------------------------


def by_quadrature(family: str, y: np.ndarray, log_prior, axes) -> tuple[np.ndarray, np.ndarray]:
    """Means and sds of mu and of the other parameters, on a grid of what is free."""
    at = np.meshgrid(*axes, indexing="ij")
    values, log_p = log_prior(*at)
    names = FAMILIES[family].auxiliary
    for one in y:
        own = dict(zip(names, values[1:], strict=True))
        log_p = log_p + BY_NAME[family](one, values[0], own)
    p = np.exp(log_p - log_p.max())
    edge = max(np.take(p, i, axis=k).max() for k in range(3) for i in (0, -1))
    assert edge < 1e-4
    p /= p.sum()
    means = np.array([np.sum(p * v) for v in values])
    sds = [np.sqrt(np.sum(p * np.square(v - m))) for v, m in zip(values, means, strict=True)]
    return means, np.array(sds)


CASES = {
    "exgaussian": (
        {"Intercept": ws.Normal(400, 300), "sigma": ws.Gamma(3, 0.05), "beta": ws.Gamma(3, 0.03)},
        lambda mu, a, b: (
            (mu, np.exp(a), np.exp(b)),
            stats.norm.logpdf(mu, 400, 300) + stats.gamma.logpdf(np.exp(a), 3, scale=20) + a
            + stats.gamma.logpdf(np.exp(b), 3, scale=1 / 0.03) + b,
        ),
        [np.linspace(270, 560, 90), np.linspace(-1.0, 6.0, 120), np.linspace(2.5, 6.5, 90)],
    ),
    "skew_normal": (
        {"Intercept": ws.Normal(400, 300), "sigma": ws.Gamma(3, 0.02), "alpha": ws.Normal(0, 4)},
        lambda mu, a, b: (
            (mu, np.exp(a), b),
            stats.norm.logpdf(mu, 400, 300) + stats.gamma.logpdf(np.exp(a), 3, scale=50) + a
            + stats.norm.logpdf(b, 0, 4),
        ),
        [np.linspace(280, 540, 90), np.linspace(3.8, 6.4, 90), np.linspace(-4, 20, 120)],
    ),
    "shifted_lognormal": (
        {"Intercept": ws.Normal(5, 2), "sigma": ws.Gamma(2, 2)},
        lambda mu, a, b: (
            (mu, np.exp(a), special.expit(b) * LEAST),
            stats.norm.logpdf(mu, 5, 2) + stats.gamma.logpdf(np.exp(a), 2, scale=0.5) + a
            + special.log_expit(b) + special.log_expit(-b),
        ),
        [np.linspace(3.5, 6.8, 90), np.linspace(-2.5, 1, 90), np.linspace(-9, 9, 150)],
    ),
}  # fmt: skip
LEAST = times()["y"].min()


@pytest.mark.slow
@pytest.mark.parametrize("family", CASES)
def test_posterior_by_quadrature(family):
    data = times()
    priors, log_prior, axes = CASES[family]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, sd = by_quadrature(family, data["y"].to_numpy(), log_prior, axes)
    fit = ws.fit("y ~ 1", data, family, priors=priors, draws=2000, seed=4, progress=False)
    assert fit.diagnostics.ok
    table = fit.summary()
    for k, name in enumerate(("Intercept", *FAMILIES[family].auxiliary)):
        row = table.loc[name]
        assert row["mean"] == pytest.approx(mean[k], abs=4 * sd[k] / np.sqrt(row["ess_bulk"]))
        assert row["sd"] == pytest.approx(sd[k], rel=0.1)
    if family == "shifted_lognormal":
        assert fit.draws["posterior"]["ndt"].max() < LEAST


# -- questions ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_means_of_a_shifted_lognormal_have_the_shift_and_the_exponential():
    rng = np.random.default_rng(8)
    g, x = np.arange(240) % 8, (np.arange(240) // 8) % 2
    log_y = 5 + 0.2 * x + 0.15 * rng.normal(size=8)[g] + 0.5 * rng.normal(size=240)
    data = pd.DataFrame({"y": 210 + np.exp(log_y), "x": x, "g": g.astype(str)})
    fit = ws.fit("y ~ x + (1|g)", data, "shifted_lognormal", seed=2, progress=False, silence="all")
    draws = fit.draws["posterior"]
    names = ("Intercept", "x", "sigma", "ndt", "1|g_sigma")
    a, b, sigma, ndt, sd = (draws[name].to_numpy().ravel() for name in names)
    for groups, more in (("typical", 0.0), ("population", 0.5 * sd**2)):
        low, high = (ndt + np.exp(a + b * at + 0.5 * sigma**2 + more) for at in (0, 1))
        table = fit.means("x", groups=groups)
        np.testing.assert_allclose(table["mean"], [low.mean(), high.mean()], rtol=1e-6)
        effect = fit.contrast("x", groups=groups).iloc[0]
        assert effect["mean"] == pytest.approx((high - low).mean(), rel=1e-6)
    new = fit.posterior_predictive(40)
    assert float(np.min(new.to_numpy())) > ndt.min()
    drawn = fit.prior_predictive(200)
    assert np.all(drawn.to_numpy() > 0)
