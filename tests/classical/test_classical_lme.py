"""ws.lme: against lme4's published results, a dense likelihood, mixedlm and statsmodels."""

import warnings

import mixedlm
import numpy as np
import pandas as pd
import pytest
from lme_cases import crossed, lme4_data, quiet, sds
from reference_checks import held
from scipy import optimize

import winstan as ws
from winstan.classical.criterion import evaluate
from winstan.classical.cross_products import cross_products
from winstan.classical.reading import read


def dense_criterion(y, X, pieces, theta, reml):
    """-2 (restricted) log likelihood from the N x N covariance; pieces are (Z, level, cholesky)."""
    V = np.eye(len(y))
    for Z, level, factor in pieces(theta):
        same = level[:, None] == level[None]
        V += same * (Z @ factor @ factor.T @ Z.T)
    inverse = np.linalg.inv(V)
    A = X.T @ inverse @ X
    beta = np.linalg.solve(A, X.T @ inverse @ y)
    r = y - X @ beta
    df = len(y) - reml * X.shape[1]
    value = np.linalg.slogdet(V)[1] + df * (1 + np.log(2 * np.pi * (r @ inverse @ r) / df))
    return value + reml * np.linalg.slogdet(A)[1]


# -- published results of lme4 --------------------------------------------------------------------


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "formula", "reml", "coefficients", "errors", "published", "criterion"),
    [
        (
            "sleepstudy",
            "Reaction ~ Days + (Days|Subject)",
            True,
            [251.405, 10.467],
            [6.825, 1.546],
            {"1|Subject": 24.741, "Days|Subject": 5.922, "Residual": 25.592},
            1743.628,
        ),
        (
            "sleepstudy",
            "Reaction ~ Days + (Days|Subject)",
            False,
            [251.405, 10.467],
            [6.632, 1.502],
            {"1|Subject": 23.781, "Days|Subject": 5.717, "Residual": 25.592},
            1751.939,
        ),
        (
            "sleepstudy",
            "Reaction ~ Days + (Days||Subject)",
            True,
            [251.405, 10.467],
            [6.885, 1.560],
            {"1|Subject": 25.051, "Days|Subject": 5.988, "Residual": 25.565},
            1743.669,
        ),
        (
            "Dyestuff",
            "Yield ~ 1 + (1|Batch)",
            True,
            [1527.5],
            [19.383],
            {"1|Batch": 42.001, "Residual": 49.510},
            319.6543,
        ),
        (
            "Penicillin",
            "diameter ~ 1 + (1|plate) + (1|sample)",
            True,
            [22.972],
            [0.809],
            {"1|plate": 0.8467, "1|sample": 1.9316, "Residual": 0.5499},
            330.8606,
        ),
        (
            "Pastes",
            "strength ~ 1 + (1|batch/cask)",
            True,
            [60.053],
            [0.677],
            {"1|batch:cask": 2.9041, "1|batch": 1.2874, "Residual": 0.8234},
            246.9907,
        ),
    ],
)
def test_published(
    name, formula, reml, coefficients, errors, published, criterion, record_property
):
    fit = ws.lme(formula, lme4_data(name), reml=reml)
    assert fit.converged
    assert fit.singular == ()
    np.testing.assert_allclose(fit.table["Coef."], coefficients, atol=5.1e-4)
    np.testing.assert_allclose(fit.table["Std.Err."], errors, atol=5.1e-4)
    # Half a unit of the last digit; lme4's own search ends 3e-4 from the optimum of the 24.741.
    digits = {"sleepstudy": 8e-4, "Dyestuff": 5.1e-4}.get(name, 5.1e-5)
    assert set(sds(fit)) == set(published)
    for key, value in published.items():
        assert sds(fit)[key] == pytest.approx(value, abs=digits), key
    assert -2 * fit.log_likelihood == pytest.approx(criterion, abs=5.1e-4)
    found = [*fit.table["Coef."], *fit.table["Std.Err."], *map(sds(fit).get, published)]
    held(
        record_property, f"{name}, {formula}, {'REML' if reml else 'ML'}", "lme4 (lmer)",
        [*found, -2 * fit.log_likelihood],
        [*coefficients, *errors, *published.values(), criterion], 8e-4,
    )  # fmt: skip


def test_published_correlation():
    fit = ws.lme("Reaction ~ Days + (Days|Subject)", lme4_data("sleepstudy"))
    assert fit.correlations.to_dict("records") == [
        {
            "factor": "Subject",
            "effect": "Days",
            "with": "1",
            "correlation": pytest.approx(0.066, abs=5e-4),
        }
    ]


def test_published_singular_fit_is_named():
    data = lme4_data("Dyestuff2")
    with pytest.warns(ws.ConvergenceWarning, match=r"standard deviation of '1\|Batch' is zero"):
        fit = ws.lme("Yield ~ 1 + (1|Batch)", data)
    assert sds(fit) == {"1|Batch": 0.0, "Residual": pytest.approx(3.7157, abs=5e-5)}
    assert -2 * fit.log_likelihood == pytest.approx(161.8283, abs=5e-5)
    # Without a variance between batches it is the mean, and its ordinary standard error.
    y = data["Yield"]
    assert fit.table.loc["Intercept", "Coef."] == pytest.approx(y.mean(), rel=1e-12)
    assert fit.table.loc["Intercept", "Std.Err."] == pytest.approx(y.sem(), rel=1e-12)
    assert "Singular" in repr(fit)
    assert fit.converged
    assert fit.result.llf == pytest.approx(fit.log_likelihood, abs=1e-6)


@pytest.mark.parametrize(
    "formula",
    [
        "angle ~ recipe*temperature + (1|recipe:replicate)",
        "angle ~ recipe + temp + (1|replicate) + (1|recipe:replicate)",
    ],
)
def test_cake_against_mixedlm(formula):
    data = lme4_data("cake")
    data["temperature"] = "t" + data["temperature"].astype(str)
    data["replicate"] = "r" + data["replicate"].astype(str)
    fit = quiet(formula, data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = mixedlm.lmer(formula, data)
    ours = fit.table.sort_values("Coef.")
    theirs = np.array(list(other.fixef().values()))
    order = np.argsort(theirs)
    np.testing.assert_allclose(ours["Coef."], theirs[order], rtol=1e-5, atol=1e-5)
    assert fit.variances["variance"].iloc[-1] == pytest.approx(other.sigma**2, rel=1e-4)


# -- an independent likelihood --------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.slow
def test_crossed_correlated_slopes_against_a_dense_likelihood(reml):
    data = crossed()
    fit = ws.lme("y ~ x + (x|a) + (x|b)", data, reml=reml)
    assert fit.converged
    assert fit.singular == ()
    y, x = data["y"].to_numpy(), data["x"].to_numpy()
    X = np.column_stack([np.ones_like(x), x])
    levels = [pd.factorize(data[name])[0] for name in "ab"]

    def pieces(theta):
        lower = [np.array([[t[0], 0], [t[1], t[2]]]) for t in (theta[:3], theta[3:])]
        return [(X, level, factor) for level, factor in zip(levels, lower, strict=True)]

    sigma = fit.variances["sd"].iloc[-1]
    relative = fit.variances["sd"].to_numpy()[:4].reshape(2, 2) / sigma
    theta = np.concatenate(
        [
            [s[0], r * s[1], s[1] * np.sqrt(1 - r**2)]
            for s, r in zip(relative, fit.correlations["correlation"], strict=True)
        ]
    )
    at = dense_criterion(y, X, pieces, theta, reml)
    assert at == pytest.approx(-2 * fit.log_likelihood, abs=1e-7)

    def criterion(moved):
        return dense_criterion(y, X, pieces, moved, reml)

    # Nothing is lower nearby, and another optimiser from here finds nothing either.
    found = optimize.minimize(criterion, theta, method="Nelder-Mead", options={"maxfev": 150})
    assert found.fun > at - 1e-7
    V = sum(
        ((level[:, None] == level[None]) * (Z @ f @ f.T @ Z.T) for Z, level, f in pieces(theta)),
        np.eye(len(y)),
    )
    covariance = sigma**2 * np.linalg.inv(X.T @ np.linalg.solve(V, X))
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-7)


def test_mixedlm_package_agrees_on_crossed_slopes():
    data = crossed()
    fit = ws.lme("y ~ x + (x|a) + (x|b)", data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = mixedlm.lmer("y ~ x + (x|a) + (x|b)", data)
    # Its optimiser may stop earlier, and never lower.
    assert -2 * fit.log_likelihood <= float(other.deviance) + 1e-4
    np.testing.assert_allclose(fit.table["Coef."], list(other.fixef().values()), rtol=1e-3)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", ["y ~ x + (x|a) + (x||b)", "y ~ 0 + x + (0 + x|a) + (1|a:b)"])
def test_gradient_against_differences(formula, reml):
    _, design, _ = read(formula, crossed(), {})
    data = cross_products(design)
    theta = np.linspace(0.4, 1.7, len(data.diagonal))
    step = 1e-5 * np.eye(len(theta))
    numeric = [
        (evaluate(data, theta + e, reml=reml).value - evaluate(data, theta - e, reml=reml).value)
        / 2e-5
        for e in step
    ]
    np.testing.assert_allclose(evaluate(data, theta, reml=reml).gradient, numeric, rtol=1e-6)


# -- statsmodels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (x|a)",
        "y ~ x + (x||a)",
        "y ~ x + (1|a)",
        "y ~ x + (1|a) + (1|b)",
        "y ~ x + (1|a/b)",
        "y ~ x + (x|a) + (1|a:b)",
        "y ~ x + (0 + x|a) + (1|a)",
        "y ~ x + offset(3*x) + (1|b)",
    ],
)
def test_the_same_model_in_mixedlm(formula, reml):
    fit = quiet(formula, crossed(), reml=reml)
    result = fit.result
    assert type(result).__name__.startswith("MixedLMResults")
    assert result.converged
    # Where the residual is the only variance that is well away from zero, MixedLM needs a floor.
    assert result.llf == pytest.approx(fit.log_likelihood, abs=1e-5)
    np.testing.assert_allclose(result.fe_params, fit.table["Coef."], rtol=1e-6)
    assert list(result.fe_params.index) == list(fit.table.index)
    assert result.scale == pytest.approx(fit.variances["variance"].iloc[-1], rel=1e-6)
    if not fit.singular:
        np.testing.assert_allclose(result.bse_fe, fit.table["Std.Err."], rtol=2e-2)


def test_mixedlm_says_what_it_cannot_express():
    fit = ws.lme("y ~ x + (x|a) + (x|b)", crossed())
    with pytest.raises(ws.OptionError, match=r"nested.*'a' and 'b'.*\(x\|\|g\)"):
        fit.result  # noqa: B018
    assert len(fit.table) == 2


def test_a_group_term_is_no_fixed_effect():
    trials = ws.simulate_lfp(seed=5)
    fit = ws.lme("`Log power` ~ stim + (1|mouse)", trials, silence="random_slopes")
    assert list(fit.table.index) == ["Intercept", "stim"]
    columns = ["Coef.", "Std.Err.", "df", "t", "P>|t|", "[0.025", "0.975]"]
    assert list(fit.table.columns) == columns
    # Balanced: the estimate is the difference of means, its error that of the two-way table.
    y = trials["Log power"]
    means = y.groupby(trials["stim"]).mean()
    assert fit.table.loc["stim", "Coef."] == pytest.approx(means[1] - means[0], rel=1e-10)
    two_way = ws.anova("`Log power` ~ stim + mouse", trials)
    assert fit.table.loc["stim", "t"] ** 2 == pytest.approx(
        two_way.table.loc["stim", "F"], rel=1e-7
    )


# -- invariances ----------------------------------------------------------------------------------


def test_units_change_nothing():
    data = crossed()
    fit = ws.lme("y ~ x + (x|a) + (1|b)", data, silence="random_slopes")
    other = ws.lme(
        "y ~ x + (x|a) + (1|b)",
        data.assign(y=data["y"] * 1e-9, x=data["x"] * 1e5),
        silence="random_slopes",
    )
    ratio = np.array([1e-9, 1e-14])
    np.testing.assert_allclose(other.table["Coef."], fit.table["Coef."] * ratio, rtol=1e-6)
    np.testing.assert_allclose(other.table["Std.Err."], fit.table["Std.Err."] * ratio, rtol=1e-5)
    np.testing.assert_allclose(other.table["t"], fit.table["t"], rtol=1e-5)


def test_a_predictor_far_from_zero():
    """With years for x, intercepts at year 0 are nearly collinear with slopes: the same model."""
    data = crossed()
    fit = ws.lme("y ~ x + (x|a)", data)
    shifted = ws.lme("y ~ year + (year|a)", data.assign(year=data["x"] + 2000))
    assert shifted.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
    assert shifted.table.loc["year", "Std.Err."] == pytest.approx(
        fit.table.loc["x", "Std.Err."], rel=1e-5
    )
    assert shifted.singular == ()


def test_a_response_far_from_zero_and_offsets():
    data = crossed()
    fit = ws.lme("y ~ x + (1|a)", data, silence="random_slopes")
    far = ws.lme("y ~ x + (1|a)", data.assign(y=data["y"] + 2.0**33), silence="random_slopes")
    assert far.table.loc["x", "Coef."] == pytest.approx(fit.table.loc["x", "Coef."], rel=1e-5)
    assert far.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-4)
    moved = ws.lme("y ~ x + offset(7*x) + (1|a)", data, silence="random_slopes")
    assert moved.table.loc["x", "Coef."] == pytest.approx(fit.table.loc["x", "Coef."] - 7)
    assert moved.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)


def test_repeated_rows_far_from_zero():
    """Means of cells are sums, which lose digits unless they are taken about the mean."""
    # At 2**40 doubles are 2e-4 apart: `stored` has the digits that are left there.
    trials = ws.simulate_lfp(seed=5)
    stored = (trials["Power"] + 2.0**40) - 2.0**40
    near = ws.lme("Power ~ stim + (1|mouse)", trials.assign(Power=stored), silence="random_slopes")
    far = ws.lme(
        "Power ~ stim + (1|mouse)", trials.assign(Power=stored + 2.0**40), silence="random_slopes"
    )
    assert far.table.loc["stim", "Coef."] == pytest.approx(
        near.table.loc["stim", "Coef."], rel=1e-9
    )


def test_order_of_rows_and_kind_of_frame():
    data = crossed()
    before = data.copy()
    fit = ws.lme("y ~ x + (x|a)", data)
    mixed = ws.lme("y ~ x + (x|a)", data.sample(frac=1, random_state=1))
    np.testing.assert_allclose(mixed.table, fit.table, rtol=1e-6)
    columns = ws.lme("y ~ x + (x|a)", data.to_dict("list"))
    np.testing.assert_allclose(columns.table, fit.table, rtol=1e-10)
    pd.testing.assert_frame_equal(data, before)


@pytest.mark.parametrize("seed", range(8))
def test_the_results_of_a_singular_fit_have_the_numbers_of_the_table(seed):
    """Or they are refused: a pseudo-inverse gave MixedLM other coefficients."""
    rng = np.random.default_rng(seed)
    n_groups, n = rng.integers(6, 15), rng.integers(4, 10)
    g, x = np.repeat(np.arange(n_groups), n), np.tile(np.arange(n), n_groups) * 1.0
    u, k = rng.normal(0, 1, n_groups), rng.choice([-1, 1]) * 0.5
    y = 10 + x + u[g] * (1 + k * x) + rng.normal(0, 1, n_groups * n)
    fit = quiet("y ~ x + (x|g)", pd.DataFrame({"g": g, "x": x, "y": y}))
    result = fit.result  # warnings are errors here
    np.testing.assert_allclose(result.fe_params, fit.table["Coef."], rtol=1e-5)
    assert result.llf == pytest.approx(fit.log_likelihood, abs=1e-4)
    assert np.isfinite(result.bse_fe).all()
    if fit.singular:
        np.testing.assert_allclose(result.bse_fe, fit.table["Std.Err."], rtol=1e-10)
        assert np.isnan(result.bse.iloc[2:]).all()
    result.summary()
    assert len(result.random_effects) == n_groups


def test_results_that_mixedlm_gets_wrong_are_refused():
    """Slopes whose variance is below what MixedLM takes for zero, of a predictor in large units."""
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(10), 12), np.tile(np.arange(12), 10) * 1e6
    slope = rng.normal(0, 1e-6, 10)
    y = rng.normal(0, 1, 10)[g] + slope[g] * x + rng.normal(0, 1, 120)
    data = pd.DataFrame({"g": g, "x": x, "y": y})
    fit = ws.lme("y ~ x + (x|g)", data)
    with pytest.raises(ws.OptionError, match=r"does not reproduce.*\.table.*unit sd"):
        fit.result  # noqa: B018
