"""joblib's workers: how many there are, what can be sent to them, how one hears of their death."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from winstan.errors import BackendError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator


# Errors by which Dask and Ray say that a worker died, beside BrokenExecutor; and Dask's where no
# worker is left and none comes (NoValidWorkerError)
_LOSSES = frozenset(
    {
        *("KilledWorker", "CommClosedError", "CancelledError", "FutureCancelledError"),
        "NoValidWorkerError",
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
    dask
        joblib's backend, where that is a Dask cluster.
    """

    n_jobs: int
    here: bool
    as_they_come: bool
    sends: bool
    dask: Any = None


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
    is_dask = "DaskDistributedBackend" in _names(backend)
    here = wanted == 1 or (n_workers == 1 and not is_dask)
    shares = getattr(backend, "supports_sharedmem", False)
    return Workers(
        n_jobs=n_workers,
        here=here,
        as_they_come=bool(backend.supports_return_generator),
        sends=not (here or shares),
        dask=backend if is_dask and not here else None,
    )


@contextmanager
def threads_unless_told() -> Iterator[None]:
    """Let joblib use threads, where its default would be processes: of tasks that begin their own.

    Another backend that `joblib.parallel_config` was given stays, such as a cluster.
    """
    import joblib  # noqa: PLC0415 - as above
    from joblib.parallel import get_active_backend  # noqa: PLC0415

    backend, n_jobs = get_active_backend()
    if "LokyBackend" not in _names(backend):
        yield
        return
    with joblib.parallel_config("threading", n_jobs=n_jobs):
        yield


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


def on_dask(workers: Workers, call: Callable[..., Any], tasks: Iterable[Any]) -> Generator[Any]:
    """Give what the cluster of joblib's Dask backend makes of tasks, as it comes.

    joblib's own way to such a cluster calls back when a task succeeds only: of one that kills every
    worker it is tried on it would not hear, and wait for it for ever. So tasks go by Dask's client,
    with the options that `joblib.parallel_config` was given. Where one is lost no other is begun;
    those at hand are awaited, and the first error is raised then. Tasks that have not begun when
    the caller leaves are cancelled.
    """
    from distributed import as_completed  # noqa: PLC0415 - Dask is there, or it is not asked

    client, later = workers.dask.client, iter(tasks)
    lost: Exception | None = None
    at_hand = set()
    done = as_completed(loop=client.loop)

    def begin(n: int) -> None:
        for task in islice(later, n):
            future = client.submit(call, *task, pure=False, **workers.dask.submit_kwargs)
            at_hand.add(future)
            done.add(future)

    try:
        begin(2 * max(1, workers.n_jobs))
        with workers.dask.retrieval_context():  # a worker that calls makes room for those it calls
            for future in done:
                try:
                    yield future.result()
                except Exception as problem:
                    lost = lost or problem
                at_hand.remove(future)
                if lost is None:
                    begin(1)
        if lost is not None:
            raise lost
    finally:
        with suppress(Exception):  # of a client that is closed: what ended the call says more
            client.cancel(list(at_hand))


@contextmanager
def losses_heard() -> Iterator[None]:
    """Raise `WorkersFailedError` where a worker dies.

    Raises
    ------
    BackendError
        If a worker lacks what a fit needs.
    """
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


def _is_loss(problem: BaseException) -> bool:
    return isinstance(problem, BrokenExecutor) or not _LOSSES.isdisjoint(_names(problem))


def _names(thing: object) -> list[str]:
    """Return the names of its classes: the packages that have them may not be installed."""
    return [kind.__name__ for kind in type(thing).__mro__]


def _said(problem: BaseException) -> str:
    name, said = type(problem).__name__, str(problem).partition("\n")[0]
    return (
        "A worker process died, most likely for want of memory: fit fewer at once"
        " (n_jobs=; on a cluster, fewer threads a worker)."
        f" ({f'{name}: {said}' if said else name})"
    )
