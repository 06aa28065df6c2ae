"""Each Stan template's log density and gradient, against scipy row by row."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from models import model_of
from reference_density import Reference, gradient

import winstan as ws
from winstan.backends import quadratic_form
from winstan.backends.stan import BACKEND
from winstan.backends.stan_data import stan_data
from winstan.families import FAMILIES
from winstan.geometry import whitening

pytestmark = pytest.mark.slow  # the templates compile on first use


def data_of(family: str, seed: int = 0) -> pd.DataFrame:
    """Sixty rows in few cells, at scales away from one."""
    rng = np.random.default_rng(seed)
    n = 60
    data = pd.DataFrame(
        {
            "x": rng.choice([0.3, 0.7, 2.0], n),
            "cond": rng.choice(["a", "b", "c"], n),
            "g": rng.choice([f"g{i}" for i in range(6)], n),
            "h": rng.choice([f"h{i}" for i in range(5)], n),
            "w": rng.integers(1, 5, n),
            "t": rng.choice([0.5, 2.0, 9.0], n),
            "trials": rng.integers(5, 30, n),
        }
    )
    level = 0.4 * data.x + data.g.map({f"g{i}": 0.3 * i for i in range(6)})
    if family in ("gaussian", "student"):
        data["y"] = 170 + 31 * (level + rng.standard_t(4, n))
    elif family.startswith(("zero_inflated", "hurdle")):
        data = data_of(family.removeprefix("zero_inflated_").removeprefix("hurdle_"), seed)
        data["y"] = np.where(rng.random(n) < 0.3, 0, data["y"])
    elif family in ("gamma", "lognormal"):
        data["y"] = 57 * np.exp(level) * rng.gamma(2.3, 1 / 2.3, n)
    elif family == "beta":
        mu = 1 / (1 + np.exp(0.9 - level))
        data["y"] = rng.beta(7.3 * mu, 7.3 * (1 - mu))
    elif family == "poisson":
        data["y"] = rng.poisson(np.exp(1 + level))
    elif family == "negative_binomial":
        data["y"] = rng.poisson(np.exp(1 + level) * rng.gamma(1.7, 1 / 1.7, n))
    elif family == "bernoulli":
        data["y"] = rng.binomial(1, 1 / (1 + np.exp(0.9 - level)))
    else:
        data["y"] = rng.binomial(data.trials, 1 / (1 + np.exp(0.9 - level)))
    return data


PRIORS = {
    "b": ws.StudentT(4, 0.3, 2.2),
    "Intercept": ws.Cauchy(0.7, 3.0),
    "sd": ws.HalfStudentT(3, 1.7),
    "1|g_sigma": ws.Gamma(2.5, 1.3),
}
STRUCTURES = {
    "no groups": ("y ~ x + cond", {}),
    "no intercept": ("y ~ 0 + cond", {}),
    "levels and a slope": ("y ~ 0 + cond + x + cond:x", {"weights": "w"}),
    "nested, no coefficients": ("y ~ 0 + (x|g) + (1|g:h)", {}),
    "intercepts": ("y ~ x + (1|g)", {"priors": PRIORS}),
    "correlated slopes": (
        "y ~ x + (x|g)",
        {"priors": {"corr": ws.LKJ(2.7), "sd": ws.HalfNormal(1.9)}},
    ),
    "uncorrelated": ("y ~ x + (x||g)", {"priors": {"sd": ws.HalfCauchy(2.1)}}),
    "wide, crossed": (
        "y ~ cond + (cond|g) + (1|h)",
        {"priors": {"g_corr": ws.LKJ(1.6), "sd": ws.InverseGamma(2.2, 1.4)}},
    ),
    "uncentred": ("y ~ x * cond + (0 + x|g)", {"center": False, "priors": {"b": ws.Flat()}}),
    "nested": ("y ~ x + (1|g/h)", {"priors": {"sd": ws.HalfNormal(1.9)}}),
    "nested slopes": ("y ~ x + (x|g) + (x|g:h)", {"priors": {"corr": ws.LKJ(1.4)}}),
    "offset, weights": ("y ~ x + offset(np.log(t)) + (1|g)", {"weights": "w"}),
}
LINKS = [(name, link) for name, family in FAMILIES.items() for link in family.links]
CASES = [
    *((family, family_row.links[0], structure)
      for family, family_row in FAMILIES.items() for structure in STRUCTURES
      # The group terms are one include of all templates.
      if not structure.startswith("nested") or family in ("gaussian", "gamma")),
    *((family, link, "offset, weights") for family, link in LINKS
      if link != FAMILIES[family].links[0]),
]  # fmt: skip


def formula_of(formula: str, link: str) -> str:
    """Put the offset on the scale of the linear predictor."""
    if link in ("identity", "inverse", "sqrt"):
        return formula.replace("np.log(t)", "t / 1e4" if link == "inverse" else "t / 10")
    return formula


# {} names no group factor, and so decides nothing but that effects are sampled.
WAYS = {"informed": {}, "centered": "centered", "noncentered": "noncentered"}


@pytest.mark.parametrize("parametrization", WAYS)
def test_the_cases_have_coordinates_that_follow_the_sds(parametrization):
    """Else the densities below would say nothing of drift and mixing."""
    formula, options = STRUCTURES["nested slopes"]
    how = WAYS[parametrization]
    geometry = model_of(formula, data_of("gamma"), "gamma", parametrization=how, **options).geometry
    assert np.any(geometry.drift.shift)
    assert np.any(geometry.drift.widening)
    assert np.any(np.tril(geometry.sd_mixing, -1))


def ways(structure: str) -> tuple[str, ...]:
    """Parametrizations of a structure."""
    return tuple(WAYS) if "|" in STRUCTURES[structure][0] else ("informed",)


def grid(cases: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str, str]]:
    """Give each case its ways: all of them for two families, and one of them, in turn, for others.

    Coordinates and group terms are the includes of all templates: what is a family's own is met
    once in each structure.
    """
    out = []
    for k, (family, link, structure) in enumerate(cases):
        own = ways(structure)
        some = own if family in ("gaussian", "gamma") else [own[k % len(own)]]
        out += [(family, link, structure, way) for way in some]
    return out


@pytest.mark.parametrize(
    ("family", "link", "structure", "parametrization"),
    grid(CASES),
)
def test_template_is_the_sum_over_rows(family, link, structure, parametrization, monkeypatch):
    formula, options = STRUCTURES[structure]
    model = model_of(
        formula_of(formula, link),
        data_of(family),
        family,
        link=link,
        trials="trials" if family == "binomial" else None,
        parametrization=WAYS[parametrization],
        **options,
    )
    assert model.cells.n < model.cells.of_row.size  # there is something compressed to test
    reference = Reference(model)
    rng = np.random.default_rng(5)
    # Points of the posterior's own size: the coordinates are standardised. Links that confine the
    # linear predictor leave less room.
    confined = link in ("identity", "inverse", "sqrt") and FAMILIES[family].positive_mean
    points = rng.normal(0, 0.1 if confined else 0.8, (3, reference.dim))
    density, slope = BACKEND.log_density(model, points)
    expected = np.array([reference(point) for point in points])
    np.testing.assert_allclose(density, expected, rtol=1e-9)
    expected_slope = gradient(reference, points[0])
    tolerance = 1e-6 * max(1, np.abs(expected_slope).max())
    np.testing.assert_allclose(slope[0], expected_slope, rtol=1e-5, atol=tolerance)
    # Large models pick distinct rows, and coefficients, from vectors; small ones multiply them all.
    monkeypatch.setattr("winstan.backends.stan_data.FEW", 0)
    picked, picked_slope = BACKEND.log_density(model, points)
    np.testing.assert_allclose(picked, expected, rtol=1e-9)
    np.testing.assert_allclose(picked_slope, slope, rtol=1e-8, atol=1e-2 * tolerance)


def test_the_cases_pick_from_vectors_and_do_not(monkeypatch):
    """Else the densities above would say nothing of one or the other."""
    formula, options = STRUCTURES["intercepts"]
    model = model_of(formula, data_of("gamma"), "gamma", **options)
    whole = stan_data(model)
    assert (whole["D"], whole["n_taken"]) == (whole["C"], whole["P"])
    monkeypatch.setattr("winstan.backends.stan_data.FEW", 0)
    picked = stan_data(model)
    assert picked["D"] < picked["C"]
    assert picked["n_taken"] < picked["P"]


@pytest.mark.parametrize("family", ["poisson", "gaussian"])
def test_template_with_few_axes_is_the_sum_over_rows(family, monkeypatch):
    """The scale of many joint coordinates comes as a diagonal and a few axes: the same map."""

    def any_axes(scale, P):
        own = np.linspace(0.2, 1.4, len(scale))
        left, size, right = np.linalg.svd(scale - np.diag(own))
        return whitening.Axes(own, left * size, right)

    monkeypatch.setattr(whitening, "few_axes", any_axes)
    if family == "gaussian":  # and many cells: a quadratic form
        monkeypatch.setattr(quadratic_form, "CELLS_FROM", 1)
        monkeypatch.setattr(quadratic_form, "ENTRIES_A_CELL", np.inf)
    model = model_of("y ~ x + (1|g) + (x|h)", data_of(family), family, parametrization={})
    data = stan_data(model)
    assert data["n_axes"] > 2
    assert data["joint_scale"].size == 0
    assert data.get("form", 0) == (family == "gaussian")
    reference = Reference(model)
    points = np.random.default_rng(5).normal(0, 0.8, (3, reference.dim))
    density, slope = BACKEND.log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-9)
    np.testing.assert_allclose(slope[0], gradient(reference, points[0]), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("family", ["gaussian", "lognormal"])
@pytest.mark.parametrize(
    "structure",
    ["no groups", "nested, no coefficients", "intercepts", "correlated slopes",
     "wide, crossed", "nested slopes", "offset, weights"],
)  # fmt: skip
def test_quadratic_form_of_many_cells_is_the_sum_over_rows(family, structure, monkeypatch):
    """Where it stands for the cells there are none; the density is of the rows as ever."""
    monkeypatch.setattr(quadratic_form, "CELLS_FROM", 1)
    monkeypatch.setattr(quadratic_form, "ENTRIES_A_CELL", np.inf)
    formula, options = STRUCTURES[structure]
    # Heavy tails: coefficients that cannot be integrated out.
    heavy = {} if "no coefficients" in structure else {"b": ws.StudentT(4, 0, 2)}
    priors = heavy | options.get("priors", {})
    model = model_of(
        formula, data_of(family), family, parametrization={}, **options | {"priors": priors}
    )
    assert model.marginal is None
    data = stan_data(model)
    assert (data["form"], data["C"]) == (1, 0)
    reference = Reference(model)
    points = np.random.default_rng(5).normal(0, 0.8, (3, reference.dim))
    density, slope = BACKEND.log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-9)
    expected = gradient(reference, points[0])
    tolerance = 1e-6 * max(1, np.abs(expected).max())
    np.testing.assert_allclose(slope[0], expected, rtol=1e-5, atol=tolerance)


def test_quadratic_form_is_taken_where_it_is_the_smaller(monkeypatch):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({
        "y": rng.normal(size=900),
        "g": rng.integers(0, 30, 900).astype(str),
        "h": rng.integers(0, 40, 900).astype(str),
    }).assign(x=lambda d: rng.normal(size=len(d)))  # fmt: skip
    heavy = {"b": ws.StudentT(4, 0, 2)}
    model = model_of("y ~ x + (1|g) + (1|h)", rows, "gaussian", priors=heavy, parametrization={})
    assert quadratic_form.quadratic_form(model) is not None
    few = model_of(
        "y ~ x + (1|g) + (1|h)", rows[:300], "gaussian", priors=heavy, parametrization={}
    )
    assert quadratic_form.quadratic_form(few) is None  # cells are quick enough
    i, j = np.arange(900) % 450, rng.permutation(900) % 440
    every = rows.assign(i=i.astype(str), j=j.astype(str))
    wide = "y ~ x + (x|g:h) + (1|i) + (1|j)"
    many = model_of(wide, every, "gaussian", priors=heavy, parametrization={})
    with monkeypatch.context() as patch:
        patch.setattr(quadratic_form, "ENTRIES_A_CELL", 0.5)
        assert quadratic_form.quadratic_form(many) is None  # more entries than cells pay for
    positive = rows.assign(y=np.exp(rows["y"]))
    logged = model_of("y ~ x + (1|g) + (1|h)", positive, "gaussian", link="log")
    assert quadratic_form.quadratic_form(logged) is None  # not quadratic
    counts = rows.assign(y=rng.poisson(2, 900))
    poisson = model_of("y ~ x + (1|g) + (1|h)", counts, "poisson", parametrization={})
    assert quadratic_form.quadratic_form(poisson) is None  # not quadratic


def test_quadratic_form_does_not_cancel():
    """A mean a million residual sds away, and effects a thousand, cost no digits."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"g": rng.integers(0, 30, 900), "h": rng.integers(0, 40, 900)})
    far = 1e6 + 1e3 * rng.normal(size=30)[rows["g"]] + rng.normal(size=(2, 900))
    rows = rows.assign(y=far[0], x=far[1] - 1e6).astype({"g": str, "h": str})
    model = model_of("y ~ x + (1|g) + (1|h)", rows, "gaussian", parametrization={})
    assert stan_data(model)["form"] == 1
    reference = Reference(model)
    points = np.random.default_rng(5).normal(0, 0.8, (3, reference.dim))
    density, _ = BACKEND.log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-8)


def test_many_effects_of_no_axes_need_no_matrix(monkeypatch):
    """No coefficient, and no direction that is wide enough: the scale is a diagonal."""
    monkeypatch.setattr(whitening, "APART", 9.0)
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({
        "y": rng.poisson(2, 2000),
        "g": rng.integers(0, 300, 2000).astype(str),
        "h": rng.integers(0, 320, 2000).astype(str),
    })  # fmt: skip
    model = model_of("y ~ 0 + (1|g) + (1|h)", rows, "poisson")
    data = stan_data(model)
    assert (data["n_axes"], data["n_dense"]) == (0, 0)
    reference = Reference(model)
    points = rng.normal(0, 0.8, (2, reference.dim))
    density, _ = BACKEND.log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-9)
