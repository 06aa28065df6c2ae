"""Models from formulas, as `winstan.fit` makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan.building import model_and_frame

if TYPE_CHECKING:
    import pandas as pd

    from winstan.design import Design, RandomTerm, Stacked
    from winstan.families import Family
    from winstan.model import Model


def model_of(
    formula: str | list[str], data: pd.DataFrame, family: str | Family, **options: Any
) -> Model:
    """Run the stages up to the model, without the guards."""
    return model_and_frame(formula, data, family, {}, **options)[0]


def correlation_names(design: Design | Stacked) -> list[tuple[str, RandomTerm]]:
    """Name the correlation matrix of each correlated term; a factor may have several."""
    terms = [group for group in design.groups if group.correlated and len(group.Z.T) > 1]
    out = []
    for group in terms:
        several = [other for other in terms if other.factor == group.factor]
        effects = ", ".join(effect.prefix + effect.name for effect in group.effects)
        out.append((f"{group.factor}_corr" + (f"[{effects}]" if len(several) > 1 else ""), group))
    return out
