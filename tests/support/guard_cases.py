"""What the tests of guards share: what each says before a fit, and balanced data."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data import frame_from
from winstan.design import build_design
from winstan.design_warnings import GUARDS, silenced
from winstan.errors import DesignWarning
from winstan.families import family_named
from winstan.formula import parse_formula
from winstan.guards.checks import check_model
from winstan.model import build_model
from winstan.tuning import USUAL, Tuning

if TYPE_CHECKING:
    from collections.abc import Iterable


def guards(
    formula: str,
    data: Any,
    family: str = "gaussian",
    *,
    weights: str | None = None,
    silence: str | Iterable[str] | None = None,
    tuning: Tuning = USUAL,
) -> dict[str, str]:
    """Return what each guard says before a fit."""
    with warnings.catch_warnings(record=True) as caught, silenced(silence):
        warnings.simplefilter("always")
        parsed = parse_formula(formula, {})
        frame = frame_from(data, parsed, weights=weights)
        chosen = family_named(family)
        design = build_design(parsed, frame, {})
        model = build_model(parsed, design, frame.kept, chosen, chosen.link(None), tuning=tuning)
        check_model(model, frame, data)
    found = [w.message for w in caught]
    assert all(isinstance(message, DesignWarning) for message in found)
    names = [message.guard for message in found]
    assert set(names) <= set(GUARDS)
    return dict(zip(names, map(str, found), strict=True))


def grid(seed: int = 1, **sizes: int) -> pd.DataFrame:
    """Every combination of some labels, with a normal response far from zero."""
    index = pd.MultiIndex.from_product(
        [[f"{name}{i}" for i in range(size)] for name, size in sizes.items()], names=list(sizes)
    )
    data = index.to_frame(index=False)
    rng = np.random.default_rng(seed)
    return data.assign(y=10 + rng.normal(size=len(data)), x=rng.normal(size=len(data)))
