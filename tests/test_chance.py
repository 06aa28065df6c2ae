"""The verdict on the worst of many parameters: sound chains pass, unsound ones do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import signal, stats

from winstan.chance import ESS_PER_CHAIN, ess_limit, r_hat_limit
from winstan.convergence import convergence, r_hats_and_ess
from winstan.diagnostics import Diagnostics, diagnose
from winstan.draws import Draws


def autoregressive(rng, phi: float, chains: int, n: int, P: int) -> np.ndarray:
    """Stationary chains of variance one; n (1 - phi) / (1 + phi) effective draws of each."""
    noise = rng.standard_normal((chains, n + 200, P))
    return signal.lfilter([np.sqrt(1 - phi**2)], [1, -phi], noise, axis=1)[:, 200:]


def judged(rng, values: np.ndarray) -> Diagnostics:
    chains, n, P = values.shape
    found = convergence(values)
    table = pd.DataFrame(
        {"r_hat": found.r_hat, "ess_bulk": found.ess_bulk, "ess_tail": found.ess_tail},
        index=["a", *(f"u[{i}]" for i in range(P - 1))] if P > 1 else ["a"],
    )
    sample_stats = {
        "diverging": np.zeros((chains, n), bool),
        "tree_depth": np.full((chains, n), 3),
        "energy": rng.normal(size=(chains, n)),
    }
    posterior = {"a": values[..., 0]} | ({"u": values[..., 1:]} if P > 1 else {})
    return diagnose(Draws(posterior, sample_stats), table)


@pytest.mark.parametrize(
    ("phi", "chains", "n", "P", "fits"),
    [(0.0, 4, 1000, 1, 100), (0.5, 4, 1000, 1, 100), (0.5, 4, 1000, 30, 40), (0.3, 2, 450, 8, 60),
     (-0.4, 4, 1000, 300, 1), (0.5, 4, 1000, 300, 2)],
)  # fmt: skip
def test_sound_chains_converge_however_many_their_parameters(phi, chains, n, P, fits):
    rng = np.random.default_rng(2)
    found = [judged(rng, autoregressive(rng, phi, chains, n, P)) for _ in range(fits)]
    assert sum(not fit.ok for fit in found) <= (fits >= 100), [fit.verdict for fit in found]


def test_of_hundreds_of_sound_parameters_the_worst_was_beyond_one_bound_for_all():
    """Else the test above would say nothing."""
    rng = np.random.default_rng(2)
    fits = [judged(rng, autoregressive(rng, 0.6, 4, 1000, 300)) for _ in range(2)]
    beyond = [fit for fit in fits if fit.max_r_hat >= 1.01]
    assert beyond
    for fit in beyond:
        assert f"R-hat at most {fit.max_r_hat:.3f} (of so many parameters chance" in fit.verdict


def shifted(x, rng):
    x[0, :, 0] += 0.6


def spread(x, rng):
    x[0, :, 0] *= 1.8


def stuck(x, rng):
    x[1, :, 0] = x[1, 0, 0] + 2


def two_modes(x, rng):
    x[..., 0] += 6 * (np.arange(len(x)) % 2)[:, None]


def creeping(x, rng):
    x[..., 0] = autoregressive(rng, 0.99, x.shape[0], x.shape[1], 1)[..., 0]


def drifting(x, rng):
    x[..., 0] += np.linspace(0, 2, x.shape[1])


@pytest.mark.parametrize("P", [1, 150])
@pytest.mark.parametrize("spoil", [shifted, spread, stuck, two_modes, creeping, drifting])
def test_one_unsound_parameter_is_found_among_however_many(spoil, P):
    rng = np.random.default_rng(3)
    for _ in range(3 if P == 1 else 1):
        x = autoregressive(rng, 0.3, 4, 1000, P)
        spoil(x, rng)
        found = judged(rng, x)
        assert not found.ok
        assert " a" in found.verdict  # by its name


@pytest.mark.parametrize("P", [1, 500])
def test_chains_that_are_too_short_are_found(P):
    rng = np.random.default_rng(4)
    found = judged(rng, autoregressive(rng, 0.0, 4, 50, P))
    assert "effective draws where 400 are wanted" in found.verdict


def test_the_verdict_gives_the_bound_and_of_how_many_it_is():
    rng = np.random.default_rng(5)
    x = autoregressive(rng, 0.0, 4, 500, 100)
    two_modes(x, rng)
    found = judged(rng, x)
    assert "(worst: a; wanted of the worst of 100 parameters: below 1.0" in found.verdict
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
    assert ess_limit(1, 4) == 4 * ESS_PER_CHAIN
    assert 250 < ess_limit(1000, 4) < ess_limit(10, 4) < 400


def test_effective_draws_about_the_half_chains_do_not_fall_where_chains_disagree():
    rng = np.random.default_rng(7)
    x = autoregressive(rng, 0.5, 4, 1000, 1)
    _, agreeing = r_hats_and_ess(x)
    x[0] += 1.0
    r_hat, ess = r_hats_and_ess(x)
    assert convergence(x).ess_bulk[0] < 100
    assert r_hat[0, 0] == pytest.approx(convergence(x).r_hat[0])
    assert ess[0, 0] == pytest.approx(agreeing[0, 0], rel=0.25)
    assert ess[0, 0] == pytest.approx(4000 / 3, rel=0.25)
