"""Priors that the user gives: which parameters they reach, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from prior_cases import DATA

import winstan as ws
from winstan.errors import PriorError


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
