"""How a fit shows itself: plain text for terminals, HTML for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import _html, effects

if TYPE_CHECKING:
    from winstan.fitted.fitted_model import FittedModel
    from winstan.model import Model

# Group effects beyond this many rows are left to `Fit.summary`.
EFFECT_ROWS = 12


def fit_as_text(fit: FittedModel) -> str:
    """Verdict, then the table."""
    table, left_out = _table(fit)
    lines = [*_heading(fit), "", fit.verdict, "", table.to_string()]
    if left_out:
        lines += ["", left_out]
    return "\n".join(lines)


def fit_as_html(fit: FittedModel) -> str:
    """Verdict, then the table, as HTML."""
    table, left_out = _table(fit)
    title, *rest = _heading(fit)
    return _html.lines(
        _html.heading(title, " ".join(rest)),
        _html.verdict(fit.verdict, ok=fit.diagnostics.ok),
        table.to_html(border=0),
        _html.note(left_out),
    )


def _heading(fit: FittedModel) -> list[str]:
    model = fit.model
    design, cells = model.design, model.cells.n
    by = "" if design.grouped is None else f", grouped by {design.grouped.engine}"
    groups = {one.term.factor: one.term.n_levels for one in model.stacked.written}
    parts = [
        *_modelled(model),
        f"{design.n_used:,}{_of_given(fit)} rows in {cells:,} cells{by}",
        *(f"{factor}: {n:,} levels" for factor, n in groups.items()),
        f"{fit.seconds:.1f} s",
    ]
    return [
        f"{model.formula.text}  [{model.family.name}, {model.link.name} link, {fit.backend}]",
        f"{'; '.join(parts)}. Intervals are 94% highest-density intervals.",
    ]


def _modelled(model: Model) -> list[str]:
    """Say whose probability is modelled, where a response has two levels, and what limits are."""
    if (limits := model.design.response.limits) is not None:
        note = effects.limits_note(model)
        truncated = "truncated: means are those of the response without truncation"
        return [*([note] if note else []), *([truncated] if limits.truncated else [])]
    if model.family.kind != "binary":
        return []
    response = model.design.response
    success = 1 if response.levels is None else response.levels[1]
    return [f"P({response.name} = {success!r}) is modelled"]


def _of_given(fit: FittedModel) -> str:
    """Say of how many rows these are, where some are left out."""
    design = fit.model.design
    return f" of {design.n_given:,}" if design.n_given > design.n_used else ""


def _table(fit: FittedModel) -> tuple[pd.DataFrame, str]:
    """Return the rounded table, and a line on what it leaves out."""
    table = fit.summary()
    effects = tuple(f"{v.name}[" for v in fit.model.variables if v.role == "effect")
    is_effect = np.array([str(name).startswith(effects) for name in table.index], dtype=bool)
    n_effects = np.count_nonzero(is_effect)
    left_out = ""
    if n_effects > EFFECT_ROWS:
        left_out = f"{n_effects} group effects are not shown; .summary() has them all."
        table = table[~is_effect]
    return round_table(table), left_out


def round_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a summary's numbers as text, each row to the digits that its sd warrants.

    The sd has three digits, and what is in its unit as many decimals; the Monte Carlo error has
    two digits, R-hat three decimals, effective draws none.
    """
    text = {"ess_bulk": "{:.0f}", "ess_tail": "{:.0f}", "r_hat": "{:.3f}", "mcse_mean": "{:.2g}"}
    shown = {}
    for name in table.columns:
        if name in text:
            shown[name] = [text[name].format(x) for x in table[name]]
        else:
            shown[name] = [
                _to_digits(x, sd) for x, sd in zip(table[name], table["sd"], strict=True)
            ]
    return pd.DataFrame(shown, index=table.index, dtype=object)


def _to_digits(x: float, sd: float) -> str:
    """Return x with as many decimals as give sd three digits."""
    if not (np.isfinite(sd) and sd > 0 and np.isfinite(x)):
        return f"{x:.4g}"
    last = int(np.floor(np.log10(sd))) - 2
    if last < -6 or last > 4:
        # The same last digit, after a power of ten.
        digits = int(np.floor(np.log10(abs(x)))) - last if abs(x) >= 10.0**last else 0
        return f"{x:.{min(digits, 15)}e}"
    return f"{x:.{max(0, -last)}f}"
