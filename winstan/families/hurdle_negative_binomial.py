"""The hurdle negative binomial: with probability hu a zero, else (mu, alpha) above zero."""

from __future__ import annotations

from winstan.families.distribution import Distribution
from winstan.families.zero_counts import zero_counts

HURDLE_NEGATIVE_BINOMIAL = zero_counts(
    "hurdle_negative_binomial",
    "hurdle negative binomial",
    aliases=(
        "hurdle_negbinomial",
        "hurdle_negativebinomial",
        "hurdlenegativebinomial",
        "hurdle_nb",
    ),
    stan=Distribution(
        name="neg_binomial_2",
        arguments="mu{i}, alpha",
        by_link={"log": ("neg_binomial_2_log", "eta{i}, alpha")},
        zero="log(hu)",
        above="log1m(hu) + {y} - log1m_exp({f0})",
    ),
    pymc=Distribution(name="HurdleNegativeBinomial", arguments="psi=1 - hu, mu=mu, alpha=alpha"),
    bambi="hurdle_negativebinomial",
)
