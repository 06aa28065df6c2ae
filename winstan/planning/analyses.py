"""The LME and the analysis of variance of a simulated study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from winstan.classical import anova, lme
from winstan.classical.linear import interval_names
from winstan.design_warnings import silenced
from winstan.effects.categories import scores_of
from winstan.errors import OptionError
from winstan.formula.tree import quote_name
from winstan.planning.targets import columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.planning.targets import Targets

type Method = Literal["bayes", "lme", "anova"]
"""How a study is analysed."""


@dataclass(frozen=True, slots=True, eq=False)
class Analyses:
    """What LME and ANOVA are given of each simulated study of a layout.

    Attributes
    ----------
    table : DataFrame
        The layout's rows, in the order of the responses.
    response : str
        A name that no column has.
    logged : bool
        They are of the response's logarithm, and their differences ratios of geometric means.
    fixed : str
        The population's part of the formula, with offsets.
    groups : str
        The group terms; empty without any.
    unit : str or None
        The group factor that the ANOVA is paired within, or takes means of.
    treatments : mapping of str to tuple of str
        What is compared, and the columns of each.
    conditions : tuple of str
        Columns of the population's terms.
    scores : tuple of float
        Of categories, the numbers that they are; none of others.
    trials : ndarray, shape (N,), or None
        Responses are successes of these, and shares are analysed.
    """

    table: pd.DataFrame
    response: str
    logged: bool
    fixed: str
    groups: str
    unit: str | None
    treatments: Mapping[str, tuple[str, ...]]
    conditions: tuple[str, ...]
    scores: tuple[float, ...] = ()
    trials: Array | None = None

    def answer(self, method: Method, y: Array, prob: float) -> Array:
        """Return estimates and confidence intervals, shape (contrasts, 3).

        Parameters
        ----------
        method
        y : ndarray, shape (N,)
            Responses of the rows; of categories their places, of trials the successes.
        prob

        Raises
        ------
        FormulaError, DataError, OptionError
            If the analysis is not one of such a study.
        """
        if self.scores:
            y = np.asarray(self.scores)[y.astype(int)]
        if self.trials is not None:
            y = y / self.trials
        data = self.table.assign(**{self.response: np.log(y) if self.logged else y})
        with silenced("all"):
            tables = [
                self._lme(data, one, prob) if method == "lme" else self._anova(data, one, prob)
                for one in self.treatments
            ]
        found = pd.concat(tables)[["estimate", *interval_names(prob)]].to_numpy(float)
        return np.exp(found) if self.logged else found

    def _lme(self, data: pd.DataFrame, treatment: str, prob: float) -> pd.DataFrame:
        if not self.groups:
            raise OptionError("the formula has no group term")
        fit = lme(f"{self.response} ~ {self.fixed} + {self.groups}", data)
        return fit.contrast(treatment, prob=prob)

    def _anova(self, data: pd.DataFrame, treatment: str, prob: float) -> pd.DataFrame:
        if self.unit is None:
            return anova(f"{self.response} ~ {self.fixed}", data).contrast(treatment, prob=prob)
        own = self.treatments[treatment]
        within = [_varies_within(data, column, self.unit) for column in own]
        crossed = " * ".join(map(quote_name, own))
        if all(within):
            paired = anova(f"{self.response} ~ {crossed}", data, group=self.unit)
            return paired.contrast(treatment, prob=prob)
        if any(within):
            raise OptionError(f"{treatment!r} is both between and within levels of {self.unit!r}")
        between = [c for c in self.conditions if not _varies_within(data, c, self.unit)]
        fixed = self.fixed if len(between) == len(self.conditions) else crossed
        means = data.groupby([self.unit, *between], observed=True, as_index=False)[self.response]
        return anova(f"{self.response} ~ {fixed}", means.mean()).contrast(treatment, prob=prob)


def analyses_of(model: Model, targets: Targets, table: pd.DataFrame, unit: str | None) -> Analyses:
    """Say what LME and ANOVA of such studies are.

    Raises
    ------
    OptionError
        If there is none of such a response.
    """
    formula, family = model.formula, model.family
    if targets.parameter not in (None, "score"):
        raise OptionError(f"their {targets.parameter} is one number, which no formula is of")
    if model.design.response.limits is not None:
        raise OptionError("the response has limits or known errors")
    logged = family.kind == "positive" and (model.link.name == "log" or family.log_response)
    if formula.offset and not (logged or model.link.name == "identity"):
        raise OptionError(f"offset({formula.offset[0]}) is inside the link")
    name = "response"
    while name in table:
        name += "_"
    response = model.design.response
    return Analyses(
        table=table,
        response=name,
        logged=logged,
        fixed=" + ".join([formula.common, *(f"offset({text})" for text in formula.offset)]),
        groups=" + ".join(group.text for group in formula.groups),
        unit=unit,
        treatments={one.treatment: tuple(columns_of(model, one.treatment)) for one in targets.each},
        conditions=tuple(
            dict.fromkeys(
                column
                for atom in formula.effects.atoms.values()
                for column in atom.columns
                if column in table
            )
        ),
        scores=() if response.categories is None else scores_of(response.categories)[0],
        trials=response.trials,
    )


def true_values(
    analyses: Analyses, model: Model, targets: Targets, parameters: Mapping[str, Array]
) -> Array:
    """Return the contrasts that LME and ANOVA estimate, shape (contrasts,).

    Of a logarithm they are ratios of geometric means, else differences of the population's means.
    """
    if analyses.logged:
        own = {"scale": "link", "groups": "typical" if model.design.groups else None}
    else:
        whose = "typical" if model.link.name == "inverse" else "population"
        own = {"scale": "response", "groups": whose if model.design.groups else None}
    found = targets.ask(model, parameters, ratio=False, rope=None, **own)
    values = np.concatenate([one.draws[0, :, 0] for one in found])
    return np.exp(values) if analyses.logged else values


def _varies_within(data: pd.DataFrame, column: str, unit: str) -> bool:
    return len(data[[unit, column]].drop_duplicates()) > data[unit].nunique()


def as_methods(given: Any) -> list[Method] | None:
    """Read ``methods=``; None is all that there are of such studies.

    Raises
    ------
    OptionError
        If one is unknown.
    """
    if given is None:
        return None
    names = [given] if isinstance(given, str) else list(given)
    known: tuple[Method, ...] = ("bayes", "lme", "anova")
    for name in names:
        if name not in known:
            raise OptionError(f"methods= takes 'bayes', 'lme' and 'anova', not {name!r}.")
    if not names:
        raise OptionError("methods= must name one of 'bayes', 'lme' and 'anova'.")
    return [name for name in known if name in names]
