"""Analysis of variance of a linear model: sums of squares of types 1, 2 and 3, and Wald F tests."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, stats

from winstan.classical.cross_products import population
from winstan.classical.linear import contrast_table
from winstan.classical.translation import coefficient_names
from winstan.data.columns import how_many, some_rows
from winstan.design_warnings import warn_design
from winstan.effects.specification import Specification
from winstan.errors import DataError, OptionError
from winstan.formula.functions import CODINGS
from winstan.formula.tree import Call, Name, quote_name

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.design import Design
    from winstan.formula import Formula
    from winstan.formula.terms import Atom

ROBUST = ("hc0", "hc1", "hc2", "hc3")


@dataclass(frozen=True, slots=True, eq=False)
class LinearFit:
    """A linear model by least squares.

    Attributes
    ----------
    formula : Formula
    design : Design
    robust : str or None
        Which heteroscedasticity-consistent covariance `covariance` is.
    beta : ndarray, shape (p,)
        The intercept first where there is one.
    covariance : ndarray, shape (p, p)
    residual : float
        Residual sum of squares.
    df : int
        Residual degrees of freedom.
    """

    formula: Formula
    design: Design
    robust: str | None
    beta: Array
    covariance: Array
    residual: float
    df: int

    def contrast(self, treatment: str, **options: Any) -> pd.DataFrame:
        """See `Anova.contrast`."""
        return contrast_table(
            Specification(self.formula, self.design),
            self.beta,
            self.covariance,
            self.df,
            treatment,
            **options,
        )

    @property
    def result(self) -> Any:
        """The same fit as statsmodels' `RegressionResults`."""
        from statsmodels.regression.linear_model import OLS  # noqa: PLC0415 - when asked for

        design = self.design
        X = pd.DataFrame(population(design)[design.row], columns=coefficient_names(design))
        y = pd.Series(_response(design), name=design.response.name)
        if self.robust is None:
            return OLS(y, X).fit()
        return OLS(y, X).fit(cov_type=self.robust.upper(), use_t=True)


def fit_linear(formula: Formula, design: Design, kept: np.ndarray, robust: str | None) -> LinearFit:
    """Fit by least squares.

    Parameters
    ----------
    formula, design
    kept : ndarray, shape (N,)
        Positions of the rows in the user's frame.
    robust : {"hc0", "hc1", "hc2", "hc3"} or None
        The covariance of the coefficients: MacKinnon and White (1985), J. Econometrics 29, 305-325;
        None takes equal variances.

    Raises
    ------
    DataError
        If no degrees of freedom are left, or the covariance does not exist.
    """
    X = population(design)[design.row]
    y = _response(design)
    n, p = X.shape
    if n <= p:
        raise DataError(
            f"{how_many(n, 'row')} and {how_many(p, 'coefficient')}: no degrees of freedom are "
            "left for the residuals. Use fewer terms."
        )
    # Responses far from zero would lose their digits.
    centre = float(y.mean()) if design.intercept else 0.0
    y = y - centre
    Q, R = np.linalg.qr(X)
    effects = Q.T @ y
    rest = y - Q @ effects
    again = Q.T @ rest  # once more, against rounding
    effects, rest = effects + again, rest - Q @ again
    residual = float(rest @ rest)
    df = n - p
    if residual <= (8 * np.finfo(float).eps) ** 2 * n * max(y @ y, centre**2 * n):
        raise DataError(
            f"The terms explain '{design.response.name}' exactly: there is no residual variation "
            "to test against."
        )
    meat = np.eye(p) * residual / df
    if robust is not None:
        leverage = (Q**2).sum(axis=1)
        if robust in ("hc2", "hc3") and len(bad := np.flatnonzero(leverage > 1 - 1e-10)):
            raise DataError(
                f'robust="{robust}" does not exist: {how_many(len(bad), "row")} '
                f"({some_rows(kept[bad])}) determine a coefficient of their own. Use "
                'robust="hc1", or fewer terms.'
            )
        weight = {"hc0": 1.0, "hc1": n / df, "hc2": 1 / (1 - leverage), "hc3": (1 - leverage) ** -2}
        meat = (Q * (weight[robust] * rest**2)[:, None]).T @ Q if robust in weight else meat
    beta = linalg.solve_triangular(R, effects)
    if design.intercept:
        beta[0] += centre
    half = linalg.solve_triangular(R, np.eye(p))
    return LinearFit(formula, design, robust, beta, half @ meat @ half.T, residual, df)


def anova_table(fit: LinearFit, typ: int) -> pd.DataFrame:
    """Test every term.

    A term's coefficients are tested after what they share with those of other terms is taken out of
    them: of terms that contain it (type 2), of terms after it (type 1), of none (type 3, in a
    sum-to-zero coding). With the classical covariance this is the difference of residual sums of
    squares; with a robust one it is the Wald test of car's Anova in R.

    Returns
    -------
    DataFrame
        Indexed by term, columns sum_sq, df, F, PR(>F); the last row is the residual. With a robust
        covariance sum_sq is what gives the robust F: F times df times the residual mean square.
    """
    rows = {}
    for name, L in hypotheses(fit.formula, fit.design, fit.covariance, typ).items():
        d, W = L @ fit.beta, L @ fit.covariance @ L.T
        F = float(d @ np.linalg.solve(W, d)) / len(L)
        rows[name] = (
            F * len(L) * fit.residual / fit.df,
            float(len(L)),
            F,
            float(stats.f.sf(F, len(L), fit.df)),
        )
    rows["Residual"] = (fit.residual, float(fit.df), np.nan, np.nan)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["sum_sq", "df", "F", "PR(>F)"])


def hypotheses(formula: Formula, design: Design, covariance: Array, typ: int) -> dict[str, Array]:
    """Return the linear combinations of coefficients that each term's test says are zero.

    Parameters
    ----------
    formula, design
    covariance : ndarray, shape (p, p)
        Of the coefficients, by which those of other terms are taken out.
    typ
        As for `anova_table`.

    Returns
    -------
    dict
        By term, shape (columns of the term, p).
    """
    terms = _tested(formula, design)
    out = {}
    for place, term in enumerate(terms):
        others = {
            1: terms[place + 1 :],
            2: [t for t in terms if t.atoms > term.atoms],
            3: [],
        }[typ]
        own = list(term.columns)
        beside = [column for other in others for column in other.columns]
        L = np.eye(len(covariance))[own]
        if beside:
            cross = covariance[np.ix_(own, beside)]
            L[:, beside] = -np.linalg.solve(covariance[np.ix_(beside, beside)], cross.T).T
        out[term.name] = L
    return out


@dataclass(frozen=True, slots=True)
class _Tested:
    """A term of the formula: its atoms, and its coefficients."""

    name: str
    atoms: frozenset[str]
    columns: tuple[int, ...]


def _tested(formula: Formula, design: Design) -> list[_Tested]:
    """List the formula's terms, main effects first, with their columns.

    The design may have terms that the formula has not: ``a:b`` without main effects becomes ``b``
    and ``a:b``. Their columns belong to the first term of the formula that contains them.
    """
    written = sorted(formula.effects.terms, key=len)
    owner: dict[str, int] = {}
    names = [[atom.name for atom in term] for term in written]
    for partial in (False, True):
        for i, parts in enumerate(names):
            for size in range(1, len(parts)) if partial else (len(parts),):
                for order in permutations(parts, size):
                    owner.setdefault(":".join(order), i)
    shift = int(design.intercept)
    columns: list[list[int]] = [[] for _ in written]
    for term in design.terms:
        columns[owner[term.name]] += [shift + c for c in term.columns]
    return [
        _Tested(":".join(parts), frozenset(parts), tuple(own))
        for parts, own in zip(names, columns, strict=True)
    ]


def sum_coded(formula: Formula, design: Design) -> str:
    """Write a formula with every factor in sum-to-zero coding, which tests of type 3 need.

    Warns
    -----
    DesignWarning
        For a number in an interaction: the other terms are then tested where it is zero.
    """
    coded = {atom.name: _sum_coding(atom, design) for atom in formula.effects.atoms.values()}
    parts = ["1" if formula.effects.intercept else "0"]
    parts += [":".join(coded[atom.name] for atom in term) for term in formula.effects.terms]
    numbers = [
        atom.name
        for term in formula.effects.terms
        for atom in term
        if len(term) > 1 and coded[atom.name] == atom.text and _is_number(atom, design)
    ]
    if numbers:
        named = ", ".join(f"'{name}'" for name in dict.fromkeys(numbers))
        warn_design(
            f"typ=3 with numbers in an interaction ({named}): the terms that interact with them "
            "are tested where they are zero. Write C(x) for numbers that are labels, center(x) "
            "for those that are not, or use typ=2.",
            "type_3_numbers",
        )
    text = f"{formula.response} ~ {' + '.join(parts)}"
    return text + "".join(f" + offset({offset})" for offset in formula.offset)


def needs_sum_coding(formula: Formula, design: Design) -> str:
    """Write a formula's population part in sum-to-zero coding, if interactions have another."""
    crossed = {atom.name: atom for t in formula.effects.terms if len(t) > 1 for atom in t}
    if all(_sum_coding(atom, design) == atom.text for atom in crossed.values()):
        return ""
    return sum_coded(formula, design)


def _is_number(atom: Atom, design: Design) -> bool:
    """Whether an atom is a number that is not centred by the formula itself."""
    if isinstance(atom.node, Call) and atom.node.function in CODINGS | {"center", "scale"}:
        return False
    return not any(
        isinstance(design.predictors[c].dtype, pd.CategoricalDtype)
        for c in atom.columns
        if c in design.predictors
    )


def _sum_coding(atom: Atom, design: Design) -> str:
    node = atom.node
    if isinstance(node, Name):
        is_factor = isinstance(design.predictors[node.text].dtype, pd.CategoricalDtype)
        return f"C({quote_name(node.text)}, Sum)" if is_factor else atom.text
    if isinstance(node, Call) and node.function in ("C", "T"):
        if not (node.arguments and isinstance(node.arguments[0], Name)):
            raise OptionError(f"typ=3 cannot code '{atom.text}' anew. Use typ=2.")
        return f"C({quote_name(node.arguments[0].text)}, Sum)"
    return atom.text


def check_options(typ: Any, robust: Any) -> tuple[int, str | None]:
    """Settle ``typ=`` and ``robust=``."""
    roman: dict[Any, int] = {"I": 1, "II": 2, "III": 3, 1: 1, 2: 2, 3: 3}
    if isinstance(typ, bool) or not isinstance(typ, int | str) or typ not in roman:
        raise OptionError(f"typ must be 1, 2 or 3, not {typ!r}.")
    if robust is None:
        return roman[typ], None
    if not isinstance(robust, str) or robust.lower() not in ROBUST:
        raise OptionError(f"robust must be None, {', '.join(map(repr, ROBUST))}, not {robust!r}.")
    return roman[typ], robust.lower()


def _response(design: Design) -> Array:
    return design.response.y - design.offset[design.row]
