"""Some rows of a design, every column coded as it is in all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design.stacking import with_places

if TYPE_CHECKING:
    from winstan.design.design import Design, Memory
    from winstan.design.grouping import Factor
    from winstan.design.random_terms import RandomTerm
    from winstan.design.residual import ResidualTerm
    from winstan.design.response import Response


@dataclass(frozen=True, slots=True, eq=False)
class Subset:
    """Some of the rows of a design.

    Attributes
    ----------
    design : Design
        Its group terms have only the levels that these rows have.
    places : tuple of tuple of ndarray of int, shape (L,) each
        By parameter, by group term: of each level of the whole design the place in this one, -1
        where no row has it.
    """

    design: Design
    places: tuple[tuple[np.ndarray, ...], ...]


def take_data(design: Design, keep: np.ndarray, weights: np.ndarray | None = None) -> Subset:
    """Return the design of some rows: means and codings are those of the whole.

    Parameters
    ----------
    design
    keep : ndarray of bool, shape (N,)
        Of a response that counts categories, all observations of a row, or none.
    weights : ndarray, shape (N,), optional
        Frequency weights in place of the design's own.
    """
    used, row = np.unique(design.row[keep], return_inverse=True)
    places = tuple(tuple(_places(group, used) for group in one.groups) for one in design.every)
    first, *others = (
        _taken(one, used, row, own) for one, own in zip(design.every, places, strict=True)
    )
    of_rows = _of_rows(design, keep, weights)
    first = replace(first, **of_rows)
    beside = {
        one.parameter: replace(one, **{n: v for n, v in of_rows.items() if n != "residual"})
        for one in others
    }
    return Subset(with_places(replace(first, beside=beside)), places)


def _places(group: RandomTerm, used: np.ndarray) -> np.ndarray:
    seen = np.unique(group.level[used])
    out = np.full(group.n_levels, -1)
    out[seen] = np.arange(seen.size)
    return out


def _taken(
    design: Design, used: np.ndarray, row: np.ndarray, places: tuple[np.ndarray, ...]
) -> Design:
    """Take design rows, of one parameter."""
    return replace(
        design,
        X=design.X[used],
        offset=design.offset[used],
        steps=design.steps[used],
        row=row,
        predictors=design.predictors.iloc[used].reset_index(drop=True),
        groups=tuple(
            _term(group, used, own) for group, own in zip(design.groups, places, strict=True)
        ),
        memory=_memory(design.memory, places),
    )


def _term(group: RandomTerm, used: np.ndarray, places: np.ndarray) -> RandomTerm:
    seen = np.flatnonzero(places >= 0)
    arms = group.arm_of_level
    return replace(
        group,
        levels=tuple(group.levels[i] for i in seen),
        Z=group.Z[used],
        level=places[group.level[used]],
        arm_of_level=None if arms is None else arms[seen],
    )


def _memory(memory: Memory, places: tuple[np.ndarray, ...]) -> Memory:
    pairs = zip(memory.factors, places, strict=True)
    return replace(memory, factors=tuple(_factor(factor, own >= 0) for factor, own in pairs))


def _factor(factor: Factor, seen: np.ndarray) -> Factor:
    at = np.flatnonzero(seen)
    return replace(factor, keys=factor.keys[at], levels=tuple(factor.levels[i] for i in at))


def _of_rows(design: Design, keep: np.ndarray, weights: np.ndarray | None) -> dict[str, Any]:
    """Take what is by row of data."""
    response, counts = design.response, design.response.counts
    data = keep
    if counts is not None:  # observations of each row
        data = np.zeros(len(counts), bool)
        data[np.nonzero(counts)[0][keep]] = True
    own = design.weights if weights is None else weights
    frequency = design.frequency if weights is None or counts is not None else weights
    return {
        "response": _response(response, keep, data),
        "weights": None if own is None else own[keep],
        "frequency": None if frequency is None else frequency[data],
        "kept": design.kept[keep],
        "grouped": None if design.grouped is None else design.grouped.taken(keep),
        "residual": None if design.residual is None else _residual(design.residual, keep),
    }


def _response(response: Response, keep: np.ndarray, data: np.ndarray) -> Response:
    return replace(
        response,
        y=response.y[keep],
        trials=None if response.trials is None else response.trials[keep],
        limits=None if response.limits is None else response.limits[np.flatnonzero(keep)],
        counts=None if response.counts is None else response.counts[data],
        moments={name: own.taken(keep) for name, own in response.moments.items()},
    )


def _residual(term: ResidualTerm, keep: np.ndarray) -> ResidualTerm:
    seen, unit = np.unique(term.unit[keep], return_inverse=True)
    mask = np.zeros(len(term.factor.levels), bool)
    mask[seen] = True
    place = term.place[keep]
    return replace(
        term,
        factor=_factor(term.factor, mask),
        unit=unit,
        place=place,
        rows=np.lexsort((place, unit)),
        longest=term.n_lags,
        largest=term.most_rows,
    )
