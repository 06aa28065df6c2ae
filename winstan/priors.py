"""Prior distributions, the defaults, and the user's overrides resolved onto a model's parameters.

A prior is a frozen object that knows its kind (the code in ``stan/include/priors.stan``) and its
numbers. `resolve` turns defaults and overrides into one prior for each scalar parameter, so that
every backend gets the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from winstan.errors import PriorError, near_matches
from winstan.variables import find_name

if TYPE_CHECKING:
    from collections.abc import Iterable

type Size = int | tuple[int, ...]
type Draws = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior of one scalar parameter. Use one of the subclasses."""

    kind: ClassVar[int]
    # What it can be the prior of: "real" (coefficients), "positive" (sd, sigma, alpha, nu).
    domain: ClassVar[frozenset[str]]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise PriorError(
                    f"{type(self).__name__}: {field.name} must be a number, got {value!r}."
                )
            value = float(value)
            object.__setattr__(self, field.name, value)
            if not math.isfinite(value):
                raise PriorError(f"{type(self).__name__}: {field.name} must be finite.")
            if field.name != "mu" and value <= 0:
                raise PriorError(
                    f"{type(self).__name__}: {field.name} must be positive, got {value:g}."
                )

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its parameters, in the order of ``stan/include/priors.stan``."""
        return astuple(self)

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:
        """Draw from the prior.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int or tuple of int
            Shape of the draws.

        Raises
        ------
        PriorError
            If it is no distribution of single numbers that has draws: `Flat` is improper, and
            `LKJ` is one of matrices (`LKJ.sample_factors`).
        """
        raise PriorError(f"{type(self).__name__} cannot be drawn from.")

    def log_density(self, x: Draws) -> Draws:
        """Log of the density, within its domain, but for a constant.

        Parameters
        ----------
        x : ndarray
        """
        raise PriorError(f"{type(self).__name__} is no distribution of single numbers.")

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{v:.4g}' for v in self.numbers)})"


CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "b": "all population-level coefficients",
        "sd": "all standard deviations of groups",
        "corr": "all correlations",
    }
)
"""Keys of ``priors=`` that reach many parameters, and which."""

_REAL = frozenset({"real"})
_POSITIVE = frozenset({"positive"})


@dataclass(frozen=True, slots=True)
class Flat(Prior):
    """The improper uniform density: on the real line, or on the positive half of it."""

    kind = 0
    domain = _REAL | _POSITIVE

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return np.zeros_like(x)


@dataclass(frozen=True, slots=True)
class Normal(Prior):
    """Normal with mean `mu` and standard deviation `sigma`."""

    mu: float = 0.0
    sigma: float = 1.0
    kind = 1
    domain = _REAL

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return rng.normal(self.mu, self.sigma, size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -0.5 * np.square((x - self.mu) / self.sigma)


@dataclass(frozen=True, slots=True)
class StudentT(Prior):
    """Student's t with `nu` degrees of freedom, location `mu` and scale `sigma`."""

    nu: float
    mu: float = 0.0
    sigma: float = 1.0
    kind = 2
    domain = _REAL

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return self.mu + self.sigma * rng.standard_t(self.nu, size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return _log_t((x - self.mu) / self.sigma, self.nu)


@dataclass(frozen=True, slots=True)
class Cauchy(Prior):
    """Cauchy with location `mu` and scale `sigma`."""

    mu: float = 0.0
    sigma: float = 1.0
    kind = 3
    domain = _REAL

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return self.mu + self.sigma * rng.standard_cauchy(size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return _log_t((x - self.mu) / self.sigma, 1.0)


@dataclass(frozen=True, slots=True)
class Exponential(Prior):
    """Exponential with this `rate`; its mean is 1 / rate."""

    rate: float = 1.0
    kind = 4
    domain = _POSITIVE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return rng.standard_exponential(size) / self.rate

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -self.rate * x


@dataclass(frozen=True, slots=True)
class Gamma(Prior):
    """Gamma with shape `alpha` and rate `beta`; its mean is alpha / beta."""

    alpha: float
    beta: float
    kind = 5
    domain = _POSITIVE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return rng.standard_gamma(self.alpha, size) / self.beta

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return (self.alpha - 1) * np.log(x) - self.beta * x


@dataclass(frozen=True, slots=True)
class InverseGamma(Prior):
    """Inverse gamma with shape `alpha` and scale `beta`."""

    alpha: float
    beta: float
    kind = 6
    domain = _POSITIVE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return self.beta / rng.standard_gamma(self.alpha, size)

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -(self.alpha + 1) * np.log(x) - self.beta / x


@dataclass(frozen=True, slots=True)
class HalfNormal(Prior):
    """The positive half of a normal about 0 with standard deviation `sigma`."""

    sigma: float = 1.0
    kind = 11
    domain = _POSITIVE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.abs(rng.normal(0.0, self.sigma, size))

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return -0.5 * np.square(x / self.sigma)


@dataclass(frozen=True, slots=True)
class HalfStudentT(Prior):
    """The positive half of a Student's t about 0, `nu` degrees of freedom and scale `sigma`."""

    nu: float
    sigma: float = 1.0
    kind = 12
    domain = _POSITIVE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.abs(self.sigma * rng.standard_t(self.nu, size))

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return _log_t(x / self.sigma, self.nu)


@dataclass(frozen=True, slots=True)
class HalfCauchy(Prior):
    """The positive half of a Cauchy about 0 with scale `sigma`."""

    sigma: float = 1.0
    kind = 13
    domain = _POSITIVE

    def sample(self, rng: np.random.Generator, size: Size) -> Draws:  # noqa: D102
        return np.abs(self.sigma * rng.standard_cauchy(size))

    def log_density(self, x: Draws) -> Draws:  # noqa: D102
        return _log_t(x / self.sigma, 1.0)


@dataclass(frozen=True, slots=True)
class LKJ(Prior):
    """Density det(R)^(eta - 1) on correlation matrices R.

    Notes
    -----
    Lewandowski, Kurowicka and Joe (2009), J. Multivariate Analysis 100, 1989-2001. eta = 1 is
    uniform over correlation matrices; larger values favour small correlations.
    """

    eta: float = 1.0
    kind = 20
    domain = frozenset({"correlation"})

    def sample_factors(self, rng: np.random.Generator, size: int, width: int) -> Draws:
        """Draw Cholesky factors of correlation matrices.

        Parameters
        ----------
        rng : numpy.random.Generator
        size
            How many.
        width
            Rows of each matrix, q.

        Returns
        -------
        ndarray, shape (size, q, q)
            Lower triangular L, with R = L L'.

        Notes
        -----
        The partial correlation of i and j given all before j is 2 B - 1, with B ~ Beta(b, b) and
        b = eta + (q - 2 - j) / 2, counting from 0 (Lewandowski et al. 2009, section 2.4).
        """
        L = np.zeros((size, width, width))
        left = np.ones((size, width))  # of each row's unit length
        for j in range(width - 1):
            b = self.eta + (width - 2 - j) / 2
            partial = 2 * rng.beta(b, b, (size, width - 1 - j)) - 1
            L[:, j, j] = np.sqrt(left[:, j])
            L[:, j + 1 :, j] = partial * np.sqrt(left[:, j + 1 :])
            left[:, j + 1 :] *= 1 - np.square(partial)
        L[:, -1, -1] = np.sqrt(left[:, -1])
        return L


def _log_t(z: Draws, nu: float) -> Draws:
    return -0.5 * (nu + 1) * np.log1p(np.square(z) / nu)


@dataclass(frozen=True, slots=True)
class PriorSlot:
    """A scalar parameter (or one correlation matrix) that waits for its prior.

    Attributes
    ----------
    name : str
        The parameter as the user knows it: ``stim``, ``cond[b]``, ``1|mouse_sigma``.
    keys : tuple of str
        Names in ``priors=`` that reach it, the most specific first.
    domain : {"real", "positive", "correlation"}
    default : Prior
    kind : {"b", "sd", "corr"}, or None
        The class that it is of, which reaches it after all names.
    """

    name: str
    keys: tuple[str, ...]
    domain: str
    default: Prior
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Priors:
    """One prior for each parameter, in the units of the data; prints as a table.

    Attributes
    ----------
    table : mapping of str to Prior
        By parameter name, in the model's order.
    given : frozenset of str
        Names whose prior the user gave; the others are defaults.
    at_mean : frozenset of str
        Names whose prior is at the mean of the (other) predictors, not at their zero: the
        Intercept, or the level columns that stand for it.
    """

    table: Mapping[str, Prior]
    given: frozenset[str] = frozenset()
    at_mean: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Prior:
        found = name if name in self.table else find_name(name, self.table)
        if found is None:
            raise PriorError(f"There is no parameter {name!r}." + near_matches(name, self.table))
        return self.table[found]

    def __str__(self) -> str:
        width = max(map(len, self.table), default=0)
        lines = []
        for name, prior in self.table.items():
            note = "" if name in self.given else "  (default)"
            place = self.place(name)
            lines.append(f"{name:<{width}}  ~  {prior}{note}" + (f"  {place}" if place else ""))
        return "\n".join(lines)

    def place(self, name: str) -> str:
        """Say where a parameter's prior is: "at the mean of the predictors", or nothing."""
        if name not in self.at_mean:
            return ""
        others = "" if name == "Intercept" else "other "
        return f"at the mean of the {others}predictors"

    def __repr__(self) -> str:
        return str(self)


def resolve(
    slots: Iterable[PriorSlot],
    overrides: Mapping[str, Prior] | None,
    *,
    at_mean: Iterable[str] = (),
) -> Priors:
    """Give each slot the user's most specific prior, or else its default.

    Parameters
    ----------
    slots
        The model's parameters.
    overrides
        The user's ``priors=``: by parameter name, or by class (``"b"`` all coefficients, ``"sd"``
        all group standard deviations, ``"corr"`` all correlations). Where a parameter has the name
        of a class, ``"`b`"`` is the parameter and ``"class b"`` the class.
    at_mean
        Names whose prior is at the mean of the predictors.

    Raises
    ------
    PriorError
        If a key reaches no parameter, or may mean a parameter or a class, or a prior cannot stand
        where it was put.
    """
    slots = tuple(slots)
    if overrides is not None and not isinstance(overrides, Mapping):
        raise PriorError(
            f'priors= must be a dict, such as {{"b": ws.Normal(0, 1)}}; got {overrides!r}.'
        )
    overrides = dict(overrides or {})
    for key, prior in overrides.items():
        if not isinstance(prior, Prior):
            raise PriorError(
                f"The prior of {key!r} must be one of winstan's prior objects, such as "
                f"ws.Normal(0, 1); got {prior!r}."
            )
    by_name, by_class = _meanings(slots, overrides)
    reached: set[str] = set()
    table: dict[str, Prior] = {}
    given: set[str] = set()
    for slot in slots:
        keys = [by_name[name] for name in slot.keys if name in by_name]
        keys += [by_class[slot.kind]] if slot.kind and slot.kind in by_class else []
        reached.update(keys)
        prior = overrides[keys[0]] if keys else slot.default
        _check_domain(slot, prior)
        table[slot.name] = prior
        if keys:
            given.add(slot.name)
    unknown = [key for key in overrides if key not in reached]
    if unknown:
        known = dict.fromkeys(
            key for slot in slots for key in (*slot.keys, slot.kind) if key is not None
        )
        raise PriorError(
            f"priors= names {unknown[0]!r}, which this model does not have."
            + near_matches(str(unknown[0]), known)
        )
    return Priors(table, frozenset(given), frozenset(at_mean))


def _meanings(
    slots: tuple[PriorSlot, ...], overrides: Mapping[str, Prior]
) -> tuple[dict[str, str], dict[str, str]]:
    """Tell keys that are names of parameters from those of classes: what is meant, to the key."""
    names = {name for slot in slots for name in slot.keys}
    by_name: dict[str, str] = {}
    by_class: dict[str, str] = {}
    for key in overrides:
        word = str(key)
        if word in CLASSES and word in names:
            raise PriorError(
                f"priors= names {word!r}, which is both a predictor of this model and the class "
                f'of {CLASSES[word]}. Write "`{word}`" (in back-ticks) for the predictor, or '
                f"'class {word}' for the class."
            )
        plain = word.removeprefix("class ")
        if plain in CLASSES and word not in names:
            meanings, meant = by_class, plain
        elif word not in names and len(word) > 2 and word[0] == word[-1] == "`":
            meanings, meant = by_name, _named(word[1:-1], names)
        else:
            meanings, meant = by_name, _named(word, names)
        if meant in meanings:
            raise PriorError(
                f"priors= has two priors for one key: {meanings[meant]!r} and {word!r} mean the "
                "same. Leave one out."
            )
        meanings[meant] = key
    return by_name, by_class


def _named(word: str, names: Iterable[str]) -> str:
    """Name a parameter as the model does, ``I(x/10)`` as ``I(x / 10)``; a class stays."""
    return word if word in CLASSES else find_name(word, names) or word


def _check_domain(slot: PriorSlot, prior: Prior) -> None:
    if slot.domain in prior.domain:
        return
    remedy = {
        "real": "It can be negative: use Normal, StudentT, Cauchy or Flat.",
        "positive": "It is positive: use HalfNormal, HalfStudentT, HalfCauchy, Exponential, "
        "Gamma, InverseGamma or Flat.",
        "correlation": "It is a correlation matrix: use LKJ.",
    }[slot.domain]
    raise PriorError(f"{prior} cannot be the prior of {slot.name!r}. {remedy}")
