"""Groups whose residuals differ in spread, told where nothing else says why."""

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards

from winstan.guards.group_spread import between_groups

MICE, ROWS = 12, 16


def study(seed: int, between: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mouse, stim = np.repeat(np.arange(MICE), ROWS), np.tile(np.repeat([0, 1], ROWS // 2), MICE)
    sd = np.exp(between * rng.permutation(np.linspace(-1.5, 1.5, MICE)))
    y = stim + rng.normal(size=MICE)[mouse] + sd[mouse] * rng.normal(size=mouse.size)
    return pd.DataFrame({"y": y, "stim": stim, "mouse": [f"m{i}" for i in mouse]})


def test_groups_of_other_noise_are_named_with_the_formula_of_sigma():
    data = study(1, 0.7)
    found = guards("y ~ stim + (stim|mouse)", data)
    assert set(found) == {"group_spread"}
    own = data.groupby(["mouse", "stim"])["y"].var().groupby("mouse").mean() ** 0.5
    words = found["group_spread"]
    assert f"in '{own.idxmin()}'" in words
    assert f"in '{own.idxmax()}'" in words
    assert "sigma='(1|mouse)'" in words
    assert guards("y ~ stim + (stim|mouse)", data, silence="group_spread") == {}


def test_groups_of_one_noise_are_not_told():
    assert all(guards("y ~ stim + (stim|mouse)", study(seed, 0.0)) == {} for seed in range(3))


def test_what_another_warning_says_is_not_said_again():
    data = study(1, 0.7)
    assert set(guards("y ~ stim + (1|mouse)", data)) == {"random_slopes"}
    # Mice that respond differently spread differently, whether or not one is told of their slopes.
    assert guards("y ~ stim + (1|mouse)", data, silence="random_slopes") == {}


@pytest.mark.parametrize("tail", [np.inf, 8])
def test_the_spread_of_log_sds_is_found_without_what_chance_adds(tail):
    rng = np.random.default_rng(2)
    groups, rows, truth = 2000, 40, 0.4
    code = np.repeat(np.arange(groups), rows)
    noise = rng.normal(size=code.size) if np.isinf(tail) else rng.standard_t(tail, code.size)
    residual = np.exp(rng.normal(0, truth, groups))[code] * noise
    found = between_groups(residual, np.ones(code.size), code)
    assert found == pytest.approx(truth, rel=0.05)
