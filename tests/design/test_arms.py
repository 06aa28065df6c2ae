"""gr(g, by=arm): a covariance for the groups of each arm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from marginal_reference import target_of
from models import model_of
from scipy import optimize, stats

import winstan as ws
from winstan import effects
from winstan.backends.bambi_refusals import check_expressible
from winstan.backends.pymc_program import pymc_program
from winstan.backends.stan_program import stan_program
from winstan.draws import canonical
from winstan.effects.prior_draws import prior_draws
from winstan.errors import BackendError, DataError, FormulaError
from winstan.formula import parse_formula

ORTHODONT = ws.load("Orthodont")
FORMULA = "distance ~ Sex*I(age-11) + (1|gr(Subject, by=Sex))"


def animals(seed=0, sds=(0.5, 2.0), n=8, trials=12):
    rng = np.random.default_rng(seed)
    mouse = np.repeat(np.arange(2 * n), trials)
    arm = np.where(mouse < n, "a", "b")
    own = np.where(np.arange(2 * n) < n, *sds) * rng.normal(size=2 * n)
    slope = 0.5 * own + 0.2 * rng.normal(size=2 * n)
    x = np.tile(np.linspace(-1, 1, trials), 2 * n)
    y = 3 + own[mouse] + (1 + slope[mouse]) * x + 0.5 * rng.normal(size=mouse.size)
    return pd.DataFrame({"mouse": [f"m{k:02}" for k in mouse], "arm": arm, "x": x, "y": y})


def marginal_log_likelihood(X, y, groups, arm, beta, sds, sigma):
    """Row by row: a multivariate normal for each subject."""
    total = 0.0
    for subject in np.unique(groups):
        rows = groups == subject
        n = rows.sum()
        covariance = sigma**2 * np.eye(n) + sds[arm[rows][0]] ** 2
        total += stats.multivariate_normal.logpdf(y[rows], X[rows] @ beta, covariance)
    return total


def test_the_marginal_likelihood_is_that_of_a_covariance_for_each_arm():
    """Its maximum on Orthodont is the published one: capabilities' -214.21604."""
    data = ORTHODONT
    male = (data["Sex"] == "Male").to_numpy(float)
    age = data["age"].to_numpy() - 11.0
    X = np.column_stack([np.ones(len(data)), male, age, male * age])
    y, groups = data["distance"].to_numpy(), data["Subject"].to_numpy()

    def loss(at):
        sds, sigma = np.exp(at[4:6]), np.exp(at[6])
        return -marginal_log_likelihood(X, y, groups, male.astype(int), at[:4], sds, sigma)

    start = np.array([22.6, 2.3, 0.48, 0.3, 0.6, 0.5, 0.3])
    found = optimize.minimize(loss, start, method="BFGS")
    assert -found.fun == pytest.approx(-214.21604, abs=2e-4)
    assert np.exp(found.x[4:]) == pytest.approx([1.88660, 1.63312, 1.36916], rel=2e-3)

    # winstan's density, its effects integrated out, has the same differences.
    flat = {"b": ws.Flat(), "Intercept": ws.Flat(), "sd": ws.Flat(), "sigma": ws.Flat()}
    model = model_of(FORMULA, data, "gaussian", priors=flat, center=False)
    assert model.marginal is not None
    variances = model.variances
    assert variances is not None
    at = variances.variances(np.random.default_rng(1).normal(0, 0.5, (6, variances.size)))
    found_at = target_of(model).log_density(at) - np.log(at.sigma) - np.log(at.sd).sum(axis=1)
    expected = []
    place = {g.arms[0]: k for k, g in enumerate(model.stacked.groups)}
    for sd, sigma in zip(at.sd, at.sigma, strict=True):
        precision, total = np.zeros((4, 4)), 0.0
        moment = np.zeros(4)
        for subject in np.unique(groups):
            rows = groups == subject
            of_arm = sd[place["Male" if male[rows][0] else "Female"]]
            V = sigma**2 * np.eye(rows.sum()) + of_arm**2
            inverse = np.linalg.inv(V)
            total -= 0.5 * (np.linalg.slogdet(V)[1] + y[rows] @ inverse @ y[rows])
            precision += X[rows].T @ inverse @ X[rows]
            moment += X[rows].T @ inverse @ y[rows]
        total += 0.5 * moment @ np.linalg.solve(precision, moment)
        expected.append(total - 0.5 * np.linalg.slogdet(precision)[1])
    apart = found_at - np.array(expected)  # a constant, of 2 pi
    np.testing.assert_allclose(apart, apart[0], atol=1e-7)


def test_names_levels_and_priors_of_each_arm():
    data = animals()
    model = model_of("y ~ x*arm + (x|gr(mouse, by=arm))", data, "gaussian")
    names = {v.name: v for v in model.variables}
    assert names["1|mouse_sigma"].coords == {"mouse__by_arm_dim": ("a", "b")}
    assert names["mouse_corr"].coords == {"mouse_corr_dim": ("Intercept, x, a", "Intercept, x, b")}
    assert len(names["1|mouse"].coords["mouse__factor_dim"]) == 16
    assert [g.n_levels for g in model.stacked.groups] == [8, 8]
    # As of a model of the arm's rows alone, but for the scale of y.
    for arm in "ab":
        alone = model_of("y ~ x + (x|mouse)", data[data["arm"] == arm], "gaussian")
        ratio = data["y"].std() / data["y"][data["arm"] == arm].std()
        for name in ("1|mouse_sigma", "x|mouse_sigma"):
            rate = model.priors[f"{name}[{arm}]"].numbers[0]
            assert rate * ratio == pytest.approx(alone.priors[name].numbers[0], rel=1e-9)


def test_the_prior_is_independent_in_each_arm_and_draws_are_put_together():
    data = animals()
    priors = {"1|mouse_sigma[a]": ws.Exponential(1 / 0.2), "1|mouse_sigma[b]": ws.Exponential(0.2)}
    model = model_of("y ~ x + (x|gr(mouse, by=arm))", data, "gaussian", priors=priors)
    p = prior_draws(model, np.random.default_rng(0), 4000)
    sd, u = p["1|mouse_sigma"], p["1|mouse"]
    assert sd.shape == (4000, 2)
    assert sd.mean(axis=0) == pytest.approx([0.2, 5.0], rel=0.1)
    arms = np.repeat([0, 1], 8)
    z = u / sd[:, arms]
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(4000)
    assert z.std(axis=0) == pytest.approx(np.ones(16), abs=0.06)
    slope = p["x|mouse"] / p["x|mouse_sigma"][:, arms]
    # Correlated as each arm's own correlation says: of z's product, draw by draw.
    for arm in (0, 1):
        product = (z * slope)[:, arms == arm].mean(axis=1)
        r = np.corrcoef(product, p["mouse_corr"][:, arm])[0, 1]
        other = np.corrcoef(product, p["mouse_corr"][:, 1 - arm])[0, 1]
        assert r > 0.6
        assert abs(other) < 0.1


@pytest.fixture(scope="module")
def fitted():
    data = animals(3)
    together = ws.fit("y ~ x + (1|gr(mouse, by=arm))", data, seed=1, silence="all", progress=False)
    return data, together


@pytest.mark.slow
def test_the_population_and_new_animals_are_those_of_the_rows_arm(fitted):
    data, fit = fitted
    logged = model_of("y ~ x + (1|gr(mouse, by=arm))", data.assign(y=np.exp(data["y"])), "gamma")
    p = prior_draws(logged, np.random.default_rng(1), 300)
    for k, arm in enumerate("ab"):
        rows = data[data["arm"] == arm].head(1).assign(mouse="new")
        got = effects.predict(logged, p, rows, groups="population")
        values = np.hstack([v for _, v in got.blocks])[:, 0]
        eta = p["Intercept"] + p["x"] * rows["x"].iloc[0]
        expected = np.exp(eta + 0.5 * p["1|mouse_sigma"][:, k] ** 2)
        np.testing.assert_allclose(values, expected, rtol=1e-10)
    new = fit.predict(
        pd.DataFrame({"x": [0.0, 0.0], "arm": ["a", "b"], "mouse": ["new a", "new b"]}),
        groups="new", draws=True, kind="link",
    )  # fmt: skip
    spread = new.groupby("row")["value"].std()
    sds = fit.joined()["1|mouse_sigma"]
    intercept = fit.joined()["Intercept"]
    expected = np.sqrt((sds**2).mean(axis=0) + intercept.var())
    assert spread.to_numpy() == pytest.approx(expected, rel=0.12)


def test_draws_recover_the_arms(fitted):
    _, fit = fitted
    sd = fit.joined()["1|mouse_sigma"]
    assert (sd[:, 1] > sd[:, 0]).mean() > 0.97
    assert fit.diagnostics.ok
    assert len(fit.group_effects("mouse")) == 16
    assert "1|mouse_sigma[b]" in fit.summary().index
    assert "a covariance" not in repr(fit)
    table = fit.contrast("x")
    assert table["groups"].tolist() == ["population"]


def test_the_stan_coordinates_keep_each_arms_levels():
    data = animals(4)
    model = model_of("y ~ x + (1|gr(mouse, by=arm))", data.assign(y=np.exp(data["y"])), "gamma")
    from winstan.unconstrained import coordinate_sizes, sampled_at  # noqa: PLC0415

    rng = np.random.default_rng(0)
    raw = {k: rng.normal(0, 0.3, (1, 5, n)) for k, n in coordinate_sizes(model).items()}
    sampled = sampled_at(model, raw, 0)
    out = canonical(model, sampled)
    assert out["1|mouse"].shape == (1, 5, 16)
    assert out["1|mouse_sigma"].shape == (1, 5, 2)
    names = [str(level) for level in model.stacked.written[0].term.levels]
    assert names == sorted(set(data["mouse"]))


@pytest.mark.parametrize(
    ("formula", "error", "words"),
    [
        ("y ~ x + (1|gr(arm, by=mouse))", DataError, "in several"),
        ("y ~ x + (1|gr(mouse, by=one))", DataError, "only one level"),
        ("y ~ x + (1|gr(mouse, cov=x))", FormulaError, "no other option"),
        ("y ~ x + (1|gr(mouse, by=nope))", DataError, "nope"),
    ],
)
def test_refusals(formula, error, words):
    data = animals().assign(one="o")
    with pytest.raises(error, match=words):
        model_of(formula, data, "gaussian")


def test_the_term_is_written_back():
    (group,) = parse_formula("y ~ (1 | gr(g, by=arm))").groups
    assert group.text == "(1 | gr(g, by=arm))"
    with pytest.raises(FormulaError, match="one covariance for all groups"):
        ws.lme("y ~ x + (1|gr(mouse, by=arm))", animals())


def test_programs_for_readers():
    """Stan's has a term for each arm, zero in the rows of the others; others say what they lack."""
    model = model_of("y ~ x + (x|gr(mouse, by=arm))", animals(), "gaussian")
    program, data = stan_program(model)
    assert "+ u_mouse_a[mouse_a, 1] .* arm_a" in program
    arm = animals()["arm"].to_numpy()
    np.testing.assert_array_equal(data["arm_a"], arm == "a")
    np.testing.assert_array_equal(data["x_arm_b"], np.where(arm == "b", animals()["x"], 0))
    assert data["mouse_a"].max() == 8
    with pytest.raises(BackendError, match=r"does not write gr\(mouse, by=arm\)"):
        pymc_program(model)
    with pytest.raises(BackendError, match="one covariance for all groups"):
        check_expressible(model_of("y ~ x + (1|gr(mouse, by=arm))", animals(), "gaussian"))
