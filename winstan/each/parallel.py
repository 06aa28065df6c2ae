"""Tasks side by side, by joblib; whatever happens, no sampler outlives the call."""

from __future__ import annotations

import pickle
from concurrent.futures import BrokenExecutor, Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from winstan.each.task import Outcome, Problem, fit_one
from winstan.errors import BackendError, OptionError
from winstan.progress import ProgressLine, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from winstan.each.parts import Parts
    from winstan.each.task import Question


# Groups a worker, at a time, where results come all at once (multiprocessing, Ray)
_ROUND = 8
# Errors by which Dask and Ray say that a worker died, beside BrokenExecutor
_LOSSES = frozenset(
    {
        *("KilledWorker", "CommClosedError", "CancelledError", "FutureCancelledError"),
        *("ActorDiedError", "WorkerCrashedError", "RayActorError"),
    }
)


@dataclass(frozen=True, slots=True)
class Workers:
    """How groups are run.

    Attributes
    ----------
    n_jobs
        Groups at once.
    as_they_come
        Whether joblib can hand results over one by one.
    sends
        Whether data go to other processes.
    """

    n_jobs: int
    as_they_come: bool
    sends: bool


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
    n_workers = joblib.effective_n_jobs(wanted)
    return Workers(
        n_workers,
        bool(backend.supports_return_generator),
        sends=n_workers > 1 and not getattr(backend, "supports_sharedmem", False),
    )


def run_tasks(
    question: Question, parts: Parts, seeds: list[int], workers: Workers, progress: bool | None
) -> list[Outcome]:
    """Fit every group; return the outcomes in the groups' order.

    Where workers die, the groups that are not finished are failures.

    Raises
    ------
    BackendError
        If no group at all was finished.
    OptionError
        If the data, or what the formula calls, cannot be sent to a worker.
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
        except _WorkersFailedError as problem:
            if not done:
                raise BackendError(str(problem)) from problem.__cause__
            lost = Problem("fit", "BackendError", str(problem))
    for i in range(n):
        if i not in done:
            done[i] = Outcome(parts.keys[i], len(parts.rows[i]), seeds[i], problems=(lost,))
    return [done[i] for i in range(n)]


class _WorkersFailedError(Exception):
    """What joblib's backend says when it can no more."""


def _outcomes(
    question: Question, parts: Parts, seeds: list[int], workers: Workers
) -> Generator[tuple[int, Outcome]]:
    """Give numbered outcomes as they come; a fit's own errors are within them."""
    from joblib import Parallel, delayed  # noqa: PLC0415

    n_jobs = workers.n_jobs
    asked = _sent(question, parts.part(0)) if workers.sends else question
    running: set[Any] = set()  # filled by threads only: processes have copies
    # Made as they are dispatched: only few groups are in memory twice
    tasks = (
        delayed(_numbered)(i, asked, key, parts.part(i), seeds[i], running)
        for i, key in enumerate(parts.keys)
    )
    try:
        if workers.as_they_come:
            with _failures_heard():
                yield from Parallel(n_jobs, return_as="generator_unordered")(tasks)
            return
        with Parallel(n_jobs) as parallel:  # in rounds: those done are safe, and shown
            while done := parallel(islice(tasks, _ROUND * n_jobs)):
                yield from done
    except BaseException as problem:
        for process in list(running):
            process.kill()
        if _is_loss(problem):
            raise _WorkersFailedError(_lost(problem)) from problem
        raise


@contextmanager
def _failures_heard() -> Iterator[None]:
    """Have joblib hear of tasks that Dask gives up, or it would wait for them for ever.

    joblib wants its callback called whether a task succeeds or fails (`BatchCompletionCallBack`),
    and its Dask backend calls it when one succeeds.
    """
    from joblib.parallel import get_active_backend  # noqa: PLC0415

    backend: Any = get_active_backend()[0]
    if type(backend).__name__ != "DaskDistributedBackend":
        yield
        return
    submit, retrieve = backend.submit, backend.retrieve_result_callback

    def submitted(func: Any, callback: Callable[[Any], None] | None = None) -> Future[Any]:
        future: Future[Any] = submit(func, callback)
        if callback is not None:
            future.add_done_callback(lambda done: callback(done) if done.exception() else None)
        return future

    def retrieved(out: Any) -> Any:
        return out.result() if isinstance(out, Future) else retrieve(out)

    backend.submit, backend.retrieve_result_callback = submitted, retrieved
    try:
        yield
    finally:
        del backend.submit, backend.retrieve_result_callback


def _sent(question: Question, data: Any) -> bytes:
    """Make a question ready to be sent, functions of the caller's own and all.

    What cannot be sent is refused here, since a cluster may wait for it for ever.
    """
    import cloudpickle  # noqa: PLC0415 - when something is sent

    try:
        cloudpickle.dumps(data)
        return bytes(cloudpickle.dumps(question))
    except Exception as problem:
        raise OptionError(
            "The data, or what the formula calls, cannot be sent to another process"
            f" ({problem}). Use n_jobs=1, or joblib.parallel_config('threading')."
        ) from problem


def _numbered(i: int, question: Question | bytes, *task: Any) -> tuple[int, Outcome]:
    asked = pickle.loads(question) if isinstance(question, bytes) else question
    return i, fit_one(asked, *task)


def _progress(done: dict[int, Outcome], n: int, elapsed: float) -> str:
    failed = sum(not outcome.fitted for outcome in done.values())
    left = duration(elapsed / len(done) * (n - len(done)))
    text = f"fitted {len(done):,} of {n:,} groups"
    return f"{text}{f', {failed:,} failed' if failed else ''}, {left} left"


def _is_loss(problem: BaseException) -> bool:
    names = {kind.__name__ for kind in type(problem).__mro__}
    return isinstance(problem, BrokenExecutor) or bool(names & _LOSSES)


def _lost(problem: BaseException) -> str:
    name, said = type(problem).__name__, str(problem).partition("\n")[0]
    return (
        "A worker process died, most likely for want of memory: use fewer with n_jobs=."
        f" ({f'{name}: {said}' if said else name})"
    )
