"""Default priors by hand-computed numbers, and blindness to units."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from prior_cases import DATA, N, numbers, same, sd
from scipy import stats
from template_cases import data_of

import winstan as ws
from winstan.errors import PriorError


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ws.Dirichlet(2, 1, 3),
            r"Dirichlet takes alpha, and 3 .*: Dirichlet\(\(2, 1, 3\)\)",
        ),
        (lambda: ws.Normal(0, 1, 2, 3, 4), "Normal takes mu and sigma and lower and upper, and 5"),
        (lambda: ws.Exponential(sigma=2), r"Exponential takes \w+, and no 'sigma'"),
    ],
)
def test_numbers_that_a_prior_has_not_are_refused(make, message):
    with pytest.raises(ws.PriorError, match=message):
        make()


def test_an_offset_is_taken_off_the_intercepts_prior_where_no_response_takes_it():
    data = data_of("negative_binomial")
    model = model_of("y ~ x + offset(np.log(t))", data, "negative_binomial")
    expected = np.log(data.y.mean()) - np.log(data.t).mean()
    assert model.priors["Intercept"].mu == pytest.approx(expected)
