"""Data and helpers of the tests of designs."""

import numpy as np
import pandas as pd

from winstan.data import frame_from
from winstan.design import build_design
from winstan.formula import parse_formula


def design_of(text, data, namespace=None, **options):
    formula = parse_formula(text, namespace)
    return build_design(formula, frame_from(data, formula, **options), namespace)


def full(design):
    """Return the common matrix of all rows, intercept included."""
    X = design.X[design.row]
    return np.column_stack([np.ones(len(X)), X]) if design.intercept else X


def full_group(design, place):
    """Return a group term's matrix of all rows, level by level, effects within levels."""
    group = design.groups[place]
    Z, level = group.Z[design.row], group.level[design.row]
    out = np.zeros((len(level), len(group.levels), Z.shape[1]))
    out[np.arange(len(level)), level] = Z
    return out.reshape(len(level), -1)


def some_data(seed=0, n=90):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "pos": rng.integers(1, 6, n) / 2,
            "x": rng.integers(-4, 5, n),
            "z": rng.normal(size=n).round(1),
            "a": rng.choice(["p", "q", "r"], n),
            "b": rng.choice(["u", "v"], n),
            "dose": rng.choice([1, 2, 10], n),
            "flag": rng.random(n) < 0.5,
            "g": rng.choice([f"m{i}" for i in range(6)], n),
            "h": rng.integers(0, 7, n),
            "two words": rng.integers(0, 3, n),
        }
    )


def double(x):
    return 2 * x
