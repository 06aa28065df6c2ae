"""Values that a file holds: every one comes back as it was, of its own type, and nothing runs."""

import datetime
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import winstan as ws
from winstan.keeping.codec import NotDataError, decode, encode

VALUES = [
    None,
    True,
    -3,
    2**70,
    0.1 + 0.2,
    math.inf,
    "a/b \N{FRACTION SLASH} 'quoted'",
    b"\x00\xff",
    (1, (2.5, "x"), []),
    frozenset({"a", "b"}),
    {1: "int", "1": "text", (1, 2): None},
    np.int16(7),
    np.float32(0.1),
    np.bool_(True),
    np.datetime64("2026-01-02", "ns"),
    np.str_("text"),
    pd.Timestamp("2026-01-02 03:04:05.000000006"),
    pd.Timestamp("2026-07-02 03:04", tz="Europe/Berlin"),
    pd.Timedelta("1 day 2 ns"),
    pd.Period("2026-03", freq="M"),
    pd.Interval(0.5, 2, closed="left"),
    pd.Interval(pd.Timestamp("2026-01-01"), pd.Timestamp("2026-02-01")),
    datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC),
    datetime.date(2026, 1, 2),
    datetime.time(3, 4, 5),
    Decimal("0.10"),
    ws.StudentT(4, 0.3, 2.2),
    ws.Normal(0, 1, lower=0, upper=2),
]


def back(value):
    arrays = []
    written = encode(value, arrays)
    return decode(written, arrays)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_come_back_with_their_types(value):
    found = back(value)
    assert type(found) is type(value)
    assert found == value


def test_what_is_missing_comes_back():
    assert math.isnan(back(math.nan))
    assert back(pd.NA) is pd.NA
    assert back(pd.NaT) is pd.NaT


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.array([True, False]),
        np.array(["2026-01-01", "NaT"], dtype="M8[s]"),
        np.array([1, "a", None], dtype=object),
        np.array(["a", "bc"]),
        np.zeros((0, 3)),
        np.array(4.0),
        np.array([1, 2], dtype=">i4"),
    ],
    ids=["transposed", "bool", "dates", "objects", "text", "empty", "scalar", "big_endian"],
)
def test_arrays_come_back(value):
    found = back(value)
    assert found.dtype == value.dtype
    assert found.shape == value.shape
    assert found.tobytes() == value.tobytes() or found.tolist() == value.tolist()


def test_tables_come_back():
    table = pd.DataFrame(
        {
            "number": [1.5, np.nan, 3],
            "whole": [1, 2, 3],
            "flag": [True, False, True],
            "text": ["a", None, "c"],
            "factor": pd.Categorical(["x", "z", "x"], categories=["z", "y", "x"], ordered=True),
            "bin": pd.cut([1, 5, 9], [0, 3, 6, 10]),
            "day": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "mixed": [1, "a", (2, 3)],
            7: [1, 2, 3],
        },
        index=pd.Index(["r", "s", "t"], name="row"),
    )
    table.attrs["estimand"] = "the population"
    found = back(table)
    pd.testing.assert_frame_equal(found, table)
    assert found.attrs == table.attrs
    assert found["mixed"].tolist() == [1, "a", (2, 3)]


@pytest.mark.parametrize("value", [lambda x: x, np.log, object(), [print], {"a": pytest}])
def test_code_is_refused(value):
    with pytest.raises(NotDataError, match="not data"):
        encode(value, [])


def test_classes_and_modules_of_others_are_not_made():
    with pytest.raises(KeyError):
        decode({"is": "Popen", "has": {"args": "true"}}, [])
    with pytest.raises(ValueError, match="no module of functions"):
        decode({"module": "subprocess"}, [])
