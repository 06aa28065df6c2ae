"""Formula: what is read, what it expands to, and what each mistake is told."""

import copy
import math
import pickle

import numpy as np
import pytest

from winstan.errors import FormulaError
from winstan.formula import parse_formula


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("y ~ 1", "1"),
        ("y ~ x", "1 + x"),
        ("y ~ 0 + x", "0 + x"),
        ("y ~ x + 0", "0 + x"),
        ("y ~ x - 1", "0 + x"),
        ("y ~ -1 + x", "0 + x"),
        ("y ~ 0 + x + 1", "1 + x"),
        ("y ~ x - 0", "1 + x"),
        ("y ~ a*b", "1 + a + b + a:b"),
        ("y ~ a*b*c", "1 + a + b + a:b + c + a:c + b:c + a:b:c"),
        ("y ~ a/b", "1 + a + a:b"),
        ("y ~ a/b/c", "1 + a + a:b + a:b:c"),
        ("y ~ (a + b)/c", "1 + a + b + a:b:c"),
        ("y ~ a/(b + c)", "1 + a + a:b + a:c"),
        ("y ~ (a + b):c", "1 + a:c + b:c"),
        ("y ~ (a + b)*c", "1 + a + b + c + a:c + b:c"),
        ("y ~ (a + b + c)^2", "1 + a + b + c + a:b + a:c + b:c"),
        ("y ~ (a + b + c)**2 - a:b", "1 + a + b + c + a:c + b:c"),
        ("y ~ (a + b + c)^3", "1 + a + b + c + a:b + a:c + b:c + a:b:c"),
        ("y ~ a*b - b", "1 + a + a:b"),
        ("y ~ a*b - b:a", "1 + a + b"),
        ("y ~ a:b + b:a", "1 + a:b"),
        ("y ~ x + x", "1 + x"),
        ("y ~ a:a", "1 + a"),
        ("y ~ x - (x - 1) + z", "1 + z"),
        ("y ~ I(x**2)", "1 + I(x ** 2)"),
        ("y ~ I(x^2)", "1 + I(x ** 2)"),
        ("y ~ {x + 1}", "1 + I(x + 1)"),
        ("y ~ I((x+1)*2)", "1 + I((x + 1) * 2)"),
        ("y ~ I(x+(1*2))", "1 + I(x + 1 * 2)"),
        ("y ~ I(a - (b - c))", "1 + I(a - (b - c))"),
        ("y ~ I(-x**2)", "1 + I(-x ** 2)"),
        ("y ~ I((-x)**2)", "1 + I((-x) ** 2)"),
        ("y ~ I(x>3):a", "1 + I(x > 3):a"),
        ("y ~ np.log( x )", "1 + np.log(x)"),
        ("y ~ `Log power` + x", "1 + `Log power` + x"),
        ("y ~ C(a, Treatment('b'))", "1 + C(a, Treatment('b'))"),
        ("y ~ poly(x, 2, raw=True)", "1 + poly(x, 2, raw=True)"),
        ("y ~ bs(x, knots=[1, 2.5, -3])", "1 + bs(x, knots=[1, 2.5, -3])"),
        ("y ~ total.fruits + _x", "1 + total.fruits + `_x`"),
    ],
)
def test_common_part(text, common):
    formula = parse_formula(text)
    assert formula.common == common
    assert parse_formula(f"y ~ {common}").common == common


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("(1|g)", ["(1 | g)"]),
        ("(x|g)", ["(1 + x | g)"]),
        ("(1+x|g)", ["(1 + x | g)"]),
        ("(0+x|g)", ["(0 + x | g)"]),
        ("(x-1|g)", ["(0 + x | g)"]),
        ("(x||g)", ["(1 + x || g)"]),
        ("(1|a/b)", ["(1 | a)", "(1 | a:b)"]),
        ("(x||a/b/c)", ["(1 + x || a)", "(1 + x || a:b)", "(1 + x || a:b:c)"]),
        ("(1|a:b)", ["(1 | a:b)"]),
        ("(x1 + x2 | g)", ["(1 + x1 + x2 | g)"]),
        ("(x1*x2 | g)", ["(1 + x1 + x2 + x1:x2 | g)"]),
        ("(1|g1) + (1|g2)", ["(1 | g1)", "(1 | g2)"]),
        ("(1|g) + (0 + x|g)", ["(1 | g)", "(0 + x | g)"]),
        ("(np.log(x)|g)", ["(1 + np.log(x) | g)"]),
        ("(1|`my group`)", ["(1 | `my group`)"]),
        ("(1|C(g))", ["(1 | g)"]),
        ("((1|g) + z)", ["(1 | g)"]),
    ],
)
def test_group_terms(text, groups):
    formula = parse_formula(f"y ~ u + {text}")
    assert [group.text for group in formula.groups] == groups
    # What is written out reads the same again.
    again = parse_formula(f"y ~ u + {' + '.join(groups)}")
    assert again.groups == formula.groups


def test_group_term_parts():
    (group,) = parse_formula("y ~ (0 + `a b`||c:`d e`)").groups
    assert group.effects == "0 + `a b`"
    assert group.factor == "c:d e"
    assert group.factor_columns == ("c", "d e")
    assert not group.correlated


@pytest.mark.parametrize(
    ("text", "response", "columns"),
    [
        ("y ~ x", "y", ("y",)),
        ("`Log power` ~ x", "`Log power`", ("Log power",)),
        ("log(Power) ~ x", "log(Power)", ("Power",)),
        ("np.log10(y) ~ x", "np.log10(y)", ("y",)),
        ("y/1000 ~ x", "y / 1000", ("y",)),
        ("p(s, n) ~ x", "p(s, n)", ("s", "n")),
        ("prop(s, 10) ~ x", "prop(s, 10)", ("s",)),
        ("proportion(s,n) ~ x", "proportion(s, n)", ("s", "n")),
        ("y['b'] ~ x", "y['b']", ("y",)),
        ("y[b] ~ x", "y['b']", ("y",)),
    ],
)
def test_response(text, response, columns):
    formula = parse_formula(text)
    assert formula.response == response
    assert formula.response_columns == columns
    assert formula.predictor_columns == ("x",)
    assert formula.columns == (*columns, "x")


def test_offsets_are_kept_apart():
    formula = parse_formula("y ~ offset(np.log(t)) + x + offset(z)")
    assert formula.common == "1 + x"
    assert formula.offset == ("np.log(t)", "z")
    assert set(formula.columns) == {"y", "x", "t", "z"}


def test_text_keeps_what_is_quoted():
    formula = parse_formula("  `Log  power` ~\n  C(a,  Treatment('p  q'))  + `(1|mouse)` ")
    assert formula.text == "`Log  power` ~ C(a, Treatment('p  q')) + `(1|mouse)`"
    assert formula.groups == ()
    assert formula.columns == ("Log  power", "a", "(1|mouse)")


def test_a_bar_within_quotes_is_no_group():
    formula = parse_formula("y ~ C(a, Treatment('(1|mouse)')) + (1|g)")
    assert [group.factor for group in formula.groups] == ["g"]


def my_function(x):
    return x - x.mean()


@pytest.mark.parametrize(
    ("right", "elementwise", "counted"),
    [
        ("x + a:b + (x|g)", True, True),
        ("np.log(x) + log10(z) + I(x**2 + 3*z) + {x/z}", True, True),
        ("C(a) + C(a, Treatment('b')) + S(a) + T(a, 'b')", True, True),
        ("np.where(x > 3, 1, 0) + np.clip(x, 0, 1) + abs(x)", True, True),
        ("offset(np.log(t)) + x", True, True),
        ("scale(x)", False, True),
        ("center(x)", False, True),
        ("standardize(x)", False, True),
        ("poly(x, 2)", False, True),
        ("bs(x, df=4)", False, True),
        ("I(x - np.mean(x))", False, False),
        ("np.cumsum(x)", False, False),
        ("my_function(x)", False, False),
        ("x + (scale(x)|g)", False, True),
        ("offset(my_function(t))", False, False),
    ],
)
def test_what_functions_need_of_other_rows(right, elementwise, counted):
    """Nothing, or how often a row occurs, or all of them in their order."""
    formula = parse_formula(f"y ~ {right}", {"my_function": my_function})
    assert (formula.elementwise, formula.counted) == (elementwise, counted)


def test_a_response_transform_does_not_matter_for_the_design():
    assert parse_formula("scale(y) ~ x").elementwise


def test_whose_function():
    # The mathematical functions are numpy's, even where the caller has imported math's ...
    formula = parse_formula("y ~ log(x)", {"log": math.log})
    assert formula.elementwise
    # ... but not where the caller has defined another.
    assert not parse_formula("y ~ log(x)", {"log": my_function}).elementwise


def test_ambient_names():
    formula = parse_formula("y ~ I(x * k) + k2 + I(k2 * 2)", {"k": 3, "k2": 4, "x": 1, "y": 2})
    assert set(formula.ambient) == {"x", "k"}  # y and k2 stand alone: they must be columns


def test_formula_is_a_value():
    formula = parse_formula("y ~ bs(x, knots=k) + C(a, Treatment('b')) + (x||g)", {"k": 3})
    assert pickle.loads(pickle.dumps(formula)) == formula
    assert copy.deepcopy(formula) == formula
    with pytest.raises(AttributeError):
        formula.text = "other"


@pytest.mark.parametrize(
    ("text", "essentials"),
    [
        ("", ["empty", "response ~ predictors"]),
        ("y x", ["no '~'"]),
        ("y", ["no '~'"]),
        ("y ~ x ~ z", ["more than one '~'", "character 7"]),
        ("~ x", ["response", "missing"]),
        ("y ~", ["y ~ 1"]),
        ("y ~ 0", ["y ~ 1"]),
        ("y ~ .", ["name the columns", "character 5"]),
        ("y ~ x + . + z", ["name the columns"]),
        ("y ~ (x + z", ["unbalanced", "'('", "character 5"]),
        ("y ~ x)", ["unbalanced", "closes nothing", "character 6"]),
        ("y ~ (x]", ["unbalanced", "']'"]),
        ("y ~ `x", ["back-tick", "never closed"]),
        ("y ~ C(a, 'b)", ["quotation mark", "never closed"]),
        ("y ~ x +", ["missing", "at the end"]),
        ("y ~ x + * z", ["missing between '+' and '*'"]),
        ("y ~ x z", ["unexpected 'z' after 'x'", "back-ticks"]),
        ("Log power ~ x", ["unexpected 'power' after 'Log'", "`Log power`"]),
        ("y ~ x $ z", ["unexpected character '$'"]),
        ("y ~ 1|g", ["parentheses", "(1 | group)"]),
        ("y ~ x + 1 || g", ["parentheses"]),
        ("y ~ (1|g|h)", ["label 'g'", "no other term of 'h'", "(1 | a/b)"]),
        ("y ~ (1|g1 + g2)", ["(1 | a) + (1 | b)"]),
        ("y ~ (1|a*b)", ["(1 | a/b)"]),
        ("y ~ (1|np.round(g))", ["no grouping factor", "column"]),
        ("y ~ (0|g)", ["no effect", "(1 | group)"]),
        ("y ~ (1|g):x", ["only be added"]),
        ("y ~ x*(1|g)", ["only be added"]),
        ("y ~ x - (1|g)", ["no (1 | g) to remove"]),
        ("y ~ x + (x|g) - (1|g)", ["no (1 | g) to remove; there is (1 + x | g)"]),
        ("y ~ (1|g) + (x|g)", ["an intercept for each 'g'", "(0 + x | g)"]),
        ("y ~ (x|g) + (0 + x|g)", ["'x' for each 'g'", "remove one"]),
        ("y ~ (1|g) + (1|g)", ["an intercept for each 'g'", "remove one"]),
        ("y ~ (1|a/b) + (1|b:a)", ["an intercept for each 'b:a'"]),
        ("y ~ (1|g) + (x||g)", ["(0 + x || g)"]),
        ("y ~ x + 2", ["2 is not a term", "I("]),
        ("y ~ x*2", ["I()"]),
        ("y ~ 'x'", ["'x' is not a term"]),
        ("y ~ x > 3", ["I(x > 3)"]),
        ("y ~ x^2", ["I(x**2)"]),
        ("y ~ (a + b)^c", ["not a term"]),
        ("y ~ (a + b)^0", ["whole number"]),
        ("y ~ x - z", ["no term 'z' to remove"]),
        ("y ~ -x", ["no term 'x' to remove"]),
        ("y ~ offset(x):z", ["offset()", "common part"]),
        ("y ~ (offset(x)|g)", ["offset()"]),
        ("y ~ offset(x, z)", ["one argument"]),
        ("y ~ x + offset(w) - offset(z)", ["no offset(z) to remove; there is offset(w)"]),
        ("offset(y) ~ x", ["right side"]),
        ("p(s) ~ x", ["p(successes, trials)"]),
        ("y ~ p(s, n)", ["left side"]),
        ("y ~ Intercept + x", ["'Intercept'", "Rename"]),
        ("y ~ x + (0 + `1`|g)", ["'1'", "Rename"]),
        ("1 ~ x", ["response must be a column"]),
        ("y ~ y + x", ["'y' is also a predictor"]),
        ("log(y) ~ log(y)", ["'log(y)' is also a predictor"]),
        ("y ~ log(y)", ["the response 'y' is also a predictor"]),
        ("log(y) ~ y:x", ["column 'y' of the response 'log(y)' is also a predictor"]),
        ("y ~ x + offset(y)", ["'y' is also a predictor"]),
        ("y ~ x + (1|y)", ["'y' is also a predictor"]),
        ("p(s, n) ~ s", ["'s' is also a predictor"]),
        ("y['a'] ~ C(y)", ["'y' is also a predictor"]),
        ("y ~ lgo(x)", ["unknown function 'lgo'", "'log'"]),
        ("y ~ scal(x)", ["unknown function 'scal'", "'scale'"]),
        ("y ~ my_funktion(x)", ["unknown function 'my_funktion'", "'my_function'"]),
        ("y ~ np.lgo(x)", ["unknown function 'np.lgo'", "'np.log'"]),
        ("y ~ sp.special.logit(x)", ["unknown function", "'sp' is not defined"]),
        ("(1|g) ~ x", ["no meaning in arithmetic"]),
        ("a:b ~ x", ["no meaning in arithmetic"]),
        ("y ~ x[2]", ["only as a response"]),
        ("y ~ I(x % 2)", ["np.mod"]),
        ("y ~ I()x", ["unexpected 'x'"]),
        ("y ~ ()", ["empty parentheses"]),
        ("y ~ bs(x, knots=[x])", ["a list holds only"]),
        ("y ~ f(3=x)", ["argument's name"]),
        ("y ~ poly(degree=2, x)", ["argument without a name"]),
    ],
)
def test_mistakes(text, essentials):
    with pytest.raises(FormulaError) as caught:
        parse_formula(text, {"my_function": my_function, "f": my_function})
    message = str(caught.value)
    assert text in message
    assert "\n" not in message
    for essential in essentials:
        assert essential in message, message


def test_not_a_string():
    with pytest.raises(FormulaError, match="string"):
        parse_formula(np.arange(3))


def test_part_of_a_response_may_be_a_predictor():
    # The change is not known from where it began, nor the successes from the trials.
    for text in ("I(after - before) ~ before", "p(s, n) ~ log(n)", "I(y * k) ~ I(x * k)"):
        parse_formula(text, {"k": 2.0})
