"""Zero-inflated and hurdle families: densities, scores, extremes, formulas of zi and hu."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from density_checks import stan_agrees, stan_and_pymc_agree
from models import model_of
from prior_densities import prior_log_density
from program_runs import run, translate
from row_densities import row_log_densities
from scipy import optimize, special, stats
from template_cases import data_of
from test_rising import exact
from zeros_reference import zero_of

import winstan as ws
from winstan.backends import pymc, stan
from winstan.backends.pymc_program import pymc_program
from winstan.backends.stan_program import stan_program
from winstan.errors import FamilyError
from winstan.families import FAMILIES, family_named
from winstan.families.sample import Sample

COUNTS = [
    "zero_inflated_poisson", "zero_inflated_negative_binomial", "hurdle_poisson",
    "hurdle_negative_binomial",
]  # fmt: skip
POSITIVE = ["hurdle_gamma", "hurdle_lognormal"]


def example(family: str):
    """Rows of four cells with weights, one of them of zeros alone, and the cells' parameters."""
    rng = np.random.default_rng(3)
    cell = np.arange(60) % 4
    weight = rng.integers(1, 5, cell.size).astype(float)
    y = rng.poisson(np.array([0.4, 6.0, 90.0, 2.0])[cell]).astype(float)
    if family in POSITIVE:
        y *= rng.gamma(3.0, 1.0, cell.size)
    y = np.where((rng.random(cell.size) < 0.3) | (cell == 3), 0.0, y)
    one = FAMILIES[family]
    eta = np.array([-0.3, 1.6, 4.1, 0.4])
    aux = {
        "sigma": np.array([0.3, 1.1, 2.0, 0.6]),
        "alpha": np.array([0.2, 1.9, 30.0, 4.0]),
        "zi": np.array([0.1, 0.3, 0.6, 0.4]),
        "hu": np.array([0.1, 0.3, 0.6, 0.9]),
    }
    own = {name: aux[name] for name in one.auxiliary}
    return one, one.link(None), Sample(y, weight, np.zeros(cell.size)), cell, eta, own


def by_cell(one, link, sample, cell, eta, aux):
    """Log density of each cell's rows, by scipy."""
    rows = {name: value[cell] for name, value in aux.items()}
    density = row_log_densities(one.name, link.name, sample.y, eta[cell], rows, None)
    return np.bincount(cell, sample.weight * density)


@pytest.mark.parametrize("family", [*COUNTS, *POSITIVE])
def test_scores_are_the_derivatives_of_the_rows_densities(family):
    one, link, sample, cell, eta, aux = example(family)
    of = one.statistics(sample, cell, 4, one.auxiliary)
    whole = one.log_likelihood(of, eta, aux, link)
    assert whole == pytest.approx(by_cell(one, link, sample, cell, eta, aux).sum(), rel=1e-12)
    step = 1e-5

    def at(move: float, name: str) -> np.ndarray:
        moved = {k: v * np.exp(move) if k == name else v for k, v in aux.items()}
        return by_cell(one, link, sample, cell, eta + move * (name == "mu"), moved)

    for name in ("mu", *one.auxiliary):
        expected = (at(step, name) - at(-step, name)) / (2 * step)
        if name == "mu":
            score, information = one.score(of, eta, aux, link)
        else:
            score, information = one.scores[name](of, eta, aux, link)
            score = score * aux[name]
        np.testing.assert_allclose(score, expected, rtol=1e-6, atol=2e-6)
        assert np.all(information > 0)


@pytest.mark.parametrize("family", COUNTS)
@pytest.mark.parametrize(("mu", "share"), [(1e-3, 0.2), (0.3, 0.4), (3.0, 0.1), (40.0, 0.7)])
def test_expected_information_is_the_variance_of_the_score(family, mu, share):
    """By the sum over all counts; that of a hurdle's mean is of the rows above zero."""
    one = FAMILIES[family]
    link, zero = one.link(None), zero_of(family)
    aux = {"alpha": 2.3, zero: share}
    aux = {name: aux[name] for name in one.auxiliary}
    y = np.arange(2000.0)
    p = np.exp(row_log_densities(family, "log", y, np.full(y.size, np.log(mu)), aux, None))
    of = one.statistics(Sample(y, None, 0 * y), np.arange(y.size), y.size, one.auxiliary)
    each = {name: np.full(y.size, value) for name, value in aux.items()}
    eta = np.full(y.size, np.log(mu))
    of_mean, information = one.score(of, eta, each, link)
    assert p @ of_mean == pytest.approx(0, abs=1e-9)
    assert p @ information == pytest.approx(p @ of_mean**2, rel=1e-5)
    score, information = one.scores[zero](of, eta, each, link)
    assert p @ score == pytest.approx(0, abs=1e-9)
    assert p @ information == pytest.approx(p @ score**2, rel=1e-9)
    for shared in one.shared.values():
        assert p @ shared(of, eta, each, link) == pytest.approx(p @ (of_mean * score), rel=1e-9)


ALPHAS = [1e-2, 2.0, 400.0, 1e8]


def exactly(family: str, y: float, mu: float, alpha: float, share: float) -> float:
    """Log density of a count by exact factors, and sums that cancel nothing."""
    value = exact(int(y), mu, alpha)[0]
    log_f0 = -alpha * np.log1p(mu / alpha)
    if family.startswith("hurdle"):
        return np.log(share) if y == 0 else np.log1p(-share) + value - np.log(-np.expm1(log_f0))
    if y == 0:
        return np.log1p((1 - share) * np.expm1(log_f0))
    return np.log1p(-share) + value


@pytest.mark.parametrize("family", COUNTS[1::2])
@pytest.mark.parametrize("mu", [1e-6, 0.05, 30.0, 1e6])
def test_densities_lose_nothing_at_extreme_means_and_shapes(family, mu):
    one, y = FAMILIES[family], np.array([0.0, 1.0, 2.0, 350.0])
    link = one.link(None)
    for alpha in ALPHAS:
        aux = {"alpha": alpha, zero_of(family): 1e-3}
        got = one.log_densities(y, np.full((1, 4), np.log(mu)), aux, link)[0]
        expected = [exactly(family, v, mu, alpha, 1e-3) for v in y]
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-12)
        of = one.statistics(Sample(y, None, 0 * y), np.zeros(4, int), 1)
        whole = one.log_likelihood(of, np.log([mu]), aux, link)
        assert whole == pytest.approx(sum(expected), rel=1e-8)


EXTREME = pd.DataFrame({"y": np.tile([0, 0, 1, 2, 350, 1_000_000], 4)}).assign(
    cell=[f"c{i}" for i in np.repeat(range(4), 6)]
)


@pytest.mark.slow
@pytest.mark.parametrize("family", COUNTS)
def test_templates_have_gradients_at_extreme_means_and_shapes(family):
    """Coefficients of no groups are linear in the coordinates: any value can be reached."""
    formulas = ["y ~ 0 + cell", f"{zero_of(family)} ~ 1"]
    beta = [*np.log([1e-6, 1e-2, 30.0, 1e6]), -5.0]
    scale = {"b": ws.Normal(0, 50), f"{zero_of(family)}_Intercept": ws.Normal(0, 50)}
    if "alpha" in FAMILIES[family].auxiliary:
        formulas.insert(1, "alpha ~ 1")
        beta.insert(4, np.log(1e8))
        scale["alpha_Intercept"] = ws.Normal(0, 50)
    model = model_of(formulas, EXTREME, family, priors=scale)
    assert model.level_means is None
    coordinates = model.coordinates
    point = np.linalg.solve(
        coordinates.decorrelation.remaining_scale, np.array(beta) - coordinates.beta_location
    )
    ours, our_slope = stan.BACKEND.log_density(model, point[None])
    theirs, their_slope = pymc.BACKEND.log_density(model, point[None])
    assert np.isfinite(our_slope).all()
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)
    np.testing.assert_allclose(our_slope, their_slope, rtol=1e-8, atol=1e-9 * abs(our_slope).max())


STRUCTURES = {
    "zeros": (["y ~ x + (1|g)", "{zero} ~ cond"], {}),
    "of groups, weights": (
        ["y ~ x + offset(np.log(t)) + (x |p| g)", "{zero} ~ x + (1 |p| g) + (1|h)"],
        {"weights": "w"},
    ),
}


def predicted(family: str, structure: str):
    formulas, options = STRUCTURES[structure]
    formulas = [formula.format(zero=zero_of(family)) for formula in formulas]
    return model_of(formulas, data_of(family), family, **options)


@pytest.mark.slow
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("family", [*COUNTS, *POSITIVE])
def test_formulas_of_zeros_have_the_density_of_the_rows(family, structure):
    model = predicted(family, structure)
    stan_and_pymc_agree(model)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["zero_inflated_negative_binomial", "hurdle_gamma"])
def test_formulas_of_all_parameters_have_the_density_of_the_rows(family):
    formulas = ["y ~ x", "alpha ~ x + (1|g)", f"{zero_of(family)} ~ cond"]
    model = model_of(formulas, data_of(family), family, weights="w")
    stan_agrees(model, 0.6, 2)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("family", [*COUNTS, *POSITIVE])
def test_programs_of_zeros_with_a_formula_are_valid(family, structure, tmp_path):
    model, zero = predicted(family, structure), zero_of(family)
    program, _ = stan_program(model)
    translate(program, tmp_path)
    assert f"({zero}[n]" in program
    assert f"({zero})" not in program
    assert f"psi=1 - {zero}" in pymc_program(model)[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.parametrize("family", COUNTS[::3])
def test_pymc_program_of_zeros_with_a_formula_has_the_density_of_the_rows(family):
    model = model_of(["y ~ 1", f"{zero_of(family)} ~ x"], data_of(family), family, center=False)
    built, zero, priors = run(model), zero_of(family), model.priors.table
    b = {"Intercept": 1.2, f"{zero}_Intercept": -0.4, f"{zero}_x": 0.7}
    expected = sum(prior_log_density(priors[k], v) for k, v in b.items())
    aux, point = {}, dict(b)
    if "alpha" in model.family.auxiliary:
        aux["alpha"], point["alpha_log__"] = 2.1, np.log(2.1)
        expected += prior_log_density(priors["alpha"], 2.1)
    data = data_of(family)
    aux[zero] = special.expit(-0.4 + 0.7 * data["x"].to_numpy())
    rows = row_log_densities(family, "log", data["y"].to_numpy(), np.full(60, 1.2), aux, None)
    got = built.compile_logp(mode="FAST_COMPILE", jacobian=False)(point)
    assert float(got) == pytest.approx(expected + rows.sum(), rel=1e-8)


def test_responses_that_are_refused_name_the_family():
    zeros = data_of("hurdle_gamma")
    with pytest.raises(FamilyError, match="family='hurdle_gamma' or 'hurdle_lognormal'"):
        model_of("y ~ x", zeros, "gamma")
    with pytest.raises(FamilyError, match="a response of zeros and positive numbers"):
        model_of("y ~ x", zeros.assign(y=zeros["y"] - 1), "hurdle_lognormal")
    with pytest.raises(FamilyError, match="whole numbers from 0 up"):
        model_of("y ~ x", zeros.assign(y=zeros["y"] + 0.5), "zero_inflated_poisson")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("zip", "zero_inflated_poisson"), ("zinb", "zero_inflated_negative_binomial"),
        ("zero_inflated_negbinomial", "zero_inflated_negative_binomial"),
        ("hurdle_negbinomial", "hurdle_negative_binomial"), ("ziGamma", "hurdle_gamma"),
        ("hurdle.lognormal", "hurdle_lognormal"),
    ],
)  # fmt: skip
def test_names_of_other_packages_are_taken(name, meant):
    assert family_named(name).name == meant


def arabidopsis():
    data = ws.load("Arabidopsis")
    groups = [part for _, part in data.groupby("gen", observed=True)]
    return [
        (
            part["fruits"].to_numpy(float),
            part["nutrient"].astype(float).to_numpy(),
            (part["amd"] == "clipped").to_numpy(float),
        )
        for part in groups
    ]


def marginal(family: str, groups, b, sd, aux) -> float:
    """Log likelihood with the genotypes' effects integrated out, by quadrature about its mode."""
    one, (x, w) = FAMILIES[family], np.polynomial.hermite.hermgauss(25)
    link, total = one.link(None), 0.0
    for y, nutrient, amd in groups:
        fixed = b[0] + b[1] * (nutrient == 8) + b[2] * amd

        def rows(u, y=y, fixed=fixed):
            eta = fixed + np.atleast_1d(u)[:, None]
            each = {name: np.full((1, 1), value) for name, value in aux.items()}
            density = one.log_densities(y, eta, each, link).sum(axis=1)
            return density + stats.norm.logpdf(u, 0, sd)

        mode = optimize.minimize_scalar(lambda u: -rows(u)[0], bracket=(-sd, sd)).x
        h = 1e-3
        curve = (rows(mode + h) - 2 * rows(mode) + rows(mode - h))[0] / h**2
        scale = np.sqrt(-2 / curve)
        total += special.logsumexp(rows(mode + scale * x) + x**2 + np.log(w)) + np.log(scale)
    return float(total)


@pytest.mark.slow
def test_zero_inflated_poisson_of_arabidopsis_is_lme4s_optimum():
    """Maximum likelihood, of 625 plants in 24 genotypes: log likelihood and a level point."""
    groups, at = arabidopsis(), np.array([2.8580, 1.0809, -0.0677, 0.3328, -1.3765])

    def density(p) -> float:
        aux = {"zi": special.expit(p[4])}
        return marginal("zero_inflated_poisson", groups, p[:3], p[3], aux)

    assert density(at) == pytest.approx(-9019.0015, abs=2e-3)
    for k in range(5):
        step = np.zeros(5)
        step[k] = 0.05
        assert max(density(at + step), density(at - step)) < density(at) - 1e-3


@pytest.mark.slow
def test_zero_inflated_negative_binomial_of_arabidopsis_has_the_likelihood():
    groups = arabidopsis()

    def loss(p) -> float:
        aux = {"alpha": np.exp(p[4]), "zi": special.expit(-3.3502)}
        return -marginal("zero_inflated_negative_binomial", groups, p[:3], np.exp(p[3]), aux)

    start = [2.85, 1.08, -0.07, np.log(0.3), np.log(0.5853)]
    found = optimize.minimize(loss, start, method="L-BFGS-B")
    assert -found.fun == pytest.approx(-2525.3699, abs=2e-3)
    assert np.exp(found.x[4]) == pytest.approx(0.5853, abs=2e-3)
