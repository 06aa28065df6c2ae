"""Saved fits: they answer as they did, in another process too; damage and versions are named."""

import datetime
import json
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import arviz
import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_draws import made_fit
from models import model_of
from scipy import special
from template_cases import STRUCTURES, data_of, has_structure, structure_of

import winstan as ws
from winstan.building import centering, model_and_frame
from winstan.design_warnings import silenced
from winstan.families import FAMILIES
from winstan.unconstrained import coordinate_sizes

FORMULA = "y ~ x + cond + (x|g) + (1|h)"


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of(FORMULA, data_of("gamma"), "gamma"))


@pytest.fixture(scope="module")
def file(fit, tmp_path_factory):
    return fit.save(tmp_path_factory.mktemp("kept") / "fit.nc")


def case_of(family):
    """Each family has a structure of its own, so that all are there."""
    names = [name for name in STRUCTURES if has_structure(family, name)]
    name = names[list(FAMILIES).index(family) % len(names)]
    formula, options = structure_of(family, name)
    trials = {"trials": "trials"} if FAMILIES[family].kind == "successes" else {}
    return formula, options | trials


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_of_every_family_come_back(family, tmp_path):
    formula, options = case_of(family)
    if FAMILIES[family].of_labels is not None:
        formula, options = "y ~ x + (1|g)", {}
    fit = made_fit(model_of(formula, data_of(family), family, **options), draws=30)
    found = ws.load_fit(fit.save(tmp_path / "fit.nc"))
    assert found.verdict == fit.verdict
    assert str(found.priors) == str(fit.priors)
    assert found.draws.identical(fit.draws)
    pd.testing.assert_frame_equal(found.summary(), fit.summary())
    assert repr(found) == repr(fit)
    mine, its = found.stan_data(), fit.stan_data()
    assert mine.keys() == its.keys()
    for name, value in its.items():
        np.testing.assert_array_equal(mine[name], value, err_msg=name)
    new = data_of(family, seed=9).head(7)
    pd.testing.assert_frame_equal(found.predict(new, seed=1), fit.predict(new, seed=1))


# What every method gives, in a process that can neither sample nor compile.
ELSEWHERE = """
    import json, sys, time, warnings
    warnings.simplefilter("ignore")
    import numpy as np
    import winstan as ws
    from winstan.keeping import fits
    import winstan.toolchain.build, winstan.toolchain.run, winstan.backends.stan as stan

    def refused(*_, **__):
        raise AssertionError("nothing is compiled or sampled")

    stan.StanBackend.sample = refused
    build = sys.modules["winstan.toolchain.build"]
    build.build = build.compiled = build.prebuild = refused
    start = time.perf_counter()
    fit = ws.load_fit(sys.argv[1])
    again = time.perf_counter()
    ws.load_fit(sys.argv[1])
    second = time.perf_counter() - again
    said = {
        "contrast": fit.contrast("cond").to_json(),
        "effects": fit.effects().to_json(),
        "conditional": fit.conditional("x").to_json(),
        "means": fit.means("cond").to_json(),
        "groups": fit.group_effects("g").to_json(),
        "intercepts": fit.intercepts("g").to_json(),
        "predict": fit.predict(seed=1).to_json(),
        "hypothesis": fit.hypothesis("x > 0").to_json(),
        "posterior_predictive": float(fit.posterior_predictive(20).sum()),
        "prior_predictive": float(np.log(fit.prior_predictive(20)).sum()),
        "log_likelihood": float(fit.log_likelihood().sum()),
        "loo": float(fit.loo(silence="all").elpd),
        "code": fit.code(),
        "summary": fit.summary(prob=0.5).to_json(),
        "html": len(fit._repr_html_()),
    }
    fit.plot_difference("cond").draw()
    fit.plot_predictive().draw()
    with open(sys.argv[2], "w") as out:
        json.dump({"said": said, "seconds": second, "pymc": "pymc" in sys.modules}, out)
"""


@pytest.mark.slow
def test_every_method_answers_in_another_process(fit, file, tmp_path):
    answer = tmp_path / "said.json"
    code = textwrap.dedent(ELSEWHERE)
    subprocess.run([sys.executable, "-c", code, str(file), str(answer)], check=True, timeout=300)
    found = json.loads(answer.read_text(encoding="utf-8"))
    said = found["said"]
    assert not found["pymc"]
    assert said["contrast"] == fit.contrast("cond").to_json()
    assert said["effects"] == fit.effects().to_json()
    assert said["conditional"] == fit.conditional("x").to_json()
    assert said["means"] == fit.means("cond").to_json()
    assert said["groups"] == fit.group_effects("g").to_json()
    assert said["intercepts"] == fit.intercepts("g").to_json()
    assert said["predict"] == fit.predict(seed=1).to_json()
    assert said["hypothesis"] == fit.hypothesis("x > 0").to_json()
    assert said["posterior_predictive"] == float(fit.posterior_predictive(20).sum())
    assert said["prior_predictive"] == float(np.log(fit.prior_predictive(20)).sum())
    assert said["log_likelihood"] == float(fit.log_likelihood().sum())
    assert said["loo"] == float(fit.loo(silence="all").elpd)
    assert said["code"] == fit.code()
    assert said["summary"] == fit.summary(prob=0.5).to_json()
    assert said["html"] == len(fit._repr_html_())


@pytest.mark.slow
def test_the_log_density_is_the_same(fit, file):
    found = ws.load_fit(file)
    points = np.random.default_rng(0).normal(size=(2, len(coordinate_names(fit))))
    for mine, its in zip(
        found.log_density(points, backend="pymc"),
        fit.log_density(points, backend="pymc"),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, its)


def coordinate_names(fit):
    return np.zeros(sum(coordinate_sizes(fit.model).values()))


def test_no_search_is_made_and_loading_is_quick(file, monkeypatch):
    def refused(*_, **__):
        raise AssertionError("the coordinates are in the file")

    monkeypatch.setattr("winstan.building.sampling.choose_coordinates", refused)
    ws.load_fit(file)
    start = time.process_time()
    ws.load_fit(file)
    assert time.process_time() - start < 0.3


def test_arviz_opens_the_file(fit, file):
    tree = arviz.from_netcdf(file)
    xr.testing.assert_equal(tree["posterior"]["1|g"].load(), fit.draws["posterior"]["1|g"])
    table = arviz.summary(tree, var_names=["x"], round_to="none")
    assert table["mean"].iloc[0] == pytest.approx(fit.summary().loc["x", "mean"])


def test_groups_that_were_added_to_the_draws_come_back(fit, tmp_path):
    more = replace(fit, draws=fit.draws.copy())
    more.draws["prior"] = xr.DataTree(xr.Dataset({"x": (("chain", "draw"), np.ones((1, 5)))}))
    found = ws.load_fit(more.save(tmp_path / "fit.nc"))
    assert found.draws["prior"]["x"].shape == (1, 5)
    assert "winstan" not in found.draws.children


# -- what the data are made of --------------------------------------------------------------------

ROWS = np.arange(60)
MONTHS = np.array([f"2026-0{k + 1}-01" for k in range(6)])[ROWS % 6]
LEVELS = {
    "whole numbers": pd.Categorical(ROWS % 6 * 3),
    "true and false": ROWS % 2 == 0,
    "intervals": pd.cut(ROWS % 6 * 100.0, [-1, 50, 150, 250, 350, 450, 550]),
    "periods": pd.Categorical(pd.PeriodIndex(MONTHS, freq="M")),
    "dates": pd.Categorical(
        pd.Series([datetime.date(2026, 1 + k, 1) for k in ROWS % 6], dtype=object)
    ),
    "moments": pd.Categorical(pd.to_datetime(MONTHS)),
    "zoned moments": pd.Categorical(pd.to_datetime(MONTHS).tz_localize("Europe/Berlin")),
    "an order": pd.Categorical(np.array(list("hml"))[ROWS % 3], ["l", "m", "h"], ordered=True),
    "fractions": pd.Categorical(ROWS % 3 / 4),
    "text with slashes": np.array(["a/b", "c, d", "∞"])[ROWS % 3],
}


@pytest.mark.parametrize("name", LEVELS)
def test_levels_of_any_type_come_back(name, tmp_path):
    y = np.random.default_rng(1).normal(170, 30, 60)
    data = pd.DataFrame({"y": y, "f": LEVELS[name], "g": LEVELS[name], "x": ROWS % 7})
    formula = "y ~ x + (1|g)" if name == "true and false" else "y ~ f + (x|g)"
    with silenced("all"):
        fit = made_fit(model_of(formula, data, "gaussian"), draws=20)
    found = ws.load_fit(fit.save(tmp_path / "fit.nc"))
    assert found.draws.identical(fit.draws)
    (mine,), (its,) = found.model.design.groups, fit.model.design.groups
    assert list(map(type, mine.levels)) == list(map(type, its.levels))
    assert list(mine.levels) == list(its.levels)
    pd.testing.assert_frame_equal(found.group_effects("g"), fit.group_effects("g"))


def test_matrices_and_numbers_of_the_caller_are_kept_and_functions_refused(tmp_path, monkeypatch):
    data = data_of("gaussian").assign(z=lambda d: d["x"] + 1)
    names = {
        "M": {"late": [-1, 0, 1], "bend": [1, -2, 1]},
        "unit": 3.0,
        "sp": special,
        "own": lambda x: 2 * x,
    }
    formula = "y ~ C(cond, M) + I(x / unit) + sp.expit(z) + np.log(t)"
    model = model_and_frame(formula, data, "gaussian", names)[0]
    fit = made_fit(model, draws=20)
    found = ws.load_fit(fit.save(tmp_path / "fit.nc"))
    pd.testing.assert_frame_equal(found.predict(data.head(3)), fit.predict(data.head(3)))
    assert "C(cond, M)[late]" in found.summary().index
    own = made_fit(model_and_frame("y ~ own(x)", data, "gaussian", names)[0], draws=20)
    with pytest.raises(ws.OptionError, match=r"uses 'own' of your own code.*data\['own'\]"):
        own.save(tmp_path / "own.nc")
    assert not (tmp_path / "own.nc").exists()
    own = names["own"]
    assert own(1) == 2
    monkeypatch.setattr("winstan.fitting.fit_by", lambda *_: pytest.fail("it sampled"))
    with pytest.raises(ws.OptionError, match="uses 'own' of your own code"):
        ws.fit("y ~ own(x)", data, file=tmp_path / "own.nc", silence="all")


def test_a_family_of_ones_own_must_be_registered_where_it_is_loaded(file, tmp_path, monkeypatch):
    data = data_of("gaussian")
    family = replace(FAMILIES["gaussian"], name="mine", aliases=())
    monkeypatch.setattr("winstan.keeping.fits.FAMILIES", {**FAMILIES, "mine": family})
    fit = made_fit(model_of("y ~ x + (1|g)", data, family), draws=20)
    kept = fit.save(tmp_path / "fit.nc")
    assert ws.load_fit(kept).model.family.name == "mine"
    monkeypatch.setattr("winstan.keeping.fits.FAMILIES", FAMILIES)
    with pytest.raises(ws.FamilyError, match=r"'mine'.*register_family"):
        ws.load_fit(kept)


def test_the_priors_are_those_of_the_fit_whatever_the_defaults_are_now(fit, file, monkeypatch):
    """As if a later version had other defaults, and other coordinates."""
    slots = centering.default_slots

    def others(*arguments):
        return tuple(
            replace(s, default=ws.Normal(0, 123)) if s.kind == "b" else s for s in slots(*arguments)
        )

    monkeypatch.setattr("winstan.building.centering.default_slots", others)
    monkeypatch.setattr("winstan.keeping.fits.__version__", "99.0")
    found = ws.load_fit(file)
    assert str(found.priors) == str(fit.priors)
    assert "123" in str(model_of(FORMULA, data_of("gamma"), "gamma").priors)


# -- files that are not whole ---------------------------------------------------------------------


def test_any_byte_that_is_damaged_is_told_or_does_not_matter(fit, file, tmp_path):
    whole = file.read_bytes()
    broken = tmp_path / "broken.nc"
    told = 0
    for at in np.random.default_rng(0).integers(0, len(whole), 60).tolist():
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        broken.write_bytes(damaged)
        try:
            found = ws.load_fit(broken)
        except ws.FitFileError:
            told += 1
        else:
            assert found.draws["posterior"].equals(fit.draws["posterior"])
    assert told > 50


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_file_that_was_cut_is_named(file, tmp_path, share):
    whole = file.read_bytes()
    cut = tmp_path / "cut.nc"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ws.FitFileError, match=r"cut.nc' is damaged.*fit and save again"):
        ws.load_fit(cut)


def test_files_of_others_are_told_apart(fit, file, tmp_path):
    with pytest.raises(ws.FitFileError, match="There is no file"):
        ws.load_fit(tmp_path / "none.nc")
    for text in ("x,y\n1,2\n3,4\n", "CDF\1"):  # the second is the netCDF of before HDF5
        (tmp_path / "other.nc").write_text(text)
        with pytest.raises(ws.FitFileError, match=r"is not a netCDF 4 file.*fit\.save") as told:
            ws.load_fit(tmp_path / "other.nc")
        assert "damaged" not in str(told.value)
    fit.draws.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with pytest.raises(ws.FitFileError, match=r"no fit that winstan saved.*arviz.from_netcdf"):
        ws.load_fit(tmp_path / "draws.nc")
    with pytest.raises(ws.OptionError, match=r"does not end in '.nc'"):
        fit.save(tmp_path / "fit.pkl")
    with pytest.raises(ws.OptionError, match=r"ws\.load_fit"):
        ws.load_fit_each(file)
    newer = tmp_path / "newer.nc"
    newer.write_bytes(file.read_bytes())
    with h5py.File(newer, "r+") as opened:
        head = json.loads(opened["winstan"].attrs["about"])
        opened["winstan"].attrs["about"] = json.dumps(head | {"format": 2, "winstan": "9.0"})
    with pytest.raises(ws.FitFileError, match=r"winstan 9.0, in format 2.*Update winstan"):
        ws.load_fit(newer)


FULL = """
    import resource, signal, sys, warnings
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    import winstan as ws
    fit = ws.load_fit(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # as a disk that is full
    try:
        fit.save(sys.argv[2])
    except ws.FitFileError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_leaves_what_was_there(file, tmp_path):
    there = tmp_path / "fit.nc"
    there.write_bytes(b"what was there")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(file), str(there)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "could not be saved" in done.stdout, done.stderr
    assert there.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["fit.nc"]


def test_a_fit_that_was_put_together_by_hand_is_refused(fit, tmp_path):
    bare = replace(fit, model=replace(fit.model, inputs=None))
    with pytest.raises(ws.OptionError, match=r"not made by ws\.fit"):
        bare.save(tmp_path / "fit.nc")
