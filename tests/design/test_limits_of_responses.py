"""What a left side says of limits: words, refusals, columns as instruments write them, heaps."""

from __future__ import annotations

import re
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from limits_cases import CASES, limited_data
from models import model_of

import winstan as ws
from winstan.effects.observed import observed_rows
from winstan.effects.rope import _half_width
from winstan.families import FAMILIES
from winstan.fitted.pipeline import model_from
from winstan.formula import parse_formula
from winstan.guards.heap import heaped


def rows(n: int = 40, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=n), "y": rng.normal(5, 1, n), "s": 0.4})
    data["status"] = np.where(data.y < 4.4, "left", "none")
    data["y"] = data.y.clip(lower=4.4)
    return data


# -- formulas -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("censored(y, status) ~ x", "y | cens(status) ~ x"),
        ("censored(y, up, status) ~ x", "y | resp_cens(status, y2 = up) ~ x"),
        ("truncated(y, 0, 9) ~ x", "y | trunc(lb = 0, ub = 9) ~ x"),
        ("truncated(y, ub=9) ~ x", "y | trunc(-Inf, 9) ~ x"),
        ("truncated(censored(y, status), lb=b) ~ x", "y | trunc(lb = b) + cens(status) ~ x"),
        ("y | se(s, sigma=True) ~ x", "y | se(s, sigma = TRUE) ~ x"),
    ],
)
def test_two_ways_to_say_the_same(text, same):
    one, other = parse_formula(text), parse_formula(same)
    assert one.response_spec.limits == other.response_spec.limits
    assert one.response_spec.name == other.response_spec.name == "y"
    again = parse_formula(f"{one.response} ~ x")
    assert again.response_spec == one.response_spec


@pytest.mark.parametrize(
    ("text", "essential"),
    [
        ("censored(y) ~ x", "it is censored(y, status)"),
        ("truncated(y) ~ x", "one of lb= and ub="),
        ("y | cens() ~ x", "y | cens(status)"),
        ("y | se(s, sigma=2) ~ x", "True or False"),
        ("y | se(s) + se(s) ~ x", "another call has said"),
        ("censored(y, status) | cens(status) ~ x", "another call has said"),
        ("y | trunc(low=1) ~ x", "trunc(lb=, ub=)"),
        ("p(k, n) | cens(status) ~ x", "p() has no limits"),
        ("y ~ censored(x, status)", "belongs on the left side"),
        ("y | w ~ x", "y | cens(status) ~ x"),
        ("y | mi() ~ x", "imputed"),
    ],
)
def test_what_is_wrong_is_named(text, essential):
    with pytest.raises(ws.FormulaError, match=re.escape(essential)):
        parse_formula(text)


@pytest.mark.parametrize(
    "status",
    [["none", "left", "Right"], [0, -1, 1], [0.0, -1.0, 1.0]],
    ids=["words", "int", "float"],
)
def test_a_status_can_be_words_or_numbers(status):
    data = rows().assign(status=np.resize(status, 40))
    limits = model_of("censored(y, status) ~ x", data, "gaussian").design.response.limits
    np.testing.assert_array_equal(limits.status, np.resize([0, -1, 1], 40))
    cut = rows().assign(late=np.arange(40) % 4 == 0)
    limits = model_of("y | cens(late) ~ x", cut, "gaussian").design.response.limits
    np.testing.assert_array_equal(limits.status, cut.late.astype(int))


@pytest.mark.parametrize(
    ("name", "status", "share", "said"),
    [
        ("status", int, 0.8, True),  # survival's 1 is an event
        ("status", bool, 0.8, True),
        ("event", int, 0.3, True),
        ("died_at_end", bool, 0.3, True),
        ("status", int, 0.3, False),
        ("deadline", bool, 0.3, False),
        ("event", lambda seen: np.where(seen, "right", "none"), 0.8, False),
    ],
)
def test_a_status_that_may_be_of_events_is_asked_about(name, status, share, said):
    right = np.arange(40) < 40 * share
    values = status(right) if status is not int and status is not bool else right.astype(status)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = model_of(f"censored(y, {name}) ~ x", rows().assign(**{name: values}), "gaussian")
    assert np.sum(model.design.response.limits.status == 1) == right.sum()  # as brms has it
    assert [w.message.guard for w in caught] == ["event_status"] * said
    if said:
        assert f"{right.sum()} of 40 rows" in str(caught[0].message)


# -- refusals, which name the column and count the rows --------------------------------------------


@pytest.mark.parametrize(
    ("formula", "change", "essentials"),
    [
        ("censored(y, status) ~ x", {"status": ["lft", "none"]},
         ["'status' of 20 rows is 'lft'", "'left' (at most the value)"]),
        ("censored(y, status) ~ x", {"status": ["interval", "none"]},
         ["20 rows of 'y' have the status 'interval'", "censored(y, upper, status)"]),
        ("censored(y, status) ~ x", {"status": [2, 1]}, ["2 for events", "np.where(status == 2"]),
        ("censored(y, up, status) ~ x", {"status": ["interval", "none"], "up": [np.nan, 9.0]},
         ["The intervals of 'y' end", "20 rows", "rows 0, 2"]),
        ("censored(y, status) ~ x", {"status": ["left"]}, ["All 40 rows of 'y' are left-censored"]),
        ("truncated(y, lb=5) ~ x", {}, ["'y' is outside the bounds", "censored(y, status)"]),
        ("truncated(y, lb=9, ub=3) ~ x", {}, ["leave nothing between them"]),
        ("y | se(s) ~ x", {"s": [0.4, 0.0]}, ["errors 's' are not positive", "20 rows"]),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_are_counted(formula, change, essentials):
    data = rows().assign(**{name: np.resize(values, 40) for name, values in change.items()})
    with pytest.raises(ws.DataError) as refused:
        model_of(formula, data, "gaussian")
    for essential in essentials:
        assert essential in str(refused.value)


def test_families_without_limits_name_those_that_have_them():
    data = rows().assign(k=1.0 * (np.arange(40) % 2), share=0.3 + 0.01 * np.arange(40))
    with pytest.raises(ws.FamilyError, match=r"'beta' cannot have censored.*'gaussian'.*can"):
        model_of("censored(share, status) ~ x", data, "beta")
    with pytest.raises(ws.FamilyError, match=r"'gamma' has no scale.*'gaussian' or 'student'"):
        model_of("y | se(s) ~ x", data, "gamma")
    with pytest.raises(ws.FamilyError, match="positive response, but 'y' has"):
        model_of("censored(y, status) ~ x", data.assign(y=data.y - 4.4), "lognormal")
    with pytest.raises(ws.DataError, match=r"has limits or known errors.*use ws\.fit"):
        ws.anova("censored(y, status) ~ x", data)
    with pytest.raises(ws.DataError, match=r"has limits or known errors.*use ws\.fit"):
        ws.lme("y | se(s) ~ x + (1|g)", data.assign(g=np.resize(list("abcdef"), 40)))


def test_ends_of_intervals_may_be_missing_elsewhere_and_other_gaps_are_left_out():
    data = rows().assign(up=np.nan)
    data.loc[[2, 3], "status"], data.loc[[2, 3], "up"] = "interval", 20.0
    for frame in (data, pl.DataFrame(data.to_dict("list"), strict=False)):
        model = model_of("censored(y, up, status) ~ x", frame, "gaussian")
        assert model.design.response.y.size == 40
        np.testing.assert_array_equal(model.design.response.limits.upper[[2, 3]], 20.0)
    data.loc[7, "y"] = np.nan
    with pytest.warns(ws.DesignWarning, match="1 of 40 rows are left out"):
        model = model_of("censored(y, up, status) ~ x", data, "gaussian")
    assert model.design.response.limits.status.size == 39


# -- columns as instruments write them ------------------------------------------------------------


def test_detection_limits_are_values_and_statuses():
    column = pd.Series(["<0.20", "0.35", "> 60", "\u2264 2", None, "7"], index=list("abcdef"))
    found = ws.detection_limits(column)
    assert found.index.tolist() == list("abcdef")
    np.testing.assert_array_equal(found.value, [0.2, 0.35, 60, 2, np.nan, 7])
    assert found.status.tolist() == ["left", "none", "right", "left", "none", "none"]
    german = ws.detection_limits(pl.Series(["<0,20", "1,5", "12,25"]))
    np.testing.assert_array_equal(german.value, [0.2, 1.5, 12.25])
    with pytest.raises(ws.DataError, match=r"1 value of 3 .*'ND' in row 1.*'<0\.20'"):
        ws.detection_limits(["<1", "ND", "4"])
    with pytest.raises(ws.DataError, match="Commas may be decimal"):
        ws.detection_limits(["<1,234", "2,345"])


def test_text_with_limits_is_refused_with_the_function_that_reads_it():
    data = rows().assign(y=[f"<{v:.2f}" if v < 4.5 else f"{v:.2f}" for v in rows().y])
    with pytest.raises(ws.FormulaError, match=r"ws\.detection_limits\(data\['y'\]\)"):
        model_of("y ~ x", data, "gaussian")
    read = pd.concat([data[["x"]], ws.detection_limits(data["y"])], axis=1)
    model = model_of("censored(value, status) ~ x", read, "gaussian")
    assert model.design.response.limits.censored == (rows().y < 4.5).sum()


# -- heaps ----------------------------------------------------------------------------------------


def share_found(make, family: str, n: int = 200) -> float:
    found = 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        response = SimpleNamespace(y=make(rng), limits=None, name="y")
        design = SimpleNamespace(response=response, weights=None)
        found += heaped(SimpleNamespace(design=design, family=FAMILIES[family])) is not None
    return found / n


def test_heaps_are_found_and_rounding_is_none():
    """On 200 sets each: in 80% that have one, in under 5% of the others."""
    assert share_found(lambda rng: np.maximum(rng.normal(5, 1, 80), 3.9), "gaussian") > 0.8
    assert share_found(lambda rng: np.minimum(rng.gamma(3, 1, 80), 5.5), "gamma") > 0.8
    assert share_found(lambda rng: np.round(rng.normal(5, 1, 80), 1), "gaussian") < 0.05
    assert share_found(lambda rng: np.round(rng.exponential(1, 80), 1) + 0.1, "gamma") < 0.05
    assert share_found(lambda rng: rng.integers(1, 8, 80).astype(float), "gaussian") < 0.05


def test_a_heap_is_named_with_its_remedy_and_can_be_silenced():
    data = rows()
    with pytest.warns(
        ws.DesignWarning, match=r"smallest value, 4\.4, .*censored\(y, status\)"
    ) as said:
        model = _checked(data, None)
    assert [w.message.guard for w in said] == ["heap"]
    _checked(data, "heap")
    assert heaped(model_of("censored(y, status) ~ x", data, "gaussian")) is None
    assert heaped(model) is not None


def _checked(data, silence):
    from winstan.fitted.pipeline import model_from  # noqa: PLC0415

    return model_from(
        "y ~ x", data, "gaussian", {}, link=None, priors=None, center=True, weights=None,
        trials=None, parametrization=None, silence=silence,
    )  # fmt: skip


# -- what meets limits elsewhere ------------------------------------------------------------------


@pytest.mark.parametrize(("family", "formula", "options"), CASES)
def test_every_guard_takes_responses_with_limits(family, formula, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)
        model_from(
            formula, limited_data(family), family, {}, link=None, priors=None, center=True,
            weights=options.get("weights"), trials=None, parametrization=None, silence=None,
        )  # fmt: skip


def test_one_value_whose_statuses_or_ends_differ_is_not_called_constant():
    data = pd.DataFrame({"y": 10.0, "x": np.tile([0.0, 1.0], 20)})
    data["status"] = np.where(np.arange(40) % 3 == 0, "left", "right")
    with pytest.raises(ws.DataError, match=r"only their status differs.*bernoulli"):
        model_of("censored(y, status) ~ x", data, "lognormal")
    with pytest.raises(ws.DataError, match="constant"):
        model_of("y ~ x", data, "lognormal")
    ends = data.assign(status="interval", upper=10 + np.arange(1.0, 41))
    model_of("censored(y, upper, status) ~ x", ends, "lognormal")


def test_of_counts_a_bound_itself_can_be_seen():
    data = pd.DataFrame({"y": [1.0, 2, 4, 3] * 10, "x": np.tile([0.0, 1.0], 20)})
    data["status"] = np.where(data.y == 1, "left", "none")  # at most 1, and at least 1: it is 1
    formula = "truncated(censored(y, status), lb=1) ~ x"
    model_of(formula, data, "poisson")
    with pytest.raises(ws.DataError, match="outside the bounds"):
        model_of(formula, data, "gamma")


def test_a_formula_of_sigma_beside_known_errors_is_told_of_it():
    with pytest.raises(ws.FormulaError, match=re.escape("se(s, sigma=True)")):
        model_of(["y | se(s) ~ x", "sigma ~ x"], rows(), "gaussian")


def test_the_region_of_equivalence_takes_the_middle_of_an_interval():
    data = rows().assign(upper=np.nan)
    data["status"] = "none"
    data.loc[:4, ["y", "upper", "status"]] = [0.0, 0.2, "interval"]
    middle = data.assign(y=np.where(data.status == "interval", 0.1, data.y))
    found = observed_rows(model_of("censored(y, upper, status) ~ x", data, "gamma"))
    assert found["value"].to_numpy() == pytest.approx(middle.y.to_numpy())
    own = _half_width(model_of("y ~ x", middle, "gamma"), on_log=True, on_link=False)
    assert own == pytest.approx(0.1 * np.log(middle.y).std(ddof=1), rel=0.05)
    fitted = model_of("censored(y, upper, status) ~ x", data, "gamma")
    assert _half_width(fitted, on_log=True, on_link=False) == pytest.approx(own)


def test_a_heap_under_a_family_without_limits_names_those_that_have_them():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": np.tile([0.0, 1.0], 60), "y": rng.gamma(3, 1, 120).clip(max=4)})
    said = heaped(model_of("y ~ x", data, "hurdle_gamma"))
    assert "family='hurdle_gamma' cannot have censored rows" in said
    assert "'gamma'" in said
    assert "'poisson'" not in said
    assert "cannot" not in heaped(model_of("y ~ x", data, "gamma"))
