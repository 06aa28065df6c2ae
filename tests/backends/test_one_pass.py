"""Rows that do not repeat: one pass over them gives the density of the rows, and its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from density_checks import stan_agrees
from models import model_of
from template_cases import STRUCTURES, WAYS, data_of

from winstan.backends.stan import BACKEND
from winstan.backends.stan_data import stan_data
from winstan.families import FAMILIES
from winstan.tuning import USUAL, Tuning

slow = pytest.mark.slow  # the template compiles on first use

BY_ROW = Tuning(rows_from=1, rows_an_effect=0)


def distinct_rows(family: str, n: int = 1100) -> pd.DataFrame:
    """More rows than are gone over at once, of a predictor that no two share."""
    parts = [data_of(family, seed) for seed in range(n // 60 + 1)]
    data = pd.concat(parts, ignore_index=True)[:n]
    return data.assign(x=np.random.default_rng(1).normal(0.7, 1.3, n), t=np.arange(n) % 10 / 4)


@slow
@pytest.mark.parametrize(
    ("family", "structure", "way"),
    [
        ("poisson", "offset, weights", "informed"),
        ("poisson", "nested slopes", "noncentered"),
        ("binomial", "correlated slopes", "informed"),
        ("bernoulli", "no groups", "informed"),
        ("gamma", "wide, crossed", "informed"),
        ("gamma", "offset, weights", "centered"),
        ("negative_binomial", "uncentred", "informed"),
        ("negative_binomial", "offset, weights", "informed"),
    ],
)
def test_one_pass_is_the_sum_over_rows(family, structure, way):
    formula, options = STRUCTURES[structure]
    model = model_of(
        formula,
        data_of(family),
        family,
        trials="trials" if FAMILIES[family].trials else None,
        parametrization=WAYS[way],
        tuning=BY_ROW,
        **options,
    )
    assert model.template == "one_pass"
    stan_agrees(model)


def test_only_families_that_a_program_has_are_given_to_it():
    """Others share a template with these: geometric, and the second negative binomial."""
    everything = replace(BY_ROW, integrals_from=1)
    found = {"one_pass": set(), "group_integrals": set()}
    templates = {"poisson", "gamma", "binomial", "negative_binomial"}
    for name, family in FAMILIES.items():
        if family.template not in templates:
            continue
        trials = "trials" if family.trials else None
        model = model_of("y ~ x + (1|g)", data_of(name), name, trials=trials, tuning=everything)
        if model.template in found:
            found[model.template].add(name)
        else:
            assert model.template == family.template
    assert found["group_integrals"] == {"poisson", "gamma"}
    assert found["one_pass"] == {"bernoulli", "binomial", "negative_binomial"}


SLOPES = "y ~ x + cond + (x|g) + (1|h)"
CURVES = 'y ~ cond + s(t, by=cond, k=6) + s(t, g, bs="fs", k=5) + (1|h)'


@slow
@pytest.mark.parametrize(
    ("family", "formula"),
    [
        ("poisson", SLOPES),
        ("bernoulli", SLOPES),
        ("gamma", SLOPES),
        ("negative_binomial", SLOPES),
        ("gamma", CURVES),  # of ten times: tables of these and the levels
        ("poisson", CURVES.replace("t,", "x,")),  # of as many as there are rows
        ("poisson", "y ~ x + hsgp(t, m=6) + (x|g)"),
    ],
)
def test_many_distinct_rows_have_the_density_of_the_family_s_own_template(family, formula):
    model = model_of(formula, distinct_rows(family), family, parametrization={}, tuning=BY_ROW)
    data = stan_data(model)
    assert (data["n_rows"], data["C"]) == (model.cells.n, 0)
    own = replace(model, tuning=USUAL)
    assert own.template != "one_pass"
    n = data["P"] + data["T"] + data["Q"] + data["n_corr"] + data["A"]
    points = np.random.default_rng(5).normal(0, 0.8, (4, n))
    points[-1] = 0
    density, slope = BACKEND.log_density(model, points)
    expected, expected_slope = BACKEND.log_density(own, points)
    np.testing.assert_allclose(density, expected, rtol=1e-11)
    size = np.abs(expected_slope).max()
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-8, atol=1e-9 * size)


@slow
def test_counts_that_are_all_but_poisson_lose_no_digits():
    """Where alpha is a million times the mean, a naive derivative by it has none left."""
    model = model_of("y ~ x + (1|g)", distinct_rows("poisson"), "negative_binomial", tuning=BY_ROW)
    n = len(model.coordinates.beta_location) + 6 + 1 + 1
    points = np.zeros((3, n))
    points[:, -1] = 2.0, 12.0, 25.0  # along log alpha
    _, slope = BACKEND.log_density(model, points)
    _, expected = BACKEND.log_density(replace(model, tuning=USUAL), points)
    np.testing.assert_allclose(slope[:, -1], expected[:, -1], rtol=1e-7)


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y ~ x + (1|g)", "poisson", {"link": "sqrt"}),
        (["y ~ x + (1|g)", "alpha ~ x"], "negative_binomial", {}),
        ("y ~ x + (1|g)", "geometric", {}),
        ("y ~ x + (1|g)", "negative_binomial1", {}),
        ("y ~ x + (1|g)", "zero_inflated_poisson", {}),
    ],
)
def test_what_one_pass_cannot_say_keeps_its_template(formula, family, options):
    model = model_of(formula, distinct_rows("poisson", 120), family, tuning=BY_ROW, **options)
    assert model.template == model.family.template
    assert stan_data(model)["C"] == model.cells.n


def test_few_rows_and_few_for_each_effect_keep_the_vectors():
    data = distinct_rows("poisson")
    for tuning, template in (
        (USUAL, "poisson"),
        (Tuning(rows_from=1100, rows_an_effect=100), "one_pass"),
        (Tuning(rows_from=1101, rows_an_effect=100), "poisson"),
        (Tuning(rows_from=1100, rows_an_effect=184), "poisson"),  # of six effects
    ):
        assert model_of("y ~ x + (1|g)", data, "poisson", tuning=tuning).template == template


@pytest.mark.slow
def test_what_is_constant_is_not_told():
    data = distinct_rows("poisson")
    told = stan_data(model_of("y ~ x + (1|g) + (1|h)", data, "poisson", tuning=BY_ROW))
    for name in ("n", "row_offset", "row_Z", "predictors_of"):
        assert np.size(told[name]) == 0, name
    few = stan_data(model_of("y ~ cond + (x|g)", data, "poisson", tuning=BY_ROW))
    assert few["predictors"].shape == (3, 3)
    assert few["predictors_of"].size == 1100
    assert few["row_Z"].shape == (1100, 1)  # of slopes, not of intercepts
    curves = stan_data(model_of(CURVES, data, "poisson", tuning=BY_ROW))
    assert curves["predictors"].shape == (30, 3 + 3 + 3 * 4)
    assert (curves["table_rows"], curves["row_Z"].shape[1]) == ([10], 0)
