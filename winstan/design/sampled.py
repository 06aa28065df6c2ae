"""The design of single rows, of data that an engine grouped: a sample of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from winstan.data.grouped import RowSample
    from winstan.design.design import Design
    from winstan.design.response import Response


def sampled_design(design: Design, sample: RowSample) -> Design:
    """Return the design of the sampled rows in place of the N: one row each, numbered from 0.

    Codings, and levels of group factors, are those of all rows, so that draws are of this too.
    """
    used, row = np.unique(design.row[sample.at], return_inverse=True)
    of_rows: dict[str, Any] = {
        "response": _response(design.response, sample),
        "row": row,
        "weights": sample.weight,
        "frequency": sample.weight,
        "kept": np.arange(sample.at.size),
        "grouped": None,
    }
    first, *others = (replace(one, **of_rows, **_taken(one, used)) for one in design.every)
    return replace(first, beside={one.parameter: one for one in others})


def _taken(design: Design, used: np.ndarray) -> dict[str, Any]:
    """Take some of the distinct rows of predictors, of one parameter."""
    return {
        "X": design.X[used],
        "offset": design.offset[used],
        "steps": design.steps[used],
        "predictors": design.predictors.iloc[used].reset_index(drop=True),
        "groups": tuple(replace(g, Z=g.Z[used], level=g.level[used]) for g in design.groups),
    }


def _response(response: Response, sample: RowSample) -> Response:
    at = sample.at
    return replace(
        response,
        y=response.y[at] if sample.y is None else sample.y,
        trials=None if response.trials is None else response.trials[at],
        limits=None if response.limits is None else response.limits[at],
        moments={},
    )
