"""The figures of a fit: the methods of `Fit` that give plotnine plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.fitted.effects import EffectTables

if TYPE_CHECKING:
    import pandas as pd
    from plotnine import ggplot


class Figures(EffectTables):
    """The figures of a fit; each composes with ``|`` and ``/``."""

    __slots__ = ()

    def plot_difference(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: str | None = None,
        ratio: bool = False,
        prob: float = 0.94,
        unit: str | None = None,
    ) -> ggplot:
        """Draw the posterior of a contrast over the observed differences of the groups.

        Parameters
        ----------
        treatment, values, by, ratio
            As for `contrast`.
        prob
            Probability of the HDI.
        unit
            Unit of the response, for the axis.

        Returns
        -------
        plotnine.ggplot
            Composes with ``|`` and ``/``.
        """
        from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

        result = effects.contrast(
            self.model, self._flat(), treatment, values=values, by=by, ratio=ratio
        )
        group = effects.main_group(self.model)
        return plots.plot_difference(
            effects.contrast_draws(result),
            _ends_renamed(effects.contrast_table(result, prob, "hdi")),
            effects.observed_contrast(self.model, result, values, group),
            response=effects.response_label(self.model),
            treatment=treatment,
            unit=unit,
            ratio=ratio,
            prob=prob,
            group=group,
            by=by,
        )

    def plot_intercepts(
        self, group: str | None = None, *, treatment: str | None = None, prob: float = 0.94
    ) -> ggplot:
        """Draw each group's intercept, on the response scale, over the raw data.

        Parameters
        ----------
        group
            A group factor; by default the first of the formula.
        treatment
            A column to colour the raw data by.
        prob
            Probability of the HDI.

        Returns
        -------
        plotnine.ggplot
        """
        from winstan import plots  # noqa: PLC0415

        group = self._group(group)
        return plots.plot_intercepts(
            _ends_renamed(self.intercepts(group, prob=prob)),
            effects.intercept_data(self.model, group, treatment),
            response=effects.response_label(self.model),
            group=group,
            treatment=treatment,
            prob=prob,
        )


def _ends_renamed(table: pd.DataFrame) -> pd.DataFrame:
    """Name the interval's ends lower and upper, as the plots have them."""
    ends = [column for column in table.columns if column.startswith(effects.INTERVALS)]
    return table.rename(columns=dict(zip(ends, ("lower", "upper"), strict=True)))
