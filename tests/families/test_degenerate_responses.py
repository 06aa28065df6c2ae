"""Responses that no lab means to fit: a typed error or a model, and never a crash."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from models import model_of

import winstan as ws
from winstan.errors import WinstanError
from winstan.families import FAMILIES

N = 16
PLACE = np.arange(N)


def pair(a, b):
    """Two values, neither of which follows the condition."""
    return np.where(PLACE % 4 < 2, a, b).astype(float)


def with_one(value):
    return np.where(PLACE == 3, value, 1.0 + PLACE % 3)


CONSTANT = {f"all {value:g}": np.full(N, float(value)) for value in (0, 1, 0.5, 3, -2)}
SPOILT = {
    "nan in all": np.full(N, np.nan),
    "infinite": with_one(np.inf),
    "minus infinite": with_one(-np.inf),
    "huge": pair(1.0, 1e300),
    "tiny": pair(0.0, 1e-300),
    "complex": np.full(N, 1 + 2j),
    "dates": pd.date_range("2020-01-01", periods=N),
    "lists": pd.Series([[1.0, 2.0]] * N),
    "nothing": np.array([None] * N, dtype=object),
    "mixed": np.array([1, "a"] * (N // 2), dtype=object),
}
OTHERS = {
    "0 and 1": pair(0, 1),
    "shares, and both ends": np.where(PLACE < 3, PLACE % 2, 0.1 + PLACE / 20),
    "negative": -1.0 - PLACE,
    "fractions": pair(1.5, 2.5),
    "one missing": with_one(np.nan),
    "follows the condition": np.where(PLACE % 2 == 0, 0.2, 0.7),
    "nearly constant": 1e8 + PLACE * 1e-6,
    "one differs": (PLACE == 5).astype(float),
    "numbers as text": np.array(["1.5", "2.5"] * (N // 2)),
    "words": np.array(["low", "low", "high", "mid"] * (N // 4)),
    "booleans": PLACE % 4 < 2,
}


def attempt(family: str, y, rows: int = N) -> str | None:
    """The message of a typed error; None of a model that can be sampled."""
    data = pd.DataFrame({"y": y, "cond": np.array(["a", "b"] * (N // 2)), "n": 5})[:rows]
    before = data.copy(deep=True)
    left = "p(y, n)" if FAMILIES[family].trials else "y"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ws.DesignWarning)
            model = model_of(f"{left} ~ cond" if rows > 2 else f"{left} ~ 1", data, family)
    except WinstanError as error:
        return str(error)
    finally:
        pd.testing.assert_frame_equal(data, before)
    assert np.all(np.isfinite(model.coordinates.eta))
    assert np.all(np.isfinite(model.coordinates.aux_location))
    return None


@pytest.mark.parametrize("family", FAMILIES)
def test_a_degenerate_response_is_refused_or_fit(family):
    kind = FAMILIES[family].kind
    for name, y in SPOILT.items():
        categories = FAMILIES[family].of_categories
        if categories and name in ("huge", "tiny", "dates", "infinite", "minus infinite", "lists"):
            continue  # labels, or refused as no labels
        assert attempt(family, y), name
    for name, y in CONSTANT.items():
        some_of_five = kind == "successes" and name in ("all 1", "all 3")
        assert attempt(family, y) or some_of_five, name
    for name, y in OTHERS.items():
        said = attempt(family, y)
        if kind in ("count", "successes", "binary") and name in ("negative", "fractions"):
            assert said, name
        if kind in ("positive", "unit") and name in ("negative", "0 and 1", "booleans"):
            assert said, name
        if name == "words" and kind not in ("ordered", "unordered"):
            assert said, name
    assert attempt(family, with_one(2.0), 0)
    assert attempt(family, with_one(2.0), 1) or kind == "successes"  # some trials of one row


@pytest.mark.parametrize("size", [1e-90, 1e90])
def test_a_unit_whose_squares_are_no_numbers_is_refused(size):
    y = size * (1 + PLACE % 3)
    with pytest.raises(ws.DataError, match=r"largest of 16 rows of 'y'.*another unit"):
        model_of("y ~ 1", pd.DataFrame({"y": y}), "gaussian")
