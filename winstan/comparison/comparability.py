"""Whether fits ask the same question: their posteriors are then meant to be one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.design import RandomTerm
    from winstan.model import Model
    from winstan.priors import Prior

SAME = 1e-6
"""Relative difference up to which numbers of two models are the same: sums in another order.

A column's is in its sd: of values far from zero, a part in a million may be all that differs.
"""
ROUNDING = 1e-12


def check_same_question(a: Model, b: Model, first: str, second: str) -> None:
    """Refuse fits whose posteriors are not meant to be the same."""
    if a is b:
        return
    who = f"{first} and {second}"
    if _structure(a) != _structure(b):
        raise OptionError(
            f"{who} have different formulas: {a.formula.text!r} and {b.formula.text!r}. Only fits "
            "of the same question can agree."
        )
    for what, one, other in (
        ("families", a.family.name, b.family.name),
        ("links", a.link.name, b.link.name),
    ):
        if one != other:
            raise OptionError(
                f"{who} have different {what}: {one!r} and {other!r}. Only fits of the same "
                "question can agree."
            )
    if difference := _data_difference(a, b):
        raise OptionError(
            f"{who} have different data: {difference}. Only fits of the same data can agree."
        )
    for name, prior in a.priors.table.items():
        other_prior = b.priors.table.get(name)
        if other_prior is None or not same_prior(prior, other_prior):
            raise OptionError(
                f"{who} have different priors of {name!r}: {prior} and {other_prior}. Give both "
                "the same priors=."
            )
    # The mean of no predictors is zero.
    moved = a.priors.at_mean ^ b.priors.at_mean if a.stacked.terms else frozenset()
    for name in (name for name in a.priors.table if name in moved):
        one, other = (model.priors.place(name) or "at zero" for model in (a, b))
        raise OptionError(
            f"{who} have different priors of {name!r}: {one} and {other}. Give both the same "
            "center= and priors=."
        )


def _structure(model: Model) -> object:
    """Return what a formula says, however it is written."""
    design = model.design
    # Auxiliary parameters are the family's.
    terms = frozenset(v.name for v in model.variables if v.role != "auxiliary")
    groups = Counter(
        (one.term.factor, one.term.by, together, one.term.has_correlations)
        for one in model.stacked.written
        for together in _kept_together(one.term)
    )
    offsets = tuple(np.any(model.stacked.offset, axis=1).tolist())
    return design.response.name, terms, frozenset(groups.items()), offsets


def _kept_together(group: RandomTerm) -> list[frozenset[str]]:
    """Return a term's effects as far as they belong together: (x||g) is (1|g) + (0 + x|g)."""
    if group.correlated:
        return [frozenset(effect.variable for effect in group.effects)]
    return [frozenset([effect.variable]) for effect in group.effects]


def same_prior(a: Prior, b: Prior) -> bool:
    """Whether two priors are the same, but for rounding."""
    return type(a) is type(b) and bool(np.allclose(a.numbers, b.numbers, rtol=SAME, atol=0.0))


def _data_difference(a: Model, b: Model) -> str:
    """Say how the data differ, in whatever order their rows are; empty if they do not."""
    one, other = a.design.response, b.design.response
    for what, own, others in (
        ("levels", one.levels, other.levels),
        ("categories", one.categories, other.categories),
    ):
        if own != others:
            return f"the {what} of {one.name!r} are {own} and {others}"
    for x, y in zip(*(_by_name(m) for m in (a, b)), strict=True):
        if x != y:
            return f"a factor's levels {_some(x, y)} are {_some(y, x)} in the other"
    rows = [_rows_of(m) for m in (a, b)]
    counts = [float(r["(weight)"].sum()) for r in rows]
    if not np.isclose(counts[0], counts[1], rtol=SAME, atol=0.0):
        return f"{counts[0]:,g} and {counts[1]:,g} rows"
    if len(rows[0]) != len(rows[1]) or set(rows[0].columns) != set(rows[1].columns):
        return "not the same rows"
    for column in rows[0].columns:
        x, y = rows[0][column].to_numpy(), rows[1][column].to_numpy()
        if object in (x.dtype, y.dtype):
            same = np.array_equal(x, y)
        else:
            spread = x.std() if x.size else 0.0
            same = np.allclose(x, y, rtol=ROUNDING, atol=SAME * spread, equal_nan=True)
        if not same:
            what = "the weights" if column == "(weight)" else f"{column!r}"
            return f"{what} differ{'' if column == '(weight)' else 's'}"
    return ""


def _by_name(model: Model) -> list[frozenset[str]]:
    """Return the labels of each parameter, parameters by name."""
    ordered = sorted((v for v in model.variables if v.role != "auxiliary"), key=lambda v: v.name)
    return [frozenset(str(x) for x in v) for w in ordered for v in w.coords.values()]


def _some(x: frozenset[str], y: frozenset[str]) -> str:
    return ", ".join(map(repr, sorted(x - y)[:3])) or "(none)"


def _rows_of(model: Model) -> pd.DataFrame:
    """Return the distinct rows of data, sorted, with how often each occurs."""
    design = model.design
    raw = {str(name): _plain(design.predictors[name]) for name in design.predictors.columns}
    raw = {name: values[design.row] for name, values in sorted(raw.items())}
    rows: dict[str, np.ndarray] = dict(raw)
    rows[design.response.name] = design.response.y
    if design.response.trials is not None:
        rows["(trials)"] = design.response.trials
    if design.response.limits is not None:
        limits = design.response.limits.columns
        rows |= {f"({name} of {design.response.name})": v for name, v in limits.items()}
    n = design.response.y.size
    built: dict[str, np.ndarray] = {}
    for one in design.every:
        for i, name in enumerate(one.column_names):
            built[f"{name} (as coded)"] = one.X[one.row, i]
        built[f"({one.prefix}offset)"] = one.offset[one.row]
    weight = np.ones(n) if design.weights is None else design.weights
    frame = pd.DataFrame(rows)
    keys = list(frame.columns)
    frame = frame.assign(**{"(weight)": weight, **built})[weight > 0]
    what = dict.fromkeys(built, "first") | {"(weight)": "sum"}
    return frame.groupby(keys, sort=True, dropna=False, as_index=False).agg(what)


def _plain(column: pd.Series) -> np.ndarray:
    """Return numbers as floats, and anything else as text, whatever held them."""
    try:
        return column.astype(float).to_numpy()
    except (TypeError, ValueError):
        return column.astype(str).to_numpy(dtype=object)
