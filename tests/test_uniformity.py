"""The distribution function of ranks: p-values and bands that hold for all of it at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from winstan.calibration.result import holm
from winstan.uniformity import band, counts_below, p_value, places


@pytest.mark.parametrize("value", [0.02, 0.3, 0.5, 0.97])
def test_of_two_values_the_probability_is_a_binomial_one(value):
    """Two values are counted at 1/2 alone: 0, 1 or 2 below with probability 1/4, 1/2, 1/4."""
    both = np.array([value, value])
    assert p_value(both) == pytest.approx(0.5)
    assert p_value(np.array([0.1, 0.8])) == 1.0


def test_of_three_values_the_probability_is_that_of_all_orders():
    """Counts at 1/3 and 2/3: by the multinomial probabilities of the three thirds."""
    z = places(3)
    np.testing.assert_allclose(z, [1 / 3, 2 / 3])

    def least(counts):
        below = np.cumsum(counts)[:2]
        tails = [
            min(2 * min(stats.binom.cdf(r, 3, at), stats.binom.sf(r - 1, 3, at)), 1.0)
            for r, at in zip(below, z, strict=True)
        ]
        return min(tails)

    every = [(i, j, 3 - i - j) for i in range(4) for j in range(4 - i)]
    seen = least((3, 0, 0))
    expected = sum(
        stats.multinomial.pmf(counts, 3, [1 / 3] * 3)
        for counts in every
        if least(counts) <= seen * (1 + 1e-12)
    )
    assert p_value(np.array([0.1, 0.2, 0.3])) == pytest.approx(expected)


@pytest.mark.parametrize("n", [20, 130])
@pytest.mark.slow
def test_p_values_of_uniform_ranks_are_seldom_small(n):
    rng = np.random.default_rng(1)
    p = np.array([p_value(rng.random(n)) for _ in range(300)])
    for level in (0.05, 0.2):
        share = np.mean(p <= level)
        error = np.sqrt(level * (1 - level) / p.size)
        assert level - 6 * error - 0.02 < share < level + 4 * error  # counts are whole: a bit less


@pytest.mark.parametrize("ranks", ["narrow", "wide", "low", "edge"])
def test_ranks_that_are_not_uniform_are_told(ranks):
    u = (np.arange(200) + 0.5) / 200
    made = {
        "narrow": stats.norm.cdf(1.5 * stats.norm.ppf(u)),
        "wide": stats.norm.cdf(0.65 * stats.norm.ppf(u)),
        "low": stats.norm.cdf(stats.norm.ppf(u) + 0.4),
        "edge": np.where(u > 0.9, 0.999, u),  # a tail that a mean or a variance hardly sees
    }
    assert p_value(made[ranks]) < 1e-3
    assert p_value(u) == 1.0


def test_the_band_is_left_as_often_as_it_says():
    rng, n = np.random.default_rng(2), 60
    z, lower, upper = band(n, 0.1)
    counts = np.array([counts_below(rng.random(n), z) for _ in range(4000)]) / n
    left = np.mean(((counts < lower) | (counts > upper)).any(axis=1))
    assert 0.1 - 0.03 < left < 0.1 + 4 * np.sqrt(0.09 / 4000)


def test_band_and_p_value_agree():
    rng = np.random.default_rng(3)
    z, lower, upper = band(40, 0.2)
    for _ in range(60):
        values = rng.beta(1, 1.3, 40)
        ecdf = counts_below(values, z) / 40
        inside = np.all((ecdf >= lower) & (ecdf <= upper))
        assert inside == (p_value(values) > 0.2) or p_value(values) == pytest.approx(0.2, abs=0.02)


def test_holm_s_adjustment():
    np.testing.assert_allclose(holm(np.array([0.03, 0.001, 0.5, 0.02])), [0.06, 0.004, 0.5, 0.06])
