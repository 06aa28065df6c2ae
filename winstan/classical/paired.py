"""Repeated-measures analysis of variance: every group its own control.

Each group (animal, subject) is reduced to the mean of its rows in each cell of the within-group
factors. A term is then a set of orthonormal contrasts of a group's cell means, tested against how
much these contrasts differ between groups; with two levels it is the paired t test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import linalg, stats

from winstan.classical.linear import check_single, estimate_row
from winstan.data.columns import how_many, some_levels
from winstan.design_warnings import warn_design
from winstan.effects.asked import nested_labels, read_columns, read_pairs
from winstan.effects.comparisons import format_value, listed
from winstan.effects.strata import columns_of_by
from winstan.effects.weights import Weights, weights_of
from winstan.errors import DataError, OptionError, near_matches
from winstan.formula.functions import CODINGS
from winstan.formula.tree import Call, Name, quote_name
from winstan.options import Weighting, check_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.formula import Formula
    from winstan.formula.terms import Atom
    from winstan.options import By, Comparing


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """Cell means of every group that has all cells.

    Attributes
    ----------
    response, group : str
        Their names.
    factors : tuple of str
        Columns whose levels make the cells.
    levels : tuple of tuple
        Of each factor.
    groups : tuple
        Levels of the group factor, n of them.
    centre : float
        Mean of all rows.
    means : ndarray, shape (n, cells)
        Of the response less `centre`, which keeps its digits; the last factor varies fastest.
    counts : ndarray, shape (n, cells)
        Rows behind each mean.
    left_out : tuple
        Groups that lack a cell.
    """

    response: str
    group: str
    factors: tuple[str, ...]
    levels: tuple[tuple[Any, ...], ...]
    groups: tuple[Any, ...]
    centre: float
    means: Array
    counts: np.ndarray
    left_out: tuple[Any, ...]

    @property
    def words(self) -> str:
        """What was done, in a sentence."""
        low, high = int(self.counts.min()), int(self.counts.max())
        rows = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        of = "its one row" if high == 1 else f"the mean of its {rows} rows"
        cells = (
            f"levels of '{self.factors[0]}'"
            if len(self.factors) == 1
            else f"combinations of {' x '.join(repr(name) for name in self.factors)}"
        )
        text = (
            f"Paired (repeated measures): each of {len(self.groups):,} levels of '{self.group}' is "
            f"compared with itself, by {of} at each of the {self.means.shape[1]} {cells}. "
            f"Differences are tested against their variation between levels of '{self.group}'."
        )
        if self.left_out:
            text += f" Left out, for lack of rows in some: {some_levels(self.left_out, 10)}."
        return text

    def table(self, terms: Sequence[tuple[str, tuple[str, ...]]]) -> pd.DataFrame:
        """Test terms, given by name and factors.

        Returns
        -------
        DataFrame
            Indexed by term, columns sum_sq, df, F, PR(>F). Under each term its error, the
            interaction with the group (``stim:mouse``). Where a term has more than one degree of
            freedom, also eps_GG and PR(>F)_GG: Greenhouse and Geisser's (1959, Psychometrika 24,
            95-112) epsilon, and the p value with both degrees of freedom multiplied by it.
        """
        n = len(self.groups)
        rows: dict[str, dict[str, float]] = {}
        for name, factors in terms:
            contrasts = self._contrasts(factors)
            own = self.means @ contrasts
            df = own.shape[1]
            centre = own.mean(axis=0)
            spread = own - centre
            effect, error = n * float(centre @ centre), float((spread**2).sum())
            if error <= 1e-28 * max(float((self.means**2).sum()), 1e-300):
                raise DataError(
                    f"Every level of '{self.group}' has the same effect of '{name}': there is no "
                    "variation to test it against."
                )
            F = (effect / df) / (error / (df * (n - 1)))
            rows[name] = {
                "sum_sq": effect,
                "df": float(df),
                "F": F,
                "PR(>F)": float(stats.f.sf(F, df, df * (n - 1))),
            }
            if df > 1:
                S = spread.T @ spread
                epsilon = float(np.trace(S) ** 2 / (df * (S**2).sum()))
                p = stats.f.sf(F, epsilon * df, epsilon * df * (n - 1))
                rows[name] |= {"eps_GG": epsilon, "PR(>F)_GG": float(p)}
            rows[f"{name}:{self.group}"] = {"sum_sq": error, "df": float(df * (n - 1))}
        order = ["sum_sq", "df", "F", "PR(>F)", "eps_GG", "PR(>F)_GG"]
        table = pd.DataFrame.from_dict(rows, orient="index")
        return table[[column for column in order if column in table]]

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
        """Mean of the groups' own differences, with Student's t interval: see `Anova.contrast`."""
        check_option("weights", weights, Weighting)  # cells are alike: both mean the same
        if slope:
            raise OptionError("A paired analysis has factors, and no slopes: use ws.lme.")
        columns = read_columns(self.factors, treatment, values, of)
        check_single(pairs)
        compared = {
            self._factor(name, "contrast"): self._weights(name, given, own)
            for (name, given), own in zip(
                columns.items(), read_pairs(pairs, list(columns)), strict=True
            )
        }
        wanted = columns_of_by(by)
        if twice := [name for name in wanted if name in columns]:
            raise OptionError(f"by={twice[0]!r} is the treatment itself.")
        parts = [weighed.labels(ratio=False) for _, weighed in compared.values()]
        strata = [
            (levels, _contrasted(grid, compared)) for levels, grid in self._strata(wanted).items()
        ]
        n, rows = len(self.groups), []
        for c, label in enumerate(nested_labels(list(columns), parts)):
            for levels, contrasts in strata:
                own = contrasts[:, c]
                row: dict[str, Any] = {"contrast": label}
                row |= dict(zip(wanted, levels, strict=True))
                error = float(own.std(ddof=1) / np.sqrt(n))
                rows.append(row | estimate_row(float(own.mean()), error, n - 1, prob))
        return pd.DataFrame(rows)

    @property
    def result(self) -> Any:
        """The same analysis as statsmodels' `AnovaRM` has it: all interactions, no epsilon."""
        from statsmodels.stats.anova import AnovaRM  # noqa: PLC0415 - when asked for

        cells = list(product(*self.levels))
        # Names that are safe in the formula that AnovaRM writes for itself.
        safe = [f"factor_{i}" for i in range(len(self.factors))]
        long = pd.DataFrame(
            [
                {"group": i, "y": self.means[i, j]} | dict(zip(safe, map(str, cell), strict=True))
                for i in range(len(self.groups))
                for j, cell in enumerate(cells)
            ]
        )
        return AnovaRM(long, "y", "group", within=safe).fit()

    def _contrasts(self, factors: tuple[str, ...]) -> Array:
        """Orthonormal contrasts of a term, shape (cells, df)."""
        parts = []
        for name, levels in zip(self.factors, self.levels, strict=True):
            k = len(levels)
            mean = np.full((k, 1), k**-0.5)
            parts.append(linalg.null_space(mean.T) if name in factors else mean)
        return reduce(np.kron, parts)

    def _strata(self, wanted: Mapping[str, Any]) -> dict[tuple[Any, ...], Array]:
        """Return the cell means, shape (n, *levels), by levels of `by`, whose axes have one."""
        grid = self.means.reshape(len(self.groups), *map(len, self.levels))
        strata: dict[tuple[Any, ...], Array] = {(): grid}
        for name, given in wanted.items():
            axis = self._factor(name, "by=")
            known = self.levels[axis]
            places = range(len(known)) if given is None else _places(name, known, listed(given))
            strata = {
                (*levels, known[i]): np.take(part, [i], axis=axis + 1)
                for levels, part in strata.items()
                for i in places
            }
        return strata

    def _weights(
        self, name: str, values: Sequence[Any] | None, pairs: Comparing
    ) -> tuple[list[int], Weights]:
        """Return places of the levels to compare, the reference first, and how they are weighed."""
        levels = self.levels[self._factor(name, "contrast")]
        places = _places(name, levels, listed(levels if values is None else values))
        if len(places) < 2:
            raise OptionError(
                f"A contrast of {name!r} needs two values at least, the reference first."
            )

        def settle(value: Any) -> int:
            (place,) = _places(name, levels, [value])
            if place not in places:
                raise OptionError(f"pairs= weighs {value!r}, which is none of the values compared.")
            return places.index(place)

        names = [format_value(levels[k]) for k in places]
        return places, weights_of(names, pairs, what=name, settle=settle)

    def _factor(self, name: str, what: str) -> int:
        if name not in self.factors:
            raise OptionError(
                f"{what} names {name!r}, which is no factor of this analysis."
                + near_matches(str(name), self.factors)
            )
        return self.factors.index(name)


def paired_cells(
    formula: Formula, rows: pd.DataFrame, y: Array, group: str, response: str
) -> tuple[Paired, list[tuple[str, tuple[str, ...]]]]:
    """Reduce rows to cell means.

    Parameters
    ----------
    formula
        Without the group.
    rows
        The N rows of the predictors' columns and of the group's.
    y : ndarray, shape (N,)
    group
        The group's column.
    response
        The response's name.

    Returns
    -------
    paired : Paired
    terms : list
        The formula's terms: name, and columns.

    Raises
    ------
    DataError
        If a factor does not vary within groups, or fewer than two groups have all cells.
    """
    columns = {atom.name: _factor_column(atom, rows, group) for atom in _atoms(formula)}
    factors = tuple(dict.fromkeys(columns.values()))
    terms = [
        (
            ":".join(atom.name for atom in term),
            tuple(dict.fromkeys(columns[atom.name] for atom in term)),
        )
        for term in formula.effects.terms
    ]
    codes, levels = zip(*(_coded(rows[name]) for name in factors), strict=True)
    of_group, group_levels = _coded(rows[group])
    for name, places, own in zip(factors, codes, levels, strict=True):
        if len(own) < 2:
            raise DataError(f"Column '{name}' has only one level, {own[0]!r}: nothing to compare.")
        seen = len(np.unique(of_group * len(own) + places))
        if seen == len(group_levels):
            raise DataError(
                f"'{name}' has one level within each level of '{group}': it differs between groups "
                "only, and cannot be compared within them. Use ws.lme with "
                f"(1|{quote_name(group)}), or ws.anova on one row per level of '{group}'."
            )
    shape = tuple(len(own) for own in levels)
    n_cells = math.prod(shape)
    if n_cells > len(y):  # no group has so many; and no integer might hold their numbers
        raise _too_few(0, group, n_cells, factors)
    cell: Any = np.ravel_multi_index(codes, shape)
    key = of_group * n_cells + cell
    size = len(group_levels) * n_cells
    count = np.bincount(key, minlength=size)
    shift = float(y.mean())
    with np.errstate(invalid="ignore"):
        means = np.bincount(key, y - shift, minlength=size) / count
    counts, means = count.reshape(-1, n_cells), means.reshape(-1, n_cells)
    complete = (counts > 0).all(axis=1)
    left_out = tuple(level for level, ok in zip(group_levels, complete, strict=True) if not ok)
    if complete.sum() < 2:
        raise _too_few(int(complete.sum()), group, n_cells, factors)
    if left_out:
        warn_design(
            f"{how_many(len(left_out), 'level')} of '{group}' left out, for lack of rows in "
            f"some of the {n_cells} cells of {' x '.join(repr(name) for name in factors)}: "
            f"{some_levels(left_out, 10)}. ws.lme takes incomplete groups.",
            "incomplete_groups",
        )
    kept = tuple(level for level, ok in zip(group_levels, complete, strict=True) if ok)
    paired = Paired(
        response=response,
        group=group,
        factors=factors,
        levels=tuple(levels),
        groups=kept,
        centre=shift,
        means=means[complete],
        counts=counts[complete],
        left_out=left_out,
    )
    return paired, terms


def _too_few(n: int, group: str, n_cells: int, factors: Sequence[str]) -> DataError:
    return DataError(
        f"{how_many(n, 'level')} of '{group}' {'has' if n == 1 else 'have'} all {n_cells:,} cells "
        f"of {' x '.join(repr(name) for name in factors)}, and a paired analysis needs two at "
        "least. Use ws.lme, which takes incomplete groups."
    )


def _atoms(formula: Formula) -> list[Atom]:
    atoms = list(formula.effects.atoms.values())
    if not atoms:
        raise OptionError(f"{formula.text!r} has no factor to compare. Write y ~ stim.")
    return atoms


def _factor_column(atom: Atom, rows: pd.DataFrame, group: str) -> str:
    """Return the column whose levels an atom stands for."""
    node = atom.node
    if isinstance(node, Call) and node.function in CODINGS and node.arguments:
        node, is_label = node.arguments[0], True
    else:
        is_label = False
    if not isinstance(node, Name) or node.text not in rows:
        raise OptionError(
            f"With group= the terms are factors, and '{atom.text}' is an expression. Make it a "
            "column, or use ws.lme."
        )
    if node.text == group:
        raise OptionError(
            f"{group!r} is group= and also a term. Leave it out of the formula: its levels are "
            "compared with themselves."
        )
    values = rows[node.text]
    if not is_label and not isinstance(values.dtype, pd.CategoricalDtype) and values.nunique() > 2:
        raise OptionError(
            f"With group= the terms are factors, and '{node.text}' is a number with "
            f"{values.nunique()} values. Write C({quote_name(node.text)}) to compare them as "
            "levels, or use ws.lme for a slope."
        )
    return node.text


def _coded(values: pd.Series[Any]) -> tuple[np.ndarray, tuple[Any, ...]]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy().astype(np.int64), tuple(values.cat.categories.tolist())
    levels, codes = np.unique(values.to_numpy(), return_inverse=True)
    return codes, tuple(levels.tolist())


def _places(name: str, levels: tuple[Any, ...], values: Sequence[Any]) -> list[int]:
    """Find values among a factor's levels."""
    written = [str(level) for level in levels]

    def find(value: Any) -> int:
        if value in levels:
            return levels.index(value)
        if str(value) in written:
            return written.index(str(value))
        raise OptionError(f"{name!r} has no level {value!r}." + near_matches(str(value), written))

    return [find(value) for value in values]


def _contrasted(grid: Array, compared: Mapping[int, tuple[list[int], Weights]]) -> Array:
    """Contrast along some axes of (n, *levels), average the others: shape (n, contrasts)."""
    for place, (levels, weights) in compared.items():
        grid = weights.of(np.take(grid, levels, axis=place + 1), place + 1)
    first = np.moveaxis(grid, [place + 1 for place in compared], range(1, len(compared) + 1))
    size = math.prod(first.shape[1 : len(compared) + 1])
    return first.reshape(len(first), size, -1).mean(axis=2)
