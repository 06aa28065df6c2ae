"""How the classical results show themselves: plain text for terminals, HTML for notebooks."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

_GOOD, _BAD = "#009E73", "#D55E00"


def lme_as_text(
    title: str, rest: str, verdict: str, coefficients: pd.DataFrame, variances: pd.DataFrame
) -> str:
    """Show the formula as understood, verdict, coefficients, variances."""
    lines = [title, rest, "", verdict, "", coefficients.to_string(), ""]
    return "\n".join([*lines, variances.to_string(index=False)])


def lme_as_html(
    title: str,
    rest: str,
    verdict: str,
    coefficients: pd.DataFrame,
    variances: pd.DataFrame,
    *,
    good: bool,
) -> str:
    """Show the formula as understood, verdict, coefficients, variances, as HTML."""
    return "\n".join(
        [
            _titled(title, rest),
            f'<div style="border-left: 4px solid {_GOOD if good else _BAD}; padding-left: 0.6em; '
            f'margin: 0.6em 0">{escape(verdict)}</div>',
            coefficients.to_html(border=0),
            variances.to_html(border=0, index=False),
        ]
    )


def anova_as_text(formula: str, words: str, table: pd.DataFrame) -> str:
    """Show the formula as understood, what was done, the table."""
    return "\n".join([formula, words, "", _tests(table).to_string()])


def anova_as_html(formula: str, words: str, table: pd.DataFrame) -> str:
    """Show the formula as understood, what was done, the table, as HTML."""
    return _titled(formula, words) + "\n" + _tests(table).to_html(border=0)


def _titled(title: str, rest: str) -> str:
    return f"<div><b>{escape(title)}</b><br>{escape(rest)}</div>"


def format_coefficients(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of coefficients with the digits that their errors warrant."""
    shown = {}
    for name in table.columns:
        if name == "z":
            shown[name] = [f"{x:.3f}" for x in table[name]]
        elif name == "P>|z|":
            shown[name] = [_probability(x) for x in table[name]]
        else:
            shown[name] = [
                _digits(x, se) for x, se in zip(table[name], table["Std.Err."], strict=True)
            ]
    return pd.DataFrame(shown, index=table.index.rename(None), dtype=object)


def format_variances(table: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the variances, with the correlations beside them, as text."""
    columns = {
        "group": table["factor"],
        "effect": table["effect"],
        "variance": [f"{x:.5g}" for x in table["variance"]],
        "sd": [f"{x:.5g}" for x in table["sd"]],
    }
    if len(pairs):
        of: dict[tuple[str, str], list[str]] = {}
        for row in pairs.itertuples(index=False):
            of.setdefault((row[0], row[1]), []).append(f"{row[3]:.3f}")
        columns["correlation"] = [
            " ".join(of.get((factor, effect), []))
            for factor, effect in zip(table["factor"], table["effect"], strict=True)
        ]
    return pd.DataFrame(columns, dtype=object)


def _tests(table: pd.DataFrame) -> pd.DataFrame:
    shown = {}
    for name in table.columns:
        if name.startswith("PR"):
            shown[name] = [_probability(x) for x in table[name]]
        elif name == "df":
            shown[name] = [f"{x:g}" for x in table[name]]
        else:
            shown[name] = ["" if np.isnan(x) else f"{x:.5g}" for x in table[name]]
    return pd.DataFrame(shown, index=table.index, dtype=object)


def _probability(p: float) -> str:
    if np.isnan(p):
        return ""
    if p < 1e-16:
        return "<1e-16"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def _digits(x: float, se: float) -> str:
    """Write x with as many decimals as give its standard error four digits."""
    if not (np.isfinite(x) and np.isfinite(se) and se > 0):
        return f"{x:.5g}"
    last = int(np.floor(np.log10(se))) - 3
    return f"{x:.{-last}f}" if -8 <= last <= 0 else f"{x:.5g}"
