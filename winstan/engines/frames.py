"""Frames of data that an engine grouped: its distinct rows, and what each stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from winstan.data.columns import LARGEST, plain_column
from winstan.data.frame import frame_from, tell_missing
from winstan.data.grouped import IDENTITY, Grouped
from winstan.data.tables import check_columns, column_names
from winstan.data.weights import check_size, check_weights, tell_weights
from winstan.engines.counting import ROW, Question, grids_of, refuse_bad_rows
from winstan.engines.failures import told_by
from winstan.engines.gaps import without_nan
from winstan.engines.grouping import group_rows
from winstan.engines.repeats import check_repeats
from winstan.engines.sampling import match_rows, sample_rows
from winstan.errors import DataError, FormulaError
from winstan.formula.binning import binned_columns
from winstan.formula.counted import COUNTED
from winstan.formula.functions import is_counted
from winstan.progress import ProgressLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data.frame import Frame
    from winstan.engines.counting import Support
    from winstan.engines.grouping import Groups
    from winstan.engines.opening import Source
    from winstan.formula import Formula
    from winstan.formula.binning import Grid

MOST = 3_000_000
"""Distinct rows that are fetched of an engine at most."""

SAMPLED = 20_000
"""Single rows that are kept of an engine's, for all that looks at rows."""

_JUDGED = 1_000


def grouped_frame(
    source: Source,
    formula: Formula,
    namespace: Mapping[str, Any],
    *,
    functions: tuple[str, ...] = (),
    support: Support | None = None,
    weights: str | None = None,
    trials: str | int | None = None,
    all_levels: bool = False,
    most: int = MOST,
) -> Frame:
    """Let an engine group the rows of a formula's columns.

    Parameters
    ----------
    source, formula
    namespace
        The caller's own functions and values.
    functions
        Of the response, those whose moments the family's likelihood needs. None where rows share
        the response as well, which is right of any family.
    support
        Which responses the family takes, where moments are taken.
    weights, trials, all_levels
        As of `frame_from`.
    most
        Distinct rows, beyond which the data are refused.

    Returns
    -------
    Frame
        Its rows are the distinct ones, sorted; `Frame.grouped` says what they stand for.

    Raises
    ------
    DataError, FamilyError, FormulaError

    Warns
    -----
    DesignWarning
        As of `frame_from`.
    """
    check_rows_by_themselves(formula, column_names(source.table), namespace)
    question = _question(source, formula, functions, support, weights, trials)
    _check_types(source, question)
    with ProgressLine(source.progress) as line:
        line.show(f"{source.engine} groups the rows")
        groups, grids = _groups(source, question, most, line)
        line.show(f"{source.engine} samples the rows")
        sampled = sample_rows(source, SAMPLED, groups.counts.rows)
    if source.files is not None:
        source.files.check_unchanged()
    counts = groups.counts
    if counts.missing:
        tell_missing(counts.missing, counts.rows, counts.complete)
    if weights is not None:
        check_size(weights, groups.weight)
        tell_weights(
            weights,
            fractional=counts.fractional,
            where="",
            weightless=counts.weightless,
            n=counts.complete,
        )
    frame = frame_from(
        _table(groups, question),
        formula,
        trials=trials,
        all_levels=all_levels,
        counts=groups.count,
    )
    place = frame.place  # all of them: what is missing is left out already
    assert len(place) == len(groups.count)
    return replace(
        frame,
        n_rows=counts.rows,
        missing=counts.missing,
        weightless=counts.weightless,
        weights=groups.weight,
        grouped=Grouped(
            groups.count,
            source.engine,
            groups.moments,
            match_rows(sampled, groups.keys, question, grids),
        ),
        sampled=sampled,
    )


def _groups(
    source: Source, question: Question, most: int, line: ProgressLine
) -> tuple[Groups, Mapping[str, Grid]]:
    """Group the rows; where some are not what a model takes, refuse them, or leave NaN out."""
    # Sums of Dask's columns of Arrow leave NaN out, and counts of them do not.
    if question.bins or source.table.implementation.is_dask():
        source = _without_nan(source, question)
    grids = grids_of(source, question)
    check_repeats(source, question, grids, most)

    def tell(number: int, done: float) -> None:
        line.show(f"{source.engine} groups the rows, pass {number}: {done:.0f}%")

    groups = group_rows(source, question, grids, most, tell)
    if groups is None:
        source = _without_nan(source, question)
        refuse_bad_rows(source, question)
        groups = group_rows(source, question, grids, most, tell)
    if groups is None:
        raise DataError(
            f"No number holds the squares of {question.name!r}: some of its values are beyond "
            f"{LARGEST:.0e}. Give it in a larger unit."
        )
    return groups, grids


def _without_nan(source: Source, question: Question) -> Source:
    schema = source.table.collect_schema()
    floats = [name for name in question.used if schema[name].is_float()]
    with told_by(source.engine):
        return replace(source, table=without_nan(source.table, floats))


def check_rows_by_themselves(
    formula: Formula, columns: list[str], namespace: Mapping[str, Any]
) -> None:
    """Refuse a formula of which a row's predictors need other rows, in their order or number."""
    if formula.residual is not None:
        raise FormulaError(
            f"{formula.residual.text} correlates rows one by one, and data that are grouped where "
            "they are have none: read the units that you need into memory, or leave it out."
        )
    atoms = (atom for one in formula.every for atom in one.atoms)
    whole = [atom.text for atom in atoms if not is_counted(atom.node, namespace)]
    if whole:
        raise FormulaError(
            f"{', '.join(whole)} takes a column as a whole, which data that are grouped where they "
            "are do not give it: make a column of it in the engine, and write that. "
            f"{', '.join(f'{name}()' for name in COUNTED)}, curves s(x), and functions of single "
            "rows are known."
        )
    arrays = [
        name for name in formula.ambient if name not in columns and np.ndim(namespace.get(name, 0))
    ]
    if arrays:
        raise FormulaError(
            f"{', '.join(map(repr, arrays))} of your own has a value for each row, and data that "
            "are grouped where they are do not have it: make a column of it in the engine."
        )


def _question(
    source: Source,
    formula: Formula,
    functions: tuple[str, ...],
    support: Support | None,
    weights: str | None,
    trials: str | int | None,
) -> Question:
    known = set(column_names(source.table))
    used = [name for name in formula.columns if name in known or name not in formula.ambient]
    extra = [name for name in (weights, trials) if isinstance(name, str)]
    check_columns(source.table, list(dict.fromkeys([*used, *extra])))
    _check_names(source, [*used, *extra])
    spec = formula.response_spec
    own = tuple(name for name in formula.response_columns if name in used)
    keys = [*used, trials] if isinstance(trials, str) else used
    bins = _bins(formula)
    if not functions:
        return Question(
            keys=tuple(dict.fromkeys(keys)),
            optional=formula.optional_columns,
            weights=weights,
            columns=own,
            bins=bins,
        )
    return Question(
        keys=tuple(name for name in dict.fromkeys(keys) if name not in own),
        weights=weights,
        response=spec.value.node,
        name=spec.name,
        columns=own,
        functions=functions,
        support=support,
        bins=bins,
    )


def _check_names(source: Source, used: list[str]) -> None:
    """Refuse names such as winstan gives to what it asks an engine for."""
    names = column_names(source.table)
    taken = [n for n in names if n == ROW or (n in used and n[:1] == "(" and n[-1:] == ")")]
    if taken:
        raise DataError(
            f"{', '.join(f'Column {name!r}' for name in taken)}: names in brackets are winstan's "
            f"own where {source.engine} groups the rows. Rename it, such as {taken[0][1:-1]!r}."
        )


def _bins(formula: Formula) -> dict[str, int]:
    """Return the columns of which nothing but ``bin(x, n)`` is wanted."""
    found = binned_columns(atom.node for one in formula.every for atom in one.atoms)
    whole = {column for one in formula.every for g in one.groups for column in g.factor_columns}
    whole |= {g.by for one in formula.every for g in one.groups if g.by}
    whole |= {spec.by for spec in formula.curves if spec.by} | {*formula.response_columns}
    return {name: n for name, n in found.items() if name not in whole}


def _check_types(source: Source, question: Question) -> None:
    """Refuse columns of types that no model takes, before any query."""
    schema = source.table.collect_schema()
    if question.weights is not None:
        check_weights(question.weights, schema[question.weights])
    for name in question.keys:
        first = source.head[name].head(_JUDGED).drop_nulls()
        # A column without any value has no type in some files: its rows are missing.
        if len(first) or isinstance(schema[name], nw.Date | nw.Datetime | nw.Duration | nw.Time):
            plain_column(first, name)


def _table(groups: Groups, question: Question) -> nw.DataFrame[Any]:
    """Return the distinct rows as the data of a formula; the response's columns have its mean.

    Of a response that is an expression they are never read, since the engine has evaluated it.
    """
    table = groups.keys
    if not question.functions:
        return table
    mean = nw.new_series(
        "mean", groups.moments[IDENTITY].mean, nw.Float64, backend=table.implementation
    )
    return table.with_columns(*(mean.alias(name) for name in question.columns))
