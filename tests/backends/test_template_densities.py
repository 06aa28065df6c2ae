"""Each Stan template's log density and gradient, against scipy row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from density_checks import stan_agrees
from models import model_of
from reference_density import Reference
from template_cases import CASES, STRUCTURES, WAYS, data_of, formula_of, grid, structure_of

import winstan as ws
from winstan.backends import quadratic_form
from winstan.backends.stan import BACKEND
from winstan.backends.stan_data import stan_data
from winstan.coordinates import decorrelation
from winstan.families import FAMILIES
from winstan.tuning import Tuning

pytestmark = pytest.mark.slow  # the templates compile on first use

# A quadratic form stands for the cells, however few.
FORM = Tuning(form_cells=1, form_entries=np.inf)


@pytest.mark.parametrize("parametrization", WAYS)
def test_the_cases_have_coordinates_that_follow_the_sds(parametrization):
    """Else the densities below would say nothing of what follows the sds."""
    formula, options = STRUCTURES["nested slopes"]
    how = WAYS[parametrization]
    coordinates = model_of(
        formula, data_of("gamma"), "gamma", parametrization=how, **options
    ).coordinates
    assert np.any(coordinates.sd_dependent_location.location)
    assert np.any(coordinates.sd_dependent_location.log_scale)
    assert np.any(np.tril(coordinates.sd_correlation_root, -1))


@pytest.mark.parametrize(
    ("family", "link", "structure", "parametrization"),
    grid(CASES),
)
def test_template_is_the_sum_over_rows(family, link, structure, parametrization):
    formula, options = structure_of(family, structure)
    model = model_of(
        formula_of(formula, link),
        data_of(family),
        family,
        link=link,
        trials="trials" if FAMILIES[family].trials else None,
        parametrization=WAYS[parametrization],
        **options,
    )
    assert model.cells.n < model.cells.of_row.size  # there is something compressed to test
    # Points of the posterior's own size: the coordinates are standardised. Links that confine the
    # linear predictor leave less room.
    confined = link in ("identity", "inverse", "sqrt") and FAMILIES[family].positive_mean
    points, density, slope = stan_agrees(model, 0.1 if confined else 0.8)
    # Large models pick distinct rows, and coefficients, from vectors; small ones multiply them all.
    picking = replace(model, tuning=Tuning(picked_from=0))
    picked, picked_slope = BACKEND.log_density(picking, points)
    np.testing.assert_allclose(picked, density, rtol=1e-11)
    tolerance = 1e-8 * max(1, np.abs(slope).max())
    np.testing.assert_allclose(picked_slope, slope, rtol=1e-8, atol=tolerance)


def test_the_cases_pick_from_vectors_and_do_not():
    """Else the densities above would say nothing of one or the other."""
    formula, options = STRUCTURES["intercepts"]
    model = model_of(formula, data_of("gamma"), "gamma", **options)
    whole = stan_data(model)
    assert (whole["D"], whole["n_centred"]) == (whole["C"], whole["P"])
    picked = stan_data(replace(model, tuning=Tuning(picked_from=0)))
    assert picked["D"] < picked["C"]
    assert picked["n_centred"] < picked["P"]


@pytest.mark.parametrize("family", ["poisson", "gaussian"])
def test_template_with_few_axes_is_the_sum_over_rows(family, monkeypatch):
    """The scale of many joint coordinates comes as a diagonal and a few axes: the same map."""

    def any_axes(scale, P, apart):
        own = np.linspace(0.2, 1.4, len(scale))
        left, size, right = np.linalg.svd(scale - np.diag(own))
        return decorrelation.DiagonalPlusLowRank(own, left * size, right)

    monkeypatch.setattr(decorrelation, "low_rank", any_axes)
    # Of gaussian responses many cells as well: a quadratic form
    model = model_of(
        "y ~ x + (1|g) + (x|h)", data_of(family), family, parametrization={}, tuning=FORM
    )
    data = stan_data(model)
    assert data["n_low_rank"] > 2
    assert data["joint_scale"].size == 0
    assert data.get("form", 0) == (family == "gaussian")
    stan_agrees(model)


@pytest.mark.parametrize("family", ["gaussian", "lognormal"])
@pytest.mark.parametrize(
    "structure",
    ["no groups", "nested, no coefficients", "intercepts", "correlated slopes",
     "wide, crossed", "nested slopes", "offset, weights"],
)  # fmt: skip
def test_quadratic_form_of_many_cells_is_the_sum_over_rows(family, structure):
    """Where it stands for the cells there are none; the density is of the rows as ever."""
    formula, options = STRUCTURES[structure]
    # Heavy tails: coefficients that cannot be integrated out.
    heavy = {} if "no coefficients" in structure else {"b": ws.StudentT(4, 0, 2)}
    priors = heavy | options.get("priors", {})
    options = options | {"priors": priors, "tuning": FORM}
    model = model_of(formula, data_of(family), family, parametrization={}, **options)
    assert model.marginal is None
    data = stan_data(model)
    assert (data["form"], data["C"]) == (1, 0)
    stan_agrees(model)


def test_quadratic_form_is_taken_where_it_is_the_smaller():
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
    dear = replace(many, tuning=Tuning(form_entries=0.5))
    assert quadratic_form.quadratic_form(dear) is None  # more entries than cells pay for
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


def test_many_effects_of_no_axes_need_no_matrix():
    """No coefficient, and no direction that is wide enough: the scale is a diagonal."""
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({
        "y": rng.poisson(2, 2000),
        "g": rng.integers(0, 300, 2000).astype(str),
        "h": rng.integers(0, 320, 2000).astype(str),
    })  # fmt: skip
    model = model_of("y ~ 0 + (1|g) + (1|h)", rows, "poisson", tuning=Tuning(low_rank_apart=9.0))
    data = stan_data(model)
    assert (data["n_low_rank"], data["n_dense"]) == (0, 0)
    reference = Reference(model)
    points = rng.normal(0, 0.8, (2, reference.dim))
    density, _ = BACKEND.log_density(model, points)
    np.testing.assert_allclose(density, [reference(point) for point in points], rtol=1e-9)
