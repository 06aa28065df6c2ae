"""To which digit a number can be told: that of its Monte Carlo standard error.

The last digit shown is worth at least one Monte Carlo standard error, so that another seed changes
it by one or two and never the one before it. With N effective draws the mean has the error
sd / sqrt(N), and the quantile of probability p that of sqrt(p (1 - p) / N) / f, with f the density
there: here that of a normal distribution of the same sd. A probability P has sqrt(P (1 - P) / N).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

if TYPE_CHECKING:
    from winstan._typing import Array


def decimals_of(error: float) -> int | None:
    """Return the most decimals whose last is worth one error; negative are tens; None of no error.

    Parameters
    ----------
    error
        A Monte Carlo standard error, in the number's unit.
    """
    if not (math.isfinite(error) and error > 0):
        return None
    return math.floor(-math.log10(error) + 1e-9)


def error_of_mean(sd: Array, ess: Array) -> Array:
    """Return the Monte Carlo standard error of means, from N effective draws each."""
    return sd / np.sqrt(ess)


def error_of_sd(sd: Array, ess: Array) -> Array:
    """Return the Monte Carlo standard error of standard deviations, of about normal draws."""
    return sd / np.sqrt(2 * ess)


def error_of_quantile(probability: float, sd: Array, ess: Array) -> Array:
    """Return the Monte Carlo standard error of a quantile, of about normal draws."""
    density = norm.pdf(norm.ppf(probability))
    return sd * math.sqrt(probability * (1 - probability)) / (density * np.sqrt(ess))


def decimals_of_probability(p: float, ess: float) -> int:
    """Return the decimals of a probability that N effective draws tell.

    Near 0 and 1 the error is that of one effective draw on the other side.
    """
    inside = min(max(p, 1 / ess), 1 - 1 / ess)
    return max(1, decimals_of(math.sqrt(inside * (1 - inside) / ess)) or 0)
