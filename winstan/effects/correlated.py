"""Residuals of rows that are predicted: correlated with each other, and with rows of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many, some_rows
from winstan.data.tables import column_names, open_table
from winstan.design.new_rows import read_rows
from winstan.effects.means import auxiliary, linear_predictor, n_draws_of, rows_of, take_rows
from winstan.effects.new_levels import as_fitted
from winstan.errors import DataError, OptionError
from winstan.residual.rows import draw_residuals, given_observed, given_others
from winstan.residual.units import unit_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.design import NewRows
    from winstan.design.residual import ResidualTerm
    from winstan.effects.specification import Specified
    from winstan.model import Model
    from winstan.options import Predicted
    from winstan.residual import CorrelatedResiduals, RowCorrelation, Structure


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Residuals of n rows that are predicted, by S draws.

    Attributes
    ----------
    mean, sd : ndarray, shape (S, n)
        Given the data, or zero and sigma.
    drawn : ndarray, shape (S, n), or None
        With their correlation, if they are wanted.
    """

    mean: Array
    sd: Array
    drawn: Array | None


def check_integrated(model: Model, what: str, remedy: str) -> None:
    """Refuse correlated rows that are sampled one by one, and are not integrated out.

    Parameters
    ----------
    model
    what
        Is not known of them, as the sentence begins.
    remedy
        What there is instead.

    Raises
    ------
    OptionError
    """
    if model.correlation is None:
        return
    assert model.formula.residual is not None
    rows = "residuals" if model.residuals is not None else "latent effects"
    raise OptionError(
        f"{what}: {model.formula.residual.text} correlates {rows} of family={model.family.name!r}, "
        "which are sampled row by row and not integrated out, as those of gaussian and lognormal "
        f"models are. {remedy}"
    )


def check_given(model: Specified, given: object, groups: object) -> bool:
    """Read ``given=``: whether residuals are given those of the data.

    Raises
    ------
    OptionError
    """
    if given is None:
        return False
    if given != "data":
        raise OptionError(f"given= is 'data' or None, not {given!r}.")
    if model.residuals is None and model.correlation is None:
        raise OptionError(
            "given='data' is for rows that are correlated, which this formula has not: "
            "ar(time, unit), car(time, unit), cs, toep or unstr."
        )
    if groups != "these":
        raise OptionError(
            "given='data' predicts rows of units in the data: groups='these', not "
            f"groups={groups!r}."
        )
    return True


def values_with_residuals(
    model: Specified,
    posterior: Mapping[str, Array],
    rows: NewRows,
    residuals: Residuals,
    kind: Predicted,
) -> Iterator[tuple[slice, Array]]:
    """Mean, response or linear predictor of each row, its residual counted."""
    for part, eta in linear_predictor(model, posterior, rows):
        value = eta + rows.offset[part]
        if kind != "link":
            value = model.link.inverse(value)
        value = value + residuals.mean[:, part]
        if kind == "response":
            assert residuals.drawn is not None
            value = value - residuals.mean[:, part] + residuals.drawn[:, part]
        elif kind == "mean" and model.family.log_response:
            value = value + 0.5 * np.square(residuals.sd[:, part])
        log = model.family.log_response and kind != "link"
        yield part, np.exp(value) if log else value


def residuals_of_rows(
    model: Specified,
    posterior: Mapping[str, Array],
    newdata: Any,
    rows: NewRows,
    *,
    given: bool,
    rng: np.random.Generator,
) -> Residuals:
    """Find the residuals of rows that are predicted.

    Parameters
    ----------
    model
        With `residuals`.
    posterior
    newdata
        A data frame with the columns of the residual correlation; None is the rows of the data.
    rows
        Coded, those of sigma too.
    given
        Whether residuals of the data are known: of its own rows, those of the others of the unit.
    rng
    """
    term, residual = model.design.residual, model.residuals
    assert term is not None
    assert residual is not None
    structure, n = residual.structure, len(rows.offset)
    correlations = posterior[structure.name]
    sigma = auxiliary(model, posterior, rows)[str(model.family.noise)]
    spread = np.broadcast_to(sigma, (n_draws_of(posterior), n))
    if newdata is None:
        if given:
            error = _errors(model, posterior, np.arange(n))
            mean, sd, others = given_others(residual, correlations, spread, error)
            beside = term.sizes[term.unit] - 1
            noise = sd * rng.standard_normal(mean.shape)
            return Residuals(
                mean, sd, mean + noise * _factor(model, posterior, rng, others, beside)
            )
        drawn = draw_residuals(structure, term, correlations, spread, rng)
        nothing = np.zeros((len(drawn), term.sizes.size))
        drawn = drawn * _of_rows(_factor(model, posterior, rng, nothing, 0), term.unit)
        return Residuals(np.zeros_like(drawn), np.asarray(spread), drawn)
    there = column_names(open_table(newdata))
    absent = [name for name in term.spec.columns if name not in there]
    if absent and not given:  # rows of no time are of a unit each
        zero = np.zeros(spread.shape)
        drawn = spread * rng.standard_normal(spread.shape)
        return Residuals(zero, np.asarray(spread), drawn * _factor(model, posterior, rng, zero, 0))
    place, unit = places_and_units(term, newdata)
    return _of_units(model, residual, term, posterior, place, unit, spread, given=given, rng=rng)


def _of_units(
    model: Specified,
    residual: CorrelatedResiduals | RowCorrelation,
    term: ResidualTerm,
    posterior: Mapping[str, Array],
    place: Array,
    unit: np.ndarray,
    spread: Array,
    *,
    given: bool,
    rng: np.random.Generator,
) -> Residuals:
    """Go through the units of new rows; those of the data have numbers from zero."""
    structure = residual.structure
    correlations = posterior[structure.name]
    mean, sd, drawn = np.empty((3, *spread.shape))
    squares = np.zeros((len(spread), len(term.factor.levels)))
    if given and model.family.elliptical is not None:
        squares = _square_forms(model, posterior, structure, term)
    for one in np.unique(unit):
        at = np.flatnonzero(unit == one)
        seen = np.flatnonzero(term.unit == one) if given and one >= 0 else np.zeros(0, int)
        check_places(term, place[at], at, term.place[seen], one)
        standard, square = np.zeros((len(spread), 0)), np.zeros((len(spread), 1))
        if seen.size:
            standard = _errors(model, posterior, seen) / _spread_of(model, posterior, seen)
            square = squares[:, [one]]
        known, root = given_observed(structure, correlations, term.place[seen], place[at], standard)
        noise = (root @ rng.standard_normal((len(spread), at.size, 1)))[..., 0]
        noise = noise * _factor(model, posterior, rng, square, seen.size)
        mean[:, at] = spread[:, at] * known
        sd[:, at] = spread[:, at] * np.sqrt(np.square(root).sum(axis=-1))
        drawn[:, at] = spread[:, at] * (known + noise)
    return Residuals(mean, sd, drawn)


def _factor(
    model: Specified,
    posterior: Mapping[str, Array],
    rng: np.random.Generator,
    square: Array,
    n: np.ndarray | int,
) -> Array | float:
    """Draw what the rows of a unit have in common of their scale, given n rows seen: 1 of most."""
    if model.family.elliptical is None:
        return 1.0
    names = [name for name in model.family.auxiliary if name not in model.design.beside]
    aux = {name: posterior[name][:, None] for name in names}
    return model.family.elliptical.factor(rng, square, n, aux)


def _of_rows(factor: Array | float, unit: np.ndarray) -> Array | float:
    return factor if isinstance(factor, float) else factor[:, unit]


def _square_forms(
    model: Specified, posterior: Mapping[str, Array], structure: Structure, term: ResidualTerm
) -> Array:
    """Return the square form of each unit's residuals in the data, shape (S, J)."""
    units, rows = unit_rows(term, structure.pattern_of), np.arange(term.unit.size)
    standard = _errors(model, posterior, rows) / _spread_of(model, posterior, rows)
    white, _ = structure.whiten(posterior[structure.name], units, standard[:, units.rows])
    out = np.empty((len(white), units.size.size))
    out[:, units.unit] = units.sums(np.square(white))
    return out


def _errors(model: Specified, posterior: Mapping[str, Array], at: np.ndarray) -> Array:
    """Residuals of some rows of the data, (S, n)."""
    rows = take_rows(rows_of(model.design), model.design.row[at])
    eta = np.hstack([part for _, part in linear_predictor(model, posterior, rows)])
    y = model.design.response.y[at].astype(float)
    mean = model.link.inverse(eta + rows.offset)
    return np.asarray((np.log(y) if model.family.log_response else y) - mean)


def _spread_of(model: Specified, posterior: Mapping[str, Array], at: np.ndarray) -> Array:
    rows = take_rows(rows_of(model.design, beside=True), model.design.row[at])
    return np.asarray(auxiliary(model, posterior, rows)[str(model.family.noise)])


def places_and_units(term: ResidualTerm, newdata: Any) -> tuple[Array, np.ndarray]:
    """Places and units of new rows; units that were not fitted have numbers below zero."""
    spec = term.spec
    frame = read_rows(newdata, list(dict.fromkeys(spec.columns)))
    place = term.places_of(frame[spec.time])
    for name, values in zip(term.factor.columns, term.factor.categories, strict=True):
        frame[name] = as_fitted(pd.Series(frame[name]), values.tolist())
    unit = term.factor.find(frame)
    number = frame.groupby(list(term.factor.columns), sort=False, observed=True).ngroup()
    return place, np.where(unit >= 0, unit, -1 - number.to_numpy())


def check_places(
    term: ResidualTerm, place: Array, rows: np.ndarray, seen: Array, unit: int
) -> None:
    """Refuse a time that a unit has twice, in the new data or in those that were fitted."""
    values, count = np.unique(place, return_counts=True)
    twice = np.isin(place, values[count > 1])
    there = np.isin(place, seen)
    if (bad := rows[twice | there]).size:
        where = "the data already" if there.any() else "the new data twice"
        name = f" {term.factor.levels[unit]!r}" if unit >= 0 else ""
        raise DataError(
            f"{term.spec.text}: {how_many(bad.size, 'new row')} of '{term.spec.factor}'{name} "
            f"{'has' if bad.size == 1 else 'have'} a {term.spec.time} that is in {where}, in "
            f"{some_rows(bad)}. Leave them out, or correct their {term.spec.time}."
        )
