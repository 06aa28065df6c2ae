"""Groups whose effects are integrated out, as ``stan/group_integrals.stan`` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.group_integrals import grouped_rows

if TYPE_CHECKING:
    from winstan.model import Model


def groups_data(model: Model) -> dict[str, Any]:
    """Return the groups' part of the data block."""
    rows, statistics = (
        grouped_rows(model.cells, model.likelihood, model.population),
        model.cells.statistics,
    )
    return {
        "n_groups": rows.last.size,
        "n_rows": len(rows.X),
        "group_X": rows.X,
        "last": rows.last,
        "known": rows.known,
        "weighted": int(rows.weight.size > 0),
        "weight": rows.weight,
        "linear": rows.linear,
        "linear_offset": rows.linear_offset,
        "sign": rows.sign,
        "total_n": statistics["n"].sum(),
        "total_log_y": np.sum(statistics.get("sum_log_y", 0.0)),
        "log_constant": statistics["log_constant"],
    }


def no_terms_data() -> dict[str, Any]:
    """Return what a template is told of group terms where it has none, but their sds."""
    names = "J q correlated lkj sd_of length_of frequency n_distinct ones along_rows effect_product"
    empty = dict.fromkeys(names.split(), np.zeros(0, int))
    return empty | {
        "M": 0,
        "N": 0,
        "n_plain": 0,
        "Z": np.zeros((0, 0)),
        "level": np.zeros((0, 0), int),
    }
