"""Correlated rows as PyTensor graphs: latent effects, and residuals that have a joint density.

Where the Stan template takes inverses of roots, this solves by them; innovations of ``ar`` and
``car`` are followed by the same doubling, which no loop of PyTensor's is as quick as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.pymc_residual import ar, car, cs, toeplitz, unstructured
from winstan.families.family import Family
from winstan.families.namespace import pytensor_namespace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.likelihood import Likelihood
    from winstan.model import Model
    from winstan.residual import RowCorrelation


class Correlated:
    """Rows of units at the numbers of their correlation, whose prior is added as a potential.

    Parameters
    ----------
    pm, pt
        The modules `pymc` and `pytensor.tensor`.
    correlation : RowCorrelation
    numbers : tensor, shape (n_numbers,)
    """

    def __init__(self, pm: Any, pt: Any, correlation: RowCorrelation, numbers: Any) -> None:
        self._pt, self._of, self.term = pt, correlation, correlation.term
        self._what, log_prior = _KINDS[correlation.structure.name](
            pt, correlation.structure, numbers
        )
        pm.Potential("correlation_prior", log_prior)

    def white(self, z: Any) -> tuple[Any, Any]:
        """Return independent rows of correlated ones, by unit, and the log determinants' sum."""
        return self._by_root(z[self._of.rows.rows], white=True)

    def colour(self, white: Any) -> Any:
        """Undo `white`: of rows in their own order."""
        rows = self._of.rows
        return self._by_root(white[rows.rows], white=False)[0][rows.back]

    def _by_root(self, z: Any, *, white: bool) -> tuple[Any, Any]:
        if self._of.structure.name in ("ar", "car"):
            return self._follow(z, white=white)
        pt, parts, log_root = self._pt, [], 0.0
        for k, some, size, count in self._of.rows.blocks:
            own = z[some].reshape((count, size)).T
            if self._of.structure.name == "cs":
                left, whole = pt.sqrt(self._what), pt.sqrt(size + (1 - size) * self._what)
                log_root = log_root + count * ((size - 1) * pt.log(left) + pt.log(whole))
                if white:
                    left, whole = 1 / left, 1 / whole
                mean = own.mean(axis=0)
                found = left * (own - mean) + whole * mean
            else:
                places = self._of.structure.patterns[k]
                root = pt.linalg.cholesky(self._what[places[:, None], places])
                log_root = log_root + count * pt.log(pt.diag(root)).sum()
                found = (
                    pt.linalg.solve_triangular(root, own, lower=True)
                    if white
                    else pt.dot(root, own)
                )
            parts.append(found.T.ravel())
        return pt.concatenate(parts), log_root

    def _follow(self, z: Any, *, white: bool) -> tuple[Any, Any]:
        pt, rows = self._pt, self._of.rows
        phi = pt.concatenate([pt.zeros(1), self._what])[self._of.gap_of]
        left = pt.sqrt(1 - pt.sqr(phi))
        if white:
            before = pt.concatenate([pt.zeros(1), z[:-1]])
            return (z - phi * before) / left, pt.log(left).sum()
        out, reach = left * z, 1
        while reach < int(rows.size.max()):
            more = out[reach:] + phi[reach:] * out[:-reach]
            out = pt.concatenate([out[:reach], more])
            phi = pt.concatenate([pt.zeros(reach), phi[reach:] * phi[:-reach]])
            reach *= 2
        return out, 0.0


_KINDS = {"ar": ar, "car": car, "cs": cs, "toep": toeplitz, "unstr": unstructured}


def joint_log_density(
    pt: Any, model: Model, correlated: Correlated, eta: Any, auxiliary: Mapping[str, Any]
) -> Any:
    """Write the log density of all rows, whose residuals have a joint density by unit."""
    likelihood: Likelihood = model.likelihood
    family: Family = likelihood.family
    cells, xp = model.cells, pytensor_namespace()
    correlation = model.correlation
    assert correlation is not None
    assert family.elliptical is not None
    scale = auxiliary.get(str(family.noise))
    if family.noise in likelihood.predicted:
        b = likelihood.predicted.index(str(family.noise)) + 1
        scale = likelihood.links[b].inverse(likelihood.block(eta, b), xp)[cells.of_row]
    mean = model.link.inverse(likelihood.block(eta, 0), xp)[cells.of_row]
    error = (cells.sample.y - mean) / scale
    white, log_root = correlated.white(error)
    unit = np.repeat(np.arange(correlation.rows.size.size), correlation.rows.size)
    square = pt.inc_subtensor(pt.zeros(correlation.rows.size.size)[unit], pt.sqr(white))
    size = correlation.rows.size.astype(float)
    log_scale = pt.log(scale * pt.ones(cells.of_row.size)).sum()
    own = family.elliptical.log_density(square, size, auxiliary, xp).sum()
    return own - log_root - log_scale + cells.statistics["log_constant"]
