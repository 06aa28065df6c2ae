"""Rows that are sampled of those that an engine grouped: what they say of all."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from winstan import effects
from winstan.building import model_and_frame
from winstan.crossvalidation.result import total_of_sample
from winstan.design_warnings import silenced
from winstan.effects.pointwise import pointwise
from winstan.effects.replicates import prior_sample
from winstan.engines import enter
from winstan.engines.frames import grouped_frame
from winstan.formula import parse_formula

N = 400


def table():
    rng = np.random.default_rng(4)
    x = rng.integers(0, 3, N)
    frame = pl.DataFrame(
        {
            "x": np.where(x == 2, -0.0, x),
            "cell": rng.choice(["a", "b", "c"], N),
            "y": rng.gamma(2.0, 3.0, N),
            "share": rng.beta(2.0, 3.0, N),
            "n": rng.poisson(2.0, N),
            "times": rng.integers(0, 3, N),
        }
    )
    gone = pl.int_range(pl.len()) % 37 == 5
    return frame.with_columns(
        pl.when(gone).then(None).otherwise(pl.col("x")).alias("x"),
        pl.when(gone.reverse()).then(float("nan")).otherwise(pl.col("y")).alias("y"),
    )


CASES = [
    ("y ~ x + (1|cell)", "gamma", {}),
    ("y ~ x + (1|cell)", "lognormal", {"weights": "times"}),
    ("log(y) ~ x + offset(x)", "gaussian", {}),
    ("share ~ x", "beta", {}),
    ("n ~ x + (1|cell)", "poisson", {}),
]


@pytest.mark.parametrize(("formula", "family", "options"), CASES)
@pytest.mark.parametrize("engine", ["files", "polars"])
def test_sampled_rows_have_the_density_of_all_where_all_are_sampled(
    engine, formula, family, options, tmp_path
):
    if engine == "files":
        pytest.importorskip("duckdb")
        table().write_parquet(tmp_path / "rows.parquet")
    rows = tmp_path / "rows.parquet" if engine == "files" else table().lazy()
    with silenced("all"):
        model, _ = model_and_frame(formula, enter(rows, in_memory=100), family, {}, **options)
    single = effects.single_rows(model, "")
    assert single.design.n_rows == (model.design.grouped.count.sum())
    point = prior_sample(model, 2, seed=1)
    whole = effects.total_log_likelihood(model, point)
    np.testing.assert_allclose(effects.total_log_likelihood(single, point), whole, rtol=1e-11)
    assert pointwise(single, point).number.size == single.design.n_rows


def test_a_smaller_sample_is_the_same_for_every_model_of_the_rows():
    with silenced("all"):
        one, other = (
            effects.single_rows(
                model_and_frame(f, enter(table().lazy(), in_memory=100), "beta", {})[0], "", 50
            ).design.response.y
            for f in ("share ~ n", "share ~ n + (1|cell)")
        )
    np.testing.assert_array_equal(one, other)
    assert one.size == 50
    assert np.isin(one, table()["share"].to_numpy()).all()


def test_the_total_of_a_sample_and_its_error_are_right_on_average_over_all_samples():
    values = np.array([0.3, -2.0, 5.0, 0.1, 8.0, -0.4, 2.2])
    found = [total_of_sample(values[list(some)], 7) for some in combinations(range(7), 3)]
    totals, errors = np.array(found).T
    assert totals.mean() == pytest.approx(values.sum(), rel=1e-12)
    assert np.square(errors).mean() == pytest.approx(totals.var(), rel=1e-12)


def test_rows_with_missing_keys_and_those_of_no_group_are_told_apart():
    frame = table().with_columns(pl.col("cell").replace({"c": None}))
    with silenced("all"):
        found = grouped_frame(
            enter(frame.lazy(), in_memory=100), parse_formula("n ~ (1|cell)", {}), {}
        )
    sample, counts = found.grouped.sample, found.grouped.count
    np.testing.assert_array_equal(np.bincount(sample.at, minlength=counts.size), counts)
