"""Parameters that several families share, with their default priors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.families.parameter import Parameter
from winstan.priors import Beta, Exponential, Gamma, InverseGamma, Prior

if TYPE_CHECKING:
    from winstan.families.parameter import DomainName


def mean(domain: DomainName, *links: str, label: str = "mean") -> Parameter:
    """Return the mean, of a domain and with the links that it can have; `label` says of what."""
    return Parameter(name="mu", domain=domain, label=label, links=links)


def _prior_of_sigma(scale: float) -> Prior:
    return Exponential(1 / scale)


def _same(scale: float) -> float:
    return scale


def share(name: str, label: str) -> Parameter:
    """Return a probability that any value is as likely for as another.

    On the logit scale that is a logistic distribution, and about a normal of sd 1.5.
    """
    return Parameter(
        name=name,
        domain="unit",
        label=label,
        default_prior=Beta(1.0, 1.0),
        start=0.5,
        link_sd=1.5,
    )


SIGMA = Parameter(
    name="sigma",
    domain="positive",
    label="residual standard deviation",
    default_prior=_prior_of_sigma,
    start=_same,
)
ALPHA = Parameter(
    name="alpha",
    domain="positive",
    label="shape",
    default_prior=InverseGamma(0.4, 0.3),
)
NU = Parameter(
    name="nu",
    domain="positive",
    label="degrees of freedom",
    default_prior=Gamma(2.0, 0.1),
    start=10.0,
    # The likelihood may rise with nu for ever (normal data), where the prior's bulk ends near 50;
    # and with a small nu that of sigma rises for ever towards zero, at rows that the effects fit
    # exactly.
    limits=(2.0, 50.0),
    link_sd=1.0,
)
ZI = share("zi", "probability of an extra zero")
HU = share("hu", "probability of a zero")
