"""Evidence: marginal likelihoods, and Bayes factors of hypotheses."""

from winstan.evidence.hypotheses import hypothesis_factors
from winstan.evidence.marginal_likelihood import (
    check_priors_proper,
    log_marginal_likelihood,
    rescaled,
)
from winstan.evidence.result import LogMarginalLikelihood

__all__ = [
    "LogMarginalLikelihood",
    "check_priors_proper",
    "hypothesis_factors",
    "log_marginal_likelihood",
    "rescaled",
]
