"""Probabilities of categories over a population whose groups differ in several log odds at once."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from scipy import special
from template_cases import data_of

from winstan import effects
from winstan.effects.joint_population import joint_mean
from winstan.effects.prior_draws import prior_draws

X = 0.7


def asked(formula, data, sds, seed=1, size=4):
    """A model, and draws whose groups' sds are these."""
    model = model_of(formula, data, "categorical")
    draws = prior_draws(model, np.random.default_rng(seed), size)
    for name in [name for name in draws if name.endswith("_sigma")]:
        draws[name] = np.resize(sds, size) * (1 + 0.3 * ("mud" in name))
    return model, draws


def shares_by_grid(draws, s, names, corr, x, n):
    """Mean softmax, category by category, by a product rule of n nodes in each direction."""
    z, w = np.polynomial.hermite_e.hermegauss(n)
    sds = np.array([draws[f"{name}_1|g_sigma"][s] for name in names])
    L = np.linalg.cholesky(sds[:, None] * corr * sds)
    grid = np.stack(np.meshgrid(*[z] * len(names), indexing="ij")).reshape(len(names), -1)
    mass = w / w.sum()
    whole = mass
    for _ in names[1:]:
        whole = np.multiply.outer(whole, mass)
    at = np.array([draws[f"{name}_Intercept"][s] + draws[f"{name}_x"][s] * x for name in names])
    etas = np.vstack([np.zeros(grid.shape[1]), at[:, None] + L @ grid])
    return special.softmax(etas, axis=0) @ whole.ravel()


def got(model, draws, groups="population", x=X):
    parts = effects.parts_of(model, None)
    values = {"x": [x]}
    return np.stack([
        effects.conditional(p.model, draws, "x", values=values, groups=groups).draws[:, 0, 0]
        for p in parts
    ], axis=1)  # fmt: skip


def three():
    """Three categories: two linear predictors."""
    data = data_of("categorical")
    return data.assign(y=data["y"].astype(str).replace("d", "c"))


def test_of_two_linear_predictors_by_brute_force():
    model, draws = asked("y ~ x + (1|g)", three(), [0.0, 0.6, 1.5, 2.0])
    found = got(model, draws)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    for s in range(1, 4):
        expected = shares_by_grid(draws, s, ["mub", "muc"], np.eye(2), X, 120)
        np.testing.assert_allclose(found[s], expected, atol=2e-6)
    np.testing.assert_allclose(found[0], got(model, draws, "typical")[0], atol=1e-12)
    assert np.abs(found[3] - got(model, draws, "typical")[3]).max() > 0.03


@pytest.mark.slow
def test_of_three_that_are_correlated():
    model, draws = asked("y ~ x + (1 |p| g)", data_of("categorical"), [0.4, 1.0, 1.6])
    labels = next(v for v in model.variables if v.name == "g_corr").coords["g_corr_dim"]
    draws["g_corr"] = np.tile([0.7, -0.3, 0.1], (4, 1))
    corr = np.eye(3)
    names = ["mub", "muc", "mud"]
    for label, value in zip(labels, (0.7, -0.3, 0.1), strict=True):
        i, j = (names.index(part.partition("_")[0]) for part in label.split(", "))
        corr[i, j] = corr[j, i] = value
    found = got(model, draws)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    for s in range(3):
        expected = shares_by_grid(draws, s, names, corr, X, 30)
        np.testing.assert_allclose(found[s], expected, atol=1e-3)


def test_slopes_and_the_default_are_of_the_population():
    model, draws = asked("y ~ x + (1|g)", three(), [0.5, 1.0])
    part = effects.parts_of(model, None)[1]
    assert effects.choose_estimand(part.model, None).settings == {"g": "population"}
    slope = effects.contrast(part.model, draws, "x", slope=True, groups="population").draws[:, 0, 0]
    x, rows = model.design.predictors["x"].to_numpy(), model.design.row
    level = model.design.groups[0].level[rows]
    weight = 1 / np.bincount(level)[level] / len(np.unique(level))
    for s in range(2):
        rise = [
            (shares_by_grid(draws, s, ["mub", "muc"], np.eye(2), at + 1e-4, 40)[1]
             - shares_by_grid(draws, s, ["mub", "muc"], np.eye(2), at - 1e-4, 40)[1]) / 2e-4
            for at in x
        ]  # fmt: skip
        assert slope[s] == pytest.approx(weight @ np.array(rise)[rows], rel=1e-5)


@pytest.mark.parametrize("on_lines", [True, False])
@pytest.mark.slow
def test_many_rows_have_the_means_that_each_has_by_itself(on_lines):
    """Rows on a line are interpolated, those off it are integrated one by one."""
    model, _ = asked("y ~ x + (1 |p| g)", three(), [0.5])
    part, rng, n = effects.parts_of(model, None)[1], np.random.default_rng(8), 200
    x = rng.uniform(-1, 1, n)
    number = np.resize([0, 1], n)
    start, rise = rng.normal(size=(2, 3, 1)), rng.normal(size=(2, 3, 1))
    etas = start + rise * x + 2.0 * number
    if not on_lines:
        etas = start + rng.normal(0, 2, (2, 3, n))
    root = rng.normal(0, 0.7, (3, 2, 2, 2))
    covariance = root @ np.swapaxes(root, -1, -2)

    def mean(rows):
        beside = {"muc": etas[1][:, rows]}
        return joint_mean(part.model, beside, etas[0][:, rows], covariance, number[rows])

    found, some = mean(np.arange(n)), np.arange(0, n, 11)
    one_by_one = np.hstack([mean(np.array([i])) for i in some])
    np.testing.assert_allclose(found[:, some], one_by_one, atol=1e-7)
    assert np.ptp(found, axis=1).min() > 0.2
