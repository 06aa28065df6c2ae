"""Formulas that change others: as R's `update`, of several parameters."""

import pytest

from winstan.formula import updated

MEAN = "y ~ x + (1|g)"


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (". ~ . + z", MEAN, ["y ~ x + (1|g) + z"]),
        ("~ . - x", MEAN, ["y ~ x + (1|g) - x"]),
        ("log(.) ~ .:z", "`a.b` ~ x*w", ["log(`a.b`) ~ (x*w):z"]),
        (". ~ . - (1 | g)", MEAN, ["y ~ x"]),
        (". ~ . - (1|g) + (x||g)", "y ~ (1|g)", ["y ~ (x || g)"]),
        (". ~ . - (1|g) - ar(t, g)", "y ~ 0 + (1|g) + ar(t,g)", ["y ~ 0"]),
        (". ~ . - (1|h)", MEAN, ["y ~ x + (1|g) - (1|h)"]),
        (". ~ z - .", "y ~ x + w", ["y ~ z - (x + w)"]),
        (". ~ . + I(0.5 * x.y)", "y ~ x.y", ["y ~ x.y + I(0.5 * x.y)"]),
        ("y ~ z", [MEAN, "sigma ~ x"], ["y ~ z"]),
        (". ~ .", [MEAN, "sigma ~ x"], [MEAN, "sigma ~ x"]),
        ([". ~ . + z", "sigma ~ . + w"], [MEAN, "sigma ~ x"], [f"{MEAN} + z", "sigma ~ x + w"]),
    ],
)
def test_dots_are_the_sides_of_the_old_formula(new, old, expected):
    assert updated(new, {}, old, {}) == tuple(expected)
    by_name = {} if isinstance(old, str) else {"sigma": "x"}
    mean = old if isinstance(old, str) else old[0]
    assert updated(new, {}, mean, by_name) == tuple(expected)


def test_a_parameter_is_given_by_name():
    assert updated(". ~ .", {"sigma": ". + w"}, MEAN, {"sigma": "x"}) == (MEAN, "sigma ~ x + w")
