"""Programs and densities of models with formulas for parameters beside the mean."""

from __future__ import annotations

import ast
from dataclasses import replace

import numpy as np
import pytest
from models import model_of
from predicted_cases import CASES, case, centers, effect_names, effects, priors, rows, slopes
from prior_densities import cholesky_correlation, lkj_log_density
from program_runs import run, translate
from scipy import stats
from template_cases import data_of

from winstan.backends import backend_named
from winstan.backends.pymc_program import pymc_program
from winstan.backends.stan_program import stan_program
from winstan.draws import canonical
from winstan.errors import BackendError
from winstan.families import FAMILIES, Distribution
from winstan.toolchain import build, log_density
from winstan.unconstrained import coordinate_sizes, sampled_at


@pytest.mark.parametrize("name", CASES)
def test_programs_are_valid_and_ask_for_their_data(name, tmp_path):
    model = case(name)
    program, data = stan_program(model)
    translate(program, tmp_path)
    head = program.partition("data {")[2].partition("}")[0]
    assert all(f" {column};" in head for column in data)
    if model.family.pymc is None:
        with pytest.raises(BackendError, match="does not say how pymc writes it"):
            pymc_program(model)
        return
    program, data = pymc_program(model)
    asked = [
        node.slice.value
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "data"
    ]
    assert asked == list(data)


def test_stan_program_reads_as_a_paper_would_have_it():
    program, data = stan_program(case("joined"))
    lines = [line.strip() for line in program.splitlines()]
    for line in (
        "// y ~ x + (1 + x |p| g); sigma ~ x + (1 |p| g) + (1|h)",
        "// family gaussian, link identity; sigma, link log",
        "vector[N] x_c = x - mean_x;",
        "real sigma_Intercept;",
        "real b_sigma_x;",
        "vector<lower=0>[3] sd_g;  // Intercept, x, sigma_Intercept",
        "sd_g[3] ~ normal(0, 1.7);",
        "L_g ~ lkj_corr_cholesky(2.7);",
        "vector[N] sigma = exp(sigma_Intercept",
        "+ b_sigma_x * x_c",
        "+ u_g[g, 3]",
        "+ u_h[h]);",
        "y ~ normal(mu, sigma);",
        "real b_sigma_Intercept = sigma_Intercept - b_sigma_x * mean_x;",
    ):
        assert line in lines
    assert list(data) == ["N", "y", "x", "g", "h"]  # what formulas share is there once


def test_pymc_program_reads_as_a_paper_would_have_it():
    program, data = pymc_program(case("joined"))
    lines = [line.strip() for line in program.splitlines()]
    for line in (
        "# sigma_Intercept_c is at the mean of its predictors, sigma_Intercept at zero.",
        "sigma_Intercept = sigma_Intercept_c - b_sigma_x * x.mean()",
        'sd_g_sigma_Intercept = pm.HalfNormal("sigma_1|g_sigma", sigma=1.7)',
        'pm.Deterministic("sigma_1|g", u_g[2], dims="g__factor_dim")',
        "eta_sigma = sigma_Intercept_c + b_sigma_x * x_c + u_g[2, g] + u_h[h]",
        "sigma = pm.math.exp(eta_sigma)",
        'pm.Normal("y", mu=mu, sigma=sigma, observed=y)',
    ):
        assert line in lines
    assert list(data) == ["y", "x", "g", "h", "coords"]


def test_names_that_the_programs_give_themselves_are_still_free(tmp_path):
    names = {"x": "eta_sigma", "t": "b_sigma_Intercept", "cond": "sigma_Intercept_c"}
    model = model_of(
        ["y ~ eta_sigma + b_sigma_Intercept", "sigma ~ eta_sigma + sigma_Intercept_c"],
        data_of("gaussian").rename(columns=names),
        "gaussian",
    )
    program, _ = stan_program(model)
    translate(program, tmp_path)
    assert "eta_sigma" in {v.name for v in run(model).free_RVs}


@pytest.mark.parametrize("weights", [None, "w"])
def test_arguments_that_take_no_vectors_are_written_row_by_row(weights, tmp_path):
    own = Distribution(name="gamma", arguments="alpha * 1.0, alpha * inv(mu{i})")
    family = replace(FAMILIES["gamma"], stan=own)
    formulas = ["y ~ x", "alpha ~ x"]
    program, _ = stan_program(model_of(formulas, data_of("gamma"), family, weights=weights))
    translate(program, tmp_path)
    said = "alpha[n] * 1.0, alpha[n] * inv(mu[n])"
    density = f"target += weight[n] * gamma_lpdf(y[n] | {said});"
    assert (density if weights else f"y[n] ~ gamma({said});") in program


@pytest.mark.parametrize("name", [n for n, case_ in CASES.items() if FAMILIES[case_[1]].pymc])
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.slow
def test_pymc_program_has_the_density_of_the_rows(name):
    model = case(name)
    built = run(model)
    by_name = {v.name: v for v in (*built.free_RVs, *built.deterministics)}
    at = built.compile_fn(
        [built.logp(jacobian=False), *built.replace_rvs_by_values(list(by_name.values()))],
        inputs=built.value_vars,
        mode="FAST_COMPILE",
    )
    named = {v.name: v for v in model.variables}
    start, rng = built.initial_point(), np.random.default_rng(7)
    found = {}
    for _ in range(3):
        point = {key: value + 0.3 * rng.normal(size=value.shape) for key, value in start.items()}
        density, *found = at(point)
        found = dict(zip(by_name, found, strict=True))
        expected = priors(model, found, center=centers(name)) + rows(model, found)
        scores = [found[v.name] for v in built.free_RVs if v.name.startswith("z_")]
        factors = [found[v.name] for v in built.free_RVs if v.name.startswith("L_")]
        for group in model.stacked.groups:
            z, L = np.atleast_2d(scores.pop(0)), np.eye(group.q)
            expected += stats.norm.logpdf(z).sum()
            sd = [np.atleast_1d(found[f"{effect}_sigma"]) for effect, _ in effect_names(group)]
            if group.has_correlations:
                L = factors.pop(0)
                expected += lkj_log_density(L, model.priors[group.correlation_name].numbers[0])
            u = np.concatenate(sd)[:, None] * (L @ z)
            for effect, columns in effect_names(group):
                np.testing.assert_allclose(found[effect], u[columns], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(density, expected, rtol=1e-9, atol=2e-7)
    assert set(named) <= set(found)
    for key, variable in named.items():  # dims and labels are winstan's
        assert built.named_vars_to_dims.get(key, ()) == tuple(variable.coords)
        assert np.shape(found[key]) == variable.shape


def of_stan_program(model, point, *, center):
    """Density at a point of the program's coordinates, in the order of its declarations."""
    left, values, lp = list(point), {}, 0.0

    def take(n):
        taken = np.array(left[:n])
        del left[:n]
        return taken

    for design in model.design.every:
        own = take(int(design.intercept))
        for term in design.terms:
            b = take(len(term.columns))
            values[design.prefix + term.name] = b if term.labels else b[0]
        if design.intercept:
            X = design.X[design.row]
            mean = np.average(X, axis=0, weights=design.weights) if X.size else np.empty(0)
            shift = mean @ slopes(design, values) if center else 0.0
            values[f"{design.prefix}Intercept"] = own[0] - shift
    for group in model.stacked.groups:
        log_sd, L = take(group.q), np.eye(group.q)
        lp += log_sd.sum()
        if group.has_correlations:
            L, jacobian = cholesky_correlation(take(group.q * (group.q - 1) // 2), group.q)
            lp += jacobian
            lp += lkj_log_density(L, model.priors[group.correlation_name].numbers[0])
        z = take(group.size).reshape(group.q, -1)  # Stan reads a matrix column by column
        lp += stats.norm.logpdf(z).sum()
        u = np.exp(log_sd)[:, None] * (L @ z)
        for effect, columns in effect_names(group):
            values[effect], values[f"{effect}_sigma"] = u[columns], np.exp(log_sd)[columns]
    for number in model.likelihood.scalars:
        log_value = take(1)[0]
        values[number.name] = np.exp(log_value)
        lp += log_value
    assert not left
    return lp + priors(model, values, center=center) + rows(model, values)


@pytest.mark.parametrize(
    "name",
    [
        "proportions",
        *(pytest.param(name, marks=pytest.mark.long)
          for name in ("student", "levels and slopes", "counts")),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_stan_program_has_the_density_of_the_rows(name, tmp_path):
    model = case(name)
    program, data = stan_program(model)
    path = tmp_path / f"predicted_{model.family.name}.stan"
    path.write_text(program, encoding="ascii")
    groups = model.stacked.groups
    size = len(model.stacked.coefficient_names) + len(model.likelihood.scalars)
    size += sum(group.q + group.size + len(group.pairs) for group in groups)
    points = np.random.default_rng(3).normal(0, 0.3, (5, size))
    at = 0
    for block, design in enumerate(model.design.every):  # intercepts near the data
        if design.intercept and (block or not model.link.unitless):
            points[:, at] += model.priors[design.intercept_name].numbers[-2]
        at += design.intercept + len(design.column_names)
    density, _ = log_density(build(path), data, points)
    center = centers(name)
    expected = np.array([of_stan_program(model, point, center=center) for point in points])
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(
        density - density[0], expected - expected[0], rtol=1e-8, atol=1e-8 * abs(expected).max()
    )


def confined(model):
    """Names of sds, and of other parameters that are no real numbers."""
    real = {p.name for p in model.family.parameters if p.domain == "real"}
    every = {v.name for v in model.variables if v.role in ("sd", "auxiliary")}
    return every - real


def values_at(model, points):
    """Reported parameters at unconstrained points, and all of them in a row, sds as logarithms."""
    blocks, at = {}, 0
    for block, size in coordinate_sizes(model).items():
        blocks[block] = points[None, :, at : at + size]
        at += size
    found = canonical(model, sampled_at(model, blocks, 0))
    flat = []
    for variable in model.variables:
        own = found[variable.name].reshape(len(points), -1)
        flat.append(np.log(own) if variable.name in confined(model) else own)
    return found, np.concatenate(flat, axis=1)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.slow
def test_model_has_the_density_of_the_rows(name):
    """Whatever its coordinates: their Jacobian is taken by differences."""
    model = case(name)
    dim = sum(coordinate_sizes(model).values())
    points = np.random.default_rng(4).normal(0, 0.6, (4, dim))
    density, _ = backend_named("stan").log_density(model, points)
    found, _ = values_at(model, points)
    expected = []
    for s, point in enumerate(points):
        values = {key: array[0, s] for key, array in found.items()}
        lp = priors(model, values, center=centers(name)) + effects(model, values)
        step = 1e-4
        moved = [point + k * step * np.eye(dim) for k in (-2, -1, 1, 2)]
        a, b, c, d = (values_at(model, each)[1] for each in moved)
        slope = (a - 8 * b + 8 * c - d) / (12 * step)
        lp += sum(np.log(values[name]).sum() for name in confined(model))
        expected.append(lp + rows(model, values) + np.linalg.slogdet(slope)[1])
    np.testing.assert_allclose(density - density[0], np.subtract(expected, expected[0]), atol=1e-5)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.slow
def test_stan_and_pymc_have_one_density(name):
    model = case(name)
    points = np.random.default_rng(4).normal(0, 0.8, (10, sum(coordinate_sizes(model).values())))
    ours, our_slopes = backend_named("stan").log_density(model, points)
    theirs, their_slopes = backend_named("pymc").log_density(model, points)
    gap = ours - theirs
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-8 * np.abs(ours).max())
    scale = np.abs(our_slopes).max()
    np.testing.assert_allclose(our_slopes, their_slopes, rtol=1e-6, atol=1e-8 * scale)
