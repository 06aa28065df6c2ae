"""Posteriors against exact answers, by quadrature, and against themselves.

A mean is compared in units of the Monte Carlo error of both sides; 4.5 of them is a chance of about
one in 150,000 for each number.
"""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from posterior_checks import Z, agree, in_errors
from template_cases import data_of

import winstan as ws

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    # The models are those of the published answers, whatever the guards would rather fit.
    pytest.mark.filterwarnings("ignore::winstan.DesignWarning"),
]


QUADRATURE = "quadrature, without a sampler"


def oracle(shared: Path, name: str) -> Any:
    """Load one of the quadrature oracles."""
    spec = importlib.util.spec_from_file_location(name, shared / "oracle" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.reference
@pytest.mark.parametrize("parametrization", [None, "noncentered"])
def test_gaussian_intercepts_against_quadrature(shared, parametrization, record_property):
    data = pd.read_csv(shared / "reference" / "lme4" / "Dyestuff.csv")
    module = oracle(shared, "lmm_oracle")
    g = data["Batch"].astype("category").cat.codes.to_numpy()
    exact = module.lmm_oracle(
        data["Yield"], np.ones((30, 1)), g, s0=[200.0], m0=[1500.0],
        logp_tau=module.halfnormal(60.0), logp_sigma=module.halfnormal(90.0),
        lo=(-3.0, 3.0), hi=(6.0, 5.5), n=241,
    )  # fmt: skip
    fit = ws.fit(
        "Yield ~ 1 + (1|Batch)",
        data,
        priors={
            "Intercept": ws.Normal(1500, 200),
            "sd": ws.HalfNormal(60),
            "sigma": ws.HalfNormal(90),
        },
        draws=4000,
        seed=3,
        target_accept=0.99,  # for plain z-scores: six groups
        parametrization=parametrization,
        progress=False,
    )
    expected = {
        "Intercept": (exact["b_mean"][0], exact["b_sd"][0], 0.0),
        "1|Batch_sigma": (*exact["tau"], 0.0),
        "sigma": (*exact["sigma"], 0.0),
    }
    for j, level in enumerate(sorted(data["Batch"].unique())):
        expected[f"1|Batch[{level}]"] = (exact["u_mean"][j], exact["u_sd"][j], 0.0)
    how = parametrization or "integrated out"
    model = f"Dyestuff, Yield ~ 1 + (1|Batch), {how}"
    in_errors(record_property, model, QUADRATURE, agree(fit, expected), len(expected))


def lfp(n_mice: int = 6) -> pd.DataFrame:
    return ws.simulate_lfp(n_mice=n_mice, n_trials=12, seed=4)


@pytest.mark.reference
@pytest.mark.parametrize("informed", ["well", "poorly"])
@pytest.mark.parametrize("family", ["gamma", "poisson", "binomial"])
def test_generalised_intercepts_against_quadrature(shared, family, informed, record_property):
    module = oracle(shared, "glmm_oracle")
    rng = np.random.default_rng(8)
    data = lfp() if informed == "well" else ws.simulate_lfp(n_mice=20, n_trials=2, seed=4)
    rate = 3.1 if informed == "well" else 0.2
    data["count"] = rng.poisson(rate * data["Power"].clip(upper=200) ** 0.5)
    data["of"] = rng.integers(3, 9, len(data))
    data["hits"] = rng.binomial(
        data["of"],
        0.1 + {"well": 0.13, "poorly": 0.02}[informed] * data["mouse"].str[1:].astype(int),
    )
    response = {"gamma": "Power", "poisson": "count", "binomial": "hits"}[family]
    mouse, stim = data["mouse"].astype("category").cat.codes.to_numpy(), data["stim"].to_numpy()
    X = np.column_stack([np.ones(len(data)), stim])
    center = {"gamma": 4.5, "poisson": 2.0, "binomial": 0.0}[family]
    scale = np.array([2.0, 1.5])
    log_half = module.normal
    model = module.Glmm(
        family,
        data[response],
        X,
        mouse,
        logp_b=module.normal(np.array([center, 0.0]), scale),
        logp_tau=lambda t: log_half(0.0, 0.8)(np.array([t])) + np.log(2),
        logp_aux=(lambda a: float(-a / 5 - np.log(5))) if family == "gamma" else None,
        trials=data["of"].to_numpy() if family == "binomial" else None,
    )
    start = np.array([center, 0.0, -1.0, 0.0][: 4 if family == "gamma" else 3])
    exact = model.posterior(start, M=6000)
    fit = ws.fit(
        f"{response} ~ stim + (1|mouse)",
        data,
        family,
        trials="of" if family == "binomial" else None,
        center=False,
        priors={
            "Intercept": ws.Normal(center, 2.0),
            "stim": ws.Normal(0, 1.5),
            "sd": ws.HalfNormal(0.8),
        }
        | ({"alpha": ws.Exponential(0.2)} if family == "gamma" else {}),
        draws=3000,
        seed=5,
        target_accept=0.99,
        parametrization="centered" if informed == "well" else "noncentered",
        progress=False,
    )
    names = ["Intercept", "stim", "1|mouse_sigma", "alpha"][: exact["mean"].size]
    # Importance weights make the sds of the oracle inexact too: means only, with its own error.
    table = fit.summary()
    assert fit.diagnostics.ok, fit.verdict
    furthest = 0.0
    for i, name in enumerate(names):
        error = np.hypot(exact["se"][i], table.loc[name, "mcse_mean"])
        z = abs(table.loc[name, "mean"] - exact["mean"][i]) / error
        assert z < Z, name
        furthest = max(furthest, z)
        assert table.loc[name, "sd"] == pytest.approx(exact["sd"][i], rel=0.1), name
    what = f"simulated LFP, {family}, {response} ~ stim + (1|mouse), mice {informed} informed"
    in_errors(record_property, what, QUADRATURE, furthest, len(names))


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("radon_partially_pooled", "log_radon ~ 1 + (1|county_idx)"),
        ("radon_variable_intercept", "log_radon ~ floor_measure + (1|county_idx)"),
    ],
)
def test_radon_against_quadrature(shared, name, formula, record_property):
    folder = shared / "reference"
    raw = json.loads((folder / "data" / "radon_mn.json").read_text(encoding="utf-8"))
    rows = len(raw["log_radon"])
    data = pd.DataFrame({k: v for k, v in raw.items() if isinstance(v, list) and len(v) == rows})
    exact = json.loads(
        (folder / "exact" / f"radon_mn-{name}_noncentered.json").read_text(encoding="utf-8")
    )
    fit = ws.fit(
        formula,
        data,
        center=False,
        priors={
            "Intercept": ws.Normal(0, 10),
            "sd": ws.HalfNormal(1),
            "sigma": ws.HalfNormal(1),
        }
        | ({"b": ws.Normal(0, 10)} if "floor" in formula else {}),
        draws=2500,
        seed=7,
        progress=False,
    )
    theirs = {
        "mu_alpha": "Intercept",
        "beta": "floor_measure",
        "sigma_alpha": "1|county_idx_sigma",
        "sigma_y": "sigma",
    }
    expected = {
        theirs[k]: (v["mean"], v["sd"], 0.0) for k, v in exact["params"].items() if k in theirs
    }
    model = f"radon_mn, {formula}"
    in_errors(record_property, model, QUADRATURE, agree(fit, expected), len(expected))
    # County effects: alpha_j = mu_alpha + u_j.
    posterior = fit.draws["posterior"]
    total = (posterior["Intercept"] + posterior["1|county_idx"]).mean(("chain", "draw"))
    spread = posterior["1|county_idx"].std(("chain", "draw")).to_numpy()
    gap = np.abs(total.to_numpy() - np.asarray(exact["alpha_mean"]))
    assert np.all(gap < Z * spread / np.sqrt(2000)), gap.max()


@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_correlated_slopes_every_way_and_by_published_figures(shared):
    data = pd.read_csv(shared / "reference" / "lme4" / "sleepstudy.csv")
    fits = [
        ws.fit(
            "Reaction ~ Days + (Days|Subject)",
            data,
            draws=2000,
            seed=seed,
            parametrization=parametrization,
            target_accept=target_accept,
            progress=False,
            silence="serial_correlation",
        )
        for seed, (parametrization, target_accept) in enumerate(
            # z-scores of the prior have a funnel: at the default, some fits diverge now and then
            [("marginal", None), ({}, None), ("noncentered", 0.99)],
            1,
        )
    ]
    assert [fit.verdict for fit in fits if not fit.diagnostics.ok] == []
    a, *others = (fit.summary() for fit in fits)
    for b in others:
        z = (a["mean"] - b["mean"]) / np.hypot(a["mcse_mean"], b["mcse_mean"])
        assert z.abs().max() < Z, z.abs().idxmax()
    # Posterior means as brms has them; its priors differ a little, so not to the last digit.
    assert a.loc["Intercept", "mean"] == pytest.approx(251.5, abs=1.0)
    assert a.loc["Days", "mean"] == pytest.approx(10.46, abs=0.2)
    assert a.loc["1|Subject_sigma", "mean"] == pytest.approx(26.5, abs=1.5)
    assert a.loc["Days|Subject_sigma", "mean"] == pytest.approx(6.5, abs=0.4)
    assert a.loc["sigma", "mean"] == pytest.approx(25.9, abs=0.4)


# A few draws show that two runs are the same run.
few_draws = pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")


@few_draws
def test_weights_stand_for_rows():
    data = lfp()
    data["pulse"] = data["trial"] % 4
    data["n"] = 1 + data["trial"] % 3
    rows = data.loc[data.index.repeat(data["n"])].drop(columns="n")
    options = {"seed": 2, "draws": 200, "warmup": 200, "chains": 2, "progress": False}
    formula = "`Log power` ~ stim + (1|mouse)"
    with_weights = ws.fit(formula, data, weights="n", **options)
    with_rows = ws.fit(formula, rows, **options)
    # The same cells, the same priors, the same seed: the same draws, to the rounding of the sums.
    np.testing.assert_allclose(
        with_weights.draws["posterior"]["stim"], with_rows.draws["posterior"]["stim"], rtol=1e-4
    )


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_do_not_matter(factor):
    rng = np.random.default_rng(3)
    data = lfp(n_mice=12)
    mouse = data["mouse"].str[1:].astype(int)
    data["x"] = rng.normal(1.0, 2.0, len(data))
    eta = 4 + 0.3 * mouse + 0.2 * (mouse * 5 % 7) * data["x"]
    data["skewed"] = np.exp(eta) * rng.gamma(5, 0.2, len(data))
    data["heavy"] = 9 * eta + rng.standard_t(4, len(data))
    scaled = data.assign(**{name: data[name] * factor for name in ("skewed", "heavy", "x")})
    options = {"seed": 9, "draws": 1000, "progress": False}
    for family, y in (("gamma", "skewed"), ("student", "heavy")):
        a = ws.fit(f"{y} ~ x + (x|mouse)", data, family, **options).summary()
        b = ws.fit(f"{y} ~ x + (x|mouse)", scaled, family, **options).summary()
        response = 1.0 if family == "gamma" else factor
        unit = pd.Series(1.0, a.index)
        for name in a.index:
            if name.startswith("x"):
                unit[name] = response / factor
            elif name not in ("nu", "alpha") and "corr" not in name:
                unit[name] = response
        shift = pd.Series(0.0, a.index)
        if family == "gamma":
            shift["Intercept"] = np.log(factor)
        error = np.hypot(a["mcse_mean"] * unit, b["mcse_mean"])
        z = (a["mean"] * unit + shift - b["mean"]) / error
        assert z.abs().max() < Z, (family, z.abs().idxmax())


@few_draws
def test_same_seed_same_draws_whatever_the_cores():
    data = lfp()
    options = {
        "seed": 11,
        "draws": 100,
        "warmup": 100,
        "progress": False,
        "silence": "random_slopes",
    }
    runs = [
        ws.fit("`Log power` ~ stim + (1|mouse)", data, cores=cores, **options).draws["posterior"]
        for cores in (1, 2)
    ]
    assert runs[0].equals(runs[1])
    other = ws.fit("`Log power` ~ stim + (1|mouse)", data, **(options | {"seed": 12})).draws[
        "posterior"
    ]
    assert not runs[0].equals(other)


@pytest.mark.parametrize("case", ["crossed, few levels", "one event", "slopes", "nested"])
def test_no_divergences_at_default_settings(case):
    """Where sds may vanish, groups are few, or slopes correlate."""
    binomial, poisson = data_of("binomial", 4), data_of("poisson")
    formula, data, family, options = {
        "crossed, few levels": (
            "y ~ x + cond + (1|g) + (1|h)", binomial, "binomial", {"trials": "trials"}
        ),
        "one event": ("y ~ x + (1|g)", poisson.assign(y=(poisson.index == 3) * 1), "poisson", {}),
        "slopes": (
            "Power ~ stim + (stim|mouse)", ws.simulate_lfp(n_trials=30, seed=1), "gamma", {}
        ),
        "nested": ("y ~ x + (1|g/h)", data_of("poisson", 4), "poisson", {}),
    }[case]  # fmt: skip
    fit = ws.fit(formula, data, family, seed=1, progress=False, silence="all", **options)
    assert fit.diagnostics.n_divergent == 0
    assert fit.diagnostics.ok, fit.verdict
