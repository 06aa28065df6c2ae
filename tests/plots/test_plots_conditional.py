"""Conditional effects are drawn at the values of their table, over the rows of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from plot_checks import assert_legible, data_of, scale_of
from plotnine import geom_line, geom_point, geom_ribbon, geom_segment

from winstan.errors import DataError, OptionError
from winstan.plots import plot_conditional


def recordings(seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(6), 20)
    x = rng.uniform(0, 3, 120)
    arm = np.tile(["a", "b"], 60)
    y = np.exp(
        1 + 0.3 * x + 0.2 * (arm == "b") + rng.normal(0, 0.3, 6)[g] + rng.normal(0, 0.4, 120)
    )
    return pd.DataFrame({"g": [f"g{i}" for i in g], "x": x, "arm": arm, "stim": g % 2, "y": y})


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of("y ~ x + arm + stim + (1|g)", recordings(), "gamma"))


@pytest.mark.slow
def test_the_band_is_the_table_and_the_dots_are_the_rows(fit):
    plot = fit.plot_conditional("x", unit="Hz", prob=0.8)
    table = fit.conditional("x", prob=0.8)
    band = data_of(plot, geom_ribbon)
    np.testing.assert_allclose(band["at"], table["x"])
    np.testing.assert_allclose(band["lower"], table["hdi_10%"])
    np.testing.assert_allclose(band["upper"], table["hdi_90%"])
    dots = data_of(plot, geom_point, having=["at"])
    assert sorted(dots["x"]) == sorted(recordings()["y"])
    assert plot.labels.y == "y, Hz"
    assert plot.labels.x == "x"
    assert "thin lines: mean of each g" in plot.labels.caption
    assert_legible(plot)


@pytest.mark.slow
def test_the_thin_lines_are_the_groups_means(fit):
    lines = data_of(fit.plot_conditional("x"), geom_line, having=["group"])
    lines = lines[lines["group"].notna()]
    table = fit.conditional("x", by="g", points=25)
    for level, part in lines.groupby("group"):
        expected = table[table["g"] == level]
        np.testing.assert_allclose(part["x"], expected["x"])
        # Of a fifth of the draws.
        np.testing.assert_allclose(part["mean"], expected["mean"], rtol=0.2)
    bare = fit.plot_conditional("x", lines=False, data=False)
    assert data_of(bare, geom_line, having=["group"]).empty
    assert data_of(bare, geom_point, having=["at"]).empty


@pytest.mark.slow
def test_a_curve_for_each_level(fit):
    plot = fit.plot_conditional("x", by="arm")
    table = fit.conditional("x", by="arm").set_index(["arm", "x"])
    band = data_of(plot, geom_ribbon).set_index(["by", "at"])
    np.testing.assert_allclose(band["mean"], table["mean"].loc[band.index])
    assert list(scale_of(plot, "fill").breaks) == ["arm a", "arm b"]
    dots = data_of(plot, geom_point, having=["at"])
    data = recordings()
    for arm, part in dots.groupby("by"):
        assert sorted(part["x"]) == sorted(data.loc[data["arm"] == arm, "y"])
    assert_legible(plot)


@pytest.mark.parametrize("predictor", ["arm", "stim"])
def test_labels_and_two_values_are_dots_with_intervals(fit, predictor):
    plot = fit.plot_conditional(predictor)
    table = fit.conditional(predictor)
    bars = data_of(plot, geom_segment)
    np.testing.assert_allclose(bars["lower"], table["hdi_3%"])
    assert bars["at"].tolist() == [0.0, 1.0]
    assert scale_of(plot, "x").labels == [str(v) for v in table[predictor]]
    dots = data_of(plot, geom_point, having=["at", "x"])
    dots = dots[dots["x"].notna()]
    for i, value in enumerate(table[predictor]):
        near = dots[(dots["at"] - i).abs() < 0.5]
        data = recordings()
        assert sorted(near["x"]) == sorted(data.loc[data[predictor] == value, "y"])
    assert_legible(plot)


def test_levels_that_are_chosen_leave_the_other_rows_out_and_say_so(fit):
    plot = fit.plot_conditional("x", by={"g": ["g0", "g3"]})
    assert list(scale_of(plot, "fill").breaks) == ["g0", "g3"]  # the legend is headed g
    assert "40 of 120 rows drawn" in plot.labels.caption


def test_outliers_are_triangles(fit):
    data = pd.DataFrame({"x": np.arange(50.0), "value": np.r_[np.linspace(1, 2, 49), 1e6]})
    table = pd.DataFrame({"x": [0.0, 25, 50], "mean": 1.5, "lower": 1.2, "upper": 1.8})
    plot = plot_conditional(table, data, predictor="x", response="y", log=False)
    assert scale_of(plot, "y").limits[1] < 10
    edge = data_of(plot, geom_point, having=["edge"])
    assert edge["x"].tolist() == [1e6]
    assert "beyond the axis: 1 row (triangles)" in plot.labels.caption


def test_errors(fit):
    with pytest.raises(OptionError, match=r"'X'.* Did you mean 'x'"):
        fit.plot_conditional("X")
    many = recordings().assign(h=lambda t: np.repeat([f"h{i:02d}" for i in range(12)], 10))
    wide = made_fit(model_of("y ~ x + (1|h)", many, "gamma"))
    with pytest.raises(OptionError, match="12 levels: a figure has colours for 6"):
        wide.plot_conditional("x", by="h")
    table = pd.DataFrame({"x": [0.0, 1.0], "mean": 1.5, "lower": -1.2, "upper": 1.8})
    with pytest.raises(DataError, match="not positive"):
        plot_conditional(table, predictor="x", response="y", log=True)
    with pytest.raises(DataError, match="table has no column 'mean'"):
        plot_conditional(table.drop(columns="mean"), predictor="x", response="y")


@pytest.mark.slow
def test_whose_mean_a_curve_is():
    fit = made_fit(model_of("y ~ x + arm + (x|g)", recordings(), "gamma"))
    these = fit.plot_conditional("x", groups="these")
    assert "averaged over these levels of g" in these.labels.caption
    assert "in a typical g" in fit.plot_conditional("arm").labels.caption
    plot = fit.plot_conditional("x", groups="typical", values={"arm": "a"})
    assert "at arm = a; mean: in a typical g" in plot.labels.caption
    table = fit.conditional("x", groups="typical", values={"arm": "a"})
    np.testing.assert_allclose(data_of(plot, geom_ribbon)["lower"], table["hdi_3%"])
    with pytest.raises(OptionError, match="'population' or 'new', not 'all'"):
        fit.plot_conditional("x", groups="all")
