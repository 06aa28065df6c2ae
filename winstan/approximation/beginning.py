"""Where iterations begin: where linear predictors start, or where data far from there have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from winstan.approximation.information import diagonal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.approximation.problem import Problem

# A first step by more of a link's unit is not of a quadratic: a precision of 30 may be wanted to be
# three, and ends at zero. The search, both ways, and its error.
FAR, WIDEST, CLOSE = 2.0, 15.0, 0.1


def first_predictors(problem: Problem, aux: Mapping[str, float]) -> Array:
    """Return linear predictors to begin with, shape (B * C,).

    The first step takes the mean's to where the data lie. Those of other parameters begin at a
    number that knows nothing of the data: where the step to a common shift is long, they are
    shifted to where the data are likeliest.
    """
    eta, likelihood = problem.first, problem.likelihood
    beside = [
        b for b, name in enumerate(likelihood.predicted, 1) if name not in likelihood.family.means
    ]
    if not beside:
        return eta
    with np.errstate(all="ignore"):
        score, information = likelihood.score(eta, aux)
        information = diagonal(information)
        for b in beside:
            own = likelihood.block(score, b).sum(), likelihood.block(information, b).sum()
            if abs(own[0]) <= FAR * own[1]:
                continue
            place = likelihood.block(np.arange(eta.size), b)

            def density(shift: float, place: Array = place) -> float:
                at = eta.copy()
                at[place] += shift
                found = likelihood.log_density(at, aux)
                return -found if np.isfinite(found) else np.inf

            best = optimize.minimize_scalar(
                density, bounds=(-WIDEST, WIDEST), method="bounded", options={"xatol": CLOSE}
            )
            if density(best.x) < density(0.0):
                eta[place] += best.x
    return eta
