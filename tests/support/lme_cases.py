"""Data and helpers of the tests of linear mixed models."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import winstan as ws

LME4 = Path(__file__).resolve().parents[3] / "shared" / "reference" / "lme4"


def lme4_data(name):
    path = LME4 / f"{name}.csv"
    if not path.is_file():
        pytest.skip("the reference data are not here")
    return pd.read_csv(path)


def quiet(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)
        warnings.simplefilter("ignore", ws.ConvergenceWarning)
        return ws.lme(formula, data, **options)


def sds(fit):
    table = fit.variances
    return {
        f"{effect}|{factor}" if effect else factor: sd
        for factor, effect, sd in zip(table["factor"], table["effect"], table["sd"], strict=True)
    }


def crossed(seed=4, n=240):
    """Unbalanced rows of two crossed factors, each with a correlated slope, far from scale 1."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 14, n), rng.integers(0, 9, n)
    x = rng.normal(3, 2, n)
    u = rng.multivariate_normal([0, 0], [[900, 170], [170, 50]], 14)
    v = rng.multivariate_normal([0, 0], [[400, -90], [-90, 30]], 9)
    y = 500 + 12 * x + u[a, 0] + u[a, 1] * x + v[b, 0] + v[b, 1] * x + rng.normal(0, 15, n)
    return pd.DataFrame({"y": y, "x": x, "a": [f"a{i}" for i in a], "b": [f"b{i}" for i in b]})
