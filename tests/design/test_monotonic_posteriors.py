"""mo(x): densities of Stan and PyMC against scipy, posteriors against quadrature and the truth."""

import numpy as np
import pandas as pd
import pytest
from density_checks import stan_and_pymc_agree
from models import model_of
from posterior_checks import agree
from scipy import stats
from test_monotonic import rows

import winstan as ws

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*Nobody measured:winstan.DesignWarning"),
]

CASES = {
    "interactions": (
        "y ~ mo(dose) * drug + x + (1 | mouse)",
        "gaussian",
        {"weights": "w", "priors": {"simo_dose": ws.Dirichlet((1, 2, 0.5, 3))}},
    ),
    "products and bounds": (
        "y ~ mo(dose) * x + mo(k):mo(dose) + (1 + mo(dose) | mouse)",
        "gaussian",
        {"priors": {"mo(dose)": ws.Normal(1, 2, lower=0), "x": ws.Constant(0.3)}},
    ),
    "without an Intercept, and beside the mean": (
        ["y ~ 0 + drug + mo(dose) + (0 + mo(k) || mouse)", "sigma ~ mo(dose)"],
        "gaussian",
        {"priors": {"mo(dose)": ws.Constant(0.7)}},
    ),
    "of groups alone": ("y ~ drug + (mo(dose) | mouse)", "gaussian", {}),
    "thresholds": ("k ~ mo(dose) * x + (1 | mouse)", "cumulative", {}),
    "shrunk": (
        "n ~ mo(dose) + x + mo(k) + (1 | mouse)",
        "poisson",
        {"priors": {"b": ws.R2D2()}},
    ),
}


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_density_is_the_documented_one_in_stan_and_pymc(case):
    formula, family, options = CASES[case]
    data = rows(70)
    data["w"] = 1 + np.arange(70) % 3
    data["mouse"] = data["mouse"].replace({"m5": "m1"})
    model = model_of(formula, data, family, **options)
    stan_and_pymc_agree(model)


def test_a_posterior_of_three_categories_is_that_of_quadrature():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"k": np.arange(30) % 3})
    data["n"] = rng.poisson(np.exp(0.6 + np.array([0, 0.7, 0.9])[data["k"]]))
    priors = {
        "Intercept": ws.Normal(0, 1),
        "mo(k)": ws.Normal(0, 0.5),
        "simo_k": ws.Dirichlet((1.5, 2)),
    }
    fit = ws.fit("n ~ mo(k)", data, "poisson", priors=priors, center=False, draws=2000, seed=3)

    a, b, z = np.meshgrid(
        np.linspace(-1, 2, 121), np.linspace(-1.2, 1.8, 121), (np.arange(80) + 0.5) / 80,
        indexing="ij",
    )  # fmt: skip
    log = stats.norm.logpdf(a, 0, 1) + stats.norm.logpdf(b, 0, 0.5) + stats.beta.logpdf(z, 1.5, 2)
    for k, share in enumerate((0.0, z, 1.0)):
        total, times = data.loc[data["k"] == k, "n"].sum(), (data["k"] == k).sum()
        log += total * (a + 2 * b * share) - times * np.exp(a + 2 * b * share)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    expected = {}
    for name, of in {"Intercept": a, "mo(k)": b, "simo_k[1]": z}.items():
        mean = (weight * of).sum()
        expected[name] = (mean, np.sqrt((weight * (of - mean) ** 2).sum()), 1e-3)
    agree(fit, expected)


def test_equal_steps_for_certain_give_the_line_s_answers():
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"k": np.arange(60) % 4})
    data["n"] = rng.poisson(np.exp(1 + 0.3 * data["k"]))
    priors = {"simo_k": ws.Dirichlet(1e7)}
    curve = ws.fit("n ~ mo(k)", data, "poisson", priors=priors, seed=1)
    line = ws.fit("n ~ k", data.assign(k=data["k"] * 1.0), "poisson", seed=2).summary()
    agree(
        curve,
        {
            ours: tuple(line.loc[theirs, ["mean", "sd", "mcse_mean"]])
            for ours, theirs in {"Intercept": "Intercept", "mo(k)": "k"}.items()
        },
    )


def test_a_saturating_dose_is_recovered_with_groups_and_after_the_fit(tmp_path):
    rng = np.random.default_rng(11)
    shares = np.array([0.6, 0.3, 0.1])
    dose, mouse = rng.integers(0, 4, 400), np.arange(400) % 10
    m = 3 * np.concatenate([[0], np.cumsum(shares)])
    slope = 0.4 + rng.normal(0, 0.1, 10)
    data = pd.DataFrame(
        {
            "n": rng.poisson(np.exp(0.5 + slope[mouse] * m[dose])),
            "dose": pd.Categorical.from_codes(dose, ["0", "a", "b", "c"], ordered=True),
            "mouse": [f"m{i}" for i in mouse],
        }
    )
    fit = ws.fit("n ~ mo(dose) + (mo(dose) | mouse)", data, "poisson", seed=4)
    assert fit.diagnostics.ok, fit.verdict
    draws = fit.draws["posterior"]
    simplex = draws["simo_dose"].to_numpy().reshape(-1, 3)
    low, high = np.quantile(simplex, [0.001, 0.999], axis=0)
    assert ((low < shares) & (shares < high)).all(), (low, high)
    assert list(draws["simo_dose_dim"].to_numpy()) == ["a", "b", "c"]
    effect = fit.contrast("dose", scale="link", groups="these", draws=True)
    truth = slope.mean() * m[1:]
    for label, true in zip(("a - 0", "b - 0", "c - 0"), truth, strict=True):
        own = effect.loc[effect["contrast"] == label, "value"]
        assert np.quantile(own, 0.001) < true < np.quantile(own, 0.999), label
    assert np.isfinite(fit.loo().elpd)
    assert "mo(dose)" in fit.code("stan")
    assert "simo_dose[a]" in fit.summary().index
    assert fit.hypothesis("mo(dose) > 0")["probability"].item() > 0.99
    fit.save(tmp_path / "fit.nc")
    again = ws.load_fit(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(again.predict(data.head(3)), fit.predict(data.head(3)))
