"""What must not matter to a density, and what matters by a known Jacobian.

The log density is that of the data and of all parameters' priors, at values that follow from names
and labels alone, so that models whose rows, columns or levels stand in another order are held to
one point.
"""

from __future__ import annotations

import zlib
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from models import model_of
from template_cases import data_of

from winstan.effects.log_prior import log_prior
from winstan.effects.pointwise import pointwise
from winstan.families import FAMILIES

pytest.importorskip("hypothesis")
from fuzzing import examples
from hypothesis import given
from hypothesis import strategies as st

FORMULA, PLAIN = "y ~ 0 + cond + x + (1|g)", "y ~ x + cond + (1|g)"
SLOPES = "y ~ x + cond + (x|g)"


def value_of(*names) -> float:
    """A number between -0.5 and 1.1 that a name has."""
    return zlib.crc32(repr(names).encode()) / 2**32 * 1.6 - 0.5


def point(model, old=None):
    """Return a value of every parameter, by its name and labels; `old` has renamed ones."""
    old, out = old or {}, {}
    for variable in model.variables:
        labels = product(*([old.get(x, x) for x in own] for own in variable.coords.values()))
        x = np.array([value_of(variable.name, *map(str, own)) for own in labels])
        x = x.reshape(1, *variable.shape)
        if variable.role in ("sd", "auxiliary"):
            x = np.exp(x)
        elif variable.role == "correlation":
            x = np.tanh(x)
        elif variable.role == "simplex":
            x = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
        vector = model.family.thresholds
        if vector is not None and vector.domain == "ordered" and variable.name == vector.name:
            x = np.sort(x, axis=-1)
        probability = [p.name for p in model.family.parameters if p.domain == "unit"]
        if variable.name in probability:
            x = 1 / (1 + x)
        out[variable.name] = x
    return out


def log_density(model, at) -> float:
    """Of all rows by weight, and of the parameters."""
    found = pointwise(model, at)
    rows = np.empty(found.n)
    for part, values in found.blocks:
        rows[part] = values[0]
    weight = 1.0 if model.design.weights is None else model.design.weights
    total = np.sum(weight * rows[found.number])
    return float(total + sum(own.sum() for own in log_prior(model, at).values()))


def model_and_density(data, family, formula=FORMULA, old=None, **options):
    if FAMILIES[family].trials:
        options["trials"] = "trials"
    model = model_of(formula, data, family, **options)
    return log_density(model, point(model, old))


def renamed_levels(data):
    """Other names, in another order, of groups; of conditions in the same, which codings follow."""
    names = {f"g{i}": f"{(5 * i + 2) % 6} mouse" for i in range(6)}
    names |= {"a": "Ab", "b": "Bb", "c": "C c"}
    data = data.assign(g=data.g.map(names), cond=data.cond.map(names))
    return data, {new: old for old, new in names.items()}


def split_weights(data, rng):
    """A row of weight w as two, of weights k and w - k."""
    first = rng.integers(1, data.w + 1)
    parts = [data.assign(w=first), data.assign(w=data.w - first).query("w > 0")]
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=1)


def changed(data, change, rng):
    """Return the same data otherwise, and the old names of levels."""
    old = None
    match change:
        case "rows":
            data = data.iloc[rng.permutation(len(data))]
        case "columns":
            data = data[rng.permutation(data.columns)].set_index(rng.permutation(len(data)))
        case "levels":
            data, old = renamed_levels(data)
        case "weights":
            data = split_weights(data, rng)
        case "polars":
            data = pl.from_pandas(data)
        case "arrow":
            data = pl.from_pandas(data).to_arrow()
        case "order":
            levels = rng.permutation(["a", "b", "c"]).tolist()
            data = data.assign(cond=data.cond.astype(pd.CategoricalDtype(levels)))
    return data, old


@examples(12, share=0.02)
@given(
    family=st.sampled_from([*FAMILIES]),
    seed=st.integers(0, 2**16),
    change=st.sampled_from(("rows", "columns", "levels", "weights", "polars", "arrow", "order")),
)
@pytest.mark.slow
def test_the_same_data_otherwise_have_the_same_density(family, seed, change):
    rng = np.random.default_rng(seed)
    data, options = data_of(family, seed % 7), {}
    if FAMILIES[family].of_labels is not None:
        return  # its linear predictors have a formula for each category
    if change == "weights":
        options["weights"] = "w"
    formula = FORMULA if change in ("levels", "order") else PLAIN
    if FAMILIES[family].thresholds is not None and formula == FORMULA:
        return  # thresholds are their intercepts, and cannot be left out
    first = model_and_density(data, family, formula, **options)
    data, old = changed(data, change, rng)
    second = model_and_density(data, family, formula, old, **options)
    assert second == pytest.approx(first, rel=1e-8)


@pytest.mark.parametrize("times", [1e-3, 40.0])
@pytest.mark.parametrize("family", ["gaussian", "student", "gamma", "lognormal", "weibull"])
def test_a_unit_changes_the_density_by_its_jacobian(family, times):
    """Of y: a density per unit of it for each row, and for each parameter that is in its unit."""
    data = data_of(family)
    before, after = (
        model_of(PLAIN, table, family) for table in (data, data.assign(y=data.y * times))
    )
    on_log = FAMILIES[family].kind == "positive"
    at = point(before)
    moved, scaled = {}, 0
    for variable in before.variables:
        own = at[variable.name]
        in_unit = not on_log and variable.name != "nu" and variable.role != "correlation"
        moved[variable.name] = own * times if in_unit else own
        scaled += own.size if in_unit and variable.role != "effect" else 0
    if on_log:
        moved["Intercept"] = at["Intercept"] + np.log(times)
    expected = log_density(before, at) - (len(data) + scaled) * np.log(times)
    assert log_density(after, moved) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", ["gaussian", "gamma", "poisson", "bernoulli", "cumulative"])
def test_a_unit_of_x_changes_the_density_of_its_slopes_alone(family):
    data, times = data_of(family), 1e-3
    if family == "bernoulli":
        data = data.assign(y=data.y.clip(0, 1))
    before, after = (model_of(SLOPES, own, family) for own in (data, data.assign(x=data.x * times)))
    at = point(before)
    slopes = ("x", "x|g", "x|g_sigma")
    moved = {name: own / times if name in slopes else own for name, own in at.items()}
    expected = log_density(before, at) + 2 * np.log(times)  # of the slope, and of its sd
    assert log_density(after, moved) == pytest.approx(expected, rel=1e-9)
