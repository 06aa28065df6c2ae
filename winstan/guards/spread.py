"""Noise whose spread differs between the levels of a predictor, where the model has one sigma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special, stats

from winstan.data.codes import codes_of, number_of, owner_of
from winstan.families.suitable import named, usual_families
from winstan.formula.tree import quote_name
from winstan.guards.residuals import SAMPLE, residuals

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import RandomTerm
    from winstan.guards.residuals import Rows
    from winstan.model import Model

# Ratio of the largest sd to the smallest from which one would mind: of two levels of as many rows,
# the interval of the noisier one is a sixth too narrow.
RATIO = 1.5
# Chance, all factors together.
LIKELIHOOD = 1e-3
# Of groups that have several levels each as the yardstick: they are few, what differs between them
# is taken off, and rows have been found to differ by then.
GROUP_LIKELIHOOD = 1e-2
# A number of more values is no factor.
MOST_VALUES = 6
# Residuals of a level, in numbers of free ones, below which its spread is not judged.
FEWEST = 8.0
# Degrees of freedom from which groups are a yardstick of their own: with fewer, no difference
# between levels could be beyond chance.
FEWEST_GROUPS = 8
# The median of absolute normal deviations, over their sd.
MEDIAN = float(special.ndtri(0.75))


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    name: object
    mean: float
    sd: float


def unequal_spread(model: Model) -> str | None:
    """Say which factor's levels have residuals of different spread.

    The test is Fligner and Killeen's, of normal scores of the ranks of absolute residuals, which
    outliers and heavy tails do not move. Scores are compared as an analysis of variance does, rows
    counting by what the fit leaves free of them. A difference must also be beyond that between the
    groups of each factor: the animals of two genotypes may well differ in spread for reasons of
    their own.

    Parameters
    ----------
    model
        Of any family; those without one sigma for all rows have no finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.

    References
    ----------
    Fligner and Killeen (1976), JASA 71, 210-213; Conover, Johnson and Johnson (1981),
    Technometrics 23, 351-361.
    """
    factors = _factors(model) if model.family.noise else []
    if not factors:
        return None
    rows, residual, free = residuals(model)
    if len(residual) < 2 * FEWEST or not np.ptp(residual) > 0:
        return None
    score = spread_scores(residual, free)
    weight = free * rows.weight
    design_row = model.design.row[rows.row]
    worst: tuple[float, str, list[_Level]] | None = None
    for name in factors:
        code = codes_of(model.design.predictors[name].array[design_row])
        enough = np.bincount(code, weight) >= FEWEST
        kept = enough[code]
        if np.count_nonzero(enough) < 2:
            continue
        values = model.design.predictors[name].array[design_row[kept]]
        levels = _levels(model, values, rows.where(kept), residual[kept], free[kept])
        ratio = _ratio(levels)
        if ratio < RATIO or (worst is not None and ratio < worst[0]):
            continue
        units = [group.level[design_row[kept]] for group in _group_terms(model)]
        if _chance(score[kept], weight[kept], code[kept], units) * len(factors) < LIKELIHOOD:
            worst = (ratio, name, levels)
    return None if worst is None else _words(model, worst[1], worst[2])


def spread_scores(residual: Array, free: Array) -> Array:
    """Return normal scores of the ranks of absolute residuals, shape (n,)."""
    rank = stats.rankdata(np.abs(residual) / np.sqrt(free))
    return np.asarray(special.ndtri(0.5 + 0.5 * rank / (len(rank) + 1)))


def _factors(model: Model) -> list[str]:
    """Return the population-level columns of labels, or of few numbers."""
    predictors, out = model.design.predictors, []
    for name in dict.fromkeys(c for a in model.formula.effects.atoms.values() for c in a.columns):
        if name not in predictors:
            continue
        column = predictors[name]
        labelled = isinstance(column.dtype, pd.CategoricalDtype)
        coded = labelled or name in model.formula.coded_columns
        some = column.array[:: max(1, len(column) // SAMPLE)]  # of many rows as many as tell
        if coded or number_of(codes_of(some)) <= MOST_VALUES:
            out.append(name)
    return out


def _group_terms(model: Model) -> list[RandomTerm]:
    return list({group.factor: group for group in model.design.groups}.values())


def _levels(model: Model, values: Any, rows: Rows, residual: Array, free: Array) -> list[_Level]:
    """Return the spread of each value: the residual sd, or a robust one of heavy tails."""
    y = model.cells.sample.y[rows.row]
    code = codes_of(values)
    names = owner_of(code, np.asarray(values))
    out = []
    for k, name in enumerate(names):
        at = code == k
        r, f, w = residual[at], free[at], rows.weight[at]
        sd = np.sqrt((w @ r**2) / (w @ f))
        if model.family.tails:
            sd = np.median(np.abs(r) / np.sqrt(f)) / MEDIAN
        out.append(_Level(name, float(np.average(y[at], weights=w)), float(sd)))
    return sorted(out, key=lambda level: level.sd)


def _ratio(levels: list[_Level]) -> float:
    least, most = levels[0].sd, levels[-1].sd
    return float(most / least) if least > 0 else np.inf if most > 0 else 1.0


def _chance(score: Array, weight: Array, code: np.ndarray, units: list[np.ndarray]) -> float:
    """Return how likely such differences of the levels' scores are where there are none.

    Parameters
    ----------
    score, weight : ndarray, shape (n,)
    code : ndarray of int, shape (n,)
        The level.
    units
        The group of each row, by factor.
    """
    code = codes_of(code)
    k = number_of(code)
    p = chance_of_alike(score, weight, code)
    for unit in units:
        both, of_cell = np.unique(codes_of(unit) * np.int64(k) + code, return_inverse=True)
        w = np.bincount(of_cell, weight)
        mean = np.bincount(of_cell, weight * score) / w
        of_unit, level = codes_of(both // k), both % k
        n_units = number_of(of_unit)
        if len(both) == n_units:  # each group has one level
            p_units = _variance_ratio(mean, w, level, np.zeros_like(of_unit), n_units - k)
        else:
            left = len(both) - n_units - (k - 1)
            p_units = _variance_ratio(mean, w, level, of_unit, left)
            p_units *= LIKELIHOOD / GROUP_LIKELIHOOD
        p = max(p, p_units)
    return p


def chance_of_alike(score: Array, weight: Array, code: np.ndarray) -> float:
    """Return how likely such differences of scores are if rows alone make them."""
    alike = np.zeros(len(code), dtype=np.int64)
    return _variance_ratio(score, weight, code, alike, float(weight.sum()) - number_of(code))


def _variance_ratio(
    score: Array, weight: Array, code: np.ndarray, block: np.ndarray, left: float
) -> float:
    """F test of levels within blocks, both additive; zero where too little is left to test by."""
    if left < FEWEST_GROUPS:
        return 0.0
    of_level = (code[:, None] == np.arange(1, number_of(code))).astype(float)
    y, X = _centred(score[:, None], weight, block)[:, 0], _centred(of_level, weight, block)
    gram, right = X.T @ (weight[:, None] * X), X.T @ (weight * y)
    between = float(right @ np.linalg.lstsq(gram, right)[0])
    within = float(weight @ y**2) - between
    rank = int(np.linalg.matrix_rank(gram))
    if rank == 0 or within <= 0:
        return 0.0 if rank else 1.0
    return float(stats.f.sf(between / rank / (within / left), rank, left))


def _centred(values: Array, weight: Array, block: np.ndarray) -> Array:
    """Subtract the mean of each block."""
    total = np.bincount(block, weight)
    means = [np.bincount(block, weight * v) / total for v in values.T]
    return values - np.stack(means, axis=1)[block]


def _words(model: Model, name: str, levels: list[_Level]) -> str:
    least, most = levels[0], levels[-1]
    shown = levels if len(levels) <= 3 else [least, most]
    log = "log " if model.family.log_response else ""
    sds = ", ".join(
        f"{level.sd:.3g} in {_plain(level.name)!r} (n = {_count(model, name, level.name):,})"
        for level in shown
    )
    response = model.design.response
    remedies: list[str] = []
    positive = not model.family.log_response and bool(np.all(response.y > 0))
    growth = most.mean / least.mean if positive else 0.0
    if growth > 1 and _ratio(levels) <= growth**2:
        families = named(usual_families("positive"))
        remedies.append(f"{families}, whose spread grows with the mean")
    noise = model.family.noise
    own = model.formula.parameters.get(str(noise))
    right = quote_name(name)
    what = f"The model has one {noise} for all"
    if own is not None:
        right = f"{own.text.partition('~')[2].strip()} + {right}"
        what = f"The formula of {noise} does not have '{name}'"
    remedies.insert(0, f"a formula of {noise}: ws.fit(..., {noise}={right!r})")
    return (
        f"The residuals of {log}'{response.name}' differ in spread between the levels of '{name}': "
        f"sd {sds}. {what}, so that the intervals of what concerns "
        f"{_plain(most.name)!r} are too narrow, and those of {_plain(least.name)!r} too wide. "
        f"Remedies: {'; or '.join(remedies)}."
    )


def _count(model: Model, name: str, value: object) -> int:
    """Return how many rows have a value, by their frequency weights."""
    design = model.design
    rows = np.asarray(design.predictors[name] == value)
    return round(np.bincount(design.row, design.weights, minlength=len(rows))[rows].sum())


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
