"""Power-scaling: a conjugate mean in closed form, ArviZ's numbers on the same tree, contrasts."""

from __future__ import annotations

import logging

import arviz as az
import numpy as np
import pytest
from evidence_cases import conjugate, exact_fit
from made_draws import made_fit
from models import model_of
from scipy import integrate, stats
from template_cases import data_of

import winstan as ws

pytestmark = pytest.mark.filterwarnings("ignore::winstan.DesignWarning")


def distance(p, q, ends) -> float:
    """Cumulative Jensen-Shannon distance of two distributions, in bits (Nguyen and Vreeken 2015).

    As Kallioinen et al. (2024, appendix) have it: normalised, over what draws span, of the side on
    which it is larger.
    """

    def one(lower: bool) -> float:
        P, Q = (d.cdf if lower else d.sf for d in (p, q))
        x = np.linspace(*ends, 20_001)
        a, b = P(x), Q(x)
        m = (a + b) / 2
        A, B = (integrate.simpson(v, x=x) for v in (a, b))

        def divergence(u, v, U, V) -> float:
            with np.errstate(divide="ignore", invalid="ignore"):
                inside = np.where(u > 0, u * (np.log2(u) - np.log2(v)), 0.0)
            return integrate.simpson(inside, x=x) + 0.5 / np.log(2) * (V - U)

        return float(np.sqrt((divergence(a, m, A, B) + divergence(b, m, B, A)) / (A + B)))

    return max(one(True), one(False))


def test_a_conjugate_mean_in_closed_form():
    fit, data = exact_fit(n=5000)
    found = fit.sensitivity().set_index("quantity").loc["Intercept"]
    weight = (1 / data.s**2).sum()
    own = (data.y / data.s**2).sum()
    _, mean, sd = conjugate(data, 60, 10)
    draws = fit.joined()["Intercept"]
    ends = draws.min(), draws.max()
    for component in ("prior", "likelihood"):
        rates = []
        for alpha, sign in ((0.99, -1), (1.01, 1)):
            prior, rows = (alpha, 1.0) if component == "prior" else (1.0, alpha)
            precision = rows * weight + prior / 100
            scaled = stats.norm((rows * own + prior * 60 / 100) / precision, precision**-0.5)
            rates.append(sign * distance(stats.norm(mean, sd), scaled, ends) / np.log2(alpha))
        assert found[component] == pytest.approx(np.mean(rates), rel=0.05)


def test_numbers_are_arviz_on_the_same_tree(caplog):
    caplog.set_level(logging.CRITICAL)
    model = model_of("y ~ x + cond + (x|g)", data_of("gamma"), "gamma", weights="w")
    fit = made_fit(model, chains=2, draws=300)
    ours = fit.sensitivity().set_index("quantity")
    names = ["Intercept", "x", "cond", "1|g_sigma", "x|g_sigma", "g_corr", "alpha"]
    theirs = az.psense_summary(fit.draws, var_names=names, round_to=9)
    ours_of = {"cond[b]": "cond[b]", "cond[c]": "cond[c]"}
    for name in theirs.index:
        own = ours.loc[ours_of.get(name, name)]
        assert own["prior"] == pytest.approx(theirs.loc[name, "prior"], abs=1e-8)
        assert own["likelihood"] == pytest.approx(theirs.loc[name, "likelihood"], abs=1e-8)
    assert {"x: slope", "cond: b - a", "cond: c - a"} <= set(ours.index)
    assert not [name for name in ours.index if name.startswith("1|g[")]  # effects' own prior stays


def test_a_contrast_of_one_coefficient_is_as_sensitive_as_that():
    fit = made_fit(model_of("y ~ cond", data_of("gaussian"), "gaussian"), chains=2, draws=300)
    table = fit.sensitivity(threshold=1e-9).set_index("quantity")
    np.testing.assert_allclose(
        table.loc["cond[b]", ["prior", "likelihood"]].astype(float),
        table.loc["cond: b - a", ["prior", "likelihood"]].astype(float),
    )
    assert (table["diagnosis"] == "prior and data disagree").all()
    some = fit.sensitivity(contrasts=False)
    assert some["quantity"].tolist() == ["Intercept", "cond[b]", "cond[c]", "sigma"]


@pytest.mark.slow
def test_tables_and_report_say_whose_contrasts_they_have(tmp_path):
    fit = made_fit(model_of("y ~ cond + (1|g)", data_of("poisson"), "poisson"), chains=2, draws=300)
    own, these = fit.sensitivity(), fit.sensitivity(groups="these")
    assert own.attrs["estimand"] == fit.effects().attrs["estimand"] != these.attrs["estimand"]
    page = fit.report(tmp_path / "fit.html").read_text(encoding="utf-8")
    assert f"Contrasts: {own.attrs['estimand']}." in page
    assert "estimand" not in fit.sensitivity(contrasts=False).attrs


def test_a_tight_prior_is_found_and_flat_ones_are_not():
    data = data_of("gaussian")
    priors = {"x": ws.Normal(900, 20), "Intercept": ws.Flat()}
    fit = ws.fit("y ~ x", data, priors=priors, seed=1, silence="all", draws=500)
    table = fit.sensitivity().set_index("quantity")
    assert table.loc["x", "prior"] > 0.05
    assert table.loc["x", "diagnosis"] != ""


def test_wrong_options_are_refused():
    fit = made_fit(model_of("y ~ x", data_of("gaussian"), "gaussian"), chains=2, draws=20)
    for alphas in ((1.01, 0.99), 0.5, (0.9,)):
        with pytest.raises(ws.OptionError, match="alphas must be two numbers"):
            fit.sensitivity(alphas=alphas)
    with pytest.raises(ws.OptionError, match="threshold must be"):
        fit.sensitivity(threshold=0)
    with pytest.raises(ws.OptionError, match="contrasts must be True or False"):
        fit.sensitivity(contrasts="all")
