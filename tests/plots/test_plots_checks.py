"""Figures that judge a fit: draws in their chains, divergences marked, replicates as made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from plot_checks import assert_legible, data_of, panels_of, scale_of
from plotnine import (
    geom_line,
    geom_point,
    geom_rect,
    geom_segment,
    geom_step,
    geom_text,
    geom_vline,
    theme,
)
from scipy import stats

from winstan.errors import OptionError
from winstan.plots import OKABE_ITO, chains, plot_density, plot_rank, plot_statistics, plot_trace


def recordings(n_groups=6, n=10, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), n)
    x = rng.uniform(0, 2, g.size)
    return pd.DataFrame(
        {
            "g": [f"g{i}" for i in g],
            "x": x,
            "y": 1 + x + rng.normal(0, 1, n_groups)[g] + rng.normal(size=g.size),
            "k": rng.poisson(np.exp(0.3 + 0.4 * x)),
            "hits": rng.binomial(8, 0.4, g.size),
        }
    )


def fit_of(formula="y ~ x + (x|g)", family="gaussian", **options):
    return made_fit(model_of(formula, recordings(), family), **options)


@pytest.mark.slow
def test_a_trace_has_every_chain_of_every_parameter():
    fit = fit_of(divergent=3)
    plot = fit.plot_trace(["x", "1|g[g2]"])
    lines = data_of(plot, geom_line)
    x = fit.draws["posterior"]["x"].to_numpy()
    for chain in range(4):
        part = lines[(lines["parameter"] == "x") & (lines["chain"] == f"chain {chain}")]
        np.testing.assert_array_equal(part["value"], x[chain])
        np.testing.assert_array_equal(part["draw"], np.arange(400))
    one = fit.draws["posterior"]["1|g"].sel(g__factor_dim="g2").to_numpy()
    part = lines[(lines["parameter"] == "1|g[g2]") & (lines["chain"] == "chain 1")]
    np.testing.assert_array_equal(part["value"], one[1])
    table = fit.summary().loc["x"]
    assert panels_of(plot)[0] == f"x\nR-hat {table['r_hat']:.3f}, ESS {table['ess_bulk']:.0f}"
    marks = data_of(plot, geom_point)
    assert sorted(marks["draw"]) == [0, 0, 1, 1, 2, 2]
    assert "vermillion: 3 divergent draws" in plot.labels.caption
    assert_legible(plot)


def test_a_trace_of_long_chains_is_thinned_and_says_so():
    fit = fit_of(draws=1001)
    plot = fit.plot_trace("x")
    part = data_of(plot, geom_line)
    np.testing.assert_array_equal(np.unique(part["draw"]), np.arange(0, 1001, 3))
    assert "every third draw" in plot.labels.caption
    assert "vermillion" not in plot.labels.caption


@pytest.mark.slow
def test_twelve_parameters_a_figure_and_what_is_left_out():
    fit = made_fit(model_of("y ~ x + (1|g)", recordings(20), "gaussian"))
    plot = fit.plot_trace("1|g")
    assert len(panels_of(plot)) == 12
    caption = plot.labels.caption.replace("\n", " ")
    assert "8 more not drawn: names=['1|g[" in caption
    assert "group effects not drawn: names='1|g'" in fit.plot_trace().labels.caption
    assert_legible(plot)


@pytest.mark.slow
def test_ranks_of_chains_are_counted_as_scipy_ranks_them():
    fit = fit_of()
    steps = data_of(fit.plot_rank("sigma"), geom_step)
    values = fit.draws["posterior"]["sigma"].to_numpy()
    ranks = stats.rankdata(values).reshape(values.shape)
    for chain in range(4):
        counts, _ = np.histogram(ranks[chain], np.linspace(0.5, values.size + 0.5, 21))
        part = steps[steps["chain"] == f"chain {chain}"].sort_values("rank")
        np.testing.assert_allclose(part["share"].iloc[:20], counts / 20)
        assert part["share"].iloc[20] == part["share"].iloc[19]
    assert_legible(fit.plot_rank())


def test_the_band_of_ranks_holds_what_independent_chains_do_and_not_a_stuck_one():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(4, 1000))

    def share_outside(x):
        table = pd.DataFrame(
            {
                "parameter": "x",
                "chain": np.repeat(np.arange(4), 1000),
                "draw": np.tile(np.arange(1000), 4),
                "value": x.ravel(),
            }
        )
        plot = plot_rank(table)
        band = data_of(plot, geom_rect).iloc[0]
        share = data_of(plot, geom_step).query("rank < 100")["share"]
        return np.mean((share < band["low"]) | (share > band["high"]))

    assert share_outside(values) <= 0.05
    shifted = values + np.array([0, 0, 0, 1.0])[:, None]
    assert share_outside(shifted) > 0.3


@pytest.mark.slow
def test_pairs_show_all_divergent_draws_and_the_correlation_of_all():
    fit = fit_of(divergent=5)
    plot = fit.plot_pairs(["Intercept", "x", "1|g_sigma"])
    posterior = fit.draws["posterior"]
    marked = data_of(plot, geom_point)
    marked = marked[marked["bad"]]
    assert len(marked) == 3 * 5  # in each of three panels
    part = marked[(marked["column"] == "Intercept") & (marked["row"] == "x")]
    assert part["x"].tolist() == posterior["Intercept"].to_numpy()[0, :5].tolist()
    assert part["y"].tolist() == posterior["x"].to_numpy()[0, :5].tolist()
    part = marked[(marked["column"] == "Intercept") & (marked["row"] == "log 1|g_sigma")]
    np.testing.assert_allclose(part["y"], np.log(posterior["1|g_sigma"].to_numpy()[0, :5]))
    text = data_of(plot, geom_text).set_index(["row", "column"])["text"]
    r = stats.spearmanr(
        posterior["Intercept"].to_numpy().ravel(), posterior["x"].to_numpy().ravel()
    ).statistic
    assert text["Intercept", "x"] == f"{r:.2f}".replace("-", "\N{MINUS SIGN}")
    assert "vermillion: 5 divergent draws" in plot.labels.caption
    assert "no divergent draws" in fit_of().plot_pairs().labels.caption
    assert_legible(plot)
    assert_legible(fit.plot_pairs())


def test_pairs_of_five_take_the_sds_first():
    fit = fit_of()
    plot = fit.plot_pairs()
    names = set(data_of(plot, geom_point)["column"].cat.categories)
    assert {"log 1|g_sigma", "log x|g_sigma", "Intercept", "x"} <= names
    assert len(names) == 5
    assert "1 more not drawn: names=['sigma', ...]" in plot.labels.caption.replace("\n", " ")
    with pytest.raises(OptionError, match="two parameters or more; this is 1"):
        fit.plot_pairs("sigma")


def test_chains_have_colours_of_the_palette():
    scale = scale_of(fit_of().plot_trace("x"), "color")
    colours = scale.palette(4)
    found = colours.values() if isinstance(colours, dict) else colours
    assert set(found) <= set(OKABE_ITO.values())
    assert len(set(chains.CHAINS)) == len(chains.CHAINS)


def test_replicated_densities_hold_as_much_as_the_data():
    fit = fit_of()
    plot = fit.plot_predictive(draws=20)
    lines = data_of(plot, geom_line)
    data = lines[lines["draw"].isna()] if lines["draw"].isna().any() else lines.iloc[-256:]
    y = recordings()["y"]
    x, density = data["x"].to_numpy(), data["density"].to_numpy()
    assert np.trapezoid(density, x) == pytest.approx(1, abs=0.08)
    mean = np.trapezoid(x * density, x) / np.trapezoid(density, x)
    assert mean == pytest.approx(y.mean(), abs=0.15)
    assert lines["draw"].nunique() == 20
    assert plot.labels.x == "y"
    assert_legible(plot)


def test_counts_are_shares_of_the_rows():
    fit = fit_of("k ~ x + (1|g)", "poisson")
    plot = fit.plot_predictive(draws=100, unit="spikes", prob=0.8)
    bars = data_of(plot, geom_rect).set_index("x")
    k = recordings()["k"]
    shares = k.value_counts(normalize=True)
    expected = [shares.get(int(i), 0.0) for i in bars.index]
    np.testing.assert_allclose(bars["data"], expected)
    y_rep = np.concatenate(fit.posterior_predictive(draws=100).to_numpy())
    zero = (y_rep == 0).mean(axis=1)
    assert bars.loc[0.0, ["lower", "mid", "upper"]].tolist() == pytest.approx(
        np.quantile(zero, [0.1, 0.5, 0.9]).tolist()
    )
    assert plot.labels.x == "k, spikes"
    assert_legible(plot)


def test_groups_are_means_of_their_rows_and_of_their_replicates():
    fit = fit_of()
    plot = fit.plot_predictive("groups", draws=80, prob=0.5)
    rows = data_of(plot, geom_segment, having=["observed"]).set_index("level")
    data = recordings()
    np.testing.assert_allclose(rows["observed"], data.groupby("g")["y"].mean().loc[rows.index])
    y_rep = np.concatenate(fit.posterior_predictive(draws=80).to_numpy())
    means = y_rep[:, (data["g"] == "g3").to_numpy()].mean(axis=1)
    assert rows.loc["g3", "median"] == pytest.approx(np.median(means))
    assert_legible(plot)


def test_groups_of_successes_are_proportions():
    fit = made_fit(model_of("p(hits, 8) ~ x + (1|g)", recordings(), "binomial"))
    plot = fit.plot_predictive("groups", draws=20)
    rows = data_of(plot, geom_point, having=["observed"])
    rows = rows.drop_duplicates("level").set_index("level")["observed"]
    expected = recordings().groupby("g")["hits"].sum() / 80
    np.testing.assert_allclose(rows, expected.loc[rows.index])
    assert plot.labels.x == "proportion of hits"


@pytest.mark.slow
def test_statistics_are_those_of_each_replicate():
    fit = fit_of()
    plot = fit.plot_predictive("statistic", draws=60)
    y = recordings()["y"].to_numpy()
    lines = data_of(plot, geom_vline).set_index("name")["x"]
    expected = [y.mean(), y.std(ddof=1), y.min(), y.max()]
    np.testing.assert_allclose(lines[["mean", "sd", "smallest", "largest"]], expected)
    y_rep = np.concatenate(fit.posterior_predictive(draws=60).to_numpy())
    p = np.mean(y_rep.std(axis=1, ddof=1) >= y.std(ddof=1))
    assert panels_of(plot)[1] == f"sd\nP(replicate \N{GREATER-THAN OR EQUAL TO} data) = {p:.2f}"
    bars = data_of(plot, geom_rect)
    beyond = plot.labels.caption.partition("beyond the axes: ")[2]
    left_out = int(beyond.split()[0]) if beyond else 0
    assert bars["count"].sum() + left_out == 4 * 60
    assert_legible(plot)


def test_the_data_are_in_view_however_far_from_the_replicates():
    rng = np.random.default_rng(0)
    replicated = pd.DataFrame(
        {"statistic": "sd", "draw": range(50), "value": rng.normal(1, 0.1, 50)}
    )
    observed = pd.DataFrame({"statistic": ["sd"], "value": [-40.0]})
    plot = plot_statistics(replicated, observed, response="y")
    bars = data_of(plot, geom_rect)
    assert bars["left"].min() < -40 < bars["right"].max()
    assert panels_of(plot)[0].endswith("> 0.98")  # all of fifty


@pytest.mark.parametrize("kind", ["density", "groups", "statistic"])
@pytest.mark.slow
def test_the_prior_predictive_survives_tails_without_a_mean(kind):
    data = recordings().assign(y=lambda t: np.exp(t["y"]))
    fit = made_fit(model_of("y ~ x + (x|g)", data, "gamma"))
    plot = fit.plot_predictive(kind, prior=True, draws=40)
    assert_legible(plot)
    text = f"{plot.labels.caption} {panels_of(plot)}"
    labels = [s.labels for s in plot.scales if "fill" in s.aesthetics or "color" in s.aesthetics]
    assert "prior" in text or labels


def test_options_that_cannot_be():
    fit = fit_of()
    with pytest.raises(OptionError, match=r"kind must be .* not 'dens'\. Did you mean 'density'"):
        fit.plot_predictive("dens")
    with pytest.raises(OptionError, match=r"'X' is no column of this model\. Did you mean 'x'"):
        fit.plot_predictive("groups", by="X")
    with pytest.raises(OptionError, match="by= is for kind='groups'"):
        fit.plot_predictive(by="x")
    alone = made_fit(model_of("y ~ x", recordings(), "gaussian"))
    with pytest.raises(OptionError, match="no group term: name a column, by="):
        alone.plot_predictive("groups")


def test_a_table_without_a_row_is_refused():
    empty = pd.DataFrame({"parameter": [], "chain": [], "draw": [], "value": []})
    with pytest.raises(ValueError, match="draws has no rows"):
        plot_trace(empty)


@pytest.mark.slow
def test_counts_of_any_size_and_proportions_stay_within_their_support():
    rng = np.random.default_rng(2)
    for whole, y in (
        (True, rng.negative_binomial(1, 0.005, 300)),
        (False, rng.binomial(8, 0.9, 300) / 8),
    ):
        replicated = pd.DataFrame({"draw": np.repeat(range(5), 300), "value": np.tile(y * 1.0, 5)})
        plot = plot_density(replicated, pd.Series(y), response="k", whole=whole, share=not whole)
        bars = data_of(plot, geom_rect)
        assert bars["left"].min() >= 0
        assert scale_of(plot, "x").limits[0] == 0
        assert whole or scale_of(plot, "x").limits[1] == 1
        left_out = float((y > scale_of(plot, "x").limits[1]).mean())
        assert bars["data"].sum() == pytest.approx(1 - left_out)
        # Replicates that are the data have the data's shares.
        for column in ("lower", "mid", "upper"):
            np.testing.assert_allclose(bars[column], bars["data"])
        assert data_of(plot, geom_line).empty
        assert_legible(plot)


@pytest.mark.slow
def test_titles_of_chains_do_not_meet_in_a_column():
    fit = fit_of("y ~ x + (x|g)")
    for plot in (fit.plot_trace(), fit.plot_rank()):
        assert_legible(plot + theme(figure_size=(90 / 25.4, 6.5)))


@pytest.mark.slow
def test_long_names_beside_the_pairs_can_be_read():
    data = recordings().rename(columns={"g": "Volunteers"})
    fit = made_fit(model_of("y ~ x + (x|Volunteers)", data, "gaussian"))
    assert_legible(fit.plot_pairs())
