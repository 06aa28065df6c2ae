"""How a posterior moves as its priors, or its likelihood, are made stronger or weaker.

The prior (of top-level parameters), or the likelihood, is raised to a power near one; draws are
weighed by importance sampling, and the distance between the distributions, of each quantity, is
their cumulative Jensen-Shannon distance, by the logarithm of the power: ArviZ's, whose numbers
these are.

References
----------
Kallioinen, Paananen, Buerkner and Vehtari (2024), Statistics and Computing 34, 57.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array

ALPHAS = (0.99, 1.01)
THRESHOLD = 0.05
CONFLICT = "prior and data disagree"
STRONG = "strong prior, or weak data"
FINE = ""


def power_scaling(
    quantities: Mapping[str, Array],
    log_prior: Array,
    log_likelihood: Array,
    alphas: tuple[float, float],
    threshold: float,
) -> pd.DataFrame:
    """Measure the sensitivity of quantities to priors and likelihood.

    Parameters
    ----------
    quantities : mapping of str to ndarray, shape (chains, draws) each
    log_prior, log_likelihood : ndarray, shape (chains, draws)
        Sums over parameters, and over rows by their weights.
    alphas
        The powers: below one, and above.
    threshold
        From which a quantity is called sensitive.

    Returns
    -------
    DataFrame
        Columns quantity, prior, likelihood, diagnosis.
    """
    from arviz_stats.base import array_stats  # noqa: PLC0415 - ArviZ takes a second

    lower, upper = alphas
    weights = []
    for component in (log_prior, log_likelihood):
        own = []
        for alpha in alphas:
            with np.errstate(over="ignore"):  # of a tail that is no wider than rounding
                log_weight = array_stats.power_scale_lw(component, alpha=alpha, axis=(0, 1))
            weight = np.exp(log_weight - np.max(log_weight))
            own.append(weight / weight.sum())
        weights.append(own)
    rows = []
    for name, draws in quantities.items():
        prior, likelihood = (
            float(array_stats.power_scale_sense(draws, *own, lower_alpha=lower, upper_alpha=upper))
            if np.ptp(draws) > 0
            else 0.0
            for own in weights
        )
        rows.append(
            {
                "quantity": name,
                "prior": prior,
                "likelihood": likelihood,
                "diagnosis": diagnosis(prior, likelihood, threshold),
            }
        )
    return pd.DataFrame(rows, columns=["quantity", "prior", "likelihood", "diagnosis"])


def diagnosis(prior: float, likelihood: float, threshold: float) -> str:
    """Say in words what both sensitivities mean."""
    if prior < threshold:
        return FINE
    return CONFLICT if likelihood >= threshold else STRONG
