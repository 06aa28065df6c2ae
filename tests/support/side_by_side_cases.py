"""Data, fits and what is drawn, for the tests of `ws.side_by_side`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from made_draws import made_fit
from models import model_of
from plot_checks import data_of, scale_of
from plotnine import geom_point, geom_segment


def data(conditions=("off", "on"), n_mice=7, rows=5, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = [
        (f"m{i}", condition, np.exp(4 + 0.4 * level + (0.2 + 0.1 * slope) * c + noise))
        for i in range(n_mice)
        for level, slope in [rng.normal(size=2)]
        for c, condition in enumerate(conditions)
        for noise in rng.normal(0, 0.3, rows)
    ]
    frame = pd.DataFrame(table, columns=["mouse", "stim", "Power"])
    frame["stim"] = pd.Categorical(frame["stim"], conditions)
    frame["Log power"] = np.log10(frame["Power"])
    return frame


FORMULA = "Power ~ stim + (1|mouse)"


def fit_of(formula=FORMULA, family="gaussian", frame=None, **options):
    return made_fit(model_of(formula, data() if frame is None else frame, family), **options)


def rows_of(composition) -> pd.DataFrame:
    """The rows of the intervals, from top to bottom."""
    points = data_of(composition[1], geom_point)
    ends = data_of(composition[1], geom_segment)[["key", "lower", "upper"]]
    table = points.drop(columns=["lower", "upper"]).merge(ends, on="key")
    return table.sort_values("key").reset_index(drop=True)


def labels_of(composition) -> list[str]:
    return [str(x) for x in scale_of(composition[1], "y").labels]
