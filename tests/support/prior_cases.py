"""Data at scales far from 1, and what the tests of priors read of a model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

N = 24
MOUSE = np.repeat([f"m{i}" for i in range(6)], 4)


def odd_data(seed: int = 0) -> pd.DataFrame:
    """Responses and predictors at scales far from 1."""
    rng = np.random.default_rng(seed)
    cond = np.array(["a", "b", "c"])[np.arange(N) % 3]
    return pd.DataFrame(
        {
            "mouse": MOUSE,
            "stim": np.arange(N) % 2,
            "cond": cond,
            "x": 3e4 + 700.0 * rng.normal(size=N),
            "Power": 2e-5 * rng.gamma(2.0, 1.5, N),
            "y": -40.0 + 900.0 * rng.normal(size=N),
            "count": rng.poisson(37.0, N),
            "hours": rng.uniform(0.2, 9.0, N),
            "of": rng.integers(3, 30, N),
            "ok": (np.arange(N) % 3 == 0).astype(int),
            "n": 1 + np.arange(N) % 4,
        }
    ).assign(hits=lambda d: d["of"] // 3)


DATA = odd_data()


def sd(x) -> float:
    """The usual sample standard deviation, written out."""
    x = np.asarray(x, float)
    return float(np.sqrt(np.sum((x - x.sum() / x.size) ** 2) / (x.size - 1)))


def numbers(model) -> dict[str, tuple]:
    """Each prior's class and numbers, by parameter."""
    return {name: (type(p).__name__, *p.numbers) for name, p in model.priors.table.items()}


def same(got: dict, expected: dict) -> None:
    """Hold classes and numbers to others, in order."""
    assert list(got) == list(expected)
    for name, (kind, *values) in expected.items():
        assert got[name][0] == kind, name
        assert got[name][1:] == pytest.approx(tuple(values), rel=1e-9), name
