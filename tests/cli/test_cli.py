"""The command line: files out, one line and a code on bad input."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_draws import made_fit
from models import model_of
from PIL import Image

import winstan as ws
from winstan.cli import main
from winstan.cli.commands import check_contrasts
from winstan.cli.files import make_folder
from winstan.cli.tables import read_table
from winstan.errors import BackendError, DataError

FORMULA = "`Log power` ~ stim + (1|mouse)"
SAMPLING = ["--chains", "2", "--warmup", "300", "--draws", "900", "--seed", "1", "--quiet"]
SAMPLING += ["--silence", "random_slopes"]


def trials() -> pd.DataFrame:
    return ws.simulate_lfp(n_mice=6, n_trials=12, seed=2)


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "trials.csv"
    trials().to_csv(path, index=False)
    return path


def size_mm(path) -> tuple[float, float]:
    with Image.open(path) as image:
        darkest, lightest = image.convert("L").getextrema()
        assert (darkest, lightest) == (0, 255)
        return image.width / 200 * 25.4, image.height / 200 * 25.4


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_fit_writes_summary_draws_and_figures(suffix, tmp_path, capsys):
    path, out = tmp_path / f"trials.{suffix}", tmp_path / "new" / "out"
    data = trials()
    if suffix == "parquet":
        data.to_parquet(path)
    else:
        data.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    code = main(["fit", str(path), FORMULA, "--out", str(out), *SAMPLING])
    said = capsys.readouterr()
    assert code == 0
    assert said.err == ""

    options = {"seed": 1, "progress": False, "silence": "random_slopes"}
    fit = ws.fit(FORMULA, data, chains=2, warmup=300, draws=900, **options)
    assert {p.name for p in out.iterdir()} == {
        "summary.csv",
        "draws.nc",
        "contrast_stim.csv",
        "difference_stim.png",
        "intercepts_mouse.png",
    }
    summary = pd.read_csv(out / "summary.csv", index_col="parameter")
    pd.testing.assert_frame_equal(summary, fit.summary(), check_names=False, rtol=1e-9)
    contrast = pd.read_csv(out / "contrast_stim.csv")
    pd.testing.assert_frame_equal(contrast, fit.contrast("stim"), rtol=1e-9)
    with xr.open_datatree(out / "draws.nc", engine="h5netcdf") as tree:
        assert set(tree.children) >= {"posterior", "sample_stats", "observed_data"}
        for name in fit.draws["posterior"].data_vars:
            np.testing.assert_array_equal(tree["posterior"][name], fit.draws["posterior"][name])
        assert tree["posterior"]["mouse__factor_dim"].to_numpy().tolist() == sorted(
            data["mouse"].unique()
        )
        assert tree["posterior"].attrs["seed"] == 1
        np.testing.assert_array_equal(tree["observed_data"]["Log power"], data["Log power"])

    width, height = size_mm(out / "difference_stim.png")
    assert width == pytest.approx(120, abs=0.5)
    assert 30 < height < 90
    width, height = size_mm(out / "intercepts_mouse.png")
    assert width == pytest.approx(120, abs=0.5)
    assert 50 < height < 120

    for words in (
        fit.verdict,
        "1|mouse_sigma",
        "r_hat",
        "Log power, by stim, in the population of mouse:",
    ):
        assert words in said.out
    assert said.out.index(fit.verdict) < said.out.index("1|mouse_sigma")
    assert "p_direction" in said.out
    assert "draws.nc" in said.out


@pytest.mark.slow
def test_options_reach_the_fit(tmp_path, capsys):
    rng = np.random.default_rng(0)
    n = 120
    data = pd.DataFrame({"g": [f"g{i % 8}" for i in range(n)], "x": np.arange(n) % 2})
    data["z"] = np.where(np.arange(n) // 2 % 2, "hi", "lo")
    data["of"] = rng.integers(4, 20, n)
    data["hits"] = rng.binomial(data["of"], 0.2 + 0.2 * data["x"] + np.arange(n) % 8 / 14)
    data["n"] = rng.integers(1, 3, n)
    path = tmp_path / "d.csv"
    data.to_csv(path, index=False)
    options = ["--family", "binomial", "--link", "probit", "--weights", "n", "--contrast", "x"]
    options += ["--contrast", "x:z", "--pairs", "all", "--simultaneous"]
    formula = "hits ~ x + z + (1|g)"
    assert main(["fit", str(path), formula, "--trials", "of", *options, *SAMPLING]) == 0
    out = capsys.readouterr().out
    assert "[binomial, probit link, stan]" in out
    assert "Difference in proportion of hits, by x, in the population of g:" in out
    assert "by z:" not in out
    assert "by x:z" in out
    assert "1 - 0 of z (lo - hi)" in out
    assert "sim_97%" in out
    assert {p.name for p in tmp_path.iterdir()} == {"d.csv"}


@pytest.mark.slow
def test_warnings_are_lines_and_leave_the_process_as_it_was(tmp_path, capsys):
    data = trials()
    data.loc[3, "stim"] = np.nan
    path = tmp_path / "d.csv"
    data.to_csv(path, index=False)
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["fit", str(path), FORMULA, *SAMPLING]) == 0
    assert warnings.showwarning is before
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("winstan: DesignWarning: 1 of 144 rows")


@pytest.mark.slow
def test_demo(tmp_path, capsys):
    sampling = [word for word in SAMPLING if word not in ("--silence", "random_slopes")]
    # After 900 draws of two chains an R-hat of 1.01 is now and then chance.
    sampling += ["--draws", "2500"]
    arguments = ["--trials-per-mouse", "10", "--out", str(tmp_path), *sampling]
    assert main(["demo", *arguments]) == 0
    out = capsys.readouterr().out
    assert "Power ~ stim + (1|mouse)  [gamma, log link, stan]" in out
    assert "`Log power` ~ stim + (1|mouse)  [gaussian, identity link, stan]" in out
    for folder in ("power", "log-power"):
        names = {p.name for p in (tmp_path / folder).iterdir()}
        assert names >= {"summary.csv", "draws.nc", "difference_stim.png", "intercepts_mouse.png"}
        size_mm(tmp_path / folder / "intercepts_mouse.png")


def test_demo_asks_for_both_programs_at_once_when_its_options_are_sound(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def no_compiler(templates):
        asked.append(templates)
        raise BackendError("no compiler")

    monkeypatch.setattr(sys.modules["winstan.toolchain"], "prebuild", no_compiler)
    assert main(["demo", "--chains", "0", "--out", str(tmp_path)]) == 2
    assert asked == []
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert asked == [["gamma", "gaussian_marginal"]]
    assert "no compiler" in capsys.readouterr().err


def no_fit(*args, **options):
    raise AssertionError("sampling began before the input was found bad")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CSV", "Power ~ stmi + (1|mouse)"], "no column 'stmi'. Did you mean 'stim'?"),
        (["CSV", "Power ~ stim + (1|mose)"], "no column 'mose'. Did you mean 'mouse'?"),
        (["CSV", "Power ~ stim + (1|mouse"], "winstan: "),
        (["CSV", "~ stim"], "winstan: "),
        (["CSV", "Power ~ stim", "--family", "gama"], "no family 'gama'. Did you mean 'gamma'?"),
        (["CSV", "Power ~ stim", "--link", "logg"], "no link 'logg'"),
        (["CSV", "Power ~ stim", "--family", "poisson"], "family='poisson' needs"),
        (["CSV", "Power ~ stim", "--backend", "stann"], "'stann'"),
        (["CSV", "Power ~ stim", "--seed", "-1"], "seed= must be"),
        (["CSV", "Power ~ stim", "--draws", "0"], "draws= must be"),
        (["CSV", "Power ~ stim", "--weights", "wieght"], "no column 'wieght'"),
        (["FOLDER/none.csv", "Power ~ stim"], "none.csv: there is no such file."),
        (["FOLDER", "Power ~ stim"], "a .csv, .tsv, .parquet or .xlsx file is wanted"),
        (["FOLDER/data.xls", "Power ~ stim"], "data.xls: a .csv, .tsv, .parquet or .xlsx file is"),
        (["FOLDER/data.xlsx", "Power ~ stim"], "data.xlsx: "),
        (["FOLDER/empty.csv", "Power ~ stim"], "empty.csv: cannot be read"),
        (["FOLDER/ragged.csv", "Power ~ stim"], "ragged.csv: cannot be read"),
        (["FOLDER/bytes.csv", "Power ~ stim"], "bytes.csv: its text is not UTF-8"),
        (["FOLDER/bytes.parquet", "Power ~ stim"], "bytes.parquet: cannot be read"),
        (["CSV", FORMULA, "--out", "CSV"], "the folder cannot be made"),
        (["CSV", FORMULA, "--out", "CSV/below"], "the folder cannot be made"),
    ],
)
def test_bad_input_is_one_line_and_code_2(arguments, message, csv, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("winstan.backends.stan.StanBackend.sample", no_fit, raising=False)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n1,2,3\n4,5\n")
    (tmp_path / "bytes.csv").write_bytes(b"a,b\n\xff\xfe\x00,1\n")
    (tmp_path / "bytes.parquet").write_bytes(b"not parquet at all")
    (tmp_path / "data.xlsx").write_bytes(b"")
    named = [a.replace("CSV", str(csv)).replace("FOLDER", str(tmp_path)) for a in arguments]
    assert main(["fit", *named, "--quiet"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("winstan: ")
    assert said.err.count("\n") == 1
    assert message in said.err
    assert "Traceback" not in said.err


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(DataError, match=r"--out .*: the folder cannot be made \(Permission den"):
        make_folder(tmp_path / "out")


def test_interrupted(csv, capsys, monkeypatch):
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("winstan.fitting.fit", stop)
    assert main(["fit", str(csv), FORMULA]) == 130
    assert capsys.readouterr().err == "winstan: interrupted\n"


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"winstan {ws.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["fti"], ["fit"], ["fit", "a.csv"], ["fit", "a.csv", "y ~ x", "--seed", "abc"]],
)
def test_usage_errors(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("winstan: ")
    assert said.endswith("--help)\n")
    assert said.count("\n") == 1


def test_a_contrast_is_checked_before_sampling(csv, monkeypatch, capsys):
    def sampled(*_, **__):
        raise AssertionError("it began to sample")

    monkeypatch.setattr("winstan.fitting.fit", sampled)
    assert main(["fit", str(csv), FORMULA, "--contrast", "stin"]) == 2
    assert "--contrast stin" in (said := capsys.readouterr().err)
    assert "'stim'" in said


RATINGS = {
    "cumulative": "rating ~ stim + (1|mouse)",
    "categorical": "rating ~ stim + (1 |p| mouse)",
    "zero_inflated_poisson": "score ~ stim + (1|mouse); zi ~ stim",
}


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
@pytest.mark.parametrize("family", RATINGS)
@pytest.mark.slow
def test_what_has_no_figure_leaves_the_other_results(family, tmp_path, capsys, monkeypatch):
    """A figure of intercepts is of one mean, which these have not: the rest is written."""
    data = trials().assign(score=lambda d: np.arange(len(d)) * 5 // 7 % 3)
    data["rating"] = np.array(["dull", "fair", "good"])[data["score"]]
    data.to_csv(tmp_path / "data.csv", index=False)
    asked = []

    def made(formula, rows, family, **options):
        asked.append(formula)
        return made_fit(model_of(formula, rows, family), draws=200)

    monkeypatch.setattr("winstan.fitting.fit", made)
    out = tmp_path / "out"
    command = ["fit", str(tmp_path / "data.csv"), RATINGS[family], "--family", family]
    contrasts = ["--contrast", "stim", "--groups", "typical", "--out", str(out)]
    for _ in range(2):  # the results of the run before are replaced
        assert main([*command, *contrasts, *SAMPLING]) == 0
    said = capsys.readouterr()
    assert asked == [RATINGS[family]] * 2
    assert said.err.count("\n") == said.err.count("winstan: no figure of mouse: ")
    assert said.err or family == "categorical"  # which has no term of one name
    names = {"summary.csv", "draws.nc", "contrast_stim.csv", "difference_stim.png"}
    assert {p.name for p in out.iterdir()} == names
    if family == "categorical":
        for name in ("mufair", "mugood"):
            assert f"Difference of {name}" in said.out
        assert "mudull" not in said.out
    assert main([*command, "--contrast", "stin", *SAMPLING]) == 2
    assert "Did you mean 'stim'?" in capsys.readouterr().err


def test_contrasts_of_other_formulas_are_known_where_the_mean_depends_on_them():
    formula = "rating ~ 1; mugood ~ dose + (1 |p| mouse)"
    check_contrasts(formula, ["dose", "mouse"], "categorical")
    with pytest.raises(ws.OptionError, match="no predictor"):
        check_contrasts("y ~ stim; sigma ~ dose", ["dose"], "gaussian")


def test_programs_are_exported_all_together(tmp_path, capsys):
    assert main(["prepare", "gamma", "--export", str(tmp_path / "programs")]) == 2
    assert "--export takes all templates" in capsys.readouterr().err
    assert not (tmp_path / "programs").exists()


@pytest.mark.slow
def test_as_a_process(tmp_path):
    command = [sys.executable, "-m", "winstan"]
    done = subprocess.run(
        [*command, "fit", "none.csv", "y ~ x"], cwd=tmp_path, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "winstan: none.csv: there is no such file.\n"
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"winstan {ws.__version__}\n"


def test_tables_are_read_as_they_were_written(tmp_path):
    data = trials()
    data.to_csv(tmp_path / "a.CSV", index=False)
    data.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    data.to_parquet(tmp_path / "a.pq")
    for name in ("a.CSV", "a.tsv", "a.pq"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name), data)


def test_draws_of_odd_names_and_levels_can_be_written(tmp_path):
    data = trials().assign(cage=lambda d: d["mouse"].str[1:].astype(int) + 0.5)
    data["a<b é"] = np.array(["x/y", "p|q", "ß"])[np.arange(len(data)) % 3]
    model = model_of("Power ~ `a<b é` + np.log1p(trial) + (1 + trial|cage)", data, "gamma")
    draws = made_fit(model, draws=20).draws
    draws.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "draws.nc", engine="h5netcdf") as tree:
        assert set(tree["posterior"].variables) == set(draws["posterior"].variables)
        for name, kept in tree["posterior"].variables.items():
            np.testing.assert_array_equal(kept, draws["posterior"].variables[name])


def test_a_formula_before_its_file_is_told(csv, capsys):
    assert main(["fit", FORMULA, str(csv)]) == 2
    assert "The file stands before the formula: " in capsys.readouterr().err
