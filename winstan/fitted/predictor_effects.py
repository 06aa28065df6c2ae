"""The effects of every predictor: the draws once, and the tables that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan import effects as estimates
from winstan.fitted.monte_carlo import with_ess
from winstan.options import Probability, Ratio, Weighting, Whose, check_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval, Scale


@dataclass(frozen=True, slots=True, eq=False)
class PredictorEffects:
    """Contrasts of every predictor, with their draws.

    Attributes
    ----------
    fit : FittedModel
    parts : tuple of Part
        What they are of: the mean response, a parameter, or each category's probability.
    found : list of list of Contrast
        Of each part, by predictor.
    """

    fit: FittedModel
    parts: Sequence[estimates.Part]
    found: Sequence[Sequence[estimates.Contrast]]

    def summary(
        self, prob: Probability = 0.94, interval: Interval = "hdi", *, simultaneous: bool = False
    ) -> pd.DataFrame:
        """Return the table that `Fit.effects` gives."""
        every = [result for results in self.found for result in results]
        return self._joined(
            estimates.contrast_tables(every, prob, interval, simultaneous=simultaneous)
        )

    def draws(self) -> pd.DataFrame:
        """Return the draws in long form."""
        return self._joined(
            [estimates.contrast_draws(result) for results in self.found for result in results]
        )

    def _joined(self, tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
        each = iter(tables)
        joined = [_of_predictors(results, [next(each) for _ in results]) for results in self.found]
        return with_ess(self.fit, estimates.by_category(self.parts, joined))


def predictor_effects(
    fit: FittedModel, parameter: str | None = None, **options: Any
) -> PredictorEffects:
    """Contrast every predictor; the options and errors are those of `Fit.effects`."""
    parts, posterior = estimates.parts_of(fit.model, parameter), fit.joined()
    found = estimates.answers(
        parts, lambda model: estimates.effects_table(model, posterior, **options)
    )
    return PredictorEffects(fit, parts, found)


def effects(
    fit: FittedModel,
    *,
    scale: Scale = "response",
    ratio: Ratio | None = None,
    standardise: str | None = None,
    rope: float | Sequence[float] | None = None,
    groups: Whose | None = None,
    weights: Weighting = "observed",
    parameter: str | None = None,
    prob: Probability = 0.94,
    interval: Interval = "hdi",
    simultaneous: bool = False,
    draws: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Contrast every population-level predictor, in one table.

    A factor's levels are held against its reference; a number of more than two values has its
    average slope (as a ratio, x + 1 against x).

    Parameters
    ----------
    scale, ratio, standardise, rope, groups, weights, parameter, prob, interval, seed
        As for `contrast`; the default region is each predictor's own.
    simultaneous
        As for `contrast`: of all contrasts of all predictors.
    draws
        Return the draws in long form (columns predictor, contrast, draw, value).

    Returns
    -------
    DataFrame
        Columns predictor, contrast, [groups], mean, sd, the intervals' ends, p_direction,
        p_rope; the regions are ``attrs["rope"]``, by predictor.

    Raises
    ------
    OptionError
        If the formula has no population-level predictor, or an option is unknown.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.effects()["predictor"].tolist()
    ['stim']
    """
    check_flags(simultaneous=simultaneous, draws=draws)
    found = predictor_effects(
        fit,
        parameter,
        scale=scale,
        ratio=ratio,
        standardise=standardise,
        rope=rope,
        groups=groups,
        weights=weights,
        seed=seed,
    )
    return found.draws() if draws else found.summary(prob, interval, simultaneous=simultaneous)


def _of_predictors(
    results: Sequence[estimates.Contrast], tables: Sequence[pd.DataFrame]
) -> pd.DataFrame:
    """Put the contrasts of all predictors into one table."""
    for result, table in zip(results, tables, strict=True):
        table.attrs.clear()  # pd.concat compares them
        table.insert(0, "predictor", result.treatment)
    out = pd.concat(tables, ignore_index=True)
    out.attrs |= results[0].estimand.attrs
    out.attrs["measure"] = results[0].measure.words
    if "draw" not in out:
        out.attrs["rope"] = {result.treatment: result.rope for result in results}
    return out
