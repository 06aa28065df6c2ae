"""The marginal likelihood of a model, by the method that suits it, and under rescaled priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from winstan.effects.correlated import check_integrated
from winstan.errors import PriorError
from winstan.evidence.bridge import bridged_log_marginal_likelihood
from winstan.evidence.integrated import integrated_log_marginal_likelihood
from winstan.evidence.space import correlation_matrices, natural_values
from winstan.priors import LKJ, Flat

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan._typing import Array
    from winstan.evidence.result import LogMarginalLikelihood
    from winstan.model import Model
    from winstan.priors import Prior


def log_marginal_likelihood(
    model: Model, posterior: Mapping[str, Array], n_chains: int, seed: int
) -> LogMarginalLikelihood:
    """Compute the log marginal likelihood.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, chain after chain, (S, *dims).
    n_chains
    seed

    Raises
    ------
    PriorError
        If a prior is improper.
    OptionError
        If correlated rows are sampled one by one.
    """
    check_priors_proper(model)
    check_integrated(model, "The marginal likelihood is not known", "fit.loo() compares models.")
    if model.integrated:
        return integrated_log_marginal_likelihood(model, seed)
    return bridged_log_marginal_likelihood(model, posterior, n_chains, seed)


def check_priors_proper(model: Model) -> None:
    """Refuse priors of which no marginal likelihood, or Bayes factor, is defined.

    Raises
    ------
    PriorError
        Naming them, and what to do.
    """
    shares = {
        number.name
        for number, domain in zip(model.likelihood.scalars, model.likelihood.domains, strict=True)
        if domain.name == "unit"  # where a flat prior is the uniform one
    }
    names = [
        name
        for name, prior in model.priors.table.items()
        if isinstance(prior, Flat) and name not in shares
    ]
    if names:
        some = ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")
        raise PriorError(
            f"The prior of {some} is Flat, which is improper: it has no marginal likelihood, and a "
            "Bayes factor would have any value one likes. Give proper priors that say what you "
            f"expected, such as priors={{{names[0]!r}: ws.Normal(0, 1)}}, and fit again."
        )


def rescaled(
    model: Model, posterior: Mapping[str, Array], names: Iterable[str], factor: float
) -> float:
    """Return by how much the log marginal likelihood changes with the scale of priors.

    It is the mean, over the posterior, of the ratio of the priors after to those before.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, (S, *dims).
    names
        Of parameters, as `Priors` has them.
    factor
        How many times as wide the priors are: see `winstan.priors.prior.Prior.rescaled`.
    """
    total: Array | float = 0.0
    for name, of in prior_values(model, posterior).items():
        if name in names:
            prior = model.priors[name]
            total = total + prior_ratio(prior, prior.rescaled(factor), of)
    total = np.atleast_1d(total)
    return float(special.logsumexp(total) - np.log(total.size))


def prior_values(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Return the draws of what each prior with a width is of, by its name: (S,), or (S, q, q)."""
    found = natural_values(model, posterior)
    values = dict(zip(model.coefficients.sampled_names, found.beta.T, strict=True))
    sds = [name for group in model.stacked.groups for name in group.sd_names]
    values |= dict(zip(sds, found.sd.T, strict=True))
    numbers = [number.name for number in model.likelihood.scalars]
    values |= dict(zip(numbers, found.numbers.T, strict=False))
    correlated = [g.correlation_name for g in model.stacked.groups if g.has_correlations]
    values |= dict(zip(correlated, correlation_matrices(model, posterior), strict=True))
    return {name: of for name, of in values.items() if model.priors.of(name).has_width}


def prior_ratio(before: Prior, after: Prior, values: Array) -> Array:
    """Return the log ratio of two priors of one kind at values, shape (S,)."""
    if isinstance(before, LKJ) and isinstance(after, LKJ):
        return after.log_density_of(values) - before.log_density_of(values)
    constant = after.log_constant - before.log_constant
    return after.log_density(values) - before.log_density(values) + constant
