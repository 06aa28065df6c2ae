"""The coordinates of a model as the data of its Stan template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.approximation.block_cholesky import by_level
from winstan.coordinates import by_row
from winstan.coordinates.decorrelation import DiagonalPlusLowRank

if TYPE_CHECKING:
    from winstan.coordinates import Coordinates
    from winstan.coordinates.decorrelation import Decorrelation
    from winstan.coordinates.sd_dependent_covariance import SdDependentCovariance
    from winstan.coordinates.sd_dependent_scale import SdDependentScale


def coordinates_data(coordinates: Coordinates, few: int) -> dict[str, Any]:
    """Return what a template needs to know of the coordinates that it samples in.

    Parameters
    ----------
    coordinates
    few
        Numbers of a matrix that are all multiplied sooner than picked from, see `Tuning`.
    """
    decorrelation, location = coordinates.decorrelation, coordinates.sd_dependent_location
    regression = decorrelation.regression
    follows = location.any or coordinates.profiled.any
    return {
        "T": sum(term.score.size for term in coordinates.terms),
        "start": [at + 1 for at in coordinates.start],
        "order": [m + 1 for m in coordinates.order],
        **_information_data(coordinates, few),
        **_nesting_data(coordinates),
        **_crossing_data(coordinates),
        **_scales_data(coordinates),
        **_profile_data(coordinates),
        **_conditional_data(coordinates),
        "beta_location": coordinates.beta_location,
        "W": len(decorrelation.remaining_scale) - coordinates.beta_location.size,
        **_sd_dependent_scale_data(coordinates.sd_dependent_scale),
        **_sd_dependent_covariance_data(coordinates.sd_dependent_covariance),
        "sd_dependent": int(follows),
        "sd_reference": location.at,
        "sd_location": location.location if follows else location.location[:0],
        "sd_log_scale": location.log_scale if follows else location.log_scale[:0],
        **_axes_data(decorrelation),
        "eliminated_scale": decorrelation.eliminated_scale,
        "n_regression": regression.nnz,
        "regression_w": regression.data,
        "regression_v": regression.indices + 1,
        "regression_u": regression.indptr + 1,
    }


def _scales_data(coordinates: Coordinates) -> dict[str, Any]:
    """Return coordinates of the sds, the correlations and the auxiliary parameters."""
    return {
        "log_sd_location": coordinates.log_sd_location,
        "log_sd_scale": coordinates.log_sd_scale,
        "log_sd_skew": coordinates.log_sd_skew,
        "sds_correlated": int(np.any(np.tril(coordinates.sd_correlation_root, -1))),
        "sd_correlation_root": coordinates.sd_correlation_root,
        "n_corr": coordinates.corr_location.size,
        "corr_location": coordinates.corr_location,
        "corr_scale": coordinates.corr_scale,
        "aux_location": coordinates.aux_location,
        "aux_scale": coordinates.aux_scale.diagonal(),
        "aux_skew": coordinates.aux_skew,
        "aux_knot": coordinates.aux_knot,
        "aux_taper": coordinates.aux_taper,
        "sigma_follows_nu": int(coordinates.sigma_follows_nu),
        "aux_regressed": int(np.any(coordinates.aux_regression)),
        "aux_regression": coordinates.aux_regression,
    }


def _profile_data(coordinates: Coordinates) -> dict[str, Any]:
    """Return how all follows one number."""
    followed = coordinates.profiled
    return {
        "profiled": followed.number + 1,
        "n_profile": followed.aux.shape[1],
        "profile_aux": followed.aux,
        "profile_aux_log_scale": followed.aux_log_scale,
        "profile_log_sd": followed.log_sd,
        "profile_location": followed.location,
        "profile_log_scale": followed.log_scale,
    }


def _conditional_data(coordinates: Coordinates) -> dict[str, Any]:
    """Return how coefficients and effects follow the noise: of templates that let them."""
    given, n = coordinates.conditional, len(coordinates.decorrelation.remaining_scale)
    places = np.zeros((n + coordinates.decorrelation.eliminated_scale.size, given.at.size))
    places[given.at, np.arange(given.at.size)] = 1.0
    return {
        "n_told": given.response.size,
        "n_given": given.at.size,
        "levels_given": given.levels if given.any else [0] * len(coordinates.terms),
        "given_columns": given.columns,
        "given_joint": places[:n],
        "given_rest": places[n:],
        "noise_number": given.number + 1,
        "noise_power": given.power,
        "scaled_information": given.scaled,
        "fixed_information": given.fixed,
        "given_response": given.response,
    }


def _axes_data(decorrelation: Decorrelation) -> dict[str, Any]:
    """Return the scale of the joint coordinates: a matrix, or a few axes of it."""
    axes, n = decorrelation.low_rank, len(decorrelation.remaining_scale)
    if axes is None:
        nothing = DiagonalPlusLowRank(np.zeros(0), np.zeros((n, 0)), np.zeros((0, n)))
        return {"n_dense": n, "joint_scale": decorrelation.remaining_scale, **_of_axes(nothing)}
    return {"n_dense": 0, "joint_scale": np.zeros((0, 0)), **_of_axes(axes)}


def _of_axes(low_rank: DiagonalPlusLowRank) -> dict[str, Any]:
    return {
        "diagonal_scale": low_rank.diagonal,
        "n_low_rank": len(low_rank.right),
        "low_rank_left": low_rank.left,
        "low_rank_right": low_rank.right,
    }


def _sd_dependent_scale_data(scale: SdDependentScale) -> dict[str, Any]:
    """Return how scales follow the sds: of the coordinates up to the last whose scale does.

    Those between have a base of one, and no slope.
    """
    n = max(scale.at, default=-1) + 1
    base, slope, bound = np.ones(n), np.zeros((n, scale.slope.shape[1])), np.zeros(n)
    base[scale.at], slope[scale.at] = scale.base, scale.slope
    bound[scale.at] = scale.bound
    bounded = int(np.any(bound))
    return {
        "n_sd_scaled": n,
        "sd_scale_base": base,
        "sd_scale_slope": slope,
        "sd_scale_bounded": bounded,
        "sd_scale_bound": bound if bounded else bound[:0],
    }


def _sd_dependent_covariance_data(covariance: SdDependentCovariance) -> dict[str, Any]:
    """Return the covariance of the first coordinates, an entry of the effects' at a time."""
    entries = [
        (m + 1, a + 1, b + 1, growth[a, b] if a == b else growth[a, b] + growth[b, a])
        for m, growth in covariance.growth.items()
        for a in range(len(growth))
        for b in range(a + 1)
    ]
    n = len(covariance.base)
    return {
        "n_sd_covariance": n,
        "sd_covariance_base": covariance.base,
        "n_covariance_growth": len(entries),
        "covariance_growth_of": np.array([entry[:3] for entry in entries], int).reshape(-1, 3),
        "covariance_growth": np.array([entry[3] for entry in entries]).reshape(len(entries), n, n),
    }


def _information_data(coordinates: Coordinates, few: int) -> dict[str, Any]:
    """Return what the data say of the effects, by level or by kind of levels.

    Where they say nothing, one kind is counted, of no information.
    """
    P = coordinates.beta_location.size
    stored = np.argsort(coordinates.start)
    scores = [np.zeros(0), *(coordinates.terms[m].score.ravel() for m in stored)]
    taken = np.vstack(
        [np.zeros((0, P)), *(by_row(coordinates.terms[m].information_centring) for m in stored)]
    )
    taken_by = np.arange(P) if taken.size <= few else np.flatnonzero(np.any(taken, axis=0))
    known, sizes = [np.zeros(0)], [np.zeros(0, int)]
    kinds = [np.zeros(0, int)]
    for term in coordinates.terms:
        if term.each:
            known.append(term.information[term.information_class].ravel())
            continue
        if term.informed:
            known.append(np.moveaxis(term.information, 0, -1).ravel())
        sizes.append(np.bincount(term.information_class))
        if term.shape[0] > 1:
            kinds.append(term.information_class + 1)
    size, kind = np.concatenate(sizes), np.concatenate(kinds)
    return {
        "informed": [int(term.informed) for term in coordinates.terms],
        "score": np.concatenate(scores),
        "n_centred": taken_by.size,
        "centred_by": taken_by + 1,
        "information_centring": taken[:, taken_by],
        "n_classes": [0 if term.each else len(term.information) for term in coordinates.terms],
        "n_information": sum(n.size for n in known),
        "information": np.concatenate(known),
        "n_class_sizes": size.size,
        "class_size": size,
        "n_class_of": kind.size,
        "class_of": kind,
    }


def _nesting_data(coordinates: Coordinates) -> dict[str, Any]:
    """Return pairs of nested effects, and what the outer one takes of the inner one's score."""
    pairs = [
        (
            m,
            coordinates.start[m] + a * term.shape[1],
            coordinates.start[o.term] + b * J_outer,
            o.level,
            w,
        )
        for m, term in enumerate(coordinates.terms)
        for o in term.parents
        for J_outer in [coordinates.terms[o.term].shape[1]]
        for a, b in np.ndindex(o.A.shape)
        for w in [(term.information[term.information_class] @ o.A)[:, a, b]]
        if np.any(w)
    ]
    return {
        "E": len(pairs),
        "nested": [m + 1 for m, *_ in pairs],
        "nested_start": [at + 1 for _, at, *_ in pairs],
        "parent_start": [at + 1 for _, _, at, *_ in pairs],
        "n_parent": sum(w.size for *_, w in pairs),
        "parent_level": np.concatenate([np.zeros(0, int), *(level + 1 for *_, level, _ in pairs)]),
        "parent_information": np.concatenate([np.zeros(0), *(w for *_, w in pairs)]),
    }


def _crossing_data(coordinates: Coordinates) -> dict[str, Any]:
    """Return what crossed effects take of the largest term's score, and what coefficients undo."""
    compensation, W = coordinates.compensation, 0
    crossed = np.zeros((0, 0))
    for term in coordinates.terms:
        if not term.crossed:
            continue
        W = len(coordinates.decorrelation.remaining_scale) - coordinates.beta_location.size
        crossed = np.zeros((term.score.size, W))
        for other in term.crossed:
            at = coordinates.start[other.term]
            taken = by_level(term.information[term.information_class]) @ other.A
            crossed[:, at : at + taken.shape[1]] = taken
    return {
        "n_crossed": W,
        "crossed": crossed,
        "n_leading": len(compensation.terms),
        "leading": [m + 1 for m in compensation.terms],
        "compensation": compensation.regression if compensation.terms else np.zeros((0, 0)),
        "compensation_location": compensation.location if compensation.terms else np.zeros(0),
    }
