"""Making the designs of a model, one row per distinct row of predictors.

Rows of data that share every predictor share their design row, so formulae sees each kind of row
once. `Design.row` says which design row each row of data has; ``X[design.row]`` is the full matrix.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.columns import distinct_rows
from winstan.design.checks import check_crossing, check_finite, check_groups, check_rank
from winstan.design.constants import constant_weights
from winstan.design.design import Design, Memory
from winstan.design.empty_cells import combined_column, without_empty_cells
from winstan.design.evaluation import (
    MEAN,
    FittedEffects,
    Names,
    as_numbers,
    fit_effects,
    fit_expression,
    sum_offsets,
)
from winstan.design.grouping import find_levels, group_term
from winstan.design.monotonic import (
    check_monotonic,
    find_monotones,
    of_parameter,
    one_of_two_shapes,
    steps_of,
)
from winstan.design.residual import residual_term, warn_of_intercepts
from winstan.design.response import make_response
from winstan.design.smooths import curves_of_groups, fit_smooth, smooth_of
from winstan.design.stacking import with_places
from winstan.formula import evaluation_names
from winstan.formula.counted import counted
from winstan.formula.group_means import weighted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from winstan.data import Frame
    from winstan.design.evaluation import Term
    from winstan.formula import Formula
    from winstan.formula.terms import Effects


def build_design(
    formula: Formula,
    frame: Frame,
    namespace: Mapping[str, Any] | None = None,
    kind: str = "real",
    parameter: str = MEAN,
) -> Design:
    """Make the matrices of a model.

    Parameters
    ----------
    formula
        What to model.
    frame
        The data, from `winstan.data.frame_from`.
    namespace
        The caller's own functions and values, as given to `winstan.formula.parse_formula`.
    kind
        Of the family's response, see `make_response`.
    parameter
        The parameter that the formula is of, others apart: the mean.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        When a term cannot be evaluated, or columns repeat each other.
    FormulaError
        When the response has more than two levels.

    Warns
    -----
    DesignWarning
        When a grouping factor has few levels, or no row is in a cell whose mean is wanted.
    """
    names = evaluation_names(formula, namespace)
    whole = np.ones(len(frame.data)) if frame.weights is None else frame.weights
    response = make_response(formula, frame, weighted(names, whole), kind)
    check_monotonic(formula, frame)
    columns = [name for name in formula.predictor_columns if name in frame.data]
    if _shares_rows(formula, columns, names):
        first, row = distinct_rows(frame.data, columns)
    else:
        first = row = np.arange(len(frame.data))
    predictors = frame.data[columns]
    if len(first) < len(row):
        predictors = predictors.iloc[first]
    predictors = predictors.reset_index(drop=True)

    shared = Design(
        response=response,
        intercept=False,
        terms=(),
        X=np.empty((len(predictors), 0)),
        constant=None,
        groups=(),
        offset=np.zeros(len(predictors)),
        row=row,
        weights=frame.weights,
        frequency=frame.weights,
        kept=frame.kept,
        n_given=frame.n_rows,
        missing=frame.missing,
        weightless=frame.weightless,
        untried=frame.untried,
        grouped=frame.grouped,
        ordered=frame.ordered,
        predictors=predictors,
        names=Names(names),
        memory=Memory(FittedEffects(formula.effects, (), None), (), (), (), frozenset(), ()),
    )
    mean = _matrices(formula, shared, parameter)
    made, beside = [(formula, mean)], {}
    for name, own in formula.parameters.items():
        known = (design for other, design in made if _is_same(own, other))
        same = next(known, None)
        beside[name] = _matrices(own, shared, name) if same is None else _same_of(same, name)
        made.append((own, beside[name]))
    made_whole = replace(mean, beside=beside)
    _check_thresholds(made_whole)
    if formula.residual is not None:
        term = residual_term(formula.residual, frame)
        made_whole = replace(made_whole, residual=term)
        warn_of_intercepts(term, made_whole.groups)
    return _by_observation(with_places(made_whole))


def _check_thresholds(design: Design) -> None:
    """Refuse columns of single thresholds that are combinations of those of all."""
    own = next((one for one in design.beside.values() if one.anchored), None)
    if own is not None:
        terms = (*design.terms, *own.terms)
        names = [name for term in terms for name in term.column_names]
        X = design.X[:, : sum(len(term.columns) for term in design.terms)]  # no curves
        check_rank(np.hstack([X, own.X]), names, intercept=True)


def _by_observation(design: Design) -> Design:
    """Give each row that counts categories an observation for each of them.

    What is a function of whole columns is so of the data's rows, whichever counts are zero.
    """
    counts = design.response.counts
    if counts is None:
        return design
    row, place = np.nonzero(counts)
    return replace(
        design,
        row=design.row[row],
        kept=design.kept[row],
        weights=counts[row, place] * (1.0 if design.weights is None else design.weights[row]),
        beside={name: _by_observation(own) for name, own in design.beside.items()},
    )


def _matrices(formula: Formula, shared: Design, parameter: str) -> Design:
    """Make the matrices of one parameter, on rows that all share."""
    predictors, row, kept, names = shared.predictors, shared.row, shared.kept, shared.names
    counts = np.bincount(row, shared.weights, minlength=len(predictors)).astype(float)
    rows_of = None if shared.grouped is None else shared.grouped.count
    each = np.bincount(row, rows_of, len(predictors)).astype(float)
    names = counted(weighted(names, counts), each)
    coded = formula.coded_columns
    rows = as_numbers(predictors, coded)
    common, X = fit_effects(formula.effects, rows, names)
    if not formula.effects.intercept:
        common, X = without_empty_cells(common, X, predictors, coded)
    terms = tuple(replace(term, parameter=parameter) for term in common.terms)
    column_names = [name for term in terms for name in term.column_names]
    check_finite(X, column_names, row, kept)
    check_rank(
        X,
        column_names,
        intercept=formula.effects.intercept,
        remedy=lambda redundant: _remedy(
            formula.effects,
            [term for term in common.terms if redundant.intersection(term.columns)],
            predictors,
            coded,
        ),
    )

    offsets = tuple(fit_expression(atom, names) for atom in formula.offset_atoms)
    offset = sum_offsets(offsets, rows)
    check_finite(offset[:, None], [" + ".join(formula.offset)], row, kept, "offset")

    used = [c for atom in formula.atoms for c in atom.columns] + [g.by for g in formula.groups]
    used += [spec.by for spec in formula.smooths]
    grouping = [c for atom in formula.atoms for c in atom.grouping]
    constant = None if formula.effects.intercept else constant_weights(X, terms)
    curves, smooths = [], []
    for smooth in formula.smooths:
        curve, columns = fit_smooth(smooth, rows, counts, names, coded)
        smooths.append(smooth_of(curve, X.shape[1], columns.shape[1], parameter))
        check_finite(columns, smooths[-1].term.column_names, row, kept)
        curves.append(curve)
        X = np.hstack([X, columns])
    groups, fitted, factors, of_groups = [], [], [], []
    for spec in formula.groups:
        factor = find_levels(spec, predictors)
        effects, Z = fit_effects(spec.design, rows, names)
        group = group_term(spec, factor, effects, Z, predictors, parameter)
        of_group = None
        if spec.smooth is not None:
            of_group, columns = fit_smooth(spec.smooth, rows, counts, names, coded)
            group = curves_of_groups(of_group, group, columns, parameter)
        of_groups.append(of_group)
        check_finite(group.Z, group.column_names, row, kept)
        known = any(
            {c for a in term for c in a.columns} == set(spec.factor_columns)
            for term in formula.effects.terms
        )
        check_groups(spec.factor, factor.levels, [*group.sd_variables], common=known)
        groups.append(group)
        fitted.append(effects)
        factors.append(factor)
    check_crossing(groups)

    monotones = find_monotones(formula, predictors, parameter)
    return replace(
        shared,
        intercept=formula.effects.intercept and not formula.anchored,
        anchored=formula.anchored,
        monotones=monotones,
        steps=steps_of(monotones, predictors),
        terms=terms,
        X=X,
        constant=constant,
        groups=tuple(groups),
        smooths=tuple(smooths),
        offset=offset,
        memory=Memory(
            common=common,
            groups=tuple(fitted),
            factors=tuple(factors),
            offsets=offsets,
            coded=coded,
            effect_columns=tuple(dict.fromkeys(c for c in used + grouping if c in predictors)),
            grouping=frozenset(grouping).difference(used),
            smooths=tuple(curves),
            group_smooths=tuple(of_groups),
        ),
        parameter=parameter,
    )


def _remedy(
    effects: Effects, to_blame: Sequence[Term], predictors: pd.DataFrame, coded: frozenset[str]
) -> str:
    """Say what to do about terms whose columns repeat others; nothing if the cause is another."""
    names = {term.name for term in to_blame}
    return combined_column(effects, to_blame, predictors, coded) or one_of_two_shapes(
        effects, names, predictors
    )


def _is_same(own: Formula, other: Formula) -> bool:
    """Whether one formula was made for both parameters, without curves, which have their name."""
    curved = own.smooths or any(group.smooth is not None for group in own.groups)
    return own.effects is other.effects and own.groups is other.groups and not curved


def _same_of(design: Design, parameter: str) -> Design:
    """Return the same matrices, of another parameter that has the same formula."""

    def of(terms: Iterable[Term]) -> tuple[Term, ...]:
        return tuple(replace(term, parameter=parameter) for term in terms)

    groups = tuple(replace(group, effects=of(group.effects)) for group in design.groups)
    return replace(
        design,
        terms=of(design.terms),
        groups=groups,
        monotones=of_parameter(design.monotones, parameter),
        parameter=parameter,
    )


def _shares_rows(formula: Formula, columns: list[str], names: Mapping[str, Any]) -> bool:
    """Whether rows that share all predictor values share their design row."""
    # An array of the caller's own has a value for each row, equal predictors or not.
    return formula.counted and all(
        name in columns or np.ndim(names.get(name, 0)) == 0 for name in formula.ambient
    )
