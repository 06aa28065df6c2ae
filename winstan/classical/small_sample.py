"""t and F tests of a linear mixed model whose variances are estimated.

Kenward and Roger (1997), Biometrics 53, 983-997, with the variances as they enter the covariance of
the data linearly, as in pbkrtest (Halekoh and Hojsgaard 2014, J. Statistical Software 59(9)); and
Satterthwaite's degrees of freedom as in lmerTest (Kuznetsova, Brockhoff and Christensen 2017,
J. Statistical Software 82(13)).

Both need how the coefficients' covariance follows the variance parameters, and how uncertain these
are. For Kenward-Roger the parameters are a factor of the whole covariance of the data, and the
elements of each term's covariance relative to the residual variance: they span the same
covariances as the variances themselves, and the factor needs no matrix of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse, stats
from scipy.sparse import csgraph

from winstan.classical.cross_products import cross_products
from winstan.classical.elimination import Costs
from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.classical.criterion import Optimum
    from winstan.classical.cross_products import Blocks, CrossProducts, GroupBlock
    from winstan.design import Design
    from winstan.options import DegreesOfFreedom

# Cubed group effects that hang together up to which Kenward-Roger is the default: about a second.
_CHEAP = 2e9
# The smallest eigenvalue of the information that has an inverse (pbkrtest's), scaled.
_SINGULAR = 1e-10


class FTest(NamedTuple):
    """An F test: its statistic, degrees of freedom and p value."""

    statistic: float
    df: float
    den_df: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class SmallSample:
    """How coefficients are tested.

    Attributes
    ----------
    method : {"kenward-roger", "satterthwaite", "normal"}
    reason : str
        Why it is the normal distribution, or not Kenward-Roger; empty where it was asked for, or
        is the best there is.
    covariance : ndarray, shape (p, p)
        Of the coefficients, as the tests use it: Kenward-Roger's is adjusted for the estimation of
        the variances.
    plain : ndarray, shape (p, p)
        By generalised least squares at the estimated variances.
    derivatives : ndarray, shape (k, p, p)
        Of `plain`, by each variance parameter.
    uncertainty : ndarray, shape (k, k)
        Covariance of the parameters' estimates.
    """

    method: DegreesOfFreedom
    reason: str
    covariance: Array
    plain: Array
    derivatives: Array
    uncertainty: Array

    def df(self, weights: Array) -> float:
        """Return the degrees of freedom of a linear combination, shape (p,), of coefficients."""
        if self.method == "normal":
            return np.inf
        slope = np.einsum("p,kpq,q->k", weights, self.derivatives, weights)
        variance = float(weights @ self.plain @ weights)
        spread = float(slope @ self.uncertainty @ slope)
        return 2 * variance**2 / spread if spread > 0 else np.inf

    def error(self, weights: Array) -> float:
        """Return the standard error of a linear combination, shape (p,), of coefficients."""
        return float(np.sqrt(weights @ self.covariance @ weights))

    def f_test(self, L: Array, beta: Array) -> FTest:
        """Test that linear combinations, shape (r, p), of coefficients are all zero.

        Kenward and Roger scale the statistic and match its first two moments; after Satterthwaite
        the degrees of freedom are those of the mean of independent squared t.
        """
        r = len(L)
        estimate = L @ beta
        wald = float(estimate @ np.linalg.solve(L @ self.covariance @ L.T, estimate)) / r
        scale, den_df = 1.0, np.inf
        if self.method == "kenward-roger":
            scale, den_df = self._moments(L)
        elif self.method == "satterthwaite":
            _, directions = np.linalg.eigh(L @ self.plain @ L.T)
            den_df = _mean_of_squares(np.array([self.df(row) for row in directions.T @ L]))
        statistic = scale * wald
        # SciPy's F has no infinite degrees of freedom.
        if np.isinf(den_df):
            p_value = stats.chi2.sf(r * statistic, r)
        else:
            p_value = stats.f.sf(statistic, r, den_df)
        return FTest(statistic, float(r), den_df, float(p_value))

    def _moments(self, L: Array) -> tuple[float, float]:
        """Scale and degrees of freedom of Kenward and Roger's F, shape (r, p) of combinations."""
        r = len(L)
        theta = L.T @ np.linalg.solve(L @ self.plain @ L.T, L)
        products = theta @ self.derivatives
        traces = np.trace(products, axis1=1, axis2=2)
        a1 = float(traces @ self.uncertainty @ traces)
        a2 = float(np.einsum("ij,ipq,jqp->", self.uncertainty, products, products))
        if not a2 > 0:
            return 1.0, np.inf
        b = (a1 + 6 * a2) / (2 * r)
        g = ((r + 1) * a1 - (r + 4) * a2) / ((r + 2) * a2)
        below = 3 * r + 2 * (1 - g)
        c1, c2, c3 = g / below, (r - g) / below, (r + 2 - g) / below
        rho = ((1 - a2 / r) / (1 - c2 * b)) ** 2 * (1 + c1 * b) / (1 - c3 * b) / r
        df = 4 + (r + 2) / (r * rho - 1)
        # At two degrees of freedom the mean does not exist, and pbkrtest leaves F as it is.
        return (1.0 if abs(df - 2) < 1e-2 else df * (1 - a2 / r) / (df - 2)), df


def _mean_of_squares(df: Array) -> float:
    """Degrees of freedom of the mean of r squared t, whose own are given (Fai and Cornelius)."""
    if np.ptp(df) < 1e-8 * df[0] or not np.isfinite(df).any():
        return float(df[0])
    if np.any(df <= 2):
        return 2.0
    mean = float(np.where(np.isinf(df), 1.0, df / (df - 2)).sum())
    return 2 * mean / (mean - len(df))


def small_sample(
    data: CrossProducts,
    design: Design,
    optimum: Optimum,
    covariance: Array,
    asked: DegreesOfFreedom | None,
    *,
    reml: bool,
) -> SmallSample:
    """Choose how the coefficients are tested, and prepare it.

    Parameters
    ----------
    data
    design
    optimum
    covariance : ndarray, shape (p, p)
        Of the coefficients, at the estimated variances.
    asked
        None for the best there is: Kenward-Roger after REML where it takes a second at most, else
        Satterthwaite.
    reml

    Raises
    ------
    OptionError
        For Kenward-Roger after maximum likelihood.
    """
    if asked == "kenward-roger" and not reml:
        raise OptionError(
            "Kenward-Roger degrees of freedom are of REML estimates, and reml=False asks for "
            'maximum likelihood: leave reml=False out, or take df="satterthwaite".'
        )
    if asked == "normal":
        return _normal(covariance, "")
    if optimum.problem:
        return _normal(covariance, "the fit has not converged")
    reason = "" if reml or asked else "Kenward-Roger is for REML"
    if asked is None and reml and not (cheap := _cost(data) <= _CHEAP):
        reason = "Kenward-Roger would take long"
    if asked == "kenward-roger" or (asked is None and reml and cheap):
        found = _kenward_roger(data, design, optimum, covariance)
    else:
        found = _satterthwaite(data, optimum, covariance, reason, reml=reml)
    return found or _normal(covariance, "the data hold no information about the variances")


def _normal(covariance: Array, reason: str) -> SmallSample:
    p = len(covariance)
    return SmallSample(
        "normal", reason, covariance, covariance, np.zeros((0, p, p)), np.zeros((0, 0))
    )


def _cost(data: CrossProducts) -> float:
    """Cubed numbers of group effects that hang together, summed."""
    _, label = csgraph.connected_components(sparse.csr_array(data.ZZ), directed=False)
    return float((np.bincount(label).astype(float) ** 3).sum())


def _satterthwaite(
    data: CrossProducts, optimum: Optimum, covariance: Array, reason: str, *, reml: bool
) -> SmallSample | None:
    """Take the observed information: of the free parameters, and of the residual variance.

    Along the profiled criterion the residual variance follows the parameters; what is left of its
    own uncertainty scales the whole covariance.
    """
    curvature, p = optimum.curvature, len(covariance)
    back = np.linalg.inv(data.R)
    slopes = []
    for step, (above, below) in zip(curvature.step, curvature.ends, strict=True):
        ends = [at.variance * np.linalg.inv(at.precision) for at in (above, below)]
        slopes.append(back @ (ends[0] - ends[1]) @ back.T / (2 * step))
    k = len(slopes)
    uncertainty = np.zeros((k + 1, k + 1))
    if k:
        scaled = _inverse(curvature.scaled)
        if scaled is None:
            return None
        uncertainty[:k, :k] = 2 * curvature.unit[:, None] * scaled * curvature.unit
    uncertainty[k, k] = 2 / (data.n - p if reml else data.n)
    derivatives = np.stack([*slopes, covariance])
    return SmallSample("satterthwaite", reason, covariance, covariance, derivatives, uncertainty)


def _kenward_roger(
    data: CrossProducts, design: Design, optimum: Optimum, covariance: Array
) -> SmallSample | None:
    """Take the expected information, and adjust the covariance (their equation 5, R = 0)."""
    if data.elimination is not None:
        data = cross_products(design, Costs(stage=np.inf))
    precision, p = optimum.at.precision, len(covariance)
    k = len(data.diagonal) + 1
    # Of V, in units of the residual variance: H = X'V^-1 G V^-1 X, Q = X'V^-1 G V^-1 G V^-1 X.
    H, Q, traces = np.zeros((k, p, p)), np.zeros((k, k, p, p)), np.zeros((k, k))
    for blocks in data.blocks:
        M, N = _weighted(data, blocks, optimum.theta)
        moved = [
            (np.zeros_like(M), np.zeros_like(N)),
            *((_paired(M, pair), _paired(N, pair)) for pair in _pairs(data.terms, blocks)),
        ]
        for i in range(1, k):
            EM, EN = moved[i]
            traces[0, i] += np.trace(EM, axis1=1, axis2=2).sum()
            H[i] += np.einsum("nsp,nsq->pq", N, EN)
            for j in range(1, k):
                traces[i, j] += np.einsum("nrc,ncr->", EM, moved[j][0])
                Q[i, j] += np.einsum("nrp,nrc,ncq->pq", EN, M, moved[j][1], optimize=True)
    H[0] = precision
    traces[0, 0], traces[1:, 0] = data.n, traces[0, 1:]
    Q[0] = H
    Q[:, 0] = H
    inverse = np.linalg.inv(precision)
    CH = inverse @ H
    information = (
        traces - 2 * np.einsum("pq,ijqp->ij", inverse, Q) + np.einsum("ipq,jqp->ij", CH, CH)
    )
    found = _inverse(information)
    if found is None:
        return None
    uncertainty = 2 * found
    U = np.einsum("ij,ijpq->pq", uncertainty, Q - np.einsum("ipq,jqr->ijpr", H, CH))
    back = np.linalg.inv(data.R)
    on_scale = optimum.at.variance
    adjustment = back @ (2 * inverse @ U @ inverse) @ back.T
    return SmallSample(
        "kenward-roger",
        "",
        covariance + on_scale * (adjustment + adjustment.T) / 2,
        covariance,
        on_scale * back @ (CH @ inverse) @ back.T,
        uncertainty,
    )


def _inverse(information: Array) -> Array | None:
    """Invert a symmetric matrix of any units; None where it has no inverse to speak of."""
    diagonal = np.diag(information)
    if not np.all(diagonal > 0):
        return None
    unit = np.sqrt(diagonal)
    roots, directions = np.linalg.eigh(information / np.outer(unit, unit))
    if roots[0] <= _SINGULAR * roots[-1]:
        return None
    return (directions / roots) @ directions.T / np.outer(unit, unit)


def _weighted(data: CrossProducts, blocks: Blocks, theta: Array) -> tuple[Array, Array]:
    """Return Z'V^-1 Z, shape (n, s, s), and Z'V^-1 X, shape (n, s, p), of blocks."""
    factor, ZZF, system = blocks.system(theta)
    ZX = data.ZX[blocks.members][..., :-1]
    right = np.concatenate([np.swapaxes(ZZF, 1, 2), np.swapaxes(factor, 1, 2) @ ZX], axis=2)
    change = ZZF @ np.linalg.solve(system, right)
    s = factor.shape[1]
    return blocks.ZZ - change[..., :s], ZX - change[..., s:]


def _pairs(terms: tuple[GroupBlock, ...], blocks: Blocks) -> list[np.ndarray]:
    """For each covariance element, which effect it pairs each effect with, -1 for none: (n, s)."""
    place = np.arange(blocks.members.shape[1])
    out = []
    for term in terms:
        inside = (blocks.members >= term.effects.start) & (blocks.members < term.effects.stop)
        column = np.where(inside, (blocks.members - term.effects.start) % len(term.names), -1)
        # The effects of a level stand side by side in one block.
        for a, b in term.places:
            other = np.where(column == a, place + b - a, np.where(column == b, place + a - b, -1))
            out.append(other)
    return out


def _paired(values: Array, pair: np.ndarray) -> Array:
    """Multiply stacks of rows by a derivative of the group effects' covariance."""
    moved = np.take_along_axis(values, np.maximum(pair, 0)[..., None], axis=1)
    return np.where((pair >= 0)[..., None], moved, 0.0)
