"""The marginal template's density and the draws of what it integrates, against dense matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from marginal_reference import (
    CASES,
    STRUCTURES,
    Variances,
    conditional,
    log_marginal,
    rows_of_data,
    variances_at,
)
from models import model_of
from slopes import slopes_agree

import winstan as ws
from winstan import unconstrained
from winstan.backends import backend_named
from winstan.draws import canonical
from winstan.marginal import draws as marginal_draws
from winstan.model import Model
from winstan.tuning import Tuning


def case_model(family: str, structure: str, balanced: bool) -> Model:
    formula, options = STRUCTURES[structure]
    if family == "lognormal":
        formula = formula.replace("y ~", "positive ~")
    return model_of(
        formula, rows_of_data(balanced=balanced), family, parametrization="marginal", **options
    )


def points_of(model: Model, n: int = 3) -> np.ndarray:
    assert model.variances is not None
    return np.random.default_rng(5).normal(0, 0.8, (n, model.variances.size))


@pytest.mark.slow  # the template compiles on first use
@pytest.mark.parametrize(("family", "structure", "balanced"), CASES)
def test_template_is_one_normal_of_all_rows(family, structure, balanced):
    model = case_model(family, structure, balanced)
    points = points_of(model)
    density, slope = backend_named("stan").log_density(model, points)
    expected = [log_marginal(model, point) for point in points]
    np.testing.assert_allclose(density, expected, rtol=1e-9)
    slopes_agree(lambda point: log_marginal(model, point), points, slope)


@pytest.mark.parametrize(("family", "structure", "balanced"), CASES)
def test_draws_have_the_conditional_mean_and_covariance(family, structure, balanced, monkeypatch):
    model = case_model(family, structure, balanced)
    for point in points_of(model):
        at = variances_at(model, point)
        mean, root = affine_map(model, at, monkeypatch)
        expected_mean, expected_covariance = conditional(model, at)
        scale = np.sqrt(np.diag(expected_covariance))
        np.testing.assert_allclose(mean / scale, expected_mean / scale, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(
            root.T @ root / np.outer(scale, scale),
            expected_covariance / np.outer(scale, scale),
            rtol=1e-7,
            atol=1e-7,
        )


def affine_map(model: Model, at: Variances, monkeypatch) -> tuple[np.ndarray, np.ndarray]:
    """Draws are a mean and a matrix times noise: zeros, and then one one each, tell both."""
    assert model.marginal is not None
    n = marginal_draws.noise_size(model.marginal)
    noise = iter(np.vstack([np.zeros(n), np.eye(n)]))

    class Noise:
        def standard_normal(self, shape):
            assert shape[1] == n
            return np.stack([next(noise) for _ in range(shape[0])])

    monkeypatch.setattr(unconstrained.np.random, "default_rng", lambda _: Noise())
    # So little memory that the draws are made in parts.
    model = replace(model, tuning=Tuning(marginal_chunk=50_000))

    def each(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values, (1, n + 1, *np.shape(values)))

    correlated = [L for L, group in zip(at.root, model.design.groups, strict=True)
                  if group.correlated and len(L) > 1]  # fmt: skip
    sampled = unconstrained.sampled_with_effects(
        model,
        each(np.concatenate([*at.sd, np.zeros(0)])),
        [each(L) for L in correlated],
        each(np.array([at.sigma])),
        seed=1,
    )
    values = canonical(model, sampled)
    effects = [
        np.asarray(values[f"{effect.name}|{group.factor}"])[0].reshape(n + 1, -1)
        for group in model.design.groups
        for effect in group.effects
    ]
    out = np.hstack([sampled.beta[0], *effects])
    return out[0], out[1:] - out[0]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "structure", "balanced"), CASES)
def test_stan_and_pymc_have_one_marginal_density(family, structure, balanced):
    model = case_model(family, structure, balanced)
    points = points_of(model, 20)
    ours, our_slopes = backend_named("stan").log_density(model, points)
    theirs, their_slopes = backend_named("pymc").log_density(model, points)
    gap = ours - theirs
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-8 * np.abs(ours).max())
    np.testing.assert_allclose(
        our_slopes, their_slopes, rtol=1e-6, atol=1e-8 * np.abs(our_slopes).max()
    )


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_a_mean_a_million_sds_away_loses_no_digits(unit):
    rows = rows_of_data()
    rows["y"] = unit * (rows.y + 31e6)
    rows["x"] = rows.x / unit
    model = model_of("y ~ x + (x|g) + (1|h)", rows, "gaussian", parametrization="marginal")
    points = points_of(model)
    density, _ = backend_named("stan").log_density(model, points)
    expected = [log_marginal(model, point) for point in points]
    # The rows' own rounding is 1e-10 of their sd.
    np.testing.assert_allclose(density, expected, rtol=1e-8)


def test_balanced_groups_are_one_pattern():
    rows = rows_of_data(balanced=True)
    model = model_of("y ~ x + (x|g) + (1|h)", rows, "gaussian")
    assert model.marginal is not None
    assert model.marginal.count.tolist() == [12]
    # Rows in another order are the same design, and one row less is another one.
    shuffled = model_of("y ~ x + (x|g) + (1|h)", rows.sample(frac=1, random_state=1), "gaussian")
    assert shuffled.marginal is not None
    assert shuffled.marginal.count.tolist() == [12]
    fewer = model_of("y ~ x + (x|g) + (1|h)", rows.drop(index=0), "gaussian")
    assert fewer.marginal is not None
    assert sorted(fewer.marginal.count) == [1, 11]


@pytest.mark.parametrize(
    ("formula", "family", "options", "why"),
    [
        ("y ~ 0 + offset(x)", "gaussian", {}, "neither a coefficient nor a group term"),
        ("positive ~ x + (1|g)", "gamma", {}, "gamma"),
        ("positive ~ x + (1|g)", "gaussian", {"link": "log"}, "the link is 'log'"),
        ("y | se(positive) ~ x + (1|g)", "gaussian", {}, "limits or standard errors of their own"),
        ("y ~ x + (1|g)", "gaussian", {"priors": {"x": ws.StudentT(4, 0, 9)}}, "prior of 'x'"),
        ("y ~ x + (1|g)", "gaussian", {"priors": {"Intercept": ws.Cauchy(0, 9)}}, "'Intercept'"),
    ],
)
def test_what_cannot_be_integrated_is_sampled(formula, family, options, why):
    rows = rows_of_data()
    assert model_of(formula, rows, family, **options).marginal is None
    with pytest.raises(ws.OptionError, match=why):
        model_of(formula, rows, family, parametrization="marginal", **options)


def test_who_asks_for_sampled_effects_has_them():
    rows = rows_of_data()
    for choice in ("centered", "noncentered", {"g": "centered"}):
        model = model_of("y ~ x + (1|g)", rows, "gaussian", parametrization=choice)
        assert model.marginal is None
        assert model.template == "gaussian"
    assert model_of("y ~ x + (1|g)", rows, "gaussian").template == "gaussian_marginal"
    with pytest.raises(ws.OptionError, match="All factors are marginal together"):
        model_of("y ~ x + (1|g)", rows, "gaussian", parametrization={"g": "marginal"})


@pytest.mark.slow
def test_too_many_columns_are_sampled_unless_asked_for():
    rng = np.random.default_rng(2)
    rows = rows_of_data()
    rows["many"] = np.arange(len(rows)) % 60
    rows["more"] = rng.permutation(len(rows)) % 59
    rows["third"] = rng.permutation(len(rows)) % 58
    rows["fourth"] = rng.permutation(len(rows)) % 57
    formula = "y ~ x + (1|many) + (1|more) + (1|third) + (1|fourth)"
    assert model_of(formula, rows, "gaussian").marginal is None
    assert model_of(formula, rows, "gaussian", parametrization="marginal").marginal is not None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_same_seed_same_draws_of_what_is_integrated():
    rows = rows_of_data()
    options = {"draws": 100, "warmup": 100, "progress": False}
    runs = [
        ws.fit("y ~ x + (x|g)", rows, seed=seed, cores=cores, **options).draws["posterior"]
        for seed, cores in ((3, 1), (3, 2), (4, 2))
    ]
    assert runs[0].equals(runs[1])
    assert not np.any(runs[0]["x|g"] == runs[2]["x|g"])
