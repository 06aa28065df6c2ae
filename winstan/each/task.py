"""The fit of one group, wherever it runs: what goes in, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from winstan.backends import Settings, backend_named
from winstan.errors import collected_warnings
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by, model_from
from winstan.toolchain import run as runner

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import numpy as np
    import pandas as pd

    from winstan.diagnostics import Diagnostics
    from winstan.each.groups import Parts
    from winstan.families import Family
    from winstan.model import Model
    from winstan.options import Interval


@dataclass(frozen=True, slots=True)
class Question:
    """What all groups are asked.

    Attributes
    ----------
    formula : str
    family : Family
    backend : str
    namespace : mapping
        What the formula calls of the caller's own.
    model : mapping
        Options of `winstan.fitted.pipeline.model_from`.
    sampling : mapping
        Fields of `Settings`, all but the seed.
    contrasts : mapping of str to mapping
        By predictor, options of `Fit.contrast`.
    prob, interval
        Of the tables.
    keep_fits : bool
    categories : tuple or None
        Of a response of categories, those of all groups: each has the same ones, in one order.
    """

    formula: str
    family: Family
    backend: str
    namespace: Mapping[str, Any]
    model: Mapping[str, Any]
    sampling: Mapping[str, Any]
    contrasts: Mapping[str, Mapping[str, Any]]
    prob: float
    interval: Interval
    keep_fits: bool
    categories: tuple[Any, ...] | None = None

    def model_of(self, data: Any, rows: np.ndarray) -> Model:
        """Go from a group's data, and where their rows stand in the user's, to their model.

        Errors are those of `winstan.fit`.
        """
        return model_from(
            self.formula,
            data,
            self.family,
            self.namespace,
            rows=rows,
            categories=self.categories,
            **self.model,
        )

    def settings(self, seed: int) -> Settings:
        """Return how a group of this seed is sampled."""
        return Settings(**self.sampling, seed=seed)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with a group: in which step, the error's type and its message."""

    step: str
    error: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a group's fit gave.

    Attributes
    ----------
    key
        The group.
    rows : int
        Of the data; those that the model leaves out are counted.
    seed : int
    seconds : float
        From its rows to its tables.
    summary : DataFrame or None
        None if there is no fit.
    diagnostics : Diagnostics or None
    contrasts : mapping of str to DataFrame
        By predictor.
    warnings : tuple of Warning
    problems : tuple of Problem
    fit : Fit or None
        Only where it is to be kept.
    """

    key: Hashable
    rows: int
    seed: int
    seconds: float = 0.0
    summary: pd.DataFrame | None = None
    diagnostics: Diagnostics | None = None
    contrasts: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
    problems: tuple[Problem, ...] = ()
    fit: Fit | None = None

    @property
    def fitted(self) -> bool:
        """Whether there is a fit."""
        return self.diagnostics is not None


@dataclass(frozen=True, slots=True)
class GroupTasks:
    """The fits of all groups, as `winstan.parallel.tasks.run_tasks` takes them.

    Attributes
    ----------
    asked : Question
    parts : Parts
    seeds : list of int
    """

    asked: Question
    parts: Parts
    seeds: list[int]
    noun: ClassVar[str] = "groups"

    @property
    def n(self) -> int:
        """Number of groups."""
        return len(self.parts.keys)

    @property
    def fit(self) -> Callable[..., Outcome]:
        """What fits one."""
        return fit_one

    def own(self, i: int) -> tuple[Any, ...]:
        """Return what a group's fit is given beside the question."""
        return self.parts.keys[i], self.parts.part(i), self.parts.positions(i), self.seeds[i]

    def lost(self, i: int, message: str) -> Outcome:
        """Return the outcome of a group whose worker died."""
        said = Problem("fit", "BackendError", message)
        rows = len(self.parts.rows[i])
        return Outcome(self.parts.keys[i], rows, self.seeds[i], problems=(said,))


def fit_one(
    question: Question,
    key: Hashable,
    data: Any,
    rows: np.ndarray,
    seed: int,
    running: set[Any] | None = None,
) -> Outcome:
    """Fit one group. Its errors are part of the outcome, and so are its warnings.

    Parameters
    ----------
    question
    key
        The group.
    data
        Its rows.
    rows : ndarray of int
        Where they stand in the user's frame.
    seed
        Its seed.
    running
        Where the sampler's processes are put while they run, for a caller in another thread.
    """
    start = perf_counter()
    found = Outcome(key, len(data), seed)
    token = runner.RUNNING.set(running)
    try:
        with collected_warnings() as warned:
            found = _fitted(found, question, data, rows)
    finally:
        runner.RUNNING.reset(token)
    return replace(found, seconds=perf_counter() - start, warnings=tuple(warned))


def _fitted(found: Outcome, question: Question, data: Any, rows: np.ndarray) -> Outcome:
    """Fill the outcome in, as far as it goes."""
    backend, settings = backend_named(question.backend), question.settings(found.seed)
    try:
        fit = fit_by(Fit, backend, question.model_of(data, rows), settings, perf_counter())
        summary = fit.summary(prob=question.prob, interval=question.interval)
    except Exception as error:  # one group must not end the others
        return replace(found, problems=(_problem("fit", error),))
    contrasts, problems = {}, []
    for name, options in question.contrasts.items():
        asked = {"prob": question.prob, "interval": question.interval, **options}
        try:
            contrasts[name] = fit.contrast(name, **asked)
        except Exception as error:
            problems.append(_problem(f"contrast {name}", error))
    return replace(
        found,
        summary=summary,
        diagnostics=fit.diagnostics,
        contrasts=contrasts,
        problems=tuple(problems),
        fit=fit if question.keep_fits else None,
    )


def _problem(step: str, error: Exception) -> Problem:
    return Problem(step, type(error).__name__, str(error))
