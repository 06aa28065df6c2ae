"""Effects: what a posterior says on the scale of the data, as tidy tables.

Contrasts are counterfactual (g-computation): every distinct row of predictors is evaluated twice,
with the treatment set to one value and to the other, its group's own effects included, and the
means are averaged over the rows of each group and then over the groups, each counting once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.design import evaluate
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from winstan.design import NewRows
    from winstan.links import Array
    from winstan.model import Model

INTERVALS = ("hdi", "eti")
# Draws times rows held at once: 8 million doubles.
CHUNK = 8_000_000


@dataclass(frozen=True, slots=True)
class Contrast:
    """Draws of contrasts, before they are summarised.

    Attributes
    ----------
    treatment : str
    labels : tuple of str
        Such as ``"1 - 0"``, one for each contrast.
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
        The values to compare, the reference first; by default the levels of a factor, the two
        values of a predictor that has two, and otherwise x and x + 1.
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
        If the treatment, a value, `by` or `scale` is unknown, or a ratio of link values is asked.
    """
    if scale not in ("response", "link"):
        raise OptionError(f"scale must be 'response' or 'link', not {scale!r}.")
    if ratio and scale == "link":
        raise OptionError("ratio=True compares means: leave scale='response'.")
    predictors = model.design.predictors
    _check_predictor(model, treatment, "contrast")
    if by is not None:
        _check_predictor(model, by, "by=")
        if by == treatment:
            raise OptionError(f"by={by!r} is the treatment itself.")
    reference, others = _values(predictors[treatment], treatment, values)
    weights, levels = _averaging(model, treatment, by)

    at_reference = _averaged(model, posterior, treatment, reference, weights, scale)
    draws, labels = [], []
    for label, other in others:
        at_other = _averaged(model, posterior, treatment, other, weights, scale)
        draws.append(at_other / at_reference if ratio else at_other - at_reference)
        labels.append(label.replace(" - ", " / ") if ratio else label)
    return Contrast(treatment, tuple(labels), by, levels, np.stack(draws, axis=1), ratio)


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


def observed_contrast(
    model: Model, result: Contrast, values: Sequence[Any] | None, group: str | None
) -> pd.DataFrame:
    """Compare the raw means of each group, with no fitting: group, contrast, difference.

    Groups that lack one side of a contrast are left out: they have no difference.
    """
    data = observed_rows(model)
    if group is None:
        data["group"] = "all"
    else:
        data["group"] = _labels(model, group)
    treatment = model.design.predictors[result.treatment]
    reference, others = _values(treatment, result.treatment, values)
    at = treatment.to_numpy()[model.design.row]
    out = []
    for label, (_, other) in zip(result.labels, others, strict=True):
        if callable(reference):
            continue
        means = [
            data[at == value].groupby("group", sort=False, observed=True)[["total", "weight"]].sum()
            for value in (reference, other)
        ]
        lower, upper = (mean["total"] / mean["weight"] for mean in means)
        lower, upper = lower.align(upper, join="inner")
        difference = upper / lower if result.ratio else upper - lower
        out.append(
            pd.DataFrame(
                {"group": difference.index, "contrast": label, "difference": difference.to_numpy()}
            )
        )
    if not out:
        return pd.DataFrame({"group": [], "contrast": [], "difference": []})
    return pd.concat(out, ignore_index=True)


def observed_rows(model: Model) -> pd.DataFrame:
    """Return the response row by row: value (per trial), weight, and their product total."""
    response = model.design.response
    weight = np.ones_like(response.y) if model.design.weights is None else model.design.weights
    if response.trials is not None:
        value = response.y / np.maximum(response.trials, 1)
        weight = weight * response.trials
    else:
        value = response.y
    return pd.DataFrame({"value": value, "weight": weight, "total": value * weight})


def group_intercepts(
    model: Model, posterior: Mapping[str, Array], factor: str, prob: float, interval: str
) -> pd.DataFrame:
    """Each group's intercept on the response scale: the mean response at X = 0.

    Other factors' effects are at zero.

    Returns
    -------
    DataFrame
        Columns level, mean, sd, and the interval's ends.
    """
    group = next((g for g in model.design.groups if g.factor == factor), None)
    if group is None:
        factors = [g.factor for g in model.design.groups]
        raise OptionError(
            f"{factor!r} is no group factor of this model." + near_matches(factor, factors)
        )
    name = f"1|{factor}"
    if name not in posterior:
        raise OptionError(f"This model has no intercepts by {factor!r}: it has no term (1|{factor}).")
    eta = posterior[name] + posterior.get("Intercept", np.zeros(1))[..., None]
    mu = _mean_response(model, posterior, eta)
    rows = [
        {"level": level} | describe(mu[:, j], prob, interval)
        for j, level in enumerate(group.levels)
    ]
    return pd.DataFrame(rows)


def describe(values: Array, prob: float, interval: str) -> dict[str, float]:
    """Mean, sd and interval of draws; the names of the interval's ends say which it is."""
    lower, upper = interval_ends(values, prob, interval)
    names = interval_names(prob, interval)
    return {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        names[0]: lower,
        names[1]: upper,
    }


def interval_names(prob: float, interval: str) -> tuple[str, str]:
    """Return the column names of an interval's ends: ``hdi_3%`` and ``hdi_97%``.

    Raises
    ------
    OptionError
        If the kind of interval is unknown, or the probability is not between 0 and 1.
    """
    if interval not in INTERVALS:
        raise OptionError(f"interval must be 'hdi' or 'eti', not {interval!r}.")
    if not 0 < prob < 1:
        raise OptionError(f"prob must be between 0 and 1, not {prob!r}.")
    tail = 100 * (1 - prob) / 2
    return f"{interval}_{tail:g}%", f"{interval}_{100 - tail:g}%"


def interval_ends(values: Array, prob: float, interval: str) -> tuple[float, float]:
    """Return the ends of the highest-density or equal-tailed interval of draws, shape (S,)."""
    from arviz_stats.base import array_stats  # noqa: PLC0415 - a second that an import should not pay

    if interval == "eti":
        lower, upper = np.quantile(values, [(1 - prob) / 2, (1 + prob) / 2])
    else:
        lower, upper = array_stats.hdi(values, prob=prob, axis=-1)
    return float(lower), float(upper)


def _check_predictor(model: Model, name: str, what: str) -> None:
    known = list(model.design.predictors.columns)
    if name not in known:
        raise OptionError(
            f"{what} names {name!r}, which is no predictor of {model.formula.text!r}."
            + near_matches(str(name), known)
        )


def _values(
    column: pd.Series, treatment: str, values: Sequence[Any] | None
) -> tuple[Any, list[tuple[str, Any]]]:
    """The reference, and each contrast's label with the value to compare to it."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = list(column.cat.categories)
    else:
        known = sorted(column.unique().tolist())
    if values is None:
        if len(known) > 2 and not isinstance(column.dtype, pd.CategoricalDtype):
            return _unchanged, [("x + 1 - x", _one_more)]
        values = known
    values = list(values)
    if len(values) < 2:
        raise OptionError(f"A contrast of {treatment!r} needs two values at least; got {values!r}.")
    if isinstance(column.dtype, pd.CategoricalDtype):
        for value in values:
            if value not in known:
                raise OptionError(
                    f"{treatment!r} has no level {value!r}." + near_matches(str(value), known)
                )
    reference, *others = values
    return reference, [(f"{_shown(v)} - {_shown(reference)}", v) for v in others]


def _unchanged(x: Array) -> Array:
    return x


def _one_more(x: Array) -> Array:
    return x + 1


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _labels(model: Model, factor: str) -> np.ndarray:
    """Each data row's level of a group factor, or value of a column."""
    for group in model.design.groups:
        if group.factor == factor:
            return np.array(group.levels, object)[group.level][model.design.row]
    return model.design.predictors[factor].to_numpy()[model.design.row]


def _averaging(
    model: Model, treatment: str, by: str | None
) -> tuple[Array, tuple[Any, ...]]:
    """Weights of the design rows, (levels of `by`, D): each level's sum to one.

    Rows that differ by the treatment alone are averaged as they are: the counterfactual treats
    them alike. Groups count equally, rows within a group by their number.
    """
    design = model.design
    D = len(design.predictors)
    weight = np.bincount(design.row, design.weights, minlength=D).astype(float)
    if design.groups:
        codes = np.unique(np.stack([g.level for g in design.groups]), axis=1, return_inverse=True)[1]
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
        mean = eta if scale == "link" else _mean_response(model, posterior, eta)
        out = out + mean @ weights[:, part].T
    return out


def _mean_response(model: Model, posterior: Mapping[str, Array], eta: Array) -> Array:
    aux = {name: posterior[name][:, None] for name in model.family.auxiliary}
    return model.family.response_mean(model.link.inverse(eta), aux)


def linear_predictor(
    model: Model, posterior: Mapping[str, Array], rows: NewRows
) -> Iterator[tuple[slice, Array]]:
    """Evaluate eta at new rows, a chunk of rows at a time.

    Offsets are left out: the mean is that of a unit of exposure. A level that was not among the
    data has no effect of its own.

    Yields
    ------
    part : slice
        The rows of this chunk.
    eta : ndarray, shape (S, rows of the chunk)
    """
    n_draws = next(iter(posterior.values())).shape[0]
    n_rows = rows.X.shape[0]
    slopes = [posterior[t.name].reshape(n_draws, -1) for t in model.design.terms]
    beta = np.hstack(slopes) if slopes else np.zeros((n_draws, 0))
    columns = [c for term in model.design.terms for c in term.columns]
    size = max(1, CHUNK // n_draws)
    for start in range(0, n_rows, size):
        part = slice(start, min(start + size, n_rows))
        eta = beta @ rows.X[part][:, columns].T
        if "Intercept" in posterior:
            eta += posterior["Intercept"][:, None]
        for group, Z, level in zip(model.design.groups, rows.Z, rows.level, strict=True):
            known = level[part] >= 0
            at = np.where(known, level[part], 0)
            for effect in group.effects:
                u = posterior[f"{effect.name}|{group.factor}"].reshape(
                    n_draws, len(effect.columns), len(group.levels)
                )
                for i, column in enumerate(effect.columns):
                    eta += u[:, i, at] * (Z[part, column] * known)
        yield part, eta


def main_group(model: Model) -> str | None:
    """The factor whose groups are shown beside a contrast: the first group term's."""
    return model.design.groups[0].factor if model.design.groups else None


def intercept_data(model: Model, factor: str, treatment: str | None) -> pd.DataFrame:
    """Raw rows under the intercepts of a factor: level, value, [treatment]."""
    data = pd.DataFrame({"level": _labels(model, factor), "value": observed_rows(model)["value"]})
    if treatment is not None:
        _check_predictor(model, treatment, "treatment=")
        data["treatment"] = model.design.predictors[treatment].to_numpy()[model.design.row]
    return data
