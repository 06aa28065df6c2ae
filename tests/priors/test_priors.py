"""Default priors by hand-computed numbers, overrides, and blindness to units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import stats

import winstan as ws
from winstan.effects.prior_draws import prior_draws
from winstan.errors import PriorError

N = 24
MOUSE = np.repeat([f"m{i}" for i in range(6)], 4)


def odd_data(seed: int = 0) -> pd.DataFrame:
    """Responses and predictors at scales far from 1."""
    rng = np.random.default_rng(seed)
    cond = np.array(["a", "b", "c"])[np.arange(N) % 3]
    return pd.DataFrame(
        {
            "mouse": MOUSE,
            "stim": np.arange(N) % 2,
            "cond": cond,
            "x": 3e4 + 700.0 * rng.normal(size=N),
            "Power": 2e-5 * rng.gamma(2.0, 1.5, N),
            "y": -40.0 + 900.0 * rng.normal(size=N),
            "count": rng.poisson(37.0, N),
            "hours": rng.uniform(0.2, 9.0, N),
            "of": rng.integers(3, 30, N),
            "ok": (np.arange(N) % 3 == 0).astype(int),
            "n": 1 + np.arange(N) % 4,
        }
    ).assign(hits=lambda d: d["of"] // 3)


DATA = odd_data()


def sd(x) -> float:
    """The usual sample standard deviation, written out."""
    x = np.asarray(x, float)
    return float(np.sqrt(np.sum((x - x.sum() / x.size) ** 2) / (x.size - 1)))


def numbers(model) -> dict[str, tuple]:
    return {name: (type(p).__name__, *p.numbers) for name, p in model.priors.table.items()}


def same(got: dict, expected: dict) -> None:
    assert list(got) == list(expected)
    for name, (kind, *values) in expected.items():
        assert got[name][0] == kind, name
        assert got[name][1:] == pytest.approx(tuple(values), rel=1e-9), name


def test_gaussian_scales_with_the_response_and_the_predictors():
    s = sd(DATA["y"])
    shares = [1 / 3, 1 / 3]  # of the rows with level b, and c
    dummy = [np.sqrt(N / (N - 1) * q * (1 - q)) for q in shares]
    got = numbers(model_of("y ~ x + cond + (x|mouse)", DATA, "gaussian"))
    expected = {
        "Intercept": ("Normal", DATA["y"].sum() / N, 2.5 * s),
        "x": ("Normal", 0, 2.5 * s / sd(DATA["x"])),
        "cond[b]": ("Normal", 0, 2.5 * s / dummy[0]),
        "cond[c]": ("Normal", 0, 2.5 * s / dummy[1]),
        "1|mouse_sigma": ("Exponential", 1 / s),
        "x|mouse_sigma": ("Exponential", 3 * sd(DATA["x"]) / s),
        "mouse_corr": ("LKJ", 1.0),
        "sigma": ("Exponential", 1 / s),
    }
    same(got, expected)


def test_student_is_as_gaussian_with_a_gamma_on_nu():
    s = sd(DATA["y"])
    got = numbers(model_of("y ~ stim + (1|mouse)", DATA, "student"))
    expected = {
        "Intercept": ("Normal", DATA["y"].mean(), 2.5 * s),
        "stim": ("Normal", 0, 2.5 * s / sd(DATA["stim"])),
        "1|mouse_sigma": ("Exponential", 1 / s),
        "sigma": ("Exponential", 1 / s),
        "nu": ("Gamma", 2.0, 0.1),
    }
    same(got, expected)


def test_lognormal_has_the_scale_of_the_logarithm():
    log = np.log(DATA["Power"])
    got = numbers(model_of("Power ~ x + (x||mouse)", DATA, "lognormal"))
    expected = {
        "Intercept": ("Normal", log.mean(), 2.5 * sd(log)),
        "x": ("Normal", 0, 2.5 * sd(log) / sd(DATA["x"])),
        "1|mouse_sigma": ("Exponential", 1 / sd(log)),
        "x|mouse_sigma": ("Exponential", 3 * sd(DATA["x"]) / sd(log)),
        "sigma": ("Exponential", 1 / sd(log)),
    }
    same(got, expected)


@pytest.mark.parametrize(
    ("formula", "family", "link", "center"),
    [
        ("Power ~ x + (x|mouse)", "gamma", "log", np.log(DATA["Power"].mean())),
        ("count ~ x + (x|mouse)", "poisson", "log", np.log(DATA["count"].mean())),
        ("count ~ x + (x|mouse)", "negative_binomial", "log", np.log(DATA["count"].mean())),
        # Half a success more keeps the log odds of all-or-nothing data finite.
        ("ok ~ x + (x|mouse)", "bernoulli", "logit", np.log(8.5 / 16.5)),
        ("ok ~ x + (x|mouse)", "bernoulli", "probit", -0.4124631294),
        ("ok ~ x + (x|mouse)", "bernoulli", "cloglog", np.log(-np.log(16.5 / 25))),
        (
            "p(hits, of) ~ x + (x|mouse)",
            "binomial",
            "logit",
            np.log((DATA["hits"].sum() + 0.5) / ((DATA["of"] - DATA["hits"]).sum() + 0.5)),
        ),
    ],
)
def test_links_without_a_unit_have_scale_one(formula, family, link, center):
    got = numbers(model_of(formula, DATA, family, link=link))
    expected = {
        "Intercept": ("Normal", center, 2.5),
        "x": ("Normal", 0, 2.5 / sd(DATA["x"])),
        "1|mouse_sigma": ("Exponential", 1.0),
        "x|mouse_sigma": ("Exponential", (6 if link == "log" else 3) * sd(DATA["x"])),
        "mouse_corr": ("LKJ", 1.0),
    }
    if family in ("gamma", "negative_binomial"):
        expected["alpha"] = ("InverseGamma", 0.4, 0.3)
    same(got, expected)


@pytest.mark.parametrize(
    ("family", "link", "center", "slope"),
    [
        # The slope of each link at the mean m carries sd(y) over: 1, 1/m^2, 1/(2 sqrt m).
        ("gamma", "identity", lambda m: m, lambda m: 1.0),
        ("gamma", "inverse", lambda m: 1 / m, lambda m: 1 / m**2),
        ("poisson", "identity", lambda m: m, lambda m: 1.0),
        ("poisson", "sqrt", lambda m: m**0.5, lambda m: 0.5 / m**0.5),
    ],
)
def test_links_with_a_unit_carry_the_scale_of_the_response(family, link, center, slope):
    name = {"gamma": "Power", "poisson": "count"}[family]
    m, s = DATA[name].mean(), sd(DATA[name])
    got = numbers(model_of(f"{name} ~ x + (x|mouse)", DATA, family, link=link))
    assert got["Intercept"][1:] == pytest.approx((center(m), 2.5 * s * slope(m)))
    assert got["x"][1:] == pytest.approx((0, 2.5 * s * slope(m) / sd(DATA["x"])))
    assert got["1|mouse_sigma"][1] == pytest.approx(1 / (s * slope(m)))
    assert got["x|mouse_sigma"][1] == pytest.approx(3 * sd(DATA["x"]) / (s * slope(m)))


def test_gaussian_with_a_log_link_keeps_sigma_in_the_units_of_the_response():
    data = DATA.assign(y=DATA["y"] + 5000)
    got = numbers(model_of("y ~ x + (x|mouse)", data, "gaussian", link="log"))
    assert got["Intercept"][1:] == pytest.approx((np.log(data["y"].mean()), 2.5))
    assert got["1|mouse_sigma"] == ("Exponential", 1.0)
    assert got["x|mouse_sigma"] == ("Exponential", pytest.approx(6 * sd(data["x"])))
    assert got["sigma"] == ("Exponential", pytest.approx(1 / sd(data["y"])))


def test_weights_count_as_rows_and_offsets_are_taken_off():
    repeated = DATA.loc[DATA.index.repeat(DATA["n"])]
    formula = "y ~ x + cond + (x|mouse)"
    weighted = numbers(model_of(formula, DATA, "gaussian", weights="n"))
    same(weighted, numbers(model_of(formula, repeated, "gaussian")))
    rate = DATA["count"].sum() / DATA["hours"].sum()
    got = numbers(model_of("count ~ x + offset(np.log(hours))", DATA, "poisson"))
    assert got["Intercept"][1:] == pytest.approx((np.log(rate), 2.5))
    got = numbers(model_of("y ~ x + offset(hours)", DATA, "gaussian"))
    assert got["Intercept"][1] == pytest.approx((DATA["y"] - DATA["hours"]).mean())


def test_without_an_intercept_there_is_no_prior_of_one():
    got = numbers(model_of("y ~ 0 + x + (1|mouse)", DATA, "gaussian"))
    assert list(got) == ["x", "1|mouse_sigma", "sigma"]


def test_slopes_of_factors_and_uncorrelated_slopes():
    s = sd(DATA["y"])
    got = numbers(model_of("y ~ cond + (cond||mouse)", DATA, "gaussian"))
    assert not [name for name in got if "corr" in name]
    slopes = {name: got[name] for name in got if name.endswith("]") and "sigma" in name}
    dummy = np.sqrt(N / (N - 1) * (1 / 3) * (2 / 3))
    assert list(slopes) == ["cond|mouse_sigma[b]", "cond|mouse_sigma[c]"]
    assert all(p == ("Exponential", pytest.approx(3 * dummy / s)) for p in slopes.values())


@pytest.mark.parametrize("bars", ["|", "||"])
def test_levels_that_stand_for_a_groups_own_mean_have_its_prior(bars):
    s = sd(DATA["y"])
    got = numbers(model_of(f"y ~ cond + (0 + cond + x{bars}mouse)", DATA, "gaussian"))
    sds = {name: value for name, value in got.items() if "|mouse_sigma" in name}
    expected = {f"cond|mouse_sigma[{level}]": ("Exponential", 1 / s) for level in "abc"}
    same(sds, expected | {"x|mouse_sigma": ("Exponential", 3 * sd(DATA["x"]) / s)})


def test_sds_are_reached_by_their_whole_names_whatever_brackets_these_hold():
    whole = 'C(cond, levels=["b", "a", "c"])|mouse_sigma'
    formula = 'y ~ 1 + (1 + C(cond, levels=["b", "a", "c"])|mouse)'
    got = model_of(formula, DATA, "gaussian", priors={whole: ws.Exponential(9)}).priors
    named = [name for name in got.table if "C(cond" in name and "sigma" in name]
    assert len(named) == 2
    assert all(got[name] == ws.Exponential(9) for name in named)
    with pytest.raises(ws.PriorError, match="which this model does not have"):
        model_of(formula, DATA, "gaussian", priors={"C(cond, levels=": ws.Exponential(9)})


def test_a_slope_alone_is_a_slope():
    got = numbers(model_of("y ~ x + (1|mouse) + (0 + x|mouse)", DATA, "gaussian"))
    assert got["x|mouse_sigma"] == (
        "Exponential",
        pytest.approx(3 * sd(DATA["x"]) / sd(DATA["y"])),
    )


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize(
    ("formula", "family", "link", "unit", "shift"),
    [
        ("y ~ x + cond + (x|mouse)", "gaussian", None, lambda f: f, lambda f: 0),
        ("y ~ x + cond + (x|mouse)", "student", None, lambda f: f, lambda f: 0),
        ("Power ~ x + cond + (x|mouse)", "lognormal", None, lambda f: 1, np.log),
        ("Power ~ x + cond + (x|mouse)", "gamma", "log", lambda f: 1, np.log),
        ("Power ~ x + cond + (x|mouse)", "gamma", "identity", lambda f: f, lambda f: 0),
        ("Power ~ x + cond + (x|mouse)", "gamma", "inverse", lambda f: 1 / f, lambda f: 0),
    ],
)
def test_units_rescale_every_default(formula, family, link, unit, shift, factor):
    response = formula.split()[0]
    before = numbers(model_of(formula, DATA, family, link=link))
    scaled = DATA.assign(**{response: DATA[response] * factor})
    after = numbers(model_of(formula, scaled, family, link=link))
    eta = unit(factor)
    expected = {}
    for name, (kind, *values) in before.items():
        if name == "Intercept":
            new = (values[0] * eta + shift(factor), values[1] * eta)
        elif kind == "Normal":
            new = (0.0, values[1] * eta)
        elif name == "sigma":
            new = (values[0] / (1 if family == "lognormal" else factor),)
        elif kind == "Exponential":
            new = (values[0] / eta,)
        else:
            new = tuple(values)
        expected[name] = (kind, *new)
    same(after, expected)

    scaled = DATA.assign(x=DATA["x"] * factor)
    after = numbers(model_of(formula, scaled, family, link=link))
    expected = dict(before)
    expected["x"] = ("Normal", 0.0, before["x"][2] / factor)
    expected["x|mouse_sigma"] = ("Exponential", before["x|mouse_sigma"][1] * factor)
    same(after, expected)


def overridden(priors, formula="y ~ x + cond + (x|mouse)", **options):
    return model_of(formula, DATA, "gaussian", priors=priors, **options).priors


def test_the_most_specific_override_wins_in_any_order():
    given = {
        "b": ws.Normal(0, 7),
        "cond": ws.StudentT(3, 0, 5),
        "cond[c]": ws.Cauchy(1, 2),
        "sd": ws.HalfNormal(9),
        "x|mouse_sigma": ws.Gamma(2, 4),
        "corr": ws.LKJ(3),
        "sigma": ws.HalfCauchy(8),
        "Intercept": ws.Flat(),
    }
    expected = {
        "Intercept": ws.Flat(),
        "x": ws.Normal(0, 7),
        "cond[b]": ws.StudentT(3, 0, 5),
        "cond[c]": ws.Cauchy(1, 2),
        "1|mouse_sigma": ws.HalfNormal(9),
        "x|mouse_sigma": ws.Gamma(2, 4),
        "mouse_corr": ws.LKJ(3),
        "sigma": ws.HalfCauchy(8),
    }
    assert dict(overridden(given).table) == expected
    assert dict(overridden(dict(reversed(given.items()))).table) == expected
    assert overridden(given).given == set(expected)


def test_classes_leave_the_others_at_their_defaults():
    default = overridden(None)
    changed = overridden({"b": ws.Normal(0, 7)})
    assert changed.given == {"x", "cond[b]", "cond[c]"}
    for name, prior in default.table.items():
        assert changed[name] == (ws.Normal(0, 7) if name in changed.given else prior)
    assert default.given == set()
    named = overridden({"mouse_corr": ws.LKJ(2), "corr": ws.LKJ(9)})
    assert named["mouse_corr"] == ws.LKJ(2)


def test_a_name_reaches_all_columns_of_a_factors_slope():
    formula = "y ~ cond + (cond||mouse)"
    priors = overridden(
        {"cond|mouse_sigma": ws.HalfNormal(3), "cond|mouse_sigma[c]": ws.HalfNormal(4)}, formula
    )
    assert priors["cond|mouse_sigma[b]"] == ws.HalfNormal(3)
    assert priors["cond|mouse_sigma[c]"] == ws.HalfNormal(4)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"1|mose_sigma": ws.Exponential(1)}, r"'1\|mose_sigma'.*Did you mean '1\|mouse_sigma'"),
        ({"intercept": ws.Flat()}, "'intercept'.*Did you mean 'Intercept'"),
        ({"alpha": ws.Exponential(1)}, "'alpha', which this model does not have"),
        ({"x": ws.Exponential(1)}, r"Exponential\(1\) cannot be the prior of 'x'. It can be neg"),
        ({"sigma": ws.Normal(0, 1)}, "cannot be the prior of 'sigma'. It is positive: use"),
        ({"sd": ws.LKJ(1)}, r"cannot be the prior of '1\|mouse_sigma'"),
        ({"corr": ws.Flat()}, "cannot be the prior of 'mouse_corr'. .* use LKJ"),
        ({"b": (0, 1)}, "must be one of winstan's prior objects"),
        ({"b": "Normal(0, 1)"}, "must be one of winstan's prior objects"),
    ],
)
def test_overrides_that_cannot_stand(priors, message):
    with pytest.raises(PriorError, match=message):
        overridden(priors)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ws.Normal(0, 0), "Normal: sigma must be positive, got 0"),
        (lambda: ws.Normal(0, -2), "sigma must be positive, got -2"),
        (lambda: ws.Normal(np.nan, 1), "mu must be finite"),
        (lambda: ws.Normal(0, np.inf), "sigma must be finite"),
        (lambda: ws.Normal("0", 1), "mu must be a number, got '0'"),
        (lambda: ws.StudentT(0, 0, 1), "nu must be positive"),
        (lambda: ws.Cauchy(0, -1), "Cauchy: sigma must be positive"),
        (lambda: ws.Exponential(0), "rate must be positive"),
        (lambda: ws.Exponential(None), "rate must be a number, got None"),
        (lambda: ws.Exponential(True), "rate must be a number, got True"),
        (lambda: ws.Gamma(-1, 1), "alpha must be positive"),
        (lambda: ws.InverseGamma(1, 0), "beta must be positive"),
        (lambda: ws.HalfNormal(0), "sigma must be positive"),
        (lambda: ws.HalfStudentT(3, 0), "sigma must be positive"),
        (lambda: ws.HalfCauchy(-3), "sigma must be positive"),
        (lambda: ws.LKJ(0), "eta must be positive"),
    ],
)
def test_priors_that_cannot_be(make, message):
    with pytest.raises(PriorError, match=message):
        make()


def test_numbers_of_numpy_are_numbers():
    assert ws.Normal(np.float32(0.5), np.int64(2)) == ws.Normal(0.5, 2.0)
    assert all(type(v) is float for v in ws.Normal(np.float32(0.5), np.int64(2)).numbers)


def test_printing_tells_defaults_from_what_was_given():
    priors = overridden({"x": ws.Normal(0, 1.5)})
    lines = str(priors).splitlines()
    assert repr(priors) == str(priors)
    assert len(lines) == len(priors.table)
    assert all(" ~ " in line for line in lines)
    assert len({line.index("~") for line in lines}) == 1
    at = {line.split("~")[0].strip(): line for line in lines}
    assert list(at) == list(priors.table)
    assert "(default)" not in at["x"]
    assert "Normal(0, 1.5)" in at["x"]
    assert "(default)" in at["sigma"]
    assert "at the mean of the predictors" in at["Intercept"]
    assert "at the mean" not in str(overridden(None, center=False))
    with pytest.raises(PriorError, match="Did you mean 'sigma'"):
        priors["sgma"]


@pytest.mark.parametrize(
    ("prior", "reference"),
    [
        (ws.Normal(1.2, 3.0), stats.norm(1.2, 3.0)),
        (ws.StudentT(4, 0.7, 2.5), stats.t(4, 0.7, 2.5)),
        (ws.Cauchy(0.7, 2.5), stats.cauchy(0.7, 2.5)),
        (ws.Exponential(2.3), stats.expon(scale=1 / 2.3)),
        (ws.Gamma(2.5, 1.3), stats.gamma(2.5, scale=1 / 1.3)),
        (ws.InverseGamma(2.2, 1.4), stats.invgamma(2.2, scale=1.4)),
        (ws.HalfNormal(1.9), stats.halfnorm(scale=1.9)),
        (ws.HalfStudentT(3, 1.7), stats.t(3, 0, 1.7)),
        (ws.HalfCauchy(2.1), stats.halfcauchy(scale=2.1)),
    ],
)
def test_log_densities_are_scipys_but_for_a_constant(prior, reference):
    x = np.array([0.02, 0.4, 1.7, 6.0, 40.0])
    gap = prior.log_density(x) - reference.logpdf(x)
    np.testing.assert_allclose(gap, gap[0], rtol=1e-9)


def test_a_flat_prior_is_flat_and_matrices_have_no_density_here():
    np.testing.assert_array_equal(ws.Flat().log_density(np.array([0.1, 90.0])), 0)
    with pytest.raises(PriorError, match="LKJ"):
        ws.LKJ(2.0).log_density(np.ones(2))


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


AMBIGUOUS = {
    "b": ("y ~ b + x + (x|mouse)", ws.Normal(0, 0.1), ["b"], ["b", "x"]),
    "sd": ("y ~ sd + x + (1|mouse)", ws.HalfNormal(2), ["sd"], ["1|mouse_sigma"]),
    "corr": ("y ~ corr + (x|mouse)", ws.LKJ(2), ["corr"], ["mouse_corr"]),
}


@pytest.mark.parametrize("word", AMBIGUOUS)
def test_a_predictor_named_like_a_class_is_told_from_it(word):
    formula, of_class, name, members = AMBIGUOUS[word]
    data = DATA.rename(columns={"hours": word})
    with pytest.raises(PriorError, match=rf"'{word}'.*\"`{word}`\".*'class {word}'"):
        model_of(formula, data, "gaussian", priors={word: ws.Normal(0, 0.1)})
    own = model_of(formula, data, "gaussian", priors={f"`{word}`": ws.Normal(0, 0.1)})
    assert own.priors.given == set(name)
    assert own.priors[word] == ws.Normal(0, 0.1)
    whole = model_of(formula, data, "gaussian", priors={f"class {word}": of_class})
    assert whole.priors.given == set(members)
    both = {f"`{word}`": ws.Normal(7, 1), f"class {word}": of_class}
    assert model_of(formula, data, "gaussian", priors=both).priors[word] == ws.Normal(7, 1)


def test_two_spellings_of_one_key_are_refused():
    same = {"`x`": ws.Normal(0, 1), "x": ws.Normal(0, 2)}
    with pytest.raises(PriorError, match="mean the same"):
        model_of("y ~ x", DATA, "gaussian", priors=same)
    same = {"class b": ws.Normal(0, 1), "b": ws.Normal(0, 2)}
    with pytest.raises(PriorError, match="mean the same"):
        model_of("y ~ x", DATA, "gaussian", priors=same)
