"""What a formula reaches: the listed functions and the data; and how much of it there may be."""

from __future__ import annotations

import os
import sys

import numpy as np
import pandas as pd
import pytest
import scipy
from models import model_of
from work_limit import seconds_of_work

from winstan.building import model_and_frame
from winstan.errors import DataError, FormulaError
from winstan.formula import parse_formula

NOBODY = r"too deeply|too large|are the most"


@pytest.fixture
def usual_recursion():
    """Python's own limit: PyTensor has raised it to 10,000 where it was imported before."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    "text",
    [
        "y ~ " + "(" * 3000 + "x" + ")" * 3000,
        "y ~ " + "-" * 3000 + "x",
        "y ~ I(" + "+".join(["x"] * 3000) + ")",
        "y ~ x + " + "9" * 5000,
        "y ~ (" + "+".join(f"a{i}" for i in range(30)) + ")^15",
        "y ~ " + "*".join(f"a{i}" for i in range(40)),
    ],
    ids=["brackets", "signs", "sum in a call", "digits", "power", "crossing"],
)
def test_what_nobody_can_mean_is_refused_at_once(text, usual_recursion):
    with (
        seconds_of_work(10),
        pytest.raises(FormulaError, match=NOBODY),
    ):
        parse_formula(text)


@pytest.mark.slow
def test_many_terms_and_high_powers_are_no_depth():
    names = [f"x{i}" for i in range(1500)]
    assert parse_formula("y ~ " + " + ".join(names)).effects.names == ("1", *names)
    assert parse_formula("y ~ (a + b)^999999999").effects.names == ("1", "a", "b", "a:b")


REACHED = {**globals(), "np": np, "os": os, "sp": scipy, "pd": pd}
REACHED["frame"] = pd.DataFrame({"y": [1.0]})


@pytest.mark.parametrize(
    "call",
    [
        "__import__('os')", "__builtins__.eval(x)", "eval(x)", "open(x)", "_private(x)",
        "np.load(x)", "np.fromfile(x)", "np.f2py.os.system(x)", "np.__class__(x)", "os.system(x)",
        "np.random.normal(x)", "pd.read_pickle(x)", "frame.to_csv(x)", "frame.y.max()", "x.sum()",
        "np.log.reduce(x)", "sp.io.loadmat(x)", "np.sqrt.__call__(x)", "pytest.exit(x)",
    ],
)  # fmt: skip
def test_formulas_reach_no_attribute_file_or_builtin(call):
    with pytest.raises(FormulaError, match="unknown function"):
        parse_formula(f"y ~ {call}", REACHED)
    with pytest.raises(FormulaError, match="unknown function"):
        parse_formula(f"y ~ I(x + {call})", REACHED)


@pytest.mark.parametrize("call", ["log(x, z)", "minimum(x, z, z)", "sqrt(x, where=z)",
                                  "np.clip(x, 0, 1, z)", "np.cumsum(x, out=z)"])  # fmt: skip
def test_no_call_writes_into_another_column(call):
    """numpy's last argument is where the result goes: log(x, z) would have changed z."""
    with pytest.raises(FormulaError, match="a place for its result"):
        parse_formula(f"y ~ {call} + z", {"np": np})


def test_ufuncs_of_the_callers_modules_are_functions_of_numbers():
    data = pd.DataFrame({"y": [1.0, 2.5, 3.0, 4.2], "x": [0.1, 0.9, 0.3, 0.6]})
    model, _ = model_and_frame("y ~ sp.special.logit(x)", data, "gaussian", {"sp": scipy})
    np.testing.assert_allclose(model.cells.X[:, 0], scipy.special.logit(data.x))


def test_values_of_the_interpreter_are_no_values_of_a_formula():
    data = pd.DataFrame({"y": [1.0, 2.5, 3.0], "x": [0.1, 0.9, 0.3]})
    with pytest.raises(DataError, match="__name__"):
        model_of("y ~ I(x * __name__)", data, "gaussian")
