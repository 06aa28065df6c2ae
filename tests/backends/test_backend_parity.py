"""Stan and PyMC state one density: no sampling, only points, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from template_cases import STRUCTURES, WAYS, data_of, formula_of, grid, has_structure, structure_of

from winstan.backends import backend_named
from winstan.families import FAMILIES
from winstan.unconstrained import coordinate_sizes

pytestmark = pytest.mark.slow


# One family meets every structure in every way. What PyMC states for them
# (columns, group terms, priors, coordinates) it states for all, and the densities are the ones that
# the templates' tests hold to scipy in each structure: of other families every link once, and of
# each in turn two structures, so that no structure is met by few.
TURNS = 2
EVERY = [name for name in STRUCTURES if name != "offset, weights"]


def _thinned() -> dict[tuple[str, str, str], None]:
    cases = []
    for k, (name, row) in enumerate(FAMILIES.items()):
        if row.of_labels is not None:  # see test_categorical
            continue
        own = (
            EVERY
            if name == "gamma"
            else [EVERY[(TURNS * k + i) % len(EVERY)] for i in range(TURNS)]
        )
        own = [structure for structure in own if has_structure(name, structure)]
        cases += [(name, row.links[0], structure) for structure in own]
        cases += [(name, link, "offset, weights") for link in row.links]
    return dict.fromkeys(cases)


GRID = grid(_thinned(), in_every_way=("gamma",))


@pytest.mark.parametrize(("family", "link", "structure", "parametrization"), GRID)
def test_stan_and_pymc_have_one_density(family, link, structure, parametrization):
    formula, options = structure_of(family, structure)
    model = model_of(
        formula_of(formula, link),
        data_of(family, seed=3),
        family,
        link=link,
        trials="trials" if FAMILIES[family].trials else None,
        parametrization=WAYS[parametrization],
        **options,
    )
    stan, pymc = backend_named("stan"), backend_named("pymc")
    dim = sum(coordinate_sizes(model).values())
    confined = link in ("identity", "inverse", "sqrt") and FAMILIES[family].positive_mean
    points = np.random.default_rng(4).normal(0, 0.1 if confined else 0.8, (8, dim))
    ours, our_slopes = stan.log_density(model, points)
    theirs, their_slopes = pymc.log_density(model, points)
    gap = ours - theirs
    np.testing.assert_allclose(gap - gap[0], 0, atol=1e-8 * np.abs(ours).max())
    scale = np.abs(our_slopes).max()
    np.testing.assert_allclose(our_slopes, their_slopes, rtol=1e-6, atol=1e-8 * scale)
