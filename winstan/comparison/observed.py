"""The raw means of each group, to stand beside the results: nothing here is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan._angles import deviations
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import format_value, has_labels
from winstan.effects.observed import labels_of
from winstan.effects.specification import Specification
from winstan.effects.strata import MOST_VALUES
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.comparison.common_scale import Scale, Source


SAME = 1e-9
"""Relative difference up to which two rows hold the same number."""


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
    across : str
        What the values of the treatment are of: its name, or those of several columns.
    """

    table: pd.DataFrame
    name: str
    across: str


def known_groups(source: Source) -> list[str]:
    """Return the columns by which a result's data can be shown."""
    if source.design is None:
        return [source.paired.group]
    factors = [group.factor for group in source.design.groups]
    return list(dict.fromkeys([*factors, *map(str, source.design.predictors.columns)]))


def observed_pairs(
    sources: Sequence[Source],
    scale: Scale,
    columns: Mapping[str, Sequence[Any] | None],
    group: str | None,
) -> Observed:
    """Return the means of each group, on the shared scale.

    Those of the first result that has the group, a posterior if there is one. Where its response is
    a logarithm of the scale's, the means are geometric.

    Parameters
    ----------
    sources, scale
    columns
        The treatment, and columns by whose levels its values are told apart; of each the values to
        show, in their order, or None for all. Numbers of many values tell nothing apart.
    group
        A column of at least one result; None shows the rows.
    """
    able = [s for s in sources if group is None or group in known_groups(s)]
    source = next((s for s in able if s.kind == "posterior"), able[0])
    base = scale.bases[list(sources).index(source)]
    names = _told_apart(source, columns)
    table = _cell_means(source, names) if source.design is None else _means(source, names, group)
    for k in reversed(range(len(names))):  # by the first, then by the second of these, ...
        levels = columns[names[k]] or _levels(source, names[k])
        place = {str(level): i for i, level in enumerate(levels)}
        at = table[k].astype(str).map(place).dropna()
        table = table.loc[at.sort_values(kind="stable").index]
    if len(names) == 1:
        table = table.assign(treatment=table[0])
    else:
        texts = table[list(range(len(names)))].map(format_value)
        table = table.assign(treatment=texts.agg(", ".join, axis=1))
    if base is not None:
        table = table.assign(value=np.power(base, table["value"].astype(float)))
    what = scale.response
    if source.kind == "posterior" and base is None:
        what = effects.response_label(source.posterior.model)
    kind = "mean" if base is None else "geometric mean"
    name = what if group is None else f"{kind} {what} of each {group}"
    table = table[["group", "treatment", "value"]].reset_index(drop=True)
    return Observed(table, name, ", ".join(names))


def _told_apart(source: Source, columns: Mapping[str, Sequence[Any] | None]) -> list[str]:
    """Return the columns of which each value has a place: not numbers of many, or other, values."""
    if source.design is None:
        return list(columns)
    model = Specification(source.formula, source.design)
    first, *others = columns
    return [first, *(name for name in others if _has_places(model, name, columns[name]))]


def _has_places(model: Specification, name: str, values: Sequence[Any] | None) -> bool:
    column = model.design.predictors[name]
    few = column.nunique() <= MOST_VALUES and column.isin(values or column).any()
    return has_labels(model, name) or bool(few)


def _levels(source: Source, name: str) -> Sequence[Any]:
    """Return the values that a column has, in their order."""
    if source.design is None:
        paired = source.paired
        return paired.levels[paired.factors.index(name)]
    return coding_of(Specification(source.formula, source.design), name).levels


def check_same_data(
    sources: Sequence[Source], scale: Scale, treatment: str, group: str | None
) -> None:
    """Refuse results of different data, in whatever order their rows are.

    Compared are the treatment, the group where both results have it, and the response on the shared
    scale. A paired analysis has kept the means of its cells, which are compared in place of rows.
    One result may lack rows of the other, which the figure then counts.

    Raises
    ------
    OptionError
        Naming the two results, and the first column in which they differ.
    """
    numbered = list(enumerate(zip(sources, scale.bases, strict=True), start=1))
    for (i, (a, base_a)), (j, (b, base_b)) in combinations(numbered, 2):
        if a.design is not None and a.design is b.design:
            continue
        shared = group is not None and all(group in known_groups(s) for s in (a, b))
        keys = [treatment, *([group] if shared and group and group != treatment else [])]
        if a.design is None or b.design is None:
            differs = _cells_differ(a, b, base_a, base_b, keys)
        else:
            differs = _rows_differ(_rows(a, base_a, keys), _rows(b, base_b, keys), keys, scale)
        if differs:
            raise OptionError(
                f"Result {i}, {a.title}, and result {j}, {b.title}, are of different data: "
                f"{differs}. Only results of the same data can stand side by side: give all the "
                "same data frame."
            )


def _rows(source: Source, base: float | None, keys: Sequence[str]) -> pd.DataFrame:
    """Return each row's keys, its response on the shared scale, and how often it occurs."""
    design = source.design
    assert design is not None  # a paired analysis has no rows
    model = Specification(source.formula, design)
    table = pd.DataFrame({key: _plain(labels_of(model, key)) for key in keys})
    y = np.asarray(design.response.y, dtype=float)
    with np.errstate(over="ignore"):
        table["(value)"] = y if base is None else np.power(base, y)
    if design.response.trials is not None:
        table["(trials)"] = design.response.trials
    table["(weight)"] = 1.0 if design.weights is None else np.asarray(design.weights, dtype=float)
    return table[table["(weight)"] > 0]


def _rows_differ(a: pd.DataFrame, b: pd.DataFrame, keys: Sequence[str], scale: Scale) -> str:
    """Name the first column in which one table's rows are not among the other's; else empty."""
    values = np.concatenate([a["(value)"], b["(value)"]])
    order = np.argsort(values)
    step = np.diff(values[order]) > SAME * np.abs(values).max(initial=0.0)
    codes = np.empty(values.size, dtype=int)
    # Numbers that rounding tells apart, such as of 10 ** log10(y), have one code.
    codes[order] = np.concatenate([[0], np.cumsum(step)])[: values.size]
    a = a.assign(**{"(value)": codes[: len(a)]})
    b = b.assign(**{"(value)": codes[len(a) :]})
    named = [*((key, repr(key)) for key in keys), ("(value)", f"the response {scale.response!r}")]
    if "(trials)" in a and "(trials)" in b:
        named.append(("(trials)", "the trials"))
    for column, words in named:
        if not _nested(*(t.groupby(column)["(weight)"].sum() for t in (a, b))):
            return f"they differ in the values of {words}"
    columns = [column for column, _ in named]
    if not _nested(*(t.groupby(columns)["(weight)"].sum() for t in (a, b))):
        of = " and ".join(map(repr, keys))
        return f"the same values of {scale.response!r} are at other values of {of}"
    return ""


def _cells_differ(
    a: Source, b: Source, base_a: float | None, base_b: float | None, keys: Sequence[str]
) -> str:
    """Say how the means of cells differ, of which a paired analysis is at least one side."""
    # A mean of logarithms is compared as such: in units of the natural one.
    tables = [
        _cells(source, base, keys, log=base_a is not None or base_b is not None)
        for source, base in ((a, base_a), (b, base_b))
    ]
    left_out = {
        _plain_label(x)
        for source in (a, b)
        if source.design is None
        for x in source.paired.left_out
    }
    if left_out and len(keys) == 1:
        return ""  # the groups that were left out cannot be told among the other's rows
    if left_out:
        tables = [t[~t[keys[1]].isin(left_out)] for t in tables]
    for key in keys:
        if not _nested(*(t.groupby(key)["(weight)"].sum() for t in tables)):
            return f"they differ in the values of {key!r}"
    sums = [t.groupby(list(keys))[["(weight)", "(total)"]].sum() for t in tables]
    one, other = (t.reindex(sums[0].index.union(sums[1].index), fill_value=0.0) for t in sums)
    if not _nested(one["(weight)"], other["(weight)"]):
        return f"they differ in the values of {' and '.join(map(repr, keys))}"
    same = (one["(weight)"] == other["(weight)"]).to_numpy()
    x, y = (t["(total)"].to_numpy() for t in (one, other))
    sizes = [float(t["(size)"].max()) * float(t["(weight)"].max()) for t in tables]
    if not np.allclose(x[same], y[same], rtol=0, atol=SAME * max(sizes)):
        return f"they differ in the values of the response {a.response!r}"
    return ""


def _cells(source: Source, base: float | None, keys: Sequence[str], *, log: bool) -> pd.DataFrame:
    """Return keys, how many rows, the total of their values and its scale: of cells, or of rows."""
    unit = 1.0 if base is None else float(np.log(base))
    if source.design is None:
        paired = source.paired
        cells = pd.MultiIndex.from_product(
            [paired.groups, *paired.levels], names=[paired.group, *paired.factors]
        ).to_frame(index=False)
        table = pd.DataFrame({key: _plain(cells[key]) for key in keys})
        weight = np.asarray(paired.counts, dtype=float).ravel()
        value = unit * (paired.means.ravel() + paired.centre)
    else:
        table = _rows(source, None, keys)[list(keys)]
        y = source.design.response.y - source.design.offset[source.design.row]
        weights = source.design.weights
        weight = np.ones(y.size) if weights is None else np.asarray(weights, dtype=float)
        y, weight = y[weight > 0], weight[weight > 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.log(y) if log and base is None else unit * y
    return table.assign(**{"(weight)": weight, "(total)": weight * value, "(size)": np.abs(value)})


def _nested(a: pd.Series, b: pd.Series) -> bool:
    """Whether one holds all that the other does; of the same number of rows, the very same."""
    both = a.index.union(b.index)
    more = a.reindex(both, fill_value=0.0) - b.reindex(both, fill_value=0.0)
    slack = 1e-6
    return bool((more >= -slack).all() or (more <= slack).all())


def _plain(labels: Any) -> np.ndarray:
    codes, known = pd.factorize(np.asarray(labels))
    return np.array([_plain_label(label) for label in known], dtype=object)[codes]


def _plain_label(label: Any) -> str:
    """Return a number as such, and anything else as text, whatever held it."""
    try:
        return f"{float(label):.12g}"
    except (TypeError, ValueError):
        return str(label)


def _means(source: Source, columns: Sequence[str], group: str | None) -> pd.DataFrame:
    """Average the rows of each group at each combination of columns, which are 0, 1, ... here."""
    design = source.design
    assert design is not None  # a paired analysis has its own means
    model = Specification(source.formula, design)
    if source.kind == "posterior":
        rows = effects.observed_rows(source.posterior.model)
    else:
        y = design.response.y - design.offset[design.row]
        rows = pd.DataFrame({"value": y, "weight": 1.0, "total": y})
    for k, name in enumerate(columns):
        rows[k] = labels_of(model, name)
    circular = source.kind == "posterior" and source.posterior.model.family.circular
    if group is None:
        table = rows.assign(group=None)
    else:
        rows["group"] = labels_of(model, group)
        sums = rows.groupby(["group", *range(len(columns))], sort=False)[["total", "weight"]].sum()
        sums = sums[sums["weight"] > 0]
        table = (sums["total"] / sums["weight"]).rename("value").reset_index()
    if circular:  # directions of mean vectors, by whole turns near to each other
        angle = table["value"] if group is None else np.angle(table["value"].to_numpy())
        center, away = deviations(np.asarray(angle, float))
        table = table.assign(value=center + away)
    return table


def _cell_means(source: Source, columns: Sequence[str]) -> pd.DataFrame:
    """Average the cells of a paired analysis over its other factors, as its contrasts do."""
    paired = source.paired
    cells = pd.MultiIndex.from_product([paired.groups, *paired.levels]).to_frame(index=False)
    at = [paired.factors.index(name) + 1 for name in columns]
    value = pd.Series(paired.means.ravel() + paired.centre)
    means = value.groupby([cells[k] for k in (0, *at)], sort=False).mean()
    means.index = means.index.set_names(["group", *range(len(at))])
    return means.rename("value").reset_index()
