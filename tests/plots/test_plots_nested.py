"""Figures of tables of contrasts and means: nested intervals, panels, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA
from made_draws import made_fit
from models import model_of
from plot_checks import assert_legible, data_of, drawn
from plotnine import geom_point, geom_segment

from winstan.errors import DataError, OptionError
from winstan.plots import plot_contrasts, plot_means
from winstan.plots.nested import intervals_of


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of("Power ~ cond * stim + sex + (1|mouse)", DATA, "gamma"), draws=100)


def test_intervals_are_read_from_the_names_of_their_ends(fit):
    table = fit.contrast("cond", prob=[0.5, 0.999], simultaneous=True, interval="eti")
    own, outer = intervals_of(table)
    assert [(e.kind, e.prob) for e in own] == [("eti", 0.999), ("eti", 0.5)]
    assert [e.kind for e in outer] == ["sim", "sim"]
    assert own[0].lower == "eti_0.05%"
    with pytest.raises(DataError, match="table has no interval"):
        intervals_of(table[["contrast", "mean"]])


@pytest.mark.slow
def test_wide_intervals_are_thin_and_narrow_ones_thick(fit):
    plot = fit.plot_contrast("cond", pairs="all", by=["stim", "sex"], simultaneous=True)
    drawn(plot)
    table = fit.contrast("cond", pairs="all", by=["stim", "sex"], simultaneous=True,
                         prob=[0.5, 0.94])  # fmt: skip
    sizes = {}
    for layer in plot.layers:
        if type(layer.geom) is geom_segment:
            sizes[layer.mapping.get("x")] = layer.geom.aes_params["size"]
    assert sizes["hdi_3%"] < sizes["hdi_25%"]
    points = data_of(plot, geom_point, ["panel"])
    np.testing.assert_allclose(points["mean"], table["mean"])
    assert points["panel"].cat.categories[0] == "stim = 0, sex = f"
    assert "94% and 50% HDI" in plot.labels.caption.replace("\n", " ")
    assert "hold all at once" in plot.labels.caption.replace("\n", " ")


@pytest.mark.parametrize(
    "options",
    [
        {"treatment": "cond"},
        {"treatment": "cond:stim", "pairs": "all"},
        {"treatment": "cond", "ratio": "percent", "by": "sex", "pairs": "effect"},
        {"treatment": "stim", "ratio": True, "by": "mouse", "prob": 0.9},
        {"treatment": "cond", "of": "stim", "ratio": True, "simultaneous": True},
    ],
)
@pytest.mark.slow
def test_any_table_of_contrasts_can_be_drawn(fit, options):
    plot = fit.plot_contrast(**options)
    assert len(drawn(plot)) > 5000
    assert_legible(plot)


def test_slopes_say_per_unit_of_what(fit):
    plot = fit.plot_contrast("stim", slope=True, unit="Hz")
    assert plot.labels.x.replace("\n", " ") == "Difference in Power per unit of stim, Hz"


@pytest.mark.parametrize("by", [None, "stim", ["stim", "sex"]])
@pytest.mark.slow
def test_means_of_several_factors(fit, by):
    plot = fit.plot_means("cond", by, simultaneous=by == "stim", unit="Hz")
    assert len(drawn(plot)) > 5000
    assert_legible(plot)
    points = data_of(plot, geom_point)
    np.testing.assert_allclose(points["mean"], fit.means("cond", by=by)["mean"])
    assert points["at"].nunique() == 3 * points["what"].nunique()


@pytest.mark.slow
def test_directions_and_categories_can_be_drawn():
    data = DATA.assign(a=np.angle(np.exp(1j * DATA["y"])),
                       score=DATA["count"].clip(5, 7).astype(str))  # fmt: skip
    angles = made_fit(model_of("a ~ cond * stim", data, "von_mises"), draws=50)
    scores = made_fit(model_of("score ~ cond * stim", data, "cumulative"), draws=50)
    for fit in (angles, scores):
        drawn(fit.plot_contrast("cond", of="stim", simultaneous=True))
        drawn(fit.plot_means("cond", "stim"))
    with pytest.raises(OptionError, match="turn from one to another"):
        angles.plot_contrast("cond", pairs="poly")


def test_what_a_figure_does_not_hold_is_refused():
    table = pd.DataFrame({"contrast": [f"{k}" for k in range(41)], "mean": 0.0,
                          "hdi_3%": -1.0, "hdi_97%": 1.0})  # fmt: skip
    with pytest.raises(DataError, match="41 contrasts in 1 panels"):
        plot_contrasts(table, response="y", treatment="x")
    table = pd.DataFrame({"x": ["a", "b"] * 7, "g": [f"g{k // 2}" for k in range(14)],
                          "mean": 1.0, "hdi_3%": 0.5, "hdi_97%": 2.0})  # fmt: skip
    with pytest.raises(DataError, match="7 levels of 'g' in 1 panels"):
        plot_means(table, predictor="x", response="y", by=("g",))
    with pytest.raises(DataError, match="not positive"):
        plot_means(table.assign(**{"hdi_3%": -1.0}), predictor="x", response="y", log=True)
    fit = made_fit(model_of("y ~ cond", DATA, "gaussian"), draws=50)
    with pytest.raises(OptionError, match="draws one interval"):
        fit.plot_conditional("cond", prob=[0.5, 0.9])
