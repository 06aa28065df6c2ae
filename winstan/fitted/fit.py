"""`Fit`: the parts put together, and how it shows itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.fitted.engines import EngineViews
from winstan.fitted.figures import Figures
from winstan.report import fit_as_html, fit_as_text

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path


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

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        unit: str | None = None,
        prob: float = 0.94,
        groups: str | Mapping[str, str] | None = None,
    ) -> Path:
        """Write one HTML page on the fit, to read, to print or to send: it needs no other file.

        Formula, data, verdict, effects, figures, checks, parameters, priors, and a methods
        paragraph with its references, ready for a paper.

        Parameters
        ----------
        path
            The file, which ends in ``.html``; one that exists is replaced.
        title
            By default the formula.
        unit
            Unit of the response, such as ``"Hz"``, for the figures.
        prob
            Probability of the intervals, highest-density.
        groups
            Whose effects the page gives, as for `contrast`; it says which.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If the path is no HTML file that can be written, or an option is wrong.
        """
        from winstan.report.page import write_report  # noqa: PLC0415 - with the figures

        return write_report(self, path, title=title, unit=unit, prob=prob, groups=groups)
