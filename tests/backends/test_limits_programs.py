"""Programs for readers of censored and truncated responses, and of known errors."""

from __future__ import annotations

import numpy as np
import pytest
from limits_cases import CASES, limited_data
from limits_reference import limited_rows
from models import model_of
from prior_densities import prior_log_density
from program_runs import run, translate
from row_densities import INVERSE

import winstan as ws
from winstan.backends.bambi_refusals import check_expressible
from winstan.backends.pymc_program import pymc_program
from winstan.backends.stan_program import stan_program


def one_sided(family: str):
    """Rows that PyMC's distributions have: no intervals."""
    data = limited_data(family)
    return data.assign(status=data.status.replace("interval", "right"), ub=data.y + data.s)


def stan_lines(formula, data, family, **options):
    return " ".join(stan_program(model_of(formula, data, family, **options))[0].split())


def test_a_row_of_stan_reads_as_a_paper_would_have_it():
    data = limited_data("gaussian")
    said = stan_lines("censored(y, upper, status) ~ x", data, "gaussian", weights="w")
    for line in (
        "if (status[n] == 0) target += weight[n] * normal_lpdf(y[n] | mu[n], sigma);",
        "else if (status[n] == -1) target += weight[n] * normal_lcdf(y[n] | mu[n], sigma);",
        "else if (status[n] == 1) target += weight[n] * normal_lccdf(y[n] | mu[n], sigma);",
        "target += weight[n] * log_diff_exp(normal_lcdf(upper_[n] | mu[n], sigma), "
        "normal_lcdf(y[n] | mu[n], sigma));",
    ):
        assert line in said
    counts = limited_data("poisson")
    said = stan_lines("truncated(y, 0) ~ x", counts, "poisson")
    assert "target += -poisson_lccdf(lb[n] - 1 | mu[n]);" in said
    said = stan_lines("y | se(s) ~ x", data, "gaussian")
    assert "normal_lpdf(y[n] | mu[n], s[n]);" in said
    said = stan_lines("y | se(s, sigma=True) ~ x; sigma ~ x", data, "gaussian")
    assert "normal_lpdf(y[n] | mu[n], sqrt(square(sigma[n]) + square(s[n])));" in said


@pytest.mark.slow
@pytest.mark.parametrize(("family", "formula", "options"), CASES[::3] + CASES[-4:])
def test_stan_reads_the_program_and_its_data(family, formula, options, tmp_path):
    program, data = stan_program(model_of(formula, limited_data(family), family, **options))
    translate(program, tmp_path)
    assert {"N", "y"} <= data.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "formula"),
    [
        ("gaussian", "censored(y, status) ~ 1"),
        ("lognormal", "censored(y, status) ~ 1"),
        ("student", "truncated(y, lb, ub) ~ 1"),
        ("gamma", "truncated(y, ub=ub) ~ 1"),
        ("gaussian", "y | se(s) ~ 1"),
        ("gaussian", "y | se(s, sigma=True) + cens(status) ~ 1"),
    ],
)
def test_pymc_has_the_density_of_the_rows(family, formula):
    weights = None if "status" in formula else "w"
    model = model_of(formula, one_sided(family), family, weights=weights)
    built = run(model)
    numbers = {p.name: {"sigma": 0.9, "nu": 4.0, "alpha": 2.1}[p.name]
               for p in model.likelihood.scalars}  # fmt: skip
    if family != "lognormal" and "sigma" in numbers:
        numbers["sigma"] = 41.0
    intercept = float(model.link.function(np.mean(model.design.response.y)))
    intercept = 5.0 if family == "lognormal" else intercept
    point = {"Intercept": np.array(intercept)}
    point |= {f"{name}_log__": np.array(np.log(value)) for name, value in numbers.items()}
    got = float(built.compile_logp(mode="FAST_COMPILE", jacobian=False)(point))
    n = len(model.design.row)
    mu = np.full(n, INVERSE[model.link.name](intercept))
    rows = limited_rows(family, mu, numbers, model.design.response.y, model.design.response.limits)
    weight = np.ones(n) if model.design.weights is None else model.design.weights
    prior = prior_log_density(model.priors["Intercept"], intercept)
    prior += sum(prior_log_density(model.priors[k], v) for k, v in numbers.items())
    assert got == pytest.approx(weight @ rows + prior, rel=1e-8)


@pytest.mark.parametrize(
    ("formula", "family", "words"),
    [
        ("censored(y, upper, status) ~ x", "gaussian", "intervals"),
        ("y | cens(status) + trunc(lb=lb) ~ x", "gaussian", "both censored and truncated"),
        ("censored(y, status) ~ x", "poisson", "counts"),
        ("y | se(s) ~ x", "gaussian", "known standard errors"),
    ],
)
def test_what_other_packages_have_not_is_refused_by_name(formula, family, words):
    data = limited_data(family) if "upper" in formula else one_sided(family)
    model = model_of(formula, data, family)
    with pytest.raises(ws.BackendError, match=words):
        check_expressible(model)
    if "errors" not in words:
        with pytest.raises(ws.BackendError, match=words):
            pymc_program(model)


def test_pymc_has_no_weights_of_censored_rows():
    model = model_of("censored(y, status) ~ x", one_sided("gaussian"), "gaussian", weights="w")
    with pytest.raises(ws.BackendError, match="weights of censored rows"):
        pymc_program(model)
