"""Contrasts: the mean response at one value of a predictor against that at another.

They are counterfactual (g-computation): every distinct row of predictors is evaluated twice, with
the treatment set to one value and to the other, its group's own effects included, and the means are
averaged over the rows of each group and then over the groups, each counting once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.design import evaluate
from winstan.effects.codings import coding_of
from winstan.effects.intervals import describe
from winstan.effects.means import linear_predictor, mean_response
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.families.links import Array
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Contrast:
    """Draws of contrasts, before they are summarised.

    Attributes
    ----------
    treatment : str
    labels : tuple of str
        Such as ``"1 - 0"``, one for each contrast; ``"+1"`` is x + 1 against x.
    by : str or None
    levels : tuple
        Values of `by`; a single None without it.
    draws : ndarray, shape (S, contrasts, levels)
    ratio : bool
    """

    treatment: str
    labels: tuple[str, ...]
    by: str | None
    levels: tuple[Any, ...]
    draws: Array
    ratio: bool


def contrast(
    model: Model,
    posterior: Mapping[str, Array],
    treatment: str,
    *,
    values: Sequence[Any] | None = None,
    by: str | None = None,
    scale: str = "response",
    ratio: bool = False,
) -> Contrast:
    """Compare the mean response between values of a predictor.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    treatment
        A column of the formula's right side.
    values
        The values to compare, the reference first; by default the levels of a factor in the order
        of its coding (``C(cond, Treatment("b"))`` has the reference b), the two values of a
        predictor that has two, and otherwise x and x + 1.
    by
        A column: one contrast for each of its levels.
    scale : {"response", "link"}
    ratio
        Ratio of the means in place of their difference.

    Returns
    -------
    Contrast

    Raises
    ------
    OptionError
        If the treatment, a value, `by` or `scale` is unknown, or if a ratio is asked of link
        values, or of means that are not positive in every draw.
    """
    if scale not in ("response", "link"):
        raise OptionError(f"scale must be 'response' or 'link', not {scale!r}.")
    if ratio and scale == "link":
        raise OptionError("ratio=True compares means: leave scale='response'.")
    check_predictor(model, treatment, "contrast")
    if treatment in _columns_of_offsets(model):
        raise OptionError(
            f"{treatment!r} is in an offset alone: contrasts are of the mean at an offset of zero, "
            "which does not depend on it."
        )
    if by is not None:
        check_predictor(model, by, "by=")
        if by == treatment:
            raise OptionError(f"by={by!r} is the treatment itself.")
    compared = comparison(model, treatment, values)
    weights, levels = _averaging(model, by)
    at_reference = _averaged(model, posterior, treatment, compared.reference, weights, scale=scale)
    draws = []
    if ratio:
        _check_positive(at_reference)
    for value in compared.others:
        at_value = _averaged(model, posterior, treatment, value, weights, scale=scale)
        if ratio:
            _check_positive(at_value)
        draws.append(at_value / at_reference if ratio else at_value - at_reference)
    labels = compared.labels(ratio=ratio)
    return Contrast(treatment, labels, by, levels, np.stack(draws, axis=1), ratio)


def _check_positive(means: Array) -> None:
    """Refuse ratios of means that may be zero or negative: they say nothing of more or less."""
    bad = np.count_nonzero(~(means > 0).all(axis=1))
    if bad:
        raise OptionError(
            f"ratio=True needs a positive mean, and it is zero or negative in {bad} of the "
            f"{len(means)} draws. Use ratio=False, or a family of positive responses."
        )


def contrast_table(result: Contrast, prob: float, interval: str) -> pd.DataFrame:
    """Summarise a contrast: contrast, [by], mean, sd, interval, p_direction.

    p_direction is the larger of the posterior probabilities of being above and below no effect
    (0, or 1 for a ratio); see Makowski et al. (2019), Frontiers in Psychology 10, 2767.
    """
    null = 1.0 if result.ratio else 0.0
    rows = []
    for c, label in enumerate(result.labels):
        for g, level in enumerate(result.levels):
            values = result.draws[:, c, g]
            row: dict[str, Any] = {"contrast": label}
            if result.by is not None:
                row[result.by] = level
            row |= describe(values, prob, interval)
            row["p_direction"] = float(max(np.mean(values > null), np.mean(values < null)))
            rows.append(row)
    return pd.DataFrame(rows)


def contrast_draws(result: Contrast) -> pd.DataFrame:
    """Return a contrast's draws in long form: contrast, [by], draw, value."""
    n, n_contrasts, n_levels = result.draws.shape
    table = {"contrast": np.tile(np.repeat(np.array(result.labels, object), n_levels), n)}
    if result.by is not None:
        table[result.by] = np.tile(np.array(result.levels, object), n * n_contrasts)
    table["draw"] = np.repeat(np.arange(n), n_contrasts * n_levels)
    table["value"] = result.draws.reshape(-1)
    return pd.DataFrame(table)


def check_predictor(model: Model, name: str, what: str) -> None:
    """Refuse a name that is no column of the formula's right side."""
    known = list(model.design.predictors.columns)
    if name not in known:
        raise OptionError(
            f"{what} names {name!r}, which is no predictor of {model.formula.text!r}."
            + near_matches(str(name), known)
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a contrast compares: a reference, and the values against it.

    Attributes
    ----------
    reference
        A value, or a function of the column.
    others : tuple
        Likewise.
    names : tuple of str
        Names of the others.
    against : str or None
        Name of the reference; None where the others' names say it all.
    """

    reference: Any
    others: tuple[Any, ...]
    names: tuple[str, ...]
    against: str | None

    def labels(self, *, ratio: bool) -> tuple[str, ...]:
        """Return a label for each contrast: ``1 - 0``, as a ratio ``1 / 0``."""
        if self.against is None:
            return self.names
        return tuple(f"{name} {'/' if ratio else '-'} {self.against}" for name in self.names)


def comparison(model: Model, treatment: str, values: Sequence[Any] | None) -> Comparison:
    """Settle what to compare: the given values, or the default ones of `contrast`.

    Raises
    ------
    OptionError
        If there are fewer than two values, or one of them is no level of a factor.
    """
    is_factor = isinstance(model.design.predictors[treatment].dtype, pd.CategoricalDtype)
    known = list(coding_of(model, treatment).levels)
    # Numbers that are labels have no x + 1: those inside C(), and of a group factor.
    is_label = is_factor or treatment in model.formula.coded_columns
    is_label = is_label or treatment not in _columns_of_effects(model)
    if values is None:
        if len(known) > 2 and not is_label:
            return Comparison(_unchanged, (_one_more,), ("+1",), None)
        values = known
    values = [values] if isinstance(values, str) or not isinstance(values, Iterable) else values
    values = list(values)
    if len(values) < 2:
        raise OptionError(
            f"A contrast of {treatment!r} needs two values at least, the reference first, such as "
            f"values={known[:2]!r}; got {values!r}."
        )
    values = [
        value
        if not is_label and isinstance(value, Real) and np.isfinite(float(value))
        else _level(treatment, value, known)
        for value in values
    ]
    reference, *others = values
    return Comparison(reference, tuple(others), tuple(map(_shown, others)), _shown(reference))


def _level(treatment: str, value: Any, known: list[Any]) -> Any:
    """Find the level meant: the value itself, or the one level that is written like it."""
    same = [level for level in known if level == value]
    same = same or [level for level in known if str(level) == str(value)]
    if len(same) != 1:
        raise OptionError(
            f"{treatment!r} has no level {value!r}." + near_matches(str(value), known)
        )
    return same[0]


def _columns_of_effects(model: Model) -> set[str]:
    """Columns of the common and the group effects: not of offsets, nor of factors alone."""
    formula = model.formula
    designs = [formula.effects, *(group.design for group in formula.groups)]
    return {c for design in designs for atom in design.atoms.values() for c in atom.columns}


def _columns_of_offsets(model: Model) -> set[str]:
    """Columns that are in offsets alone."""
    elsewhere = _columns_of_effects(model) | {
        c for group in model.formula.groups for c in group.factor_columns
    }
    return {c for atom in model.formula.offset_atoms for c in atom.columns} - elsewhere


def _unchanged(x: Array) -> Array:
    return x


def _one_more(x: Array) -> Array:
    return x + 1


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _averaging(model: Model, by: str | None) -> tuple[Array, tuple[Any, ...]]:
    """Weights of the design rows, (levels of `by`, D): each level's sum to one.

    Rows that differ by the treatment alone are averaged as they are: the counterfactual treats
    them alike. Groups count equally, rows within a group by their number.
    """
    design = model.design
    D = len(design.predictors)
    weight = np.bincount(design.row, design.weights, minlength=D).astype(float)
    if design.groups:
        levels_of_row = np.stack([group.level for group in design.groups])
        codes = np.unique(levels_of_row, axis=1, return_inverse=True)[1].reshape(-1)
    else:
        codes = np.zeros(D, int)
    if by is None:
        members, levels = np.ones((1, D), bool), (None,)
    else:
        column = design.predictors[by]
        categories = (
            column.cat.categories
            if isinstance(column.dtype, pd.CategoricalDtype)
            else np.sort(column.unique())
        )
        levels = tuple(categories.tolist())
        members = np.stack([column.to_numpy() == level for level in levels])
    out = np.zeros(members.shape)
    for row, member in zip(out, members, strict=True):
        inside = np.where(member, weight, 0.0)
        of_group = np.bincount(codes, inside)
        present = of_group > 0
        row[:] = inside / np.where(present, of_group, 1.0)[codes] / np.count_nonzero(present)
    return out, levels


def _averaged(
    model: Model,
    posterior: Mapping[str, Array],
    treatment: str,
    value: Any,
    weights: Array,
    *,
    scale: str,
) -> Array:
    """Mean response with the treatment set to a value, averaged by `weights`: (S, levels)."""
    new = model.design.predictors.copy()
    column = new[treatment]
    if callable(value):
        new[treatment] = value(column)
    elif isinstance(column.dtype, pd.CategoricalDtype):
        new[treatment] = pd.Categorical([value] * len(new), dtype=column.dtype)
    else:
        new[treatment] = value
    rows = evaluate(model.design, new)
    out: Any = 0.0
    for part, eta in linear_predictor(model, posterior, rows):
        mean = eta if scale == "link" else mean_response(model, posterior, eta)
        out = out + mean @ weights[:, part].T
    return out
