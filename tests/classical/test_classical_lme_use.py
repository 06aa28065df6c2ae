"""ws.lme: singular fits, refusals, contrasts, and how it shows itself."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from lme_cases import crossed, sds
from scipy import stats

import winstan as ws
from winstan.classical.criterion import _off_boundary, _onto_boundary, evaluate
from winstan.classical.cross_products import cross_products
from winstan.classical.reading import read

# -- singular fits and failures -------------------------------------------------------------------


def test_small_deviations_go_to_the_boundary_where_they_cost_nothing():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 5)
    y = rng.normal(size=40)
    y -= y.reshape(8, 5).mean(axis=1)[g]  # groups are more alike than chance has it
    _, design, _ = read("y ~ 1 + (1|g)", pd.DataFrame({"y": y, "g": g}), {})
    data = cross_products(design)
    theta = np.array([1e-5])
    at = evaluate(data, theta, reml=True).value
    moved, value = _onto_boundary(data, theta, at, reml=True)
    assert moved[0] == 0
    assert value == pytest.approx(at, abs=1e-7)
    free = np.array([5e-4])  # small, and not free of cost once there are data enough to tell
    low = evaluate(data, free, reml=True).value - 1e-3
    kept, _ = _onto_boundary(data, free, low, reml=True)
    assert kept[0] == 5e-4


def test_the_boundary_is_left_where_it_is_no_minimum():
    """The gradient by an sd is zero at zero, minimum or not."""
    _, design, _ = read("y ~ x + (1|a)", crossed(), {})
    data = cross_products(design)
    zero = evaluate(data, np.zeros(1), reml=True)
    np.testing.assert_allclose(zero.gradient, 0, atol=1e-8)
    found = _off_boundary(data, np.zeros(1), zero.value, reml=True)
    assert found is not None
    assert found[1] == pytest.approx(
        -2 * ws.lme("y ~ x + (1|a)", crossed(), silence="random_slopes").log_likelihood
    )
    assert found[1] < zero.value - 10


def test_a_correlation_of_one_is_named():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(12), 10)
    x = np.tile(np.linspace(0, 1, 10), 12)
    u = rng.normal(0, 5, 12)
    y = 3 + u[g] + (2 - 2 * u[g]) * x + rng.normal(0, 0.5, 120)
    data = pd.DataFrame({"y": y, "x": x, "g": g})
    with pytest.warns(ws.ConvergenceWarning, match=r"correlation of '1\|g' and 'x\|g' is -1"):
        fit = ws.lme("y ~ x + (x|g)", data)
    assert fit.correlations["correlation"].iloc[0] == pytest.approx(-1, abs=1e-6)


def test_a_slope_that_does_not_vary_is_named():
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(20), 6)
    x = np.tile([0.0, 1, 2, 3, 4, 5], 20)
    noise = rng.normal(size=120)
    # Slopes of the groups less varied than chance has it.
    for level in range(20):
        rows = g == level
        noise[rows] -= np.polyval(np.polyfit(x[rows], noise[rows], 1), x[rows])
    y = rng.normal(0, 3, 20)[g] + 2 * x + noise
    data = pd.DataFrame({"y": y, "x": x, "g": g})
    with pytest.warns(ws.ConvergenceWarning, match=r"deviation of 'x\|g' is zero"):
        fit = ws.lme("y ~ x + (x||g)", data)
    assert sds(fit)["x|g"] == 0
    assert sds(fit)["1|g"] > 1
    assert fit.converged
    simpler = ws.lme("y ~ x + (1|g)", data, silence="random_slopes")
    assert simpler.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_terms_that_cannot_be_told_apart_are_no_convergence():
    data = crossed().assign(c=lambda d: "c" + d["a"])
    with (
        pytest.warns(ws.DesignWarning, match="part the rows in the same way"),
        pytest.warns(ws.ConvergenceWarning, match=r"flat.*'1\|a', '1\|c'"),
    ):
        fit = ws.lme("y ~ x + (1|a) + (1|c)", data, silence="random_slopes")
    assert not fit.converged
    assert fit.verdict.startswith("Not converged")
    assert "#D55E00" in fit._repr_html_()


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("y ~ x", ws.FormulaError, "no group term.*ws.anova"),
        ("y ~ x + (1|row)", ws.DataError, "240 effects.*240 rows"),
        ("y ~ x + (1|mouse)", ws.DataError, "no column 'mouse'"),
        ("a2 ~ x + (1|b)", ws.DataError, 'gaussian only.*family="bernoulli"'),
        ("y ~ x + I(2*x) + (1|a)", ws.DataError, "rank-deficient"),
        ("flat ~ 1 + (1|a)", ws.DataError, "explain 'flat' exactly"),
        ("steps ~ 1 + (1|a)", ws.DataError, "no residual variation"),
        ("y ~ cs(x) + (1|a)", ws.FormulaError, r"cs\(x\) is of the thresholds.*x without cs"),
        ("y ~ x + (x + I(2*x)|a)", ws.DataError, r"I\(2\*x\)|I\(2 \* x\).*repeats"),
    ],
)
def test_refusals(formula, error, message):
    data = crossed()
    data["row"] = np.arange(len(data))
    data["a2"] = np.where(data["x"] > 3, "yes", "no")
    data["flat"] = 7.3
    data["steps"] = pd.factorize(data["a"])[0] * 1.7
    with pytest.raises(error, match=message):
        ws.lme(formula, data)


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("weights", "All rows count alike: use ws.fit, which takes weights="),
        ("family", "Responses are gaussian: use ws.fit"),
        ("sigma", "have one sigma.*use ws.fit, where sigma= takes a formula"),
        ("residual", "are independent: use ws.fit, where residual="),
        ("seed", "is not sampled: use ws.fit"),
        ("subset", "take the rows out of the data"),
        ("silense", "Did you mean 'silence'"),
    ],
)
def test_keywords_of_other_functions_are_explained(keyword, message):
    for function in (ws.lme, ws.anova):
        with pytest.raises(ws.OptionError, match=f"(?i)no option '{keyword}'.*{message}"):
            function("y ~ x", crossed(), **{keyword: "x"})


def test_keywords_of_one_another_are_explained():
    with pytest.raises(ws.OptionError, match="Write reml=True"):
        ws.lme("y ~ x + (1|a)", crossed(), method="ML")
    with pytest.raises(ws.OptionError, match="It is an option of ws"):
        ws.anova("y ~ x", crossed(), reml=True)


def test_a_mean_alone_has_no_terms_to_test():
    fit = ws.lme("y ~ 1 + (1|a)", crossed())
    with pytest.raises(ws.FormulaError, match=r"'y ~ 1 \+ \(1 ?\| ?a\)' has no terms to test"):
        fit.anova()


def test_options_are_checked():
    with pytest.raises(ws.OptionError, match="reml must be True or False, not 'ML'"):
        ws.lme("y ~ x + (1|a)", crossed(), reml="ML")


def test_effects_that_could_vary_between_groups_are_named():
    with pytest.warns(ws.DesignWarning, match=r"'x' varies within 'a'.*Fit `\(x\|a\)` instead"):
        ws.lme("y ~ x + (1|a)", crossed())
    lone = crossed().assign(d=lambda rows: np.where(rows["a"] == rows["a"].iloc[0], "p", "q"))
    with pytest.warns(ws.DesignWarning, match="'d'") as seen:
        ws.lme("y ~ d + (1|a)", lone)
    assert [w.message.guard for w in seen] == ["confounding"]


def test_few_levels_and_missing_rows_are_said():
    data = crossed()
    data.loc[:4, "x"] = np.nan
    with pytest.warns(ws.DesignWarning, match=r"5 of 240 rows.*'x' \(5\)"):
        fit = ws.lme("y ~ x + (1|a)", data, silence="random_slopes")
    assert "235 rows" in repr(fit)
    few = crossed()
    few["c"] = np.where(few["b"] < "b4", "p", "q")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        ws.lme("y ~ x + (1|c)", few)
    said = [str(w.message) for w in seen if w.category is ws.DesignWarning]
    assert len(said) == 1
    assert "only 2 levels" in said[0]
    assert "prior on" not in said[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.ConvergenceWarning)
        ws.lme("y ~ x + (1|c)", few, silence="few_levels")


# -- contrasts ------------------------------------------------------------------------------------


def test_contrast_of_a_coefficient():
    fit = ws.lme("y ~ x + (x|a)", crossed())
    row = fit.contrast("x").iloc[0]
    table = fit.table.loc["x"]
    assert row["contrast"] == "+1"
    assert row["estimate"] == pytest.approx(table["Coef."], rel=1e-12)
    assert row["std_error"] == pytest.approx(table["Std.Err."], rel=1e-12)
    assert row["ci_2.5%"] == pytest.approx(table["[0.025"], rel=1e-12)
    assert row["ci_97.5%"] == pytest.approx(table["0.975]"], rel=1e-12)
    assert row["p_value"] == pytest.approx(table["P>|t|"], rel=1e-12)
    assert row["df"] == pytest.approx(table["df"], rel=1e-12)
    steps = fit.contrast("x", values=[1, 4], prob=0.5).iloc[0]
    assert steps["estimate"] == pytest.approx(3 * table["Coef."])
    assert steps["ci_75%"] - steps["estimate"] == pytest.approx(
        3 * table["Std.Err."] * stats.t.ppf(0.75, table["df"])
    )


def test_contrasts_of_a_factor_do_not_depend_on_its_coding():
    data = crossed()
    data["c"] = np.array(list("uvw"))[np.arange(len(data)) % 3]
    fit = ws.lme("y ~ c*x + (1|a)", data, silence="random_slopes")
    other = ws.lme("y ~ C(c, Sum)*x + (1|a)", data, silence="random_slopes")
    pairs = fit.contrast("c", pairs="all")
    assert list(pairs["contrast"]) == ["v - u", "w - u", "w - v"]
    again = other.contrast("c", values=["u", "v", "w"], pairs="all")
    pd.testing.assert_frame_equal(pairs, again, rtol=1e-6)
    assert pairs["estimate"][2] == pytest.approx(pairs["estimate"][1] - pairs["estimate"][0])
    slopes = fit.contrast("x", by="c")
    np.testing.assert_allclose(
        slopes["estimate"],
        fit.table.loc["x", "Coef."] + np.array([0, *fit.table["Coef."].to_numpy()[-2:]]),
    )
    assert list(slopes.columns[:3]) == ["contrast", "c", "groups"]
    assert set(slopes["groups"]) == {"population"}
    at = fit.contrast("c", values=["u", "v"], by={"x": [0, 2]})
    interaction = fit.table.loc[[n for n in fit.table.index if "[v" in n], "Coef."].to_numpy()
    np.testing.assert_allclose(at["estimate"], interaction @ np.array([[1, 1], [0, 2]]))


@pytest.mark.parametrize(
    ("treatment", "options", "message"),
    [
        ("X", {}, "no predictor.*'x'"),
        ("a", {}, "'a' has no population-level effect"),
        ("x", {"by": "a"}, "'a' has no population-level effect"),
        ("x", {"by": "x"}, "treatment itself"),
        ("x", {"prob": 95}, "between 0 and 1"),
        ("x", {"values": [1]}, "two values"),
    ],
)
def test_contrasts_that_are_refused(treatment, options, message):
    fit = ws.lme("y ~ x + (1|a)", crossed(), silence="random_slopes")
    with pytest.raises(ws.OptionError, match=message):
        fit.contrast(treatment, **options)


def test_contrasts_of_a_model_with_an_offset_say_that_it_is_zero():
    with_offset = ws.lme("y ~ x + (x|a) + offset(2*x)", crossed()).contrast("x")
    assert with_offset.attrs["estimand"].endswith("at an offset of zero")
    without = ws.lme("y ~ x + (x|a)", crossed()).contrast("x")
    assert "offset" not in without.attrs["estimand"]


# -- how it shows itself --------------------------------------------------------------------------


def test_repr():
    fit = ws.lme("y ~ x + (x|a) + offset(2*x)", crossed())
    text = repr(fit)
    first, second = text.splitlines()[:2]
    assert first.startswith("y ~ 1 + x + offset(2 * x) + (1 + x | a)  [")
    assert "REML" in first
    assert second.startswith("240 rows; a: 14 levels.")
    assert "Std.Err." in text
    assert "correlation" in text
    html = fit._repr_html_()
    assert "#009E73" in html
    assert "<table" in html
    with pytest.raises(AttributeError):
        fit.reml = False


def test_pickles():
    fit = ws.lme("y ~ x + (x|a)", crossed())
    again = pickle.loads(pickle.dumps(fit))
    pd.testing.assert_frame_equal(again.table, fit.table)
    pd.testing.assert_frame_equal(again.contrast("x"), fit.contrast("x"))
