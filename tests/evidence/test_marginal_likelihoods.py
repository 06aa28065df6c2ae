"""Marginal likelihoods: closed forms, quadrature, and both methods of one model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_cases import DYESTUFF, conjugate, known_errors, priors_of
from made_draws import flat, made_posterior
from models import model_of
from prior_densities import cholesky_correlation, lkj_log_density
from reference_checks import held
from reference_density import Reference
from scipy import integrate, special, stats
from template_cases import data_of

import winstan as ws
from winstan import evidence
from winstan.correlations import free_correlations
from winstan.evidence.bridge import bridge, bridged_log_marginal_likelihood
from winstan.evidence.space import Space, correlation_matrices
from winstan.priors import R2D2, Horseshoe


def dyestuff_model(formula: str, **changed):
    return model_of(formula, ws.load("Dyestuff"), "gaussian", priors=priors_of(formula) | changed)


def near_exact(model) -> evidence.LogMarginalLikelihood:
    return evidence.log_marginal_likelihood(model, {}, 1, 0)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("formula", "published"),
    [("Yield ~ 1 + (1|Batch)", -168.39714), ("Yield ~ 1", -170.72986)],
)
def test_dyestuff(formula, published, record_property):
    found = near_exact(dyestuff_model(formula))
    assert found.method == "importance sampling"
    assert found.error < 3e-4
    model, allowed = f"Dyestuff, {formula}, log marginal likelihood", max(4 * found.error, 1e-4)
    held(record_property, model, "adaptive quadrature", [float(found)], [published], allowed)


def test_lognormal_is_that_of_the_logarithm_with_its_jacobian():
    data = ws.load("Dyestuff")
    priors = {
        "Intercept": ws.Normal(7.3, 0.2),
        "sigma": ws.Exponential(20),
        "sd": ws.HalfNormal(0.1),
    }
    logs = near_exact(model_of("np.log(Yield) ~ 1 + (1|Batch)", data, "gaussian", priors=priors))
    own = near_exact(model_of("Yield ~ 1 + (1|Batch)", data, "lognormal", priors=priors))
    assert own.value == pytest.approx(logs.value - np.log(data.Yield).sum(), abs=1e-3)


@pytest.mark.slow
def test_slopes_with_a_correlation_and_weights():
    """Two groups' slopes: over three sds and a correlation, by another integration."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(list("abcde"), 6), "x": np.tile(np.arange(6.0), 5)})
    data["y"] = 20 + 3 * data.x + rng.normal(0, 4, 30) + np.repeat(rng.normal(0, 6, 5), 6)
    data["w"] = rng.integers(1, 3, 30)
    priors = {
        "Intercept": ws.Normal(20, 10), "x": ws.Normal(1, 4), "sigma": ws.HalfNormal(6),
        "1|g_sigma": ws.HalfStudentT(4, 5), "x|g_sigma": ws.Gamma(2, 1), "g_corr": ws.LKJ(2),
    }  # fmt: skip
    model = model_of("y ~ x + (x|g)", data, "gaussian", priors=priors, weights="w")
    found = near_exact(model)

    every = data.loc[np.repeat(data.index, data.w)]
    X = np.column_stack([np.ones(len(every)), every.x - every.x.mean()])
    Z = np.zeros((len(every), 10))
    for j, level in enumerate("abcde"):
        Z[:, 2 * j] = every.g == level
        Z[:, 2 * j + 1] = (every.g == level) * every.x
    n = 4000
    draw = np.random.default_rng(0)
    sigma = stats.halfnorm.rvs(scale=6, size=n, random_state=draw)
    sds = np.column_stack([
        5 * np.abs(stats.t.rvs(4, size=n, random_state=draw)), draw.gamma(2, 1, n)
    ])  # fmt: skip
    rho = 2 * draw.beta(2, 2, n) - 1
    logs = np.empty(n)
    mean = X @ [20, 1]
    for s in range(n):
        S = np.array([[sds[s, 0] ** 2, rho[s] * sds[s].prod()], [0, sds[s, 1] ** 2]])
        S[1, 0] = S[0, 1]
        V = X @ np.diag([100.0, 16.0]) @ X.T + Z @ np.kron(np.eye(5), S) @ Z.T
        V[np.diag_indices(len(V))] += sigma[s] ** 2
        logs[s] = stats.multivariate_normal.logpdf(every.y, mean, V)
    by_prior = special.logsumexp(logs) - np.log(n)
    error = np.exp(logs - by_prior).std() / np.sqrt(n)
    assert found.error < 0.01
    assert found.value == pytest.approx(by_prior, abs=4.5 * error)


@pytest.mark.slow
def test_a_conjugate_mean_by_bridge_sampling():
    data = known_errors()
    exact, _, _ = conjugate(data, 60, 10)
    fit = ws.fit(
        "y | se(s) ~ 1", data, priors={"Intercept": ws.Normal(60, 10)}, seed=3, silence="all"
    )
    found = fit.log_marginal_likelihood()
    assert found.method == "bridge sampling"
    assert found.dimensions == 1
    assert found.error < 0.01
    assert float(found) == pytest.approx(exact, abs=4.5 * found.error + 1e-4)


@pytest.mark.slow
def test_both_methods_agree():
    """Dyestuff with its batches' effects sampled, and the published number."""
    formula = "Yield ~ 1 + (1|Batch)"
    fit = ws.fit(
        formula, ws.load("Dyestuff"), priors=priors_of(formula), parametrization="noncentered",
        draws=4000, seed=1, silence="all",
    )  # fmt: skip
    found = fit.log_marginal_likelihood()
    assert (found.method, found.dimensions) == ("bridge sampling", 1 + 1 + 1 + 6)
    assert found.error < 0.02
    assert found.value == pytest.approx(-168.39714, abs=4.5 * found.error)


@pytest.mark.slow
def test_many_nested_effects_by_bridge_sampling():
    """Of the draws of 160: what is near exact with them integrated out is met within its error."""
    rng = np.random.default_rng(6)
    nest, chick = np.repeat(np.arange(40), 6), np.repeat(np.arange(120), 2)
    effects = 3 * rng.normal(size=40)[nest] + 2 * rng.normal(size=120)[chick]
    data = pd.DataFrame({"nest": [f"n{i}" for i in nest], "chick": [f"c{i}" for i in chick]})
    data["y"] = 50 + effects + 2 * rng.normal(size=240)
    normal, rate = ws.Normal(50, 10), ws.Exponential(0.3)
    priors = {"Intercept": normal, "sd": rate, "sigma": rate}
    formula = "y ~ 1 + (1|nest) + (1|chick)"
    fit = ws.fit(formula, data, priors=priors, seed=1, silence="all")
    exact = fit.log_marginal_likelihood()
    assert exact.method == "importance sampling"
    sampled = model_of(formula, data, "gaussian", priors=priors, parametrization="noncentered")
    found = bridged_log_marginal_likelihood(sampled, fit.joined(), 4, 0)
    assert found.dimensions == 4 + 160
    assert found.error < 0.15
    assert found.value == pytest.approx(exact.value, abs=4.5 * found.error)


@pytest.mark.slow
def test_probit_with_groups_by_quadrature():
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"g": np.repeat(np.arange(7), 8)})
    data["y"] = (rng.normal(0.3 + rng.normal(0, 0.9, 7)[data.g]) > 0).astype(int)
    priors = {"Intercept": ws.Normal(0, 1.3), "sd": ws.HalfNormal(1.1)}
    fit = ws.fit("y ~ 1 + (1|g)", data, "bernoulli", link="probit", priors=priors, seed=2)
    found = fit.log_marginal_likelihood()

    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    hits = data.groupby("g")["y"].sum().to_numpy()

    def density(sd: float, b: float) -> float:
        p = special.ndtr(b + sd * nodes)
        each = (p ** hits[:, None] * (1 - p) ** (8 - hits[:, None])) @ weights / np.sqrt(2 * np.pi)
        prior = stats.norm.pdf(b, 0, 1.3) * stats.halfnorm.pdf(sd, scale=1.1)
        return float(each.prod() * prior * 1e15)

    exact, _ = integrate.dblquad(density, -6, 6, 0, 7, epsabs=1e-9)
    assert found.error < 0.02
    assert float(found) == pytest.approx(np.log(exact) - 15 * np.log(10), abs=4.5 * found.error)


CASES = {
    "slopes": ("y ~ x + (x|g)", "gaussian", {"parametrization": "noncentered"}),
    "nested": ("y ~ x + (x|g) + (1|g:h)", "gamma", {"priors": {"corr": ws.LKJ(1.4)}}),
    "weights": ("y ~ cond + offset(np.log(t)) + (1|g)", "poisson", {"weights": "w"}),
    "levels": ("y ~ 0 + cond + x", "student", {"priors": {"sigma": ws.HalfCauchy(20)}}),
    "thresholds": ("y ~ x + (1|g)", "cumulative", {}),
    "normal thresholds": ("y ~ x", "cumulative", {"priors": {"threshold": ws.Normal(0, 3)}}),
    "predicted": ("y ~ x + (1|g); alpha ~ cond", "negative_binomial", {}),
    "bounded": ("y ~ x + (1|g)", "gamma", {"priors": {"x": ws.Normal(0, 1, lower=0, upper=2)}}),
    "from below": ("y ~ x", "gamma", {"priors": {"x": ws.Normal(0, 1, upper=0.5)}}),
    "horseshoe": ("y ~ x + w + t", "gaussian", {"priors": {"b": Horseshoe()}}),
    "r2d2": ("y ~ x + w + t", "poisson", {"priors": {"b": R2D2()}}),
    "steps": ("y ~ mo(w) + (1|g)", "gaussian", {"parametrization": "noncentered"}),
    "constant": ("y ~ x + t", "poisson", {"priors": {"t": ws.Constant(0.1)}}),
    "trials": ("p(y, trials) ~ x + (1|g)", "binomial", {}),
    "shift": ("y ~ x", "shifted_lognormal", {}),
}


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
@pytest.mark.parametrize("case", CASES)
def test_the_density_is_scipys_with_every_constant_and_jacobian(case):
    formula, family, options = CASES[case]
    model = model_of(formula.split("; "), data_of(family), family, **options)
    posterior = flat(made_posterior(model, chains=1, draws=3, seed=7))
    within(model, posterior)
    space = Space.of(model)
    points = space.points(posterior)
    found = space.log_density(points)
    reference = Reference(model)
    for s in range(3):
        values = {name: draws[s] for name, draws in posterior.items()}
        expected = reference.priors(values) + reference.effects(values) + reference.rows(values)
        expected += jacobian(model, space, points[s], values)
        expected += model.shrinkage is not None and shrunk_jacobian(model, values)
        assert found[s] == pytest.approx(expected, rel=1e-9), case


def within(model, posterior) -> None:
    """Put made-up draws where parameters can be."""
    for name in ("zi", "hu", "ndt", "R2D2_R2"):
        if name in posterior:
            posterior[name] = special.expit(posterior[name])
    if "ndt" in posterior:
        posterior["ndt"] = posterior["ndt"] * model.design.response.y.min()
    if "x" in posterior and model.bounds.at.size:
        posterior["x"] = 0.4 * special.expit(posterior["x"])
    for variable in model.variables:
        if variable.role == "simplex" or variable.name == "R2D2_phi":
            shares = np.exp(posterior[variable.name])
            posterior[variable.name] = shares / shares.sum(axis=-1, keepdims=True)
        if variable.name in model.coefficients.constant_names:
            posterior[variable.name][:] = model.coefficients.constant.sum()


def jacobian(model, space, point, values) -> float:
    """Log derivative of the natural values by the point, block by block."""
    _, log_sd, _, free, _ = np.split(point, np.cumsum(space.sizes)[:-1])
    out = log_sd.sum()
    groups = [g for g in model.stacked.groups if g.has_correlations]
    matrices = correlation_matrices(model, {k: np.asarray(v)[None] for k, v in values.items()})
    for group, matrix in zip(groups, matrices, strict=True):
        raw = free_correlations(matrix)[0]
        L, log_slope = cholesky_correlation(raw, group.q)
        np.testing.assert_allclose(L @ L.T, matrix[0])
        out += log_slope + lkj_log_density(L, model.priors[group.correlation_name].numbers[0])
    domains = list(model.likelihood.domains)
    for more in (model.shrinkage, model.simplexes):
        domains += [] if more is None else more.domains
    for x, domain in zip(free, domains, strict=True):
        step = 1e-6
        forward = [
            domain.forward(np.array(x + d), ws.families.namespace.NUMPY) for d in (step, -step)
        ]
        out += np.log((forward[0] - forward[1]) / (2 * step))
    for p, low, high in zip(model.bounds.at, model.bounds.lower, model.bounds.upper, strict=True):
        b = values[model.coefficients.sampled_names[p]]
        slopes = [b - low if np.isfinite(low) else 1.0, high - b if np.isfinite(high) else 1.0]
        whole = high - low if np.isfinite(high - low) else 1.0
        out += np.log(slopes[0]) + np.log(slopes[1]) - np.log(whole)
    vector = model.family.thresholds
    if vector is not None and not isinstance(model.priors["threshold"], ws.Dirichlet):
        out += special.gammaln(values["threshold"].size + 1)  # they are in order
    return float(out)


def shrunk_jacobian(model, values) -> float:
    from curves_reference import sds  # noqa: PLC0415

    s = sds(model, values)
    return float(np.log(np.sqrt(1 / (model.shrunk.known + 1 / s**2)) * model.shrunk.root).sum())


@pytest.mark.slow
def test_a_bridge_knows_its_error():
    """Of 3.7 times a normal density, from a proposal that is another."""
    rng = np.random.default_rng(0)
    z = []
    for _ in range(200):
        own, others = rng.normal(1, 2, (4, 250)), rng.normal(0, 3, 1000)
        ratio = [
            np.log(3.7) + stats.norm.logpdf(x, 1, 2) - stats.norm.logpdf(x, 0, 3)
            for x in (own, others)
        ]
        value, error = bridge(*ratio)
        z.append((value - np.log(3.7)) / error)
    assert abs(np.mean(z)) < 4 / np.sqrt(200)
    assert 0.85 < np.std(z) < 1.15


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_rescaled_priors_are_those_of_a_model_that_has_them(factor):
    """By the posterior's draws, and by integrating again."""
    formula = "Yield ~ 1 + (1|Batch)"
    model = dyestuff_model(formula)
    wider = {k: DYESTUFF[k].rescaled(factor) for k in ("1|Batch_sigma", "Intercept")}
    expected = near_exact(dyestuff_model(formula, **wider)).value - near_exact(model).value
    raw = stats.norm.rvs(size=(40_000, model.variances.size), random_state=1)
    posterior = posterior_by_weights(model, raw)
    found = evidence.rescaled(model, posterior, list(wider), factor)
    assert found == pytest.approx(expected, abs=0.02)


def posterior_by_weights(model, raw):
    """Draws of an integrated model, resampled from points about its posterior."""
    from winstan.draws import canonical  # noqa: PLC0415
    from winstan.evidence.integrated import _density  # noqa: PLC0415
    from winstan.unconstrained import sampled_at  # noqa: PLC0415

    coordinates, log_density, _ = _density(model)
    log_weight = log_density(coordinates.at(raw)) + coordinates.log_slope(raw)
    log_weight += 0.5 * np.square(raw).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    at = np.random.default_rng(2).choice(len(raw), len(raw), p=weight / weight.sum())
    blocks = {"joint_raw": raw[:, :0], "sd_raw": raw[at, :1], "corr_raw": raw[:, :0],
              "rest_raw": raw[:, :0], "aux_raw": raw[at, 1:]}  # fmt: skip
    sampled = sampled_at(model, {k: v[None] for k, v in blocks.items()}, 0)
    return {name: draws[0] for name, draws in canonical(model, sampled).items()}


def test_improper_priors_are_refused_by_name():
    model = dyestuff_model("Yield ~ 1", Intercept=ws.Flat())
    with pytest.raises(ws.PriorError, match="'Intercept' is Flat, which is improper"):
        near_exact(model)
