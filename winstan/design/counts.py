"""Counts of several categories: the left side ``multinomial(a, b, c)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_rows
from winstan.errors import DataError

if TYPE_CHECKING:
    from winstan.data import Frame
    from winstan.formula.terms import ResponseSpec


def counts_of(spec: ResponseSpec, frame: Frame) -> np.ndarray:
    """Take the columns of counts.

    Parameters
    ----------
    spec
        The left side, which names them.
    frame
        N complete rows.

    Returns
    -------
    ndarray, shape (N, K)
        How often each row of the data had each category.

    Raises
    ------
    DataError
        If they are not whole numbers from 0 up.
    """
    columns = []
    for atom in spec.counts:
        values = pd.to_numeric(frame.data[atom.name], errors="coerce").to_numpy(float)
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values == np.round(values))))
        if bad.size:
            raise DataError(
                f"The counts {atom.name!r} have {how_many(bad.size, 'value')} below zero or not "
                f"whole, in {some_rows(frame.kept[bad])}: they are whole numbers from 0 up."
            )
        columns.append(values)
    return np.column_stack(columns)
