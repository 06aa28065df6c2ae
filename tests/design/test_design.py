"""Design: matrices against patsy, hand-written numpy, and formulae on all rows."""

from pathlib import Path

import formulae
import numpy as np
import pandas as pd
import patsy
import polars as pl
import pytest
from design_cases import design_of, double, full, full_group, some_data
from formulae.transforms import TRANSFORMS
from scipy.interpolate import BSpline

from winstan.design import evaluate
from winstan.errors import DataError, DesignWarning, FormulaError

LME4 = Path(__file__).resolve().parents[3] / "shared" / "reference" / "lme4"


@pytest.fixture
def data():
    return some_data()


# -- against patsy ------------------------------------------------------------------------------

PATSY = {
    "1": "1",
    "x": "x",
    "0 + x": "0 + x",
    "x - 1 + z": "0 + x + z",
    "a": "C(a)",
    "0 + a": "0 + C(a)",
    "a + b": "C(a) + C(b)",
    "0 + a + b": "0 + C(a) + C(b)",
    "a*b": "a*b",
    "a:b": "a:b",
    "b + a:b": "b + a:b",
    "a/x": "a/x",
    "a*x": "a*x",
    "x:a": "x:a",
    "x + x:a": "x + x:a",
    "(x + z + pos)^2": "(x + z + pos)**2",
    "x*z - x": "x*z - x",
    "I(x**2) + x": "I(x**2) + x",
    "{x + z}": "I(x + z)",
    "I(-x**2)": "I(-x**2)",
    "I(x**-z) - 0": "I(x*1.0**-z)",
    "I((x + 1)*2 - z*(x - 2)/3)": "I((x + 1)*2 - z*(x - 2)/3)",
    "I(2**x**2/1e4)": "I(2.0**(x**2)/10000)",
    "np.log(pos) + log10(x + 9)": "np.log(pos) + np.log10(x + 9)",
    "sqrt(pos):a": "np.sqrt(pos):a",
    "`two words` + x": "Q('two words') + x",
    "C(dose)": "C(dose)",
    "C(dose, Treatment(2))": "C(dose, Treatment(2))",
    "C(a, Treatment('q'))": "C(a, Treatment('q'))",
    "T(a, 'r')": "C(a, Treatment('r'))",
    "S(a)": "C(a, Sum)",
    "C(a, levels=['r', 'p', 'q'])": "C(a, levels=['r', 'p', 'q'])",
    "flag": "I(flag*1)",
    "flag*x": "I(flag*1)*x",
    "I(x > 1) + z": "I((x > 1)*1) + z",
    "center(x) + scale(z)": "center(x) + standardize(z)",
    "bs(z, df=5)": "bs(z, df=5)",
    "bs(z, knots=[-0.5, 0.5])": "bs(z, knots=[-0.5, 0.5])",
    "np.where(x > 0, x, 0) + z": "np.where(x > 0, x, 0) + z",
}


@pytest.mark.parametrize(("ours", "theirs"), PATSY.items(), ids=PATSY)
def test_common_matrix_is_patsy_s(data, ours, theirs):
    if "x**-z" in ours:
        data["x"] = data["x"].abs() + 1
        theirs = "I((x*1.0)**-z)"
    design = design_of(f"y ~ {ours}", data)
    expected = np.asarray(patsy.dmatrix(theirs, data))
    found = full(design)
    assert found.shape == expected.shape
    # The order of columns is each library's own.
    order, other = (np.lexsort(np.round(m, 9)) for m in (found, expected))
    np.testing.assert_allclose(found[:, order], expected[:, other], rtol=1e-9, atol=1e-9)


def test_splines_are_scipys_without_the_first(data):
    """B-splines with knots at quantiles, not centred; the first is the constant's."""
    x = data["z"].to_numpy()
    inner = np.percentile(x, [100 / 3, 200 / 3])
    cases = {
        "bs(z, df=5)": inner,
        "bs(z, knots=[-0.5, 0.5])": [-0.5, 0.5],
        "bs(z, df=5, lower_bound=-9, upper_bound=9)": inner,
    }
    for text, knots in cases.items():
        low, high = (-9, 9) if "bound" in text else (x.min(), x.max())
        t = np.r_[[low] * 4, knots, [high] * 4]
        expected = BSpline.design_matrix(x, t, 3).toarray()
        design = design_of(f"y ~ {text}", data)
        np.testing.assert_allclose(design.X[design.row], expected[:, 1:], atol=1e-12)
        # New rows have the knots of the first.
        few = evaluate(design, data.iloc[:7])
        np.testing.assert_allclose(few.X, expected[:7, 1:], atol=1e-12)


def test_splines_of_another_basis_are_refused(data, monkeypatch):
    """formulae from 0.8 on centres them: the same text, another model."""

    def centred(self, x, df=None, knots=None, center=True): ...

    monkeypatch.setattr(TRANSFORMS["bs"], "__call__", centred)
    with pytest.raises(FormulaError, match=r"'bs\(z, df=5\)' .* pip install 'formulae<0\.8'"):
        design_of("y ~ bs(z, df=5)", data)
    design_of("y ~ poly(z, 3)", data)


# -- against formulae on all rows ---------------------------------------------------------------

COMMON = [
    "x + a",
    "a*b + x",
    "0 + a*b",
    "a:b + z",
    "x*a + np.log(pos)",
    "C(dose)*b",
    "scale(x) + a",
    "poly(z, 3) + b",
    "I(x**2):a + x",
    "flag + x:flag",
    "C(h) + S(a)",
]
GROUPS = [
    ("(1|g)", "(1|g)"),
    ("(x|g)", "(x|g)"),
    ("(0 + x|g)", "(0 + x|g)"),
    ("(a|g)", "(a|g)"),
    ("(0 + a|g)", "(0 + a|g)"),
    ("(x||g)", "(x|g)"),
    ("(1|h) + (z|g)", "(1|h) + (z|g)"),
    ("(np.log(pos) + flag|g)", "(np.log(pos) + flag|g)"),
    ("(1|g) + (0 + x|g)", "(1|g) + (0 + x|g)"),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("common", COMMON)
@pytest.mark.parametrize(("group", "theirs"), GROUPS[:2])
def test_expanding_gives_formulae_s_common_matrix(seed, common, group, theirs):
    data = some_data(seed, 150)
    design = design_of(f"y ~ {common} + {group}", data)
    expected = formulae.design_matrices(f"y ~ {common} + {theirs}", data)
    np.testing.assert_allclose(full(design), expected.common.design_matrix, atol=1e-12)
    names = [name for name in expected.common.terms if name != "Intercept"]
    assert [term.name for term in design.terms] == names
    assert len(design.X) == len(data[list(design.predictors)].drop_duplicates())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("group", "theirs"), GROUPS)
def test_expanding_gives_formulae_s_group_matrices(seed, group, theirs):
    data = some_data(seed, 150)
    design = design_of(f"y ~ x + {group}", data)
    expected = formulae.design_matrices(f"y ~ x + {theirs}", data).group
    found = np.hstack([full_group(design, i) for i in range(len(design.groups))])
    # formulae keeps terms apart, so its columns come in another order.
    matrix = np.hstack([np.asarray(expected[name].todense()) for name in expected.terms])
    assert found.shape == matrix.shape
    order, other = (np.lexsort(m) for m in (found, matrix))
    np.testing.assert_allclose(found[:, order], matrix[:, other], atol=1e-12)


def test_pandas_and_polars_give_the_same(data):
    text = "y ~ a*x + C(dose) + (z|g/b)"
    one = design_of(text, data)
    two = design_of(text, pl.DataFrame({name: data[name].to_list() for name in data}))
    np.testing.assert_array_equal(one.X, two.X)
    np.testing.assert_array_equal(one.row, two.row)
    pd.testing.assert_frame_equal(one.predictors, two.predictors)
    for first, second in zip(one.groups, two.groups, strict=True):
        assert first.levels == second.levels
        np.testing.assert_array_equal(first.Z, second.Z)
        np.testing.assert_array_equal(first.level, second.level)


# -- rows, terms, names -------------------------------------------------------------------------


def test_rows_that_share_predictors_share_their_design_row():
    data = pd.DataFrame(
        {"y": np.arange(6.0), "x": [1, 2, 1, 2, 3, 1], "g": list("aabbaa"), "other": range(6)}
    )
    with pytest.warns(DesignWarning, match="only 2 levels"):
        design = design_of("y ~ x + (1|g)", data)
    assert design.row.tolist() == [0, 1, 2, 3, 4, 0]
    assert design.predictors["x"].tolist() == [1, 2, 1, 2, 3]
    assert design.predictors["g"].tolist() == list("aabba")
    np.testing.assert_array_equal(design.X[:, 0], [1, 2, 1, 2, 3])
    np.testing.assert_array_equal(design.response.y, np.arange(6))
    assert design.X.dtype == design.groups[0].Z.dtype == np.float64


def test_an_intercept_alone_has_one_design_row(data):
    design = design_of("y ~ 1", data)
    assert design.intercept
    assert design.X.shape == (1, 0)
    assert design.terms == ()
    assert not design.row.any()
    assert len(design.predictors) == 1


def test_a_group_alone(data):
    design = design_of("y ~ 0 + (1|g)", data)
    assert not design.intercept
    assert design.X.shape == (6, 0)


def test_functions_of_whole_columns_see_all_rows(data):
    data["x"] = np.where(np.arange(90) < 80, 1, data["x"])
    design = design_of("y ~ center(x)", data)
    np.testing.assert_allclose(full(design)[:, 1], data["x"] - data["x"].mean())


def test_term_names_labels_and_columns(data):
    text = "y ~ a*b + poly(z, 2) + np.log(pos) + C(dose):x + I((x + 1)**2) + `two words`"
    design = design_of(text, data)
    found = {term.name: (term.labels, term.columns) for term in design.terms}
    assert found == {
        "a": (("q", "r"), (0, 1)),
        "b": (("v",), (2,)),
        "a:b": (("q, v", "r, v"), (3, 4)),
        "poly(z, 2)": (("0", "1"), (5, 6)),
        "np.log(pos)": ((), (7,)),
        "C(dose):x": (("1", "2", "10"), (8, 9, 10)),
        "I((x + 1) ** 2)": ((), (11,)),
        "two words": ((), (12,)),
    }


def test_the_order_of_a_categorical_is_that_of_its_levels(data):
    data["a"] = pd.Categorical(data["a"], ["r", "p", "q"])
    design = design_of("y ~ a + C(a):x", data)
    assert design.terms[0].labels == ("p", "q")
    np.testing.assert_array_equal(full(design)[:, 1], data["a"] == "p")


def test_interactions_with_parentheses_that_only_differ_there(data):
    design = design_of("y ~ I((x + 1)*2*z) + I(x + 1*2*z)", data)
    x, z = data["x"], data["z"]
    np.testing.assert_allclose(full(design)[:, 1:], np.c_[(x + 1) * 2 * z, x + 2 * z])
    assert design.column_names == ("I((x + 1) * 2 * z)", "I(x + 1 * 2 * z)")


def test_small_integers_do_not_overflow(data):
    data["x"] = data["x"].astype(np.int8)
    found = full(design_of("y ~ I(x**9) + I(x**-1)", data.loc[data["x"] != 0]))
    x = data.loc[data["x"] != 0, "x"].astype(float)
    np.testing.assert_allclose(found[:, 1:], np.c_[x**9, 1 / x])


@pytest.mark.filterwarnings("ignore:The grouping factor 'half'")
def test_booleans_are_numbers_except_as_labels(data):
    design = design_of("y ~ I(flag + flag) + x", data)
    np.testing.assert_array_equal(full(design)[:, 1], 2.0 * data["flag"])
    (term,) = design_of("y ~ 0 + C(flag)", data).terms
    assert term.labels == ("False", "True")
    (group,) = design_of("y ~ x + (1|half)", data.assign(half=data["h"] > 3)).groups
    assert group.levels == (False, True)


def test_offsets_add_up(data):
    design = design_of("y ~ x + offset(np.log(pos)) + offset(z*2) + offset(3)", data)
    np.testing.assert_allclose(design.offset[design.row], np.log(data["pos"]) + 2 * data["z"] + 3)
    assert not design_of("y ~ x", data).offset.any()


def test_weights_come_along(data):
    data["w"] = np.arange(90) + 1
    design = design_of("y ~ x", data, weights="w")
    np.testing.assert_array_equal(design.weights, data["w"])


# -- the caller's namespace ---------------------------------------------------------------------


def test_functions_and_values_of_the_caller(data):
    shift = np.arange(90) ** 2.0
    namespace = {"double": double, "k": 3, "shift": shift, "x": "not this one"}
    x = data["x"].to_numpy()
    np.testing.assert_allclose(full(design_of("y ~ double(x)", data, namespace))[:, 1], 2 * x)
    np.testing.assert_allclose(full(design_of("y ~ I(x*k)", data, namespace))[:, 1], 3 * x)
    # A value for each row is no function of the predictors.
    design = design_of("y ~ I(x + shift)", data, namespace)
    np.testing.assert_allclose(full(design)[:, 1], x + shift)


def test_errors_of_the_caller_s_functions_name_the_term(data):
    def broken(x):
        raise RuntimeError("what a pity")

    with pytest.raises(DataError, match=r"'broken\(x\)'.*what a pity"):
        design_of("y ~ z + broken(x)", data, {"broken": broken})


def test_a_function_must_give_a_value_for_each_row(data):
    with pytest.raises(DataError, match=r"short\(x\).*one value per row"):
        design_of("y ~ 0 + short(x)", data, {"short": lambda x: x[:5]})
