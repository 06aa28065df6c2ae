"""What a question is about: the mean response, or a parameter that has a formula."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from winstan.design import MEAN
from winstan.effects.specification import Specification
from winstan.errors import OptionError, near_matches
from winstan.families.family import mean_itself
from winstan.families.links import LINKS
from winstan.families.predicted import of_parameter

if TYPE_CHECKING:
    from winstan.effects.specification import Specified
    from winstan.model import Model


def about(model: Model, parameter: str | None) -> Specified:
    """Return what is asked of: the model itself, or one of its parameters.

    Parameters
    ----------
    model
    parameter
        ``None`` is the mean response; or the name of a parameter that has a formula. ``"mu"`` is
        the first one, which is not the mean response where zeros, or sigma, count in that.

    Raises
    ------
    OptionError
        If it has none.
    """
    design = model.design
    if parameter is None:
        return model
    if parameter == design.parameter:
        # The direction of a mean of unit vectors is mu's.
        if model.family.response_mean is mean_itself or model.family.circular:
            return model
        # Where the mean response is of several parameters: the first of them by itself. Of
        # categories it is the linear predictor, which is a latent variable's mean.
        alone, own = replace(design, beside={}), model.family.parameters[0]
        link = LINKS["identity"] if model.family.of_categories else model.link
        return Specification(model.formula, alone, of_parameter(own), link)
    if parameter in design.beside:
        own = model.family.parameter(parameter)
        formula = model.formula.parameters[parameter]
        return Specification(formula, design.beside[parameter], of_parameter(own), own.link)
    if (vector := model.family.thresholds) is not None and parameter == vector.name:
        raise OptionError(
            f"{parameter!r} has no formula: fit.summary() has the {vector.label}. Of the "
            f"categories that they part ask without parameter=, of the linear predictor with "
            f"parameter={MEAN!r}."
        )
    if parameter in model.family.auxiliary:
        raise OptionError(
            f"{parameter!r} has no formula in {model.formula.text!r}: it is one number, which "
            f"fit.summary() has. Give it one: ws.fit(..., {parameter}='x')."
        )
    known = [own.name for own in model.family.parameters]
    raise OptionError(
        f"parameter= names {parameter!r}, which the {model.family.name} family has not."
        + near_matches(str(parameter), known)
    )


def is_mean(model: Specified) -> bool:
    """Whether a question is about the mean response."""
    # A parameter by itself has no response, and so no template.
    return model.design.parameter == MEAN or bool(model.family.template)
