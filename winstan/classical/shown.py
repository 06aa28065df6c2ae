"""How the classical results show themselves: plain text for terminals, HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from winstan.classical.analysis import Anova
    from winstan.classical.mixed import LME

_GOOD, _BAD = "#009E73", "#D55E00"


def lme_as_text(lme: LME) -> str:
    """Show the formula as understood, verdict, coefficients, variances."""
    lines = [*_lme_heading(lme), "", lme.verdict, "", _coefficients(lme).to_string(), ""]
    return "\n".join([*lines, _variances(lme).to_string(index=False)])


def lme_as_html(lme: LME) -> str:
    """Show the formula as understood, verdict, coefficients, variances, as HTML."""
    title, rest = _lme_heading(lme)
    colour = _GOOD if lme.converged and not lme.singular else _BAD
    return "\n".join(
        [
            _titled(title, rest),
            f'<div style="border-left: 4px solid {colour}; padding-left: 0.6em; margin: 0.6em 0">'
            f"{escape(lme.verdict)}</div>",
            _coefficients(lme).to_html(border=0),
            _variances(lme).to_html(border=0, index=False),
        ]
    )


def anova_as_text(anova: Anova) -> str:
    """Show the formula as understood, what was done, the table."""
    return "\n".join([anova.formula, anova.words, "", _tests(anova.table).to_string()])


def anova_as_html(anova: Anova) -> str:
    """Show the formula as understood, what was done, the table, as HTML."""
    return _titled(anova.formula, anova.words) + "\n" + _tests(anova.table).to_html(border=0)


def _titled(title: str, rest: str) -> str:
    return f"<div><b>{escape(title)}</b><br>{escape(rest)}</div>"


def _lme_heading(lme: LME) -> list[str]:
    formula = lme.formula
    parts = [
        formula.common,
        *(f"offset({offset})" for offset in formula.offset),
        *(group.text for group in formula.groups),
    ]
    method = "REML" if lme.reml else "maximum likelihood"
    factors = {group.factor: len(group.levels) for group in lme.design.groups}
    sizes = [f"{len(lme.design.row):,} rows", *(f"{k}: {n:,} levels" for k, n in factors.items())]
    return [
        f"{formula.response} ~ {' + '.join(parts)}  [linear mixed model, {method}]",
        f"{'; '.join(sizes)}. Log likelihood {lme.log_likelihood:.2f}. {_tests_words(lme)} and "
        "95% confidence intervals.",
    ]


def _tests_words(lme: LME) -> str:
    words = {
        "kenward-roger": "t tests by Kenward-Roger",
        "satterthwaite": "t tests by Satterthwaite",
        "normal": "z tests",
    }[lme.tests.method]
    return words + (f" ({lme.tests.reason})" if lme.tests.reason else "")


def _coefficients(lme: LME) -> pd.DataFrame:
    table = lme.table
    shown = {}
    for name in table.columns:
        if name in ("z", "t"):
            shown[name] = [f"{x:.3f}" for x in table[name]]
        elif name == "df":
            shown[name] = [degrees(x) for x in table[name]]
        elif name.startswith("P>"):
            shown[name] = [_probability(x) for x in table[name]]
        else:
            shown[name] = [
                _digits(x, se) for x, se in zip(table[name], table["Std.Err."], strict=True)
            ]
    return pd.DataFrame(shown, index=table.index.rename(None), dtype=object)


def _variances(lme: LME) -> pd.DataFrame:
    table = lme.variances
    pairs = lme.correlations
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


def degrees(df: float) -> str:
    """Write degrees of freedom: whole ones without decimals, which estimated ones do not need."""
    return f"{df:.0f}" if df >= 1000 or abs(df - round(df)) < 0.005 else f"{df:.4g}"


def _digits(x: float, se: float) -> str:
    """Write x with as many decimals as give its standard error four digits."""
    if not (np.isfinite(x) and np.isfinite(se) and se > 0):
        return f"{x:.5g}"
    last = int(np.floor(np.log10(se))) - 3
    return f"{x:.{-last}f}" if -8 <= last <= 0 else f"{x:.5g}"
