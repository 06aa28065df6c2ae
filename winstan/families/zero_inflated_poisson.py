"""The zero-inflated Poisson distribution: with probability zi a zero, else Poisson of mean mu."""

from __future__ import annotations

from winstan.families.distribution import Distribution
from winstan.families.zero_counts import zero_counts

ZERO_INFLATED_POISSON = zero_counts(
    "zero_inflated_poisson",
    "zero-inflated Poisson",
    aliases=("zip", "zip_poisson", "ziplss", "zeroinflatedpoisson", "zi_poisson"),
    stan=Distribution(
        name="poisson",
        arguments="mu{i}",
        by_link={"log": ("poisson_log", "eta{i}")},
        zero="log_mix(zi, 0, {f0})",
        above="log1m(zi) + {y}",
    ),
    pymc=Distribution(name="ZeroInflatedPoisson", arguments="psi=1 - zi, mu=mu"),
    bambi="zero_inflated_poisson",
)
