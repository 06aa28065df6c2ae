"""Spike counts have the stated law, and silly arguments are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import winstan as ws
from winstan.errors import DataError

QUIET = {"mouse_sd": 0, "neuron_sd": 0, "mouse_slope_sd": 0, "neuron_slope_sd": 0}


def test_columns_types_and_order():
    spikes = ws.simulate_spikes(3, 11, 4, seed=1)
    assert list(spikes.columns) == ["mouse", "neuron", "condition", "trial", "duration", "count"]
    assert len(spikes) == 3 * 11 * 3 * 4
    assert spikes["condition"].cat.categories.tolist() == ["rest", "low", "high"]
    assert spikes["count"].dtype == np.int64
    order = ["mouse", "neuron", "condition", "trial"]
    assert spikes.equals(spikes.sort_values(order, ignore_index=True))
    assert (spikes.groupby(["neuron", "condition"], observed=True).size() == 4).all()
    # neurons are nested in mice, by names of their own
    assert len(spikes[["mouse", "neuron"]].drop_duplicates()) == 33
    assert spikes["neuron"].nunique() == 33
    assert spikes["neuron"].iloc[-1] == "m2n10"


def test_seed_decides_and_nothing_else():
    a, b = (ws.simulate_spikes(2, 2, 3, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(a, b)
    assert not a.equals(ws.simulate_spikes(2, 2, 3, seed=6))
    generator = np.random.default_rng(5)
    pd.testing.assert_frame_equal(a, ws.simulate_spikes(2, 2, 3, seed=generator))


@pytest.mark.parametrize("alpha", [None, 0.7, 4.0])
def test_counts_have_the_mean_and_variance_of_their_distribution(alpha):
    conditions = {"off": 0.0, "on": -0.5, "more": 1.1}
    spikes = ws.simulate_spikes(
        1, 1, 40_000, conditions, seed=2, baseline=6, duration=0.5, dispersion=alpha, **QUIET
    )
    for name, effect in conditions.items():
        counts = spikes.loc[spikes["condition"] == name, "count"].to_numpy()
        mean = 6 * 0.5 * np.exp(effect)
        variance = mean + (0 if alpha is None else mean**2 / alpha)
        assert abs(counts.mean() - mean) < 4.5 * (variance / counts.size) ** 0.5
        fourth = ((counts - counts.mean()) ** 4).mean()
        error = ((fourth - variance**2) / counts.size) ** 0.5
        assert abs(counts.var() - variance) < 4.5 * error


def test_duration_is_an_exposure():
    spikes = ws.simulate_spikes(
        1, 1, 20_000, ["a"], seed=3, baseline=20, duration=(0.2, 2), dispersion=None, **QUIET
    )
    seconds = spikes["duration"].to_numpy()
    assert seconds.min() >= 0.2
    assert seconds.max() <= 2
    assert abs(seconds.mean() - 1.1) < 4.5 * 1.8 / (12 * seconds.size) ** 0.5
    # Poisson regression through the origin: the rate is the sum of counts over that of seconds
    rate = spikes["count"].sum() / seconds.sum()
    assert abs(rate - 20) < 4.5 * (20 / seconds.sum()) ** 0.5
    standardised = (spikes["count"] - 20 * seconds) / np.sqrt(20 * seconds)
    assert abs(standardised.var() - 1) < 4.5 * (2.2 / seconds.size) ** 0.5


def test_standard_deviations_of_mice_and_neurons():
    # At this rate and number of trials the log of a mean count is the log rate to about 0.005.
    n_mice, n_neurons = 300, 4
    sds = {"mouse_sd": 0.5, "neuron_sd": 0.3, "mouse_slope_sd": 0.2, "neuron_slope_sd": 0.4}
    spikes = ws.simulate_spikes(
        n_mice, n_neurons, 20, {"a": 0, "b": 0.7}, seed=4, baseline=2000, dispersion=None, **sds
    )
    log_rate = np.log(
        spikes["count"].to_numpy().reshape(n_mice, n_neurons, 2, 20).mean(axis=-1) / 2000
    )
    intercept, slope = log_rate[..., 0], log_rate[..., 1] - log_rate[..., 0]
    for values, between, within in ((intercept, 0.5, 0.3), (slope, 0.2, 0.4)):
        mean_square = n_neurons * values.mean(axis=1).var(ddof=1)  # one-way analysis of variance
        residual = values.var(axis=1, ddof=1).mean()
        expected = n_neurons * between**2 + within**2
        assert abs(mean_square / expected - 1) < 4.5 * (2 / (n_mice - 1)) ** 0.5
        freedom = n_mice * (n_neurons - 1)
        assert abs(residual / within**2 - 1) < 4.5 * (2 / freedom) ** 0.5 + 0.002
    assert abs(slope.mean() - 0.7) < 4.5 * (0.2**2 + 0.4**2 / n_neurons) ** 0.5 / n_mice**0.5
    # what the docstring's note says of expected counts
    total = sum(sd**2 for sd in sds.values())
    rate_b = np.exp(log_rate[..., 1]).mean(axis=1)
    expected = np.exp(0.7 + total / 2)
    assert abs(rate_b.mean() - expected) < 4.5 * rate_b.std(ddof=1) / n_mice**0.5


def test_truth_is_kept():
    spikes = ws.simulate_spikes(2, 2, 2, ("a", "b"), effects=(0, 0.4), baseline=8, seed=1)
    truth = spikes.attrs["truth"]
    assert truth["Intercept"] == np.log(8)
    assert truth["condition"] == {"b": 0.4}
    assert truth["condition|neuron_sigma"] == 0.2
    assert truth["alpha"] == 3
    assert "alpha" not in ws.simulate_spikes(1, 1, 1, seed=1, dispersion=None).attrs["truth"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_mice": 0}, "n_mice=0"),
        ({"n_neurons": 1.5}, r"n_neurons=1\.5"),
        ({"n_trials": True}, "n_trials=True"),
        ({"conditions": "rest"}, "conditions='rest'"),
        ({"conditions": []}, "one name or more"),
        ({"conditions": [1, 2]}, "as text"),
        ({"conditions": ["a", "a"]}, "different names"),
        ({"conditions": {"a": 0.1, "b": 1}}, "begin with 0"),
        ({"conditions": {"a": 0, "b": np.nan}}, "finite"),
        ({"conditions": {"a": 0}, "effects": [0]}, "given twice"),
        ({"effects": [0, 1]}, "2 numbers for 3 conditions"),
        ({"effects": 1.0}, "for each condition"),
        ({"baseline": 0}, "above 0"),
        ({"baseline": 1e9}, "spikes on average"),
        ({"duration": -1}, "duration=-1"),
        ({"duration": (2, 1)}, "shorter first"),
        ({"duration": (1, 2, 3)}, "pair"),
        ({"dispersion": 0}, "dispersion=0"),
        ({"dispersion": "3"}, "dispersion='3'"),
        ({"neuron_sd": -0.1}, "neuron_sd=-0.1 must be 0 or more"),
        ({"mouse_slope_sd": np.inf}, "finite"),
        ({"mouse_sd": 1e6}, "spikes on average"),
        ({"seed": "one"}, "seed='one'"),
    ],
)
def test_silly_arguments(wrong, message):
    with pytest.raises(DataError, match=message):
        ws.simulate_spikes(**({"seed": 1} | wrong))
