"""Totals and intercepts put each group at its own value of what is constant within it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import flat, made_fit, made_posterior
from models import model_of
from plot_checks import assert_legible, data_of
from plotnine import geom_path, geom_segment, geom_vline

import winstan as ws
from winstan import effects
from winstan.design import evaluate
from winstan.effects.own_values import own_values
from winstan.fitted.no_pooling import shrinkage


def weights(noise: float = 1.0, seed: int = 1) -> pd.DataFrame:
    """Weekly weights of mice of two genotypes and three doses, slopes far apart."""
    rng = np.random.default_rng(seed)
    rows = []
    for m in range(8):
        genotype, dose, sex = "WK"[m % 2], (0.5, 1.0, 2.0)[m % 3], "fm"[m // 4]
        level = 20 + 5 * (genotype == "K") + 3 * dose + rng.normal()
        slope = 1 - 0.8 * (genotype == "K") + 0.4 * dose + 0.1 * rng.normal()
        for week in range(1, 7):
            for cond in "ab":
                y = level + slope * week + 2 * (cond == "b") + noise * rng.normal()
                rows.append((f"m{m}", genotype, dose, sex, 4 + m % 4, week, cond, y))
    names = ["mouse", "genotype", "dose", "sex", "birth", "week", "cond", "y"]
    data = pd.DataFrame(rows, columns=names)
    data["genotype"] = pd.Categorical(data["genotype"], ["W", "K"])
    return data


def made(formula: str, data: pd.DataFrame, family: str = "gaussian"):
    model = model_of(formula, data, family)
    return model, flat(made_posterior(model))


def predictor(model, p, data: pd.DataFrame, **values) -> np.ndarray:
    """The linear predictor of each mouse at some values, all else its own, shape (S, L)."""
    rows = data.drop_duplicates("mouse").sort_values("mouse").assign(**values)
    return np.hstack(
        [eta for _, eta in effects.linear_predictor(model, p, evaluate(model.design, rows))]
    )


SLOPES = [
    "y ~ genotype * week + (week|mouse)",
    "y ~ genotype * week * dose + cond + (week|mouse)",
    "y ~ 0 + genotype + genotype:week + (week|mouse)",
    "y ~ C(genotype, Sum) * week + sex + (week|mouse)",
    "y ~ week + I(dose * week) + np.log(dose):week + (week|mouse)",
    "y ~ genotype * week + (0 + week|mouse)",
    "y ~ genotype * week + (week||mouse)",
]


@pytest.mark.parametrize("formula", SLOPES)
def test_a_total_slope_is_what_a_week_adds_to_the_animals_linear_predictor(formula):
    data = weights()
    model, p = made(formula, data)
    levels, draws = effects.group_effects(model, p, "mouse", "total")["week"]
    assert list(levels) == sorted(data["mouse"].unique())
    change = predictor(model, p, data, week=4) - predictor(model, p, data, week=3)
    np.testing.assert_allclose(draws, change, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ genotype + (1|mouse)",
        "y ~ 0 + genotype + (1|mouse)",
        "y ~ genotype * dose + week + cond + (1|mouse)",
        "y ~ genotype * week * cond + poly(dose, 2) + (week|mouse)",
        "y ~ genotype * week + (week|genotype:mouse)",
    ],
)
def test_a_total_intercept_is_the_linear_predictor_at_week_zero(formula):
    data = weights()
    model, p = made(formula, data)
    factor = model.design.groups[0].factor
    _, draws = effects.group_effects(model, p, factor, "total")["Intercept"]
    at_zero = predictor(model, p, data, week=0, cond="a")
    if factor == "genotype:mouse":  # its levels are in the order of the genotypes
        order = np.argsort(data.drop_duplicates("mouse")["genotype"].cat.codes, kind="stable")
        at_zero = at_zero[:, order]
    np.testing.assert_allclose(draws, at_zero, rtol=1e-9, atol=1e-9)
    table = effects.group_intercepts(model, p, factor, 0.9, "hdi")
    np.testing.assert_allclose(table["mean"], at_zero.mean(axis=0), rtol=1e-9)


def test_functions_of_a_week_and_a_birthday_are_seen_in_the_rows_that_there_are():
    data = weights().assign(week=lambda t: t["week"] + t["birth"])  # no week before a birth
    model, p = made("y ~ np.log(week - birth) + genotype:week + (week|mouse)", data)
    _, draws = effects.group_effects(model, p, "mouse", "total")["week"]
    slope = {"W": 0, "K": 1}
    for j, mouse in enumerate(sorted(data["mouse"].unique())):
        of = data.loc[data["mouse"] == mouse, "genotype"].iloc[0]
        expected = p["genotype:week"][:, slope[of]] + p["week|mouse"][:, j]
        np.testing.assert_allclose(draws[:, j], expected, rtol=1e-9)


@pytest.mark.slow
def test_totals_are_what_each_animals_own_regression_says():
    data = weights(noise=0.01)
    fit = ws.fit(
        "y ~ genotype * week + dose * week + cond + (week|mouse)",
        data,
        seed=1,
        progress=False,
        target_accept=0.99,
        silence="random_slopes",
    )
    totals = fit.group_effects(kind="total").set_index(["effect", "level"])["mean"]
    means = fit.intercepts().set_index("level")["mean"]
    for mouse, rows in data.groupby("mouse"):
        X = np.column_stack([np.ones(len(rows)), rows["week"], rows["cond"] == "b"])
        intercept, slope, _ = np.linalg.lstsq(X, rows["y"])[0]
        assert totals["week", mouse] == pytest.approx(slope, abs=0.02)
        assert totals["Intercept", mouse] == pytest.approx(intercept, abs=0.05)
        assert means[mouse] == pytest.approx(intercept, abs=0.05)


def test_predictors_that_vary_within_groups_stay_at_their_reference():
    data = weights()
    model, p = made("y ~ genotype * cond + (1|mouse)", data)
    _, draws = effects.group_effects(model, p, "mouse", "total")["Intercept"]
    np.testing.assert_allclose(draws, predictor(model, p, data, cond="a"), rtol=1e-9)
    # one mouse that changed its sex in the records: then it is none of a mouse's own
    changed = data.assign(sex=np.where(data.index == 0, "m", data["sex"]))
    model, _ = made("y ~ genotype + sex + (1|mouse)", changed)
    assert own_values(model, model.design.groups[0]).columns == ("genotype",)


def test_an_effect_that_varies_between_the_groups_is_not_held():
    once = weights().drop_duplicates("mouse")
    once = pd.concat([once, once.assign(y=once["y"] + 1)])
    model, p = made("y ~ dose + genotype + (1 + dose|mouse)", once)
    found = effects.group_effects(model, p, "mouse", "total")
    np.testing.assert_allclose(found["dose"][1], p["dose"][:, None] + p["dose|mouse"], rtol=1e-9)


def test_intercepts_average_what_stands_for_the_intercept_at_the_animals_own_genotype():
    data = weights()
    model, p = made("y ~ 0 + cond:genotype + week + (1|mouse)", data)
    table = effects.group_intercepts(model, p, "mouse", 0.9, "hdi")
    both = [predictor(model, p, data, week=0, cond=cond) for cond in "ab"]
    np.testing.assert_allclose(table["mean"], np.mean(both, axis=0).mean(axis=0), rtol=1e-9)
    assert table.attrs["at"] == "each mouse at its own genotype; at week = 0, averaged over cond"


def test_an_effect_of_genotype_between_litters_is_the_animals_own():
    data = weights().assign(litter=lambda t: "l" + (t["mouse"].str[1].astype(int) % 5).astype(str))
    model, p = made("y ~ genotype + (genotype|litter) + (1|mouse)", data)
    table = effects.group_intercepts(model, p, "mouse", 0.9, "hdi")
    expected = predictor(model, p, data).mean(axis=0)
    np.testing.assert_allclose(table["mean"], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("formula", "at"),
    [
        ("y ~ genotype * week + (week|mouse)", "each mouse at its own genotype; at week = 0"),
        ("y ~ genotype + sex + dose + (1|mouse)", "each mouse at its own genotype, sex and dose"),
        ("y ~ genotype + (1|genotype:mouse)", "each genotype:mouse at its own genotype"),
        ("y ~ cond + week + (1|mouse)", "at cond = a, week = 0"),
    ],
)
@pytest.mark.slow
def test_tables_and_figures_say_what_the_animals_are_held_at(formula, at):
    model = model_of(formula, weights(), "gaussian")
    fit = made_fit(model, draws=50)
    assert fit.intercepts().attrs["at"] == at
    assert fit.group_effects(kind="total").attrs["at"] == at
    assert "at" not in fit.group_effects().attrs
    joined = at if at.startswith("at ") else f"of {at}"
    figures = {"slopes": fit.plot_slopes(), "intercepts": fit.plot_intercepts()}
    captions = {k: plot.labels.caption.replace("\n", " ") for k, plot in figures.items()}
    assert captions["intercepts"] == f"posterior mean {joined}"
    assert at in captions["slopes"]
    for plot in figures.values():
        assert_legible(plot)


def test_conditions_that_each_have_an_effect_are_not_said_to_be_held():
    model = model_of("y ~ cond * genotype + (0 + cond|mouse)", weights(), "gaussian")
    assert effects.totals_text(model, "mouse") == "each mouse at its own genotype"


def test_own_estimates_and_population_means_are_those_of_the_animals_genotype():
    data = weights()
    model = model_of("y ~ genotype * week + (week|mouse)", data, "gaussian")
    p = flat(made_posterior(model))
    table, population = shrinkage(model, p, "mouse", 0.94, "hdi")
    own = table.set_index(["effect", "level"])["own"]
    means = population.set_index(["effect", "level"])["mean"]
    for mouse, rows in data.groupby("mouse"):
        slope, intercept = np.polyfit(rows["week"], rows["y"], 1)
        assert own["week", mouse] == pytest.approx(slope, rel=1e-6)
        assert own["Intercept", mouse] == pytest.approx(intercept, rel=1e-6)
        knock_out = rows["genotype"].iloc[0] == "K"
        expected = p["week"].mean() + knock_out * p["genotype:week"].mean()
        assert means["week", mouse] == pytest.approx(expected)


@pytest.mark.slow
def test_figures_have_a_population_mean_for_each_genotype():
    fit = made_fit(model_of("y ~ genotype * week + (week|mouse)", weights(), "gaussian"), draws=50)
    plot = fit.plot_slopes()
    assert not any(isinstance(layer.geom, geom_vline) for layer in plot.layers)
    lines = data_of(plot, geom_segment, having=["below", "above"])
    lines = lines[lines["below"].notna()]
    of_week = lines[lines["effect"] == "week"].drop_duplicates("level").set_index("level")["mean"]
    p = fit.joined()
    assert of_week["m0"] == pytest.approx(p["week"].mean())
    assert of_week["m1"] == pytest.approx(p["week"].mean() + p["genotype:week"].mean())
    assert "population mean at the values of each mouse" in plot.labels.caption.replace("\n", " ")
    plane = fit.plot_slopes(plane=True)
    assert "crosses: population means" in plane.labels.caption
    paths = data_of(plane, geom_path)
    assert paths.groupby(["centre", "contour"]).ngroups == 4
    assert_legible(plane)
