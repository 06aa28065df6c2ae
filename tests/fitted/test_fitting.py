"""`ws.fit` from end to end: names, dims, coordinates, verdicts, and refusals before sampling."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from models import model_of

import winstan as ws
from winstan.backends import Settings, stan
from winstan.diagnostics import diagnose
from winstan.draws import Draws
from winstan.summary import scalars_of, table_of

QUICK = {"seed": 3, "chains": 2, "warmup": 300, "draws": 300, "progress": False}
QUICK["silence"] = "random_slopes"  # intercepts alone are enough here


def data_frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 240
    data = pd.DataFrame(
        {
            "x": rng.normal(2, 3, n),
            "cond": rng.choice(["a", "b", "c"], n),
            "mouse": rng.choice([3, 5, 8, 13, 21, 34], n),
            "cage": rng.choice(list("pqrst"), n),
            "n": rng.integers(1, 9, n),
        }
    )
    data["y"] = 5 + 0.5 * data.x + (data.cond == "b") + data.mouse / 10 + rng.normal(0, 1, n)
    data["count"] = rng.poisson(np.exp(0.3 * (data.cond == "c") + 0.02 * data.mouse))
    data["hits"] = rng.binomial(data.n, 0.4)
    data["ok"] = np.where(data["hits"] > data.n / 2, "yes", "no")
    return data


@pytest.fixture(scope="module")
def fit() -> ws.Fit:
    return ws.fit(
        "y ~ x + cond + (x + cond|mouse) + (1|cage)", data_frame(), **(QUICK | {"draws": 600})
    )


slow = pytest.mark.slow
loose = pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")


@slow
@loose
def test_names_dims_and_coordinates_are_bambis(fit):
    posterior = fit.draws["posterior"]
    dims = {name: posterior[name].dims[2:] for name in posterior.data_vars}
    assert dims == {
        "Intercept": (),
        "x": (),
        "cond": ("cond_dim",),
        "1|mouse_sigma": (),
        "x|mouse_sigma": (),
        "cond|mouse_sigma": ("cond__expr_dim",),
        "1|cage_sigma": (),
        "mouse_corr": ("mouse_corr_dim",),
        "sigma": (),
        "1|mouse": ("mouse__factor_dim",),
        "x|mouse": ("mouse__factor_dim",),
        "cond|mouse": ("cond__expr_dim", "mouse__factor_dim"),
        "1|cage": ("cage__factor_dim",),
    }
    assert posterior["mouse__factor_dim"].to_numpy().tolist() == [3, 5, 8, 13, 21, 34]
    assert posterior["cond_dim"].to_numpy().tolist() == ["b", "c"]
    assert posterior["mouse_corr_dim"].to_numpy().tolist() == [
        "Intercept, x", "Intercept, cond[b]", "x, cond[b]",
        "Intercept, cond[c]", "x, cond[c]", "cond[b], cond[c]",
    ]  # fmt: skip
    assert set(fit.draws.children) == {"posterior", "sample_stats", "observed_data"}
    np.testing.assert_array_equal(fit.draws["observed_data"]["y"], data_frame()["y"])
    assert {"lp", "diverging", "energy", "tree_depth", "n_steps"} <= set(fit.draws["sample_stats"])


@slow
@loose
def test_effects_vary_about_the_coefficients_as_sd_and_correlation_say(fit):
    """Draw by draw, the effects' likelihood peaks near the drawn sds: no mix-up of columns."""
    posterior = fit.draws["posterior"]
    true = data_frame().groupby("mouse")["y"].mean()
    total = posterior["Intercept"] + posterior["1|mouse"]
    shifted = total.mean(("chain", "draw")).to_numpy()
    assert np.corrcoef(shifted, true.to_numpy())[0, 1] > 0.9
    spread = posterior["x|mouse"].std("mouse__factor_dim").mean()
    assert 0.3 < float(spread / posterior["x|mouse_sigma"].mean()) < 3


@slow
@loose
def test_a_fit_survives_pickle_and_netcdf(fit, tmp_path):
    again = pickle.loads(pickle.dumps(fit))
    pd.testing.assert_frame_equal(again.summary(), fit.summary())
    pd.testing.assert_frame_equal(again.contrast("cond"), fit.contrast("cond"))
    fit.draws.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "draws.nc", engine="h5netcdf") as read:
        np.testing.assert_array_equal(
            read["posterior"]["cond|mouse"], fit.draws["posterior"]["cond|mouse"]
        )


@slow
@loose
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # skew
def test_a_slash_in_a_name():
    data = data_frame()
    fit = ws.fit("I(y / n) ~ I(x / n) + (1|mouse/cage)", data, **QUICK)
    assert "I(x / n)" in fit.summary().index
    assert fit.contrast("x")["mean"].notna().all()


@slow
def test_nothing_is_printed_and_the_frame_is_unchanged(capfd):
    data = data_frame()
    before = data.copy(deep=True)
    with pytest.warns(ws.ConvergenceWarning, match="effective draws"):
        ws.fit("y ~ x + (1|mouse)", data, **(QUICK | {"draws": 40}))
    pd.testing.assert_frame_equal(data, before)
    assert capfd.readouterr() == ("", "")


@slow
@loose
def test_two_levels_of_text_are_a_bernoulli_response():
    data = data_frame()
    by_text = ws.fit("ok ~ x + (1|mouse)", data, "bernoulli", **QUICK)
    by_number = ws.fit(
        "y ~ x + (1|mouse)", data.assign(y=(data["ok"] == "yes") * 1), "bernoulli", **QUICK
    )
    pd.testing.assert_frame_equal(by_text.summary(), by_number.summary())


@slow
@loose
def test_binomial_by_p_and_by_trials_are_one_model():
    data = data_frame()
    one = ws.fit("p(hits, n) ~ cond + (1|mouse)", data, "binomial", **QUICK)
    two = ws.fit("hits ~ cond + (1|mouse)", data, "binomial", trials="n", **QUICK)
    pd.testing.assert_frame_equal(one.summary(), two.summary())


@slow
@loose
def test_two_codings_of_one_effect_have_a_dim_each():
    fit = ws.fit("y ~ x + (cond|mouse) + (0 + cond|cage)", data_frame(), **QUICK)
    posterior = fit.draws["posterior"]
    assert posterior["cond|mouse"].dims[2] == "cond|mouse__expr_dim"
    assert posterior["cond|mouse__expr_dim"].to_numpy().tolist() == ["b", "c"]
    assert posterior["cond|cage__expr_dim"].to_numpy().tolist() == ["a", "b", "c"]


@slow
@loose
def test_the_draws_say_how_they_were_made(fit):
    attributes = fit.draws["posterior"].attrs
    assert attributes["inference_library"] == "stan"
    assert attributes["inference_library_version"].startswith("2.")
    assert attributes["creation_library_version"] == ws.__version__
    assert attributes["seed"] == 3
    assert attributes["sampling_time"] > 0
    assert attributes["tuning_steps"] == 300
    assert fit.model.marginal is not None
    assert attributes["target_accept"] == 0.9  # six mice with slopes that are integrated out
    assert "sampler" not in attributes  # Stan has one


@slow
@loose
def test_four_groups_do_not_diverge_by_default():
    """Where their sd may vanish its long tail wants smaller steps than Stan's; elsewhere not."""
    formula, quiet = "Power ~ stim + (1|mouse)", {"progress": False, "silence": "all"}
    for data_seed in (1, 2, 4):
        mice = ws.simulate_lfp(n_mice=4, seed=data_seed)
        for seed in range(4):
            fit = ws.fit(formula, mice, "gamma", seed=seed, **quiet)
            assert not fit.draws["sample_stats"]["diverging"].any()
            alike = ws.simulate_lfp(4, 8, seed=data_seed, baseline=(20.0, 20.0))
            vanishing = ws.fit(formula, alike, "gamma", seed=seed, **quiet)
            assert not vanishing.draws["sample_stats"]["diverging"].any()
    assert (fit.model.target_accept, vanishing.model.target_accept) == (0.8, 0.98)
    steps = [one.draws["posterior"].attrs["tuning_steps"] for one in (fit, vanishing)]
    assert steps == [100, 150]
    eight_mice = ws.simulate_lfp(n_mice=8, seed=1)
    careful = ws.fit(formula, eight_mice, "gamma", seed=1, target_accept=0.9, draws=100, **quiet)
    assert careful.draws["posterior"].attrs["tuning_steps"] == 150  # they take longer to find


REFUSED = {
    "support of gamma": (
        ("count ~ x", "gamma", {}),
        ws.FamilyError, r"positive.*'count' has \d+ of 240.*row \d+: 0.*poisson",
    ),
    "support of poisson": (("y ~ x", "poisson", {}), ws.FamilyError, r"counts.*'y' has 240 of 240"),
    "support of bernoulli": (("count ~ x", "bernoulli", {}), ws.FamilyError, r"0 and 1.*binomial"),
    "no trials": (("hits ~ x", "binomial", {}), ws.FamilyError, r"trials"),
    "trials of gaussian": (("p(hits, n) ~ x", "gaussian", {}), ws.FamilyError, r"binomial"),
    "text response": (("ok ~ x", "gaussian", {}), ws.FamilyError, r"'no' and 'yes'.*bernoulli"),
    "family": (("y ~ x", "gama", {}), ws.FamilyError, r"'gama'.*'gamma'"),
    "link": (
        ("y ~ x", "gaussian", {"link": "logit"}), ws.FamilyError, r"no link 'logit'.*identity",
    ),
    "backend": (("y ~ x", "gaussian", {"backend": "stam"}), ws.BackendError, r"'stam'.*'stan'"),
    "prior": (("y ~ x", "gaussian", {"priors": {"X": ws.Normal()}}), ws.PriorError, r"'X'.*'x'"),
    "prior on a sd": (
        ("y ~ x", "gaussian", {"priors": {"sigma": ws.Normal()}}),
        ws.PriorError, r"sigma.*HalfNormal",
    ),
    "chains": (("y ~ x", "gaussian", {"chains": 0}), ws.OptionError, r"chains="),
    "seed": (("y ~ x", "gaussian", {"seed": -1}), ws.OptionError, r"seed="),
    "target": (("y ~ x", "gaussian", {"target_accept": 1.0}), ws.OptionError, r"target_accept="),
    "parametrization": (
        ("y ~ x + (1|mouse)", "gaussian", {"parametrization": {"mous": "centered"}}),
        ws.OptionError, r"'mous'.*'mouse'",
    ),
    "no parameter": (("count ~ 0 + offset(x)", "poisson", {}), ws.FormulaError, r"no parameter"),
    "an exact response": (("line ~ x", "gaussian", {}), ws.DataError, r"'line' exactly.*240 rows"),
    "an exact response with outliers' tails": (
        ("line ~ x", "student", {}), ws.DataError, r"'line' exactly",
    ),
    "exact in each group": (("own ~ (1|mouse)", "gaussian", {}), ws.DataError, r"'own' exactly"),
    "separated, flat, and overflown": (
        ("apart ~ x + (1|mouse)", "bernoulli", {"priors": {"b": ws.Flat()}}),
        ws.PriorError, r"'x' are Flat",
    ),
    "separated and flat": (
        (
            "apart ~ x + (1|mouse)", "bernoulli",
            {"priors": {"b": ws.Flat(), "Intercept": ws.Flat()}},
        ),
        ws.PriorError, r"'Intercept', 'x' are Flat.*Normal",
    ),
    "a parameter's name": (("y ~ sigma", "gaussian", {}), ws.FormulaError, r"'sigma'.*parameter"),
    "a dimension's name": (("y ~ draw", "gaussian", {}), ws.FormulaError, r"'draw'.*dimension"),
    "chains of text": (("y ~ x", "gaussian", {"chains": "4"}), ws.OptionError, r"chains="),
    "no warm-up": (("y ~ x", "gaussian", {"warmup": 0}), ws.OptionError, r"warmup="),
    "target of text": (("y ~ x", "gaussian", {"target_accept": "a"}), ws.OptionError, r"target"),
    "a parametrization": (("y ~ x", "gaussian", {"parametrization": "x"}), ws.OptionError, r"'x'"),
    "a list of priors": (("y ~ x", "gaussian", {"priors": [1]}), ws.PriorError, r"dict"),
    "a number as link": (("y ~ x", "gaussian", {"link": 3}), ws.FamilyError, r"no link 3"),
    "a list of backends": (("y ~ x", "gaussian", {"backend": ["stan"]}), ws.BackendError, r"stan"),
    "near a class": (
        ("y ~ x + (1|mouse)", "gaussian", {"priors": {"1|mouse": ws.Exponential()}}),
        ws.PriorError, r"Did you mean '1\|mouse_sigma'",
    ),
    "column": (("y ~ X", "gaussian", {}), ws.DataError, r"'X'.*'x'"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_sampling(case, monkeypatch):
    def sampled(*_):
        raise AssertionError("it began to sample")

    monkeypatch.setattr(stan.StanBackend, "sample", sampled)
    (formula, family, options), error, message = REFUSED[case]
    data = data_frame().assign(sigma=1.0 * np.arange(240), draw=np.arange(240) % 7)
    data = data.assign(
        line=2 + 3 * data["x"],
        own=data["mouse"].astype("category").cat.codes * 1.7,
        apart=(data["x"] > data["x"].median()).astype(int),
    )
    with pytest.raises(error, match=message):
        ws.fit(formula, data, family, progress=False, **options)


@pytest.mark.parametrize("value", [3.0, 0.0])
def test_a_constant_response_is_refused(value):
    with pytest.raises(ws.DataError, match=r"'y' is constant: all 240 rows"):
        ws.fit("y ~ x", data_frame().assign(y=value), progress=False)


def test_as_many_coefficients_as_rows_are_no_exact_response():
    rows = data_frame().head(4).assign(k=["a", "b", "c", "c"])
    model_of("y ~ C(k)", rows.head(3), "gaussian")
    model_of("y ~ C(k)", rows, "gaussian")
    with pytest.raises(ws.DataError, match="exactly"):
        model_of("y ~ C(k)", rows.assign(y=[3.0, 1.0, 2.0, 2.0]), "gaussian")


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert Settings(seed=np.int64(3), draws=np.int32(50)).draws == 50


def test_the_verdict_gives_the_number_of_the_parameter_that_it_names():
    draws = made("well")
    values = np.stack([draws.posterior["a"], made("sticky").posterior["b"]], axis=2)
    table = pd.DataFrame(
        {"r_hat": 1.0, "ess_bulk": [900.0, 300.0], "ess_tail": [350.0, 60.0]}, index=["a", "b"]
    )
    assert "b has 60 effective draws" in diagnose(draws, table, values).verdict
    stuck = table.assign(r_hat=[1.0, np.nan])
    assert "b never moved" in diagnose(draws, stuck, values).verdict


def made(mixing: str) -> Draws:
    """Draws of two parameters whose trouble is known."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(4, 500, 2))
    if mixing == "apart":
        values += 3 * np.arange(4)[:, None, None]
    if mixing == "sticky":
        values = np.repeat(values[:, :25], 20, axis=1)
    energy = rng.normal(size=(4, 500))
    if mixing == "energy":
        energy = np.cumsum(energy, axis=1)
    stats = {
        "diverging": np.zeros((4, 500), bool),
        "tree_depth": np.full((4, 500), 3),
        "energy": energy,
    }
    stats["diverging"][0, :7] = mixing == "diverging"
    stats["tree_depth"][1, :9] = 10 if mixing == "deep" else 3
    return Draws({"a": values[..., 0], "b": values[..., 1]}, stats)


@pytest.mark.parametrize(
    ("mixing", "words"),
    [
        ("well", "Converged: 4 chains of 500 draws"),
        ("apart", "the chains disagree"),
        ("sticky", "effective draws where 400 are wanted"),
        ("diverging", "7 of 2000 draws diverged; give target_accept=0.99"),
        ("deep", "9 draws reached the largest tree depth"),
        ("energy", "E-BFMI is 0.0"),
    ],
)
def test_the_verdict_names_the_trouble_and_the_remedy(mixing, words):
    draws = made(mixing)
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.posterior.items()})}
    )
    scalars = scalars_of(tree)
    found = diagnose(draws, table_of(scalars), scalars.values)
    assert words in found.verdict
    assert found.ok == (mixing in ("well", "deep"))
