"""Data, structures and parametrizations that every family's density is held to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from shares_reference import SHARES

import winstan as ws
from winstan.families import FAMILIES


def data_of(family: str, seed: int = 0) -> pd.DataFrame:
    """Sixty rows in few cells, at scales away from one."""
    rng = np.random.default_rng(seed)
    n = 60
    data = pd.DataFrame(
        {
            "x": rng.choice([0.3, 0.7, 2.0], n),
            "cond": rng.choice(["a", "b", "c"], n),
            "g": rng.choice([f"g{i}" for i in range(6)], n),
            "h": rng.choice([f"h{i}" for i in range(5)], n),
            "w": rng.integers(1, 5, n),
            "t": rng.choice([0.5, 2.0, 9.0], n),
            "trials": rng.integers(5, 30, n),
        }
    )
    level = 0.4 * data.x + data.g.map({f"g{i}": 0.3 * i for i in range(6)})
    if FAMILIES[family].kind == "real":
        data["y"] = 170 + 31 * (level + rng.standard_t(4, n))
    elif family.startswith(("zero_inflated", "hurdle")):
        data = data_of(family.removeprefix("zero_inflated_").removeprefix("hurdle_"), seed)
        data["y"] = np.where(rng.random(n) < 0.3, 0, data["y"])
    elif FAMILIES[family].kind == "positive":
        data["y"] = 57 * np.exp(level) * rng.gamma(2.3, 1 / 2.3, n)
    elif family in SHARES:
        data["y"] = shares_of(family, data, 1 / (1 + np.exp(0.9 - level)), rng)
    elif family == "von_mises":
        data["y"] = rng.vonmises(2.9 + level, 1.9)  # about the cut between pi and -pi
    elif FAMILIES[family].of_categories:
        data["y"] = _categories(family, level.to_numpy(), rng)
    elif family == "poisson":
        data["y"] = rng.poisson(np.exp(1 + level))
    elif FAMILIES[family].kind == "count":
        data["y"] = rng.poisson(np.exp(1 + level) * rng.gamma(1.7, 1 / 1.7, n))
    elif FAMILIES[family].of_trials:
        trials = 1 if family == "bernoulli" else data.trials
        data["y"] = rng.binomial(trials, 1 / (1 + np.exp(0.9 - level)))
    else:
        raise KeyError(f"{family} has no data here")
    return data


def shares_of(
    family: str, data: pd.DataFrame, mu: pd.Series, rng: np.random.Generator
) -> np.ndarray:
    """Shares of some mean: as they are, a third of them at the ends, or of trials."""
    y = rng.beta(7.3 * mu, 7.3 * (1 - mu))
    if family == "beta":
        return y
    if family == "beta_binomial":
        return rng.binomial(data.trials, y)
    return np.select([rng.random(len(y)) < 0.2, rng.random(len(y)) < 0.2], [0.0, 1.0], y)


def _categories(family: str, level: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ordered ones are whole numbers, unordered ones letters."""
    if family == "categorical":
        odds = np.stack([0 * level, 0.4 + level, -level, 2 * level - 1.2])
        return np.array(list("abcd"))[(odds + rng.gumbel(size=odds.shape)).argmax(axis=0)]
    return 3 + np.searchsorted([-1.1, 0.4, 1.3, 3.0], 2 * level + rng.logistic(size=level.size))


PRIORS = {
    "b": ws.StudentT(4, 0.3, 2.2),
    "Intercept": ws.Cauchy(0.7, 3.0),
    "sd": ws.HalfStudentT(3, 1.7),
    "1|g_sigma": ws.Gamma(2.5, 1.3),
}
STRUCTURES = {
    "no groups": ("y ~ x + cond", {}),
    "no intercept": ("y ~ 0 + cond", {}),
    "levels and a slope": ("y ~ 0 + cond + x + cond:x", {"weights": "w"}),
    "nested, no coefficients": ("y ~ 0 + (x|g) + (1|g:h)", {}),
    "intercepts": ("y ~ x + (1|g)", {"priors": PRIORS}),
    "correlated slopes": (
        "y ~ x + (x|g)",
        {"priors": {"corr": ws.LKJ(2.7), "sd": ws.HalfNormal(1.9)}},
    ),
    "uncorrelated": ("y ~ x + (x||g)", {"priors": {"sd": ws.HalfCauchy(2.1)}}),
    "wide, crossed": (
        "y ~ cond + (cond|g) + (1|h)",
        {"priors": {"g_corr": ws.LKJ(1.6), "sd": ws.InverseGamma(2.2, 1.4)}},
    ),
    "uncentred": ("y ~ x * cond + (0 + x|g)", {"center": False, "priors": {"b": ws.Flat()}}),
    "nested": ("y ~ x + (1|g/h)", {"priors": {"sd": ws.HalfNormal(1.9)}}),
    "nested slopes": ("y ~ x + (x|g) + (x|g:h)", {"priors": {"corr": ws.LKJ(1.4)}}),
    "offset, weights": ("y ~ x + offset(np.log(t)) + (1|g)", {"weights": "w"}),
}


def has_structure(family: str, structure: str) -> bool:
    """Thresholds stand for an Intercept, which cannot be left out."""
    return (
        FAMILIES[family].thresholds is None or "0 +" not in STRUCTURES[structure][0].split("(")[0]
    )


def structure_of(family: str, structure: str) -> tuple[str, dict[str, Any]]:
    """Formula and options; a prior of the Intercept is one of the thresholds that stand for it."""
    formula, options = STRUCTURES[structure]
    priors = dict(options.get("priors", {}))
    if FAMILIES[family].thresholds is None or "Intercept" not in priors:
        return formula, options
    priors["threshold"] = priors.pop("Intercept")
    return formula, options | {"priors": priors}


# A family whose parameters are its response's categories is not one of a mean (test_categorical).
LINKS = [
    (name, link)
    for name, family in FAMILIES.items()
    if family.of_labels is None
    for link in family.links
]
CASES = [
    *((family, family_row.links[0], structure)
      for family, family_row in FAMILIES.items() for structure in STRUCTURES
      # The group terms are one include of all templates.
      if has_structure(family, structure)
      and family_row.of_labels is None
      and (not structure.startswith("nested") or family in ("gaussian", "gamma"))),
    *((family, link, "offset, weights") for family, link in LINKS
      if link != FAMILIES[family].links[0]),
]  # fmt: skip


def formula_of(formula: str, link: str) -> str:
    """Put the offset on the scale of the linear predictor."""
    if link in ("identity", "inverse", "sqrt"):
        return formula.replace("np.log(t)", "t / 1e4" if link == "inverse" else "t / 10")
    return formula


# {} names no group factor, and so decides nothing but that effects are sampled.
WAYS = {"informed": {}, "centered": "centered", "noncentered": "noncentered"}


def ways(structure: str) -> tuple[str, ...]:
    """Parametrizations of a structure."""
    return tuple(WAYS) if "|" in STRUCTURES[structure][0] else ("informed",)


def grid(
    cases: Iterable[tuple[str, str, str]], in_every_way: tuple[str, ...] = ("gaussian", "gamma")
) -> list[tuple[str, str, str, str]]:
    """Give each case its ways: all of them for some families, and one of them, in turn, for others.

    Coordinates and group terms are the includes of all templates: what is a family's own is met
    once in each structure.
    """
    out = []
    for k, (family, link, structure) in enumerate(cases):
        own = ways(structure)
        some = own if family in in_every_way else [own[k % len(own)]]
        out += [(family, link, structure, way) for way in some]
    return out
