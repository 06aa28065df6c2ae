"""`Fit.update`, `ws.fit(file=)`, fits of groups in a file, and the command line's ``--save``."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of
from own_family import SHIFTED, TEMPLATE

import winstan as ws
from winstan.backends import Settings, stan
from winstan.building import read_inputs
from winstan.cli.main import main
from winstan.families import FAMILIES, registry
from winstan.fit_class import Fit
from winstan.keeping.fits import kept_fit

FORMULA = "y ~ x + (1|g)"
QUICK = {"seed": 3, "draws": 500, "progress": False, "silence": "all"}


def rows(seed=0):
    rng = np.random.default_rng(seed)
    g = np.arange(120) % 10
    x = rng.normal(size=120)
    y = 100 + 7 * rng.normal(size=10)[g] + 9 * x + 4 * rng.normal(size=120)
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{i}" for i in g], "z": x**2, "n": np.arange(120)})


@pytest.fixture
def counted(monkeypatch):
    """How often Stan has sampled."""
    calls = []
    sample = stan.StanBackend.sample
    monkeypatch.setattr(
        stan.StanBackend, "sample", lambda *a, **k: (calls.append(1), sample(*a, **k))[1]
    )
    return calls


@pytest.fixture(scope="module")
def fit():
    data = rows()
    data.loc[3, "x"] = np.nan
    return ws.fit(FORMULA, data, **QUICK)


@pytest.mark.slow
def test_a_fit_is_made_again_with_something_changed(fit, counted):
    same = fit.update(silence="all")
    assert counted == [1]
    assert same.draws["posterior"].equals(fit.draws["posterior"])
    assert same.draws["observed_data"].equals(fit.draws["observed_data"])  # rows 0, 1, 2, 4, ...
    tight = fit.update(priors={"x": ws.Normal(0, 0.01)}, silence="all")
    assert abs(tight.summary().loc["x", "mean"]) < 0.5 < fit.summary().loc["x", "mean"]
    simpler = fit.update("y ~ x", silence="all")
    assert "1|g_sigma" not in simpler.summary().index
    robust = fit.update(family="student", draws=600, silence="all")
    assert robust.model.family.name == "student"
    assert robust.draws["posterior"].sizes["draw"] == 600
    other = fit.update(data=rows(seed=1), silence="all")
    pd.testing.assert_frame_equal(other.summary(), ws.fit(FORMULA, rows(seed=1), **QUICK).summary())


@pytest.mark.slow
def test_a_dot_is_what_the_fit_has_on_that_side(fit):
    assert "x" not in fit.update(". ~ . - x", silence="all").summary().index
    spread = fit.update(". ~ .", sigma="x", silence="all")
    more = spread.update("~ . + z", rows(), silence="all")
    assert {"x", "z", "1|g_sigma", "sigma_x"} <= set(more.summary().index)
    with pytest.raises(ws.FormulaError, match="'sigma' has had, and it has had none"):
        fit.update([". ~ .", "sigma ~ . + x"])


def test_group_terms_are_subtracted_as_others_are(fit):
    plain = fit.update(". ~ . - (1|g)", silence="all")
    assert plain.model.formula.text == "y ~ x"
    alone = fit.update("y ~ x", silence="all")
    pd.testing.assert_frame_equal(plain.summary(), alone.summary())
    sloped = fit.update(". ~ . - (1|g) + (x||g)", silence="all")
    assert {"1|g_sigma", "x|g_sigma"} <= set(sloped.summary().index)
    with pytest.raises(ws.FormulaError, match=r"no \(1 \| gg\) to remove; there is \(1 \| g\)"):
        fit.update(". ~ . - (1|gg)")


def test_what_a_fit_has_not_kept_is_asked_for(fit):
    with pytest.raises(ws.DataError, match=r"keeps the columns that it uses, .*'z' is none.*data="):
        fit.update("y ~ x + z + (1|g)")
    more = fit.update("y ~ x + z + (1|g)", rows(), silence="all")
    assert "z" in more.summary().index
    with pytest.raises(ws.OptionError, match=r"no option 'prior'.*'priors'"):
        fit.update(prior={})


def test_a_saved_fit_is_updated_as_well(fit, tmp_path, counted):
    found = ws.load_fit(fit.save(tmp_path / "fit.nc"))
    assert counted == []
    assert found.update(silence="all").draws["posterior"].equals(fit.draws["posterior"])


@pytest.mark.slow
def test_a_file_is_read_until_what_it_is_made_of_changes(tmp_path, counted):
    file = tmp_path / "fit.nc"
    data = rows()

    def asked(formula=FORMULA, data=data, **options):
        return ws.fit(formula, data, file=file, **QUICK | options)

    first = asked()
    # Nothing of it: another column, another kind of frame, another way to be shown or to compute.
    again = asked(data={name: data[name].tolist() for name in ("g", "y", "x")}, cores=1)
    asked(data=data.assign(z=0.0), seed=None)
    assert counted == [1]
    pd.testing.assert_frame_equal(again.summary(), first.summary())
    for what, options in {
        "the column 'x' changed": {"data": data.assign(x=data["x"].to_numpy() + np.eye(120)[7])},
        "the data .120 rows, now 119.": {"data": data.iloc[1:]},
        "the formula changed": {"formula": "y ~ x + (x|g)"},
        "priors changed": {"priors": {"x": ws.Normal(0, 1)}},
        "the family .gaussian, now student": {"family": "student"},
        "draws, seed changed": {"draws": 600, "seed": 9},
    }.items():
        asked()
        before = len(counted)
        with pytest.warns(ws.RefitWarning, match=f"another fit: {what}"):
            asked(**options)
        assert len(counted) == before + 1
        with pytest.warns(ws.RefitWarning):  # and back
            asked()
    with pytest.raises(ws.OptionError, match="one backend"):
        asked(backend=("stan", "pymc"))
    file.write_bytes(b"no fit")
    with pytest.raises(ws.FitFileError, match="not a netCDF 4 file"):
        asked()


def test_a_fit_that_did_not_converge_says_so_whenever_it_is_read(tmp_path, counted):
    for _ in range(2):
        with pytest.warns(ws.ConvergenceWarning, match="Not converged"):
            ws.fit(FORMULA, rows(), file=tmp_path / "fit.nc", **QUICK | {"draws": 20})
    assert counted == [1]


def test_a_folder_that_is_not_there_is_said_before_sampling(tmp_path, counted):
    with pytest.raises(ws.FitFileError, match=r"There is no folder .*none"):
        ws.fit(FORMULA, rows(), file=tmp_path / "none" / "fit.nc", **QUICK)
    assert counted == []


def test_another_version_of_winstan_fits_again(tmp_path, counted, monkeypatch):
    file = tmp_path / "fit.nc"
    ws.fit(FORMULA, rows(), file=file, **QUICK)
    monkeypatch.setattr("winstan.keeping.changes.__version__", "99.0")
    with pytest.warns(ws.RefitWarning, match=r"the version of winstan \(.*, now 99\.0\)"):
        ws.fit(FORMULA, rows(), file=file, **QUICK)
    assert counted == [1, 1]


@pytest.mark.parametrize("keep", ["fits", "summary"])
def test_fits_of_groups_come_back(keep, tmp_path, counted):
    data = rows().assign(half=np.where(np.arange(120) < 60, 1, 2))
    each = ws.fit_each("y ~ x", data, by="half", contrasts=["x"], keep=keep, n_jobs=1, **QUICK)
    found = ws.load_fit_each(each.save(tmp_path / "each.nc"))
    sampled = len(counted)
    assert repr(found) == repr(each)
    assert found.keys == each.keys == (1, 2)
    for name in ("table", "verdicts", "failures", "warnings"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(each, name))
    pd.testing.assert_frame_equal(found.contrast("x"), each.contrast("x"))
    if keep == "fits":
        pd.testing.assert_frame_equal(found.contrast("x", prob=0.5), each.contrast("x", prob=0.5))
        assert found[2].draws.identical(each[2].draws)
        assert found[2].draws["observed_data"]["row"].to_numpy()[0] == 60
    else:
        with pytest.raises(ws.OptionError, match="not kept"):
            found[2]
    assert len(counted) == sampled
    with pytest.raises(ws.OptionError, match=r"ws\.load_fit_each"):
        ws.load_fit(tmp_path / "each.nc")


@pytest.mark.slow
def test_groups_are_fitted_again_only_where_what_they_are_made_of_changes(tmp_path, counted):
    file, data = tmp_path / "each.nc", rows().assign(cell=lambda d: d["n"] % 2)

    def asked(formula="y ~ x", data=data, **options):
        given = {"by": "cell", "n_jobs": 1, **QUICK} | options
        return ws.fit_each(formula, data, file=file, **given)

    first = asked()
    assert len(counted) == 2
    again = asked(data={name: data[name].tolist() for name in ("cell", "y", "x")}, cores=1)
    asked(data=data.assign(z=0.0), seed=None)
    assert len(counted) == 2
    pd.testing.assert_frame_equal(again.table, first.table)
    pd.testing.assert_frame_equal(again.contrast("x"), first.contrast("x"))
    for what, options in {
        "the column 'x'": {"data": data.assign(x=data["x"] + np.eye(120)[7])},
        "the formula, the column 'z'": {"formula": "y ~ x + z"},
        "contrasts=": {"contrasts": {"x": {"slope": True}}},
        "keep=": {"keep": "fits"},
        "the seed, priors=": {"priors": {"x": ws.Normal(0, 1)}, "seed": 9},
    }.items():
        asked()
        before = len(counted)
        with pytest.warns(ws.RefitWarning, match="another fit: ") as warned:
            asked(**options)
        assert f"fit: {what} changed" in str(warned[0].message)
        assert len(counted) == before + 2
        with pytest.warns(ws.RefitWarning):  # and back
            asked()
    before = len(counted)
    with pytest.raises(ws.OptionError, match="file= keeps what is data, and the formula uses code"):
        asked("y ~ half(x)")
    ws.fit("y ~ x", data, **QUICK).save(file)
    with pytest.raises(ws.OptionError, match="holds a single fit"):
        asked()
    assert len(counted) == before + 1


def half(x):
    return x / 2


def test_the_command_line_saves(tmp_path, capsys):
    table, file = tmp_path / "rows.csv", tmp_path / "fit.nc"
    rows().to_csv(table, index=False)
    options = ["--seed", "3", "--draws", "200", "--chains", "2", "--quiet", "--silence", "all"]
    assert main(["fit", str(table), FORMULA, *options, "--save", str(file)]) == 0
    assert ws.load_fit(file).summary().loc["x", "mean"] == pytest.approx(9, abs=1.5)
    assert main(["fit", str(table), FORMULA, *options, "--save", str(tmp_path / "fit.csv")]) == 2
    assert "does not end in '.nc'" in capsys.readouterr().err


def _other_draw(rng, mu, aux, trials):
    return rng.normal(mu, aux["sigma"])


@pytest.fixture
def register(tmp_path):
    """Registers `SHIFTED` with changes, of the family and of its template's text."""
    path = tmp_path / "shifted.stan"

    def registered(template=TEMPLATE, **change):
        path.write_text(template)
        return ws.register_family(replace(SHIFTED, **change), template=path)

    yield registered
    registry._FAMILIES.pop("shifted", None)


def as_sampled(data, family):
    fit = made_fit(model_of("y ~ x", data, family), draws=20)
    fit.draws["posterior"].attrs["creation_library_version"] = ws.__version__
    return replace(fit, settings=Settings())


def test_a_family_that_is_registered_otherwise_is_told(register, tmp_path):
    """Its template by its text, its parameters, functions by their source: each is named."""
    mu, sigma, shift, share = SHIFTED.parameters
    register()
    data = pd.DataFrame({"y": np.arange(24) % 7 * 30.0, "x": np.arange(24) % 2})
    fit = as_sampled(data, "shifted")
    file = fit.save(tmp_path / "fit.nc")
    asked = {"any_seed": True, "backend": fit.backend, "settings": fit.settings}

    def kept():
        inputs, _ = read_inputs("y ~ x", data, "shifted", {})
        return kept_fit(Fit, file, inputs, **asked)

    again = ws.load_fit(file)
    assert again.draws.identical(fit.draws)
    assert kept().draws.identical(fit.draws)
    for said, change in {
        r"'shifted' .template. changed": {"template": TEMPLATE + "// other\n"},
        r"'shifted' .draw. changed": {"draw": _other_draw},
        r"'shifted' .parameter 'mu'. changed": {
            "parameters": (replace(mu, links=("log",)), sigma, shift, share)
        },
        r"'shifted' .parameter 'share'. changed": {
            "parameters": (mu, sigma, shift, replace(share, default_prior=ws.Beta(2, 2)))
        },
        r"'shifted' .target_accept. changed": {"target_accept": 0.9},
    }.items():
        register(**change)
        with pytest.warns(ws.RefitWarning, match=f"another fit: the family {said}"):
            assert kept() is None
        if "parameters" in change:
            with pytest.raises(ws.FamilyError, match=r"another family 'shifted'.*parameter '"):
                ws.load_fit(file)
        else:
            with pytest.warns(ws.RefitWarning, match=r"another family 'shifted'.*register it as"):
                ws.load_fit(file)
    register(label="shifted normal, as others call it")
    assert kept() is not None
    del registry._FAMILIES["shifted"]
    with pytest.raises(ws.FamilyError, match=r"'shifted', which is not registered here"):
        ws.load_fit(file)
    other, _ = read_inputs("y ~ x", data, "gaussian", {})
    with pytest.warns(ws.RefitWarning, match=r"the family \(shifted, now gaussian\) changed"):
        assert kept_fit(Fit, file, other, **asked) is None


def test_a_family_that_was_given_itself_is_no_other_of_its_name(tmp_path):
    data = rows()
    own = replace(FAMILIES["gaussian"], draw=_other_draw)
    fit = as_sampled(data, own)
    file = fit.save(tmp_path / "fit.nc")
    with pytest.warns(ws.RefitWarning, match="another family 'gaussian'.*: draw changed"):
        ws.load_fit(file)
    asked = {"any_seed": True, "backend": fit.backend, "settings": fit.settings}
    same, _ = read_inputs("y ~ x", data, own, {})
    assert kept_fit(Fit, file, same, **asked).model.family.draw is _other_draw
    other, _ = read_inputs("y ~ x", data, "gaussian", {})
    with pytest.warns(ws.RefitWarning, match=r"the family 'gaussian' \(draw\) changed"):
        assert kept_fit(Fit, file, other, **asked) is None
