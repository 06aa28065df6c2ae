"""Simulation-based calibration: sound models pass, faults of any part are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from plot_checks import n_panels
from scipy import stats

import winstan as ws
from winstan.building import model_and_frame
from winstan.calibration.quantities import quantities
from winstan.calibration.simulation import Simulator, simulator_of
from winstan.calibration.task import Asked, SimulationTasks, simulate_one
from winstan.families import FAMILIES
from winstan.families.sample import Limits
from winstan.families.truncation import draw_by_inverse
from winstan.fitted.attempts import Sampling

PRIORS = {
    "Intercept": ws.Normal(1, 1),
    "b": ws.Normal(0, 1),
    "sd": ws.HalfNormal(1),
    "sigma": ws.HalfNormal(1),
}
QUICK = {"seed": 5, "n_jobs": 1, "chains": 2, "draws": 250, "progress": False}


def data(n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    x, g = np.tile([0, 1], n // 2), np.repeat(np.arange(6), n // 6)
    return pd.DataFrame({"y": rng.normal(1 + x, 1), "x": x, "g": g})


def model(formula: str, table: pd.DataFrame, family: str = "gaussian", **options):
    return model_and_frame(formula, table, family, {}, **options)[0]


@pytest.fixture(scope="module")
def sound():
    return ws.calibrate("y ~ x + (1|g)", data(), priors=PRIORS, simulations=40, **QUICK)


@pytest.mark.slow
def test_a_model_without_fault_is_calibrated(sound):
    assert sound.ok
    assert sound.verdict.startswith("Calibrated: the ranks of 7 quantities over 40 simulations")
    assert "false alarms: 1%" in sound.verdict
    kinds = sound.table.groupby("kind")["quantity"].apply(list).to_dict()
    assert sorted(kinds["parameter"]) == ["1|g_sigma", "Intercept", "sigma", "x"]
    assert kinds["contrast"] == ["x: 1 - 0"]
    assert kinds["group effect"] == ["1|g[0]"]
    assert kinds["log likelihood"] == ["log likelihood"]


def test_truths_are_those_of_the_priors(sound):
    truth = sound.ranks.pivot_table(index="simulation", columns="quantity", values="truth")
    assert stats.kstest(truth["x"], stats.norm(0, 1).cdf).pvalue > 1e-3
    assert stats.kstest(truth["sigma"], stats.halfnorm(0, 1).cdf).pvalue > 1e-3
    # The Intercept's prior is at the mean of x, a half.
    assert stats.kstest(truth["Intercept"] + truth["x"] / 2, stats.norm(1, 1).cdf).pvalue > 1e-3
    scaled = truth["1|g[0]"] / truth["1|g_sigma"]
    assert stats.kstest(scaled, stats.norm.cdf).pvalue > 1e-3


def test_ranks_do_not_depend_on_workers(sound):
    one = SimulationTasks(Asked(*_asked(PRIORS)), 40, QUICK["seed"])
    again = simulate_one(one.asked, *one.own(7))
    seen = sound.ranks[sound.ranks["simulation"] == 7]
    np.testing.assert_array_equal(again.pit, seen["pit"])
    np.testing.assert_array_equal(again.truth, seen["truth"])


def _asked(priors, **change):
    made = simulator_of(model("y ~ x + (1|g)", data(), priors=priors))
    sampling = {"chains": 2, "draws": 250, "cores": 1, "progress": False}
    return replace(made, **change), Sampling("stan", sampling)


def _shifted(rng, mu, aux, trials):
    return rng.normal(mu + 0.8 * aux["sigma"], aux["sigma"])


def _wider(rng, mu, aux, trials):
    return rng.normal(mu, 2.5 * aux["sigma"])


@pytest.mark.parametrize(
    ("draw", "quantity", "reading"),
    [(_shifted, "Intercept", "too high"), (_wider, "sigma", "too high")],
)
@pytest.mark.slow
def test_a_generator_that_is_not_the_model_s_is_found(draw, quantity, reading):
    wrong = replace(FAMILIES["gaussian"], draw=draw)
    with pytest.warns(ws.ConvergenceWarning, match="Miscalibrated"):
        found = ws.calibrate("y ~ x", data(), wrong, priors=_flat(), simulations=25, **QUICK)
    assert not found.ok
    worst = found.table[~found.table["ok"]]["quantity"].tolist()
    assert quantity in worst
    assert found.verdict.startswith("Miscalibrated")
    assert f"{reading}" in found.verdict


def _flat():
    return {name: prior for name, prior in PRIORS.items() if name != "sd"}


def test_the_log_likelihood_is_that_of_all_rows():
    whole = model("y ~ x + (1|g)", data(), priors=PRIORS)
    truth, made = simulator_of(whole).draw(np.random.SeedSequence(1))
    found = quantities(made, truth)
    y, x, g = made.design.response.y, data()["x"], data()["g"]
    mean = truth["Intercept"][0] + truth["x"][0] * x + truth["1|g"][0][g]
    expected = stats.norm(mean, truth["sigma"][0]).logpdf(y).sum()
    assert found.values[0, found.names.index("log likelihood")] == pytest.approx(expected)


def test_default_priors_are_those_of_the_user_s_data():
    whole = model("y ~ 0 + C(x) + g", data())
    _, made = simulator_of(whole).draw(np.random.SeedSequence(2))
    assert made.priors.table == whole.priors.table
    np.testing.assert_array_equal(made.level_means, whole.level_means)
    assert not np.array_equal(made.design.response.y, whole.design.response.y)


@pytest.mark.parametrize(
    ("family", "own", "distribution"),
    [
        ("gaussian", {"sigma": 0.7}, lambda mu: stats.norm(mu, 0.7)),
        ("gamma", {"alpha": 3.0}, lambda mu: stats.gamma(3, scale=np.exp(mu) / 3)),
        ("lognormal", {"sigma": 0.7}, lambda mu: stats.lognorm(0.7, scale=np.exp(mu))),
        ("poisson", {}, lambda mu: stats.poisson(np.exp(mu))),
    ],
)
@pytest.mark.parametrize("bounds", [(2.0, 4.0), (6.0, np.inf)])
def test_truncated_responses_are_drawn_between_their_bounds(family, own, distribution, bounds):
    """As scipy's distribution says, far out in a tail as well."""
    low, high = bounds
    n = 400
    table = pd.DataFrame({"y": np.resize([low + 1, low + 2], n)})
    upper = "" if np.isinf(high) else f", {high}"
    constant = {"Intercept": ws.Normal(0.5, 1e-9)}
    constant |= {name: ws.Gamma(1e12 * value, 1e12) for name, value in own.items()}
    made = model(f"truncated(y, {low}{upper}) ~ 1", table, family, priors=constant)
    _, drawn = simulator_of(made).draw(np.random.SeedSequence(3))
    y, of = drawn.design.response.y, distribution(0.5)
    assert y.min() >= low
    assert y.max() <= high
    below = of.cdf(low - 1 if family == "poisson" else low)
    if family == "poisson":
        values = np.arange(low, min(high, 40) + 1)
        expected = of.pmf(values) / (of.cdf(high) - below) * n
        kept = expected >= 5
        observed = np.array([np.count_nonzero(y == v) for v in values])
        rest = [expected[~kept].sum()], [observed[~kept].sum()]
        f_exp, f_obs = np.append(expected[kept], rest[0]), np.append(observed[kept], rest[1])
        assert stats.chisquare(f_obs[f_exp > 1], f_exp[f_exp > 1], sum_check=False).pvalue > 1e-3
    else:
        share = (of.sf(low) - of.sf(y)) / (of.sf(low) - of.sf(high))
        assert stats.kstest(share, "uniform").pvalue > 1e-3


def test_simulated_responses_are_censored_at_the_data_s_limits():
    table = data().assign(status=lambda t: np.where(t["y"] < 0.5, "left", "none"))
    table["y"] = table["y"].clip(0.5)
    made = simulator_of(model("censored(y, status) ~ x", table, priors=_flat()))
    assert (made.lower, made.upper) == (0.5, None)
    responses = [made.draw(np.random.SeedSequence(k))[1].design.response for k in range(5)]
    for response in responses:
        assert np.array_equal(response.limits.status == -1, response.y <= 0.5)
        assert response.y.min() >= 0.5
    assert any(np.any(response.limits.status == -1) for response in responses)


@pytest.mark.slow
def test_a_fit_can_be_calibrated():
    fit = ws.fit("y ~ x", data(), priors=_flat(), seed=1)
    found = ws.calibrate(fit, simulations=10, **QUICK)
    assert found.formula == "y ~ x"
    with pytest.raises(ws.OptionError, match="family= was given beside a fit"):
        ws.calibrate(fit, family="student")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"priors": {"b": ws.Flat()}}, ws.PriorError, "improper"),
        ({"weights": "x"}, ws.OptionError, "frequency weights"),
        ({"simulations": 3}, ws.OptionError, "from 10 up"),
        ({"alarms": 1}, ws.OptionError, "alarms="),
        ({"data": None}, ws.OptionError, "a formula and data, or a fit"),
        ({"backend": ("stan", "pymc")}, ws.OptionError, "one backend"),
        ({"family": "shifted_lognormal", "priors": {"ndt": ws.Beta(2, 2)}}, ws.PriorError, "share"),
        ({"priors": {"b": ws.R2D2()}, "family": "gamma"}, ws.PriorError, "R2D2 is in units"),
        ({"iter": 100}, ws.OptionError, "warm-up"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(options, error, words):
    table = data().assign(y=lambda t: np.exp(t["y"]), x=lambda t: t["x"] + 1)
    given = {"data": table, "simulations": 10} | options
    with pytest.raises(error, match=words):
        ws.calibrate("y ~ x", **given)


def test_rows_that_are_left_out_are_said():
    table = data().assign(x=lambda t: t["x"].where(t.index > 2))
    with (
        pytest.warns(ws.DesignWarning, match=r"3 of 24 rows.*'x' \(3\)"),
        pytest.raises(ws.PriorError, match="improper"),
    ):
        ws.calibrate("y ~ x", table, priors={"b": ws.Flat()}, simulations=10)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (["left", "left"], "left-censored at 2 values"),
        (["interval", "none"], "has intervals"),
    ],
)
def test_limits_that_rows_do_not_share_are_refused(status, words):
    table = data().assign(upper=9.0, status=["none"] * 22 + status)
    with pytest.raises(ws.OptionError, match=words):
        ws.calibrate("censored(y, upper, status) ~ x", table, priors=_flat())


@pytest.mark.slow
def test_simulations_that_fail_are_told():
    """A response that never varies has no model: of so small means counts are all zero."""
    table = data().assign(y=lambda t: np.arange(len(t)) % 2)
    priors = {"Intercept": ws.Normal(-3.5, 0.5), "b": ws.Normal(0, 0.1)}
    with pytest.warns(ws.FailureWarning, match="simulations have no fit"):
        found = ws.calibrate("y ~ x", table, "poisson", priors=priors, simulations=20, **QUICK)
    assert not found.ok
    assert 0 < found.n_failed < 20
    failed = found.simulations[~found.simulations["fitted"]]
    assert (failed["error"] == "DataError").all()
    assert f"{found.n_failed} of 20 simulations failed" in found.verdict


@pytest.mark.slow
def test_the_figure_has_a_panel_for_each_quantity(sound):
    assert n_panels(sound.plot()) == 7
    assert n_panels(sound.plot("x")) == 1
    with pytest.raises(ws.OptionError, match="no quantity 'xx'"):
        sound.plot("xx")
    assert "Calibrated" in repr(sound)
    assert "Calibrated" in sound._repr_html_()


def test_a_truth_without_posterior_draws_to_rank_it_among_is_a_failure(monkeypatch):
    """It says nothing of calibration: a rank among no draws would be uniform by itself."""
    asked = Asked(*_asked(PRIORS))
    monkeypatch.setattr(
        Simulator, "possible", lambda self, draws: np.zeros(len(draws["Intercept"]), bool)
    )
    found = simulate_one(asked, 3, QUICK["seed"])
    assert not found.fitted
    assert found.error == "DataError"
    assert "no rank among them" in found.message
    assert found.pit.size == 0


def test_rows_without_bounds_are_drawn_beside_truncated_ones():
    n = 600
    family, rng = FAMILIES["gaussian"], np.random.default_rng(2)
    limits = Limits(lb=np.repeat([-np.inf, 1.0], n), ub=np.full(2 * n, np.inf))
    link, aux = family.link(None), {"sigma": 2.0}
    y = draw_by_inverse(family, rng, np.full(2 * n, 0.5), aux, link, limits)
    assert stats.kstest(y[:n], stats.norm(0.5, 2).cdf).pvalue > 1e-3
    assert stats.kstest(y[n:], stats.truncnorm(0.25, np.inf, 0.5, 2).cdf).pvalue > 1e-3
    count = FAMILIES["poisson"]
    limits = Limits(lb=np.full(n, 2.0))
    low = draw_by_inverse(count, rng, np.full(n, -30.0), {}, count.link(None), limits)
    assert (low == 2).all()  # the mean is 1e-13
    limits = Limits(lb=np.full(n, 0.5), ub=np.full(n, 2.5))
    between = draw_by_inverse(count, rng, np.full(n, 4.0), {}, count.link(None), limits)
    assert set(between) == {1, 2}  # the mean is 55


def test_residuals_of_a_unit_are_drawn_with_their_correlation():
    """Neighbours' products, in units of the variance, are the correlation on average."""
    n, units = 200, 4
    table = pd.DataFrame(
        {
            "y": np.random.default_rng(1).normal(size=n * units),
            "k": np.tile(np.arange(n), units),
            "mouse": np.repeat([f"m{i}" for i in range(units)], n),
        }
    )
    priors = {"Intercept": ws.Normal(0, 1e-6), "sigma": ws.HalfNormal(2)}
    made = simulator_of(model("y ~ 1 + ar(k, mouse)", table, priors=priors))
    found, true = [], []
    for seed in range(40):
        truth, drawn = made.draw(np.random.SeedSequence(seed))
        e = drawn.design.response.y.reshape(units, n) / truth["sigma"]
        found.append((e[:, 1:] * e[:, :-1]).mean())
        true.append(float(truth["ar"][0]))
    assert np.ptp(true) > 1
    line = stats.linregress(true, found)
    assert line.slope == pytest.approx(1, abs=4 * line.stderr)
    assert line.slope > 0.5
