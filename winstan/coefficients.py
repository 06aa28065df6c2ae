"""Which coefficients are sampled, and which a prior holds constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.errors import PriorError
from winstan.priors import Constant

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Stacked
    from winstan.priors import Priors


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """The coefficients of all linear predictors, the Intercept first, K of them.

    Attributes
    ----------
    names : tuple of str
    sampled : ndarray of bool, shape (K,)
        Those that are sampled, P of them.
    constant : ndarray, shape (K,)
        The values of the others; zero where sampled.
    """

    names: tuple[str, ...]
    sampled: np.ndarray
    constant: Array

    @classmethod
    def of(cls, stacked: Stacked, priors: Priors) -> Coefficients:
        """Tell them apart by their priors.

        Raises
        ------
        PriorError
            If a constant prior is at the mean of other predictors, or of no coefficient.
        """
        names = stacked.coefficient_names
        for name, prior in priors.table.items():
            if prior.bounded and name not in names:
                raise PriorError(
                    f"{prior} cannot be the prior of {name!r}: bounds are those of coefficients."
                )
            if isinstance(prior, Constant):
                _check(name, prior, names, at_mean=name in priors.at_mean)
        own = [priors.of(name) for name in names]
        sampled = np.array([not isinstance(prior, Constant) for prior in own], bool)
        constant = [prior.value if isinstance(prior, Constant) else 0.0 for prior in own]
        return cls(names, sampled, np.array(constant))

    @property
    def sampled_names(self) -> tuple[str, ...]:
        """Names of those that are sampled, in the order of ``stan/include/data.stan``."""
        return tuple(name for name, own in zip(self.names, self.sampled, strict=True) if own)

    @property
    def constant_names(self) -> tuple[str, ...]:
        """Names of the others."""
        return tuple(name for name, own in zip(self.names, self.sampled, strict=True) if not own)

    def whole(self, beta: Array) -> Array:
        """Return all coefficients, shape (..., K), of those that were sampled, shape (..., P)."""
        if self.sampled.all():
            return beta
        out = np.broadcast_to(self.constant, (*beta.shape[:-1], self.constant.size)).copy()
        out[..., self.sampled] = beta
        return out


def _check(name: str, prior: Constant, names: tuple[str, ...], *, at_mean: bool) -> None:
    """Refuse a constant where it is none of a coefficient, or another than it says."""
    if name not in names:
        raise PriorError(f"{prior} cannot be the prior of {name!r}: it fixes coefficients only.")
    if at_mean and len(names) > 1:
        raise PriorError(
            f"{prior} cannot be the prior of {name!r}, which is at the mean of the other "
            "predictors: give center=False, and it is at their zeros; or leave it out (0 + ...) "
            "and add an offset()."
        )
