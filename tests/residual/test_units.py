"""Roots of units' correlation matrices: rows made independent, and back."""

from __future__ import annotations

import numpy as np
import pytest
from support.residual_reference import correlation, model_of, rows

from winstan.residual.units import unit_rows

KINDS = {
    "ar": ("ar(visit, unit)", -0.4),
    "car": ("car(time, unit)", 0.93),
    "cs": ("cs(visit, unit)", -0.2),
    "toep": ("toep(visit, unit)", np.array([0.5, 0.1, -0.3])),
    "unstr": ("unstr(visit, unit)", np.array([0.5, 0.3, 0.6, -0.1, 0.2, 0.4])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whitened_rows_have_the_square_form_and_determinant_of_each_unit(kind):
    term, value = KINDS[kind]
    data = rows()
    model = model_of(f"y ~ x + {term}", data)
    structure = model.residual.structure
    units = unit_rows(model.design.residual, structure.pattern_of)
    z = np.random.default_rng(5).normal(size=(2, len(data)))
    draws = np.stack([np.asarray(value, float)] * 2)
    white, log_root = structure.whiten(draws, units, z[:, units.rows])
    place = data["time" if kind == "car" else "visit"].to_numpy().astype(float)
    unit = data.unit.to_numpy()
    levels = model.design.residual.factor.levels
    for j, name in enumerate(levels[u] for u in units.unit):
        at = np.flatnonzero(unit == name)
        C = correlation(kind, value, place[at], structure.order)
        square = z[1, at] @ np.linalg.solve(C, z[1, at])
        assert units.sums(np.square(white))[1, j] == pytest.approx(square, rel=1e-10)
        assert log_root[1, j] == pytest.approx(0.5 * np.linalg.slogdet(C)[1], rel=1e-10)
    np.testing.assert_allclose(structure.colour(draws, units, white)[:, units.back], z, atol=1e-12)
