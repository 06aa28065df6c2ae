"""The log density of the priors at every draw, parameter by parameter."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.centering import moved_by_means
from winstan.effects.covariances import covariances
from winstan.effects.means import n_draws_of
from winstan.families.namespace import NUMPY
from winstan.families.ordered import dirichlet_log_density
from winstan.priors import LKJ, R2D2, Constant, Dirichlet, Flat, Horseshoe, Prior

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.model import Model


def log_prior(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Evaluate the log density of each prior at each draw.

    Group effects are parameters whose prior is part of the model, and are left out, as are
    constants and flat priors.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).

    Returns
    -------
    dict of str to ndarray
        By the prior's name in ``fit.priors``, shape (S,): normalised densities of the parameter
        as its prior has it (the Intercept at the mean of the predictors, where it is there), per
        unit of the parameter as it is reported. Of coefficients that share a prior they are
        given its numbers, which have theirs.
    """
    found = {
        **_coefficients(model, posterior),
        **_sds(model, posterior),
        **_curves(model, posterior),
        **_correlations(model, posterior),
        **_simplexes(model, posterior),
        **_numbers(model, posterior),
        **_thresholds(model, posterior),
        **_residual(model, posterior),
    }
    table = model.priors.table
    unmoved = {name for name, prior in table.items() if isinstance(prior, Flat | Constant)}
    order = [name for name in table if name in found] + [n for n in found if n not in table]
    return {name: found[name] for name in order if name not in unmoved}


def _density(prior: Prior, values: Array) -> Array:
    """Return a prior's normalised log density; zero where it is improper."""
    if isinstance(prior, Flat | Constant):
        return np.zeros_like(values)
    return prior.log_density(values) + prior.log_constant


def _slopes(model: Model, posterior: Mapping[str, Array]) -> Array:
    """Return the coefficients as they are reported, shape (S, K)."""
    stacked = model.stacked
    out = np.empty((n_draws_of(posterior), stacked.block.size))
    for term in stacked.terms:
        out[:, list(term.columns)] = posterior[term.variable].reshape(len(out), -1)
    return out


def _coefficients(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    stacked, priors = model.stacked, model.priors
    slopes = _slopes(model, posterior)
    at_prior = slopes if model.level_means is None else slopes + slopes @ model.level_means.T
    shared = _shrunk(model, posterior)
    out = dict(shared)
    if stacked.intercept and model.family.thresholds is None:
        moved = moved_by_means(stacked, slopes, model.predictor_mean)
        out["Intercept"] = _density(priors["Intercept"], posterior["Intercept"] + moved[:, 0])
    for k, name in enumerate(stacked.column_names):
        if name not in shared:
            out[name] = _density(priors[name], at_prior[:, k])
    return out


def _shrunk(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Of coefficients that share a prior, and of the numbers that they share."""
    shrinkage = model.shrinkage
    if shrinkage is None:
        return {}
    n, own = len(shrinkage.labels), shrinkage.prior
    sigma = None
    if shrinkage.sigma is not None:
        sigma = posterior[model.likelihood.scalars[shrinkage.sigma].name]
    out: dict[str, Array] = {}
    if isinstance(own, Horseshoe):
        numbers = np.column_stack([posterior[name] for name in shrinkage.dims])
        pairs = zip(shrinkage.names, shrinkage.priors, strict=True)
        out = {name: _density(prior, numbers[:, e]) for e, (name, prior) in enumerate(pairs)}
        sds = np.sqrt(shrinkage.variances(numbers, sigma))
    else:
        assert isinstance(own, R2D2)
        R2, phi = posterior["R2D2_R2"], posterior["R2D2_phi"]
        out["R2D2_R2"] = _density(shrinkage.priors[0], R2)
        out["R2D2_phi"] = Dirichlet(own.numbers[2]).log_density(phi)
        scale = 1.0 if sigma is None else sigma
        sds = shrinkage.unit[:, None] * np.sqrt(R2 / (1 - R2) * phi.T) * scale
    slopes = _slopes(model, posterior)
    place = {name: k for k, name in enumerate(model.stacked.column_names)}
    for j in range(n):
        z = slopes[:, place[shrinkage.labels[j]]] / sds[j]
        out[shrinkage.labels[j]] = -0.5 * np.square(z) - np.log(sds[j] * np.sqrt(2 * np.pi))
    return out


def _sds(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    out = {}
    for written in model.stacked.written:
        of = covariances(written.term, posterior)
        for sds, m in zip(of.sd, written.parts, strict=True):
            for j, name in enumerate(model.stacked.groups[m].sd_names):
                out[name] = _density(model.priors[name], sds[:, j])
    return out


def _curves(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Of the sds and length-scales of curves of all rows, which no group term has."""
    of_groups = {m for written in model.stacked.written for m in written.parts}
    out: dict[str, Array] = {}
    given: Counter[str] = Counter()  # levels of a variable that were met before
    for m, term in enumerate(model.stacked.groups):
        if term.shared is None or m in of_groups:
            continue
        names = iter(term.sd_names)
        for variable, labels in term.shared.variables:
            values = posterior[variable].reshape(n_draws_of(posterior), -1)
            for _ in labels or ("",):
                name = next(names)
                out[name] = _density(model.priors[name], values[:, given[variable]])
                given[variable] += 1
    return out


def _correlations(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    out = {}
    for written in model.stacked.written:
        matrices = covariances(written.term, posterior).correlation
        if matrices is None:
            continue
        for R, m in zip(matrices, written.parts, strict=True):
            name = model.stacked.groups[m].correlation_name
            prior = model.priors[name]
            assert isinstance(prior, LKJ)
            out[name] = prior.log_density_of(R)
    return out


def _simplexes(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    names = [one.variable for one in model.stacked.monotones]
    return {name: model.priors[name].log_density(posterior[name]) for name in names}


def _numbers(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Of parameters that are numbers: those that the data bound have their prior as a share."""
    likelihood, out = model.likelihood, {}
    for number in likelihood.reported:
        unit = 1.0 if number.bound is None else float(likelihood.statistics[number.bound])
        share = posterior[number.name] / unit
        out[number.name] = _density(model.priors[number.name], share) - np.log(unit)
    return out


def _thresholds(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    vector = model.family.thresholds
    if vector is None:
        return {}
    stacked, prior = model.stacked, model.priors[vector.name]
    moved = moved_by_means(stacked, _slopes(model, posterior), model.predictor_mean)
    own = np.flatnonzero(stacked.anchored)
    at_mean = posterior[vector.name] - moved[:, :1] - (moved[:, own] if own.size else 0.0)
    n = at_mean.shape[1]
    if isinstance(prior, Dirichlet):
        alpha = prior.numbers[0]
        draws = [dirichlet_log_density(alpha, at, n, model.link, NUMPY) for at in at_mean]
        return {vector.name: np.array(draws, float)}
    of_order = special.gammaln(n + 1) if vector.domain == "ordered" else 0.0
    return {vector.name: _density(prior, at_mean).sum(axis=1) + of_order}


def _residual(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Of correlations of rows."""
    structure = model.structure
    if structure is None:
        return {}
    return {structure.name: structure.log_prior_of(posterior[structure.name])}
