"""Codes of missing values among responses: told of, and never as a limit or another family."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards
from models import model_of

from winstan.data.missing_codes import missing_code
from winstan.errors import FamilyError
from winstan.guards.missing_codes import check_missing_code


def rows(code: float | None) -> pd.DataFrame:
    """Sixty responses about 0, every tenth a code."""
    y = np.random.default_rng(5).normal(0, 1, 60)
    if code is not None:
        y[::10] = code
    return pd.DataFrame({"cond": np.repeat(["a", "b"], 30), "y": y})


@pytest.mark.parametrize("code", [-9, -999, 99, 9999])
def test_a_code_far_from_all_others_is_told_and_no_limit(code):
    found = guards("y ~ cond", rows(code))
    assert f"6 of 60 rows of 'y' are {code}" in found["missing_code"]
    assert "heap" not in found


def test_numbers_that_are_measured_are_no_code():
    assert "missing_code" not in guards("y ~ cond", rows(None))
    assert missing_code(np.arange(-9.0, 10.0)) is None  # next to others
    assert missing_code(np.array([1.0, 2, 3, 4, 999])) is None  # one large value
    assert missing_code(np.array([-9.0, 0, 1, 1])) is None  # two others have no range
    assert missing_code(np.array([1.0, 2, 3, -7])) is None  # not customary


def test_a_code_is_no_category():
    data = rows(None)
    data["score"] = np.tile([1, 2, 3, 4, 5], 12)
    assert check_missing_code(model_of("score ~ cond", data, "cumulative")) is None
    data.loc[::10, "score"] = -9
    said = check_missing_code(model_of("score ~ cond", data, "cumulative"))
    assert "6 of 60 rows of 'score' are -9" in said
    assert "as a category of its own" in said


def test_a_family_that_refuses_a_code_names_what_it_is_and_no_other_family():
    data = rows(None)
    data["n"] = np.where(np.arange(60) % 10 == 0, -9, 3)
    with pytest.raises(FamilyError, match=r"has 6 of 60 rows .*If -9 stands for a missing") as told:
        model_of("n ~ cond", data, "poisson")
    assert "gaussian" not in str(told.value)
    data.loc[7, "n"] = -2
    with pytest.raises(FamilyError, match="fits family='gaussian'"):
        model_of("n ~ cond", data, "poisson")
