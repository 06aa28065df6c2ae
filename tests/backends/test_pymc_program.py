"""The PyMC program for readers: it runs for every model, and has the model's density."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import correlation_names, model_of
from prior_densities import lkj_log_density
from program_runs import run
from reference_density import Reference
from scipy import special, stats
from template_cases import CASES, STRUCTURES, data_of, formula_of, structure_of

import winstan as ws
from winstan.backends import Settings, backend_named
from winstan.backends.pymc_program import pymc_program
from winstan.families import FAMILIES


def case(family, link, structure, **options):
    formula, more = structure_of(family, structure)
    trials = "trials" if FAMILIES[family].trials else None
    formula = formula_of(formula, link)
    return model_of(formula, data_of(family), family, link=link, trials=trials, **more | options)


def mixed_priors():
    """One term's columns with priors of several kinds, flat ones on both domains."""
    priors = {
        "cond[b]": ws.StudentT(4, 3.0, 21.0),
        "cond[c]": ws.Flat(),
        "cond|g_sigma[b]": ws.HalfNormal(14.0),
        "1|g_sigma": ws.Flat(),
        "sigma": ws.HalfCauchy(13.0),
        "g_corr": ws.LKJ(3.1),
    }
    return model_of(
        "y ~ cond + (cond|g)", data_of("gaussian"), "gaussian", priors=priors, weights="w"
    )


def several_terms_of_a_factor():
    data = data_of("gaussian")
    data["u"] = np.arange(60.0) % 7
    priors = {
        "g_corr[1, x]": ws.LKJ(1.8),
        "g_corr[u, t]": ws.LKJ(4.2),
        "x|g_sigma": ws.HalfNormal(9),
        "u|g_sigma": ws.Gamma(2.5, 0.7),
        "cond|h_sigma": ws.HalfStudentT(4, 5.0),
    }
    formula = "y ~ x * cond + (x|g) + (0 + u + t|g) + (cond||h)"
    return model_of(formula, data, "gaussian", priors=priors)


def nested():
    return model_of("y ~ x + (x|g/h)", data_of("binomial"), "binomial", trials="trials")


def one_contrast():
    data = data_of("gamma")
    data["two"] = np.where(np.arange(60) % 3 > 0, "a", "b")
    return model_of("y ~ two + (0 + two:x||g) + (two||h)", data, "gamma")


def predictor_is_the_factor():
    return model_of("y ~ g + (1|g) + (0 + cond|h) + x:cond", data_of("poisson"), "poisson")


def nothing_but_an_offset():
    return model_of("y ~ 0 + offset(np.log(t)) + (1|g)", data_of("poisson"), "poisson")


def awkward_names():
    names = {"x": "lambda", "cond": "np", "g": "data", "h": "mu", "t": "coords", "y": "sigma y"}
    data = data_of("gaussian").rename(columns=names)
    data["Größe 2"] = np.arange(60.0) ** 0.5
    data["2nd"] = np.arange(60.0) % 7
    data["eta"] = np.arange(60.0) % 11
    data["a \"b\" 'c' {x}\\"] = np.arange(60.0) % 13
    data["z_data"] = np.arange(60.0) % 8
    return model_of(
        "`sigma y` ~ lambda * np + `Größe 2` + `2nd` + eta + coords + z_data + np.log(w)"
        " + `a \"b\" 'c' {x}\\` + (1 + eta|data) + (np||mu)",
        data,
        "gaussian",
        priors={"data_corr": ws.LKJ(2.2)},
    )


SPECIAL = [
    mixed_priors, several_terms_of_a_factor, nested, one_contrast, predictor_is_the_factor,
    nothing_but_an_offset, awkward_names,
]  # fmt: skip


def thresholds_of_shares(link):
    """A prior of the categories' shares that is not even."""
    priors = {"threshold": ws.Dirichlet(2.5)}
    return model_of("y ~ x", data_of("cumulative"), "cumulative", link=link, priors=priors)


def of_each_threshold(family, link, formula):
    priors = {"cs_t": ws.Normal(0.1, 0.7), "cs2_cond[c]": ws.StudentT(4, 0, 1)}
    data = data_of(family)
    return model_of(formula, data, family, link=link, weights="w", priors=priors)


# Likelihood and structure are written independently: every structure with gamma is enough, of
# other families every link, and one structure without an Intercept.
MIXED = [
    (family, link, structure)
    for family, link, structure in CASES
    if FAMILIES[family].pymc is not None
    and (
        family == "gamma"
        or structure == "offset, weights"
        or (structure == "levels and a slope" and link == FAMILIES[family].links[0])
    )
]
MODELS = [
    *(pytest.param(lambda c=c: case(*c), id=" ".join(c)) for c in MIXED),
    *(pytest.param(make, id=make.__name__.replace("_", " ")) for make in SPECIAL),
    *(
        pytest.param(lambda x=x: thresholds_of_shares(x), id=f"thresholds of shares {x}")
        for x in ("logit", "cloglog")
    ),
    *(
        pytest.param(lambda c=c: of_each_threshold(*c), id=f"of each threshold {c[0]}")
        for c in (
            ("sratio", "cloglog", "y ~ x + cs(cond + t) + (1|g)"),
            ("acat", "logit", "y ~ cs(cond + t)"),
        )
    ),
]


def sensible_point(built, model, start, rng):
    """Unconstrained values at which no mean leaves its domain and no density is extreme."""
    y = model.design.response.y
    if model.family.name in ("lognormal", "hurdle_lognormal"):
        y = np.log(y[y > 0])
    trials = model.design.response.trials
    mean = y.mean() if trials is None else y.sum() / trials.sum()
    center = 0.0  # of categories, whose places have no link
    if not model.family.of_categories:
        center = float(model.link.function(np.asarray(mean)))
    size = 0.4 if model.link.unitless else 0.03 * abs(center)
    point = {}
    for variable in built.free_RVs:
        value = built.rvs_to_values[variable]
        draw = rng.normal(size=start[value.name].shape)
        name = variable.name
        if name in ("Intercept", "Intercept_c"):
            draw = center + size * draw
        elif name == "sigma":
            draw = np.log(y.std()) + 0.3 * draw
        elif "_sigma" in name:
            draw = np.log(size) + 0.3 * draw
        elif name in {v.name for v in model.variables} and name not in ("alpha", "nu"):
            draw = size * draw
        else:
            draw = 0.7 * draw
        point[value.name] = draw
    return point


def expected_density(model, drawn, values):
    """Reference density, and what the program must report, from the program's own coordinates."""
    design, lp, reported = model.design, 0.0, {}
    eta = {id(group): model.priors[name].numbers[0] for name, group in correlation_names(design)}
    for group in design.groups:
        q, J = group.Z.shape[1], len(group.levels)
        sd = np.concatenate(
            [np.atleast_1d(values[f"{e.name}|{group.factor}_sigma"]) for e in group.effects]
        )
        # The program draws group terms in the design's order.
        z = drawn["z"].pop(0).reshape(q, J)
        L = np.eye(q)
        if id(group) in eta:
            L = drawn["L"].pop(0)
            lp += lkj_log_density(L, eta[id(group)])
            pairs = (L @ L.T)[np.tril_indices(q, -1)]
            whole = f"{group.factor}_corr"
            reported[whole] = np.concatenate([reported.get(whole, np.empty(0)), pairs])
        lp += stats.norm.logpdf(z).sum()
        u = sd[:, None] * (L @ z)
        for effect in group.effects:
            rows = list(effect.columns) if effect.labels else effect.columns[0]
            reported[f"{effect.name}|{group.factor}"] = u[rows]
    assert not drawn["z"]
    assert not drawn["L"]
    everything = values | reported
    reference = Reference(model)
    return lp + reference.priors(everything) + reference.rows(everything), reported


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.parametrize("make", MODELS)
def test_program_has_the_density_of_the_model(make):
    model = make()
    built = run(model)
    by_name = {v.name: v for v in (*built.free_RVs, *built.deterministics)}
    graphs = built.replace_rvs_by_values(list(by_name.values()))
    at = built.compile_fn(
        [built.logp(jacobian=False), *graphs], inputs=built.value_vars, mode="FAST_COMPILE"
    )
    real = {p.name for p in model.family.parameters if p.domain == "real"}
    confined = [v.name for v in model.variables if v.role in ("sd", "auxiliary")]
    confined = [name for name in confined if name not in real]
    assert all(  # to the positive half
        built.rvs_to_transforms[v] for v in built.free_RVs if v.name.partition("[")[0] in confined
    )
    rng, start = np.random.default_rng(7), built.initial_point()  # which compiles, each time
    for _ in range(3):
        density, *found = at(sensible_point(built, model, start, rng))
        found = dict(zip(by_name, found, strict=True))
        named = {v.name: v for v in model.variables}
        assert set(named) <= set(found)
        for name, variable in named.items():  # dims and labels are winstan's
            assert built.named_vars_to_dims.get(name, ()) == tuple(variable.coords)
            for dim, labels in variable.coords.items():
                assert list(built.coords[dim]) == list(labels)
            assert np.shape(found[name]) == variable.shape
        drawn = {
            kind: [
                found[v.name]
                for v in built.free_RVs
                if v.name not in named and v.name.startswith(f"{kind}_")
            ]
            for kind in ("z", "L")
        }
        values = {
            name: found[name]
            for name, variable in named.items()
            if variable.role not in ("effect", "correlation")
        }
        expected, reported = expected_density(model, drawn, values)
        assert np.isfinite(expected)
        if isinstance(shares := model.priors.table.get("threshold"), ws.Dirichlet):
            # Thresholds of such shares are written but for a constant.
            K, alpha = len(model.design.response.categories), shares.alpha
            expected -= special.gammaln(K * alpha) - K * special.gammaln(alpha)
        # PyTensor takes the logarithm of a literal 2.5 in single precision: a constant of 3e-8.
        # OrderedProbit's root of two is in single precision too, in each row.
        ordered_probit = model.family.thresholds is not None and model.link.name == "probit"
        rtol = 1e-7 if ordered_probit else 1e-9
        if model.family.name == "skew_normal":  # PyMC takes log(1 + erf(z)), which has fewer digits
            rtol = 1e-8
        np.testing.assert_allclose(density, expected, rtol=rtol, atol=2e-7)
        for name, value in reported.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", MODELS)
def test_program_is_short_and_asks_for_its_data(make):
    program, data = pymc_program(make())
    tree = ast.parse(program)
    asked = [
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "data"
    ]
    assert asked == list(data)
    assert program == "\n".join(line.rstrip() for line in program.splitlines()) + "\n"


@pytest.mark.parametrize("structure", STRUCTURES)
def test_programs_are_short(structure):
    program, _ = pymc_program(case("gamma", "log", structure))
    assert len(program.splitlines()) <= 65


def test_program_reads_as_a_paper_would_have_it():
    data = data_of("gamma").rename(columns={"y": "Power", "x": "stim", "g": "mouse"})
    model = model_of(
        "Power ~ stim + (stim|mouse)", data, "gamma",
        priors={"b": ws.Normal(0, 5), "sd": ws.Exponential(2), "mouse_corr": ws.LKJ(2)},
    )  # fmt: skip
    program, given = pymc_program(model)
    lines = [line.strip() for line in program.splitlines()]
    for line in (
        "# Power ~ stim + (stim|mouse)",
        'stim = data["stim"]',
        "stim_c = stim - stim.mean()",
        "with pm.Model(coords=coords) as model:",
        'b_stim = pm.Normal("stim", mu=0, sigma=5)',
        "Intercept = Intercept_c - b_stim * stim.mean()",
        'sd_mouse_stim = pm.Exponential("stim|mouse_sigma", lam=2)',
        'L_mouse = pm.LKJCorr("L_mouse", n=2, eta=2)',
        "u_mouse = sd_mouse[:, None] * (L_mouse @ z_mouse)",
        "mu = pm.math.exp(eta)",
        'pm.Gamma("Power", alpha=alpha, beta=alpha / mu, observed=Power)',
    ):
        assert line in lines
    assert list(given) == ["Power", "stim", "mouse", "coords"]
    np.testing.assert_array_equal(given["Power"], data["Power"])
    levels = given["coords"]["mouse__factor_dim"]
    np.testing.assert_array_equal(np.array(levels)[given["mouse"]], data["mouse"])


@pytest.mark.slow
def test_writing_needs_no_pymc():
    script = """
        import sys
        for absent in ("pymc", "pytensor", "bambi"):
            sys.modules[absent] = None
        import pandas as pd
        from models import model_of
        from winstan.backends import backend_named
        data = pd.DataFrame({"y": [1.0, 2.5, 2.0, 4.0], "x": [0.0, 1.0, 2.0, 4.0]})
        model = model_of("y ~ x", data, "gaussian")
        for name in ("stan", "pymc", "bambi"):
            assert "x" in backend_named(name).code(model)
    """
    tests = Path(__file__).resolve().parents[1] / "support"
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tests, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


def test_data_of_the_program_are_copies():
    data = pd.DataFrame({"y": [1.0, 2.5, 2.0, 4.0], "x": [0.0, 1.0, 2.0, 4.0]})
    before = data.copy()
    model = model_of("y ~ x", data, "gaussian")
    _, given = pymc_program(model)
    given["y"][:] = -1
    pd.testing.assert_frame_equal(data, before)
    np.testing.assert_array_equal(model.design.response.y, before["y"])


@pytest.mark.slow
def test_a_slash_in_a_name_is_a_fraction_bar():
    data = data_of("gaussian").rename(columns={"g": "p/q"})
    model = model_of("y ~ I(x / 2) + (x|`p/q`)", data, "gaussian", parametrization="centered")
    source, columns = pymc_program(model)
    space = {"data": columns}
    exec(source, space)
    assert not any("/" in name for name in space["model"].named_vars)
    backend_named("pymc").check(model, Settings())
