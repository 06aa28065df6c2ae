"""Figures of parameters: intervals, posteriors and shrinkage at the values of the draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import flat, made_fit, made_posterior
from models import model_of
from plot_checks import assert_legible, data_of, n_panels, panels_of, scale_of
from plotnine import geom_path, geom_point, geom_rect, geom_segment, geom_text, geom_vline

from winstan import effects
from winstan.errors import DataError, OptionError
from winstan.fitted.no_pooling import ellipses, shrinkage
from winstan.plots import forest, plot_forest, plot_posterior, plot_slopes


def recordings(n_groups=8, n=12, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), n)
    x = rng.uniform(-1, 4, g.size)
    y = 20 + rng.normal(0, 5, n_groups)[g] + (3 + rng.normal(0, 1, n_groups)[g]) * x
    return pd.DataFrame(
        {"g": [f"g{i}" for i in g], "x": x, "z": 1000 * rng.normal(size=g.size), "y": y}
    ).assign(y=lambda t: t["y"] + rng.normal(0, 2, g.size))


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of("y ~ x + z + (x|g)", recordings(), "gaussian"))


def rows_of_forest(plot) -> pd.DataFrame:
    return data_of(plot, geom_segment, having=["inner_lower", "lower"]).drop_duplicates("y")


@pytest.mark.slow
def test_a_forest_has_an_interval_for_each_parameter_at_its_summary(fit):
    plot = fit.plot_forest()
    rows = rows_of_forest(plot).set_index("parameter")
    table = fit.summary()
    expected = [v.name for v in fit.model.variables if v.role not in ("effect", "correlation")]
    assert set(rows.index) == {*expected, "g_corr[Intercept, x]"}
    np.testing.assert_allclose(rows["mean"], table["mean"].loc[rows.index], rtol=1e-12)
    np.testing.assert_allclose(rows["lower"], table["hdi_3%"].loc[rows.index], rtol=1e-12)
    np.testing.assert_allclose(rows["upper"], table["hdi_97%"].loc[rows.index], rtol=1e-12)
    half = fit.summary(prob=0.5)
    np.testing.assert_allclose(rows["inner_lower"], half["hdi_25%"].loc[rows.index], rtol=1e-12)
    assert "group effects not drawn: names='1|g'" in plot.labels.caption
    assert_legible(plot)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (
            "categorical",
            [
                "coefficients of mub (log odds of b against a)",
                "group sds of muc (log odds of c against a)",
            ],
        ),
        ("cumulative", ["coefficients (logit scale)", "group sds (logit scale)"]),
    ],
)
def test_a_forest_of_categories_says_on_which_scale_coefficients_are(family, expected):
    rows = recordings().assign(
        y=lambda d: pd.Categorical(np.resize(list("abcca"), len(d)), ordered=True)
    )
    plot = made_fit(model_of("y ~ x + (1|g)", rows, family)).plot_forest()
    panels = set(rows_of_forest(plot)["panel"])
    assert set(expected) <= panels
    assert not any("softmax" in panel for panel in panels)


def test_a_forest_of_chosen_names_and_equal_tails(fit):
    rows = rows_of_forest(fit.plot_forest(["sd", "z", "1|g[g3]"], prob=0.8, interval="eti"))
    assert rows["parameter"].tolist() == ["1|g_sigma", "x|g_sigma", "z", "g3"]
    table = fit.summary(prob=0.8, interval="eti")
    assert rows["upper"].iloc[-1] == pytest.approx(table.loc["1|g[g3]", "eti_90%"])
    assert rows["lower"].iloc[0] == pytest.approx(table.loc["1|g_sigma", "eti_10%"])


def test_standardised_coefficients_are_those_of_one_sd(fit):
    data = recordings()
    raw = rows_of_forest(fit.plot_forest()).set_index("parameter")
    one = rows_of_forest(fit.plot_forest(standardise=True)).set_index("parameter")
    ratio = one["mean"] / raw["mean"]
    assert ratio["z"] == pytest.approx(data["z"].std(ddof=0))
    assert ratio["x"] == pytest.approx(data["x"].std(ddof=0))
    assert ratio["x|g_sigma"] == pytest.approx(data["x"].std(ddof=0))
    same = ["Intercept", "1|g_sigma", "sigma", "g_corr[Intercept, x]"]
    assert ratio[same].tolist() == pytest.approx([1.0] * 4)


def intervals(centres, widths, zero=True) -> pd.DataFrame:
    c, w = np.asarray(centres, float), np.asarray(widths, float)
    return pd.DataFrame(
        {
            "parameter": [f"p{i}" for i in range(len(c))],
            "panel": "coefficients",
            "zero": zero,
            "mean": c,
            "lower": c - w,
            "upper": c + w,
            "inner_lower": c - w / 2,
            "inner_upper": c + w / 2,
        }
    )


def test_coefficients_of_very_different_scales_have_axes_of_their_own():
    plot = plot_forest(intervals([1.0, 500.0, 0.6, -800.0], [0.4, 200.0, 0.3, 100.0]))
    rows = rows_of_forest(plot).set_index("parameter")
    assert rows.loc["p0", "panel"] == rows.loc["p2", "panel"]
    assert rows.loc["p1", "panel"] == rows.loc["p3", "panel"]
    assert rows["panel"].nunique() == 2
    for _, part in rows.groupby("panel", observed=True):
        ends = np.concatenate([part["lower"], part["upper"], [0.0]])
        assert (part["upper"] - part["lower"]).min() * forest.SQUASHED >= np.ptp(ends)
    together = rows_of_forest(plot_forest(intervals([1, 2, 3], [0.5, 0.4, 0.6])))
    assert len(set(together["panel"])) == 1


def test_the_heights_of_a_forests_panels_are_those_of_their_rows(fit):
    figure = fit.plot_forest(["sd", "sigma"]).draw()
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 2
    assert boxes[0].height / boxes[1].height == pytest.approx(2.3 / 1.3, rel=0.02)


def test_a_page_of_intervals_and_what_is_left_out():
    plot = plot_forest(intervals(np.arange(70), np.ones(70)))
    assert len(rows_of_forest(plot)) == forest.ROWS
    assert "10 more not drawn" in plot.labels.caption


def test_a_posterior_says_what_its_draws_say(fit):
    draws = fit.draws["posterior"]["x"].to_numpy().ravel()
    plot = fit.plot_posterior("x", rope=0.2, ref=0.1, unit="mV")
    texts = set(data_of(plot, geom_text)["text"])
    inside, below = np.mean(np.abs(draws) <= 0.2), np.mean(draws < 0.1)
    assert f"{100 * inside:.1f}% in ROPE" in texts
    assert f"{100 * below:.1f}% < 0.1 < {100 * (1 - below):.1f}%" in texts
    bar = data_of(plot, geom_segment, having=["lower", "upper"]).iloc[0]
    table = fit.summary().loc["x"]
    assert bar["lower"] == pytest.approx(table["hdi_3%"])
    assert bar["upper"] == pytest.approx(table["hdi_97%"])
    band = data_of(plot, geom_rect)
    assert band[["left", "right"]].to_numpy().tolist() == [[-0.2, 0.2]]
    assert plot.labels.x == "x, mV"
    assert_legible(plot)


def test_a_contrasts_posterior_is_that_of_contrast(fit):
    plot = fit.plot_posterior("x", contrast=True, rope=True)
    table = fit.contrast("x")
    bar = data_of(plot, geom_segment, having=["lower", "upper"]).iloc[0]
    assert [bar["lower"], bar["upper"]] == pytest.approx(
        table[["hdi_3%", "hdi_97%"]].iloc[0].tolist()
    )
    band = data_of(plot, geom_rect)
    assert band[["left", "right"]].iloc[0].tolist() == pytest.approx(list(table.attrs["rope"]))
    share = f"{100 * table['p_rope'].iloc[0]:.1f}% in ROPE"
    assert share in set(data_of(plot, geom_text)["text"])
    without = fit.plot_posterior("x", contrast=True)
    assert data_of(without, geom_rect).empty


def test_shares_near_none_and_all_are_not_rounded_away():
    draws = pd.DataFrame({"name": "a", "value": np.r_[-1.0, np.linspace(1, 2, 9999)]})
    summary = pd.DataFrame({"name": ["a"], "mean": [1.5], "lower": [1.0], "upper": [2.0]})
    texts = set(data_of(plot_posterior(draws, summary, title="a", ref=0.0), geom_text)["text"])
    assert "<0.1% < 0 < >99.9%" in texts


@pytest.mark.slow
def test_twelve_posteriors_a_figure(fit):
    plot = fit.plot_posterior("1|g")
    assert len(panels_of(plot)) == 8
    wide = made_fit(model_of("y ~ x + (1|g)", recordings(15), "gaussian"))
    plot = wide.plot_posterior("1|g")
    assert len(panels_of(plot)) == 12
    assert "3 more not drawn: name one, such as '1|g[g" in plot.labels.caption
    assert_legible(plot)


def test_own_estimates_are_least_squares_lines_of_the_groups_rows():
    data = recordings()
    model = model_of("y ~ x + (x|g)", data, "gaussian")
    posterior = flat(made_posterior(model))
    table, population = shrinkage(model, posterior, "g", 0.94, "hdi")
    for level, part in data.groupby("g"):
        slope, intercept = np.polyfit(part["x"], part["y"], 1)
        own = table[table["level"] == level].set_index("effect")["own"]
        np.testing.assert_allclose(own[["Intercept", "x"]], [intercept, slope], rtol=1e-7)
    means = population.set_index("effect")["mean"]
    assert means["x"] == pytest.approx(posterior["x"].mean())
    assert means["Intercept"] == pytest.approx(posterior["Intercept"].mean())


@pytest.mark.parametrize(
    ("family", "transform"),
    [("poisson", np.log), ("gamma", np.log), ("lognormal", None), ("negative_binomial", np.log)],
)
def test_own_intercepts_are_the_groups_means_through_the_link(family, transform):
    data = recordings()
    data["y"] = np.maximum(data["y"].round(), 1)
    model = model_of("y ~ 1 + (1|g)", data, family)
    table, _ = shrinkage(model, flat(made_posterior(model)), "g", 0.94, "hdi")
    means = data.groupby("g")["y"].mean()
    expected = (
        np.log(data["y"]).groupby(data["g"]).mean() if transform is None else transform(means)
    )
    np.testing.assert_allclose(table.set_index("level")["own"], expected, rtol=1e-6)


def test_own_log_odds_and_groups_that_have_none():
    data = pd.DataFrame({"g": list("aabbccddeeffgg"), "k": [3, 4, 0, 0, 5, 5, *[2, 3] * 4], "n": 5})
    model = model_of("p(k, n) ~ 1 + (1|g)", data, "binomial")
    table, _ = shrinkage(model, flat(made_posterior(model)), "g", 0.94, "hdi")
    own = table.set_index("level")["own"]
    assert own["a"] == pytest.approx(np.log(0.7 / 0.3), rel=1e-6)
    assert own[["b", "c"]].isna().all()  # only failures, only successes
    few = recordings().drop_duplicates("g")
    model = model_of("y ~ x + (x|g)", pd.concat([few, recordings(2)]), "gaussian")
    table, _ = shrinkage(model, flat(made_posterior(model)), "g", 0.94, "hdi")
    none = table[table["own"].isna()]["level"].unique()
    assert set(none) == {f"g{i}" for i in range(2, 8)}  # one row does not make a line


def test_own_estimates_take_the_other_predictors_as_they_are():
    data = recordings()
    model = model_of("y ~ z + (1|g)", data, "gaussian")
    posterior = flat(made_posterior(model))
    table, _ = shrinkage(model, posterior, "g", 0.94, "hdi")
    rest = data["y"] - posterior["z"].mean() * data["z"]
    np.testing.assert_allclose(
        table.set_index("level")["own"], rest.groupby(data["g"]).mean(), rtol=1e-7
    )


@pytest.mark.slow
def test_slopes_show_pooled_and_own_estimates(fit):
    plot = fit.plot_slopes("g")
    totals = fit.group_effects("g", kind="total").set_index(["effect", "level"])
    bars = data_of(plot, geom_segment, having=["lower", "upper"])
    bars = bars[bars["mean"].notna()].drop_duplicates(["effect", "level"])
    bars = bars.set_index(["effect", "level"])
    for ours, theirs in {"mean": "mean", "lower": "hdi_3%", "upper": "hdi_97%"}.items():
        np.testing.assert_allclose(bars[ours], totals[theirs].loc[bars.index], rtol=1e-9)
    assert panels_of(plot) == ["Intercept", "x"]
    assert n_panels(plot) == 2
    lines = data_of(plot, geom_vline).set_index("effect")["mean"]
    posterior = fit.draws["posterior"]
    assert lines["x"] == pytest.approx(float(posterior["x"].mean()))
    assert lines["Intercept"] == pytest.approx(float(posterior["Intercept"].mean()))
    assert_legible(plot)


def test_own_estimates_far_away_are_triangles():
    table = pd.DataFrame(
        {
            "effect": "x",
            "level": list("abc"),
            "mean": [1.0, 2.0, 3.0],
            "lower": [0.5, 1.5, 2.5],
            "upper": [1.5, 2.5, 3.5],
            "own": [1.1, 900.0, np.nan],
        }
    )
    plot = plot_slopes(table, pd.DataFrame({"effect": ["x"], "mean": [2.0]}), group="g")
    edge = data_of(plot, geom_point, having=["edge"])
    edge = edge[edge["edge"].notna()]
    assert edge["level"].unique().tolist() == ["b"]
    assert edge["edge"].max() < 10
    caption = plot.labels.caption.replace("\n", " ")
    assert "1 own estimate beyond the axis" in caption
    assert "no estimate of its own: 'c'" in caption


@pytest.mark.slow
def test_a_plane_holds_the_ellipses_of_the_group_effects(fit):
    posterior = fit.joined()
    population = pd.DataFrame({"effect": ["Intercept", "x"], "mean": [10.0, -1.0]})
    shape = ellipses(fit.model, posterior, "g", population, (0.5, 0.94))
    sd = [posterior["1|g_sigma"].mean(), posterior["x|g_sigma"].mean()]
    r = posterior["g_corr"].mean()
    rng = np.random.default_rng(0)
    covariance = [[sd[0] ** 2, r * sd[0] * sd[1]], [r * sd[0] * sd[1], sd[1] ** 2]]
    points = rng.multivariate_normal([10, -1], covariance, 40_000)
    for share, part in shape.groupby("contour"):
        from matplotlib.path import Path  # noqa: PLC0415

        inside = Path(part[["x", "y"]].to_numpy()).contains_points(points).mean()
        assert inside == pytest.approx(share, abs=0.01)
    plot = fit.plot_slopes("g", plane=True)
    assert len(data_of(plot, geom_path)) == len(shape)
    assert (plot.labels.x, plot.labels.y) == ("Intercept", "x")
    assert_legible(plot)


def test_unknown_names_are_told_with_near_ones(fit):
    for draw in (fit.plot_forest, fit.plot_trace, fit.plot_rank, fit.plot_pairs):
        with pytest.raises(OptionError, match=r"no parameter 'sgima'\. Did you mean 'sigma'"):
            draw("sgima")
        with pytest.raises(OptionError, match="names of parameters, not 3"):
            draw(3)
        with pytest.raises(OptionError, match="No parameters"):
            draw([])
    with pytest.raises(OptionError, match=r"no effect 'X' by 'g'\. Did you mean 'x'"):
        fit.plot_slopes(effect="X")
    with pytest.raises(OptionError, match="'g' has no level 'g99'"):
        fit.plot_slopes(levels=["g99"])
    with pytest.raises(OptionError, match="no group factor"):
        fit.plot_slopes("G")
    with pytest.raises(OptionError, match="rope="):
        fit.plot_posterior("x", rope=(2, 1))
    with pytest.raises(OptionError, match="rope=True is the region of a contrast"):
        fit.plot_posterior("x", rope=True)
    with pytest.raises(OptionError, match="prob= must be"):
        fit.plot_forest(prob=94)
    one = made_fit(model_of("y ~ x + (1|g)", recordings(), "gaussian"))
    with pytest.raises(OptionError, match="plane=True takes two effects"):
        one.plot_slopes(plane=True)
    with pytest.raises(OptionError, match="no parameter of the class 'corr'"):
        one.plot_forest("corr")
    with pytest.raises(DataError, match=r"table has no column .*'own'"):
        plot_slopes(pd.DataFrame({"effect": []}), pd.DataFrame(), group="g")


def test_scales_are_named_where_they_are_not_the_datas():
    data = recordings().assign(y=lambda t: np.exp(t["y"] / 10))
    fit = made_fit(model_of("y ~ x + (1|g)", data, "gamma"))
    titles = panels_of(fit.plot_forest())
    assert any(title.startswith("coefficients (log scale)") for title in titles)
    assert "group sds (log scale)" in titles
    assert "family parameters" in titles
    assert fit.plot_posterior("x").labels.x == "x (log scale)"
    assert panels_of(fit.plot_slopes()) == ["Intercept (log scale)"]
    ratio = fit.plot_posterior("x", ratio=True)
    assert "log" in type(scale_of(ratio, "x")).__name__
    assert effects.response_label(fit.model) in ratio.labels.x


@pytest.mark.parametrize("columns", ["x", "x + z", "x + z + w"])
@pytest.mark.slow
def test_titles_of_several_effects_do_not_meet(columns):
    data = recordings().assign(
        w=lambda t: np.sin(t["z"]), z=lambda t: np.cos(t["z"]), y=lambda t: np.exp(t["y"] / 20)
    )
    fit = made_fit(model_of(f"y ~ {columns} + ({columns}|g)", data, "gamma"), draws=50)
    plot = fit.plot_slopes()
    assert all("log scale" in title for title in panels_of(plot))
    assert_legible(plot)


@pytest.mark.slow
def test_effects_have_the_units_that_they_are_given():
    fit = made_fit(model_of("y ~ x + z + (x|g)", recordings(), "gaussian"))
    units = {"Intercept": "ms", "x": "ms per day"}
    plot = fit.plot_slopes("g", unit=units)
    assert panels_of(plot) == ["Intercept, ms", "x, ms per day"]
    # The same numbers under other names.
    bare = data_of(fit.plot_slopes("g"), geom_point, having=["mean"])["mean"]
    np.testing.assert_array_equal(data_of(plot, geom_point, having=["mean"])["mean"], bare)
    assert panels_of(fit.plot_slopes("g", "x", unit="ms per day")) == ["x, ms per day"]
    plane = fit.plot_slopes("g", plane=True, unit=units)
    assert (plane.labels.x, plane.labels.y) == ("Intercept, ms", "x, ms per day")
    assert_legible(plot)
    with pytest.raises(OptionError, match=r"unit= names 'X', which is no effect here\..*'x'"):
        fit.plot_slopes("g", unit={"X": "ms"})
