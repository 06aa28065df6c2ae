"""The verdict on the worst of many parameters: sound chains pass, unsound ones do not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import stats

from benchmarks.verdict_chains import SOUND, UNSOUND, autoregressive, judged, spoilt
from winstan.chain_faults import STANDSTILL, Repetition, repetition, standstill
from winstan.chance import ALARMS, batch_ess_limits, divergence_limit, r_hat_limit
from winstan.convergence import convergence, ess_by_batches, r_hats_and_ess

OF_ALL = re.compile("same draws|draws in common|come twice")


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize(
    ("shape", "fits"),
    [((4, 200, 1), 50), ((2, 450, 8), 30), ((4, 1000, 30), 8), ((4, 1000, 300), 1)],
)
def test_sound_chains_converge_however_many_their_parameters(kind, shape, fits):
    rng = np.random.default_rng(2)
    found = [judged(rng, SOUND[kind](rng, shape)) for _ in range(fits)]
    assert [fit.verdict for fit in found if not fit.ok] == []


def test_of_hundreds_of_sound_parameters_the_worst_was_beyond_one_bound_for_all():
    """Else the test above would say nothing."""
    rng = np.random.default_rng(2)
    fits = [judged(rng, autoregressive(rng, 0.6, (4, 1000, 300))) for _ in range(2)]
    beyond = [fit for fit in fits if fit.max_r_hat >= 1.01]
    assert beyond
    for fit in beyond:
        assert f"R-hat at most {fit.max_r_hat:.3f} (of so many parameters chance" in fit.verdict


@pytest.mark.parametrize("P", [1, 150])
@pytest.mark.parametrize("fault", UNSOUND, ids=lambda fault: fault.label)
def test_one_unsound_parameter_is_found_among_however_many(fault, P):
    rng = np.random.default_rng(3)
    for chains in (4, 2):
        found = judged(rng, spoilt(rng, fault, chains, P))
        assert not found.ok
        assert fault.draws < 1000 or "u[0]" in found.verdict or OF_ALL.search(found.verdict)


def test_the_verdict_gives_the_bound_and_of_how_many_it_is():
    rng = np.random.default_rng(5)
    x = autoregressive(rng, 0.0, (4, 500, 100))
    x[::2, :, 0] += 6
    found = judged(rng, x)
    assert "(worst: u[0]; wanted of the worst of 100 parameters: below 1.0" in found.verdict
    assert f"below {found.r_hat_below:.3f})" in found.verdict


def test_the_bound_is_what_independent_means_of_half_chains_stay_below():
    """Means of 8 half chains of a thousand draws: R-hat^2 - 1 is the variance of 8 normals."""
    rng = np.random.default_rng(6)
    P, ess, fits = 40, 1000.0, 3000
    means = rng.normal(0, np.sqrt(8 / ess), (fits, 2 * P, 8))  # of location and of spread
    worst = np.sqrt(1 + means.var(axis=2, ddof=1)).max(axis=1)
    limit = float(r_hat_limit(ess, P, 4))
    assert 0.001 < np.mean(worst > limit) < 0.01
    # In terms of scipy's own distribution
    quantile = stats.chi2.isf(0.005 / (2 * P), 7)
    assert limit == pytest.approx(np.sqrt(1 + 8 * quantile / (7 * ess)), rel=1e-12)


def test_the_bound_never_falls_below_the_usual_one_nor_follows_lost_draws():
    assert r_hat_limit(1e6, 1, 4) == 1.01
    assert r_hat_limit(3.0, 50, 4) == r_hat_limit(400.0, 50, 4) < 1.05
    assert r_hat_limit(1000.0, 2000, 4) > r_hat_limit(1000.0, 200, 4) > 1.01


def test_the_bound_of_effective_draws_is_what_means_of_batches_stay_above():
    """Of chains that have 400 in truth, and of the worst of 50 parameters, bulk and tail."""
    rng = np.random.default_rng(8)
    P = 50
    bulk_from, tail_from = batch_ess_limits(P, 4, 40, 100)
    assert bulk_from == pytest.approx(400 * 39 / stats.chi2.isf(ALARMS / (2 * P), 39), rel=1e-12)
    assert 150 < tail_from < bulk_from < 250
    x = autoregressive(rng, 0.818, (4, 1000, 600))  # 100 effective draws a chain
    bulk, tail, length = ess_by_batches(x)
    assert length == 100
    assert np.median(bulk) == pytest.approx(400, rel=0.15)
    assert np.mean(bulk < bulk_from) < 3 * ALARMS / (2 * P) + 0.001
    assert np.mean(tail < tail_from) < 3 * ALARMS / (2 * P) + 0.001


def test_effective_draws_by_batches_are_those_of_means():
    """The variance of the means of 4 x 10 batches, by a loop."""
    x = autoregressive(np.random.default_rng(9), 0.5, (4, 1000, 1))
    scores = stats.norm.ppf((stats.rankdata(x) - 0.375) / (x.size + 0.25)).reshape(4, 10, 100)
    expected = 40 * scores.var() / scores.mean(axis=2).var(ddof=1)
    assert ess_by_batches(x)[0][0] == pytest.approx(expected)


def test_effective_draws_about_the_half_chains_do_not_fall_where_chains_disagree():
    rng = np.random.default_rng(7)
    x = autoregressive(rng, 0.5, (4, 1000, 1))
    _, agreeing = r_hats_and_ess(x)
    x[0] += 1.0
    r_hat, ess = r_hats_and_ess(x)
    assert convergence(x).ess_bulk[0] < 100
    assert r_hat[0, 0] == pytest.approx(convergence(x).r_hat[0])
    assert ess[0, 0] == pytest.approx(agreeing[0, 0], rel=0.25)
    assert ess[0, 0] == pytest.approx(4000 / 3, rel=0.25)


# --- what ranks do not see


@pytest.mark.parametrize(("length", "is_found"), [(STANDSTILL - 1, False), (STANDSTILL, True)])
def test_a_standstill_is_found_from_its_least_length_on(length, is_found):
    x = np.random.default_rng(1).normal(size=(3, 100, 4))
    x[1, 40 : 40 + length, 2] = x[1, 40, 2]
    assert standstill(x) == ((2, 1, length) if is_found else None)


def test_values_that_come_back_are_no_standstill():
    x = np.zeros((2, 400, 1))
    x[:, 100:140] = 1.0  # a discrete quantity that is mostly zero
    x[1, 300] = 1.0
    assert standstill(x) is None


def test_draws_that_come_again_are_found_from_their_least_length_on():
    x = np.random.default_rng(1).normal(size=(3, 100, 2))
    x[:, 1::4] = x[:, ::4]  # a sampler that stays, which is no fault
    x[1, :, 1] = 2.5
    assert repetition(x) is None
    x[2, 40:71] = x[0, 5:36]
    assert repetition(x) == Repetition(chain=0, again=2, length=31)
    x[2, 57, 1] += 1e-9  # another draw: of what is left none is long enough
    assert repetition(x) is None
    x[1], x[2] = x[0], x[0]
    assert repetition(x) == Repetition(chain=0, again=1, length=100)
    coin = np.random.default_rng(2).integers(0, 2, (4, 1000, 1)).astype(float)
    assert repetition(coin) is None


def test_zeros_and_ones_have_an_r_hat_though_all_are_as_far_from_the_median():
    x = np.tile([0.0, 1.0], 400).reshape(4, 200, 1)
    x = np.random.default_rng(1).permuted(x, axis=1)
    assert convergence(x).r_hat[0] < 1.01


def test_single_divergences_are_told_and_more_are_called():
    rng = np.random.default_rng(4)
    x = autoregressive(rng, 0.2, (4, 1000, 1))
    few = divergence_limit(4000)
    assert divergence_limit(1000) == 0 < few
    for n in (few, few + 1):
        found = judged(rng, x, divergent=n)
        assert found.n_divergent == n
        assert found.ok == (n == few)
    assert (
        f"{few} divergences of 4,000 draws (chance leaves up to {few})"
        in judged(rng, x, divergent=few).verdict
    )
