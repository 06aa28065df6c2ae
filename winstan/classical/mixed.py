"""Linear mixed models by (restricted) maximum likelihood: `lme`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.classical.criterion import coefficients_of, minimise
from winstan.classical.cross_products import GroupBlock, cross_products
from winstan.classical.lme_class import LME
from winstan.classical.reading import numeric_response, read
from winstan.classical.small_sample import small_sample
from winstan.classical.soundness import singularities, verdict, warn_of_design
from winstan.design_warnings import silenced
from winstan.errors import ConvergenceWarning, FormulaError, warn_user
from winstan.formula.scope import namespace_of_caller
from winstan.keywords import explains_keywords
from winstan.options import DegreesOfFreedom, check_flags, check_option
from winstan.parallel.blas import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.formula import Formula

# Up to which BLAS keeps to one thread.
_SMALL_EFFECTS = 500
_SMALL_ROWS = 10_000


@explains_keywords
def lme(
    formula: str,
    data: Any,
    reml: bool = True,
    *,
    df: DegreesOfFreedom | None = None,
    silence: str | Iterable[str] | None = None,
) -> LME:
    """Fit a linear mixed model by (restricted) maximum likelihood.

    Parameters
    ----------
    formula
        As for `winstan.fit`: ``Power ~ stim + (1|mouse)``; ``(x|g)`` is correlated, ``(x||g)`` is
        not, ``(1|a/b)`` nested, ``(1|a) + (1|b)`` crossed. Offsets are subtracted.
    data
        A data frame of any library that narwhals reads, or a mapping of columns. Never changed.
    reml
        Restricted maximum likelihood, or (False) maximum likelihood, whose `log_likelihood` can be
        compared between models of different terms.
    df
        Of t and F tests: ``"kenward-roger"`` (1997, with its adjusted standard errors, as
        pbkrtest has them), ``"satterthwaite"`` (as lmerTest), or ``"normal"`` for z tests. By
        default Kenward-Roger after REML, and Satterthwaite after maximum likelihood and where more
        than some thousand effects hang together. Of a fit that has not converged, z; the result
        says which and why.
    silence
        As for `winstan.fit`: names of guards whose `DesignWarning` is not wanted.

    Returns
    -------
    LME

    Raises
    ------
    FormulaError, DataError
        If the formula has no group term, or the data do not hold what it needs.
    OptionError
        If an option is unknown, or Kenward-Roger is asked for after maximum likelihood.

    Warns
    -----
    ConvergenceWarning
        If the fit is singular (an sd of zero, a correlation of one), or no maximum was found.
    DesignWarning
        If rows were left out for missing values, a factor has few levels (``few_levels``), a
        predictor could vary between groups and does not in the model (``random_slopes``), or
        cannot be told from the groups (``confounding``).

    Notes
    -----
    The profiled criterion of Bates, Maechler, Bolker and Walker (2015), J. Statistical Software
    67(1), is minimised from several starts, and the minimum verified by gradient and curvature.
    `LME.result` is the same model in statsmodels' MixedLM.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(seed=1)
    >>> lme = ws.lme("`Log power` ~ stim + (stim|mouse)", trials)
    >>> lme.table.index.tolist()
    ['Intercept', 'stim']
    """
    check_flags(reml=reml)
    if df is not None:
        check_option("df", df, DegreesOfFreedom)
    namespace = namespace_of_caller()
    # The design's own warning of few levels has a prior for its remedy.
    with silenced(silence), silenced("few_levels"):
        parsed, design, _ = read(formula, data, namespace)
    if not design.groups:
        raise FormulaError(
            f"{parsed.text!r} has no group term, such as (1|mouse). Add one, or use ws.anova."
        )
    numeric_response(design.response)
    with silenced(silence):
        warn_of_design(parsed, design)
    with one_blas_thread() if _is_small(design) else nullcontext():
        return _fitted(parsed, design, df, reml=bool(reml))


def _is_small(design: Design) -> bool:
    """Whether matrices are so small that BLAS has nothing to share between threads."""
    effects = sum(len(group.levels) * group.q for group in design.groups)
    return effects <= _SMALL_EFFECTS and len(design.predictors) <= _SMALL_ROWS


def _fitted(parsed: Formula, design: Design, df: DegreesOfFreedom | None, *, reml: bool) -> LME:
    """Fit by the criterion, and say what is known of the fit."""
    reduced = cross_products(design)
    optimum = minimise(reduced, reml=reml)
    relative = tuple(term.covariance(optimum.theta) for term in reduced.terms)
    beta, covariance = coefficients_of(reduced, optimum.at)
    variances, correlations = _components(reduced.terms, relative, optimum.at.variance)
    singular = tuple(
        problem
        for term, values in zip(reduced.terms, relative, strict=True)
        for problem in singularities(term, values, optimum.theta)
    )
    if optimum.problem or singular:
        warn_user(verdict(optimum.problem, singular), ConvergenceWarning)
    return LME(
        formula=parsed,
        design=design,
        reml=reml,
        coefficients=beta,
        covariance=covariance,
        tests=small_sample(reduced, design, optimum, covariance, df, reml=reml),
        variances=variances,
        correlations=correlations,
        log_likelihood=-0.5 * optimum.at.value,
        singular=singular,
        problem=optimum.problem,
        _relative=relative,
    )


def _components(
    terms: Sequence[GroupBlock], relative: Sequence[Array], residual: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows: list[tuple[str, str, float]] = []
    pairs: list[tuple[str, str, str, float]] = []
    for term, values in zip(terms, relative, strict=True):
        sd = np.sqrt(np.diag(values))
        for j, name in enumerate(term.names):
            rows.append((term.factor, name, float(values[j, j] * residual)))
        if len(term.places) > len(term.names):
            for j in range(len(sd)):
                for i in range(j):
                    both = sd[i] * sd[j]
                    r = float(np.clip(values[i, j] / both, -1, 1)) if both > 0 else np.nan
                    pairs.append((term.factor, term.names[j], term.names[i], r))
    rows.append(("Residual", "", residual))
    variances = pd.DataFrame(rows, columns=["factor", "effect", "variance"])
    variances["sd"] = np.sqrt(variances["variance"])
    return variances, pd.DataFrame(pairs, columns=["factor", "effect", "with", "correlation"])
