"""A family of the user's own, with parameters of every domain, by the recipe of the docs."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import own_family
import pandas as pd
import pytest
import reference_density
from made_draws import made_fit
from models import model_of
from own_family import SHIFTED, TEMPLATE
from reference_density import Reference
from slopes import slopes_agree

import winstan as ws
from winstan.backends import pymc, stan
from winstan.families import Distribution, registry
from winstan.families.definition import definition_changes, definition_of
from winstan.report.methods import methods_text


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """Register the family, and forget it afterwards."""
    template = tmp_path_factory.mktemp("templates") / "shifted.stan"
    template.write_text(TEMPLATE)
    yield ws.register_family(SHIFTED, template=template)
    del registry._FAMILIES["shifted"]


def data(seed: int = 0, n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mouse = np.arange(n) % 8
    x = np.arange(n) // 8 % 2
    mu = 170 + 31 * (0.3 * rng.normal(size=8)[mouse] + 0.5 * x)
    aux = {"sigma": 12.0, "shift": 5.0, "share": 0.15}
    return pd.DataFrame({"y": own_family.draw(rng, mu, aux, None), "x": x, "mouse": mouse + 1})


def density_of(model):
    """Have the reference state this family row by row, with scipy."""
    right = reference_density.row_log_densities

    def rows(family, link, y, eta, aux, trials):
        if family != "shifted":
            return right(family, link, y, eta, aux, trials)
        return own_family.row_log_densities(y, reference_density.INVERSE[link](eta), aux)

    return Reference(model), rows


@pytest.mark.slow
@pytest.mark.parametrize(("formula", "link"), [("y ~ x + (x|mouse)", None), ("y ~ x", "log")])
def test_engines_have_its_density_row_by_row(shifted, formula, link, monkeypatch):
    model = model_of(formula, data(n=48), "moved", link=link)
    assert model.family is shifted
    reference, rows = density_of(model)
    monkeypatch.setattr(reference_density, "row_log_densities", rows)
    points = np.random.default_rng(1).normal(0, 0.7, (3, reference.dim))
    expected = np.array([reference(point) for point in points])
    for backend in (stan, pymc):
        got, slope = backend.BACKEND.log_density(model, points)
        # PyMC's leaves out the constant of the correlations' prior.
        apart = expected[0] - got[0] if backend is pymc else 0.0
        np.testing.assert_allclose(got + apart, expected, rtol=1e-9)
        slopes_agree(reference, points, slope)


@pytest.mark.slow
def test_it_is_fitted_and_asked_like_any_other(shifted):
    fit = ws.fit(
        "y ~ x + (1|mouse)",
        data(),
        family="shifted",
        seed=1,
        progress=False,
        silence="random_slopes",
    )
    assert fit.diagnostics.ok
    summary = fit.summary()
    for name, truth in (("sigma", 12.0), ("shift", 5.0), ("share", 0.15), ("x", 15.5)):
        assert abs(summary.loc[name, "mean"] - truth) < 4 * summary.loc[name, "sd"]
    contrast = fit.contrast("x")
    assert contrast["mean"][0] == pytest.approx(summary.loc["x", "mean"], rel=1e-9)
    replicated = fit.posterior_predictive(200, seed=1)
    assert replicated.mean() == pytest.approx(data()["y"].mean(), abs=4)
    assert np.isfinite(fit.loo().elpd)
    methods = methods_text(fit, prob=0.94)
    assert "shifted normal distribution" in methods
    assert "standard deviation (sigma) and shift (shift) and share" in methods
    # In other processes nothing is registered.
    halves = data(n=480).assign(half=lambda d: d["mouse"] % 2)
    each = ws.fit_each(
        "y ~ x", halves, by="half", family="shifted", n_jobs=2, seed=1, progress=False
    )
    assert each.ok


def test_its_stan_code_is_whole_and_programs_say_what_is_missing(shifted):
    fit = made_fit(model_of("y ~ x + (1|mouse)", data(), "shifted"))
    assert "#include" not in fit.stan_code()
    assert "log_mix(aux[3]" in fit.stan_code()
    assert "the location through the identity link" in methods_text(fit, prob=0.94)
    for backend in ("stan", "pymc"):
        with pytest.raises(ws.BackendError, match=f"does not say how {backend} writes it"):
            fit.code(backend)
    with pytest.raises(ws.BackendError, match="bambi has no family 'shifted'"):
        fit.code("bambi")


def test_programs_keep_its_parameters_names_apart_from_columns():
    family = replace(
        SHIFTED, stan=Distribution(name="mine", arguments="mu{i}, sigma, shift, share"),
        pymc=Distribution(name="Mine", arguments="mu=mu, sigma=sigma"),
    )  # fmt: skip
    columns = data().rename(columns={"mouse": "share", "x": "mine"})
    fit = made_fit(model_of("y ~ mine + (1|share)", columns, family))
    assert "real<lower=0, upper=1> share;" in fit.code("stan")
    assert "vector[N] mine_;" in fit.code("stan")
    assert "u_share[share_]" in fit.code("pymc")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"noise": "tau"}, "noise='tau'"),
        ({"noise": "sigma", "tails": "share"}, "tails='share'"),
        ({"conjugate": True, "noise": "sigma"}, "conjugate=True"),
        ({"parameters": SHIFTED.parameters + SHIFTED.parameters[1:2]}, "one each"),
        ({"parameters": (replace(SHIFTED.parameters[0], links=("cauchit",)),)}, "link 'cauchit'"),
        ({"parameters": (replace(SHIFTED.parameters[0], domain="circle"),)}, "domain 'circle'"),
        ({"kind": "reals"}, "kind='reals'; there are real, positive"),
        ({"profiled": "shfit"}, "profiled='shfit'"),
        ({"scores": {"shfit": own_family.score}}, "scores of 'shfit'"),
        ({"shared": {("mu", "shfit"): own_family.score}}, "'shfit'.*mu, sigma, shift, share"),
        ({"mean_link": "logarithm"}, "mean_link of the link 'logarithm'"),
        ({"absorbs_offset": {"none": own_family.score}}, "absorbs_offset of the link 'none'"),
        (
            {
                "parameters": (
                    *SHIFTED.parameters[:3],
                    replace(SHIFTED.parameters[3], default_prior=ws.Beta),
                )
            },
            r"default_prior=Beta of 'share': a prior such as Beta\(",
        ),
    ],
)
def test_families_that_contradict_themselves_are_refused(change, words):
    with pytest.raises(ws.FamilyError, match=words):
        replace(SHIFTED, **change)


@pytest.mark.parametrize(
    ("own", "gives"),
    [
        (lambda stats, eta, aux, link: eta, r"shapes \(\d+,\)"),
        (lambda stats, eta, aux, link: (eta.sum(), eta), r"shapes \[\(\), \(\d+,\)\]"),
    ],
)
def test_a_score_of_another_shape_is_refused(own, gives):
    with pytest.raises(ws.FamilyError, match=f"score of the family 'shifted' gives {gives}"):
        model_of("y ~ x + (1|mouse)", data(), replace(SHIFTED, score=own))


def test_support_of_two_parts_and_statistics_of_other_names_are_refused():
    def of_two_parts(sample):
        return SHIFTED.support(sample)[:2]

    def misspelt(*arguments):
        stats = dict(SHIFTED.statistics(*arguments))
        return {"values": stats.pop("value"), **stats}

    with pytest.raises(ws.FamilyError, match=r"support of the family 'shifted' .* three things"):
        model_of("y ~ x", data(), replace(SHIFTED, support=of_two_parts))
    with pytest.raises(ws.FamilyError, match=r"score of .*asks for 'value', .*\(values, .*sigma"):
        model_of("y ~ x", data(), replace(SHIFTED, statistics=misspelt))


def test_priors_of_each_domain_are_checked(shifted):
    table = model_of("y ~ x", data(), "shifted").priors.table
    assert table["share"] == ws.Beta(1, 9)
    with pytest.raises(ws.PriorError, match=r"'share'\. It is between 0 and 1: use Beta or Flat"):
        model_of("y ~ x", data(), "shifted", priors={"share": ws.Normal()})
    with pytest.raises(ws.PriorError, match=r"'shift'\. It can be negative"):
        model_of("y ~ x", data(), "shifted", priors={"shift": ws.Beta(2, 2)})


def test_what_defines_it_is_told_from_winstan_s_own():
    """Of these the version tells, in another process too."""
    for family in map(registry.own_family, registry._OWN):
        assert definition_of(pickle.loads(pickle.dumps(family))) == {}
    own = definition_of(SHIFTED)
    assert own == definition_of(replace(SHIFTED, label="other", aliases=("otherwise",)))
    assert {"template", "parameter 'share'", "log_density", "draw"} <= own.keys()

    def shifted_by(a):
        return replace(SHIFTED, draw=lambda rng, mu, aux, trials: mu + a)

    held = [definition_of(shifted_by(a)) for a in (1.0, 1.0, 2.0)]
    assert held[0] == held[1]
    assert definition_changes("shifted", held[1], held[2]) == ["draw"]


def test_names_that_are_taken_and_templates_that_are_not_there_are_refused(tmp_path):
    before = dict(registry.FAMILIES)
    for name, words in (
        ("gamma", "a family 'gamma' already"),
        ("normal", "a family 'normal' already"),
        ("My family", "in lower case"),
    ):
        with pytest.raises(ws.FamilyError, match=words):
            ws.register_family(replace(SHIFTED, name=name, aliases=()))
    with pytest.raises(ws.FamilyError, match="'t' already"):
        ws.register_family(replace(SHIFTED, aliases=("t",)))
    with pytest.raises(ws.OptionError, match=r"no such file .* beta, binomial, categorical"):
        ws.register_family(SHIFTED, template=tmp_path / "gone.stan")
    with pytest.raises(ws.OptionError, match=r"takes a winstan\.families\.Family"):
        ws.register_family("beta")
    with pytest.raises(ws.OptionError, match="got 'nope'"):
        ws.register_family(replace(SHIFTED, template="nope"))
    assert dict(registry.FAMILIES) == before
