"""Rows that hardly repeat as what ``stan/one_pass.stan`` takes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.quadratic_form import distinct_rows
from winstan.one_pass import likelihood_code

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model

_OF_RISING = ("n_above", "excess", "tally")


def rows_data(model: Model) -> dict[str, Any]:
    """Return the rows' part of the data block: what is constant is left out."""
    cells, statistics = model.cells, model.cells.statistics
    row, first = distinct_rows(model.population)
    picked = first.size < cells.n
    Z = np.hstack([np.zeros((cells.n, 0)), *cells.Z])
    ones = np.all(Z == 1, axis=0)
    n, offset = _unless(statistics["n"], 1), _unless(cells.offset, 0)
    return {
        "likelihood": likelihood_code(model.likelihood),
        "n_rows": cells.n,
        "n_predictors": first.size,
        "predictors": model.population[first] if picked else model.population,
        "picked": int(picked),
        "predictors_of": row + 1 if picked else row[:0],
        "offset_given": int(offset.size > 0),
        "row_offset": offset,
        "row_level": np.reshape([level + 1 for level in cells.level], (-1, cells.n)),
        "row_ones": ones.astype(int),
        "row_Z": Z[:0] if np.all(ones) else Z,
        "n_given": int(n.size > 0),
        "n": n,
        "sum_y": statistics["sum_y"],
        "total_n": statistics["n"].sum(),
        "total_log_y": np.sum(statistics.get("sum_log_y", 0.0)),
        "largest": statistics.get("largest", 1.0),
        "moments": statistics.get("moments", np.zeros(0)),
        **{name: statistics.get(name, np.zeros(0)) for name in _OF_RISING},
        "n_first": statistics.get("n_first", 0),
        "V": statistics.get("V", 0),
        "log_constant": statistics["log_constant"],
    }


def _unless(values: Array, usual: float) -> Array:
    """Return values, or none of them if all are the usual one."""
    return values[:0] if np.all(values == usual) else values
