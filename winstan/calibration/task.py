"""One simulation: parameters from the priors, data from them, a fit, and the ranks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from winstan.calibration.quantities import quantities
from winstan.convergence import convergence
from winstan.errors import DataError
from winstan.fitted.attempts import Attempt, Sampling, attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array
    from winstan.calibration.simulation import Simulator
    from winstan.fitted import FittedModel

# Draws whose quantities are evaluated, at most: contrasts of many rows take their time.
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What all simulations are asked.

    Attributes
    ----------
    simulator : Simulator
    sampling : Sampling
    """

    simulator: Simulator
    sampling: Sampling


@dataclass(frozen=True, slots=True, eq=False)
class Simulation(Attempt):
    """What a simulation gave.

    Attributes
    ----------
    number : int
        From 0 up.
    seconds : float
    names, kinds : tuple of str
        Of the quantities, Q.
    truth, mean, sd : ndarray, shape (Q,)
        What was drawn, and mean and sd of the posterior.
    rank : ndarray of int, shape (Q,)
        Posterior draws below the truth, of `draws`; of equal ones some, at random.
    draws : ndarray of int, shape (Q,)
        Posterior draws kept, about independent.
    pit : ndarray, shape (Q,)
        ``(rank + u) / (draws + 1)`` with u uniform: uniform on (0, 1) if all is right, whatever
        the number of draws. Missing where the truth is no number.
    """

    number: int
    seconds: float = 0.0
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    truth: Array = field(default_factory=lambda: np.empty(0))
    mean: Array = field(default_factory=lambda: np.empty(0))
    sd: Array = field(default_factory=lambda: np.empty(0))
    rank: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    draws: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    pit: Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class SimulationTasks:
    """All simulations, as `winstan.parallel.tasks.run_tasks` takes them.

    Attributes
    ----------
    asked : Asked
    n : int
    seed : int
    """

    asked: Asked
    n: int
    seed: int
    noun: ClassVar[str] = "simulations"

    @property
    def fit(self) -> Callable[..., Simulation]:
        """What does one."""
        return simulate_one

    def own(self, i: int) -> tuple[int, int]:
        """Return the number of a simulation, and the seed of all."""
        return i, self.seed

    def lost(self, i: int, message: str) -> Simulation:
        """Return a simulation whose worker died."""
        return Simulation(i, seed=self.seed, error="BackendError", message=message)


def simulate_one(
    asked: Asked, number: int, seed: int, running: set[Any] | None = None
) -> Simulation:
    """Simulate, fit and rank. Errors are part of the outcome.

    Parameters
    ----------
    asked
    number
        Of the simulation: its random numbers are of this and of the seed alone.
    seed
        Of all.
    running
        As of `attempt`.
    """
    start = perf_counter()
    of_data, of_sampler, of_ranks = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(3)
    own = int(of_sampler.generate_state(1, np.uint32)[0] >> 1)
    found = Simulation(number, seed=own)

    def simulated() -> Simulation:
        truth, model = asked.simulator.draw(of_data)
        fit = asked.sampling.fit(model, own)
        return _ranked(found, asked.simulator, fit, truth, np.random.default_rng(of_ranks))

    done = attempt(found, simulated, running)
    return replace(done, seconds=perf_counter() - start)


def _ranked(
    found: Simulation,
    simulator: Simulator,
    fit: FittedModel,
    truth: Mapping[str, Array],
    rng: np.random.Generator,
) -> Simulation:
    model, chains = fit.model, fit.diagnostics.n_chains
    posterior = {name: _thinned(values, chains) for name, values in fit.joined().items()}
    at_truth = quantities(model, truth)
    drawn = quantities(model, posterior).values
    found_ess = convergence(np.nan_to_num(drawn).reshape(chains, -1, drawn.shape[1]))
    ess = np.fmin(found_ess.ess_bulk, found_ess.ess_tail)
    possible = simulator.possible(posterior)
    if not possible.any():
        raise DataError(
            "No draw of the posterior is one that the priors of the user's data can give: a "
            "parameter that the least response bounds is above that of the user's data in all of "
            f"{len(drawn):,}, so that the truth has no rank among them."
        )
    truths = at_truth.values[0]
    rank, draws = np.empty((2, truths.size), int)
    for q, truth_of_q in enumerate(truths):
        step = int(np.ceil(len(drawn) / max(1.0, float(np.nan_to_num(ess[q], nan=1.0)))))
        own = drawn[possible, q][::step]
        below, equal = np.count_nonzero(own < truth_of_q), np.count_nonzero(own == truth_of_q)
        rank[q], draws[q] = below + rng.integers(equal + 1), own.size
    return replace(
        found,
        names=at_truth.names,
        kinds=at_truth.kinds,
        truth=truths,
        mean=drawn.mean(axis=0),
        sd=drawn.std(axis=0, ddof=1),
        rank=rank,
        draws=draws,
        pit=np.where(np.isnan(truths), np.nan, (rank + rng.random(rank.size)) / (draws + 1)),
        diagnostics=fit.diagnostics,
    )


def _thinned(values: Array, chains: int) -> Array:
    """Take every so many draws of each chain, chain after chain: `_DRAWS` in all, or all."""
    by_chain = values.reshape(chains, -1, *values.shape[1:])
    step = max(1, by_chain.shape[1] * chains // _DRAWS)
    thinned = by_chain[:, ::step]
    return thinned.reshape(-1, *values.shape[1:])
