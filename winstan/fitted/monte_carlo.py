"""What a table says of its Monte Carlo error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from winstan.fitted.fitted_model import FittedModel


def with_ess(fit: FittedModel, table: pd.DataFrame) -> pd.DataFrame:
    """Note the fewest effective draws of any parameter in ``attrs["ess"]``, and return the table.

    `winstan.table` rounds by it. One number for all rows, so that a part of the table keeps it.
    """
    least = min(fit.diagnostics.min_ess_bulk, fit.diagnostics.min_ess_tail)
    if np.isfinite(least):
        table.attrs["ess"] = float(least)
    return table
