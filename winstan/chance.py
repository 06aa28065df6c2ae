"""What chance does to the worst R-hat, the fewest effective draws, and divergences.

Of chains that all draw from the posterior, a split R-hat is not one but, with M half chains, N
draws of each half and S effective draws in all (S / M in each half)::

    R^2 = (N - 1) / N + B / W,    B / W ~ M / ((M - 1) S) * chi^2_{M - 1}

for B is the variance of M means whose own variance is W M / S. Vehtari et al. (2021) want R-hat
below 1.01, which is about right for one parameter; of many the worst is larger by chance alone:
with 1,000 effective draws from four chains each parameter is beyond 1.01 with probability 0.014,
and of 1,000 parameters some are. Here a parameter of P is called unsound beyond the quantile of
the distribution above that all 2 P R-hats (of the location, and of the spread) stay below in
`1 - ALARMS` of sound fits (Bonferroni: dependent parameters have fewer false alarms), and never
below 1.01. S is of the draws about the means of their half chains, so that chains that disagree do
not excuse themselves by the effective draws that they lose; and it is not taken to be less than the
100 a chain that are wanted anyway.

An estimated effective sample size has an error too, of about `ESS_ERROR` / sqrt(S) on the log
scale, and far larger ones now and then. A fit is sound if every parameter has 100 effective draws a
chain in truth. One whose estimate is lower is judged by the means of m batches of its draws: their
variance, over that of so many means of sound chains, is chi^2_{m-1} / (m - 1), so that it is called
beyond the quantile of that which all of 2 P (bulk and tail) stay below. Of tails, means of short
batches are counts of rare draws, whose kurtosis leaves their variance fewer degrees of freedom.

Single divergences come by chance as well: a trajectory that starts far out in a tail is one of
thousands. `divergence_limit` is how many a fit may have, which is measured (docs/verdict.md).

References
----------
Vehtari, Gelman, Simpson, Carpenter and Burkner (2021), Bayesian Analysis 16, 667-718. Gelman and
Rubin (1992), Statistical Science 7, 457-472 (the distribution). Sokal (1997), Monte Carlo methods
in statistical mechanics, section 3: the error of an effective sample size, as 1 / sqrt(S).
Schmeiser (1982), Operations Research 30, 556-568: batch means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from winstan._typing import Array

R_HAT_BELOW = 1.01
ESS_PER_CHAIN = 100
LEAST_DRAWS = 100
"""Draws of a chain, fewer of which say nothing of it."""
# The share of sound fits that may be called unsound, for R-hat and for effective draws each.
ALARMS = 0.005
# Measured for Geyer's estimate on autoregressive chains of 200 to 4,000 effective draws.
ESS_ERROR = 3.2
# Of the draws beyond the quantiles that tail ESS is of.
_TAIL_VARIANCE = 0.05 * 0.95
# Draws to each divergence that may be chance's.
_DRAWS_PER_DIVERGENCE = 2000


def r_hat_limit(ess: Any, n_parameters: int, n_chains: int) -> Array:
    """Return what an R-hat must stay below.

    Parameters
    ----------
    ess : float or ndarray
        Effective draws, about the means of the half chains.
    n_parameters
        How many there are, of which this is the worst.
    n_chains
    """
    halves = 2 * n_chains
    ess = np.maximum(ess, ESS_PER_CHAIN * n_chains)
    quantile = 2 * special.gammainccinv((halves - 1) / 2, ALARMS / (2 * n_parameters))
    return np.maximum(np.sqrt(1 + halves / (halves - 1) * quantile / ess), R_HAT_BELOW)


def cautious(ess: Array) -> Array:
    """Return effective draws as estimated, less one and a half standard errors.

    The bound is of the effective draws that there are: of many parameters the one beyond it is
    often one whose effective draws are overestimated.
    """
    return np.asarray(ess * np.exp(-1.5 * ESS_ERROR / np.sqrt(ess)))


def batch_ess_limits(n_parameters: int, n_chains: int, batches: int, length: int) -> Array:
    """Return what effective draws by batch means must reach, of the bulk and of the tails.

    Parameters
    ----------
    n_parameters
        Of which this is the worst.
    n_chains
    batches, length
        How many there are, of how many draws each.
    """
    excess_kurtosis = np.array([0.0, (1 / _TAIL_VARIANCE - 6) / length])
    df = (batches - 1) / (1 + excess_kurtosis / 2)
    quantile = 2 * special.gammainccinv(df / 2, ALARMS / (2 * n_parameters))
    return np.asarray(ESS_PER_CHAIN * n_chains * df / quantile)


def divergence_limit(n_draws: int) -> int:
    """Return how many of all draws may diverge by chance."""
    return n_draws // _DRAWS_PER_DIVERGENCE
