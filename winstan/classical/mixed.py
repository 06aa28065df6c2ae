"""Linear mixed models by (restricted) maximum likelihood: `lme` and its result."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from winstan.classical import shown
from winstan.classical.criterion import coefficients_of, minimise
from winstan.classical.cross_products import GroupBlock, cross_products
from winstan.classical.linear import contrast_table
from winstan.classical.reading import numeric_response, read
from winstan.classical.small_sample import SmallSample, small_sample
from winstan.classical.soundness import singularities, verdict, warn_of_design
from winstan.classical.squares import check_options, hypotheses, needs_sum_coding
from winstan.classical.translation import Estimates, coefficient_names, mixedlm_result
from winstan.design_warnings import silenced
from winstan.effects.specification import Specification
from winstan.errors import ConvergenceWarning, FormulaError, OptionError, warn_user
from winstan.formula.scope import namespace_of_caller
from winstan.keywords import explains_keywords
from winstan.options import DegreesOfFreedom, check_flags, check_option
from winstan.parallel.blas import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.formula import Formula
    from winstan.options import By, Comparing, Weighting

# Up to which BLAS keeps to one thread.
_SMALL_EFFECTS = 500
_SMALL_ROWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class LME:
    """A linear mixed model; `lme` makes it.

    Attributes
    ----------
    formula : Formula
    design : Design
    reml : bool
        Whether by restricted maximum likelihood.
    coefficients : ndarray, shape (p,)
        In the order of `table`.
    covariance : ndarray, shape (p, p)
        Of the coefficients: generalised least squares at the estimated variances.
    tests : SmallSample
        How coefficients are tested: ``tests.method`` is ``"kenward-roger"``, ``"satterthwaite"``
        or ``"normal"``, ``tests.covariance`` the covariance in use, which Kenward-Roger adjusts;
        ``tests.df(weights)`` and ``tests.f_test(L, coefficients)`` take any combinations.
    variances : DataFrame
        A row for each group effect, and the residual last: columns factor, effect (``1`` is the
        intercept), variance, sd.
    correlations : DataFrame
        Of the effects of correlated terms: columns factor, effect, with, correlation (NaN where an
        sd is zero).
    log_likelihood : float
        Of the data, or (REML) restricted.
    singular : tuple of str
        What lies on the boundary: sds of zero, correlations of one. Empty where nothing does.
    problem : str
        Why the estimates are no verified maximum of the likelihood; empty where they are.
    """

    formula: Formula
    design: Design
    reml: bool
    coefficients: Array
    covariance: Array
    tests: SmallSample
    variances: pd.DataFrame
    correlations: pd.DataFrame
    log_likelihood: float
    singular: tuple[str, ...]
    problem: str
    _relative: tuple[Array, ...]

    @property
    def table(self) -> pd.DataFrame:
        """The coefficients: indexed by term, t tests and 95% confidence intervals.

        Columns Coef., Std.Err., df, t, P>|t|, [0.025, 0.975]. Where ``tests.method`` is
        ``"normal"``, z and P>|z| are in the place of df, t and P>|t|: that takes the estimated
        variances for known, and is too sure of itself with few groups.
        """
        error = np.sqrt(np.diag(self.tests.covariance))
        df = np.array([self.tests.df(row) for row in np.eye(len(error))])
        ratio = self.coefficients / error
        half = stats.t.ppf(0.975, df) * error
        p = 2 * stats.t.sf(np.abs(ratio), df)
        is_z = self.tests.method == "normal"
        return pd.DataFrame(
            {
                "Coef.": self.coefficients,
                "Std.Err.": error,
                **({"z": ratio, "P>|z|": p} if is_z else {"df": df, "t": ratio, "P>|t|": p}),
                "[0.025": self.coefficients - half,
                "0.975]": self.coefficients + half,
            },
            index=pd.Index(coefficient_names(self.design), name="term"),
        )

    def anova(self, typ: int = 2) -> pd.DataFrame:
        """Test every term of the formula by F.

        Parameters
        ----------
        typ
            1, 2 or 3, as for `winstan.anova`: what a term's coefficients share with those of other
            terms is taken out, of terms after it (1), of those that contain it (2), of none (3).
            Type 3 is of factors in sum-to-zero coding.

        Returns
        -------
        DataFrame
            Indexed by term, columns df, den_df, F, PR(>F). By the normal distribution den_df is
            infinite, and df times F the chi-square of Wald.

        Raises
        ------
        FormulaError
            If the formula has no terms to test, only a constant.
        OptionError
            For type 3, if factors in interactions have another coding; it gives the formula.

        Examples
        --------
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(seed=1)
        >>> ws.lme("`Log power` ~ stim + (stim|mouse)", trials).anova().columns.tolist()
        ['df', 'den_df', 'F', 'PR(>F)']
        """
        typ, _ = check_options(typ, None)
        if not self.design.terms:
            raise FormulaError(
                f"{self.formula.text!r} has no terms to test. Write y ~ stim + (1|mouse)."
            )
        if typ == 3 and (coded := needs_sum_coding(self.formula, self.design)):
            groups = " + ".join(group.text for group in self.formula.groups)
            raise OptionError(
                "typ=3 tests factors in sum-to-zero coding. Fit "
                f"ws.lme({coded + ' + ' + groups!r}, ...), or use typ=2."
            )
        rows = {
            name: (found.df, found.den_df, found.statistic, found.p_value)
            for name, L in hypotheses(self.formula, self.design, self.covariance, typ).items()
            for found in [self.tests.f_test(L, self.coefficients)]
        }
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["df", "den_df", "F", "PR(>F)"], dtype=float
        )

    @property
    def converged(self) -> bool:
        """Whether the estimates are a verified maximum of the likelihood."""
        return not self.problem

    @property
    def verdict(self) -> str:
        """One sentence: the estimates stand, or what is wrong with them and what to do."""
        return verdict(self.problem, self.singular)

    @property
    def result(self) -> Any:
        """The same model as statsmodels' `MixedLMResults`, at these estimates.

        Of a singular fit the standard errors of the fixed effects are those of `table`; those of
        variances, which a boundary does not have, are NaN.

        Raises
        ------
        OptionError
            If MixedLM cannot express the group terms, or does not reproduce the coefficients and
            the log likelihood; it says what to do.
        """
        found = Estimates(
            self.coefficients, self.covariance, self.log_likelihood, bool(self.singular)
        )
        return mixedlm_result(self.design, self._relative, found, reml=self.reml)

    def contrast(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: By | None = None,
        of: By | None = None,
        pairs: Comparing | Sequence[Comparing] = "reference",
        slope: bool = False,
        weights: Weighting = "observed",
        prob: float = 0.95,
    ) -> pd.DataFrame:
        """Compare the mean response between values of a predictor.

        Parameters
        ----------
        treatment, values, by, of, pairs, slope, weights
            As for `Fit.contrast`: by default all levels against the reference, the two values of
            a predictor that has two, and otherwise x + 1 against x. ``of="dose"`` contrasts dose's
            contrasts, a difference of differences; ``weights="equal"`` averages as emmeans does.
        prob
            Coverage of the confidence interval.

        Returns
        -------
        DataFrame
            Columns contrast, [by], estimate, std_error, df, the ends of the confidence interval
            (``ci_2.5%``, ``ci_97.5%``) and p_value, by Student's t with the degrees of freedom of
            each contrast (infinite where ``tests.method`` is ``"normal"``).

        Raises
        ------
        OptionError
            If the treatment, a value or an option is unknown.
        """
        return contrast_table(
            Specification(self.formula, self.design),
            self.coefficients,
            self.tests.covariance,
            self.tests.df,
            treatment,
            values=values,
            by=by,
            of=of,
            pairs=pairs,
            slope=slope,
            weights=weights,
            prob=prob,
        )

    def __repr__(self) -> str:
        return shown.lme_as_text(self)

    def _repr_html_(self) -> str:
        return shown.lme_as_html(self)


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
    numeric_response(design)
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
