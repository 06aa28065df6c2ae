"""joblib's workers: how many there are, what can be sent to them, how one hears of their death."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winstan.errors import BackendError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# Errors by which Dask and Ray say that a worker died, beside BrokenExecutor; and joblib's where a
# cluster has no worker left and none comes (TimeoutError).
_LOSSES = frozenset(
    {
        *("KilledWorker", "CommClosedError", "CancelledError", "FutureCancelledError"),
        "TimeoutError",
        *("ActorDiedError", "WorkerCrashedError", "RayActorError"),
    }
)


class WorkersFailedError(Exception):
    """What joblib's backend says when a worker has died."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How groups are run.

    Attributes
    ----------
    n_jobs
        Groups at once.
    here
        Whether they are fitted by the caller itself, one after the other.
    as_they_come
        Whether joblib can hand results over one by one.
    sends
        Whether data go to other processes.
    """

    n_jobs: int
    here: bool
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
    # Dask's cluster of one processor is a cluster; but one job at once is not asked of a cluster.
    here = wanted == 1 or (n_workers == 1 and not _is_dask(backend))
    shares = getattr(backend, "supports_sharedmem", False)
    return Workers(n_workers, here, bool(backend.supports_return_generator), not (here or shares))


def sent(what: Any) -> bytes:
    """Make a question or data ready to be sent, functions of the caller's own and all.

    What cannot be sent is refused here, since a cluster may wait for it for ever. As bytes they are
    part of a task: data by themselves joblib gives to one worker of Dask's, to be lost with it.

    Raises
    ------
    OptionError
        If the data, or what the formula calls, cannot be sent to a worker.
    """
    import cloudpickle  # noqa: PLC0415 - when something is sent

    try:
        return bytes(cloudpickle.dumps(what))
    except Exception as problem:
        raise OptionError(
            "The data, or what the formula calls, cannot be sent to another process"
            f" ({problem}). Use n_jobs=1, or joblib.parallel_config('threading')."
        ) from problem


@contextmanager
def losses_heard() -> Iterator[None]:
    """Raise `WorkersFailedError` where a worker dies; leave nothing running on Dask's cluster.

    This leans on the insides of joblib's Dask backend, and tests with a cluster hold it to them.
    joblib wants its callback called whether a task succeeds or fails (`BatchCompletionCallBack`),
    and its Dask backend calls it when one succeeds: of tasks that Dask gives up it would not hear,
    and wait for them for ever. And where a cluster has one processor, or has one left, joblib would
    run tasks in the caller's own process, which one of them may be about to kill.
    """
    from joblib.parallel import get_active_backend  # noqa: PLC0415

    backend: Any = get_active_backend()[0]
    on_dask = _is_dask(backend)
    if on_dask:
        submit, retrieve = backend.submit, backend.retrieve_result_callback
        processors = backend.effective_n_jobs

        def submitted(func: Any, callback: Callable[[Any], None] | None = None) -> Future[Any]:
            future: Future[Any] = submit(func, callback)
            if callback is not None:
                future.add_done_callback(lambda done: callback(done) if done.exception() else None)
            return future

        def retrieved(out: Any) -> Any:
            return out.result() if isinstance(out, Future) else retrieve(out)

        backend.submit, backend.retrieve_result_callback = submitted, retrieved
        backend.effective_n_jobs = lambda n_jobs: max(2, processors(n_jobs) or 0)
    try:
        yield
    except BaseException as problem:
        if _is_loss(problem):
            raise WorkersFailedError(_said(problem)) from problem
        if isinstance(problem, ImportError):
            raise BackendError(
                f"A worker cannot load what a fit needs ({problem}). Install the same winstan, and"
                " the same packages, for all workers."
            ) from problem
        raise
    finally:
        if on_dask:
            del backend.submit, backend.retrieve_result_callback, backend.effective_n_jobs
            left = list(backend._results)  # joblib forgets them, and Dask would work them off
            backend._results.clear()
            backend._callbacks.clear()
            if left:
                backend.client.cancel(left)


def _is_dask(backend: Any) -> bool:
    return "DaskDistributedBackend" in _names(backend)


def _is_loss(problem: BaseException) -> bool:
    return isinstance(problem, BrokenExecutor) or not _LOSSES.isdisjoint(_names(problem))


def _names(thing: object) -> list[str]:
    """Return the names of its classes: the packages that have them may not be installed."""
    return [kind.__name__ for kind in type(thing).__mro__]


def _said(problem: BaseException) -> str:
    name, said = type(problem).__name__, str(problem).partition("\n")[0]
    return (
        "A worker process died, most likely for want of memory: fit fewer groups at once"
        " (n_jobs=; on a cluster, fewer threads a worker)."
        f" ({f'{name}: {said}' if said else name})"
    )
