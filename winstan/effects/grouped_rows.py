"""What asks for single rows, of a model whose rows an engine has grouped: refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.effects.specification import Specified

_REMEDY = (
    "Take a sample of rows into memory: fit.predict(sample, kind='response') predicts them, and a "
    "fit of the sample has every check of rows."
)


def check_responses_known(model: Specified, what: str) -> None:
    """Refuse what needs the response of each row where its means and squares alone are known.

    Raises
    ------
    OptionError
    """
    grouped = model.design.grouped
    if grouped is not None and grouped.moments:
        raise OptionError(
            f"{what} of single rows: {grouped.engine} has grouped {grouped.n:,} rows into "
            f"{grouped.count.size:,}, of whose response the mean and the squares about it are "
            f"known. {_REMEDY}"
        )


def check_rows_apart(model: Specified, what: str) -> None:
    """Refuse what draws each row by itself where rows stand for several.

    Raises
    ------
    OptionError
    """
    grouped = model.design.grouped
    if grouped is not None:
        raise OptionError(
            f"{what} of single rows: {grouped.engine} has grouped {grouped.n:,} rows into "
            f"{grouped.count.size:,}. {_REMEDY}"
        )
