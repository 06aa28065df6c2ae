"""Means over the population that the groups come from: group effects integrated out.

With eta normal about its mean with variance v over the population, m(eta, v) is the mean of the
response at a linear predictor so distributed. It is exact for the identity (eta), log
(exp(eta + v / 2)), sqrt (eta^2 + v) and probit (Phi(eta / sqrt(1 + v)); Zeger, Liang and Albert
1988, Biometrics 44, 1049-1060) links, and for directions, whose mean is that of unit vectors, under
the identity (exp(i eta - v / 2)). For logit and cloglog, and where the mean response follows no
link (`Family.mean_strip`), it is by `winstan.effects.normal_averages`. Under the inverse link there
is no such mean: 1 / eta has none where eta is normal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.effects.means import mean_needs_beside, mean_response, mean_slope
from winstan.effects.normal_averages import normal_averages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from winstan._typing import Array
    from winstan.effects.specification import Specified

_STRIPS = {"logit": np.pi, "cloglog": np.pi / 2}
"""Half-widths of the strips in which the inverse links are analytic and bounded."""


def mean_link(model: Specified) -> str:
    """Return the link by which the mean response follows the linear predictor.

    It is the model's own, except where the response's mean is not the inverse link's value: that of
    a lognormal response is the exponential of eta + sigma^2 / 2.
    """
    return model.family.mean_link or model.link.name


def has_population_mean(model: Specified) -> bool:
    """Whether the mean over normal effects on the linear predictor exists."""
    return mean_link(model) != "inverse"


def has_joint_mean(model: Specified) -> bool:
    """Whether groups' effects on several linear predictors are integrated out together.

    That is of categories' probabilities (`winstan.effects.joint_population`).
    """
    return model.family.category_probability is not None and mean_needs_beside(model)


def noisy_parameters(model: Specified, factors: Collection[str]) -> tuple[str, ...]:
    """Return the parameters beside the mean that it depends on, and that vary between groups.

    That is between levels of these factors. The mean of a lognormal response over normal effects on
    the logarithm of its sigma is not finite. Of other families it is not computed, but for
    probabilities of categories (`has_joint_mean`).
    """
    if not mean_needs_beside(model) or has_joint_mean(model):
        return ()
    beside = model.design.beside.items()
    return tuple(name for name, one in beside if any(g.factor in factors for g in one.groups))


def is_stable(model: Specified) -> bool:
    """Whether the posterior of the population's mean has a mean itself.

    Under a log link it is exp(eta + v / 2): the posterior of the variance v of few groups has too
    heavy a tail for its exponential to have a mean, so that its average over draws grows with their
    number.
    """
    return mean_link(model) not in ("inverse", "log")


def _way(model: Specified) -> str:
    """Say how the mean is found: by which link, ``rotation`` (exp(i eta)), or else ``strip``."""
    if model.family.circular and mean_link(model) == "identity":
        return "rotation"
    return mean_link(model) if model.family.mean_strip is None else "strip"


def _strip(model: Specified, way: str) -> tuple[float, bool]:
    """Return the half-width of the integrand's strip, and whether it grows as an exponential."""
    own = model.family.mean_strip
    is_share = model.family.category_probability is not None
    return (_STRIPS[way], False) if own is None else (own, not is_share)


def population_mean(
    model: Specified, beside: Mapping[str, Array], eta: Array, variance: Array
) -> Array:
    """Integrate the mean response over normal linear predictors.

    Parameters
    ----------
    model
    beside : mapping of str to ndarray
        Draws of the parameters beside the mean, from `winstan.effects.means.auxiliary`.
    eta, variance : ndarray, shape (S, n)
        Mean and variance of the linear predictor over the population.

    Returns
    -------
    ndarray, shape (S, n)
    """

    def mean(at: Array) -> Array:
        return mean_response(model, beside, at)

    match _way(model):
        case "rotation":
            return mean(eta) * np.exp(-variance / 2)
        case "identity" | "softmax":  # of one linear predictor by itself
            return mean(eta)
        case "log":
            return mean(eta + variance / 2)
        case "sqrt":
            return mean(eta) + variance
        case "probit":
            return mean(eta / np.sqrt(1 + variance))
        case way:

            def of(others: Mapping[str, Any], at: Array) -> Array:
                return mean_response(model, others, at)

            return _averages(of, model, beside, eta, variance, way)[0]


def population_slope(
    model: Specified,
    beside: Mapping[str, Array],
    eta: Array,
    variance: Array,
    rise: Array,
    variance_rise: Array,
) -> Array:
    """Return the derivative of `population_mean` by a predictor, shape (S, n).

    Parameters
    ----------
    model, beside, eta, variance
        As for `population_mean`.
    rise, variance_rise : ndarray, shape (S, n)
        Derivatives of `eta` and of `variance` by the predictor.
    """

    def slope(at: Array) -> Array:
        return mean_slope(model, beside, at)

    match _way(model):
        case "rotation":
            whole = mean_response(model, beside, eta) * np.exp(-variance / 2)
            return whole * (1j * rise - variance_rise / 2)
        case "identity" | "softmax":  # of one linear predictor by itself
            return slope(eta) * rise
        case "log":
            return slope(eta + variance / 2) * (rise + variance_rise / 2)
        case "sqrt":
            return slope(eta) * rise + variance_rise
        case "probit":
            root = np.sqrt(1 + variance)
            scaled = (rise - eta * variance_rise / (2 * np.square(root))) / root
            return slope(eta / root) * scaled
        case way:
            # d sd = d variance / (2 sd); where sd is zero, so is the variance's derivative.
            sd = np.sqrt(variance)
            sd_rise = variance_rise / np.where(sd > 0, 2 * sd, 1.0)

            def of(others: Mapping[str, Any], at: Array) -> Array:
                return mean_slope(model, others, at)

            orders = (0, 1) if sd_rise.any() else (0,)
            found = _averages(of, model, beside, eta, variance, way, orders)
            return np.asarray(
                sum(one * by for one, by in zip(found, (rise, sd_rise), strict=False))
            )


def _averages(
    function: Callable[[Mapping[str, Any], Array], Array],
    model: Specified,
    beside: Mapping[str, Any],
    eta: Array,
    variance: Array,
    way: str,
    orders: tuple[int, ...] = (0,),
) -> list[Array]:
    """Average a function of the other parameters and of a normal linear predictor."""
    strip, growing = _strip(model, way)

    def of_draws(at: Array, draws: slice) -> Array:
        return function({name: _some(values, draws) for name, values in beside.items()}, at)

    return normal_averages(
        of_draws,
        eta,
        np.sqrt(variance),
        strip,
        orders=orders,
        growing=growing,
        of_rows=any(_is_of_rows(values) for values in beside.values()),
        chunk=model.tuning.chunk,
    )


def _some(values: Any, draws: slice) -> Any:
    """Return some draws of a parameter, or of each element of a vector."""
    if isinstance(values, tuple):
        return tuple(_some(one, draws) for one in values)
    return values[draws] if np.ndim(values) > 1 and len(values) > 1 else values


def _is_of_rows(values: Any) -> bool:
    if isinstance(values, tuple):
        return any(map(_is_of_rows, values))
    return np.ndim(values) > 0 and np.shape(values)[-1] > 1
