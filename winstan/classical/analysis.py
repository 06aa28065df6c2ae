"""Analysis of variance: `anova` and its result."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import _html
from winstan.classical.numerals import probability
from winstan.classical.paired import Paired, paired_cells
from winstan.classical.reading import numeric_response, one_mean, read
from winstan.classical.squares import (
    LinearFit,
    anova_table,
    check_options,
    fit_linear,
    sum_coded,
)
from winstan.data import frame_from
from winstan.data.tables import column_names, in_memory
from winstan.design.response import make_response
from winstan.design_warnings import silenced
from winstan.errors import FormulaError, OptionError, near_matches
from winstan.formula import evaluation_names, parse_formula
from winstan.formula.scope import namespace_of_caller
from winstan.formula.tree import quote_name
from winstan.keywords import explains_keywords

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from winstan.options import By, Comparing, Weighting


@dataclass(frozen=True, slots=True, eq=False)
class Anova:
    """An analysis of variance; `anova` makes it.

    Attributes
    ----------
    formula : str
        As it was understood.
    table : DataFrame
        Indexed by term, columns sum_sq, df, F, PR(>F), with the residual or error rows. A paired
        analysis with more than two levels has also eps_GG and PR(>F)_GG, the Greenhouse-Geisser
        correction for unequal correlations.
    typ : int or None
        Type of the sums of squares; None in a paired analysis, where all types are equal.
    robust : str or None
        The heteroscedasticity-consistent covariance in use.
    group : str or None
        Of a paired analysis, the column whose levels are compared with themselves.
    words : str
        What was done.
    fit : LinearFit or Paired
        The numbers behind the table.
    """

    formula: str
    table: pd.DataFrame
    typ: int | None
    robust: str | None
    group: str | None
    words: str
    fit: LinearFit | Paired

    @property
    def result(self) -> Any:
        """The results of statsmodels: `RegressionResults`, or (paired) `AnovaResults`."""
        return self.fit.result

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

        In a paired analysis: the mean over groups of each one's own difference, with n - 1 degrees
        of freedom. Else a contrast of the linear model, with its residual ones, and the robust
        covariance where one was asked for.

        Parameters
        ----------
        treatment, values, by, of, pairs, slope, weights
            As for `Fit.contrast`. A paired analysis has factors and cells of equal weight: no
            slopes, and no other `weights`.
        prob
            Coverage of the confidence interval.

        Returns
        -------
        DataFrame
            Columns contrast, [by], estimate, std_error, the ends of the confidence interval
            (``ci_2.5%``, ``ci_97.5%``) and p_value, by Student's t.

        Raises
        ------
        OptionError
            If the treatment, a value or an option is unknown.
        """
        return self.fit.contrast(
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
        return "\n".join([self.formula, self.words, "", _tests(self.table).to_string()])

    def _repr_html_(self) -> str:
        return _html.lines(
            _html.heading(self.formula, self.words), _tests(self.table).to_html(border=0)
        )


@explains_keywords
def anova(
    formula: str,
    data: Any,
    typ: int = 2,
    robust: str | None = None,
    *,
    group: str | None = None,
    silence: str | Iterable[str] | None = None,
) -> Anova:
    """Analyse variance, of all rows or, with `group`, paired within animals or subjects.

    Parameters
    ----------
    formula
        As for `winstan.fit`, without group terms: ``Power ~ stim * cond``. Text is a factor, a
        number is a number unless inside ``C()``. Offsets are subtracted.
    data
        A data frame of any library that narwhals reads, or a mapping of columns. Never changed.
    typ : {1, 2, 3}
        Sums of squares: in order of the terms (main effects first), of each term after those that
        do not contain it, or after all others, for which factors are coded to sum to zero.
    robust : {"hc0", "hc1", "hc2", "hc3"}, optional
        Wald F tests with this heteroscedasticity-consistent covariance, for every `typ`.
    group
        A column, such as ``"mouse"``: repeated measures. Each level is reduced to the mean of its
        rows in each cell of the factors, and compared with itself; with two levels this is the
        paired t test.
    silence
        As for `winstan.fit`: names of guards whose `DesignWarning` is not wanted.

    Returns
    -------
    Anova

    Raises
    ------
    FormulaError, DataError, OptionError
        If the formula has group terms, the data do not hold what it needs, or no degrees of
        freedom are left.

    Warns
    -----
    DesignWarning
        If rows with missing values, or groups with missing cells, were left out; if ``typ=3``
        meets a number in an interaction.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(seed=1)
    >>> ws.anova("`Log power` ~ stim", trials, group="mouse").table.index.tolist()
    ['stim', 'stim:mouse']
    """
    chosen, covariance = check_options(typ, robust)
    namespace = namespace_of_caller()
    parsed = parse_formula(formula, namespace)
    one_mean(parsed)
    if parsed.groups:
        raise FormulaError(
            f"{parsed.text!r} has a group term, {parsed.groups[0].text}, which ws.anova does not "
            f'take. Write group="{parsed.groups[0].factor}" for the paired analysis, or use ws.lme.'
        )
    if group is not None:
        if covariance is not None:
            raise OptionError(
                f"robust={robust!r} and group={group!r}: the paired analysis compares each group "
                "with itself, and needs no equal variances of rows. Leave one out."
            )
        with silenced(silence):
            return _paired(parsed.text, in_memory(data), group, namespace)
    data = in_memory(data)  # type 3 reads it twice
    with silenced(silence):
        parsed, design, frame = read(formula, data, namespace)
    numeric_response(design.response)
    if not design.terms:
        raise FormulaError(f"{parsed.text!r} has no terms to test. Write y ~ stim.")
    fit = fit_linear(parsed, design, frame.kept, covariance)
    table = anova_table(fit, chosen)
    if chosen == 3:
        again, recoded, _ = _quietly_read(sum_coded(parsed, design), data, namespace)
        names = table.index
        table = anova_table(fit_linear(again, recoded, frame.kept, covariance), 3).set_axis(names)
    return Anova(
        formula=f"{parsed.response} ~ {parsed.common}"
        + "".join(f" + offset({offset})" for offset in parsed.offset),
        table=table,
        typ=chosen,
        robust=covariance,
        group=None,
        words=_words(len(design.row), chosen, covariance),
        fit=fit,
    )


def _quietly_read(text: str, data: Any, namespace: Mapping[str, Any]) -> Any:
    """Read the same data once more: what was to be warned of has been."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read(text, data, namespace)


def _paired(text: str, data: Any, group: str, namespace: Mapping[str, Any]) -> Anova:
    known = column_names(data)
    if not isinstance(group, str) or group not in known:
        raise OptionError(
            f"group={group!r} is no column of the data." + near_matches(str(group), known)
        )
    parsed = parse_formula(text, namespace)
    if parsed.offset:
        raise OptionError(
            "With group= there is no offset. Subtract it from the response: I(y - offset) ~ ..."
        )
    if group in parsed.columns:
        raise OptionError(
            f"{group!r} is group= and also in the formula. Leave it out of the formula: its levels "
            "are compared with themselves."
        )
    with_group = parse_formula(f"{text} + (1|{quote_name(group)})", namespace)
    frame = frame_from(data, with_group)
    response = make_response(with_group, frame, evaluation_names(with_group, namespace))
    numeric_response(response)
    paired, terms = paired_cells(parsed, frame.data, response.y, group, response.name)
    return Anova(
        formula=f"{parsed.response} ~ {parsed.common}",
        table=paired.table(terms),
        typ=None,
        robust=None,
        group=group,
        words=paired.words,
        fit=paired,
    )


def _words(n: int, typ: int, robust: str | None) -> str:
    how = {
        1: "each term after those before it",
        2: "each term after those that do not contain it",
        3: "each term after all others, factors coded to sum to zero",
    }[typ]
    covariance = (
        "Wald F tests with the heteroscedasticity-consistent covariance "
        f"{robust.upper()}; sum_sq is scaled to match"
        if robust
        else "F tests with equal variances"
    )
    return (
        f"Type {typ}: {how}. {covariance}. All {n:,} rows count as independent: for repeated "
        'measures of animals write group="..." or use ws.lme.'
    )


def _tests(table: pd.DataFrame) -> pd.DataFrame:
    shown = {}
    for name in table.columns:
        if name.startswith("PR"):
            shown[name] = [probability(x) for x in table[name]]
        elif name == "df":
            shown[name] = [f"{x:g}" for x in table[name]]
        else:
            shown[name] = ["" if np.isnan(x) else f"{x:.5g}" for x in table[name]]
    return pd.DataFrame(shown, index=table.index, dtype=object)
