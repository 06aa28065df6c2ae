"""The raw means of each group, to stand beside the results: nothing here is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from winstan import effects
from winstan.classical.linear import Understood
from winstan.effects.observed import labels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.classical.paired import Paired
    from winstan.compare.one_scale import Scale, Source
    from winstan.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """What was observed.

    Attributes
    ----------
    table : DataFrame
        Columns group, treatment, value: of each group and value of the treatment, the mean; without
        a group, the rows themselves (group is None).
    name : str
        What the values are.
    """

    table: pd.DataFrame
    name: str


def known_groups(source: Source) -> list[str]:
    """Return the columns by which a result's data can be shown."""
    if source.design is None:
        return [cast("Paired", source.anova.fit).group]
    factors = [group.factor for group in source.design.groups]
    return list(dict.fromkeys([*factors, *map(str, source.design.predictors.columns)]))


def observed_pairs(
    sources: Sequence[Source],
    scale: Scale,
    treatment: str,
    levels: Sequence[Any] | None,
    group: str | None,
) -> Observed:
    """Return the means of each group, on the shared scale.

    Those of the first result that has the group, a posterior if there is one. Where its response is
    a logarithm of the scale's, the means are geometric.

    Parameters
    ----------
    sources, scale, treatment
    levels
        Values of the treatment to show, in their order; None shows all.
    group
        A column of at least one result; None shows the rows.
    """
    able = [s for s in sources if group is None or group in known_groups(s)]
    source = next((s for s in able if s.kind == "posterior"), able[0])
    base = scale.bases[list(sources).index(source)]
    if source.design is None:
        table = _cell_means(source, treatment)
    else:
        table = _means(source, treatment, group)
    if levels is not None:
        order = {str(level): i for i, level in enumerate(levels)}
        place = np.array([order.get(str(v), -1) for v in table["treatment"]])
        table = table.assign(place=place)[place >= 0].sort_values("place", kind="stable")
    else:
        table = table.sort_values("treatment", kind="stable")
    if base is not None:
        table = table.assign(value=np.power(base, table["value"].astype(float)))
    what = scale.response
    if source.kind == "posterior" and base is None:
        what = effects.response_label(source.posterior.model)
    kind = "mean" if base is None else "geometric mean"
    name = what if group is None else f"{kind} {what} of each {group}"
    return Observed(table[["group", "treatment", "value"]].reset_index(drop=True), name)


def _means(source: Source, treatment: str, group: str | None) -> pd.DataFrame:
    """Average the rows of each group at each value of the treatment."""
    design = source.design
    assert design is not None  # a paired analysis has its own means
    model = cast("Model", Understood(source.formula, design))
    if source.kind == "posterior":
        rows = effects.observed_rows(source.posterior.model)
    else:
        y = design.response.y - design.offset[design.row]
        rows = pd.DataFrame({"value": y, "weight": 1.0, "total": y})
    rows["treatment"] = labels_of(model, treatment)
    if group is None:
        return rows.assign(group=None)
    rows["group"] = labels_of(model, group)
    sums = rows.groupby(["group", "treatment"], sort=False)[["total", "weight"]].sum()
    sums = sums[sums["weight"] > 0]
    return (sums["total"] / sums["weight"]).rename("value").reset_index()


def _cell_means(source: Source, treatment: str) -> pd.DataFrame:
    """Average the cells of a paired analysis over its other factors, as its contrasts do."""
    paired = cast("Paired", source.anova.fit)
    grid = paired.means.reshape(len(paired.groups), *(len(v) for v in paired.levels))
    place = paired.factors.index(treatment)
    others = tuple(i + 1 for i in range(len(paired.factors)) if i != place)
    means = grid.mean(axis=others) + paired.centre
    return pd.DataFrame(
        {
            "group": np.repeat(np.array(paired.groups, dtype=object), means.shape[1]),
            "treatment": list(paired.levels[place]) * len(paired.groups),
            "value": means.ravel(),
        }
    )
