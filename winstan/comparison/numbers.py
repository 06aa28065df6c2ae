"""Differences of draws in units of their Monte Carlo error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special, stats

from winstan.convergence import convergence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.fit_class import Fit
    from winstan.model import Model


def roles_of(model: Model, rows: pd.Index) -> list[str]:
    """Role of each scalar of a summary."""
    known = {v.name: v for v in model.variables}
    scalar = {name: v.role for name, v in known.items() if not v.shape}
    vectors = {name: v.role for name, v in known.items() if v.shape}

    def role(row: str) -> str:
        if row in scalar:
            return scalar[row]
        fitting = [name for name in vectors if row.startswith(f"{name}[")]
        return vectors[max(fitting, key=len)]

    return [role(str(row)) for row in rows]


def draws_of(fit: Fit, rows: pd.Index) -> Array:
    """Every scalar's draws, in the order of these rows: (chains, draws, scalars)."""
    posterior = fit.draws["posterior"]
    parts = [values.to_numpy() for values in posterior.data_vars.values()]
    joined = np.concatenate([x.reshape(*x.shape[:2], -1) for x in parts], axis=2)
    return joined[..., fit.summary().index.get_indexer(rows)]


def pair_of(
    first: tuple[str, pd.DataFrame, Array],
    second: tuple[str, pd.DataFrame, Array],
    threshold: float,
) -> pd.DataFrame:
    """One row for each parameter of a pair of fits."""
    (name_a, a, draws_a), (name_b, b, draws_b) = first, second
    mean_a, mean_b = (t["mean"].to_numpy(float) for t in (a, b))
    mcse_a, mcse_b = (t["mcse_mean"].to_numpy(float) for t in (a, b))
    z_mean = _in_errors(mean_a - mean_b, np.hypot(mcse_a, mcse_b))
    z_sd = spread_z(draws_a, draws_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        sd_ratio = a["sd"].to_numpy(float) / b["sd"].to_numpy(float)
    return pd.DataFrame(
        {
            "parameter": a.index.astype(str),
            "first": name_a,
            "second": name_b,
            "mean_first": mean_a,
            "mean_second": mean_b,
            "difference": mean_a - mean_b,
            "z_mean": z_mean,
            "sd_ratio": sd_ratio,
            "z_sd": z_sd,
            "ess_first": a[["ess_bulk", "ess_tail"]].min(axis=1).to_numpy(),
            "ess_second": b[["ess_bulk", "ess_tail"]].min(axis=1).to_numpy(),
            # Not `> threshold`: a z that is missing is no agreement.
            "agrees": (np.abs(z_mean) <= threshold) & (np.abs(z_sd) <= threshold),
        }
    )


def spread_z(a: Array, b: Array) -> Array:
    """Compare the spread of quantities, whatever their distribution, in Monte Carlo errors.

    Parameters
    ----------
    a, b : ndarray, shape (chains, draws, P) each
        Chains and draws may differ in number.

    Returns
    -------
    ndarray, shape (P,)
        About standard normal where both sample the same distribution; positive where `a` is wider.

    Notes
    -----
    Draws become normal scores of their ranks among both fits' draws. The mean of a score's square
    has a Monte Carlo error even where the quantity has no variance. If the quantity is normal,
    little is lost: Klotz's test has the efficiency of the ratio of variances.
    """
    n_a, P = a.shape[0] * a.shape[1], a.shape[-1]
    pooled = np.concatenate([a.reshape(-1, P), b.reshape(-1, P)])
    ranks = stats.rankdata(pooled, axis=0, nan_policy="propagate")
    squares = np.square(special.ndtri((ranks - 0.375) / (len(pooled) + 0.25)))
    square_a, square_b = squares[:n_a].reshape(a.shape), squares[n_a:].reshape(b.shape)
    difference = square_a.mean(axis=(0, 1)) - square_b.mean(axis=(0, 1))
    errors = [convergence(x).mcse_mean for x in (square_a, square_b)]
    return _in_errors(difference, np.hypot(*errors))


def _in_errors(difference: Array, error: Array) -> Array:
    """Divide; no difference is 0 errors, even where there is no error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / error)


def intervals_of(
    names: Sequence[str], summaries: Sequence[pd.DataFrame], roles: Sequence[str]
) -> pd.DataFrame:
    """Gather the intervals of each fit, a row for each parameter."""
    parts = []
    for name, summary in zip(names, summaries, strict=True):
        lower, upper = (c for c in summary.columns if c.startswith("hdi_"))
        part = summary[["mean", "sd", lower, upper, "mcse_mean"]].rename(
            columns={lower: "lower", upper: "upper"}
        )
        part.insert(0, "fit", name)
        part.insert(1, "parameter", summary.index.astype(str))
        part.insert(2, "role", list(roles))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
