"""How much of the variance of responses a model explains, and how much of it lies between groups.

References
----------
Gelman, Goodrich, Gabry and Vehtari (2019), American Statistician 73, 307-309: R squared of each
draw, the variance of the means over that plus the residual variance. Nakagawa, Johnson and
Schielzeth (2017), J. Royal Society Interface 14, 20170213: intraclass correlations, and the
residual variance on the scale of the linear predictor. Johnson (2014), Methods in Ecology and
Evolution 5, 944-946: random slopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.grouped import IDENTITY
from winstan.effects.comparisons import check_predictor
from winstan.effects.covariances import covariances
from winstan.effects.means import (
    auxiliary,
    curves_of,
    eta_at,
    mean_response,
    rows_of,
)
from winstan.effects.observed import ordered_labels
from winstan.errors import OptionError
from winstan.families.sample import sum_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.design import NewRows
    from winstan.model import Model
    from winstan.options import ResidualVariance

LATENT = {"logit": np.pi**2 / 3, "probit": 1.0, "cloglog": np.pi**2 / 6}
"""Variance of the latent response that is above zero, or between thresholds, by the link."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Shares of variance, draw by draw.

    Attributes
    ----------
    shares : mapping of str to ndarray, shape (S,) each
    note : str
        Of which variance.
    """

    shares: Mapping[str, Array]
    note: str


def r_squared(
    model: Model, posterior: Mapping[str, Array], residual: ResidualVariance | None
) -> Explained:
    """Return R squared: of all that the model has, and of the population's coefficients alone.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    residual
        See `Fit.r2`.

    Raises
    ------
    OptionError
        If the response has no mean or variance that is a number.
    """
    _check_numbers(model, "r2()")
    family, response = model.family, model.design.response
    rows = rows_of(model.design, beside=True)
    own = residual or ("data" if _variance_of(model) is None else "model")
    if own == "model" and _variance_of(model) is None:
        raise OptionError(
            f"The variance of family={family.name!r} at its mean is not stated in winstan: take "
            "residual='data', the variance of the residuals."
        )
    if own == "data" and response.limits is not None and response.limits.censored:
        raise OptionError(
            "Residuals of censored rows are not known: take residual='model', if the family has "
            "it, or fit without the limits."
        )
    weight = _row_weights(model)
    aux = auxiliary(model, posterior, rows)
    eta = eta_at(model.design, posterior, rows, slice(None)) + rows.offset
    mean = mean_response(model, aux, eta)
    left = _left(model, aux, model.link.inverse(eta), mean, weight, own)
    explained = _variance(mean, weight)
    total = explained + left
    if not model.design.groups:
        shares = {"all": explained / total}
    else:
        typical = eta_at(model.design, posterior, rows.without_groups(), slice(None)) + rows.offset
        fixed = _variance(mean_response(model, aux, typical), weight)
        shares = {"conditional": explained / total, "marginal": fixed / total}
    note = "the model's" if own == "model" else "of the residuals"
    return Explained(shares, f"residual variance: {note}")


def intraclass(model: Model, posterior: Mapping[str, Array], by: str | None) -> list[Explained]:
    """Return the share of each group term in the variance, for each level of a column, or of all.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    by
        A column of the formula, over whose levels the variances are averaged apart.

    Raises
    ------
    OptionError
        If there is no group term, or no residual variance on a scale that has a name.
    """
    design = model.design
    _check_numbers(model, "icc()", latent=True)
    if not design.groups:
        raise OptionError(f"{model.formula.mean_text!r} has no group term, such as (1|mouse).")
    rows = rows_of(design, beside=True)
    terms = _term_variances(model, posterior, rows)
    aux = auxiliary(model, posterior, rows)
    typical = eta_at(design, posterior, rows.without_groups(), slice(None)) + rows.offset
    out = []
    for weight in _strata_weights(model, by):
        share = weight / weight.sum()
        averaged = {name: values @ share for name, values in terms.items()}
        total = sum(averaged.values())
        left, scale = _on_scale(model, aux, typical, sum(terms.values()), share)
        shares = {name: value / (total + left) for name, value in averaged.items()}
        out.append(Explained(shares, scale))
    return out


def strata_levels(model: Model, by: str | None) -> list[Any]:
    """Return the levels of a column, in the model's order; one None without it."""
    if by is None:
        return [None]
    if by not in [group.factor for group in model.design.groups]:
        check_predictor(model, by, "by=")
    return list(ordered_labels(model, by).categories)


def _strata_weights(model: Model, by: str | None) -> list[Array]:
    """Return the weights of the design's rows, (D,), for each of `strata_levels`."""
    if by is None:
        return [_row_weights(model)]
    labels, design = ordered_labels(model, by), model.design
    each = np.ones(design.row.size) if design.weights is None else design.weights
    return [
        sum_by(design.row, each * (labels.codes == k), len(design.X))
        for k in range(len(labels.categories))
    ]


def _check_numbers(model: Model, who: str, *, latent: bool = False) -> None:
    """Refuse responses that have no mean and variance, or known errors of their own."""
    family, limits = model.family, model.design.response.limits
    ordered = latent and family.thresholds is not None
    if (family.of_categories and not ordered) or family.circular:
        what = "directions" if family.circular else "categories"
        raise OptionError(f"{who} is of a variance, and {what} have none.")
    if limits is not None and limits.error is not None:
        raise OptionError(
            f"{who} is of one residual variance, and se() gives each row its own: fit without se()."
        )


def _row_weights(model: Model) -> Array:
    """Return how many rows of the data each row of the design stands for, (D,)."""
    return sum_by(model.design.row, model.design.weights, len(model.design.X))


def _variance(values: Array, weight: Array) -> Array:
    """Return the variance over rows, (S,), of values (S, D)."""
    total = weight.sum()
    mean = values @ weight / total
    return np.asarray(np.square(values - mean[:, None]) @ weight / (total - 1))


def _variance_of(model: Model) -> Any:
    """Return the function of mu and the other parameters that is a response's variance."""
    family = model.family
    if family.response_variance is not None:
        return family.response_variance
    own = family.variance
    return None if own is None else lambda mu, aux: own(mu)


def _left(
    model: Model,
    aux: Mapping[str, Array],
    mu: Array,
    mean: Array,
    weight: Array,
    own: ResidualVariance,
) -> Array:
    """Return the residual variance of each draw, (S,)."""
    design, response = model.design, model.design.response
    each = np.ones(design.row.size) if design.weights is None else design.weights
    n, D = weight.sum(), len(design.X)
    if own == "model":
        variance = np.broadcast_to(_variance_of(model)(mu, aux), mu.shape)
        if model.family.trials and response.trials is not None:
            weight = sum_by(design.row, each / response.trials, D)
        return np.asarray(variance @ weight / n)
    y = response.y.astype(float)
    y = y / response.trials if model.family.trials and response.trials is not None else y
    of_row = sum_by(design.row, each * y, D) / np.where(weight > 0, weight, 1.0)
    within = float((each * np.square(y - of_row[design.row])).sum())
    if response.moments:
        within += float(response.moments[IDENTITY].squares.sum())
    error = of_row - mean
    squares = within + np.square(error) @ weight
    return np.asarray((squares - np.square(error @ weight) / n) / (n - 1))


def _term_variances(
    model: Model, posterior: Mapping[str, Array], rows: NewRows
) -> dict[str, Array]:
    """Return what each group term's effects vary by in each row of the design, (S, D)."""
    design = model.design
    out: dict[str, Array] = {}
    for place, (group, Z, arm) in enumerate(zip(design.groups, rows.Z, rows.arm, strict=True)):
        own = covariances(group, posterior)
        variance = own.products(Z, Z, arm, curves_of(design, place, posterior, rows.steps))
        name = f"{' + '.join(effect.name for effect in group.effects)}|{group.factor}"
        out[name] = out[name] + variance if name in out else variance
    return out


def _on_scale(
    model: Model, aux: Mapping[str, Array], typical: Array, between: Any, share: Array
) -> tuple[Array, str]:
    """Return the residual variance, (S,), beside that between groups; and the scale of both."""
    family, link = model.family, model.link.name
    variance_of = _variance_of(model)
    if family.log_response and family.noise is not None:
        return _averaged(np.square(aux[family.noise]), share), f"log {model.design.response.name}"
    of_latent = family.of_trials and family.exponential_family
    of_latent |= family.thresholds is not None and family.thresholds.domain == "ordered"
    if of_latent and link in LATENT:
        return np.full(len(typical), LATENT[link]), f"latent, of the {link} link"
    if variance_of is not None and link == "identity" and family.noise is not None:
        left = np.broadcast_to(variance_of(typical, aux), typical.shape)
        return np.asarray(left @ share), "response"
    if variance_of is not None and link == "log" and family.positive_mean:
        mean = np.exp(typical + 0.5 * between) @ share
        own = {name: _averaged(values, share)[:, None] for name, values in aux.items()}
        ratio = variance_of(mean[:, None], own)[:, 0] / np.square(mean)
        return np.log1p(ratio), "log, with the observation-level variance ln(1 + Var(y) / mean^2)"
    raise OptionError(
        f"icc() knows no residual variance beside effects on the {link} scale of "
        f"family={family.name!r}: compare fit.summary()'s standard deviations of groups."
    )


def _averaged(values: Array, share: Array) -> Array:
    """Average over rows, (S, D) or (S, 1) to (S,)."""
    return values[:, 0] if values.shape[1] == 1 else np.asarray(values @ share)
