"""The zero-inflated negative binomial: with probability zi a zero, else of mean mu, shape alpha."""

from __future__ import annotations

from winstan.families.distribution import Distribution
from winstan.families.zero_counts import zero_counts

ZERO_INFLATED_NEGATIVE_BINOMIAL = zero_counts(
    "zero_inflated_negative_binomial",
    "zero-inflated negative binomial",
    aliases=(
        "zinb",
        "zero_inflated_negbinomial",
        "zero_inflated_negativebinomial",
        "zeroinflatednegativebinomial",
        "zi_negative_binomial",
        "zinb2",
    ),
    stan=Distribution(
        name="neg_binomial_2",
        arguments="mu{i}, alpha",
        by_link={"log": ("neg_binomial_2_log", "eta{i}, alpha")},
        zero="log_mix(zi, 0, {f0})",
        above="log1m(zi) + {y}",
    ),
    pymc=Distribution(
        name="ZeroInflatedNegativeBinomial", arguments="psi=1 - zi, mu=mu, alpha=alpha"
    ),
    bambi="zero_inflated_negativebinomial",
)
