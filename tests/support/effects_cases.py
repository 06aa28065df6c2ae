"""Data and plain loops that the tests of effects share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from made_draws import flat, made_posterior
from models import model_of
from scipy import stats

from winstan import effects

S = 40
"""Made-up draws of each model."""
N = 20_000
"""Draws of each distribution. A right one fails a test at 0.001 once in a thousand seeds."""


def fits(values: np.ndarray, distribution) -> bool:
    """Whether values may be draws from a continuous distribution."""
    return stats.kstest(values, distribution.cdf).pvalue > 0.001


def recordings(seed: int = 0) -> pd.DataFrame:
    """Unbalanced: 4 to 13 rows a mouse, every condition in each, nothing at scale 1."""
    rng = np.random.default_rng(seed)
    mouse = np.repeat(np.arange(6), [4, 13, 7, 9, 5, 10])
    n = mouse.size
    return pd.DataFrame(
        {
            "mouse": np.array([f"m{i}" for i in range(6)])[mouse],
            "sex": np.where(mouse % 2 == 0, "f", "m"),
            "stim": np.arange(n) % 2,
            "cond": np.array(["a", "b", "c"])[np.arange(n) % 3],
            "x": rng.gamma(4.0, 3.0, n),
            "hours": rng.uniform(0.5, 4.0, n),
            "n": rng.integers(1, 5, n),
            "of": rng.integers(4, 12, n),
            "Power": np.exp(rng.normal(5.0, 0.7, n)),
            "y": rng.normal(-300.0, 40.0, n),
            "count": rng.poisson(8.0, n),
            "hits": rng.integers(0, 4, n),
            "ok": rng.permutation(np.arange(n) % 2),
        }
    )


DATA = recordings()
MICE = sorted(DATA["mouse"].unique())


def over_groups(per_row: np.ndarray, groups: list, weight: np.ndarray | None = None) -> np.ndarray:
    """Mean over the rows of each group, then over groups: (S, rows) to (S,)."""
    weight = np.ones(per_row.shape[1]) if weight is None else weight
    out = []
    for draw in per_row:
        means = []
        for group in dict.fromkeys(groups):
            total = count = 0.0
            for value, of, w in zip(draw, groups, weight, strict=True):
                if of == group:
                    total += w * value
                    count += w
            means.append(total / count)
        out.append(sum(means) / len(means))
    return np.array(out)


def draws_of(model, posterior, treatment, **options) -> dict:
    """Draws of each contrast in these groups, by its label, and level if there is `by`."""
    options = {"groups": "these"} | options
    table = effects.contrast_draws(effects.contrast(model, posterior, treatment, **options))
    by = options.get("by")
    keys = ["contrast", *([by] if isinstance(by, str) else by)] if by else "contrast"
    return {key: part["value"].to_numpy() for key, part in table.groupby(keys, sort=False)}


def made(formula: str, family: str, **options):
    model = model_of(formula, options.pop("data", DATA), family, **options)
    return model, flat(made_posterior(model, chains=2, draws=S // 2))


def observed(model, p, treatment, group, **options) -> pd.DataFrame:
    result = effects.contrast(model, p, treatment, **options)
    return effects.observed_contrast(model, result, group)


def stimulated_less_not(means: pd.Series) -> pd.Series:
    return means.xs(1, level="stim") - means.xs(0, level="stim")
