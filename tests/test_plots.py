"""The figures show the tables they are given: all of them, in their order, at their values."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from plotnine import geom_point, geom_rect, geom_ribbon, geom_segment, geom_vline, ggplot, theme

from winstan.errors import DataError
from winstan.plots import OKABE_ITO, plot_difference, plot_intercepts, theme_winstan
from winstan.plots.axis import Axis
from winstan.plots.density import kernel_density
from winstan.plots.layers import legend
from winstan.plots.theme import MM

NAMES = {"response": "Power", "treatment": "stim", "unit": "Hz", "group": "mouse"}


def drawn(plot) -> bytes:
    """Render a plot or a composition, and return its PNG."""
    out = BytesIO()
    if isinstance(plot, ggplot):
        plot.save(out, format="png", verbose=False)
    else:
        plot.save(out, format="png")
    png = out.getvalue()
    assert png.startswith(b"\x89PNG")
    return png


def data_of(plot, geom, having=()) -> pd.DataFrame:
    """All rows of the layers of a geom that have these columns."""
    parts = [
        layer._data
        for layer in plot.layers
        if type(layer.geom) is geom and set(having) <= set(layer._data.columns)
    ]
    return pd.concat(parts) if parts else pd.DataFrame()


def scale_of(plot, aesthetic: str):
    return next(s for s in plot.scales if aesthetic in s.aesthetics)


def tables(contrasts=("1 - 0",), *, n=8, scale=1.0, by=None, ratio=False, tail=None):
    """Draws, their summary and observed differences."""
    rng = np.random.default_rng(0)
    draws, observed = [], []
    for i, contrast in enumerate(contrasts):
        for level in by or [None]:
            value = rng.normal(30 + 10 * i, 8, 2000) if not tail else 30 + 8 * tail(rng, 2000)
            value = np.exp(value / 100) if ratio else value * scale
            draws.append(pd.DataFrame({"contrast": contrast, "value": value, "by": level}))
        groups = by or [f"m{j}" for j in range(n)]
        difference = rng.normal(30 + 10 * i, 15, len(groups))
        difference = np.exp(difference / 100) if ratio else difference * scale
        observed.append(
            pd.DataFrame({"group": groups, "contrast": contrast, "difference": difference})
        )
    long = pd.concat(draws, ignore_index=True)
    keys = ["contrast", "by"] if by else ["contrast"]
    if not by:
        long = long.drop(columns="by")
    grouped = long.groupby(keys, sort=False)["value"]
    summary = pd.DataFrame(
        {
            "mean": grouped.mean(),
            "median": grouped.median(),
            "lower": grouped.quantile(0.03),
            "upper": grouped.quantile(0.97),
        }
    ).reset_index()
    return long, summary, pd.concat(observed, ignore_index=True)


def recordings(n=4, trials=20, seed=0, scale=1.0, spread=0.4):
    """A table of intercepts and the raw rows."""
    rng = np.random.default_rng(seed)
    level = np.repeat([f"m{i}" for i in range(n)], 2 * trials)
    value = scale * np.exp(rng.normal(4, spread, len(level)))
    data = pd.DataFrame({"level": level, "value": value, "treatment": np.tile([0, 1], n * trials)})
    means = data.groupby("level")["value"].mean()
    table = pd.DataFrame({"mean": means, "lower": means * 0.8, "upper": means * 1.3})
    return table.reset_index(), data


def assert_observed_all_shown(plot, observed):
    """Every difference is a dot at its value, or a triangle whose value the caption tells."""
    dots = data_of(plot, geom_point, having=["x", "group"])
    assert len(dots) == len(observed)
    flagged = dots[dots["edge"].notna()] if "edge" in dots else dots.iloc[:0]
    low, high = scale_of(plot, "x").limits
    assert set(zip(dots["group"], dots["x"], strict=True)) == set(
        zip(observed["group"], observed["difference"], strict=True)
    )
    return flagged, (low, high)


def test_one_contrast_shows_the_numbers_of_its_tables():
    draws, summary, observed = tables()
    plot = plot_difference(draws, summary, observed, **NAMES)
    assert isinstance(plot, ggplot)

    hdi = data_of(plot, geom_segment, having=["lower", "upper"])
    assert (
        hdi[["lower", "upper"]].to_numpy().tolist()
        == summary[["lower", "upper"]].to_numpy(float).tolist()
    )
    centre = data_of(plot, geom_point, having=["mean"])
    assert centre["mean"].tolist() == summary["mean"].tolist()

    flagged, (low, high) = assert_observed_all_shown(plot, observed)
    assert flagged.empty
    assert low < 0 < summary["upper"].iloc[0] < high

    assert data_of(plot, geom_vline)["xintercept"].tolist() == [0]

    box = data_of(plot, geom_rect)
    quartiles = observed["difference"].quantile([0.25, 0.75]).tolist()
    assert box[["q25", "q75"]].to_numpy().tolist() == [quartiles]

    assert plot.labels.x == "Difference in Power (stim 1 \N{MINUS SIGN} 0), Hz"
    labels = scale_of(plot, "y").labels
    assert labels == ["posterior\nmean,\n94% HDI", "observed,\neach mouse\n(no fitting)"]
    assert not plot.labels.caption
    drawn(plot)


def test_the_density_is_drawn_on_a_few_hundred_points_and_is_right():
    draws, summary, observed = tables()
    plot = plot_difference(draws, summary, observed, **NAMES)
    ribbon = data_of(plot, geom_ribbon)
    assert 100 < len(ribbon) < 1000
    height = ribbon["top"] - ribbon["y"]
    expected = np.exp(-0.5 * ((ribbon["x"] - 30) / 8) ** 2)
    np.testing.assert_allclose(height / height.max(), expected, atol=0.1)


def test_density_is_the_kernel_density_of_scipy():
    from scipy.stats import gaussian_kde  # noqa: PLC0415

    values = np.random.default_rng(1).gamma(3.0, 40.0, 3000)
    grid = np.linspace(0, 400, 256)
    ours = kernel_density(values, grid)
    width = 1.06 * np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.349 * 3000**-0.2
    width = min(width, 1.06 * values.std() * 3000**-0.2)
    theirs = gaussian_kde(values, width / values.std(ddof=1))(grid)
    np.testing.assert_allclose(ours / ours.max(), theirs / theirs.max(), atol=0.01)


def test_density_of_equal_draws_is_a_spike():
    density = kernel_density(np.full(100, 2.0), np.linspace(0, 4, 257))
    assert np.isfinite(density).all()
    assert density.argmax() == 128


def test_heavy_tails_do_not_squash_the_view_and_far_values_are_flagged():
    draws, summary, observed = tables(tail=lambda rng, n: rng.standard_t(1.2, n))
    observed.loc[0, "difference"] = 1e5
    observed.loc[3, "difference"] = -4321.0
    plot = plot_difference(draws, summary, observed, **NAMES)
    flagged, (low, high) = assert_observed_all_shown(plot, observed)
    assert set(flagged["group"]) == {"m0", "m3"}
    assert flagged["edge"].between(low, high).all()
    width = (summary["upper"] - summary["lower"]).iloc[0]
    assert high - low < 6 * width
    assert plot.labels.caption == "beyond the axis: m0 (1e+05), m3 (\N{MINUS SIGN}4321)"
    drawn(plot)


def test_missing_differences_are_told():
    draws, summary, observed = tables()
    observed.loc[1, "difference"] = np.nan
    observed.loc[2, "difference"] = np.inf
    plot = plot_difference(draws, summary, observed, **NAMES)
    assert plot.labels.caption == "beyond the axis: m2 (inf)\nno observed difference: m1"
    drawn(plot)


@pytest.mark.parametrize("n", [0, 1, 4, 5, 40])
def test_any_number_of_groups(n):
    draws, summary, observed = tables(n=n)
    plot = plot_difference(draws, summary, observed, **NAMES)
    assert_observed_all_shown(plot, observed)
    assert len(data_of(plot, geom_rect)) == (1 if n >= 5 else 0)
    drawn(plot)


def test_several_contrasts_keep_the_order_of_the_summary():
    contrasts = ("z - a", "c - a", "b - a")
    draws, summary, observed = tables(contrasts)
    plot = plot_difference(draws, summary, observed, **NAMES)
    y = scale_of(plot, "y")
    assert y.labels == ["z \N{MINUS SIGN} a", "c \N{MINUS SIGN} a", "b \N{MINUS SIGN} a"]
    assert list(y.breaks) == sorted(y.breaks, reverse=True)
    hdi = data_of(plot, geom_segment, having=["lower", "upper"]).sort_values("y", ascending=False)
    assert hdi["lower"].tolist() == summary["lower"].tolist()
    assert len(data_of(plot, geom_point, having=["x", "group"])) == 24
    assert plot.labels.x == "Difference in Power (stim), Hz"
    drawn(plot)


@pytest.mark.parametrize("n", [1, 8, 40])
def test_by_level_has_a_row_per_level(n):
    levels = [f"m{i:02d}" for i in range(n)][::-1]
    draws, summary, observed = tables(by=levels)
    plot = plot_difference(draws, summary, observed, **NAMES)
    assert scale_of(plot, "y").labels == levels
    assert plot.labels.y == "mouse"
    dots = data_of(plot, geom_point, having=["x", "group"]).set_index("group")
    hdi = data_of(plot, geom_segment, having=["lower", "upper"]).set_index("by")
    assert np.ptp(hdi["y"].loc[levels] - dots["y"].loc[levels]) < 1e-9
    assert dots["x"].loc[levels].tolist() == observed["difference"].tolist()
    drawn(plot)


def test_by_level_under_another_name_and_several_contrasts():
    draws, summary, observed = tables(("1 - 0", "2 - 0"), by=["m0", "m1", "m2"])
    observed.loc[4, "difference"] = 1e4
    names = {"by": "mouse"}
    plot = plot_difference(
        draws.rename(columns=names), summary.rename(columns=names), observed, by="mouse", **NAMES
    )
    assert plot.labels.y == "mouse"
    assert plot.labels.caption == "beyond the axis: m1, 2 \N{MINUS SIGN} 0 (10000)"
    drawn(plot)


def test_an_outlier_among_the_observed_does_not_stretch_the_view():
    draws, summary, observed = tables()
    width = (summary["upper"] - summary["lower"]).iloc[0]
    observed["difference"] = [28.0, 29.0, 30.0, 31.0, 29.5, 30.5, 28.5, 30 + 2.2 * width]
    plot = plot_difference(draws, summary, observed, **NAMES)
    flagged, (_, high) = assert_observed_all_shown(plot, observed)
    assert flagged["group"].tolist() == ["m7"]
    assert high < 30 + 1.2 * width
    # The same value among others as wide as it is in view.
    observed["difference"] = 30 + 2.2 * width * np.array([-1, -0.8, -0.5, 0, 0.5, 0.7, 0.9, 1])
    plot = plot_difference(draws, summary, observed, **NAMES)
    assert scale_of(plot, "x").limits[1] > 30 + 2.2 * width


def test_observed_differences_of_all_groups_together_say_so():
    draws, summary, observed = tables(n=1)
    observed["group"] = None
    plot = plot_difference(draws, summary, observed, **NAMES)
    assert scale_of(plot, "y").labels[1] == "observed,\nmouse means\n(no fitting)"
    plot = plot_difference(draws, summary, observed, **(NAMES | {"group": None}))
    assert scale_of(plot, "y").labels[1] == "observed\n(no fitting)"
    drawn(plot)


def test_without_observed_differences_there_is_no_lane_for_them():
    draws, summary, observed = tables()
    full = plot_difference(draws, summary, observed, **NAMES)
    bare = plot_difference(draws, summary, observed.iloc[:0], **NAMES)
    assert scale_of(bare, "y").labels == ["posterior\nmean,\n94% HDI"]
    assert scale_of(bare, "y").limits[0] > scale_of(full, "y").limits[0] + 0.3
    drawn(bare)


def test_several_groups_in_each_level():
    draws, summary, observed = tables(by=["f", "m"])
    seen = pd.concat([observed.assign(by=observed["group"], group=g) for g in ("m0", "m1", "m2")])
    seen["difference"] += np.arange(6)
    seen.iloc[0, seen.columns.get_loc("difference")] = 1e4
    plot = plot_difference(draws, summary, seen, **NAMES)
    dots = data_of(plot, geom_point, having=["x", "group"])
    assert len(dots) == 6
    hdi = data_of(plot, geom_segment, having=["lower", "upper"]).set_index("by")
    for row in dots.itertuples():
        assert 0 < hdi.loc[row.by, "y"] - row.y < 0.5
    assert plot.labels.caption == "beyond the axis: f m0 (10000)"
    drawn(plot)


def test_long_captions_break_between_values_and_fit_a_narrow_figure():
    draws, summary, observed = tables()
    observed.loc[:3, "difference"] = [1e4, 2e4, -1e4, -2e4]
    observed["group"] = [f"animal {i} of the litter" for i in range(8)]
    caption = plot_difference(draws, summary, observed, **NAMES).labels.caption
    assert caption.count("\n") >= 1
    for line in caption.split("\n"):
        assert len(line) <= 56
        assert not line.startswith("(")


def test_ratio_has_a_line_at_one_on_a_logarithmic_axis():
    draws, summary, observed = tables(("1 / 0",), ratio=True)
    plot = plot_difference(draws, summary, observed, ratio=True, **NAMES)
    assert data_of(plot, geom_vline)["xintercept"].tolist() == [1]
    assert plot.labels.x == "Ratio of Power (stim 1 / 0)"
    assert "log" in type(scale_of(plot, "x")).__name__
    hdi = data_of(plot, geom_segment, having=["lower", "upper"])
    assert hdi["lower"].tolist() == summary["lower"].tolist()
    drawn(plot)


@pytest.mark.parametrize(
    ("scale", "title"),
    [
        (1e-6, "Difference in Power (stim 1 \N{MINUS SIGN} 0), $\\times 10^{-6}$ Hz"),
        (1e6, "Difference in Power (stim 1 \N{MINUS SIGN} 0), $\\times 10^{6}$ Hz"),
        (1e-30, "Difference in Power (stim 1 \N{MINUS SIGN} 0), $\\times 10^{-30}$ Hz"),
    ],
)
def test_tiny_and_huge_values_read_as_plain_numbers(scale, title):
    plot = plot_difference(*tables(scale=scale), **NAMES)
    assert plot.labels.x == title
    labels = scale_of(plot, "x").labels
    assert len(labels) >= 3
    assert max(map(len, labels)) <= 4
    drawn(plot)


def test_ticks_tell_values_apart_far_from_zero():
    axis = Axis(1000.0, 1002.0, log=False)
    assert axis.labels([1000.0, 1000.5, 1001.0]) == ["1000.0", "1000.5", "1001.0"]
    assert Axis(-2.5, 2.5, log=False).labels([-2.5, 0.0, 2.5]) == [
        "\N{MINUS SIGN}2.5",
        "0.0",
        "2.5",
    ]


@pytest.mark.parametrize(("low", "high"), [(0.9, 1.1), (0.7, 2.3), (0.2, 9), (3, 4e3), (1e-8, 1e9)])
def test_logarithmic_axes_have_enough_ticks(low, high):
    breaks = Axis(low, high, log=True).breaks()
    assert 3 <= len(breaks) <= 9
    assert ((breaks >= low) & (breaks <= high)).all()


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


def test_figures_compose():
    difference = plot_difference(*tables(), **NAMES)
    several = plot_difference(*tables(("b - a", "c - a")), **NAMES)
    intercepts = plot_intercepts(*recordings(), response="Power", group="mouse", treatment="stim")
    size = theme(figure_size=(7, 4))
    drawn((difference | intercepts) + size)
    drawn((difference / intercepts) + size)
    drawn(((difference / several) | intercepts) + size)
    drawn(difference + theme(figure_size=(85 * MM, 2)))


@pytest.mark.parametrize("spread", [0.4, 1.5])
def test_nothing_is_cut_in_a_composition_of_default_size(spread, tmp_path):
    difference = plot_difference(*tables(), **NAMES)
    several = plot_difference(*tables(("b - a", "c - a")), **NAMES)
    table, data = recordings(n=8, spread=spread)
    intercepts = plot_intercepts(table, data, response="Power", group="mouse", treatment="stim")
    for i, composed in enumerate((difference | intercepts, intercepts | several)):
        composed.save(tmp_path / f"{i}.png")
        image = imread(tmp_path / f"{i}.png")[..., :3]
        assert (image[:, [0, 1, -2, -1]] == 1).all()


def test_legends_of_many_and_of_long_names_are_narrow():
    def columns(*labels):
        return legend(list(labels)).fill.ncol

    assert columns("posterior, 94% HDI", "stim 0", "stim 1") == 2
    assert columns("a", "b", "c") == 3
    assert columns("posterior, 94% HDI", "treatment control", "treatment drug") == 1


@pytest.mark.parametrize(("low", "high"), [(30, 5e4), (0.2, 9), (3, 4e3), (300, 6e4), (20, 300)])
def test_labels_of_logarithmic_ticks_do_not_touch_in_half_a_figure(low, high):
    axis = Axis(low, high, log=True)
    breaks = axis.breaks()
    assert len(breaks) >= 2
    labels = axis.labels(breaks)
    # A panel of half a composed figure holds about thirty characters.
    places = 30 * np.log10(breaks / low) / np.log10(high / low)
    halves = np.array([len(label) / 2 for label in labels])
    assert (np.diff(places) > halves[1:] + halves[:-1]).all()


def test_long_titles_break_before_the_contrast():
    plot = plot_difference(*tables(), **(NAMES | {"response": "Relative power"}))
    assert plot.labels.x == "Difference in Relative power\n(stim 1 \N{MINUS SIGN} 0), Hz"


def test_intercepts_say_what_the_predictors_are():
    table, data = recordings()
    call = {"response": "Power", "group": "mouse"}
    assert not plot_intercepts(table, data, **call).labels.caption
    table.attrs["at"] = "at x = 0, stim = 0"
    caption = "posterior mean at x = 0, stim = 0"
    assert plot_intercepts(table, data, **call).labels.caption == caption
    assert plot_intercepts(table, data, at="at z = 0", **call).labels.caption.endswith("z = 0")


def test_the_tables_are_left_as_they_were():
    given = tables(by=["m0", "m1"])
    kept = [t.copy() for t in given]
    plot_difference(*given, **NAMES)
    pair = recordings()
    kept_pair = [t.copy() for t in pair]
    plot_intercepts(*pair, response="Power", group="mouse", treatment="stim")
    for after, before in zip([*given, *pair], [*kept, *kept_pair], strict=True):
        pd.testing.assert_frame_equal(after, before)


def test_same_tables_same_figure():
    first, second = (drawn(plot_difference(*tables(), **NAMES)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, s, o: (d.drop(columns="value"), s, o), "draws has no column 'value'"),
        (lambda d, s, o: (d, s.drop(columns=["lower"]), o), "summary has no column 'lower'"),
        (lambda d, s, o: (d, s, o.drop(columns="group")), "observed has no column 'group'"),
        (lambda d, s, o: (d.iloc[:0], s, o), "draws has no rows"),
        (lambda d, s, o: (d.assign(value=np.nan), s, o), "draws has 2000 values that are not fin"),
        (lambda d, s, o: (d.assign(contrast="x"), s, o), "draws has no rows for '1 - 0'"),
        (lambda d, s, o: (d, s, o.assign(contrast="x")), "observed has none of summary's contrast"),
        (lambda d, s, o: (d, pd.concat([s, s]), o), "more than one row"),
    ],
)
def test_difference_errors(change, message):
    with pytest.raises(DataError, match=message):
        plot_difference(*change(*tables()), **NAMES)


def test_ratios_and_probabilities_that_cannot_be():
    with pytest.raises(DataError, match="not positive"):
        plot_difference(*tables(scale=-1), ratio=True, **NAMES)
    with pytest.raises(DataError, match="prob=94"):
        plot_difference(*tables(), prob=94, **NAMES)


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


def test_theme_fits_a_journal_column_and_colours_are_the_palette():
    style = theme_winstan(width=85, height=60)
    assert style.getp("figure_size") == pytest.approx((85 * MM, 60 * MM))
    assert len(OKABE_ITO) == 8
    assert set(OKABE_ITO.values()) >= {"#0072B2", "#D55E00", "#56B4E9"}
