"""Sds, correlations and auxiliary parameters as PyTensor graphs, in the model's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_priors import correlation_factors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.coordinates import Coordinates
    from winstan.marginal import VarianceCoordinates
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Scales:
    """Scales of the model at its raw coordinates.

    Attributes
    ----------
    log_sd, free_aux : tensor, shapes (Q,), (A,)
        See `winstan.families.Family.constrained`.
    factors : list of tensor, shape (q, q) each
        Cholesky factors of the correlations.
    log_slope : tensor
        Of what the logarithms are by their coordinates, the correlations' being a potential.
    """

    log_sd: Any
    free_aux: Any
    factors: list[Any]
    log_slope: Any


def scales(pm: Any, pt: Any, model: Model, raw: Mapping[str, Any]) -> Scales:
    """Take the scales from raw coordinates, named as in the Stan templates."""
    if model.variances is None:
        return _of_coordinates(pm, pt, model, model.coordinates, raw)
    return _of_variances(pm, pt, model, model.variances, raw)


def _of_coordinates(
    pm: Any, pt: Any, model: Model, coordinates: Coordinates, raw: Mapping[str, Any]
) -> Scales:
    # No products of matrices: PyTensor fails to rewrite those of no parameters
    x = (coordinates.sd_correlation_root * raw["sd_raw"]).sum(axis=1)
    arc = pt.sqrt(1 + pt.sqr(x))
    partial = coordinates.corr_location + coordinates.corr_scale * raw["corr_raw"]
    log_slope = pt.log(coordinates.log_sd_scale + coordinates.log_sd_skew * x / arc).sum()
    free_aux, aux_log_slope = _free_aux(pt, coordinates, raw["aux_raw"])
    log_sd = (
        coordinates.log_sd_location + coordinates.log_sd_scale * x + coordinates.log_sd_skew * arc
    )
    if coordinates.profiled.any:
        log_sd = log_sd + pt.dot(coordinates.profiled.log_sd, profile_powers(pt, coordinates, raw))
    return Scales(
        log_sd=log_sd,
        free_aux=free_aux,
        factors=correlation_factors(pm, pt, model, partial),
        log_slope=log_slope + aux_log_slope,
    )


def _free_aux(pt: Any, coordinates: Coordinates, raw: Any) -> tuple[Any, Any]:
    """Free auxiliary parameters, and the sum of their log slopes but for a constant."""
    along, log_slope = raw, 0.0
    if np.any(coordinates.aux_taper):
        taper = np.where(coordinates.aux_taper > 0, coordinates.aux_taper, 1.0)
        tapered = pt.arcsinh(taper * raw) / taper
        along = pt.switch(coordinates.aux_taper > 0, tapered, raw)
        log_slope = -0.5 * pt.log1p(pt.sqr(coordinates.aux_taper * raw)).sum()
    moved = coordinates.aux_scale.diagonal() * along
    if np.any(coordinates.aux_skew):
        less = coordinates.aux_skew / coordinates.aux_scale.diagonal()
        at = 3 * (along - coordinates.aux_knot)
        moved = moved + coordinates.aux_skew / 3 * pt.softplus(-at)
        log_slope = log_slope + pt.log1p(0.5 * less * (pt.tanh(0.5 * at) - 1)).sum()
    if (followed := coordinates.profiled).any:
        power = profile_powers(pt, coordinates, {"aux_raw": raw})
        wider = pt.dot(followed.aux_log_scale, power)
        moved = pt.dot(followed.aux, power) + pt.exp(wider) * moved
        log_slope = log_slope + wider.sum()
    if np.any(coordinates.aux_regression):
        # Each after those that it follows: unit triangular
        unit = np.eye(coordinates.aux_location.size) - coordinates.aux_regression
        moved = pt.dot(np.linalg.inv(unit), moved)
    free_aux = coordinates.aux_location + moved
    if coordinates.sigma_follows_nu:
        free_aux = pt.inc_subtensor(free_aux[0], -pt.softplus(-free_aux[1]))
    return free_aux, log_slope


def profile_powers(pt: Any, coordinates: Coordinates, raw: Mapping[str, Any]) -> Any:
    """Return what all else is a polynomial of: see `winstan.coordinates.profiled`."""
    t = pt.tanh(0.25 * raw["aux_raw"][coordinates.profiled.number])
    return t ** np.arange(coordinates.profiled.aux.shape[1])


def _of_variances(
    pm: Any, pt: Any, model: Model, variances: VarianceCoordinates, raw: Mapping[str, Any]
) -> Scales:
    """See `winstan.marginal.variances`."""
    terms = variances.terms
    x = pt.dot(
        variances.correlation_root, pt.concatenate([raw["sd_raw"], raw["corr_raw"], raw["aux_raw"]])
    )
    arc, curves = pt.sqrt(1 + pt.sqr(x)), variances.transform
    p, n = x + arc, arc - x
    rise = p * (curves.above + curves.above_tail * p)
    at = curves.location + rise - n * (curves.below + curves.below_tail * n)
    slope = (
        p * (curves.above + 2 * curves.above_tail * p)
        + n * (curves.below + 2 * curves.below_tail * n)
    ) / arc
    Q = sum(terms.widths)
    factors = correlation_factors(pm, pt, model, at[Q : Q + terms.n_corr])
    given, k, parts = iter(factors), 0, []
    for q, correlated in zip(terms.widths, terms.correlated, strict=True):
        some = slice(k, k + q)
        root = next(given) if correlated else np.eye(q)
        log_sd = at[some] if q == 1 else pt.dot(terms.contrasts[some, some], at[some])
        if q > 1:
            covariance = pt.exp(log_sd)[:, None] * pt.dot(root, root.T) * pt.exp(log_sd)
            log_sd = log_sd + at[k] - 0.5 * pt.log((terms.gram[some, some] * covariance).sum())
        parts.append(log_sd)
        k += q
    return Scales(
        log_sd=pt.concatenate(parts) if parts else pt.zeros(0),
        free_aux=at[Q + terms.n_corr :],
        factors=factors,
        log_slope=pt.log(slope).sum(),
    )
