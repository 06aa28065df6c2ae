"""Each group's intercept on the response scale: its mean response at the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.effects.codings import coding_of
from winstan.effects.intervals import describe
from winstan.effects.means import mean_response
from winstan.errors import OptionError, near_matches
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.design import GroupTerm, Term
    from winstan.families.links import Array
    from winstan.formula.terms import Atom, Effects
    from winstan.model import Model


def group_intercepts(
    model: Model, posterior: Mapping[str, Array], factor: str, prob: float, interval: str
) -> pd.DataFrame:
    """Each group's intercept on the response scale: the mean response at X = 0.

    Without a population intercept, the levels of the factor that stands for it (``cond`` in
    ``0 + cond``) are averaged, each counting once. Another factor's effect is at zero, unless each
    level of `factor` lies within one level of it, as ``b`` does in ``a/b``.

    Returns
    -------
    DataFrame
        Columns level, mean, sd, and the interval's ends. Its ``attrs["at"]`` says what X is.
    """
    group = next((g for g in model.design.groups if g.factor == factor), None)
    if group is None:
        factors = [g.factor for g in model.design.groups]
        raise OptionError(
            f"{factor!r} is no group factor of this model." + near_matches(str(factor), factors)
        )
    if f"1|{factor}" not in posterior:
        raise OptionError(
            f"This model has no intercepts by {factor!r}: it has no term (1|{factor})."
        )
    averaged = _averaged_columns(model)
    terms = [t for t in model.design.terms if _within(model.formula.effects, t, averaged)]
    of_groups = [
        (
            other,
            parent,
            [
                e
                for e in other.effects
                if e.name == "1" or (averaged and _within(spec.design, e, averaged))
            ],
        )
        for other, spec in zip(model.design.groups, model.formula.groups, strict=True)
        if (parent := _parents(group, other)) is not None
    ]
    mu: Array = np.zeros(1)
    cells = _cells(model, averaged)
    for cell in cells:
        eta = np.zeros((len(posterior[f"1|{factor}"]), len(group.levels)))
        if "Intercept" in posterior:
            eta += posterior["Intercept"][:, None]
        for term in terms:
            beta = posterior[term.name].reshape(len(eta), -1)
            eta += (beta @ model.design.X[cell, list(term.columns)])[:, None]
        for other, parent, effects in of_groups:
            for effect in effects:
                u = posterior[f"{effect.name}|{other.factor}"]
                u = u.reshape(len(eta), len(effect.columns), len(other.levels))
                eta += np.einsum("skl,k->sl", u, other.Z[cell, list(effect.columns)])[:, parent]
        mu = mu + mean_response(model, posterior, eta) / len(cells)
    rows = [
        {"level": level} | describe(mu[:, j], prob, interval)
        for j, level in enumerate(group.levels)
    ]
    table = pd.DataFrame(rows)
    table.attrs["at"] = _reference_text(model, averaged)
    return table


def _averaged_columns(model: Model) -> frozenset[str]:
    """Columns of the factors that stand for the population intercept; none where there is one."""
    if model.design.intercept:
        return frozenset()
    found: set[str] = set()
    for term in model.design.terms:
        atoms = _atoms(model.formula.effects, term)
        # Fully coded: the constant is a sum of its columns. Others are zero at their reference.
        X = np.unique(model.design.X[:, list(term.columns)], axis=0)
        ones = np.ones(len(X))
        if all(_is_factor(model, atom) for atom in atoms) and np.allclose(
            X @ np.linalg.lstsq(X, ones)[0], ones
        ):
            found.update(column for atom in atoms for column in atom.columns)
    return frozenset(found)


def _cells(model: Model, averaged: frozenset[str]) -> list[int]:
    """Return a design row of each combination of the averaged columns."""
    return np.flatnonzero(
        ~model.design.predictors.duplicated(sorted(averaged)).to_numpy()
        if averaged
        else np.arange(len(model.design.predictors)) == 0
    ).tolist()


def _parents(group: GroupTerm, other: GroupTerm) -> Array | None:
    """Return the level of another factor in which each level lies; None where it is not one."""
    pairs = np.unique(np.stack([group.level, other.level]), axis=1)
    return pairs[1] if pairs.shape[1] == len(group.levels) else None


def _within(effects: Effects, term: Term, columns: frozenset[str]) -> bool:
    """Whether a term is made of these columns alone."""
    atoms = _atoms(effects, term)
    return bool(atoms) and {c for atom in atoms for c in atom.columns} <= columns


def _atoms(effects: Effects, term: Term) -> tuple[Atom, ...]:
    """Return the atoms that a term is made of; formulae may write them in another order."""
    names = sorted(term.name.split(":"))
    for atoms in effects.terms:
        if sorted(":".join(atom.name for atom in atoms).split(":")) == names:
            return atoms
    return ()


def _is_factor(model: Model, atom: Atom) -> bool:
    if not atom.columns or atom.columns[0] not in model.design.predictors:
        return False
    column = atom.columns[0]
    is_factor = isinstance(model.design.predictors[column].dtype, pd.CategoricalDtype)
    return is_factor or column in model.formula.coded_columns


def _reference_text(model: Model, averaged: frozenset[str]) -> str:
    """Say what X is: ``at x = 0, stim = 0``; empty where there are no predictors."""
    fixed, over = [], []
    atoms = list(model.formula.effects.atoms.values())
    plain = {atom.node.text for atom in atoms if isinstance(atom.node, Name)}
    for atom in atoms:
        if _is_factor(model, atom):
            column = atom.columns[0]
            coding = coding_of(model, column)
            if column in averaged or coding.sums:
                over.append(column)
            else:
                fixed.append(f"{column} = {coding.levels[0]}")
        elif isinstance(atom.node, Name) or not set(atom.columns) <= plain:
            fixed.append(f"{atom.name} = 0")
    parts = [f"at {', '.join(dict.fromkeys(fixed))}"] if fixed else []
    parts += [f"averaged over {', '.join(dict.fromkeys(over))}"] if over else []
    return ", ".join(parts)
