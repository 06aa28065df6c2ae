"""One keyword, three backends: the same parameters, the same posterior, and plain refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from made_draws import made_fit
from models import model_of
from template_cases import data_of

import winstan as ws
from winstan.backends import bambi, pymc, stan
from winstan.backends.base import import_package
from winstan.report.methods import methods_text

# PyMC compiles for some ten seconds a model.
pytestmark = [
    pytest.mark.slow,
    # Six groups: a few divergences move no mean by as much as its Monte Carlo error.
    pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning"),
]
QUICK = {"seed": 1, "progress": False, "target_accept": 0.98, "silence": "all"}
# Of K parameters none should differ by more than this many combined Monte Carlo errors: the chance
# of one false alarm in a run of all these tests is below one in a thousand.
Z = 4.5


def gap(a: ws.Fit, b: ws.Fit) -> float:
    """Largest difference of means, in combined MCSE."""
    one, two = a.summary(), b.summary()
    assert one.index.tolist() == two.index.tolist()
    return float(
        ((one["mean"] - two["mean"]) / np.hypot(one["mcse_mean"], two["mcse_mean"])).abs().max()
    )


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y ~ x + cond + (cond|g)", "gaussian", {"weights": "w"}),
        ("y ~ x + offset(np.log(t)) + (1|g)", "negative_binomial", {"center": False}),
    ],
)
def test_pymc_has_stans_posterior(formula, family, options):
    data = data_of(family)
    fits = [ws.fit(formula, data, family, backend=b, **options, **QUICK) for b in ("stan", "pymc")]
    assert gap(*fits) < Z
    one, two = (fit.draws["posterior"] for fit in fits)
    assert {n: v.dims for n, v in one.data_vars.items()} == {
        n: v.dims for n, v in two.data_vars.items()
    }


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y ~ x + cond + offset(np.log(t)) + (1|g)", "poisson", {}),
        ("y ~ x + (x||g) + (1|h)", "gaussian", {"weights": "w"}),
        pytest.param(
            "y ~ cond + (1|g/h)",
            "binomial",
            {"trials": "trials", "link": "probit", "center": False},
            marks=pytest.mark.long,
        ),
    ],
)
def test_bambi_has_stans_posterior(formula, family, options):
    data = data_of(family)
    options = options | {"priors": {"b": ws.StudentT(5, 0.1, 2.0), "sd": ws.HalfNormal(1.5)}}
    fits = [ws.fit(formula, data, family, backend=b, **options, **QUICK) for b in ("stan", "bambi")]
    assert gap(*fits) < Z


def test_a_wrong_backend_is_caught(monkeypatch):
    """Swap PyMC's rate for a scale: the comparison of the other tests must see it."""
    right = pymc.log_likelihood

    def wrong(model, eta, aux):
        return right(model, eta, {"alpha": 1 / aux["alpha"]})

    monkeypatch.setattr(pymc, "log_likelihood", wrong)
    model = model_of("y ~ x + (1|g)", data_of("gamma"), "gamma")
    points = np.random.default_rng(1).normal(0, 0.5, (5, 3 + 6 + 1))
    gaps = stan.BACKEND.log_density(model, points)[0] - pymc.BACKEND.log_density(model, points)[0]
    assert np.ptp(gaps) > 1


def test_what_bambi_cannot_express_is_refused():
    data = data_of("gaussian")
    for formula, options, words in [
        ("y ~ x + (x|g)", {}, "correlated effects of 'g'.*stan"),
        ("y ~ cond", {"priors": {"cond[b]": ws.Cauchy()}}, "mix priors.*stan"),
    ]:
        with pytest.raises(ws.BackendError, match=words):
            ws.fit(formula, data, backend="bambi", progress=False, **options)
    with pytest.raises(ws.BackendError, match="sqrt"):
        bambi.bambi_model(model_of("y ~ x", data_of("poisson"), "poisson", link="sqrt"))


def test_what_takes_one_backend_says_so():
    with pytest.raises(
        ws.OptionError, match=r"calibrate takes one backend, not \('stan', 'pymc'\)"
    ):
        ws.calibrate("y ~ x", data_of("gaussian"), backend=("stan", "pymc"))
    with pytest.raises(ws.OptionError, match="chooses among PyMC's samplers"):
        ws.calibrate("y ~ x", data_of("gaussian"), sampler="nutpie")


def test_samplers_are_checked():
    data = data_of("gaussian")
    with pytest.raises(ws.OptionError, match="sampler= must be one of"):
        ws.fit("y ~ x", data, backend="pymc", sampler="gibbs", progress=False)
    with pytest.raises(ws.BackendError, match="pip install blackjax"):
        ws.fit("y ~ x", data, backend="pymc", sampler="blackjax", progress=False)


@pytest.mark.parametrize("missing", ["pymc", "bambi"])
def test_stan_needs_neither_pymc_nor_bambi(missing):
    program = f"""
import sys
sys.modules["pymc"] = sys.modules["bambi"] = sys.modules["pytensor"] = None
import winstan as ws
data = ws.simulate_lfp(seed=5)
fit = ws.fit("Power ~ stim + (1|mouse)", data, family="gamma", seed=1, progress=False,
             silence="all")
assert fit.diagnostics.ok
try:
    ws.fit("Power ~ stim", data, family="gamma", backend="{missing}", progress=False)
except ws.BackendError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert f"pip install {missing}" in done.stdout


@pytest.mark.parametrize("backend", ["pymc", "bambi"])
def test_nutpie_has_stans_posterior(backend):
    formula, data = "y ~ x + cond + (1|g)", data_of("gamma")
    fits = [
        ws.fit(formula, data, "gamma", backend="stan", **QUICK),
        ws.fit(formula, data, "gamma", backend=backend, sampler="nutpie", **QUICK),
    ]
    assert gap(*fits) < Z
    stats = fits[1].draws["sample_stats"]
    assert np.isfinite(stats["lp"]).all()
    assert stats["tree_depth"].min() >= 1
    attributes = fits[1].draws["posterior"].attrs
    assert (attributes["inference_library"], attributes["sampler"]) == (backend, "nutpie")
    assert attributes["target_accept"] == QUICK["target_accept"]
    assert " with the sampler of nutpie, " in methods_text(fits[1], prob=0.94)


def test_numpyros_potential_energy_is_the_density_below_zero():
    lp = np.array([[-3.0, -4.0]])
    raw = xr.Dataset({"lp": (("chain", "draw"), np.hstack([-lp, -lp]))})
    got = pymc.sampler_statistics(raw, "numpyro")["lp"]
    np.testing.assert_array_equal(got, np.hstack([lp, lp]))
    raw["lp"] *= -1
    np.testing.assert_array_equal(pymc.sampler_statistics(raw, "nutpie")["lp"], got)


def test_a_sampler_that_fails_is_named(monkeypatch):
    def fails(**_):
        raise TypeError("no progress bar")

    monkeypatch.setattr(pymc.import_pymc(), "sample", fails)
    for sampler, remedy in (
        ("nutpie", r"pip install 'winstan\[samplers\]'"),
        ("pymc", "another sampler=, or backend='stan'"),
    ):
        words = rf"sampler '{sampler}' failed: TypeError: no progress bar \(.*{remedy}"
        with pytest.raises(ws.BackendError, match=words):
            ws.fit("y ~ x", data_of("gaussian"), backend="pymc", sampler=sampler, progress=False)


@pytest.mark.parametrize("odd", ["fewer", "others"])
def test_a_program_of_other_columns_is_not_taken_for_the_model_s(odd, monkeypatch):
    sample = stan.runner.sample

    def other(*args, **options):
        raw = sample(*args, **options)
        left = replace(raw, columns=raw.columns[:-1], values=raw.values[..., :-1])
        return left if odd == "fewer" else replace(raw, columns=raw.columns[::-1])

    monkeypatch.setattr(stan.runner, "sample", other)
    with pytest.raises(ws.BackendError, match=r"gaussian_marginal.*2 columns.*Delete it"):
        ws.fit("y ~ x + (1|g)", data_of("gaussian"), draws=20, **QUICK)


def test_a_package_that_is_there_but_broken_is_told_from_one_that_is_not(tmp_path, monkeypatch):
    (tmp_path / "an_engine.py").write_text("import a_part_of_it\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ws.BackendError, match=r"pip install an_engine \(.*'a_part_of_it'\)$"):
        import_package("an_engine", "An Engine")
    with pytest.raises(ws.BackendError, match=r"needs Nothing: pip install not_there$"):
        import_package("not_there", "Nothing")


def test_bambis_z_scores_of_groups_have_a_higher_target():
    data = data_of("gamma")
    for formula, least in [("y ~ x", 0.8), ("y ~ x + (1|g)", 0.95), ("y ~ x + (x||g)", 0.98)]:
        assert bambi._target_accept(model_of(formula, data, "gamma")) == least


@pytest.mark.parametrize("missing", ["cmdstanpy", "httpstan"])
def test_bambi_needs_nothing_of_stan(missing):
    program = f"""
import sys
sys.modules["{missing}"] = None
import winstan as ws
data = ws.simulate_lfp(seed=5, n_mice=3, n_trials=4)
fit = ws.fit("Power ~ stim", data, "gamma", backend="bambi", sampler="nutpie", seed=1,
             progress=False, silence="all")
assert fit.contrast("stim")["mean"].item() > 0
try:
    ws.fit("Power ~ stim", data, "gamma", backend=("bambi", "stan"), progress=False, silence="all")
except ws.BackendError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=False,
        env=os.environ | {"WINSTAN_CMDSTAN": "bundled"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"pip install {missing}" in done.stdout


def test_bambi_has_the_posterior_of_weighted_rows_and_odd_names():
    data = data_of("gaussian").rename(columns={"g": "big g", "x": "an x"})
    formula = "y ~ sqrt(abs(`an x`)) + (1|`big g`)"
    fits = [ws.fit(formula, data, backend=b, weights="w", **QUICK) for b in ("stan", "bambi")]
    assert gap(*fits) < Z
    whole = bambi.bambi_model(fits[0].model).data
    assert len(whole) == data["w"].sum()


def test_bambi_refuses_fractions_of_rows():
    data = data_of("gaussian").assign(w=lambda d: d["w"] + 0.5)
    with pytest.warns(ws.DesignWarning, match="60 fractional"):
        model = model_of("y ~ x", data, "gaussian", weights="w")
    with pytest.raises(ws.BackendError, match=r"fractions of rows move.*center=False"):
        bambi.bambi_model(model)


def test_points_of_another_shape_are_refused():
    fit = made_fit(
        model_of("y ~ x + (x|g)", data_of("gaussian"), "gaussian", parametrization="centered")
    )
    with pytest.raises(
        ws.OptionError, match=r"\(points, 18\), for 2 joint_raw, 2 sd_raw, 1 corr_raw, 12 rest_raw"
    ):
        fit.log_density(np.zeros((3, 17)))
    with pytest.raises(ws.OptionError, match=r"theirs is \(1, 2, 18\)"):
        fit.log_density(np.zeros((1, 2, 18)))
    one, many = fit.log_density(np.zeros(18)), fit.log_density(np.zeros((2, 18)))
    np.testing.assert_array_equal(np.repeat(one[0], 2), many[0])
