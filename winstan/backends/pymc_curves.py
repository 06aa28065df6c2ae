"""Coefficients with bounds, and those that are shrunk, as PyTensor graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_priors import add_priors
from winstan.families.namespace import pytensor_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.model import Model


def curved(pm: Any, pt: Any, model: Model, beta: Any, free_aux: Any, numbers: Sequence[Any]) -> Any:
    """Return coefficients of what is sampled: see `winstan.coordinates.curves`.

    Parameters
    ----------
    pm, pt
        PyMC and PyTensor.
    model
    beta : tensor, shape (P,)
        As sampled.
    free_aux : tensor, shape (A + E,)
        Free numbers, the family's first.
    numbers : sequence of tensor
        The family's.
    """
    bounds = model.bounds
    if bounds.at.size:
        below, above = bounds.taken(beta[bounds.at], pt.softplus)
        pm.Potential("bounds", bounds.constant - below.sum() - above.sum())
        beta = pt.inc_subtensor(beta[bounds.at], bounds.width * (below - above))
    shrinkage, shrunk = model.shrinkage, model.shrunk
    if shrinkage is None or shrunk is None:
        return beta
    free, xp = free_aux[len(numbers) :], pytensor_namespace()
    own = pt.stack(shrinkage.constrained(free, xp))
    add_priors(pm, "shrinkage_prior", shrinkage.priors, own)
    pm.Potential("shrinkage_jacobian", shrinkage.log_jacobian(free, xp))
    sigma = None if shrinkage.sigma is None else numbers[shrinkage.sigma]
    variance = pt.stack(shrinkage.variances(own, sigma))
    given = 1 / (shrunk.known + 1 / variance)
    x = beta[shrinkage.at] - model.coordinates.beta_location[shrinkage.at]
    b = given * shrunk.score + pt.sqrt(given) * shrunk.root * x
    slope = 0.5 * pt.log(given).sum() + np.log(shrunk.root).sum()
    density = -0.5 * (pt.sqr(b) / variance + pt.log(variance)).sum()
    pm.Potential("shrunk", slope + density - 0.5 * np.log(2 * np.pi) * len(shrinkage.at))
    return pt.set_subtensor(beta[shrinkage.at], b)
