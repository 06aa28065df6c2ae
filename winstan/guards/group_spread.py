"""Noise whose spread differs between the groups of a factor, where the model has one sigma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.data.codes import codes_of, owner_of
from winstan.formula.tree import quote_name
from winstan.guards.residuals import residuals
from winstan.guards.spread import FEWEST, LIKELIHOOD, chance_of_alike, spread_scores

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Design, RandomTerm
    from winstan.model import Model

# The sd between groups of log sd from which one would mind: a group one such sd above the middle
# has half as much noise again as a group one below.
BETWEEN = 0.5 * float(np.log(1.5))
# Groups from which one can tell how their sds differ.
FEWEST_UNITS = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    factor: str
    between: float
    least: tuple[str, float]
    most: tuple[str, float]


def group_spread(model: Model, design: Design) -> str | None:
    """Say of which factor's groups the residuals differ in spread.

    The test is that of `winstan.guards.spread.unequal_spread`, between groups; and the sds must
    differ by as much as one would mind, beyond what chance makes of so few rows.

    Parameters
    ----------
    model
        Of any family; those without one sigma for all rows have no finding, nor those whose tails
        are as heavy as sds that differ make them.
    design
        The model's, without latent effects of single rows.
    """
    factors = {group.factor: group for group in design.groups}
    if not factors or not model.family.noise or model.family.tails:
        return None
    rows, residual, free = residuals(model)
    if not len(residual) or not np.ptp(residual) > 0:
        return None
    score, weight = spread_scores(residual, free), free * rows.weight
    design_row = model.design.row[rows.row]
    found: list[_Found] = []
    for group in factors.values():
        level = group.level[design_row]
        enough = np.bincount(level, weight) >= FEWEST
        kept = enough[level]
        if np.count_nonzero(enough) < FEWEST_UNITS:
            continue
        chance = chance_of_alike(score[kept], weight[kept], codes_of(level[kept]))
        if chance * len(factors) < LIKELIHOOD:
            found.append(_found(group, residual[kept], free[kept], level[kept]))
    found = [one for one in found if one.between >= BETWEEN]
    return _words(model, max(found, key=lambda one: one.between)) if found else None


def between_groups(residual: Array, free: Array, code: np.ndarray) -> float:
    """Estimate by how much the logarithms of groups' sds differ, as an sd, beyond chance.

    Chance is that of residuals as heavy-tailed as these are within their groups.

    Parameters
    ----------
    residual, free : ndarray, shape (n,)
        As of `winstan.guards.residuals.residuals`.
    code : ndarray of int, shape (n,)
        The group, from 0 up, none of them empty.
    """
    n = np.bincount(code, free)
    variance = np.maximum(np.bincount(code, residual**2) / n, np.finfo(float).tiny)
    scaled = residual / np.sqrt(free * variance[code])
    chance = (np.mean(scaled**4) - 1) / (4 * n)
    return float(np.sqrt(max(0.0, np.log(variance).var(ddof=1) / 4 - chance.mean())))


def _found(group: RandomTerm, residual: Array, free: Array, level: np.ndarray) -> _Found:
    code = codes_of(level)
    number = owner_of(code, level)
    sd = np.sqrt(np.bincount(code, residual**2) / np.bincount(code, free))
    least, most = int(sd.argmin()), int(sd.argmax())
    return _Found(
        group.factor,
        between_groups(residual, free, code),
        (str(group.levels[number[least]]), float(sd[least])),
        (str(group.levels[number[most]]), float(sd[most])),
    )


def _words(model: Model, found: _Found) -> str:
    noise, log = model.family.noise, "log " if model.family.log_response else ""
    own = model.formula.parameters.get(str(noise))
    right = f"(1|{':'.join(map(quote_name, found.factor.split(':')))})"
    what = f"The model has one {noise} for all"
    if own is not None:
        right = f"{own.text.partition('~')[2].strip()} + {right}"
        what = f"The formula of {noise} does not have them"
    return (
        f"The residuals of {log}'{model.design.response.name}' differ in spread between the groups "
        f"of '{found.factor}': sd {found.least[1]:.3g} in {found.least[0]!r}, {found.most[1]:.3g} "
        f"in {found.most[0]!r}. {what}, so that rows of noisy groups count as much as others. "
        f"Remedy: ws.fit(..., {noise}={right!r})."
    )
