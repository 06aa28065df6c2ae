"""Whether a few divergences are a sign: means of fits that have some, beside long careful runs.

Where trajectories diverge because a region cannot be entered, as the neck of a funnel in centred
coordinates, means are wrong by more than their Monte Carlo errors; where single ones diverge far
out in a tail, they are not. Fits are parted by how many of their 4,000 draws diverged.
"""

from __future__ import annotations

import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.verdict_advice import CORNERS, simulated
from benchmarks.verdict_fits import centred_schools
from winstan.backends import Settings, backend_named
from winstan.errors import WinstanError
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan.model import Model

COUNTS = (-1, 0, 1, 2, 4, 10, 1_000_000)
"""Ends of the numbers of divergences by which fits are parted."""
LABELS = ("0", "1", "2", "3 to 4", "5 to 10", "more")


def _fitted(model: Model, seed: int, **settings: Any) -> Fit:
    options = Settings(seed=seed, cores=1, progress=False, **settings)
    return fit_by(Fit, backend_named("stan"), model, options, perf_counter())


def differences(fit: Fit, reference: Fit) -> pd.DataFrame:
    """Return each parameter's z from the reference, in Monte Carlo errors of both, and in sds."""
    a, b = fit.summary(), reference.summary()
    gap = a["mean"] - b["mean"]
    return pd.DataFrame(
        {"z": gap / np.hypot(a["mcse_mean"], b["mcse_mean"]), "of_sd": gap / b["sd"]}
    )


def _simulated_fits(sets: int) -> Iterator[tuple[str, int, bool, pd.DataFrame]]:
    """Fit data of the corners at the default step, and those that diverged at 0.8 once more."""
    for name in CORNERS:
        make = simulated(name)
        for seed in range(sets):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    fit = _fitted(make(seed), seed)
                except WinstanError:
                    continue
                n = fit.diagnostics.n_divergent
                if n == 0 and seed % 4:  # some, to compare with
                    continue
                careful = _fitted(fit.model, seed + 1, target_accept=0.995, draws=5000, warmup=1000)
            yield name, n, bool(fit.diagnostics.ok), differences(fit, careful)


def _centred_fits(fits: int) -> Iterator[tuple[str, int, bool, pd.DataFrame]]:
    truth: Fit | None = None
    for accept in (0.8, 0.95, 0.99, 0.999):
        for seed in range(fits):
            fit = centred_schools(seed, accept)
            if truth is None:
                from benchmarks.verdict_fits import SCHOOLS, SCHOOLS_PRIORS, quiet_fit  # noqa

                truth = quiet_fit(
                    "y | se(se) ~ 1 + (1|school)", SCHOOLS, priors=SCHOOLS_PRIORS, center=False,
                    seed=1, draws=20_000,
                )  # fmt: skip
            found = differences(fit, truth)
            yield "centred eight schools", fit.diagnostics.n_divergent, fit.diagnostics.ok, found


def divergence_study(sets: int) -> pd.DataFrame:
    """Hold fits with divergences to careful ones.

    Returns
    -------
    DataFrame
        Columns kind, divergences, fits, called, z_rms (root mean square of all parameters' z:
        1 where nothing is wrong), furthest_of_sd (the largest difference, in posterior sds).
    """
    rows = []
    for kind, runs in (("simulated", _simulated_fits(sets)), ("centred", _centred_fits(sets))):
        for name, n, ok, found in runs:
            z, furthest = np.square(found["z"]).mean(), found["of_sd"].abs().max()
            rows.append((kind, name, n, ok, z, furthest))
    table = pd.DataFrame(rows, columns=["kind", "name", "n", "ok", "z2", "of_sd"])
    table["divergences"] = pd.cut(table["n"], list(COUNTS), labels=list(LABELS))
    groups = table.groupby(["kind", "divergences"], observed=True, sort=False)
    out = groups.agg(
        fits=("n", "size"),
        called=("ok", lambda ok: int((~ok).sum())),
        z_rms=("z2", lambda z2: float(np.sqrt(z2.mean()))),
        furthest_of_sd=("of_sd", "max"),
    )
    return out.reset_index().sort_values(["kind", "divergences"], ascending=[False, True])
