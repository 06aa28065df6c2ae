"""Design: new rows are coded as the first ones were; manners."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from design_cases import design_of, double, some_data

from winstan.design import evaluate
from winstan.errors import DataError, DesignWarning


@pytest.fixture
def data():
    return some_data()


# -- new rows -----------------------------------------------------------------------------------

NEW = [
    "x + a*b",
    "0 + a + np.log(pos)",
    "scale(x) + center(z) + poly(pos, 2)",
    "bs(z, knots=[-0.5, 0.5]) + S(a)",
    "C(a, levels=['r', 'p', 'q']) + C(dose):x",
    "T(a, 'q'):z + flag",
    "x + offset(np.log(pos)) + offset(scale(z))",
    "x + (scale(z) + a|g/b) + (1|h)",
]


@pytest.mark.parametrize("right", NEW)
def test_new_rows_are_coded_as_the_first(data, right):
    design = design_of(f"y ~ {right}", data)
    for rows in (np.arange(90), np.array([5]), np.array([70, 3, 3])):
        new = data.iloc[rows].drop(columns="y")
        before = copy.deepcopy(new)
        for given in (new, pl.DataFrame({name: new[name].to_list() for name in new})):
            found = evaluate(design, given)
            np.testing.assert_allclose(found.X, design.X[design.row][rows], atol=1e-12)
            np.testing.assert_allclose(found.offset, design.offset[design.row][rows], atol=1e-12)
            assert len(found.Z) == len(found.level) == len(design.groups)
            for Z, level, group in zip(found.Z, found.level, design.groups, strict=True):
                np.testing.assert_allclose(Z, group.Z[design.row][rows], atol=1e-12)
                np.testing.assert_array_equal(level, group.level[design.row][rows])
        pd.testing.assert_frame_equal(new, before)


def test_new_values_use_what_the_first_rows_taught(data):
    design = design_of("y ~ scale(x) + a", data)
    found = evaluate(design, {"x": [100.0], "a": ["r"]})
    z = (100 - data["x"].mean()) / data["x"].std(ddof=0)
    np.testing.assert_allclose(found.X, [[z, 0, 1]])


def test_unseen_groups_are_minus_one(data):
    design = design_of("y ~ x + (1|g) + (1|g:b) + (1|h)", data)
    new = pd.DataFrame({"x": 1, "g": ["m0", "new", "m1"], "b": ["u", "v", "w"], "h": [99, 3, 3]})
    g, gb, h = evaluate(design, new).level
    assert g.tolist() == [0, -1, 1]
    assert gb.tolist() == [design.groups[1].levels.index("m0:u"), -1, -1]
    assert h.tolist() == [-1, 3, 3]
    without = evaluate(design, new[["x"]], groups=False)
    assert without.Z == without.level == ()
    assert without.X.tolist() == [[1], [1], [1]]


def test_a_factor_that_is_also_a_common_term_must_be_known(data):
    design = design_of("y ~ g + (1|h)", data)
    with pytest.raises(DataError, match="unknown level 'new'"):
        evaluate(design, pd.DataFrame({"g": ["new"], "h": [1]}))


@pytest.mark.parametrize(
    ("new", "essentials"),
    [
        ({"x": [1], "a": ["p"], "dose": [1]}, ["no column 'g'"]),
        ({"X": [1], "a": ["p"], "dose": [1], "g": ["m1"]}, ["no column 'x'", "'X'"]),
        ({"x": [1, 1], "a": ["p", "s"], "dose": [1, 1], "g": ["m1"] * 2},
         ["'a'", "'s'", "row 1 ", "'p', 'q', 'r'"]),
        ({"x": [1], "a": ["p"], "dose": [4], "g": ["m1"]}, ["4", "C(dose)"]),
        ({"x": [np.nan], "a": ["p"], "dose": [1], "g": ["m1"]}, ["'x'", "1 missing", "row 0"]),
        ({"x": ["1"], "a": ["p"], "dose": [1], "g": ["m1"]}, ["'x'", "numeric at first"]),
        ({"x": [np.inf], "a": ["p"], "dose": [1], "g": ["m1"]}, ["'x'", "infinite", "row 0"]),
        ([1, 2], ["not a data frame"]),
    ],
)  # fmt: skip
def test_new_rows_refused(data, new, essentials):
    design = design_of("y ~ x + a + C(dose) + (1|g)", data)
    with pytest.raises(DataError) as caught:
        evaluate(design, new)
    for essential in essentials:
        assert essential in str(caught.value), str(caught.value)


def test_functions_without_memory_are_refused_for_new_rows(data):
    for text in ("I(x - np.mean(x))", "z + (I(x - np.mean(x))|g)", "offset(x - np.mean(x))"):
        design = design_of(f"y ~ {text}", data)
        with pytest.raises(DataError, match="center"):
            evaluate(design, data[:3])


def test_a_design_can_be_stored(data):
    text = "y ~ scale(x) + double(z) + np.log(pos) + C(a, Treatment('q')) + (x|g)"
    design = design_of(text, data, {"double": double, "np": np})
    again = pickle.loads(pickle.dumps(design))
    expected, found = evaluate(design, data), evaluate(again, data)
    np.testing.assert_array_equal(found.X, expected.X)
    np.testing.assert_array_equal(found.level[0], expected.level[0])


# -- manners ------------------------------------------------------------------------------------


def test_nothing_is_printed_logged_or_changed(data, capfd, caplog):
    data.loc[[3, 5], "x"] = np.nan
    before = copy.deepcopy(data)
    with caplog.at_level("DEBUG"):
        with pytest.warns(DesignWarning, match="2 of 90 rows") as caught:
            design = design_of("log(pos) ~ x*a + scale(z) + (x|g)", data)
        evaluate(design, data.dropna())
    assert len(caught) == 1
    assert len(design.row) == 88
    pd.testing.assert_frame_equal(data, before)
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.name == "formulae"]
