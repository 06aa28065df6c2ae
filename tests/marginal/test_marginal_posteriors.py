"""Posteriors with coefficients and effects integrated out: those of the general template."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import winstan as ws

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::winstan.DesignWarning")]
Z = 4.5  # of the Monte Carlo error of both sides: one in 150,000 for each number


def assert_one_posterior(a: ws.Fit, b: ws.Fit) -> None:
    """Hold means and sds of every parameter and effect to each other."""
    assert a.diagnostics.ok, a.verdict
    assert b.diagnostics.ok, b.verdict
    ours, theirs = a.summary(), b.summary()
    assert list(ours.index) == list(theirs.index)
    z = (ours["mean"] - theirs["mean"]) / np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    assert z.abs().max() < Z, z.abs().idxmax()
    # The log ratio of sds of n effective draws has an error of 1 / sqrt(2 n) on either side.
    error = np.sqrt(0.5 / ours["ess_tail"] + 0.5 / theirs["ess_tail"])
    z = np.log(ours["sd"] / theirs["sd"]) / error
    assert z.abs().max() < 2 * Z, z.abs().idxmax()
    for name in a.draws["posterior"].data_vars:
        assert a.draws["posterior"][name].dims == b.draws["posterior"][name].dims
    # Effects and variances belong to one draw: their joint density is as large on either side.
    effects = next(n for n in a.draws["posterior"].data_vars if n.startswith("1|")
                   and not n.endswith("_sigma"))  # fmt: skip
    spread = [
        np.log(
            (np.square(fit.draws["posterior"][effects]).sum(f"{effects[2:]}__factor_dim"))
            / np.square(fit.draws["posterior"][f"{effects}_sigma"])
        )
        for fit in (a, b)
    ]
    gap = float(spread[0].mean() - spread[1].mean())
    assert abs(gap) < Z * np.hypot(*(float(s.std()) / np.sqrt(400) for s in spread))


def fits_of(
    formula: str,
    data: pd.DataFrame,
    other: str | dict[str, str],
    family: str = "gaussian",
    **options,
):
    fits = [
        ws.fit(formula, data, family, parametrization=p, seed=seed, progress=False, **options)
        for seed, p in enumerate(("marginal", other), 1)
    ]
    assert fits[0].model.marginal is not None
    assert fits[1].model.marginal is None
    return fits


def test_crossed_factors(shared):
    data = pd.read_csv(shared / "reference" / "lme4" / "Penicillin.csv")
    assert_one_posterior(*fits_of("diameter ~ 1 + (1|plate) + (1|sample)", data, {}, draws=2000))


def test_correlated_slopes(shared):
    data = pd.read_csv(shared / "reference" / "lme4" / "sleepstudy.csv")
    formula = "Reaction ~ Days + (Days|Subject)"
    assert_one_posterior(*fits_of(formula, data, {}, silence="serial_correlation"))


def test_lognormal_with_weights_and_flat_coefficients():
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"g": np.repeat(np.arange(14), 12), "x": np.tile([0.5, 1.0, 4.0], 56)})
    slope = rng.normal(0.3, 0.15, 14)[data.g]
    data["y"] = np.exp(2 + 0.5 * rng.normal(size=14)[data.g] + slope * data.x
                       + 0.4 * rng.normal(size=len(data)))  # fmt: skip
    data["w"] = rng.integers(1, 4, len(data))
    fits = fits_of(
        "y ~ x + (x||g)",
        data,
        {},
        "lognormal",
        weights="w",
        priors={"b": ws.Flat()},
        draws=2000,
    )
    assert_one_posterior(*fits)


def test_pymc_draws_the_same(shared):
    data = pd.read_csv(shared / "reference" / "lme4" / "sleepstudy.csv")
    fits = [
        ws.fit(
            "Reaction ~ Days + (Days|Subject)",
            data,
            backend=backend,
            seed=4,
            progress=False,
            silence="serial_correlation",
        )
        for backend in ("stan", "pymc")
    ]
    assert all(fit.model.marginal is not None for fit in fits)
    assert_one_posterior(*fits)
