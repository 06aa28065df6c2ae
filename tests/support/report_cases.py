"""Fits whose reports are tested: names that are markup, draws that need no sampler."""

from __future__ import annotations

import numpy as np
import pandas as pd
from made_draws import made_fit
from models import model_of

NASTY = 'a<b & "c" <script>alert(1)</script>'


def data(n_mice: int = 6, rows: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = n_mice * rows
    return pd.DataFrame(
        {
            "mouse": np.repeat([f"m{i}<1>" for i in range(n_mice)], rows),
            NASTY: np.tile([0, 1], n // 2),
            "depth": rng.normal(10.0, 2.0, n),
            "Power": rng.gamma(3.0, 40.0, n),
            "count": rng.poisson(4.0, n),
        }
    )


def fit_of(n_mice: int = 6, formula: str = f"Power ~ `{NASTY}` + (1|mouse)", **options):
    fit = made_fit(model_of(formula, data(n_mice), options.pop("family", "gamma")), **options)
    fit.draws["posterior"].attrs |= {
        "inference_library_version": "2.39.0",
        "seed": 17,
        "tuning_steps": 750,
        "target_accept": 0.95,
    }
    return fit
