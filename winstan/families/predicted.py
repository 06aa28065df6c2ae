"""A predicted parameter as what a question is about: its value follows its linear predictor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from winstan.errors import FamilyError
from winstan.families.family import Family
from winstan.families.parameter import Parameter


def of_parameter(parameter: Parameter) -> Family:
    """Return a family whose mean is a parameter, to ask for effects on it: it has no response."""
    return Family(
        name=parameter.name,
        kind="positive" if parameter.domain == "positive" else "real",
        label=parameter.label,
        parameters=(replace(parameter, name="mu"),),
        template="",
        support=_no_response,
        statistics=_no_response,
        log_likelihood=_no_response,
        score=_no_response,
        log_density=_no_response,
        draw=_no_response,
    )


def _no_response(*_: Any) -> NoReturn:
    raise FamilyError("A parameter has no distribution of its own: ask it of the model.")
