"""The guard against repeats where rows are many: some of them are judged, as all would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards

from winstan.data.codes import codes_of, combine, common_values, number_of, whole_values
from winstan.tuning import Tuning

if TYPE_CHECKING:
    from collections.abc import Callable

N, TRIALS = 120_000, 6_000
"""Rows, beyond which a sample is judged (100,000); and trials of 20 rows each."""
CONSTANT = "6,000 distinct trials (column 'trial'): the response is the same"
DIFFERENT = "6,000 distinct trials (column 'trial'), of which the formula does not know"


class Case(NamedTuple):
    """How the response is drawn, whether the trials have a column, and what is to be found."""

    draw: Callable[[np.random.Generator], np.ndarray]
    found: str | None
    family: str = "gaussian"
    is_told: bool = True


def of_trials(values: np.ndarray) -> np.ndarray:
    return values.repeat(20)


def some_at(value: float, share: float, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.uniform(size=values.size) < share, value, values)


def copied(values: np.ndarray, n_copies: int) -> np.ndarray:
    """Let rows, of the trials at the beginning, have the response of the next row."""
    values[: 2 * n_copies : 2] = values[1 : 2 * n_copies : 2]
    return values


def second_values(values: np.ndarray) -> np.ndarray:
    """Let one row of every third trial have a value of its own."""
    values[::60] += 1
    return values


def normal(rng: np.random.Generator, n: int = N) -> np.ndarray:
    return rng.normal(10, 1, n)


CASES = {
    "trials": Case(lambda rng: of_trials(normal(rng, TRIALS)), CONSTANT),
    "counts": Case(lambda rng: of_trials(rng.poisson(4, TRIALS)), CONSTANT, "poisson"),
    "second values": Case(lambda rng: second_values(of_trials(normal(rng, TRIALS))), DIFFERENT),
    "alike": Case(lambda rng: normal(rng) + of_trials(normal(rng, TRIALS)), DIFFERENT),
    "copies": Case(
        lambda rng: of_trials(normal(rng, TRIALS)),
        "114,000 of 120,000 rows repeat another row's 'y' exactly",
        is_told=False,
    ),
    "few copies": Case(
        lambda rng: copied(normal(rng), 900),
        "900 of 120,000 rows repeat another row's 'y' exactly",
        is_told=False,
    ),
    "fewer copies": Case(lambda rng: copied(normal(rng), 300), None),
    "independent": Case(normal, None),
    "rounded": Case(lambda rng: normal(rng).round(2), None),
    "fine grid": Case(lambda rng: (2e6 * normal(rng)).round(), None),
    "many counts": Case(lambda rng: rng.poisson(rng.gamma(3, 2_000, N)), None, "poisson"),
    **{
        f"half of the trials at {value}": Case(
            lambda rng, value=value: of_trials(some_at(value, 0.5, normal(rng, TRIALS), rng)),
            CONSTANT,
        )
        for value in (0.0, 3.3, 5.0, 7.25)
    },
    **{
        f"rows at {value}": Case(lambda rng, v=value: some_at(v, 0.3, normal(rng), rng), None)
        for value in (0.0, 3.3, 5.0, 7.25)
    },
    **{
        f"rows at {value} among copies": Case(
            lambda rng, v=value: copied(some_at(v, 0.3, normal(rng), rng), 3_000),
            "of 120,000 rows repeat another row's 'y' exactly",
            is_told=False,
        )
        for value in (0.0, 3.3, 5.0, 7.25)
    },
}


@pytest.mark.parametrize("name", CASES)
def test_some_of_many_rows_give_the_warning_that_all_give(name, monkeypatch):
    case, rng = CASES[name], np.random.default_rng(7)
    data = pd.DataFrame(
        {
            "mouse": of_trials(np.array([f"m{i}" for i in range(8)])[rng.integers(0, 8, TRIALS)]),
            "stim": of_trials(rng.integers(0, 2, TRIALS)),
            "noise": rng.normal(size=N),
            "row": np.arange(N),
            "y": case.draw(rng),
        }
    )
    if case.is_told:
        data["trial"] = of_trials(np.array([f"t{i}" for i in range(TRIALS)]))
    data = data.sample(frac=1, random_state=3)
    formula = "y ~ stim + (stim|mouse)"
    some = guards(formula, data, case.family).get("pseudoreplication")
    every = guards(formula, data, case.family, tuning=Tuning(judged_rows=N))
    assert some == every.get("pseudoreplication")
    assert some is None if case.found is None else case.found in some


@pytest.mark.parametrize(("of", "found"), [(20, CONSTANT), (10**6, DIFFERENT)])
def test_successes_of_many_rows(of, found, monkeypatch):
    """Where they are of so many values that each trial has its own, a column may be its label."""
    rng = np.random.default_rng(8)
    trials = rng.choice([of, 2 * of], TRIALS)
    data = pd.DataFrame(
        {
            "x": of_trials(rng.integers(0, 2, TRIALS)),
            "y": of_trials(rng.binomial(trials, 0.5)),
            "of": of_trials(trials),
            "trial": of_trials(np.arange(TRIALS)),
        }
    )
    some = guards("p(y, of) ~ x", data, "binomial").get("pseudoreplication")
    every = guards("p(y, of) ~ x", data, "binomial", tuning=Tuning(judged_rows=N))
    assert some == every.get("pseudoreplication")
    assert found in some


def test_whole_values_are_all_rows_of_about_a_share_of_the_values():
    rng = np.random.default_rng(4)
    for values in (rng.normal(size=6_000), np.arange(6_000.0), 2.0 ** rng.uniform(-9, 9, 6_000)):
        y = rng.permutation(values.repeat(10))
        some = whole_values(y, 0.1)
        assert (np.diff(some) > 0).all()
        counts = pd.Series(y[some]).value_counts()
        assert (counts == 10).all()
        # 600 of 6,000 values, binomial: sd 23
        assert abs(len(counts) - 600) < 5 * 23
    zeros = np.array([0.0, -0.0] * 50)
    assert len(whole_values(zeros, 0.5)) in (0, 100)
    assert len(whole_values(zeros, 1)) == 100
    assert not len(whole_values(np.empty(0), 0.5))
    # zero is drawn as often as any
    assert sum(bool(len(whole_values(np.array([v]), 0.1))) for v in range(1000)) < 150
    assert not len(whole_values(np.zeros(1), 1e-3))


def test_common_values_are_those_of_many_rows():
    y = np.random.default_rng(5).permutation(
        np.r_[np.zeros(4_000), np.full(4_000, 7.0), np.arange(92_000)]
    )
    assert set(common_values(y)) == {0.0, 7.0}


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        np.array([7, -3, 7, 5]),
        np.array([2**62, -(2**62), 2**62, 0]),
        np.array([True, False, True, True]),
        np.arange(-100, 100, dtype=np.int8),
        np.repeat(np.arange(-30_000, 30_000, 300, dtype=np.int16), 40),
        np.array([2**64 - 1, 2**64 - 2, 2**64 - 1], dtype=np.uint64),
        pd.array([3, None, 3, 9], dtype="Int64"),
        pd.Series(["b", "a", "b", None], dtype="category").array,
        np.array([np.nan, 1.0, np.nan, 2.0]),
        np.array([3.0, -2.0, 3.0, -0.0, 0.0]),
        np.array([0.5, 1.5, 0.5, 2.5]),
        np.array([0.0, 1.5, 1.0, 1.5]),
        np.array([np.inf, 1.0, -np.inf, 1.0]),
        np.array([1e300, -1e300, 1e300]),
        np.array([-2.0, 0.0, 1e-20, 0.0]),
    ],
)
def test_codes_number_the_values_that_occur(values):
    codes = codes_of(values)
    assert sorted(set(codes)) == list(range(number_of(codes)))
    first: dict = {}
    numbered = np.array(
        [
            first.setdefault(None if pd.isna(value) else value, len(first))
            for value in values.tolist()
        ]
    )
    np.testing.assert_array_equal(codes[:, None] == codes, numbered[:, None] == numbered)


@pytest.mark.parametrize("n", [30, 30_000])
def test_combinations_are_told_apart_by_table_and_by_hash(n):
    rng = np.random.default_rng(n)
    # `n` values each: more combinations than four a row
    first, second, third = (codes_of(rng.integers(0, k, n)) for k in (3, n, n))
    codes = combine(first, second, third)
    rows = pd.DataFrame({"a": first, "b": second, "c": third})
    assert number_of(codes) == len(rows.drop_duplicates())
    assert rows.groupby(codes).nunique().max().max() == 1
