"""Coefficients that a prior holds constant: the model with an offset in their term's place."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from models import model_of

import winstan as ws
from winstan.backends import backend_named
from winstan.draws import canonical
from winstan.errors import BackendError, PriorError
from winstan.unconstrained import coordinate_sizes, sampled_at


def some_data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 80
    data = pd.DataFrame(
        {
            "x": rng.normal(20, 3, n),
            "z": rng.normal(size=n),
            "cond": np.array(["a", "b", "c"])[np.arange(n) % 3],
            "g": rng.integers(0, 6, n).astype(str),
            "n": rng.integers(1, 4, n),
        }
    )
    data["y"] = np.exp(rng.normal(0.05 * data["x"], 0.5))
    data["k"] = rng.poisson(np.exp(0.05 * data["x"]))
    return data


DATA = some_data()
PRIORS = {
    "Intercept": ws.Normal(1.1, 0.7),
    "z": ws.Normal(0.1, 0.9),
    "cond": ws.Normal(0, 0.8),
    "sd": ws.HalfNormal(0.6),
}
CASES = {  # the family, what its noise is called, and its prior
    "gaussian": {"sigma": ws.HalfNormal(1.3)},
    "gamma": {"alpha": ws.Exponential(0.3)},
    "poisson": {},
}


def pair(family: str, response: str, **options):
    """The model with a constant, and that with an offset at the same centre."""
    own = PRIORS | CASES[family]
    data = DATA.assign(moved=DATA["x"] - np.average(DATA["x"], weights=DATA["n"]))
    held = own | {"x": ws.Constant(0.04)}
    return (
        model_of(f"{response} ~ x + z + cond + (1|g)", data, family, priors=held, **options),
        model_of(
            f"{response} ~ z + cond + offset(0.04 * moved) + (1|g)",
            data, family, priors=own, **options,
        ),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.parametrize("backend", ["stan", "pymc"])
@pytest.mark.parametrize("family", ["gaussian", "gamma", "poisson"])
def test_a_constant_is_an_offset(family, backend):
    options = {"weights": "n", "parametrization": "noncentered"}
    held, moved = pair(family, "k" if family == "poisson" else "y", **options)
    moved = replace(moved, coordinates=held.coordinates)  # one set of coordinates
    assert held.population.shape == moved.population.shape
    size = sum(coordinate_sizes(held).values())
    points = np.random.default_rng(1).normal(0, 0.7, (4, size))
    densities, slopes = zip(
        *(backend_named(backend).log_density(m, points) for m in (held, moved)), strict=True
    )
    np.testing.assert_allclose(np.diff(densities[0]), np.diff(densities[1]), rtol=1e-8)
    np.testing.assert_allclose(*slopes, rtol=1e-6, atol=1e-6)


def test_draws_have_the_constant_and_the_intercept_at_zero():
    held, moved = pair("gamma", "y", weights="n")
    moved = replace(moved, coordinates=held.coordinates)
    raw, at = {}, np.random.default_rng(2)
    for name, size in coordinate_sizes(held).items():
        raw[name] = at.normal(0, 0.5, (1, 3, size))
    one, other = (canonical(m, sampled_at(m, raw, 0)) for m in (held, moved))
    assert np.all(one["x"] == 0.04)
    mean = np.average(DATA["x"], weights=DATA["n"])
    np.testing.assert_allclose(one["Intercept"], other["Intercept"] - 0.04 * mean, rtol=1e-10)
    for name in ("z", "cond", "1|g", "alpha"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-10)


def test_a_level_and_a_zero_are_constants_too():
    """`0 + cond` with one level held: the rows of that level have no coefficient."""
    held = {"cond[b]": ws.Constant(2.0), "z": ws.Constant(0)}
    model = model_of("y ~ 0 + cond + z", DATA, "gaussian", priors=held)
    assert model.coefficients.sampled_names == ("cond[a]", "cond[c]")
    np.testing.assert_array_equal(
        model.constant,
        np.where(model.design.predictors["cond"][model.cells.design_row] == "b", 2, 0),
    )


def test_a_fit_reports_the_constant_and_judges_the_others():
    fit = ws.fit(
        "y ~ x + z",
        DATA,
        "gaussian",
        priors={"x": ws.Constant(0.1)},
        silence="skew",
        draws=500,
        chains=2,
        seed=1,
    )
    table = fit.summary()
    assert table.loc["x", ["mean", "sd"]].to_list() == pytest.approx([0.1, 0])
    assert fit.diagnostics.ok
    # Least squares of what is left, under wide priors.
    rest = DATA["y"] - 0.1 * DATA["x"]
    slope = np.polyfit(DATA["z"], rest, 1)[0]
    assert abs(table.loc["z", "mean"] - slope) < 4 * table.loc["z", "mcse_mean"] + 0.02
    assert "real b_x = 0.1;" in fit.code("stan")
    assert "pm.math.constant(0.1)" in fit.code("pymc")
    with pytest.raises(BackendError, match="'x' as Constant"):
        fit.code("bambi")


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        ({"sd": ws.Constant(1)}, ["Constant(1)", "'1|g_sigma'", "positive"]),
        ({"sigma": ws.Constant(1)}, ["'sigma'", "positive"]),
        ({"Intercept": ws.Constant(1)}, ["'Intercept'", "center=False"]),
    ],
)
def test_what_is_no_coefficient_is_not_fixed(priors, words):
    with pytest.raises(PriorError) as raised:
        model_of("y ~ x + (1|g)", DATA, "gaussian", priors=priors)
    assert all(word in str(raised.value) for word in words)
    free = model_of("y ~ x", DATA, "gaussian", priors={"Intercept": ws.Constant(1)}, center=False)
    assert free.coefficients.sampled_names == ("x",)
