"""What all figures are made of: axes, densities, legends, theme."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from plot_checks import NAMES, drawn, recordings, tables

from winstan.plots import OKABE_ITO, plot_difference, plot_intercepts, theme_winstan
from winstan.plots.axis import Axis, logarithmic, plain_labels
from winstan.plots.density import kernel_density
from winstan.plots.layers import legend
from winstan.plots.theme import MM
from winstan.plots.words import broken, wrap


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


def test_a_single_tick_at_zero_is_a_zero():
    assert plain_labels([0.0]) == ["0"]


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


def test_the_tables_are_left_as_they_were():
    given = tables(by=["m0", "m1"])
    kept = [t.copy() for t in given]
    plot_difference(*given, **NAMES)
    pair = recordings()
    kept_pair = [t.copy() for t in pair]
    plot_intercepts(*pair, response="Power", group="mouse", treatment="stim")
    for after, before in zip([*given, *pair], [*kept, *kept_pair], strict=True):
        pd.testing.assert_frame_equal(after, before)


@pytest.mark.slow
def test_same_tables_same_figure():
    first, second = (drawn(plot_difference(*tables(), **NAMES)) for _ in range(2))
    assert first == second


def test_theme_fits_a_journal_column_and_colours_are_the_palette():
    style = theme_winstan(width=85, height=60)
    assert style.getp("figure_size") == pytest.approx((85 * MM, 60 * MM))
    assert len(OKABE_ITO) == 8
    assert set(OKABE_ITO.values()) >= {"#0072B2", "#D55E00", "#56B4E9"}


def test_names_break_at_their_punctuation_and_are_cut_only_as_a_last_resort():
    assert wrap("condition|mouse_sigma[walk]") == "condition|mouse_sigma[\nwalk]"
    assert wrap("condition|mouse_corr[Intercept, walk]").split("\n")[0] == "condition|mouse_corr["
    assert wrap("a" * 30) == "a" * 24 + "\n" + "a" * 6
    assert wrap("short") == "short"
    for name in ("one|two_three[four, five]:six", "x" * 50, "a-b " * 20):
        for width in (5, 9, 24):
            lines = broken(name, width)
            assert max(map(len, lines)) <= width
            assert "".join(lines).replace(" ", "") == name.replace(" ", "")


def test_no_single_value_makes_an_axis_logarithmic():
    rng = np.random.default_rng(0)
    bell = rng.normal(100, 20, 400).clip(min=1)
    assert not logarithmic([*bell, 1e-4])
    assert not logarithmic(rng.uniform(0, 1, 400))
    many_sizes = np.exp(rng.normal(0, 1.5, 400))
    assert logarithmic(many_sizes)
    assert not logarithmic([*many_sizes, 0.0])
    assert not logarithmic(np.ones(5))
