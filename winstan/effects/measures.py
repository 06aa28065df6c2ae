"""Measures: on which scale means are compared, and whether by difference, ratio or percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import OptionError
from winstan.options import Scale, check_option

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.effects.intervals import Spread
    from winstan.effects.specification import Specified
    from winstan.effects.weights import Weights

SHARES = ("unit", "proportion", "binary", "successes")
"""Kinds of response whose mean is a probability or a share, and has odds."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How means are compared.

    Attributes
    ----------
    scale : {"response", "link", "odds"}
    ratio : bool
        Ratios, in place of differences.
    percent : bool
        Ratios as a change in percent.
    standardised : str
        The sd that differences are divided by; empty for none.
    means : str
        What means on the scale of the response are: ``"means"``, ``"probabilities"`` of categories,
        or a parameter's name.
    """

    scale: Scale
    ratio: bool = False
    percent: bool = False
    standardised: str = ""
    means: str = "means"

    @property
    def of(self) -> Scale:
        """The scale of the means that are averaged."""
        return "response" if self.scale == "odds" else self.scale

    @property
    def null(self) -> float:
        """No effect."""
        return 1.0 if self.ratio and not self.percent else 0.0

    @property
    def spread(self) -> Spread:
        """The scale on which contrasts are spread about as far on either side."""
        return "percent" if self.percent else "log" if self.ratio else ""

    @property
    def words(self) -> str:
        """What the numbers are, such as ``ratio of odds``."""
        what = {"response": self.means, "link": "linear predictors", "odds": "odds"}[self.scale]
        how = "percent change" if self.percent else "ratio" if self.ratio else "difference"
        return f"{how} of {what}" + (f", in {self.standardised}" if self.standardised else "")

    def label(self, text: str) -> str:
        """Return a contrast's label, which says percent where it is one."""
        return f"{text} (% change)" if self.percent else text

    def values(self, means: Array) -> Array:
        """Return what is compared of means, any shape.

        Raises
        ------
        OptionError
            If a probability is 0 or 1, and has no odds.
        """
        return odds(means) if self.scale == "odds" else means

    def compared(self, weights: Weights, means: Array, axis: int) -> Array:
        """Contrast what `values` gives along an axis; ratios are not yet in percent."""
        return weights.of(means, axis, ratio=self.ratio)

    def reported(self, contrasts: Array) -> Array:
        """Return contrasts as they are told."""
        return 100 * (contrasts - 1) if self.percent else contrasts


def measure_of(model: Specified, scale: Scale, ratio: Any, standardised: str = "") -> Measure:
    """Read the options of a comparison.

    Parameters
    ----------
    model
    scale
    ratio
        True, False, ``"percent"``; or None, which is ratios of odds and differences of all else.
    standardised
        What differences are divided by, in words.

    Raises
    ------
    OptionError
        If they do not go together, or there are no odds.
    """
    check_scale(model, scale)
    if not (ratio is None or isinstance(ratio, bool | np.bool_) or ratio == "percent"):
        raise OptionError(f"ratio must be True, False or 'percent', not {ratio!r}.")
    asked = scale == "odds" if ratio is None else bool(ratio)
    if standardised and ratio is None and scale == "odds":
        asked = False
    said = f"ratio={ratio!r}"
    if asked and scale == "link":
        raise OptionError(f"{said} compares means: leave scale='response'.")
    if asked and model.family.circular:
        raise OptionError(f"{said} of directions has no meaning: their difference is an angle.")
    if asked and standardised:
        raise OptionError(
            f"{said} has no unit, and standardise= takes that of a difference away: leave one out."
        )
    return Measure(scale, asked, ratio == "percent", standardised, _means_of(model))


def _means_of(model: Specified) -> str:
    """Return what the means of a response are called, or of a parameter by itself."""
    family = model.family
    if not family.template:
        return family.name
    if family.category_probability is None:
        return "means"
    return "probabilities" if family.kind in SHARES else "mean scores"


def check_scale(model: Specified, scale: Scale) -> None:
    """Refuse a scale that is none, or that the answer has not.

    Of a category, whose probability has no link of its own, that is the link's; of what is no
    probability, odds.
    """
    check_option("scale", scale, Scale)
    family = model.family
    if scale == "link" and family.category_probability is not None:
        names = [own.name for own in family.parameters]
        whose = "categories share one: ask for it by parameter='mu'"
        if family.of_labels is not None:
            whose = f"each category but the reference has one: parameter={names[0]!r}" + (
                f" (or {', '.join(map(repr, names[1:]))})" if names[1:] else ""
            )
        raise OptionError(f"scale='link' is the linear predictor's, and {whose}.")
    if scale == "odds" and not has_odds(model):
        raise OptionError(
            f"scale='odds' is of probabilities, and the mean of {model.formula.mean_text!r} by the "
            f"{family.name} family is none. Leave it out, or take ratio=True."
        )


def has_odds(model: Specified) -> bool:
    """Whether the mean is a probability, or a share."""
    family = model.family
    if family.kind in SHARES:  # a category's probability is of its being there or not
        return True
    # A parameter by itself, such as zi.
    return not family.template and family.parameters[0].domain == "unit"


def spread_of(model: Specified, scale: Scale, draws: Array) -> Spread:
    """Return the scale on which means are spread about as far on either side.

    That is the logarithm of what is positive, and the logit of probabilities; with a mean that is
    at the end of its range the scale of the means.
    """
    if scale == "link":
        return ""
    if scale == "response" and has_odds(model):
        return "logit" if ((draws > 0) & (draws < 1)).all() else ""
    positive = scale == "odds" or model.family.kind in ("positive", "nonnegative", "count")
    return "log" if positive and (draws > 0).all() else ""


def odds(probabilities: Array) -> Array:
    """Return p / (1 - p).

    Raises
    ------
    OptionError
        If one is 0 or 1.
    """
    inside = (probabilities > 0) & (probabilities < 1)
    if not inside.all():
        bad = np.count_nonzero(~inside.reshape(len(inside), -1).all(axis=1))
        raise OptionError(
            f"scale='odds' needs probabilities between 0 and 1, and one is 0 or 1 in {bad} of the "
            f"{len(inside)} draws: compare them as they are, with scale='response'."
        )
    return probabilities / (1 - probabilities)


def check_positive(means: Array, ratio: Any) -> None:
    """Refuse ratios of means that may be zero or negative: they say nothing of more or less."""
    bad = np.count_nonzero(~(means > 0).all(axis=tuple(range(1, means.ndim))))
    if bad:
        raise OptionError(
            f"ratio={ratio!r} needs a positive mean, and it is zero or negative in {bad} of the "
            f"{len(means)} draws: the ratio then goes through infinity, and has no mean. Use "
            "ratio=False, or a family of positive responses."
        )
