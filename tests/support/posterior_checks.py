"""Posteriors held to what is known of them, in Monte Carlo errors."""

from __future__ import annotations

import numpy as np
from reference_checks import kept

import winstan as ws

# One of some hundred comparisons is off by more, by chance alone, once in a thousand runs.
Z = 4.5


def agree(fit: ws.Fit, expected: dict[str, tuple[float, float, float]]) -> float:
    """Hold means and sds to (mean, sd, error of that mean) by row of the summary.

    Returns the largest |z| of the means.
    """
    assert fit.diagnostics.ok, fit.verdict
    table = fit.summary()
    furthest = 0.0
    for name, (mean, sd, error) in expected.items():
        row = table.loc[name]
        mcse = np.hypot(row["mcse_mean"], error)
        assert abs(row["mean"] - mean) < Z * mcse, (name, row["mean"], mean, mcse)
        furthest = max(furthest, abs(row["mean"] - mean) / mcse)
        # The sd of n effective draws has a relative error of about 1 / sqrt(2 n), more in tails
        # heavier than the normal's, as those of standard deviations are.
        assert abs(row["sd"] / sd - 1) < 2 * Z / np.sqrt(2 * row["ess_tail"]), (name, row["sd"], sd)
    return furthest


def in_errors(record, model: str, source: str, furthest: float, numbers: int) -> None:
    """Keep the furthest mean, in Monte Carlo errors, for the table of references."""
    kept(record, model, source, numbers=numbers, furthest=furthest, allowed=Z,
         unit="Monte Carlo errors")  # fmt: skip
