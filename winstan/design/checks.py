"""Checks of a design that formulae does not make: rank, finite values, usable groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.data.columns import how_many, some_rows
from winstan.design_warnings import warn_design
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan.design.random_terms import RandomTerm

# A column that its predecessors explain to this relative precision cannot be told from them.
_ALIASED = 1e-10
_EPS = float(np.finfo(np.float64).eps)
_BLOCK = 100_000
_SAMPLE = 10_000
_FEW_LEVELS = 5
_ZERO = "is zero in every row"


def check_finite(
    X: np.ndarray, names: Sequence[str], row: np.ndarray, kept: np.ndarray, what: str = "term"
) -> None:
    """Refuse values that a transform made infinite or undefined.

    Parameters
    ----------
    X : ndarray of shape (D, K)
        Columns of the design.
    names
        Name of each column.
    row : ndarray of shape (N,)
        The design row of each kept row.
    kept : ndarray of shape (N,)
        Its position in the user's frame.
    what
        What the columns are, for the message.
    """
    with np.errstate(all="ignore"):
        total = X.sum()
    if np.isfinite(total):  # cheap, and enough: no sum over anything not finite is finite
        return
    for name, column in zip(names, X.T, strict=True):
        bad = np.flatnonzero(~np.isfinite(column)[row])
        if len(bad):
            raise DataError(
                f"The {what} '{name}' is infinite or undefined in {how_many(len(bad), 'row')}, "
                f"{some_rows(kept[bad])}: a value lies outside the function's domain, as 0 does "
                "for log. Use another transform (np.log1p, or add a constant), or leave these rows "
                "out."
            )


def check_rank(
    X: np.ndarray,
    names: Sequence[str],
    *,
    intercept: bool,
    remedy: Callable[[set[int]], str] = lambda redundant: "",
) -> None:
    """Refuse columns that are combinations of others.

    Columns are taken from left to right, so it is the later one that is named as redundant.

    Parameters
    ----------
    X : ndarray of shape (D, K)
        Distinct rows of the common design, without the intercept.
    names
        Name of each column.
    intercept
        Whether the model has an intercept.
    remedy
        Says, of the redundant columns, what to do where cells of an interaction are empty; nothing
        where that is not the cause.

    Raises
    ------
    DataError
        Naming every redundant column, and what it is made of.
    """
    redundant = redundant_columns(X, names, intercept=intercept)
    if redundant:
        found = [(names[j], recipe) for j, recipe in redundant]
        way_out = remedy({j for j, _ in redundant}) or _leave_out(found)
        raise DataError(_rank_message(found) + way_out)


def redundant_columns(
    X: np.ndarray, names: Sequence[str], *, intercept: bool
) -> list[tuple[int, str]]:
    """Find columns that are combinations of those before them.

    Parameters
    ----------
    X, names, intercept
        As for `check_rank`.

    Returns
    -------
    list of (int, str)
        The place of each, and what it is made of: ``= 32 + 1.8 'celsius'``.
    """
    if X.shape[1] == 0:
        return []
    if len(X) > 2 * _SAMPLE and not _dependencies(X[:: len(X) // _SAMPLE], intercept=intercept):
        return []  # columns that differ on some of the rows differ
    return [
        (j, _recipe(weights, [names[i] for i in others], constant, X[:, j]))
        for j, others, weights, constant in _dependencies(X, intercept=intercept)
    ]


def _dependencies(
    X: np.ndarray, *, intercept: bool
) -> list[tuple[int, list[int], np.ndarray, float]]:
    """Return each redundant column, earlier ones that it combines, their weights, a constant."""
    means = X.mean(axis=0) if intercept else np.zeros(X.shape[1])
    spread = np.ptp(X, axis=0)
    size = np.abs(X).max(axis=0)
    # Where there is an intercept, "constant" is decided on the raw values: after centring only
    # rounding is left of such a column, and rounding has full rank.
    constant = spread <= 8 * _EPS * size if intercept else size == 0
    scale = np.where(constant, 1.0, np.where(spread > 0, spread, size))
    triangle = _triangle(X, means, scale)
    triangle[:, constant] = 0.0
    norms = np.linalg.norm(triangle, axis=0)
    # Values far from zero carry rounding that is not small beside their spread.
    tolerance = _ALIASED + 8 * _EPS * np.where(constant, 0.0, size / scale).max()

    basis = np.empty((len(triangle), 0))
    independent: list[int] = []
    found = []
    for j in range(X.shape[1]):
        rest = triangle[:, j]
        for _ in range(2):  # once more, against rounding
            rest = rest - basis @ (basis.T @ rest)
        if norms[j] > 0 and np.linalg.norm(rest) > tolerance * norms[j]:
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
            independent.append(j)
            continue
        earlier = list(independent)
        solved, *_ = np.linalg.lstsq(triangle[:, earlier], triangle[:, j], rcond=None)
        weights = solved * scale[j] / scale[earlier]
        found.append((j, earlier, weights, float(means[j] - weights @ means[earlier])))
    return found


def _rank_message(found: list[tuple[str, str]]) -> str:
    shown = "; ".join(f"'{name}' {recipe}" for name, recipe in found[:5])
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    one = len(found) == 1
    noun = "a column" if one else f"{len(found)} columns"
    if all(recipe == _ZERO for _, recipe in found):
        what = f"{noun} {'says' if one else 'say'} nothing of the response"
        return f"The design is rank-deficient: {what}: {shown}{more}."
    return (
        f"The population-level design is rank-deficient: {noun} {'repeats' if one else 'repeat'} "
        f"what others say, so that coefficients cannot be told apart: {shown}{more}."
    )


def _leave_out(found: list[tuple[str, str]]) -> str:
    if all(recipe == _ZERO for _, recipe in found):
        return " Leave out what is zero, or check how it was computed."
    return " Leave out the terms that repeat others."


def _recipe(weights: np.ndarray, names: list[str], constant: float, column: np.ndarray) -> str:
    """Say what a redundant column is made of: ``= 32 + 1.8 celsius``."""
    if not column.any():
        return _ZERO
    parts = [
        f"{'' if abs(w - 1) < 1e-6 else f'{w:.4g} '}'{name}'"
        for w, name in zip(weights, names, strict=True)
        if abs(w) > 1e-8 * max(1e-300, np.abs(weights).max())
    ]
    if np.ptp(column) <= 8 * _EPS * np.abs(column).max():
        return f"is {column[0]:.6g} in every row, as the intercept is"
    if abs(constant) > 1e-8 * np.abs(column).max():
        parts.insert(0, f"{constant:.4g}")
    return "= " + " + ".join(parts).replace("+ -", "- ")


def _triangle(X: np.ndarray, means: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return R of the QR decomposition of the scaled columns, made block by block.

    R has the same dependencies between columns as X, and at most K rows.
    """
    triangle = np.empty((0, X.shape[1]))
    for start in range(0, len(X), _BLOCK):
        block = (X[start : start + _BLOCK] - means) / scale
        triangle = np.linalg.qr(np.vstack([triangle, block]), mode="r")
    return triangle


def check_groups(
    factor: str, levels: Sequence[object], sds: Sequence[str], *, common: bool = False
) -> None:
    """Refuse a factor of one level, and warn of one with few.

    Parameters
    ----------
    factor
        Name of the grouping factor.
    levels
        Its levels.
    sds
        Names of the standard deviations of what varies between its levels.
    common
        Whether it is a population-level predictor as well.
    """
    if len(levels) == 1:
        raise DataError(
            f"The grouping factor '{factor}' has only one level, {levels[0]!r}: nothing varies "
            f"between groups. Remove its group term."
        )
    if len(levels) < _FEW_LEVELS:
        shown = ", ".join(repr(level) for level in levels)
        remedy = (
            "It is a population-level term already: leave its group term out."
            if common
            else f"Consider '{factor}' as a population-level term, or an informative prior on "
            f"'{sds[0]}'."
        )
        warn_design(
            f"The grouping factor '{factor}' has only {len(levels)} levels ({shown}): they say "
            f"little about the standard deviation between groups. {remedy}",
            "few_levels",
        )


def check_crossing(groups: Sequence[RandomTerm]) -> None:
    """Warn of two factors that part the rows in the same way.

    Their standard deviations can only be told apart by their priors. It happens when levels that
    are nested already have names of their own: ``(1|batch) + (1|batch:cask)`` with one cask each.
    """
    for i, second in enumerate(groups):
        for first in groups[:i]:
            shared = {e.name for e in first.effects} & {e.name for e in second.effects}
            if not shared or len(first.levels) != len(second.levels):
                continue
            pairs = np.unique(first.level * len(second.levels) + second.level)
            if len(pairs) == len(first.levels):
                name = min(shared)
                warn_design(
                    f"The grouping factors '{first.factor}' and '{second.factor}' part the rows in "
                    f"the same way: '{name}|{first.factor}_sigma' and "
                    f"'{name}|{second.factor}_sigma' cannot be told apart. Remove one group term.",
                    "same_groups",
                )
