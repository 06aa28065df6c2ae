"""Rows of 0 trials say nothing of a proportion: they are left out, and counted."""

import re
import warnings

import arviz as az
import numpy as np
import pandas as pd
import pytest

import winstan as ws
from winstan.errors import DesignWarning


def hours(seed=3):
    """An animal's hours: some without a stimulus; animal 11 never had one."""
    rng = np.random.default_rng(seed)
    animal = np.repeat(np.arange(12), 20)
    n = np.where(animal == 11, 0, rng.poisson(1.5, 240))
    return pd.DataFrame(
        {
            "animal": [f"m{a}" for a in animal],
            "group": np.where(animal % 2, "mutant", "control"),
            "n": n,
            "k": rng.binomial(n, 0.8),
        }
    )


def sampled(data, formula="p(k, n) ~ group + (1|animal)", **options):
    """Fit by default: of few draws, leaving one out would be warned of now and then."""
    return ws.fit(formula, data, "binomial", seed=1, **options)


@pytest.fixture(scope="module")
def fit():
    return sampled(hours(), silence="zero_trials")


@pytest.fixture(scope="module")
def without():
    data = hours().query("n > 0").reset_index(drop=True)
    return sampled(data)


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("p(k, n) ~ group", {}),
        ("p(k, n + 0) ~ group", {}),
        ("k ~ group", {"trials": "n"}),
    ],
)
def test_the_rows_are_counted_and_named(formula, options):
    data = hours()
    none = np.flatnonzero(data["n"] == 0)
    said = rf"{len(none)} of 240 rows have 0 trials.*rows {none[0]}, {none[1]}"
    with pytest.warns(DesignWarning, match=said) as caught:
        model = sampled(data, formula, **options).model
    assert "zero_trials" in [getattr(w.message, "guard", None) for w in caught]
    expected = np.flatnonzero(data["n"] > 0)
    np.testing.assert_array_equal(model.design.kept, expected)
    np.testing.assert_array_equal(model.design.response.trials, data["n"][expected])


def test_levels_that_only_such_rows_had_are_named():
    with pytest.warns(DesignWarning, match="No other row has animal: m11"):
        sampled(hours(), "p(k, n) ~ 1 + (1|animal)")


@pytest.mark.slow
def test_the_posterior_is_that_of_the_other_rows(fit, without):
    one, other = fit.draws["posterior"], without.draws["posterior"]
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].to_numpy(), other[name].to_numpy())


@pytest.mark.slow
def test_proportions_leave_them_out(fit, tmp_path):
    data = hours()
    proportion = (data["k"] / data["n"])[data["n"] > 0]
    fit.report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert re.search(rf"{len(proportion)} rows, mean {proportion.mean():.4g}", page)
    assert f"Of 240 rows these were left out: {(data['n'] == 0).sum()} of 0 trials" in page
    from winstan.effects import intercept_data, observed_rows  # noqa: PLC0415

    assert observed_rows(fit.model)["value"].mean() == pytest.approx(proportion.mean())
    shown = intercept_data(fit.model, "animal", None)
    assert shown["value"].mean() == pytest.approx(proportion.mean())
    assert "m11" not in set(shown["level"])
    for figure in (fit.plot_intercepts(), fit.plot_predictive(draws=10)):
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            figure.draw()


def test_leave_one_out_is_that_of_the_other_rows(fit, without):
    one, other = fit.loo(), without.loo()
    assert one.elpd == pytest.approx(other.elpd, rel=1e-12)
    assert one.n_data_points == int((hours()["n"] > 0).sum())
    kept = np.flatnonzero(hours()["n"] > 0)
    np.testing.assert_array_equal(one.elpd_i.coords["row"], kept)
    density = fit.log_likelihood()
    np.testing.assert_array_equal(density.coords["row"], kept)
    tree = fit.draws.copy()
    tree["log_likelihood"] = density.to_dataset(name=density.name or "y")
    assert az.loo(tree).elpd == pytest.approx(one.elpd, abs=0.5)


def test_successes_without_trials_are_refused():
    data = hours()
    at = int(np.flatnonzero(data["n"] == 0)[0])
    data.loc[at, "k"] = 2
    with pytest.raises(ws.errors.FamilyError, match=f"row {at}: 2"):
        ws.fit("p(k, n) ~ group", data, "binomial", silence="all")


def test_data_without_any_trial_are_refused():
    data = hours().assign(n=0, k=0)
    with pytest.raises(ws.DataError, match=r"All 240 rows.*0 trials"):
        ws.fit("p(k, n) ~ group", data, "binomial")
