"""Parameters of distributions: where each may lie, its default prior, where its search begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from winstan.families.domains import DOMAINS
from winstan.families.links import LINKS, Link
from winstan.priors import Flat, Prior

if TYPE_CHECKING:
    from collections.abc import Callable

DomainName = Literal["real", "positive", "unit", "ordered", "vector"]
VECTORS: tuple[DomainName, ...] = ("ordered", "vector")
_FLAT = Flat()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Parameter:
    """A parameter of a distribution.

    Attributes
    ----------
    name : str
        ``mu``, ``sigma``, ``alpha``, ``nu``: as in the formula of the density and in every table.
    domain : {"real", "positive", "unit", "ordered", "vector"}
        Where it may lie: a real one should be of order one, whatever the unit of the response. An
        ordered one is a vector of thresholds, one less than the response has categories, that the
        linear predictor is held against (`winstan.families.ordered`); a vector of such in no order
        is ``"vector"``.
    label : str
        What it is called in a methods paragraph.
    links : tuple of str
        The links that a linear predictor of it can have, its default first: by default the map of
        its domain from the whole line.
    default_prior : Prior or callable
        The default prior of a scalar one, or ``default_prior(scale)``, where the response (of a
        lognormal one, its logarithm) has this standard deviation.
    start : float or callable
        Where the search for its mode begins, or ``start(scale)``.
    limits : tuple of float, or None
        Between which values that search stays; None is anywhere in the domain.
    link_sd : float
        Where it has a formula, the default prior of its intercept is normal about the link of
        `start`, with this standard deviation.
    coefficient_sd : float
        That of its coefficients, for a predictor of standard deviation one.
    bound : str or None
        Of one that the data bound from above: the statistic that bounds it. It is sampled, and has
        its prior, as a share of that, between 0 and 1; draws are in the unit of the bound.
    shared_name : str
        Of one among several of a kind, each a part of the mean's linear predictor: what they are
        called together in ``priors=``, where the classes of the mean reach them too.
    """

    name: str
    domain: DomainName
    label: str
    links: tuple[str, ...] = ()
    default_prior: Prior | Callable[[float], Prior] = _FLAT
    start: float | Callable[[float], float] = 1.0
    limits: tuple[float, float] | None = None
    link_sd: float = 2.5
    coefficient_sd: float = 1.0
    bound: str | None = None
    shared_name: str = ""

    def __post_init__(self) -> None:
        if not self.links and self.domain in DOMAINS:
            object.__setattr__(self, "links", (DOMAINS[self.domain].link,))

    @property
    def link(self) -> Link:
        """The default link of a linear predictor of it."""
        return LINKS[self.links[0]]

    @property
    def is_vector(self) -> bool:
        """Whether it is a vector: functions of the family get a sequence of its elements."""
        return self.domain in VECTORS

    def prior_at(self, scale: float) -> Prior:
        """Return the default prior where the response has this standard deviation."""
        prior = self.default_prior
        return prior if isinstance(prior, Prior) else prior(scale)

    def start_at(self, scale: float) -> float:
        """Return where the search for its mode begins."""
        return self.start(scale) if callable(self.start) else self.start

    def steps(self, n: int) -> tuple[Parameter, ...]:
        """Return the n numbers that a vector of n + 1 is sampled by: positive if it is ordered."""
        domain: DomainName = "positive" if self.domain == "ordered" else "real"
        return tuple(
            replace(
                self,
                name=f"{self.name}_step[{i}]",
                domain=domain,
                default_prior=_FLAT,
                links=(),
            )
            for i in range(1, n + 1)
        )
