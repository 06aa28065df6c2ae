"""`LME`: a linear mixed model, what it tests, and how it shows itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from winstan import _html
from winstan.classical.linear import contrast_table
from winstan.classical.numerals import degrees, digits, probability
from winstan.classical.small_sample import SmallSample
from winstan.classical.soundness import verdict
from winstan.classical.squares import check_options, hypotheses, needs_sum_coding
from winstan.classical.translation import Estimates, coefficient_names, mixedlm_result
from winstan.effects.specification import Specification
from winstan.errors import FormulaError, OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.formula import Formula
    from winstan.options import By, Comparing, Weighting


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
            Type 3 is of factors in sum-to-zero coding. What terms share is by the coefficients'
            covariance, as in lme4's ``anova`` (1). lmerTest takes it from the rows alone, and
            differs where they are unbalanced, or where numbers interact with factors (2).

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
        lines = [*_heading(self), "", self.verdict, "", _coefficients(self).to_string(), ""]
        return "\n".join([*lines, _variances(self).to_string(index=False)])

    def _repr_html_(self) -> str:
        title, rest = _heading(self)
        return _html.lines(
            _html.heading(title, rest),
            _html.verdict(self.verdict, ok=self.converged and not self.singular),
            _coefficients(self).to_html(border=0),
            _variances(self).to_html(border=0, index=False),
        )


def _heading(lme: LME) -> list[str]:
    formula = lme.formula
    parts = [
        formula.common,
        *(f"offset({offset})" for offset in formula.offset),
        *(group.text for group in formula.groups),
    ]
    method = "REML" if lme.reml else "maximum likelihood"
    factors = {group.factor: len(group.levels) for group in lme.design.groups}
    sizes = [f"{len(lme.design.row):,} rows", *(f"{k}: {n:,} levels" for k, n in factors.items())]
    return [
        f"{formula.response} ~ {' + '.join(parts)}  [linear mixed model, {method}]",
        f"{'; '.join(sizes)}. Log likelihood {lme.log_likelihood:.2f}. {_tests_words(lme)} and "
        "95% confidence intervals.",
    ]


def _tests_words(lme: LME) -> str:
    words = {
        "kenward-roger": "t tests by Kenward-Roger",
        "satterthwaite": "t tests by Satterthwaite",
        "normal": "z tests",
    }[lme.tests.method]
    return words + (f" ({lme.tests.reason})" if lme.tests.reason else "")


def _coefficients(lme: LME) -> pd.DataFrame:
    table = lme.table
    shown = {}
    for name in table.columns:
        if name in ("z", "t"):
            shown[name] = [f"{x:.3f}" for x in table[name]]
        elif name == "df":
            shown[name] = [degrees(x) for x in table[name]]
        elif name.startswith("P>"):
            shown[name] = [probability(x) for x in table[name]]
        else:
            shown[name] = [
                digits(x, se) for x, se in zip(table[name], table["Std.Err."], strict=True)
            ]
    return pd.DataFrame(shown, index=table.index.rename(None), dtype=object)


def _variances(lme: LME) -> pd.DataFrame:
    table = lme.variances
    pairs = lme.correlations
    columns = {
        "group": table["factor"],
        "effect": table["effect"],
        "variance": [f"{x:.5g}" for x in table["variance"]],
        "sd": [f"{x:.5g}" for x in table["sd"]],
    }
    if len(pairs):
        of: dict[tuple[str, str], list[str]] = {}
        for row in pairs.itertuples(index=False):
            of.setdefault((row[0], row[1]), []).append(f"{row[3]:.3f}")
        columns["correlation"] = [
            " ".join(of.get((factor, effect), []))
            for factor, effect in zip(table["factor"], table["effect"], strict=True)
        ]
    return pd.DataFrame(columns, dtype=object)
