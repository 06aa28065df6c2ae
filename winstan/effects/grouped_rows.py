"""What asks for single rows, of a model whose rows an engine has grouped.

Much of it is answered by a sample of the rows, which was kept. The rest is refused by name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.design import sampled_design
from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.data.grouped import Grouped
    from winstan.effects.specification import Specified
    from winstan.model import Model

_SEED = 1
_REMEDY = (
    "Take a sample of rows into memory: fit.predict(sample, kind='response') predicts them, and a "
    "fit of the sample has every check of rows."
)


def single_rows(model: Model, what: str, most: int | None = None) -> Model:
    """Return the model with single rows in place of those that stand for several: a sample.

    Parameters
    ----------
    model
        Returned as it is if its rows are single.
    what
        What is asked, for the message: ``"Residuals are"``.
    most
        Rows that are wanted at most, of those that were kept; the same for every model of the data.

    Raises
    ------
    OptionError
        If there is no sample, or its rows count categories.
    """
    grouped = model.design.grouped
    if grouped is None:
        return model
    sample = grouped.sample
    if sample is None or not sample.at.size or model.design.response.counts is not None:
        raise _refused(grouped, what)
    if most is not None and most < sample.at.size:
        order = np.random.default_rng(_SEED).permutation(sample.at.size)
        sample = sample.some(np.sort(order[:most]))
    return replace(model, design=sampled_design(model.design, sample))


def sample_note(model: Specified) -> str:
    """Say what part of the rows `single_rows` has; nothing where rows are single."""
    grouped = model.design.grouped
    if grouped is None or grouped.sample is None:
        return ""
    return f"a sample of {grouped.sample.at.size:,} of {grouped.n:,} rows"


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
        raise _refused(grouped, what)


def _refused(grouped: Grouped, what: str) -> OptionError:
    return OptionError(
        f"{what} of single rows: {grouped.engine} has grouped {grouped.n:,} rows into "
        f"{grouped.count.size:,}. {_REMEDY}"
    )
