"""The numbers of each family: support, sufficient statistics, log density, score.

Every log density here is normalised, and written over cells: the sum over rows is exact to
rounding, because the statistics are sufficient (and where none are, a tally of the distinct values
is kept). Sums of squares are taken about a mean, never as a difference of large numbers.

The Stan templates state the same densities; these serve the quick approximate fit
(`geometry/`), and the tests hold all against scipy's, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from winstan.families.links import Array, Link
from winstan.families.rising import LARGEST_ALPHA, log_rising_sum, rising_statistics
from winstan.families.sample import Sample, sum_by

Statistics = Mapping[str, Any]


# --- support: (mask of the bad rows, what they should have been, what to do) ----------------------


def any_real(sample: Sample) -> tuple[np.ndarray, str, str]:
    """Every finite number will do."""
    return np.zeros(sample.y.shape, bool), "", ""


def positive_real(sample: Sample) -> tuple[np.ndarray, str, str]:
    """Return the rows that are not positive."""
    bad = ~(sample.y > 0)
    if np.all(sample.y >= 0) and np.all(sample.y == np.floor(sample.y)):
        remedy = "Counts with zeros fit family='poisson' or 'negative_binomial'."
    else:
        remedy = "family='gaussian' or 'student' take any number; or mend or drop those rows."
    return bad, "a positive response", remedy


def counts(sample: Sample) -> tuple[np.ndarray, str, str]:
    """Return the rows that are not whole numbers from 0 up."""
    bad = ~((sample.y >= 0) & (sample.y == np.floor(sample.y)))
    if np.all(sample.y > 0):
        remedy = "A positive, continuous response fits family='gamma' or 'lognormal'."
    else:
        remedy = "A continuous response fits family='gaussian' or 'student'."
    return bad, "counts (whole numbers from 0 up)", remedy


def zero_or_one(sample: Sample) -> tuple[np.ndarray, str, str]:
    """Return the rows that are neither 0 nor 1."""
    bad = ~np.isin(sample.y, (0.0, 1.0))
    if np.all((sample.y >= 0) & (sample.y == np.floor(sample.y))):
        remedy = "Counts of successes fit family='binomial' with trials=; other counts 'poisson'."
    else:
        remedy = "A continuous response fits family='gaussian', or 'gamma' where it is positive."
    return bad, "a response of 0 and 1", remedy


def successes_of_trials(sample: Sample) -> tuple[np.ndarray, str, str]:
    """Return the rows that are not whole numbers from 0 up to the row's trials."""
    assert sample.size is not None
    not_counts, _, _ = counts(sample)
    above = sample.y > sample.size
    if np.any(not_counts):
        return not_counts, "whole numbers of successes from 0 up", "Give counts, not proportions."
    return above, "successes no larger than trials", "Mend the counts, or the trials."


# --- offsets that can be moved into the response --------------------------------------------------


def subtract_offset(sample: Sample) -> Sample:
    """Y = offset + mu + e is y - offset = mu + e."""
    return replace(sample, y=sample.y - sample.offset, offset=np.zeros_like(sample.y))


def divide_by_exp_offset(sample: Sample) -> Sample:
    """Divide by exp(offset): a scale family whose log scale has the offset is the same family."""
    return replace(
        sample,
        y=sample.y * np.exp(-sample.offset),
        offset=np.zeros_like(sample.y),
        log_jacobian=sample.log_jacobian - sample.total(sample.offset),
    )


def offset_to_exposure(sample: Sample) -> Sample:
    """Keep a Poisson offset as exposure: `poisson_statistics` sums it, so cells need not split."""
    return replace(sample, size=np.exp(sample.offset), offset=np.zeros_like(sample.y))


# --- sufficient statistics ------------------------------------------------------------------------


def _log_factorial(values: Array) -> Array:
    out = values + 1.0
    special.gammaln(out, out=out)  # in place: rows may be many millions
    return out


def gaussian_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Count, mean and within-cell sum of squares."""
    y = sample.y
    n = sample.by_cell(cell, n_cells)
    safe = np.where(n > 0, n, 1.0)
    # A second pass over the residuals removes the rounding of the first.
    center = np.average(y, weights=sample.weight)
    mean = center + sample.by_cell(cell, n_cells, y - center) / safe
    mean = mean + sample.by_cell(cell, n_cells, y - mean[cell]) / safe
    ss = sample.total(np.square(y - mean[cell]))
    return {"n": n, "mean_y": mean, "ss_within": ss, "log_constant": sample.log_jacobian}


def lognormal_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Gaussian statistics of log y, with the Jacobian of the logarithm."""
    log_y = np.log(sample.y)
    jacobian = sample.log_jacobian - sample.total(log_y)
    return gaussian_statistics(replace(sample, y=log_y, log_jacobian=jacobian), cell, n_cells)


def gamma_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Count and sum of y per cell, sum of log y over all."""
    return {
        "n": sample.by_cell(cell, n_cells),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        "sum_log_y": sample.total(np.log(sample.y)),
        "log_constant": sample.log_jacobian,
    }


def poisson_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Exposure and sum of y per cell."""
    constant = sample.log_jacobian - sample.total(_log_factorial(sample.y))
    if sample.size is not None:
        constant += sample.total(special.xlogy(sample.y, sample.size))
    return {
        "n": sample.by_cell(cell, n_cells, sample.size),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        "log_constant": constant,
    }


def negative_binomial_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Count and sum of y per cell; over all, what the rising factorials of the values need."""
    value, at = np.unique(sample.y, return_inverse=True)
    constant = sample.log_jacobian - sample.total(_log_factorial(sample.y))
    return {
        "n": sample.by_cell(cell, n_cells),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        **rising_statistics(value, sum_by(at, sample.weight, value.size)),
        "log_constant": constant,
    }


def binomial_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Trials and successes per cell."""
    constant = sample.log_jacobian
    if sample.size is not None:  # of single trials the binomial coefficient is one
        constant += sample.total(_log_factorial(sample.size))
        constant -= sample.total(_log_factorial(sample.y))
        constant -= sample.total(_log_factorial(sample.size - sample.y))
    return {
        "n": sample.by_cell(cell, n_cells, sample.size),
        "sum_y": sample.by_cell(cell, n_cells, sample.y),
        "log_constant": constant,
    }


def student_statistics(sample: Sample, cell: np.ndarray, n_cells: int) -> Statistics:
    """Return a tally of the distinct (cell, value) pairs: the t has no sufficient statistics."""
    order = np.lexsort((sample.y, cell))
    by_cell, by_value = cell[order], sample.y[order]
    new = np.ones(order.size, bool)
    new[1:] = (np.diff(by_cell) != 0) | (np.diff(by_value) != 0)
    weight = None if sample.weight is None else sample.weight[order]
    tally = sum_by(np.cumsum(new) - 1, weight, 0)
    return {
        "V": int(np.count_nonzero(new)),
        "cell": by_cell[new] + 1,  # Stan counts from one
        "value": by_value[new],
        "tally": tally,
        "log_constant": sample.log_jacobian,
    }


# --- log densities --------------------------------------------------------------------------------


def gaussian_log_likelihood(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> float:
    """Log density of all rows."""
    n, sigma = stats["n"], aux["sigma"]
    ss = stats["ss_within"] + n @ np.square(stats["mean_y"] - link.inverse(eta))
    log_density = -n.sum() * (0.5 * np.log(2 * np.pi) + np.log(sigma)) - 0.5 * ss / sigma**2
    return float(log_density + stats["log_constant"])


def gamma_log_likelihood(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> float:
    """Log density of all rows; mean mu, shape alpha."""
    n, alpha, mu = stats["n"], aux["alpha"], link.inverse(eta)
    return float(
        n.sum() * (alpha * np.log(alpha) - special.gammaln(alpha))
        + (alpha - 1) * stats["sum_log_y"]
        - alpha * (n @ np.log(mu) + stats["sum_y"] @ (1 / mu))
        + stats["log_constant"]
    )


def poisson_log_likelihood(
    stats: Statistics,
    eta: Array,
    aux: Mapping[str, Any],
    link: Link,
) -> float:
    """Log density of all rows."""
    mu = link.inverse(eta)
    return float(special.xlogy(stats["sum_y"], mu).sum() - stats["n"] @ mu + stats["log_constant"])


def negative_binomial_log_likelihood(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> float:
    """Log density of all rows; mean mu, variance mu + mu^2 / alpha."""
    n, sum_y, mu = stats["n"], stats["sum_y"], link.inverse(eta)
    alpha = min(aux["alpha"], LARGEST_ALPHA)
    return float(
        log_rising_sum(stats, alpha)
        + special.xlogy(sum_y, mu).sum()
        - (sum_y + n * alpha) @ np.log1p(mu / alpha)
        + stats["log_constant"]
    )


def binomial_log_likelihood(
    stats: Statistics,
    eta: Array,
    aux: Mapping[str, Any],
    link: Link,
) -> float:
    """Log density of all rows."""
    successes, failures = stats["sum_y"], stats["n"] - stats["sum_y"]
    log_p, log_q = log_probabilities(eta, link)
    return float(successes @ log_p + failures @ log_q + stats["log_constant"])


def log_probabilities(eta: Array, link: Link) -> tuple[Array, Array]:
    """Log probabilities of success and of failure, exact far out in both tails."""
    if link.name == "logit":
        return special.log_expit(eta), special.log_expit(-eta)
    if link.name == "probit":
        return special.log_ndtr(eta), special.log_ndtr(-eta)
    rate = np.exp(eta)
    # 1 - exp(-rate) is the rate itself, to rounding, where the rate is below 1e-16.
    return np.where(eta < -37, eta, np.log(-np.expm1(-np.maximum(rate, 1e-17)))), -rate


def student_log_likelihood(
    stats: Statistics, eta: Array, aux: Mapping[str, Any], link: Link
) -> float:
    """Log density of all rows; scale sigma, nu degrees of freedom."""
    sigma, nu, tally = aux["sigma"], aux["nu"], stats["tally"]
    z = (stats["value"] - link.inverse(eta)[stats["cell"] - 1]) / sigma
    normaliser = (
        special.gammaln(0.5 * (nu + 1))
        - special.gammaln(0.5 * nu)
        - 0.5 * np.log(nu * np.pi)
        - np.log(sigma)
    )
    log_density = tally.sum() * normaliser - 0.5 * (nu + 1) * (tally @ np.log1p(z**2 / nu))
    return float(log_density + stats["log_constant"])


# --- score and expected information by eta, per cell ----------------------------------------------
# For an exponential family: (sum_y - n mu) mu'/V and n mu'^2 / V, with V the variance of a row
# (McCullagh and Nelder 1989, section 2.5).


def _quasi_score(n: Array, excess: Array, slope: Array, variance: Any) -> tuple[Array, Array]:
    return excess * slope / variance, n * np.square(slope) / variance


def gaussian_score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    excess = stats["n"] * (stats["mean_y"] - link.inverse(eta))
    return _quasi_score(stats["n"], excess, link.inverse_derivative(eta), aux["sigma"] ** 2)


def gamma_score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    return _quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu**2 / aux["alpha"])


def poisson_score(
    stats: Statistics,
    eta: Array,
    aux: Mapping[str, float],
    link: Link,
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    return _quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu)


def negative_binomial_score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    mu = link.inverse(eta)
    excess = stats["sum_y"] - stats["n"] * mu
    variance = mu + mu**2 / aux["alpha"]
    return _quasi_score(stats["n"], excess, link.inverse_derivative(eta), variance)


def binomial_score(
    stats: Statistics,
    eta: Array,
    aux: Mapping[str, float],
    link: Link,
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each."""
    # A probability that rounds to 0 or 1 would have no variance to divide by.
    mu = np.clip(link.inverse(eta), 1e-12, 1 - 1e-12)
    excess = stats["sum_y"] - stats["n"] * mu
    return _quasi_score(stats["n"], excess, link.inverse_derivative(eta), mu * (1 - mu))


def student_score(
    stats: Statistics, eta: Array, aux: Mapping[str, float], link: Link
) -> tuple[Array, Array]:
    """Score and information by eta, shape (C,) each (Lange, Little and Taylor 1989)."""
    sigma, nu, cell, tally = aux["sigma"], aux["nu"], stats["cell"] - 1, stats["tally"]
    residual = stats["value"] - link.inverse(eta)[cell]
    pull = tally * (nu + 1) / (nu + np.square(residual / sigma)) * residual / sigma**2
    slope = link.inverse_derivative(eta)
    n = np.bincount(cell, tally, minlength=eta.size)
    information = n * np.square(slope) * (nu + 1) / (nu + 3) / sigma**2
    return np.bincount(cell, pull, minlength=eta.size) * slope, information


# --- mean of the response -------------------------------------------------------------------------


def mean_itself(mu: Array, aux: Mapping[str, Any]) -> Array:
    """Return mu: the inverse link gives the mean."""
    return mu


def lognormal_mean(mu: Array, aux: Mapping[str, Any]) -> Array:
    """Mean of a lognormal whose logarithm has mean mu and standard deviation sigma."""
    return np.exp(mu + 0.5 * np.square(aux["sigma"]))
