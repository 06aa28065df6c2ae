"""`calibrate`: simulation-based calibration of a model on the user's own design."""

from __future__ import annotations

import secrets
from time import perf_counter
from typing import TYPE_CHECKING, Any

from winstan.backends import Settings, one_backend
from winstan.building import model_and_frame
from winstan.calibration.result import Calibration, result_of
from winstan.calibration.simulation import simulator_of
from winstan.calibration.task import Asked, SimulationTasks
from winstan.design_warnings import GUARDS, silenced
from winstan.effects.replicates import check_seed
from winstan.errors import (
    BackendError,
    ConvergenceWarning,
    FailureWarning,
    OptionError,
    warn_user,
)
from winstan.fit_class import Fit
from winstan.fitted.attempts import Sampling
from winstan.formula.scope import namespace_of_caller
from winstan.keywords import explains_keywords
from winstan.options import check_flags, check_probability, check_whole, refuse_beside_fit
from winstan.parallel import run_tasks, workers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan.families import Family
    from winstan.model import Model
    from winstan.priors import Prior

LEAST = 10
"""Simulations from which ranks can say anything."""
_OF_ROWS = ("missing_rows", "zero_weights", "zero_trials")


@explains_keywords
def calibrate(
    formula: str | Sequence[str] | Fit,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    simulations: int = 100,
    alarms: float = 0.01,
    n_jobs: int | None = None,
    backend: str | None = None,
    link: str | None = None,
    priors: Mapping[str, Prior] | None = None,
    center: bool = True,
    weights: str | None = None,
    trials: str | int | None = None,
    chains: int = 4,
    warmup: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    target_accept: float | None = None,
    cores: int | None = None,
    progress: bool | None = None,
    sampler: str | None = None,
    parametrization: str | Mapping[str, str] | None = None,
    **formulas: str,
) -> Calibration:
    """Check by simulation that a model's posteriors hold what they say, on your own design.

    Parameters are drawn from the priors, responses of all rows from the family, and the model is
    fitted to them: the rank of each parameter among its posterior draws is then uniform, if model,
    sampler and priors are as stated. So are the ranks of contrasts and of the log likelihood, which
    sees errors that parameters one by one do not. Posterior draws are thinned to about independent
    ones by their effective sample size.

    Parameters
    ----------
    formula, data, family, **formulas
        As for `winstan.fit`; the data's response is needed for its scale, from which default
        priors follow, its limits and its categories. Or a fit, whose model it is then.
    simulations
        How many; 100 find errors as large as half a posterior sd.
    alarms
        The probability that a model without fault is called miscalibrated.
    n_jobs
        Simulations at once, as for `winstan.fit_each`.
    priors
        As for `winstan.fit`; all are proper. Default priors are those of the user's data, in every
        simulation. They are wide: under links such as the logarithm give priors that you believe,
        or most simulated data are like none that you will have.
    backend, link, center, weights, trials, chains, warmup, draws, target_accept, cores, progress, \
sampler, parametrization
        As for `winstan.fit_each`; weights are refused.
    seed
        Each simulation has random numbers of its own, made of this seed and of its number: results
        do not depend on `n_jobs`.

    Returns
    -------
    Calibration
        With ``table``, ``verdict``, ``plot()``, and all ranks.

    Raises
    ------
    FormulaError, DataError, FamilyError, PriorError, OptionError
        Before any sampling.
    BackendError
        If the backend is missing, or no simulation could be fitted.

    Warns
    -----
    DesignWarning
        If rows were left out.
    ConvergenceWarning
        If ranks are not uniform.
    FailureWarning
        If some simulations have no fit.

    Notes
    -----
    Ranks by Talts, Betancourt, Simpson, Vehtari and Gelman (2018), arXiv:1804.06788; of the log
    likelihood by Modrak et al. (2023), Bayesian Analysis. Each p-value is exact for the whole
    distribution function of the ranks (Sailynoja, Burkner and Vehtari 2022, Statistics and
    Computing 32, 32); `alarms` holds for all quantities together by Holm's method. The random
    numbers of simulation k are those of ``numpy.random.SeedSequence(seed, spawn_key=(k,))``.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_trials=10, seed=1)
    >>> priors = {"Intercept": ws.Normal(2, 1), "b": ws.Normal(0, 0.5), "sd": ws.HalfNormal(0.5)}
    >>> found = ws.calibrate(
    ...     "Power ~ stim + (1|mouse)", trials, family="gamma", priors=priors, simulations=40
    ... )  # doctest: +SKIP
    >>> found.verdict  # doctest: +SKIP
    """
    check_flags(center=center, progress=progress)
    start = perf_counter()
    check_whole("simulations", simulations, LEAST)
    check_probability("alarms", alarms, 0.01)
    options = {
        "link": link,
        "priors": priors,
        "center": center,
        "weights": weights,
        "trials": trials,
        "parametrization": parametrization,
    }
    model = _model(formula, data, family, options, formulas)
    if backend is None:
        backend = formula.backend if isinstance(formula, Fit) else "stan"
    used = one_backend(backend, "calibrate", sampler=sampler)
    workers = workers_of(n_jobs)
    sampling: dict[str, Any] = {
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "target_accept": target_accept,
        "cores": 1 if cores is None and workers.n_jobs > 1 else cores,
        "progress": False,
        "sampler": sampler,
    }
    seed = secrets.randbelow(2**31 - 1) if seed is None else check_seed(seed)
    used.check(model, Settings(**sampling, seed=seed))
    simulator = simulator_of(model, parametrization)
    used.prepare(model, progress=progress)
    asked = Asked(simulator, Sampling(used.name, sampling))
    tasks = SimulationTasks(asked, simulations, seed)
    done = run_tasks(tasks, workers, progress)
    if not any(one.fitted for one in done):
        raise BackendError(
            f"All {simulations} simulations failed. The first: {done[0].error}: {done[0].message}"
        )
    result = result_of(model, done, alarms, used.name, seed, perf_counter() - start)
    _tell(result)
    return result


def _model(
    formula: str | Sequence[str] | Fit,
    data: Any,
    family: str | Family,
    options: Mapping[str, Any],
    formulas: Mapping[str, str],
) -> Model:
    """Return the fit's own model, or that of a formula and data."""
    if isinstance(formula, Fit):
        # Coordinates are no part of what a model says
        given = {name: value for name, value in options.items() if name != "parametrization"}
        refuse_beside_fit({"data": data, "family": family, **given, **formulas})
        return formula.model
    if data is None:
        raise OptionError("calibrate takes a formula and data, or a fit.")
    # Of a response that is not the one to be modelled; rows that are left out are of the design.
    with silenced([guard for guard in GUARDS if guard not in _OF_ROWS]):
        model, _ = model_and_frame(
            formula, data, family, namespace_of_caller(), formulas=formulas, **options
        )
    return model


def _tell(result: Calibration) -> None:
    failed = result.simulations[~result.simulations["fitted"]]
    if len(failed):
        first = failed.iloc[0]
        warn_user(
            f"{len(failed)} of {len(result.simulations)} simulations have no fit, and no ranks;"
            f" .simulations has them. The first: {first['error']}: {first['message']}",
            FailureWarning,
        )
    if not result.table["ok"].all():
        warn_user(result.verdict, ConvergenceWarning)
