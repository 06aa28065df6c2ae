"""Standard deviations that differences are divided by: of rows, between groups, and both.

References
----------
Nakagawa and Schielzeth (2013), Methods in Ecology and Evolution 4, 133-142, for variances of links;
Johnson (2014), same journal 5, 944-946, for those of random slopes: averaged over the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.effects.covariances import covariances
from winstan.effects.means import auxiliary, curves_of, rows_of
from winstan.effects.parameters import is_mean
from winstan.effects.strata import row_weights
from winstan.errors import OptionError, near_matches
from winstan.families.family import mean_itself

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.effects.specification import Specified
    from winstan.options import Scale

LATENT_SD = {"logit": np.pi / np.sqrt(3), "probit": 1.0, "cloglog": np.pi / np.sqrt(6)}
"""Standard deviations of the latent variables of the links of probabilities."""
WORDS = ("sigma", "between", "total")


def check_standardise(model: Specified, which: Any, scale: Scale) -> str:
    """Refuse a standard deviation that the answer has not; return what it is, in words.

    Parameters
    ----------
    model
    which
        None for none; ``"sigma"``, ``"between"`` (all group factors), ``"total"`` (both), or a
        group factor.
    scale

    Raises
    ------
    OptionError
        Where differences are not on the scale of the linear predictor, on which sds are, there are
        no groups, or no noise of a known sd.
    """
    if which is None:
        return ""
    factors = list(dict.fromkeys(group.factor for group in model.design.groups))
    if not isinstance(which, str) or which not in (*WORDS, *factors):
        raise OptionError(
            f"standardise must be 'sigma', 'between', 'total' or a group factor, not {which!r}."
            + near_matches(str(which), factors)
        )
    said = f"standardise={which!r}"
    family = model.family
    linear = family.response_mean is mean_itself and model.link.name == "identity"
    if not is_mean(model) or family.category_probability is not None or family.circular:
        raise OptionError(
            f"{said} is of the mean of a response, and of numbers: {family.name} has no sd that "
            "its differences could be held against. Leave it out."
        )
    if scale != "link" and not linear:
        raise OptionError(
            f"{said} is of the linear predictor's scale, and the means of the {family.name} family "
            "are on another: take scale='link' too."
        )
    if which != "sigma" and not factors:
        raise OptionError(f"{said} needs a group term, which {model.formula.text!r} has not.")
    # The scale of Student's t is no sd, which its tails have a part in.
    known = family.noise is not None and (which == "sigma" or family.tails is None)
    if which in ("sigma", "total") and not known and not _is_latent(model):
        raise OptionError(
            f"{said} needs noise of a known sd, which the {family.name} family with the "
            f"{model.link.name} link has not: 'between' is the sd between groups."
        )
    names = {"sigma": _noise_words(model), "between": f"sds between {' and '.join(factors)}"}
    return names.get(which, "total sds" if which == "total" else f"sds between {which}")


def standard_deviation(model: Specified, posterior: Mapping[str, Array], which: str) -> Array:
    """Return a standard deviation, draw by draw, shape (S,); see `check_standardise`.

    What differs between rows (sigma by a formula, group variances with slopes) is averaged over
    them, as variances.
    """
    weight = row_weights(model)
    weight = weight / weight.sum()
    variance: Any = 0.0
    if which in ("sigma", "total"):
        variance = variance + _noise(model, posterior, weight)
    if which != "sigma":
        variance = variance + _between(model, posterior, weight, None if which in WORDS else which)
    n = len(next(iter(posterior.values())))
    return np.broadcast_to(np.sqrt(variance), (n,))


def _is_latent(model: Specified) -> bool:
    return model.family.of_trials and model.link.name in LATENT_SD


def _noise_words(model: Specified) -> str:
    return "sds of the latent variable" if model.family.noise is None else "sigmas"


def _noise(model: Specified, posterior: Mapping[str, Array], weight: Array) -> Any:
    """Return the variance of the noise that `sigma` is the scale of, averaged over rows."""
    noise = model.family.noise
    if noise is None:
        return LATENT_SD[model.link.name] ** 2
    rows = rows_of(model.design, beside=bool(model.design.beside))
    sigma = np.asarray(auxiliary(model, posterior, rows)[noise])
    squares = np.square(np.broadcast_to(sigma, (len(sigma), len(weight))))
    return squares @ weight


def _between(
    model: Specified, posterior: Mapping[str, Array], weight: Array, factor: str | None
) -> Array:
    """Return the variance between groups, of one factor or of all, averaged over rows."""
    total: Any = 0.0
    for k, group in enumerate(model.design.groups):
        if factor in (None, group.factor):
            curves = curves_of(model.design, k, posterior, model.design.steps)
            own = covariances(group, posterior).products(group.Z, group.Z, group.arm, curves)
            total = total + own @ weight
    return np.asarray(total)
