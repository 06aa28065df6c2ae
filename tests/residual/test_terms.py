"""The words of residual correlation, the places of rows, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.residual_reference import model_of, rows

import winstan as ws
from winstan.backends import Settings, backend_named
from winstan.errors import (
    BackendError,
    DataError,
    DesignWarning,
    FamilyError,
    FormulaError,
    OptionError,
    PriorError,
)
from winstan.fitted.pipeline import model_from
from winstan.formula import parse_formula
from winstan.residual.plan import check_products


@pytest.mark.parametrize(
    "text",
    [
        "y ~ x + ar(visit, mouse:session)",
        "y ~ x + ar(time=visit, gr=mouse:session, p=1)",
        "y ~ x; residual ~ ar(visit, mouse:session)",
    ],
)
def test_a_term_is_written_in_the_formula_or_by_itself(text):
    formula = parse_formula(text)
    assert formula.residual.text == "ar(visit, mouse:session)"
    assert formula.common == "1 + x"
    assert formula.predictor_columns == ("x",)
    assert set(formula.columns) == {"y", "x", "visit", "mouse", "session"}
    assert not formula.parameters


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y ~ x + ar(visit)", "takes a column that orders the rows"),
        ("y ~ x + ar(log(visit), unit)", "takes a column, not 'log\\(visit\\)'"),
        ("y ~ x + ar(visit, unit, p=2)", "has no option p="),
        ("y ~ x + ar(visit, unit) + cs(visit, unit)", "two terms of residual correlation"),
        ("y ~ x * ar(visit, unit)", "can only be added"),
        ("y ~ x - ar(visit, unit)", r"no ar\(visit, unit\) to remove"),
        ("y ~ x; sigma ~ ar(visit, unit)", "stands in the first formula"),
        ("y ~ x; residual ~ x", "how residuals are correlated, and nothing else"),
        ("y ~ x + car(y, unit)", "the response 'y' cannot be the time of car\\(y, unit\\)"),
        ("y ~ x; residual ~ ar(visit, y)", "the response 'y' cannot be the unit"),
        ("y ~ x + corAR1(visit, unit)", "ar\\(time, unit\\), by position"),
    ],
)
def test_formulas_that_are_refused(text, says):
    with pytest.raises(FormulaError, match=says):
        parse_formula(text)


def test_an_empty_right_side_is_refused_as_such():
    with pytest.raises(FormulaError, match=r"residual= is empty: leave it out.*ar\(trial, mouse\)"):
        parse_formula("y ~ x", None, {"residual": " "})


def test_positions_are_counted_by_the_greatest_common_step():
    data = rows().assign(age=lambda d: 8 + 2 * d.visit)
    term = model_of("y ~ x + ar(age, unit)", data).design.residual
    np.testing.assert_array_equal(term.place, data.visit)
    assert term.step == 2
    assert set(term.gaps) == {1.0, 2.0, 3.0}  # a visit that is missing leaves its place empty


def test_levels_of_a_factor_are_in_their_order():
    names = ["base", "one", "two", "end"]
    visit = pd.Categorical([names[v] for v in rows().visit], names, ordered=True)
    term = model_of("y ~ x + unstr(week, unit)", rows().assign(week=visit)).design.residual
    np.testing.assert_array_equal(term.place, rows().visit)
    assert term.visits == tuple(names)


def test_a_time_that_a_unit_has_twice_is_refused_by_its_rows():
    data = rows()
    data.loc[5, ["unit", "visit"]] = data.loc[2, ["unit", "visit"]].to_list()
    with pytest.raises(DataError, match=r"twice, in rows 2, 5 .*2 rows in all"):
        model_of("y ~ x + ar(visit, unit)", data)


def ordered(labels):
    return pd.Categorical(labels, ordered=True)


@pytest.mark.parametrize(
    ("term", "change", "says"),
    [
        ("ar(visit, unit)", {"visit": ordered(list("abcdefghij") * 4 + list("abc"))}, "twice"),
        ("ar(visit, unit)", {"visit": rows().visit.map("v{}".format)}, "have no order"),
        ("toep(visit, unit)", {"visit": (rows().visit + 8).astype(str)}, "'10', '11', '8'"),
        ("car(visit, unit)", {"visit": rows().visit.map("v{}".format)}, "has labels"),
        ("ar(time, unit)", {}, r"values? with a fraction, in rows .*car\(time, unit\)"),
        ("ar(x, unit)", {"x": True}, "is no number, in rows 0, 1"),
        ("ar(visit, row)", {"row": range(43)}, "all 43 units of 'row' have one row"),
        ("unstr(row, unit)", {"row": range(43)}, "at most 20 visits"),
        ("toep(row, unit)", {"row": range(0, 129, 3)}, "at most 40 lags"),
    ],
)
def test_times_that_are_refused(term, change, says):
    data = rows().assign(**change)
    with pytest.raises(DataError, match=says):
        model_of(f"y ~ 1 + {term}", data)


def test_units_of_one_row_are_told():
    data = rows().drop(index=rows().index[rows().unit == "a1"][1:])
    with pytest.warns(DesignWarning, match=r"1 unit of 'unit' has one row, in row \d+"):
        quiet(data, "y ~ x + ar(visit, unit)", ("pseudoreplication", "serial_correlation"))


def quiet(data, formula, silence):
    return model_from(
        formula,
        data,
        "gaussian",
        {},
        link=None,
        priors=None,
        center=True,
        weights=None,
        trials=None,
        parametrization=None,
        silence=silence,
    )


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("ar(visit, unit)", "are hardly told apart by units of 4 rows"),
        ("cs(visit, unit)", "say the same"),
        ("unstr(visit, unit)", "say the same"),
    ],
)
def test_intercepts_of_the_very_units_are_told(term, says):
    with pytest.warns(DesignWarning, match=says):
        quiet(rows(), f"y ~ x + (1|unit) + {term}", ("pseudoreplication", "random_slopes"))


NU = {"family": "student", "formulas": {"nu": "x"}}


@pytest.mark.parametrize(
    ("error", "says", "options"),
    [
        (FamilyError, "of which family='categorical' has several", {"family": "categorical"}),
        (FormulaError, "only sigma can have a formula, not 'nu'", NU),
        (PriorError, "Normal without bounds", {"priors": {"x": ws.StudentT(3, 0, 1)}}),
        (PriorError, "use LKJ", {"priors": {"ar": ws.Normal(0, 1)}}),
        (OptionError, "integrated out", {"parametrization": "centered"}),
        (FormulaError, "predictors alone", {"formulas": {"sigma": "(1|mouse)"}}),
    ],
)
def test_models_that_are_refused(error, says, options):
    data = rows().assign(y=lambda d: d.y.abs() + 1)
    if options.get("family") == "categorical":
        data["y"] = np.array(["a", "b", "c"])[data.visit % 3]
    with pytest.raises(error, match=says):
        model_of("y ~ x + ar(visit, unit)", data, **options)


def test_limits_and_known_errors_are_refused_as_such():
    for left in ("y | se(x)", "censored(y, x)"):
        with pytest.raises(FormulaError, match="limits or known standard errors"):
            model_of(f"{left} ~ 1 + ar(visit, unit)", rows().assign(x=0 if "cens" in left else 1.0))


def test_times_of_too_many_distances_are_refused_before_their_products_are_taken():
    term = model_of("y ~ x + car(time, unit)", rows()).design.residual
    check_products(3_000_000, 3, term)
    with pytest.raises(DataError, match=r"different distances of 'time'.*Round 'time'"):
        check_products(4_000_000, 3, term)


def test_bambi_and_linear_mixed_models_refuse_it_by_name():
    model = model_of("y ~ x + ar(visit, unit)", rows())
    with pytest.raises(BackendError, match=r"no residual correlation, as ar\(visit, unit\)"):
        backend_named("bambi").check(model, Settings(seed=1))
    with pytest.raises(FormulaError, match=r"leave ar\(visit, unit\) out"):
        ws.lme("y ~ x + (1|mouse) + ar(visit, unit)", rows())
