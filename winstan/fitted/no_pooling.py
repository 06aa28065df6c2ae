"""What each group's own data say of its effects: the estimates before any pooling."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan.effects.groups import group_effects
from winstan.effects.means import auxiliary, linear_predictor, rows_of, take_rows
from winstan.errors import EmptyCellError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.options import Interval

ITERATIONS = 60
STEP = 2.0
"""Largest step of a linear predictor without a unit, such as a log."""
CONVERGED = 1e-6
"""Largest step at the end, in standard errors."""
MOST_CENTRES = 4
"""Population means about which a plane has ellipses."""


def shrinkage(
    model: Model, posterior: Mapping[str, Array], factor: str, prob: float, interval: Interval
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set each group's partially pooled effects beside what its own data say.

    An effect is the total of population and deviation where it has one, at the group's own values
    of predictors that are constant within it, and otherwise the deviation. The estimate of a
    group's own is the maximum of the likelihood of its rows over its effects, everything else
    (other predictors, other factors, sigma and the like) at its posterior mean. For a gaussian
    model of ``(x|g)`` without other predictors it is the least-squares line of the group's rows.

    Returns
    -------
    table : DataFrame
        Columns effect, level, mean, lower, upper, own; ``own`` is NaN where the group's rows do not
        determine it (fewer distinct rows than effects, only successes, only zeros).
    population : DataFrame
        Columns effect, mean: what the groups are shrunk towards. Where groups of different
        genotypes, say, are shrunk towards different means, a row for each effect and level, with a
        column level.
    """
    deviations = group_effects(model, posterior, factor, "deviation")
    try:
        totals = group_effects(model, posterior, factor, "total")
    except (OptionError, EmptyCellError):  # no effect has one, or it needs a cell without rows
        totals = {}
    shown = deviations | totals
    terms = [g for g, group in enumerate(model.design.groups) if group.factor == factor]
    names = [name for g in terms for name in model.design.groups[g].column_names]
    centre = np.stack([shown[name][1].mean(axis=0) for name in names])
    own = _maximum(model, posterior, terms, centre)
    rows = []
    for k, name in enumerate(names):
        levels, draws = shown[name]
        lower, upper = effects.interval_ends(draws, prob, interval)
        rows.append(
            pd.DataFrame(
                {
                    "effect": name,
                    "level": list(levels),
                    "mean": centre[k],
                    "lower": lower,
                    "upper": upper,
                    "own": own[k],
                }
            )
        )
    pooled = np.stack(
        [centre[k] - deviations[name][1].mean(axis=0) for k, name in enumerate(names)]
    )
    return pd.concat(rows, ignore_index=True), _targets(names, shown[names[0]][0], pooled)


def _targets(names: Sequence[str], levels: Sequence[Any], pooled: Array) -> pd.DataFrame:
    """Put what groups are shrunk towards in a table: by level where that differs, (q, L)."""
    size = np.abs(pooled).max(axis=1, keepdims=True)
    size[size == 0] = 1.0
    pooled = np.round(pooled / size, 12) * size  # of one genotype the last digits may differ
    if not np.ptp(pooled, axis=1).any():
        return pd.DataFrame({"effect": names, "mean": pooled[:, 0]})
    parts = [
        pd.DataFrame({"effect": name, "level": list(levels), "mean": pooled[k]})
        for k, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def ellipses(
    model: Model,
    posterior: Mapping[str, Array],
    factor: str,
    population: pd.DataFrame,
    shares: Sequence[float],
) -> pd.DataFrame:
    """Return ellipses that hold these shares of the groups, of the first two effects.

    Those of the normal distribution of the group effects with the posterior means of its mean, sds
    and correlation: columns x, y, contour, centre. Groups that are shrunk towards different means
    (of their genotypes, say) have ellipses about each; none where there are more than
    `MOST_CENTRES` of them.
    """
    names = list(dict.fromkeys(population["effect"]))[:2]
    by_effect = [population.loc[population["effect"] == name, "mean"] for name in names]
    centres = np.unique(np.stack([mean.to_numpy(float) for mean in by_effect], axis=1), axis=0)
    if len(centres) > MOST_CENTRES:
        return pd.DataFrame({"x": [], "y": [], "contour": [], "centre": []})
    sd: dict[str, float] = {}
    correlation = 0.0
    for group in (g for g in model.design.groups if g.factor == factor):
        sds = [posterior[group.sd_name(effect)].mean(axis=0).ravel() for effect in group.effects]
        sd |= dict(zip(group.column_names, np.concatenate(sds).tolist(), strict=True))
    pair = ", ".join(names)
    for group in (g for g in model.design.groups if g.factor == factor):
        if pair in group.pairs:
            values = posterior[group.correlation_variable].mean(axis=0)
            correlation = float(values[group.pair_places[group.pairs.index(pair)]])
    sx, sy = (sd[name] for name in names)
    angle = np.linspace(0, 2 * np.pi, 181)
    parts = []
    for (k, (mx, my)), share in product(enumerate(centres), shares):
        radius = np.sqrt(-2 * np.log(1 - share))  # chi-squared of two degrees of freedom
        x = np.cos(angle)
        y = correlation * x + np.sqrt(1 - correlation**2) * np.sin(angle)
        parts.append(
            pd.DataFrame(
                {
                    "x": mx + radius * sx * x,
                    "y": my + radius * sy * y,
                    "contour": share,
                    "centre": k,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _maximum(model: Model, posterior: Mapping[str, Array], terms: list[int], start: Array) -> Array:
    """Maximise the likelihood of each level's cells by Fisher scoring, shape (q, L)."""
    cells, family, link = model.cells, model.family, model.link
    means = {name: values.mean(axis=0, keepdims=True) for name, values in posterior.items()}
    rows = take_rows(rows_of(model.design, beside=True), cells.design_row)
    aux = {name: _at_mean(values) for name, values in auxiliary(model, means, rows).items()}
    eta = np.hstack([part for _, part in linear_predictor(model, means, rows)])[0]
    Z = np.hstack([rows.Z[g] for g in terms])
    level = rows.level[terms[0]]
    L = start.shape[1]
    offset = cells.of_block(cells.offset - model.constant, 0)
    base = eta + offset - np.einsum("ck,kc->c", Z, start[:, level])
    own = start.copy()
    limit = STEP if link.unitless else np.inf
    positive = family.confines(link)
    converged = np.zeros(L, bool)
    size = np.zeros(L)
    for _ in range(ITERATIONS):
        eta = base + np.einsum("ck,kc->c", Z, own[:, level])
        score, information = family.score(cells.statistics, eta, aux, link)
        gradient = np.zeros((L, Z.shape[1]))
        np.add.at(gradient, level, Z * score[:, None])
        hessian = np.zeros((L, Z.shape[1], Z.shape[1]))
        np.add.at(hessian, level, Z[:, :, None] * Z[:, None, :] * information[:, None, None])
        step, full = _solved(hessian, gradient)
        change = np.abs(np.einsum("ck,ck->c", Z, step[level]))
        size = np.zeros(L)
        np.maximum.at(size, level, change)
        step *= np.minimum(1.0, limit / np.maximum(size, 1e-300))[:, None]
        if positive:
            step *= _kept_positive(eta, np.einsum("ck,ck->c", Z, step[level]), level, L)[:, None]
        own += step.T
        errors = np.einsum("lk,lkm,lm->l", step, hessian, step)
        converged = full & (errors < CONVERGED**2)
        if (converged | ~full).all():
            break
    # A likelihood that grows without end flattens: its step, in its own errors, is small as well.
    converged &= size < 1e-3 * max(1.0, float(np.abs(eta).max()))
    return np.where(converged, own, np.nan)


def _at_mean(values: Any) -> Any:
    """Take a parameter's only draw: a number, a value for each cell, or a vector's elements."""
    if isinstance(values, tuple):
        return tuple(map(_at_mean, values))
    return values[0] if values.shape[1] > 1 else float(values[0, 0])


def _solved(hessian: Array, gradient: Array) -> tuple[Array, np.ndarray]:
    """Solve level by level; levels whose rows do not determine all effects have no step."""
    scale = np.sqrt(np.einsum("lkk->lk", hessian))
    full = (scale > 0).all(axis=1)
    unit = np.where(scale > 0, scale, 1.0)
    scaled = hessian / (unit[:, :, None] * unit[:, None, :])
    full &= np.linalg.eigvalsh(scaled)[:, 0] > 1e-9
    step = np.zeros_like(gradient)
    step[full] = np.linalg.solve(scaled[full], (gradient / unit)[full][..., None])[..., 0]
    return step / unit, full


def _kept_positive(eta: Array, change: Array, level: np.ndarray, n_levels: int) -> Array:
    """Return the share of each level's step that keeps its linear predictors above zero."""
    share = np.ones(n_levels)
    falling = change < 0
    np.minimum.at(share, level[falling], 0.9 * eta[falling] / -change[falling])
    return np.minimum(share, 1.0)
