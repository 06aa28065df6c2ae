"""`Fit`: the parts put together, and how it shows itself."""

from __future__ import annotations

from winstan.fitted.engines import EngineViews
from winstan.fitted.figures import Figures
from winstan.report import fit_as_html, fit_as_text


class Fit(Figures, EngineViews):
    """A fitted model: draws, their verdict, and the ways to look at them.

    Attributes
    ----------
    model : Model
        Formula, design, cells, family, priors and geometry.
    draws : xarray.DataTree
        ArviZ's: groups ``posterior``, ``sample_stats``, ``observed_data``; coordinates are the
        levels of the data.
    diagnostics : Diagnostics
    backend : str
    seconds : float
        Wall time of the whole fit.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return fit_as_text(self)

    def _repr_html_(self) -> str:
        return fit_as_html(self)
