"""Programs for readers with curves: the density is the model's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from program_runs import run, translate
from reference_density import Reference
from scipy import stats

import winstan as ws
from winstan.backends.bambi import BACKEND
from winstan.backends.stan_program import stan_program
from winstan.draws import tree_name
from winstan.errors import BackendError
from winstan.toolchain import build, log_density

EVERY = (
    "y ~ cond + s(t, by=cond, k=5) + s(t, mouse, bs='fs', k=4) + s(u, k=4, bs='cr')"
    " + hsgp(t, m=4) + hsgp(u, by=cond, m=3, c=1.5)"
)
BLAS = pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")


def counts(seed=0):
    rng = np.random.default_rng(seed)
    t = np.tile(np.linspace(20, 50, 12), 10)
    mouse, cond = np.repeat(list("efghi"), 24), np.tile(np.repeat(list("ab"), 12), 5)
    y = rng.poisson(np.exp(1 + np.sin(t / 6) * (cond == "b")))
    u = np.tile(np.linspace(0, 3, 12)[rng.permutation(12)], 10)  # one range in both conditions
    return pd.DataFrame({"t": t, "u": u, "mouse": mouse, "cond": cond, "y": y})


DATA = counts()


@pytest.fixture(scope="module")
def model():
    priors = {"sdgp_hsgp(u, by=cond)": ws.HalfNormal(1.7), "sds_s(t)|mouse[slope]": ws.Gamma(2, 3)}
    return model_of(EVERY, DATA, "poisson", priors=priors)


@BLAS
@pytest.mark.slow
@pytest.mark.parametrize("of_sigma", [False, True])
def test_the_pymc_program_has_the_density_of_the_model(model, of_sigma):
    if of_sigma:
        data = DATA.assign(z=7.0 * DATA["y"] + np.sin(DATA["u"]))
        model = model_of(["z ~ s(t, k=4)", "sigma ~ cond + hsgp(t, m=3)"], data, "gaussian")
    built = run(model)
    by_name = {v.name: v for v in (*built.free_RVs, *built.deterministics)}
    graphs = built.replace_rvs_by_values(list(by_name.values()))
    at = built.compile_fn(
        [built.logp(jacobian=False), *graphs], inputs=built.value_vars, mode="FAST_COMPILE"
    )
    reference, rng, gaps = Reference(model), np.random.default_rng(7), []
    for _ in range(4):
        start = built.initial_point()
        point = {name: rng.normal(0, 0.5, np.shape(v)) for name, v in start.items()}
        density, *found = at(point)
        found = dict(zip(by_name, found, strict=True))
        values = {v.name: found[tree_name(v.name)] for v in model.variables}
        for v in model.variables:
            assert np.shape(values[v.name]) == v.shape
        lp = sum(stats.norm.logpdf(v).sum() for name, v in found.items() if name.startswith("z_"))
        gaps.append(density - lp - reference.priors(values) - reference.rows(values))
    np.testing.assert_allclose(gaps, 0, atol=1e-7 * abs(density))


def unconstrained(model, point):
    """Values of the program's parameters, in the order of its declarations, and the density."""
    left, values, lp = list(point), {}, 0.0

    def take(*shape):
        n = int(np.prod(shape))
        taken = np.array(left[:n]).reshape(shape, order="F")  # Stan reads by columns
        del left[:n]
        return taken

    def positive(*shape):
        nonlocal lp
        log = take(*shape)
        lp += log.sum()
        return np.exp(log)

    design, at_mean, sizes = model.design, take(1)[0], {v.name: v.shape for v in model.variables}
    for term in design.terms:
        b = take(len(term.columns))
        values[term.name] = b if term.labels else b[0]
        at_mean -= b @ design.X[design.row][:, list(term.columns)].mean(axis=0)
    values["Intercept"] = at_mean
    for curve in model.stacked.curves:
        name, names = curve.smooth.term.variable, curve.smooth.variables
        for one in names:
            values[one] = positive(*sizes[one])
        z = take(*sizes[name])
        L = max(1, len(curve.smooth.levels))
        u = np.empty_like(z)
        for a in range(L):
            columns = curve.smooth.shared[a].columns
            own = [np.atleast_1d(values[one])[a] for one in names]
            sd = np.full(columns.of.size, own[0])
            if len(names) == 2:  # the spectral density of a squared exponential covariance
                wave = (own[1] * columns.frequency) ** 2
                sd = np.sqrt(own[0] ** 2 * own[1] * np.sqrt(2 * np.pi) * np.exp(-wave / 2))
            here = slice(a * sd.size, (a + 1) * sd.size)
            u[here] = sd * z[here]
        values[name] = u
        lp += stats.norm.logpdf(z).sum()
    level, slope, bend = values["sds_s(t)|mouse"] = positive(3)
    z = take(5, 4)  # mice, columns
    lp += stats.norm.logpdf(z).sum()
    values["s(t)|mouse"] = (z * [level, slope, bend, bend]).T
    assert not left
    return values, lp


@pytest.mark.slow
def test_the_stan_program_has_the_density_of_the_model(model, tmp_path):
    program, data = stan_program(model)
    path = tmp_path / "curves.stan"
    path.write_text(program, encoding="ascii")
    size = 1 + model.design.X.shape[1] + 2 + 1 + 2 + 4 + 3 + 20
    points = np.random.default_rng(3).normal(0, 0.5, (5, size))
    points[:, :5] *= 0.1  # coefficients of t, which goes to 50
    density, _ = log_density(build(path), data, points)
    reference, expected = Reference(model), []
    for point in points:
        values, lp = unconstrained(model, point)
        expected.append(lp + reference.priors(values) + reference.rows(values))
    expected = np.array(expected)
    np.testing.assert_allclose(
        density - density[0], expected - expected[0], rtol=1e-8, atol=1e-8 * abs(expected).max()
    )


@pytest.mark.slow
def test_the_programs_are_short_and_say_what_their_data_are(model, tmp_path):
    program, data = stan_program(model)
    translate(program, tmp_path)
    assert "  matrix[N, 6] s_t_by_cond;" in program.splitlines()
    assert np.shape(data["s_t_by_cond"]) == (120, 6)
    assert "// s_t: columns of s(t)|mouse; u_s_t_mouse: their coefficients." in program
    assert len(program.splitlines()) <= 110


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (EVERY, r"no penalised splines, as s\(t, by=cond, k=5\) is: .* or hsgp\(t\)"),
        ("y ~ s(t, mouse, bs='fs', k=4)", r"no penalised splines, as s\(t, mouse, bs"),
        (
            "y ~ cond + hsgp(v, by=cond)",
            "'v' from the middle of its values of each level of 'cond'",
        ),
    ],
)
def test_bambi_refuses_curves_by_their_name(formula, says):
    data = DATA.assign(v=DATA["u"] + (DATA["cond"] == "b"))
    with pytest.raises(BackendError, match=says):
        BACKEND.code(model_of(formula, data, "poisson"))
