"""Hypotheses are read by the rules of arithmetic, and their probability is the share of draws."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats
from effects_cases import DATA
from made_draws import made_fit
from models import model_of

from winstan.errors import OptionError

FORMULA = "Power ~ stim * cond + np.log(x) * n + `Log x` + (stim|mouse)"


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of(FORMULA, DATA.assign(**{"Log x": DATA["hours"]}), "gamma"), draws=100)


@pytest.fixture(scope="module")
def p(fit):
    return fit.joined()


CASES = [
    ("stim > 0.1", lambda p: p["stim"] - 0.1),
    ("stim > 0.1 * alpha", lambda p: p["stim"] - 0.1 * p["alpha"]),
    ("cond[b]-cond[c]<0", lambda p: p["cond"][:, 0] - p["cond"][:, 1]),
    ("stim:cond[b] >= stim", lambda p: p["stim:cond"][:, 0] - p["stim"]),
    ("np.log(x):n > 0", lambda p: p["np.log(x):n"]),
    ("np.log(x) <= .5", lambda p: p["np.log(x)"] - 0.5),
    ("`Log x` > 1e-1", lambda p: p["Log x"] - 0.1),
    ("Log x+stim > 0", lambda p: p["Log x"] + p["stim"]),
    ("`np.log(x)` > 0", lambda p: p["np.log(x)"]),
    ("1|mouse_sigma > stim|mouse_sigma", lambda p: p["1|mouse_sigma"] - p["stim|mouse_sigma"]),
    ("1|mouse[m3] > 1|mouse[m0]", lambda p: p["1|mouse"][:, 3] - p["1|mouse"][:, 0]),
    ("mouse_corr[Intercept, stim] > 0", lambda p: p["mouse_corr"][:, 0]),
    ("1 < Intercept", lambda p: 1 - p["Intercept"]),
    ("-stim**2 < -0.01", lambda p: -(p["stim"] ** 2) + 0.01),
    ("(-stim)**2 < 0.01", lambda p: p["stim"] ** 2 - 0.01),
    ("2**-stim > 1", lambda p: 2 ** -p["stim"] - 1),
    ("alpha**2**0.5 > 1", lambda p: p["alpha"] ** (2**0.5) - 1),
    ("alpha^2 > 1", lambda p: p["alpha"] ** 2 - 1),
    ("stim - 1 - 2 + 3 * 2 / 4 > 0", lambda p: p["stim"] - 1.5),
    ("12 / alpha / 2 > 3", lambda p: 6 / p["alpha"] - 3),
    ("2 * (stim + Intercept) > - -1", lambda p: 2 * (p["stim"] + p["Intercept"]) - 1),
    ("abs(stim) < 0.2", lambda p: np.abs(p["stim"]) - 0.2),
    ("exp(stim) > sqrt(alpha) + log(alpha)",
     lambda p: np.exp(p["stim"]) - np.sqrt(p["alpha"]) - np.log(p["alpha"])),
]  # fmt: skip


@pytest.mark.parametrize(("text", "difference"), CASES, ids=[text for text, _ in CASES])
def test_left_less_right(fit, p, text, difference):
    expected = difference(p)
    long = fit.hypothesis(text, draws=True)
    assert list(long) == ["hypothesis", "draw", "value"]
    np.testing.assert_allclose(long["value"], expected, rtol=1e-12, atol=1e-12)
    row = fit.hypothesis(text, prob=0.9, interval="eti").iloc[0]
    share = np.mean(expected < 0 if "<" in text else expected > 0)
    assert row["probability"] == share
    assert row["odds"] == pytest.approx(share / (1 - share) if share < 1 else np.inf)
    assert row["mean"] == pytest.approx(expected.mean())
    assert row["sd"] == pytest.approx(expected.std(ddof=1))
    assert row["eti_95%"] == pytest.approx(np.quantile(expected, 0.95))


def test_several_at_once(fit):
    texts = ["stim > 0", "abs(stim) < 0.2", "stim > -99"]
    table = fit.hypothesis(texts)
    assert list(table) == [
        "hypothesis", "mean", "sd", "hdi_3%", "hdi_97%", "probability", "odds", "mcse"
    ]  # fmt: skip
    assert table["hypothesis"].tolist() == texts
    assert table["probability"][2] == 1
    assert table["odds"][2] == np.inf
    assert np.isnan(table["mcse"][2])
    long = fit.hypothesis(texts, draws=True)
    assert len(long) == 3 * 400
    part = long[long["hypothesis"] == "stim > 0"]
    np.testing.assert_array_equal(part["value"], fit.joined()["stim"])


def test_monte_carlo_error_is_arvizs_and_knows_autocorrelation():
    model = model_of("y ~ stim", DATA, "gaussian")
    fit = made_fit(model, draws=500)
    x = np.random.default_rng(2).normal(size=(4, 500))
    for t in range(1, 500):
        x[:, t] = 0.9 * x[:, t - 1] + np.sqrt(1 - 0.81) * x[:, t]
    fit.draws["posterior"]["stim"].values[:] = x
    row = fit.hypothesis("stim > 0.3").iloc[0]
    holds = (x > 0.3).astype(float)
    expected = array_stats.mcse(holds, method="mean", chain_axis=0, draw_axis=1)
    assert row["mcse"] == pytest.approx(expected)
    p = holds.mean()
    assert row["mcse"] > 2 * np.sqrt(p * (1 - p) / 2000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stim = 0", r"compares by '='.*'abs\(a - b\) < 0.1'"),
        ("stim == 0", "compares by '=='"),
        ("stim != 0", "compares by '!='"),
        ("stmi > 0", "names 'stmi'.*Did you mean 'stim'"),
        ("cond > 0", r"names 'cond', .*'cond\[b\]'"),
        ("cond[z] > 0", r"names 'cond\[z\]'.*Did you mean"),
        ("stimulus > 0", "names 'stimulus'"),
        ("mouse > 0", "names 'mouse'"),
        ("stim", "has 0 comparisons"),
        ("0 < stim < 1", r"has 2 comparisons.*'abs\(stim - 0.5\) < 0.5'"),
        ("stim>0 & stim<1", r"joins statements by '&'.*'abs\(stim - 0.5\) < 0.5'.*a list: \['stim"),
        ("stim>0&stim<1", "joins statements by '&'"),
        ("stim > 0 && stim < 1", "joins statements by '&&'"),
        ("(stim > 0) | (stim < 1)", r"joins statements by '\|'"),
        ("stim > 0 and stim < 1", "joins statements by 'and'"),
        ("stim > 0 OR stim < 1", "joins statements by 'OR'"),
        ("not stim > 0", "joins statements by 'not'"),
        ("android > 0", "names 'android'"),
        ("1 > 0", "names no parameter"),
        ("stim > ", "ends too early"),
        ("> 0", "ends too early"),
        ("(stim > 0", "parenthesis is not closed"),
        ("stim) > 0", r"'\)' is not expected"),
        ("stim * / 2 > 0", "'/' is not expected"),
        ("stim stim > 0", "'stim' is not expected"),
        ("2 stim > 0", "'stim' is not expected"),
        ("2stim > 0", "names '2stim'"),
        ("log(stim) > 0", "no finite value in"),
        ("stim / (alpha - alpha) > 0", "no finite value in 400 of 400 draws"),
        ("`stim > 0", "back-tick without its pair"),
        ("`stmi` > 0", "names 'stmi'"),
        ("__import__('os') > 0", "names '__import__'"),
        ("stim.real > 0", "names 'stim.real'"),
        ("max(stim) > 0", "names 'max'"),
        ("(" * 60 + "stim" + ")" * 60 + " > 0", "more than 50 parentheses"),
        ("stim" + "**1" * 200 + " > 0", "more than 50 parentheses"),
        ("", "has 0 comparisons"),
        ([], "is a string"),
        (3, "is a string"),
        (["stim > 0", None], "is a string"),
    ],
)
def test_what_cannot_be_read(fit, text, message):
    with pytest.raises(OptionError, match=message):
        fit.hypothesis(text)


def test_several_are_a_list(fit):
    with pytest.raises(OptionError, match=r"given 2.*hypothesis\(\['stim > 0', 'stim < 1'\]\)"):
        fit.hypothesis("stim > 0", "stim < 1")


def test_the_range_that_messages_advise_is_the_two_statements_together(fit, p):
    share = np.mean((p["stim"] > 0) & (p["stim"] < 1))
    assert fit.hypothesis("abs(stim - 0.5) < 0.5")["probability"][0] == share


def test_text_is_never_run(fit, tmp_path):
    path = tmp_path / "made"
    for text in (
        f"open('{path}', 'w') > 0",
        f"exp(open('{path}', 'w')) > stim",
        "().__class__ > 1",
    ):
        with pytest.raises(OptionError):
            fit.hypothesis(text)
    assert not path.exists()
