"""The fake recordings have the stated law, and say clearly when they cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from winstan.errors import DataError
from winstan.simulate import simulate_lfp
from winstan.simulate.lfp import _inverse_intervals

SEEDS = 200
COLUMNS = ["mouse", "stim", "trial", "Power", "Log power"]


def log_means(slope: float) -> np.ndarray:
    """Mean log power by data set, mouse and condition."""
    return np.array(
        [
            simulate_lfp(slope=slope, seed=seed)["Log power"]
            .to_numpy()
            .reshape(8, 2, 30)
            .mean(axis=2)
            for seed in range(SEEDS)
        ]
    )


@pytest.fixture(scope="module")
def means() -> np.ndarray:
    return log_means(15)


def test_columns_types_and_order():
    trials = simulate_lfp(seed=1)
    assert list(trials.columns) == COLUMNS
    assert len(trials) == 8 * 2 * 30
    assert isinstance(trials.index, pd.RangeIndex)
    assert list(trials["mouse"].unique()) == [f"m{i}" for i in range(8)]
    assert trials["mouse"].map(type).eq(str).all()
    assert trials["stim"].dtype == np.int64
    assert trials["trial"].dtype == np.int64
    assert trials["Power"].dtype == np.float64
    assert trials.equals(trials.sort_values(["mouse", "stim", "trial"], ignore_index=True))
    assert (trials.groupby(["mouse", "stim"]).size() == 30).all()
    np.testing.assert_array_equal(trials["Log power"], np.log10(trials["Power"]))


def test_labels_sort_in_the_order_of_baselines():
    trials = simulate_lfp(n_mice=101, n_trials=1, seed=1)
    mice = list(trials["mouse"].unique())
    assert mice == sorted(mice)
    assert mice[0] == "m000"


@pytest.mark.slow
def test_difference_at_slope_15(means):
    difference = (means[:, :, 1] - means[:, :, 0]).mean(axis=1)
    spread = difference.std(ddof=1)
    assert abs(difference.mean() - 0.166) < 4.5 * spread / SEEDS**0.5
    assert abs(difference.mean() - 0.16) < 0.01
    # the spread between data sets, with the standard error of a standard deviation
    assert abs(spread - 0.0275) < 4.5 * 0.0275 / (2 * SEEDS) ** 0.5


@pytest.mark.slow
def test_no_difference_at_slope_0():
    at_zero = log_means(0)
    difference = (at_zero[:, :, 1] - at_zero[:, :, 0]).mean(axis=1)
    assert abs(difference.mean()) < 4.5 * difference.std(ddof=1) / SEEDS**0.5


def test_difference_is_smaller_in_mice_with_a_higher_baseline(means):
    by_mouse = means[:, :, 1] - means[:, :, 0]
    steps = np.diff(by_mouse, axis=1)
    assert (steps.mean(axis=0) < 4.5 * steps.std(axis=0, ddof=1) / SEEDS**0.5).all()
    assert (np.diff(by_mouse.mean(axis=0)) < 0).all()
    np.testing.assert_allclose(by_mouse.mean(axis=0)[[0, -1]], [0.27, 0.08], atol=0.03)


def test_levels_are_those_of_the_docstring(means):
    quiet = means[:, :, 0]
    for got, stated in ((quiet[:, 0], 1.918), (quiet.mean(axis=1), 2.212)):
        assert abs(got.mean() - stated) < 4.5 * got.std(ddof=1) / SEEDS**0.5
    assert (np.diff(quiet.mean(axis=0)) > 0).all()


@pytest.mark.slow
def test_residual_spread_is_that_of_the_seed_example():
    spreads = []
    for seed in range(SEEDS):
        y = simulate_lfp(seed=seed)["Log power"].to_numpy().reshape(8, 2, 30)
        fitted = y.mean(axis=(1, 2), keepdims=True) + y.mean(axis=(0, 2), keepdims=True) - y.mean()
        spreads.append((((y - fitted) ** 2).sum() / 471) ** 0.5)
    assert np.mean(spreads) == pytest.approx(0.308, abs=4.5 * 0.026 / SEEDS**0.5)
    # the seed example's own value is an ordinary data set of this law
    assert np.quantile(spreads, 0.05) < (41.19 / 471) ** 0.5 < np.quantile(spreads, 0.95)


def test_intervals_at_a_constant_rate_are_those_of_a_poisson_process():
    rng = np.random.default_rng(3)
    rate = np.full((4000, 7), 20.0)
    inverse, count = _inverse_intervals(rng, rate)
    # spikes per trial: Poisson with mean 140, one more than the intervals
    assert abs((count + 1).mean() - 140) < 4.5 * (140 / 4000) ** 0.5
    assert abs((count + 1).var() / 140 - 1) < 4.5 * (2 / 4000) ** 0.5
    # the middle interval of a long trial: exponential, but for the cut at the trial's ends
    middle = np.cumsum(count) - count + count // 2
    assert stats.kstest(1 / inverse[middle], stats.expon(scale=1 / 20).cdf).pvalue > 1e-5
    after = 1 / inverse[middle + 1]
    assert abs(stats.spearmanr(1 / inverse[middle], after).statistic) < 4.5 / 4000**0.5
    # all intervals lie within the trial
    assert (np.add.reduceat(1 / inverse, np.cumsum(count) - count) < 7).all()


def test_rates_follow_the_seconds():
    rng = np.random.default_rng(4)
    rate = np.tile([5.0, 5.0, 5.0, 80.0, 80.0, 80.0, 5.0], (2000, 1))
    _, count = _inverse_intervals(rng, rate)
    assert abs((count + 1).mean() - 260) < 4.5 * (260 / 2000) ** 0.5


def test_samples_are_the_intervals_of_the_same_trials():
    trials = simulate_lfp(n_mice=3, n_trials=7, seed=5)
    samples = simulate_lfp(n_mice=3, n_trials=7, seed=5, samples=True)
    assert list(samples.columns) == COLUMNS
    assert samples.dtypes.equals(trials.dtypes)
    means = samples.groupby(["mouse", "stim", "trial"], as_index=False)["Power"].mean()
    pd.testing.assert_frame_equal(
        means, trials[["mouse", "stim", "trial", "Power"]], check_exact=False, rtol=1e-12
    )
    np.testing.assert_array_equal(samples["Log power"], np.log10(samples["Power"]))
    # own values, not the trial's
    assert samples["Power"].nunique() == len(samples)


@pytest.mark.parametrize("samples", [False, True])
def test_same_seed_same_data(samples):
    a, b = (simulate_lfp(2, 3, seed=6, samples=samples) for _ in range(2))
    pd.testing.assert_frame_equal(a, b)
    assert not a.equals(simulate_lfp(2, 3, seed=7, samples=samples))
    assert not simulate_lfp(2, 3).equals(simulate_lfp(2, 3))


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    simulate_lfp(2, 3, seed=1)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.slow
def test_many_trials_keep_the_law():
    trials = simulate_lfp(n_trials=3000, seed=8)
    means = trials.groupby(["stim"])["Log power"].mean()
    assert len(trials) == 48_000
    assert abs(means[1] - means[0] - 0.166) < 4.5 * 0.0275 / 10
    assert np.isfinite(trials["Power"]).all()


def test_slow_rates_always_give_an_interval():
    slow = simulate_lfp(1, 500, slope=-0.5, seed=9, baseline=(0.5, 0.5), background=0)
    assert (slow["Power"] > 0).all()
    assert np.isfinite(slow["Log power"]).all()


def test_one_mouse_one_trial_and_numpy_integers():
    assert len(simulate_lfp(n_mice=np.int64(1), n_trials=np.int32(1), slope=np.float64(2))) == 2


def test_suppression_lowers_power():
    trials = simulate_lfp(2, 300, slope=-7, seed=10)
    means = trials.groupby("stim")["Log power"].mean()
    assert means[1] < means[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_mice": 0}, "n_mice=0"),
        ({"n_mice": 2.5}, r"n_mice=2\.5"),
        ({"n_mice": True}, "n_mice=True"),
        ({"n_trials": -1}, "n_trials=-1"),
        ({"slope": -8}, "slope=-8 Hz would make the rate of the slowest mouse"),
        ({"slope": np.nan}, "finite"),
        ({"slope": "15"}, "slope='15' must be a number"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": "one"}, "seed='one'"),
        ({"baseline": (-7, 38)}, "negative"),
        ({"baseline": (38, 7)}, "lower first"),
        ({"baseline": (0, 7)}, "above 0"),
        ({"baseline": 7}, "pair"),
        ({"background": -1}, "background=-1"),
        ({"background": np.inf}, "background=inf"),
        ({"baseline": (0.1, 1), "background": 0}, "spikes per 7 s trial"),
    ],
)
def test_silly_arguments(wrong, message):
    with pytest.raises(DataError, match=message):
        simulate_lfp(**wrong)
