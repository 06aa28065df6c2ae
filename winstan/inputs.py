"""What a model is made of, beside winstan: enough to make it again, and nothing that is code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan.design.evaluation import Names

if TYPE_CHECKING:
    from winstan.data import Frame
    from winstan.families import Family
    from winstan.formula import Formula
    from winstan.priors import Prior, Priors


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The formulas, data and options that a model was asked for with.

    Attributes
    ----------
    formula : str or tuple of str
        As the user wrote it.
    formulas : mapping of str to str
        Those of other parameters that were keywords.
    family : Family
    namespace : mapping
        What the formulas use of the caller's own.
    frame : Frame
        The columns in use.
    weights, trials, link, priors, center, parametrization
        As of `winstan.fit`.
    definition : mapping of str to str
        Of the family when the model was asked for, see `winstan.families.definition`.
    """

    formula: str | tuple[str, ...]
    formulas: Mapping[str, str]
    family: Family
    namespace: Mapping[str, Any]
    frame: Frame
    weights: str | None = None
    trials: str | int | None = None
    link: str | None = None
    priors: Mapping[str, Prior] | Priors | None = None
    center: bool = True
    parametrization: str | Mapping[str, str] | None = None
    definition: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> pd.DataFrame:
        """Return the rows in use as a data frame that a fit can be asked for with, shape (N, K)."""
        frame = self.frame
        columns: dict[str, Any] = {}
        for name in frame.data.columns:
            values = frame.data[name]
            is_factor = isinstance(values.dtype, pd.CategoricalDtype)
            if is_factor and name not in frame.ordered:
                values = values.cat.as_unordered()
            columns[name] = values
        if self.weights is not None:
            columns[self.weights] = frame.weights
        if isinstance(self.trials, str):
            columns[self.trials] = frame.trials
        return pd.DataFrame(columns)


def names_in_use(formula: Formula, namespace: Mapping[str, Any]) -> Names:
    """Return what a formula calls or uses of the caller's own."""
    names = {function.split(".")[0] for function in formula.functions} | set(formula.ambient)
    # Matrices that code factors; a coding of winstan's own may have the name of a function.
    names |= {name for name, _ in formula.constants if not callable(namespace.get(name))}
    return Names({name: namespace[name] for name in sorted(names) if name in namespace})
