"""Counts of several categories: their predictors are the data's rows, and so are the answers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from made_draws import flat, made_fit, made_posterior
from models import model_of
from scipy import special, stats

import winstan as ws
from winstan.effects import pointwise
from winstan.errors import DataError, FamilyError, FormulaError
from winstan.fitted.pipeline import model_from
from winstan.report.tables import data_table, left_out

NAMES = ["none", "left", "right"]
COUNTS = "multinomial(none, left, right)"


def wide(n: int = 30) -> pd.DataFrame:
    """Counts of three categories, a third of them zero; row 4, alone of its group, counts none."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame(
        {"g": list("pqrstu") * (n // 6), "x": rng.gamma(2.0, 3.0, n), "w": [1, 2] * (n // 2)}
    )
    data[NAMES] = rng.multinomial(3, [0.2, 0.5, 0.3], n)
    data.loc[4, "g"] = "lost"
    data.loc[4, NAMES] = 0
    return data


def quiet(formula: str, data: pd.DataFrame, **options):
    """The model, where it is known that row 4 is left out."""
    with pytest.warns(ws.DesignWarning, match=r"1 of 30 rows have 0 trials.*row 4 ") as caught:
        model = model_of(formula, data, "multinomial", **options)
    assert [w.message.guard for w in caught] == ["zero_trials"]
    return model


@pytest.mark.parametrize(
    "right", ["scale(x)", "center(x)", "poly(x, 2)", "bs(x, df=5)", "within(x, g) + between(x, g)"]
)
def test_functions_of_columns_are_of_the_rows_whichever_counts_are_zero(right):
    data = wide()
    model = quiet(f"{COUNTS} ~ {right}", data)
    rows = data.drop(index=4).reset_index(drop=True)
    rows["y"] = np.arange(29.0)
    expected = model_of(f"y ~ {right}", rows, "gaussian").design
    design = model.design
    np.testing.assert_allclose(
        design.X[design.row[design.data_rows]], expected.X[expected.row], rtol=1e-12
    )
    if right == "scale(x)":
        x = rows["x"].to_numpy()
        found = design.X[design.row[design.data_rows], 0]
        np.testing.assert_allclose(found, (x - x.mean()) / x.std(), rtol=1e-12)


def test_rows_are_the_users():
    data = wide()
    with pytest.warns(ws.DesignWarning, match="No other row has g: lost"):
        model = model_of(f"{COUNTS} ~ x + (1|g)", data, "multinomial", weights="w")
    design = model.design
    kept = np.delete(np.arange(30), 4)
    assert (design.n_given, design.n_rows, design.untried) == (30, 29, 1)
    assert list(design.groups[0].levels) == list("pqrstu")
    assert left_out(design) == "Of 30 rows these were left out: 1 of 0 trials."
    said = data_table(model)["values"]
    total = data[NAMES].sum()
    assert said[COUNTS].endswith(", ".join(f"{name} ({total[name]})" for name in NAMES))
    assert said["x"].startswith(f"29 rows, mean {data['x'][kept].mean():.4g}")
    fit = made_fit(model)
    assert "29 of 30 rows" in repr(fit)
    for table in (fit.predict(), fit.predict(kind="response")):
        assert sorted(set(table["row"])) == kept.tolist()
        assert len(table) == 29 * 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)  # made-up draws
        terms = fit.loo().elpd_i
    np.testing.assert_array_equal(terms.coords["row"], np.repeat(kept, data["w"].iloc[kept]))
    new = fit.predict(data.iloc[kept])
    np.testing.assert_allclose(fit.predict()["mean"], new["mean"], rtol=1e-12)


@pytest.mark.slow
def test_replicates_are_of_each_response_that_is_counted():
    data = wide().drop(index=4).reset_index(drop=True)
    data["right"] *= 20
    model = model_of(f"{COUNTS} ~ x + (1|g)", data, "multinomial", weights="w")
    fit = made_fit(model)
    rows = np.repeat(data.index, data[NAMES].sum(axis=1))
    seen = fit.draws["observed_data"][COUNTS]
    np.testing.assert_array_equal(np.bincount(seen.astype(int)), data[NAMES].sum())
    np.testing.assert_array_equal(seen.coords["row"], rows)
    weights = fit.draws["constant_data"]["weights"]
    np.testing.assert_array_equal(weights, data["w"].loc[rows])
    replicates = fit.posterior_predictive(draws=1600)
    np.testing.assert_array_equal(replicates.coords["row"], rows)
    shares = fit.predict().pivot_table(index="row", columns="category", values="mean")
    expected = [shares["left"].loc[row] for row in rows]
    found = (replicates == NAMES.index("left")).mean(("chain", "draw"))
    assert found.mean() == pytest.approx(np.mean(expected), abs=0.002)
    for kind in ("density", "statistic"):
        fit.plot_predictive(kind=kind, draws=10).draw()


def test_log_densities_are_scipys_of_whole_rows():
    data = wide()
    model = quiet(f"{COUNTS} ~ x", data, weights="w")
    posterior = made_posterior(model)
    found = pointwise.log_likelihood(model, flat(posterior), 2)
    kept = np.delete(np.arange(30), 4)
    np.testing.assert_array_equal(found.coords["row"], kept)
    counts, x = data[NAMES].to_numpy()[kept], data["x"].to_numpy()[kept]
    own = flat(posterior)
    etas = [
        own[f"{name}_Intercept"][:, None] + own[f"{name}_x"][:, None] * x
        for name in ("muleft", "muright")
    ]
    p = special.softmax(np.stack([0 * etas[0], *etas], axis=-1), axis=-1)
    expected = stats.multinomial.logpmf(counts, counts.sum(axis=1), p)
    np.testing.assert_allclose(found.to_numpy().reshape(40, 29), expected, rtol=1e-8)


@pytest.mark.parametrize(("repeats", "told"), [(6, True), (1, False)])
@pytest.mark.slow
def test_rows_of_one_trial_are_told_by_the_users_rows(repeats, told):
    """One row a trial is none of several, however many categories it counts."""
    rng = np.random.default_rng(0)
    trial = np.repeat(np.arange(60), repeats)
    data = pd.DataFrame({"trial": trial, "x": trial % 2 + 0.5, "g": trial % 10})
    names = list("abcdef")
    data[names] = rng.multinomial(40, np.ones(6) / 6, 60)[trial]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model_from(
            "multinomial(a, b, c, d, e, f) ~ x + (x|g)", data, "multinomial", {}, link=None,
            priors=None, center=True, weights=None, trials=None, parametrization=None,
            silence=None,
        )  # fmt: skip
    said = [w.message for w in caught if w.message.guard == "pseudoreplication"]
    assert len(said) == told
    assert all("60" in str(message) and "360" in str(message) for message in said)


def test_a_reference_without_counts_is_refused_and_others_are_told_of():
    data = wide().drop(index=4)
    said = r"'none' in none of 29 rows.*leave its column out.*reference='left'"
    with pytest.raises(DataError, match=said):
        model_of(f"{COUNTS} ~ x", data.assign(none=0), "multinomial")
    with pytest.warns(ws.DesignWarning, match=r"1 level that no used row has: 'right'"):
        model_of(f"{COUNTS} ~ x", data.assign(right=0), "multinomial")


def test_levels_that_remain_must_vary():
    data = wide().assign(g=["b"] * 4 + ["a"] + ["b"] * 25)
    with pytest.raises(DataError, match="'g' has only one level, 'b', in the 29 used rows"):
        model_of(f"{COUNTS} ~ g", data, "multinomial")


def test_counts_are_rows_of_one_category_each():
    """The posterior is that of the rows; and `c` is what bambi calls it."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": list("uvwst") * 4, "x": np.arange(20) % 7 / 3.0, "w": [1, 2] * 10})
    data[["left", "right", "none"]] = rng.multinomial(9, [0.2, 0.5, 0.3], 20)
    data.loc[3, ["left", "right", "none"]] = 0
    before = data.copy()
    with pytest.warns(ws.DesignWarning, match="1 of 20 rows have 0 trials"):
        model = model_of(
            "multinomial(none, left, right) ~ x + (1|g)", data, "multinomial", weights="w"
        )
    pd.testing.assert_frame_equal(data, before)
    names = ["none", "left", "right"]
    times = [(place, k) for k in range(20) for place in names for _ in range(data[place][k])]
    long = pd.DataFrame({"y": [name for name, _ in times]}).join(
        data[["g", "x", "w"]].iloc[[k for _, k in times]].reset_index(drop=True)
    )
    rows = model_of("y ~ x + (1|g)", long, ws.categorical("none"), weights="w")
    assert model.stacked.parameters == rows.stacked.parameters == ("muleft", "muright")
    assert {k: str(v) for k, v in model.priors.table.items()} == {
        k: str(v) for k, v in rows.priors.table.items()
    }
    points = np.random.default_rng(5).normal(0, 1, (3, 2 * rows.cells.n))
    place = rows.cells.design_row, model.cells.design_row
    order = [
        int(np.flatnonzero((rows.design.predictors.iloc[place[0]] == row).all(axis=1))[0])
        for _, row in model.design.predictors.iloc[place[1]].iterrows()
    ]
    for eta in points:
        moved = np.concatenate([half[order] for half in np.split(eta, 2)])
        ours = model.likelihood.log_density(moved, {})
        assert ours == pytest.approx(rows.likelihood.log_density(eta, {}), rel=1e-12)
    other = model_of("c(none, left, right) ~ x", data.drop(index=3), "categorical")
    assert other.stacked.parameters == ("muleft", "muright")


def test_counts_that_are_refused():
    data = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, -1, 2], "x": [0.0, 1.0, 2.0]})
    with pytest.raises(DataError, match="'b' have 2 values below zero or not whole, in rows 0, 1"):
        model_of("multinomial(a, b) ~ x", data, "multinomial")
    with pytest.raises(FamilyError, match="family='poisson' does not take"):
        model_of("multinomial(a, b) ~ x", data, "poisson")
    with pytest.raises(FormulaError, match="a column of counts for each category"):
        model_of("multinomial(a) ~ x", data, "multinomial")
    with pytest.raises(DataError, match=r"All 3 rows of 'multinomial\(a, b\)' have 0 trials"):
        model_of("multinomial(a, b) ~ x", data.assign(a=0, b=0), "multinomial")
