"""Correlated rows as the data of ``stan/include/correlation_data.stan``, and of what takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from winstan.model import Model
    from winstan.residual import RowCorrelation
    from winstan.residual.units import UnitRows


def correlation_data(model: Model, correlation: RowCorrelation) -> dict[str, Any]:
    """Return what the templates need of latent effects, or of residuals with a joint density."""
    structure, rows = correlation.structure, correlation.rows
    prior = np.zeros(3)
    prior[: len(structure.prior)] = structure.prior
    follows = structure.name in ("ar", "car")
    gap = structure.gap if follows else np.zeros(0)
    distance_of = np.zeros(0, int)
    if follows:
        distance_of = 1 + correlation.gap_of
    blocks = () if follows else rows.blocks
    patterns = [structure.patterns[k] for k, *_ in blocks] if structure.patterns else []
    own = _joint_data(model, rows)
    if correlation.term is not None:
        group = model.stacked.groups[correlation.term]
        own = {
            "kept": 1,
            "latent": correlation.term + 1,
            "latent_sd": group.sds.start + 1,
            "latent_level": model.cells.level[correlation.term][: model.cells.n] + 1,
        }
    return own | {
        "structure": structure.code,
        "n_numbers": structure.n_numbers,
        "number_prior_p": prior,
        "time_unit": structure.time_unit,
        "n_correlated": rows.rows.size,
        "by_unit": rows.rows + 1,
        "position": rows.back + 1,
        "n_distances": gap.size,
        "distance": gap,
        "whole_distance": gap.astype(int) if structure.name == "ar" else np.zeros(0, int),
        "distance_of": distance_of,
        "longest": int(rows.size.max()),
        "n_visits": structure.order,
        "n_patterns": len(blocks),
        "pattern_size": [size for _, _, size, _ in blocks],
        "units_of_pattern": [count for *_, count in blocks],
        "n_pattern_places": sum(own.size for own in patterns),
        "pattern_places": np.concatenate([np.zeros(0, int), *(own + 1 for own in patterns)]),
    }


def _joint_data(model: Model, rows: UnitRows) -> dict[str, Any]:
    """Return the rows of residuals that have a joint density, and their units."""
    cells = model.cells
    return {
        "n_units": rows.size.size,
        "unit_size": rows.size,
        "cell": cells.of_row + 1,
        "value": cells.sample.y,
    }
