"""Coordinates of the variances, where all else is integrated out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from marginal_reference import STRUCTURES, log_marginal, rows_of_data, scales_at, target_of
from models import model_of
from scipy import stats

import winstan as ws
from winstan.backends import Settings, backend_named
from winstan.backends import stan as stan_backend
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by
from winstan.marginal import importance_sampling, system
from winstan.marginal.importance_sampling import Target
from winstan.model import Model
from winstan.tuning import Tuning


def model_with(structure: str) -> Model:
    formula, options = STRUCTURES[structure]
    return model_of(formula, rows_of_data(), "gaussian", parametrization="marginal", **options)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_settles_on_the_density_of_all_rows(structure):
    model = model_with(structure)
    at = model.variances
    assert at is not None
    points = np.random.default_rng(1).normal(0, 0.8, (4, at.size))
    density = target_of(model).log_density(at.variances(points)) + at.log_slope(points)
    gap = density - [log_marginal(model, point) for point in points]
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-7)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_variances_are_those_of_the_coordinates(structure):
    model = model_with(structure)
    at = model.variances
    assert at is not None
    raw = np.random.default_rng(2).normal(0, 1.2, (2, 3, at.size))
    expected = np.apply_along_axis(lambda point: scales_at(model, point), -1, raw)
    found = at.variances(raw)
    log_values = np.concatenate(
        [np.log(found.sd), *found.partial, np.log(found.sigma)[..., None]], axis=-1
    )
    np.testing.assert_allclose(log_values, expected, atol=1e-12)
    point = expected[1, 2]
    Q = found.sd.shape[-1]
    back = at.terms.coordinates(point[:Q], point[Q:-1], point[-1])
    np.testing.assert_allclose(back, at.at(raw)[1, 2], atol=1e-9)


def test_points_beyond_computing_have_no_weight():
    model = model_with("slopes")
    at = model.variances
    assert at is not None
    where = np.zeros((3, at.size))
    where[1, 0], where[2, -1] = 1e5, -1e5
    with np.errstate(all="ignore"):
        density = target_of(model).log_density(at.terms.variances(at.at(np.zeros(at.size)) + where))
    assert np.isfinite(density[0])
    assert np.all(density[1:] == -np.inf)


def test_without_a_cholesky_factor_a_point_has_no_weight_and_others_keep_theirs():
    model = model_with("slopes")
    target, at = target_of(model), model.variances
    assert at is not None
    points = at.at(np.zeros((5, at.size)))
    points[:, -1] += [0.0, 2.0, -2.0, 4.0, -4.0]  # log sigma
    variances = at.terms.variances(points)
    sound = target.log_density(variances)
    assert np.all(np.isfinite(sound))
    # A prior that takes more of one column's precision than some points have.
    marginal = target.marginal
    roots = model.stacked.roots(variances.sd, variances.factors)
    gram = system.system(marginal, target.products, roots, variances.sigma).gram
    taken = marginal.prior.copy()
    taken[0, 0] -= np.median(gram[:, 0, 0])
    found = replace(target, marginal=replace(marginal, prior=taken)).log_density(variances)
    assert 0 < np.isfinite(found).sum() < 5
    alone = [replace(target, marginal=replace(marginal, prior=taken)).log_density(
        at.terms.variances(point[None])) for point in points]  # fmt: skip
    np.testing.assert_allclose(found, np.concatenate(alone), rtol=1e-12)


def test_points_are_taken_in_parts_of_bounded_memory():
    model = model_with("wide, crossed")
    at = model.variances
    assert at is not None
    points = np.random.default_rng(1).normal(0, 0.8, (20, at.size))
    target = target_of(model)
    whole = target.log_density(at.variances(points))
    parts = replace(target, chunk=10_000).log_density(at.variances(points))
    np.testing.assert_allclose(parts, whole)


def test_more_patterns_than_points_are_looked_at_all_the_same():
    """Groups that are all unlike: each pattern costs as much as a point."""
    rng = np.random.default_rng(4)
    g, x = np.repeat(np.arange(30), 6), rng.normal(size=180)
    data = pd.DataFrame({"g": g, "x": x, "y": x + rng.normal(size=30)[g] + rng.normal(size=180)})
    few = Tuning(search_patterns=20)
    model = model_of("y ~ x + (x|g)", data, "gaussian", parametrization="marginal", tuning=few)
    assert model.marginal is not None
    assert model.marginal.count.size > 20
    assert model.variances is not None
    assert model.variances.converged


def test_columns_of_nothing_but_zeros_are_no_obstacle():
    data = rows_of_data().assign(left=0.0, right=0.0)
    formula = "y ~ x + (1|g) + (0 + left + right||g)"
    model = model_of(formula, data, "gaussian", parametrization="marginal")
    at = model.variances
    assert at is not None
    assert at.sound
    assert at.converged


@pytest.mark.parametrize("sd", [ws.HalfNormal(1e-7), ws.Exponential(1e100)])
def test_priors_against_all_data_make_no_coordinate_wide(sd):
    formula = STRUCTURES["slopes"][0]
    data = rows_of_data()
    model = model_of(formula, data, "gaussian", parametrization="marginal",
                     priors={"sd": sd, "sigma": ws.HalfNormal(1e-7)})  # fmt: skip
    at = model.variances
    assert at is not None
    assert at.sound
    assert np.all(at.transform.at(np.ones(at.size)) - at.transform.at(-np.ones(at.size)) < 20)


REAL = {
    "Orthodont": "distance ~ age * Sex + (age|Subject)",
    "Machines": "score ~ Machine + (Machine|Worker)",
    "sleepstudy": "Reaction ~ Days + (Days||Subject)",
    "Pastes": "strength ~ 1 + (1|batch/cask)",
}


def test_points_before_they_are_weighed_are_those_of_their_density():
    raw, log_proposed = importance_sampling.propose(12, 3)
    assert raw.shape == (4096, 3)
    weight = np.exp(-0.5 * np.square(raw).sum(axis=1) - log_proposed)  # to a standard normal
    weight /= weight.sum()
    np.testing.assert_allclose(weight @ raw, 0, atol=0.01)
    np.testing.assert_allclose((weight[:, None] * raw).T @ raw, np.eye(3), atol=0.02)


@pytest.mark.parametrize("data", REAL)
def test_coordinates_are_as_good_at_other_points(data):
    model = model_of(REAL[data], ws.load(data), "gaussian")
    at = model.variances
    assert at is not None
    raw = stats.multivariate_t(df=6, shape=1.4 * np.eye(at.size), seed=1)
    points = raw.rvs(4000)
    log_weight = target_of(model).log_density(at.variances(points)) + at.log_slope(points)
    normal = -0.5 * np.square(points).sum(axis=1)
    share = [effective(density - raw.logpdf(points)) for density in (log_weight, normal)]
    assert share[0] > 0.5 * share[1]


def effective(log_weight: np.ndarray) -> float:
    weight = np.exp(log_weight - log_weight.max())
    return float(np.square(weight.sum()) / np.square(weight).sum())


@pytest.mark.parametrize("data", REAL)
def test_how_to_sample_does_not_hang_on_when_the_approximate_fit_ends(data):
    early = model_of(REAL[data], ws.load(data), "gaussian")
    late = model_of(REAL[data], ws.load(data), "gaussian", tuning=Tuning(slack=1.0))
    for name in "target_accept", "metric":
        assert getattr(early, name) == getattr(late, name)
    assert not np.array_equal(early.coordinates.log_sd_location, late.coordinates.log_sd_location)


@pytest.mark.slow
@pytest.mark.parametrize("data", REAL)
def test_posterior_is_about_standard_normal_in_the_coordinates(data, monkeypatch):
    raw = {}
    sampled_at = stan_backend.sampled_at

    def kept(model, coordinates, seed):
        raw.update(coordinates)
        return sampled_at(model, coordinates, seed)

    monkeypatch.setattr(stan_backend, "sampled_at", kept)
    fit = ws.fit(REAL[data], ws.load(data), seed=1, progress=False, silence="all")
    assert fit.model.variances.converged
    assert fit.model.metric == "unit_e"
    values = np.concatenate([raw["sd_raw"], raw["corr_raw"], raw["aux_raw"]], axis=-1)
    values = values.reshape(-1, values.shape[-1])
    assert np.abs(values.mean(axis=0)).max() < 0.2
    assert np.all(np.abs(np.log(values.std(axis=0))) < np.log(1.25))
    assert np.abs(np.corrcoef(values.T) - np.eye(values.shape[1])).max() < 0.25


@pytest.mark.slow
def test_what_has_not_converged_adapts_a_metric_and_has_the_same_posterior():
    formula, data = REAL["Orthodont"], ws.load("Orthodont")
    usual = ws.fit(formula, data, seed=1, progress=False, silence="all")
    model = model_of(formula, data, "gaussian", tuning=Tuning(search_rounds=0))
    settings = Settings(seed=1, draws=2000, progress=False)
    hasty = fit_by(Fit, backend_named("stan"), model, settings, 0.0)
    assert not hasty.model.variances.converged
    assert hasty.model.metric == "dense_e"
    one, other = usual.summary(), hasty.summary()
    z = (one["mean"] - other["mean"]) / np.hypot(one["mcse_mean"], other["mcse_mean"])
    assert z.abs().max() < 4.5


def test_where_no_point_has_a_density_a_metric_is_adapted(monkeypatch):
    monkeypatch.setattr(Target, "log_density", lambda _, at: np.full(at.sigma.shape, -np.inf))
    model = model_with("slopes")
    assert model.variances is not None
    assert not model.variances.converged
    assert model.metric == "dense_e"
    assert model.variances.sound


def test_same_data_same_coordinates():
    one, other = (model_with("slopes").variances for _ in range(2))
    np.testing.assert_array_equal(one.correlation_root, other.correlation_root)
    np.testing.assert_array_equal(one.at(np.ones(one.size)), other.at(np.ones(one.size)))
