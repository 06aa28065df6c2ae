"""Codings of factors: columns against patsy; what is asked of a fit does not depend on them."""

import pickle

import numpy as np
import pandas as pd
import patsy
import pytest
from design_cases import design_of, full, some_data
from effects_cases import DATA, draws_of

from winstan import effects
from winstan.design import evaluate
from winstan.effects.specification import Specification
from winstan.errors import DataError, FormulaError
from winstan.formula import parse_formula

MATRIX = np.array([[1, 0.0], [2, 1], [-1, 3]])
NAMED = {"first": {"q": 2, "p": 1, "r": -1}, "second": {"p": 0, "q": 1, "r": 3}}
FRAME = pd.DataFrame({"first": [2, 1, -1], "second": [1, 0, 3]}, index=["q", "p", "r"])
OWN = {
    "M": MATRIX,
    "doses": [1, 2, 10],
    "named": NAMED,
    "frame": FRAME,
    "lists": {"u": [1, 2, -1], "v": [0, 1, 3]},
}


@pytest.mark.parametrize(
    ("ours", "theirs", "labels"),
    [
        ("C(a, Helmert) * x", "C(a, Helmert) * x", ["q", "r"]),
        ("C(a, Diff)", "C(a, Diff)", ["q - p", "r - q"]),
        ("C(dose, Poly)", "C(dose, Poly)", ["linear", "quadratic"]),
        ("C(dose, Poly(scores=[1, 2, 10]))", "C(dose, Poly([1, 2, 10]))", ["linear", "quadratic"]),
        ("0 + C(a, Diff)", "0 + C(a, Diff)", ["mean", "q - p", "r - q"]),
        ("0 + C(a, M)", "0 + C(a)", ["constant", "0", "1"]),
        ("C(a, contrast=M)", "C(a, M)", ["0", "1"]),
        ("C(dose, Poly(doses))", "C(dose, Poly([1, 2, 10]))", ["linear", "quadratic"]),
        ("C(a, named)", "C(a, M)", ["first", "second"]),
        ("C(a, frame)", "C(a, M)", ["first", "second"]),
        ("C(a, lists)", "C(a, M)", ["u", "v"]),
        (
            "C(a, Helmert, levels=['r', 'p', 'q'])",
            "C(a, Helmert, levels=['r', 'p', 'q'])",
            ["p", "q"],
        ),
    ],
)
def test_columns_are_patsys(ours, theirs, labels):
    data, names = some_data(), {"M": MATRIX}
    design = design_of(f"y ~ {ours}", data, OWN)
    assert list(design.terms[0].labels) == labels
    assert len(design.X) < len(data)  # rows are shared: a matrix is no column of the data
    ours, theirs = full(design), np.asarray(patsy.dmatrix(theirs, names | dict(data)))
    if "M" in design.column_names[0]:  # patsy has no column of ones there: the same space
        projections = [m @ np.linalg.pinv(m) for m in (ours, theirs)]
        np.testing.assert_allclose(*projections, atol=1e-9)
        return
    ours, theirs = (m[:, np.lexsort(np.round(m, 9))] for m in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_polynomials_of_many_levels_are_orthonormal():
    data = pd.DataFrame({"y": np.arange(40.0), "k": np.arange(40)})
    design = design_of("y ~ C(k, Poly)", data)
    np.testing.assert_allclose(design.X.T @ design.X, np.eye(39), atol=1e-12)
    assert design.terms[0].labels[3:5] == ("quartic", "degree 5")


CODINGS = {
    "cond": "at cond = a",
    "C(cond, Sum)": "averaged over cond",
    "C(cond, Helmert)": "averaged over cond",
    "C(cond, Poly)": "averaged over cond",
    "C(cond, Diff)": "averaged over cond",
    "C(cond, skew)": "at C(cond, skew) = 0",
    "C(cond, second)": "at cond = b",
}
SKEW = {"skew": MATRIX, "second": np.array([[1, 0], [0, 0], [0, 1]])}


@pytest.mark.parametrize("coding", CODINGS)
def test_contrasts_do_not_depend_on_the_coding(coding):
    """Coefficients that give each cell the same linear predictor, in any coding."""
    text = f"y ~ {coding} * stim + (1|mouse)"
    formula, design = parse_formula(text, SKEW), design_of(text, DATA, SKEW)
    eta = np.random.default_rng(1).normal(0, 30, (5, 3, 2))
    code = design.predictors["cond"].cat.codes.to_numpy()
    wanted = eta[:, code, design.predictors["stim"].to_numpy(int)]
    X = np.column_stack([np.ones(len(design.X)), design.X])
    solved = np.linalg.lstsq(X, wanted.T, rcond=None)[0].T
    zero, one = np.zeros((5, 6)), np.ones(5)
    p = {"Intercept": solved[:, 0], "1|mouse": zero, "1|mouse_sigma": one, "sigma": one}
    for term in design.terms:
        columns = [column + 1 for column in term.columns]
        p[term.name] = solved[:, columns] if term.labels else solved[:, columns[0]]
    model = Specification(formula, design)
    for (label, stim), values in draws_of(
        model, p, "cond", by="stim", pairs="all", groups="population"
    ).items():
        later, earlier = ("abc".index(name) for name in label.split(" - "))
        difference = eta[:, later, stim] - eta[:, earlier, stim]
        np.testing.assert_allclose(values, difference, atol=1e-9)
    table = effects.group_intercepts(model, p, "mouse", 0.9, "eti")
    assert CODINGS[coding] in table.attrs["at"]


def test_a_coding_is_kept_for_new_rows_and_through_pickle():
    design = design_of("y ~ C(a, named) + (C(dose, Poly)|g)", some_data(), OWN)
    again = pickle.loads(pickle.dumps(design))
    new = pd.DataFrame({"a": ["r", "q"], "dose": [10, 10], "g": ["m1", "new"]})
    for one in (design, again):
        rows = evaluate(one, new)
        np.testing.assert_array_equal(rows.X, MATRIX[[2, 1]])
        np.testing.assert_allclose(rows.Z[0][0], [1, 1 / np.sqrt(2), 1 / np.sqrt(6)])


@pytest.mark.parametrize(
    ("term", "error", "words"),
    [
        ("C(a, Helmet)", FormulaError, ["'Helmet' is no coding", "Helmert", "M = np.array"]),
        ("C(a, helmert)", FormulaError, ["Did you mean Helmert?"]),
        ("C(a, contr.sum)", FormulaError, ["write Sum"]),
        ("C(a, words)", FormulaError, ["'words'", "no matrix of numbers"]),
        ("C(a, holes)", FormulaError, ["'holes'", "missing"]),
        ("C(a, few)", DataError, ["'C(a, few)'", "2 rows", "3 are needed", "3 levels"]),
        ("C(a, wide)", DataError, ["repeat each other", "at most 2 columns"]),
        ("C(a, flat)", DataError, ["repeat each other"]),
        ("C(a, others)", DataError, ["rows are 'p', 'q', 'z'", "'p', 'q', 'r'"]),
        ("C(dose, Poly(scores=[1, 2]))", DataError, ["3 different numbers"]),
        ("(C(dose, Poly(scores=[1, 1, 2]))|g)", DataError, ["3 different numbers", "'dose'"]),
    ],
)
def test_what_is_no_coding_is_refused(term, error, words):
    own = {
        "words": ["x", "y"],
        "holes": np.array([1, np.nan, 0]),
        "few": MATRIX[:2],
        "wide": np.eye(3),
        "flat": np.ones((3, 1)),
        "others": {"one": {"p": 1, "q": 0, "z": 0}},
    }
    with pytest.raises(error) as raised:
        design_of(f"y ~ {term}", some_data(), own)
    assert all(word in str(raised.value) for word in words), str(raised.value)
