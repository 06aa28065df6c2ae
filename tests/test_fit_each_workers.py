"""`fit_each` on joblib's backends that give results all at once, and where workers die."""

from __future__ import annotations

import os
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import winstan as ws
from winstan.each import parallel

FORMULA = "y ~ x + (1|g)"
QUICK = {"warmup": 100, "draws": 200, "seed": 7, "progress": False, "silence": "all"}


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


@pytest.fixture(scope="module")
def cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dask's own, of threads that end late
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as workers,
            Client(workers) as client,
        ):
            yield client


def each(formula: str, table: pd.DataFrame, **options: object) -> ws.Each:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: so few draws
        return ws.fit_each(formula, table, by="neuron", **(QUICK | options))


@pytest.mark.parametrize("how", ["dask", "multiprocessing", "loky", "threading"])
def test_backends_give_the_same_tables(how, request):
    if how == "dask":
        request.getfixturevalue("cluster")
    expected = each(FORMULA, data(3), n_jobs=1)
    with joblib.parallel_config(how, n_jobs=2):
        found = each(FORMULA, data(3))
    pd.testing.assert_frame_equal(found.table, expected.table)


@pytest.mark.parametrize("how", ["dask", "loky"])
def test_what_was_fitted_before_a_worker_died_is_kept(how, request, monkeypatch):
    if how == "dask":
        request.getfixturevalue("cluster")
    monkeypatch.setattr(parallel, "_ROUND", 2)
    formula, n = "y ~ fatal(x, spared) + (1|g)", 9
    table = data(n)
    table.loc[table["neuron"] == n - 1, "spared"] = os.getpid()
    with joblib.parallel_config(how, n_jobs=2):
        found = each(formula, table, contrasts=[])
    failures = found.failures
    assert (n - 1) in failures["neuron"].tolist()
    assert set(failures["error"]) == {"BackendError"}
    assert failures["message"].str.contains("A worker process died").all()
    kept = found.verdicts.query("fitted")["neuron"].tolist()
    # two rounds of four at least; loky's groups are done when they are
    assert set(range(8)) == set(kept) if how == "dask" else len(kept) > 0


def test_where_all_workers_die_the_error_says_so(cluster):
    table = data(2).assign(spared=os.getpid())
    with (
        joblib.parallel_config("dask", n_jobs=2),
        pytest.raises(ws.BackendError, match=r"A worker process died.*n_jobs="),
    ):
        each("y ~ fatal(x, spared) + (1|g)", table, contrasts=[])
