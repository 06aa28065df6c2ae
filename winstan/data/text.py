"""Text that stands as a predictor although it was meant to be numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.data.columns import how_many
from winstan.errors import DataError
from winstan.formula.tree import Name, quote_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan.formula import Formula
    from winstan.formula.terms import Atom

_SHOWN = 5


def check_text_predictors(
    formula: Formula, text: Mapping[str, pd.Categorical], kept: np.ndarray, *, row_is_one: bool
) -> None:
    """Refuse text that would silently become a factor although it holds numbers.

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

    Raises
    ------
    DataError
        When most of a predictor's values are numbers, or each row has a level of its own.
    """
    for name in _bare(formula.atoms):
        if name in text:
            _check_numbers(text[name], name, kept)
    for name in _bare(formula.effects.atoms.values()):
        # One row per label is how counted trials and weighted rows are often given.
        if row_is_one and name in text and len(text[name].categories) == len(kept):
            raise DataError(
                f"Column '{name}' is text with {how_many(len(kept), 'level')} in "
                f"{how_many(len(kept), 'row')}: each row would have a coefficient of its own. "
                "Convert the column if it holds numbers, leave it out, or make it a grouping "
                f"factor, (1|{quote_name(name)}). If one row per level is meant, write "
                f"C({quote_name(name)})."
            )


def _bare(atoms: Iterable[Atom]) -> list[str]:
    """Return the columns that stand outside calls."""
    return list(dict.fromkeys(atom.name for atom in atoms if isinstance(atom.node, Name)))


def _check_numbers(values: pd.Categorical, name: str, kept: np.ndarray) -> None:
    levels = values.categories
    bad = pd.to_numeric(pd.Series(levels.astype(str)), errors="coerce").isna().to_numpy()
    n, numbers = len(levels), int((~bad).sum())
    if 2 * numbers <= n:
        return
    labels = f"or write C({quote_name(name)}) if they are labels"
    if numbers == n:
        raise DataError(
            f"Column '{name}' is text, but all of its {n:,} distinct values are numbers. Convert "
            f"it with pd.to_numeric(data[{name!r}]), {labels}."
        )
    rows = np.flatnonzero(bad[values.codes])
    cells = ", ".join(f"{values[i]!r} in row {kept[i]}" for i in rows[:_SHOWN])
    more = ", ..." if len(rows) > _SHOWN else ""
    raise DataError(
        f"Column '{name}' is text, but {numbers:,} of its {n:,} distinct values are numbers; "
        f"{how_many(len(rows), 'cell')} {'is' if len(rows) == 1 else 'are'} not: {cells}{more} "
        f"(counted from 0). Mend {'that cell' if len(rows) == 1 else 'those cells'} and convert "
        f"the column with pd.to_numeric, {labels}."
    )
