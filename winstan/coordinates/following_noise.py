"""When coefficients and effects follow the noise, and what rows say of them then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.approximation.auxiliary import numbers_at
from winstan.approximation.averages import mean_score, quadrature_nodes
from winstan.approximation.information import diagonal
from winstan.coordinates.conditional import Conditional
from winstan.coordinates.crossing import Compensation
from winstan.coordinates.decorrelation import decorrelate_coefficients
from winstan.coordinates.sd_dependent_covariance import NOTHING
from winstan.coordinates.sd_dependent_location import SdDependentLocation
from winstan.coordinates.sd_dependent_scale import SdDependentScale

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.approximation.laplace import Approximation
    from winstan.approximation.problem import Problem
    from winstan.coordinates.coordinates import Coordinates
    from winstan.families.noise import NoiseInformation

# Rows less parameters that they tell, up to which they leave the noise open: of 116 fits with
# eight groups those that diverged had up to 6.3.
OPEN, LEAST = 8.0, 1.0
# Coefficients and effects that rows say something of, beyond which a factor takes too long.
UP_TO = 40


def follow_noise(coordinates: Coordinates, problem: Problem, fit: Approximation) -> Coordinates:
    """Let coefficients and effects follow the noise, where few rows leave it open.

    Parameters
    ----------
    coordinates
        Of coefficients whose priors are normal, or nearly.
    problem, fit
    """
    own = _conditional(coordinates, problem, fit)
    left = np.inf if own is None else _rows_left(own, problem, fit)
    if own is None or left >= OPEN:
        return coordinates
    P, n = coordinates.beta_location.size, len(coordinates.decorrelation.remaining_scale)
    scale = np.ones(n)
    scale[:P] = problem.beta_prior[:, 1]
    T, Q = fit.u.size, fit.sd.size
    effects = np.ones(P + T - n)
    aux_scale = coordinates.aux_scale.copy()  # a chi-squared of so many degrees has this width
    here = own.number, own.number
    aux_scale[here] = max(aux_scale[here], np.sqrt(2 / max(left, LEAST)) / abs(own.power))
    return replace(
        coordinates,
        conditional=own,
        aux_scale=aux_scale,
        terms=tuple(term.as_z_scores() for term in coordinates.terms),
        beta_location=problem.beta_prior[:, 0],
        decorrelation=decorrelate_coefficients(np.diag(scale), effects),
        sd_dependent_scale=SdDependentScale.nothing(Q),
        sd_dependent_covariance=NOTHING,
        compensation=Compensation.nothing(P),
        sd_dependent_location=SdDependentLocation.nothing(fit.sd, P + T),
    )


def _conditional(
    coordinates: Coordinates, problem: Problem, fit: Approximation
) -> Conditional | None:
    """Gather what rows say; None where the family or the size of the model does not allow it."""
    likelihood = problem.likelihood
    known = likelihood.family.noise_information
    names = [number.name for number in likelihood.scalars]
    if known is None or known.number not in names or np.isinf(problem.beta_prior).any():
        return None
    middle, width = problem.beta_prior.T
    scaled, fixed, response = _rows(coordinates, problem, known)
    kept = scaled + fixed > 0
    parts, at = [problem.X[kept] * width], [np.arange(middle.size)]
    levels = []
    for m, (Z, level) in enumerate(zip(problem.Z, problem.level, strict=True)):
        some = np.unique(level[kept & np.any(Z, axis=1)])
        inside = level[kept, None] == some
        parts.append((Z[kept, :, None] * inside[:, None, :]).reshape(kept.sum(), -1))
        columns = problem.n_levels[m] * np.arange(Z.shape[1])[:, None]
        at.append(middle.size + coordinates.start[m] + (columns + some).ravel())
        levels.append(some.size)
    columns = np.concatenate(parts, axis=1)
    if columns.shape[1] > UP_TO:
        return None
    left = response - problem.offset - problem.X @ middle
    return Conditional(
        names.index(known.number), known.power, columns, np.concatenate(at), tuple(levels),
        scaled[kept], fixed[kept], left[kept],
    )  # fmt: skip


def _rows(
    coordinates: Coordinates, problem: Problem, known: NoiseInformation
) -> tuple[Array, Array, Array]:
    """Return the information of rows, what of it is fixed, and their responses: (B * C,) each."""
    likelihood, C = problem.likelihood, problem.likelihood.n
    scaled, fixed, response = np.zeros((3, problem.offset.size))
    response[:C], scaled[:C] = known.peaks(likelihood.statistics)
    if likelihood.predicted:  # what has a formula beside the mean
        nodes = quadrature_nodes(problem, coordinates.eta, coordinates.eta_sd)
        score, information = mean_score(
            problem, nodes, numbers_at(problem, coordinates.aux_location)
        )
        fixed[C:] = diagonal(information)[C:]
        response[C:] = coordinates.eta[C:] + score[C:] / fixed[C:]
    return scaled, fixed, response


def _rows_left(own: Conditional, problem: Problem, fit: Approximation) -> float:
    """Count the rows that are left to say how noisy they are."""
    noise = problem.likelihood.constrained(fit.free_aux)
    roots = [np.linalg.cholesky(S) for S in fit.effect_covariance]
    scaled = replace(own, fixed=np.zeros_like(own.fixed))
    name = problem.likelihood.scalars[own.number].name
    _, K = scaled.factored(roots, np.asarray(noise[name]))
    told = own.at.size - float(np.square(np.linalg.inv(K)).sum())
    return float(own.scaled.sum()) - told
