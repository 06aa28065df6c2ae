"""What results are given for and averaged over: the levels of `by`, and the weights of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many
from winstan.effects.comparisons import (
    check_offset,
    check_predictor,
    columns_of_effects,
    format_value,
    has_labels,
    listed,
    settle_value,
)
from winstan.effects.means import designs_of
from winstan.errors import OptionError
from winstan.options import Weighting, check_option
from winstan.scales import spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.options import By


# A numeric `by` with more values than these is set to its mean and one sd to either side.
MOST_VALUES = 6
MOST_CELLS = 10_000
"""Combinations of the other factors' levels that are averaged with equal weights."""
NAMED = 6
"""Empty cells that an error names."""

type Setting = Mapping[str, Any]
"""Columns, and what they are set to in every row."""


@dataclass(frozen=True, slots=True)
class Strata:
    """The levels that results are given for, and the rows that each of them averages.

    Attributes
    ----------
    by : tuple of str
    levels : tuple of tuple
        Values of the columns of `by`; a single empty one without it.
    weights : ndarray, shape (L, D)
        Of the design's rows, for each level; they sum to one.
    settings : tuple of mapping
        What each level sets in every row, in place of choosing the rows that have it.
    margins : tuple of mapping
        Settings of other columns over whose answers each is averaged.
    """

    by: tuple[str, ...]
    levels: tuple[tuple[Any, ...], ...]
    weights: Array
    settings: tuple[Setting, ...]
    margins: tuple[Setting, ...] = ({},)

    @property
    def blocks(self) -> tuple[tuple[Setting, list[int]], ...]:
        """Return the different settings, each with the levels that have it."""
        found: dict[tuple[Any, ...], list[int]] = {}
        for k, setting in enumerate(self.settings):
            found.setdefault(tuple(setting.values()), []).append(k)
        return tuple((self.settings[places[0]], places) for places in found.values())

    def gathered(self, values: Array, n_changes: int) -> Array:
        """Average what `settings_of` gives over the margins, shape (S, changes, L)."""
        of_margins = values.reshape(len(values), n_changes, len(self.margins), -1)
        places = [k for _, some in self.blocks for k in some]
        return of_margins.mean(axis=2)[:, :, np.argsort(places)]


def strata(
    model: Specified,
    by: By | None,
    weights: Weighting = "observed",
    apart: Iterable[str] = (),
    what: str = "the treatment",
) -> Strata:
    """Find the levels of `by` and the weights of the rows.

    Parameters
    ----------
    model
    by
        Columns, whose combinations of levels are each averaged over the rows that have them; a
        number with more than six values is set to the mean and one sd to either side, in every row.
        ``{"x": [1, 5]}`` sets x in every row to the values given, ``{"x": None}`` is x alone.
    weights : {"observed", "equal"}
        Rows as the data have them (groups alike); or every combination of the levels of the other
        factors alike, whether or not the data have it, and the numbers over all rows.
    apart
        Columns that the question sets itself.
    what
        What these are called in messages.

    Raises
    ------
    OptionError
        If one is no predictor, a value is no level of it, or no row has some combination.
    """
    check_option("weights", weights, Weighting)
    wanted, apart = columns_of_by(by), tuple(apart)
    axes = []
    for name, given in wanted.items():
        check_predictor(model, name, "by=")
        check_offset(model, name)
        check_label(name)
        if name in apart:
            raise OptionError(f"by={name!r} is {what} itself.")
        axes.append(_axis(model, name, given, balanced=weights == "equal"))
    picked = [k for k, axis in enumerate(axes) if axis.members is not None]
    names, levels, members, settings = tuple(wanted), [], [], []
    for places in product(*(range(len(axis.levels)) for axis in axes)):
        levels.append(tuple(axis.levels[i] for axis, i in zip(axes, places, strict=True)))
        inside = np.ones(len(model.design.predictors), bool)
        for k in picked:
            inside &= axes[k].members[places[k]]  # type: ignore[index]
        members.append(inside)
        settings.append({names[k]: levels[-1][k] for k in range(len(axes)) if k not in picked})
    _check_cells(model, names, levels, members)
    rows = row_weights(model)
    margins: tuple[Setting, ...] = ({},)
    if weights == "equal":
        margins = _margins(model, {*apart, *names})
    return Strata(names, tuple(levels), _weights(model, np.stack(members), rows), tuple(settings),
                  margins)  # fmt: skip


def columns_of_by(by: By | None) -> dict[str, Iterable[Any] | None]:
    """Return the columns of ``by=``, each with the values that it is set to, or None.

    Raises
    ------
    OptionError
        If there is none, or one is named twice.
    """
    if by is None:
        return {}
    if isinstance(by, Mapping):
        wanted = dict(by)
    else:
        names = listed(by)
        wanted = dict.fromkeys(names)
        if len(wanted) < len(names):
            raise OptionError(f"by= names a column twice: {names!r}.")
    if not wanted:
        raise OptionError("by= names no column: leave it out, or name one.")
    return wanted


def level_columns(
    by: Sequence[str], levels: Sequence[tuple[Any, ...]], take: Any = slice(None)
) -> dict[str, np.ndarray]:
    """Return a table's columns of `by`, for each level, or for those of some places."""
    columns = zip(*levels, strict=True) if by else ()
    return {
        name: pd.Series(list(column)).to_numpy()[take]
        for name, column in zip(by, columns, strict=True)
    }


def row_weights(model: Specified) -> Array:
    """Rows of the data behind each distinct row, by frequency weight, shape (D,)."""
    design = model.design
    return np.bincount(design.row, design.weights, minlength=len(design.predictors)).astype(float)


def check_label(name: str) -> None:
    """Refuse a column whose name a table of results has for itself."""
    if name in ("contrast", "draw", "groups", "value", "mean", "sd", "p_direction", "p_rope"):
        raise OptionError(
            f"The column {name!r} has the name of a column of the result. Rename it, and fit again."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """A column of `by`: its levels, and the rows that have each, or None where it is set."""

    levels: tuple[Any, ...]
    members: np.ndarray | None


def _axis(model: Specified, name: str, given: Iterable[Any] | None, *, balanced: bool) -> _Axis:
    column = model.design.predictors[name]
    categories = (
        column.cat.categories
        if isinstance(column.dtype, pd.CategoricalDtype)
        else pd.Index(np.sort(column.unique()))
    )
    if given is None and len(categories) > MOST_VALUES and not has_labels(model, name):
        weight = row_weights(model)
        x = column.to_numpy(float)
        mean, sd = np.average(x, weights=weight), spread(x, weight)
        # The mean of a centred column is a rounding error away from zero.
        mean = 0.0 if abs(mean) < 1e-12 * sd else mean
        given = [float(mean - sd), float(mean), float(mean + sd)]
    if given is not None:
        levels = tuple(settle_value(model, name, value) for value in listed(given))
        if not levels:
            raise OptionError(f"by= has no values for {name!r}.")
        if len(set(levels)) < len(levels):
            raise OptionError(f"by= has a value of {name!r} twice: {list(levels)!r}.")
        return _Axis(levels, None)
    levels = tuple(categories.tolist())
    # A column that only names groups is not set: its levels are groups of the data.
    if balanced and name in columns_of_effects(model):
        return _Axis(levels, None)
    return _Axis(levels, np.stack([column.to_numpy() == level for level in levels]))


def _check_cells(
    model: Specified,
    names: tuple[str, ...],
    levels: Sequence[tuple[Any, ...]],
    members: Sequence[np.ndarray],
) -> None:
    """Refuse combinations of levels that no row has: nothing can be averaged over none."""
    empty = [level for level, inside in zip(levels, members, strict=True) if not inside.any()]
    if not empty:
        return
    named = "; ".join(
        ", ".join(
            f"{name} = {format_value(value)}" for name, value in zip(names, level, strict=True)
        )
        for level in empty[:NAMED]
    )
    more = f"; and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
    setting = {
        name: list(dict.fromkeys(level[k] for level in levels)) for k, name in enumerate(names)
    }
    remedy = ""
    if set(names) <= columns_of_effects(model):
        remedy = (
            " What the formula alone says of them is had by setting the columns in every row, "
            f"by={setting!r}, or weights='equal'."
        )
    raise OptionError(
        f"No row has {how_many(len(empty), 'combination')} of {' and '.join(map(repr, names))}, "
        f"which by= asks for: {named}{more}. Nothing is averaged there.{remedy}"
    )


def _margins(model: Specified, apart: set[str]) -> tuple[Setting, ...]:
    """Return every combination of the levels of the other factors, and of numbers of two values."""
    predictors = model.design.predictors
    names = [
        name
        for name in map(str, predictors.columns)
        if name in columns_of_effects(model) - apart
        and (has_labels(model, name) or predictors[name].nunique() <= 2)
    ]
    levels = [pd.unique(predictors[name]).tolist() for name in names]
    count = int(np.prod([float(len(values)) for values in levels]))
    if count > MOST_CELLS:
        raise OptionError(
            f"weights='equal' averages over {count:,} combinations of "
            f"{', '.join(map(repr, names))}, and takes {MOST_CELLS:,} at most: name some of these "
            "columns in by=."
        )
    return tuple(dict(zip(names, values, strict=True)) for values in product(*levels))


def _weights(model: Specified, members: np.ndarray, weight: Array) -> Array:
    """Weights of the design rows for each set of them, shape (L, D); each level's sum to one.

    Rows that differ by the treatment alone are averaged as they are: the counterfactual treats
    them alike. Groups count equally, rows within a group by their number.
    """
    levels = [group.level for design in designs_of(model) for group in design.groups]
    if levels:
        levels_of_row = np.stack(levels)
        codes = np.unique(levels_of_row, axis=1, return_inverse=True)[1].reshape(-1)
    else:
        codes = np.zeros(len(weight), int)
    out = np.zeros(members.shape)
    for row, member in zip(out, members, strict=True):
        inside = np.where(member, weight, 0.0)
        of_group = np.bincount(codes, inside)
        present = of_group > 0
        row[:] = inside / np.where(present, of_group, 1.0)[codes] / np.count_nonzero(present)
    return out
