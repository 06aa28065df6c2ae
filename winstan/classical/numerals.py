"""Numbers of tables as text."""

from __future__ import annotations

import numpy as np


def probability(p: float) -> str:
    """Write a p-value."""
    if np.isnan(p):
        return ""
    if p < 1e-16:
        return "<1e-16"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def degrees(df: float) -> str:
    """Write degrees of freedom: whole ones without decimals, which estimated ones do not need."""
    return f"{df:.0f}" if df >= 1000 or abs(df - round(df)) < 0.005 else f"{df:.4g}"


def digits(x: float, se: float) -> str:
    """Write x with as many decimals as give its standard error four digits."""
    if not (np.isfinite(x) and np.isfinite(se) and se > 0):
        return f"{x:.5g}"
    last = int(np.floor(np.log10(se))) - 3
    return f"{x:.{-last}f}" if -8 <= last <= 0 else f"{x:.5g}"
