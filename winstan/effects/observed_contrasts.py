"""Contrasts of the data themselves, to set beside those that were fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan._angles import wrap_angles
from winstan.effects.observed import labels_of, observed_rows
from winstan.effects.parameters import is_mean
from winstan.effects.strata import level_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.effects.contrasts import Contrast
    from winstan.effects.specification import Specified


def observed_contrast(model: Specified, result: Contrast, group: str | None) -> pd.DataFrame:
    """Compare the raw means of each group.

    Groups that lack a side of a contrast have no difference, and are left out. Where that is
    every group, as for a treatment that differs between groups only, the means of the groups are
    averaged, each group counting once, and these averages compared.

    Parameters
    ----------
    model
    result
        The fitted contrast.
    group
        The factor whose groups are compared; None takes all rows together.

    Returns
    -------
    DataFrame
        Columns contrast, [by], group (None where it is all of them), difference. No rows for
        a slope, x + 1 against x, what is on another scale than the response, or a parameter beside
        the mean, which no data show without a fit.
    """
    # No data show another parameter without a fit, nor a latent variable, nor an sd of the model.
    seen = is_mean(model) and model.design.response.categories is None
    seen &= bool(result.compared) and all(one.names for one in result.compared)
    if not seen or result.measure.scale != "response" or result.measure.standardised:
        return _observed_table(result, [])
    rows = _rows_of_cells(model, result, group)
    if rows.empty:  # of a mean that no row has, as of a number's
        return _observed_table(result, [])
    sums = rows.groupby(["level", "group", "cell"], sort=False)[["total", "weight"]].sum()
    sums["mean"] = sums["total"] / sums["weight"]
    cells = range(int(np.prod([len(one.values) for one in result.compared])))
    means = sums["mean"].unstack("cell").reindex(columns=cells)  # noqa: PD010 - of one index
    table = _differences(means, list(means.index), result)
    if table.empty or group is None:
        whole = means.groupby("level").mean()
        table = _differences(whole, [(level, None) for level in whole.index], result)
    return table


def _rows_of_cells(model: Specified, result: Contrast, group: str | None) -> pd.DataFrame:
    """Return the rows of what is compared: their level of `by`, their group, and their cell."""
    rows = observed_rows(model)
    rows["group"] = "all" if group is None else labels_of(model, group)
    rows["level"] = 0
    if result.by:
        own = pd.MultiIndex.from_arrays([labels_of(model, name) for name in result.by])
        rows["level"] = pd.MultiIndex.from_tuples(result.levels).get_indexer(own)
    cell = np.zeros(len(rows), int)
    inside = rows["level"].to_numpy() >= 0
    for name, one in zip(result.columns, result.compared, strict=True):
        values = model.design.predictors[name].to_numpy()[model.design.row]
        place = pd.Index(one.values).get_indexer(pd.Index(values))
        inside &= place >= 0
        cell = cell * len(one.values) + place
    return rows.assign(cell=cell)[inside]


def _differences(
    means: pd.DataFrame, keys: Sequence[tuple[Any, Any]], result: Contrast
) -> pd.DataFrame:
    """Contrast means of cells, a row for each level and group of the keys that has all of them."""
    sizes = [len(one.values) for one in result.compared]
    given = means.to_numpy()
    known = ~np.isnan(given)
    numbers = np.where(known, np.angle(given) if result.circular else given, 1.0)
    values = np.asarray(numbers, float).reshape(len(means), *sizes)
    counts: Array = np.ones((1, 1))
    for axis, one in reversed(list(enumerate(result.compared))):
        values = result.measure.compared(one.weights, values, axis + 1)
        counts = np.asarray(np.kron(one.weights.plus + one.weights.minus, counts), float)
    found: Array = result.measure.reported(values.reshape(len(means), -1))
    if result.circular:
        found = wrap_angles(found)
    whole = (known.astype(float) @ (counts > 0).T) == (counts > 0).sum(axis=1)
    return _observed_table(
        result,
        [
            (label, int(level), group, found[k, c])
            for c, label in enumerate(result.labels)
            for k, (level, group) in enumerate(keys)
            if whole[k, c]
        ],
    )


def _observed_table(
    result: Contrast, rows: Sequence[tuple[str, int, object, float]]
) -> pd.DataFrame:
    """Return rows of a contrast, a level of `by`, a group and a difference as a table."""
    labels, levels, groups, differences = zip(*rows, strict=True) if rows else ((), (), (), ())
    columns = {"contrast": pd.Series(labels, dtype=object)}
    at = np.array(levels, int)
    columns |= {n: pd.Series(v) for n, v in level_columns(result.by, result.levels, at).items()}
    columns["group"] = pd.Series(groups, dtype=object)
    columns["difference"] = pd.Series(differences, dtype=float)
    return pd.DataFrame(columns)
