"""Tasks side by side, by joblib; a group that kills its worker costs the others nothing."""

from __future__ import annotations

import pickle
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from winstan.each.task import Outcome, Problem, fit_one
from winstan.each.workers import WorkersFailedError, losses_heard, on_dask, sent
from winstan.progress import ProgressLine, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from winstan.each.groups import Parts
    from winstan.each.task import Question
    from winstan.each.workers import Workers


# Groups a worker, at a time, where results come all at once (multiprocessing, Ray)
_ROUND = 8
# Times in a row that workers die of all groups at hand, after which no others are tried
_IN_VAIN = 2


def run_tasks(
    question: Question, parts: Parts, seeds: list[int], workers: Workers, progress: bool | None
) -> list[Outcome]:
    """Fit every group; return the outcomes in the groups' order.

    Where a worker dies, the groups that were at hand are fitted again, half by half: those that
    kill their worker alone are failures.

    Raises
    ------
    OptionError
        If the data, or what the formula calls, cannot be sent to a worker.
    """
    n = len(parts.keys)
    asked = sent(question) if workers.sends else question
    if workers.sends:
        sent(parts.part(0))  # what cannot be is refused before anything runs
    run = _Run(asked, parts, seeds, workers)
    with ProgressLine(progress) as line:
        line.show(f"fitting {n:,} groups")
        _finish(run, lambda: line.show(_progress(run.done, n, line.elapsed)))
    return [run.done[i] for i in range(n)]


@dataclass(slots=True)
class _Run:
    """Groups to be fitted: what is asked of them; which are done, of these lost, and at hand."""

    asked: Question | bytes
    parts: Parts
    seeds: list[int]
    workers: Workers
    done: dict[int, Outcome] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    at_hand: set[int] = field(default_factory=set)

    @property
    def left(self) -> list[int]:
        return [i for i in range(len(self.parts.keys)) if i not in self.done]

    def fit(self, groups: Iterable[int], show: Callable[[], None]) -> None:
        """Fit some groups side by side; a fit's own errors are in its outcome.

        Raises
        ------
        WorkersFailedError
            If a worker died.
        """
        self.at_hand.clear()
        with losses_heard(), closing(self._outcomes(groups)) as outcomes:
            for i, outcome in outcomes:
                self.done[i] = outcome
                show()

    def fitted_since(self, left: list[int]) -> bool:
        """Whether a worker lived through one of these groups, which were left."""
        return any(i in self.done and i not in self.lost for i in left)

    def give_up(self, i: int, problem: WorkersFailedError) -> None:
        said = Problem("fit", "BackendError", str(problem))
        key, rows = self.parts.keys[i], len(self.parts.rows[i])
        self.done[i] = Outcome(key, rows, self.seeds[i], problems=(said,))
        self.lost.add(i)

    def _outcomes(self, groups: Iterable[int]) -> Generator[tuple[int, Outcome]]:
        """Give numbered outcomes as they come."""
        from joblib import Parallel, delayed  # noqa: PLC0415

        running: set[Any] = set()  # filled by threads only: processes have copies
        # Made as they are dispatched: only few groups are in memory twice
        tasks = (self._task(i, running) for i in groups)
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
        data = self.parts.part(i)
        if self.workers.sends:
            data = sent(data)
        rows = self.parts.rows[i]
        return i, self.asked, self.parts.keys[i], data, rows, self.seeds[i], running


def _finish(run: _Run, show: Callable[[], None]) -> None:
    """Fit all groups, whatever workers die."""
    in_vain = 0
    while left := run.left:
        # The other end first, the second time: groups may lie by their size
        _sift(run, left[::-1] if in_vain else left, show)
        in_vain = 0 if run.fitted_since(left) else in_vain + 1
        if in_vain == _IN_VAIN:
            untried = WorkersFailedError(
                "It was not tried: workers died of all groups that were. Fit fewer groups at once"
                " (n_jobs=; on a cluster, fewer threads a worker)."
            )
            for i in run.left:
                run.give_up(i, untried)


def _sift(run: _Run, groups: list[int], show: Callable[[], None]) -> None:
    """Fit groups side by side; where a worker dies, those that were at hand again, half by half.

    A group that was alone when its worker died is given up.
    """
    try:
        run.fit(groups, show)
    except WorkersFailedError as problem:
        if len(groups) == 1:
            run.give_up(groups[0], problem)
            return
        suspects = sorted(run.at_hand.difference(run.done))
        middle = (len(suspects) + 1) // 2
        for half in (suspects[:middle], suspects[middle:]):
            if half:
                _sift(run, half, show)


def _numbered(i: int, asked: Question | bytes, key: Any, data: Any, *rest: Any) -> Any:
    question = pickle.loads(asked) if isinstance(asked, bytes) else asked
    return i, fit_one(question, key, pickle.loads(data) if isinstance(data, bytes) else data, *rest)


def _progress(done: dict[int, Outcome], n: int, elapsed: float) -> str:
    failed = sum(not outcome.fitted for outcome in done.values())
    left = duration(elapsed / len(done) * (n - len(done)))
    text = f"fitted {len(done):,} of {n:,} groups"
    return f"{text}{f', {failed:,} failed' if failed else ''}, {left} left"
