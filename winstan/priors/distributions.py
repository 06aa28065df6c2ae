"""The prior distributions of numbers on the real line, or between 0 and 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from winstan.priors.prior import POSITIVE, REAL, Draws, Prior, Size

_OF_THRESHOLDS = REAL | {"ordered", "vector"}  # of each threshold, in order if they are
_UNIT = frozenset({"unit"})
SCALE = MappingProxyType({"sigma": 1})


@dataclass(frozen=True, slots=True)
class Flat(Prior):
    """The uniform density, improper on the real line and on the positive half of it.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Flat()
    Flat()
    """

    kind = 0
    domain = _OF_THRESHOLDS | POSITIVE | _UNIT
    stan = ""
    pymc = ()

    def pymc_name(self, domain: str) -> str:  # noqa: D102
        return {"positive": "HalfFlat", "unit": "Uniform"}.get(domain, "Flat")

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return np.zeros_like(x)


@dataclass(frozen=True, slots=True)
class Constant(Prior):
    """A coefficient that is not estimated: it has this `value`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Constant(0)
    Constant(value=0.0)
    """

    value: float
    domain = REAL
    signed = frozenset({"value"})

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.full(size, self.value)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return np.where(x == self.value, 0.0, -np.inf)


@dataclass(frozen=True, slots=True)
class Normal(Prior):
    """Normal with mean `mu` and standard deviation `sigma`, cut off at `lower` and `upper`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Normal(0, 1, lower=0)
    Normal(mu=0.0, sigma=1.0, lower=0.0, upper=inf)
    """

    mu: float = 0.0
    sigma: float = 1.0
    lower: float = -math.inf
    upper: float = math.inf
    kind = 1
    domain = _OF_THRESHOLDS
    stan = "normal({0}, {1})"
    pymc = ("mu", "sigma")
    widths = SCALE

    @property
    def numbers(self) -> tuple[float, ...]:
        """Mean and standard deviation of the whole normal."""
        return self.mu, self.sigma

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which values the parameter lies."""
        return self.lower, self.upper

    @property
    def log_mass(self) -> float:
        """Logarithm of what the whole normal has between the bounds, exact in far tails."""
        from scipy import special  # noqa: PLC0415 - `import winstan` does without

        low, high = ((bound - self.mu) / self.sigma for bound in self.bounds)
        if low > 0:  # the tail that is small without rounding
            low, high = -high, -low
        below = special.log_ndtr(low)
        return float(special.log_ndtr(high) + np.log1p(-np.exp(below - special.log_ndtr(high))))

    @property
    def pymc_numbers(self) -> dict[str, float]:
        """Mean, standard deviation, and bounds if there are any."""
        own = {"mu": self.mu, "sigma": self.sigma}
        return own | {"lower": self.lower, "upper": self.upper} if self.bounded else own

    def pymc_name(self, domain: str) -> str:  # noqa: D102
        return "TruncatedNormal" if self.bounded else "Normal"

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        if not self.bounded:
            return rng.normal(self.mu, self.sigma, size)
        from scipy import special  # noqa: PLC0415 - as above

        low, high = ((bound - self.mu) / self.sigma for bound in self.bounds)
        u, turned = rng.random(size), low > 0
        if turned:
            low, high = -high, -low
        below = special.log_ndtr(low)
        share = np.log(u) + self.log_mass  # of what is above the lower bound
        z = special.ndtri_exp(np.logaddexp(below, share))
        return np.clip(self.mu + self.sigma * (-z if turned else z), *self.bounds)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        inside = (x >= self.lower) & (x <= self.upper)
        return np.where(inside, -0.5 * np.square((x - self.mu) / self.sigma), -np.inf)

    @property
    def log_constant(self) -> float:  # noqa: D102
        return -math.log(self.sigma) - 0.5 * math.log(2 * math.pi) - self.log_mass

    def __str__(self) -> str:
        names = ("lower", "upper")
        said = [f"{n}={b:.4g}" for n, b in zip(names, self.bounds, strict=True) if math.isfinite(b)]
        return f"Normal({', '.join([f'{v:.4g}' for v in self.numbers] + said)})"


@dataclass(frozen=True, slots=True)
class StudentT(Prior):
    """Student's t with `nu` degrees of freedom, location `mu` and scale `sigma`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.StudentT(3, 0, 1)
    StudentT(nu=3.0, mu=0.0, sigma=1.0)
    """

    nu: float
    mu: float = 0.0
    sigma: float = 1.0
    kind = 2
    domain = _OF_THRESHOLDS
    stan = "student_t({0}, {1}, {2})"
    pymc = ("nu", "mu", "sigma")
    widths = SCALE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return self.mu + self.sigma * rng.standard_t(self.nu, size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return log_t((x - self.mu) / self.sigma, self.nu)

    @property
    def log_constant(self) -> float:  # noqa: D102
        return log_constant_of_t(self.nu) - math.log(self.sigma)


@dataclass(frozen=True, slots=True)
class Cauchy(Prior):
    """Cauchy with location `mu` and scale `sigma`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Cauchy(0, 1)
    Cauchy(mu=0.0, sigma=1.0)
    """

    mu: float = 0.0
    sigma: float = 1.0
    kind = 3
    domain = _OF_THRESHOLDS
    stan = "cauchy({0}, {1})"
    pymc = ("alpha", "beta")
    widths = SCALE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return self.mu + self.sigma * rng.standard_cauchy(size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return log_t((x - self.mu) / self.sigma, 1.0)

    @property
    def log_constant(self) -> float:  # noqa: D102
        return -math.log(math.pi * self.sigma)


@dataclass(frozen=True, slots=True)
class Beta(Prior):
    """Beta, between 0 and 1, with shapes `alpha` and `beta`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Beta(1, 1)
    Beta(alpha=1.0, beta=1.0)
    """

    alpha: float = 1.0
    beta: float = 1.0
    kind = 7
    domain = _UNIT
    stan = "beta({0}, {1})"
    pymc = ("alpha", "beta")
    widths = MappingProxyType({"alpha": -1, "beta": -1})

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return rng.beta(self.alpha, self.beta, size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        # At a shape of one that end has a density.
        lower = (self.alpha - 1) * np.log(x) if self.alpha != 1 else np.zeros_like(x)
        return lower + ((self.beta - 1) * np.log1p(-x) if self.beta != 1 else 0.0)

    @property
    def log_constant(self) -> float:  # noqa: D102
        a, b = self.numbers
        return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)


def log_t(z: Draws, nu: float) -> Draws:
    """Return the log density of a standard t, but for a constant."""
    return -0.5 * (nu + 1) * np.log1p(np.square(z) / nu)


def log_constant_of_t(nu: float) -> float:
    """Return the logarithm of what normalises `log_t`."""
    return math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * math.log(nu * math.pi)
