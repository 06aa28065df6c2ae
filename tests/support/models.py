"""Models from formulas, as `winstan.fit` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan.by_category import with_categories, with_counts
from winstan.data import frame_from
from winstan.design import build_design
from winstan.design.zero_trials import leave_out_zero_trials
from winstan.families import family_named
from winstan.formula import parse_formula
from winstan.model import build_model

if TYPE_CHECKING:
    import pandas as pd

    from winstan.design import Design, RandomTerm, Stacked
    from winstan.families import Family
    from winstan.model import Model


def model_of(
    formula: str | list[str],
    data: pd.DataFrame,
    family: str | Family,
    *,
    link: str | None = None,
    weights: str | None = None,
    trials: str | int | None = None,
    **options: Any,
) -> Model:
    """Run the stages up to the model."""
    chosen = family_named(family)
    parsed = parse_formula(formula, {}, for_all=chosen.of_labels is not None)
    frame = frame_from(
        data, parsed, weights=weights, trials=trials, all_levels=chosen.of_categories
    )
    parsed = with_counts(parsed, chosen)
    frame = leave_out_zero_trials(parsed, frame, {})
    parsed, chosen = with_categories(parsed, chosen, frame, {})
    design = build_design(parsed, frame, {}, chosen.kind, chosen.parameters[0].name)
    return build_model(
        parsed,
        design,
        design.kept,
        chosen,
        chosen.link(link),
        **options,
    )


def correlation_names(design: Design | Stacked) -> list[tuple[str, RandomTerm]]:
    """Name the correlation matrix of each correlated term; a factor may have several."""
    terms = [group for group in design.groups if group.correlated and len(group.Z.T) > 1]
    out = []
    for group in terms:
        several = [other for other in terms if other.factor == group.factor]
        effects = ", ".join(effect.prefix + effect.name for effect in group.effects)
        out.append((f"{group.factor}_corr" + (f"[{effects}]" if len(several) > 1 else ""), group))
    return out
