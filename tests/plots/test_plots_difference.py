"""The posterior of a difference shows its tables: all of them, in their order, at their values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from plot_checks import NAMES, assert_observed_all_shown, data_of, drawn, scale_of, tables
from plotnine import geom_point, geom_rect, geom_ribbon, geom_segment, geom_vline, ggplot

from winstan.errors import DataError
from winstan.plots import plot_difference
from winstan.plots.axis import plain_labels
from winstan.plots.words import level_of, level_texts


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
    assert labels == ["posterior mean,\n94% HDI", "observed,\neach mouse\n(no fitting)"]
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
@pytest.mark.slow
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


@pytest.mark.slow
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
    assert scale_of(bare, "y").labels == ["posterior mean,\n94% HDI"]
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
        assert 0 < hdi.loc[row.level_of_by, "y"] - row.y < 0.5
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


@pytest.mark.slow
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
@pytest.mark.slow
def test_tiny_and_huge_values_read_as_plain_numbers(scale, title):
    plot = plot_difference(*tables(scale=scale), **NAMES)
    assert plot.labels.x == title
    labels = scale_of(plot, "x").labels
    assert len(labels) >= 3
    assert max(map(len, labels)) <= 4
    drawn(plot)


def test_long_titles_break_before_the_contrast():
    plot = plot_difference(*tables(), **(NAMES | {"response": "Relative power"}))
    assert plot.labels.x == "Difference in Relative power\n(stim 1 \N{MINUS SIGN} 0), Hz"


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


@pytest.mark.parametrize("name", ["dose", "x", "y"])
@pytest.mark.slow
def test_numeric_levels_are_written_with_few_digits(name):
    levels = [-0.987654321, 0.0, 1 / 3, 12.0]
    draws, summary, observed = (t.rename(columns={"by": name}) for t in tables(by=levels))
    plot = plot_difference(draws, summary, observed.iloc[:0], **NAMES, by=name)
    labels = scale_of(plot, "y").labels
    assert labels == ["\N{MINUS SIGN}0.9877", "0", "0.3333", "12"]
    assert plot.labels.y == name
    drawn(plot)


def test_levels_that_four_digits_do_not_tell_apart_have_more():
    assert level_texts([1.00001, 1.00002]) == ["1.00001", "1.00002"]
    assert level_texts([1990.0, 12345.6, 3]) == ["1990", "12346", "3"]
    assert [level_of("drug", x) for x in ("placebo", "drug", 2)] == [
        "drug placebo",
        "drug",
        "drug 2",
    ]
    assert plain_labels([np.nan, 0.5, 1.0]) == ["", *plain_labels([0.5, 1.0])]


def fit_of_slopes(formula):
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    data = pd.DataFrame(
        {
            "mouse": np.repeat([f"m{i}" for i in range(6)], 10),
            "stim": np.tile([0, 1], 30),
            "x": x - x.mean(),
            "y": rng.normal(size=60),
        }
    )
    return made_fit(model_of(formula, data, "gaussian"), draws=50)


@pytest.mark.slow
def test_the_mean_of_a_centred_column_is_zero():
    plot = fit_of_slopes("y ~ stim * x").plot_difference("stim", by="x")
    assert scale_of(plot, "y").labels[1] == "0"
    drawn(plot)


@pytest.mark.slow
def test_the_caption_says_whose_effect_the_posterior_and_the_differences_are():
    fit = fit_of_slopes("y ~ stim + x + (stim|mouse)")
    average, typical = (fit.plot_difference("stim", groups=g) for g in ("these", "typical"))
    for plot, words in (
        (average, "averaged over these levels of mouse"),
        (typical, "in a typical mouse"),
        (fit.plot_difference("stim"), "in the population of mouse"),
    ):
        caption = " ".join(plot.labels.caption.split())
        assert f"posterior: {words} observed: these levels of mouse" in caption
    drawn(typical)
    posterior = fit.draws["posterior"]
    mean = data_of(typical, geom_point, having=["mean"])["mean"].iloc[0]
    assert mean == pytest.approx(float(posterior["stim"].mean()), rel=1e-12)
    own = float(
        (posterior["stim"] + posterior["stim|mouse"].mean(posterior["stim|mouse"].dims[-1])).mean()
    )
    mean = data_of(average, geom_point, having=["mean"])["mean"].iloc[0]
    assert mean == pytest.approx(own, rel=1e-10)
    alone = fit_of_slopes("y ~ stim + x").plot_difference("x")
    assert "posterior:" not in (alone.labels.caption or "")
