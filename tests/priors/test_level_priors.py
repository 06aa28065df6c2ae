"""Priors of columns that stand for the Intercept, at the means of their own rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from prior_cases import DATA, numbers, sd

import winstan as ws
from winstan.effects.prior_draws import prior_draws

FAMILIES_WITHOUT_INTERCEPT = [
    ("y", "gaussian", None),
    ("y", "student", None),
    ("Power", "lognormal", None),
    ("Power", "gamma", "log"),
    ("Power", "gamma", "inverse"),
    ("count", "poisson", "log"),
    ("count", "poisson", "sqrt"),
    ("count", "negative_binomial", "identity"),
    ("ok", "bernoulli", "probit"),
    ("p(hits, of)", "binomial", "logit"),
]


@pytest.mark.parametrize(("response", "family", "link"), FAMILIES_WITHOUT_INTERCEPT)
@pytest.mark.parametrize(
    "terms", ["0 + cond", "0 + cond:stim_", "0 + cond + x", "0 + C(cond)", "0 + u + v", "0 + one"]
)
def test_columns_that_stand_for_the_intercept_have_its_prior(terms, response, family, link):
    data = DATA.assign(
        stim_=np.where(DATA["stim"] == 1, "on", "off"), one=1.0,
        u=(DATA["cond"] == "a").astype(float), v=(DATA["cond"] != "a").astype(float),
    )  # fmt: skip
    of = numbers(model_of(f"{response} ~ 1", data, family, link=link))["Intercept"]
    got = numbers(model_of(f"{response} ~ {terms} + (1|mouse)", data, family, link=link))
    levels = [name for name in got if name.startswith(("cond", "C(cond)", "u", "v", "one"))]
    assert len(levels) == {"0 + cond:stim_": 6, "0 + u + v": 2, "0 + one": 1}.get(terms, 3)
    for name in levels:
        assert got[name][0] == "Normal"
        assert got[name][1:] == pytest.approx(of[1:], rel=1e-9)


@pytest.mark.parametrize("terms", ["0 + x", "0 + x + stim", "0 + x:cond", "0 + poly(x, 2)"])
def test_numbers_through_the_origin_have_priors_at_zero(terms):
    model = model_of(f"y ~ {terms}", DATA, "gaussian")
    assert model.design.constant is None
    assert model.priors.at_mean == frozenset()
    for name in model.design.column_names:
        assert model.priors[name].numbers[0] == 0


def test_differences_beside_levels_keep_priors_at_zero():
    got = numbers(model_of("y ~ 0 + cond + stim:cond + x", DATA, "gaussian"))
    assert [name for name, values in got.items() if values[1] != 0 and name != "sigma"] == [
        "cond[a]", "cond[b]", "cond[c]",
    ]  # fmt: skip


def test_levels_have_their_priors_where_their_own_rows_are():
    model = model_of("y ~ 0 + cond + x", DATA, "gaussian")
    levels = ["cond[a]", "cond[b]", "cond[c]"]
    assert model.priors.at_mean == set(levels)
    assert all("at the mean of the other predictors" in line
               for line in str(model.priors).splitlines()[:3])  # fmt: skip
    moved = prior_draws(model, np.random.default_rng(0), 4000)
    for i, level in enumerate("abc"):
        own = DATA.loc[DATA["cond"] == level, "x"].mean()
        at_own = moved["cond"][:, i] + own * moved["x"]
        assert at_own.mean() == pytest.approx(DATA["y"].mean(), abs=4 * 2.5 * sd(DATA["y"]) / 63)
        assert at_own.std() == pytest.approx(2.5 * sd(DATA["y"]), rel=0.05)
    at_zero = model_of("y ~ 0 + cond + x", DATA, "gaussian", center=False)
    assert at_zero.priors.at_mean == frozenset()
    np.testing.assert_array_equal(at_zero.population, at_zero.cells.X)
    # What the user gives is of the coefficient as it is reported.
    given = model_of("y ~ 0 + cond + x", DATA, "gaussian", priors={"cond": ws.Normal(3, 1)})
    assert given.priors.at_mean == frozenset()


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["y ~ 0 + cond + year + (1|g)", "y ~ 0 + cond:sex + (1|g)"])
@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_cell_means_far_from_zero_are_those_of_the_model_with_an_intercept(formula, unit):
    rng = np.random.default_rng(3)
    n = 80
    data = pd.DataFrame({
        "cond": np.tile(["a", "b"], n // 2), "g": np.arange(n) // 8,
        "sex": np.where(np.arange(n) % 4 < 2, "f", "m"), "year": 2000 + rng.normal(0, 3, n),
    })  # fmt: skip
    data["y"] = unit * (
        1000 + 0.7 * (data["cond"] == "b") + 0.3 * (data["year"] - 2000)
        + rng.normal(0, 0.4, 10)[data["g"]] + rng.normal(0, 1, n)
    )  # fmt: skip
    options = {"seed": 1, "progress": False, "silence": "all", "chains": 2, "draws": 1000}
    with_intercept = formula.replace("0 + cond:sex", "cond * sex").replace("0 + ", "")
    one, two = (ws.fit(f, data, **options).conditional("cond") for f in (formula, with_intercept))
    np.testing.assert_allclose(one["mean"], two["mean"], rtol=0, atol=0.1 * unit)
    np.testing.assert_allclose(one["sd"], two["sd"], rtol=0.2)
    for value, (_, rows) in zip(one["mean"], data.groupby("cond"), strict=True):
        assert value == pytest.approx(rows["y"].mean(), abs=0.3 * unit)
