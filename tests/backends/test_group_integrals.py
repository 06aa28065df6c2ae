"""Effects of many groups integrated out: densities by scipy's quadrature, and exact draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import integrate, optimize, stats
from slopes import slopes_agree

import winstan as ws
from winstan.backends.stan import BACKEND
from winstan.backends.stan_data import stan_data
from winstan.convergence import convergence
from winstan.group_integrals import draw_effects, grouped_rows
from winstan.settings import Settings
from winstan.toolchain import build, run
from winstan.tuning import USUAL, Tuning
from winstan.unconstrained import coordinate_sizes, sampled_with_groups

slow = pytest.mark.slow  # the template compiles on first use

EACH = Tuning(integrals_from=1)
PRIORS = {
    "Intercept": ws.Normal(0.7, 3.0),
    "b": ws.StudentT(4, 0.3, 2.2),
    "sd": ws.HalfStudentT(3, 1.7),
}


def many_groups(family: str, n_groups: int = 12, seed: int = 0) -> pd.DataFrame:
    """Groups of one row to three hundred, of no events to thousands, exposed for unequal times."""
    rng = np.random.default_rng(seed)
    size = np.resize([1, 2, 7, 40, 300], n_groups)
    g = np.repeat(np.arange(n_groups), size)
    data = pd.DataFrame(
        {"g": g, "x": rng.normal(0.7, 1.3, g.size), "w": rng.integers(1, 4, g.size)}
    )
    data["t"] = np.exp(rng.normal(0.0, 2.0, n_groups))[g]
    mean = data.t * np.exp(0.4 * data.x + rng.normal(0.3, 0.8, n_groups)[g])
    data["y"] = rng.poisson(mean) if family == "poisson" else mean * rng.gamma(2.3, 1 / 2.3, g.size)
    return data.sample(frac=1, random_state=1, ignore_index=True)


def log_integral(log_density, sd) -> float:
    """Return the log of the integral of a density of one mode, of which a normal's sd is known."""
    top = optimize.minimize_scalar(lambda u: -log_density(u), bracket=(-sd, sd), tol=1e-10)
    mode, peak = top.x, -top.fun
    low, high = (
        optimize.brentq(lambda u: log_density(u) - peak + 40, *sorted((mode, mode + far)))
        for far in (-12 * sd, 12 * sd)
    )
    area, _ = integrate.quad(
        lambda u: np.exp(log_density(u) - peak),
        low, high, points=[mode], epsabs=0, epsrel=1e-11, limit=500,
    )  # fmt: skip
    return peak + np.log(area)


def log_marginal(data, family, beta, sd, shape) -> float:
    """Return the sum over groups of the log integral of all rows' densities, by scipy."""
    total = 0.0
    for _, rows in data.groupby("g"):
        eta = beta[0] + beta[1] * rows.x.to_numpy() + np.log(rows.t.to_numpy())

        def log_joint(u, rows=rows, eta=eta):
            mean = np.exp(eta + u)
            if family == "poisson":
                of_rows = stats.poisson.logpmf(rows.y, mean)
            else:
                of_rows = stats.gamma.logpdf(rows.y, shape, scale=mean / shape)
            return float(rows.w @ of_rows + stats.norm.logpdf(u, 0, sd))

        total += log_integral(log_joint, sd)
    return total


def at_coordinates(model, points):
    """Return (beta at X = 0, sd, shape) of points in the order of the program's coordinates."""
    sizes = coordinate_sizes(model) | {"rest_raw": 0}
    blocks = np.split(points[None], np.cumsum(list(sizes.values()))[:-1], axis=-1)
    sampled = sampled_with_groups(model, dict(zip(sizes, blocks, strict=True)), 0)[1]
    return sampled.beta[0], sampled.sd[0, :, 0], sampled.aux[0]


@slow
@pytest.mark.parametrize("family", ["poisson", "gamma"])
def test_the_density_is_the_integral_of_the_rows_and_its_gradient_the_difference(family):
    data = many_groups(family)
    formula = "y ~ x + offset(np.log(t)) + (1|g)"
    model = model_of(formula, data, family, weights="w", priors=PRIORS, tuning=EACH)
    assert model.template == "group_integrals"
    numbers = int(family == "gamma")
    points = np.random.default_rng(5).normal(0, 1.2, (4, 3 + numbers))
    points[2, 2], points[3, 2] = 9.0, -6.0  # an sd far above, and one far below
    program, told = build(model.template), stan_data(model)
    density, slope = run.log_density(program, told, points)

    def parts(at):
        beta, sd, aux = at_coordinates(model, at)
        return np.hstack([beta, np.log(sd)[:, None], np.log(aux)])

    expected, step = [], 1e-5
    for point in points:
        (own,) = parts(point[None])
        moved = [parts(point + way * step * np.eye(point.size)) for way in (1, -1)]
        jacobian = np.linalg.slogdet((moved[0] - moved[1]) / (2 * step))[1]
        b, sd, shape = own[:2], np.exp(own[2]), np.exp(own[3:])
        at_zero = np.array([b[0] - b[1] * model.predictor_mean[0], b[1]])
        prior = stats.norm.logpdf(b[0], 0.7, 3.0) + stats.t.logpdf(b[1], 4, 0.3, 2.2)
        prior += stats.t.logpdf(sd, 3, 0, 1.7) + own[2]
        if family == "gamma":
            prior += model.priors["alpha"].log_density(shape)[0] + own[3]
        expected.append(log_marginal(data, family, at_zero, sd, shape) + prior + jacobian)
    # Priors' constants are left out by the one and not by the other.
    np.testing.assert_allclose(np.diff(density), np.diff(expected), rtol=1e-8, atol=1e-7)

    slopes_agree(
        lambda point: run.log_density(program, told, point[None])[0][0], points, slope, step=1e-4
    )


@pytest.mark.parametrize(
    ("known", "total", "sd"),
    [
        (0, 20.0, 10.0),  # far from normal: cut off above, and a long tail below
        (0, 1e-3, 20.0),
        (3, 1.0, 1.0),
        (50.3, 49.0, 1e3),
        (1e6, 3e5, 0.5),
        (1, 1e-8, 2.0),
        (2, 1.0, 1e-6),
    ],
)
def test_effects_are_drawn_from_their_density(known, total, sd):
    u = draw_effects(
        np.array(known), np.full(20_000, total), np.array(sd), np.random.default_rng(1)
    )
    grid = np.linspace(u.min() - u.std(), u.max() + u.std(), 100_001)
    log_density = known * grid - total * np.exp(grid) - grid**2 / (2 * sd**2)
    cdf = np.cumsum(np.exp(log_density - log_density.max()))
    assert stats.kstest(np.interp(u, grid, cdf / cdf[-1]), "uniform").pvalue > 1e-3


def test_totals_are_sums_over_the_rows_of_each_group():
    data = many_groups("gamma", 40)
    formula = "y ~ x + offset(np.log(t)) + (1|g)"
    model = model_of(formula, data, "gamma", weights="w", tuning=EACH)
    rows = grouped_rows(model.cells, model.likelihood, model.population)
    beta = np.random.default_rng(2).normal(0, 0.5, (700, 2))
    eta = beta[:, :1] + beta[:, 1:] * (data.x.to_numpy() - model.predictor_mean[0])
    each = data.w.to_numpy() * data.y.to_numpy() * np.exp(-eta) / data.t.to_numpy()
    expected = pd.DataFrame(each.T).groupby(data.g).sum().to_numpy().T
    np.testing.assert_allclose(rows.totals(beta), expected, rtol=1e-12)


@slow
@pytest.mark.parametrize("family", ["poisson", "gamma"])
def test_the_posterior_is_that_of_effects_that_are_sampled(family):
    data = many_groups(family, 30, seed=4)
    formula = "y ~ x + offset(np.log(t)) + (1|g)"
    model = model_of(formula, data, family, priors=PRIORS, tuning=EACH)
    settings = Settings(draws=1500, seed=3, progress=False)
    drawn, sampled = (
        BACKEND.sample(one, settings).posterior for one in (model, model.with_effects)
    )
    assert model.with_effects.template == family
    assert set(drawn) == set(sampled) == {variable.name for variable in model.variables}
    for name in drawn:
        for power in (1, 2):  # means, and spreads about one and the same middle
            middle = sampled[name].mean(axis=(0, 1)) if power == 2 else 0.0
            own, other = (
                ((draws[name] - middle) ** power).reshape(4, 1500, -1) for draws in (drawn, sampled)
            )
            gap = own.mean(axis=(0, 1)) - other.mean(axis=(0, 1))
            error = np.hypot(convergence(own).mcse_mean, convergence(other).mcse_mean)
            np.testing.assert_array_less(np.abs(gap / error), 4.2, err_msg=name)


@pytest.mark.slow
def test_effects_are_integrated_out_of_one_intercept_of_many_groups_alone():
    data = many_groups("poisson").assign(h=lambda rows: rows.index % 7)
    for formula, family, options, template in [
        ("y ~ x + (1|g)", "poisson", {}, "group_integrals"),
        ("y ~ x + (1|g)", "poisson", {"tuning": USUAL}, "poisson"),
        ("y ~ x + (1|g)", "poisson", {"parametrization": "noncentered"}, "poisson"),
        ("y ~ x + (1|g)", "poisson", {"link": "sqrt"}, "poisson"),
        ("y ~ x + (1|g)", "negative_binomial", {}, "negative_binomial"),
        ("y ~ x + (1|g) + (1|h)", "poisson", {}, "poisson"),
        ("y ~ x + (x|g)", "poisson", {}, "poisson"),
        ("y ~ x + (0 + x|g)", "poisson", {}, "poisson"),
        ("y ~ s(x, k=5) + (1|g)", "poisson", {}, "poisson"),
        ("y ~ x", "poisson", {}, "poisson"),
    ]:
        model = model_of(formula, data, family, **{"tuning": EACH, **options})
        assert model.template == template, (formula, family, options)
