"""From formula and data to a design: the same stages as `winstan.fit` has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan.data import Frame, frame_from
from winstan.design import Design, build_design
from winstan.errors import DataError, FormulaError
from winstan.formula import Formula, parse_formula

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.design.response import Response


def read(formula: str, data: Any, namespace: Mapping[str, Any]) -> tuple[Formula, Design, Frame]:
    """Parse a formula and build its design."""
    parsed = parse_formula(formula, namespace)
    one_mean(parsed)
    frame = frame_from(data, parsed)
    return parsed, build_design(parsed, frame, namespace), frame


def one_mean(parsed: Formula) -> None:
    """Refuse what is not of the mean, and covariances of single arms.

    Raises
    ------
    FormulaError
        Naming the term, and what to write instead.
    """
    if parsed.parameters:
        name = next(iter(parsed.parameters))
        raise FormulaError(
            f"ws.lme and ws.anova have one {name}, and no formula of it: leave "
            f"{parsed.parameters[name].text!r} out, or use ws.fit."
        )
    if parsed.residual is not None:
        raise FormulaError(
            f"ws.lme and ws.anova have independent residuals: leave {parsed.residual.text} out, or "
            "use ws.fit."
        )
    if columns := sorted(parsed.monotonic_columns):
        raise FormulaError(
            f"ws.lme and ws.anova have no monotonic effects: write C({columns[0]}) in place of "
            f"mo({columns[0]}) for an effect of each level, or use ws.fit."
        )
    if parsed.specific is not None:
        terms = parsed.specific.text.removeprefix("1 + ")
        raise FormulaError(
            f"cs({terms}) is of the thresholds of ordered categories, which ws.lme and ws.anova "
            f"have not: write {terms} without cs(), or use ws.fit(..., family='sratio')."
        )
    if (term := next((g for g in parsed.groups if g.by), None)) is not None:
        raise FormulaError(
            f"ws.lme has one covariance for all groups of a term: leave by= out of {term.text}, "
            "or use ws.fit."
        )
    if parsed.curves:
        raise FormulaError(
            f"ws.lme and ws.anova have no curves: write poly(x, 3) or bs(x, df=5) in place of "
            f"{parsed.curves[0].text}, or use ws.fit."
        )


def numeric_response(response: Response) -> None:
    """Refuse responses that no normal distribution describes: levels, counts, and what is limited.

    Raises
    ------
    DataError
        Naming the response and the family for it.
    """
    if response.limits is not None:
        raise DataError(
            f"The response '{response.name}' has limits or known errors, which ws.lme and ws.anova "
            "do not know: use ws.fit."
        )
    if response.trials is not None or response.levels is not None:
        family = "bernoulli" if response.trials is None else "binomial"
        raise DataError(
            f"The response '{response.name}' is not a number per row. ws.lme and ws.anova are "
            "gaussian only, and a generalised linear mixed model has no Kenward-Roger or "
            f'Satterthwaite degrees of freedom: use ws.fit(..., family="{family}").'
        )
