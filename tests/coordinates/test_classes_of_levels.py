"""Levels that share an information: few classes of wide terms, each the mean of its levels'."""

import numpy as np
import pytest

from winstan.coordinates.standard import CLASSES_UP_TO, classify_levels

LEVELS = 40


@pytest.mark.parametrize(("effects", "most"), [(2, CLASSES_UP_TO), (8, 1), (12, 1)])
def test_classes_are_fewer_of_wider_terms(effects, most):
    rng = np.random.default_rng(effects)
    root = rng.normal(size=(LEVELS, effects, effects))
    rate = np.exp(2.0 * rng.normal(size=LEVELS))
    known = rate[:, None, None] * (root @ np.swapaxes(root, 1, 2))

    information, of_level = classify_levels(known, 0.3 * np.eye(effects))

    assert 1 <= len(information) <= most
    assert set(of_level) == set(range(len(information)))
    for k, shared in enumerate(information):
        np.testing.assert_allclose(shared, known[of_level == k].mean(axis=0), rtol=1e-12)


def test_levels_that_are_alike_are_one_class():
    known = np.tile(np.diag([4.0, 9.0]), (LEVELS, 1, 1))
    known[: LEVELS // 2] *= 30.0
    information, of_level = classify_levels(known, np.eye(2))
    assert len(information) == 2
    assert np.ptp(of_level[: LEVELS // 2]) == np.ptp(of_level[LEVELS // 2 :]) == 0
