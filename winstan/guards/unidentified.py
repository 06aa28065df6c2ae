"""Group terms whose standard deviations the data cannot tell: only their priors speak of them.

`ws.lme` refuses such terms (`winstan.classical.cross_products`); a posterior is still proper, but
what it says of them is the prior's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.data.columns import how_many
from winstan.design.checks import redundant_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan.design import RandomTerm
    from winstan.formula import GroupSpec
    from winstan.model import Model

_CLOSE = 1e-10


def check_identification(model: Model, *, binary: bool) -> Iterator[str]:
    """Say which group terms the data cannot identify, and why.

    Parameters
    ----------
    model
    binary
        Whether each row is one yes or no.

    Yields
    ------
    str
        What was found, and the remedy: one for each term and kind.
    """
    pairs = zip(model.formula.groups, model.design.groups, strict=True)
    terms = [(spec, group) for spec, group in pairs if group.shared is None and not spec.latent]
    for place, (spec, group) in enumerate(terms):
        empty = _zero_columns(spec, group)
        if empty:
            yield empty
        yield from _repeats(spec, group)
        for other_spec, other in terms[:place]:
            if other.factor == group.factor:
                yield from _repeats_of(spec, group, other_spec, other)
        if not empty:  # zeros are effects that no row tells
            alone = _alone(model, spec, group, binary=binary)
            if alone:
                yield alone


def _sds(group: RandomTerm, columns: list[int]) -> str:
    """Name the standard deviations of some columns."""
    names = group.sd_names
    return " and ".join(repr(names[column]) for column in columns)


def _names(group: RandomTerm) -> list[str]:
    return [name for effect in group.effects for name in effect.column_names]


def _zero_columns(spec: GroupSpec, group: RandomTerm) -> str | None:
    zero = np.flatnonzero(~group.Z.any(axis=0)).tolist()
    if not zero:
        return None
    names = ", ".join(repr(_names(group)[column]) for column in zero)
    one = len(zero) == 1
    return (
        f"In the group term {spec.text}, {names} {'is' if one else 'are'} zero in every row: the "
        f"data cannot identify {_sds(group, zero)}, of which only the prior speaks. "
        f"Leave {'it' if one else 'them'} out of the term."
    )


def _repeats(spec: GroupSpec, group: RandomTerm) -> Iterator[str]:
    """Columns of a term that are constant beside an intercept, or repeat others of the term."""
    shown = np.flatnonzero(group.Z.any(axis=0))
    Z, names = group.Z[:, shown], [_names(group)[column] for column in shown]
    if Z.shape[1] < 2:
        return
    constant = np.ptp(Z, axis=0) == 0
    first = names[0] == "1"
    if group.correlated:
        found = redundant_columns(Z[:, 1:] if first else Z, names[first:], intercept=first)
        pairs = [(j + first, recipe) for j, recipe in found]
    else:  # sums of several columns are told by how they vary with them, multiples are not
        pairs = [
            (j, f"= {ratio:.4g} '{names[i]}'")
            for j in range(1, len(names))
            for i in range(j)
            if (ratio := _ratio(Z[:, i], Z[:, j])) is not None
        ][:1]
    for j, recipe in pairs:
        sd = _sds(group, [int(shown[j])])
        if constant[j] and first:
            yield (
                f"In the group term {spec.text}, '{names[j]}' is {Z[0, j]:.6g} in every row, as a "
                f"group's intercept is: the data cannot identify {sd} beside "
                f"'1|{group.factor}_sigma'. Leave it out of the term."
            )
        else:
            yield (
                f"In the group term {spec.text}, '{names[j]}' repeats the columns before it "
                f"('{names[j]}' {recipe}): the data cannot identify {sd}. Leave it out of the term."
            )


def _repeats_of(
    spec: GroupSpec, group: RandomTerm, other_spec: GroupSpec, other: RandomTerm
) -> Iterator[str]:
    """Columns of two terms on one factor of which one term holds what the other says."""
    for mine, its_spec, its, yours in (
        (group, spec, other, other_spec),
        (other, other_spec, group, spec),
    ):
        for column, z in enumerate(mine.Z.T):
            if z.any() and _within(z, its):
                yield (
                    f"The group terms {yours.text} and {its_spec.text} both hold "
                    f"'{_names(mine)[column]}' by '{group.factor}': the data cannot identify "
                    f"{_sds(mine, [column])}. Keep it in one of them."
                )
                return


def _within(z: np.ndarray, term: RandomTerm) -> bool:
    """Whether a term has the effect of a column: as a combination, or (uncorrelated) a multiple."""
    if not term.correlated:
        return any(_ratio(other, z) is not None for other in term.Z.T)
    weights = np.linalg.lstsq(term.Z, z, rcond=None)[0]
    return bool(np.allclose(term.Z @ weights, z, rtol=0, atol=_CLOSE * np.abs(z).max()))


def _ratio(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return what a column is multiplied by to give the other one; None if it does not."""
    at = int(np.abs(one).argmax())
    if one[at] == 0 or other[at] == 0:
        return None
    ratio = float(other[at] / one[at])
    close = np.allclose(one * ratio, other, rtol=0, atol=_CLOSE * np.abs(other).max())
    return ratio if close else None


def _alone(model: Model, spec: GroupSpec, group: RandomTerm, *, binary: bool) -> str | None:
    """Say that a term has an effect for each row, where its family has scatter of its own."""
    auxiliary = model.family.auxiliary
    if not (auxiliary or binary) or not _effect_for_each_row(model, group):
        return None
    k, J = group.Z.shape[1], len(group.levels)
    n = len(model.design.row)
    if auxiliary:
        why = f"cannot be told apart from '{auxiliary[0]}', but for their priors"
    else:
        why = "cannot be told where each row is one yes or no, but for the prior"
    sds = group.sd_names
    whole = repr(sds[0]) if k == 1 else f"the standard deviations of {spec.text}"
    if k == 1 and n == J:
        return (
            f"Each of the {J:,} levels of '{group.factor}' has one row: the data cannot identify "
            f"{spec.text}, since {whole} {why}. Leave the term out, or record more rows of each "
            "group."
        )
    return (
        f"The group term {spec.text} has an effect for each row ({k} for each of {J:,} levels, in "
        f"{how_many(n, 'row')}): the data cannot identify it, since {whole} {why}. Let fewer "
        f"effects vary, or record more rows of each."
    )


def _effect_for_each_row(model: Model, group: RandomTerm) -> bool:
    """Whether every group's rows are as many as the effects that they tell."""
    design, k, J = model.design, group.Z.shape[1], len(group.levels)
    n = len(design.row) if design.weights is None else float(design.weights.sum())
    if n > k * J or len(design.X) < n:  # rows that share all predictors are more than effects
        return False
    rows = np.bincount(group.level, minlength=J)
    if rows.max() > k:
        return False
    order = np.argsort(group.level, kind="stable")
    start = np.cumsum(rows) - rows
    stacked = np.zeros((J, k, k))
    level = group.level[order]
    stacked[level, np.arange(len(order)) - start[level]] = group.Z[order]
    size = np.abs(group.Z).max(axis=0)
    return int(np.linalg.matrix_rank(stacked / np.where(size > 0, size, 1.0)).sum()) >= n
