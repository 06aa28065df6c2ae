"""Odds, percent, standard deviations: how means are compared; and what has no meaning."""

from __future__ import annotations

import numpy as np
import pytest
from effects_cases import DATA, draws_of, made
from made_draws import made_fit
from models import model_of
from scipy import stats

from winstan import effects
from winstan.effects.measures import Measure
from winstan.effects.rope import rope_of
from winstan.errors import OptionError


def test_odds_ratios_are_exp_of_the_logits_coefficients():
    model, p = made("ok ~ cond", "bernoulli")
    got = draws_of(model, p, "cond", scale="odds")
    assert list(got) == ["b / a", "c / a"]
    np.testing.assert_allclose(list(got.values()), np.exp(p["cond"]).T, rtol=1e-9)
    apart = draws_of(model, p, "cond", scale="odds", ratio=False)
    odds = np.exp(p["Intercept"])
    np.testing.assert_allclose(apart["b - a"], odds * np.expm1(p["cond"][:, 0]), rtol=1e-9)
    # Of an average, and by another link, they are odds of the mean, as those of a 2 x 2 table.
    model, p = made("p(hits, of) ~ cond + x", "binomial", link="probit")
    got = draws_of(model, p, "cond", scale="odds")["b / a"]
    eta = p["Intercept"][:, None] + p["x"][:, None] * DATA["x"].to_numpy()
    a, b = (stats.norm.cdf(eta + shift).mean(axis=1) for shift in (0, p["cond"][:, :1]))
    np.testing.assert_allclose(got, (b / (1 - b)) / (a / (1 - a)), rtol=1e-8)
    curve = effects.conditional(model, p, "cond", scale="odds")
    np.testing.assert_allclose(curve.draws[:, 1, 0], b / (1 - b), rtol=1e-8)


def test_odds_of_categories_and_of_parameters():
    model, p = made("score ~ stim", "cumulative",
                    data=DATA.assign(score=DATA["count"].clip(5, 8).astype(str)))  # fmt: skip
    lowest = effects.parts_of(model, None)[0].model
    contrast = effects.contrast(lowest, p, "stim")
    assert contrast.measure.words == "difference of probabilities"
    score = effects.parts_of(model, "score")[0].model
    assert effects.contrast(score, p, "stim").measure.words == "difference of mean scores"
    with pytest.raises(OptionError, match="scale='odds' is of probabilities"):
        effects.contrast(score, p, "stim", scale="odds")
    got = effects.contrast(lowest, p, "stim", scale="odds").draws[:, 0, 0]
    np.testing.assert_allclose(got, np.exp(-p["stim"]), rtol=1e-8)  # proportional odds
    model, p = made(["count ~ x", "zi ~ cond"], "zero_inflated_poisson",
                    data=DATA.assign(count=DATA["count"] * (DATA["x"] > 9)))  # fmt: skip
    zi = effects.about(model, "zi")
    assert effects.contrast(zi, p, "cond").measure.words == "difference of zi"
    got = effects.contrast(zi, p, "cond", scale="odds").draws
    np.testing.assert_allclose(got[:, :, 0], np.exp(p["zi_cond"]), rtol=1e-9)


def test_percent_is_the_change_of_the_ratio():
    model, p = made("Power ~ cond + (1|mouse)", "gamma")
    for groups in ("these", "typical", "population"):
        ratio = effects.contrast(model, p, "cond", ratio=True, groups=groups)
        percent = effects.contrast(model, p, "cond", ratio="percent", groups=groups)
        np.testing.assert_allclose(percent.draws, 100 * (ratio.draws - 1))
        np.testing.assert_allclose(percent.rope, 100 * (np.array(ratio.rope) - 1))
        one, other = (effects.contrast_table(r, 0.9, "eti") for r in (ratio, percent))
        np.testing.assert_allclose(one["p_direction"], other["p_direction"])
        np.testing.assert_allclose(one["p_rope"], other["p_rope"])
    assert percent.labels == ("b / a (% change)", "c / a (% change)")
    assert other.attrs["measure"] == "percent change of means"
    assert effects.contrast(model, p, "cond", ratio="percent", rope=(-5, 5)).rope == (-5, 5)


def test_standardised_differences():
    model, p = made("y ~ stim + (x|mouse) + (1|of)", "gaussian")
    x = DATA["x"].to_numpy()
    sd = {name: p[f"{name}_sigma"] for name in ("1|mouse", "x|mouse", "1|of")}
    rho = p["mouse_corr"].reshape(len(p["stim"]), -1)[:, 0]
    # The variance of u + v x, averaged over rows (Johnson 2014).
    mice = (sd["1|mouse"][:, None] ** 2 + (sd["x|mouse"][:, None] * x) ** 2
            + 2 * (rho * sd["1|mouse"] * sd["x|mouse"])[:, None] * x).mean(axis=1)  # fmt: skip
    both = mice + sd["1|of"] ** 2
    for which, variance in {
        "sigma": p["sigma"] ** 2,
        "mouse": mice,
        "of": sd["1|of"] ** 2,
        "between": both,
        "total": both + p["sigma"] ** 2,
    }.items():
        result = effects.contrast(model, p, "stim", standardise=which, groups="population")
        np.testing.assert_allclose(result.draws[:, 0, 0], p["stim"] / np.sqrt(variance), rtol=1e-8)
        assert result.rope == (-0.1, 0.1)
    assert result.measure.words == "difference of means, in total sds"


def test_standardised_by_sigma_of_a_formula_and_by_latent_variables():
    model, p = made(["y ~ stim", "sigma ~ cond"], "gaussian")
    shift = np.column_stack([np.zeros(len(p["stim"])), p["sigma_cond"]])
    share = np.array([(DATA["cond"] == c).mean() for c in "abc"])
    variance = np.exp(2 * (p["sigma_Intercept"][:, None] + shift)) @ share
    got = effects.contrast(model, p, "stim", standardise="sigma").draws[:, 0, 0]
    np.testing.assert_allclose(got, p["stim"] / np.sqrt(variance), rtol=1e-9)
    model, p = made("ok ~ stim + (1|mouse)", "bernoulli")
    got = effects.contrast(model, p, "stim", scale="link", standardise="total").draws[:, 0, 0]
    sd = np.sqrt(np.pi**2 / 3 + p["1|mouse_sigma"] ** 2)
    np.testing.assert_allclose(got, p["stim"] / sd, rtol=1e-9)


def test_regions_of_each_measure():
    model = model_of("ok ~ x", DATA, "bernoulli")
    latent = 0.1 * np.pi / np.sqrt(3)
    asked = {"rope": None, "treatment": "x", "per_unit": False}
    ends = rope_of(model, **asked, measure=Measure("odds", ratio=True))
    np.testing.assert_allclose(np.log(ends), [-latent, latent])
    assert rope_of(model, **asked, measure=Measure("odds")) is None
    per_unit = rope_of(model, **asked | {"per_unit": True}, measure=Measure("odds", ratio=True))
    np.testing.assert_allclose(np.log(per_unit), np.log(ends) / DATA["x"].std())
    linear, p = made("y ~ cond", "gaussian")
    pairs, helmert = (effects.contrast(linear, p, "cond", pairs=w) for w in ("all", "helmert"))
    assert helmert.region(0) == pairs.region(0)
    np.testing.assert_allclose(helmert.region(1), np.multiply(pairs.rope, 2))  # 2 c - a - b
    share = effects.contrast_table(helmert, 0.9, "eti")["p_rope"]
    inside = np.abs(helmert.draws[:, 1, 0]) <= 0.2 * DATA["y"].std()
    assert share[1] == pytest.approx(inside.mean())


@pytest.mark.parametrize(
    ("formula", "family", "options", "message"),
    [
        ("y ~ cond", "gaussian", {"scale": "odds"}, "scale='odds' is of probabilities"),
        ("Power ~ cond", "gamma", {"ratio": "percents"}, "ratio must be True, False or 'percent'"),
        ("Power ~ cond", "gamma", {"ratio": 1}, "not 1"),
        ("y ~ cond", "gaussian", {"ratio": "percent"}, "ratio='percent' needs a positive mean"),
        ("Power ~ cond", "gamma", {"ratio": True, "scale": "link"}, "compares means"),
        ("y ~ cond", "gaussian", {"standardise": "total"}, "needs a group term"),
        ("y ~ cond", "gaussian", {"standardise": "sd"}, "must be 'sigma', 'between'"),
        ("Power ~ cond + (1|mouse)", "gamma", {"standardise": "mouse"}, "take scale='link' too"),
        ("count ~ cond", "poisson", {"standardise": "sigma", "scale": "link"}, "noise of a known"),
        ("y ~ cond + (1|mouse)", "student", {"standardise": "total"}, "noise of a known sd"),
        ("y ~ cond", "gaussian", {"standardise": "sigma", "ratio": True}, "leave one out"),
        ("a ~ cond", "von_mises", {"ratio": True}, "of directions has no meaning"),
        ("a ~ cond", "von_mises", {"scale": "odds"}, "is of probabilities"),
        ("a ~ cond", "von_mises", {"standardise": "sigma"}, "has no sd that"),
        ("a ~ cond", "von_mises", {"pairs": "effect"}, "turn from one to another"),
        ("a ~ cond", "von_mises", {"pairs": {"m": [-1, 0.5, 0.5]}}, "turn from one to another"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(formula, family, options, message):
    data = DATA.assign(a=np.angle(np.exp(1j * DATA["y"])))
    model, p = made(formula, family, data=data)
    with pytest.raises(OptionError, match=message):
        effects.contrast(model, p, "cond", **options)


def test_turns_of_turns_are_angles():
    data = DATA.assign(a=np.angle(np.exp(1j * DATA["y"])))
    model, p = made("a ~ cond * stim", "von_mises", data=data, link="identity")
    p["cond:stim"] = p["cond:stim"] + 2.5
    got = effects.contrast(model, p, "cond", of="stim", pairs="all")
    turned = np.angle(np.exp(1j * p["cond:stim"]))
    np.testing.assert_allclose(got.draws[:, :2, 0], turned, atol=1e-9)
    table = effects.contrast_tables([got], [0.5, 0.9], "hdi", simultaneous=True)[0]
    assert np.isfinite(table[["sim_5%", "sim_95%"]].to_numpy()).all()


def test_a_parameter_has_all_of_them():
    model = model_of(["y ~ cond", "sigma ~ cond * stim"], DATA, "gaussian")
    fit = made_fit(model, draws=100)
    asked = {"parameter": "sigma", "groups": None}
    percent = fit.contrast("cond", ratio="percent", pairs="effect", **asked)
    assert percent["contrast"].tolist() == [f"{x} / mean (% change)" for x in "abc"]
    p = fit.joined()
    twice = fit.contrast("cond", of="stim", ratio=True, draws=True, **asked)
    own = twice[twice["contrast"] == "b / a of stim (1 / 0)"]["value"].to_numpy()
    np.testing.assert_allclose(own, np.exp(p["sigma_cond:stim"][:, 0]), rtol=1e-9)
    link = fit.contrast("cond", of="stim", scale="link", draws=True, **asked)
    own = link[link["contrast"] == "c - a of stim (1 - 0)"]["value"].to_numpy()
    np.testing.assert_allclose(own, p["sigma_cond:stim"][:, 1], atol=1e-10)
    means = fit.means("cond", by=["stim"], parameter="sigma", simultaneous=True)
    assert {"sim_3%", "sim_97%"} <= set(means)
    with pytest.raises(OptionError, match="is of the mean of a response"):
        fit.contrast("cond", standardise="sigma", parameter="sigma")
