"""Figures of angles: on a circle, or on an axis that is cut where nothing is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from plot_checks import assert_legible
from scipy import stats

import winstan as ws
from winstan._angles import wrap_angles
from winstan.errors import OptionError
from winstan.plots import plot_conditional, plot_difference, plot_each
from winstan.plots.axis import Axis
from winstan.plots.turns import turn_density, turn_label
from winstan.plots.words import minus

pytestmark = pytest.mark.filterwarnings("ignore::winstan.DesignWarning")


@pytest.fixture(scope="module")
def fit() -> ws.Fit:
    rng = np.random.default_rng(4)
    mouse = np.repeat(np.arange(6), 20)
    stim = np.tile(np.repeat([0, 1], 10), 6)
    phase = rng.vonmises(wrap_angles(3.0 + 0.5 * stim), 5.0)
    data = pd.DataFrame(
        {"phase": phase, "stim": stim, "mouse": [f"m{i}" for i in mouse], "x": np.arange(120) % 7}
    )
    made = made_fit(model_of("phase ~ stim + x + (1|mouse)", data, "von_mises"), draws=100)
    for name in ("Intercept", "stim", "x", "1|mouse", "1|mouse_sigma"):  # small turns
        made.draws["posterior"][name] = 0.1 * made.draws["posterior"][name]
    return made


def layers(plot: object) -> list[pd.DataFrame]:
    """The tables of a figure's layers."""
    return [la._data for la in plot.layers if isinstance(la._data, pd.DataFrame) and len(la._data)]


def test_ticks_of_a_turn_are_its_shares():
    axis = Axis(np.pi / 2, 2.5 * np.pi, log=False, turns=True)
    assert axis.labels(axis.breaks()) == ["π/2", "±π", minus("-π/2"), "0", "π/2"]
    assert turn_label(-3 * np.pi / 4) == minus("-3π/4")
    assert turn_label(7 * np.pi) == "±π"
    narrow = Axis(3.1, 3.2, log=False, turns=True)
    assert all("π" not in text for text in narrow.labels(narrow.breaks()))


@pytest.mark.parametrize("at", [0.4, np.pi])
def test_a_density_goes_round(at):
    y = wrap_angles(stats.vonmises(3.0, loc=at).rvs(40_000, random_state=1))
    grid = np.linspace(at - np.pi, at + np.pi, 300)
    density = turn_density(y, grid)
    np.testing.assert_allclose(density, stats.vonmises(3.0, loc=at).pdf(grid), atol=0.02)
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=1e-3)
    even = turn_density(np.random.default_rng(2).uniform(-np.pi, np.pi, 5000), grid)
    np.testing.assert_allclose(even, 1 / (2 * np.pi), rtol=0.15)


def test_differences_near_pi_are_one_hill():
    rng = np.random.default_rng(3)
    draws = wrap_angles(rng.normal(np.pi, 0.2, 2000))
    summary = {"contrast": ["1 - 0"], "mean": [-3.1], "lower": [-3.5], "upper": [-2.7]}
    observed = {"group": list("abcd"), "contrast": "1 - 0", "difference": [3.0, -3.0, 3.1, -3.1]}
    plot = plot_difference(
        pd.DataFrame({"value": draws}), pd.DataFrame(summary), pd.DataFrame(observed),
        response="phase", treatment="stim", circular=True,
    )  # fmt: skip
    tables = layers(plot)
    hill = next(t for t in tables if "top" in t)
    peak = hill["x"][hill["top"].idxmax()]
    assert abs(wrap_angles(peak - np.pi)) < 0.15
    dots = next(t for t in tables if "group" in t)
    assert np.ptp(dots["x"]) < 0.4
    assert_legible(plot)


def test_a_curve_that_goes_round_is_followed_and_rows_are_near_it():
    x = np.linspace(0, 10, 60)
    mean = 0.9 * x
    table = pd.DataFrame({"x": x, "mean": wrap_angles(mean)})
    table = table.assign(lower=table["mean"] - 0.2, upper=table["mean"] + 0.2)
    rng = np.random.default_rng(6)
    at = rng.uniform(0, 10, 200)
    data = pd.DataFrame({"x": at, "value": wrap_angles(0.9 * at + rng.normal(0, 0.3, 200))})
    plot = plot_conditional(table, data, predictor="x", response="phase", circular=True)
    tables = layers(plot)
    curve = next(t for t in tables if "lower" in t)
    np.testing.assert_allclose(np.diff(curve["mean"]), np.diff(mean), atol=1e-9)
    dots = next(t for t in tables if "lower" not in t)
    shift = curve["mean"].iloc[0] - mean[0]
    assert np.abs(dots["x"] - 0.9 * dots["at"] - shift).max() < 1.5
    assert_legible(plot)


@pytest.mark.slow
def test_directions_are_where_they_point(fit):
    plot = fit.plot_directions("stim")
    tables = layers(plot)
    means = fit.means("stim")["mean"].to_numpy()
    ends = next(t for t in tables if "x0" in t)
    np.testing.assert_allclose(np.arctan2(ends["y"], ends["x"]), means, atol=1e-12)
    dots = next(t for t in tables if "level" in t)
    assert np.hypot(dots["x"], dots["y"]).min() > 1
    angles = np.sort(np.arctan2(dots["y"], dots["x"]))
    np.testing.assert_allclose(angles, np.sort(fit.model.design.response.y), atol=1e-9)
    assert_legible(plot)


def test_angles_are_refused_of_other_families():
    data = pd.DataFrame({"y": np.arange(8.0) ** 2, "x": [0, 1] * 4})
    with pytest.raises(OptionError, match="plot_conditional"):
        made_fit(model_of("y ~ x", data, "gaussian")).plot_directions("x")


@pytest.mark.parametrize(
    "draw",
    [
        lambda fit: fit.plot_difference("stim", by="mouse"),
        lambda fit: fit.plot_conditional("x"),
        lambda fit: fit.plot_conditional("stim"),
        lambda fit: fit.plot_intercepts(),
        lambda fit: fit.plot_predictive(),
        lambda fit: fit.plot_predictive("groups"),
        lambda fit: fit.plot_predictive("statistic"),
    ],
)
@pytest.mark.slow
def test_nothing_is_far_from_data_about_the_cut(fit, draw):
    """On a plain axis the same angles would be at both of its ends."""
    plot = draw(fit)
    for table in layers(plot):
        for name in {"mean", "lower", "upper", "median", "observed"} & set(table):
            values = table[name].to_numpy(float)
            assert np.ptp(values[np.isfinite(values)]) < 2.5, name
    assert_legible(plot)


def test_contrasts_of_groups_about_the_cut_are_together():
    table = pd.DataFrame({"cell": list("abc"), "contrast": "1 - 0", "mean": [3.0, -3.1, 2.9]})
    table = table.assign(
        **{"hdi_3%": table["mean"] - 0.4, "hdi_97%": table["mean"] + 0.4, "ok": True}
    )
    plot = plot_each(table, ["cell"], treatment="stim", response="phase", circular=True)
    means = next(t for t in layers(plot) if "x" in t)["x"]
    assert np.ptp(means) == pytest.approx(2 * np.pi - 3.1 - 2.9)
    assert_legible(plot)


@pytest.mark.slow
def test_raw_angles_about_the_cut_are_together(fit):
    phase = fit.model.design.response.y
    data = pd.DataFrame({"phase": phase, "cond": np.arange(120) % 2, "m": np.arange(120) // 20})
    plot = ws.plot_data(data, "phase", "cond", "m", circular=True)
    means = next(t for t in layers(plot) if "line" in t)
    assert np.ptp(means["x"]) < 1
    assert_legible(plot)
