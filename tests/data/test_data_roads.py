"""Every road that a table can come by: the same columns, levels and order, whatever the library."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from winstan.data import frame_from
from winstan.data.tables import in_memory
from winstan.design_warnings import silenced
from winstan.errors import DataError, DesignWarning
from winstan.formula import parse_formula

N = 24
ROW = np.arange(N)
DOSES = ["vehicle", "low", "high"]
LAST = ["vehicle", "low", "high", "never"]


def take(text, data, **options):
    return frame_from(data, parse_formula(text), **options)


def cut(values, missing):
    """Put missing values among some."""
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


# What each column holds, the levels that it must have, and whether it declares their order.
TEXT = np.array(DOSES)[ROW % 3].tolist()
GONE = (ROW == 7).tolist()
COLUMNS = {
    "text": (TEXT, sorted(DOSES), None),
    "text_missing": (cut(TEXT, GONE), sorted(DOSES), None),
    "ordered": (TEXT, DOSES, DOSES),
    "ordered_missing": (cut(TEXT, GONE), DOSES, DOSES),
    "unused": (TEXT, DOSES, LAST),
    "numbers": ((ROW % 5 + 0.5).tolist(), None, None),
    "whole": ((ROW % 5 - 2).tolist(), None, None),
    "whole_missing": (cut((2**60 + ROW % 5).tolist(), GONE), None, None),
    "unsigned": ([2**63 + 512 * int(i % 5) for i in ROW], None, None),
    "boolean": ((ROW % 2 == 0).tolist(), None, None),
    "boolean_missing": (cut((ROW % 2 == 0).tolist(), GONE), None, None),
}
PANDAS = {"whole_missing": "Int64", "unsigned": "uint64", "boolean_missing": "boolean"}
KINDS = {"numbers": "f", "whole": "i", "unsigned": "u", "boolean": "b"}
POLARS = {"unsigned": pl.UInt64}


def pandas_column(name):
    values, _, declared = COLUMNS[name]
    if declared:
        return pd.Series(pd.Categorical(values, declared, ordered=True))
    return pd.Series(values, dtype=PANDAS.get(name))


def polars_column(name):
    values, _, declared = COLUMNS[name]
    return pl.Series(values, dtype=pl.Enum(declared) if declared else POLARS.get(name))


def as_pandas():
    return pd.DataFrame({"y": ROW.astype(float)} | {name: pandas_column(name) for name in COLUMNS})


def as_polars():
    return pl.DataFrame({"y": ROW.astype(float)} | {name: polars_column(name) for name in COLUMNS})


def through_parquet(folder):
    as_pandas().to_parquet(folder / "table.parquet")
    return pd.read_parquet(folder / "table.parquet", dtype_backend="pyarrow")


ROADS = {
    "pandas": lambda _: as_pandas(),
    "pandas, nullable": lambda _: as_pandas().convert_dtypes(),
    "pandas, objects": lambda _: as_pandas().astype({"text": object, "whole": object}),
    "pandas, Arrow backend": through_parquet,
    "polars to pandas, Arrow backend": lambda _: as_polars().to_pandas(
        use_pyarrow_extension_array=True
    ),
    "polars": lambda _: as_polars(),
    "polars, lazy": lambda _: as_polars().lazy(),
    "Arrow, of pandas": lambda _: pa.Table.from_pandas(as_pandas()),
    "Arrow, of polars": lambda _: as_polars().to_arrow(),
    "Arrow, in pieces": lambda _: pa.concat_tables(
        [as_polars()[:10].to_arrow(), as_polars()[10:].to_arrow()]
    ),
    "mapping of pandas columns": lambda _: dict(as_pandas().items()),
    "mapping of polars columns": lambda _: as_polars().to_dict(),
    "mapping of Arrow columns": lambda _: dict(
        zip(as_polars().columns, as_polars().to_arrow().columns, strict=True)
    ),
    "mapping of Arrow columns of pandas": lambda _: {
        name: pa.Table.from_pandas(as_pandas()).column(name) for name in as_pandas()
    },
    "mapping of each": lambda _: {
        name: (as_pandas(), as_polars(), as_polars().to_arrow())[k % 3][name]
        for k, name in enumerate(as_pandas())
    },
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("road", ROADS)
def test_a_column_is_the_same_by_every_road(road, name, tmp_path):
    values, levels, declared = COLUMNS[name]
    table = ROADS[road](tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = take(f"y ~ 1 + (1|{name})", table)
    here = [value for value in values if value is not None]
    column = found.data[name]
    assert found.data["y"].tolist() == [float(i) for i in ROW if values[i] is not None]
    assert column.tolist() == here
    if levels is None:
        assert column.dtype.kind == KINDS[name.removesuffix("_missing")]
    else:
        assert column.cat.categories.tolist() == levels
    said = {w.message.guard for w in caught if isinstance(w.message, DesignWarning)}
    assert said == ({"missing_rows"} if None in values else set()) | (
        {"unused_levels"} if declared == LAST else set()
    )


@pytest.mark.parametrize("road", ["pandas", "Arrow, of pandas", "mapping"])
def test_the_order_of_a_category_that_is_not_ordered_is_kept_where_it_was_declared(road):
    column = pd.Categorical(TEXT, DOSES)
    table = pd.DataFrame({"y": ROW, "dose": column})
    data = {
        "pandas": table,
        "Arrow, of pandas": pa.Table.from_pandas(table),
        "mapping": {"y": ROW, "dose": column},
    }[road]
    assert take("y ~ dose", data).data["dose"].cat.categories.tolist() == DOSES


@pytest.mark.parametrize(
    "wrap",
    [
        lambda a: pa.table({"y": ROW, "dose": a}),
        lambda a: {"y": ROW, "dose": a},
        lambda a: pa.table({"y": ROW, "dose": a}).to_pandas(types_mapper=pd.ArrowDtype),
    ],
    ids=["Arrow", "mapping", "pandas, Arrow backend"],
)
def test_an_order_that_no_dictionary_declares_is_sorted_and_said(wrap):
    data = wrap(pa.array(TEXT).dictionary_encode())
    with pytest.warns(DesignWarning, match=r"'dose'.*sorted, 'high', 'low', 'vehicle'.*'vehicle',"):
        found = take("y ~ dose", data)
    assert found.data["dose"].cat.categories.tolist() == sorted(DOSES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take("y ~ 1 + (1|dose)", data)  # the order decides nothing
        with silenced("level_order"):
            take("y ~ dose", data)
        take("y ~ dose", wrap(pa.array(sorted(TEXT)).dictionary_encode()))


@pytest.mark.parametrize("values", [[10, 2, 50], [0.5, -1.0, 3.0], [True, False]])
@pytest.mark.parametrize("road", ["Arrow", "pandas, Arrow backend", "mapping"])
def test_a_dictionary_of_numbers_or_booleans_keeps_them(values, road):
    column = pa.array(np.array(values)[ROW % len(values)]).dictionary_encode()
    table = pa.table({"y": ROW, "x": column})
    data = {
        "Arrow": table,
        "pandas, Arrow backend": table.to_pandas(types_mapper=pd.ArrowDtype),
        "mapping": {"y": ROW, "x": column},
    }[road]
    levels = take("y ~ 1 + (1|x)", data).data["x"].cat.categories.tolist()
    assert levels == sorted(values)
    assert {type(level) for level in levels} == {type(values[0])}


def test_a_missing_value_in_a_dictionary_is_missing():
    column = pa.DictionaryArray.from_arrays(pa.array(ROW % 3), pa.array(["a", None, "b"]))
    for data in (
        pa.table({"y": ROW, "x": column}),
        pa.table({"y": ROW, "x": column}).to_pandas(types_mapper=pd.ArrowDtype),
        {"y": ROW, "x": column},
    ):
        with pytest.warns(DesignWarning, match="8 of 24 rows"):
            found = take("y ~ x", data)
        assert found.data["x"].tolist() == ["a", "b"] * 8


def test_a_dictionary_of_as_many_values_as_its_index_can_hold():
    names = [f"m{k:03d}" for k in range(127)]
    column = pa.DictionaryArray.from_arrays(pa.array([*range(127), None], pa.int8()), names)
    with pytest.warns(DesignWarning, match="1 of 128 rows"):
        found = take("y ~ 1 + (1|m)", pa.table({"y": np.arange(128.0), "m": column}))
    assert found.data["m"].tolist() == names


def test_a_mapping_of_series_with_different_indexes_is_refused():
    x, y = pd.Series(ROW), pd.Series(ROW, index=pd.RangeIndex(1, N + 1))
    for data in ({"y": y, "x": x}, {"y": y[::-1], "x": x}):
        with pytest.raises(DataError, match=r"'y' and 'x'.*different indexes.*to_numpy"):
            take("y ~ x", data)
    found = take("y ~ x", {"y": y, "x": pd.Series(2 * ROW, index=y.index), "other": ROW})
    assert (found.data["x"] == 2 * found.data["y"]).all()
    assert take("y ~ x", {"y": y, "x": x.to_numpy()}).data["x"].tolist() == ROW.tolist()


AGE = [float(20 + i) for i in ROW[:-2]] + ["Refused", "Unknown"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(AGE, dtype=object),
        pd.Categorical(AGE, AGE),
        pd.Categorical(AGE, AGE, ordered=True),
    ],
    ids=["objects", "category", "ordered"],
)
def test_labels_among_numbers_are_named_with_their_rows_and_the_remedies_work(column):
    data = pd.DataFrame({"y": ROW, "age": column})
    data.loc[0, "y"] = np.nan  # rows keep the user's numbers
    with pytest.raises(DataError) as caught, silenced("all"):
        take("y ~ age", data)
    message = str(caught.value)
    assert "'age'" in message
    assert "'Refused', 'Unknown', in 2 rows: rows 22, 23" in message
    numbers = eval("pd.to_numeric(data['age'].astype(object), errors='coerce')")
    assert "pd.to_numeric(data['age'].astype(object), errors='coerce')" in message
    assert numbers.tolist()[:-2] == AGE[:-2]
    assert numbers.isna().sum() == 2
    assert "data['age'].astype(str)" in message
    with silenced("all"):
        take("y ~ 1 + (1|age)", data.assign(age=data["age"].astype(str)))


def test_two_levels_of_one_text_are_refused():
    twins = pd.Categorical.from_codes(ROW % 3, pd.Index([1, "1", "x"], dtype=object))
    with pytest.raises(DataError, match=r"'g'.*labels among numbers, '1', 'x', in 16 rows"):
        take("y ~ 1 + (1|g)", {"y": ROW, "g": twins})
    classes = pd.cut(ROW, [-1, 5, 30]).add_categories("unknown")
    classes[3] = "unknown"
    take("y ~ 1 + (1|g)", {"y": ROW, "g": classes})  # intervals are labels, too
    days = pd.Index([pd.Period("2026-01-01", "D"), datetime.date(2026, 1, 1)], dtype=object)
    twins = pd.Categorical.from_codes(ROW % 2, days)
    with pytest.raises(DataError, match=r"'g' has 2 levels that are both written '2026-01-01'"):
        take("y ~ 1 + (1|g)", {"y": ROW, "g": twins})


@pytest.mark.parametrize(
    "column",
    [
        [2**63 + 512 * int(i % 5) for i in ROW],
        np.array([2**63 + 512 * int(i % 5) for i in ROW], dtype=np.uint64),
        pl.Series([2**63 + 512 * int(i % 5) for i in ROW], dtype=pl.UInt64),
        pl.Series([2**63 + 512 * int(i % 5) for i in ROW], dtype=pl.Int128),
        pa.array([2**63 + 512 * int(i % 5) for i in ROW], pa.uint64()),
        pd.array([2**63 + 512 * int(i % 5) for i in ROW], dtype="UInt64"),
    ],
    ids=["list", "NumPy", "polars", "polars Int128", "Arrow", "nullable"],
)
def test_large_unsigned_ids_stay_distinct(column):
    found = take("y ~ 1 + (1|id)", {"y": ROW.astype(float), "id": column}).data["id"]
    assert found.tolist() == [2**63 + 512 * int(i % 5) for i in ROW]


def test_whole_numbers_beyond_64_bits_are_refused():
    with pytest.raises(DataError, match=r"'id' has 2 whole numbers beyond 64 bits, in rows 1, 2"):
        take("y ~ 1 + (1|id)", {"y": [1.0, 2.0, 3.0], "id": [1, 2**64, -(2**70)]})
    with pytest.raises(DataError, match="beyond 64 bits"):
        take("y ~ 1 + (1|id)", {"y": [1.0, 2.0], "id": pl.Series([1, 2**64], dtype=pl.Int128)})


def test_a_lazy_frame_is_evaluated_once_and_an_open_one_not_again():
    runs = []

    def counted(frame):
        runs.append(1)
        return frame

    table = in_memory(as_polars().lazy().map_batches(counted))
    assert len(runs) == 1
    take("y ~ whole + (1|text)", table)
    take("y ~ numbers", table)
    assert len(runs) == 1
    assert in_memory(table) is table
