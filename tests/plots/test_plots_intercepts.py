"""Intercepts over data show their tables: all of them, in their order, at their values."""

from __future__ import annotations

import pandas as pd
import pytest
from plot_checks import data_of, drawn, recordings, scale_of
from plotnine import geom_point, geom_rect, geom_segment

from winstan.errors import DataError
from winstan.plots import plot_intercepts


def test_intercepts_show_the_numbers_of_their_tables():
    table, data = recordings()
    table = table.iloc[[2, 0, 3, 1]]
    plot = plot_intercepts(
        table, data, response="Power", group="mouse", treatment="stim", unit="Hz"
    )
    assert scale_of(plot, "y").labels == ["m2", "m0", "m3", "m1"]
    assert list(scale_of(plot, "y").breaks) == [0, -1, -2, -3]
    bars = data_of(plot, geom_segment, having=["lower", "upper"])
    columns = ["level", "mean", "lower", "upper"]
    pd.testing.assert_frame_equal(
        bars[columns].reset_index(drop=True), table[columns].reset_index(drop=True)
    )
    dots = data_of(plot, geom_point, having=["x", "level"])
    assert sorted(dots["x"]) == sorted(data["value"])
    rows = dots["level"].map({"m2": 0, "m0": 1, "m3": 2, "m1": 3})
    assert ((dots["y"] + rows).abs() < 0.5).all()
    assert plot.labels.x == "Power, Hz"
    assert plot.labels.y == "mouse"
    drawn(plot)


@pytest.mark.parametrize(
    ("spread", "log", "expected"),
    [(0.1, None, False), (1.5, None, True), (1.5, False, False), (0.1, True, True)],
)
def test_intercepts_choose_a_logarithmic_axis(spread, log, expected):
    table, data = recordings(spread=spread)
    plot = plot_intercepts(table, data, response="Power", group="mouse", log=log)
    assert ("log" in type(scale_of(plot, "x")).__name__) is expected
    drawn(plot)


def test_intercepts_with_negative_data_stay_linear():
    table, data = recordings(spread=2)
    data["value"] -= 1
    data.loc[0, "value"] = -5.0
    plot = plot_intercepts(table, data, response="Change", group="mouse")
    assert "log" not in type(scale_of(plot, "x")).__name__
    drawn(plot)


def test_intercepts_flag_far_rows():
    table, data = recordings()
    data.loc[[0, 7], "value"] = [1e7, -1e7]
    plot = plot_intercepts(table, data, response="Power", group="mouse", log=False)
    assert plot.labels.caption == "2 rows are beyond the axis (triangles)"
    dots = data_of(plot, geom_point, having=["x", "level"])
    assert len(dots) == len(data)
    drawn(plot)


@pytest.mark.slow
def test_intercepts_of_many_rows_are_boxes():
    table, data = recordings(trials=2000)
    plot = plot_intercepts(table, data, response="Power", group="mouse", treatment="stim")
    box = data_of(plot, geom_rect)
    assert len(box) == 8
    assert sum(len(layer._data) for layer in plot.layers) < 100
    expected = data[(data["level"] == "m0") & (data["treatment"] == 0)]["value"].quantile(0.25)
    assert expected in set(box["q25"])
    drawn(plot)


def test_intercepts_of_levels_that_are_numbers_categories_or_long():
    table, data = recordings()
    codes = {f"m{i}": i for i in range(4)}
    plot = plot_intercepts(
        table.assign(level=table["level"].map(codes)),
        data.assign(level=pd.Categorical(data["level"].map(codes))),
        response="Power",
        group="mouse",
    )
    assert scale_of(plot, "y").labels == ["0", "1", "2", "3"]
    long = {f"m{i}": f"mouse {i} of the litter that was born in the spring of 2020" for i in codes}
    plot = plot_intercepts(
        table.replace({"level": long}), data.replace({"level": long}), response="P", group="mouse"
    )
    assert all(len(line) <= 24 for name in scale_of(plot, "y").labels for line in name.split("\n"))
    drawn(plot)


def test_intercepts_say_what_the_predictors_are():
    table, data = recordings()
    call = {"response": "Power", "group": "mouse"}
    assert not plot_intercepts(table, data, **call).labels.caption
    table.attrs["at"] = "at x = 0, stim = 0"
    caption = "posterior mean at x = 0, stim = 0"
    assert plot_intercepts(table, data, **call).labels.caption == caption
    assert plot_intercepts(table, data, at="at z = 0", **call).labels.caption.endswith("z = 0")


def test_intercept_errors():
    table, data = recordings()
    call = {"response": "Power", "group": "mouse"}
    with pytest.raises(DataError, match="data has no column 'treatment'"):
        plot_intercepts(table, data.drop(columns="treatment"), treatment="stim", **call)
    with pytest.raises(DataError, match="no row of any level"):
        plot_intercepts(table, data.assign(level="other"), **call)
    with pytest.raises(DataError, match="more than one row"):
        plot_intercepts(pd.concat([table, table]), data, **call)
    with pytest.raises(DataError, match="not positive"):
        plot_intercepts(table, data.assign(value=-1.0), log=True, **call)
