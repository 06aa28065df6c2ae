"""Rows that hardly repeat as what ``stan/one_pass.stan`` takes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.quadratic_form import distinct_rows
from winstan.cells import distinct
from winstan.one_pass import likelihood_code

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model

_OF_RISING = ("n_above", "excess", "tally")


def rows_data(model: Model) -> dict[str, Any]:
    """Return the rows' part of the data block: what is constant is left out."""
    cells, statistics = model.cells, model.cells.statistics
    n, offset = _unless(statistics["n"], 1), _unless(cells.offset, 0)
    return {
        "likelihood": likelihood_code(model.likelihood),
        "n_rows": cells.n,
        "offset_given": int(offset.size > 0),
        "row_offset": offset,
        "row_level": np.reshape([level + 1 for level in cells.level], (-1, cells.n)),
        **_effects_data(model),
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


def _effects_data(model: Model) -> dict[str, Any]:
    """Return the predictors of coefficients and effects.

    Columns of a curve of all rows stand beside those of the coefficients. Of curves of each level
    the distinct rows are told, unless a table of these and the levels were longer than the rows.
    """
    cells, groups = model.cells, model.stacked.groups
    whole, curve_of = [model.population], [np.zeros(0, int)]
    told, Z = [np.zeros(0, int)], [np.zeros((cells.n, 0))]
    table_of, table_rows, place = [], [], [np.zeros((0, cells.n), int)]
    basis = [np.zeros(0)]
    for m, (group, own, level) in enumerate(zip(groups, cells.Z, cells.level, strict=True)):
        curve = group.shared is not None and group.q > 1
        code, first = distinct(own.T, cells.n) if curve else (level, level)
        if curve and group.n_levels == 1:
            whole.append(own)
            curve_of.append(model.coordinates.start[m] + np.arange(group.q))
        elif curve and first.size * group.n_levels <= cells.n:
            table_of.append(m + 1)
            table_rows.append(first.size)
            basis.append(own[first].ravel(order="F"))
            place.append((level * first.size + code + 1)[None])
        else:
            of_ones = np.all(own == 1, axis=0)
            told.append(2 - of_ones)
            Z.append(own[:, ~of_ones])
            continue
        told.append(np.zeros(group.q, int))
    predictors = np.hstack(whole)
    row, first = distinct_rows(predictors)
    picked = first.size < cells.n
    here, told_once, columns = np.hstack(Z), np.concatenate(basis), np.concatenate(curve_of)
    return {
        "n_predictors": first.size,
        "n_curve_columns": columns.size,
        "curve_of": columns + 1,
        "predictors": predictors[first] if picked else predictors,
        "picked": int(picked),
        "predictors_of": row + 1 if picked else row[:0],
        "told": np.concatenate(told),
        "n_told": here.shape[1],
        "row_Z": here,
        "n_table": len(table_of),
        "table_of": table_of,
        "table_rows": table_rows,
        "n_row_basis": told_once.size,
        "row_basis": told_once,
        "row_place": np.vstack(place),
    }


def _unless(values: Array, usual: float) -> Array:
    """Return values, or none of them if all are the usual one."""
    return values[:0] if np.all(values == usual) else values
