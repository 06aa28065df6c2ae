"""Correlated residuals as the data of ``stan/gaussian_residual.stan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.stan_priors import prior_data
from winstan.residual.autoregressive import Autoregressive

if TYPE_CHECKING:
    from winstan.residual import CorrelatedResiduals


def residual_data(residual: CorrelatedResiduals) -> dict[str, Any]:
    """Return what the template needs beside the group terms and the coordinates."""
    products, structure, spreads = residual.products, residual.structure, residual.spreads
    matrix = products.matrix
    spread_kind, spread_numbers = prior_data(spreads.priors)
    numbers = np.zeros(3)
    numbers[: len(structure.prior)] = structure.prior
    steps = structure.gap if structure.code == Autoregressive.code else np.zeros(0)
    return {
        "W": products.W,
        "width": products.width,
        "n_groups": products.n_groups,
        "prior": residual.prior,
        "log_constant": residual.log_constant,
        "column": [at + 1 for at in residual.column],
        "n_kinds": spreads.rows.size,
        "rows_of_kind": spreads.rows,
        "spread_formula": int(spreads.predicted),
        "n_spread": residual.n_spread,
        "spread_X": spreads.X,
        "spread_offset": spreads.offset,
        "spread_prior": spread_kind,
        "spread_prior_p": spread_numbers,
        "structure": structure.code,
        "n_numbers": structure.n_numbers,
        "number_prior_p": numbers,
        "order": structure.order,
        "time_unit": structure.time_unit,
        "n_gap": structure.gap.size,
        "gap": structure.gap,
        "steps": steps.astype(int),
        "pairs_of_gap": structure.pairs,
        "n_patterns": len(structure.patterns),
        "pattern_size": [own.size for own in structure.patterns],
        "units_of_pattern": structure.units,
        "n_places": sum(own.size for own in structure.patterns),
        "places": np.concatenate([np.zeros(0, int), *(own + 1 for own in structure.patterns)]),
        "F": products.weight_of.size,
        "n_weights": structure.n_weights,
        "weight_of": products.weight_of + 1,
        "kind_of": products.kind_of + 1,
        "other_kind_of": products.other_kind_of + 1,
        "n_nonzero": matrix.nnz,
        "n_out": matrix.shape[0],
        "product_w": matrix.data,
        "product_v": matrix.indices + 1,
        "product_u": matrix.indptr + 1,
    }
