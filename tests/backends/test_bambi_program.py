"""The bambi program for readers: it makes, of the user's data, the model that winstan samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from template_cases import data_of

import winstan as ws
from winstan.backends import backend_named
from winstan.backends.bambi import bambi_model
from winstan.errors import BackendError

FLAT_OR_NOT = {"b": ws.StudentT(4, 0.3, 2.2), "sd": ws.HalfNormal(1.7), "Intercept": ws.Flat()}
CASES = {
    "gaussian": ("y ~ x * cond + (1|g)", "gaussian", {}),
    "gamma": ("y ~ x + (x||g) + (1|h)", "gamma", {"priors": FLAT_OR_NOT}),
    "lognormal": ("y ~ x + cond + (cond||g)", "lognormal", {}),
    "student": ("y ~ 0 + cond + (1|g)", "student", {}),
    "levels and a slope": ("y ~ 0 + cond + x + cond:x + (1|g)", "gaussian", {}),
    "poisson": ("y ~ x + offset(np.log(t)) + (1|h/g)", "poisson", {}),
    "negative binomial": ("y ~ x", "negative_binomial", {"center": False}),
    "weights": ("y ~ x + (1|g)", "gamma", {"weights": "weight"}),
    "binomial": ("p(y, trials) ~ x + late + (1|g)", "binomial", {"link": "probit"}),
    "trials": ("y ~ x + (1|g)", "binomial", {"trials": 30}),
    "levels": ("answer ~ x + (1|g)", "bernoulli", {"link": "cloglog"}),
    "level": ('answer["no"] ~ x', "bernoulli", {}),
    "sigma": (["y ~ x + (1|g)", "sigma ~ late * x + (1|h:g) + offset(np.log(t))"], "gaussian", {}),
    "levels of sigma": (
        ["np.sqrt(y) ~ x", "sigma ~ 0 + cond + x", "nu ~ I(x / 2) + (I(x / 2)||g)"],
        "student",
        {"weights": "weight"},
    ),
    "codings": (
        "y ~ 0 + C(cond, Helmert) + C(late, Diff) + within(x, h) + (C(cond, Poly)||g)",
        "gaussian",
        {"weights": "weight"},
    ),
    "another name": ("y ~ t + I(x / 10) + (1|g)", "beta", {}),
    "another name, with a formula": (["y ~ x", "phi ~ 1 + I(x / 10) + (1|g)"], "beta", {}),
    "ordered": ("y ~ x * cond + (1|g)", "cumulative", {"link": "cloglog"}),
    "ordered words": (
        "rating ~ I(x / 10)",
        "cumulative",
        {"priors": {"threshold": ws.Dirichlet(2.3)}, "weights": "weight", "link": "probit"},
    ),
    "stages": ("y ~ x", "sratio", {"center": False}),
    "categories": (
        "y ~ 0 + cond + x + (x||g)",
        ws.categorical("c"),
        {"priors": {"mua_x": ws.Normal(0.3, 0.7), "mub_1|g_sigma": ws.Exponential(3)}},
    ),
    "counts of categories": ("multinomial(a, b, c) ~ x + (1|g)", "multinomial", {}),
    "zeros": (["y ~ x", "zi ~ x + (1|g) + offset(np.log(t))"], "zero_inflated_poisson", {}),
    "levels of zeros": (["y ~ x", "hu ~ 0 + cond + x"], "hurdle_gamma", {}),
    "processes": (
        [
            "y ~ arm + hsgp(np.log(t), m=4) + hsgp(u, by=arm, m=3)",
            "sigma ~ C(late) + hsgp(u, by=late, m=3)",
        ],
        "gaussian",
        {"priors": {"sdgp_hsgp(u, by=arm)[b]": ws.Exponential(1.7)}},
    ),
    "an expression": ("np.sqrt(y) ~ x + (1|g)", "gaussian", {}),
}


def frame_of(family):
    data = data_of(family)
    data["weight"] = data["w"]
    data["late"] = data["t"] > 1
    data["answer"] = np.where(data_of("bernoulli")["y"] == 1, "yes", "no")
    if pd.api.types.is_numeric_dtype(data["y"]):
        data["response"] = np.sqrt(data["y"])
    words = np.array(["poor", "fair", "good"])
    data["u"] = data.groupby("late").cumcount() % 5 * 7e-6  # of one range in all levels
    data["arm"] = pd.Categorical(np.array(list("ba"))[np.arange(len(data)) // 5 % 2], ["b", "a"])
    data["rating"] = pd.Categorical(words[data["trials"] % 3], words, ordered=True)
    return data.assign(a=data["trials"] % 3, b=data["w"], c=data["trials"] % 4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.filterwarnings("ignore:For backward compatibility:Warning")  # in bambi
@pytest.mark.parametrize("case", CASES)
def test_program_makes_the_model_that_is_sampled(case):
    formula, family, options = CASES[case]
    name = family if isinstance(family, str) else family.name
    data = frame_of({"multinomial": "categorical"}.get(name, name))
    before = data.copy()
    model = model_of(formula, data, family, **options)
    space = {"data": data}
    exec(backend_named("bambi").code(model), space)
    densities, points = [], np.random.default_rng(2).normal(0, 0.5, (3, 400))
    for built in (space["model"], bambi_model(model)):
        built.build()
        inner = built.backend.model
        density = inner.compile_logp(mode="FAST_COMPILE")
        start = {name: np.asarray(value) for name, value in inner.initial_point().items()}
        ends = np.cumsum([value.size for value in start.values()])
        densities.append(
            [
                density(
                    {
                        name: value + point[end - value.size : end].reshape(value.shape)
                        for (name, value), end in zip(start.items(), ends, strict=True)
                    }
                )
                for point in points
            ]
        )
    assert np.isfinite(densities).all()
    gap = np.subtract(*densities)  # a constant of thresholds' prior
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-8 * np.abs(densities).max())
    assert data.equals(before)


def test_program_reads_as_a_paper_would_have_it():
    data = data_of("gamma").rename(columns={"y": "Power", "x": "stim", "g": "mouse"})
    priors = {"stim": ws.Normal(0, 5), "sd": ws.Exponential(2)}
    model = model_of("Power ~ stim + (1|mouse)", data, "gamma", priors=priors)
    lines = [line.strip() for line in backend_named("bambi").code(model).splitlines()]
    for line in (
        '"stim": bmb.Prior("Normal", mu=0, sigma=5),',
        '"1|mouse": bmb.Prior("Normal", mu=0, sigma=bmb.Prior("Exponential", lam=2)),',
        '"Power ~ 1 + stim + (1|mouse)",',
        'family="gamma",',
        'link="log",',
    ):
        assert line in lines


def test_programs_of_several_formulas_read_as_a_paper_would_have_them():
    formulas = ["y ~ I(x / 2)", "sigma ~ I(x / 2) + (1|g)"]
    model = model_of(
        formulas, data_of("gaussian"), "gaussian", priors={"sigma_1|g_sigma": ws.Flat()}
    )
    lines = [line.strip() for line in backend_named("bambi").code(model).splitlines()]
    for line in (
        "# family gaussian, link identity; sigma, link log",
        '"sigma": {',
        '"1|g": bmb.Prior("Normal", mu=0, sigma=bmb.Prior("HalfFlat")),',
        "bmb.Formula(",
        '"sigma ~ 1 + I(x / 2) + (1|g)",',
        'link={"mu": "identity", "sigma": "log"},',
        '"I(x / 2)": "sigma_I(x \N{FRACTION SLASH} 2)",',
    ):
        assert line in lines


def test_parameters_that_bambi_calls_otherwise_have_our_names():
    data = data_of("beta")
    written = [
        (["y ~ x"], ['"kappa": bmb.Prior("InverseGamma", alpha=0.5, beta=2),', '"kappa": "phi",']),
        (
            ["y ~ x", "phi ~ x"],
            ['"kappa ~ 1 + x",', 'link={"mu": "logit", "kappa": "log"},', '"x": "phi_x",'],
        ),
    ]
    for formulas, expected in written:
        lines = backend_named("bambi").code(model_of(formulas, data, "beta")).splitlines()
        assert {"# bambi's name of phi is kappa.", *expected} <= {line.strip() for line in lines}
    model = model_of("y ~ kappa", data.rename(columns={"x": "kappa"}), "beta")
    with pytest.raises(BackendError, match="parameter of its own called 'kappa'"):
        backend_named("bambi").code(model)


def test_what_bambi_cannot_express_is_refused():
    model = model_of("y ~ x + (x|g)", data_of("gamma"), "gamma")
    with pytest.raises(BackendError, match="correlated effects of 'g'"):
        backend_named("bambi").code(model)
