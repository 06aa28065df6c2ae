"""`backend=("stan", "pymc")` and `winstan agree`: both fits, the agreement, the exit codes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan.backends import pymc, stan
from winstan.cli import main
from winstan.draws import Draws

FORMULA = "y ~ x + (1|g)"
# (Fits by seeds 1 and 2 disagree by chance, as one pair in a hundred may: one |z| of 3.7.)
QUICK = {"seed": 3, "progress": False, "silence": "all"}


def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(12), 10)
    x = rng.normal(size=g.size)
    y = 3 + 2 * x + rng.normal(0, 1.5, 12)[g] + rng.normal(0, 0.7, g.size)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{i:02}" for i in g]})


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "data.csv"
    data().to_csv(path, index=False)
    return str(path)


def backends(monkeypatch, *, shift: float = 0.0, diverging: int = 0) -> list[str]:
    """Let Stan answer for PyMC, with the coefficient of x moved by `shift` sds; return who ran."""
    ran = []
    real = stan.StanBackend.sample

    def by_stan(self, model, settings):
        ran.append("stan")
        return real(self, model, settings)

    def by_pymc(self, model, settings):
        ran.append("pymc")
        draws = real(stan.BACKEND, model, settings_with(settings, seed=settings.seed + 1))
        x = draws.posterior["x"]
        stats = dict(draws.sample_stats)
        stats["diverging"] = stats["diverging"].copy()
        stats["diverging"][0, :diverging] = True
        return Draws(
            draws.posterior | {"x": x + shift * x.std()}, stats, draws.attrs, draws.max_treedepth
        )

    monkeypatch.setattr(stan.StanBackend, "sample", by_stan)
    monkeypatch.setattr(pymc.PymcBackend, "sample", by_pymc)
    return ran


def settings_with(settings, **changes):
    return type(settings)(**{n: getattr(settings, n) for n in settings.__slots__} | changes)


@pytest.mark.slow
def test_both_fits_and_their_agreement(monkeypatch):
    backends(monkeypatch)
    both = ws.fit(FORMULA, data(), backend=("stan", "pymc"), **QUICK)
    one, two = both
    assert (one.backend, two.backend) == ("stan", "pymc")
    assert both["pymc"] is two
    assert len(both) == 2
    assert both.agreement.names == ("stan", "pymc")
    assert both.ok
    both.raise_for_disagreement()
    # The very fit that the backend gives alone.
    alone = ws.fit(FORMULA, data(), **QUICK)
    pd.testing.assert_frame_equal(one.summary(), alone.summary())
    expected = ws.agree(one, two).table
    pd.testing.assert_frame_equal(both.agreement.table, expected)
    for text in (repr(both), both._repr_html_()):
        assert both.verdict in text
        assert "Wall time of each fit: stan " in text
    with pytest.raises(ws.OptionError, match=r"no fit by 'pymcc'\. Did you mean 'pymc'"):
        both["pymcc"]


def test_a_wrong_engine_is_seen(monkeypatch):
    backends(monkeypatch, shift=0.5)
    both = ws.fit(FORMULA, data(), backend=["stan", "pymc"], **QUICK)
    assert not both.ok
    assert " x," in both.verdict
    with pytest.raises(ws.AgreementError, match="disagree"):
        both.raise_for_disagreement()


def test_warnings_name_the_engine(monkeypatch):
    backends(monkeypatch, diverging=100)
    with pytest.warns(ws.ConvergenceWarning, match="^pymc: Not converged: 100 of 4000"):
        both = ws.fit(FORMULA, data(), backend=("stan", "pymc"), **QUICK)
    assert "pymc has not converged" in both.verdict


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"backend": ("stan",)}, ws.BackendError, "two or more different"),
        ({"backend": ("stan", "stan")}, ws.BackendError, "two or more different"),
        ({"backend": ("stan", "pymcc")}, ws.BackendError, "'pymcc'. Did you mean 'pymc'"),
        ({"backend": "stan", "sampler": "nutpie"}, ws.OptionError, "sampler='nutpie'.*own"),
        ({"backend": ("stan", "pymc"), "sampler": "gibbs"}, ws.OptionError, "one of pymc, nutpie"),
    ],
)
def test_refused_before_any_sampling(monkeypatch, options, error, words):
    ran = backends(monkeypatch)
    with pytest.raises(error, match=words):
        ws.fit(FORMULA, data(), **options, **QUICK)
    assert ran == []


def test_what_one_engine_lacks_stops_all(monkeypatch):
    ran = backends(monkeypatch)
    monkeypatch.setenv("WINSTAN_CMDSTAN", "bundled")
    monkeypatch.setitem(sys.modules, "cmdstanpy", None)
    with pytest.raises(ws.BackendError, match="pip install cmdstanpy"):
        ws.fit(FORMULA, data(), backend=("pymc", "stan"), **QUICK)
    assert ran == []


def test_what_one_engine_cannot_express_stops_all(monkeypatch):
    ran = backends(monkeypatch)
    with pytest.raises(ws.BackendError, match="bambi cannot express the correlated"):
        ws.fit("y ~ x + (x|g)", data(), backend=("stan", "bambi"), **QUICK)
    assert ran == []


@pytest.mark.filterwarnings("default::winstan.ConvergenceWarning")
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({}, 0, "stan and pymc agree"),
        ({"shift": 0.5}, 1, "stan and pymc disagree on"),
        ({"diverging": 100}, 3, "pymc has not converged"),
    ],
)
@pytest.mark.slow
def test_agree_exit_codes(monkeypatch, capsys, csv, tmp_path, change, code, words):
    backends(monkeypatch, **change)
    out = tmp_path / "out"
    argv = ["agree", csv, FORMULA, "--backends", "stan, pymc", "--seed", "3", "--quiet"]
    argv += ["--silence", "all"]
    assert main([*argv, "--out", str(out)]) == code
    said, warned = capsys.readouterr()
    assert ("ConvergenceWarning: pymc: Not converged" in warned) == (code == 3)
    assert words in said
    assert "1|g_sigma" in said
    assert {p.name for p in out.iterdir()} == {"agreement.csv", "agreement.png"}
    table = pd.read_csv(out / "agreement.csv").set_index("parameter")
    assert table["agrees"].all() == (code != 1)


def test_an_error_of_winstans_own_is_no_disagreement(monkeypatch, capsys, csv):
    def fails(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(stan.StanBackend, "sample", fails)
    assert main(["fit", csv, FORMULA, "--quiet", "--silence", "all"]) == 70
    assert "ZeroDivisionError: a bug" in capsys.readouterr().err


def test_the_same_draws_prove_nothing():
    fit = ws.fit(FORMULA, data(), **QUICK)
    again = ws.fit(FORMULA, data(), **QUICK)
    for other in (fit, again):
        with pytest.raises(ws.OptionError, match="the same draws, which prove nothing"):
            ws.agree(fit, other)


def test_agree_of_bad_input_is_a_line_and_code_2(capsys, csv):
    for argv, words in [
        ([csv, "y ~ X"], "'x'"),
        ([csv, FORMULA, "--backends", "stan"], "two or more different"),
        ([csv, FORMULA, "--backends", "stan,pymd"], "Did you mean 'pymc'"),
        ([csv, FORMULA, "--family", "gamma"], "gamma"),
        ([csv, FORMULA, "--alpha", "2"], "alpha"),
        (["nowhere.csv", FORMULA], "no such file"),
    ]:
        assert main(["agree", *argv, "--quiet", "--silence", "random_slopes"]) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.count("\n") == 1


def test_the_data_of_the_programs_are_to_be_had():
    fit = made_fit(model_of(FORMULA, data(), "gaussian"))
    for backend, first in (("stan", 1), ("pymc", 0)):
        given = fit.code_data(backend)
        np.testing.assert_array_equal(given["y"], data()["y"])
        np.testing.assert_array_equal(given["g"], np.repeat(np.arange(12) + first, 10))
    assert given["coords"]["g__factor_dim"] == sorted(set(data()["g"]))
    with pytest.raises(ws.BackendError, match="your own data frame"):
        fit.code_data("bambi")


@pytest.mark.slow
def test_a_mutated_prior_is_caught(monkeypatch):
    """PyMC with the prior of the coefficients a tenth as wide: few data, so that it shows."""
    few = data().groupby("g").head(1)
    assert ws.fit("y ~ x", few, backend=("stan", "pymc"), **QUICK).ok

    real = pymc.pymc_model
    monkeypatch.setattr(
        pymc,
        "pymc_model",
        lambda model: real(
            replace(  # in the coordinates that its draws are read in
                model_of("y ~ x", few, "gaussian", priors={"x": ws.Normal(0, 0.5)}),
                variances=model.variances,
            )
        ),
    )
    both = ws.fit("y ~ x", few, backend=("stan", "pymc"), **QUICK)
    assert not both.ok


@pytest.mark.slow
def test_a_shape_for_a_rate_is_caught(monkeypatch):
    """PyMC's gamma with one over its shape: by the draws alone, the agreement names alpha."""
    right = pymc.log_likelihood

    def wrong(model, eta, aux):
        return right(model, eta, {"alpha": 1 / aux["alpha"]})

    monkeypatch.setattr(pymc, "log_likelihood", wrong)
    positive = data().assign(y=lambda d: np.exp(d["y"] / 4))
    both = ws.fit("y ~ x", positive, family="gamma", backend=("stan", "pymc"), **QUICK)
    assert not both.ok
    assert not both.agreement.table.set_index("parameter").loc["alpha", "agrees"]


@pytest.mark.slow
def test_pymc_needs_nothing_of_stan():
    program = """
import sys
for name in ("cmdstanpy", "stanio", "httpstan", "bambi"):
    sys.modules[name] = None
import winstan as ws
data = ws.simulate_lfp(seed=5)
fit = ws.fit("`Log power` ~ stim + (1|mouse)", data, backend="pymc", seed=1, progress=False,
             silence="all")
assert fit.diagnostics.ok, fit.verdict
fit.contrast("stim")
fit.plot_difference("stim").draw()
assert "Intercept" in fit.code("pymc") and "parameters {" in fit.code("stan")
try:
    ws.fit("Power ~ stim", data, family="gamma", backend="stan", progress=False, silence="all")
except ws.BackendError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "pip install cmdstanpy" in done.stdout
