"""`FittedModel`: a model, its draws and their verdict, of which all questions are asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winstan.effects import joined_draws, main_group
from winstan.errors import OptionError
from winstan.keywords import explains_methods
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
    from winstan.settings import Settings


@explains_methods
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FittedModel:
    """A model, its draws and their verdict.

    The questions are functions of it, by subject in the other files of this package and in those
    that refit, report and keep; `winstan.Fit` has them as its methods.

    Attributes
    ----------
    model, draws, diagnostics, backend, seconds, settings
        As of `winstan.Fit`.
    """

    model: Model
    draws: xr.DataTree
    diagnostics: Diagnostics
    backend: str
    seconds: float
    _table: pd.DataFrame = field(repr=False)
    settings: Settings | None = field(default=None, repr=False)

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

        Examples
        --------
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
        >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
        >>> fit.summary(prob=0.9).columns[2:4].tolist()
        ['hdi_5%', 'hdi_95%']
        """
        if (prob, interval) == (0.94, "hdi"):
            return self._table.copy()
        return summarise(self.draws, prob=prob, interval=interval)

    def joined(self) -> dict[str, Array]:
        """Return the draws by variable, chains joined: shape ``(chains * draws, *dims)``.

        Examples
        --------
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
        >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
        >>> fit.joined()["stim"].shape
        (4000,)
        """
        return joined_draws(self.model, self.draws["posterior"].to_dataset())

    def group_named(self, group: str | None, model: Specified | None = None) -> str:
        """Return a group factor's name; for None, the main one's of the model, or of a parameter.

        Raises
        ------
        OptionError
            If the model has no group term.

        Examples
        --------
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
        >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
        >>> fit.group_named(None)
        'mouse'
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
