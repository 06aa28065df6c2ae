"""The likelihood of correlated residuals, coefficients and group effects integrated out.

The model is ``y = X b + Z u + e``, where the residuals e of a unit are N(0, D C D): D has the
standard deviations of its rows, C is the correlation matrix of a `Structure`. What is left to
sample are the sds and correlations of the effects, the residuals' sds, and the numbers of C.

References
----------
Lindley and Smith (1972), JRSS B 34, 1-41; Pinheiro and Bates (2000), Mixed-Effects Models in S and
S-PLUS, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from winstan._typing import Array
    from winstan.design import Stacked
    from winstan.marginal.variances import Terms, Variances
    from winstan.priors import Prior
    from winstan.residual.spreads import Spreads
    from winstan.residual.statistics import Products
    from winstan.residual.structure import Pairs, Structure


@dataclass(frozen=True, slots=True, eq=False)
class CorrelatedResiduals:
    """A model of N rows with correlated residuals.

    Attributes
    ----------
    structure : Structure
    pairs : Pairs
        The products of rows that it weighs.
    unit : ndarray of int, shape (N,)
        The unit of each row.
    products : Products
    spreads : Spreads
    column : tuple of int
        Per group term, the column of its first effect; -1 if it is integrated group by group.
    mean_at, spread_at : ndarray of int, shapes (P,), (n,)
        Places of the coefficients of the mean, and of sigma, among those that have a prior.
    location, scale : ndarray, shapes (P,), (P, P)
        Coefficients of the mean are ``location + scale c``.
    prior : ndarray, shape (W, W)
        The columns' prior, as in `winstan.marginal.Marginal`.
    log_constant : float
    sd_priors : tuple of Prior
        One for each sd of the group effects.
    lkj : tuple of float
        One for each correlated group term.
    terms : Terms
        Coordinates of the effects' variances.
    stacked : Stacked
    neighbours : float
        Correlation of neighbours' residuals by the approximate fit.
    """

    structure: Structure
    pairs: Pairs
    unit: np.ndarray
    products: Products
    spreads: Spreads
    column: tuple[int, ...]
    mean_at: np.ndarray
    spread_at: np.ndarray
    location: Array
    scale: Array
    prior: Array
    log_constant: float
    sd_priors: tuple[Prior, ...]
    lkj: tuple[float, ...]
    terms: Terms
    stacked: Stacked
    neighbours: float

    @property
    def n_spread(self) -> int:
        """How many numbers the residuals' sds have."""
        return self.spreads.X.shape[1]

    @property
    def n_last(self) -> int:
        """How many numbers are sampled beside those of the group terms."""
        return self.n_spread + self.structure.n_numbers

    def parts(self, at: Array) -> tuple[Variances, Array, Array]:
        """Part coordinates, (..., D), into those of effects, residuals' sds, and correlations.

        Returns
        -------
        variances : Variances
        spread : ndarray, shape (..., n_spread)
        numbers : ndarray, shape (..., n_numbers)
        """
        after = sum(self.terms.widths) + self.terms.n_corr
        end = after + self.n_spread
        return self.terms.variances(at[..., : after + 1]), at[..., after:end], at[..., end:]
