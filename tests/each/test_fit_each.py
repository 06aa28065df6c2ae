"""`fit_each`: each group's fit is its own, whoever else is there and however they are run."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from plot_checks import drawn

import winstan as ws
from winstan.cli import main
from winstan.each.groups import partition, seed_of
from winstan.fitted.pipeline import model_from
from winstan.formula import parse_formula
from winstan.inputs import names_in_use

QUICK = {"warmup": 500, "draws": 1500, "seed": 7, "progress": False, "silence": "all"}
FORMULA = "y ~ x + (1|g)"


def half(values):
    return values / 2


def data(n: int = 4, *, seed: int = 0) -> pd.DataFrame:
    """Neurons of different slopes, their rows shuffled among each other."""
    rng = np.random.default_rng(seed)
    neuron, g = np.repeat(np.arange(n), 48), np.tile(np.repeat(np.arange(6), 8), n)
    x = np.tile([0, 1], len(g) // 2)
    y = 4 + 3.0 * neuron * x + rng.normal(0, 1.5, 6)[g] + rng.normal(0, 0.7, g.size)
    table = pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g], "neuron": neuron})
    return table.assign(neuron=table["neuron"].map("n{}".format)).sample(frac=1, random_state=1)


@pytest.fixture(scope="module")
def found():
    return ws.fit_each(FORMULA, data(), by="neuron", n_jobs=1, keep="fits", **QUICK)


@pytest.mark.slow
def test_each_is_the_fit_of_its_rows_alone(found):
    assert found.keys == ("n0", "n1", "n2", "n3")
    assert list(found) == list(found.keys)
    for key, seed in zip(found.keys, found.verdicts["seed"], strict=True):
        rows = data().loc[lambda d, key=key: d["neuron"] == key]
        alone = ws.fit(FORMULA, rows, **(QUICK | {"seed": seed}))
        of_all = found.table.query("neuron == @key").drop(columns=["neuron", "ok"])
        pd.testing.assert_frame_equal(
            of_all.set_index("parameter"), alone.summary(), check_names=False
        )
        pd.testing.assert_frame_equal(found[key].summary(), alone.summary())
        contrast = found.contrast("x").query("neuron == @key").reset_index(drop=True)
        pd.testing.assert_frame_equal(
            contrast.drop(columns=["neuron", "ok"]), alone.contrast("x"), check_like=False
        )
    # The truth: slopes of 0, 3, 6 and 9.
    slopes = found.contrast("x")
    assert np.all(np.abs(slopes["mean"] - [0, 3, 6, 9]) < 4 * slopes["sd"])
    assert found.ok
    assert found.failures.empty
    assert found.verdict == "All 4 groups converged."


@pytest.mark.parametrize("how", ["loky", "threading"])
def test_neither_workers_nor_order_nor_the_other_groups_matter(found, how):
    shuffled = data().sample(frac=1, random_state=3).query("neuron != 'n2'")
    # A group's rows stand in their own order: the model sums over them.
    shuffled = shuffled.sort_index(key=data().index.get_indexer)
    with joblib.parallel_config(how, n_jobs=2):
        again = ws.fit_each(FORMULA, pl.from_pandas(shuffled), by="neuron", **QUICK)
    assert again.keys == ("n0", "n1", "n3")
    expected = found.table.query("neuron != 'n2'").reset_index(drop=True)
    pd.testing.assert_frame_equal(again.table, expected)


@pytest.mark.slow
def test_a_failure_is_kept_apart(found):
    bad = data()
    bad.loc[bad["neuron"] == "n1", "y"] = np.inf
    bad.loc[bad["neuron"] == "n3", "x"] = 1
    with pytest.warns(ws.FailureWarning, match=r"^2 of 4 groups by neuron \('n1', 'n3'\)"):
        result = ws.fit_each(FORMULA, bad, by="neuron", n_jobs=1, **QUICK)
    assert result.failures["neuron"].tolist() == ["n1", "n3"]
    assert result.failures["error"].tolist()[0] == "DataError"
    assert "48 infinite values" in result.failures["message"][0]
    kept = found.table[found.table["neuron"].isin(["n0", "n2"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(result.table, kept)
    assert result.verdicts["fitted"].tolist() == [True, False, True, False]
    assert result.verdict == "2 of 4 groups converged; 2 could not be fitted ('n1', 'n3')."
    assert not result.ok
    for text in (repr(result), result._repr_html_()):
        assert "could not be fitted" in text
        assert "(population)" in text  # whose effect the contrasts are
    with pytest.raises(ws.OptionError, match=r"not kept.*seed="):
        result["n0"]
    with pytest.raises(ws.OptionError, match="There is no group 'n9'"):
        result["n9"]


@pytest.mark.slow
def test_a_contrast_that_fails_in_a_group_leaves_the_others(found):
    below = data()
    below.loc[below["neuron"] == "n2", "y"] -= 100  # no ratio of means of either sign
    result = ws.fit_each(FORMULA, below, by="neuron", n_jobs=1, keep="fits", **QUICK)
    with pytest.warns(ws.FailureWarning, match=r"^1 of 4 groups by neuron \('n2'\) have no rows"):
        ratios = result.contrast("x", ratio=True)
    assert ratios["neuron"].tolist() == ["n0", "n1", "n3"]
    expected = found.contrast("x", ratio=True).query("neuron != 'n2'").reset_index(drop=True)
    pd.testing.assert_frame_equal(ratios, expected)
    with pytest.raises(KeyError, match="nobody"):  # what fails in all is no group's own
        result.map(lambda fit: fit.summary().loc[["nobody"]])


@pytest.mark.slow
def test_the_line_of_progress_counts_groups_and_failures(capsys, monkeypatch):
    now = iter(range(0, 10**6, 20))  # a log has a line every ten seconds
    clock = SimpleNamespace(monotonic=lambda: float(next(now)))
    monkeypatch.setattr("winstan.progress.time", clock)
    bad = data(3)
    bad.loc[bad["neuron"] == "n1", "y"] = np.inf
    with pytest.warns(ws.FailureWarning):
        ws.fit_each(FORMULA, bad, by="neuron", n_jobs=1, **QUICK | {"progress": True})
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "fitting 3 groups"
    assert told[1].startswith("fitted 1 of 3 groups, ")
    assert told[1].endswith(" left")
    assert told[3].startswith("fitted 3 of 3 groups, 1 failed, ")


def test_one_warning_of_each_kind():
    options = QUICK | {"silence": None, "warmup": 20, "draws": 10}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = ws.fit_each(FORMULA, data(), by="neuron", n_jobs=1, **options)
    kinds = [w.category for w in seen]
    assert kinds.count(ws.ConvergenceWarning) == 1
    told = [str(w.message) for w in seen if w.category is ws.DesignWarning]
    assert len(told) == len({w.message.guard for w in seen if w.category is ws.DesignWarning})
    assert any(t.startswith("In 4 of 4 groups by neuron ('n0', 'n1', 'n2', 'n3')") for t in told)
    of_slopes = result.warnings.query("name == 'random_slopes'")
    assert of_slopes["neuron"].tolist() == ["n0", "n1", "n2", "n3"]
    assert not result.verdicts["ok"].any()
    assert "4 did not" in result.verdict


@pytest.fixture
def no_sampling(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("it began to sample")

    monkeypatch.setattr("winstan.each.task.fit_one", refuse)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"formula": "y ~ z"}, ws.DataError, "no column 'z'"),
        ({"formula": "y ~"}, ws.FormulaError, "y ~"),
        ({"formula": "y ~ x + (1|neuron)"}, ws.OptionError, "by='neuron' is constant within"),
        ({"by": "neurone"}, ws.DataError, "no column 'neurone'. Did you mean 'neuron'"),
        ({"by": []}, ws.OptionError, "by= takes the name"),
        ({"by": ["neuron", "neuron"]}, ws.OptionError, "twice"),
        ({"by": "mean"}, ws.OptionError, "Rename yours"),
        ({"family": "gama"}, ws.FamilyError, "Did you mean 'gamma'"),
        ({"family": "poisson"}, ws.FamilyError, "whole"),
        ({"link": "logg"}, ws.FamilyError, "no link 'logg'"),
        ({"priors": {"xx": ws.Normal(0, 1)}}, ws.PriorError, "'xx'"),
        ({"weights": "w"}, ws.DataError, "no column 'w'"),
        ({"backend": "stann"}, ws.BackendError, "'stann'"),
        ({"backend": ("stan", "pymc")}, ws.OptionError, "one backend"),
        ({"draws": 0}, ws.OptionError, "draws= must be"),
        ({"silence": "slopes"}, ws.OptionError, "no guard"),
        ({"keep": "all"}, ws.OptionError, "keep must be 'summary' or 'fits', not 'all'"),
        ({"n_jobs": 0}, ws.OptionError, "n_jobs="),
        ({"prob": 2}, ws.OptionError, "prob"),
        ({"contrasts": "z"}, ws.OptionError, "'z'"),
        ({"contrasts": {"x": {"scal": "link"}}}, ws.OptionError, "Did you mean 'scale'"),
        ({"contrasts": {"x": {"scale": "links"}}}, ws.OptionError, "'links'"),
        ({"data": {"y": [], "x": [], "g": [], "neuron": []}}, ws.DataError, "empty"),
    ],
)
def test_an_error_of_all_is_raised_once_before_sampling(no_sampling, options, error, words):
    asked = {"formula": FORMULA, "data": data(), "by": "neuron"} | QUICK | options
    with pytest.raises(error, match=words):
        ws.fit_each(**asked)


@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_every_option_of_fit_is_taken_and_passed_on():
    of_fit = dict(inspect.signature(ws.fit).parameters)
    del of_fit["file"]  # FitEach.save keeps all groups
    of_each = inspect.signature(ws.fit_each).parameters
    assert {n: p.default for n, p in of_fit.items()} == {n: of_each[n].default for n in of_fit}
    priors = {"x": ws.Normal(0, 0.01), "1|g_sigma": ws.HalfNormal(2)}
    result = ws.fit_each(
        "half(y) ~ x + (1|g)", data(2), "student", by="neuron", n_jobs=2, keep="fits",
        priors=priors, center=False, parametrization="centered", target_accept=0.9, **QUICK,
    )  # fmt: skip
    fit = result["n1"]
    assert fit.priors["x"] == priors["x"]
    assert not fit.model.center
    known = fit.model.coordinates.terms[0].information[0, 0, 0]
    assert known * np.exp(2 * fit.model.coordinates.log_sd_location[0]) > 1e6  # centred
    assert fit.draws["posterior"].attrs["target_accept"] == 0.9
    assert fit.summary().loc["Intercept", "mean"] == pytest.approx(2, abs=2)


def test_groups_of_any_kind():
    table = pd.DataFrame(
        {
            "a": [3, 1, 1, 3, 3],
            "f": pd.Categorical(list("zyzzy"), categories=["z", "y", "x"]),
            "day": pd.to_datetime(["2024-01-02", "2024-01-01", None, "2024-01-01", "2024-01-01"]),
            "v": range(5),
        }
    )
    both = partition(table, ["a", "f"])
    assert both.keys == ((1, "z"), (1, "y"), (3, "z"), (3, "y"))
    assert [both.part(i)["v"].tolist() for i in range(4)] == [[2], [1], [0, 3], [4]]
    assert partition(table.assign(o=[1, "b", 1, "b", 2.5]), "o").keys == (1, "b", 2.5)
    with pytest.warns(ws.DesignWarning, match="1 of 5 rows are in no group.*'day' \\(1\\)"):
        days = partition(table, "day")
    assert days.keys == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02"))
    assert [rows.tolist() for rows in days.rows] == [[1, 3, 4], [0]]
    assert days.missing == {"day": 1}
    with pytest.raises(ws.DataError, match="All 5 rows have a missing value of by="):
        partition(table.assign(a=np.nan), "a")
    lazy = pl.DataFrame({"a": [2, None, 1, 2], "v": [0, 1, 2, 3]}).lazy()
    with pytest.warns(ws.DesignWarning, match="missing_rows"):
        found = partition(lazy, "a")
    assert found.keys == (1, 2)
    assert found.part(1)["v"].to_list() == [0, 3]
    assert all(type(key) is int for key in partition(table, "a").keys)


@pytest.mark.slow
def test_rows_have_the_numbers_of_the_whole_data(found):
    table = data().reset_index(drop=True)
    for key in found:
        own = np.flatnonzero(table["neuron"] == key)
        tree = found[key].draws
        np.testing.assert_array_equal(tree["observed_data"]["row"], own)
        np.testing.assert_array_equal(found[key].predict(seed=1)["row"], own)
    # Also after rows were left out, and in messages
    at = np.flatnonzero(table["neuron"] == "n2")[[3, 30]]
    holed = table.assign(y=table["y"].mask(table.index == at[0]))
    options = {**QUICK, "n_jobs": 1, "silence": "all"}
    again = ws.fit_each(FORMULA, holed, by="neuron", keep="fits", **options)["n2"]
    own = np.flatnonzero(table["neuron"] == "n2")
    np.testing.assert_array_equal(again.draws["observed_data"]["row"], own[own != at[0]])
    infinite = holed.assign(y=holed["y"].mask(table.index == at[1], np.inf))
    with pytest.warns(ws.FailureWarning):
        failed = ws.fit_each(FORMULA, infinite, by="neuron", **options).failures
    assert f"row {at[1]}" in failed["message"].iloc[0]


@pytest.mark.slow
def test_seeds_are_of_the_key_alone():
    keys = [1, 2, "1", 1.5, (1, "a"), (1, "b"), *(f"n{i}" for i in range(2000))]
    seeds = [seed_of(key, 5) for key in keys]
    assert len(set(seeds)) == len(keys)
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert seeds != [seed_of(key, 6) for key in keys]
    # In a process with other hashes, too.
    code = "from winstan.each.groups import seed_of; print(seed_of((1, 'a'), 5))"
    env = {**os.environ, "PYTHONHASHSEED": "3"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=env)
    assert int(said.stdout) == seed_of((1, "a"), 5)


def test_contrasts_and_maps_of_kept_fits(found):
    ratio = found.contrast("x", ratio=True, prob=0.5)
    expected = found["n2"].contrast("x", ratio=True, prob=0.5)
    got = ratio.query("neuron == 'n2'").reset_index(drop=True)
    pd.testing.assert_frame_equal(got.drop(columns=["neuron", "ok"]), expected)
    options = {"prob": [0.5, 0.9], "simultaneous": True, "pairs": "all"}
    several = found.contrast("x", **options).query("neuron == 'n2'").reset_index(drop=True)
    expected = found["n2"].contrast("x", **options)
    pd.testing.assert_frame_equal(several.drop(columns=["neuron", "ok"]), expected)
    assert {"hdi_25%", "sim_95%"} <= set(several.columns)
    told = found.map(lambda fit: fit.hypothesis("x > 0"))
    assert told["neuron"].tolist() == list(found.keys)


@pytest.mark.slow
def test_contrasts_of_contrasts_are_computed_with_each_fit():
    rows = data(2).assign(dose=lambda d: d["g"].isin(["g0", "g1", "g4"]).map({True: 0, False: 2}))
    asked = {"x": {"of": "dose"}, "dose": {"by": "x", "pairs": "all", "prob": 0.5}}
    each = ws.fit_each(
        "y ~ x * dose", rows, by="neuron", contrasts=asked, keep="fits", n_jobs=1, **QUICK
    )
    for name, options in asked.items():
        got = each.contrast(name).query("neuron == 'n1'").reset_index(drop=True)
        expected = each["n1"].contrast(name, **{"prob": 0.94} | options)
        pd.testing.assert_frame_equal(got.drop(columns=["neuron", "ok"]), expected)
    assert each.contrast("x")["contrast"].unique().tolist() == ["1 - 0 of dose (2 - 0)"]
    with pytest.raises(ws.OptionError, match=r"'dos'.*Did you mean 'dose'"):
        ws.fit_each("y ~ x * dose", rows, by="neuron", contrasts={"x": {"of": "dos"}}, **QUICK)


def test_the_figure(found):
    drawn(found.plot("x", unit="mV"))


def test_a_worker_sees_what_the_formula_calls_only(no_sampling):
    unpicklable = (i for i in range(3))  # in scope, and not sent
    assert unpicklable is not None
    space = {"half": half, "other": unpicklable, "M": [[0], [1]]}
    assert names_in_use(parse_formula("half(y) ~ x", space), space) == {"half": half}
    coded = names_in_use(parse_formula("y ~ C(f, M)", space), space)
    assert coded == {"M": space["M"]}, "a matrix that codes a factor goes along"


@pytest.mark.slow
def test_fits_in_threads_leave_stdout_alone():
    rows = data(1)
    options = {"priors": None, "center": True, "weights": None, "trials": None, "link": None}
    before = sys.stdout
    joblib.Parallel(4, "threading")(
        joblib.delayed(model_from)(
            FORMULA, rows, "gaussian", {}, **options, parametrization=None, silence="all"
        )
        for _ in range(60)
    )
    assert sys.stdout is before


@pytest.mark.filterwarnings("always::winstan.FailureWarning")
@pytest.mark.slow
def test_command_line(tmp_path, capsys):
    bad = data(3)
    bad.loc[bad["neuron"] == "n1", "y"] = np.inf
    bad.to_csv(tmp_path / "data.csv", index=False)
    quick = ["--warmup", "500", "--draws", "1500", "--seed", "7", "--quiet"]
    command = ["fit-each", str(tmp_path / "data.csv"), FORMULA, "--by", "neuron", *quick]
    out = tmp_path / "out"
    assert main([*command, "--jobs", "1", "--silence", "all", "--out", str(out)]) == 4
    said = capsys.readouterr()
    assert "2 of 3 groups converged; 1 could not be fitted ('n1')." in said.out
    assert "FailureWarning" in said.err
    names = ["contrast_x.csv", "difference_x.png", "failures.csv", "table.csv", "verdicts.csv"]
    assert sorted(p.name for p in out.iterdir() if not p.name.startswith(".")) == names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.FailureWarning)
        result = ws.fit_each(FORMULA, bad, by="neuron", n_jobs=1, **QUICK)
    pd.testing.assert_frame_equal(pd.read_csv(out / "table.csv"), result.table, rtol=1e-9)
    assert main([*command[:3], "--by", "neurone", *quick]) == 2
    assert "no column 'neurone'" in capsys.readouterr().err
