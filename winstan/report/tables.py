"""The tables of a report's page: what the data are, priors, effects, parameters; and as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan.fitted.evidence import sensitivity_of
from winstan.fitted.predictor_effects import effects as effects_of
from winstan.fitted.reprs import EFFECT_ROWS, round_table

if TYPE_CHECKING:
    from winstan.design import Design
    from winstan.design.response import Response
    from winstan.fitted.fitted_model import FittedModel
    from winstan.fitted.predictor_effects import PredictorEffects
    from winstan.model import Model
    from winstan.options import Whose

ROWS = 60
"""Rows of a table; what is beyond is counted below it."""
SENSITIVE = 20
"""Quantities whose sensitivity is shown: those that hang on the priors most."""
LEVELS = 8
"""Levels of a factor that are named."""
NAME = 120
"""Longest text of a cell, in characters."""


def as_html(
    table: pd.DataFrame, *, caption: str = "", text: tuple[str, ...] = (), more: str = ""
) -> str:
    """Write a table of texts as HTML, everything escaped.

    Parameters
    ----------
    table
        Its index holds the names of the rows.
    caption
    text
        Columns of words, which are aligned at the left.
    more
        Where all rows can be found, if they do not fit.
    """
    left = len(table) - ROWS
    shown = table.iloc[:ROWS]
    if left > 0:
        more = f" {more}" if more else ""
        caption = f"{caption} {left:,} more rows are not shown.{more}".strip()
    head = "".join(
        f'<th scope="col"{_class(str(name), text)}>{_cell(name)}</th>' for name in table.columns
    )
    lines = [f"<table>{f'<caption>{escape(caption)}</caption>' if caption else ''}"]
    lines.append(f"<thead><tr><th></th>{head}</tr></thead><tbody>")
    for name, row in zip(shown.index, shown.itertuples(index=False), strict=True):
        cells = "".join(
            f"<td{_class(str(column), text)}>{_cell(value)}</td>"
            for column, value in zip(table.columns, row, strict=True)
        )
        lines.append(f'<tr><th scope="row">{_cell(name)}</th>{cells}</tr>')
    lines.append("</tbody></table>")
    return f'<div class="wide">{"".join(lines)}</div>'


def data_table(model: Model) -> pd.DataFrame:
    """Describe the response, every group factor and every predictor."""
    design = model.design
    response = design.response
    seen = effects.observed_rows(model)["value"].to_numpy()
    rows: dict[str, tuple[str, str]] = {}
    what = effects.response_label(model)
    if response.categories is not None:
        rows[what] = ("response", _categories(response))
    elif response.levels is not None:
        share = seen.mean()
        rows[what] = ("response", f"{len(seen):,} rows, {share:.3g} of them {response.levels[1]}")
    else:
        trials = "" if response.trials is None else f" of {response.trials.sum():,.0f} trials"
        offset = ", at an offset of zero" if model.formula.offset else ""
        rows[what] = ("response", f"{_numbers(seen)}{trials}{offset}")
    row = design.row[design.data_rows]
    times = None if design.grouped is None else design.grouped.count
    factors = {group.factor: group for one in design.every for group in one.groups}
    for name, group in factors.items():
        each = np.bincount(group.level[row], times, len(group.levels)).astype(int)
        of = f"{each.min():,}" if each.min() == each.max() else f"{each.min():,} to {each.max():,}"
        named = _some(group.levels)
        rows[name] = ("groups", f"{len(group.levels):,} levels ({named}), {of} rows each")
    counts = np.bincount(row, times, len(design.predictors)).astype(int)
    for name in map(str, design.predictors.columns):
        if name not in rows:
            column = design.predictors[name]
            rows[name] = ("predictor", _described(column, counts, row, model))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["role", "values"])


def left_out(design: Design) -> str:
    """Say how many rows of the data are not in the model, and why; nothing if all are."""
    incomplete = design.n_given - design.n_used - design.weightless - design.untried
    why = []
    if incomplete:
        named = ", ".join(f"{name} ({n:,})" for name, n in design.missing.items())
        why.append(f"{incomplete:,} with missing values, in {named}")
    if design.weightless:
        why.append(f"{design.weightless:,} of weight zero")
    if design.untried:
        why.append(f"{design.untried:,} of 0 trials")
    if not why:
        return ""
    return f"Of {design.n_given:,} rows these were left out: {'; '.join(why)}."


def priors_table(fit: FittedModel) -> pd.DataFrame:
    """List the prior of each parameter, and whose it is."""
    priors = fit.priors
    rows = {
        name: (
            str(prior),
            "given" if name in priors.given else "default",
            priors.place(name),
        )
        for name, prior in priors.table.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["prior", "whose", "where"])


def effects_table(
    found: PredictorEffects, *, prob: float, groups: Whose | None = None
) -> pd.DataFrame:
    """Return every predictor's effect on the response scale.

    ``attrs["whose"]`` says in words whose effects the rows are, by what stands behind their names.
    """
    fit, table = found.fit, found.summary(prob)
    parts = [table]
    if any(effect.name != "1" for group in fit.model.design.groups for effect in group.effects):
        # With random slopes, these groups and those that they stand for are two questions.
        parts += [effects_of(fit, prob=prob, groups="these")] if groups is None else []
    whose = {p.attrs["groups"]: p.attrs["estimand"] for p in parts if "groups" in p.attrs}
    for part in parts:
        part.attrs.clear()  # pd.concat compares them
    table = pd.concat(parts, ignore_index=True)
    names = table["predictor"].astype(str) + " " + table["contrast"].astype(str)
    if effects.CATEGORY in table:
        names = "P(" + table[effects.CATEGORY].astype(str) + "): " + names
    if "groups" in table:
        names += " (" + table["groups"] + ")"
    own = ["predictor", "contrast", "groups", effects.CATEGORY]
    numbers = table.drop(columns=own, errors="ignore")
    out = round_table(numbers.drop(columns=["p_direction", "p_rope"], errors="ignore"))
    out["p_direction"] = [f"{p:.3f}" for p in table["p_direction"]]
    out = out.set_axis(names)
    out.attrs["whose"] = whose
    return out


def predicted_parameters(model: Model) -> tuple[str, ...]:
    """Return the parameters beside the mean that have a formula; of unordered categories, all.

    The first of these is no mean response either: it is the log odds of a category, as the others.
    """
    if model.family.kind == "unordered":
        return model.family.means
    return tuple(model.design.beside)


def effects_on_table(fit: FittedModel, parameter: str, *, prob: float) -> pd.DataFrame | None:
    """Return every predictor's effect on a predicted parameter; None without predictors.

    Ratios where it is positive, else differences.

    ``attrs["whose"]`` says in words whose effects the rows are.
    """
    formula = fit.model.formula
    if not formula.parameters.get(parameter, formula).effects.terms:
        return None
    ratio = fit.model.family.parameter(parameter).domain == "positive"
    table = effects_of(fit, prob=prob, parameter=parameter, ratio=ratio)
    names = table["predictor"].astype(str) + " " + table["contrast"].astype(str)
    numbers = table.drop(
        columns=["predictor", "contrast", "groups", "p_direction"], errors="ignore"
    )
    out = round_table(numbers)
    out["p_direction"] = [f"{p:.3f}" for p in table["p_direction"]]
    out = out.set_axis(names)
    out.attrs["whose"] = table.attrs.get("estimand", "")
    out.attrs["ratio"] = ratio
    return out


def parameters_table(fit: FittedModel, *, prob: float) -> tuple[pd.DataFrame, int]:
    """Return the rounded summary, and how many group effects it leaves out."""
    table = fit.summary(prob=prob)
    starts = tuple(f"{v.name}[" for v in fit.model.variables if v.role == "effect")
    is_effect = np.array([str(name).startswith(starts) for name in table.index], dtype=bool)
    left = int(is_effect.sum())
    if left <= EFFECT_ROWS:
        return round_table(table), 0
    return round_table(table[~is_effect]), left


def sensitivity_table(fit: FittedModel, found: PredictorEffects | None) -> tuple[pd.DataFrame, int]:
    """Return how parameters and contrasts move with priors and likelihood, and how many are left.

    Contrasts are those that were found, if any.

    Those that hang on the prior least are left out.
    """
    asked = None if found is None else found.draws()
    table = sensitivity_of(fit, asked).set_index("quantity")
    most = table["prior"].nlargest(SENSITIVE).index
    shown = table[table.index.isin(most)]
    numbers = {name: [f"{v:.3f}" for v in shown[name]] for name in ("prior", "likelihood")}
    return shown.assign(**numbers).rename_axis(None), len(table) - len(shown)


def _categories(response: Response) -> str:
    """Describe categories by their rows, or counts; those that no row has are among them."""
    labels = response.categories or ()
    if response.counts is None:
        what, sizes = "rows", np.bincount(response.y.astype(int), minlength=len(labels))
    else:
        what, sizes = "counts", response.counts.sum(axis=0).astype(int)
    pairs = list(zip(labels, sizes.tolist(), strict=True))
    named = ", ".join(f"{label} ({n:,})" for label, n in pairs[:LEVELS])
    more = f" and {len(pairs) - LEVELS:,} more" if len(pairs) > LEVELS else ""
    return f"{len(pairs):,} categories, with their {what}: {named}{more}"


def _described(column: pd.Series, counts: np.ndarray, row: np.ndarray, model: Model) -> str:
    coded = str(column.name) in model.formula.coded_columns
    if pd.api.types.is_numeric_dtype(column.dtype) and not coded and column.nunique() > 2:
        return _numbers(column.to_numpy(dtype=float)[row])
    sizes = pd.Series(counts).groupby(column.astype(str).to_numpy(), sort=False).sum()
    named = ", ".join(f"{level} ({n:,})" for level, n in sizes.iloc[:LEVELS].items())
    more = f" and {len(sizes) - LEVELS:,} more" if len(sizes) > LEVELS else ""
    return f"{len(sizes):,} values, with their rows: {named}{more}"


def _numbers(values: np.ndarray) -> str:
    """Describe numbers."""
    sd = values.std(ddof=1) if values.size > 1 else 0.0
    return (
        f"{values.size:,} rows, mean {values.mean():.4g}, sd {sd:.4g}, "
        f"from {values.min():.4g} to {values.max():.4g}"
    )


def _some(levels: tuple[Any, ...]) -> str:
    more = ", …" if len(levels) > LEVELS else ""
    return ", ".join(map(str, levels[:LEVELS])) + more


def _class(name: str, text: tuple[str, ...]) -> str:
    return ' class="text"' if name in text else ""


def _cell(value: object) -> str:
    words = str(value)
    return escape(words if len(words) <= NAME else f"{words[: NAME - 1]}…")
