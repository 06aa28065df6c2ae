"""Pareto-smoothed importance sampling of rows, each by its own effective number of draws.

How many of the largest weights are smoothed depends on how many draws are worth it. That is asked
of each row's density, as in R's loo, and not of the parameters, whose average ArviZ takes for all
rows: chains that move slowly along one parameter are slow for those rows only that tell of it.

References
----------
Vehtari, Simpson, Gelman, Yao and Gabry (2024), J. Machine Learning Research 25(72): Pareto
smoothing, and its tail for dependent draws. Vehtari, Gelman and Gabry (2017), Statistics and
Computing 27, 1413-1432: leave-one-out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.convergence import relative_efficiency

if TYPE_CHECKING:
    from winstan._typing import Array


def efficiencies(log_density: Array, n_chains: int) -> Array:
    """Return the effective draws per draw for the mean density of each row.

    Parameters
    ----------
    log_density : ndarray, shape (S, n)
        Of n rows, chain after chain.
    n_chains

    Returns
    -------
    ndarray, shape (n,)
        1 where it cannot be told: of densities that are no numbers, or of hardly any draws.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        density = np.exp(log_density - log_density.max(axis=0))
        found = relative_efficiency(density.reshape(n_chains, -1, density.shape[1]))
    return np.where(np.isfinite(found) & np.isfinite(density).all(axis=0), found, 1.0)


def leave_out(log_density: Array, n_chains: int) -> tuple[Array, Array, Array]:
    """Estimate the log density of each row given all others.

    Parameters
    ----------
    log_density : ndarray, shape (S, n)
    n_chains

    Returns
    -------
    elpd, k, p : ndarray, shape (n,)
        The log density, Pareto k, and what the row's own density gains by itself. A row that is as
        probable under all draws, such as a censored one that is certain, has weights that are all
        alike: its k is 0.
    """
    from arviz_stats.base import array_stats  # noqa: PLC0415 - ArviZ takes a second

    elpd, (k, p) = log_density[0].copy(), np.zeros((2, log_density.shape[1]))
    efficiency = efficiencies(log_density, n_chains)
    # Weights beyond the largest double have a k that says so.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for i in _varying(log_density):
            row = log_density[:, i].reshape(n_chains, -1)
            elpd[i], k[i], p[i] = array_stats.loo(row, r_eff=efficiency[i])
    return elpd, k, p


def weights_without(log_density: Array, n_chains: int) -> Array:
    """Return weights of draws, (S, n), that leave each row out: they add up to one.

    Parameters
    ----------
    log_density : ndarray, shape (S, n)
    n_chains
    """
    from arviz_stats.base import array_stats  # noqa: PLC0415 - ArviZ takes a second

    weight = np.ones_like(log_density)
    efficiency = efficiencies(log_density, n_chains)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for i in _varying(log_density):
            found, _ = array_stats.psislw(log_density[:, i], r_eff=efficiency[i])
            weight[:, i] = np.exp(found - found.max())
    return weight / weight.sum(axis=0)


def _varying(log_density: Array) -> np.ndarray:
    """Return the rows whose density some draws change."""
    return np.flatnonzero((log_density != log_density[0]).any(axis=0))
