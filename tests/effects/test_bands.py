"""Differences and slopes of curves: their bands, and where these leave zero."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of

from winstan import effects
from winstan.effects.intervals import simultaneous_ends
from winstan.errors import OptionError

GRID = np.linspace(0, 1, 30)
DATA = pd.DataFrame(
    {
        "t": np.tile(GRID, 4),
        "cond": np.repeat(["a", "b", "a", "b"], 30),
        "mouse": np.repeat(list("wxyz"), 30),
        "y": np.random.default_rng(0).poisson(6, 120),
    }
)


@pytest.fixture(scope="module")
def asked():
    model = model_of("y ~ cond + s(t, by=cond, k=6)", DATA, "poisson")
    rng, S = np.random.default_rng(1), 400
    posterior = {
        v.name: 0.1 * rng.normal(size=(S, *v.shape)) for v in model.variables if v.role != "sd"
    }
    posterior["Intercept"] += 1.0
    posterior["cond"] = posterior["cond"].reshape(S, *next(
        v.shape for v in model.variables if v.name == "cond"
    ))  # fmt: skip
    return model, posterior


def test_a_band_holds_whole_draws_as_often_as_it_says():
    rng = np.random.default_rng(2)
    draws = 5 + 3 * np.cumsum(rng.normal(size=(4000, 40)), axis=1)
    low, high = simultaneous_ends(draws, 0.9)
    inside = ((draws >= low) & (draws <= high)).all(axis=1).mean()
    assert inside == pytest.approx(0.9, abs=0.002)
    # Of independent values, c is known: (2 Phi(c) - 1)^n = prob.
    from scipy import stats  # noqa: PLC0415

    low, high = simultaneous_ends(rng.normal(0, 7, (200_000, 5)), 0.94)
    expected = 7 * stats.norm.ppf((1 + 0.94**0.2) / 2)
    assert high == pytest.approx(np.full(5, expected), rel=0.02)


def test_a_difference_is_that_of_the_conditional_curves(asked):
    model, posterior = asked
    band = effects.curve_difference(model, posterior, "t", "cond", points=9)
    curve = effects.conditional(model, posterior, "t", by="cond", points=9)
    assert band.levels == (("b - a",),)
    np.testing.assert_allclose(band.draws[..., 0], curve.draws[..., 1] - curve.draws[..., 0])
    turned = effects.curve_difference(model, posterior, "t", {"cond": ["b", "a"]}, points=9)
    np.testing.assert_allclose(turned.draws, -band.draws)


def test_a_slope_is_the_derivative_of_the_curve(asked):
    model, posterior = asked
    band = effects.derivative(model, posterior, "t", by="cond", values={"t": [0.3, 0.31, 0.32]})
    fine = {"t": [0.305, 0.315]}
    curve = effects.conditional(model, posterior, "t", by="cond", values=fine)
    wanted = (curve.draws[:, 1] - curve.draws[:, 0]) / 0.01
    np.testing.assert_allclose(band.draws[:, 1], wanted, rtol=2e-2, atol=2e-3)
    ends = effects.derivative(model, posterior, "t", by="cond", values={"t": [0.0, 1.0]})
    inside = {"t": [0.0, 0.002, 0.998, 1.0]}
    at = effects.conditional(model, posterior, "t", by="cond", values=inside).draws
    wanted = (at[:, [1, 3]] - at[:, [0, 2]]) / 0.002
    np.testing.assert_allclose(ends.draws, wanted, rtol=2e-2, atol=2e-3)


def test_stretches_are_where_the_band_is_on_one_side_of_zero():
    table = pd.DataFrame(
        {
            "t": [0.0, 1, 2, 3, 4, 5],
            "contrast": "b - a",
            "mean": [1.0, 2, 5, -1, -2, -3],
            "sd": 0.5,
            "beyond": [False, True, True, False, True, True],
        }
    )
    found = effects.stretches(table, "t", "contrast")
    assert found[["start", "end", "side", "peak", "mean"]].to_numpy().tolist() == [
        [1.0, 2.0, "above", 2.0, 5.0],
        [4.0, 5.0, "below", 5.0, -3.0],
    ]
    assert effects.stretches(table.assign(beyond=False), "t", "contrast").empty


def test_what_has_no_curve_is_refused(asked):
    model, posterior = asked
    with pytest.raises(OptionError, match="'cond' has labels"):
        effects.derivative(model, posterior, "cond")
    with pytest.raises(OptionError, match="two levels"):
        effects.curve_difference(model, posterior, "t", {"cond": ["a"]})
