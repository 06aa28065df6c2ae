"""Formulas of any text are read or refused, in no time."""

from __future__ import annotations

import pytest
from work_limit import seconds_of_work

from winstan.errors import WinstanError
from winstan.formula import parse_formula

pytest.importorskip("hypothesis")
from fuzzing import examples, formulas
from hypothesis import given


@examples(150)
@given(formulas)
@pytest.mark.slow
def test_any_text_is_a_formula_or_a_formula_error(text):
    with seconds_of_work(10):
        try:
            formula = parse_formula(text, {})
        except WinstanError:
            return
        # What was read means the same when it is read again.
        again = parse_formula(formula.text, {})
    assert (again.common, again.groups) == (formula.common, formula.groups)
