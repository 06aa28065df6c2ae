"""Linear combinations of coefficients: contrasts with standard errors and confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from winstan.effects.asked import read_columns
from winstan.effects.contrasts import contrast
from winstan.effects.estimands import Estimand, factors_of
from winstan.effects.strata import columns_of_by
from winstan.errors import OptionError
from winstan.options import check_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.effects.specification import Specification


def contrast_table(
    model: Specification,
    beta: Array,
    covariance: Array,
    df: float | Callable[[Array], float],
    treatment: str,
    *,
    prob: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Compare the mean response between values of a predictor, as `Fit.contrast` does.

    Rows are averaged in the same way; the group effects, whose mean is zero, are left out.

    Parameters
    ----------
    model
        The formula and its design.
    beta : ndarray, shape (p,)
        Coefficients, the intercept first where there is one.
    covariance : ndarray, shape (p, p)
    df
        Degrees of freedom of Student's t, or those of a combination of coefficients, shape (p,);
        infinite for the normal distribution.
    treatment
        As for `Fit.contrast`.
    prob
        Coverage of the confidence interval.
    **options
        values, by, of, pairs, slope and weights, as for `Fit.contrast`.

    Returns
    -------
    DataFrame
        Columns contrast, [by], groups ("population", where there are group terms), estimate,
        std_error, df, the interval's ends, p_value.
    """
    _check_columns(model, treatment, options)
    check_single(options.get("pairs"))
    # Group effects are zero on average, so that their population has the mean of a typical group.
    # A draw of each coefficient, by itself and one: what it gives is the coefficient's weight.
    units = _units(model.design)
    found = contrast(model, units, treatment, scale="link", groups="typical", **options)
    no_offset = bool(model.formula.offset_atoms)
    population = Estimand(dict.fromkeys(factors_of(model), "population"), no_offset=no_offset)
    rows = []
    for c, label in enumerate(found.labels):
        for g, level in enumerate(found.levels):
            weights = found.draws[:, c, g]
            row: dict[str, Any] = {"contrast": label}
            row |= dict(zip(found.by, level, strict=True)) | population.label
            error = np.sqrt(weights @ covariance @ weights)
            own = df(weights) if callable(df) else df
            rows.append(row | estimate_row(float(weights @ beta), float(error), own, prob))
    table = pd.DataFrame(rows)
    table.attrs |= population.attrs
    return table


def _check_columns(model: Specification, treatment: str, options: Mapping[str, Any]) -> None:
    """Refuse columns that only group terms have: their effects are zero on average."""
    predictors = model.design.predictors
    asked = read_columns(predictors.columns, treatment, None, options.get("of"))
    known = [c for atom in model.formula.effects.atoms.values() for c in atom.columns]
    for name in (*asked, *columns_of_by(options.get("by"))):
        if name in predictors and name not in known:
            raise OptionError(
                f"{name!r} has no population-level effect in {model.formula.text!r}: nothing "
                "can be contrasted by it. Add it as a term of its own, or use ws.fit for the "
                "effects of single groups."
            )


def check_single(pairs: Any) -> None:
    """Refuse contrasts whose intervals are to hold together: these are of one contrast each.

    Raises
    ------
    OptionError
    """
    several = isinstance(pairs, Sequence) and not isinstance(pairs, str)
    if any(isinstance(own, str) and own == "dunnett" for own in (pairs if several else [pairs])):
        raise OptionError(
            "pairs='dunnett' has intervals that hold together, and those of a classical analysis "
            "are of one contrast each: pairs='reference' has these; ws.fit's contrast has both."
        )


def estimate_row(estimate: float, error: float, df: float, prob: float) -> dict[str, float]:
    """Return an estimate, its standard error, df, confidence interval and two-sided p value."""
    lower, upper = interval_names(prob)
    half = stats.t.ppf((1 + prob) / 2, df) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(np.float64(estimate) / error), df)
    return {
        "estimate": estimate,
        "std_error": error,
        "df": float(df),
        lower: float(estimate - half),
        upper: float(estimate + half),
        "p_value": float(p),
    }


def interval_names(prob: float) -> tuple[str, str]:
    """Return the column names of a confidence interval's ends: ``ci_2.5%`` and ``ci_97.5%``."""
    check_probability("prob", prob, 0.95)
    tail = 100 * (1 - float(prob)) / 2
    return f"ci_{tail:g}%", f"ci_{100 - tail:g}%"


def _units(design: Design) -> dict[str, Array]:
    """Return coefficients of one, each in a draw of its own, so that means become weights."""
    shift = int(design.intercept)
    p = shift + design.X.shape[1]
    identity = np.eye(p)
    units: dict[str, Array] = {"Intercept": identity[:, 0]} if shift else {}
    for term in design.terms:
        columns = identity[:, [shift + c for c in term.columns]]
        units[term.name] = columns if term.labels else columns[:, 0]
    return units
