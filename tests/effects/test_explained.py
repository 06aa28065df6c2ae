"""R squared and intraclass correlations, against plain loops and published definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from scipy import stats
from template_cases import data_of

import winstan as ws
from winstan.families import FAMILIES

pytestmark = pytest.mark.filterwarnings("ignore::winstan.DesignWarning")


def fit_of(formula, data, family="gaussian", **options):
    return made_fit(model_of(formula, data, family, **options), chains=2, draws=15, seed=4)


def values(table: pd.DataFrame, key: str, name: str) -> np.ndarray:
    return table.loc[table[key] == name, "value"].to_numpy()


def test_icc_of_dyestuff_draw_by_draw():
    fit = fit_of("Yield ~ 1 + (1|Batch)", ws.load("Dyestuff"))
    found, draws = fit.icc(draws=True), fit.joined()
    sd, sigma = draws["1|Batch_sigma"], draws["sigma"]
    np.testing.assert_allclose(values(found, "term", "1|Batch"), sd**2 / (sd**2 + sigma**2))
    assert found.attrs["scale"] == "response"
    assert fit.icc().columns.tolist() == ["term", "mean", "sd", "hdi_3%", "hdi_97%"]


def test_icc_with_slopes_and_sigma_by_condition():
    data = data_of("gaussian")
    fit = fit_of(["y ~ x + cond + (x|g) + (1|h)", "sigma ~ cond"], data, weights="w")
    draws = fit.joined()
    R = np.ones((30, 2, 2))
    R[:, 0, 1] = R[:, 1, 0] = draws["g_corr"][:, 0]
    sds = np.stack([draws["1|g_sigma"], draws["x|g_sigma"]], axis=-1)
    S = R * sds[:, :, None] * sds[:, None, :]
    of_cond = {"a": 0.0, "b": draws["sigma_cond"][:, 0], "c": draws["sigma_cond"][:, 1]}

    def expected(rows: pd.DataFrame) -> dict[str, np.ndarray]:
        slope, left = np.zeros(30), np.zeros(30)
        for x, cond, w in zip(rows.x, rows.cond, rows.w, strict=True):
            z = np.array([1, x])
            slope += w * np.einsum("i,sij,j->s", z, S, z) / rows.w.sum()
            left += w * np.exp(draws["sigma_Intercept"] + of_cond[cond]) ** 2 / rows.w.sum()
        h = draws["1|h_sigma"] ** 2
        total = slope + h + left
        return {"1 + x|g": slope / total, "1|h": h / total}

    whole = fit.icc(draws=True)
    for term, share in expected(data).items():
        np.testing.assert_allclose(values(whole, "term", term), share)
    apart = fit.icc(by="cond", draws=True)
    for cond, rows in data.groupby("cond"):
        own = apart[apart["cond"] == cond]
        for term, share in expected(rows).items():
            np.testing.assert_allclose(values(own, "term", term), share)


def test_icc_names_its_scale():
    sd = 0.0
    for family, link, left in (
        ("bernoulli", "logit", np.pi**2 / 3), ("bernoulli", "probit", 1.0),
        ("cumulative", "logit", np.pi**2 / 3), ("bernoulli", "cloglog", np.pi**2 / 6),
    ):  # fmt: skip
        fit = fit_of("y ~ x + (1|g)", data_of(family), family, link=link)
        sd = fit.joined()["1|g_sigma"]
        found = fit.icc(draws=True)
        np.testing.assert_allclose(values(found, "term", "1|g"), sd**2 / (sd**2 + left))
        assert link in found.attrs["scale"]
    fit = fit_of("y ~ 1 + (1|g)", data_of("negative_binomial"), "negative_binomial")
    draws, found = fit.joined(), fit.icc(draws=True)
    mean = np.exp(draws["Intercept"] + 0.5 * draws["1|g_sigma"] ** 2)
    left = np.log(1 + 1 / mean + 1 / draws["alpha"])  # Nakagawa et al. 2017, table 1
    sd = draws["1|g_sigma"]
    np.testing.assert_allclose(values(found, "term", "1|g"), sd**2 / (sd**2 + left))
    assert "observation-level" in found.attrs["scale"]
    fit = fit_of("y ~ x + (1|g)", data_of("lognormal"), "lognormal")
    draws = fit.joined()
    share = draws["1|g_sigma"] ** 2 / (draws["1|g_sigma"] ** 2 + draws["sigma"] ** 2)
    np.testing.assert_allclose(values(fit.icc(draws=True), "term", "1|g"), share)


def test_r2_of_each_draw():
    data = data_of("gaussian")
    fit = fit_of(["y ~ x + (1|g)", "sigma ~ cond"], data, weights="w")
    found, draws = fit.r2(draws=True), fit.joined()
    every = data.loc[np.repeat(data.index, data.w)]
    level = every.g.str[1:].astype(int).to_numpy()
    fixed = draws["Intercept"][:, None] + draws["x"][:, None] * every.x.to_numpy()
    mean = fixed + draws["1|g"][:, level]
    cond = draws["sigma_cond"]
    own = np.select([every.cond == "b", every.cond == "c"], [cond[:, :1], cond[:, 1:]], 0.0)
    left = np.exp(2 * (draws["sigma_Intercept"][:, None] + own)).mean(axis=1)
    total = mean.var(axis=1, ddof=1) + left
    conditional = values(found, "r2", "conditional")
    np.testing.assert_allclose(conditional, mean.var(axis=1, ddof=1) / total)
    np.testing.assert_allclose(values(found, "r2", "marginal"), fixed.var(axis=1, ddof=1) / total)
    by_data = values(fit.r2(residual="data", draws=True), "r2", "conditional")
    error = every.y.to_numpy() - mean
    v = mean.var(axis=1, ddof=1)
    np.testing.assert_allclose(by_data, v / (v + error.var(axis=1, ddof=1)))
    assert fit.r2().attrs["residual"] == "residual variance: the model's"


def test_r2_of_shares_of_trials_and_of_zeros_and_ones():
    fit = fit_of("p(y, trials) ~ x", data_of("binomial"), "binomial")
    data, draws = data_of("binomial"), fit.joined()
    p = 1 / (1 + np.exp(-draws["Intercept"][:, None] - draws["x"][:, None] * data.x.to_numpy()))
    left = (p * (1 - p) / data.trials.to_numpy()).mean(axis=1)
    v = p.var(axis=1, ddof=1)
    np.testing.assert_allclose(values(fit.r2(draws=True), "r2", "all"), v / (v + left))


@pytest.mark.parametrize(
    "family", [n for n, f in FAMILIES.items() if f.response_variance is not None]
)
def test_variances_are_those_of_replicates(family):
    own = FAMILIES[family]
    aux = {"sigma": 0.6, "nu": 7.0, "alpha": 3.0, "phi": 4.0, "lam": 5.0}
    aux = {name: aux[name] for name in own.auxiliary}
    mu = 0.4
    y = own.draw_responses(np.random.default_rng(0), np.full(400_000, mu), aux)
    excess = stats.kurtosis(y) + 2
    expected = own.response_variance(np.array(mu), aux)
    assert y.var() == pytest.approx(expected, rel=5 * np.sqrt(excess / y.size))


def test_what_has_no_variance_is_refused():
    with pytest.raises(ws.OptionError, match="categories have none"):
        fit_of("y ~ x", data_of("categorical"), "categorical").r2()
    with pytest.raises(ws.OptionError, match="directions have none"):
        fit_of("y ~ x + (1|g)", data_of("von_mises"), "von_mises").icc()
    with pytest.raises(ws.OptionError, match="no group term"):
        fit_of("y ~ x", data_of("gaussian")).icc()
    with pytest.raises(ws.OptionError, match="no predictor of"):
        fit_of("y ~ x + (1|g)", data_of("gaussian")).icc(by="cond")
    with pytest.raises(ws.OptionError, match="residual='data'"):
        fit_of("y ~ x", data_of("hurdle_gamma"), "hurdle_gamma").r2(residual="model")
    with pytest.raises(ws.OptionError, match=r"icc\(\) knows no residual variance"):
        fit_of("y ~ x + (1|g)", data_of("beta"), "beta").icc()
