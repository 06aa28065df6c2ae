"""`fit_each` of categories: every group has the same ones, whichever of them its rows have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import winstan as ws
from winstan.design.categories import join_categories
from winstan.each.tables import across
from winstan.fitted.pipeline import model_from

QUICK = {"chains": 4, "warmup": 500, "draws": 1500, "seed": 7, "progress": False, "silence": "all"}
LABELS = ("dull", "fair", "good")
RANKS = {"dull": 1, "fair": 2, "good": 3}


def data() -> pd.DataFrame:
    """Two neurons, as text: no row of n1 is dull, the first in the alphabet."""
    x = np.tile([0, 1], 40)
    n0 = np.tile(["dull", "dull", "fair", "good", "good", "fair", "good", "good"], 10)
    n1 = np.tile(["fair", "good", "fair", "good", "good", "fair", "fair", "good"], 10)
    parts = [pd.DataFrame({"y": y, "x": x, "neuron": n}) for y, n in ((n0, "n0"), (n1, "n1"))]
    return pd.concat(parts, ignore_index=True)


def declared() -> pd.DataFrame:
    return data().assign(y=lambda d: pd.Categorical(d["y"], LABELS, ordered=True))


@pytest.fixture
def models(monkeypatch):
    """The model of each group, in place of its fit."""
    made = []

    def refuse(*_, **__):
        raise ws.BackendError("no sampling")

    def keep(*arguments, **options):
        made.append(model_from(*arguments, **options))
        return made[-1]

    monkeypatch.setattr("winstan.each.task.model_from", keep)
    monkeypatch.setattr("winstan.each.task.fit_by", refuse)
    monkeypatch.setattr("winstan.backends.stan.build", lambda *_, **__: None)

    def of(formula, frame, family, **options):
        made.clear()
        with pytest.raises(ws.BackendError, match="no sampling"):
            ws.fit_each(formula, frame, family, by="neuron", n_jobs=1, **QUICK, **options)
        first, *groups = made
        assert first.design.response.categories == groups[0].design.response.categories
        return groups

    return of


# What n1 lacks has the long tail of its prior alone, in which a chain may stand still.
@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
@pytest.mark.parametrize("family", [ws.categorical("fair"), "cumulative"], ids=str)
@pytest.mark.slow
def test_text_has_the_categories_of_all_groups(family):
    """As if they were declared: then each group's fit is that of its rows alone."""
    ordered = family == "cumulative"
    contrasts = {"x": {"parameter": "score"} if ordered else {"groups": "typical"}}
    found = ws.fit_each(
        "y ~ x", data(), family, by="neuron", contrasts=contrasts, n_jobs=1, **QUICK
    )
    for key, seed in zip(found.keys, found.verdicts["seed"], strict=True):
        rows = declared().loc[lambda d, key=key: d["neuron"] == key]
        alone = ws.fit("y ~ x", rows, family, **(QUICK | {"seed": seed}))
        own = found.table.query("neuron == @key").drop(columns=["neuron", "ok"])
        pd.testing.assert_frame_equal(
            own.set_index("parameter"), alone.summary(), check_names=False
        )
        contrast = found.contrast("x").query("neuron == @key").reset_index(drop=True)
        expected = alone.contrast("x", **contrasts["x"])
        pd.testing.assert_frame_equal(contrast.drop(columns=["neuron", "ok"]), expected)
    if ordered:
        # The mean scores that the rows of each group have, by ranks among all three categories.
        means = data().assign(y=lambda d: d["y"].map(RANKS)).groupby(["neuron", "x"])["y"].mean()
        truth = means.xs(1, level="x") - means.xs(0, level="x")
        got = found.contrast("x").set_index("neuron")
        assert (abs(got["mean"] - truth) < 2 * got["sd"]).all()
        return
    rows = [
        name
        for name in across(found.table, (), found._contrasts)[0].index
        if name.startswith("contrast")
    ]
    assert rows == [f"contrast x, 1 - 0, category {label}" for label in LABELS]
    with pytest.raises(ws.OptionError, match="categories 'dull', 'fair', 'good' declared"):
        found["n1"]


@pytest.mark.slow
def test_numbers_and_other_libraries_have_them_too(models):
    numbers = data().assign(y=lambda d: d["y"].map({"dull": 2, "fair": 9, "good": 10}))
    for frame, labels in (
        (pl.from_pandas(data()), LABELS),
        (pl.from_pandas(data()).with_columns(pl.col("y").cast(pl.Categorical)), LABELS),
        (numbers, (2, 9, 10)),
        (numbers.assign(y=lambda d: d["y"].astype(str)), ("2", "9", "10")),
    ):
        for model in models("y ~ x", frame, "cumulative"):
            assert model.design.response.categories == labels
    # A declared order is kept, and so is a category that nobody has.
    levels = ["good", "fair", "dull", "awful"]
    frame = data().assign(y=lambda d: pd.Categorical(d["y"], levels, ordered=True))
    for model in models("y ~ x", frame, "cumulative"):
        assert model.design.response.categories == tuple(levels)
    # Counts are named by their columns.
    counts = pd.DataFrame({"a": [0, 0, 3, 4], "b": [2, 3, 1, 1], "c": 2, "x": [0, 1, 0, 1]})
    counts["neuron"] = ["n0", "n0", "n1", "n1"]
    for model in models("multinomial(c, a, b) ~ x", counts, "multinomial"):
        assert model.stacked.parameters == ("mua", "mub")
    assert join_categories([("b",), ("a", "c"), ("b",)], "y") == ("a", "b", "c")
    with pytest.raises(ws.DataError, match="labels in some groups of rows, and numbers in others"):
        join_categories([(1, 2), ("a", "b")], "y")


def test_a_group_without_usable_rows_leaves_the_others_theirs(models):
    frame = data().assign(z=0.5 * data()["x"] + np.arange(160) % 7)
    frame.loc[frame["neuron"] == "n1", "z"] = np.inf
    (model,) = models("y ~ z", frame, "categorical")
    assert model.design.response.categories == LABELS


def test_one_formula_may_have_a_label(models):
    """Effects of a group on all categories, correlated: the formula stands for each of them."""
    frame = data().assign(mouse=lambda d: "m" + (np.arange(len(d)) // 2 % 8).astype("U"))
    groups = models("y ~ x + (1 |p| mouse)", frame, ws.categorical("fair"))
    assert len(groups) == 2
    for model in groups:
        (term,) = [one.term for one in model.stacked.written]
        assert term.q == 2
        assert term.correlated
    with pytest.raises(ws.FormulaError):
        models("y ~ x + (1 |p| mouse)", frame, "cumulative")


def test_the_reference_is_one_that_every_group_has(models):
    """Unless the user chose it: log odds of all groups are against the same one."""
    groups = models("y ~ x", data(), "categorical")
    assert [model.stacked.parameters for model in groups] == [("mudull", "mugood")] * 2
    loud = QUICK | {"silence": None}
    with (
        pytest.warns(ws.DesignWarning, match="'dull' of 'y' in 1 group: .*n1.*against 'fair'"),
        pytest.raises(ws.BackendError, match="no sampling"),
    ):
        ws.fit_each("y ~ x", data(), "categorical", by="neuron", n_jobs=1, **loud)


def test_a_group_without_the_chosen_reference_says_so_and_has_no_other(models):
    """Log odds against another reference would stand under the same names."""
    chosen = ws.categorical("dull")
    (model,) = models("y ~ x", data(), chosen)
    assert model.stacked.parameters == ("mufair", "mugood")
    alone = data().query("neuron == 'n1'").assign(y=lambda d: pd.Categorical(d["y"], LABELS))
    with pytest.raises(ws.DataError, match=r"'dull' in none of 80 rows.*fit these rows by"):
        ws.fit_each("y ~ x", alone, chosen, by="neuron", **QUICK)


def test_the_column_of_categories_is_no_group():
    frame = data().rename(columns={"neuron": "category"})
    with pytest.raises(ws.OptionError, match="by='category'"):
        ws.fit_each("y ~ x", frame, "categorical", by="category", n_jobs=1, **QUICK)
