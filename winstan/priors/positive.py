"""The prior distributions of positive numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from winstan.priors.distributions import SCALE, log_constant_of_t, log_t
from winstan.priors.prior import POSITIVE, Draws, Prior, Size


@dataclass(frozen=True, slots=True)
class Exponential(Prior):
    """Exponential with this `rate`; its mean is 1 / rate.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Exponential(2)
    Exponential(rate=2.0)
    """

    rate: float = 1.0
    kind = 4
    domain = POSITIVE
    stan = "exponential({0})"
    pymc = ("lam",)
    widths = MappingProxyType({"rate": -1})

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return rng.standard_exponential(size) / self.rate

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -self.rate * x

    @property
    def log_constant(self) -> float:  # noqa: D102
        return math.log(self.rate)


@dataclass(frozen=True, slots=True)
class Gamma(Prior):
    """Gamma with shape `alpha` and rate `beta`; its mean is alpha / beta.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.Gamma(2, 0.1)
    Gamma(alpha=2.0, beta=0.1)
    """

    alpha: float
    beta: float
    kind = 5
    domain = POSITIVE
    stan = "gamma({0}, {1})"
    pymc = ("alpha", "beta")
    widths = MappingProxyType({"beta": -1})

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return rng.standard_gamma(self.alpha, size) / self.beta

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return (self.alpha - 1) * np.log(x) - self.beta * x

    @property
    def log_constant(self) -> float:  # noqa: D102
        return self.alpha * math.log(self.beta) - math.lgamma(self.alpha)


@dataclass(frozen=True, slots=True)
class InverseGamma(Prior):
    """Inverse gamma with shape `alpha` and scale `beta`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.InverseGamma(0.4, 0.3)
    InverseGamma(alpha=0.4, beta=0.3)
    """

    alpha: float
    beta: float
    kind = 6
    domain = POSITIVE
    stan = "inv_gamma({0}, {1})"
    pymc = ("alpha", "beta")
    widths = MappingProxyType({"beta": 1})

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return self.beta / rng.standard_gamma(self.alpha, size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -(self.alpha + 1) * np.log(x) - self.beta / x

    @property
    def log_constant(self) -> float:  # noqa: D102
        return self.alpha * math.log(self.beta) - math.lgamma(self.alpha)


@dataclass(frozen=True, slots=True)
class HalfNormal(Prior):
    """The positive half of a normal about 0 with standard deviation `sigma`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.HalfNormal(1)
    HalfNormal(sigma=1.0)
    """

    sigma: float = 1.0
    kind = 11
    domain = POSITIVE
    stan = "normal(0, {0})"
    pymc = ("sigma",)
    widths = SCALE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.abs(rng.normal(0.0, self.sigma, size))

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -0.5 * np.square(x / self.sigma)

    @property
    def log_constant(self) -> float:  # noqa: D102
        return 0.5 * math.log(2 / math.pi) - math.log(self.sigma)


@dataclass(frozen=True, slots=True)
class HalfStudentT(Prior):
    """The positive half of a Student's t about 0, `nu` degrees of freedom and scale `sigma`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.HalfStudentT(3, 1)
    HalfStudentT(nu=3.0, sigma=1.0)
    """

    nu: float
    sigma: float = 1.0
    kind = 12
    domain = POSITIVE
    stan = "student_t({0}, 0, {1})"
    pymc = ("nu", "sigma")
    widths = SCALE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.abs(self.sigma * rng.standard_t(self.nu, size))

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return log_t(x / self.sigma, self.nu)

    @property
    def log_constant(self) -> float:  # noqa: D102
        return math.log(2) + log_constant_of_t(self.nu) - math.log(self.sigma)


@dataclass(frozen=True, slots=True)
class HalfCauchy(Prior):
    """The positive half of a Cauchy about 0 with scale `sigma`.

    Examples
    --------
    >>> import winstan as ws
    >>> ws.HalfCauchy(1)
    HalfCauchy(sigma=1.0)
    """

    sigma: float = 1.0
    kind = 13
    domain = POSITIVE
    stan = "cauchy(0, {0})"
    pymc = ("beta",)
    widths = SCALE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.abs(self.sigma * rng.standard_cauchy(size))

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return log_t(x / self.sigma, 1.0)

    @property
    def log_constant(self) -> float:  # noqa: D102
        return math.log(2 / (math.pi * self.sigma))
