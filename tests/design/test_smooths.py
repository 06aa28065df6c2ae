"""s(t), s(t, by=cond), s(t, mouse, bs="fs"), hsgp(t): densities, names, priors, draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from marginal_reference import target_of
from models import model_of
from reference_checks import held
from reference_density import column_sds
from scipy import linalg, optimize, stats
from statsmodels import datasets

import winstan as ws
from winstan.design import evaluate
from winstan.effects.means import eta_at, rows_of
from winstan.effects.prior_draws import prior_draws
from winstan.errors import DataError


def curves(n=40, mice=6, seed=0, unit=1.0):
    """Counts per time, by condition, of mice that each have a curve."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(0, 1, n // 2)
    rows = []
    for m in range(mice):
        for c, cond in enumerate("ab"):
            mu = 3 + np.sin(5 * grid + c) + rng.normal(0, 0.5) + rng.normal(0, 0.5) * grid
            y = mu + rng.normal(0, 0.3, grid.size)
            day = [f"d{k % 5}" for k in range(grid.size)]
            own = {"t": unit * grid, "cond": cond, "mouse": f"m{m}", "day": day, "y": y}
            rows.append(pd.DataFrame(own))
    return pd.concat(rows, ignore_index=True)


DATA = curves()
FORMULAS = {
    "s": "y ~ s(t)",
    "by": "y ~ cond + s(t, by=cond, bs='cr', k=6)",
    "fs": "y ~ s(t, k=6) + s(t, mouse, bs='fs', k=6) + (1|day)",
    "hsgp": "y ~ hsgp(t, m=8)",
    "hsgp by": "y ~ cond + hsgp(t, by=cond, m=6) + (1|mouse)",
}


@pytest.mark.parametrize("name", FORMULAS)
def test_integrated_out_the_density_of_the_rows_is_one_multivariate_normal(name):
    flat = {"Intercept": ws.Flat()} | ({} if name == "hsgp" else {"b": ws.Flat()})
    model = model_of(FORMULAS[name], DATA, "gaussian", priors=flat, center=False)
    assert model.marginal is not None
    at = model.variances.variances(
        np.random.default_rng(1).normal(0, 0.5, (5, model.variances.size))
    )
    found = target_of(model).log_density(at) - np.log(at.sigma) - np.log(at.sd).sum(axis=1)
    design, y, expected = model.design, model.design.response.y, []
    X = design.X[design.row, : sum(len(t.columns) for t in design.terms)]
    F = np.column_stack([np.ones(len(y)), X])
    for sd, sigma in zip(at.sd, at.sigma, strict=True):
        V = sigma**2 * np.eye(len(y))
        for group, own in zip(
            model.stacked.groups, column_sds(model.stacked.groups, sd), strict=True
        ):
            same = group.level[design.row][:, None] == group.level[design.row]
            Z = group.Z[design.row] * own
            V += same * (Z @ Z.T)
        b = np.linalg.solve(F.T @ np.linalg.solve(V, F), F.T @ np.linalg.solve(V, y))
        lp = stats.multivariate_normal.logpdf(y - F @ b, np.zeros(len(y)), V)
        lp -= 0.5 * np.linalg.slogdet(F.T @ np.linalg.solve(V, F))[1]
        names = [n for g in model.stacked.groups for n in g.sd_names]
        lp += sum(model.priors[n].log_density(s) for n, s in zip(names, sd, strict=True))
        expected.append(lp + model.priors["sigma"].log_density(sigma))
    apart = found - np.array(expected)  # a constant, of 2 pi
    np.testing.assert_allclose(apart, apart[0], atol=1e-6)


def test_names_dims_and_default_priors():
    model = model_of("y ~ cond + s(t, by=cond, k=6) + s(t, mouse, bs='fs', k=5)", DATA, "gaussian")
    dims = {v.name: (v.coords, v.role) for v in model.variables}
    assert dims["sds_s(t, by=cond)"] == ({"s(t, by=cond)__by_dim": ("a", "b")}, "sd")
    labels = ("level", "slope", "bend")
    assert dims["sds_s(t)|mouse"] == ({"sds_s(t)|mouse_dim": labels}, "sd")
    assert len(dims["s(t, by=cond)"][0]["s(t, by=cond)_dim"]) == 8
    assert dims["s(t)|mouse"][0]["mouse__factor_dim"] == tuple(f"m{i}" for i in range(6))
    assert {"t:cond", "cond"} < set(dims)
    s = np.std(DATA["y"], ddof=1)
    means = {"sds_s(t, by=cond)[b]": s, "sds_s(t)|mouse[level]": s}
    means |= dict.fromkeys(("sds_s(t)|mouse[slope]", "sds_s(t)|mouse[bend]"), s / 3)
    for name, mean in means.items():
        assert model.priors[name].numbers[0] == pytest.approx(1 / mean)
    process = model_of("y ~ hsgp(t)", DATA, "gaussian")
    names = [v.name for v in process.variables if v.role == "sd"]
    assert names == ["sdgp_hsgp(t)", "lscale_hsgp(t)"]
    assert process.priors["lscale_hsgp(t)"].numbers == pytest.approx((3.0, 0.5))
    wide = {"sds_s(t, by=cond)": ws.HalfNormal(7), "sds_s(t)|mouse[bend]": ws.HalfNormal(2)}
    given = model_of(model.formula.text, DATA, "gaussian", priors=wide)
    assert given.priors["sds_s(t, by=cond)[a]"] == ws.HalfNormal(7)
    assert given.priors["sds_s(t)|mouse[bend]"] == ws.HalfNormal(2)


@pytest.mark.parametrize("name", ["s", "fs", "hsgp"])
def test_no_unit_of_t_or_y_matters(name):
    first = model_of(FORMULAS[name], DATA, "gaussian")
    other = DATA.assign(t=1000 * DATA["t"] - 30, y=250 * DATA["y"] + 9)
    again = model_of(FORMULAS[name], other, "gaussian")
    at = np.random.default_rng(2).normal(0, 0.3, (4, first.variances.size))
    a, b = (m.variances.variances(at) for m in (first, again))
    ratio = np.full(a.sd.shape[1], 250.0)
    if name == "hsgp":
        ratio[1] = 1000.0  # a length-scale is in units of t
    np.testing.assert_allclose(b.sd / a.sd, np.tile(ratio, (4, 1)), rtol=2e-3)


@pytest.mark.parametrize("name", ["by", "fs", "hsgp by"])
def test_draws_from_the_prior_have_the_curves_covariance(name):
    model = model_of(FORMULAS[name], DATA, "gaussian")
    p = prior_draws(model, np.random.default_rng(0), 6000)
    groups = model.stacked.groups
    for curve in model.stacked.curves:
        u = p[curve.smooth.term.variable]
        for a, m in enumerate(curve.parts):
            own = [p[v][:, a] if curve.smooth.levels else p[v] for v in curve.smooth.variables]
            sd = np.array([column_sds([groups[m]], row)[0] for row in np.stack(own, axis=1)])
            z = u[:, a * groups[m].q : (a + 1) * groups[m].q] / np.maximum(sd, 1e-300)
            z = z[(sd > 1e-250).all(axis=1)]
            assert z.std(axis=0) == pytest.approx(np.ones(groups[m].q), abs=0.05)
            assert np.abs(np.corrcoef(z.T) - np.eye(groups[m].q)).max() < 0.08
    if name == "fs":
        z = p["s(t)|mouse"] / p["sds_s(t)|mouse"][:, [0, 1, 2, 2, 2, 2], None]
        assert z.std(axis=0) == pytest.approx(np.ones((6, 6)), abs=0.06)


def test_new_rows_keep_the_knots_and_the_curve_of_the_data():
    model = model_of("y ~ cond + s(t, by=cond) + s(t, mouse, bs='fs', k=5)", DATA, "gaussian")
    p = prior_draws(model, np.random.default_rng(0), 50)
    few = DATA.iloc[[3, 27, 150]]
    own = eta_at(model.design, p, rows_of(model.design), slice(None))
    again = eta_at(model.design, p, evaluate(model.design, few), slice(None))
    np.testing.assert_allclose(again, own[:, model.design.row[[3, 27, 150]]], rtol=1e-9)
    # A line, a quadratic and beyond: straight on.
    ahead = pd.DataFrame({"t": [1.0, 1.5, 2.0], "cond": "b", "mouse": "m2"})
    eta = eta_at(model.design, p, evaluate(model.design, ahead), slice(None))
    np.testing.assert_allclose(eta[:, 2] - eta[:, 1], eta[:, 1] - eta[:, 0], rtol=1e-6, atol=1e-9)


def test_a_levels_curve_is_of_its_own_rows():
    model = model_of(FORMULAS["by"], DATA, "gaussian")
    for own in model.stacked.groups:
        touched = np.any(own.Z != 0, axis=1)[model.design.row]
        assert set(DATA["cond"][touched]) == set(own.arms)


def test_cells_are_the_distinct_times_of_each_animal_and_condition():
    data = pd.concat([DATA, DATA.assign(y=DATA["y"] + 0.1)])
    model = model_of("y ~ cond + s(t, by=cond) + s(t, mouse, bs='fs')", data, "gaussian")
    assert model.cells.n == 20 * 6 * 2


@pytest.mark.parametrize(
    ("formula", "data", "said"),
    [
        ("y ~ s(t)", DATA.assign(t=(4 * DATA["t"]).round()),
         r"'t' has 5 distinct values, and s\(t\) has 10 columns .*Write s\(t, k=5\), or C\(t\)"),
        ("y ~ s(cond)", DATA, "'cond' has labels"),
        ("y ~ t + s(t, by=t)", DATA, "'t' has numbers"),
        ("y ~ cond + s(t, by=cond)", DATA.assign(cond="a"), "one level|only one"),
        ("y ~ hsgp(t)", DATA.assign(t=(DATA["t"] > 0.5) * 1.0), "'t' has 2 distinct values"),
    ],
)  # fmt: skip
def test_what_the_data_cannot_bear_is_refused_with_what_to_write(formula, data, said):
    with pytest.raises(DataError, match=said):
        model_of(formula, data, "gaussian")


def test_a_process_by_functions_is_the_exact_one_on_thirty_points():
    """Posterior mean and sd of the function at fixed sd, length-scale and sigma."""
    rng = np.random.default_rng(4)
    t = np.sort(rng.uniform(2, 8, 30))
    data = pd.DataFrame({"t": t, "y": 1.5 * np.sin(1.3 * t) + rng.normal(0, 0.4, 30)})
    model = model_of("y ~ 0 + hsgp(t, m=40, c=2.5)", data, "gaussian")
    sd, length, sigma = 1.4, 1.1, 0.4
    (group,) = model.stacked.groups
    Z = group.Z[model.design.row] * model.stacked.column_sds(np.array([sd, length]))
    new = np.linspace(2, 8, 50)
    at = evaluate(model.design, pd.DataFrame({"t": new})).X
    at = at * model.stacked.column_sds(np.array([sd, length]))

    def posterior(cross, among, own):
        V = among + sigma**2 * np.eye(30)
        return cross @ np.linalg.solve(V, data["y"]), np.sqrt(
            np.diag(own - cross @ np.linalg.solve(V, cross.T))
        )

    def exact(a, b):
        return sd**2 * np.exp(-0.5 * ((a[:, None] - b) / length) ** 2)

    found = posterior(at @ Z.T, Z @ Z.T, at @ at.T)
    wanted = posterior(exact(new, t), exact(t, t), exact(new, new))
    np.testing.assert_allclose(found[0], wanted[0], atol=2e-3)
    np.testing.assert_allclose(found[1], wanted[1], atol=2e-3)


def test_functions_of_waves_too_short_to_matter_change_no_coordinates():
    rng = np.random.default_rng(3)
    data = DATA.assign(n=rng.poisson(np.exp(1 + np.sin(5 * DATA["t"]))))
    few, many = (model_of(f"n ~ hsgp(t, m={m})", data, "poisson").coordinates for m in (40, 90))
    np.testing.assert_allclose(many.log_sd_location, few.log_sd_location, atol=0.1)


def test_a_curve_beside_single_thresholds_is_of_all_of_them():
    data = DATA.assign(k=np.arange(len(DATA)) % 3)
    model = model_of("k ~ cs(cond) + s(t, k=4)", data, "sratio")
    assert [len(one.smooths) for one in model.design.every] == [1, 0, 0]
    assert {"cs1_cond", "cs2_cond", "s(t)"} < {v.name for v in model.variables}


def thin_plate(x, k):
    """Wood's (2003) basis and penalty, as they are written there."""
    x = (x - x.mean()) / np.ptp(x)
    values, vectors = np.linalg.eigh(np.abs(x[:, None] - x) ** 3 / 12)
    largest = np.argsort(-np.abs(values))[:k]
    U, D = vectors[:, largest], np.diag(values[largest])
    T = np.column_stack([np.ones_like(x), x])
    Z = linalg.null_space(T.T @ U)
    return T, U @ D @ Z, Z.T @ D @ Z


def lowest(function, start):
    """Nelder and Mead's simplex, begun anew where it ended."""
    tight = {"xatol": 1e-9, "fatol": 1e-11}
    for _ in range(3):
        found = optimize.minimize(function, start, method="Nelder-Mead", options=tight)
        start = found.x
    return found


@pytest.mark.reference
@pytest.mark.slow
def test_the_nile_by_reml_is_the_posterior_under_wide_priors(record_property):
    """The REML fit of s(year), basis and penalty of mgcv's default, at the mode of its variances.

    Wood (2011), JRSS B 73, 3-36: the restricted likelihood of a penalised least-squares fit.
    """
    nile = datasets.nile.load_pandas().data
    y, year = nile["volume"].to_numpy(float), nile["year"].to_numpy(float)
    T, B, S = thin_plate(year, 10)

    def covariance(at):
        smoothing, sigma = np.exp(at)
        return sigma**2 * (np.eye(100) + B @ np.linalg.solve(S, B.T) / smoothing)

    def deviance(at):
        inverse = np.linalg.inv(covariance(at))
        A = T.T @ inverse @ T
        r = y - T @ np.linalg.solve(A, T.T @ inverse @ y)
        return -np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(A)[1] + r @ inverse @ r

    best = lowest(deviance, [0.0, 5.0])
    smoothing = np.exp(best.x[0])
    D, P = np.hstack([T, B]), np.zeros((10, 10))
    P[2:, 2:] = smoothing * S
    fitted = D @ np.linalg.solve(D.T @ D + P, D.T @ y)

    flat = {"b": ws.Flat(), "Intercept": ws.Flat(), "sd": ws.Flat(), "sigma": ws.Flat()}
    model = model_of("volume ~ s(year)", nile, "gaussian", priors=flat, center=False)
    target, variances = target_of(model), model.variances

    def loss(raw):
        at = variances.variances(raw[None])  # of sd and sigma themselves, not of logarithms
        return -float((target.log_density(at) - np.log(at.sigma) - np.log(at.sd).sum(axis=1))[0])

    mode = lowest(loss, np.zeros(2))
    at = variances.variances(mode.x[None])
    assert at.sigma[0] == pytest.approx(np.exp(best.x[1]), rel=1e-3)
    X = np.column_stack([np.ones(100), model.design.X[model.design.row]])
    shrink = np.diag([0.0, 0.0, *np.full(8, (at.sigma[0] / at.sd[0, 0]) ** 2)])
    ours = X @ np.linalg.solve(X.T @ X + shrink, X.T @ y)
    model = "Nile, volume ~ s(year), REML: fitted values, as ratios"
    held(record_property, model, "mgcv's formulas", ours / fitted, np.ones(100), 5e-5)
    # As restricted likelihoods: their difference from sd and sigma a third larger.
    moved = variances.variances(mode.x[None])
    wide = type(moved)(moved.sd * 1.3, moved.partial, moved.factors, moved.sigma)
    drop = target.log_density(moved) - target.log_density(wide) + np.log(1.3)
    assert 2 * drop[0] == pytest.approx(
        deviance(best.x - [2 * np.log(1.3), 0.0]) - best.fun, abs=1e-3
    )
