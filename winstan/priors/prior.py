"""What a prior is: a frozen object that knows its kind and its numbers.

The kind is the code in ``stan/include/priors.stan``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from winstan.errors import PriorError, near_matches

type Size = int | tuple[int, ...]
type Draws = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior of one scalar parameter. Use one of the subclasses, which have PyMC's names."""

    kind: ClassVar[int]
    # What it can be the prior of: "real" (coefficients), "positive" (sd, sigma, alpha, nu), "unit".
    domain: ClassVar[frozenset[str]]
    # How Stan writes it (half priors are whole ones on a parameter with lower=0), and what PyMC
    # calls its numbers.
    stan: ClassVar[str]
    pymc: ClassVar[tuple[str, ...]]
    signed: ClassVar[frozenset[str]] = frozenset({"mu"})  # numbers that need not be positive
    # Numbers that say how wide it is, and to which power of that they go.
    widths: ClassVar[Mapping[str, int]] = MappingProxyType({})
    # Whether its number may be a tuple of several.
    of_several: ClassVar[bool] = False

    def __new__(cls, *given: Any, **named: Any) -> Self:
        """Refuse more numbers than it has, and names that none of them has."""
        known = [field.name for field in fields(cls)]
        takes = f"{cls.__name__} takes {' and '.join(known) or 'no number'}"
        if len(given) > len(known):
            hint = f" Several are one tuple: {cls.__name__}({given!r})." if cls.of_several else ""
            raise PriorError(f"{takes}, and {len(given)} numbers were given.{hint}")
        for name in named:
            if name not in known:
                raise PriorError(f"{takes}, and no {name!r}." + near_matches(name, known))
        return object.__new__(cls)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise PriorError(
                    f"{type(self).__name__}: {field.name} must be a number, got {value!r}."
                )
            value = float(value)
            object.__setattr__(self, field.name, value)
            if field.name in ("lower", "upper") and not math.isnan(value):
                continue
            if not math.isfinite(value):
                raise PriorError(f"{type(self).__name__}: {field.name} must be finite.")
            if field.name not in self.signed and value <= 0:
                raise PriorError(
                    f"{type(self).__name__}: {field.name} must be positive, got {value:g}."
                )

        if self.bounds[0] >= self.bounds[1]:
            raise PriorError(f"{self}: lower must be below upper.")

    @property
    def numbers(self) -> tuple[float, ...]:
        """Its parameters, in the order of ``stan/include/priors.stan``; bounds are none of them."""
        return astuple(self)

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which values the parameter lies, beside its domain."""
        return -math.inf, math.inf

    @property
    def bounded(self) -> bool:
        """Whether there is a bound."""
        return any(map(math.isfinite, self.bounds))

    @property
    def log_mass(self) -> float:
        """Logarithm of what the distribution has between its bounds when it is whole."""
        return 0.0

    @property
    def pymc_numbers(self) -> dict[str, float]:
        """Its parameters by PyMC's names."""
        return dict(zip(self.pymc, self.numbers, strict=True))

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
        """Log of the density, within its domain, but for a constant: `log_constant`.

        Parameters
        ----------
        x : ndarray
        """
        raise PriorError(f"{type(self).__name__} is no distribution of single numbers.")

    @property
    def log_constant(self) -> float:
        """What is added to `log_density` to make its exponential's integral one."""
        raise PriorError(f"{type(self).__name__} is no distribution of single numbers.")

    @property
    def has_width(self) -> bool:
        """Whether it can be made wider or narrower: see `rescaled`."""
        return bool(self.widths)

    def rescaled(self, factor: float) -> Self:
        """Return it `factor` times as wide, about the same place.

        That multiplies a scale, or divides a rate; of a `Beta` or `LKJ` it divides what says how
        concentrated they are.
        """
        return replace(self, **{n: getattr(self, n) * factor**p for n, p in self.widths.items()})

    def pymc_name(self, domain: str) -> str:
        """Name PyMC's distribution, for a parameter of a domain."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{v:.4g}' for v in self.numbers)})"


REAL = frozenset({"real"})
POSITIVE = frozenset({"positive"})
