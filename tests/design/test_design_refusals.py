"""Design: responses, and what is refused or warned of, by name, count and remedy."""

import numpy as np
import pandas as pd
import pytest
from design_cases import design_of, some_data

import winstan as ws
from winstan.errors import DataError, DesignWarning, FamilyError, FormulaError, OptionError


@pytest.fixture
def data():
    return some_data()


# -- the response -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ("y", lambda d: d["y"]),
        ("log(pos)", lambda d: np.log(d["pos"])),
        ("np.log10(pos)", lambda d: np.log10(d["pos"])),
        ("pos/1000", lambda d: d["pos"] / 1000),
        ("scale(y)", lambda d: (d["y"] - d["y"].mean()) / d["y"].std(ddof=0)),
        ("`two words`", lambda d: d["two words"]),
        ("I(x > 0)", lambda d: d["x"] > 0),
    ],
)
def test_numeric_responses(data, left, expected):
    response = design_of(f"{left} ~ z", data).response
    np.testing.assert_allclose(response.y, expected(data).astype(float))
    assert response.y.dtype == np.float64
    assert response.name == left.replace("`", "").replace("/", " / ")
    assert response.trials is None
    assert response.levels == ((False, True) if ">" in left else None)


def test_two_level_responses(data):
    text = design_of("b ~ x", data).response
    np.testing.assert_array_equal(text.y, data["b"] == "v")
    assert text.levels == ("u", "v")
    flag = design_of("flag ~ x", data).response
    np.testing.assert_array_equal(flag.y, data["flag"])
    assert flag.levels == (False, True)
    data["b"] = pd.Categorical(data["b"], ["v", "u"])
    assert design_of("b ~ x", data).response.levels == ("v", "u")
    chosen = design_of("a['q'] ~ x", data).response
    np.testing.assert_array_equal(chosen.y, data["a"] == "q")
    assert chosen.levels == ("p", "r", "q")
    np.testing.assert_array_equal(design_of("dose[10] ~ x", data).response.y, data["dose"] == 10)


def test_successes_and_trials(data):
    data["n"] = data["h"] + 2
    for text, options in (("p(h, n) ~ x", {}), ("h ~ x", {"trials": "n"})):
        response = design_of(text, data, **options).response
        np.testing.assert_array_equal(response.y, data["h"])
        np.testing.assert_array_equal(response.trials, data["n"])
    assert set(design_of("prop(h, 6) ~ x", data).response.trials) == {6}
    assert design_of("p(h, n) ~ x", data).response.name == "p(h, n)"


# -- refusals -----------------------------------------------------------------------------------


def with_(**columns):
    return lambda data: data.assign(
        **{k: v(data) if callable(v) else v for k, v in columns.items()}
    )


same = with_()
REFUSALS = {
    "alias": ("y ~ x + w", with_(w=lambda d: 1.8 * d["x"] + 32), ["'w' = 32 + 1.8 'x'"]),
    "alias, tiny": ("y ~ x + w", with_(w=lambda d: 1e-12 * d["x"]), ["'w' = 1e-12 'x'"]),
    "alias, three": (
        "y ~ x + z + w",
        with_(w=lambda d: d["x"] - 2 * d["z"]),
        ["'w' = 'x' - 2 'z'"],
    ),
    "constant": ("y ~ x + w", with_(w=0.1), ["'w' is 0.1 in every row"]),
    "constant, large": ("y ~ w + x", with_(w=1e15), ["'w' is 1e+15 in every row"]),
    "same factor": (
        "y ~ b + w",
        with_(w=lambda d: d["b"].map({"u": "one", "v": "two"})),
        ["'w[two]' = 'b[v]'"],
    ),
    "empty cell": (
        "y ~ a*b",
        lambda d: d[(d["a"] != "r") | (d["b"] != "v")],
        ["'a:b[r, v]' is zero in every row"],
    ),
    "no intercept": (
        "y ~ 0 + x + w",
        with_(w=lambda d: 3 * d["x"]),
        ["rank-deficient", "'w' = 3 'x'"],
    ),
    "dummies": (
        "y ~ a + q + r",
        with_(q=lambda d: 1 * (d["a"] == "q"), r=lambda d: d["a"] == "r"),
        ["2 columns", "'q' = 'a[q]'", "'r' = 'a[r]'"],
    ),
    "too few rows": ("y ~ x + z + pos + a", lambda d: d[:4], ["rank-deficient"]),
    "log of zero": (
        "y ~ np.log(h)",
        with_(h=lambda d: np.where(np.arange(90) % 30 == 4, 0, 2 + d["h"])),
        ["'np.log(h)'", "3 rows", "rows 4, 34, 64", "log1p"],
    ),
    "infinite both ways": (
        "y ~ I(z/h)",
        with_(
            h=lambda d: np.where(np.arange(90) < 2, 0, 1 + d["h"]),
            z=lambda d: np.where(np.arange(90) == 0, -1, 1 + d["z"].abs()),
        ),
        ["'I(z / h)'", "2 rows", "rows 0, 1"],
    ),
    "log of zero, grouped": (
        "y ~ (np.log(h)|g)",
        with_(h=lambda d: np.where(np.arange(90) == 4, 0, 2 + d["h"])),
        ["'np.log(h)'", "1 row", "row 4 "],
    ),
    "log of zero, offset": (
        "y ~ offset(np.log(h))",
        with_(h=lambda d: np.where(np.arange(90) == 4, 0, 2 + d["h"])),
        ["offset 'np.log(h)'", "row 4 "],
    ),
    "log of a negative response": (
        "log(y) ~ x",
        with_(y=lambda d: np.where(np.arange(90) < 2, -1, 1 + d["y"].abs())),
        ["response 'log(y)'", "2 rows", "rows 0, 1"],
    ),
    "text in arithmetic": ("y ~ I(a*2 - 1)", same, ["'I(a * 2 - 1)'", "'a' is text"]),
    "text in log": ("y ~ np.log(a)", same, ["'np.log(a)'", "'a' is text"]),
    "text in log, response": ("log(a) ~ x", same, ["'log(a)'", "'a' is text"]),
    "no such reference": (
        "y ~ C(a, Treatment('P'))",
        same,
        ["Column 'a' has no level 'P'", "C(a, Treatment('P'))", "mean 'p'?", "3 levels: 'p', 'q'"],
    ),
    "no such reference, T": ("y ~ x + z:T(a, 's')", same, ["'a' has no level 's'", "T(a, 's')"]),
    "no such reference, number": (
        "y ~ (C(dose, Sum(3))|g)",
        same,
        ["'dose' has no level 3", "3 levels: 1, 2, 10."],
    ),
    "unknown among levels=": ("y ~ C(a, levels=['p', 'q', 'r', 's'])", same, ["no level 's'"]),
    "missing among levels=": ("y ~ C(a, levels=['p'])", same, ["leaves out 2 levels", "'q', 'r'"]),
    "poly of two values": (
        "y ~ poly(w, 3)",
        with_(w=lambda d: d["flag"] * 1),
        ["Column 'w' has too few distinct values", ": 2, where", "4 are needed", "degree of 1"],
    ),
    "scale of a constant": ("y ~ x + scale(w)", with_(w=2), ["'w' has too few distinct values"]),
    "half trials": ("p(h, pos) ~ x", same, ["The trials 'pos' have", "not whole"]),
    "one level, number": ("y ~ x + C(w)", with_(w=3), ["'C(w)' has only one level"]),
    "one group, number": ("y ~ x + (1|w)", with_(w=3), ["'w' has only one level, 3"]),
    "colliding names": (
        "y ~ 1 + (1|a:b)",
        with_(
            a=lambda d: np.where(d["flag"], "p:q", "p"), b=lambda d: np.where(d["flag"], "r", "q:r")
        ),
        ["'a:b'", "same name", "Rename"],
    ),
    "scalar function": ("y ~ x + np.sum(x)", same, ["np.sum(x)"]),
}


@pytest.mark.parametrize(("text", "change", "essentials"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(data, text, change, essentials, capsys):
    with pytest.raises(DataError) as caught:
        design_of(text, change(data))
    for essential in essentials:
        assert essential in str(caught.value), str(caught.value)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "essentials"),
    [
        ("a ~ x", ["'a' is not numeric and has 3 levels", "'p', 'q', 'r'", 'a["r"]']),
        ("digits ~ x", ["'digits'", "pd.to_numeric"]),
        ("a['s'] ~ x", ["'a' has no level 's'", "'p', 'q', 'r'"]),
    ],
)
def test_responses_refused(data, text, essentials):
    data["digits"] = data["x"].astype(str)
    with pytest.raises(FormulaError) as caught:
        design_of(text, data)
    for essential in essentials:
        assert essential in str(caught.value), str(caught.value)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_nearly_aliased_columns_are_not_refused(data, scale):
    data["w"] = (data["x"] + 1e-5 * data["z"]) * scale
    data["year"] = 2000 + np.arange(90) / 9
    data["stamp"] = 1.7e9 + np.arange(90) ** 1.5
    design = design_of("y ~ x + w + year + I(year**2) + I(year**3) + stamp", data)
    assert design.X.shape[1] == 6


def test_rank_of_many_rows():
    rng = np.random.default_rng(2)
    x = rng.normal(size=50_000)
    data = pd.DataFrame({"y": x, "x": x, "w": x * 2 + 1, "late": np.arange(50_000) == 49_999})
    with pytest.raises(DataError, match=r"'w' = 1 \+ 2 'I\(x \* 1\)'"):
        design_of("y ~ I(x*1) + w", data)
    # A column that only one row tells from the intercept is no alias.
    assert design_of("y ~ I(x*1) + late", data).X.shape == (50_000, 2)


# -- what the family says of counts -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "essentials"),
    [
        ("y ~ x", {"trials": "n"}, ["has trials", "family='gaussian'"]),
        ("p(y, n) ~ x", {}, ["has trials", "family='gaussian'"]),
        ("b ~ x", {"trials": "n", "family": "bernoulli"}, ["has trials", "family='bernoulli'"]),
        ("b ~ x", {"trials": "n", "family": "binomial"}, ["'b' has the levels 'u' and 'v'"]),
        ("pos ~ x", {"trials": "n", "family": "binomial"}, ["whole numbers of successes", "'pos'"]),
        ("p(h, n) ~ x", {"family": "binomial"}, ["no larger than trials", "has 1 of 90", "row 7:"]),
        ("h ~ x", {"trials": "n", "family": "binomial"}, ["no larger than trials", "row 7:"]),
    ],
)
def test_the_family_judges_successes(data, text, options, essentials):
    data["h"] += 1
    data["n"] = data["h"] - (np.arange(90) == 7)
    with pytest.raises(FamilyError) as caught:
        ws.fit(text, data, **options)
    for essential in essentials:
        assert essential in str(caught.value), str(caught.value)


# -- where warnings point -----------------------------------------------------------------------


def test_warnings_point_at_the_first_caller_outside_winstan(data):
    data.loc[[3, 5], "x"] = np.nan
    # An option that is refused after the data were read: nothing is sampled.
    with pytest.warns(DesignWarning) as caught, pytest.raises(OptionError):
        ws.fit("y ~ x + (1|a)", data, parametrization={"nothing": "centered"})
    assert len(caught) == 2
    assert {warning.filename for warning in caught} == {__file__}


def test_two_calls_of_one_function_say_in_which_order_they_can_stand():
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [-4, 9, 1, 2], "z": [9, 1, 4, 16]})
    with pytest.raises(DataError, match=r"the one of a plain column before the one of a call"):
        design_of("y ~ sqrt(abs(x)) + sqrt(z)", data)
    design = design_of("y ~ sqrt(z) + sqrt(abs(x))", data)
    assert [term.name for term in design.terms] == ["sqrt(z)", "sqrt(abs(x))"]


@pytest.mark.parametrize("column", ["x", "y"])
def test_numbers_whose_squares_no_number_holds_are_refused(column):
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [4.0, 9.0, 1.0, 2.0]})
    data.loc[[1, 3], column] = [3e300, -1e300]
    with pytest.raises(DataError, match=rf"'{column}' has 2 values beyond .* rows 1, 3 .* 3e\+300"):
        design_of("y ~ x", data)


def test_a_path_where_none_is_taken_says_to_read_the_file(tmp_path):
    with pytest.raises(DataError, match=r"not a data frame but str.*read the file first"):
        ws.lme("y ~ x + (1|g)", str(tmp_path / "rows.csv"))
