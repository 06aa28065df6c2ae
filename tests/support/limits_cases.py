"""Responses with limits and known errors, of every family that can have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from template_cases import data_of

from winstan.families import FAMILIES

CAN = [name for name, family in FAMILIES.items() if family.cumulative is not None]
CODES = {-1: "left", 0: "none", 1: "right", 2: "interval"}


def limited_data(family: str, seed: int = 0) -> pd.DataFrame:
    """The rows of `data_of`, with a status, an upper end, bounds and errors for each."""
    data = data_of(family, seed)
    rng = np.random.default_rng(seed + 1)
    # Few limits, so that censored rows of a cell share them.
    counts = FAMILIES[family].whole
    data["y"] = np.round(data["y"], 0 if counts else -1) + 1
    data["status"] = rng.choice(list(CODES.values()), len(data))
    scale = max(float(data["y"].std()), 2.0)
    data["upper"] = np.where(data.status == "interval", data.y + np.ceil(0.7 * scale), np.nan)
    data["lb"] = data.y.min() - 1 - rng.choice([0.0, np.ceil(2 * scale)], len(data))
    if counts:
        data["lb"] = rng.choice([0.0, 1.0], len(data))  # no zeros in some rows
    data["s"] = rng.choice([0.3, 0.9], len(data)) * scale
    return data


# One program and the same tails: of these the second formula alone.
LIKE_ANOTHER = {"geometric", "negative_binomial1"}
CENSORED = "censored(y, upper, status) ~ x + (1|g)"
BOTH = "y | cens(status, y2=upper) + trunc(lb=lb, ub=9000) ~ x + offset(t / 10) + (1|g)"
CASES: list[tuple[str, str, dict[str, Any]]] = [
    *((family, CENSORED, {"weights": "w"}) for family in CAN if family not in LIKE_ANOTHER),
    *((family, BOTH, {}) for family in CAN),
    ("gaussian", "truncated(y, lb) ~ x + (1|g); sigma ~ cond", {"weights": "w"}),
    ("gamma", "censored(y, upper, status) ~ x + (1|g); alpha ~ cond", {}),
    ("student", "censored(y, upper, status) ~ x; sigma ~ cond; nu ~ 1 + (1|g)", {}),
    ("negative_binomial", "censored(y, upper, status) ~ x; alpha ~ cond", {}),
    ("exgaussian", "censored(y, upper, status) ~ x; sigma ~ cond; beta ~ cond", {}),
    ("gaussian", "y | se(s) ~ x + (1|g)", {"weights": "w"}),
    ("gaussian", "y | se(s, sigma=True) ~ x + (1|g); sigma ~ x", {}),
    ("gaussian", "y | se(s, sigma=TRUE) + cens(status, upper) ~ x + (1|g)", {"weights": "w"}),
    ("student", "y | se(s) ~ x + (1|g)", {}),
]  # fmt: skip
