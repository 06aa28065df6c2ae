"""Leaving out whole units is what the user's own refits without them give, row by row by hand."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import winstan as ws
from winstan.errors import DesignWarning, OptionError

PRIORS = {
    "Intercept": ws.Normal(300, 100),
    "Days": ws.Normal(0, 50),
    "sd": ws.Exponential(0.02),
    "sigma": ws.Exponential(0.02),
}
OPTIONS = {"priors": PRIORS, "seed": 1, "silence": "all", "progress": False}


@pytest.fixture(scope="module")
def sleep():
    return ws.load("sleepstudy")


@pytest.fixture(scope="module")
def slopes(sleep):
    return ws.fit("Reaction ~ Days + (1 + Days|Subject)", sleep, center=False, **OPTIONS)


@pytest.fixture(scope="module")
def intercepts(sleep):
    return ws.fit("Reaction ~ Days + (1|Subject)", sleep, center=False, **OPTIONS)


def by_hand(data, subject):
    """Fit without one subject, and evaluate the multivariate normal of its rows draw by draw."""
    others = data[data["Subject"] != subject]
    fit = ws.fit(
        "Reaction ~ Days + (1 + Days|Subject)", others, center=False, **(OPTIONS | {"seed": 77})
    )
    draws, own = fit.joined(), data[data["Subject"] == subject]
    x, y = own["Days"].to_numpy(float), own["Reaction"].to_numpy()
    Z = np.column_stack([np.ones_like(x), x])
    out = np.empty(len(draws["sigma"]))
    for s in range(out.size):
        a, b, r = (
            draws[name][s] for name in ("1|Subject_sigma", "Days|Subject_sigma", "Subject_corr")
        )
        covariance = np.array([[a**2, a * b * r[0]], [a * b * r[0], b**2]])
        V = Z @ covariance @ Z.T + draws["sigma"][s] ** 2 * np.eye(x.size)
        mean = draws["Intercept"][s] + draws["Days"][s] * x
        out[s] = stats.multivariate_normal(mean, V).logpdf(y)
    return np.logaddexp.reduce(out) - np.log(out.size)


@pytest.mark.slow
def test_sleepstudy_by_subject(sleep, slopes, intercepts):
    """The elpd of both models by two seeds of another program (issue 23), and their difference."""
    # Whether 332, whose slope is far from all others, is told of is chance: its k is near 0.7
    a = slopes.loo(leave_out="Subject", progress=False, silence="far_units")
    b = intercepts.loo(leave_out="Subject", progress=False, silence="far_units")
    assert a.elpd == pytest.approx(-885.83, abs=0.6)
    assert b.elpd == pytest.approx(-904.65, abs=0.6)
    assert 0 < a.mcse < 0.3
    found = ws.compare({"slopes": a, "intercepts": b})
    assert found.table["fit"].tolist() == ["slopes", "intercepts"]
    assert found.table["elpd_diff"][1] == pytest.approx(-18.9, abs=0.8)
    assert found.table["se_diff"][1] == pytest.approx(12.4, abs=0.5)
    assert "18 levels of Subject" in found.verdict
    theirs = az.compare({"slopes": a, "intercepts": b}, round_to="none")
    assert theirs["dse"]["intercepts"] * np.sqrt(18 / 17) == pytest.approx(
        found.table["se_diff"][1]
    )
    subject = a.elpd_i["Subject"].to_numpy()[3]
    expected = by_hand(sleep.assign(Subject=sleep["Subject"].astype(str)), str(subject))
    error = np.hypot(*([a.refits["mcse"][3]] * 2))
    assert float(a.elpd_i[3]) == pytest.approx(expected, abs=4 * error)


@pytest.mark.slow
def test_units_far_from_all_others_are_named():
    data = ws.simulate_lfp(n_mice=5, n_trials=10, seed=3)
    far = data["mouse"] == data["mouse"].unique()[2]
    data["Power"] = np.log(data["Power"]) + 30 * far
    options = {"seed": 1, "silence": "all", "progress": False, "draws": 250}
    fit = ws.fit("Power ~ stim + (1|mouse)", data, priors={"sd": ws.HalfNormal(0.3)}, **options)
    with pytest.warns(DesignWarning, match=r"1 of 5 left out by mouse.*Pareto k.*'m2'"):
        found = fit.loo(leave_out="mouse", n_jobs=1, progress=False)
    assert found.refits["k"].idxmax() == 2


@pytest.mark.slow
def test_priors_and_centring_are_those_of_all_rows():
    """With default priors, what they are of all rows is given to the refit, and the Intercept's
    place: the mean of the predictors of all rows is moved to zero by hand."""
    data = ws.simulate_lfp(n_mice=7, n_trials=6, seed=3).assign(dose=lambda d: d.index % 7)
    formula = "Power ~ stim + dose + (1|mouse)"
    options = {"family": "lognormal", "seed": 1, "silence": "all", "progress": False}
    fit = ws.fit(formula, data, **options)
    mouse = fit.model.design.groups[0].levels[1]
    found = fit.loo(leave_out="mouse", n_jobs=1, progress=False, silence="all")
    moved = data.assign(
        stim=data["stim"] - data["stim"].mean(), dose=data["dose"] - data["dose"].mean()
    )
    priors = dict(fit.priors.table)
    twin = ws.fit(formula, moved[moved["mouse"] != mouse], priors=priors, center=False, **options)
    draws, own = twin.joined(), moved[moved["mouse"] == mouse]
    y = np.log(own["Power"].to_numpy())
    eta = draws["Intercept"] + np.outer(own["stim"], draws["stim"])
    eta = eta + np.outer(own["dose"], draws["dose"])
    out = np.empty(draws["sigma"].size)
    for s in range(out.size):
        V = draws["1|mouse_sigma"][s] ** 2 + draws["sigma"][s] ** 2 * np.eye(y.size)
        out[s] = stats.multivariate_normal(eta[:, s], V).logpdf(y) - y.sum()
    expected = np.logaddexp.reduce(out) - np.log(out.size)
    assert float(found.elpd_i[1]) == pytest.approx(expected, abs=5 * found.refits["mcse"][1])


def with_a_far_row():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(0, 3, 30), "g": np.repeat(list("abcde"), 6)})
    data["y"] = 50 + 4 * data["x"] + rng.normal(0, 6, 30)
    data.loc[7, ["x", "y"]] = [25.0, 128.0]
    return data


@pytest.mark.slow
def test_rows_that_weigh_too_much_are_refitted():
    """A row far away: its term is that of a fit without it, and Pareto k says so."""
    data = with_a_far_row()
    fit = ws.fit("y ~ x + (1|g)", data, seed=1, silence="all", progress=False)
    with pytest.warns(DesignWarning, match=r"row 7: .*reloo=True"):
        before = fit.loo()
    after = fit.loo(reloo=True, n_jobs=1, progress=False)
    assert after.refits["row"].tolist() == [7]
    others = np.arange(30) != 7
    np.testing.assert_allclose(after.elpd_i[others], before.elpd_i[others])
    assert float(after.pareto_k[7]) == 0
    assert after.elpd == pytest.approx(float(after.elpd_i.sum()))
    lppd = float(before.elpd_i[7] + before.p_loo_i[7])
    assert float(after.elpd_i[7] + after.p_loo_i[7]) == pytest.approx(lppd)
    priors = dict(fit.priors.table)
    moved = data.assign(x=data["x"] - data["x"].mean())
    twin = ws.fit("y ~ x + (1|g)", moved.drop(index=7), priors=priors, center=False, seed=5,
                  silence="all", progress=False)  # fmt: skip
    draws, row = twin.joined(), moved.loc[7]
    mean = draws["Intercept"] + draws["x"] * row["x"] + draws["1|g"][:, 1]
    expected = np.log(np.mean(stats.norm(mean, draws["sigma"]).pdf(row["y"])))
    assert float(after.elpd_i[7]) == pytest.approx(expected, abs=5 * after.refits["mcse"][0])


@pytest.mark.slow
def test_influence_names_the_mouse_that_moves_the_effect():
    """The effect of one mouse is of another size: without it the mean effect is that of others."""
    rng = np.random.default_rng(2)
    mouse = np.repeat(np.arange(6), 20)
    stim = np.arange(120) % 2
    effect = np.where(mouse == 4, 60.0, 10.0)
    data = pd.DataFrame({"mouse": [f"m{i}" for i in mouse], "stim": stim})
    data["y"] = 200 + rng.normal(0, 5, 6)[mouse] + effect * stim + rng.normal(0, 6, 120)
    fit = ws.fit("y ~ stim + (1|mouse)", data, seed=1, silence="all", progress=False)
    found = fit.influence("mouse", n_jobs=1, progress=False)
    most = found.largest.set_index("quantity").loc["stim"]
    assert most["mouse"] == "m4"
    own = data[data["mouse"] != "m4"].groupby("stim")["y"].mean()
    assert most["without"] == pytest.approx(own[1] - own[0], abs=1.0)
    summary = fit.summary().loc["stim"]
    assert most["shift"] == pytest.approx((summary["mean"] - most["without"]) / summary["sd"])
    assert "'m4'" in found.verdict
    assert len(found.table) == 6 * found.table["quantity"].nunique()
    assert found.table["kind"].eq("contrast").sum() == 6
    assert f"Contrasts: {fit.contrast('stim').attrs['estimand']}." in repr(found)
    found.plot().draw()
    with pytest.raises(OptionError, match="'stimm' is nothing that was looked at"):
        found.plot(quantities="stimm")


@pytest.mark.slow
@pytest.mark.long
def test_refits_by_pymc_are_those_by_stan():
    data = ws.simulate_lfp(n_mice=3, n_trials=6, seed=3)
    options = {"family": "lognormal", "seed": 1, "silence": "all", "progress": False}
    fits = [
        ws.fit("Power ~ stim + (1|mouse)", data, backend=backend, draws=500, **options)
        for backend in ("pymc", "stan")
    ]
    one, other = (fit.loo(leave_out="mouse", n_jobs=1, progress=False) for fit in fits)
    assert one.refits["ok"].all()
    error = np.hypot(one.refits["mcse"], other.refits["mcse"])
    assert (np.abs(one.elpd_i - other.elpd_i) < 4.5 * error).all()
    moved = fits[0].influence("mouse", n_jobs=1, progress=False).table
    assert moved["shift"].notna().all()


@pytest.mark.slow
@pytest.mark.long
def test_rows_refitted_by_pymc_are_those_by_stan():
    found = []
    for backend in ("pymc", "stan"):
        fit = ws.fit("y ~ x + (1|g)", with_a_far_row(), backend=backend, seed=1, silence="all",
                     progress=False)  # fmt: skip
        found.append(fit.loo(reloo=True, n_jobs=1, progress=False))
    one, other = found
    assert one.refits["row"].tolist() == other.refits["row"].tolist() == [7]
    assert one.refits["ok"].all()
    error = np.hypot(one.refits["mcse"], other.refits["mcse"])[0]
    assert float(one.elpd_i[7]) == pytest.approx(float(other.elpd_i[7]), abs=4.5 * error)
