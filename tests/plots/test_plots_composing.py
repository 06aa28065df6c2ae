"""``a | b`` and ``a / b`` are plotnine's, and as large as their figures must be to be read."""

from __future__ import annotations

from copy import deepcopy
from io import BytesIO

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.image import imread
from plot_checks import NAMES, assert_legible, drawn, recordings, tables
from plotnine import aes, geom_point, ggplot, theme
from plotnine.composition import Beside, Compose, Stack
from plotnine.exceptions import PlotnineWarning

from winstan.errors import OptionError
from winstan.plots import plot_difference, plot_intercepts
from winstan.plots.composing import Row
from winstan.plots.theme import MM


def difference(n_contrasts=1):
    """A figure of 120 mm."""
    return plot_difference(*tables(("b - a", "c - a")[:n_contrasts]), **NAMES)


def intercepts(n=8, spread=0.4):
    """A higher one."""
    table, data = recordings(n=n, spread=spread)
    return plot_intercepts(table, data, response="Power", group="mouse", treatment="stim")


def size(plot) -> tuple[float, float]:
    """Width and height of what is drawn, in mm."""
    figure = deepcopy(plot).draw()
    inches = figure.get_size_inches()
    plt.close(figure)
    return tuple((inches / MM).round(3))


def panels(plot) -> np.ndarray:
    """Heights of the panels that are drawn, in mm, in the order of the figures."""
    figure = deepcopy(plot).draw()
    figure.savefig(BytesIO(), format="png")  # the layout is settled
    out = np.array([a.get_window_extent().height / figure.dpi / MM for a in figure.axes])
    plt.close(figure)
    return out


@pytest.mark.slow
def test_two_fill_a_page_and_three_are_no_narrower_than_can_be_read():
    a, b = difference(), intercepts()
    (_, low), (_, high) = size(a), size(b)
    assert low < high
    two = a | b
    assert isinstance(two, Beside)
    assert size(two) == (180, pytest.approx(high, abs=0.01))
    assert size(a | b | a)[0] == 240
    assert size(a | b | a | b)[0] == 320
    for composed in (two, b | a, a | b | difference(2)):
        assert_legible(composed)


@pytest.mark.slow
def test_a_column_is_as_high_as_its_figures_each_in_its_own_height():
    a, b = difference(), intercepts()
    (_, low), (_, high) = size(a), size(b)
    column = a / b
    assert isinstance(column, Stack)
    assert size(column) == (120, pytest.approx(low + high, abs=0.02))
    assert size(column / a) == (120, pytest.approx(2 * low + high, abs=0.02))
    # The panels are as they are alone.
    np.testing.assert_allclose(panels(column), [*panels(a), *panels(b)], atol=0.1)
    assert panels(b)[0] > panels(a)[0] + 15
    assert_legible(column)  # printed in a column of 90 mm
    assert_legible(b / a)


@pytest.mark.slow
def test_compositions_compose():
    a, b = difference(), intercepts()
    (_, low), (_, high) = size(a), size(b)
    mixed = (a / a) | b
    assert size(mixed)[0] == 180
    assert size(mixed)[1] >= 2 * low
    assert_legible(mixed)
    assert_legible(b | (a / a))
    rows = (a | b) / (b | a)
    assert size(rows) == (180, pytest.approx(2 * high, abs=0.02))
    assert_legible(rows)
    assert size((a | b) / a)[0] == 180


@pytest.mark.slow
def test_a_plot_of_plotnines_own_composes_on_either_side():
    own = ggplot(recordings()[1], aes("treatment", "value")) + geom_point()
    a = difference() + theme(figure_size=(90 * MM, 50 * MM))
    for composed, kind in (
        (own | a, Beside),
        (a | own, Beside),
        (own / a, Stack),
        (a / own, Stack),
    ):
        assert isinstance(composed, kind)
        width, height = size(composed)
        assert width >= 180 if kind is Beside else height > 120
        drawn(composed)
    assert size(Beside([own, own]) | a)  # plotnine's own composition first


@pytest.mark.slow
def test_the_user_has_the_last_word_on_the_size():
    a, b = difference(), intercepts()
    assert size((a | b) + theme(figure_size=(7, 4))) == pytest.approx((177.8, 101.6))
    assert size((a | b) & theme(figure_size=(7, 4))) == pytest.approx((177.8, 101.6))
    assert size(((a / a) | b) + theme(figure_size=(7, 4))) == pytest.approx((177.8, 101.6))
    # A size given to a part is that part's, whatever stands beside it.
    part = (a / a) | (b + theme(figure_size=(9, 9)))
    assert size(part)[1] >= 9 / MM
    drawn(a + theme(figure_size=(85 * MM, 2)))


@pytest.mark.slow
def test_sizes_are_set_in_mm_and_nothing_else_changes():
    a, b = difference(), intercepts()
    (_, high) = size(a)
    assert size(a.sized(85, 60)) == (85, 60)
    assert size(a.sized(85)) == pytest.approx((85, high))
    assert a.sized(85).theme.getp("axis_line_y") == a.theme.getp("axis_line_y")
    assert type(a.sized(85)) is type(a)
    assert_legible(a.sized(85, 60))
    assert size((a | b).sized(170, 70)) == (170, 70)
    assert size((a | b).sized(170)) == pytest.approx((170, size(b)[1]), abs=0.01)
    assert size(a.sized(85, 60) | b)[0] == 180


@pytest.mark.slow
def test_gaps_are_those_of_a_single_figure():
    """plotnine takes the size of a plot's own theme for that of the whole figure."""
    from plot_checks import texts_of  # noqa: PLC0415

    def gap(plot) -> float:
        """Points between the tick labels and the title of the first plot's axis."""
        found, _ = texts_of(plot)
        title = next(t for t in found if t[0].startswith("Difference in Power"))
        ticks = [t for t in found if t[0] == "0" and t[3] > title[3]]
        return min(t[3] for t in ticks) - title[5]

    single = gap(difference())
    assert gap(difference() / intercepts()) == pytest.approx(single, abs=0.3)


@pytest.mark.slow
def test_operands_are_left_as_they_were():
    a, b = difference(), intercepts()
    before = size(a), size(b)
    two = a | b
    kept = size(two)
    _ = two | a, two / b
    assert (size(a), size(b)) == before
    assert size(two) == kept
    assert drawn(a | b) == drawn(two)
    assert isinstance(deepcopy(two), Compose)


@pytest.mark.parametrize("spread", [0.4, 1.5])
@pytest.mark.slow
def test_nothing_is_cut_in_a_composition_of_default_size(spread, tmp_path):
    few, several = difference(), difference(2)
    many = intercepts(spread=spread)
    for i, composed in enumerate((few | many, many | several, many / several)):
        composed.save(tmp_path / f"{i}.png")
        image = imread(tmp_path / f"{i}.png")[..., :3]
        assert (image[:, [0, 1, -2, -1]] == 1).all()


COMPOSED = {
    "a | b": lambda a, b: a | b,
    "a / b": lambda a, b: a / b,
    "a - b": lambda a, b: a - b,
    "(a | b) / a": lambda a, b: (a | b) / a,
}


@pytest.mark.parametrize("composed", COMPOSED.values(), ids=COMPOSED)
@pytest.mark.slow
def test_a_composition_is_saved_in_the_size_asked_for(composed, tmp_path):
    figure = composed(difference(), difference())
    figure.save(tmp_path / "a.png", width=20, height=12, units="cm", dpi=50)
    assert imread(tmp_path / "a.png").shape[:2] == pytest.approx((236, 394), abs=1)


def plain() -> Compose:
    """A composition that is quickly drawn, of 180 x 100 mm."""
    return Row([ggplot(), ggplot()]).sized(180, 100)


def saved(figure, file, **options) -> tuple[int, int]:
    """Width and height of the image, in pixels."""
    figure.save(file, **options)
    return imread(file).shape[1::-1]


@pytest.mark.slow
def test_a_composition_takes_the_options_of_a_single_plot(tmp_path):
    figure, file = plain(), tmp_path / "a.png"
    assert saved(figure, file, dpi=100, width=10, height=4) == (1000, 400)
    assert saved(figure, file, dpi=254, width=60, height=30, units="mm") == (600, 300)
    assert saved(figure, file, dpi=254, width=60, units="mm") == (600, 1000)  # its own height
    assert saved(figure, file, dpi=127) == (900, 500)  # its own size, which is as it was
    figure.save("b.png", path=str(tmp_path), width=2, height=1, dpi=40)
    assert imread(tmp_path / "b.png").shape[:2] == (40, 80)
    figure.save(out := BytesIO(), "png", width=2, height=1, dpi=40)
    out.seek(0)
    assert imread(out).shape[:2] == (40, 80)
    with pytest.warns(PlotnineWarning) as told:
        figure.save(file, width=100, height=50, units="mm", dpi=40, verbose=True)
    assert [str(w.message) for w in told] == ["Saving 100 x 50 mm image.", f"Filename: {file}"]
    assert saved(figure, file, width=26, height=2, dpi=20, limitsize=False) == (520, 40)


def test_sizes_of_compositions_that_are_none_are_refused(tmp_path):
    figure = plain()
    with pytest.raises(OptionError, match="units must be 'in', 'cm' or 'mm', not 'px'"):
        figure.save(tmp_path / "a.png", width=3, height=3, units="px")
    for bad in (0, -1, float("nan"), "4", True):
        with pytest.raises(OptionError, match="width= is a size above zero"):
            figure.save(tmp_path / "a.png", width=bad, height=3)
    with pytest.raises(OptionError, match=r"1000 x 400 in is above 25 in.*never in pixels"):
        figure.save(tmp_path / "a.png", width=1000, height=400)
