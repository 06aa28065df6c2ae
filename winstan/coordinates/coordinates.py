"""Coordinates in which the posterior is easy for NUTS.

A quick approximate fit (penalised iteratively reweighted least squares, averaged over the
uncertainty, with EM steps for the variances) tells where the posterior lies, how wide it is, and
what the data say of each level's effects. From it, the effects of a group term are sampled as
standard scores of their own approximate posterior given sds and coefficients (`.standard`).
Coefficients and these scores are then decorrelated (`.decorrelation`), and their locations and
scales depend on the sds (`.sd_dependent_location`, `.sd_dependent_scale`). Few groups leave the sds
open, and more follows them: where terms are crossed (`.crossing`, `.funnels`), and where a term
has several effects (`.sd_dependent_covariance`). Sds lie on a hyperbola of their logarithm
(`.sds`), and auxiliary parameters are standardised. None of this changes the posterior.

References
----------
Breslow and Clayton (1993), JASA 88, 9-25: penalised quasi-likelihood. Gelfand, Sahu and Carlin
(1995), Biometrika 82, 479-488: hierarchical centring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.coordinates.conditional import Conditional
    from winstan.coordinates.crossing import Compensation
    from winstan.coordinates.decorrelation import Decorrelation
    from winstan.coordinates.profiled import Profiled
    from winstan.coordinates.sd_dependent_covariance import SdDependentCovariance
    from winstan.coordinates.sd_dependent_location import SdDependentLocation
    from winstan.coordinates.sd_dependent_scale import SdDependentScale
    from winstan.coordinates.standard import TermCoordinates

# Units of log sd, for one of its coordinate, from which its lower tail is long.
LONG_TAIL = 0.75
# Fewer groups than these, with a tail of this length, diverge now and then at Stan's acceptance:
# two to four do, and five in one of seventy fits (benchmarks/divergences.py).
FEW_GROUPS = 8
THEIR_TAIL = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Coordinates of all sampled parameters; see `stan/include/data.stan`.

    Where coefficients and effects are integrated out, the variances' are where the search for
    better ones starts (`winstan.marginal.importance_sampling`).

    Attributes
    ----------
    terms : tuple of TermCoordinates
    order : tuple of int
        Terms, each after those that it is nested in, or whose effects it takes where it is crossed.
    start : tuple of int
        Where each term's effects start among all T: the largest term is last.
    beta_location : ndarray, shape (P,)
    decorrelation : Decorrelation
        Scales of the coefficients and of the T effects' scores, none where they are integrated out.
    sd_dependent_scale : SdDependentScale
        How scales of the joint coordinates follow the sds.
    sd_dependent_covariance : SdDependentCovariance
        How the coefficients' covariance follows that of several effects.
    compensation : Compensation
        How coefficients undo what crossed effects move.
    sd_dependent_location : SdDependentLocation
        How coefficients and scores follow the sds.
    log_sd_location, log_sd_scale, log_sd_skew : ndarray, shape (Q,)
        See `winstan.coordinates.sds`.
    sd_correlation_root : ndarray, shape (Q, Q)
        What makes of uncorrelated coordinates those of the sds.
    corr_location, corr_scale : ndarray, shape (n_corr,)
        Of the unconstrained correlations, term by term.
    open_mean : bool
        Whether the data leave the means wide open, or the link confines them.
    aux_location : ndarray, shape (A,)
    aux_scale : ndarray, shape (A, A)
        Diagonal.
    aux_skew, aux_knot, aux_taper : ndarray, shape (A,)
        See `winstan.approximation.auxiliary`.
    aux_regression : ndarray, shape (A, A)
        How they follow later ones: strictly upper triangular.
    profiled : Profiled
        How all else follows one of them, if it does.
    conditional : Conditional
        How coefficients and effects follow the noise, if they do.
    effects_of_sd : ndarray of int, shape (Q,)
        How many effects have each sd.
    sigma_follows_nu : bool
        Whether ``sigma (nu + 1) / nu`` is in sigma's place (`winstan.approximation.student`).
    eta, eta_sd : ndarray, shape (C,)
        The approximate fit's linear predictors, which guards judge the data by.
    """

    terms: tuple[TermCoordinates, ...]
    order: tuple[int, ...]
    start: tuple[int, ...]
    beta_location: Array
    decorrelation: Decorrelation
    sd_dependent_scale: SdDependentScale
    sd_dependent_covariance: SdDependentCovariance
    compensation: Compensation
    sd_dependent_location: SdDependentLocation
    log_sd_location: Array
    log_sd_scale: Array
    log_sd_skew: Array
    sd_correlation_root: Array
    corr_location: Array
    corr_scale: Array
    open_mean: bool
    aux_location: Array
    aux_scale: Array
    aux_skew: Array
    aux_knot: Array
    aux_taper: Array
    aux_regression: Array
    profiled: Profiled
    conditional: Conditional
    effects_of_sd: np.ndarray
    sigma_follows_nu: bool
    eta: Array
    eta_sd: Array

    @property
    def vanishing(self) -> bool:
        """Whether some sd may be about zero: its logarithm has a long tail there."""
        return bool(np.any(self._tails > LONG_TAIL))

    @property
    def curved(self) -> bool:
        """Whether few groups, or few events, leave some sd so open that NUTS needs small steps."""
        few = bool(np.any((self._tails > THEIR_TAIL) & (self.effects_of_sd < FEW_GROUPS)))
        return few or (self.open_mean and self.vanishing)

    @property
    def _tails(self) -> Array:
        return self.log_sd_scale - self.log_sd_skew
