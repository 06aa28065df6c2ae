"""`fit_each` of data that stay where they are: each group is read there, and is the same."""

import warnings

import numpy as np
import polars as pl
import pytest

import winstan as ws
from winstan.each.groups import partition
from winstan.engines import enter
from winstan.errors import DataError, DesignWarning, OptionError

duckdb = pytest.importorskip("duckdb")


def table():
    rng = np.random.default_rng(4)
    k = np.arange(240)
    level = pl.Enum(["late", "early"])
    return pl.DataFrame({
        "neuron": pl.Series([["b", "a", "it's", None][i % 4] for i in k]),
        "day": pl.Series([["early", "late"][i // 40 % 2] for i in k], dtype=level),
        "depth": np.where(k % 24 == 1, np.nan, k % 3 / 10),
        "x": k // 4 % 2,
        "y": rng.normal(k % 4, 1.0),
    })  # fmt: skip


def sources(tmp_path):
    table().write_parquet(tmp_path / "rows.parquet")
    return [enter(data, in_memory=50) for data in (tmp_path / "rows.parquet", table().lazy())]


@pytest.mark.parametrize("by", ["neuron", "depth", ["day", "neuron"]])
def test_groups_are_those_of_the_rows_in_memory(by, tmp_path):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        want = partition(table(), by)
    for source in sources(tmp_path):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            got = partition(source, by)
        assert [str(one.message) for one in caught] == [str(one.message) for one in told]
        if source.engine == "polars":  # parquet keeps no order of an Enum for DuckDB
            assert got.keys == want.keys
        assert (got.n_rows, got.missing) == (want.n_rows, want.missing)
        for i, key in enumerate(got.keys):
            own, theirs = pl.DataFrame(got.part(i)), want.part(want.keys.index(key))
            assert own["y"].to_list() == theirs["y"].to_list()
            assert own["x"].to_list() == theirs["x"].to_list()
            assert got.positions(i).tolist() == list(range(len(own)))


def test_a_group_that_has_other_rows_than_were_counted_is_refused(tmp_path):
    with warnings.catch_warnings(action="ignore"):
        parts = partition(sources(tmp_path)[0], "neuron")
    table()[40:].write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DataError, match=r"The rows of neuron 'a' are 50, and were 60 when they"):
        parts.part(0)


@pytest.mark.slow
def test_fits_are_those_of_the_rows_in_memory(tmp_path):
    options = {"by": "neuron", "seed": 1, "silence": "all", "n_jobs": 1, "draws": 200, "cores": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = ws.fit_each("y ~ x", table(), **options)
        for source in sources(tmp_path):
            got = ws.fit_each("y ~ x", source, **options)
            assert got.table.equals(want.table)
            assert got.keys == ("a", "b", "it's")


def test_groups_of_a_dask_frame_are_those_of_the_rows_in_memory():
    frames = pytest.importorskip("dask.dataframe")
    rows = table().with_columns(pl.col("day").cast(pl.String))
    want = partition(rows, ["day", "x"])
    got = partition(
        enter(frames.from_pandas(rows.to_pandas(), npartitions=3), in_memory=50), ["day", "x"]
    )
    assert got.keys == want.keys
    for i in range(len(want.keys)):
        own, theirs = got.part(i), pl.DataFrame(want.part(i))
        assert own["y"].tolist() == theirs["y"].to_list()
        assert own["neuron"].isna().sum() == theirs["neuron"].null_count()


def test_what_is_not_had_of_groups_that_are_read_apart_is_refused(tmp_path):
    for source in sources(tmp_path):
        options = {"by": "neuron", "silence": "all", "n_jobs": 1}
        with pytest.raises(OptionError, match=r"read group by group: .*\.save\(path\)"):
            ws.fit_each("y ~ x", source, file=tmp_path / "each.nc", **options)
        with pytest.raises(DataError, match=r"no column 'depht'.*'depth'"):
            ws.fit_each("y ~ depht", source, **options)
        with pytest.raises(DataError, match="no column 'neurons'"):
            partition(source, "neurons")
        with pytest.warns(DesignWarning, match="60 of 240 rows are in no group"):
            partition(source, "neuron")
