"""MonotoneTransform from standard normal numbers to coordinates of the variances."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy import integrate, stats

from winstan.marginal.monotone import MonotoneTransform

EVENLY = (np.arange(20_000) + 0.5) / 20_000


def through(*quantiles: np.ndarray) -> MonotoneTransform:
    at = np.column_stack(quantiles)
    return MonotoneTransform.through(at, np.full(len(at), 1 / len(at)))


SKEWED = through(np.log(stats.halfnorm.ppf(EVENLY)), -0.5 * np.log(stats.gamma.isf(EVENLY, 1.5)))


def test_slopes_are_those_of_the_curves():
    x = np.linspace(-40, 40, 9)
    low, high = x[:-1], x[1:]
    for d in range(2):
        # The integral of the slope is the rise.
        rise = [
            integrate.quad(lambda z, d=d: np.exp(SKEWED.log_slope(np.full(2, z)))[d], a, b)[0]
            for a, b in zip(low, high, strict=True)
        ]
        at = SKEWED.at(np.column_stack([x, x]))[:, d]
        np.testing.assert_allclose(np.diff(at), rise, rtol=1e-7)


def test_scores_are_the_inverse():
    x = np.column_stack([np.linspace(-20, 20, 41)] * 2)
    np.testing.assert_allclose(SKEWED.scores(SKEWED.at(x)), x, rtol=1e-4, atol=1e-4)


def test_straight_lines():
    location, scale = np.array([1.0, -3.0]), np.array([0.5, 20.0])
    lines = MonotoneTransform.straight(location, scale)
    x = np.array([[-3.0, 2.0], [0.0, 0.7]])
    np.testing.assert_allclose(lines.at(x), location + scale * x)
    np.testing.assert_allclose(lines.log_slope(x), np.log(scale) + 0 * x, atol=1e-12)


def test_normal_quantiles_have_a_straight_line():
    found = through(2 + 3 * stats.norm.ppf(EVENLY))
    assert found.at(np.array([0.0]))[0] == pytest.approx(2, abs=1e-3)
    np.testing.assert_allclose(
        np.exp(found.log_slope(np.linspace(-3, 3, 7)[:, None])), 3, rtol=0.01
    )


@pytest.mark.parametrize(
    "log_sd",
    [
        pytest.param(lambda p: np.log(stats.halfnorm.ppf(p)), id="zero possible"),
        pytest.param(lambda p: np.log(stats.halfcauchy.ppf(p)), id="zero possible, heavy above"),
        pytest.param(lambda p: -0.5 * np.log(stats.gamma.isf(p, 10)), id="twenty-one groups"),
        pytest.param(lambda p: -0.5 * np.log(stats.gamma.isf(p, 1.5)), id="four groups"),
    ],
)
def test_log_sds_are_about_normal_on_a_curve_far_into_their_tails(log_sd):
    found = through(log_sd(EVENLY))
    score = np.linspace(-3, 3, 25)
    at = log_sd(stats.norm.cdf(score))[:, None]
    off = np.abs(found.scores(at)[:, 0] - score)
    assert off[np.abs(score) <= 2].max() < 0.1
    assert off.max() < 0.5


def test_weights_count_as_points():
    random = np.random.default_rng(1)
    at = random.gamma(3, 1, (4000, 2))
    times = random.integers(0, 4, 4000)
    weighed = MonotoneTransform.through(at, times / times.sum())
    repeated = np.repeat(at, times, axis=0)
    plain = MonotoneTransform.through(repeated, np.full(len(repeated), 1 / len(repeated)))
    x = np.linspace(-3, 3, 13)[:, None] + np.zeros(2)
    np.testing.assert_allclose(weighed.at(x), plain.at(x), atol=0.02)


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
def test_rise_everywhere_and_as_steeply_as_a_tenth_of_a_line(values):
    at = np.resize(values, 400)
    found = through(at)
    assert found.sound
    assert all(np.all(getattr(found, f.name) >= 0) for f in fields(found) if f.name != "location")
    score = np.linspace(-2, 2, 17)
    line = np.polyfit(score, np.quantile(at, stats.norm.cdf(score)), 1)[0]
    slope = np.exp(found.log_slope(np.linspace(-30, 30, 601)[:, None]))
    assert slope.min() > 0.09 * line


def test_of_equal_points_there_is_no_curve():
    assert not through(np.zeros(400)).sound
