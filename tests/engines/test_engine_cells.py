"""Cells that an engine groups are those of the same rows in memory, whatever the engine."""

import os
import warnings
from dataclasses import replace

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winstan.building import model_and_frame
from winstan.engines import enter, open_data, sample_rows
from winstan.errors import DataError

duckdb = pytest.importorskip("duckdb")

N = 4_000


def gaps(name, every, value):
    here = pl.int_range(pl.len()) % every == 3
    return pl.when(here).then(value).otherwise(pl.col(name)).alias(name)


def rows():
    """Rows at which naive sums fail: a mean of 1e9 with an sd of 1, skew, gaps, lone rows."""
    rng = np.random.default_rng(26)
    mouse = rng.integers(0, 8, N)
    table = {
        "mouse": np.array([f"m{i}" for i in mouse]),
        "stim": rng.integers(0, 2, N),
        "on": rng.integers(0, 2, N).astype(bool),
        "dose": rng.choice([0.0, -0.0, 0.5, 2.0], N),
        "small": rng.choice([0.1, 0.2], N).astype(np.float32),
        "log_hours": np.log(rng.choice([1.0, 2.0], N)),
        "large": 1e9 + rng.normal(size=N),
        "skewed": rng.gamma(0.3, 1e-6, N) + 1e-30,
        "share": rng.beta(0.2, 3.0, N),
        "count": rng.poisson(3.0, N),
        "trials": rng.integers(0, 4, N),
        "times": rng.integers(0, 4, N),
        "half": rng.choice([0.0, 0.5, 1.5], N),
    }
    table["hits"] = rng.binomial(table["trials"], 0.4)
    frame = pl.DataFrame(table).with_columns(
        gaps("stim", 97, None), gaps("large", 89, float("nan")), gaps("dose", 83, float("nan"))
    )
    frame = frame.with_columns(
        pl.col("stim").cast(pl.Decimal(10, 2)).alias("decimal"),
        pl.col("mouse").cast(pl.Enum([f"m{i}" for i in range(8)][::-1])).alias("ordered"),
    )
    lone = frame[:1].with_columns(pl.lit("m9").alias("mouse"), pl.lit(1).alias("stim"))
    return pl.concat([frame, lone.select(frame.columns).cast(frame.schema)])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    table = rows()
    table.write_parquet(folder / "rows.parquet")
    table[:1500].write_parquet(folder / "part_1.parquet")
    table[1500:].write_parquet(folder / "part_2.parquet")
    table.write_csv(folder / "rows.csv")
    return table, folder


def source_of(data, engine):
    table, folder = data
    sources = {
        "parquet": lambda: folder / "rows.parquet",
        "csv": lambda: folder / "rows.csv",
        "glob": lambda: str(folder / "part_*.parquet"),
        "relation": lambda: duckdb.connect().read_parquet(str(folder / "rows.parquet")),
        "polars": lambda: pl.scan_parquet(folder / "rows.parquet"),
        "polars frame": table.lazy,
    }
    return enter(sources[engine](), in_memory=100)


def model_of(formula, data, family, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model_and_frame(formula, data, family, {}, **options)


def in_order(cells):
    """The order of cells by predictors and levels."""
    columns = [*cells.X.T, *cells.level, *(z for Z in cells.Z for z in Z.T), cells.offset]
    return np.lexsort([column[: cells.n] for column in columns])


def assert_same_cells(got, want, relative=1e-12):
    assert got.n == want.n
    ours, theirs = in_order(got), in_order(want)
    np.testing.assert_allclose(got.X[: got.n][ours], want.X[: want.n][theirs], atol=relative)
    np.testing.assert_allclose(got.weight[ours], want.weight[theirs], rtol=relative)
    assert got.statistics.keys() == want.statistics.keys()
    for name, value in want.statistics.items():
        a, b = np.asarray(got.statistics[name], float), np.asarray(value, float)
        if name in ("cell", "value", "tally"):
            continue  # below, by the number of their cell
        if b.shape[:1] == (want.n,):
            a, b = a[ours], b[theirs]
        np.testing.assert_allclose(a, b, rtol=relative, err_msg=name)
    if {"cell", "value"} <= want.statistics.keys():
        np.testing.assert_array_equal(tallied(got, ours), tallied(want, theirs))


def tallied(cells, order):
    rank = np.argsort(order)
    own = cells.statistics
    table = np.column_stack([rank[own["cell"] - 1], own["value"], own["tally"]])
    return table[np.lexsort(table.T[::-1])]


CASES = [
    ("large ~ stim * on + dose + (1|mouse)", "gaussian", {}),
    ("large ~ stim + (1|mouse); sigma ~ stim", "gaussian", {"weights": "half"}),
    ("np.log(skewed) ~ small + (1 + stim|mouse)", "gaussian", {}),
    ("skewed ~ mouse + offset(log_hours)", "lognormal", {}),
    ("skewed ~ stim + offset(log_hours) + (1|mouse)", "gamma", {"weights": "times"}),
    ("skewed ~ decimal + C(dose)", "exponential", {}),
    ("share ~ stim + (1|mouse)", "beta", {}),
    ("count ~ stim + offset(log_hours) + (1|mouse)", "poisson", {"weights": "times"}),
    ("count ~ stim + (1|mouse)", "negative_binomial", {}),
    ("p(hits, trials) ~ stim + (1|mouse)", "binomial", {}),
    ("hits ~ stim", "beta_binomial", {"trials": "trials"}),
    ("on ~ stim + (1|mouse)", "bernoulli", {}),
    ("count ~ stim + on", "student", {}),
    ("count ~ stim + on", "cumulative", {}),
    ("mouse['m1'] ~ on", "bernoulli", {}),
    ("large ~ 1", "gaussian", {}),
    ("skewed ~ mouse", "gamma", {}),
    ("skewed ~ scale(dose) * center(stim) + (scale(dose)|mouse)", "gamma", {"weights": "times"}),
    ("skewed ~ poly(dose, 2) + (center(np.sqrt(dose))|mouse)", "lognormal", {"weights": "times"}),
    ("count ~ bs(dose, df=2, degree=1) + offset(scale(dose))", "poisson", {}),
    ("on ~ between(dose, mouse) + within(dose, mouse)", "bernoulli", {}),
    ("count ~ bin(large, 20) + (1|mouse)", "poisson", {}),
]


ENGINES = [(case, engine) for case in CASES for engine in ("parquet", "polars")]
ENGINES += [
    (CASES[0], "glob"),
    (CASES[4], "csv"),
    (CASES[4], "relation"),
    (CASES[9], "polars frame"),
]


@pytest.mark.parametrize(("case", "engine"), ENGINES)
def test_cells_are_those_of_the_rows_in_memory(data, case, engine):
    formula, family, options = case
    want, frame = model_of(formula, data[0], family, **options)
    got, grouped = model_of(formula, source_of(data, engine), family, **options)
    assert grouped.grouped is not None
    assert_same_cells(got.cells, want.cells)
    assert grouped.missing == frame.missing
    assert (grouped.n_rows, grouped.weightless) == (frame.n_rows, frame.weightless)
    assert got.design.n_used == want.design.n_used
    for name, prior in want.priors.table.items():
        if hasattr(prior, "numbers"):  # those of means of 1e9 are rounded to 1e-7
            ours = got.priors[name].numbers
            np.testing.assert_allclose(ours, prior.numbers, rtol=1e-9, atol=1e-8, err_msg=name)
    assert got.design.column_names == want.design.column_names


def test_duckdb_gives_the_same_bits_in_any_number_of_threads(data):
    path = str(data[1] / "rows.parquet")
    found = []
    for threads in (1, 3):
        relation = duckdb.connect(config={"threads": threads}).read_parquet(path)
        source = enter(relation, in_memory=100)
        found.append(model_of("skewed ~ stim + (1|mouse)", source, "gamma")[0].cells.statistics)
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name])


def test_nan_is_found_in_files_whose_statistics_leave_it_out(tmp_path):
    y = np.arange(1000) % 7 + 1.0
    y[5] = np.nan
    x = np.where(np.arange(1000) == 9, np.nan, 1.0)
    pq.write_table(pa.table({"y": y, "x": x, "g": np.arange(1000) % 2}), tmp_path / "nan.parquet")
    source = enter(tmp_path / "nan.parquet", in_memory=100)
    _, frame = model_of("y ~ g + offset(x)", source, "gaussian")
    assert frame.missing == {"y": 1, "x": 1}
    assert frame.grouped.n == 998


def test_whole_numbers_that_no_double_holds_are_rounded_alike_in_every_engine(tmp_path):
    k = np.arange(600)
    y = 2**62 + 2**57 * (k % 7 * k % 11).astype(np.uint64) + 1
    table = pl.DataFrame(
        {"y": y, "x": k % 2, "id": np.uint64(2**64 - 1) - (k % 3).astype(np.uint64)}
    )
    table.write_parquet(tmp_path / "large.parquet")
    want, _ = model_of("y ~ x + (1|id)", table, "gamma")
    for data in (tmp_path / "large.parquet", table.lazy()):
        got, _ = model_of("y ~ x + (1|id)", enter(data, in_memory=100), "gamma")
        assert_same_cells(got.cells, want.cells)
        assert got.design.groups[0].levels == want.design.groups[0].levels


def test_a_small_file_is_data_in_memory(data):
    path = data[1] / "rows.parquet"
    entered = enter(path)
    assert len(nw.from_native(entered, eager_only=True)) == N + 1
    _, frame = model_of("large ~ stim", path, "gaussian")
    assert frame.grouped is None


def test_the_declared_order_of_an_enum_is_kept():
    connection = duckdb.connect()
    connection.execute("CREATE TYPE size AS ENUM ('small', 'medium', 'large')")
    relation = connection.sql(
        "SELECT ['large', 'small', 'medium'][1 + range % 3]::size AS s, range * 1.0 AS y "
        "FROM range(30)"
    )
    for in_memory in (10_000, 10):
        _, frame = model_of("y ~ s", enter(relation, in_memory=in_memory), "gaussian")
        assert frame.data["s"].cat.categories.tolist() == ["small", "medium", "large"]
    left = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert left == []


def test_the_declared_order_of_a_polars_enum_is_kept(data):
    for engine in ("polars", "polars frame"):
        _, frame = model_of("skewed ~ ordered", source_of(data, engine), "gamma")
        assert frame.data["ordered"].cat.categories.tolist() == [f"m{i}" for i in range(8)][::-1]


# --- engines that are not everywhere

THEIRS = pytest.mark.filterwarnings("ignore")  # of what these deprecate of others
SOME = [CASES[k] for k in (0, 1, 4, 5, 9)]


def lazy_frame(name, table, folder):
    """The rows, as a lazy frame of an engine's that is on this machine."""
    path = folder / f"{name}.parquet"
    table.write_parquet(path)
    if name == "dask":
        frames = pytest.importorskip("dask.dataframe")
        exact = table.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
        exact["ordered"] = table["ordered"].to_pandas()  # a category
        return frames.from_pandas(exact, npartitions=3)
    if name == "ibis":
        return pytest.importorskip("ibis").duckdb.connect().read_parquet(path)
    sql = pytest.importorskip("pyspark.sql")
    session = sql.SparkSession.builder.master("local[2]").getOrCreate()
    return session.read.parquet(str(path))


@pytest.mark.parametrize(
    ("engine", "cases"),
    [
        ("dask", [*SOME, ("skewed ~ ordered", "gamma", {})]),
        pytest.param("ibis", SOME, marks=THEIRS),
        pytest.param("pyspark", SOME, marks=[THEIRS, pytest.mark.long]),
    ],
)
@pytest.mark.slow
def test_cells_of_other_engines_are_those_of_the_rows_in_memory(data, engine, cases, tmp_path):
    table = data[0] if engine == "dask" else data[0].drop("ordered")
    source = enter(lazy_frame(engine, table, tmp_path), in_memory=100)
    for formula, family, options in cases:
        want, frame = model_of(formula, table, family, **options)
        got, grouped = model_of(formula, source, family, **options)
        assert grouped.grouped is not None
        assert_same_cells(got.cells, want.cells)
        assert grouped.missing == frame.missing
    assert 0 < len(nw.from_native(sample_rows(source, 200, N), eager_only=True)) < 400


@pytest.mark.long
def test_cells_of_a_cluster_of_two_workers_are_those_of_the_rows_in_memory(data, tmp_path):
    distributed = pytest.importorskip("distributed")
    frames = pytest.importorskip("dask.dataframe")
    table = data[0].drop("ordered", "decimal")
    formula, family, options = CASES[4]
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as here,
        distributed.Client(here),
    ):
        lazy = frames.from_pandas(table.to_pandas(), npartitions=4)
        got, _ = model_of(formula, enter(lazy, in_memory=100), family, **options)
    assert_same_cells(got.cells, model_of(formula, table, family, **options)[0].cells)


@pytest.mark.long
def test_a_worker_that_dies_costs_nothing_and_one_that_always_dies_is_an_error(tmp_path):
    distributed = pytest.importorskip("distributed")
    frames = pytest.importorskip("dask.dataframe")
    table = rows().drop("ordered", "decimal").to_pandas()
    marker = tmp_path / "died"

    def dies(part, always):
        if always or not marker.exists():
            marker.touch()
            os._exit(1)
        return part

    formula, family, options = CASES[4]
    want = model_of(formula, table, family, **options)[0]
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as here,
        distributed.Client(here),
    ):
        lazy = frames.from_pandas(table, npartitions=4)
        source = enter(lazy, in_memory=100)
        once = replace(source, table=open_data(lazy.map_partitions(dies, always=False, meta=lazy)))
        got, _ = model_of(formula, once, family, **options)
        assert marker.exists()
        assert_same_cells(got.cells, want.cells)
        always = replace(source, table=open_data(lazy.map_partitions(dies, always=True, meta=lazy)))
        with pytest.raises(DataError, match=r"Dask could not read or group .* KilledWorker"):
            model_of(formula, always, family, **options)
