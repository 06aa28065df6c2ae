"""The response: what the left side of a formula gives, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import check_trials, how_many, some_levels
from winstan.data.grouped import IDENTITY
from winstan.data.text import as_ordered, factor_as_numbers
from winstan.design.categories import as_categories, numbers_of
from winstan.design.checks import check_finite
from winstan.design.counts import counts_of
from winstan.design.evaluation import as_numbers, fit_expression, one_per_row
from winstan.design.limits import make_limits
from winstan.design_warnings import warn_design
from winstan.errors import DataError, FormulaError, near_matches
from winstan.formula.tree import Binary, Name, quote_name

if TYPE_CHECKING:
    from winstan.data import Frame
    from winstan.data.grouped import Moments
    from winstan.families.sample import Limits
    from winstan.formula import Formula
    from winstan.formula.terms import Atom, ResponseSpec


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What is modelled.

    Attributes
    ----------
    name
        The left side of the formula; for ``p(s, n)`` the whole call.
    y : ndarray of shape (N,)
        Values, as float64; 0 and 1 for two levels.
    trials : ndarray of shape (N,), or None
        Trials of which `y` were successes.
    levels
        Of a text, factor or bool response: failure and success; None for numbers.
    categories
        Labels of a response that is taken as categories, in order: `y` has their places, from 0
        up. None for others.
    limits : Limits, or None
        Where responses are censored, truncated, or have known errors.
    counts : ndarray of shape (rows of the data, K), or None
        Where rows count categories: how often each had each. N are then the observations: for each
        row one for each category that it had.
    moments : mapping of str to Moments
        By function of the response, where each row stands for several: `y` is then their mean.
    """

    name: str
    y: np.ndarray
    trials: np.ndarray | None
    levels: tuple[Any, ...] | None
    categories: tuple[Any, ...] | None = None
    limits: Limits | None = None
    counts: np.ndarray | None = None
    moments: Mapping[str, Moments] = field(default_factory=dict)

    def beside(self, at: np.ndarray | slice) -> np.ndarray | Limits | None:
        """Return what densities of some rows take beside them: limits, trials, or nothing."""
        if self.limits is not None:
            return self.limits[at]
        return None if self.trials is None else self.trials[at].astype(float)

    def in_units(self, y: np.ndarray) -> np.ndarray:
        """Turn places into the numbers that categories are; those of words stay places."""
        numbers = None if self.categories is None else numbers_of(self.categories)
        return y if numbers is None else np.asarray(numbers)[y.astype(int)]

    @property
    def attrs(self) -> dict[str, Any]:
        """What arrays of responses say of themselves: the words that places stand for."""
        if self.categories is None or numbers_of(self.categories) is not None:
            return {}
        return {"categories": list(map(str, self.categories))}


def make_response(
    formula: Formula, frame: Frame, names: Mapping[str, Any], kind: str = "real"
) -> Response:
    """Evaluate the left side of a formula on all rows.

    Parameters
    ----------
    formula
        Whose left side.
    frame
        N complete rows.
    names
        Functions and values beside columns.
    kind
        Of the family's response: "ordered" and "unordered" ones are taken as categories.

    Returns
    -------
    Response

    Raises
    ------
    FormulaError
        When the response has more than two levels, or counts categories for another family.
    DataError
        When values are not finite, or trials or counts not whole numbers.
    """
    spec = formula.response_spec
    if spec.counts:
        return _counted(spec, frame, kind)
    atom = spec.value
    if frame.grouped is not None and frame.grouped.moments:
        moments = frame.grouped.moments
        return Response(spec.name, moments[IDENTITY].mean, None, None, moments=moments)
    used = frame.data[[name for name in formula.response_columns if name in frame.data]]
    rows = as_numbers(used)
    is_column = isinstance(atom.node, Name)
    values: Any = used[atom.name] if is_column else fit_expression(atom, names).evaluate(rows)
    dtype = getattr(values, "dtype", None)
    levels: tuple[Any, ...] | None = None
    _warn_of_sum(atom)
    if kind in ("ordered", "unordered"):
        _check_whole(spec, kind)
        y, categories = as_categories(values, atom.name, frame, ordered=kind == "ordered")
        return Response(spec.name, y, frame.trials, None, categories)
    if spec.success:
        y, levels = _chosen_level(values, spec.success[0], atom.name)
    elif isinstance(dtype, pd.CategoricalDtype):
        y, levels = _two_levels(values, atom.name, frame)
    else:
        y = one_per_row(values, len(used), f"The response '{atom.name}'")
        levels = (False, True) if dtype == np.bool_ else None
        check_finite(y[:, None], [atom.name], np.arange(len(y)), frame.kept, "response")
    trials = frame.trials
    if spec.trials is not None:
        given = fit_expression(spec.trials, names).evaluate(rows)
        trials = one_per_row(given, len(y), f"The trials '{spec.trials.text}'")
        # Whether the successes fit the trials is for the family to say: it may take no trials.
        check_trials(trials, f"'{spec.trials.text}'", frame.kept)
    limits = None
    if spec.limits is not None:
        if levels is not None:
            raise FormulaError(
                f"The response '{spec.name}' has two levels, and limits and errors are those of "
                "numbers. Take the two levels as numbers, or leave the limits out."
            )
        whole = kind == "count"
        limits = make_limits(spec.limits, y, spec.name, rows, names, frame.kept, whole=whole)
    return Response(spec.name, y, trials, levels, limits=limits)


def _counted(spec: ResponseSpec, frame: Frame, kind: str) -> Response:
    """Return an observation for each category that a row has counts of."""
    if kind != "unordered":
        raise FormulaError(
            f"{spec.text} counts several categories: that is a response of winstan.fit with "
            "family='multinomial'."
        )
    counts = counts_of(spec, frame)
    row, place = np.nonzero(counts)
    trials = None if frame.trials is None else frame.trials[row]
    names = tuple(atom.name for atom in spec.counts)
    return Response(spec.name, place.astype(np.float64), trials, None, names, counts=counts)


def _warn_of_sum(atom: Atom) -> None:
    """Warn of ``y + y2 ~ x``, which adds up; ``I(y + y2)`` says that it is meant."""
    node, added = atom.node, []
    while isinstance(node, Binary) and node.op == "+":
        added.append(node.right)
        node = node.left
    columns = [part.text for part in (*added, node) if isinstance(part, Name)]
    if len(set(columns)) > 1:
        parts = " and ".join(map(repr, columns[::-1]))
        warn_design(
            f"The response '{atom.text}' is the sum of {parts}, one number a row. If that is "
            f"meant, write I({atom.text}); one model has one response: fit several each by itself.",
            "summed_response",
        )


def _check_whole(spec: ResponseSpec, kind: str) -> None:
    """Refuse one level, or trials, of a response that is taken as categories."""
    name = quote_name(spec.value.name)
    if spec.success:
        raise FormulaError(
            f"{spec.text} is one level against all others, and a family of {kind} categories takes "
            f"all of them: write {name} ~ ..., or family='bernoulli'."
        )
    if spec.trials is not None:
        raise FormulaError(
            f"{spec.text} counts successes among trials, and a family of {kind} categories takes "
            f"rows of one category each: write {name} ~ ..., or family='binomial'."
        )
    if spec.limits is not None:
        raise FormulaError(
            f"{spec.text} has limits or known errors, which are those of numbers: of a family of "
            f"{kind} categories write {name} ~ ...."
        )


def _chosen_level(values: Any, success: Any, name: str) -> tuple[np.ndarray, tuple[Any, ...]]:
    levels = sorted(pd.Series(values).unique().tolist())
    # A level that is no text may be written with or without quotes: y[2], y["2"].
    match = [level for level in levels if level == success or str(level) == str(success)]
    if not match:
        hint = near_matches(str(success), [str(level) for level in levels])
        raise FormulaError(f"The response '{name}' has no level {success!r}.{hint}")
    others = [level for level in levels if level != match[0]]
    return np.asarray(values == match[0], dtype=np.float64), (*others, match[0])


def _two_levels(
    values: pd.Series[Any], name: str, frame: Frame
) -> tuple[np.ndarray, tuple[Any, ...]]:
    levels = tuple(values.cat.categories.tolist())
    if len(levels) > 2:
        raise FormulaError(
            f"The response '{name}' is not numeric and has {len(levels)} levels "
            f"({some_levels(levels)}); a response is numeric or has two levels. "
            + _remedy(values, name, frame)
        )
    return values.cat.codes.to_numpy().astype(np.float64), levels


def _remedy(values: pd.Series[Any], name: str, frame: Frame) -> str:
    """Say what can be done with a response of many levels."""
    levels, ordered = values.cat.categories.tolist(), name in frame.ordered
    column = frame.column.format(name)
    numbers = factor_as_numbers(values.array, name, column, ordered=ordered)
    if ordered:
        return (
            'Its levels are ordered: family="cumulative" is for them. For '
            f"the chance of {levels[1]!r} or more alone, fit the column "
            f"{as_ordered(values.array, column)} >= {levels[1]!r} "
            f'with family="bernoulli"; if the steps are equal, '
            f'{numbers}, with family="gaussian".'
        )
    if numbers:
        percent = any(str(level).rstrip().endswith("%") for level in levels)
        shares = ", and divide it by 100 for shares from 0 to 1" if percent else ""
        return f"Most look like numbers: {numbers}{shares}."
    return (
        'For all of its levels, in no order, use family="categorical" (in an order: "cumulative"). '
        f'For one level against all others write {quote_name(name)}["{levels[-1]}"] ~ ...'
    )


def check_categories(response: Response) -> None:
    """Refuse a response that has one category in all rows, or has no other."""
    labels, seen = response.categories or (), np.unique(response.y.astype(int))
    if seen.size > 1:
        return
    what = "is its only category" if len(labels) == 1 else "is the only category that any row has"
    raise DataError(
        f"All {how_many(response.y.size, 'row')} of {response.name!r} are {labels[seen[0]]!r}, "
        f"which {what}: there is nothing to explain. Check the column, or the filter before it."
    )
