"""Samples of rows: each row with the same chance, and the same ones again."""

import numpy as np
import polars as pl
import pytest

from winstan.engines import enter, sample_rows

pytest.importorskip("duckdb")

N, WANTED = 200_000, 2_000


@pytest.mark.parametrize("reserved", [False, True])
def test_rows_of_files_have_the_same_chance_and_are_the_same_again(tmp_path, reserved):
    rows = pl.DataFrame({"x": np.arange(N), "y": np.arange(N) % 7})
    rows = rows.with_columns(pl.col("y").alias("filename")) if reserved else rows
    rows[: N // 4].write_parquet(tmp_path / "it's a.parquet")
    rows[N // 4 :].write_parquet(tmp_path / "it's b.parquet")
    pattern = str(tmp_path / "it's ?.parquet")
    samples = [
        pl.DataFrame(sample_rows(enter(pattern, in_memory=100), WANTED, N)) for _ in range(2)
    ]
    assert samples[0].equals(samples[1])
    assert samples[0].columns == rows.columns
    x = samples[0]["x"].to_numpy()
    assert np.unique(x).size == x.size
    # Rows of each file, and of each tenth, within five sds of a binomial.
    for start, stop in [(0, N // 4), *((i, i + N // 10) for i in range(0, N, N // 10))]:
        n, share = stop - start, WANTED / N
        found = np.count_nonzero((x >= start) & (x < stop))
        assert abs(found - n * share) < 5 * np.sqrt(n * share)
    if not reserved:  # no pattern of neighbours: gaps between rows are geometric, with that sd
        assert np.std(np.diff(np.sort(x))) == pytest.approx(N / WANTED, rel=0.15)
