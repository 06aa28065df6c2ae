"""Draws of every parameter from the priors, in the form of a posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.centering import at_zero, moved_by_means, thresholds_at_zero
from winstan.draws import group_draws
from winstan.errors import PriorError
from winstan.families.ordered import draw_thresholds
from winstan.priors import LKJ, Flat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.model import Model


def prior_draws(model: Model, rng: np.random.Generator, size: int) -> dict[str, Array]:
    """Draw every parameter from its prior.

    The prior of the Intercept, or of the level columns that stand for it, is at the mean of the
    predictors where the model is centred; it is given at X = 0, as a posterior's is. Group effects
    are drawn from their standard deviations and correlations.

    Parameters
    ----------
    model
    rng
    size
        Number of draws, S.

    Returns
    -------
    dict of str to ndarray
        By variable, shape (S, *dims), as in a posterior.

    Raises
    ------
    PriorError
        If a prior is improper: it has no draws.
    """
    _check_proper(model)
    design, priors = model.stacked, model.priors
    columns = design.column_names

    likelihood = model.likelihood
    numbers = {
        number.name: likelihood.in_own_unit(number, priors[number.name].sample(rng, size))
        for number in likelihood.reported
    }
    shared = _shrunk_draws(model, rng, size, numbers)

    def drawn(names: Sequence[str]) -> Array:
        draws = [shared[n] if n in shared else priors[n].sample(rng, size) for n in names]
        return np.stack(draws, axis=1) if draws else np.zeros((size, 0))

    out: dict[str, Array] = {}
    vector = model.family.thresholds
    intercept = drawn(["Intercept"])[:, 0] if design.intercept and vector is None else None
    slopes = at_zero(drawn(columns), model.level_means)
    moved = moved_by_means(design, slopes, model.predictor_mean)
    if intercept is not None:
        out["Intercept"] = intercept - moved[:, 0]
    for term in design.terms:
        values = slopes[:, list(term.columns)]
        out[term.variable] = values if term.labels else values[:, 0]

    correlations = _correlations(model, rng, size)
    sds, factors, u = [], [], {}
    for m, group in enumerate(design.groups):
        sds.append(drawn(group.sd_names))
        of_columns = group.column_sds(sds[-1])
        z = rng.standard_normal((size, group.q, group.n_levels))
        if group.has_correlations:
            prior = priors[group.correlation_name]
            assert isinstance(prior, LKJ)
            factors.append(prior.sample_factors(rng, size, group.q))
            z = factors[-1] @ z
        u[m] = of_columns[:, :, None] * (_of_rows(model, correlations, z) if group.latent else z)
    found, effects = group_draws(design, sds, u, factors)
    out |= found
    out |= numbers
    out |= correlations
    for one in design.monotones:
        out[one.variable] = priors[one.variable].sample(rng, (size, one.n))
    if model.shrinkage is not None:
        out |= {name: shared[name] for name in model.shrinkage.dims}
    if vector is not None:
        n, link = model.likelihood.categories - 1, model.link
        at_mean = draw_thresholds(
            priors[vector.name], n, link, rng, size, ordered=vector.domain == "ordered"
        )
        out[vector.name] = thresholds_at_zero(design, at_mean, moved)
    return out | effects


def _correlations(model: Model, rng: np.random.Generator, size: int) -> dict[str, Array]:
    """Draw the correlation of rows, if there is one."""
    structure = model.structure
    return {} if structure is None else {structure.name: structure.draw(rng, size)}


def _of_rows(model: Model, correlations: Mapping[str, Array], white: Array) -> Array:
    """Make latent effects of innovations."""
    assert model.correlation is not None
    return model.correlation.colour(correlations[model.correlation.structure.name], white)


def _shrunk_draws(
    model: Model, rng: np.random.Generator, size: int, numbers: Mapping[str, Array]
) -> dict[str, Array]:
    """Draw the coefficients that share a prior, by name, and what is told of its numbers."""
    shrinkage = model.shrinkage
    if shrinkage is None:
        return {}
    own = np.stack([prior.sample(rng, size) for prior in shrinkage.priors], axis=-1)
    sigma = None if shrinkage.sigma is None else list(numbers.values())[shrinkage.sigma]
    sds = np.sqrt(shrinkage.variances(own, sigma))
    draws = sds * rng.standard_normal(sds.shape)
    return dict(zip(shrinkage.labels, draws, strict=True)) | shrinkage.reported(own)


def _check_proper(model: Model) -> None:
    improper = [name for name, prior in model.priors.table.items() if isinstance(prior, Flat)]
    if improper:
        raise PriorError(
            f"The prior of {improper[0]!r} is Flat: it is improper, so that nothing can be drawn "
            f"from it. Give it a proper one, such as priors={{{improper[0]!r}: ws.Normal(0, 1)}} "
            "for a coefficient or ws.HalfNormal(1) for a standard deviation, and fit again."
        )
