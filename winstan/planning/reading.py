"""What `design` is asked: a formula, the rows of a study, and where the truth is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.building import model_and_frame
from winstan.data.columns import how_many, some_rows
from winstan.data.tables import in_memory, open_table, take_columns
from winstan.design_warnings import silenced
from winstan.effects.grouped_rows import check_rows_apart
from winstan.errors import DataError, FormulaError, OptionError
from winstan.families import family_named
from winstan.fit_class import Fit
from winstan.formula import parse_formula
from winstan.planning.placeholder import with_placeholder
from winstan.planning.sizes import numbered, resized

if TYPE_CHECKING:
    from winstan.families import Family
    from winstan.formula import Formula
    from winstan.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class PlannedStudy:
    """A study that is planned.

    Attributes
    ----------
    formula : str or tuple of str
        As the user wrote it.
    parsed : Formula
    family : Family
    namespace : mapping
        What the formula may call.
    options : mapping
        Of `winstan.building.ModelOptions`.
    table : DataFrame
        The layout, with the response if it is a pilot's.
    names : tuple of str
        The factors that have sizes.
    """

    formula: str | Sequence[str]
    parsed: Formula
    family: Family
    namespace: Mapping[str, Any]
    options: Mapping[str, Any]
    table: pd.DataFrame
    names: tuple[str, ...]

    @property
    def factors(self) -> tuple[str, ...]:
        """Columns of the group factors, and of the units of correlated residuals."""
        columns = [c for f in self.parsed.every for g in f.groups for c in g.factor_columns]
        if self.parsed.residual is not None:
            columns += self.parsed.residual.factor_columns
        return tuple(dict.fromkeys(columns))

    @property
    def units(self) -> tuple[str, ...]:
        """Columns whose levels are units or repeats, and no conditions."""
        return tuple(dict.fromkeys((*self.factors, *self.names)))

    @property
    def unit(self) -> str | None:
        """What is replicated: the first group factor that has sizes, or that there is."""
        sized = [name for name in self.names if name in self.factors]
        return next(iter((*sized, *self.factors)), None)

    @property
    def has_response(self) -> bool:
        """Whether the rows are a pilot's."""
        return all(name in self.table for name in self.parsed.response_columns)

    def layout(self, sizes: Mapping[str, int]) -> pd.DataFrame:
        """Return the rows of a study of these sizes."""
        conditions = [c for c in self.parsed.predictor_columns if c in self.table]
        conditions = [c for c in conditions if c not in self.units]
        return resized(self.table, sizes, self.units, conditions)

    def model(self, table: pd.DataFrame, categories: int | None) -> Model:
        """Return the model of some rows, whose response need not be there.

        Errors are those of `winstan.fit`.
        """
        data = with_placeholder(table, self.parsed, self.family, categories)
        with silenced("all"):
            model, _ = model_and_frame(
                self.formula, data, self.family, self.namespace, **self.options
            )
        return model


def read_proposal(
    formula: str | Sequence[str] | Fit,
    data: Any,
    family: str | Family,
    namespace: Mapping[str, Any],
    options: Mapping[str, Any],
    names: Sequence[str],
) -> PlannedStudy:
    """Read the formula and the rows.

    Raises
    ------
    FormulaError, DataError, FamilyError, OptionError
    """
    if isinstance(formula, Fit):
        inputs = formula.model.inputs
        assert inputs is not None
        data = _rows_of(formula) if data is None else data
        own = ("formulas", "link", "priors", "center", "trials", "parametrization")
        options = {name: getattr(inputs, name) for name in own}
        formula, family, namespace = inputs.formula, inputs.family, inputs.namespace
    if data is None:
        raise OptionError(
            "ws.design takes the rows of a study: ws.layout(mouse=6, stim=['a', 'b'], trial=20), "
            "or a data frame, which may be a pilot's."
        )
    chosen = family_named(family)
    every = chosen.of_labels is not None
    parsed = parse_formula(formula, namespace, options["formulas"], for_all=every)
    _check_formula(parsed, sized=bool(names))
    table = _plain(data)
    right = [c for c in parsed.predictor_columns if c in table or c not in parsed.ambient]
    wanted = _columns(table, parsed, right, options["trials"])
    wanted += [name for name in names if name in table and name not in wanted]
    table = take_columns(table, wanted, "rows of the layout").to_pandas()
    _check_complete(table, parsed)
    found = PlannedStudy(formula, parsed, chosen, namespace, options, table, tuple(names))
    conditions = [c for c in right if c not in found.factors]
    return replace(found, table=numbered(table, names, right, conditions))


def _rows_of(fit: Fit) -> pd.DataFrame:
    """Return the rows of a fit's data, each of which is a response by itself."""
    inputs = fit.model.inputs
    assert inputs is not None
    check_rows_apart(fit.model, "A layout is")
    if inputs.weights is not None:
        raise OptionError(
            f"The fit has frequency weights, {inputs.weights!r}: a row of weight 3 is three "
            "responses that were the same, and no layout. Give the rows of the study as data."
        )
    return inputs.data()


def _columns(table: pd.DataFrame, parsed: Formula, right: Sequence[str], trials: Any) -> list[str]:
    """List the columns that the model needs: of the left side all, or none but the trials."""
    beside = [c for c in parsed.columns if c in table and c not in parsed.response_columns]
    left = [c for c in parsed.response_columns if c in table]
    if len(left) < len(parsed.response_columns):
        spec = parsed.response_spec.trials
        left = [c for c in left if spec is not None and c in spec.columns]
    own = [trials] if isinstance(trials, str) else []
    return list(dict.fromkeys((*right, *beside, *left, *own)))


def _plain(data: Any) -> pd.DataFrame:
    """Return a data frame of any library as pandas'."""
    table: Any = in_memory(data)
    if not isinstance(table, pd.DataFrame):
        table = open_table({name: table[name] for name in table.columns})
    return table.rename(columns=str).reset_index(drop=True)


def _check_formula(parsed: Formula, *, sized: bool) -> None:
    """Refuse what a layout does not carry over to studies of other sizes."""
    if parsed.curves:
        raise FormulaError(
            f"ws.design has no curves: {parsed.curves[0].text} has knots by the rows there are, so "
            "that its coefficients mean something else in each study. Write I(x**2), or C(x) for "
            "an effect of each value."
        )
    if sized and not all(one.elementwise for one in parsed.every):
        raise FormulaError(
            f"{parsed.text!r} calls a function of the whole column ({', '.join(parsed.functions)}),"
            " whose values change with the rows, and n= sets other sizes: compute the column in "
            "the layout before, and name it."
        )


def _check_complete(table: pd.DataFrame, parsed: Formula) -> None:
    for name in table.columns:
        bad = np.flatnonzero(table[name].isna())
        if bad.size and name not in parsed.optional_columns:
            raise DataError(
                f"{how_many(bad.size, 'row')} of the layout "
                f"{'has' if bad.size == 1 else 'have'} no {name!r} ({some_rows(bad)}): a plan has "
                f"all of them. Leave them out, layout.dropna(subset=[{name!r}]), or fill them in."
            )
