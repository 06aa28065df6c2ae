"""Values at the edge, limits of memory and disk: as in memory, or an error of winstan's."""

import numpy as np
import polars as pl
import pytest

import winstan as ws
from winstan.building import model_and_frame
from winstan.engines import duckdb_sql, enter, grouped_frame, opening
from winstan.errors import DataError, OptionError
from winstan.formula import parse_formula

duckdb = pytest.importorskip("duckdb")

N = 600


def table(**columns):
    k = np.arange(N)
    return pl.DataFrame({"x": k % 4 * 1.0, "y": 1.0 + k % 7, "w": np.ones(N)} | columns)


def read(formula, source, family="gaussian", **options):
    return model_and_frame(formula, source, family, {}, **options)


def grouped(source):
    """The groups of a source, without a model of them."""
    return grouped_frame(source, parse_formula("y ~ 1 + (1|g)", {}), {}, functions=("identity",))


def of_csv(text, tmp_path, in_memory):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    return [enter(path, in_memory=in_memory), enter(pl.scan_csv(path), in_memory=in_memory)]


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # of few groups, of digits
@pytest.mark.parametrize("in_memory", [100, 10_000])
@pytest.mark.parametrize("least", [2**63 - 5, 2**64 - 2, 10**20 - 10])
def test_long_ids_of_a_csv_file_are_not_merged(least, in_memory, tmp_path):
    ids = "".join(f"{least + i % 3 * 5},{i % 4},{i % 7}\n" for i in range(N))
    for data in of_csv("id,x,y\n" + ids, tmp_path, in_memory):
        model, _ = read("y ~ x + (1|id)", data)
        assert model.cells.n == 12  # a double holds no two of the three apart
        assert sorted(map(str, model.design.groups[0].levels)) == sorted(
            str(least + 5 * i) for i in range(3)
        )


def test_sums_of_a_relation_are_numbers():
    relation = duckdb.sql("SELECT range % 4 AS x, (range % 7)::HUGEINT AS y FROM range(600)")
    assert relation.types[1] == "HUGEINT"
    model, _ = read("y ~ x", enter(relation, in_memory=100))
    want, _ = read("y ~ x", pl.DataFrame({"x": np.arange(N) % 4, "y": np.arange(N) % 7}))
    np.testing.assert_allclose(
        np.sort(model.cells.statistics["mean_y"]), np.sort(want.cells.statistics["mean_y"])
    )


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # of missing rows
@pytest.mark.parametrize("in_memory", [100, 10_000])
def test_text_of_no_letters_is_a_level_where_it_is_quoted(in_memory, tmp_path):
    for text, missing in (('""', 0), ("", 200)):
        lines = "".join(f"{(text, 'a', 'b')[i % 3]},{i % 7}\n" for i in range(N))
        for data in of_csv("t,y\n" + lines, tmp_path, in_memory):
            model, frame = read("y ~ t", data)
            assert frame.missing.get("t", 0) == missing
            assert model.cells.n == (2 if missing else 3)


def test_names_that_differ_in_case_only_are_right_or_refused_with_duckdb_s_own(tmp_path):
    frame = table(Y=100.0 + np.arange(N) % 5)
    path = tmp_path / "rows.parquet"
    frame.write_parquet(path)
    source = enter(path, in_memory=100)
    with pytest.raises(DataError, match=r"no column 'Y'.* 'Y_1'"):
        read("Y ~ x", source)
    for ours, theirs in (("y ~ x", "y ~ x"), ("Y_1 ~ x", "Y ~ x")):
        got, want = (
            np.sort(read(one, data)[0].cells.statistics["mean_y"])
            for one, data in ((ours, source), (theirs, frame))
        )
        np.testing.assert_allclose(got, want, rtol=1e-13)


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200])
def test_weights_too_small_to_multiply_by_are_refused(size, tmp_path):
    frame = table(w=np.full(N, size))
    frame.write_parquet(tmp_path / "rows.parquet")
    for data in (frame, enter(frame.lazy(), in_memory=100), tmp_path / "rows.parquet"):
        with pytest.raises(DataError, match=r"weights 'w' are at most .* smaller unit: w / "):
            read("y ~ x", data, weights="w")


@pytest.mark.filterwarnings("ignore")  # of what Ibis deprecates of others
def test_an_infinite_weight_is_named_beneath_ibis(tmp_path):
    ibis = pytest.importorskip("ibis")
    path = tmp_path / "rows.parquet"
    table(w=np.where(np.arange(N) == 5, np.inf, 1.0)).write_parquet(path)
    source = enter(ibis.duckdb.connect().read_parquet(path), in_memory=100)
    with pytest.raises(DataError, match="Column 'w' has 1 infinite value"):
        read("y ~ x", source, weights="w")


def test_a_limit_of_memory_is_the_user_s_and_a_query_beyond_it_leaves_nothing(
    tmp_path, monkeypatch
):
    path, spilled = tmp_path / "rows.parquet", tmp_path / "spilled"
    spilled.mkdir()
    table().write_parquet(path)
    assert len(ws.scan(path)) == N  # small ones are data in memory
    monkeypatch.setattr(opening, "IN_MEMORY", 100)
    k = np.arange(200_000)
    pl.DataFrame({"g": k % 100_000, "y": 1.0 + k % 7}).write_parquet(path)
    enough = ws.scan(path, memory_limit="400MB", temp_directory=spilled)
    assert len(grouped(enough).data) == 100_000
    with pytest.raises(DataError, match=r"(?s)nothing was kept.*Out of Memory.*memory_limit"):
        grouped(ws.scan(path, memory_limit="8MB", temp_directory=spilled))
    del enough
    assert not list(spilled.iterdir())


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    spilled = tmp_path / "spilled"
    connection = duckdb.connect(
        config={"memory_limit": "20MB", "max_temp_directory_size": "1MB", "threads": 2}
        | {"temp_directory": str(spilled)}
    )
    relation = connection.sql("SELECT hash(range) AS g, 1.0 + range % 7 AS y FROM range(1_000_000)")
    with pytest.raises(DataError, match="nothing was kept"):
        grouped(enter(relation, in_memory=100))
    assert connection.execute("SELECT 42").fetchall() == [(42,)]
    connection.close()
    assert not spilled.exists() or not list(spilled.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"memory_limit": "much"}, "memory_limit= must be a size, such as '4GB', not 'much'"),
        ({"memory_limit": 4}, "not 4"),
        ({"temp_directory": "/nowhere/at/all"}, "temp_directory= must be a folder"),
    ],
)
def test_limits_that_are_none_are_refused_by_name(options, said, tmp_path):
    table().write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(OptionError, match=said):
        ws.scan(tmp_path / "rows.parquet", **options)


def test_a_file_that_is_deleted_between_the_passes_is_an_error(tmp_path, monkeypatch):
    for k in (0, 1):
        table().write_parquet(tmp_path / f"part_{k}.parquet")
    second = duckdb_sql.second_pass

    def deleted(*args):
        (tmp_path / "part_1.parquet").unlink()
        return second(*args)

    monkeypatch.setattr(duckdb_sql, "second_pass", deleted)
    with pytest.raises(DataError, match=r"part_1\.parquet"):
        read("y ~ x", enter(tmp_path / "*.parquet", in_memory=100), "gamma")
