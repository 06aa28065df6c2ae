"""ws.lme: nested and crossed effects eliminated sparsely, against dense likelihoods."""

import time

import numpy as np
import pandas as pd
import pytest

import winstan as ws
from winstan.classical.criterion import evaluate
from winstan.classical.cross_products import cross_products
from winstan.classical.elimination import Costs
from winstan.classical.reading import read
from winstan.design_warnings import silenced


def nested_rows(counts, n, seed=0):
    """Nested layers a/b/c..., each with so many levels in all, and a predictor x."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=n)})
    y = data["x"] + rng.normal(size=n)
    for name, count in zip("abcdef", counts, strict=False):
        data[name] = np.arange(n) * count // n
        y += (1 + 0.3 * data["x"]) * rng.normal(size=count)[data[name]]
    data["item"] = rng.integers(0, 12, n)
    return data.assign(y=y + rng.normal(size=12)[data["item"]])


ELIMINATED = [
    "y ~ x + (1|a/b/c)",
    "y ~ x + (x|a/b/c)",
    "y ~ x + (1|a/b) + (x|item) + (1|c)",
    "y ~ 0 + x + (0+x|a) + (1|a:b) + (x||c)",
]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", ELIMINATED)
def test_elimination_gives_the_dense_likelihood_and_its_gradient(formula, reml):
    data = nested_rows((3, 12, 60), 300)
    with silenced("few_levels"):
        _, design, _ = read(formula, data, {})
    sparse = cross_products(design, Costs(pair=1e-9, product=1e-9, stage=0.0))
    dense = cross_products(design, Costs(stage=np.inf))
    assert sparse.elimination is not None
    assert dense.elimination is None
    theta = np.linspace(0.4, 1.7, len(sparse.diagonal))
    one, other = evaluate(sparse, theta, reml=reml), evaluate(dense, theta, reml=reml)
    assert one.value == pytest.approx(other.value, rel=1e-11)
    np.testing.assert_allclose(one.gradient, other.gradient, rtol=1e-7)
    np.testing.assert_allclose(one.gamma, other.gamma, rtol=1e-8, atol=1e-9)
    # And from the N x N covariance, with the effects' scale of each term set aside.
    V = np.eye(300)
    for term, group in zip(sparse.terms, design.groups, strict=True):
        Z, level = group.Z[design.row], group.level[design.row]
        V += (level[:, None] == level) * (Z @ term.covariance(theta) @ Z.T)
    X = np.column_stack([np.ones(300), data["x"]]) if design.intercept else data[["x"]].to_numpy()
    A = X.T @ np.linalg.solve(V, X)
    r = data["y"] - X @ np.linalg.solve(A, X.T @ np.linalg.solve(V, data["y"]))
    df = 300 - reml * X.shape[1]
    value = np.linalg.slogdet(V)[1] + df * (
        1 + np.log(2 * np.pi * (r @ np.linalg.solve(V, r)) / df)
    )
    assert one.value == pytest.approx(value + reml * np.linalg.slogdet(A)[1], rel=1e-9)


@pytest.mark.slow
def test_six_layers_of_nesting_are_eliminated_but_for_the_outer_ones():
    """Dense algebra of 2,700 effects took 80 s; a stage a layer takes a hundredth of it."""
    data = nested_rows((4, 12, 60, 200, 600, 1500), 3000)
    start = time.process_time()
    fit = ws.lme("y ~ x + (1|a/b/c/d/e/f)", data, silence="all")
    assert time.process_time() - start < 6.5
    assert fit.converged
    reduced = cross_products(fit.design)
    assert sum(blocks.ZZ.shape[1] for blocks in reduced.blocks) < 30
    assert len(reduced.elimination.stages) >= 3
