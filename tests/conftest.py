"""Shared fixtures: models from formulas, and where the reference posteriors lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from winstan.data import frame_from
from winstan.design import build_design
from winstan.families import family_named
from winstan.formula import parse_formula
from winstan.model import build_model

if TYPE_CHECKING:
    import pandas as pd

    from winstan.model import Model

SHARED = Path(__file__).resolve().parents[2] / "shared"


def model_of(
    formula: str,
    data: pd.DataFrame,
    family: str,
    *,
    link: str | None = None,
    weights: str | None = None,
    trials: str | int | None = None,
    **options: Any,
) -> Model:
    """Run the stages up to the model."""
    parsed = parse_formula(formula, {})
    frame = frame_from(data, parsed, weights=weights, trials=trials)
    chosen = family_named(family)
    return build_model(
        parsed,
        build_design(parsed, frame, {}),
        frame.kept,
        chosen,
        chosen.link(link),
        **options,
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference posteriors; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the reference posteriors are not here")
    return SHARED
