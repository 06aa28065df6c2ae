"""Group levels of any type: the posterior is saved, read back, and keeps its labels."""

import datetime

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_draws import made_fit
from models import model_of

LEVEL = np.arange(120) % 6
MONTHS = np.array([f"2026-0{k + 1}-01" for k in range(6)])
DEPTHS = [f"({a}, {a + 100}]" for a in range(0, 600, 100)]
CASES = {
    "intervals": (pd.cut(LEVEL * 100.0 + 50, range(0, 700, 100)), DEPTHS),
    "periods": (pd.Categorical(pd.PeriodIndex(MONTHS[LEVEL], freq="M")), [m[:7] for m in MONTHS]),
    "dates": (
        pd.Categorical([datetime.date(2026, 1 + k, 1) for k in LEVEL.tolist()]),
        MONTHS.tolist(),
    ),
    "zoned times": (
        pd.Categorical(pd.to_datetime(MONTHS[LEVEL]).tz_localize("Europe/Berlin")),
        [f"{m} 00:00:00+0{1 + (k > 2)}:00" for k, m in enumerate(MONTHS)],
    ),
    "text": (MONTHS[LEVEL], MONTHS.tolist()),
    "numbers": (LEVEL * 2.5, [0.0, 2.5, 5.0, 7.5, 10.0, 12.5]),
    "whole numbers": (LEVEL + 3, [3, 4, 5, 6, 7, 8]),
    "large ids": (LEVEL.astype(np.uint64) * 512 + 2**63, [2**63 + 512 * k for k in range(6)]),
    "booleans": (pd.Categorical(LEVEL > 2), [False, True]),
    "days": (pd.Categorical(pd.to_datetime(MONTHS[LEVEL])), pd.to_datetime(MONTHS).tolist()),
    "spans": (pd.Categorical(pd.to_timedelta(LEVEL, "h")), pd.to_timedelta(range(6), "h").tolist()),
}


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
@pytest.mark.parametrize("case", CASES)
def test_levels_of_every_type_are_saved_and_read_back(case, tmp_path):
    values, labels = CASES[case]
    y = np.random.default_rng(1).normal(size=120)
    fit = made_fit(model_of("y ~ 1 + (1|g)", pd.DataFrame({"y": y, "g": values}), "gaussian"))
    path = tmp_path / "draws.nc"
    fit.draws.to_netcdf(path, engine="h5netcdf")
    for back in (xr.open_datatree(path, engine="h5netcdf"), az.from_netcdf(path)):
        found = back["posterior"]["1|g"]
        read = pd.Index(found.coords["g__factor_dim"].values).tolist()
        assert read == labels
        np.testing.assert_array_equal(found.values, fit.draws["posterior"]["1|g"].values)
    # Tables go by the user's own levels
    assert list(fit.group_effects("g")["level"]) == list(fit.model.design.groups[0].levels)
