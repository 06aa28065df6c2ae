"""Quantile residuals: uniform under the truth, exact where that is known, weights and limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import flat, made_fit, made_posterior
from models import model_of
from scipy import stats
from template_cases import data_of

import winstan as ws
from winstan.effects.means import auxiliary, draw_responses, linear_predictor, rows_of
from winstan.effects.pit import residuals
from winstan.families import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
N = 1500
TRUTH = [
    "gaussian", "student", "lognormal", "gamma", "poisson", "negative_binomial", "bernoulli",
    "binomial", "beta", "zero_inflated_poisson", "hurdle_gamma", "cumulative", "von_mises",
]  # fmt: skip


def true_data(family: str) -> tuple[pd.DataFrame, str, dict[str, str]]:
    """Rows enough for a test of uniformity, whose response is put in later."""
    small = data_of(family)
    data = small.loc[np.tile(small.index, N // len(small))].reset_index(drop=True)
    left = "p(y, trials)" if FAMILIES[family].trials else "y"
    return data, f"{left} ~ x", {"link": "identity"} if family == "von_mises" else {}


@pytest.mark.parametrize("family", TRUTH)
def test_places_are_uniform_under_the_truth(family):
    data, formula, options = true_data(family)
    model = model_of(formula, data, family, **options)
    posterior = {
        k: v[:1] for k, v in flat(made_posterior(model, chains=1, draws=1, seed=3)).items()
    }
    for name in {"zi", "hu"} & posterior.keys():
        posterior[name] = np.array([0.3])
    design = model.design
    rows = rows_of(design, beside=True)
    eta = np.hstack([part for _, part in linear_predictor(model, posterior, rows)]) + rows.offset
    aux = auxiliary(model, posterior, rows)
    aux = {k: v if isinstance(v, tuple) else v[:, design.row] if v.shape[1] > 1 else v
           for k, v in aux.items()}  # fmt: skip
    trials = design.response.trials
    y = draw_responses(model, np.random.default_rng(5), eta[:, design.row], aux, trials)[0]
    model = model_of(formula, data.assign(y=design.response.in_units(y)), family, **options)
    # A thousand draws at the truth: replicates are of as many.
    posterior = {k: np.repeat(v, 400, axis=0) for k, v in posterior.items()}
    table = residuals(model, posterior, 4, 11, loo=False)
    assert stats.kstest(table["pit"], "uniform").pvalue > 1e-3
    assert table["residual"].std() == pytest.approx(1, abs=0.1)


def test_limits_are_places_between():
    """Censored rows are drawn behind their limits, truncated ones held to what was seen."""
    rng = np.random.default_rng(4)
    y = rng.normal(10, 3, N)
    posterior = {"Intercept": np.full(8, 10.0), "sigma": np.full(8, 3.0)}
    censored = pd.DataFrame(
        {
            "y": np.clip(y, 8, 14),
            "status": np.where(y < 8, "left", np.where(y > 14, "right", "none")),
        }
    )
    model = model_of("censored(y, status) ~ 1", censored, "gaussian")
    pit = residuals(model, posterior, 1, 2, loo=False)["pit"]
    assert stats.kstest(pit, "uniform").pvalue > 1e-3
    assert pit[y < 8].max() < stats.norm.cdf(8, 10, 3) < pit[(y > 8) & (y < 14)].min()
    seen = pd.DataFrame({"y": y[(y > 8) & (y < 14)]})
    model = model_of("y | trunc(lb=8, ub=14) ~ 1", seen, "gaussian")
    pit = residuals(model, posterior, 1, 2, loo=False)["pit"]
    low, high = stats.norm.cdf([8, 14], 10, 3)
    np.testing.assert_allclose(pit, (stats.norm.cdf(seen.y, 10, 3) - low) / (high - low))


def test_leaving_out_is_exact_for_a_conjugate_mean():
    """With known errors the posterior without a row is normal, too."""
    rng = np.random.default_rng(9)
    data = pd.DataFrame({"y": rng.normal(50, 6, 12), "s": rng.uniform(4, 8, 12)})
    model = model_of("y | se(s) ~ 1", data, "gaussian", priors={"Intercept": ws.Normal(45, 20)})
    weight, exact = 1 / data.s**2, []
    total, pulled = weight.sum() + 1 / 400, (weight * data.y).sum() + 45 / 400
    for i in range(12):
        precision = total - weight[i]
        mean = (pulled - weight[i] * data.y[i]) / precision
        exact.append(stats.norm.cdf(data.y[i], mean, np.sqrt(1 / precision + data.s[i] ** 2)))
    draws = rng.normal(pulled / total, total**-0.5, 8000)
    found = residuals(model, {"Intercept": draws}, 4, 0, loo=True)
    np.testing.assert_allclose(found["pit"], exact, atol=0.01)
    np.testing.assert_allclose(found["residual"], stats.norm.ppf(found["pit"]))


def test_weights_are_rows_and_columns_go_along():
    data = data_of("poisson")
    model = model_of("y ~ x + (1|g)", data, "poisson", weights="w")
    table = residuals(model, flat(made_posterior(model)), 2, 0, loo=True)
    assert len(table) == data.w.sum()
    np.testing.assert_array_equal(table["row"], np.repeat(data.index, data.w))
    np.testing.assert_array_equal(table["observed"], data.y[table["row"]])
    np.testing.assert_array_equal(table["g"], data.g[table["row"]])
    again = residuals(model, flat(made_posterior(model)), 2, 0, loo=True)
    pd.testing.assert_frame_equal(table, again)


def test_correlated_rows_are_foretold_from_their_neighbours():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"u": np.repeat(range(30), 12), "t": np.tile(range(12), 30)})
    e = np.empty(360)
    for i in range(360):
        e[i] = rng.normal() if data.t[i] == 0 else 0.8 * e[i - 1] + 0.6 * rng.normal()
    data["y"] = 5 + 2 * e
    model = model_of("y ~ 1 + ar(t, u)", data, "gaussian")
    posterior = {"Intercept": np.full(4, 5.0), "sigma": np.full(4, 2.0), "ar": np.full(4, 0.8)}
    pit = residuals(model, posterior, 1, 0, loo=False)["pit"].to_numpy()
    C = 4 * 0.8 ** np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    others = np.arange(12) != 5
    for u in (0, 17):
        own = data.y[data.u == u].to_numpy() - 5
        b = np.linalg.solve(C[np.ix_(others, others)], C[others, 5])
        exact = stats.norm.cdf(own[5], b @ own[others], np.sqrt(4 - b @ C[others, 5]))
        assert pit[12 * u + 5] == pytest.approx(exact)


def test_unordered_categories_and_wrong_options_are_refused():
    fit = made_fit(model_of("y ~ x", data_of("categorical"), "categorical"), chains=2, draws=20)
    with pytest.raises(ws.OptionError, match="categories without an order"):
        fit.residuals()
    fit = made_fit(model_of("y ~ x + (1|g)", data_of("gamma"), "gamma"), chains=2, draws=20)
    with pytest.raises(ws.OptionError, match="given must be 'loo' or 'posterior'"):
        fit.residuals(given="fit")
    with pytest.raises(ws.OptionError, match="no predictor of"):
        fit.plot_residuals("cond")
    with pytest.raises(ws.OptionError, match="alarms= must be"):
        fit.plot_pit(alarms=5)
    weights = model_of("y ~ x", data_of("gamma").assign(w=0.5), "gamma", weights="w")
    with pytest.raises(ws.OptionError, match=r"residuals\(\) takes one observation at a time"):
        made_fit(weights, chains=2, draws=20).residuals()


@pytest.mark.parametrize("by", [None, "x", "g", "cond"])
@pytest.mark.slow
def test_figures_are_drawn(by, tmp_path):
    model = model_of("y ~ x + cond + (1|g)", data_of("poisson"), "poisson", weights="w")
    fit = made_fit(model, chains=2, draws=50)
    for name, plot in (("residuals", fit.plot_residuals(by)), ("pit", fit.plot_pit(by))):
        file = tmp_path / f"{name}.png"
        plot.save(file, verbose=False)
        assert file.stat().st_size > 5000
