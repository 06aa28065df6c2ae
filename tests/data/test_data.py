"""Frame: any data frame in, plain columns of complete rows out; every refusal."""

import copy
import datetime
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from winstan.data import frame_from
from winstan.data.columns import distinct_rows
from winstan.errors import DataError, DesignWarning, FormulaError
from winstan.formula import parse_formula


def take(text, data, **options):
    return frame_from(data, parse_formula(text), **options)


@pytest.fixture
def table():
    rng = np.random.default_rng(4)
    n = 60
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "small": rng.integers(0, 100, n).astype(np.int8),
            "flag": rng.random(n) < 0.5,
            "a": rng.choice(["q", "p", "r"], n),
            "g": rng.choice([11, 3, 7, 5, 2], n),
            "Log power": rng.normal(size=n),
            "n": rng.integers(1, 5, n),
        }
    )


def as_polars(table):
    return pl.DataFrame({name: table[name].to_list() for name in table})


CONVERSIONS = {
    "polars": as_polars,
    "polars lazy": lambda table: as_polars(table).lazy(),
    "pyarrow": lambda table: as_polars(table).to_arrow(),
    "dict": lambda table: {name: table[name].to_numpy() for name in table},
    "lists": lambda table: {name: table[name].to_list() for name in table},
    "objects": lambda table: table.astype({"a": object, "flag": object, "g": object}),
    "nullable": lambda table: table.convert_dtypes(),
}


@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_every_kind_of_frame_gives_the_same(table, convert):
    text = "y ~ x + small + flag + a + `Log power` + (1|g)"
    expected, found = take(text, table), take(text, convert(table))
    pd.testing.assert_frame_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.kept, expected.kept)
    assert found.n_rows == expected.n_rows == 60


def test_types(table):
    data = take("y ~ x + small + flag + a + (1|g)", table).data
    assert list(data) == ["y", "x", "small", "flag", "a", "g"]
    kinds = {name: data[name].dtype.kind for name in ("y", "x", "small", "flag", "g")}
    assert kinds == {"y": "f", "x": "f", "small": "i", "flag": "b", "g": "i"}
    assert data["small"].dtype == np.int64  # wide enough for powers
    assert data["a"].cat.categories.tolist() == ["p", "q", "r"]
    np.testing.assert_array_equal(data["a"].to_numpy(), table["a"].to_numpy())


def test_the_user_s_frame_is_not_changed_and_not_shared(table):
    table.loc[3, "x"] = np.nan
    before = copy.deepcopy(table)
    with pytest.warns(DesignWarning):
        frame = take("y ~ x + a + (1|g)", table, weights="n")
    frame.data.loc[:, "y"] = 0.0
    frame.data.loc[:, "g"] = 0
    pd.testing.assert_frame_equal(table, before)

    numbers = {"y": np.arange(5.0), "x": np.array([1.0, 3, 2, 5, 4])}
    frame = take("y ~ x", numbers)
    assert not np.shares_memory(frame.data["x"].to_numpy(), numbers["x"])


def test_the_index_of_the_frame_does_not_matter(table):
    text = "y ~ x + a + (1|g)"
    other = table.set_axis(np.repeat(["r", "s"], 30))
    pd.testing.assert_frame_equal(take(text, other).data, take(text, table).data)


def test_columns_whose_names_are_no_strings(table):
    frame = take("y ~ `0` + (1|g)", table.rename(columns={"x": 0}))
    np.testing.assert_array_equal(frame.data["0"], table["x"])


@pytest.mark.parametrize("ordered", [True, False])
def test_a_categorical_keeps_its_order(table, ordered):
    table["a"] = pd.Categorical(table["a"], ["r", "p", "q"], ordered=ordered)
    assert take("y ~ a", table).data["a"].cat.categories.tolist() == ["r", "p", "q"]


def test_a_polars_enum_keeps_its_order_and_a_categorical_is_sorted(table):
    given = as_polars(table)
    enum = given.with_columns(pl.col("a").cast(pl.Enum(["r", "p", "q"])))
    frame = take("y ~ a", enum)
    assert frame.data["a"].cat.categories.tolist() == ["r", "p", "q"]
    np.testing.assert_array_equal(frame.data["a"].to_numpy(), table["a"].to_numpy())
    appearance = given.with_columns(pl.col("a").cast(pl.Categorical))
    pd.testing.assert_frame_equal(take("y ~ a", appearance).data, take("y ~ a", table).data)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_unused_levels_are_dropped_with_a_warning(table, library):
    levels = ["r", "never", "p", "q", "nor this"]
    expected = table["a"].to_numpy()
    table["a"] = pd.Categorical(table["a"], levels)
    if library == "polars":
        values = table["a"].to_list()
        enum = pl.Series("a", values, dtype=pl.Enum(levels))
        table = as_polars(table.drop(columns="a")).with_columns(enum)
    with pytest.warns(DesignWarning, match=r"'a' declares 2 levels.*'never', 'nor this'"):
        frame = take("y ~ a", table)
    assert frame.data["a"].cat.categories.tolist() == ["r", "p", "q"]
    np.testing.assert_array_equal(frame.data["a"].to_numpy(), expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_missing_values_are_dropped_and_counted(table, library):
    table["a"] = table["a"].astype(object)
    table.loc[[4, 7], "x"] = np.nan
    table.loc[[7, 9], "a"] = None
    table.loc[0, "Log power"] = np.nan  # not used
    given = table
    if library == "polars":
        # A null in one row, a NaN in the other.
        null = pl.when(pl.int_range(60) == 4).then(None).otherwise(pl.col("x"))
        given = as_polars(table.drop(columns="Log power")).with_columns(x=null)
    with pytest.warns(DesignWarning, match=r"3 of 60 rows.*'x' \(2\), 'a' \(2\)") as caught:
        frame = take("y ~ x + a + (1|g)", given)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert dict(frame.missing) == {"x": 2, "a": 2}
    np.testing.assert_array_equal(frame.kept, np.setdiff1d(np.arange(60), [4, 7, 9]))
    np.testing.assert_array_equal(frame.data["y"], table["y"].to_numpy()[frame.kept])
    assert frame.data["g"].dtype == np.int64


def test_missing_integers_stay_integers():
    given = pl.DataFrame({"y": [1.0, 2, 3, 4], "g": [3, None, 1, 3]})
    with pytest.warns(DesignWarning, match="1 of 4 rows"):
        frame = take("y ~ (1|g)", given)
    assert frame.data["g"].tolist() == [3, 1, 3]
    assert frame.data["g"].dtype == np.int64


def test_weights_and_trials(table):
    table.loc[5, "n"] = 0
    table.loc[6, "y"] = np.nan
    table["t"] = np.arange(60)
    with pytest.warns(DesignWarning) as caught:
        frame = take("y ~ x", table, weights="n", trials="t")
    messages = " ".join(str(warning.message) for warning in caught)
    assert "1 of 60 rows" in messages
    assert "1 row of weight zero in 'n'" in messages
    assert 5 not in frame.kept
    assert 6 not in frame.kept
    np.testing.assert_array_equal(frame.weights, table["n"].to_numpy()[frame.kept])
    np.testing.assert_array_equal(frame.trials, frame.kept)
    assert list(frame.data) == ["y", "x"]
    np.testing.assert_array_equal(take("y ~ x", table[:3], trials=9).trials, [9, 9, 9])


def test_no_warning_without_a_reason(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take("y ~ x + a + flag + (1|g)", table, weights="n", trials="n")


def test_fractional_weights_warn(table):
    table["w"] = np.where(np.arange(60) < 2, 0.5, 1.0)
    with pytest.warns(DesignWarning, match=r"'w' have 2 fractional values.*rows 0, 1.*likelihood"):
        frame = take("y ~ x", table, weights="w")
    np.testing.assert_array_equal(frame.weights, table["w"])


def test_ambient_names_are_columns_where_there_are_such_columns(table):
    formula = parse_formula("y ~ I(x * k) + np.log(n)", {"k": 2.0, "n": 99})
    assert list(frame_from(table, formula).data) == ["y", "x", "n"]


def spoilt(column, value, rows=(3, 8)):
    def change(table):
        if isinstance(value, str) or value is None:
            table[column] = table[column].astype(object)
        table.loc[list(rows), column] = value
        return table

    return change


def with_column(name, values):
    def change(table):
        table[name] = values if np.ndim(values) == 1 and len(values) == 60 else [values] * 60
        return table

    return change


DATES = pd.date_range("2024-01-01", periods=60)
ERRORS = {
    "not a frame": ("y ~ x", lambda t: [1, 2, 3], {}, ["not a data frame", "list", "pandas"]),
    "an array": ("y ~ x", lambda t: t[["x", "y"]].to_numpy(), {}, ["not a data frame", "ndarray"]),
    "ragged": ("y ~ x", lambda t: {"y": [1, 2], "x": [1]}, {}, ["equal length"]),
    "unknown": ("y ~ xx", lambda t: t, {}, ["no column 'xx'", "'x'"]),
    "unknown group": ("y ~ (1|G)", lambda t: t, {}, ["no column 'G'", "'g'"]),
    "unknown in a call": ("y ~ np.log(smal)", lambda t: t, {}, ["no column 'smal'", "'small'"]),
    "needs back-ticks": ("Log_power ~ x", lambda t: t, {}, ["'Log power'", "`Log power`"]),
    "unknown weights": ("y ~ x", lambda t: t, {"weights": "m"}, ["no column 'm'"]),
    "unknown trials": ("y ~ x", lambda t: t, {"trials": "m"}, ["no column 'm'"]),
    "unknown polars": ("y ~ xx", as_polars, {}, ["no column 'xx'", "'x'"]),
    "duplicate": (
        "y ~ x",
        lambda t: pd.concat([t, t[["x"]]], axis=1),
        {},
        ["2 columns named 'x'", "Rename"],
    ),
    "empty": ("y ~ x", lambda t: t[:0], {}, ["empty"]),
    "empty polars": ("y ~ x", lambda t: as_polars(t)[:0], {}, ["empty"]),
    "all missing": ("y ~ x", with_column("x", np.nan), {}, ["All 60 rows", "'x' (60)"]),
    "all missing, None": ("y ~ x + a", with_column("a", None), {}, ["All 60 rows", "'a' (60)"]),
    "none complete": (
        "y ~ x + small",
        lambda t: t.assign(
            x=np.where(np.arange(60) < 30, np.nan, 1), small=np.where(np.arange(60) < 30, 1, np.nan)
        ),
        {},
        ["All 60 rows", "'x' (30)", "'small' (30)"],
    ),
    "infinite": ("y ~ x", spoilt("x", np.inf), {}, ["'x'", "2 infinite values", "rows 3, 8"]),
    "infinite response": (
        "y ~ x",
        spoilt("y", -np.inf, (5,)),
        {},
        ["'y'", "1 infinite value", "row 5"],
    ),
    "dates": ("y ~ d", with_column("d", DATES), {}, ["'d'", "dates", "days since"]),
    "durations": ("y ~ d", with_column("d", DATES - DATES[0]), {}, ["'d'", "dates or times"]),
    "date objects": (
        "y ~ d",
        with_column("d", [datetime.date(2024, 1, 1)] * 60),
        {},
        ["'d'", "dates", "days since"],
    ),
    "complex": ("y ~ z", with_column("z", np.arange(60) * 1j), {}, ["'z'", "complex", "modulus"]),
    "lists": ("y ~ l", with_column("l", [1, 2]), {}, ["'l'", "list", "one value per row"]),
    "lists polars": (
        "y ~ l",
        lambda t: as_polars(t).with_columns(l=pl.Series([[1, 2]] * 60)),
        {},
        ["'l'", "lists"],
    ),
    "mixture": ("y ~ small", spoilt("small", "many"), {}, ["'small'", "mixture", "int", "str"]),
    "one level": ("y ~ c", with_column("c", "one"), {}, ["'c'", "only one level", "'one'"]),
    "one level left": (
        "y ~ x + a",
        lambda t: t[t["a"] == "q"],
        {},
        ["'a'", "only one level", "'q'"],
    ),
    "negative weights": (
        "y ~ x",
        spoilt("n", -1),
        {"weights": "n"},
        ["'n'", "2 negative values", "rows 3, 8"],
    ),
    "zero weights": ("y ~ x", with_column("n", 0), {"weights": "n"}, ["'n'", "all zero"]),
    "text weights": ("y ~ x", lambda t: t, {"weights": "a"}, ["'a'", "not numeric"]),
    "weights in an array": (
        "y ~ x",
        lambda t: t,
        {"weights": np.ones(60)},
        ["weights", "name of a column", "ndarray"],
    ),
    "infinite weights": (
        "y ~ x",
        with_column("w", np.r_[np.inf, np.ones(59)]),
        {"weights": "w"},
        ["'w'", "1 infinite value", "row 0"],
    ),
    "half trials": (
        "y ~ x",
        with_column("w", np.r_[2.5, -1, np.ones(58)]),
        {"trials": "w"},
        ["'w'", "2 values", "not whole", "rows 0, 1"],
    ),
    "text trials": ("y ~ x", lambda t: t, {"trials": "a"}, ["'a'", "not numeric"]),
    "negative trials": ("y ~ x", lambda t: t, {"trials": -3}, ["-3", "below zero"]),
    "odd trials": ("y ~ x", lambda t: t, {"trials": [3]}, ["[3]", "neither"]),
    "trials twice": ("p(small, n) ~ x", lambda t: t, {"trials": 9}, ["twice", "trials=9"]),
}


@pytest.mark.parametrize(("text", "change", "options", "essentials"), ERRORS.values(), ids=ERRORS)
def test_refusals(table, text, change, options, essentials):
    data = change(table)
    with pytest.raises(DataError) as caught:
        take(text, data, **options)
    for essential in essentials:
        assert essential in str(caught.value), str(caught.value)


def test_rows_are_counted_in_the_user_s_frame(table):
    table.loc[0, "y"] = np.nan
    table.loc[3, "x"] = np.inf
    with pytest.warns(DesignWarning), pytest.raises(DataError, match="row 3 "):
        take("y ~ x", table)


def test_decimals_are_numbers():
    data = {"y": [Decimal("1.5"), Decimal("2.25"), Decimal(3)], "x": [1.0, 2.0, 4.0]}
    assert take("y ~ x", data).data["y"].tolist() == [1.5, 2.25, 3.0]
    arrow = pa.table({"y": pa.array(data["y"], pa.decimal128(5, 2)), "x": data["x"]})
    assert take("y ~ x", arrow).data["y"].tolist() == [1.5, 2.25, 3.0]


@pytest.mark.parametrize("seed", range(20))
def test_distinct_rows_are_those_of_pandas(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 300))
    data = pd.DataFrame(
        {
            "a": pd.Categorical(rng.choice(list("pqrs"), n)),
            "b": rng.integers(-3, 3, n),
            "c": rng.choice([0.5, -0.0, 0.0, 2.0], n),
            "d": rng.random(n) < 0.5,
        }
    )
    columns = list(rng.permutation(list(data)))[: int(rng.integers(0, 5))]
    first, row = distinct_rows(data, columns)
    if columns:
        expected = data[columns].drop_duplicates()
        np.testing.assert_array_equal(first, expected.index)
    else:
        np.testing.assert_array_equal(first, [0])
    assert (data[columns].iloc[first].reset_index(drop=True).iloc[row].to_numpy()
            == data[columns].to_numpy()).all()  # fmt: skip


def test_distinct_rows_of_more_combinations_than_an_integer_holds():
    # Nine columns of 256 values: 2^72 combinations, the first column in the digits beyond 2^64.
    one, other = np.zeros((256, 9)), np.tile(np.arange(256.0)[:, None], 9)
    one[:, 0] = np.arange(256)
    values = np.vstack([one, other[1:]])
    data = pd.DataFrame(np.repeat(values, 5, axis=0), columns=list("abcdefghi"))
    first, row = distinct_rows(data, list(data))
    np.testing.assert_array_equal(first, np.arange(0, 5 * len(values), 5))
    np.testing.assert_array_equal(row, np.repeat(np.arange(len(values)), 5))


@pytest.mark.parametrize("convert", [lambda t: t, as_polars], ids=["pandas", "polars"])
def test_numbers_with_one_cell_of_text_are_no_factor(table, convert):
    table["x"] = table["x"].astype(str)
    with pytest.raises(DataError, match=r"'x' is text, but all of its 60 .*to_numeric.*C\(x\)"):
        take("y ~ x", convert(table))
    table.loc[[17, 30], "x"] = "oops"
    expected = r"58 of its 59 .*2 cells are not: 'oops' in row 17, 'oops' in row 30.*C\(x\)"
    for text in ("y ~ x", "y ~ a*x", "y ~ a + (x|g)"):
        with pytest.raises(DataError, match=expected):
            take(text, convert(table))
    for text in ("y ~ C(x)", "y ~ a + (1|x)", "y ~ I(x == 'oops')"):
        take(text, convert(table))


def test_text_with_a_level_for_each_row_is_no_predictor(table):
    table["id"] = [f"m{i}" for i in range(60)]
    with pytest.raises(DataError, match=r"'id' is text with 60 levels in 60 rows.*\(1\|id\)"):
        take("y ~ x + id", table)
    for text in ("y ~ x + (1|id)", "p(small, n) ~ id", "y ~ C(id)"):
        take(text, table)


def test_a_response_in_a_call_is_no_predictor(table):
    formula = parse_formula("log(y) ~ log(y + 1)", {"y": 1})  # 'y' may be the caller's own
    with pytest.raises(FormulaError, match="column 'y' of the response"):
        frame_from(table, formula)
