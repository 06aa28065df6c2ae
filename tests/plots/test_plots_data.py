"""The figure of the raw data shows the rows as they are, and their means; nothing is fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from plot_checks import assert_legible, data_of, drawn, n_panels, panels_of, scale_of
from plotnine import geom_path, geom_point, geom_rect, ggplot

import winstan as ws
from winstan.errors import DataError, OptionError
from winstan.plots import OKABE_ITO, layers, raw


def trials(n_mice=6, n=12, *, seed=0, spread=0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mouse = np.repeat([f"m{i}" for i in range(n_mice)], 2 * n)
    stim = np.tile(np.repeat([0, 1], n), n_mice)
    return pd.DataFrame(
        {"mouse": mouse, "stim": stim, "Power": np.exp(rng.normal(5 + 0.5 * stim, spread))}
    )


def test_rows_means_lines_and_quartiles_are_those_of_the_data():
    data = trials()
    plot = ws.plot_data(data, "Power", "stim", "mouse", unit="Hz", log=False)
    assert isinstance(plot, ggplot)
    dots = data_of(plot, geom_point, having=["treatment", "x"])
    dots = dots[dots["mouse" if "mouse" in dots else "facet"].notna()]
    assert sorted(dots["x"]) == sorted(data["Power"])
    np.testing.assert_array_equal(dots["place"], dots["treatment"].astype(int))
    assert ((dots["at"] - dots["place"]).abs() < 0.5).all()

    means = data.groupby(["mouse", "stim"])["Power"].mean()
    circles = data_of(plot, geom_point, having=["line"])
    found = circles.set_index([circles["group"].astype(str), circles["place"].astype(int)])["x"]
    np.testing.assert_allclose(found.sort_index(), means.sort_index(), rtol=1e-12)
    path = data_of(plot, geom_path)
    assert path.groupby("line").size().tolist() == [2] * 6
    np.testing.assert_allclose(np.sort(path["shown"]), np.sort(means), rtol=1e-12)

    box = data_of(plot, geom_rect).set_index("place").sort_index()
    for name, q in {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}.items():
        expected = data.groupby("stim")["Power"].quantile(q)
        np.testing.assert_allclose(box[name], expected, rtol=1e-12)
    assert plot.labels.y == "Power, Hz"
    assert plot.labels.x == "stim"
    assert "means of each mouse" in plot.labels.caption
    assert set(dots["colour"]) <= set(OKABE_ITO.values())


@pytest.mark.slow
def test_the_data_are_left_as_they_were_and_any_frame_will_do():
    data = trials()
    before = data.copy()
    first = drawn(ws.plot_data(data, "Power", "stim", "mouse"))
    pd.testing.assert_frame_equal(data, before)
    assert drawn(ws.plot_data(pl.from_pandas(data), "Power", "stim", "mouse")) == first
    assert drawn(ws.plot_data(data.to_dict("list"), "Power", "stim", "mouse")) == first


@pytest.mark.slow
def test_text_is_in_its_place_whatever_the_shape_of_the_data():
    data = trials()
    assert_legible(ws.plot_data(data, "Power", "stim", "mouse", unit="mV²"))
    assert_legible(ws.plot_data(data, "Power", "stim", "mouse", facet="mouse"))
    days = pd.DataFrame({"y": np.arange(80.0) % 17, "day": np.tile(np.arange(8), 10)})
    assert_legible(ws.plot_data(days.assign(g=np.repeat(np.arange(10), 8)), "y", "day", "g"))


@pytest.mark.slow
def test_a_panel_for_each_value_of_the_facet_up_to_a_page():
    data = trials(4)
    assert panels_of(ws.plot_data(data, "Power", "stim", "mouse", facet="mouse")) == [
        "m0",
        "m1",
        "m2",
        "m3",
    ]
    assert n_panels(ws.plot_data(data, "Power", "stim", "mouse", facet="mouse")) == 4
    many = trials(30, 5)
    plot = ws.plot_data(many, "Power", "stim", facet="mouse")
    assert len(panels_of(plot)) == raw.PANELS
    assert f"{30 - raw.PANELS} more of mouse not drawn" in plot.labels.caption


def test_the_axis_is_logarithmic_for_positive_data_of_many_sizes():
    def is_log(data, **options):
        plot = ws.plot_data(data, "Power", "stim", **options)
        return "log" in type(scale_of(plot, "y")).__name__

    assert is_log(trials(spread=1.5))
    assert not is_log(trials(spread=0.1))
    assert not is_log(trials(spread=1.5), log=False)
    shifted = trials(spread=1.5)
    shifted["Power"] -= shifted["Power"].median()
    assert not is_log(shifted)


def test_outliers_are_triangles_at_the_edge_and_are_counted():
    data = trials(spread=0.2)
    data.loc[[3, 40], "Power"] = [1e7, -1e7]
    plot = ws.plot_data(data, "Power", "stim")
    low, high = scale_of(plot, "y").limits
    assert high < 1e4
    assert low > -1e4
    edges = data_of(plot, geom_point, having=["edge"])
    assert sorted(edges["x"]) == [-1e7, 1e7]
    assert edges["edge"].between(low, high).all()
    assert "beyond the axis: 2 rows (triangles)" in plot.labels.caption.replace("\n", " ")


def test_one_outlier_of_a_few_rows_does_not_squash_the_others():
    data = pd.DataFrame({"y": [*range(1, 12), 1e6, *range(1, 13)], "t": ["a"] * 12 + ["b"] * 12})
    plot = ws.plot_data(data, "y", "t", log=False)
    assert scale_of(plot, "y").limits[1] < 40
    assert "1 row (triangles)" in plot.labels.caption


def test_crowded_rows_are_thinned_by_rank_and_the_box_is_of_all():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"y": rng.normal(size=50_000), "t": rng.choice(["a", "b"], 50_000)})
    plot = ws.plot_data(data, "y", "t")
    dots = data_of(plot, geom_point, having=["treatment"])
    dots = dots[~dots.duplicated()]
    assert dots.groupby("treatment").size().tolist() == [layers.DOTS, layers.DOTS]
    for name, part in dots.groupby("treatment"):
        every = data.loc[data["t"] == name, "y"]
        assert part["x"].min() == every.min()
        assert part["x"].max() == every.max()
        q = np.linspace(0.05, 0.95, 19)
        np.testing.assert_allclose(part["x"].quantile(q), every.quantile(q), atol=0.03)
    box = data_of(plot, geom_rect).set_index("colour")
    np.testing.assert_allclose(
        np.sort(box["q25"]), np.sort(data.groupby("t")["y"].quantile(0.25)), rtol=1e-12
    )
    assert "800 dots of 50,000 rows" in plot.labels.caption


def test_groups_of_one_treatment_have_no_line():
    data = trials()
    data = data[(data["mouse"] < "m3") == (data["stim"] == 0)]
    plot = ws.plot_data(data, "Power", "stim", "mouse")
    assert data_of(plot, geom_path).empty
    circles = data_of(plot, geom_point, having=["line"])
    assert len(circles) == 6
    assert circles.groupby("place")["at"].nunique().tolist() == [3, 3]  # side by side


def test_many_numeric_values_stand_where_they_are():
    days = [0, 1, 2, 4, 8, 16, 32]
    data = pd.DataFrame({"y": np.arange(70.0), "day": np.tile(days, 10)})
    plot = ws.plot_data(data, "y", "day")
    dots = data_of(plot, geom_point, having=["place"])
    assert sorted(set(dots["place"])) == days
    factor = ws.plot_data(data.assign(day=data["day"].astype(str)), "y", "day")
    dots = data_of(factor, geom_point, having=["place"])
    assert sorted(set(dots["place"])) == list(range(7))


def test_ordered_levels_keep_their_order():
    data = trials()
    level = pd.Categorical(data["stim"].map({0: "sham", 1: "drug"}), ["sham", "drug"], ordered=True)
    plot = ws.plot_data(data.assign(arm=level), "Power", "arm")
    assert scale_of(plot, "x").labels == ["sham", "drug"]


def test_missing_rows_are_counted():
    data = trials()
    data.loc[[1, 5], "Power"] = np.nan
    data.loc[7, "mouse"] = None
    caption = ws.plot_data(data, "Power", "stim", "mouse").labels.caption
    assert "left out: 3 rows with missing values" in caption.replace("\n", " ")


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (("power", "stim"), DataError, "no column 'power'. Did you mean 'Power'"),
        (("Power", "stm"), DataError, "no column 'stm'. Did you mean 'stim'"),
        (("mouse", "stim"), DataError, r"'mouse' is not numeric.*crosstab.*\.cat\.codes"),
        (("Power", "Power"), OptionError, "the response itself"),
        (("Power", "stim", 3), OptionError, "group= takes the name of a column, not 3"),
    ],
)
def test_errors_name_the_column(names, error, message):
    with pytest.raises(error, match=message):
        ws.plot_data(trials(), *names)


def test_data_that_cannot_be_drawn():
    data = trials()
    with pytest.raises(DataError, match="not positive"):
        ws.plot_data(data.assign(Power=-data["Power"]), "Power", "stim", log=True)
    with pytest.raises(DataError, match=r"1 infinite value, in row 2"):
        ws.plot_data({"y": [1.0, 2.0, np.inf], "t": [0, 1, 0]}, "y", "t")
    with pytest.raises(OptionError, match="144 values: a figure holds 40"):
        ws.plot_data(data.assign(i=np.arange(len(data))), "Power", "i")
    with pytest.raises(DataError, match="no rows"):
        ws.plot_data({"y": [], "t": []}, "y", "t")
    with pytest.raises(DataError, match="no row without missing values"):
        ws.plot_data({"y": [np.nan, 1.0], "t": ["a", None]}, "y", "t")


def test_one_small_value_does_not_make_the_axis_logarithmic_and_the_caption_tells_of_one():
    data = trials(spread=0.2)
    data.loc[0, "Power"] = 0.01
    plot = ws.plot_data(data, "Power", "stim")
    assert "log" not in type(scale_of(plot, "y")).__name__
    assert "log axis" not in plot.labels.caption
    assert "log axis" in ws.plot_data(trials(spread=1.5), "Power", "stim").labels.caption
