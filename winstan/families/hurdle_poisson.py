"""The hurdle Poisson distribution: with probability hu a zero, else Poisson (mu) above zero."""

from __future__ import annotations

from winstan.families.distribution import Distribution
from winstan.families.zero_counts import zero_counts

HURDLE_POISSON = zero_counts(
    "hurdle_poisson",
    "hurdle Poisson",
    aliases=("hurdlepoisson",),
    stan=Distribution(
        name="poisson",
        arguments="mu{i}",
        by_link={"log": ("poisson_log", "eta{i}")},
        zero="log(hu)",
        above="log1m(hu) + {y} - log1m_exp({f0})",
    ),
    pymc=Distribution(name="HurdlePoisson", arguments="psi=1 - hu, mu=mu"),
    bambi="hurdle_poisson",
)
