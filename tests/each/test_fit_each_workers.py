"""`fit_each` on joblib's backends that give results all at once, and where workers die."""

from __future__ import annotations

import os
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import dask
import joblib
import numpy as np
import pandas as pd
import pytest
from distributed import Client, Event, LocalCluster

import winstan as ws
from winstan.each.task import GroupTasks, Outcome
from winstan.parallel import tasks as parallel
from winstan.parallel.workers import Workers

FORMULA = "y ~ x + (1|g)"
QUICK = {
    "by": "neuron", "warmup": 100, "draws": 200, "seed": 7, "progress": False, "silence": "all",
}  # fmt: skip
pytestmark = [
    pytest.mark.slow,  # each begins processes that import winstan
    pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning"),  # so few draws
    pytest.mark.filterwarnings("ignore::winstan.FailureWarning"),
    # joblib's, where a call is ended before its tasks are
    pytest.mark.filterwarnings("ignore:.*tasks which were still being processed:UserWarning"),
]


def data(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    neuron, g = np.repeat(np.arange(n), 24), np.tile(np.repeat(np.arange(6), 4), n)
    x = np.tile([0, 1], len(g) // 2)
    y = 4 + neuron * x + rng.normal(0, 1, 6)[g] + rng.normal(0, 0.7, g.size)
    return pd.DataFrame({"y": y, "x": x, "g": g, "neuron": neuron, "spared": 0})


def fatal(x, spared):
    """Give x back; but all processes die of it but one, as one that wants memory is ended."""
    if np.any((spared != 0) & (spared != os.getpid())):
        os._exit(1)
    return x


@contextmanager
def cluster_of(n_workers):
    with (
        warnings.catch_warnings(),
        dask.config.set(
            {
                # A task that kills two workers is given up: a worker's start takes seconds
                "distributed.scheduler.allowed-failures": 1,
                # A cluster without workers fails its tasks, which else wait for ever
                "distributed.scheduler.no-workers-timeout": "120s",
            }
        ),
    ):
        warnings.simplefilter("ignore")  # dask's own, of threads that end late
        with (
            LocalCluster(n_workers, threads_per_worker=1, dashboard_address=None) as workers,
            Client(workers) as client,
        ):
            # A nanny that takes its worker's death for a farewell starts no other
            workers.adapt(minimum=n_workers, maximum=n_workers)
            yield client


@pytest.fixture(scope="module")
def cluster():
    """Two workers that live; a cluster's start takes as long as a test."""
    with cluster_of(2) as client:
        yield client


@pytest.fixture
def mortal_cluster():
    with cluster_of(2) as client:
        yield client


@pytest.fixture
def rays():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray  # noqa: PLC0415 - optional

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False)
    yield
    ray.shutdown()


@pytest.mark.parametrize("how", ["dask", "ray", "multiprocessing", "loky", "threading"])
def test_backends_give_the_same_tables(how, request):
    if how in ("dask", "ray"):
        request.getfixturevalue({"dask": "cluster", "ray": "rays"}[how])
    expected = ws.fit_each(FORMULA, data(3), n_jobs=1, **QUICK)
    with joblib.parallel_config(how, n_jobs=2):
        found = ws.fit_each(FORMULA, data(3), **QUICK)
    pd.testing.assert_frame_equal(found.table, expected.table)


@pytest.mark.parametrize(("how", "deadly"), [("dask", [4]), ("loky", [1])])
def test_groups_that_kill_their_worker_cost_the_others_nothing(how, deadly, request):
    if how == "dask":
        request.getfixturevalue("mortal_cluster")
    assert_only_these_fail(deadly, 5, how)


def test_a_cluster_of_one_worker_is_no_reason_to_die_here():
    with cluster_of(1):
        assert_only_these_fail([1], 3, "dask")


def assert_only_these_fail(deadly: list[int], n: int, how: str) -> None:
    formula, table = "y ~ fatal(x, spared) + (1|g)", data(n)
    expected = ws.fit_each(formula, table, contrasts=[], n_jobs=1, **QUICK)
    table.loc[table["neuron"].isin(deadly), "spared"] = os.getpid()
    with joblib.parallel_config(how, n_jobs=2):
        found = ws.fit_each(formula, table, contrasts=[], **QUICK)
    assert found.failures["neuron"].tolist() == deadly
    assert set(found.failures["error"]) == {"BackendError"}
    assert found.failures["message"].str.contains("A worker process died").all()
    others = expected.table[~expected.table["neuron"].isin(deadly)].reset_index(drop=True)
    left = found.table[~found.table["neuron"].isin(deadly)].reset_index(drop=True)
    pd.testing.assert_frame_equal(left, others)


@pytest.mark.parametrize(
    ("deadly", "untried"),
    [([], []), ([3], []), ([2, 3, 11], []), (range(8), []), (range(20), range(4, 16))],
    ids=["none", "one", "some", "the first", "all"],
)
def test_groups_are_sifted(deadly, untried, monkeypatch):
    """Half by half, and from either end; not all are tried where workers die of every one."""

    def outcomes(run, groups):
        for start in range(0, len(groups), 4):  # four are at hand at a time
            run.at_hand.update(groups[start : start + 4])
            if not run.at_hand.isdisjoint(deadly):
                raise BrokenExecutor("it died")
            for i in groups[start : start + 4]:
                run.at_hand.remove(i)
                yield i, Outcome(i, 1, 0)

    monkeypatch.setattr(parallel._Run, "_outcomes", outcomes)
    parts = SimpleNamespace(keys=list(range(20)), rows=[[0]] * 20)
    workers = Workers(2, here=False, as_they_come=True, sends=False)
    found = parallel.run_tasks(GroupTasks(None, parts, [0] * 20), workers, progress=False)
    assert [outcome.key for outcome in found] == list(range(20))
    said = {o.key: o.problems[0].message for o in found if o.problems}
    assert list(said) == list(deadly)
    assert [i for i, message in said.items() if "It was not tried" in message] == list(untried)


@pytest.mark.parametrize("how", ["dask", "loky"])
def test_where_all_workers_die_the_error_says_so(how, request):
    if how == "dask":
        request.getfixturevalue("mortal_cluster")
    table = data(2).assign(spared=os.getpid())
    with (
        joblib.parallel_config(how, n_jobs=2),
        pytest.raises(ws.BackendError, match=r"A worker process died.*n_jobs="),
    ):
        ws.fit_each("y ~ fatal(x, spared) + (1|g)", table, contrasts=[], **QUICK)


@pytest.mark.parametrize("how", ["dask", "multiprocessing", "loky"])
def test_what_cannot_be_sent_is_refused(how, request):
    if how == "dask":
        request.getfixturevalue("cluster")
    lock = threading.Lock()

    def locked(x):
        with lock:
            return x

    with (
        joblib.parallel_config(how, n_jobs=2),
        pytest.raises(ws.OptionError, match=r"cannot be sent.*n_jobs=1"),
    ):
        ws.fit_each("y ~ locked(x) + (1|g)", data(2), **QUICK)
    assert ws.fit_each("y ~ locked(x) + (1|g)", data(2), n_jobs=1, **QUICK).failures.empty


def test_one_job_at_once_is_not_asked_of_a_cluster(cluster):
    here = os.getpid()

    def at_home(x):
        assert os.getpid() == here
        return x

    with joblib.parallel_config("dask"):
        found = ws.fit_each("y ~ at_home(x) + (1|g)", data(2), n_jobs=1, **QUICK)
    assert found.failures.empty


def test_others_tasks_on_the_cluster_are_left_alone(cluster):
    gate = Event("the call is over")
    other = cluster.submit(gate.wait)  # it takes one of the workers until then
    with joblib.parallel_config("dask"):
        ws.fit_each(FORMULA, data(3), **QUICK)
    assert not other.done()
    gate.set()
    assert other.result()


def test_options_of_joblibs_are_dasks(cluster):
    address, chosen = next(iter(cluster.run(os.getpid).items()))
    here = os.getpid()

    def there(x):
        assert os.getpid() in (here, chosen)
        return x

    with joblib.parallel_config("dask", workers=[address]):
        found = ws.fit_each("y ~ there(x) + (1|g)", data(6), **QUICK)
    assert found.failures.empty


@pytest.mark.parametrize("how", ["dask", "multiprocessing", "loky", "threading"])
def test_a_function_of_the_callers_own_is_sent(how, request):
    if how == "dask":
        request.getfixturevalue("cluster")
    half = 0.5

    def scaled(x):
        return half * x

    with joblib.parallel_config(how, n_jobs=2):
        found = ws.fit_each("y ~ scaled(x) + (1|g)", data(2), **QUICK)
    assert found.failures.empty


@pytest.mark.parametrize("how", ["dask", "multiprocessing", "loky"])
def test_an_error_of_winstans_own_is_no_dead_worker(how, monkeypatch, request):
    if how == "dask":
        request.getfixturevalue("cluster")

    def broken(*_):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(parallel, "_progress", broken)
    with joblib.parallel_config(how, n_jobs=2), pytest.raises(ZeroDivisionError):
        ws.fit_each(FORMULA, data(2), **QUICK)


# loky's own thread may look for a task that the interrupt has taken away (KeyError: its number)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("how", ["dask", "multiprocessing", "loky"])
def test_an_interrupt_ends_the_call(how, monkeypatch, request):
    client = request.getfixturevalue("cluster") if how == "dask" else None

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(parallel, "_progress", interrupt)
    with joblib.parallel_config(how, n_jobs=2), pytest.raises(KeyboardInterrupt):
        ws.fit_each(FORMULA, data(20), **QUICK)
    if client is not None:
        limit = time.monotonic() + 30
        while client.cluster.scheduler.tasks:  # those that had begun end; no other begins
            assert time.monotonic() < limit
            time.sleep(0.05)
