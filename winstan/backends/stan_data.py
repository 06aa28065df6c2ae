"""A model as the data of its Stan template, under the names of the template's data block."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from winstan.approximation.block_cholesky import by_level
from winstan.backends.quadratic_form import distinct_rows, quadratic_form
from winstan.coordinates import by_row
from winstan.coordinates.decorrelation import DiagonalPlusLowRank
from winstan.priors import R2D2, Flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan._typing import Array
    from winstan.backends.quadratic_form import QuadraticForm
    from winstan.coordinates import Coordinates
    from winstan.coordinates.decorrelation import Decorrelation
    from winstan.coordinates.sd_dependent_covariance import SdDependentCovariance
    from winstan.coordinates.sd_dependent_scale import SdDependentScale
    from winstan.marginal import Marginal, VarianceCoordinates
    from winstan.model import Model
    from winstan.priors import Prior


def stan_data(model: Model) -> dict[str, Any]:
    """Return the data of the model's template, under the names of its data block."""
    shared = _terms_data(model)
    if model.marginal is None:
        return shared | _cells_data(model)
    assert model.variances is not None
    return shared | _marginal_data(model.marginal) | _variances_data(model.variances)


def _terms_data(model: Model) -> dict[str, Any]:
    """Return what all templates need: group terms, and priors of their parameters."""
    groups = model.stacked.groups
    widths = [group.q for group in groups]
    priors = model.priors
    sd_kind, sd_numbers = _prior_data(priors[n] for group in groups for n in group.sd_names)
    own = [priors.of(p.name) for p in model.likelihood.scalars]
    own += model.shrinkage.priors if model.shrinkage is not None else ()
    aux_kind, aux_numbers = _prior_data(own)
    return {
        "M": len(groups),
        "J": [len(group.levels) for group in groups],
        "q": widths,
        "correlated": [int(group.has_correlations) for group in groups],
        "Q": sum(widths),
        "sd_prior": sd_kind,
        "sd_prior_p": sd_numbers,
        "lkj": [
            priors[g.correlation_name].numbers[0] if g.has_correlations else 1.0 for g in groups
        ],
        "A": len(own),
        "aux_prior": aux_kind,
        "aux_prior_p": aux_numbers,
    }


def _cells_data(model: Model) -> dict[str, Any]:
    """Return the rest of ``stan/include/data.stan``, and the cells' statistics."""
    cells, coordinates, decorrelation = (
        model.cells,
        model.coordinates,
        model.coordinates.decorrelation,
    )
    P, few = model.population.shape[1], model.tuning.picked_from
    regression = decorrelation.regression
    form = quadratic_form(model)
    # The quadratic form stands for all cells.
    rows = cells.offset.size if form is None else 0
    Z = np.hstack([*cells.Z, np.zeros((cells.offset.size, 0))])[:rows]
    nesting, crossed = _nesting_data(coordinates), _crossing_data(coordinates)
    drifting = coordinates.sd_dependent_location.any
    beta_kind, beta_numbers = _prior_data(
        model.priors.of(n) for n in model.coefficients.sampled_names
    )
    statistics: dict[str, Any] = dict(cells.statistics)
    if model.family.conjugate:
        statistics |= _form_data(model, form)
    return {
        "C": cells.n if form is None else 0,
        "rows": rows,
        "P": P,
        **_population_data(model.population[:rows], few),
        "offsets": cells.offset[:rows],
        "link": model.link.code,
        **_turned_data(model),
        **_predicted_data(model),
        **_threshold_data(model),
        "level": np.reshape([level[:rows] + 1 for level in cells.level], (len(cells.level), rows)),
        "Z": Z,
        "ones": np.all(Z == 1, axis=0).astype(int),
        "T": sum(term.score.size for term in coordinates.terms),
        "start": [at + 1 for at in coordinates.start],
        "order": [m + 1 for m in coordinates.order],
        **_information_data(coordinates, few),
        **nesting,
        **crossed,
        "kept": int(nesting["E"] > 0 or crossed["n_crossed"] > 0 or form is not None),
        "beta_prior": beta_kind,
        "beta_prior_p": beta_numbers,
        **_scales_data(coordinates),
        **_curves_data(model),
        "beta_location": coordinates.beta_location,
        "W": len(decorrelation.remaining_scale) - P,
        **_sd_dependent_scale_data(coordinates.sd_dependent_scale),
        **_sd_dependent_covariance_data(coordinates.sd_dependent_covariance),
        "drifting": int(drifting),
        "drift_at": coordinates.sd_dependent_location.at,
        "shift": coordinates.sd_dependent_location.location
        if drifting
        else coordinates.sd_dependent_location.location[:0],
        "widening": coordinates.sd_dependent_location.log_scale
        if drifting
        else coordinates.sd_dependent_location.log_scale[:0],
        **_axes_data(decorrelation),
        "rest_scale": decorrelation.eliminated_scale,
        "n_given": regression.nnz,
        "given_w": regression.data,
        "given_v": regression.indices + 1,
        "given_u": regression.indptr + 1,
        **statistics,
    }


def _turned_data(model: Model) -> dict[str, Any]:
    """Return the direction of a zero linear predictor, which templates of directions take."""
    return {"origin": model.link.origin} if model.family.circular else {}


def _curves_data(model: Model) -> dict[str, Any]:
    """Return the coefficients that are curves of what is sampled, and domains of all numbers."""
    bounds, shrinkage, shrunk = model.bounds, model.shrinkage, model.shrunk
    nothing, P = np.zeros(0), model.population.shape[1]
    domains = [*model.likelihood.domains, *(shrinkage.domains if shrinkage else ())]
    out = {
        "n_bounded": bounds.at.size,
        "bounded_at": bounds.at + 1,
        "bounded_place": _places(bounds.at, P),
        "lower_bound": bounds.lower,
        "upper_bound": bounds.upper,
        "bound_width": bounds.width,
        "bound_constant": bounds.constant,
        "n_shrunk": len(shrinkage.at) if shrinkage else 0,
        "shrunk_at": shrinkage.at + 1 if shrinkage else np.zeros(0, int),
        "shrunk_place": _places(shrinkage.at if shrinkage else nothing, P),
        "by_explained": int(isinstance(shrinkage.prior, R2D2)) if shrinkage else 0,
        "shrunk_unit": shrinkage.unit if shrinkage else nothing,
        "shrunk_sigma": shrinkage.sigma + 1 if shrinkage and shrinkage.sigma is not None else 0,
        "shrunk_from": len(model.likelihood.scalars) + 1 if shrinkage else 0,
        "shrunk_known": shrunk.known if shrunk else nothing,
        "shrunk_pull": shrunk.pull if shrunk else nothing,
        "shrunk_root": shrunk.root if shrunk else nothing,
    }
    return out | {"aux_domain": [domain.code for domain in domains]}


def _places(at: np.ndarray, P: int) -> Array:
    """Return ones in the row of each coefficient of `at`, shape (P, n)."""
    return (np.arange(P)[:, None] == at).astype(float)


def _predicted_data(model: Model) -> dict[str, Any]:
    """Return which parameters beside the mean have a linear predictor: its block, from two."""
    likelihood = model.likelihood
    names = [p.name for p in model.family.parameters[1:] if not p.is_vector]
    blocks = [
        likelihood.predicted.index(name) + 2 if name in likelihood.predicted else 0
        for name in names
    ]
    numbers = [p.name for p in likelihood.scalars]
    return {
        "n_beside": len(names),
        "block_of": blocks,
        "number_of": [numbers.index(name) + 1 if name in numbers else 0 for name in names],
        "beside_link": [model.family.parameter(name).link.code for name in names],
    }


def _threshold_data(model: Model) -> dict[str, Any]:
    """Return the data of ``stan/include/thresholds.stan``, where the family has thresholds."""
    if (vector := model.family.thresholds) is None:
        return {}
    kind, numbers = _prior_data([model.priors[vector.name]])
    steps, scalars = model.likelihood.steps, [p.name for p in model.likelihood.scalars]
    return {
        "threshold_prior": kind[0],
        "threshold_prior_p": numbers[0],
        "before_steps": scalars.index(steps[0]) if steps else len(scalars),
    }


def _scales_data(coordinates: Coordinates) -> dict[str, Any]:
    """Return coordinates of the sds, the correlations and the auxiliary parameters."""
    return {
        "log_sd_location": coordinates.log_sd_location,
        "log_sd_scale": coordinates.log_sd_scale,
        "log_sd_bend": coordinates.log_sd_skew,
        "mixed": int(np.any(np.tril(coordinates.sd_correlation_root, -1))),
        "sd_mixing": coordinates.sd_correlation_root,
        "n_corr": coordinates.corr_location.size,
        "corr_location": coordinates.corr_location,
        "corr_scale": coordinates.corr_scale,
        "aux_location": coordinates.aux_location,
        "aux_scale": coordinates.aux_scale.diagonal(),
        "aux_bend": coordinates.aux_skew,
        "aux_knot": coordinates.aux_knot,
        "aux_taper": coordinates.aux_taper,
        "sigma_follows_nu": int(coordinates.sigma_follows_nu),
    }


def _form_data(model: Model, form: QuadraticForm | None) -> dict[str, Any]:
    """Return the quadratic form that stands for a gaussian model's cells, or an empty one."""
    n_rows = float(np.sum(model.cells.statistics["n"]))
    ss_within = model.cells.statistics["ss_within"]
    if form is None:
        return {
            "n_rows": n_rows,
            "ss_base": ss_within.sum(),
            "ss_within": ss_within if model.likelihood.predicted else ss_within[:0],
            "form": 0,
            "coefficient_form": np.zeros((0, 0)),
            "cross_form": np.zeros((0, 0)),
            **dict.fromkeys(
                ("coefficient_slope", "effect_location", "form_slope", "form_diagonal", "form_w"),
                np.zeros(0),
            ),
            "n_form": 0,
            **dict.fromkeys(("form_v", "form_u"), np.zeros(0, int)),
        }
    above = sparse.csr_array(sparse.triu(form.gram, k=1))
    return {
        "n_rows": n_rows,
        "n": np.zeros(0),
        "mean_y": np.zeros(0),
        "ss_within": np.zeros(0),
        "ss_base": form.ss,
        "form": 1,
        "coefficient_slope": form.coefficient_slope,
        "coefficient_form": form.coefficient_gram,
        "cross_form": form.cross,
        "effect_location": form.location,
        "form_slope": form.slope,
        "form_diagonal": form.gram.diagonal(),
        "n_form": above.nnz,
        "form_w": above.data,
        "form_v": above.indices + 1,
        "form_u": above.indptr + 1,
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
        "own_scale": low_rank.diagonal,
        "n_axes": len(low_rank.right),
        "onto_axes": low_rank.left,
        "along_axes": low_rank.right,
    }


def _population_data(X: Array, few: int) -> dict[str, Any]:
    """Return the distinct rows of the coefficients' predictors, where cells are many more."""
    row, first = (np.arange(len(X)),) * 2 if X.size <= few else distinct_rows(X)
    return {"D": first.size, "X": X[first], "row": row + 1}


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
        "n_stretched": n,
        "stretch_base": base,
        "stretch_slope": slope,
        "bounded": bounded,
        "stretch_bound": bound if bounded else bound[:0],
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
        "n_spread": n,
        "spread_base": covariance.base,
        "n_growth": len(entries),
        "growth_of": np.array([entry[:3] for entry in entries], int).reshape(-1, 3),
        "growth": np.array([entry[3] for entry in entries]).reshape(len(entries), n, n),
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
        "n_taken": taken_by.size,
        "taken_by": taken_by + 1,
        "taken": taken[:, taken_by],
        "n_kinds": [0 if term.each else len(term.information) for term in coordinates.terms],
        "n_known": sum(n.size for n in known),
        "known": np.concatenate(known),
        "n_size": size.size,
        "size_of_kind": size,
        "n_of": kind.size,
        "kind_of": kind,
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
        "inner": [m + 1 for m, *_ in pairs],
        "inner_start": [at + 1 for _, at, *_ in pairs],
        "outer_start": [at + 1 for _, _, at, *_ in pairs],
        "n_pass": sum(w.size for *_, w in pairs),
        "outer_level": np.concatenate([np.zeros(0, int), *(level + 1 for *_, level, _ in pairs)]),
        "pass": np.concatenate([np.zeros(0), *(w for *_, w in pairs)]),
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
        "follow": compensation.regression if compensation.terms else np.zeros((0, 0)),
        "follow_location": compensation.location if compensation.terms else np.zeros(0),
    }


def _marginal_data(marginal: Marginal) -> dict[str, Any]:
    """Return the rest of the data of ``stan/gaussian_marginal.stan``."""
    return {
        "W": marginal.residual.shape[0],
        "K": marginal.count.size,
        "width": marginal.R.shape[1],
        "n_groups": marginal.count,
        "R": marginal.R,
        "projected": marginal.projected,
        "spread": marginal.spread,
        "residual": marginal.residual,
        "prior": marginal.prior,
        "n_sigma": marginal.n_sigma,
        "log_constant": marginal.log_constant,
        "column": [at + 1 for at in marginal.column],
    }


def _variances_data(variances: VarianceCoordinates) -> dict[str, Any]:
    """Return the coordinates of what ``stan/gaussian_marginal.stan`` samples."""
    return {
        "n_corr": variances.terms.n_corr,
        "D": variances.size,
        "gram_of_terms": variances.terms.gram,
        "contrasts": variances.terms.contrasts,
        **asdict(variances.transform),
        "mixing": variances.correlation_root,
    }


def _prior_data(priors: Iterable[Prior]) -> tuple[list[int], Array]:
    priors = list(priors)
    numbers = np.zeros((len(priors), 3))
    for row, prior in zip(numbers, priors, strict=True):
        if prior.kind != Flat.kind:  # those that are shared are data of their own
            row[: len(prior.numbers)] = prior.numbers
    return [prior.kind for prior in priors], numbers
