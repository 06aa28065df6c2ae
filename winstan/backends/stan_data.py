"""A model as the data of its Stan template, under the names of the template's data block."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from winstan.backends.quadratic_form import distinct_rows, quadratic_form
from winstan.backends.stan_coordinates import coordinates_data
from winstan.backends.stan_correlation import correlation_data
from winstan.backends.stan_groups import groups_data, no_terms_data
from winstan.backends.stan_monotonic import monotonic_data
from winstan.backends.stan_priors import prior_data
from winstan.backends.stan_residual import residual_data
from winstan.backends.stan_rows import rows_data
from winstan.cells import distinct
from winstan.families.domains import DOMAINS
from winstan.group_integrals import of_coefficients
from winstan.priors import R2D2, Flat

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.backends.quadratic_form import QuadraticForm
    from winstan.design import RandomTerm
    from winstan.marginal import Marginal, VarianceCoordinates
    from winstan.model import Model


def stan_data(model: Model) -> dict[str, Any]:
    """Return the data of the model's template, under the names of its data block."""
    shared = _terms_data(model)
    if model.groups_integrated:
        alone = replace(model, coordinates=of_coefficients(model.coordinates))
        return shared | _cells_data(alone) | no_terms_data()
    if model.residual is not None:
        assert model.variances is not None
        return shared | residual_data(model.residual) | _variances_data(model, model.variances)
    if model.marginal is None:
        return shared | _cells_data(model)
    assert model.variances is not None
    return shared | _marginal_data(model.marginal) | _variances_data(model, model.variances)


def _terms_data(model: Model) -> dict[str, Any]:
    """Return what all templates need: group terms, and priors of their parameters."""
    groups = model.stacked.groups
    widths = [group.q for group in groups]
    priors = model.priors
    sd_kind, sd_numbers = prior_data(priors[n] for group in groups for n in group.sd_names)
    own = [priors.of(p.name) for p in model.likelihood.scalars]
    own += model.shrinkage.priors if model.shrinkage is not None else ()
    own += model.simplexes.priors if model.simplexes is not None else ()
    free = model.correlation_numbers
    own += [Flat()] * (free.stop - free.start)
    aux_kind, aux_numbers = prior_data(own)
    return {
        "M": len(groups),
        "J": [len(group.levels) for group in groups],
        "q": widths,
        "correlated": [int(group.has_correlations) for group in groups],
        **_sds_data(model),
        "sd_prior": sd_kind,
        "sd_prior_p": sd_numbers,
        "lkj": [
            priors[g.correlation_name].numbers[0] if g.has_correlations else 1.0 for g in groups
        ],
        "A": len(own),
        "aux_prior": aux_kind,
        "aux_prior_p": aux_numbers,
    }


def _sds_data(model: Model) -> dict[str, Any]:
    """Return how the sds of columns follow from those that are sampled."""
    columns = model.stacked.column_sds
    return {
        "Q": columns.n,
        "N": columns.of.size,
        "sd_of": columns.of + 1,
        "length_of": columns.length + 1,
        "frequency": columns.frequency,
    }


def _cells_data(model: Model) -> dict[str, Any]:
    """Return the rest of ``stan/include/data.stan``, and the cells' statistics."""
    cells, P = model.cells, model.population.shape[1]
    form = quadratic_form(model)
    # The quadratic form stands for all cells, and rows that do not repeat are told apart.
    elsewhere = form is not None or model.in_one_pass or model.groups_integrated
    rows = 0 if elsewhere else cells.offset.size
    population, first = _population_data(model, rows)
    coordinates = coordinates_data(model.coordinates, model.tuning.picked_from)
    beta_kind, beta_numbers = prior_data(
        model.priors.of(n) for n in model.coefficients.sampled_names
    )
    statistics = _statistics_data(model)
    if model.family.conjugate:
        statistics |= _form_data(model, form)
    if model.correlation is not None:
        statistics |= correlation_data(model, model.correlation)
    return {
        "C": 0 if elsewhere else cells.n,
        "rows": rows,
        "P": P,
        **population,
        "offsets": cells.offset[:rows],
        "link": model.link.code,
        **_turned_data(model),
        **_predicted_data(model),
        **_threshold_data(model),
        "level": np.reshape([level[:rows] + 1 for level in cells.level], (len(cells.level), rows)),
        **_predictors_data(model, rows, first),
        **coordinates,
        "kept": int(coordinates["E"] > 0 or coordinates["n_crossed"] > 0 or elsewhere),
        "beta_prior": beta_kind,
        "beta_prior_p": beta_numbers,
        **_curves_data(model),
        **monotonic_data(model, rows),
        **statistics,
    }


def _statistics_data(model: Model) -> dict[str, Any]:
    """Return what the data say: by cell, row or group."""
    if model.groups_integrated:
        return groups_data(model)
    return rows_data(model) if model.in_one_pass else dict(model.cells.statistics)


def _predictors_data(model: Model, rows: int, first: np.ndarray) -> dict[str, Any]:
    """Return the predictors of the effects: of curves, the distinct rows, and which each row is.

    `first` are the distinct rows of the coefficients' predictors.
    """
    cells, told = model.cells, [np.zeros((rows, 0))]
    n_distinct, along_rows, basis, place = [], [], [np.zeros(0)], [np.zeros(0, int)]
    for group, Z, level in zip(model.stacked.groups, cells.Z, cells.level, strict=True):
        along, some = _is_along_rows(group, rows), np.zeros(0, int)
        if along:
            some = first
        elif group.shared is not None and group.q > 1 and rows:
            code, some = distinct(Z.T, rows)
            place.append(level * some.size + code + 1)
        else:
            told.append(Z[:rows])
        basis.append(Z[some].ravel(order="F"))
        n_distinct.append(some.size)
        along_rows.append(int(along))
    plain, told_once = np.hstack(told), np.concatenate(basis)
    return {
        "n_distinct": n_distinct,
        "n_plain": plain.shape[1],
        "Z": plain,
        "ones": np.all(plain == 1, axis=0).astype(int),
        "n_basis": told_once.size,
        "basis": told_once,
        "along_rows": along_rows,
        "n_place": sum(map(len, place)),
        "place": np.concatenate(place),
    }


def _is_along_rows(group: RandomTerm, rows: int) -> bool:
    """Whether a term is a curve of all rows, whose columns stand beside the coefficients'."""
    return group.shared is not None and group.q > 1 and group.n_levels == 1 and rows > 0


def _turned_data(model: Model) -> dict[str, Any]:
    """Return the direction of a zero linear predictor, which templates of directions take."""
    return {"origin": model.link.origin} if model.family.circular else {}


def _curves_data(model: Model) -> dict[str, Any]:
    """Return the coefficients that are curves of what is sampled, and domains of all numbers."""
    bounds, shrinkage, shrunk = model.bounds, model.shrinkage, model.shrunk
    nothing, P = np.zeros(0), model.population.shape[1]
    domains = [*model.likelihood.domains, *(shrinkage.domains if shrinkage else ())]
    domains += model.simplexes.domains if model.simplexes is not None else ()
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
        "shrunk_information": shrunk.known if shrunk else nothing,
        "shrunk_score": shrunk.score if shrunk else nothing,
        "shrunk_root": shrunk.root if shrunk else nothing,
    }
    free = model.correlation_numbers
    codes = [domain.code for domain in domains] + [DOMAINS["real"].code] * (free.stop - free.start)
    return out | {"aux_domain": codes}


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
    kind, numbers = prior_data([model.priors[vector.name]])
    steps, scalars = model.likelihood.steps, [p.name for p in model.likelihood.scalars]
    return {
        "threshold_prior": kind[0],
        "threshold_prior_p": numbers[0],
        "before_steps": scalars.index(steps[0]) if steps else len(scalars),
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


def _population_data(model: Model, rows: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return the distinct rows of the coefficients' predictors, where cells are many more.

    They are those of curves of all rows, too.
    """
    X = model.population[:rows]
    pairs = zip(model.stacked.groups, model.cells.Z, strict=True)
    whole = np.hstack([X, *(Z for group, Z in pairs if _is_along_rows(group, rows))])
    few = whole.size <= model.tuning.picked_from
    row, first = (np.arange(rows),) * 2 if few else distinct_rows(whole)
    return {"D": first.size, "X": X[first], "row": row + 1}, first


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


def _variances_data(model: Model, variances: VarianceCoordinates) -> dict[str, Any]:
    """Return the coordinates of what ``stan/gaussian_marginal.stan`` samples."""
    return {
        "n_sds": [group.column_sds.n for group in model.stacked.groups],
        "n_corr": variances.terms.n_corr,
        "D": variances.size,
        "gram_of_terms": variances.terms.gram,
        "contrasts": variances.terms.contrasts,
        **asdict(variances.transform),
        "mixing": variances.correlation_root,
    }
