"""Tasks side by side, by joblib; whatever happens, no sampler outlives the call."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pickle import PicklingError
from typing import TYPE_CHECKING, Any

from winstan.each.task import Outcome, Problem, fit_one
from winstan.errors import BackendError, OptionError
from winstan.progress import ProgressLine, duration

if TYPE_CHECKING:
    from collections.abc import Generator

    from winstan.each.parts import Parts
    from winstan.each.task import Question


_ROUND = 8
"""Groups a worker, at a time, where results come all at once (Dask, Ray)."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many groups are fitted at once, and whether joblib can hand results over as they come."""

    n_jobs: int
    as_they_come: bool


def workers_of(n_jobs: int | None) -> Workers:
    """Read ``n_jobs=``, or what `joblib.parallel_config` says, or take all processors.

    Raises
    ------
    OptionError
        If it is no number of jobs.
    """
    import joblib  # noqa: PLC0415 - a tenth of a second that `winstan.fit` should not pay
    from joblib.parallel import get_active_backend  # noqa: PLC0415

    if n_jobs is not None and (
        isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or not n_jobs
    ):
        raise OptionError(
            f"n_jobs= is how many groups are fitted at once (-1: one a processor), not {n_jobs!r}."
        )
    backend, configured = get_active_backend()
    wanted = n_jobs or configured or -1
    return Workers(joblib.effective_n_jobs(wanted), bool(backend.supports_return_generator))


def run_tasks(
    question: Question, parts: Parts, seeds: list[int], workers: Workers, progress: bool | None
) -> list[Outcome]:
    """Fit every group; return the outcomes in the groups' order.

    A worker that dies takes the groups that are not finished with it: they are failures. Each
    backend of joblib has errors of its own to say so; those of a fit are in its outcome.
    """
    n = len(parts.keys)
    done: dict[int, Outcome] = {}
    with ProgressLine(progress) as line:
        line.show(f"fitting {n:,} groups")
        try:
            with closing(_outcomes(question, parts, seeds, workers)) as outcomes:
                for i, outcome in outcomes:
                    done[i] = outcome
                    line.show(_progress(done, n, line.elapsed))
        except PicklingError as problem:
            raise OptionError(
                "The data, or what the formula calls, cannot be sent to another process"
                f" ({problem}). Use n_jobs=1, or joblib.parallel_config('threading')."
            ) from problem
        except Exception as problem:
            if not done:
                raise BackendError(_died(problem)) from problem
            lost = Problem("fit", "BackendError", _died(problem))
    for i in range(n):
        if i not in done:
            done[i] = Outcome(parts.keys[i], len(parts.rows[i]), seeds[i], problems=(lost,))
    return [done[i] for i in range(n)]


def _outcomes(
    question: Question, parts: Parts, seeds: list[int], workers: Workers
) -> Generator[tuple[int, Outcome]]:
    from joblib import Parallel, delayed  # noqa: PLC0415

    n_jobs = workers.n_jobs
    running: set[Any] = set()  # filled by threads only: processes have copies
    # Made as they are dispatched: only few groups are in memory twice
    tasks = (
        delayed(_numbered)(i, question, key, parts.part(i), seeds[i], running)
        for i, key in enumerate(parts.keys)
    )
    try:
        if workers.as_they_come:
            yield from Parallel(n_jobs, return_as="generator_unordered")(tasks)
            return
        with Parallel(n_jobs) as parallel:  # in rounds, of which those done are safe, and shown
            while done := parallel(islice(tasks, _ROUND * n_jobs)):
                yield from done
    except BaseException:
        for process in list(running):
            process.kill()
        raise


def _numbered(i: int, *task: Any) -> tuple[int, Outcome]:
    return i, fit_one(*task)


def _progress(done: dict[int, Outcome], n: int, elapsed: float) -> str:
    failed = sum(not outcome.fitted for outcome in done.values())
    left = duration(elapsed / len(done) * (n - len(done)))
    text = f"fitted {len(done):,} of {n:,} groups"
    return f"{text}{f', {failed:,} failed' if failed else ''}, {left} left"


def _died(problem: BaseException) -> str:
    name, said = type(problem).__name__, str(problem).partition("\n")[0]
    return (
        "A worker process died, most likely for want of memory: use fewer with n_jobs=."
        f" ({f'{name}: {said}' if said else name})"
    )
