"""One design for each family that has none yet: what every response costs, beside bambi.

The same layout for all: twenty groups, two conditions within each, thirty rows of each, so that
the goal (the least of bulk and tail ESS/s, 25 times bambi's) means the same for every family. The
responses are the families' own draws; a family that is added has a design by being one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.design import Design
from winstan.families import FAMILIES
from winstan.families.categories import probabilities

if TYPE_CHECKING:
    from winstan.families import Family

GROUPS, ROWS = 20, 30
"""Groups, and rows of each condition in each of them."""
TRIALS = 12
GOAL = 25
SCALE = 0.4
"""The sd that a family's other parameters are started for: see `Parameter.start`."""
THRESHOLDS = (-1.5, -0.2, 0.6, 2.0)
LEVEL, EFFECT, SPREAD = 0.3, 0.4, 0.5
"""Intercept, effect and sd between groups of the linear predictor, of whatever link."""


def responses(name: str, seed: int = 11, rows: int = ROWS) -> pd.DataFrame:
    """Draw the responses of a family, `rows` in each condition of each group."""
    family, rng = FAMILIES[name], np.random.default_rng(seed)
    group = np.repeat(np.arange(GROUPS), 2 * rows)
    x = np.tile(np.repeat([0, 1], rows), GROUPS)
    eta = LEVEL + EFFECT * x + rng.normal(0, SPREAD, GROUPS)[group]
    if family.of_categories:
        labels = 1 + _categories(family, eta, rng)
        return pd.DataFrame({"y": labels, "x": x, "group": [f"g{i}" for i in group]})
    mu = family.link(_link(family)).inverse(eta)
    trials = np.full(mu.size, float(TRIALS)) if family.trials else None
    y = family.draw(rng, mu, _beside(family, mu), trials)
    table = pd.DataFrame({"y": y, "x": x, "group": [f"g{i}" for i in group]})
    return table.assign(trials=TRIALS) if family.trials else table


def _categories(family: Family, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the places of five categories."""
    if family.of_labels is not None:
        family = family.of_labels(family, range(1, 6))
    aux = _beside(family, eta) | {"threshold": THRESHOLDS}
    mu = probabilities(family, 5, eta, aux, family.link(None))
    return family.draw(rng, mu, {}, None).astype(int)


def _beside(family: Family, mu: np.ndarray) -> dict[str, Any]:
    """Return the other parameters: where a search for them would start."""
    return {p.name: np.full(mu.shape, p.start_at(SCALE)) for p in family.parameters[1:]}


def _link(family: Family) -> str | None:
    """Return the link that bambi has too, where that is not the family's own."""
    return "identity" if family.circular else None


def design_of(family: Family) -> Design:
    """Return the design of a family."""
    left = "p(y, trials)" if family.trials else "y"
    return Design(
        f"family-{family.name}",
        f"{family.name}, {GROUPS * 2 * ROWS:,} rows",
        f"{left} ~ x + (1|group)",
        family.name,
        partial(responses, family.name),
        GOAL,
        by_smaller=True,
        link=_link(family),
    )


FAMILY_DESIGNS = tuple(design_of(family) for family in FAMILIES.values() if family.bambi)
"""Of the families that bambi has, in the order of the documentation."""
