"""The fields of a fit, its summary and its draws: what the other parts of `Fit` stand on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winstan import effects
from winstan.draws import tree_name
from winstan.errors import OptionError
from winstan.summary import summarise

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from winstan.diagnostics import Diagnostics
    from winstan.families import Array
    from winstan.model import Model
    from winstan.priors import Priors


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model with its draws and their diagnostics; the attributes are those of `Fit`."""

    model: Model
    draws: xr.DataTree
    diagnostics: Diagnostics
    backend: str
    seconds: float
    _table: pd.DataFrame = field(repr=False)

    @property
    def priors(self) -> Priors:
        """The priors in use, in the units of the data; prints as a table."""
        return self.model.priors

    @property
    def verdict(self) -> str:
        """One sentence: the draws can be trusted, or what is wrong and what to do."""
        return self.diagnostics.verdict

    def summary(self, *, prob: float = 0.94, interval: str = "hdi") -> pd.DataFrame:
        """Summarise every parameter and group effect.

        Parameters
        ----------
        prob
            Probability of the interval.
        interval : {"hdi", "eti"}
            Highest density, or equal tails.

        Returns
        -------
        DataFrame
            A row for each scalar; columns mean, sd, the interval's ends (``hdi_3%``, ``hdi_97%``),
            ess_bulk, ess_tail, r_hat, mcse_mean. The Intercept is at X = 0.
        """
        if (prob, interval) == (0.94, "hdi"):
            return self._table.copy()
        return summarise(self.draws, prob=prob, interval=interval)

    def _flat(self) -> dict[str, Array]:
        """Draws by variable, chains joined: shape (chains * draws, *dims)."""
        posterior = self.draws["posterior"]
        out = {}
        for variable in self.model.variables:
            values = posterior[tree_name(variable.name)].to_numpy()
            out[variable.name] = values.reshape(-1, *values.shape[2:])
        return out

    def _group(self, group: str | None) -> str:
        group = group or effects.main_group(self.model)
        if group is None:
            raise OptionError(f"{self.model.formula.text!r} has no group term, such as (1|mouse).")
        return group
