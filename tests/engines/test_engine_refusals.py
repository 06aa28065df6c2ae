"""What an engine cannot group, or no model takes, is refused by name, before any sampling."""

import re
import time
import warnings
from _thread import interrupt_main
from dataclasses import replace
from threading import Timer

import narwhals as nw
import numpy as np
import polars as pl
import pytest

import winstan as ws
from winstan import effects
from winstan.building import model_and_frame
from winstan.engines import duckdb_sql, enter, grouped_frame
from winstan.engines.collecting import collected
from winstan.errors import DataError, DesignWarning, FamilyError, FormulaError
from winstan.formula import parse_formula

duckdb = pytest.importorskip("duckdb")

N = 600


def table(**columns):
    k = np.arange(N)
    own = {"g": k % 3, "x": k % 4 * 1.0, "y": 1.0 + k % 7, "w": k % 2 + 1, "n": k % 5 + 1}
    return pl.DataFrame(own | {"s": k % 2} | columns)


def with_value(name, value, *rows):
    values = table()[name].to_numpy().astype(float)
    values[list(rows)] = value
    return table(**{name: values})


def engines(frame, tmp_path):
    path = tmp_path / "rows.parquet"
    frame.write_parquet(path)
    return [enter(path, in_memory=100), enter(frame.lazy(), in_memory=100)]


def read(formula, source, family="gaussian", **options):
    return model_and_frame(formula, source, family, options.pop("names", {}), **options)


@pytest.mark.parametrize(
    ("frame", "formula", "family", "options", "error", "said"),
    [
        (with_value("y", -1.0, 7, 300), "y ~ x", "gamma", {}, FamilyError,
         r"needs a positive response, but 'y' has 2 of 600 rows that are not \(rows 7, 300 "),
        (with_value("y", 0.0, 3), "sqrt(y) ~ x", "lognormal", {}, FamilyError, "1 of 600 rows"),
        (with_value("y", np.inf, 5), "y ~ x", "gaussian", {}, DataError,
         r"Column 'y' has 1 infinite value, in row 5 \(counted from 0\)"),
        (with_value("x", -np.inf, 9), "s ~ x", "bernoulli", {}, DataError,
         "Column 'x' has 1 infinite value, in row 9"),
        (with_value("y", 1e200, 5), "y ~ x", "gaussian", {}, DataError,
         r"Column 'y' has 1 value beyond 1e\+140, in row 5 \(counted from 0\), up to 1e\+200"),
        (with_value("y", 400.0, 5), "exp(y) ~ x", "gaussian", {}, DataError,
         r"squares of 'exp\(y\)'"),
        (with_value("y", 0.0, 5, 8), "log(y) ~ x", "gaussian", {}, FamilyError,
         r"needs a finite response, but 'log\(y\)' has 2 of 600 rows that are not \(rows 5, 8 "),
        (with_value("y", np.inf, 5), "1 / y ~ x", "gaussian", {}, DataError, "in row 5"),
        (with_value("y", 1.0, 5).clear(), "y ~ x", "gaussian", {}, DataError, "it has no rows"),
        (with_value("w", -1, 2, 4), "y ~ x", "gaussian", {"weights": "w"}, DataError,
         "The weights 'w' have 2 negative values, in rows 2, 4"),
        (table(w=np.zeros(N)), "y ~ x", "gaussian", {"weights": "w"}, DataError, "are all zero"),
        (table(y=pl.Series([None] * N, dtype=pl.Float64)), "y ~ x", "gaussian", {}, DataError,
         "All 600 rows have missing values: 'y' "),
        (with_value("y", 2.5, 11, 12), "y ~ x", "poisson", {}, FamilyError,
         r"needs counts .*'y' has 2 of 600 rows that are not"),
        (table(), "y ~ np.cumsum(x)", "gaussian", {}, FormulaError, "takes a column as a whole"),
        (table(), "y ~ x + z", "gaussian", {"names": {"z": np.ones(N)}}, DataError, "column 'z'"),
        (table(), "y ~ np.maximum(x, z)", "gaussian", {"names": {"z": np.ones(N)}}, FormulaError,
         "'z' of your own has a value for each row"),
        (table(), "np.sin(y) ~ x", "gaussian", {}, FormulaError, r"'np.sin\(y\)'.* not evaluated"),
        (table(), "y ~ x + ar(n, g)", "gaussian", {}, FormulaError, "correlates rows one by one"),
        (table(), "y ~ xx", "gaussian", {}, DataError, "no column 'xx'"),
        (table(d=pl.Series([None] * N, dtype=pl.Date)), "y ~ d", "gaussian", {}, DataError,
         "Column 'd' holds dates"),
        (table(y=np.ones(N)), "y ~ x", "gaussian", {}, DataError, "constant: all 600 rows"),
        (table(y=np.arange(N) % 4 * 2.0), "y ~ x", "gaussian", {}, DataError, "gives 'y' exactly"),
    ],
)  # fmt: skip
def test_bad_rows_are_named_and_counted(frame, formula, family, options, error, said, tmp_path):
    # Rows of a lazy frame have no numbers, and are told by what they hold.
    of_query = re.sub(r",?( in)?( |\\\()rows? \d.*", "", said)
    for source, words in zip(engines(frame, tmp_path), (said, of_query), strict=True):
        with pytest.raises(error, match=words):
            read(formula, source, family, **options)


def test_rows_without_an_order_are_told_by_what_they_hold(tmp_path):
    frame = with_value("y", -1.5, 7)
    for k in (0, 1):
        frame[300 * k : 300 * (k + 1)].write_parquet(tmp_path / f"part_{k}.parquet")
    sources = [frame.lazy(), tmp_path / "*.parquet", duckdb.sql("SELECT * FROM frame")]
    for source in sources:
        with pytest.raises(FamilyError, match=r"has 1 of 600 rows .* \(row of x=3\.0, y=-1\.5\)"):
            read("y ~ x", enter(source, in_memory=100), "gamma")


def test_predictors_that_hardly_repeat_are_refused_with_their_number(tmp_path):
    frame = table(z=np.random.default_rng(1).normal(size=N))
    for source in engines(frame, tmp_path):
        with pytest.raises(DataError, match=r"about 600 distinct ones.*Column 'z' has 15 values"):
            grouped_frame(source, parse_formula("y ~ z", {}), {}, most=100)
        with pytest.raises(DataError, match=r"Column 'z' has .* It is the response, of which"):
            grouped_frame(source, parse_formula("z ~ y", {}), {}, most=100)


def test_rows_left_out_are_told_once_with_their_number(tmp_path):
    frame = with_value("y", np.nan, 1, 2, 3).with_columns(w=pl.Series(np.arange(N) % 3))
    for source in engines(frame, tmp_path):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read("y ~ x", source, weights="w")
        told = [str(one.message) for one in caught if one.category is DesignWarning]
        assert sum("3 of 600 rows are left out" in one for one in told) == 1
        assert sum("199 rows of weight zero in 'w'" in one for one in told) == 1


def test_a_path_that_leads_nowhere_is_refused(tmp_path):
    with pytest.raises(DataError, match="no file"):
        enter(tmp_path / "nothing.parquet")
    with pytest.raises(DataError, match="no parquet or CSV"):
        enter(__file__)
    for pattern in ("*.parquet", "**/*.csv"):
        with pytest.raises(
            DataError, match=r"No file has a name of the pattern.*'data/\*.parquet'"
        ):
            enter(tmp_path / pattern)
    with pytest.raises(DataError, match=r"The folder .* has no file that ends in .parquet"):
        enter(tmp_path)
    table().write_parquet(tmp_path / "odd[1].parquet")
    assert len(enter(tmp_path / "odd[1].parquet")) == N
    (tmp_path / "bad.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="DuckDB could not read"):
        enter(tmp_path / "bad.parquet")


def test_a_query_that_fails_midway_is_an_error_of_winstan_s_and_leaves_nothing():
    connection = duckdb.connect()
    relation = connection.sql(
        "SELECT range % 2 AS x, CASE WHEN range < 5000 THEN '1' ELSE 'oops' END::DOUBLE AS y "
        "FROM range(6000)"
    )
    with pytest.raises(DataError, match=r"DuckDB could not .* nothing was kept.*oops"):
        read("y ~ x", enter(relation, in_memory=100))
    assert_is_free(connection)


def counted(frame, evaluated, change=lambda frame, _: frame):
    """A lazy frame that counts how often it is evaluated, and may change each time."""

    def again(rows):
        evaluated.append(len(rows))
        return change(rows, len(evaluated))

    return frame.lazy().map_batches(again, schema=frame.schema)


@pytest.mark.parametrize(
    ("formula", "family", "weights", "passes"),
    [
        ("y ~ x", "gamma", "w", 2),
        ("log(y) ~ x", "gaussian", None, 2),
        ("s ~ x", "bernoulli", None, 1),
    ],
)
def test_rows_are_read_once_for_each_pass(formula, family, weights, passes):
    frame = with_value("y", np.nan, 3).with_columns(
        pl.col("y").fill_nan(None), pl.col("x").replace(3.0, None)
    )
    source = enter(counted(frame, evaluated := []), in_memory=100)
    evaluated.clear()
    with warnings.catch_warnings(action="ignore"):
        _, got = read(formula, source, family, weights=weights)
    assert len(evaluated) == passes + 1  # that of the sample
    with warnings.catch_warnings(action="ignore"):
        _, want = read(formula, frame, family, weights=weights)
    assert (got.n_rows, got.missing, got.grouped.n) == (N, want.missing, len(want.data))


def test_rows_that_differ_when_they_are_read_again_are_refused():
    def change(rows, times):
        return rows.filter(pl.col("x") != 3.0) if times > 2 else rows

    source = enter(counted(table(), [], change), in_memory=100)
    with pytest.raises(DataError, match=r"polars gave other rows .* 3 of 4 groups"):
        read("y ~ x", source)

    def grown(rows, times):
        return pl.concat([rows, rows[:1]]) if times > 2 else rows

    source = enter(counted(table(), [], grown), in_memory=100)
    with pytest.raises(DataError, match=r"polars gave other rows .* in 1 of 4 groups"):
        read("y ~ x", source)


def test_a_file_that_is_written_between_the_passes_is_refused_and_nothing_kept(
    tmp_path, monkeypatch
):
    for k in (0, 1):
        table().write_parquet(tmp_path / f"part_{k}.parquet")
    second = duckdb_sql.second_pass

    def rewritten(*args):
        found = second(*args)
        with_value("y", 2.0, 5).write_parquet(tmp_path / "part_1.parquet")
        return found

    monkeypatch.setattr(duckdb_sql, "second_pass", rewritten)
    with pytest.raises(DataError, match=r"1 file changed while .*part_1\.parquet'.* Fit again"):
        read("y ~ x", enter(tmp_path / "*.parquet", in_memory=100), "gamma")


def test_names_such_as_winstan_gives_are_refused_with_another_name(tmp_path):
    for source in engines(table().rename({"g": "(rows)"}), tmp_path):
        with pytest.raises(DataError, match=r"Column '\(rows\)'.* Rename it, such as 'rows'"):
            read("y ~ x + (1|`(rows)`)", source)


def endless():
    """A connection, and a relation of it that takes minutes to group."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    return connection, connection.sql(
        "SELECT range % 2 AS x, sqrt(range + 1.0) AS y FROM range(20_000_000_000)"
    )


def assert_is_free(connection):
    assert connection.execute("SELECT 42").fetchall() == [(42,)]
    left = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert left == []


def test_ctrl_c_ends_a_query_at_once_and_leaves_nothing():
    connection, relation = endless()
    source = enter(relation, in_memory=100)
    timers = [Timer(0.3, interrupt_main), Timer(60, connection.interrupt)]
    start = time.monotonic()
    for timer in timers:
        timer.start()
    with pytest.raises(KeyboardInterrupt):
        read("y ~ x", source)
    assert time.monotonic() - start < 30
    timers[1].cancel()
    assert_is_free(connection)


def test_how_far_a_query_is_is_told_and_what_stops_the_telling_stops_the_query():
    connection, relation = endless()
    told = []

    def tell(done):
        told.append(done)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collected(nw.from_native(relation.query("v", "SELECT sum(y) FROM v")), tell)
    assert 0 <= told[0] <= told[1] <= told[2] < 50
    assert_is_free(connection)


def test_the_engine_s_work_is_told_where_it_is_asked_for(capsys):
    for progress, said in ((True, "polars groups the rows"), (False, "")):
        read("y ~ x", enter(table().lazy(), in_memory=100, progress=progress))
        assert said in (told := capsys.readouterr().err)
        assert bool(told) is progress


def test_the_formula_of_a_sum_is_evaluated_by_the_engine(tmp_path):
    got = [read("log(y) / 2 - n ** 2 ~ x", one)[0].cells for one in engines(table(), tmp_path)]
    frame = table()
    want = np.log(frame["y"].to_numpy()) / 2 - frame["n"].to_numpy() ** 2
    for cells in got:
        sums = [want[frame["x"].to_numpy() == x].mean() for x in cells.X[:, 0]]
        np.testing.assert_allclose(cells.statistics["mean_y"], sums, rtol=1e-13)


@pytest.mark.parametrize("unit", [1e-308, 5e-324])
def test_numbers_too_small_to_have_squares_are_told_by_their_size(unit, tmp_path):
    y = unit * np.random.default_rng(2).integers(3, 9, 600)
    for source in engines(table().with_columns(y=pl.Series(y)), tmp_path):
        with pytest.raises(
            ws.errors.DataError, match=r"mean of \d+ groups? of rows of 'y' is .*e-3"
        ):
            read("y ~ x", source, "gaussian")


@pytest.mark.slow
def test_a_posterior_of_a_file_is_that_of_its_rows_and_says_what_it_does_not_know(tmp_path):
    rng = np.random.default_rng(5)
    mouse, stim = rng.integers(0, 8, 900), rng.integers(0, 2, 900)
    y = np.exp(0.3 * stim + 0.2 * rng.normal(size=8)[mouse] + 0.5 * rng.normal(size=900))
    frame = pl.DataFrame({"mouse": mouse.astype(str), "stim": stim, "y": y})
    options = {"family": "gamma", "seed": 1, "silence": "all", "cores": 1}
    frame.write_parquet(tmp_path / "rows.parquet")
    fit = ws.fit("y ~ stim + (1|mouse)", enter(tmp_path / "rows.parquet", in_memory=100), **options)
    same = ws.fit("y ~ stim + (1|mouse)", frame, **options)
    ours, theirs = fit.summary(), same.summary()
    apart = (ours["mean"] - theirs["mean"]) / np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    assert apart.abs().max() < 4.5
    assert "900 rows in 16 cells, grouped by DuckDB" in repr(fit)
    draws = same.joined()
    np.testing.assert_allclose(
        effects.total_log_likelihood(fit.model, draws),
        effects.total_log_likelihood(same.model, draws),
        rtol=1e-10,
    )
    np.testing.assert_allclose(replace(same, model=fit.model).r2()["mean"], same.r2()["mean"])
    with pytest.raises(ws.errors.OptionError, match="single rows: DuckDB has grouped 900"):
        fit.code()
    kept = ws.load_fit(fit.save(tmp_path / "fit.nc"))
    assert kept.summary().equals(ours)
    assert kept.model.design.grouped.n == 900
    assert_rows_are_foretold_as_in_memory(kept, same)


def assert_rows_are_foretold_as_in_memory(fit, same):
    """Leave-one-out, residuals and replicates of the sample, which here is of all rows."""
    draws = replace(fit, draws=same.draws)  # one posterior: what is left is arithmetic
    every, want = draws.loo(sample=900), same.loo()
    np.testing.assert_allclose(
        [every.elpd, every.se, every.p], [want.elpd, want.se, want.p], rtol=1e-8
    )
    assert every.subsampling_se == 0
    some = draws.loo(sample=500)
    assert abs(some.elpd - want.elpd) < 4 * some.subsampling_se < 0.1 * want.se
    key = ["mouse", "stim", "observed"]
    ours, theirs = (one.residuals(given="posterior") for one in (draws, same))
    ours, theirs = (one.astype({"stim": float}).sort_values(key) for one in (ours, theirs))
    np.testing.assert_allclose(ours["pit"], theirs["pit"], rtol=1e-10)
    assert fit.posterior_predictive(draws=4).shape == (4, 1, 900)
    figure = fit.plot_predictive("statistic", draws=4)
    assert "y (a sample of 900 of 900 rows)" in figure.labels.x
    y = same.model.design.response.y
    told = f"of all 900 rows: mean {y.mean():.4g}, sd {y.std(ddof=1):.4g}"
    assert told in figure.labels.caption.replace("\n", " ")
    found = ws.compare({"a": fit, "b": draws}, sample=500)
    assert abs(found.table["elpd_diff"][1]) < 1 > found.table["subsampling_se_diff"][1]
    with pytest.raises(ws.errors.OptionError, match="Refits without some rows are of single rows"):
        fit.loo(leave_out="mouse")
    with pytest.raises(ws.errors.OptionError, match="500 for 'a', 900 for 'b'"):
        ws.compare({"a": some, "b": draws.loo()})
    with pytest.raises(ws.errors.OptionError, match="in memory"):
        same.loo(sample=500)
