"""Rows have the user's numbers, under one name, in all that is by row: ArviZ puts it together."""

from __future__ import annotations

from warnings import catch_warnings, simplefilter

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from effects_cases import DATA
from made_draws import made_fit
from models import model_of

from winstan.errors import DesignWarning

GONE = [0, 3, 4, 17]
"""Rows that miss a value."""
KEPT = [i for i in range(len(DATA)) if i not in GONE]


def with_gaps(data=DATA, column="x"):
    out = data.copy()
    out[column] = out[column].astype(float)
    out.iloc[GONE, out.columns.get_loc(column)] = np.nan
    return out.set_axis(np.arange(len(out))[::-1] + 1000)  # positions count, not the index


def gappy(formula="Power ~ x + (1|mouse)", family="gaussian", *, draws=200, **options):
    with catch_warnings():
        simplefilter("ignore", DesignWarning)
        model = model_of(formula, with_gaps(), family, **options)
    return made_fit(model, draws=draws)


def for_arviz(fit, seed=0):
    """What ArviZ's tools read, put together of what a fit gives."""
    sizes = fit.draws["posterior"].sizes
    replicates = fit.posterior_predictive(sizes["chain"] * sizes["draw"], seed=seed)
    tree = fit.draws.copy()
    tree["log_likelihood"] = xr.DataTree(fit.log_likelihood().to_dataset())
    tree["posterior_predictive"] = xr.DataTree(replicates.to_dataset())
    return tree


def test_all_that_is_by_row_has_the_rows_of_the_users_frame():
    fit = gappy("p(hits, of) ~ x + offset(y) + (1|mouse)", "binomial", weights="n")
    tree = fit.draws
    by_row = {
        "observed": tree["observed_data"]["p(hits, of)"],
        "trials": tree["constant_data"]["trials"],
        "offset": tree["constant_data"]["offset"],
        "weights": tree["constant_data"]["weights"],
        "log likelihood": fit.log_likelihood(),
        "posterior predictive": fit.posterior_predictive(40),
        "prior predictive": fit.prior_predictive(40),
    }
    for name, values in by_row.items():
        assert values.dims[-1] == "row", name
        assert values["row"].to_numpy().tolist() == KEPT, name
    for name, column in {"observed": "hits", "trials": "of", "offset": "y", "weights": "n"}.items():
        np.testing.assert_array_equal(by_row[name], DATA[column].iloc[KEPT])
    table = fit.predict()
    assert table["row"].tolist() == KEPT
    long = fit.predict(draws=True)
    assert long["row"].head(len(KEPT)).tolist() == KEPT
    at = DATA.index[17]  # the number of a row is its place in the new data as well
    assert fit.predict(DATA.iloc[[at, at]])["row"].tolist() == [0, 1]
    repeats = DATA["n"].to_numpy()[KEPT].astype(int)
    loo = fit.loo(silence="all")
    np.testing.assert_array_equal(loo.elpd_i["row"], np.repeat(KEPT, repeats))
    np.testing.assert_array_equal(loo.pareto_k["row"], np.repeat(KEPT, repeats))


def test_replicates_keep_chains_apart():
    fit = gappy(draws=30)
    y = fit.posterior_predictive(draws=10)  # 4 chains: the next multiple
    assert y.sizes == {"chain": 4, "draw": 3, "row": len(KEPT)}
    assert y["draw"].to_numpy().tolist() == [0, 14, 29]
    # A chain of its own mean keeps it.
    fit.draws["posterior"]["Intercept"][2] += 1e6
    y = fit.posterior_predictive(draws=120)
    np.testing.assert_array_equal(y["chain"][y.mean(("draw", "row")) > 1e5], [2])
    assert fit.prior_predictive(7).sizes == {"chain": 1, "draw": 7, "row": len(KEPT)}


def test_a_warning_of_influence_names_the_users_rows():
    data = with_gaps(DATA.assign(Power=DATA["Power"].where(np.arange(len(DATA)) != 30, 40_000.0)))
    n = len(data)
    with catch_warnings():
        simplefilter("ignore", DesignWarning)
        model = model_of("Power ~ x", data, "gaussian")
    X = np.column_stack([np.ones(n), DATA["x"]])[KEPT]
    y = data["Power"].to_numpy()[KEPT]
    # Draws of about the posterior: least squares, and its errors
    beta, rss, *_ = np.linalg.lstsq(X, y)
    rng = np.random.default_rng(1)
    sigma = np.sqrt(rss[0] / rng.chisquare(len(y) - 2, 2000))
    root = np.linalg.cholesky(np.linalg.inv(X.T @ X))
    drawn = beta[:, None] + sigma * (root @ rng.normal(size=(2, 2000)))
    fit = made_fit(model, draws=500)
    for name, values in {"Intercept": drawn[0], "x": drawn[1], "sigma": sigma}.items():
        fit.draws["posterior"][name][:] = values.reshape(4, 500)
    with pytest.warns(DesignWarning, match=r"of 44 rows .*\(row 30: .*; counted from 0\)"):
        loo = fit.loo()
    assert loo.pareto_k["row"][loo.pareto_k.to_numpy().argmax()] == 30


# --- put together for ArviZ -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def normal():
    """A sample of known draws, some of whose rows miss a value, and its tree for ArviZ."""
    rng = np.random.default_rng(2)
    y, n = rng.normal(40, 7, 60), 56
    data = pd.DataFrame({"y": y})
    data.iloc[GONE] = np.nan
    with catch_warnings():
        simplefilter("ignore", DesignWarning)
        fit = made_fit(model_of("y ~ 1", data, "gaussian"), draws=500)
    kept = data["y"].dropna().to_numpy()
    sigma = np.sqrt(kept.var() * n / rng.chisquare(n - 1, (4, 500)))
    fit.draws["posterior"]["sigma"][:] = sigma
    fit.draws["posterior"]["Intercept"][:] = rng.normal(kept.mean(), sigma / np.sqrt(n))
    return kept, for_arviz(fit)


def test_loo_metrics_are_of_each_row_and_its_own_prediction(normal):
    y, tree = normal
    got = az.loo_metrics(tree, kind="rmse", round_to="none").mean
    # A row's leave-one-out mean is that of the others.
    others = (y.sum() - y) / (len(y) - 1)
    assert got == pytest.approx(np.sqrt(np.mean((y - others) ** 2)), rel=0.01)


def test_loo_pit_is_the_t_distribution_of_the_others(normal):
    from scipy import stats  # noqa: PLC0415

    y, tree = normal
    got = az.loo_pit(tree)["y"]
    exact = []
    for i, value in enumerate(y):
        rest = np.delete(y, i)
        scale = rest.std(ddof=1) * np.sqrt(1 + 1 / len(rest))
        exact.append(stats.t.cdf(value, len(rest) - 1, rest.mean(), scale))
    assert got["row"].to_numpy().tolist() == [i for i in range(60) if i not in GONE]
    np.testing.assert_allclose(got, exact, atol=0.06)


@pytest.mark.parametrize(
    "name", ["plot_ppc_dist", "plot_ppc_pit", "plot_loo_pit", "plot_ppc_tstat"]
)
def test_arvizs_plots_of_predictions_take_the_tree(normal, name):
    import matplotlib.pyplot as plt  # noqa: PLC0415

    with catch_warnings():
        simplefilter("ignore")  # ArviZ's and matplotlib's own
        getattr(az, name)(normal[1], backend="matplotlib")
    plt.close("all")


def test_trials_stand_beside_what_was_observed():
    tree = for_arviz(gappy("p(hits, of) ~ x", "binomial", draws=100))
    assert list(tree["observed_data"].data_vars) == ["p(hits, of)"]
    pit = az.loo_pit(tree)["p(hits, of)"]
    assert pit["row"].to_numpy().tolist() == KEPT


def test_a_response_with_a_slash_has_one_name_for_arviz():
    fit = gappy("I(Power / 10) ~ x", draws=50)
    assert fit.log_likelihood().name == fit.posterior_predictive(8).name
    tree = for_arviz(fit)
    (name,) = tree["observed_data"].data_vars
    assert fit.log_likelihood().name == name
    with catch_warnings():
        simplefilter("ignore")  # of draws that know nothing of the data
        assert np.isfinite(az.loo_metrics(tree, kind="rmse", round_to="none").mean)
