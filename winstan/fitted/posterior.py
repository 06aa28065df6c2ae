"""`Posterior`: the draws of a model's parameters, whatever backend made them, and their verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winstan.draws import tree_name
from winstan.effects import main_group
from winstan.errors import OptionError
from winstan.summary import summarise

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from winstan._typing import Array
    from winstan.diagnostics import Diagnostics
    from winstan.effects.specification import Specified
    from winstan.model import Model
    from winstan.options import Interval
    from winstan.priors import Priors


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Posterior:
    """The draws of a model and their verdict: what every question to a fit takes.

    Attributes
    ----------
    model : Model
        Formula, design, cells, family, priors and coordinates.
    draws : xarray.DataTree
        ArviZ's: groups ``posterior``, ``sample_stats``, ``observed_data``; coordinates are the
        levels of the data.
    diagnostics : Diagnostics
    backend : str
    seconds : float
        Wall time of the whole fit.
    """

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

    def summary(self, *, prob: float = 0.94, interval: Interval = "hdi") -> pd.DataFrame:
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

    def joined(self) -> dict[str, Array]:
        """Return the draws by variable, chains joined: shape (chains * draws, *dims)."""
        posterior = self.draws["posterior"]
        out = {}
        for variable in self.model.variables:
            values = posterior[tree_name(variable.name)].to_numpy()
            out[variable.name] = values.reshape(-1, *values.shape[2:])
        return out

    def group_named(self, group: str | None, model: Specified | None = None) -> str:
        """Return a group factor's name; for None, the main one's of the model, or of a parameter.

        Raises
        ------
        OptionError
            If the model has no group term.
        """
        asked = {} if model is None else model.design.beside  # whoever asked takes parameter=
        model = self.model if model is None else model
        group = group or main_group(model)
        if group is None:
            others = [name for name, one in asked.items() if one.groups]
            raise OptionError(
                f"{model.formula.mean_text!r} has no group term, such as (1|mouse)."
                + (f" That of {others[0]!r} has: parameter={others[0]!r}." if others else "")
            )
        return group
