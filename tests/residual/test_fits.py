"""Fits with correlated residuals: draws, and what is asked of them."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support.residual_reference import model_of, residual_covariance

import winstan as ws
from winstan.effects.correlated import check_given
from winstan.errors import DataError, DesignWarning, OptionError
from winstan.fitted.pipeline import model_from
from winstan.residual.system import log_density


def series(n_units=8, n=25, rho=0.7, seed=4):
    """Trials of some animals, whose noise follows itself."""
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(n_units, n))
    for k in range(1, n):
        e[:, k] = rho * e[:, k - 1] + np.sqrt(1 - rho**2) * e[:, k]
    mouse = np.repeat(np.arange(n_units), n)
    stim = (np.arange(n) // 5 + np.arange(n_units)[:, None]) % 2
    y = 50 + 4 * stim + 3 * e + 2 * rng.normal(size=n_units)[:, None]
    return pd.DataFrame(
        {
            "y": y.ravel(),
            "stim": stim.ravel(),
            "mouse": np.char.add("m", mouse.astype(str)),
            "trial": np.tile(np.arange(n), n_units),
        }
    )


@pytest.fixture(scope="module")
def fit():
    return ws.fit("y ~ stim + ar(trial, mouse)", series(), seed=1, silence="all")


def test_draws_are_of_the_posterior(fit):
    # The density of (log sigma, number) on a grid; coefficients are normal given these.
    residual = fit.model.residual
    at = np.stack(
        np.meshgrid(np.linspace(0.6, 2.6, 101), np.linspace(0.2, 2.4, 101), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    height = log_density(residual, at)
    weight = np.exp(height - height.max())
    weight /= weight.sum()
    posterior = fit.joined()
    for name, values in {"sigma": np.exp(at[:, 0]), "ar": np.tanh(at[:, 1])}.items():
        mean = weight @ values
        sd = np.sqrt(weight @ (values - mean) ** 2)
        own = fit.summary().loc[name]
        assert abs(own["mean"] - mean) < 4 * own["mcse_mean"]
        assert posterior[name].std() == pytest.approx(sd, rel=0.08)


def test_effects_are_those_of_the_mean(fit):
    table = fit.contrast("stim")
    assert table["mean"].iloc[0] == pytest.approx(fit.joined()["stim"].mean())


def test_replicates_have_the_correlation(fit):
    y = fit.posterior_predictive(draws=400).to_numpy().reshape(400, 8, 25)
    e = y - y.mean(axis=(0, 2), keepdims=True)
    e = e - 4 * series().stim.to_numpy().reshape(8, 25)
    found = np.corrcoef(e[:, :, 1:].ravel(), e[:, :, :-1].ravel())[0, 1]
    assert found == pytest.approx(fit.joined()["ar"].mean(), abs=0.12)
    prior = fit.prior_predictive(draws=50)
    assert prior.shape == (1, 50, 200)


def test_leave_one_out_is_given_the_other_rows_of_the_unit(fit):
    data = series()
    found = fit.log_likelihood().to_numpy().reshape(-1, 200)
    draws = {name: values[5] for name, values in fit.joined().items()}
    R = residual_covariance(fit.model, data.trial.to_numpy(), data.mouse.to_numpy(), draws)
    e = data.y.to_numpy() - draws["Intercept"] - draws["stim"] * data.stim.to_numpy()
    i, others = 60, np.arange(200) != 60
    weights = np.linalg.solve(R[np.ix_(others, others)], R[others, i])
    sd = np.sqrt(R[i, i] - weights @ R[others, i])
    expected = stats.norm.logpdf(e[i], weights @ e[others], sd)
    assert found[5, i] == pytest.approx(expected, rel=1e-9)
    with pytest.warns(DesignWarning, match="left out one at a time"):
        fit.loo(silence="influential_rows")


def test_the_next_trial_is_predicted_from_the_last_one(fit):
    data, posterior = series(), fit.joined()
    new = pd.DataFrame({"stim": [0, 1], "mouse": ["m2", "m2"], "trial": [25, 27]})
    last = data[(data.mouse == "m2") & (data.trial == 24)].iloc[0]
    e = last.y - posterior["Intercept"] - posterior["stim"] * last.stim
    expected = posterior["Intercept"] + posterior["ar"] * e
    table = fit.predict(new, given="data")
    assert table["mean"].iloc[0] == pytest.approx(expected.mean())
    later = posterior["Intercept"] + posterior["stim"] + posterior["ar"] ** 3 * e
    assert table["mean"].iloc[1] == pytest.approx(later.mean())
    alone = fit.predict(new)["mean"].iloc[0]
    assert alone == pytest.approx(posterior["Intercept"].mean())
    drawn = fit.predict(new, given="data", kind="response", draws=True)
    wide = drawn.pivot_table(index="draw", columns="row", values="value")
    spread = posterior["sigma"] * np.sqrt(1 - posterior["ar"] ** 2)
    assert wide[0].std() == pytest.approx(np.sqrt(np.mean(spread**2)), rel=0.1)
    with pytest.raises(DataError, match="'trial' of the new data has 1 missing value, in row 1"):
        fit.predict(new.assign(trial=[25, np.nan]), given="data")
    own = fit.predict(given="data")
    assert np.corrcoef(own["mean"], data.y)[0, 1] > np.corrcoef(fit.predict()["mean"], data.y)[0, 1]


@pytest.mark.parametrize(
    ("error", "says", "new", "options"),
    [
        (DataError, "in the data already, in row 0", {"trial": [3]}, {"given": "data"}),
        (DataError, "'trial'", {}, {"given": "data"}),
        (OptionError, "'data' or None", {"trial": [30]}, {"given": "unit"}),
        (OptionError, "groups='these'", {"trial": [30]}, {"given": "data", "groups": "typical"}),
    ],
)
def test_predictions_that_are_refused(fit, error, says, new, options):
    with pytest.raises(error, match=says):
        fit.predict(pd.DataFrame({"stim": [0], "mouse": ["m1"]} | new), **options)


def test_given_is_for_correlated_residuals():
    with pytest.raises(OptionError, match="for rows that are correlated"):
        check_given(model_of("y ~ stim", series()), "data", "these")


@pytest.mark.slow
def test_a_lognormal_model_is_that_of_the_logarithm():
    data = series().assign(z=lambda d: np.exp(d.y / 20))
    log = ws.fit("log(z) ~ stim + ar(trial, mouse)", data, seed=1, silence="all")
    own = ws.fit("z ~ stim + ar(trial, mouse)", data, "lognormal", seed=1, silence="all")
    a, b = log.summary(), own.summary()
    np.testing.assert_allclose(a["mean"], b["mean"], rtol=0.01)
    mean = own.predict(given="data")["mean"]
    assert np.corrcoef(np.log(mean), np.log(data.z))[0, 1] > 0.7


@pytest.mark.parametrize(("rho", "told"), [(0.7, True), (0.0, False)])
def test_neighbours_that_resemble_each_other_are_told_where_the_model_has_none_of_it(rho, told):
    silence = ("random_slopes", "pseudoreplication")
    wanted = r"in the order of 'trial'.*Add ar\(trial, mouse\)"
    with pytest.warns(DesignWarning, match=wanted) if told else nullcontext():
        model_from("y ~ stim + (1|mouse)", series(rho=rho), "gaussian", {}, silence=silence)


def test_the_autocorrelation_of_residuals_is_that_of_neighbours_within_units(fit):
    table, data, posterior = fit.residual_autocorrelation(lags=3), series(), fit.joined()
    e = data.y - posterior["Intercept"].mean() - posterior["stim"].mean() * data.stim
    e = e.to_numpy().reshape(8, 25)
    now, before = e[:, 2:], e[:, :-2]
    whole = table[(table.unit == "all") & (table.lag == 2)].iloc[0]
    expected = (now * before).sum() / np.sqrt((now**2).sum() * (before**2).sum())
    assert whole["correlation"] == pytest.approx(expected)
    assert whole["implied"] == pytest.approx(posterior["ar"].mean() ** 2)
    assert whole["pairs"] == now.size
    own = table[(table.unit == "m3") & (table.lag == 2)].iloc[0]
    expected = (now[3] @ before[3]) / np.sqrt((now[3] @ now[3]) * (before[3] @ before[3]))
    assert own["correlation"] == pytest.approx(expected)
    assert own["upper"] == pytest.approx(stats.norm.ppf(0.97) / np.sqrt(23))
    figure = fit.plot_residual_autocorrelation(lags=3)
    assert "blue: what ar(trial, mouse) has" in figure.labels.caption.replace("\n", " ")
    with pytest.raises(OptionError, match="no group factor"):
        fit.plot_residual_autocorrelation(by="cage")
