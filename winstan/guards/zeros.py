"""More zeros among counts than their family gives, however much these vary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.families.suitable import named
from winstan.guards.dispersion import means_of_cells, of_cells
from winstan.guards.residuals import LEAST_FREE, some_rows
from winstan.guards.zero_score import zero_score

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.model import Model

# Zeros over those expected from which one would mind.
RATIO = 1.1
# Standard errors: a false alarm in a thousand.
ERRORS = 3.1
# Rows, and zeros, below which nothing is said.
FEWEST_ROWS = 20
FEWEST_ZEROS = 5
# A variance as large as this share of the largest is as good as it.
_MOST = 0.999


def check_zeros(model: Model) -> str | None:
    """Say whether counts have more zeros than their means and their variance let one expect.

    Expected are those of a negative binomial (of successes: a beta-binomial) of all that the means
    may be by the quick approximate fit (a group of few rows has more zeros than its estimate's:
    exp(-mu) is convex), and of the variance that the counts have about them, so that a variance
    beyond the family's is not taken for zeros of their own: `winstan.guards.dispersion` names that.
    The excess is held against its standard error, in which the variance's own is counted, row by
    row. A family that has a shape for the variance is told by the score of extra zeros instead
    (`winstan.guards.zero_score`).

    Parameters
    ----------
    model
        Of any family; only those that name others with zeros (`Family.zeros`) can have a finding.

    Returns
    -------
    str or None
        What was found, what follows, and the remedy.
    """
    family, sample = model.family, model.cells.sample
    if not family.zeros:
        return None
    if family.auxiliary:
        return _beyond_a_shape(model)
    rows = some_rows(model)
    size = np.ones(len(rows.row)) if sample.size is None else sample.size[rows.row]
    mean, variance, leverage = of_cells(model, rows.cell)
    free = 1 - np.minimum(size * leverage, 1)
    kept = (free > LEAST_FREE) & (size * mean > 0)
    weights, means = means_of_cells(model, rows.cell[kept])
    y, w = sample.y[rows.row][kept], rows.weight[kept]
    size, mean, variance, free = size[kept], mean[kept], variance[kept], free[kept]
    zero = y == 0
    if len(y) < FEWEST_ROWS or w @ zero < FEWEST_ZEROS:
        return None
    # The variance is size * variance + extra * slope: of counts, alpha^-1 mu^2; of successes among
    # n trials, n (n - 1) mu (1 - mu) times the correlation of two of them.
    slope = size * (size - 1) * variance if family.of_trials else np.square(size * mean)
    rises = float(w @ slope)
    if rises == 0:  # one trial a row: zeros of their own are failures like others
        return None
    excess = np.square(y - size * mean) / free - size * variance
    extra = min(max(float(w @ excess) / rises, 0.0), _MOST)
    expected = weights @ _none(means, size, extra, of_trials=family.of_trials)
    each = zero - expected
    if extra > 0:  # what the excess of zeros owes to the variance's own error
        step = 1e-4 * extra
        more = weights @ _none(means, size, extra + step, of_trials=family.of_trials)
        rise = (more - expected) / step
        each = each - float(w @ rise) / rises * (excess - extra * slope)
    found, wanted = float(w @ zero), float(w @ expected)
    error = float(np.sqrt(w @ np.square(each)))
    if found < RATIO * wanted or found - wanted < ERRORS * error:
        return None
    return _words(model, found, wanted, float(w.sum()))


def _beyond_a_shape(model: Model) -> str | None:
    zero = model.cells.sample.y == 0
    if zero.size < FEWEST_ROWS or np.count_nonzero(zero) < FEWEST_ZEROS or zero.all():
        return None
    rows, wanted, errors = zero_score(model)
    found = float(rows.weight @ zero[rows.row])
    if errors < ERRORS or found <= wanted:
        return None
    return _words(model, found, wanted, float(rows.weight.sum()))


def _words(model: Model, found: float, wanted: float, total: float) -> str:
    family = model.family
    trials = " successes" if family.of_trials else ""
    return (
        f"'{model.design.response.name}' has {found:,.0f} rows of zero{trials} among {total:,.0f}"
        f", and {wanted:,.0f} is what their means and their variance let one expect: some zeros "
        "come about in a way of their own, and the mean of the others is larger than the model's. "
        f"Use {named(list(family.zeros))}, whose `{_parameter(model)}` can have a formula."
    )


def _none(mean: Array, size: Array, extra: float, *, of_trials: bool) -> Array:
    """Return the probability of a zero of each row, by the variance's excess."""
    if of_trials:
        if extra <= 0:
            return np.exp(size * np.log1p(-np.minimum(mean, 1 - 1e-12)))
        phi = 1 / extra - 1
        b = (1 - mean) * phi
        log_p = special.gammaln(b + size) - special.gammaln(b)
        return np.exp(log_p - special.gammaln(phi + size) + special.gammaln(phi))
    if extra <= 0:
        return np.exp(-size * mean)
    return np.exp(-np.log1p(extra * size * mean) / extra)


def _parameter(model: Model) -> str:
    """Name the parameter of zeros."""
    return "zi" if len(model.family.zeros) == 1 else "zi` or `hu"
