"""Group terms whose standard deviations the data cannot tell, each kind in words of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import grid, guards

import winstan as ws

QUIET = ("confounding", "random_slopes", "pseudoreplication", "skew", "few_levels")


def said(formula, data, family="gaussian", **options) -> str | None:
    return guards(formula, data, family, silence=QUIET, **options).get("unidentified")


def repeated() -> pd.DataFrame:
    """Four rows of each of 25 groups, with columns that say nothing, or nothing new."""
    data = grid(id=25, row=4)
    data["cond"] = np.tile(["a", "b", "a", "b"], 25)
    return data.assign(zero=0.0, one=1.0, x2=3 + 2 * data["x"], x3=5 * data["x"], z=data["x"] ** 2)


# The covariance of a group's effects is that of fewer of them; by hand from the columns above.
REPEATED = {
    "y ~ x + (zero|id)": ["'zero' is zero in every row", "'zero|id_sigma'"],
    "y ~ x + (0 + zero|id)": ["'zero' is zero in every row"],
    "y ~ x + (zero||id)": ["'zero' is zero in every row"],
    "y ~ x + (one|id)": ["'one' is 1 in every row, as a group's intercept is", "'1|id_sigma'"],
    "y ~ x + (one||id)": ["'one' is 1 in every row, as a group's intercept is"],
    "y ~ x + (x + x2|id)": ["'x2' = 3 + 2 'x'", "'x2|id_sigma'"],
    "y ~ x + (x + x3|id)": ["'x3' = 5 'x'"],
    "y ~ x + (x + x3||id)": ["'x3' = 5 'x'"],
    "y ~ x + (0 + x + x3|id)": ["'x3' = 5 'x'"],
    "y ~ x + (1|id) + (0 + one|id)": ["(1 | id) and (0 + one | id) both hold"],
    "y ~ x + (x|id) + (0 + x3|id)": ["both hold 'x3' by 'id'"],
    "y ~ x + (1|id) + (0 + cond|id)": ["both hold '1' by 'id'"],
}


@pytest.mark.parametrize("formula", REPEATED)
def test_columns_that_say_nothing_new_are_named(formula):
    told = said(formula, repeated())
    assert told is not None
    assert all(words in told for words in REPEATED[formula])
    assert 'silence="unidentified"' in told


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x|id)", "y ~ x + (x + z|id)", "y ~ x + (0 + x|id)", "y ~ x + (0 + cond|id)",
        "y ~ x + (cond||id)", "y ~ x + (1|id) + (0 + x|id)", "y ~ x + (0 + one|id)",
        # Of uncorrelated effects, variances of both lines are told by how they vary with x.
        "y ~ x + (x + x2||id)", "y ~ x + (1|id) + (1|row)", "y ~ x + (1|id) + (x|row)",
    ],
)  # fmt: skip
def test_terms_that_differ_are_not_warned_of(formula):
    assert said(formula, repeated()) is None


def one_row_each(n=60, seed=2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"id": np.arange(n), "x": rng.normal(size=n), "w": 1})
    data["y"] = np.exp(1 + 0.3 * data["x"] + rng.normal(size=n))
    data["count"] = rng.poisson(data["y"])
    data["yes"] = (rng.random(n) < 0.4).astype(int)
    data["of"] = 12
    return data.assign(hits=rng.binomial(12, 0.4, n), hit=data["yes"], single=1)


SCATTER = [
    ("y", "gaussian", "'sigma'"), ("y", "lognormal", "'sigma'"), ("y", "student", "'sigma'"),
    ("y", "gamma", "'alpha'"), ("count", "negative_binomial", "'alpha'"),
    ("yes", "bernoulli", "one yes or no"), ("p(hit, single)", "binomial", "one yes or no"),
]  # fmt: skip


@pytest.mark.parametrize(("response", "family", "beside"), SCATTER)
def test_one_row_a_group_is_named_where_the_family_has_that_scatter(response, family, beside):
    told = said(f"{response} ~ x + (1|id)", one_row_each(), family)
    assert told is not None
    assert "Each of the 60 levels of 'id' has one row" in told
    assert beside in told
    assert "'1|id_sigma'" in told


@pytest.mark.parametrize(
    ("response", "family"), [("count", "poisson"), ("p(hits, of)", "binomial")]
)
def test_an_effect_of_each_observation_is_no_fault_of_counts(response, family):
    assert said(f"{response} ~ x + (1|id)", one_row_each(), family) is None


def test_rows_that_weigh_one_are_one_row_each():
    assert said("y ~ x + (1|id)", one_row_each(), weights="w") is not None


@pytest.mark.slow
def test_one_row_a_cell_is_named():
    data = grid(id=12, t=5)
    told = said("y ~ t + (t|id)", data)
    assert told is not None
    assert "an effect for each row (5 for each of 12 levels, in 60 rows)" in told
    assert said("y ~ t + (0 + t|id)", data) is not None
    assert said("y ~ t + (1|id/t)", data) is not None
    assert said("y ~ t + (t|id)", data.drop(index=[3, 17])) is not None
    assert said("y ~ t + (1|id)", data) is None
    again = pd.concat([data, data.head(1)], ignore_index=True)
    assert said("y ~ t + (t|id)", again) is None
    # Few cells of each group, each of them twice: the residual is told.
    some = grid(id=12, t=5, again=2).query("id != 'id0' or t != 't0'")
    some = some[some["t"].isin(["t0", "t1"]) | (some["id"] == "id3")]
    assert len(some) < 5 * 12
    assert said("y ~ t + (t|id)", some) is None


def test_ordinary_data_are_not_warned_of():
    """Those that come with winstan are in test_datasets.py."""
    assert said("Reaction ~ Days + (Days|Subject)", ws.load("sleepstudy")) is None
    lfp = ws.simulate_lfp(seed=1)
    assert said("Power ~ stim + (stim|mouse)", lfp, "gamma") is None


@pytest.mark.parametrize(
    "formula", ["y ~ x + (zero|id)", "y ~ x + (one|id)", "y ~ x + (x + x2|id)"]
)
def test_the_same_terms_are_refused_by_lme(formula):
    with pytest.raises(ws.DataError, match="zero in every row, or repeats"):
        ws.lme(formula, repeated(), silence="all")
