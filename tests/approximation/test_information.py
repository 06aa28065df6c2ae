"""Linear predictors that share information: the matrix of each cell, in all that is made of it."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from scipy import sparse
from template_cases import data_of

from winstan.approximation.columns import Columns
from winstan.approximation.information import definite, diagonal, times, transposed_times

B, C = 3, 5


def spelt_out(information: np.ndarray) -> np.ndarray:
    """Lay the cells' matrices out as one of all linear predictors."""
    out = np.zeros((B * C, B * C))
    for a in range(B):
        for b in range(B):
            out[a * C + np.arange(C), b * C + np.arange(C)] = information[a, b]
    return out


@pytest.fixture
def information():
    root = np.random.default_rng(2).normal(size=(C, B, B))
    return np.moveaxis(root @ np.swapaxes(root, 1, 2), 0, -1)


@pytest.mark.parametrize(("levels", "dense"), [(2, True), (300, False)])
def test_products_are_those_of_one_matrix(information, levels, dense):
    rng = np.random.default_rng(3)
    whole, X = spelt_out(information), rng.normal(size=(B * C, 2))
    Z = sparse.csr_array(rng.normal(size=(B * C, 2 * levels)))
    columns = np.hstack([X, Z.toarray()])
    np.testing.assert_allclose(times(information, columns), whole @ columns)
    np.testing.assert_allclose(times(information, X[:, 0]), whole @ X[:, 0])
    np.testing.assert_allclose(transposed_times(Z, information).toarray(), Z.toarray().T @ whole)
    np.testing.assert_allclose(diagonal(information), np.diag(whole))
    gram = Columns(X, Z, columns if dense else None).gram(information)
    gram = gram if isinstance(gram, np.ndarray) else gram.toarray()
    np.testing.assert_allclose(gram, columns.T @ whole @ columns)


def test_no_matrix_is_less_than_a_share_of_its_diagonal(information):
    """A sound one stays as it is; of one that is not, what is sound does."""
    assert definite(information) is information
    broken = information.copy()
    broken[0, 1, 2] = broken[1, 0, 2] = 3 * np.sqrt(broken[0, 0, 2] * broken[1, 1, 2])
    mended = np.moveaxis(definite(broken), -1, 0)
    assert np.linalg.eigvalsh(mended).min() > 0
    sound = np.delete(np.moveaxis(information, -1, 0), 2, 0)
    np.testing.assert_allclose(np.delete(mended, 2, 0), sound)


def test_only_parameters_that_share_information_have_matrices():
    """The approximate fit of the others is made of numbers, as it is with one linear predictor."""
    shapes = {}
    for family, beside in (("zero_inflated_poisson", "zi"), ("gaussian", "sigma")):
        model = model_of(["y ~ x", f"{beside} ~ x"], data_of(family), family)
        number = {p.name: 1.0 for p in model.likelihood.scalars}
        score, information = model.likelihood.score(model.coordinates.eta, number)
        assert score.shape == (2 * model.cells.n,)
        shapes[family] = information.shape
    n = model.cells.n
    assert shapes["gaussian"] == (2 * n,)
    assert len(shapes["zero_inflated_poisson"]) == 3
