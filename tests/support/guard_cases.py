"""What the tests of guards share: what each says before a fit, and balanced data."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.building import model_and_frame
from winstan.design_warnings import GUARDS, silenced
from winstan.errors import DesignWarning
from winstan.guards.checks import check_model
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
        model, frame = model_and_frame(formula, data, family, {}, weights=weights, tuning=tuning)
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


def cages(per_arm: int = 5) -> pd.DataFrame:
    """Cages numbered within arms, and by names of their own."""
    arms = [grid(seed=i, cage=per_arm, rep=6).assign(treat=t) for i, t in enumerate(["no", "yes"])]
    data = pd.concat(arms, ignore_index=True)
    data["cage"] = data["cage"].str[4:].astype(int) + 1
    return data.assign(id=data["treat"] + data["cage"].astype(str))
