"""Rising factorials: what a negative binomial of shape alpha has instead of the Poisson's powers.

``Gamma(y + alpha) / (Gamma(alpha) alpha^y)`` is the product of 1 + k / alpha over k < y, and tends
to one where alpha is large: there the counts are Poisson. As a difference of log gammas its
logarithm is lost in rounding, that of a number of the size of ``alpha log alpha``, and so is its
derivative. Here nothing cancels, whatever the shape:

- alpha above `FAR` times the largest count: the logarithm of each factor as a power series, whose
  terms are sums over all counts (`moments`), so that it costs a few multiplications;
- else the first `FIRST` factors one by one, and of the others, with a = alpha + FIRST + 1 and
  w = y - FIRST - 1, Stirling's series of ``Gamma(a + w) / Gamma(a)``, in which ``log(a + w)`` and
  ``log a`` meet as ``log1p(w / a)``.

The Stan template states the same, with the same numbers; but below an alpha of a
thousand, where few digits cancel, the template takes log gammas of the others, which are quicker.

References
----------
NIST Digital Library of Mathematical Functions, 5.5.1 (the factors), 5.11.1 (Stirling's series),
24.4.7 (sums of powers). Loader (2000), Fast and accurate computation of binomial probabilities: the
deviations that `log_pmf` is written in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families.cellwise import of_rows
from winstan.families.namespace import NUMPY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.families.namespace import Namespace

# Factors that are taken one by one: three of Stirling's terms then leave less than 1e-14.
FIRST = 31
# From here on the power series: each of its terms is less than a twentieth of the one before.
FAR = 20.0
N_MOMENTS = 13
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)
# Of a shape for each cell: few enough to be written out in a vector each.
FEW = 8
_FACTORS = np.arange(float(FEW))
# Of single rows: where the log gammas themselves still have all digits.
_LOG_GAMMAS_BELOW = 32.0
# No double that is larger changes anything, and infinity is not a number to compute with.
LARGEST_ALPHA = 1e300


def rising_statistics(value: Array, tally: Array) -> dict[str, Any]:
    """Return what the log of the product over all rows needs.

    Parameters
    ----------
    value : ndarray, shape (K,)
        The distinct counts.
    tally : ndarray, shape (K,)
        How many rows have each.

    Returns
    -------
    dict
        ``largest``, the largest count (1 if there are only zeros); ``n_above``, shape (n_first,):
        how many rows have a count above k = 1, ..., n_first, which is `FIRST` at most; ``excess``
        and ``tally``, shape (V,): the distinct counts above FIRST + 1, less that, and how many rows
        have each; ``moments``, shape (N_MOMENTS,): the coefficients of the series in
        largest / alpha.
    """
    largest = max(float(value.max(initial=0.0)), 1.0)
    k = np.arange(1.0, min(FIRST, largest - 1) + 1)
    n_above = (value > k[:, None]) @ tally
    beyond = value > FIRST + 1
    excess = value[beyond] - (FIRST + 1)
    return {
        "largest": largest,
        "n_first": k.size,
        "n_above": n_above,
        "V": excess.size,
        "cell": np.zeros(0, int),
        "excess": excess,
        "tally": tally[beyond],
        "moments": _moments(value, tally, largest),
    }


def _moments(value: Array, tally: Array, largest: float) -> Array:
    """Sum k^j over k < value, for all rows: times (-1)^(j + 1) / (j largest^j)."""
    share = value / largest
    bernoulli = special.bernoulli(N_MOMENTS)  # of the second of them, -1/2
    out = np.zeros(N_MOMENTS)
    for j in range(1, N_MOMENTS + 1):
        # Bernoulli's formula, (j + 1) sum k^j = sum_i binom(j + 1, i) B_i value^(j + 1 - i)
        i = np.arange(j + 1)
        weight = special.binom(j + 1, i) * bernoulli[: j + 1] / largest**i
        powers = share[:, None] ** (j - i)
        out[j - 1] = (tally * value) @ (powers @ weight) / (j + 1) * (-1) ** (j + 1) / j
    return out


def log_rising_sum(stats: Mapping[str, Any], alpha: Any, xp: Namespace = NUMPY) -> Any:
    """Log of the product of 1 + k / alpha over k < y and over all rows.

    Parameters
    ----------
    stats
        Of `rising_statistics`.
    alpha
        A scalar.
    xp
    """

    def series() -> Any:
        # No larger than where it serves: elsewhere its powers, though not taken, would be infinite.
        x = xp.minimum(stats["largest"] / alpha, 1 / FAR)
        moments = stats["moments"]
        return xp.dot(moments, x ** np.arange(1.0, moments.size + 1))

    def factors() -> Any:
        sums = xp.dot(stats["n_above"], xp.log1p(np.arange(1.0, stats["n_first"] + 1) / alpha))
        if stats["V"]:
            excess, tally, a = stats["excess"], stats["tally"], alpha + FIRST + 1
            beyond = (a + excess - 0.5) * xp.log1p(excess / a) + _stirling(a + excess)
            sums += xp.dot(tally, beyond) - float(tally.sum()) * _stirling(a)
            sums += float(tally @ excess) * (xp.log1p((FIRST + 1) / alpha) - 1)
        return sums

    return xp.select(alpha > FAR * stats["largest"], series, factors)


def rising_of_cells(tally: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `log_rising_by_cell` needs, of the pairs of cell and value, under all names.

    Zeros have no factor, and are left out.
    """
    kept = tally["value"] > 0
    return {
        "largest": max(float(tally["value"].max(initial=0.0)), 1.0),
        "n_first": 0,
        "n_above": np.zeros(0),
        "V": int(np.count_nonzero(kept)),
        "cell": tally["cell"][kept],
        "excess": tally["value"][kept],
        "tally": tally["tally"][kept],
        "moments": np.zeros(N_MOMENTS),
    }


def log_rising_by_cell(stats: Mapping[str, Any], alpha: Any, xp: Namespace = NUMPY) -> Any:
    """Log of the product of 1 + k / alpha over k < y and over all rows, each cell with its alpha.

    Or all cells with one, of the distinct counts over all rows.

    The first `FEW` factors one by one, the others by Stirling's series, as above; what rounding
    leaves is of the size of y's own.
    """
    if not stats["V"]:
        return 0.0
    of_each = log_rising(stats["excess"], of_rows(alpha, stats["cell"] - 1), xp)
    return xp.dot(stats["tally"], of_each)


def log_rising(y: Any, alpha: Any, xp: Namespace = NUMPY) -> Any:
    """Log of the product of 1 + k / alpha over k < y, elementwise, of positive y."""
    from_few = alpha + FEW
    out = (from_few + y - 0.5) * xp.log1p(y / from_few) + y * (xp.log1p(FEW / alpha) - 1)
    out += _stirling(from_few + y) - _stirling(from_few)
    # As one sum: of many terms PyTensor makes one step, which has no more than 32 of them.
    factors = xp.integral(lambda k: xp.log1p(y / (alpha + k)), _FACTORS, np.ones(FEW), 1.0)
    return out - factors


def rising_slope(y: Array, alpha: Array) -> Array:
    """Differentiate the log rising factorial of each count by its alpha, in the same parts.

    The difference of digammas has lost all its digits where alpha is large.
    """
    from_few = alpha + FEW
    total = from_few + y
    out: Array = np.log1p(y / from_few) - (total - 0.5) * y / (from_few * total)
    out += _stirling_slope(total) - _stirling_slope(from_few) - y * FEW / (alpha * from_few)
    for k in range(FEW):
        out += y / ((alpha + k) * (alpha + k + y))
    return out


def _stirling(z: Any) -> Any:
    """Log gamma of z, less (z - 1/2) log z - z + log(2 pi) / 2; z from 8 up: to 1e-11."""
    inverse = 1 / z
    square = inverse * inverse
    series = STIRLING[1] + square * (STIRLING[2] + square * STIRLING[3])
    return inverse * (STIRLING[0] + square * series)


def _stirling_slope(z: Array) -> Array:
    square = 1 / np.square(z)
    series = 3 * STIRLING[1] + square * (5 * STIRLING[2] + square * 7 * STIRLING[3])
    out: Array = -square * (STIRLING[0] + square * series)
    return out


def log_pmf(y: Array, mu: Array, alpha: Array) -> Array:
    """Log probability of counts of mean mu and variance mu + mu^2 / alpha.

    Parameters
    ----------
    y, mu, alpha : ndarray
        Broadcast against one another.
    """
    alpha = np.minimum(alpha, LARGEST_ALPHA)
    small = alpha < _LOG_GAMMAS_BELOW
    if np.all(small):
        return _by_log_gammas(y, mu, alpha)
    if not np.any(small):
        return _by_deviations(y, mu, alpha)
    y, mu, alpha, small = np.broadcast_arrays(y, mu, alpha, small)
    out = np.empty(y.shape)
    for some, density in ((small, _by_log_gammas), (~small, _by_deviations)):
        out[some] = density(y[some], mu[some], alpha[some])
    return out


def _by_log_gammas(y: Array, mu: Array, alpha: Array) -> Array:
    # The binomial coefficient (y + alpha - 1 over y), as a beta function.
    coefficient = -np.log(y + alpha) - special.betaln(alpha, y + 1)
    ratio = mu / alpha
    out: Array = coefficient + special.xlogy(y, ratio) - (y + alpha) * np.log1p(ratio)
    return out


def _by_deviations(y: Array, mu: Array, alpha: Array) -> Array:
    """With log(1 + y / alpha) - log(1 + mu / alpha) as one log1p: of the deviation, not of y."""
    share = (y - mu) / (alpha + mu)
    ratio = np.log1p(share)
    far = share < -0.5  # near -1 it has lost what is left
    if np.any(far):
        ratio = np.where(far, np.log((alpha + y) / (alpha + mu)), ratio)
    total = alpha + y
    of_alpha = 0.5 * np.log(alpha) - _stirling(alpha)
    out: Array = special.xlogy(y, mu) - (y + special.gammaln(y + 1)) + total * ratio
    return out + (_stirling(total) - 0.5 * np.log(total) + of_alpha)
