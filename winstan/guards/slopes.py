"""Predictors that vary within groups of which only the intercepts vary.

The standard error of such a predictor's coefficient takes its effect to be the same in every group.
If it is not, intervals are too narrow: the groups, not the rows, are what was sampled (Schielzeth
and Forstmeier 2009, https://doi.org/10.1093/beheco/arn145; Barr et al. 2013,
https://doi.org/10.1016/j.jml.2012.11.001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.data.codes import codes_of, combine, is_constant, owner_of
from winstan.formula.monotonic import is_monotonic
from winstan.guards.slope_advice import Missing, Slope, advice

if TYPE_CHECKING:
    from winstan.design import Design, RandomTerm, Term
    from winstan.formula import Formula, GroupSpec
    from winstan.formula.terms import Atom, SmoothSpec

# Fewer groups say nothing of the spread of an effect between groups.
FEWEST_GROUPS = 3
# A predictor that varies in fewer of the groups is one of between-group differences.
SMALLEST_SHARE = 0.4
# Rows per group, where each is one yes or no. A logit's information is at most 1/4 a row, so that
# the slope between two conditions of n/2 rows each has a standard error of at least 4 / sqrt(n): at
# 16 rows 1, an odds ratio of 2.7. With fewer, each group's own slope is noisier than that.
FEWEST_BINARY = 16
# Design rows looked at: so many show which predictors vary within groups.
SAMPLE = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A population-level term: its columns of data, its columns of the design."""

    atoms: tuple[Atom, ...]
    X: np.ndarray
    treatment: bool
    curve: SmoothSpec | None = None

    @property
    def name(self) -> frozenset[str]:
        return frozenset(atom.name for atom in self.atoms)

    @property
    def text(self) -> str:
        return ":".join(atom.text for atom in self.atoms)

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self.ordered_columns)

    @property
    def ordered_columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column for atom in self.atoms for column in atom.columns))


def missing_slopes(formula: Formula, design: Design, *, binary: bool = False) -> str | None:
    """Say which effects could vary between groups, and do not in the model.

    A term counts where the data can tell its variance from noise: in enough groups it varies, and
    they have more rows than their own coefficients would take up. One row of each level in each
    group (complete randomised blocks) leaves nothing to tell them apart by. Split plots, as in
    ``(1|Block/Variety)``, with one row of each combination in a block are analysed as they were
    laid out.

    Parameters
    ----------
    formula, design
        Of one model.
    binary
        Whether each row is one trial, which says less of a slope than a number does.

    Returns
    -------
    str or None
        What was found, and the remedy: what so many groups can bear (`slope_advice`).
    """
    candidates = _candidates(formula, design)
    pairs = list(zip(formula.groups, design.groups, strict=True))
    weight = np.bincount(design.row, design.weights, minlength=len(design.X))
    n = len(design.X)
    some = np.arange(n)
    if n > 2 * SAMPLE:
        some = np.random.default_rng(0).choice(n, SAMPLE, replace=False)
    found: list[Missing] = []
    answered: list[tuple[np.ndarray, set[frozenset[str]]]] = []
    seen: set[frozenset[str]] = set()
    # Coarse groups first: an effect that varies between mice needs not vary between their neurons.
    for spec, group in sorted(pairs, key=lambda pair: len(pair[1].levels)):
        factor = frozenset(spec.factor_columns)
        if factor in seen:
            continue
        seen.add(factor)
        outer = {
            name for level, names in answered if is_constant(group.level, level) for name in names
        }
        inner = _inner_factors(factor, formula.groups)
        within = _within(candidates, design, group.level, inner)
        open_terms = [c for c in within if c.name not in outer]
        missing = [c for c in open_terms if not _covered(c, factor, formula.groups)]
        done = {c.name for c in open_terms if c not in missing}
        own = [g for s, g in pairs if frozenset(s.factor_columns) == factor]
        supported, varying = _supported(missing, own, weight, some, FEWEST_BINARY * binary)
        done |= {c.name for c in supported}
        answered.append((group.level, done | outer))
        if _split_plot(within, inner, group, weight):
            continue
        absent = {c.name for c in missing}
        if named := _with_margins(_worth_naming(supported, own), absent):
            slopes = [_slope(c, design) for c in named]
            width = sum(g.Z.shape[1] for g in own)
            found.append(Missing(spec, width, group.levels, varying, slopes))
    return advice(found) if found else None


def _candidates(formula: Formula, design: Design) -> list[_Candidate]:
    atoms = {":".join(a.name for a in term): term for term in formula.effects.terms}
    curves = {frozenset(a.name for a in _line(formula, s)): s for s in formula.smooths}
    out = []
    for term in design.terms:
        X, own = design.X[:, list(term.columns)], atoms[term.name]
        curve = curves.pop(frozenset(a.name for a in own), None)
        out.append(_Candidate(own, X, _is_treatment(term, X), curve))
    for spec, fitted in zip(formula.smooths, design.memory.smooths, strict=True):
        if spec in curves.values():  # a process has no line in the formula
            x = fitted.covariate(design.predictors)[:, None]
            if fitted.levels:
                x = x * (fitted.level(design.predictors)[:, None] == range(len(fitted.levels)))
            out.append(_Candidate(_line(formula, spec), x, False, spec))
    return out


def _line(formula: Formula, spec: SmoothSpec) -> tuple[Atom, ...]:
    """Return what a curve's straight line is the product of: its covariate, and ``by=``."""
    by = (t[0] for t in formula.effects.terms if len(t) == 1 and t[0].columns == (spec.by,))
    return (spec.covariate, *by)


def _slope(own: _Candidate, design: Design) -> Slope:
    columns = own.ordered_columns
    labels = [atom for atom in own.atoms if _has_labels(atom, design)]
    return Slope(
        text=own.text if own.curve is None else own.curve.text,
        columns=columns,
        numbers=tuple(atom.text for atom in own.atoms if atom not in labels),
        labels=tuple(dict.fromkeys(column for atom in labels for column in atom.columns)),
        X=own.X,
        treatment=own.treatment,
        curve=own.curve,
    )


def _has_labels(atom: Atom, design: Design) -> bool:
    """Whether a factor of a product has an effect of each level."""
    if is_monotonic(atom.node):
        return False
    return any(
        isinstance(design.predictors[column].dtype, pd.CategoricalDtype)
        or column in design.memory.coded
        for column in atom.columns
        if column in design.predictors
    )


def _inner_factors(factor: frozenset[str], specs: tuple[GroupSpec, ...]) -> list[frozenset[str]]:
    """Return what other terms add to a group's columns: of Block, Variety in (1|Block:Variety)."""
    finer = [frozenset(spec.factor_columns) for spec in specs]
    return [own - factor for own in finer if own > factor]


def _within(
    candidates: list[_Candidate],
    design: Design,
    level: np.ndarray,
    inner: list[frozenset[str]],
) -> list[_Candidate]:
    """Reduce terms to what of them varies within groups: of age:sex, that is age.

    Within one group an interaction with something that is constant there is the slope of the rest.
    So it is with what an inner term makes groups of: nitro:Variety is nitro within Block:Variety.
    """
    varies: dict[str, bool] = {}
    for candidate in candidates:
        for atom in candidate.atoms:
            columns = [c for c in atom.columns if c in design.predictors]
            varies[atom.name] = not columns or not all(
                is_constant(level, design.predictors[c].to_numpy()) for c in columns
            )
    out: dict[frozenset[str], _Candidate] = {}
    for whole in sorted(candidates, key=lambda c: len(c.atoms)):
        rest = tuple(atom for atom in whole.atoms if varies[atom.name])
        if len(rest) > 1:
            rest = tuple(a for a in rest if not any(set(a.columns) <= own for own in inner))
        if rest:
            part = _Candidate(rest, whole.X, whole.treatment, whole.curve)
            out.setdefault(part.name, part)
    return list(out.values())


def _is_treatment(term: Term, X: np.ndarray) -> bool:
    """Whether a term compares conditions: a factor, or a number of two values."""
    if term.labels or X.shape[1] > 1:
        return bool(term.labels)
    others = X[~(X[0] == X)]
    return others.size > 0 and bool(np.all(others == others[0]))


def _covered(term: _Candidate, factor: frozenset[str], specs: tuple[GroupSpec, ...]) -> bool:
    """Whether the term's effect varies between the groups already, one way or another."""
    for spec in specs:
        own = frozenset(spec.factor_columns)
        effects = [{c for atom in effect for c in atom.columns} for effect in spec.design.terms]
        if own == factor and any(term.columns <= effect for effect in effects):
            return True
        # (1|worker:machine) lets the effect of machine vary between workers, and
        # (0 + t|worker:machine) that of t:machine.
        inner = own - factor
        if own > factor and term.columns & inner:
            every = [*effects, *([set[str]()] if spec.design.intercept else [])]
            if any(term.columns <= own | effect for effect in every):
                return True
    return False


def _supported(
    missing: list[_Candidate],
    own: list[RandomTerm],
    weight: np.ndarray,
    some: np.ndarray,
    fewest: int,
) -> tuple[list[_Candidate], int]:
    """Return the terms whose slopes the rows can tell from noise, and how many groups vary."""
    level, n_levels = own[0].level[some], len(own[0].levels)
    rows = np.bincount(level, weight[some], minlength=n_levels)
    slopes = [g.Z[np.ix_(some, e.columns)] for g in own for e in g.effects if e.name != "1"]
    code = np.zeros(len(level), dtype=np.int64)
    width = 1
    for Z in slopes:
        code, width = combine(code, *(codes_of(z) for z in Z.T)), width + Z.shape[1]
    enough = max(FEWEST_GROUPS, SMALLEST_SHARE * n_levels)
    out: list[_Candidate] = []
    most = 0
    for term in missing:
        columns = [codes_of(x) for x in term.X[some].T]
        varying = _distinct(level, combine(*columns), n_levels) > 1
        joint = combine(code, *columns)
        taken = np.minimum(_distinct(level, joint, n_levels), width + len(columns))
        if np.count_nonzero(varying & (rows > taken) & (rows >= fewest)) >= enough:
            out.append(term)
            code, width = joint, width + len(columns)
            most = max(most, int(np.count_nonzero(varying)))
    return out, most


def _split_plot(
    within: list[_Candidate], inner: list[frozenset[str]], group: RandomTerm, weight: np.ndarray
) -> bool:
    """Whether an inner term's plots are of one treatment, and each combination has one row.

    Of most groups, since a plot may be lost. A covariate has no combinations: with as many values
    as rows, times the levels of the treatments, they would be more than the rows.
    """
    single = [c for c in within if len(c.atoms) == 1]
    if not any(c.treatment and c.columns <= own for c in single for own in inner):
        return False
    level, n_levels = group.level, len(group.levels)
    codes = [combine(*(codes_of(x) for x in c.X.T)) for c in single]
    full = np.prod([_distinct(level, code, n_levels).astype(float) for code in codes], axis=0)
    rows = np.bincount(level, weight, minlength=n_levels)
    complete = (rows == full) & (_distinct(level, combine(*codes), n_levels) == full)
    return bool(2 * np.count_nonzero(complete) > n_levels)


def _distinct(level: np.ndarray, code: np.ndarray, n_levels: int) -> np.ndarray:
    """Count the distinct codes in each level."""
    return np.bincount(owner_of(combine(level, code), level), minlength=n_levels)


def _worth_naming(terms: list[_Candidate], own: list[RandomTerm]) -> list[_Candidate]:
    fitted = [
        (effect, group.Z[:, list(effect.columns)])
        for group in own
        for effect in group.effects
        if effect.name != "1" and group.shared is None  # curves along time are no treatment
    ]
    treatments = [term for term in terms if term.treatment or term.curve is not None]
    if any(_is_treatment(effect, Z) for effect, Z in fitted):
        return []  # whoever lets one treatment vary has thought of the others
    return treatments if treatments or fitted else terms


def _with_margins(terms: list[_Candidate], absent: set[frozenset[str]]) -> list[_Candidate]:
    """Leave out interactions of which a main effect, absent so far, is not named with them."""
    out: list[_Candidate] = []
    for term in sorted(terms, key=lambda term: len(term.atoms)):
        named = {other.name for other in out}
        if not any(name < term.name and name not in named for name in absent):
            out.append(term)
    return out
