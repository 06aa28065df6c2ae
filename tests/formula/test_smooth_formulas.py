"""What formulas say of curves: their words, their straight lines, and what is refused."""

from __future__ import annotations

import pytest

from winstan.errors import FormulaError
from winstan.formula import parse_formula


@pytest.mark.parametrize(
    ("formula", "common", "texts"),
    [
        ("y ~ s(t)", "1 + t", ["s(t)"]),
        ("y ~ t + s(t, k=6)", "1 + t", ["s(t, k=6)"]),
        ("y ~ cond + s(t, by=cond, bs='cr')", "1 + cond + t:cond", ['s(t, by=cond, bs="cr")']),
        ("y ~ C(dose) + s(t, by=dose)", "1 + C(dose) + t:C(dose)", ["s(t, by=dose)"]),
        ("y ~ s(np.log(t))", "1 + np.log(t)", ["s(np.log(t))"]),
        ("y ~ hsgp(t, m=20, c=1.5)", "1", ["hsgp(t, m=20, c=1.5)"]),
        ("y ~ cond + hsgp(t, by=cond)", "1 + cond", ["hsgp(t, by=cond)"]),
    ],
)
def test_a_curve_is_its_line_and_what_bends(formula, common, texts):
    parsed = parse_formula(formula)
    assert parsed.common == common
    assert [spec.text for spec in parsed.smooths] == texts
    # And back: the written term is read as itself.
    again = parse_formula(f"y ~ cond + C(dose) + {texts[0]}")
    assert [spec.text for spec in again.smooths] == texts


def test_curves_of_groups_are_a_group_term():
    parsed = parse_formula('y ~ s(t) + s(t, `my mouse`, bs="fs", k=7) + (1|lab); sigma ~ s(u)')
    assert [g.text for g in parsed.groups] == ["(1 | lab)", 's(t, `my mouse`, bs="fs", k=7)']
    assert parsed.groups[1].factor == "my mouse"
    assert parsed.curved_columns == {"t", "u"}
    assert {"t", "u", "my mouse", "lab"} < set(parsed.predictor_columns) | {"y"}
    assert parsed.elementwise  # cells still compress
    (both,) = parse_formula('y ~ s(t, mouse:`my cond`, bs="fs")').groups
    assert both.text == 's(t, mouse:`my cond`, bs="fs")'
    assert (both.factor, both.factor_columns) == ("mouse:my cond", ("mouse", "my cond"))


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ s(t, by=cond)", r"no levels: write cond \+ s\(t, by=cond\)"),
        ("y ~ s(t) * x", "can only be added, not crossed"),
        ("y ~ x + (s(t) | g)", "can only be added"),
        ("y ~ s(t, x)", 's\\(\\) takes one number.*bs="fs"'),
        ("y ~ s(t) + s(t, k=4)", "are the same curve"),
        ('y ~ s(t, bs="cc")', "'cc' is no basis"),
        ("y ~ s(t, k=2)", "k= is a whole number from 3 up"),
        ("y ~ s(t, k=10.5)", "k= is a whole number"),
        ("y ~ s(t, m=10)", "no option m="),
        ("y ~ hsgp(t, c=1)", "c= is a number above 1"),
        ("y ~ x - s(t)", r"no s\(t\) to remove"),
        ("y ~ s(mo(t))", r"mo\(t\) is a term.*no function"),
        ('y ~ s(t, g, by=cond, bs="fs")', "has no by="),
        ('y ~ s(t, g + h, bs="fs")', r"g \+ h is no column"),
    ],
)
def test_what_no_curve_can_be_is_refused_with_what_to_write(formula, said):
    with pytest.raises(FormulaError, match=said):
        parse_formula(formula)
