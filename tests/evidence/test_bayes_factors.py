"""Bayes factors of fits, and of statements within one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_cases import DYESTUFF, conjugate, exact_fit, priors_of
from made_draws import made_fit
from models import model_of
from scipy import stats

import winstan as ws
from winstan.fit_class import Fit


@pytest.mark.slow
def test_dyestuff_and_its_sensitivity_line():
    data = ws.load("Dyestuff")
    a, b = (
        ws.fit(formula, data, priors=priors_of(formula), seed=1, silence="all")
        for formula in ("Yield ~ 1 + (1|Batch)", "Yield ~ 1")
    )
    found = ws.bayes_factor(a, b)
    assert float(found) == pytest.approx(10.306, rel=1e-3)
    assert found.priors == ("1|Batch_sigma",)
    assert found.defaults == ()
    half, same, twice = found.sensitivity["bf"]
    assert same == float(found)
    for factor, moved in ((0.5, half), (2.0, twice)):
        prior = {"1|Batch_sigma": DYESTUFF["1|Batch_sigma"].rescaled(factor)}
        other = model_of("Yield ~ 1 + (1|Batch)", data, "gaussian",
                         priors=priors_of("Batch") | prior)  # fmt: skip
        again = ws.evidence.log_marginal_likelihood(other, {}, 1, 0).value
        expected = np.exp(again - float(b.log_marginal_likelihood()))
        assert moved == pytest.approx(expected, rel=0.05)
    assert "half as wide" in repr(found)
    assert float(ws.bayes_factor(b, a)) == pytest.approx(1 / float(found), rel=1e-6)


def made(formula: str, data: pd.DataFrame, family: str = "gaussian", **options) -> Fit:
    return made_fit(model_of(formula, data, family, **options), chains=2, draws=200)


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_what_does_not_compare_is_refused():
    data = pd.DataFrame(
        {
            "y": np.arange(1.0, 31),
            "x": np.tile([0, 1], 15),
            "z": np.r_[np.nan, np.ones(14), np.zeros(15)],
        }
    )
    fit = made("y ~ x", data)
    with pytest.raises(ws.OptionError, match=r"'a' is a model of y, 'b' of np.log\(y\).*lognormal"):
        ws.bayes_factor(fit, made("np.log(y) ~ x", data))
    with pytest.raises(ws.OptionError, match=r"different rows \(30 rows and 29; .* in one only\)"):
        ws.bayes_factor(fit, made("y ~ z", data))
    with pytest.raises(ws.OptionError, match="different values of y"):
        ws.bayes_factor(fit, made("y ~ x", data.assign(y=data.y + 1)))
    with pytest.raises(ws.OptionError, match="different weights of y"):
        ws.bayes_factor(fit, made("y ~ x", data.assign(w=2), weights="w"))
    with pytest.raises(
        ws.OptionError,
        match=r"'a' \(gaussian\) and 'b' \(poisson\) has a probability",
    ):
        ws.bayes_factor(fit, made("y ~ x", data, "poisson"))
    with pytest.raises(ws.PriorError, match="Flat"):
        ws.bayes_factor(fit, made("y ~ x", data, priors={"x": ws.Flat()}))
    with pytest.raises(ws.OptionError, match="two fits"):
        ws.bayes_factor(fit, "x > 0")


def test_points_and_orders_of_a_conjugate_mean():
    fit, data = exact_fit()
    _, mean, sd = conjugate(data, 60, 10)
    at = round(mean + 1.3 * sd, 2)
    table = fit.bayes_factor([f"Intercept = {at}", f"Intercept > {at}"]).set_index("hypothesis")
    point, order = table.loc[f"Intercept = {at}"], table.loc[f"Intercept > {at}"]
    posterior, prior = stats.norm(mean, sd), stats.norm(60, 10)
    assert point["log_bf"] == pytest.approx(
        posterior.logpdf(at) - prior.logpdf(at), abs=4 * point["error"] + 0.03
    )
    # The fit with the point held is another model: its marginal likelihood over this one's.
    held = stats.norm.logpdf(data.y, at, data.s).sum() - conjugate(data, 60, 10)[0]
    assert point["log_bf"] == pytest.approx(held, abs=4 * point["error"] + 0.03)
    assert order["log_bf"] == pytest.approx(
        posterior.logsf(at) - prior.logsf(at), abs=4.5 * order["error"]
    )
    odds = [p.sf(at) / p.cdf(at) for p in (posterior, prior)]
    assert order["bf_contrary"] == pytest.approx(odds[0] / odds[1], rel=0.1)
    # A prior twice as wide has another posterior.
    _, wide_mean, wide_sd = conjugate(data, 60, 20)
    wide = stats.norm(wide_mean, wide_sd).pdf(at) / stats.norm(60, 20).pdf(at)
    assert point["bf_twice"] == pytest.approx(wide, rel=0.1)


def test_points_far_out_and_unreadable_statements_are_refused():
    fit, _ = exact_fit(n=500)
    with pytest.raises(ws.OptionError, match=r"cannot be told from them.*ws\.bayes_factor"):
        fit.bayes_factor("Intercept = 0")
    with pytest.raises(ws.OptionError, match="compares by '!='"):
        fit.bayes_factor("Intercept != 60")
    with pytest.raises(ws.OptionError, match="Did you mean 'Intercept'"):
        fit.bayes_factor("Interzept > 0")
    with pytest.raises(ws.OptionError, match=r"fit\.bayes_factor\('Intercept = 70'\)"):
        fit.hypothesis("Intercept = 70")
