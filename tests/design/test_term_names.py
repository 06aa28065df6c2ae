"""Terms whose names hold a slash or a comma: in every backend, every program, under every name."""

from __future__ import annotations

from importlib.util import find_spec
from warnings import catch_warnings, simplefilter

import arviz as az
import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan._text import find_name
from winstan.backends import backend_named
from winstan.backends.bambi import built_model
from winstan.errors import OptionError, PriorError
from winstan.fitted import chains

FORMULAS = {
    "slash": "y ~ I(x/10) + (I(x/10)||g)",
    "slash of a vector": "y ~ poly(x/10, 2) + (1|`mouse/day`)",
    "commas and quotes": "y ~ C(h, Treatment('v')) + (0 + C(h, Treatment('v'))||g)",
    "interaction": "y ~ I(x/10):h + (1|`a,b`)",
    "columns": "`y/s` ~ `x/s` + (1|`mouse/day`)",
}
ALL = "`y/s` ~ poly(x/10, 2) + C(h, Treatment('v')) + (I(x/10)||`mouse/day`)"


def frame():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=60), "g": np.repeat(list("abcdef"), 10)})
    data["h"] = np.tile(list("uvw"), 20)
    data["y"] = data["x"] + rng.normal(size=60)
    data["mouse/day"] = data["a,b"] = data["g"] + "/1"
    return data.assign(**{"y/s": data["y"], "x/s": data["x"]})


def model(formula, **options):
    with catch_warnings():
        simplefilter("ignore")
        return model_of(formula, frame(), "gaussian", **options)


def fit_of(formula):
    return made_fit(model(formula), draws=50)


# --- names ----------------------------------------------------------------------------------------

SPELLINGS = {
    "y ~ I(x/10)": ["I(x / 10)", "I(x/10)", "I(x \N{FRACTION SLASH} 10)", "I( x / 10 )"],
    "y ~ C(h, Treatment('v'))": [
        "C(h, Treatment('v'))[u]",
        "C(h,Treatment('v'))[u]",
        'C(h, Treatment("v"))[u]',
    ],
    "y ~ poly(x/10, 2)": ["poly(x / 10, 2)[0]", "poly(x/10,2)[0]"],
    "y ~ `x/s`": ["x/s", "x\N{FRACTION SLASH}s"],
}
CASES = [(formula, name) for formula, names in SPELLINGS.items() for name in names]


@pytest.mark.parametrize(("formula", "name"), CASES)
def test_a_parameter_has_the_name_of_the_table_and_of_the_formula(formula, name):
    fit = fit_of(formula)
    printed = fit.summary().index[1]
    assert printed == SPELLINGS[formula][0]
    variable = printed.split("[")[0]
    draws = fit.draws["posterior"].to_dataset()[variable.replace("/", "\N{FRACTION SLASH}")]
    draws = draws.to_numpy().reshape(4, 50, -1)[..., 0]
    # hypotheses, with back-ticks and (where it is no sum of names) without
    for text in [f"`{name}` > 0.1", *([f"{name} > 0.1"] if "(" in name else [])]:
        found = fit.hypothesis(text)
        assert found["probability"][0] == (draws > 0.1).mean()
        assert found["mean"][0] == pytest.approx(draws.mean() - 0.1)
    # priors
    given = model(formula, priors={name: ws.Normal(0.5, 7)}).priors
    assert given.table[printed] == given[name] == ws.Normal(0.5, 7)
    assert given.given == {printed}
    other = next(n for n in SPELLINGS[formula] if n != name)
    with pytest.raises(PriorError, match="has two priors for one key"):
        model(formula, priors={name: ws.Normal(0, 1), other: ws.Normal(0, 2)})
    # draws, directly and by a path, of a copy too
    for tree in (fit.draws, fit.draws.copy()):
        asked = name.split("[")[0]
        np.testing.assert_array_equal(
            tree["posterior"][asked].to_numpy().reshape(4, 50, -1)[..., 0], draws
        )
        assert tree[f"posterior/{asked}"].identical(tree["posterior"][asked])
        assert asked in tree["posterior"]
        assert tree["posterior"].get(asked) is not None
    # figures
    (parameter,) = chains.panels(fit, name, 1)[0]
    assert parameter.name == printed
    np.testing.assert_array_equal(parameter.values, draws)


def test_what_is_no_name_stays_none():
    fit = fit_of("y ~ I(x/10)")
    with pytest.raises(KeyError):
        fit.draws["posterior"]["I(x / 11)"]
    assert "I(x / 11)" not in fit.draws["posterior"]
    with pytest.raises(OptionError, match=r"names 'I\(x/11\)', which is no parameter"):
        fit.hypothesis("`I(x/11)` > 0")
    with pytest.raises(PriorError, match=r"names 'I\(x/11\)', which this model does not have"):
        model("y ~ I(x/10)", priors={"I(x/11)": ws.Normal(0, 1)})
    assert find_name("1|g[m 3]", ["1|g[m3]"]) is None
    assert find_name("two words", ["twowords"]) is None
    assert find_name("a,b", ["a, b", "a ,b"]) is None  # which of the two?


def test_levels_with_a_slash_are_found_by_figures_and_comparisons():
    fit = fit_of("y ~ I(x/10) + (I(x/10)|`mouse/day`)")
    assert "1|mouse/day[a/1]" in fit.summary().index
    parameters = chains.panels(fit, "1|mouse/day", 12)[0]
    assert [p.label for p in parameters] == [f"{g}/1" for g in "abcdef"]
    table = chains.mixing(fit, parameters)
    np.testing.assert_array_equal(table["r_hat"], fit.summary().loc[table["parameter"], "r_hat"])
    agreement = ws.agree(fit, made_fit(fit.model, draws=50, seed=1))
    assert set(agreement.table["parameter"]) == set(fit.summary().index)


def test_arviz_reads_the_tree_of_such_terms():
    fit = fit_of("y ~ I(x/10)")
    name = "I(x \N{FRACTION SLASH} 10)"
    table = az.summary(fit.draws, var_names=[name], round_to="none")
    assert table.loc[name, "mean"] == pytest.approx(fit.summary().loc["I(x / 10)", "mean"])


# --- backends and programs ------------------------------------------------------------------------


def variables_and_dims(built):
    names = [*built.named_vars, *built.coords]
    return names, [dim for dims in built.named_vars_to_dims.values() for dim in dims]


@pytest.mark.parametrize("label", FORMULAS)
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.filterwarnings("ignore:For backward compatibility:Warning")  # in bambi
def test_models_have_no_slash_and_their_dims_no_comma(label):
    """A slash is a group to a DataTree, and nutpie parts dims at commas."""
    of = model(FORMULAS[label])
    bambi = built_model(of).backend.model
    space = {"data": frame()}
    exec(backend_named("bambi").code(of), space)
    space["model"].build()
    pymc = {"data": backend_named("pymc").code_data(of)}
    exec(backend_named("pymc").code(of), pymc)
    for built in (bambi, space["model"].backend.model, pymc["model"]):
        names, dims = variables_and_dims(built)
        assert not [name for name in names if "/" in name]
        assert not [dim for dim in dims if "," in dim]
        # PyMC's coordinates have the labels of winstan's.
    sizes = sorted(size for v in of.variables for size in v.shape)
    found = {dim: len(labels) for dim, labels in pymc["model"].coords.items()}
    assert set(sizes) <= set(found.values())


QUICK = {"draws": 300, "warmup": 300, "chains": 2, "seed": 1, "silence": "all", "progress": False}
SAMPLERS = [
    pytest.param(
        sampler,
        marks=pytest.mark.skipif(not find_spec(sampler), reason=f"{sampler} is not installed"),
    )
    for sampler in ("pymc", "nutpie", "numpyro", "blackjax")
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_bambi_samples_them(sampler):
    fit = ws.fit(ALL, frame(), backend="bambi", sampler=sampler, **QUICK)
    data = frame()
    x = data["x"]
    names = [f"poly(x / 10, 2)[{i}]" for i in range(2)]
    assert list(fit.summary().index[1:3]) == names
    # Least squares, in orthonormal polynomials that rise
    Q, R = np.linalg.qr(np.column_stack([np.ones(60), x, x**2]))
    levels = pd.get_dummies(data["h"]).to_numpy(float)
    design = np.column_stack([levels, Q[:, 1:] * np.sign(R.diagonal()[1:])])
    beta = np.linalg.lstsq(design, data["y/s"].to_numpy())[0][3:]
    table = fit.summary().loc[names]
    assert (np.abs(table["mean"] - beta) < 0.7 * table["sd"]).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not find_spec("nutpie"), reason="nutpie is not installed")
def test_programs_run_as_their_readers_run_them():
    """pm.sample() takes nutpie by itself where it is installed."""
    import pymc as pm  # noqa: PLC0415

    of = model(ALL)
    space = {"data": backend_named("pymc").code_data(of)}
    exec(backend_named("pymc").code(of), space)
    with space["model"]:
        tree = pm.sample(draws=20, tune=20, chains=1, progressbar=False)
    assert "poly(x \N{FRACTION SLASH} 10, 2)" in tree["posterior"]
    space = {"data": frame()}
    exec(backend_named("bambi").code(of), space)
    tree = space["model"].fit(
        draws=20, tune=20, chains=1, progressbar=False, inference_method="nutpie"
    )
    assert "C(h; Treatment('v'))" in tree["posterior"]
