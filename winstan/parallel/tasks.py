"""Tasks side by side, by joblib; one that kills its worker costs the others nothing."""

from __future__ import annotations

import pickle
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from winstan.parallel.workers import WorkersFailedError, losses_heard, on_dask, sent
from winstan.progress import ProgressLine, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from winstan.parallel.workers import Workers


# Tasks a worker, at a time, where results come all at once (multiprocessing, Ray)
_ROUND = 8
# Times in a row that workers die of all tasks at hand, after which no others are tried
_IN_VAIN = 2


class Done(Protocol):
    """What a task gives."""

    @property
    def fitted(self) -> bool:
        """Whether there is a fit."""


class Tasks[T: Done](Protocol):
    """Fits that know nothing of each other.

    Attributes
    ----------
    noun : str
        What the progress line calls them: ``groups``.
    """

    noun: ClassVar[str]

    @property
    def n(self) -> int:
        """How many there are."""

    @property
    def asked(self) -> Any:
        """What all of them are asked."""

    @property
    def fit(self) -> Callable[..., T]:
        """``fit(asked, *own(i), running)``, at the top of a module; its errors are its outcome."""

    def own(self, i: int) -> tuple[Any, ...]:
        """Return what task i is asked beside."""

    def lost(self, i: int, message: str) -> T:
        """Return the outcome of a task whose worker died."""


def run_tasks[T: Done](tasks: Tasks[T], workers: Workers, progress: bool | None) -> list[T]:
    """Fit all; return the outcomes in the tasks' order.

    Where a worker dies, the tasks that were at hand are done again, half by half: those that
    kill their worker alone are failures.

    Raises
    ------
    OptionError
        If the data, or what the formula calls, cannot be sent to a worker.
    """
    asked = sent(tasks.asked) if workers.sends else tasks.asked
    if workers.sends:
        sent(tasks.own(0))  # what cannot be is refused before anything runs
    run = _Run(tasks, asked, workers)
    with ProgressLine(progress) as line:
        line.show(f"fitting {tasks.n:,} {tasks.noun}")
        _finish(run, lambda: line.show(_progress(run, line.elapsed)))
    return [run.done[i] for i in range(tasks.n)]


@dataclass(slots=True)
class _Run[T: Done]:
    """Tasks: what is asked of them; which are done, of these lost, and at hand."""

    tasks: Tasks[T]
    asked: Any
    workers: Workers
    done: dict[int, T] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    at_hand: set[int] = field(default_factory=set)

    @property
    def left(self) -> list[int]:
        return [i for i in range(self.tasks.n) if i not in self.done]

    def fit(self, some: Iterable[int], show: Callable[[], None]) -> None:
        """Do some side by side.

        Raises
        ------
        WorkersFailedError
            If a worker died.
        """
        self.at_hand.clear()
        with losses_heard(), closing(self._outcomes(some)) as outcomes:
            for i, outcome in outcomes:
                self.done[i] = outcome
                show()

    def fitted_since(self, left: list[int]) -> bool:
        """Whether a worker lived through one of these, which were left."""
        return any(i in self.done and i not in self.lost for i in left)

    def give_up(self, i: int, problem: WorkersFailedError) -> None:
        self.done[i] = self.tasks.lost(i, str(problem))
        self.lost.add(i)

    def _outcomes(self, some: Iterable[int]) -> Generator[tuple[int, T]]:
        """Give numbered outcomes as they come."""
        from joblib import Parallel, delayed  # noqa: PLC0415

        running: set[Any] = set()  # filled by threads only: processes have copies
        # Made as they are dispatched: only few groups are in memory twice
        tasks = (self._task(i, running) for i in some)
        n_jobs = self.workers.n_jobs
        try:
            if self.workers.here:
                yield from (_numbered(*task) for task in tasks)
                return
            if self.workers.dask is not None:
                yield from on_dask(self.workers, _numbered, tasks)
                return
            later = (delayed(_numbered)(*task) for task in tasks)
            if self.workers.as_they_come:
                yield from Parallel(n_jobs, return_as="generator_unordered")(later)
                return
            with Parallel(n_jobs) as parallel:  # in rounds: those done are safe, and shown
                while done := parallel(islice(later, _ROUND * n_jobs)):
                    yield from done
        except BaseException:
            for process in list(running):
                process.kill()
            raise

    def _task(self, i: int, running: set[Any]) -> tuple[Any, ...]:
        self.at_hand.add(i)
        own = self.tasks.own(i)
        return i, self.tasks.fit, self.asked, sent(own) if self.workers.sends else own, running


def _finish(run: _Run[Any], show: Callable[[], None]) -> None:
    """Do all, whatever workers die."""
    in_vain = 0
    while left := run.left:
        # The other end first, the second time: they may lie by their size
        _sift(run, left[::-1] if in_vain else left, show)
        in_vain = 0 if run.fitted_since(left) else in_vain + 1
        if in_vain == _IN_VAIN:
            untried = WorkersFailedError(
                f"It was not tried: workers died of all {run.tasks.noun} that were. Fit fewer at"
                " once (n_jobs=; on a cluster, fewer threads a worker)."
            )
            for i in run.left:
                run.give_up(i, untried)


def _sift(run: _Run[Any], some: list[int], show: Callable[[], None]) -> None:
    """Do some side by side; where a worker dies, those that were at hand again, half by half.

    One that was alone when its worker died is given up.
    """
    try:
        run.fit(some, show)
    except WorkersFailedError as problem:
        if len(some) == 1:
            run.give_up(some[0], problem)
            return
        suspects = sorted(run.at_hand.difference(run.done))
        middle = (len(suspects) + 1) // 2
        for half in (suspects[:middle], suspects[middle:]):
            if half:
                _sift(run, half, show)


def _numbered(i: int, fit: Callable[..., Any], asked: Any, own: Any, running: Any) -> Any:
    whole = pickle.loads(asked) if isinstance(asked, bytes) else asked
    return i, fit(whole, *(pickle.loads(own) if isinstance(own, bytes) else own), running)


def _progress(run: _Run[Any], elapsed: float) -> str:
    done, n = run.done, run.tasks.n
    failed = sum(not outcome.fitted for outcome in done.values())
    left = duration(elapsed / len(done) * (n - len(done)))
    text = f"fitted {len(done):,} of {n:,} {run.tasks.noun}"
    return f"{text}{f', {failed:,} failed' if failed else ''}, {left} left"
