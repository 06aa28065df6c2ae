"""Pairs, slopes, levels of `by`, regions of practical equivalence: against loops and formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, MICE, S, draws_of, made, over_groups
from made_draws import flat, made_fit, made_posterior
from models import model_of
from scipy import stats

from winstan import effects
from winstan.effects.measures import Measure
from winstan.effects.rope import rope_of
from winstan.errors import OptionError

GROUPS = DATA["mouse"].tolist()
AT = [MICE.index(m) for m in GROUPS]
X = DATA["x"].to_numpy()
GUMBEL_SD = stats.gumbel_l.std()


def test_all_and_sequential_pairs_are_differences_of_those_with_the_reference():
    model, p = made("Power ~ stim * cond + (1|mouse)", "gamma")
    to_a = draws_of(model, p, "cond")
    every = draws_of(model, p, "cond", pairs="all")
    assert list(every) == ["b - a", "c - a", "c - b"]
    np.testing.assert_allclose(every["c - b"], to_a["c - a"] - to_a["b - a"], rtol=1e-9)
    assert list(draws_of(model, p, "cond", pairs="sequential")) == ["b - a", "c - b"]
    chain = draws_of(model, p, "cond", pairs="sequential", values=["c", "a", "b"], by="stim")
    assert list(dict.fromkeys(label for label, _ in chain)) == ["a - c", "b - a"]
    ratios = draws_of(model, p, "cond", pairs="all", ratio=True)
    to_a = draws_of(model, p, "cond", ratio=True)
    assert list(ratios) == ["b / a", "c / a", "c / b"]
    np.testing.assert_allclose(ratios["c / b"], to_a["c / a"] / to_a["b / a"], rtol=1e-9)


def test_ten_levels_have_forty_five_pairs():
    data = DATA.assign(site=np.array(list("abcdefghij"))[np.arange(len(DATA)) % 10])
    model, p = made("y ~ site", "gaussian", data=data)
    every = draws_of(model, p, "site", pairs="all")
    assert len(every) == 45
    assert list(every)[:10] == [f"{level} - a" for level in "bcdefghij"] + ["c - b"]
    effect = np.column_stack([np.zeros(S), p["site"]])
    for label, values in every.items():
        high, low = ("abcdefghij".index(side) for side in label.split(" - "))
        np.testing.assert_allclose(values, effect[:, high] - effect[:, low], atol=1e-9)


def test_observed_differences_of_pairs():
    model, p = made("y ~ cond + (1|mouse)", "gaussian")
    means = DATA.pivot_table(index="mouse", columns="cond", values="y", aggfunc="mean")
    result = effects.contrast(model, p, "cond", pairs="all")
    got = effects.observed_contrast(model, result, "mouse")
    part = got[got["contrast"] == "c - b"].set_index("group")["difference"]
    np.testing.assert_allclose(part[MICE], (means["c"] - means["b"])[MICE])
    slope = effects.contrast(*made("y ~ stim + x", "gaussian"), "stim", slope=True)
    assert effects.observed_contrast(model_of("y ~ stim + x", DATA, "gaussian"), slope, None).empty


def slopes(formula: str, family: str, derivative, **options) -> None:
    """Hold the slope by x to d eta / dx and d mean / d eta worked out by hand."""
    model, p = made(formula, family, link=options.pop("link", None))
    rows, expected_link = derivative(p)
    got = draws_of(model, p, "x", slope=True)
    assert list(got) == ["slope"]
    np.testing.assert_allclose(got["slope"], over_groups(rows, GROUPS), rtol=1e-7)
    got = draws_of(model, p, "x", slope=True, scale="link")["slope"]
    np.testing.assert_allclose(got, over_groups(expected_link, GROUPS), rtol=1e-7)


def test_slope_of_curved_terms_interactions_and_group_slopes():
    def derivative(p):
        stim = DATA["stim"].to_numpy()
        eta = p["Intercept"][:, None] + p["1|mouse"][:, AT] + p["stim"][:, None] * stim
        own = p["x"][:, None] + p["x|mouse"][:, AT] + p["stim:x"][:, None] * stim
        eta = eta + own * X + p["np.log(x)"][:, None] * np.log(X)
        deta = own + p["np.log(x)"][:, None] / X
        return np.exp(eta) * deta, deta

    slopes("Power ~ stim * x + np.log(x) + (x|mouse)", "gamma", derivative)


@pytest.mark.parametrize(
    ("response", "family", "link", "slope"),
    [
        ("ok", "bernoulli", "logit", lambda e, p: np.exp(e) / (1 + np.exp(e)) ** 2),
        ("ok", "bernoulli", "probit", lambda e, p: stats.norm.pdf(e)),
        ("ok", "bernoulli", "cloglog", lambda e, p: np.exp(e - np.exp(e))),
        ("count", "poisson", "sqrt", lambda e, p: 2 * e),
        ("Power", "gamma", "inverse", lambda e, p: -1 / e**2),
        ("y", "student", "identity", lambda e, p: np.ones_like(e)),
        ("Power", "lognormal", "identity", lambda e, p: np.exp(e + p["sigma"][:, None] ** 2 / 2)),
    ],
)
def test_slopes_of_other_links(response, family, link, slope):
    def derivative(p):
        eta = p["Intercept"][:, None] + p["x"][:, None] * X + p["1|mouse"][:, AT]
        deta = np.broadcast_to(p["x"][:, None], eta.shape)
        return slope(eta, p) * deta, deta

    slopes(f"{response} ~ x + (1|mouse)", family, derivative, link=link)


def test_slope_by_groups_and_without_an_intercept():
    model, p = made("Power ~ 0 + x + (1|mouse)", "gamma")
    each = draws_of(model, p, "x", slope=True, by="mouse")
    for j, mouse in enumerate(MICE):
        x = DATA.loc[DATA["mouse"] == mouse, "x"].to_numpy()
        eta = p["x"][:, None] * x + p["1|mouse"][:, [j]]
        expected = (np.exp(eta) * p["x"][:, None]).mean(axis=1)
        np.testing.assert_allclose(each["slope", mouse], expected, rtol=1e-8)


def test_slope_at_the_edge_of_a_functions_domain():
    data = DATA.assign(x=DATA["x"] - DATA["x"].min())
    model, p = made("y ~ I(x ** 2.5)", "gaussian", data=data)
    expected = 2.5 * (data["x"] ** 1.5).mean() * p["I(x ** 2.5)"]
    np.testing.assert_allclose(draws_of(model, p, "x", slope=True)["slope"], expected, rtol=1e-8)


def test_units_of_a_predictor_change_the_slope_and_nothing_else():
    model, p = made("y ~ x + (1|mouse)", "gaussian")
    other = model_of("y ~ x + (1|mouse)", DATA.assign(x=1000 * DATA["x"]), "gaussian")
    q = p | {"x": p["x"] / 1000}
    for options in ({"slope": True}, {}):
        one, two = (effects.contrast(m, d, "x", **options) for m, d in ((model, p), (other, q)))
        np.testing.assert_allclose(two.draws * 1000, one.draws, rtol=1e-7)
        np.testing.assert_allclose(np.multiply(two.rope, 1000), one.rope)


def test_levels_of_a_column_and_values_of_a_number_each_have_their_place():
    model, p = made("Power ~ stim * x + stim * cond + (1|mouse)", "gamma")
    both = effects.contrast(model, p, "stim", by={"cond": None, "x": [9, 5, 3]})
    assert [x for _, x in both.levels] == [9, 5, 3] * 3
    for k, (cond, x) in enumerate(both.levels):
        alone = effects.contrast(model, p, "stim", by={"cond": [cond], "x": [x]})
        np.testing.assert_allclose(both.draws[..., k], alone.draws[..., 0], rtol=1e-12)


def test_by_a_number_of_many_values_sets_it_in_every_row():
    model, p = made("Power ~ stim * x + (1|mouse)", "gamma")

    def expected(x):
        mice = p["Intercept"][:, None] + p["1|mouse"] + (p["x"] * x)[:, None]
        up = (p["stim"] + p["stim:x"] * x)[:, None]
        return (np.exp(mice + up) - np.exp(mice)).mean(axis=1)

    table = effects.contrast_draws(
        effects.contrast(model, p, "stim", by={"x": [3, 9.5]}, groups="these")
    )
    assert list(dict.fromkeys(table["x"])) == [3, 9.5]
    for x in (3, 9.5):
        values = table.loc[table["x"] == x, "value"]
        np.testing.assert_allclose(values, expected(x), rtol=1e-9)
    default = effects.contrast(model, p, "stim", by="x", groups="these")
    middle, sd = X.mean(), X.std(ddof=1)
    np.testing.assert_allclose(np.ravel(default.levels), [middle - sd, middle, middle + sd])
    for k, (x,) in enumerate(default.levels):
        np.testing.assert_allclose(default.draws[:, 0, k], expected(x), rtol=1e-9)
    slope = effects.contrast(model, p, "x", slope=True, by={"stim": [1]}, groups="these")
    deta = (p["x"] + p["stim:x"])[:, None]
    eta = (p["Intercept"] + p["stim"])[:, None] + p["1|mouse"][:, AT] + deta * X
    np.testing.assert_allclose(
        slope.draws[:, 0, 0], over_groups(np.exp(eta) * deta, GROUPS), rtol=1e-8
    )


@pytest.mark.parametrize("family", ["gaussian", "gamma"])
def test_a_typical_group_has_no_effects_of_its_own(family):
    """Of a linear model the contrast is then the coefficient, whatever the groups' slopes."""
    y = {"gaussian": "y", "gamma": "Power"}[family]
    model, p = made(f"{y} ~ stim + x + (stim + x|mouse)", family)
    link = effects.contrast(model, p, "stim", scale="link", groups="typical")
    np.testing.assert_allclose(link.draws[:, 0, 0], p["stim"], rtol=1e-9)
    slope = effects.contrast(model, p, "x", slope=True, scale="link", groups="typical")
    np.testing.assert_allclose(slope.draws[:, 0, 0], p["x"], rtol=1e-7)
    ratio = effects.contrast(model, p, "stim", ratio=family == "gamma", groups="typical")
    expected = np.exp(p["stim"]) if family == "gamma" else p["stim"]
    np.testing.assert_allclose(ratio.draws[:, 0, 0], expected, rtol=1e-9)
    these = effects.contrast(model, p, "stim", scale="link", groups="these")
    assert np.abs(these.draws[:, 0, 0] - p["stim"]).max() > 0.01
    tables = effects.effects_table(model, p, scale="link", groups="typical")
    np.testing.assert_array_equal(tables[0].draws, link.draws)
    with pytest.raises(OptionError, match="'population' or 'new', not 'all'"):
        effects.contrast(model, p, "stim", groups="all")


# --- regions of practical equivalence -------------------------------------------------------------


def rope(model, **options) -> tuple[float, float]:
    measure = Measure(options.pop("scale", "response"), options.pop("ratio", False))
    given = {"rope": None, "treatment": "stim", "per_unit": False} | options
    return rope_of(model, **given, measure=measure)


def test_default_regions():
    y, power, count = DATA["y"], DATA["Power"], DATA["count"]
    gaussian = model_of("y ~ stim + x", DATA, "gaussian")
    assert rope(gaussian) == pytest.approx((-0.1 * y.std(), 0.1 * y.std()))
    assert rope(gaussian, scale="link") == pytest.approx(rope(gaussian))
    per_sd = 0.1 * y.std() / DATA["x"].std()
    assert rope(gaussian, treatment="x", per_unit=True) == pytest.approx((-per_sd, per_sd))
    gamma = model_of("Power ~ stim", DATA, "gamma")
    cv = 0.1 * np.log(power).std()
    assert rope(gamma) == pytest.approx((-cv * power.mean(), cv * power.mean()))
    inverse = model_of("Power ~ stim", DATA, "gamma", link="inverse")
    # d(1 / mu) = d mu / mu^2
    assert rope(inverse, scale="link")[1] == pytest.approx(cv / power.mean())
    assert rope(gamma, scale="link") == pytest.approx((-cv, cv))
    assert rope(gamma, ratio=True) == pytest.approx((np.exp(-cv), np.exp(cv)))
    lognormal = model_of("Power ~ stim", DATA, "lognormal")
    assert rope(lognormal, scale="link")[1] == pytest.approx(0.1 * np.log(power).std())
    assert rope(lognormal)[1] == pytest.approx(cv * power.mean())
    root = model_of("count ~ stim", DATA, "poisson", link="sqrt")
    assert rope(root, scale="link")[1] == pytest.approx(
        0.1 * count.std() / (2 * np.sqrt(count.mean()))
    )
    for link, sd in (
        ("logit", np.pi / np.sqrt(3)),
        ("probit", 1),
        ("cloglog", stats.gumbel_l.std()),
    ):
        model = model_of("ok ~ stim", DATA, "bernoulli", link=link)
        assert rope(model, scale="link")[1] == pytest.approx(0.1 * sd)
    p = DATA["hits"].sum() / DATA["of"].sum()
    binomial = model_of("p(hits, of) ~ stim", DATA, "binomial")
    assert rope(binomial)[1] == pytest.approx(0.1 * np.sqrt(p * (1 - p)))


def test_one_effect_has_one_region():
    for factor in (1, 5):
        model, p = made("y ~ stim", "gaussian", data=DATA.assign(stim=DATA["stim"] * factor))
        pair, slope = (effects.contrast(model, p, "stim", slope=s) for s in (False, True))
        assert pair.rope == pytest.approx((-0.1 * DATA["y"].std(), 0.1 * DATA["y"].std()))
        np.testing.assert_allclose(np.multiply(slope.rope, factor), pair.rope)
        shares = [effects.contrast_table(r, 0.9, "hdi")["p_rope"][0] for r in (pair, slope)]
        assert shares[0] == shares[1]


def test_regions_know_weights_exposure_and_units():
    weighted = model_of("y ~ stim", DATA, "gaussian", weights="n")
    repeated = DATA.loc[DATA.index.repeat(DATA["n"])]
    assert rope(weighted)[1] == pytest.approx(0.1 * repeated["y"].std())
    volts = model_of("y ~ stim", DATA.assign(y=DATA["y"] * 1e-6), "gaussian")
    assert rope(volts)[1] == pytest.approx(1e-6 * rope(model_of("y ~ stim", DATA, "gaussian"))[1])
    text = "count ~ stim + offset(np.log(hours))"
    hours = model_of(text, DATA, "poisson")
    minutes = model_of(text, DATA.assign(hours=60 * DATA["hours"]), "poisson")
    assert rope(minutes)[1] == pytest.approx(rope(hours)[1] / 60)
    assert rope(minutes, ratio=True) == pytest.approx(rope(hours, ratio=True))


def test_given_regions_and_the_share_inside():
    model, p = made("y ~ stim + (1|mouse)", "gaussian")
    for given, ends in ((0.2, (-0.2, 0.2)), ((-0.1, 0.5), (-0.1, 0.5))):
        result = effects.contrast(model, p, "stim", rope=given)
        assert result.rope == ends
        row = effects.contrast_table(result, 0.9, "hdi").iloc[0]
        assert row["p_rope"] == np.mean((p["stim"] >= ends[0]) & (p["stim"] <= ends[1]))
        assert 0 < row["p_rope"] < 1
    gamma, q = made("Power ~ stim", "gamma")
    result = effects.contrast(gamma, q, "stim", ratio=True, rope=0.25)
    assert result.rope == (0.8, 1.25)
    inside = (np.exp(q["stim"]) >= 0.8) & (np.exp(q["stim"]) <= 1.25)
    assert effects.contrast_table(result, 0.9, "hdi")["p_rope"][0] == inside.mean()
    fit = made_fit(model, draws=50)
    assert fit.contrast("stim", rope=3).attrs["rope"] == (-3, 3)


@pytest.mark.parametrize("bad", [-1, 0, True, "a", (1,), (2, 1), (1, 1), np.inf, np.nan, (0, "b")])
def test_regions_that_are_none(bad):
    model = model_of("y ~ stim", DATA, "gaussian")
    with pytest.raises(OptionError, match="rope must be a positive half-width"):
        rope(model, rope=bad)


# --- the table of all effects ---------------------------------------------------------------------


def test_effects_gathers_each_predictors_contrast():
    model = model_of("Power ~ stim * cond + x + (1|mouse)", DATA, "gamma")
    fit = made_fit(model, draws=50)
    table = fit.effects(prob=0.8, interval="eti")
    assert table["predictor"].tolist() == ["stim", "cond", "cond", "x"]
    assert table["contrast"].tolist() == ["1 - 0", "b - a", "c - a", "slope"]
    parts = [fit.contrast("stim", prob=0.8, interval="eti"),
             fit.contrast("cond", prob=0.8, interval="eti"),
             fit.contrast("x", slope=True, prob=0.8, interval="eti")]  # fmt: skip
    expected = pd.concat([pd.DataFrame(part.to_dict("list")) for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(table.drop(columns="predictor"), expected)
    assert set(table.attrs["rope"]) == {"stim", "cond", "x"}
    ratios = fit.effects(ratio=True)
    assert ratios["contrast"].tolist() == ["1 / 0", "b / a", "c / a", "+1"]
    long = fit.effects(draws=True)
    assert list(long) == ["predictor", "contrast", "draw", "value"]
    assert len(long) == 4 * 200
    with pytest.raises(OptionError, match="no population-level predictor"):
        made_fit(model_of("y ~ 1 + (1|mouse)", DATA, "gaussian"), draws=20).effects()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"treatment": "cond", "slope": True}, "'cond' is a factor: it has contrasts"),
        ({"treatment": "x", "slope": True, "ratio": True}, r"takes no ratio=.*values=\(a, b\)"),
        ({"treatment": "x", "slope": True, "pairs": "all"}, "takes no ratio=, pairs="),
        ({"treatment": "cond", "pairs": "every"}, "pairs must be 'reference'"),
        ({"treatment": "x", "pairs": "all"}, "is a number with 48 of them: choose some"),
        ({"treatment": "stim", "by": {"cond": ["z"]}}, "'cond' has no level 'z'"),
        ({"treatment": "stim", "by": {"cond": []}}, "by= has no values"),
    ],
)
def test_options_that_do_not_go_together(call, message):
    model, p = made("Power ~ stim * cond + x + (1|mouse)", "gamma")
    with pytest.raises(OptionError, match=message):
        effects.contrast(model, p, **call)


def test_a_column_named_as_a_result_is_refused_as_by():
    model = model_of("y ~ stim + value", DATA.assign(value=DATA["cond"]), "student")
    p = flat(made_posterior(model, chains=1, draws=5))
    with pytest.raises(OptionError, match="'value' has the name of a column of the result"):
        effects.contrast(model, p, "stim", by="value")


def test_observed_rows_of_levels_that_are_not_shown_are_left_out():
    model, p = made("y ~ stim * cond + (1|mouse)", "gaussian")
    result = effects.contrast(model, p, "stim", by={"cond": ["b"]})
    got = effects.observed_contrast(model, result, "mouse")
    assert set(got["cond"]) == {"b"}
