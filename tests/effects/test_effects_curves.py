"""Conditional means and group effects are what loops over rows give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from effects_cases import DATA, MICE, S, draws_of, made, over_groups
from made_draws import made_fit
from models import model_of

from winstan import effects
from winstan.errors import OptionError
from winstan.tuning import Tuning

GROUPS = DATA["mouse"].tolist()
AT = [MICE.index(m) for m in GROUPS]
FORMULA = "Power ~ stim * x + cond + (stim|mouse)"


def eta_of(p, *, x, stim, zero: bool = False) -> np.ndarray:
    """Linear predictor of the rows with x and stim set, shape (S, rows)."""
    cond = np.column_stack([DATA["cond"] == level for level in "bc"])
    x, stim = (np.broadcast_to(np.asarray(v, float), len(DATA)) for v in (x, stim))
    eta = p["Intercept"][:, None] + p["cond"] @ cond.T
    eta = eta + p["stim"][:, None] * stim + p["x"][:, None] * x + p["stim:x"][:, None] * stim * x
    own = p["1|mouse"][:, AT] + p["stim|mouse"][:, AT] * stim
    return eta if zero else eta + own


@pytest.fixture(scope="module")
def case():
    return made(FORMULA, "gamma")


def test_curve_over_a_number_by_loops(case):
    model, p = case
    curve = effects.conditional(model, p, "x", points=5, groups="these")
    assert np.allclose(curve.grid, np.linspace(DATA["x"].min(), DATA["x"].max(), 5))
    for k, x in enumerate(curve.grid):
        expected = over_groups(np.exp(eta_of(p, x=x, stim=DATA["stim"])), GROUPS)
        np.testing.assert_allclose(curve.draws[:, k, 0], expected, rtol=1e-9)
    zero = effects.conditional(model, p, "x", points=2, groups="typical", scale="link")
    expected = over_groups(eta_of(p, x=zero.grid[1], stim=DATA["stim"], zero=True), GROUPS)
    np.testing.assert_allclose(zero.draws[:, 1, 0], expected, rtol=1e-9)


def test_curves_by_level_and_at_held_values(case):
    model, p = case
    held = effects.conditional(model, p, "x", values={"stim": 1, "x": [2, 7], "mouse": "m3"})
    assert held.grid == (2, 7)
    cond = np.column_stack([DATA["cond"] == level for level in "bc"])
    j = MICE.index("m3")
    for k, x in enumerate(held.grid):
        eta = p["Intercept"] + p["stim"] + (p["x"] + p["stim:x"]) * x
        eta = (eta + p["1|mouse"][:, j] + p["stim|mouse"][:, j])[:, None] + p["cond"] @ cond.T
        np.testing.assert_allclose(held.draws[:, k, 0], over_groups(np.exp(eta), GROUPS), rtol=1e-9)
    each = effects.conditional(model, p, "x", by="mouse", points=3)
    assert [level for (level,) in each.levels] == MICE
    for j, mouse in enumerate(MICE):
        inside = [i for i, m in enumerate(GROUPS) if m == mouse]
        expected = np.exp(eta_of(p, x=each.grid[2], stim=DATA["stim"]))[:, inside].mean(axis=1)
        np.testing.assert_allclose(each.draws[:, 2, j], expected, rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"by": "mouse"}, {"by": {"x": [1, 8]}}, {"scale": "link"}])
def test_contrasts_are_differences_along_a_curve(case, options):
    model, p = case
    for name in ("cond", "stim"):
        curve = effects.conditional(model, p, name, **options)
        result = effects.contrast(model, p, name, **options)
        np.testing.assert_allclose(
            curve.draws[:, 1:] - curve.draws[:, :1], result.draws, rtol=1e-7, atol=1e-9
        )
        assert curve.levels == result.levels


def test_levels_are_in_the_order_of_the_coding():
    model, p = made('y ~ C(cond, Treatment("b")) + (1|mouse)', "gaussian")
    curve = effects.conditional(model, p, "cond")
    assert curve.grid == ("b", "a", "c")
    contrast = draws_of(model, p, "cond")["c - b"]
    np.testing.assert_allclose(curve.draws[:, 2, 0] - curve.draws[:, 0, 0], contrast, atol=1e-9)


def test_curves_in_chunks_as_at_once(case):
    model, p = case
    calls = [
        lambda model: effects.conditional(model, p, "x", points=4, by="cond").draws,
        lambda model: effects.contrast(model, p, "x", slope=True, by="cond").draws,
    ]
    parts = replace(model, tuning=Tuning(chunk=7 * S))
    for call in calls:
        np.testing.assert_allclose(call(parts), call(model), rtol=1e-10)


def test_tables_and_draws_of_curves():
    fit = made_fit(model_of(FORMULA, DATA, "gamma"), draws=50)
    table = fit.conditional("x", by="cond", points=4, prob=0.9, interval="eti")
    assert list(table) == ["x", "cond", "groups", "mean", "sd", "eti_5%", "eti_95%"]
    assert table["cond"].tolist() == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    assert table["x"].dtype == float
    long = fit.conditional("x", by="cond", points=4, draws=True)
    assert list(long) == ["x", "cond", "draw", "value"]
    means = long.groupby(["cond", "x"])["value"].mean()
    np.testing.assert_allclose(table["mean"], means)
    assert fit.conditional("cond")["cond"].tolist() == ["a", "b", "c"]
    assert len(fit.conditional("x")) == 50


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"predictor": "z"}, "conditional names 'z'"),
        ({"predictor": "x", "points": 1}, "points= must be"),
        ({"predictor": "x", "by": "x"}, "the predictor itself"),
        ({"predictor": "x", "groups": "average"}, "which is called 'these'"),
        ({"predictor": "x", "values": {"cond": "q"}}, "'cond' has no level 'q'"),
        ({"predictor": "x", "values": {"q": 1}}, "values= names 'q'"),
        ({"predictor": "x", "values": {"x": []}}, "values= has no values for 'x'"),
        ({"predictor": "x", "by": "cond", "values": {"cond": "a"}}, "in by= and in values="),
        ({"predictor": "x", "scale": "log"}, "scale must be"),
    ],
)
def test_curves_that_are_refused(call, message):
    fit = made_fit(model_of(FORMULA, DATA, "gamma"), draws=20)
    with pytest.raises(OptionError, match=message):
        fit.conditional(**call)


# --- group effects --------------------------------------------------------------------------------


def test_deviations_are_the_parameters_and_totals_their_sums():
    model = model_of("y ~ x + cond + (x + cond|mouse) + (0 + hours|mouse)", DATA, "gaussian")
    fit = made_fit(model, draws=25)
    p = fit.joined()
    table = fit.group_effects(prob=0.9)
    assert list(table) == ["effect", "level", "mean", "sd", "hdi_5%", "hdi_95%"]
    names = ["Intercept", "x", "cond[b]", "cond[c]", "hours"]
    assert table["effect"].drop_duplicates().tolist() == names
    by = table.set_index(["effect", "level"])["mean"]
    assert by["Intercept", "m2"] == pytest.approx(p["1|mouse"][:, 2].mean())
    assert by["cond[c]", "m4"] == pytest.approx(p["cond|mouse"][:, 1, 4].mean())
    assert by["hours", "m1"] == pytest.approx(p["hours|mouse"][:, 1].mean())
    long = fit.group_effects("mouse", kind="total", draws=True)
    assert list(long) == ["effect", "level", "draw", "value"]
    assert long["effect"].drop_duplicates().tolist() == names[:4]  # hours has no counterpart
    sums = {
        "Intercept": p["Intercept"] + p["1|mouse"][:, 3],
        "x": p["x"] + p["x|mouse"][:, 3],
        "cond[b]": p["cond"][:, 0] + p["cond|mouse"][:, 0, 3],
    }
    for name, expected in sums.items():
        part = long[(long["effect"] == name) & (long["level"] == "m3")].sort_values("draw")
        np.testing.assert_allclose(part["value"], expected, rtol=1e-9)


def test_totals_of_another_coding():
    model, p = made("y ~ cond + (0 + cond|mouse)", "gaussian")
    found = effects.group_effects(model, p, "mouse", "total")
    means = np.column_stack([p["Intercept"], p["Intercept"][:, None] + p["cond"]])
    for k, level in enumerate("abc"):
        levels, draws = found[f"cond[{level}]"]
        assert list(levels) == MICE
        np.testing.assert_allclose(draws, means[:, [k]] + p["cond|mouse"][:, k], rtol=1e-8)


def test_totals_whatever_the_unit():
    model, p = made("y ~ tiny + (tiny|mouse)", "gaussian", data=DATA.assign(tiny=DATA["x"] * 1e-9))
    found = effects.group_effects(model, p, "mouse", "total")
    assert list(found) == ["Intercept", "tiny"]
    np.testing.assert_allclose(found["tiny"][1], p["tiny"][:, None] + p["tiny|mouse"], rtol=1e-9)
    np.testing.assert_allclose(
        found["Intercept"][1], p["Intercept"][:, None] + p["1|mouse"], rtol=1e-9
    )


def test_group_effects_that_are_not_there():
    fit = made_fit(model_of("y ~ 0 + x + (1|mouse)", DATA, "gaussian"), draws=20)
    with pytest.raises(OptionError, match="has a population-level counterpart"):
        fit.group_effects(kind="total")
    with pytest.raises(OptionError, match="kind must be"):
        fit.group_effects(kind="sum")
    with pytest.raises(OptionError, match="Did you mean 'mouse'"):
        fit.group_effects("mose")
    with pytest.raises(OptionError, match="no group term"):
        made_fit(model_of("y ~ x", DATA, "gaussian"), draws=20).group_effects()


def test_means_are_those_whose_differences_are_contrasts():
    fit = made_fit(model_of(FORMULA, DATA, "gamma"), draws=50)
    for groups in (None, "these", "population"):
        table = fit.means("cond", by="stim", groups=groups)
        assert list(table["cond"]) == ["a", "b", "c"] * 2
        means = table.set_index(["stim", "cond"])["mean"]
        contrasts = fit.contrast("cond", by="stim", groups=groups)
        assert list(contrasts["groups"]) == [table["groups"][0]] * 4
        for _, row in contrasts.iterrows():
            level = row["contrast"].split(" - ")[0]
            expected = means[row["stim"], level] - means[row["stim"], "a"]
            assert row["mean"] == pytest.approx(expected, rel=1e-8)
    assert fit.means("x", values=[2, 5])["x"].tolist() == [2, 5]
    with pytest.raises(OptionError, match=r"'x' is a number with .*values=\[...\]"):
        fit.means("x")
