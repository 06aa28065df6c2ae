"""Whether a model's rows hardly repeat, so that Stan goes over them one by one, in one pass.

The templates keep a vector of every step from coefficients to the density, with its derivatives:
cheap for hundreds of cells. Of tens of thousands it is the memory that takes the time, and
``stan/one_pass.stan`` has its own gradient (docs/decisions/69-rows-in-one-pass.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from winstan.design import Stacked
    from winstan.likelihood import Likelihood
    from winstan.tuning import Tuning

TEMPLATE = "one_pass"
# By the family's own template: its code there, its link, and its numbers beside the mean.
_LIKELIHOODS = {
    ("poisson", "log", 0): 1,
    ("binomial", "logit", 0): 2,
    ("gamma", "log", 1): 3,
    ("negative_binomial", "log", 1): 4,
}


def likelihood_code(likelihood: Likelihood) -> int | None:
    """Return the code of a likelihood in ``stan/one_pass.stan``, or None if it is not there."""
    if likelihood.predicted or likelihood.statistics.get("linear"):
        return None
    numbers = len(likelihood.scalars)
    return _LIKELIHOODS.get((likelihood.family.template, likelihood.link.name, numbers))


def is_one_pass(likelihood: Likelihood, stacked: Stacked, tuning: Tuning) -> bool:
    """Whether a model whose coefficients and effects are sampled goes by row.

    Parameters
    ----------
    likelihood
    stacked
        The group terms.
    tuning
        How many cells that takes: an effect costs more there.
    """
    effects = sum(group.size for group in stacked.groups)
    many = likelihood.n >= max(tuning.rows_from, tuning.rows_an_effect * effects)
    return many and likelihood_code(likelihood) is not None
