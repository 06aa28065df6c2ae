"""Information of cells on their linear predictors: a number for each, or a matrix for each cell.

Where parameters are orthogonal, or there is one alone, a cell's information is diagonal: shape
(B * C,), block by block. Else it has the pairs of a cell's linear predictors too: shape (B, B, C).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from winstan._typing import Array

# The least eigenvalue of a cell's matrix, its diagonal being one: what families state is positive
# definite to rounding, or to what they approximate.
LEAST = 1e-6
# Up to so many pairs of columns, sums of each are quicker than a product of each level's rows.
FEW_PRODUCTS = 16


def diagonal(information: Array) -> Array:
    """Return what is on each linear predictor by itself, shape (B * C,)."""
    if information.ndim == 1:
        return information
    return np.einsum("bbc->bc", information).ravel()


def times(information: Array, columns: Array) -> Array:
    """Multiply columns, shape (B * C, ...), by the information."""
    if information.ndim == 1:
        return information.reshape(-1, *[1] * (columns.ndim - 1)) * columns
    B, _, C = information.shape
    by_block = columns.reshape(B, C, *columns.shape[1:])
    return np.einsum("bdc,dc...->bc...", information, by_block).reshape(columns.shape)


def products_by_level(left: Array, right: Array, level: np.ndarray, J: int) -> Array:
    """Sum the products of columns, (n, p) and (n, q), over the rows of each level: (J, p, q)."""
    p, q = left.shape[1], right.shape[1]
    if p * q <= FEW_PRODUCTS:
        parts = [
            np.bincount(level, left[:, i] * right[:, k], minlength=J)
            for i in range(p)
            for k in range(q)
        ]
        return np.stack(parts, axis=1).reshape(J, p, q)
    order = np.argsort(level, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(level, minlength=J))[:-1])
    return np.array([left[own].T @ right[own] for own in rows]).reshape(J, p, q)


def transposed_times(Z: sparse.csr_array, information: Array) -> sparse.csr_array:
    """Multiply the transpose of sparse columns, shape (B * C, T), by the information."""
    if information.ndim == 1:
        return sparse.csr_array(Z.T.multiply(information))
    whole = sparse.block_array([[sparse.diags_array(own) for own in row] for row in information])
    return sparse.csr_array(Z.T @ whole)


def definite(information: Array) -> Array:
    """Make the matrix of each cell, shape (B, B, C), positive definite."""
    cells = np.moveaxis(information, -1, 0)
    root = np.sqrt(np.einsum("cbb->cb", cells))
    size, axes = np.linalg.eigh(cells / (root[:, :, None] * root[:, None, :]))
    if size.min(initial=LEAST) >= LEAST:
        return information
    axes *= root[:, :, None]
    mended = (axes * np.maximum(size, LEAST)[:, None, :]) @ np.swapaxes(axes, 1, 2)
    return np.moveaxis(mended, 0, -1)
