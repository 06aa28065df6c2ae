"""Numbers that arrive as text: labels, or numbers; and remedies, run as they are printed."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from design_cases import design_of

import winstan as ws
from winstan.data import frame_from
from winstan.design_warnings import silenced
from winstan.errors import DataError, DesignWarning, FormulaError
from winstan.formula import parse_formula

N = 240
VALUES = np.round(np.random.default_rng(4).normal(size=N), 1) + 0.0


def take(text, data, **options):
    return frame_from(data, parse_formula(text), **options)


def printed_code(message):
    """Return the code of a message that makes numbers of a column."""
    start = message.index("pd.to_numeric(")
    depth = 0
    for end, character in enumerate(message[start:], start):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return message[start : end + 1]
    raise AssertionError(message)


def comma(x, digits):
    return f"{x:.{digits}f}".replace(".", ",")


def grouped(x, separator, point="."):
    return f"{x:,.2f}".translate({ord(","): separator, ord("."): point})


# Text, and the numbers that it says.
WHOLE = np.arange(N) * 37
LARGE = WHOLE * 11.25
WRITTEN = {
    "decimal points": ([f"{x:.1f}" for x in VALUES], VALUES),
    "decimal commas": ([comma(x, 1) for x in VALUES], VALUES),
    "three decimals after commas": ([comma(x / 8, 3) for x in WHOLE], WHOLE / 8),
    "exponents": ([f"{x:.1f}".replace(".", ",") + "e3" for x in VALUES], VALUES * 1000),
    "per cent": ([f"{int(10 * x)}%" for x in VALUES], np.trunc(10 * VALUES)),
    "per cent, apart": ([f"{comma(x, 1)} %" for x in VALUES], VALUES),
    "thousands": ([f"{x:,}" for x in WHOLE], WHOLE),
    "thousands and points": ([grouped(x, ",") for x in LARGE], LARGE),
    "thousands and commas": ([grouped(x, ".", ",") for x in LARGE], LARGE),
    "thousands by points": ([f"{x:,}".replace(",", ".") for x in WHOLE * 1000], WHOLE * 1000),
    "thousands by spaces": ([grouped(x, " ") for x in LARGE], LARGE),
    "thousands by narrow spaces": ([grouped(x, "\u202f", ",") for x in LARGE], LARGE),
    "thousands by apostrophes": ([grouped(x, "\u2019") for x in LARGE], LARGE),
    "limits": ([f"<{x:.2f}" if x < 20 else f"{x:.2f}" for x in LARGE], LARGE),
    "limits, apart, commas": ([("\u2265 " if x > 90 else "") + comma(x, 2) for x in LARGE], LARGE),
    "currency": ([f"${x:,.2f}" for x in LARGE], LARGE),
    "typographic minus": ([f"{x:.1f}".replace("-", "\u2212") for x in VALUES], VALUES),
    "padded": ([f"  {x:.1f} " for x in VALUES], VALUES),
    "whole": ([str(x) for x in WHOLE], WHOLE),
}
FRAMES = {
    "pandas": pd.DataFrame,
    "pandas objects": lambda columns: pd.DataFrame(columns).astype({"v": object}),
    "polars": pl.DataFrame,
    "Arrow": pa.table,
}


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("case", WRITTEN)
def test_plain_numbers_are_refused_as_predictors_and_the_printed_code_reads_them(case, frame):
    text, numbers = WRITTEN[case]
    data = FRAMES[frame]({"y": np.arange(N), "v": text})
    with pytest.raises(DataError, match=r"'v' is text, but all of its .*C\(v\)") as caught:
        take("y ~ v", data)
    read = eval(printed_code(str(caught.value)), {"pd": pd, "data": data})
    np.testing.assert_allclose(read.to_numpy(float), numbers, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", WRITTEN)
def test_as_a_response_and_in_calls_they_get_the_same_remedy(case):
    text, numbers = WRITTEN[case]
    data = pd.DataFrame({"y": np.arange(N), "v": text})
    data["g"] = ["a", "b"] * (N // 2)
    of_numbers = ("center(v)", "poly(v, 2)", "bs(v, df=4)", "bin(v)", "within(v, g)", "log(v)")
    for formula in ("v ~ y", *(f"y ~ {call}" for call in of_numbers)):
        with pytest.raises((DataError, FormulaError)) as caught:
            design_of(formula, data)
        read = eval(printed_code(str(caught.value)), {"pd": pd, "data": data})
        np.testing.assert_allclose(read.to_numpy(float), numbers, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", ["y ~ v", "v ~ y", "y ~ center(v)"])
def test_commas_that_may_be_of_thousands_or_decimal_have_both_readings(formula):
    text = [f"{1 + i % 9},{100 + 7 * i % 900}" for i in range(N)]
    data = pd.DataFrame({"y": np.arange(N), "v": text})
    with pytest.raises((DataError, FormulaError), match="if they are decimal commas") as caught:
        design_of(formula, data)
    said = str(caught.value)
    for words, mark in (("if they are thousands", ""), ("if they are decimal commas", ".")):
        start = said[: said.index(words)].rindex("pd.to_numeric")
        read = eval(said[start : said.index(words)], {"pd": pd, "data": data})
        assert read.tolist() == [float(value.replace(",", mark)) for value in text]


def test_mistyped_cells_are_named_and_missing_after_the_remedy():
    text, numbers = WRITTEN["decimal commas"]
    text = [*text]
    text[17] = "oops"
    data = pd.DataFrame({"y": np.arange(N), "v": text})
    with pytest.raises(DataError, match=r"1 cell is not: 'oops' in row 17 .*C\(v\)") as caught:
        take("y ~ v", data)
    read = eval(printed_code(str(caught.value)), {"pd": pd, "data": data})
    assert np.flatnonzero(read.isna()).tolist() == [17]
    np.testing.assert_allclose(read.drop(17), np.delete(numbers, 17))
    few = pd.DataFrame({"y": np.arange(N), "v": np.array(["0", "1", "2"])[np.arange(N) % 3]})
    few.loc[9, "v"] = "l"
    with pytest.raises(DataError, match="'l' in row 9"):
        take("y ~ v", few)


@pytest.mark.parametrize("form", ["{} mg", "({})", "{}\u00b10.1", "about {}"])
def test_text_that_hardly_recurs_is_warned_of_whatever_it_holds(form):
    text = [form.format(f"{0.13 * (i % 80):.2f}") for i in range(N)]
    data = pd.DataFrame({"y": np.arange(N), "v": text})
    with pytest.warns(DesignWarning, match=r"'v' is text with 80 levels in 240 rows.*79 coeff"):
        take("y ~ v", data)
    take("y ~ (1|v)", data)  # a grouping factor has levels
    few = data.assign(v=[form.format(i % 12) for i in range(N)])
    take("y ~ v", few)


LABELS = {
    "mice": [str(i) for i in range(8)],
    "years": ["95", "96", "97", "98"],
    "two": ["0", "1"],
    "zeros in front": ["01", "02", "10"],
    "doses": ["0.5", "1", "2.5"],
    "classes": ["10%", "20%", "50%"],
    "limits": ["<5", "5", ">5"],
    "a name among them": ["0", "5", "10", "vehicle"],
    "twelve in few rows": [str(i) for i in range(12)],
    "thirty, each in many rows": [str(i) for i in range(30)],
}


@pytest.mark.parametrize("case", LABELS)
def test_few_labels_written_with_digits_are_a_factor_with_a_warning(case):
    labels = LABELS[case]
    n = 24 if case == "twelve in few rows" else 1200 if len(labels) == 30 else N
    v = np.array(labels)[np.arange(n) % len(labels)]
    data = pd.DataFrame({"y": np.arange(n), "v": v})
    with pytest.warns(DesignWarning, match=rf"'v'.*{len(labels) - 1} coefficient.*C\(v\)") as told:
        found = take("y ~ v", data)
    assert {w.message.guard for w in told} == {"numbers_as_labels"}
    assert found.data["v"].cat.categories.tolist() == sorted(labels)
    if case not in ("limits", "a name among them"):
        read = eval(printed_code(str(told[0].message)), {"pd": pd, "data": data})
        numbers = [float(label.strip("%")) for label in v]
        assert read.tolist() == numbers
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with silenced("numbers_as_labels"):
            take("y ~ v", data)
        take("y ~ C(v)", data)
        take("y ~ 1 + (1|v)", data)
        take("y ~ v", data.assign(v=pd.Categorical(v)))


def test_labels_that_are_no_numbers_pass_in_silence():
    labels = ["m1", "m2", "5-10", "10-20", "2026-01-01", "5 mg", "1a", "A1", "x,y"]
    data = pd.DataFrame({"y": np.arange(N), "v": np.array(labels)[np.arange(N) % len(labels)]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take("y ~ v", data)


def test_levels_written_almost_alike_are_told_with_code_that_makes_them_one():
    row = np.arange(N)
    v = np.array(["drug", "Drug", "drug ", "low  dose", "low dose", "sham"])[row % 6]
    data = pd.DataFrame({"y": row, "v": v, "g": np.where(row % 2, "m1", "m1 ")})
    data["genotype"] = np.array(["AA", "Aa", "aa"])[row % 3]
    for formula, column, left in (("y ~ v", "v", 3), ("y ~ 1 + (1|g)", "g", 1)):
        with pytest.warns(DesignWarning, match=f"'{column}' differ") as told:
            take(formula, data)
        assert [w.message.guard for w in told] == ["alike_levels"]
        message = str(told[0].message)
        assert ("'drug', 'drug '" in message) == (column == "v")
        changed = data.copy()
        exec(message.partition("If they are one, ")[2].partition(" makes")[0], {"data": changed})
        assert changed[column].nunique() == left
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with silenced("alike_levels"):
            take("y ~ v", data)
        take("y ~ v", data.assign(v=pd.Categorical(v)))
        take("y ~ genotype", data)


def test_the_seed_s_analysis_of_variance_by_mice_of_digits_is_that_of_names():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"mouse": np.arange(8).repeat(20), "stim": np.tile([0, 1], 80)})
    data["y"] = rng.normal(size=160) + 0.3 * data["stim"] + data["mouse"] % 3
    digits = data.assign(mouse=data["mouse"].astype(str))
    names = data.assign(mouse="m" + data["mouse"].astype(str))
    with pytest.warns(DesignWarning, match="numbers_as_labels"):
        found = ws.anova("y ~ stim + mouse", digits)
    expected = ws.anova("y ~ stim + mouse", names)
    np.testing.assert_allclose(found.table, expected.table)
    assert found.table.loc["mouse", "df"] == 7


GRADES = ["none", "mild", "severe"]  # of which the alphabet has another order
ORDERED = {
    "pandas": lambda data: data,
    "pandas, Arrow backend": lambda data: pa.Table.from_pandas(data).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "polars": lambda data: pl.DataFrame(
        {"x": data["x"].to_numpy(), "s": pl.Series(data["s"].tolist(), dtype=pl.Enum(GRADES))}
    ),
    "Arrow": pa.Table.from_pandas,
}


@pytest.mark.parametrize("road", ORDERED)
def test_an_ordered_response_is_told_what_fits_it_and_the_code_runs(road):
    s = pd.Categorical(np.array(GRADES)[np.arange(30) % 3], GRADES, ordered=True)
    plain = pd.DataFrame({"x": np.arange(30.0), "s": s})
    data = ORDERED[road](plain)
    with pytest.raises(FormulaError) as caught:
        design_of("s ~ x", data)
    message = str(caught.value)
    assert "ordered" in message
    assert "cumulative" in message
    threshold, scores = re.findall(
        r"pd\.Categorical\(.*?ordered=True\)[^,; ]*(?: >= '\w+')?", message
    )
    assert threshold.endswith(" >= 'mild'")
    above = eval(threshold, {"pd": pd, "data": data})
    assert above.tolist() == [False, True, True] * 10
    assert design_of("above ~ x", plain.assign(above=above)).response.levels == (False, True)
    assert scores.endswith(".codes")
    assert eval(scores, {"pd": pd, "data": data}).tolist() == [0, 1, 2] * 10


def test_text_of_three_levels_is_told_of_one_against_all_and_ordered_numbers_of_floats():
    data = pd.DataFrame({"x": np.arange(30.0), "s": np.array(list("abc"))[np.arange(30) % 3]})
    with pytest.raises(FormulaError, match=r'For one level.*s\["c"\]'):
        design_of("s ~ x", data)
    scores = pd.Categorical(np.arange(30) % 3 + 1, ordered=True)
    with pytest.raises(FormulaError, match=r"ordered.*data\['s'\]\.astype\(float\)"):
        design_of("s ~ x", data.assign(s=scores))
    assert pd.Series(scores).astype(float).tolist() == [1.0, 2.0, 3.0] * 10


def test_a_category_in_a_function_of_numbers_is_told_how_it_becomes_one():
    data = pd.DataFrame({"y": np.arange(30.0), "d": pd.Categorical(np.arange(30) % 3 * 5)})
    with pytest.raises(DataError, match=r"data\['d'\]\.astype\(float\)"):
        design_of("y ~ center(d)", data)
    text = data.assign(d=pd.Categorical((np.arange(30) % 3 * 5).astype(str)))
    with pytest.raises(DataError) as caught:
        design_of("y ~ center(d)", text)
    read = eval(printed_code(str(caught.value)), {"pd": pd, "data": text})
    assert read.tolist() == data["d"].astype(float).tolist()
    names = pd.Categorical.from_codes(np.arange(30) % 3, ["lo", "mid", "hi"], ordered=True)
    with pytest.raises(
        DataError, match=r"'d' is text or a factor, whose levels are labels.*places"
    ):
        design_of("y ~ center(d)", data.assign(d=names))


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ stim + (1|mouse id)", "`mouse id`"),
        ("y ~ stim + (1|mouse id/session)", "`mouse id`"),
        ("y ~ stim + (stim dose|mouse)", "`stim dose`"),
        ("y ~ my stim 2 + (1|mouse)", "`my stim 2`"),
        ("log power ~ stim", "`log power`"),
        ("y ~ log(dose mg)", "`dose mg`"),
    ],
)
def test_names_with_blanks_get_the_hint_of_back_ticks(formula, name):
    with pytest.raises(FormulaError, match=f"back-ticks: {name}"):
        parse_formula(formula)
