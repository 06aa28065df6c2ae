"""Posteriors of sigma's formula: by quadrature, by the other backend, and of simulated truths."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from posterior_checks import Z, agree
from reference_checks import held
from scipy import optimize, stats

import winstan as ws

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::winstan.DesignWarning"),
]


class Orthodont:
    """``distance ~ Sex*I(age-11) + (1|Subject)`` with sigma by Sex, effects integrated out.

    The four distances of a child are normal with covariance s^2 I + tau^2 J, s that of its sex.
    """

    def __init__(self) -> None:
        self.data = data = ws.load("Orthodont")
        male = (data["Sex"].astype(str) == "Male").to_numpy().astype(float)
        age = data["age"].to_numpy(float) - 11
        X = np.column_stack([np.ones(len(data)), male, age, male * age])
        y = data["distance"].to_numpy(float)
        columns = np.column_stack([X, y])
        self.gram, self.of_means, self.children = np.zeros((2, 5, 5)), np.zeros((2, 5, 5)), [0, 0]
        for child in data["Subject"].unique():
            rows = (data["Subject"] == child).to_numpy()
            sex, sums = int(male[rows][0]), columns[rows].sum(axis=0)
            assert rows.sum() == 4
            self.gram[sex] += columns[rows].T @ columns[rows]
            self.of_means[sex] += np.outer(sums, sums)
            self.children[sex] += 1

    def cross_products(self, tau, sigmas):
        """Cross-products by the inverse covariance, (..., 5, 5), and its log determinant."""
        whole, log_det = 0.0, 0.0
        for sex, s in enumerate(sigmas):
            v, total = np.square(s), np.square(s) + 4 * np.square(tau)
            share = (np.square(tau) / total)[..., None, None]
            whole = whole + (self.gram[sex] - share * self.of_means[sex]) / v[..., None, None]
            log_det = log_det + self.children[sex] * (3 * np.log(v) + np.log(total))
        return whole, log_det

    def profile(self, tau, sigmas) -> float:
        """Log likelihood at the coefficients of its maximum."""
        M, log_det = self.cross_products(tau, sigmas)
        rest = M[4, 4] - M[:4, 4] @ np.linalg.solve(M[:4, :4], M[:4, 4])
        return float(-0.5 * (108 * np.log(2 * np.pi) + log_det + rest))

    def log_marginal(self, tau, sigmas, mean, sd):
        """Log density of the data, coefficients integrated over independent normal priors."""
        M, log_det = self.cross_products(tau, sigmas)
        precision = M[..., :4, :4] + np.diag(sd**-2.0)
        right = M[..., :4, 4] + mean * sd**-2.0
        beta = np.linalg.solve(precision, right[..., None])[..., 0]
        quadratic = M[..., 4, 4] + np.sum(mean**2 / sd**2) - np.sum(right * beta, axis=-1)
        log_det = log_det + np.linalg.slogdet(precision)[1] + 2 * np.log(sd).sum()
        return -0.5 * (108 * np.log(2 * np.pi) + log_det + quadratic)


@functools.cache
def orthodont() -> Orthodont:
    return Orthodont()


@pytest.mark.reference
def test_the_marginal_likelihood_of_orthodont_has_the_published_maximum(record_property):
    """Maximum likelihood of lme4 and nlme's kind: the values that the posterior is held to."""
    one = orthodont()
    ml = one.profile(np.array(1.77214), [np.array(0.76942), np.array(1.65184)])
    held(record_property, "Orthodont, distance ~ Sex * age + (1|Subject), sigma ~ Sex, ML",
         "maximum likelihood, by a program of its own", [ml], [-204.67618], 2e-5)  # fmt: skip
    found = optimize.minimize(
        lambda x: -one.profile(np.exp(x[0]), [np.exp(x[1]), np.exp(x[2])]), np.zeros(3), tol=1e-10
    )
    np.testing.assert_allclose(np.exp(found.x), [1.77214, 0.76942, 1.65184], atol=2e-4)


PRIORS = {
    "Intercept": ws.Normal(22.0, 20.0),
    "b": ws.Normal(0.0, 10.0),
    "sd": ws.HalfNormal(4.0),
    "sigma_Intercept": ws.Normal(0.0, 2.0),
    "sigma_Sex": ws.Normal(0.0, 1.5),
}


@pytest.mark.parametrize("parametrization", [None, "noncentered"])
def test_orthodont_with_sigma_by_sex_against_quadrature(parametrization):
    one = orthodont()
    # log tau, log sigma of girls, and the logarithm of the ratio
    axes = [np.linspace(-1.2, 1.9, 70), np.linspace(-0.95, 0.65, 70), np.linspace(-0.4, 1.9, 70)]
    tau, girls, ratio = np.meshgrid(*axes, indexing="ij")
    mean, sd = np.array([22.0, 0.0, 0.0, 0.0]), np.array([20.0, 10.0, 10.0, 10.0])
    log_p = one.log_marginal(np.exp(tau), [np.exp(girls), np.exp(girls + ratio)], mean, sd)
    log_p += stats.halfnorm.logpdf(np.exp(tau), scale=4.0) + tau
    log_p += stats.norm.logpdf(girls, 0.0, 2.0) + stats.norm.logpdf(ratio, 0.0, 1.5)
    p = np.exp(log_p - log_p.max())
    edges = [p[side] for side in (0, -1)] + [p[:, side] for side in (0, -1)]
    assert max(edge.max() for edge in (*edges, p[:, :, 0], p[:, :, -1])) < 1e-5
    p /= p.sum()

    def moments(x) -> tuple[float, float, float]:
        middle = float(np.sum(p * x))
        return middle, float(np.sqrt(np.sum(p * (x - middle) ** 2))), 0.0

    fit = ws.fit(
        ["distance ~ Sex * I(age - 11) + (1|Subject)", "sigma ~ Sex"],
        one.data,
        center=False,
        priors=PRIORS,
        draws=4000,
        seed=4,
        parametrization=parametrization,
        target_accept=0.99 if parametrization else None,  # plain z-scores have a funnel
        progress=False,
    )
    agree(
        fit,
        {
            "1|Subject_sigma": moments(np.exp(tau)),
            "sigma_Intercept": moments(girls),
            "sigma_Sex[Male]": moments(ratio),
        },
    )
    assert fit.diagnostics.n_divergent == 0
    # The posterior is about the maximum of the likelihood, to a fraction of its width.
    row = fit.summary().loc["sigma_Sex[Male]"]
    assert row["mean"] == pytest.approx(np.log(1.65184 / 0.76942), abs=0.25 * row["sd"])


def mice(seed: int, n_mice: int = 8, n: int = 16) -> pd.DataFrame:
    """Trials whose noise is wider by exp(0.5) under stimulation, and differs between mice."""
    rng = np.random.default_rng(seed)
    mouse = np.repeat(np.arange(n_mice), n)
    stim = np.tile([0, 1], mouse.size // 2)
    u = 0.8 * rng.normal(size=n_mice)
    w = 0.3 * rng.normal(size=n_mice)
    sigma = np.exp(-0.2 + 0.5 * stim + w[mouse])
    y = 10 + 0.6 * stim + u[mouse] + sigma * rng.normal(size=mouse.size)
    return pd.DataFrame({"y": y, "stim": stim, "mouse": [f"m{i}" for i in mouse]})


PARITY = {
    "gaussian": (["y ~ stim + (1 |p| mouse)", "sigma ~ stim + (1 |p| mouse)"], mice(1)),
    "negative_binomial": (
        ["count ~ stim + (1|mouse)", "alpha ~ stim"],
        mice(2).assign(
            count=lambda d: np.random.default_rng(2).negative_binomial(
                np.where(d["stim"] == 1, 1, 5), np.where(d["stim"] == 1, 0.1, 0.4)
            )
        ),
    ),
}


@pytest.mark.parametrize("family", PARITY)
@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_stan_and_pymc_have_one_posterior(family):
    formulas, data = PARITY[family]
    fits = [
        ws.fit(
            formulas, data, family, backend=backend, seed=seed, draws=600, chains=2,
            target_accept=0.9, progress=False,
        )
        for seed, backend in enumerate(("stan", "pymc"))
    ]  # fmt: skip
    a, b = (fit.summary() for fit in fits)
    assert list(a.index) == list(b.index)
    z = (a["mean"] - b["mean"]) / np.hypot(a["mcse_mean"], b["mcse_mean"])
    assert z.abs().max() < Z, z.abs().idxmax()
    n = np.minimum(a["ess_tail"], b["ess_tail"])
    apart = np.log(a["sd"] / b["sd"]).abs() * np.sqrt(n)
    assert apart.max() < 2 * Z, apart.idxmax()


def test_intervals_hold_the_truth_at_their_rate_and_nothing_diverges():
    inside, divergent, worst = 0, [], []
    studies = 40
    for seed in range(studies):
        fit = ws.fit(
            ["y ~ stim + (1|mouse)", "sigma ~ stim + (1|mouse)"],
            mice(100 + seed),
            seed=seed,
            progress=False,
        )
        row = fit.summary().loc["sigma_stim"]
        inside += row["hdi_3%"] < 0.5 < row["hdi_97%"]
        divergent.append(fit.diagnostics.n_divergent)
        worst.append(float(fit.summary()["r_hat"].max()))
    assert sum(divergent) == 0, divergent
    assert max(worst) < 1.05, worst
    low, high = stats.binom.ppf([0.001, 0.999], studies, 0.94)
    assert low <= inside <= high
