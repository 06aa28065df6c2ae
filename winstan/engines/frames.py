"""Frames of data that an engine grouped: its distinct rows, and what each stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from scipy.optimize import brentq

from winstan.data.columns import how_many, plain_column
from winstan.data.frame import frame_from, tell_missing
from winstan.data.grouped import IDENTITY, Grouped
from winstan.data.tables import check_columns, column_names
from winstan.data.weights import check_weights, tell_weights
from winstan.engines.counting import Question, count_rows
from winstan.engines.failures import told_by
from winstan.engines.gaps import without_nan
from winstan.engines.grouping import group_rows, key
from winstan.errors import DataError, FormulaError
from winstan.formula.binning import binned_columns
from winstan.formula.functions import is_elementwise, is_scaled
from winstan.formula.tree import quote_name
from winstan.progress import ProgressLine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.data.frame import Frame
    from winstan.engines.counting import Counts, Support
    from winstan.engines.grouping import Groups
    from winstan.engines.opening import Source
    from winstan.formula import Formula

MOST = 3_000_000
"""Distinct rows that are fetched of an engine at most."""

# What a model holds of a row: its columns as they came, as codes, in matrices, in cells.
_BYTES_OF_COLUMN, _BYTES_OF_ROW = 40, 200
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
    schema = source.table.collect_schema()
    floats = [name for name in question.used if schema[name].is_float()]
    with told_by(source.engine):
        source = replace(source, table=without_nan(source.table, floats))
    with ProgressLine(source.progress) as line:
        line.show(f"{source.engine} counts the rows")
        counts = count_rows(source, question)
    if counts.missing:
        tell_missing(counts.missing, counts.rows, counts.complete)
    if weights is not None:
        tell_weights(
            weights,
            fractional=counts.fractional,
            where="",
            weightless=counts.weightless,
            n=counts.complete,
        )
    _check_repeats(source, question, counts, most)
    with ProgressLine(source.progress) as line:
        line.show(f"{source.engine} groups {counts.rows:,} rows")
        groups = group_rows(source, question, counts, most)
    if len(groups.count) > most:
        raise _too_many(source, question, f"more than {most:,}", most)
    frame = frame_from(_table(groups, question), formula, trials=trials, all_levels=all_levels)
    place = frame.place  # all of them: what is missing is left out already
    assert len(place) == len(groups.count)
    return replace(
        frame,
        n_rows=counts.rows,
        missing=counts.missing,
        weightless=counts.weightless,
        weights=groups.weight,
        grouped=Grouped(groups.count, source.engine, groups.moments),
    )


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
    whole = [
        atom.text
        for atom in atoms
        if not (is_elementwise(atom.node, namespace) or is_scaled(atom.node))
    ]
    if whole:
        raise FormulaError(
            f"{', '.join(whole)} takes a column as a whole, which data that are grouped where they "
            "are do not give it: make a column of it in the engine, and write that. scale(x) and "
            "center(x) of a column, curves s(x), and functions of single rows are known."
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
        plain_column(source.head[name].head(_JUDGED).drop_nulls(), name)


def _check_repeats(source: Source, question: Question, counts: Counts, most: int) -> None:
    """Refuse predictors that hardly repeat, by the first rows, before the engine groups all."""
    seen = len(source.head)
    if counts.rows <= most or not question.keys:
        return
    schema = source.head.schema
    keys = [key(name, schema[name], counts.grids) for name in question.keys]
    distinct = len(source.head.select(*keys).unique())
    if distinct <= seen / 2:
        return
    about = min(_about(distinct, seen), counts.rows)
    if about > most:
        raise _too_many(source, question, f"about {about:,}", about)


def _about(distinct: int, seen: int) -> int:
    """Guess how many kinds of rows there are, all as frequent, by those among some rows."""
    if distinct >= seen:
        return 10**18
    # D (1 - exp(-n / D)) kinds are expected among n rows.
    low, high = float(distinct), 1e3 * seen * seen
    found = brentq(lambda D: -D * np.expm1(-seen / D) - distinct, low, high)
    return round(found)


def _too_many(source: Source, question: Question, how_many_rows: str, rows: int) -> DataError:
    """Say that rows do not repeat, which column is to blame, and what to do."""
    memory = rows * (_BYTES_OF_ROW + _BYTES_OF_COLUMN * len(question.keys))
    values = {name: source.head[name].n_unique() for name in question.keys}
    worst = max(values, key=lambda name: values[name])
    number = source.head[worst].dtype.is_numeric()
    remedy = "Take fewer of its levels, or leave it out"
    if worst in question.columns:
        remedy = (
            "It is the response, of which this family needs each value: gaussian, lognormal, "
            "gamma, exponential and beta need sums alone. Or make its values fewer in the engine, "
            "such as by rounding"
        )
    elif number:
        call = f"bin({quote_name(worst)}, 200)"
        remedy = (
            f"{call} in the formula takes the nearest of 200 evenly spaced values: it moves "
            f"{worst!r} by at most 1/398 of its range, and the linear predictor by that share of "
            "what it changes from one end to the other"
        )
    return DataError(
        f"{source.engine} would group the rows of {', '.join(map(repr, question.keys))} into "
        f"{how_many_rows} distinct ones, some {memory / 1e9:.1f} GB as a model: they hardly repeat."
        f" Column {worst!r} has {how_many(values[worst], 'value')} among the first "
        f"{len(source.head):,} rows. {remedy}."
    )


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
