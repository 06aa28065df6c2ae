"""What a fit says on the scale of the data: the methods of `Fit` that give tidy tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.fitted.base import Fitted

if TYPE_CHECKING:
    import pandas as pd


class EffectTables(Fitted):
    """Contrasts, intercepts and predictions of a fit."""

    __slots__ = ()

    def contrast(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: str | None = None,
        scale: str = "response",
        ratio: bool = False,
        prob: float = 0.94,
        interval: str = "hdi",
        draws: bool = False,
    ) -> pd.DataFrame:
        """Compare the mean response between values of a predictor.

        Every row of predictors is evaluated with the treatment at one value and at the other, its
        group's own effects included; the means are averaged over rows within a group, and over
        groups, each counting once.

        Parameters
        ----------
        treatment
            A column of the formula.
        values
            What to compare, the reference first. By default all levels of a factor against the
            reference of its coding, the two values of a predictor that has two, and otherwise
            x + 1 against x.
        by
            A column: one contrast for each of its levels, such as each mouse.
        scale : {"response", "link"}
            Units of the data, or of the linear predictor.
        ratio
            Ratio of the means in place of their difference.
        prob, interval
            As for `summary`.
        draws
            Return the draws in long form (columns contrast, [by], draw, value), not their summary.

        Returns
        -------
        DataFrame
            Columns contrast, [by], mean, sd, the interval's ends, and p_direction: the posterior
            probability that the effect has the sign that it seems to have.

        Raises
        ------
        OptionError
            If the treatment, a value, `by` or `scale` is unknown.
        """
        result = effects.contrast(
            self.model,
            self._flat(),
            treatment,
            values=values,
            by=by,
            scale=scale,
            ratio=ratio,
        )
        if draws:
            return effects.contrast_draws(result)
        return effects.contrast_table(result, prob, interval)

    def intercepts(
        self, group: str | None = None, *, prob: float = 0.94, interval: str = "hdi"
    ) -> pd.DataFrame:
        """Each group's intercept on the response scale: its mean response at X = 0.

        Without a population intercept, the factor that stands for it is averaged over. The effects
        of factors that contain the group are added; those of crossed factors are at zero.

        Parameters
        ----------
        group
            A group factor; by default the first of the formula.
        prob, interval
            As for `summary`.

        Returns
        -------
        DataFrame
            Columns level, mean, sd, and the interval's ends.
        """
        group = self._group(group)
        return effects.group_intercepts(self.model, self._flat(), group, prob, interval)
