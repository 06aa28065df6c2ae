"""Predictions are what loops over rows give; new groups have the variance of the population."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from effects_cases import DATA, MICE, S, made
from made_draws import flat, made_fit, made_posterior
from models import model_of
from scipy import stats

from winstan import effects
from winstan.errors import DataError, OptionError
from winstan.tuning import Tuning

AT = [MICE.index(m) for m in DATA["mouse"]]


def draws_by_row(model, p, newdata=None, **options) -> np.ndarray:
    """Draws of each row, shape (S, rows)."""
    long = effects.prediction_draws(effects.predict(model, p, newdata, **options))
    assert list(long) == ["row", "draw", "value"]
    return long.pivot_table(index="draw", columns="row", values="value").to_numpy()


def test_means_of_the_data_row_by_row_with_offsets():
    model, p = made("count ~ stim * x + offset(np.log(hours)) + (stim|mouse)", "poisson")
    got = draws_by_row(model, p)
    for i, row in enumerate(DATA.itertuples()):
        j = MICE.index(row.mouse)
        eta = p["Intercept"] + p["stim"] * row.stim + p["x"] * row.x + p["1|mouse"][:, j]
        eta = eta + (p["stim:x"] * row.x + p["stim|mouse"][:, j]) * row.stim
        np.testing.assert_allclose(got[:, i], row.hours * np.exp(eta), rtol=1e-9)
    np.testing.assert_allclose(draws_by_row(model, p, DATA), got, rtol=1e-12)
    np.testing.assert_allclose(draws_by_row(model, p, kind="link"), np.log(got), rtol=1e-9)
    shuffled = DATA.sample(frac=1, random_state=1)
    np.testing.assert_allclose(draws_by_row(model, p, shuffled), got[:, shuffled.index])
    before = DATA.copy(deep=True)
    np.testing.assert_allclose(
        draws_by_row(model, p, pl.DataFrame(DATA.to_dict("list"))), got, rtol=1e-12
    )
    pd.testing.assert_frame_equal(DATA, before)


@pytest.mark.parametrize(
    ("formula", "family", "link", "mean"),
    [
        ("Power ~ x + (1|mouse)", "lognormal", None,
         lambda e, p: np.exp(e + p["sigma"][:, None] ** 2 / 2)),
        ("p(hits, of) ~ x + (1|mouse)", "binomial", "probit", lambda e, p: stats.norm.cdf(e)),
        ("Power ~ x + (1|mouse)", "gamma", "inverse", lambda e, p: 1 / e),
        ("y ~ x + (1|mouse)", "student", None, lambda e, p: e),
    ],
)  # fmt: skip
def test_a_typical_group_has_effects_of_zero(formula, family, link, mean):
    model, p = made(formula, family, link=link)
    new = pd.DataFrame({"x": [2.0, 11.0]})
    eta = p["Intercept"][:, None] + p["x"][:, None] * new["x"].to_numpy()
    for given in (new, new.assign(mouse="unheard of"), pl.DataFrame(new.to_dict("list"))):
        got = draws_by_row(model, p, given, groups="typical")
        np.testing.assert_allclose(got, mean(eta, p), rtol=1e-9)


@pytest.mark.parametrize("groups", ["typical", "population"])
def test_differences_of_predictions_are_contrasts(groups):
    model, p = made("Power ~ stim + (stim|mouse)", "gamma")
    got = draws_by_row(model, p, {"stim": [0, 1]}, groups=groups)
    contrast = effects.contrast(model, p, "stim", groups=groups).draws[:, 0, 0]
    np.testing.assert_allclose(got[:, 1] - got[:, 0], contrast, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_the_populations_variance_is_the_sum_over_crossed_and_nested_factors():
    model, p = made("Power ~ x + (1|cond/mouse) + (1|sex)", "gamma")
    sds = [p[f"1|{factor}_sigma"] for factor in ("cond", "cond:mouse", "sex")]
    expected = np.exp(p["Intercept"] + 3 * p["x"] + sum(sd**2 for sd in sds) / 2)
    got = draws_by_row(model, p, {"x": [3]}, groups="population")[:, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_an_intercept_alone():
    model, p = made("y ~ 1 + (1|mouse)", "gaussian")
    got = draws_by_row(model, p, {"whatever": [1, 2, 3]}, groups="typical")
    np.testing.assert_allclose(got, np.tile(p["Intercept"][:, None], 3))


# --- levels that were not fitted ------------------------------------------------------------------

MANY = 40_000


def one_population(formula: str, **parameters):
    """A model whose draws all have the same parameters, but for those that are drawn anew."""
    model = model_of(formula, DATA, "gaussian")
    p = flat(made_posterior(model, chains=1, draws=1))
    p |= {name: np.array([value], float) for name, value in parameters.items()}
    return model, {name: np.repeat(x, MANY, axis=0) for name, x in p.items()}


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_new_levels_have_the_covariance_of_the_population():
    r, sds = -0.6, np.array([3.0, 0.8])
    model, p = one_population(
        "y ~ x + (x|mouse)",
        Intercept=5.0, x=2.0, mouse_corr=[r], sigma=1.5,
        **{"1|mouse_sigma": sds[0], "x|mouse_sigma": sds[1]},
    )  # fmt: skip
    new = pd.DataFrame({"x": [0.0, 4.0, 4.0, 4.0], "mouse": ["n1", "n1", "n2", "m2"]})
    got = draws_by_row(model, p, new, groups="new", seed=3)
    cov = np.outer(sds, sds) * [[1, r], [r, 1]]
    Z = np.array([[1, 0], [1, 4]])
    theory = Z @ cov @ Z.T
    for row, (mean, variance) in enumerate(
        [(5, theory[0, 0]), (13, theory[1, 1]), (13, theory[1, 1])]
    ):
        reference = stats.norm(mean, np.sqrt(variance))
        assert stats.kstest(got[:, row], reference.cdf).pvalue > 0.001
    expected = theory[0, 1] / np.sqrt(theory[0, 0] * theory[1, 1])
    correlations = np.corrcoef(got[:, :3].T)
    assert abs(np.arctanh(correlations[0, 1]) - np.arctanh(expected)) < 4 / np.sqrt(MANY)
    assert abs(correlations[0, 2]) < 4 / np.sqrt(MANY)
    # A level that was fitted keeps its own effects.
    own = p["1|mouse"][0, 2] + 4 * p["x|mouse"][0, 2]
    np.testing.assert_allclose(got[:, 3], 13 + own)
    response = draws_by_row(model, p, new, groups="new", kind="response", seed=4)
    reference = stats.norm(13, np.sqrt(theory[1, 1] + 1.5**2))
    assert stats.kstest(response[:, 2], reference.cdf).pvalue > 0.001


def test_a_new_level_follows_each_draws_own_population():
    model, p = made("y ~ 1 + (1|mouse)", "gaussian")
    many = {name: np.repeat(x, 500, axis=0) for name, x in p.items()}
    got = draws_by_row(model, many, {"mouse": ["new"]}, groups="new")[:, 0]
    z = (got - many["Intercept"]) / many["1|mouse_sigma"]
    assert stats.kstest(z, "norm").pvalue > 0.001
    repeated = draws_by_row(model, many, {"mouse": ["new"]}, groups="new")[:, 0]
    np.testing.assert_array_equal(got, repeated)
    other = draws_by_row(model, many, {"mouse": ["new"]}, groups="new", seed=1)[:, 0]
    assert not np.array_equal(got, other)


def test_effects_of_several_columns_and_perfect_correlation():
    model, p = one_population(
        "y ~ 1 + (cond|mouse)", mouse_corr=[1.0, 1.0, 1.0],
        **{"1|mouse_sigma": 2.0, "cond|mouse_sigma": [1.0, 3.0]},
    )  # fmt: skip
    new = pd.DataFrame({"cond": ["a", "b", "c"], "mouse": "new"})
    got = draws_by_row(model, p, new, groups="new") - p["Intercept"][0]
    assert stats.kstest(got[:, 0], stats.norm(0, 2).cdf).pvalue > 0.001
    np.testing.assert_allclose(got[:, 1], 1.5 * got[:, 0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(got[:, 2], 2.5 * got[:, 0], rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_correlations_of_the_right_term():
    # Two correlated terms of one factor: their correlations stand one after the other.
    model, p = one_population(
        "y ~ 1 + (x|mouse) + (0 + stim + hours|mouse)", mouse_corr=[0.0, 1.0],
        **{"1|mouse_sigma": 1e-9, "x|mouse_sigma": 1e-9,
           "stim|mouse_sigma": 2.0, "hours|mouse_sigma": 4.0},
    )  # fmt: skip
    new = pd.DataFrame({"x": 0.0, "stim": [1, 0], "hours": [0, 1.0], "mouse": "new"})
    got = draws_by_row(model, p, new, groups="new") - p["Intercept"][0]
    np.testing.assert_allclose(got[:, 1], 2 * got[:, 0], atol=1e-6)
    assert got[:, 0].std() == pytest.approx(2, rel=0.02)


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_a_new_cask_of_a_known_batch():
    model, p = made("y ~ 1 + (1|cond/mouse)", "gaussian")
    p["1|cond:mouse_sigma"] = np.full(S, 1e-9)
    new = {"cond": ["a", "a", "z"], "mouse": ["new", "m1", "m1"]}
    got = draws_by_row(model, p, new, groups="new")
    groups = {g.factor: list(g.levels) for g in model.design.groups}
    base = p["Intercept"] + p["1|cond"][:, 0]
    np.testing.assert_allclose(got[:, 0], base, atol=1e-6)
    own = p["1|cond:mouse"][:, groups["cond:mouse"].index("a:m1")]
    np.testing.assert_allclose(got[:, 1], base + own, rtol=1e-12)
    assert np.abs(got[:, 2] - p["Intercept"]).std() > 0
    with pytest.raises(DataError, match=r"1 row of the new data has 1 level of 'cond'.*'z'"):
        effects.predict(model, p, new)


def test_unseen_levels_are_refused_with_count_and_remedy():
    model, p = made("y ~ x + (1|mouse)", "gaussian")
    new = pd.DataFrame({"x": 1.0, "mouse": ["m0", "q", "q", "r"]})
    with pytest.raises(DataError, match=r"3 rows .* 2 levels of 'mouse'.*'q', 'r'\. groups='new'"):
        effects.predict(model, p, new)


# --- responses ------------------------------------------------------------------------------------


def test_responses_scatter_about_the_mean():
    model = model_of("count ~ stim + (1|mouse)", DATA, "negative_binomial")
    p = flat(made_posterior(model, chains=1, draws=20_000))
    new = pd.DataFrame({"stim": [1], "mouse": ["m4"]})
    mu = draws_by_row(model, p, new)[:, 0]
    y = draws_by_row(model, p, new, kind="response")[:, 0]
    z = (y - mu) / np.sqrt(mu + mu**2 / p["alpha"])
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert abs(np.mean(z**2) - 1) < 4 * np.std(z**2) / np.sqrt(z.size)
    assert np.array_equal(y, np.round(y))


def test_rows_of_the_data_have_responses_of_their_own():
    model, p = made("y ~ stim", "gaussian")
    y = draws_by_row(model, p, kind="response")
    assert len(np.unique(y)) == y.size
    residual = (y - draws_by_row(model, p)) / p["sigma"][:, None]
    assert stats.kstest(residual.reshape(-1), "norm").pvalue > 0.001


def test_a_summary_of_responses_has_them_once_for_rows_that_are_alike():
    fit = made_fit(model_of("y ~ stim", DATA, "gaussian"), draws=5000)
    p = fit.joined()
    table = fit.predict(kind="response", interval="eti")
    assert len(table) == len(DATA)
    pd.testing.assert_frame_equal(fit.predict(DATA, kind="response", interval="eti"), table)
    assert table.groupby(DATA["stim"])["mean"].nunique().tolist() == [1, 1]
    for stim in (0, 1):
        mu, variance = p["Intercept"] + stim * p["stim"], p["sigma"] ** 2
        row = table[DATA["stim"] == stim].iloc[0]
        total = mu.var() + variance.mean()
        assert abs(row["mean"] - mu.mean()) < 4 * np.sqrt(variance.mean() / 20_000)
        assert row["sd"] == pytest.approx(np.sqrt(total), rel=0.03)


@pytest.mark.slow
def test_trials_of_binomial_responses():
    model = model_of("p(hits, of) ~ stim", DATA, "binomial")
    p = flat(made_posterior(model, chains=1, draws=20_000))
    new = pd.DataFrame({"stim": [0, 1], "of": [30, 5], "n": [4, 9]})
    mean = draws_by_row(model, p, new)
    for options, of in (({}, (30, 5)), ({"trials": "n"}, (4, 9)), ({"trials": 7}, (7, 7))):
        y = draws_by_row(model, p, new, kind="response", **options)
        assert y.max(axis=0).tolist() == list(of)
        for row in range(2):
            expected = of[row] * mean[:, row].mean()
            assert abs(y[:, row].mean() - expected) < 4 * y[:, row].std() / np.sqrt(20_000)
    at_data = draws_by_row(model, p, kind="response")
    assert (at_data.max(axis=0) == DATA["of"]).all()
    given = model_of("hits ~ stim", DATA, "binomial", trials="of")
    with pytest.raises(OptionError, match="Binomial responses need trials"):
        effects.predict(given, p, new, kind="response")
    assert draws_by_row(given, p, new, kind="response", trials="of").max() == 30
    fixed = model_of("p(hits, 12) ~ stim", DATA, "binomial")
    assert draws_by_row(fixed, p, new, kind="response").max() == 12
    with pytest.raises(DataError, match="no column 'missing'"):
        effects.predict(model, p, new, kind="response", trials="missing")
    with pytest.raises(DataError, match="below zero or not whole"):
        effects.predict(model, p, new.assign(of=[1.5, 2]), kind="response")
    with pytest.raises(OptionError, match="trials= is for family='binomial'"):
        effects.predict(*made("y ~ stim", "gaussian"), new, kind="response", trials=3)


# --- tables ---------------------------------------------------------------------------------------


def test_tables_of_predictions():
    fit = made_fit(model_of("Power ~ stim + x + (1|mouse)", DATA, "gamma"), draws=50)
    table = fit.predict(prob=0.8)
    assert list(table) == ["row", "groups", "mean", "sd", "hdi_10%", "hdi_90%"]
    assert table["row"].tolist() == list(range(len(DATA)))
    long = fit.predict(draws=True)
    by_row = long.groupby("row")["value"]
    np.testing.assert_allclose(table["mean"], by_row.mean())
    np.testing.assert_allclose(table["sd"], by_row.std())
    for row in (0, 17):
        values = by_row.get_group(row).to_numpy()
        low, high = map(float, effects.interval_ends(values, 0.8, "hdi"))
        assert table.loc[row, ["hdi_10%", "hdi_90%"]].tolist() == pytest.approx([low, high])


def test_in_chunks_as_at_once():
    model, p = made("Power ~ stim + x + (stim|mouse)", "gamma")
    new = DATA.assign(mouse=np.where(np.arange(len(DATA)) % 5 == 0, "new", DATA["mouse"]))
    calls = [{}, {"newdata": new, "groups": "new"}, {"newdata": new, "groups": "population"}]
    tables = [effects.prediction_table(effects.predict(model, p, **c), 0.9, "hdi") for c in calls]
    model = replace(model, tuning=Tuning(chunk=5 * S))
    for call, whole in zip(calls, tables, strict=True):
        parts = effects.prediction_table(effects.predict(model, p, **call), 0.9, "hdi")
        pd.testing.assert_frame_equal(parts, whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "median"}, "kind must be"),
        ({"groups": "old"}, "groups must be 'these', 'typical', 'population' or 'new'"),
        ({"groups": ["new"]}, "groups must be 'these'.*for each factor"),
        ({"groups": {"mous": "new"}}, "names 'mous', which is no group factor.*'mouse'"),
        ({"groups": {"mouse": "all"}}, "'all' for 'mouse'"),
        ({"groups": "average"}, "'average' .which is called 'these'"),
        ({"groups": "zero"}, "'zero' .which is called 'typical'"),
        ({"kind": "response", "groups": "population"}, "A response comes from one group"),
        ({"seed": -1}, "seed= must be"),
        ({"seed": 1.5}, "seed= must be"),
    ],
)
def test_unknown_options(options, message):
    model, p = made("y ~ x + (1|mouse)", "gaussian")
    with pytest.raises(OptionError, match=message):
        effects.predict(model, p, **options)


@pytest.mark.parametrize(
    ("new", "groups", "message"),
    [
        ({"mouse": ["m0"]}, "these", "no column 'x'"),
        (
            {"x": [1.0]},
            "new",
            r"no column 'mouse'.*groups='population'.*'typical'.*groups='new'.*'new'\.",
        ),
        ({"x": [1.0]}, "these", "no column 'mouse'.*groups='population'.*groups='typical'"),
        ({"mouse": ["m0"]}, "typical", "no column 'x'"),
        ({"x": [np.nan], "mouse": ["m0"]}, "population", "'x'.*1 missing value"),
        ({"x": ["a"], "mouse": ["m0"]}, "these", "numeric at first"),
        ([1, 2], "typical", "not a data frame"),
    ],
)
def test_new_data_that_cannot_be_used(new, groups, message):
    model, p = made("y ~ x + (1|mouse)", "gaussian")
    with pytest.raises(DataError, match=message):
        effects.predict(model, p, new, groups=groups)


def test_effects_are_per_unit_of_offset_and_predictions_are_not():
    model, p = made("y ~ x + offset(hours)", "gaussian")
    got = draws_by_row(model, p, {"x": [2.0], "hours": [100.0]})[:, 0]
    np.testing.assert_allclose(got, p["Intercept"] + 2 * p["x"] + 100)
