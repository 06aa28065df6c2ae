"""A model's numbers, as the approximate fit and the coordinates need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.tuning import USUAL, Tuning

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design.column_sds import ColumnSds
    from winstan.likelihood import Likelihood
    from winstan.priors import Prior


@dataclass(frozen=True, slots=True)
class Problem:
    """A model's numbers, free of names.

    Attributes
    ----------
    X : ndarray, shape (B * C, P)
        Population design, the intercept's column first, other columns centred if they are to be.
    Z : tuple of ndarray, shape (B * C, q) each
    level : tuple of ndarray of int, shape (B * C,) each
    n_levels : tuple of int
    correlated : tuple of bool
    column_sds : ColumnSds
        How the sds of the N columns of all terms follow from the Q sds and length-scales.
    offset : ndarray, shape (B * C,)
    likelihood : Likelihood
    beta_prior : ndarray, shape (P, 2)
        Mean and standard deviation of a normal of about the prior's width (inf: flat).
    sd_guess : ndarray, shape (Q,)
        A scale of the effects: the mean or median of their prior.
    sd_prior : tuple of Prior
        Of each of the Q sds.
    aux_prior : tuple of Prior
    aux_guess : mapping of str to float
    start : tuple of float
        By block, a value of the linear predictor that the data are near: g(mean y).
    tuning : Tuning
    threshold_prior : Prior, or None
        Of an ordered parameter, whose steps are among the numbers.
    """

    X: Array
    Z: tuple[Array, ...]
    level: tuple[np.ndarray, ...]
    n_levels: tuple[int, ...]
    correlated: tuple[bool, ...]
    column_sds: ColumnSds
    offset: Array
    likelihood: Likelihood
    beta_prior: Array
    sd_guess: Array
    sd_prior: tuple[Prior, ...]
    aux_prior: tuple[Prior, ...]
    aux_guess: Mapping[str, float]
    start: tuple[float, ...]
    tuning: Tuning = USUAL
    threshold_prior: Prior | None = None

    @property
    def first(self) -> Array:
        """Linear predictors to begin with, shape (B * C,)."""
        return self.offset + np.repeat(self.start, self.likelihood.n)
