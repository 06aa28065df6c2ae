"""One simulated study: data from the truth, and what each analysis finds in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from winstan.backends import Settings, backend_named
from winstan.effects.intervals import summarise_values
from winstan.errors import collected_warnings
from winstan.fitted import FittedModel
from winstan.fitted.pipeline import fit_by
from winstan.planning.analyses import true_values
from winstan.planning.targets import with_sizes
from winstan.planning.truth import with_effects
from winstan.toolchain import run as runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan._typing import Array
    from winstan.calibration.simulation import Simulator
    from winstan.families.sample import Limits
    from winstan.options import Interval
    from winstan.planning.analyses import Analyses, Method
    from winstan.planning.targets import Targets
    from winstan.planning.truth import Truth
    from winstan.priors import Prior


@dataclass(frozen=True, slots=True, eq=False)
class StudyPlan:
    """The studies of one size, with or without an effect.

    Attributes
    ----------
    simulator : Simulator
        What draws responses for the rows of the layout.
    truth : Truth
        Where all studies have the same parameters, these have the effect already.
    null : bool
        Whether there is no effect.
    analyses : Analyses or str
        What LME and ANOVA are given, or why there is none.
    known : mapping of str to ndarray, shape (contrasts,)
        By method, what it estimates, where all studies have the same parameters.
    """

    simulator: Simulator
    truth: Truth
    null: bool
    analyses: Analyses | str
    known: Mapping[Method, Array] = field(default_factory=dict)

    def parameters(self, targets: Targets, rng: np.random.Generator) -> dict[str, Array]:
        """Draw the parameters of a study, with the effect that is wanted, and its groups."""
        model, drawn = self.simulator.model, self.truth.draw(rng)
        if not self.truth.known:
            drawn = with_sizes(model, targets, drawn, null=self.null)
        return with_effects(model, drawn, rng)

    def true_values(
        self, targets: Targets, parameters: Mapping[str, Array], method: Method
    ) -> Array:
        """Return the contrasts that a method estimates, shape (contrasts,)."""
        if method in self.known:
            return self.known[method]
        if method == "bayes":
            found = targets.ask(self.simulator.model, parameters, rope=None)
            return np.concatenate([one.draws[0, :, 0] for one in found])
        assert not isinstance(self.analyses, str)
        return true_values(self.analyses, self.simulator.model, targets, parameters)


@dataclass(frozen=True, slots=True, eq=False)
class StudyQuestion:
    """What all simulated studies are asked.

    Attributes
    ----------
    targets : Targets
    methods : tuple of str
    priors : mapping or None
        The user's; the others are the defaults for each study's data.
    prob : float
    interval : {"hdi", "eti"}
    backend : str
    sampling : mapping
        Fields of `Settings`, all but the seed.
    """

    targets: Targets
    methods: tuple[Method, ...]
    priors: Mapping[str, Prior] | None
    prob: float
    interval: Interval
    backend: str
    sampling: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class MethodAnswer:
    """What an analysis found in a study: nothing, if it has an error.

    Attributes
    ----------
    values : ndarray, shape (contrasts, 4)
        Estimate, the ends of its interval, and what it is in truth.
    ok : bool
        Whether it is to be trusted: a posterior has converged.
    error : str
    """

    values: Array = field(default_factory=lambda: np.empty((0, 4)))
    ok: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedStudy:
    """What a study gave.

    Attributes
    ----------
    plan : int
    number : int
        Of the study, among those of its plan.
    seconds : float
    found : mapping of str to MethodAnswer
        By method; none where the data could not be simulated.
    error : str
        Why they could not.
    """

    plan: int
    number: int
    seconds: float = 0.0
    found: Mapping[str, MethodAnswer] = field(default_factory=dict)
    error: str = ""

    @property
    def fitted(self) -> bool:
        """Whether it has been analysed by all methods."""
        return not self.error and not any(one.error for one in self.found.values())


@dataclass(frozen=True, slots=True)
class StudyTasks:
    """All studies, as `winstan.parallel.tasks.run_tasks` takes them.

    Attributes
    ----------
    asked : StudyQuestion
    plans : list of StudyPlan
    simulations : int
        Of each plan.
    seed : int
    """

    asked: StudyQuestion
    plans: list[StudyPlan]
    simulations: int
    seed: int
    noun: ClassVar[str] = "simulated studies"

    @property
    def n(self) -> int:
        """Number of studies."""
        return len(self.plans) * self.simulations

    @property
    def fit(self) -> Callable[..., SimulatedStudy]:
        """What does one."""
        return simulate_study

    def own(self, i: int) -> tuple[StudyPlan, int, int, int]:
        """Return the plan of a study, which it is, its number in it, and the seed of all."""
        plan, number = divmod(i, self.simulations)
        return self.plans[plan], plan, number, self.seed

    def lost(self, i: int, message: str) -> SimulatedStudy:
        """Return a study whose worker died."""
        return SimulatedStudy(*divmod(i, self.simulations), error=message)


def simulate_study(
    asked: StudyQuestion,
    plan: StudyPlan,
    place: int,
    number: int,
    seed: int,
    running: set[Any] | None = None,
) -> SimulatedStudy:
    """Simulate a study and analyse it. Errors are part of the outcome.

    Parameters
    ----------
    asked
    plan
    place
        Of the plan among all.
    number
        Of the study: its random numbers are of this, of the plan's place and of the seed alone.
    seed
        Of all.
    running
        As for `winstan.each.task.fit_one`.
    """
    start = perf_counter()
    of_data, of_sampler = np.random.SeedSequence(seed, spawn_key=(place, number)).spawn(2)
    rng = np.random.default_rng(of_data)
    study = SimulatedStudy(place, number)
    token = runner.RUNNING.set(running)
    try:
        with collected_warnings():
            parameters = plan.parameters(asked.targets, rng)
            response = plan.simulator.respond(parameters, rng)
            own = int(of_sampler.generate_state(1, np.uint32)[0] >> 1)
            found: dict[str, MethodAnswer] = {
                method: _found(asked, plan, parameters, response, method, own)
                for method in asked.methods
            }
            study = replace(study, found=found)
    except Exception as error:  # one study must not end the others
        study = replace(study, error=f"{type(error).__name__}: {error}")
    finally:
        runner.RUNNING.reset(token)
    return replace(study, seconds=perf_counter() - start)


def _found(
    asked: StudyQuestion,
    plan: StudyPlan,
    parameters: Mapping[str, Array],
    response: tuple[Array, Limits | None],
    method: Method,
    seed: int,
) -> MethodAnswer:
    try:
        truth = plan.true_values(asked.targets, parameters, method)
        if method == "bayes":
            answer, ok = _posterior(asked, plan.simulator, response, seed)
        else:
            assert not isinstance(plan.analyses, str)
            answer, ok = plan.analyses.answer(method, response[0], asked.prob), True
    except Exception as error:  # nor one analysis the others
        return MethodAnswer(error=f"{type(error).__name__}: {error}")
    return MethodAnswer(np.column_stack([answer, truth]), ok)


def _posterior(
    asked: StudyQuestion, simulator: Simulator, response: tuple[Array, Limits | None], seed: int
) -> tuple[Array, bool]:
    """Return means and intervals, shape (contrasts, 3), and whether the posterior converged."""
    model = simulator.model_of(response, asked.priors)
    settings = Settings(**asked.sampling, seed=seed)
    fit = fit_by(FittedModel, backend_named(asked.backend), model, settings, perf_counter())
    rows = []
    for result in asked.targets.ask(model, fit.joined(), rope=None):
        found = summarise_values(result.draws[:, :, 0], asked.prob, asked.interval)
        mean, _, lower, upper = found.values()
        rows.append(np.column_stack([mean, lower, upper]))
    return np.concatenate(rows), fit.diagnostics.ok
