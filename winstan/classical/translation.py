"""The same model for statsmodels' MixedLM, evaluated at the estimates.

MixedLM parts the rows into independent groups; within them it knows one correlated set of effects,
and any number of variance components. ``(x|g)`` alone becomes the correlated set of the groups of
g; ``(x||g)``, nested and crossed terms become variance components, in the groups of the outermost
factor or, where factors are crossed, in one group of all rows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.classical.cross_products import population
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.design import Design, RandomTerm

# Numbers in the dense matrices that MixedLM wants for crossed terms: 400 MB.
_LARGEST = 50_000_000
# A relative variance of zero as MixedLM can have it. Below 1e-10 it drops directions of the
# covariance, and gets the fixed effects along them wrong.
_ZERO = 2e-10
# How far its numbers may be from ours: coefficients in standard errors, and log likelihoods.
_COEFFICIENT, _LIKELIHOOD = 1e-4, 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What `winstan.lme` found, for MixedLM to have the same.

    Attributes
    ----------
    beta : ndarray, shape (p,)
    covariance : ndarray, shape (p, p)
        Of beta.
    log_likelihood : float
    singular : bool
        Whether the variances lie on the boundary.
    """

    beta: Array
    covariance: Array
    log_likelihood: float
    singular: bool


def mixedlm_result(
    design: Design, covariances: Sequence[Array], estimates: Estimates, *, reml: bool
) -> Any:
    """Build the MixedLM and its results at given estimates.

    On the boundary of the parameters the Hessian has no inverse that means anything: the fixed
    effects then have the covariance of `estimates`, and variances no standard errors (NaN).

    Parameters
    ----------
    design
    covariances
        Of each group term's effects, over the residual variance, shape (k, k).
    estimates
    reml

    Raises
    ------
    OptionError
        If MixedLM cannot express the group terms, they are too large for it, or it gets other
        numbers at these estimates.
    """
    from statsmodels.regression.mixed_linear_model import (  # noqa: PLC0415 - loads when asked for
        MixedLM,
        MixedLMParams,
        VCSpec,
    )

    outer = _outermost(design.groups)
    correlated = [g for g in design.groups if g.has_correlations]
    _check(design, correlated, outer)
    row = design.row
    groups = np.zeros(len(row), int) if outer is None else outer.level[row]
    members = [np.flatnonzero(groups == level) for level in np.unique(groups)]
    names, mats, colnames, vcomp = [], [], [], []
    exog_re = cov_re = None
    for group, covariance in zip(design.groups, covariances, strict=True):
        effects = [name for effect in group.effects for name in effect.column_names]
        if group is outer and (correlated or group.Z.shape[1] == 1):
            labels = [f"{name}|{group.factor}" for name in effects]
            exog_re = pd.DataFrame(group.Z[row], columns=labels)
            cov_re = _above_zero(covariance)
            continue
        for k, name in enumerate(effects):
            names.append(f"{name}|{group.factor}")
            vcomp.append(max(float(covariance[k, k]), _ZERO))
            columns = [_columns(group, row[rows], k) for rows in members]
            mats.append([values for values, _ in columns])
            colnames.append([labels for _, labels in columns])
    X = pd.DataFrame(population(design)[row], columns=coefficient_names(design))
    y = pd.Series(design.response.y - design.offset[row], name=design.response.name)
    spec = VCSpec(names, colnames, mats) if names else None
    start = MixedLMParams.from_components(
        estimates.beta, cov_re=np.empty((0, 0)) if cov_re is None else cov_re, vcomp=np.array(vcomp)
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # The estimates are verified already; what is singular is named by ws.lme.
        warnings.simplefilter("ignore")
        model = MixedLM(y, X, groups, exog_re=exog_re, exog_vc=spec)
        try:
            result = model.fit(start_params=start, reml=reml, method="bfgs", maxiter=0)
            result.llf  # noqa: B018 - kept by the result; later it would warn of the boundary
        except np.linalg.LinAlgError as error:
            raise OptionError(_REFUSED.format(f"it fails ({error})")) from None
    own = result._results
    own.converged = True  # it was told not to move from the verified optimum
    p = len(estimates.beta)
    covariance = own.normalized_cov_params
    if estimates.singular:
        covariance[:] = np.nan
        covariance[:p, :p] = estimates.covariance / own.scale
    covariance[np.diag_indices_from(covariance)] = np.where(
        np.diag(covariance) >= 0, np.diag(covariance), np.nan
    )
    _verify(result, estimates)
    return result


_REFUSED = (
    "statsmodels' MixedLM does not reproduce this fit: it inverts the covariance of the group "
    "effects, and at these estimates {}. .table, .variances and .contrast are not affected. For "
    ".result, leave out what the verdict calls zero, or bring predictors with slopes to a unit sd."
)


def _above_zero(covariance: Array) -> Array:
    """Return the nearest covariance that MixedLM can invert."""
    roots, directions = np.linalg.eigh(covariance)
    return (directions * np.maximum(roots, _ZERO)) @ directions.T


def _verify(result: Any, estimates: Estimates) -> None:
    """Refuse results that are not those of the table."""
    errors = np.sqrt(np.diag(estimates.covariance))
    off = np.abs(np.asarray(result.fe_params) - estimates.beta) / errors
    gap = abs(float(result.llf) - estimates.log_likelihood)
    if not (off <= _COEFFICIENT).all():
        name = result.fe_params.index[int(np.argmax(np.where(np.isnan(off), np.inf, off)))]
        said = f"the coefficient of '{name}' comes out at {result.fe_params[name]:.4g}"
        raise OptionError(_REFUSED.format(said))
    if not gap <= _LIKELIHOOD:
        said = f"the log likelihood comes out at {float(result.llf):.4f}"
        raise OptionError(_REFUSED.format(f"{said}, not {estimates.log_likelihood:.4f}"))


def coefficient_names(design: Design) -> list[str]:
    """Return the names of the population columns, ``Intercept`` first where there is one."""
    return [*(["Intercept"] if design.intercept else []), *design.column_names]


def _columns(group: RandomTerm, rows: np.ndarray, k: int) -> tuple[Array, list[str]]:
    """One effect's columns for some rows: a column for each level that they have."""
    present, place = np.unique(group.level[rows], return_inverse=True)
    values = np.zeros((len(rows), len(present)))
    values[np.arange(len(rows)), place] = group.Z[rows, k]
    return values, [str(group.levels[level]) for level in present]


def _outermost(groups: Sequence[RandomTerm]) -> RandomTerm | None:
    """Return the term within whose levels those of all others lie, one with correlations first."""
    wide_first = sorted(groups, key=lambda g: not g.has_correlations)
    for outer in wide_first:
        if all(_is_within(group, outer) for group in groups):
            return outer
    return None


def _is_within(inner: RandomTerm, outer: RandomTerm) -> bool:
    pairs = np.unique(np.stack([inner.level, outer.level]), axis=1)
    return pairs.shape[1] == len(inner.levels)


def _check(design: Design, correlated: list[RandomTerm], outer: RandomTerm | None) -> None:
    if len(correlated) > 1 or (correlated and correlated[0] is not outer):
        named = " and ".join(f"'{group.factor}'" for group in correlated)
        raise OptionError(
            "statsmodels' MixedLM takes correlated effects of one factor, within whose levels all "
            f"other factors are nested; here those of {named} are crossed with others, or several. "
            "The estimates of ws.lme are not affected: .table, .variances and .contrast have them. "
            "For MixedLM, write (x||g)."
        )
    if outer is None:
        size = len(design.row) * sum(len(g.levels) * g.Z.shape[1] for g in design.groups)
        if size > _LARGEST:
            raise OptionError(
                f"Crossed group terms are dense matrices of {size:,} numbers to statsmodels' "
                f"MixedLM; at most {_LARGEST:,} are built. .table, .variances and .contrast do "
                "not need them."
            )
