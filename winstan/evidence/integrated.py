"""The marginal likelihood where coefficients and effects are integrated out: few dimensions left.

What is left are the variances, whose coordinates (`VarianceCoordinates`) make their posterior about
standard normal. The likelihood times the prior is averaged there by importance sampling with points
of several scrambled Sobol sequences, whose estimates are independent of each other: their spread is
the error.

References
----------
Owen (1997), SIAM J. Numerical Analysis 34, 1884-1910: scrambled sequences and their variance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.evidence.result import LogMarginalLikelihood
from winstan.marginal.importance_sampling import Target, propose, search
from winstan.marginal.system import cross_products
from winstan.model import lkj_numbers
from winstan.residual.coordinates import PRODUCTS_OF_A_PATTERN
from winstan.residual.system import log_density

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan._typing import Array
    from winstan.marginal import VarianceCoordinates
    from winstan.model import Model

SEQUENCES = 8
"""Scrambled sequences."""
FEWEST, MOST = 8, 13
"""Points of each, as powers of two."""
ENOUGH = 1e-4
"""Error of the logarithm at which no more points are taken."""
PATTERNS = 40_000_000
"""Patterns of groups times points beyond which they are not, either."""
SEARCH = 20
"""How many more points a search may take where sampling began without one that converged."""


def integrated_log_marginal_likelihood(model: Model, seed: int) -> LogMarginalLikelihood:
    """Integrate the variances out too.

    Parameters
    ----------
    model
        With `Model.marginal`, or `Model.residual`.
    seed
        Of the scrambling.
    """
    coordinates, log_density, cost = _density(model)
    if not coordinates.converged:
        tuning = replace(model.tuning, search_patterns=SEARCH * model.tuning.search_patterns)
        coordinates = search(coordinates, log_density, cost, tuning)
    rng = np.random.default_rng([seed, 0])
    D, root = coordinates.size, np.log(np.diag(coordinates.correlation_root)).sum()

    def weights(power: int) -> Array:
        raw, log_proposed = propose(power, D, rng)
        with np.errstate(all="ignore"):  # points far out have no weight
            out = log_density(coordinates.at(raw)) + coordinates.log_slope(raw) + root
        out = out - log_proposed
        return np.where(np.isfinite(out), out, -np.inf)

    for power in range(FEWEST, MOST + 1):
        each = np.array(
            [special.logsumexp(weights(power)) - power * np.log(2) for _ in range(SEQUENCES)]
        )
        value = float(special.logsumexp(each) - np.log(SEQUENCES))
        error = float(np.exp(each - value).std(ddof=1) / np.sqrt(SEQUENCES))
        if error < ENOUGH or SEQUENCES * 2.0 ** (power + 1) * cost > PATTERNS:
            break
    return LogMarginalLikelihood(value, error, "importance sampling", D, SEQUENCES * 2**power)


def _density(model: Model) -> tuple[VarianceCoordinates, Callable[[Array], Array], int]:
    """Return coordinates, the log density of them, (S, D) to (S,), and what a point costs."""
    variances = model.variances
    assert variances is not None
    constant = variances.terms.log_jacobian
    if model.residual is not None:
        residual = model.residual
        own = (*residual.sd_priors, *residual.spreads.priors)
        constant += sum(prior.log_constant for prior in own)
        cost = max(1, residual.products.matrix.nnz // PRODUCTS_OF_A_PATTERN)
        return variances, lambda at: log_density(residual, at) + constant, cost
    marginal, stacked, priors = model.marginal, model.stacked, model.priors
    assert marginal is not None
    sd_priors = [priors[name] for group in stacked.groups for name in group.sd_names]
    noise = priors[str(model.family.noise)]
    constant += sum(prior.log_constant for prior in (*sd_priors, noise))
    target = Target(
        stacked,
        marginal,
        cross_products(marginal),
        sd_priors,
        noise,
        lkj_numbers(stacked, priors),
        model.tuning.marginal_chunk,
    )
    terms = variances.terms
    return (
        variances,
        lambda at: target.log_density(terms.variances(at)) + constant,
        marginal.count.size,
    )
