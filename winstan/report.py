"""How a fit shows itself: plain text for terminals, HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from winstan.fitting import Fit

# Group effects beyond this many rows are left to `Fit.summary`.
EFFECT_ROWS = 12


def fit_as_text(fit: Fit) -> str:
    """Verdict, then the table."""
    table, left_out = _table(fit)
    lines = [*_heading(fit), "", fit.verdict, "", table.to_string()]
    if left_out:
        lines += ["", left_out]
    return "\n".join(lines)


def fit_as_html(fit: Fit) -> str:
    """Verdict, then the table, as HTML."""
    table, left_out = _table(fit)
    title, *rest = _heading(fit)
    colour = "#009E73" if fit.diagnostics.ok else "#D55E00"
    parts = [
        f"<div><b>{escape(title)}</b><br>{escape(' '.join(rest))}</div>",
        f'<div style="border-left: 4px solid {colour}; padding-left: 0.6em; margin: 0.6em 0">'
        f"{escape(fit.verdict)}</div>",
        table.to_html(border=0),
    ]
    if left_out:
        parts.append(f"<div>{escape(left_out)}</div>")
    return "\n".join(parts)


def _heading(fit: Fit) -> list[str]:
    model = fit.model
    rows, cells = model.cells.of_row.size, model.cells.n
    groups = ", ".join(f"{len(g.levels)} {g.factor}" for g in model.design.groups)
    return [
        f"{model.formula.text}  [{model.family.name}, {model.link.name} link, {fit.backend}]",
        f"{rows:,} rows in {cells:,} cells{'; ' + groups if groups else ''}; {fit.seconds:.1f} s. "
        "Intervals are 94% highest-density intervals.",
    ]


def _table(fit: Fit) -> tuple[pd.DataFrame, str]:
    """The rounded table, and a line on what it leaves out."""
    table = fit.summary()
    effects = [v.name for v in fit.model.variables if v.role == "effect"]
    is_effect = np.array([str(name).split("[")[0] in effects for name in table.index])
    n_effects = np.count_nonzero(is_effect)
    left_out = ""
    if n_effects > EFFECT_ROWS:
        left_out = f"{n_effects} group effects are not shown; .summary() has them all."
        table = table[~is_effect]
    shown = table.astype(object)
    for name in table.columns:
        form = {"ess_bulk": "{:.0f}", "ess_tail": "{:.0f}", "r_hat": "{:.3f}"}.get(name, "{:.4g}")
        shown[name] = table[name].map(form.format)
    return shown, left_out
