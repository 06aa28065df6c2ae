"""The units that are left out, one after the other, and what cannot be told without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.columns import how_many, some_levels
from winstan.design_warnings import warn_design
from winstan.effects.correlated import check_integrated
from winstan.errors import DataError, OptionError, PriorError, near_matches
from winstan.priors import Flat

if TYPE_CHECKING:
    from winstan.design import Design
    from winstan.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The levels of a factor, and their rows.

    Attributes
    ----------
    factor : str
    labels : tuple, shape (J,)
    code : ndarray of int, shape (N,)
        The unit of each row of data.
    """

    factor: str
    labels: tuple[Any, ...]
    code: np.ndarray

    def rows(self, i: int) -> np.ndarray:
        """Return the places of a unit's rows among the N."""
        return np.flatnonzero(self.code == i)


def units_of(model: Model, factor: Any) -> Units:
    """Find the units of a factor of a model, and refuse what cannot be done without one of them.

    Raises
    ------
    OptionError
        If the model has no such factor, residuals are correlated across its levels, or correlated
        rows are sampled one by one.
    DataError
        If there is one level only, or an arm of ``gr(g, by=arm)`` has one.
    PriorError
        If a coefficient that rows of one unit alone tell has a flat prior.

    Warns
    -----
    DesignWarning
        ``lone_predictors``, of coefficients that are known by their priors alone without a unit.
    """
    if model.residuals is None:  # of a unit's latent effects the integral has as many dimensions
        check_integrated(model, f"leave_out={factor!r}", "fit.loo() predicts rows.")
    units = _find(model, factor)
    if len(units.labels) < 2:
        raise DataError(
            f"leave_out={factor!r}: it has one level only, {units.labels[0]!r}, and nothing is left"
            " to fit without it."
        )
    _check_residuals(model, units)
    _check_arms(model, units)
    _check_columns(model, units)
    return units


def _find(model: Model, factor: Any) -> Units:
    design = model.design
    for one in design.every:
        for group in one.groups:
            if group.factor == factor:
                return Units(factor, group.levels, group.level[design.row])
    term = design.residual
    if term is not None and term.spec.factor == factor:
        return Units(factor, term.factor.levels, term.unit)
    known = [group.factor for one in design.every for group in one.groups]
    known += [] if term is None else [term.spec.factor]
    names = list(dict.fromkeys(known))
    if not names:
        raise OptionError(
            f"leave_out={factor!r}: {model.formula.text!r} has no group term, so that rows are all "
            f"that can be left out: fit.loo(). Units are those of a term such as (1 | mouse)."
        )
    raise OptionError(
        f"leave_out={factor!r} is no grouping factor of {model.formula.text!r}."
        + near_matches(str(factor), names)
    )


def _check_residuals(model: Model, units: Units) -> None:
    """Refuse to part rows whose residuals are correlated."""
    term = model.design.residual
    if term is None:
        return
    pairs = np.unique(np.column_stack([term.unit, units.code]), axis=0)
    parted = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    if parted.size:
        labels = [term.factor.levels[i] for i in parted]
        raise OptionError(
            f"leave_out={units.factor!r} parts {how_many(parted.size, 'unit')} of "
            f"'{term.spec.factor}' ({some_levels(labels)}), whose residuals are correlated by "
            f"{term.spec.text}: leave_out={term.spec.factor!r} leaves whole ones out."
        )


def _check_arms(model: Model, units: Units) -> None:
    """Refuse to leave an arm without levels: its covariance would be known by its prior alone."""
    row = model.design.row
    for group in (g for one in model.design.every for g in one.groups):
        if group.arm_of_level is None:
            continue
        arm = group.arm_of_level[group.level][row]
        for a, name in enumerate(group.arms):
            own = np.unique(units.code[arm == a])
            if own.size == 1:
                raise DataError(
                    f"leave_out={units.factor!r}: {units.labels[own[0]]!r} is the only one with "
                    f"{group.by} = {name!r}, and without it nothing tells how levels of "
                    f"'{group.factor}' vary there. Leave gr(..., by={group.by}) out of the formula."
                )


def _check_columns(model: Model, units: Units) -> None:
    """Find coefficients that rows of one unit alone tell."""
    alone: dict[str, Any] = {}
    for design in model.design.every:
        for k, i in _told_by_one(design, units):
            alone.setdefault(design.column_names[k], units.labels[i])
    flat = [name for name in alone if isinstance(model.priors.table.get(name), Flat)]
    if flat:
        raise PriorError(
            f"leave_out={units.factor!r}: only {alone[flat[0]]!r} tells the coefficient "
            f"{flat[0]!r}, whose prior is Flat, and without it there is no posterior. Give it a "
            f"proper prior: priors={{{flat[0]!r}: ws.Normal(0, 1)}}, say."
        )
    if alone:
        name, label = next(iter(alone.items()))
        others = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        warn_design(
            f"Only {units.factor} {label!r} tells the coefficient {name!r}{others}: fitted without "
            "it, its prior is all that is known of it, and the unit is predicted so.",
            "lone_predictors",
        )


def _told_by_one(design: Design, units: Units) -> list[tuple[int, int]]:
    """List the columns that do not vary without some unit: (column, unit)."""
    out = []
    varying = np.flatnonzero(np.ptp(design.X, axis=0) > 0)
    if not varying.size:
        return []
    J = len(units.labels)
    pairs = np.unique(np.column_stack([design.row, units.code]), axis=0)
    for k in varying.tolist():
        x, unit = design.X[pairs[:, 0], k], pairs[:, 1]
        low, high = np.full(J, np.inf), np.full(J, -np.inf)
        np.minimum.at(low, unit, x)
        np.maximum.at(high, unit, x)
        for i in {int(np.argmin(low)), int(np.argmax(high))}:
            others = np.arange(J) != i
            if low[others].min() == high[others].max():
                out.append((k, i))
    return out
