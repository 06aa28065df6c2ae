"""Models of known coordinates, for the tests of the coordinates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import linalg

import winstan as ws
from winstan.approximation import laplace
from winstan.approximation.problem import Problem
from winstan.coordinates import choosing
from winstan.design.column_sds import ColumnSds
from winstan.families import family_named
from winstan.likelihood import Likelihood


def problem(Z, level, *, X=None, correlated=True) -> Problem:
    """A gaussian model of one row a cell."""
    C = Z[0].shape[0]
    family = family_named("gaussian")
    y = np.random.default_rng(1).normal(size=C)
    return Problem(
        X=np.ones((C, 1)) if X is None else X,
        Z=tuple(Z),
        level=tuple(level),
        n_levels=tuple(int(x.max()) + 1 for x in level),
        correlated=tuple(correlated for _ in Z),
        column_sds=ColumnSds.each(sum(z.shape[1] for z in Z)),
        offset=np.zeros(C),
        likelihood=Likelihood(
            family,
            family.link(None),
            (),
            {"n": np.ones(C), "mean_y": y, "ss_within": np.zeros(C), "log_constant": 0.0},
            C,
        ),
        beta_prior=np.tile([0.0, 10.0], (1 if X is None else X.shape[1], 1)),
        sd_guess=np.ones(sum(z.shape[1] for z in Z)),
        sd_prior=(ws.Exponential(1.0),) * sum(z.shape[1] for z in Z),
        aux_prior=(ws.Exponential(1.0),),
        aux_guess={"sigma": 1.0},
        start=(0.0,),
    )


def nested(seed=0, C=60):
    """Three litters' worth of levels, each inside one of the next."""
    rng = np.random.default_rng(seed)
    inner = np.r_[np.arange(12), rng.integers(0, 12, C - 12)]
    middle = np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4])[inner]
    outer = np.array([0, 0, 1, 1, 1])[middle]
    return rng, inner, middle, outer


def grouped_rows() -> pd.DataFrame:
    """Nine groups that differ in level and slope, a treatment of whole groups, another factor."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"x": rng.choice([0.0, 1.0, 3.0], 200), "g": rng.integers(0, 9, 200)})
    data["h"], data["t"] = rng.integers(0, 5, 200), (data["g"] % 2).astype(float)
    data["y"] = 40 + 7 * rng.normal(size=9)[data["g"]] * (1 + data["x"]) + rng.normal(0, 5, 200)
    return data


HOW = {True: "centered", False: "noncentered", None: {}}


def dense_precision(p: Problem, information, covariance) -> np.ndarray:
    """Precision of (coefficients, effects), from full matrices."""
    parts, blocks = [p.X], [np.diag(p.beta_prior[:, 1] ** -2.0)]
    for Z, level, J, S in zip(p.Z, p.level, p.n_levels, covariance, strict=True):
        indicator = np.eye(J)[level]
        parts += [Z[:, i, None] * indicator for i in range(Z.shape[1])]
        blocks.append(np.kron(np.linalg.inv(S), np.eye(J)))
    A = np.hstack(parts)
    return A.T @ (information[:, None] * A) + linalg.block_diag(*blocks)


def crossed(seed=4, C=150):
    """Two correlated effects of one factor, crossed with intercepts of another, and a predictor."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=C)
    line, one = np.column_stack([np.ones(C), x]), np.ones((C, 1))
    p = problem([one, line], [rng.integers(0, 7, C), rng.integers(0, 11, C)], X=line)
    L = np.array([[1.3, 0.0], [0.7, 0.4]])
    return rng, p, (np.array([[2.1]]), L @ L.T), rng.uniform(0.2, 3.0, C)


def answers(children: int = 150, sd: float = 2.0, seed: int = 5) -> pd.DataFrame:
    """Answers of yes and no, four to a child; and counts, positive numbers."""
    rng = np.random.default_rng(seed)
    child, x = np.repeat(np.arange(children), 4), np.tile(np.arange(4.0), children)
    eta = -1.5 - 0.1 * x + sd * rng.normal(size=children)[child]
    return pd.DataFrame({
        "bernoulli": rng.binomial(1, 1 / (1 + np.exp(-eta))),
        "poisson": rng.poisson(np.exp(eta)),
        "gamma": rng.gamma(2, np.exp(eta) / 2),
        "x": x, "child": child, "class": child // 10,
    })  # fmt: skip


def problem_of(family: str, formula: str = "x + (1|child)", data=None) -> Problem:
    """The approximate fit's problem of a model of `answers`, or of other data."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            choosing,
            "approximate",
            lambda *a: found.append(a[0]) or laplace.approximate(*a),
        )
        model_of(f"{family} ~ {formula}", answers() if data is None else data, family)
    return found[0]
