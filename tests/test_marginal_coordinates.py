"""Coordinates of the variances, where all else is integrated out."""

from __future__ import annotations

import numpy as np
import pytest
from marginal_reference import STRUCTURES, log_marginal, rows_of_data, scales_at
from models import model_of

import winstan as ws
from winstan.backends import stan as stan_backend
from winstan.marginal import settling
from winstan.marginal.settling import Target
from winstan.model import Model
from winstan.scales import correlation_names


def model_with(structure: str, balanced: bool = False) -> Model:
    formula, options = STRUCTURES[structure]
    return model_of(
        formula, rows_of_data(balanced=balanced), "gaussian", parametrization="marginal", **options
    )


def target_of(model: Model) -> Target:
    assert model.marginal is not None
    P, n_sd = model.population.shape[1], sum(Z.shape[1] for Z in model.cells.Z)
    return Target(
        model.design,
        model.marginal,
        list(model.priors.table.values())[P : P + n_sd],
        model.priors["sigma"],
        tuple(model.priors[name].numbers[0] for name, _ in correlation_names(model.design)),
    )


@pytest.mark.parametrize("structure", STRUCTURES)
def test_settles_on_the_density_of_all_rows(structure):
    model = model_with(structure)
    at = model.variances
    assert at is not None
    points = np.random.default_rng(1).normal(0, 0.8, (4, at.location.size))
    density = target_of(model).log_density(at.variances(points)) + at.log_slope(points)
    gap = density - [log_marginal(model, point) for point in points]
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-7)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_variances_are_those_of_the_coordinates(structure):
    model = model_with(structure)
    at = model.variances
    assert at is not None
    raw = np.random.default_rng(2).normal(0, 1.2, (2, 3, at.location.size))
    expected = np.apply_along_axis(lambda point: scales_at(model, point), -1, raw)
    found = at.variances(raw)
    log_values = np.concatenate(
        [np.log(found.sd), *found.partial, np.log(found.sigma)[..., None]], axis=-1
    )
    np.testing.assert_allclose(log_values, expected, atol=1e-12)
    np.testing.assert_allclose(at.scores(at.at(raw)), raw @ at.mixing.T, atol=1e-9)
    point = expected[1, 2]
    Q = found.sd.shape[-1]
    back = at.terms.coordinates(point[:Q], point[Q:-1], point[-1])
    np.testing.assert_allclose(back, at.at(raw)[1, 2], atol=1e-9)


def test_points_beyond_computing_have_no_weight():
    model = model_with("slopes")
    at = model.variances
    assert at is not None
    where = np.zeros((3, at.location.size))
    where[1, 0], where[2, -1] = 1e5, -1e5
    with np.errstate(all="ignore"):
        density = target_of(model).log_density(at.terms.variances(at.location + where))
    assert np.isfinite(density[0])
    assert np.all(density[1:] == -np.inf)


REAL = {
    "Orthodont": "distance ~ age * Sex + (age|Subject)",
    "Machines": "score ~ Machine + (Machine|Worker)",
    "sleepstudy": "Reaction ~ Days + (Days||Subject)",
    "Pastes": "strength ~ 1 + (1|batch/cask)",
}


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
    assert fit.model.variances.settled
    assert fit.model.metric == "unit_e"
    values = np.concatenate([raw["sd_raw"], raw["corr_raw"], raw["aux_raw"]], axis=-1)
    values = values.reshape(-1, values.shape[-1])
    assert np.abs(values.mean(axis=0)).max() < 0.2
    assert np.all(np.abs(np.log(values.std(axis=0))) < np.log(1.25))
    assert np.abs(np.corrcoef(values.T) - np.eye(values.shape[1])).max() < 0.25


@pytest.mark.slow
def test_what_has_not_settled_adapts_a_metric_and_has_the_same_posterior(monkeypatch):
    formula, data = REAL["Orthodont"], ws.load("Orthodont")
    settled = ws.fit(formula, data, seed=1, progress=False, silence="all")
    monkeypatch.setattr(settling, "ROUNDS", 1)
    monkeypatch.setattr(settling, "AT_LEAST", 500)
    hasty = ws.fit(formula, data, seed=1, draws=2000, progress=False, silence="all")
    assert not hasty.model.variances.settled
    assert hasty.model.metric == "dense_e"
    one, other = settled.summary(), hasty.summary()
    z = (one["mean"] - other["mean"]) / np.hypot(one["mcse_mean"], other["mcse_mean"])
    assert z.abs().max() < 4.5


def test_same_data_same_coordinates():
    one, other = (model_with("slopes").variances for _ in range(2))
    np.testing.assert_array_equal(one.mixing, other.mixing)
    np.testing.assert_array_equal(one.location, other.location)
