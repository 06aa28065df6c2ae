"""Layouts of studies, and the same with more or fewer animals and trials."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import winstan as ws
from winstan.planning.sizes import numbered, parent_of, read_sizes, resized

STIM = ["rest", "light"]


def test_factors_are_crossed():
    table = ws.layout(mouse=3, stim=STIM, trial=4)
    assert len(table) == 3 * 2 * 4
    assert (table.groupby(["mouse", "stim"], observed=True).size() == 4).all()
    assert table["mouse"].unique().tolist() == ["mouse1", "mouse2", "mouse3"]
    assert table["stim"].cat.categories.tolist() == STIM  # the first is the reference


def test_nested_units_have_names_of_their_own():
    table = ws.layout(neuron=2, mouse=3, stim=STIM, nested={"neuron": "mouse"})
    assert list(table) == ["neuron", "mouse", "stim"]
    assert table["neuron"].nunique() == 6
    assert len(table[["neuron", "mouse"]].drop_duplicates()) == 6


def test_levels_between_units_are_dealt_in_turn():
    table = ws.layout(mouse=6, drug=["s", "d", "d"], trial=2, between={"drug": "mouse"})
    of = table.drop_duplicates("mouse")["drug"].tolist()
    assert of == ["s", "d", "d", "s", "d", "d"]
    assert len(table[["mouse", "drug"]].drop_duplicates()) == 6


def test_repeats_may_differ_between_levels():
    table = ws.layout(mouse=2, stim=STIM, trial={"rest": 5, "light": 2})
    assert table.groupby(["mouse", "stim"], observed=True).size().tolist() == [5, 2, 5, 2]


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({}, "takes factors"),
        ({"mouse": 0}, "mouse= must be a whole number"),
        ({"mouse": True}, "mouse= takes a number"),
        ({"mouse": "six"}, "mouse= takes a number"),
        ({"mouse": 3, "stim": ["a", "a"]}, "level twice"),
        ({"mouse": 3, "nested": {"cell": "mouse"}}, "no factor of the layout"),
        ({"mouse": 3, "cell": 2, "nested": {"cell": "cell"}}, "within it"),
        ({"mouse": 1, "drug": ["a", "b"], "between": {"drug": "mouse"}}, "2 levels of 'drug' to 1"),
        ({"mouse": 2, "trial": {"a": 3, "b": 1}}, "all levels of another factor"),
    ],
)
def test_layouts_that_are_none_are_refused(factors, words):
    with pytest.raises(ws.OptionError, match=words):
        ws.layout(**factors)


# --- sizes


def sized(table, units, predictors=("stim",), **sizes):
    return resized(table, sizes, units, predictors)


@pytest.mark.parametrize("k", [2, 3, 7])
def test_more_and_fewer_levels_keep_the_design_crossed(k):
    table = ws.layout(mouse=3, stim=STIM, trial=4)
    out = sized(table, ["mouse", "trial"], mouse=k, trial=k)
    assert (out.groupby(["mouse", "stim"], observed=True).size() == k).all()
    assert out["mouse"].nunique() == out["trial"].nunique() == k


@pytest.mark.parametrize("k", [4, 6, 10])
def test_units_keep_the_shares_of_what_is_between_them(k):
    table = ws.layout(mouse=6, drug=["s", "d"], between={"drug": "mouse"})
    # The first three have one level: taking the first of them would leave the other out.
    out = sized(table.sort_values("drug"), ["mouse"], ["drug"], mouse=k)
    assert out.drop_duplicates("mouse")["drug"].value_counts().tolist() == [k // 2, k // 2]


def test_unequal_repeats_keep_their_ratio():
    table = ws.layout(mouse=2, stim=STIM, trial={"rest": 40, "light": 10})
    for k in (20, 80):
        out = sized(table, ["mouse", "trial"], trial=k)
        assert out.groupby(["mouse", "stim"], observed=True).size().tolist() == [k, k // 4] * 2


def test_what_is_within_a_unit_is_copied_under_a_new_name():
    table = ws.layout(mouse=2, neuron=3, stim=STIM, nested={"neuron": "mouse"})
    units = ["mouse", "neuron"]
    assert parent_of(table, "neuron", units) == "mouse"
    out = sized(table, units, mouse=4, neuron=5)
    assert out["neuron"].nunique() == 4 * 5
    pairs = out[["neuron", "mouse"]].drop_duplicates()
    assert len(pairs) == 4 * 5
    assert (pairs["mouse"].value_counts() == 5).all()


def test_numbers_go_on_where_they_end():
    table = pd.DataFrame({"mouse": [1, 1, 2, 2], "trial": [0, 1, 0, 1]})
    out = sized(table, ["mouse", "trial"], (), mouse=4, trial=4)
    assert sorted(out["mouse"].unique()) == [1, 2, 3, 4]
    assert sorted(out["trial"].unique()) == [0, 1, 2, 3]
    assert len(out.drop_duplicates()) == 16


def test_a_name_of_no_column_numbers_the_repeats():
    table = ws.layout(mouse=2, stim=STIM, trial=3).drop(columns="trial")
    out = numbered(table, ["mouse", "trial"], ["mouse", "stim"], ["stim"])
    assert np.array_equal(out["trial"], np.tile([0, 1, 2], 4))


@pytest.mark.parametrize("n", [3, {}, {"mouse": 0}, {"mouse": [4, 4]}, {"mouse": [2.5]}])
def test_sizes_that_are_none_are_refused(n):
    with pytest.raises(ws.OptionError, match="n="):
        read_sizes(n)
