"""Programs for readers of models whose rows are correlated: valid, and of the model's density."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from program_runs import run, translate
from scipy import stats
from support.residual_reference import correlation, model_of, rows

import winstan as ws
from winstan.backends.stan_program import stan_program

KINDS = {
    "ar": ("ar(visit, unit)", ws.LKJ(2.5)),
    "car": ("car(time, unit)", ws.Beta(5.0, 1.6)),
    "cs": ("cs(visit, unit)", ws.LKJ(1.7)),
    "toep": ("toep(visit, unit)", ws.LKJ(1.4)),
    "unstr": ("unstr(visit, unit)", ws.LKJ(2.0)),
}
FAMILIES = {"ar": "gaussian", "car": "lognormal", "cs": "student", "toep": "gaussian"}
FAMILIES |= {"unstr": "lognormal"}


def data():
    frame = rows()
    rng = np.random.default_rng(8)
    n = rng.poisson(3 * np.exp(0.3 * frame.x + 0.1 * frame.visit))
    return frame.assign(n=n, y=frame.y - frame.y.min() + 5)


def case(kind, response):
    term, prior = KINDS[kind]
    family = "poisson" if response == "n" else FAMILIES[kind]
    return model_of(f"{response} ~ x + (1|mouse) + {term}", data(), family, priors={kind: prior})


@pytest.mark.parametrize("response", ["y", "n"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_stan_program_is_valid(kind, response, tmp_path):
    program, given = stan_program(case(kind, response))
    translate(program, tmp_path)
    head = program.partition("data {")[2].partition("}")[0]
    assert all(f" {name};" in head for name in given)


def log_density(model, kind, response, at):
    """Log density of rows, latent effects, and all priors but the correlation's."""
    frame, prior = data(), model.priors
    lp = prior["Intercept"].log_density(at["Intercept_c"]) + prior["x"].log_density(at["x"])
    names = ["1|mouse_sigma", *(n for n in ("sigma", "nu", f"{kind}_sigma") if n in at)]
    lp += sum(float(prior[name].log_density(at[name])) for name in names)
    z = next(value for name, value in at.items() if name.startswith("z_mouse"))
    lp += stats.norm.logpdf(z).sum()
    mouse = pd.Index(model.design.groups[0].levels).get_indexer(frame.mouse)
    eta = at["Intercept_c"] + at["x"] * (frame.x - frame.x.mean()).to_numpy()
    eta = eta + at["1|mouse_sigma"] * z[mouse]
    y, scale = frame.y.to_numpy(), at.get("sigma", at.get(f"{kind}_sigma"))
    if response == "n":
        level = model.design.groups[-1].level[model.design.row]
        latent = at[f"{kind}_latent"][level]
        lp += stats.poisson.logpmf(frame.n, np.exp(eta + latent)).sum()
        y, eta = latent, np.zeros_like(eta)
    elif model.family.log_response:
        lp, y = lp - np.log(y).sum(), np.log(y)
    place = frame["time" if kind == "car" else "visit"].to_numpy().astype(float)
    for unit in frame.unit.unique():
        i = np.flatnonzero(frame.unit == unit)
        R = scale**2 * correlation(kind, at[kind], place[i], model.structure.order)
        if response == "y" and model.family.elliptical is not None:
            lp += stats.multivariate_t.logpdf(y[i], eta[i], R, df=at["nu"])
        else:
            lp += stats.multivariate_normal.logpdf(y[i], eta[i], R)
    return lp


@pytest.mark.slow
@pytest.mark.parametrize("response", ["y", "n"])
@pytest.mark.parametrize("kind", ["ar", "car", "cs", "toep"])
def test_pymc_programs_have_the_density(kind, response):
    model = case(kind, response)
    built = run(model)
    inputs = built.value_vars
    density = built.compile_fn(built.logp(jacobian=False), inputs=inputs, mode="FAST_COMPILE")
    values = built.compile_fn(
        built.unobserved_value_vars, inputs=inputs, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    rng = np.random.default_rng(1)
    first = built.initial_point()
    # The correlation stays: its prior, and roots of its matrix, are then constant.
    still = [n for n in first if n.startswith((f"{kind}_interval", f"{kind}_logodds", "partial"))]
    first |= {n: first[n] + 0.6 for n in still}
    points = [
        {n: v if n in still else v + 0.2 * rng.normal(size=v.shape) for n, v in first.items()}
        for _ in range(2)
    ]
    found, expected = [], []
    names = [variable.name for variable in built.unobserved_value_vars]
    for point in points:
        at = dict(zip(names, values(point), strict=True))
        found.append(float(density(point)))
        own = log_density(model, kind, response, at)
        if response == "n":  # effects are made of innovations: of one scale each
            own += len(data()) * np.log(at[f"{kind}_sigma"])
        expected.append(own)
    assert np.diff(found) == pytest.approx(np.diff(expected), rel=1e-7)
