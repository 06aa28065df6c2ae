"""The arithmetic of the benchmark: the quality of draws, their agreement, medians of fits."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.engine import Sample

FALSE_ALARMS = 1e-4
"""Chance that means which agree are said not to, for one pair of engines on one design: about one
in a hundred for any of the hundred pairs of a whole run."""


@dataclass(frozen=True, slots=True)
class Means:
    """Posterior means of P scalars: names, means and their Monte Carlo standard errors."""

    names: tuple[str, ...]
    mean: np.ndarray
    mcse: np.ndarray


@dataclass(frozen=True, slots=True)
class FitRecord:
    """One fit.

    Attributes
    ----------
    wall
        In seconds.
    bulk, tail
        The smallest effective sample sizes over all parameters and group effects.
    r_hat
        The largest.
    steps
        Gradient evaluations per draw after warm-up.
    divergences
        How many there are.
    sampling
        Seconds that the sampler took, of `wall`, as the engine says.
    """

    wall: float
    bulk: float = float("nan")
    tail: float = float("nan")
    r_hat: float = float("nan")
    steps: float = float("nan")
    divergences: float = float("nan")
    sampling: float = float("nan")


def judged(sample: Sample, wall: float) -> tuple[FitRecord, Means]:
    """Measure draws, those of every engine by the same functions, ArviZ's."""
    import arviz_stats  # noqa: PLC0415 - after the cold fit
    import xarray as xr  # noqa: PLC0415

    if not sample.posterior:
        return FitRecord(wall), Means((), np.empty(0), np.empty(0))
    names, columns = flat(sample.posterior)
    posterior = xr.Dataset({"x": (("chain", "draw", "scalar"), columns)})

    def each(function: object, **options: str) -> np.ndarray:
        return function(posterior, **options)["x"].to_numpy()  # type: ignore[operator]

    record = FitRecord(
        wall=wall,
        bulk=float(each(arviz_stats.ess, method="bulk").min()),
        tail=float(each(arviz_stats.ess, method="tail").min()),
        r_hat=float(each(arviz_stats.rhat).max()),
        steps=float("nan") if sample.steps is None else float(np.mean(sample.steps)),
        divergences=float("nan") if sample.diverging is None else float(np.sum(sample.diverging)),
        sampling=sample.seconds,
    )
    mcse = each(arviz_stats.mcse, method="mean")
    return record, Means(names, columns.mean(axis=(0, 1)), mcse)


def flat(posterior: Mapping[str, np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    """Put variables side by side: names of the scalars, and (chains, draws, scalars)."""
    names: list[str] = []
    parts = []
    for name, values in posterior.items():
        part = np.asarray(values, float).reshape(*values.shape[:2], -1)
        names += [f"{name}.{i}" for i in range(part.shape[2])] if values.ndim > 2 else [name]
        parts.append(part)
    return tuple(names), np.concatenate(parts, axis=2)


def largest_z(a: Means, b: Means) -> float:
    """Return the largest difference of means in units of its Monte Carlo standard error.

    Raises
    ------
    ValueError
        If the two are not of the same scalars.
    """
    if sorted(a.names) != sorted(b.names):
        raise ValueError("the engines report different parameters")
    at = np.argsort(a.names), np.argsort(b.names)
    difference = np.abs(a.mean[at[0]] - b.mean[at[1]])
    return float(np.max(difference / np.hypot(a.mcse[at[0]], b.mcse[at[1]])))


def z_bar(n_scalars: int) -> float:
    """Return what the largest |z| of so many passes once in 1 / `FALSE_ALARMS` (Bonferroni)."""
    return float(stats.norm.isf(FALSE_ALARMS / 2 / n_scalars))


def typical(fits: Sequence[FitRecord]) -> dict[str, float]:
    """Summarise fits of one engine on one design.

    Returns
    -------
    dict
        Medians of wall seconds, of those of sampling, of the ESS, and of the ESS/s of each fit; the
        worst R-hat and the most divergences.
    """
    median = statistics.median
    return {
        "wall": median(f.wall for f in fits),
        "sampling": median(f.sampling for f in fits),
        "ess_bulk": median(f.bulk for f in fits),
        "ess_tail": median(f.tail for f in fits),
        "bulk_per_s": median(f.bulk / f.wall for f in fits),
        "tail_per_s": median(f.tail / f.wall for f in fits),
        "gradients": median(f.steps for f in fits),
        "r_hat": max(f.r_hat for f in fits),
        "divergences": max(f.divergences for f in fits),
    }
