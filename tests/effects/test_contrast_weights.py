"""Weights of contrasts: emmeans' matrices, built here from their definitions, and weights given."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, draws_of, made
from scipy import linalg

from winstan.design_warnings import silenced
from winstan.effects import contrast
from winstan.effects.weights import orthogonal_polynomials, weights_of
from winstan.errors import OptionError

LEVELS = "abcdef"


def matrix(k: int, pairs, **options) -> np.ndarray:
    found = weights_of(LEVELS[:k], pairs, what="cond", **options)
    return found.plus - found.minus


def expected(k: int, pairs: str) -> np.ndarray:
    """emmeans' *.emmc, from what its manual says of each; a row for each contrast."""
    identity = np.eye(k)
    match pairs:
        case "reference" | "dunnett":
            return identity[1:] - identity[0]
        case "all":  # revpairwise
            return np.array([identity[j] - identity[i] for i in range(k) for j in range(i + 1, k)])
        case "sequential" | "consecutive":
            return np.diff(identity, axis=0)
        case "effect":
            return identity - 1 / k
        case "helmert":  # R's contr.helmert, by columns
            return linalg.helmert(k) * np.sqrt(np.arange(1, k) * np.arange(2, k + 1))[:, None] * -1
    raise AssertionError(pairs)


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize(
    "pairs",
    ["reference", "dunnett", "all", "sequential", "consecutive", "effect", "helmert"],
)
def test_matrices_of_emmeans(k, pairs):
    np.testing.assert_allclose(matrix(k, pairs), expected(k, pairs), atol=1e-12)


def test_helmert_and_effect_as_they_are_printed():
    np.testing.assert_array_equal(matrix(4, "helmert"), [[-1, 1, 0, 0], [-1, -1, 2, 0],
                                                         [-1, -1, -1, 3]])  # fmt: skip
    np.testing.assert_allclose(3 * matrix(3, "effect"), [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]])


# Fisher and Yates, table 23; emmeans:::poly.emmc has the same.
PUBLISHED = {
    3: [[-1, 0, 1], [1, -2, 1]],
    4: [[-3, -1, 1, 3], [1, -1, -1, 1], [-1, 3, -3, 1]],
    5: [[-2, -1, 0, 1, 2], [2, -1, -2, -1, 2], [-1, 2, 0, -2, 1], [1, -4, 6, -4, 1]],
    6: [[-5, -3, -1, 1, 3, 5], [5, -1, -4, -4, -1, 5], [-5, 7, 4, -4, -7, 5],
        [1, -3, 2, 2, -3, 1], [-1, 5, -10, 10, -5, 1]],
}  # fmt: skip


@pytest.mark.parametrize("k", PUBLISHED)
def test_polynomials_as_published(k):
    np.testing.assert_array_equal(matrix(k, "poly"), PUBLISHED[k])


def test_polynomials_of_uneven_numbers_are_orthogonal_to_lower_powers():
    scores = [0.0, 1.0, 10.0, 12.5, 30.0]
    rows = matrix(5, "poly", scores=scores)
    powers = np.vander(scores, 5, increasing=True)
    for degree, row in enumerate(rows, start=1):
        np.testing.assert_allclose(row @ powers[:, :degree], 0, atol=1e-6 * np.abs(row).max())
        assert row @ powers[:, degree] > 0
    rows = orthogonal_polynomials([Fraction(x) for x in range(9)], 6)
    assert all(float(row).is_integer() for row in np.ravel(rows))
    assert len(weights_of([str(k) for k in range(9)], "poly", what="x").sides) == 6


@pytest.mark.parametrize("pairs", ["all", "consecutive", "effect", "helmert", "poly", "dunnett"])
def test_linear_effects_are_the_matrix_times_the_coefficients(pairs):
    data = DATA.assign(site=np.array(list("abcd"))[np.arange(len(DATA)) % 4])
    model, p = made("y ~ site + x + (1|mouse)", "gaussian", data=data)
    level_means = np.column_stack([np.zeros(len(p["site"])), p["site"]])
    rows = expected(4, pairs) if pairs != "poly" else np.array(PUBLISHED[4])
    for groups in ("these", "population"):
        got = draws_of(model, p, "site", pairs=pairs, groups=groups)
        np.testing.assert_allclose(list(got.values()), rows @ level_means.T, atol=1e-10)


def test_labels_say_what_is_compared():
    labels = {
        pairs: weights_of(["a", "b", "c"], pairs, what="cond").labels(ratio=False)
        for pairs in ("effect", "helmert", "poly", "consecutive")
    }
    assert labels["effect"] == ("a - mean", "b - mean", "c - mean")
    assert labels["helmert"] == ("b vs earlier", "c vs earlier")
    assert labels["poly"] == ("linear", "quadratic")
    assert labels["consecutive"] == ("b - a", "c - b")
    assert weights_of(["a", "b"], "effect", what="x").labels(ratio=True) == ("a / mean", "b / mean")


def test_weights_by_name():
    model, p = made("Power ~ cond + (1|mouse)", "gamma")
    to_a = draws_of(model, p, "cond")
    by_level = {"late - early": {"b": 0.5, "c": 0.5, "a": -1}}
    in_order = {"late - early": [-1, 0.5, 0.5], "c - b": np.array([0, -1, 1])}
    mean = (to_a["b - a"] + to_a["c - a"]) / 2
    np.testing.assert_allclose(
        draws_of(model, p, "cond", pairs=by_level)["late - early"], mean, rtol=1e-9
    )
    got = draws_of(model, p, "cond", pairs=in_order)
    np.testing.assert_allclose(got["late - early"], mean, rtol=1e-9)
    np.testing.assert_allclose(got["c - b"], to_a["c - a"] - to_a["b - a"], rtol=1e-9)
    # A ratio is of the weighted means on either side.
    ratios = draws_of(model, p, "cond", ratio=True)
    np.testing.assert_allclose(
        draws_of(model, p, "cond", pairs=by_level, ratio=True)["late - early"],
        (ratios["b / a"] + ratios["c / a"]) / 2,
        rtol=1e-9,
    )


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"m": {"a": 0.5, "b": 0.5}}, r"weights of 'm' add up to 1: that is a weighted mean, and"),
        ({"m": [1, 1, -1]}, "add up to 1"),
        ({"m": [0, 0, 0]}, "it compares nothing"),
        ({"m": [1, -1]}, "2 weights, and 'cond' has 3 levels"),
        ({"m": {"a": 1, "z": -1}}, "'cond' has no level 'z'"),
        ({"m": [1, -1, np.nan]}, "the weight nan, which is no number"),
        ({"m": [True, -1, 0]}, "the weight True"),
        ({"m": "all"}, "weights are numbers"),
        ({}, "pairs= has no contrast"),
        ("pairwise", "pairs='pairwise' is called 'all' here"),
        ("eff", "is called 'effect' here"),
        ("every", "pairs must be 'reference'"),
        (3, "pairs= takes a word, or weights by name"),
    ],
)
def test_weights_that_are_none(pairs, message):
    model, p = made("y ~ cond + x", "gaussian")
    with pytest.raises(OptionError, match=message):
        draws_of(model, p, "cond", pairs=pairs)


@pytest.mark.parametrize(
    ("labels", "declared", "values", "pairs", "said"),
    [
        (["high", "low", "mid"], None, None, "poly", True),
        (["high", "low", "mid"], None, None, "sequential", True),
        (["high", "low", "mid"], None, None, "helmert", True),
        (["day1", "day10", "day2"], None, None, "poly", True),
        (["day1", "day2", "day3"], None, None, "poly", False),
        (["B", "C", "D"], None, None, "poly", False),
        (["5", "10", "20"], None, None, "poly", True),  # 10, 20, 5: the trend would fall
        (["0.5", "1.0", "2.0"], None, None, "poly", False),
        (["high", "low", "mid"], None, None, "all", False),
        (["high", "low", "mid"], None, ["low", "mid", "high"], "poly", False),
        (["high", "low", "mid"], ["low", "mid", "high"], None, "poly", False),
        (["early", "late", "never"], ["early", "late", "never"], None, "poly", False),
    ],
)
def test_ranks_that_are_the_alphabets_are_told(labels, declared, values, pairs, said):
    data = DATA.assign(cond=np.array(labels)[np.arange(len(DATA)) % 3])
    if declared is not None:
        data["cond"] = pd.Categorical(data.cond, declared, ordered=True)
    with silenced("numbers_as_labels"):
        model, draws = made("y ~ cond", "gaussian", data=data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        contrast(model, draws, "cond", values=values, pairs=pairs)
    assert [w.message.guard for w in caught] == ["level_ranks"] * said


def test_what_too_many_levels_or_values_twice_give_is_refused():
    with pytest.raises(OptionError, match=r"200 levels of 'site' are 19,900 contrasts"):
        weights_of([str(k) for k in range(200)], "all", what="site")
    model, p = made("y ~ cond + x", "gaussian")
    with pytest.raises(OptionError, match="some are given twice"):
        draws_of(model, p, "x", values=[1, 5, 5], pairs="poly")
    with pytest.raises(OptionError, match="'c', which is none of the values compared"):
        draws_of(model, p, "cond", values=["a", "b"], pairs={"m": {"a": -1, "c": 1}})
