"""Programs compiled for real: the right draws, the right density, and no trace afterwards."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cmdstanpy
import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from winstan.errors import BackendError
from winstan.toolchain import log_density, sample

pytestmark = pytest.mark.slow  # the first of them compiles


def plain(data):
    return {name: np.asarray(value).tolist() for name, value in data.items()}


def z(draws, expected):
    """Return the error of a mean in Monte Carlo standard errors."""
    ess = array_stats.ess(draws, chain_axis=0, draw_axis=1, method="mean")
    return (draws.mean() - expected) / (draws.std() / np.sqrt(ess))


def assert_posterior(raw, conjugate):
    mean, sd = conjugate.mu
    shape, rate = conjugate.rate
    mu, drawn_rate, pair = raw.variable("mu"), raw.variable("rate"), raw.variable("pair")
    spread = conjugate.data["spread"]
    deviation = pair - conjugate.data["centre"]
    assert abs(z(mu, mean)) < 4.5
    assert abs(z((mu - mean) ** 2, sd**2)) < 4.5
    assert abs(z(drawn_rate, shape / rate)) < 4.5
    assert abs(z((drawn_rate - shape / rate) ** 2, shape / rate**2)) < 4.5
    assert abs(z(deviation[..., 0], 0)) < 4.5
    assert abs(z(deviation[..., 0] * deviation[..., 1], spread[0, 1])) < 4.5


@pytest.mark.parametrize("metric", ["diag_e", "dense_e", "unit_e"])
def test_posterior_is_the_known_one(conjugate, metric):
    # without a metric the scales of 30 and 0.2 take long trajectories: fewer draws do
    many = 500 if metric == "unit_e" else 2000
    raw = sample(conjugate.exe, conjugate.data, draws=many, seed=1, metric=metric)
    assert raw.values.shape == (4, many, 10)
    assert_posterior(raw, conjugate)


def test_columns_and_sampler(conjugate):
    raw = sample(conjugate.exe, conjugate.data, chains=2, warmup=200, draws=50, seed=3)
    assert raw.columns[:4] == ("mu", "rate", "pair.1", "pair.2")
    assert set(raw.sampler) == {
        "lp__", "accept_stat__", "stepsize__", "treedepth__", "n_leapfrog__", "divergent__",
        "energy__",
    }  # fmt: skip
    assert all(values.shape == (2, 50) for values in raw.sampler.values())
    np.testing.assert_array_equal(raw.variable("grid")[1, 7], [[11, 12, 13], [21, 22, 23]])
    np.testing.assert_allclose(raw.sampler["stepsize__"][:, 0], raw.step_size, rtol=1e-5)
    assert raw.seconds.shape == (2, 2)
    assert raw.seconds.min() >= 0
    with pytest.raises(KeyError):
        raw.variable("pai")


def test_lp_is_the_log_density(conjugate):
    raw = sample(conjugate.exe, conjugate.data, chains=1, draws=20, seed=4)
    points = np.column_stack([raw.variable("mu")[0], np.log(raw.variable("rate")[0]),
                              raw.variable("pair")[0]])  # fmt: skip
    density, _ = log_density(conjugate.exe, conjugate.data, points)
    np.testing.assert_allclose(density, raw.sampler["lp__"][0], rtol=1e-6)


def test_metric_is_the_covariance(conjugate):
    dense = sample(conjugate.exe, conjugate.data, warmup=3000, seed=5, metric="dense_e")
    diagonal = sample(conjugate.exe, conjugate.data, warmup=3000, seed=5)
    assert dense.inv_metric.shape == (4, 4, 4)
    assert diagonal.inv_metric.shape == (4, 4)
    spread = conjugate.data["spread"]
    pair = dense.inv_metric[:, 2:, 2:].mean(axis=0)
    np.testing.assert_allclose(pair / spread, 1, atol=0.15)
    np.testing.assert_allclose(diagonal.inv_metric.mean(axis=0)[2:] / np.diag(spread), 1, atol=0.15)


def test_log_density_and_gradient_are_those_of_scipy(conjugate):
    data = conjugate.data

    def density(point):
        mu, log_rate, *pair = point
        rate = np.exp(log_rate)
        return (
            stats.norm.logpdf(mu, 10, 5)
            + stats.norm.logpdf(data["y"], mu, 3).sum()
            + stats.gamma.logpdf(rate, 4, scale=1 / 50)
            + stats.expon.logpdf(data["wait"], scale=1 / rate).sum()
            + stats.multivariate_normal.logpdf(pair, data["centre"], data["spread"])
            + log_rate
        )

    points = np.array([[17.0, -2.4, 80.0, -4.1], [3.5, -1.0, 130.0, -3.9], [40.0, 1.0, 0.0, 0.0]])
    found, gradient = log_density(conjugate.exe, data, points)
    for point, value, slope in zip(points, found, gradient, strict=True):
        np.testing.assert_allclose(value, density(point), rtol=1e-12)
        for i in range(4):
            step = np.zeros(4)
            step[i] = 1e-4
            numeric = (density(point + step) - density(point - step)) / 2e-4
            np.testing.assert_allclose(slope[i], numeric, rtol=1e-5, atol=1e-5)
    one, _ = log_density(conjugate.exe, data, points[0])
    assert one.shape == (1,)


def test_no_density_without_the_jacobian(conjugate, tmp_path):
    """Programs hold one density only, and refuse the other rather than give the wrong one."""
    (tmp_path / "data.json").write_text(json.dumps(plain(conjugate.data)))
    command = [
        str(conjugate.exe), "log_prob", "unconstrained_params=nowhere.json", "jacobian=0",
        "data", f"file={tmp_path / 'data.json'}", "output", f"file={tmp_path / 'out.csv'}",
    ]  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "jacobian=0" in told.stderr
    assert not (tmp_path / "out.csv").exists()


def test_same_seed_same_draws_whatever_the_cores(conjugate):
    settings = {"chains": 4, "warmup": 300, "draws": 200}
    first = sample(conjugate.exe, conjugate.data, seed=7, cores=1, **settings)
    again = sample(conjugate.exe, conjugate.data, seed=7, cores=4, **settings)
    other = sample(conjugate.exe, conjugate.data, seed=8, cores=4, **settings)
    np.testing.assert_array_equal(first.values, again.values)
    assert not np.isin(other.values[:, :, 0], first.values[:, :, 0]).any()
    assert len(np.unique(first.values[:, :, 0])) > 0.5 * 4 * 200  # the chains differ
    alone = sample(conjugate.exe, conjugate.data, seed=7, **(settings | {"chains": 1}))
    np.testing.assert_array_equal(alone.values[0], first.values[0])


def test_initial_values(conjugate):
    def first_mu(inits, chains=2):
        raw = sample(
            conjugate.exe, conjugate.data, chains=chains, warmup=0, draws=1, seed=1,
            inits=inits, step_size=1e-9,
        )  # fmt: skip
        return raw.variable("mu")[:, 0]

    def start(mu):
        return {"mu": mu, "rate": 0.1, "pair": conjugate.data["centre"]}

    np.testing.assert_allclose(first_mu(start(12.5)), [12.5, 12.5], rtol=1e-6)
    np.testing.assert_allclose(first_mu([start(12.5), start(19.0)]), [12.5, 19.0], rtol=1e-6)
    np.testing.assert_allclose(first_mu([start(12.5)], chains=1), [12.5], rtol=1e-6)
    np.testing.assert_allclose(first_mu(0), [0, 0], atol=1e-4)
    with pytest.raises(BackendError, match="3 sets of initial values for 2 chains"):
        first_mu([start(1.0)] * 3)


def test_no_warmup_and_no_draws_lost_to_progress(conjugate, capsys):
    quiet = sample(conjugate.exe, conjugate.data, warmup=100, draws=60, seed=2, progress=False)
    assert capsys.readouterr() == ("", "")
    shown = sample(conjugate.exe, conjugate.data, warmup=100, draws=60, seed=2, progress=True)
    assert "4 chains" in capsys.readouterr().err
    np.testing.assert_array_equal(quiet.values, shown.values)


def test_failures_carry_stans_own_words(conjugate):
    with pytest.raises(BackendError, match=r"variable does not exist.*name=n;"):
        sample(conjugate.exe, {k: v for k, v in conjugate.data.items() if k != "n"}, seed=1)
    # a start out of the support, for every parameter: Stan has nothing to draw instead
    start = {"mu": 1.0, "rate": -1.0, "pair": [0.0, 0.0]}
    with pytest.raises(BackendError, match=r"(?s)initialization failed.*new initial values"):
        sample(conjugate.exe, conjugate.data, seed=1, inits=start)
    with pytest.raises(BackendError, match="between 0 and 1"):
        sample(conjugate.exe, conjugate.data, seed=1, target_accept=1.5)
    with pytest.raises(BackendError, match="4 columns"):
        log_density(conjugate.exe, conjugate.data, np.zeros((2, 3)))


def test_what_a_model_prints_is_passed_on_once(conjugate):
    settings = {"seed": 1, "chains": 1, "warmup": 0, "draws": 8, "max_treedepth": 3}
    loud = sample(conjugate.exe, conjugate.data | {"quiet_below": -1e9}, **settings)
    # once at each gradient: of a trajectory's steps and its start, and of the first point of all
    gradients = loud.sampler["n_leapfrog__"].sum() + 8
    assert gradients <= loud.messages.count("mu is high") <= gradients + 4
    assert set(loud.messages) == {"mu is high"}
    quiet = sample(conjugate.exe, conjugate.data, **settings)
    assert quiet.messages == ()
    np.testing.assert_array_equal(quiet.values, loud.values)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["sample", "num_sample=5"], 64, "unknown argument 'num_sample=5'"),
        (["sample", "num_samples=five"], 64, "num_samples=five: must be a number"),
        (["sample", "thin=0"], 64, "thin=0: out of range"),
        (["method=dream"], 64, "method=dream: unknown; one of sample"),
        (["sample", "data", "file=nowhere.json"], 1, "cannot read 'nowhere.json'"),
    ],
)
def test_wrong_command_lines(conjugate, words, code, said):
    run = subprocess.run([conjugate.exe, *words], capture_output=True, text=True, check=False)
    assert run.returncode == code
    assert run.stdout == ""
    assert said in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error(conjugate, tmp_path):
    data = tmp_path / "data.json"
    data.write_text(json.dumps(plain(conjugate.data)))
    command = [conjugate.exe, "sample", "data", f"file={data}", "output", "file=/dev/full"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "is the disk full?" in run.stderr


def test_cmdstanpy_drives_it_as_any_cmdstan_program(conjugate, tmp_path):
    logging.getLogger("cmdstanpy").setLevel(logging.CRITICAL)
    model = cmdstanpy.CmdStanModel(exe_file=conjugate.exe)
    assert model.exe_info()["STAN_THREADS"] == "true"
    # 17 digits are all that there are: our raw draws are CmdStan's, to the last bit
    common = {"data": conjugate.data, "seed": 9, "output_dir": tmp_path, "sig_figs": 17}
    ours = sample(conjugate.exe, conjugate.data, seed=9)
    fit = model.sample(**common, show_progress=False)
    np.testing.assert_array_equal(fit.draws()[:, :, 7:].swapaxes(0, 1), ours.values)
    np.testing.assert_array_equal(fit.inv_metric, ours.inv_metric)
    np.testing.assert_array_equal(fit.step_size, ours.step_size)
    apart = model.sample(**common, show_progress=False, force_one_process_per_chain=True)
    np.testing.assert_array_equal(apart.draws(), fit.draws())
    thinned = model.sample(**common, show_progress=False, thin=4, save_warmup=True)
    np.testing.assert_array_equal(thinned.draws()[:, :, 7], fit.draws()[::4, :, 7])
    assert thinned.draws(inc_warmup=True).shape[0] == 500
    # a known metric and no adaptation: the files of a metric per chain are read
    fixed = model.sample(
        **common, show_progress=False, iter_warmup=200, adapt_engaged=False, metric="dense_e",
        inv_metric=[np.diag(row) for row in fit.inv_metric], step_size=0.5,
    )  # fmt: skip
    assert abs(z(fixed.stan_variable("mu").reshape(4, -1), conjugate.mu[0])) < 4.5

    point = {"mu": 17.0, "rate": 0.09, "pair": [80.0, -4.1]}
    table = model.log_prob(point, conjugate.data, sig_figs=17)
    expected, gradient = log_density(
        conjugate.exe, conjugate.data, [17.0, np.log(0.09), 80.0, -4.1]
    )
    np.testing.assert_allclose(table["lp__"], expected, rtol=1e-12)
    np.testing.assert_allclose(table.filter(like="g_"), gradient, rtol=1e-9)


# ------------------------------------------------------------------ interruption

ENDLESS = """
import json, sys
from pathlib import Path
from winstan.toolchain import sample
sys.stdout.write("ready\\n")
sys.stdout.flush()
sample(Path(sys.argv[1]), json.loads(sys.argv[2]), warmup=10**9, draws=1, seed=1)
"""


def processes():
    """Return {pid: parent} of all processes that are not mere zombies."""
    rows = []
    if Path("/proc/self/stat").exists():  # small containers have no `ps`
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                after_name = path.read_text().rsplit(")", 1)[1].split()
                rows.append((path.parent.name, after_name[1], after_name[0]))
    else:
        listed = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,stat="], text=True)
        rows = [line.split() for line in listed.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def children(pid):
    return [child for child, parent in processes().items() if parent == pid]


def alive(pid):
    return pid in processes()


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("whom", ["python alone", "the whole group", "python, killed"])
def test_nothing_outlives_an_interrupted_run(conjugate, tmp_path, whom):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(conjugate.exe), json.dumps(plain(conjugate.data))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        sampler = until(lambda: children(process.pid))[0]
        time.sleep(0.3)
        assert list(tmp_path.glob("winstan-*"))
        assert alive(sampler)
        if whom == "the whole group":
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(process.pid, signal.SIGINT if whom == "python alone" else signal.SIGKILL)
        _, said = process.communicate(timeout=10)
        assert until(lambda: not alive(sampler), seconds=3)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if whom != "python, killed":
        assert "KeyboardInterrupt" in said
        assert not list(tmp_path.glob("winstan-*"))


def test_no_files_are_left(conjugate, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sample(conjugate.exe, conjugate.data, warmup=50, draws=50, seed=1)
    log_density(conjugate.exe, conjugate.data, np.zeros(4))
    with pytest.raises(BackendError):
        sample(conjugate.exe, {}, seed=1)
    assert not list(tmp_path.iterdir())
