"""Leave-one-out with each row's own effective draws, and comparisons: the numbers of R's loo."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from made_draws import fit_with
from models import model_of
from scipy import stats

import winstan as ws
from winstan.effects.psis import efficiencies, leave_out, weights_without

Y = np.array([3.6, 5.3, 4.9, 5.9, 6.3, 6.8, 7.0, 7.7, 7.4, 9.9, 10.1, 11.9])
DATA = pd.DataFrame({"y": Y, "x": np.arange(12) - 5.5})
CHAINS = 4
SHAPE = (CHAINS, 500)


def wandering(random: np.random.RandomState, persistence: float) -> np.ndarray:
    """Autoregressive draws of variance 1. The generator is one whose stream never changes."""
    steps = random.standard_normal(SHAPE)
    out = steps.copy()
    for t in range(1, SHAPE[1]):
        out[:, t] = persistence * out[:, t - 1] + np.sqrt(1 - persistence**2) * steps[:, t]
    return out


@pytest.fixture(scope="module")
def fits() -> dict[str, ws.Fit]:
    """A mean that moves slowly with a sigma that jumps, and a slope of too small a sigma."""
    random = np.random.RandomState(4)
    mean = {
        "Intercept": 7.4 + 0.4 * wandering(random, 0.9),
        "sigma": 2.3 * np.exp(0.2 * wandering(random, -0.3)),
    }
    slope = {
        "Intercept": 7.2 + 0.1 * wandering(random, 0.5),
        "x": 0.45 + 0.03 * wandering(random, 0.0),
        "sigma": 0.6 * np.exp(0.12 * wandering(random, 0.7)),
    }
    return {
        "mean": fit_with(model_of("y ~ 1", DATA, "gaussian"), mean),
        "slope": fit_with(model_of("y ~ x", DATA, "gaussian"), slope),
    }


# loo 2.5.1 of R 4.2.2, of these log densities ll, shape (2000, 12):
#   r <- relative_eff(exp(ll), chain_id = rep(1:8, each = 250))  # of half chains
#   M <- floor(pmin(0.2 * 2000, 3 * sqrt(2000 / r)))  # ArviZ rounds down, loo up
#   loo(ll, r_eff = 9 * 2000 / (M - 0.5)^2)           # has this tail
R_EFF = {
    "mean": [0.1740847063381, 0.0815384875398, 0.0842945568129, 0.1244271492700, 0.2238184835696,
             0.6527723585443, 0.9721296185453, 1.7283412111882, 1.7632269638573, 0.0793411134213,
             0.0836920411400, 0.2209935333286],
    "slope": [0.487487799269, 0.239944126025, 0.582392259549, 0.219205045676, 0.216612673190,
              0.192261162319, 0.283261010292, 0.195901733551, 0.395116731608, 0.332155678634,
              0.485339661486, 0.278216914882],
}  # fmt: skip
K = {
    "mean": [0.54831569686421, 0.40343060539676, 0.43292306654296, 0.07736235432475,
             -0.09105726644817, -0.08032964428867, -0.05021849990953, -0.01418389795537,
             0.00695649785311, 0.44057329434083, 0.46913998628037, 0.91460702038097],
    "slope": [0.5079139495986, 0.1197490416048, 0.1642647714372, -0.1125322079977,
              -0.0628013696192, -0.0855994489499, 0.0819496058183, -0.1097009675515,
              0.1829236000759, 0.6149516768046, 0.4923908861212, 1.5286033212855],
}  # fmt: skip
ELPD = {
    "mean": [-3.508402686796, -2.259305839616, -2.466479735603, -2.025340318565, -1.915171769831,
             -1.824899864957, -1.802985050446, -1.788594145158, -1.782938894975, -2.410282394415,
             -2.526907744955, -4.431555229329],
    "slope": [-2.6636760665593, -0.4766064876066, -1.2539272054938, -0.4793377530911,
              -0.5025946949861, -0.4703087046669, -0.6891440729669, -0.4729778904651,
              -1.7435528252697, -2.5067673065566, -1.6925259208630, -12.5335895177210],
}  # fmt: skip
# loo_compare() of the two, and stacking_weights() with reltol = 1e-14
DIFFERENCE, SE_DIFFERENCE, WEIGHT = -3.257855228401, 9.343114811663, 0.8578736206
ARVIZ = 2e-4
"""How far from the best weights ArviZ's search for them stops."""


@pytest.mark.reference
@pytest.mark.parametrize("name", ["mean", "slope"])
def test_rows_are_left_out_as_by_loo(fits, name):
    fit = fits[name]
    density = fit.log_likelihood().to_numpy().reshape(-1, len(Y))
    np.testing.assert_allclose(efficiencies(density, CHAINS), R_EFF[name], rtol=1e-10)
    found = fit.loo(silence="influential_rows")
    np.testing.assert_allclose(found.pareto_k, K[name], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.elpd_i, ELPD[name], rtol=1e-10)


@pytest.mark.reference
def test_differences_and_weights_are_those_of_loo(fits):
    table = ws.compare(fits, silence="influential_rows").table
    assert table["fit"].tolist() == ["slope", "mean"]
    assert table["elpd_diff"].tolist() == [0.0, pytest.approx(DIFFERENCE, rel=1e-9)]
    assert table["se_diff"].tolist() == [0.0, pytest.approx(SE_DIFFERENCE, rel=1e-9)]
    assert table["weight"].tolist() == pytest.approx([WEIGHT, 1 - WEIGHT], abs=ARVIZ)


def test_weights_of_draws_are_those_that_the_density_is_averaged_by(fits):
    fit = fits["mean"]
    density = fit.log_likelihood().to_numpy().reshape(-1, len(Y))
    elpd, _, _ = leave_out(density, CHAINS)
    weight = weights_without(density, CHAINS)
    np.testing.assert_allclose(weight.sum(axis=0), 1.0)
    np.testing.assert_allclose(np.log((weight * np.exp(density)).sum(axis=0)), elpd, rtol=1e-10)


def test_a_row_that_is_certain_is_left_out_without_a_trace():
    """Below a limit far above all others: its probability is 1 in every draw."""
    data = DATA.assign(status=["none"] * 11 + ["left"])
    data.loc[11, "y"] = 1e6
    random = np.random.default_rng(1)
    draws = {"Intercept": random.normal(7, 0.5, SHAPE), "sigma": random.uniform(1.5, 3, SHAPE)}
    fit = fit_with(model_of("censored(y, status) ~ 1", data, "gaussian"), draws)
    found = fit.loo(silence="all")
    assert (found.elpd_i[-1], found.pareto_k[-1], found.p_loo_i[-1]) == (0.0, 0.0, 0.0)
    others = fit_with(model_of("y ~ 1", data[:11], "gaussian"), draws).loo(silence="all")
    np.testing.assert_allclose(found.elpd_i[:-1], others.elpd_i, rtol=1e-10)


def test_draws_too_few_to_tell_count_as_they_are():
    density = np.log(np.random.default_rng(0).uniform(size=(12, 3)))
    np.testing.assert_array_equal(efficiencies(density, 4), 1.0)
    density[0] = np.nan
    np.testing.assert_array_equal(efficiencies(np.tile(density, (10, 1)), 4), 1.0)


def test_slow_chains_of_one_parameter_do_not_scatter_k():
    """Among many parameters that move at once, the average efficiency is 0.9, the row's 0.03.

    By the average the tail is a third as long, and k scatters more from one fit to the next.
    """
    random = np.random.default_rng(1)
    y = np.array([-1.2, -0.5, -0.1, 0.1, 0.4, 0.9, 1.6, 2.9])
    by_row, by_average = [], []
    for _ in range(40):
        z = random.normal(size=(CHAINS, 1000))
        for t in range(1, 1000):
            z[:, t] = 0.95 * z[:, t - 1] + np.sqrt(1 - 0.95**2) * z[:, t]
        mean = y.mean() + z / np.sqrt(y.size)
        row = stats.norm.logpdf(y[-1], mean, 1.0)
        _, k, _ = leave_out(row.reshape(-1, 1), CHAINS)
        by_row.append(k[0])
        by_average.append(array_stats.loo(row, r_eff=0.9)[1])
    smaller = np.var(by_row) / np.var(by_average)
    assert stats.f.cdf(smaller, 39, 39) < 0.01
