"""The refit without some rows, wherever it runs, and the density of these rows under it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from winstan.building import refit_model
from winstan.convergence import convergence
from winstan.design import take_data
from winstan.design_warnings import silenced
from winstan.effects.joint_density import joint_log_density, unseen_rows
from winstan.fitted.attempts import Attempt, Sampling, attempt
from winstan.fitted.effects import contrast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from winstan._typing import Array
    from winstan.fitted.fitted_model import FittedModel
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Asked:
    """What all refits are asked.

    Attributes
    ----------
    model : Model
        Of all rows.
    sampling : Sampling
    contrasts : mapping of str to mapping
        By predictor, options of `Fit.contrast`.
    """

    model: Model
    sampling: Sampling
    contrasts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Rows that are left out of a refit.

    Attributes
    ----------
    label
        What they are called.
    at : ndarray of int, shape (n,)
        Places among the N rows of data.
    weight : ndarray, shape (n,)
        How many observations of each are left out.
    """

    label: Any
    at: np.ndarray
    weight: Array


@dataclass(frozen=True, slots=True, eq=False)
class Refit(Attempt):
    """What a refit gave.

    Attributes
    ----------
    label
    n_rows : int
        Left out.
    elpd : float
        Log of the mean, over draws, of the joint density of the rows left out.
    mcse : float
        Its Monte Carlo standard error.
    k : float
        Pareto k of the densities: above `good_k` of their number neither can be trusted.
    means : Series or None
        Posterior mean of every scalar; None if there is no fit.
    contrasts : mapping of str to DataFrame
    """

    label: Any
    n_rows: int
    elpd: float = np.nan
    mcse: float = np.nan
    k: float = np.nan
    means: pd.Series | None = None
    contrasts: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefitTasks:
    """All refits, as `winstan.parallel.run_tasks` takes them.

    Attributes
    ----------
    asked : Asked
    held : sequence of Held
    seed : int
        Refit i has that of ``numpy.random.SeedSequence(seed, spawn_key=(i,))``.
    """

    asked: Asked
    held: Sequence[Held]
    seed: int
    noun: ClassVar[str] = "refits"

    @property
    def n(self) -> int:
        """Number of refits."""
        return len(self.held)

    @property
    def fit(self) -> Callable[..., Refit]:
        """What does one."""
        return refit_one

    def own(self, i: int) -> tuple[Held, int]:
        """Return the rows that a refit is without, and its seed."""
        child = np.random.SeedSequence(self.seed, spawn_key=(i,))
        return self.held[i], int(child.generate_state(1, np.uint32)[0] >> 1)

    def lost(self, i: int, message: str) -> Refit:
        """Return a refit whose worker died."""
        held, seed = self.own(i)
        return Refit(held.label, held.at.size, seed=seed, error="BackendError", message=message)


def refit_one(asked: Asked, held: Held, seed: int, running: set[Any] | None = None) -> Refit:
    """Fit without some rows, and evaluate them. Errors are part of the outcome.

    Parameters
    ----------
    asked
    held
    seed
        Of the sampler.
    running
        As of `attempt`.
    """
    found = Refit(held.label, held.at.size, seed=seed)
    return attempt(found, lambda: _refitted(found, asked, held), running)


@silenced("all")
def _refitted(found: Refit, asked: Asked, held: Held) -> Refit:
    design = asked.model.design
    left = np.ones(design.row.size) if design.weights is None else design.weights.copy()
    left[held.at] -= held.weight
    weights = None if design.weights is None else left
    subset = take_data(design, left > 0, weights)
    wanted = asked.model.inputs
    model = refit_model(
        asked.model, subset.design, None if wanted is None else wanted.parametrization
    )
    fit = asked.sampling.fit(model, found.seed)
    unseen = unseen_rows(asked.model, held.at, held.weight, subset.places)
    elpd, mcse, k = mean_density(fit, joint_log_density(unseen, fit.joined(), found.seed))
    return replace(
        found,
        elpd=elpd,
        mcse=mcse,
        k=k,
        means=fit.summary()["mean"],
        contrasts={name: contrast(fit, name, **own) for name, own in asked.contrasts.items()},
        diagnostics=fit.diagnostics,
    )


def mean_density(fit: FittedModel, log_density: Array) -> tuple[float, float, float]:
    """Return the log of the mean density over draws, its Monte Carlo standard error, and Pareto k.

    Where hardly any draw has most of the density, the mean is luck, and the error too small.
    """
    from arviz_stats.base import array_stats  # noqa: PLC0415 - it takes its time

    top = float(log_density.max())
    if not np.isfinite(top):
        return top, np.nan, np.nan
    density = np.exp(log_density - top)
    mean = float(density.mean())
    by_chain = density.reshape(fit.draws["posterior"].sizes["chain"], -1, 1)
    error = float(convergence(by_chain).mcse_mean[0] / mean)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        _, k = array_stats.psislw(-np.maximum(log_density - top, -700.0))
    # One draw has it all: no tail to fit
    return top + float(np.log(mean)), error, float(k) if np.isfinite(k) else np.inf


def good_k(n_draws: int) -> float:
    """Return the Pareto k up to which a mean of so many draws can be trusted.

    Notes
    -----
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), J. Machine Learning Research 25(72).
    """
    return min(1 - 1 / np.log10(n_draws), 0.7)
