"""Parameters beside the mean that several families share, with their default priors."""

from __future__ import annotations

from winstan.families.family import Parameter
from winstan.priors import Exponential, Gamma, InverseGamma

SIGMA = Parameter(
    name="sigma",
    domain="positive",
    label="residual standard deviation",
    default_prior=lambda scale: Exponential(1 / scale),
    start=lambda scale: scale,
)
ALPHA = Parameter(
    name="alpha",
    domain="positive",
    label="shape",
    default_prior=lambda scale: InverseGamma(0.4, 0.3),
    start=lambda scale: 1.0,
)
NU = Parameter(
    name="nu",
    domain="positive",
    label="degrees of freedom",
    default_prior=lambda scale: Gamma(2.0, 0.1),
    start=lambda scale: 10.0,
    # The likelihood may rise with nu for ever (normal data), where the prior's bulk ends near 50;
    # and with a small nu that of sigma rises for ever towards zero, at rows that the effects fit
    # exactly.
    limits=(2.0, 50.0),
)


def mean(domain: str, *links: str) -> Parameter:
    """Return the mean, of a domain and with the links that it can have."""
    return Parameter(name="mu", domain=domain, label="mean", links=links)  # type: ignore[arg-type]
