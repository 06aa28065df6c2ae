"""Text that stands as a predictor although it was meant to be numbers."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from winstan.data.columns import count_rows, how_many, some_levels
from winstan.data.numerals import written_numbers
from winstan.design_warnings import warn_design
from winstan.errors import DataError
from winstan.formula.tree import Name, quote_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from winstan.data.numerals import Written
    from winstan.formula import Formula
    from winstan.formula.terms import Atom

_SHOWN = 5


# Labels that are written as whole numbers recur: more of them than this, each in fewer rows than
# this on average, are numbers; so are the most, however often they recur.
_LABELS, _RECURRENCE, _MOST_LABELS = 20, 20, 50
# Of fractions, percentages and amounts.
_FRACTIONS = 10
# Text of more levels than this, each in fewer rows than this on average, may be no labels at all.
_MANY_LEVELS, _FEW_ROWS = 20, 5
# Less than this share of the rows is a cell mistyped; a label more than that.
_MISTYPED = 0.05
# Of more levels nobody typed each by hand. Capitals of labels as short as this may tell: AA, Aa.
_TYPED, _SHORT = 1000, 3


def check_text_predictors(
    formula: Formula,
    text: Mapping[str, pd.Categorical],
    kept: np.ndarray,
    *,
    row_is_one: bool,
    column: str = "data[{!r}]",
    counts: np.ndarray | None = None,
) -> None:
    """Refuse text that would become a factor although it holds numbers; warn where it may.

    One mistyped cell turns a whole column of numbers into text. ``C(x)`` says that the values are
    labels, and group factors are labels anyway: both are left alone. So are calls: numeric ones
    fail on text by themselves, and ``I(x == '1')`` means what it says.

    Parameters
    ----------
    formula
        What the columns are for.
    text
        The columns that hold text and were not declared to be factors.
    kept : ndarray of shape (N,)
        Positions of the rows in the user's frame.
    row_is_one
        Whether a row is one observation: without weights and trials.
    column
        As of `Frame`.
    counts : ndarray of shape (N,), or None
        As of `frame_from`.

    Raises
    ------
    DataError
        When a predictor's values are plainly numbers, or each row has a level of its own.

    Warns
    -----
    DesignWarning
        ``alike_levels``, of levels that are written almost alike; ``numbers_as_labels``, of few
        values that are written as numbers; ``many_levels``, of text with nearly as many levels as
        rows.
    """
    for name, values in text.items():
        if len(values.categories) <= _TYPED:
            _tell_alike(name, values.categories.tolist(), column.format(name))
    for name in _bare(formula.atoms):
        if name in text:
            _check_numbers(text[name], name, kept, column.format(name), counts)
    rows = count_rows(kept, counts)
    for name in _bare(formula.population_atoms):
        # One row per label is how counted trials and weighted rows are often given.
        if not row_is_one or name not in text:
            continue
        levels = len(text[name].categories)
        if _MANY_LEVELS < levels < rows < _FEW_ROWS * levels:
            shown = some_levels(text[name].categories.tolist(), 3)
            warn_design(
                f"Column '{name}' is text with {levels:,} levels in {how_many(rows, 'row')} "
                f"({shown}): {levels - 1:,} coefficients, each of few rows. Convert the column if "
                "it holds numbers or dates, or make it a grouping factor, "
                f"(1|{quote_name(name)}).",
                "many_levels",
            )
        if levels == rows:
            raise DataError(
                f"Column '{name}' is text with {how_many(rows, 'level')} in "
                f"{how_many(rows, 'row')}: each row would have a coefficient of its own. "
                "Convert the column if it holds numbers, leave it out, or make it a grouping "
                f"factor, (1|{quote_name(name)}). If one row per level is meant, write "
                f"C({quote_name(name)})."
            )


def _tell_alike(name: str, levels: list[str], column: str) -> None:
    """Warn of levels that differ in nothing but capitals, or spaces around and between words."""
    alike: dict[str, list[str]] = {}
    for level in levels:
        spaced = " ".join(str(level).split())
        alike.setdefault(spaced if len(spaced) <= _SHORT else spaced.casefold(), []).append(level)
    groups = [some for some in alike.values() if len(some) > 1]
    if groups:
        shown = "; ".join(some_levels(some) for some in groups[:_SHOWN])
        more = "; ..." if len(groups) > _SHOWN else ""
        warn_design(
            f"Levels of column '{name}' differ in capitals or spaces alone ({shown}{more}), and "
            f"are levels of their own. If they are one, {column} = {column}"
            ".str.split().str.join(' ').str.lower() makes them so.",
            "alike_levels",
        )


def _bare(atoms: Iterable[Atom]) -> list[str]:
    """Return the columns that stand outside calls."""
    return list(dict.fromkeys(atom.name for atom in atoms if isinstance(atom.node, Name)))


def _check_numbers(
    values: pd.Categorical,
    name: str,
    kept: np.ndarray,
    column: str,
    counts: np.ndarray | None,
) -> None:
    written = written_numbers(values.categories.tolist())
    if written is None:
        return
    n, numbers = len(written.is_number), int(written.is_number.sum())
    odd = np.flatnonzero(~written.is_number[values.codes])
    rows = count_rows(kept, counts)
    n_odd = count_rows(odd, None if counts is None else counts[odd])
    how = f", written with {written.what}" if written.what else ""
    found = (
        f"{f'all of its {n:,}' if numbers == n else f'{numbers:,} of its {n:,}'} distinct values"
    )
    convert = f"with {written.code(column)}"
    if not (_many(written, rows) or 0 < n_odd < _MISTYPED * rows):
        warn_design(
            f"Column '{name}' is text, and {found} are numbers"
            f"{how} ({some_levels(values.categories[written.is_number].tolist(), 3)}): they are "
            f"taken as labels of a factor, with {how_many(n - 1, 'coefficient')}. If they are "
            f"numbers, convert the column {convert}{_limits(written)}; "
            f"C({quote_name(name)}) says that they are labels.",
            "numbers_as_labels",
        )
        return
    labels = f"or write C({quote_name(name)}) if they are labels"
    if numbers == n:
        raise DataError(
            f"Column '{name}' is text, but {found} are numbers{how}. Convert it "
            f"{convert}{_limits(written)}, {labels}."
        )
    if counts is None:
        cells = ", ".join(f"{values[i]!r} in row {kept[i]}" for i in odd[:_SHOWN])
        cells += f"{', ...' if len(odd) > _SHOWN else ''} (counted from 0)"
    else:  # rows that an engine grouped have no numbers
        cells = some_levels(values.categories[~written.is_number].tolist())
    one = n_odd == 1
    raise DataError(
        f"Column '{name}' is text, but {found} are numbers{how}; "
        f"{how_many(n_odd, 'cell')} {'is' if one else 'are'} not: {cells}. "
        f"Mend {'that cell' if one else 'those cells'}, or let "
        f"{'it' if one else 'them'} be missing, and convert the column "
        f"{convert}{_limits(written)}, {labels}."
    )


def _many(written: Written, rows: int) -> bool:
    """Whether values are so many, and recur so little, that they are measurements."""
    numbers = int(written.is_number.sum())
    if not written.whole:
        return numbers > _FRACTIONS
    return numbers > _MOST_LABELS or (numbers > _LABELS and rows < _RECURRENCE * numbers)


def _limits(written: Written) -> str:
    return " (a value such as '<5' becomes its limit, 5)" if written.marked else ""


def _as_limits(written: Written, column: str) -> str:
    """Say how limits stay limits in a response."""
    if not written.marked:
        return ""
    return (
        " (a value such as '<5' becomes its limit, 5); to keep such values below or above their "
        f"limits, ws.detection_limits({column}) gives columns value and status of a response "
        "censored(value, status)"
    )


def as_ordered(values: pd.Categorical, column: str) -> str:
    """Return code that makes an ordered category of a column: some libraries compare letters."""
    return f"pd.Categorical({column}, {values.categories.tolist()!r}, ordered=True)"


def factor_as_numbers(values: pd.Categorical, name: str, column: str, *, ordered: bool) -> str:
    """Return the code that makes numbers of a factor's levels; empty if they are labels.

    Parameters
    ----------
    values
        The factor.
    name
        Its column's.
    column
        Code of that column, as a pandas Series.
    ordered
        Whether the user ordered the levels.

    Returns
    -------
    str
        Such as ``convert the column with pd.to_numeric(data['x'])``.
    """
    levels = values.categories.tolist()
    if all(isinstance(level, str) for level in levels):
        written = written_numbers(levels)
        if written is not None:
            text = f"{column}.astype(str)" if ordered else column
            return f"convert the column with {written.code(text)}{_as_limits(written, text)}"
    elif all(isinstance(level, Real) for level in levels):
        return f"convert the column with {column}.astype(float)"
    return f"take their places, {as_ordered(values, column)}.codes" if ordered else ""
