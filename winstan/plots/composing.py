"""Figures that know their size, so that ``a | b`` and ``a / b`` are as large as they must be.

plotnine gives a composition the size of its last plot, in which two or three figures of their own
size would be crushed. Here a row is as wide as its figures, up to the two columns of a journal, and
a column as high as its figures are together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
from plotnine import ggplot, theme
from plotnine.composition import Beside, Compose, Stack
from plotnine.exceptions import PlotnineWarning
from plotnine.options import get_option

from winstan.errors import OptionError
from winstan.options import Units, check_option
from winstan.plots.theme import FULL, MM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BytesIO

    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec

LEAST = 80.0
"""Least width of a figure in a row, in mm: three are 240 mm, which can be read at 180 mm."""
LARGEST = 25
"""Inches above which plotnine takes a size for pixels."""
UNITS = {"in": 1.0, "cm": 2.54, "mm": 25.4}
"""Units of length, by how many make an inch."""
ALIGNED = 8.0
"""Height that figures in a column lose to the legend of a figure beside the column, in mm."""


class Plot(ggplot):
    """A plotnine plot whose compositions have a size to match; built like any other."""

    def sized(self, width: float, height: float | None = None) -> Plot:
        """Return the figure in another size, all else as it is.

        A whole theme, such as `theme_winstan`, replaces what is particular to a figure.

        Parameters
        ----------
        width, height
            In mm; by default the height stays.
        """
        return self + _size(width, extent_of(self).height if height is None else height)

    def __or__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure at the right."""
        return Row([self, rhs])

    def __sub__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure at the right, as plotnine's ``-`` does."""
        return Row([self, rhs])

    def __ror__(self, lhs: ggplot | Compose) -> Compose:
        """Stand at the right of a plot that is not winstan's."""
        return Row([lhs, self])

    def __truediv__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure below."""
        return Column([self, rhs])

    def __rtruediv__(self, lhs: ggplot | Compose) -> Compose:
        """Stand below a plot that is not winstan's."""
        return Column([lhs, self])


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of a figure in mm, and how many figures stand abreast in it."""

    width: float
    height: float
    abreast: int = 1


class Sized(Compose):
    """A composition that has a size of its own.

    The size is that of its last plot's theme, where plotnine looks for it, so that
    ``composition + theme(figure_size=...)`` sets another.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.extents = [extent_of(item) for item in self.items]
        size = self.extent()
        last: ggplot = self.last_plot  # type: ignore[has-type]
        self.last_plot = last + _size(size.width, size.height)

    def sized(self, width: float, height: float | None = None) -> Compose:
        """Return the composition in another size, in mm; by default the height stays."""
        return self + _size(width, self.extent().height if height is None else height)

    def __sub__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure at the right of this composition, which stays one figure."""
        return Row([self, rhs])

    def extent(self) -> Extent:
        """Return the size that the figures need together."""
        raise NotImplementedError

    def draw(self, *, show: bool = False) -> Figure:
        """Render the figures together.

        plotnine lays out the gaps of each plot by the size of the figure in the plot's own theme:
        here all have that of the whole.
        """
        whole = self.last_plot.theme
        assert whole is not None
        size = theme(figure_size=whole.getp("figure_size"), dpi=whole.getp("dpi"))
        return Compose.draw(self & size, show=show)

    def save(
        self,
        filename: str | Path | BytesIO | None = None,
        format: str | None = None,  # noqa: A002 - plotnine's name
        path: str = "",
        *,
        width: float | None = None,
        height: float | None = None,
        units: Units = "in",
        dpi: float | None = None,
        limitsize: bool | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        """Save the composition as an image file, as a single plot is saved.

        Parameters
        ----------
        filename, format, path
            As for plotnine's ``ggplot.save``.
        width, height
            Of the whole, in `units`; by default the composition's own.
        units : {"in", "cm", "mm"}
        dpi
            Of raster images; by default the theme's.
        limitsize
            Whether sizes above 25 inches are refused; by default plotnine's option.
        verbose
            Whether to tell the size and the file's name, by a warning, as plotnine does.
        **kwargs
            Of matplotlib's ``savefig``.

        Raises
        ------
        OptionError
            For unknown units, and sizes that are none or too large.
        """
        own = self.last_plot.theme.getp("figure_size")
        size = tuple(
            mine if asked is None else inches(asked, units, name)
            for name, asked, mine in zip(("width", "height"), (width, height), own, strict=True)
        )
        if (get_option("limitsize") if limitsize is None else limitsize) and max(size) > LARGEST:
            raise OptionError(
                f"The size {size[0]:.4g} x {size[1]:.4g} in is above {LARGEST} in: width= and "
                "height= are in inches unless units= says 'cm' or 'mm', never in pixels. "
                "limitsize=False saves it all the same."
            )
        whole = self + theme(figure_size=size, **({} if dpi is None else {"dpi": dpi}))
        # plotnine names a file by a plot's identity: ggplot's own name for it
        name: Any = self.last_plot._save_filename(format or "pdf") if filename is None else filename
        if path and isinstance(name, (Path, str)):
            name = Path(path) / name
        if verbose:
            w, h = (f"{x * UNITS[units]:.4g}" for x in size)
            warn(f"Saving {w} x {h} {units} image.", PlotnineWarning, stacklevel=2)
            warn(f"Filename: {name}", PlotnineWarning, stacklevel=2)
        whole.draw().savefig(name, format=format, **kwargs)

    def parts(self) -> list[ggplot | Compose]:
        """Return the figures, the last one in its own size again."""
        *others, last = self.items
        if isinstance(last, ggplot):
            own = self.extents[-1]
            last = last + _size(own.width, own.height)
        return [*others, last]


@dataclass(repr=False)
class Row(Sized, Beside):
    """Figures side by side; plotnine makes their panels equally wide."""

    def extent(self) -> Extent:
        """Add the widths, up to the page; the highest decides the height."""
        abreast = sum(e.abreast for e in self.extents)
        width = min(sum(e.width for e in self.extents), max(FULL, LEAST * abreast))
        # plotnine aligns the panels of a row, for which those in a column make room.
        nested = any(isinstance(item, Compose) for item in self.items)
        return Extent(width, max(e.height for e in self.extents) + ALIGNED * nested, abreast)

    def __or__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure at the right."""
        return Row([*self.parts(), rhs])

    def __truediv__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure below."""
        return Column([self, rhs])


@dataclass(repr=False)
class Column(Sized, Stack):
    """Figures one above the other, each in its own height."""

    def extent(self) -> Extent:
        """Add the heights; the widest decides the width."""
        return Extent(
            max(e.width for e in self.extents),
            sum(e.height for e in self.extents),
            max(e.abreast for e in self.extents),
        )

    def __truediv__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure below."""
        return Column([*self.parts(), rhs])

    def __or__(self, rhs: ggplot | Compose) -> Compose:
        """Place another figure at the right."""
        return Row([self, rhs])

    def _create_gridspec(self, figure: Figure, nest_into: SubplotSpec | None) -> None:
        """Share the height out; called by plotnine, which would make all panels equally high."""
        super()._create_gridspec(figure, nest_into)
        self.gridspec.set_height_ratios([e.height for e in self.extents])
        self.gridspec.set_height_ratios = _kept


def inches(value: float, units: Units, name: str) -> float:
    """Turn a size asked for into inches, and refuse what is none."""
    check_option("units", units, Units)
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < value < np.inf:
        raise OptionError(f"{name}= is a size above zero, in {units}; got {value!r}.")
    return float(value) / UNITS[units]


def _size(width: float, height: float) -> theme:
    """Return the theme of a size in mm."""
    return theme(figure_size=(width * MM, height * MM))


def _kept(ratios: Sequence[float]) -> None:
    """Leave the heights as they are; plotnine would change them when it lays the panels out."""


def extent_of(item: ggplot | Compose) -> Extent:
    """Return the size of a plot, or of a composition."""
    if isinstance(item, Sized):
        return item.extent()
    plot: Any = item.last_plot if isinstance(item, Compose) else item
    style = plot.theme
    width, height = style.getp("figure_size") if style else get_option("figure_size")
    return Extent(width / MM, height / MM)
