"""Convergence figures of many quantities at once, held to ArviZ's of each."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from scipy import stats

from winstan.convergence import convergence
from winstan.ordered_draws import hdi
from winstan.summary import summarise


@pytest.fixture(params=[(4, 1000), (3, 777), (2, 100), (1, 37)], ids=str)
def draws(request):
    """Autoregressive chains from antithetic to sticky, some with ties, drift or a lost chain."""
    rng = np.random.default_rng(1)
    phi = np.linspace(-0.9, 0.98, 12)
    noise = rng.normal(size=(*request.param, phi.size))
    x = noise.copy()
    for t in range(1, x.shape[1]):
        x[:, t] = phi * x[:, t - 1] + noise[:, t]
    x[..., 3] = np.round(x[..., 3])
    x[..., 5] += 0.8 * np.arange(x.shape[0])[:, None]
    x[..., 7] = np.exp(3 * x[..., 7])
    return x * 1e6 - 40.0


def test_equal_to_arviz_to_rounding(draws):
    ours = convergence(draws)
    axes = {"chain_axis": 0, "draw_axis": 1}
    theirs = {
        "ess_bulk": array_stats.ess(draws, method="bulk", **axes),
        "ess_tail": array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes),
        "r_hat": array_stats.rhat(draws, **axes) if draws.shape[0] > 1 else None,
        "mcse_mean": array_stats.mcse(draws, method="mean", **axes),
    }
    for name, expected in theirs.items():
        if expected is not None:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-10, err_msg=name)


def test_many_quantities_are_as_each_alone():
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(2, 60, 100)).cumsum(axis=1)  # more than go through at once
    together = convergence(draws)
    for p in (0, 31, 32, 99):
        alone = convergence(draws[..., [p]])
        for name in ("r_hat", "ess_bulk", "ess_tail", "mcse_mean"):
            assert getattr(together, name)[p] == getattr(alone, name)[0]


def test_hdi_is_the_shortest_interval(draws):
    flat = draws.reshape(-1, draws.shape[-1])
    lower, upper = hdi(flat, 0.9)
    for p in range(flat.shape[1]):
        low, high = array_stats.hdi(flat[:, p], prob=0.9)
        assert (lower[p], upper[p]) == (low, high)
    normal = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)[:, None]
    np.testing.assert_allclose(np.ravel(hdi(normal, 0.94)), stats.norm.interval(0.94), atol=0.01)


def test_a_quantity_that_never_moves_has_no_r_hat():
    still = convergence(np.full((4, 100, 1), 3.0))
    assert np.isnan(still.r_hat[0])
    assert still.ess_bulk[0] == 400


def test_rows_are_named_as_arviz_names_them(draws):
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {
                    "a": (("chain", "draw"), draws[..., 0]),
                    "u": (
                        ("chain", "draw", "cond", "g"),
                        draws[..., :6].reshape(*draws.shape[:2], 2, 3),
                    ),
                },
                coords={"cond": ["b", "c"], "g": [10, 20, 30]},
            )
        }
    )  # fmt: skip
    table = summarise(tree, prob=0.8, interval="eti")
    assert table.index.tolist() == [
        "a", "u[b, 10]", "u[b, 20]", "u[b, 30]", "u[c, 10]", "u[c, 20]", "u[c, 30]"
    ]  # fmt: skip
    assert table.loc["u[c, 10]", "mean"] == pytest.approx(draws[..., 3].mean())
    expected = np.quantile(draws[..., 3], [0.1, 0.9])
    np.testing.assert_allclose(table.loc["u[c, 10]", ["eti_10%", "eti_90%"]], expected)
