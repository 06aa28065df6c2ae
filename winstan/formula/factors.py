"""Group terms of a formula: their factors and options, and what two of them may not both give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.formula.foreign import foreign_call
from winstan.formula.syntax import formula_error
from winstan.formula.terms import Effects, GroupSpec, unique
from winstan.formula.tree import Bar, Binary, Call, Name, Node, write

if TYPE_CHECKING:
    from winstan.formula.atoms import AtomReader
    from winstan.formula.terms import SmoothSpec


def read_groups(bar: Bar, effects: Effects, atoms: AtomReader, source: str) -> list[GroupSpec]:
    """Read what is right of the bar of a group term: one term for each of its factors.

    Raises
    ------
    FormulaError
    """
    node, by = _options(bar.factor, atoms, source)
    specs = []
    for columns in _factors(node, source):
        atoms.must_be_columns(columns)
        factor = ":".join(columns)
        specs.append(
            GroupSpec(effects.text, factor, bar.correlated, columns, effects, bar.label, by)
        )
    return specs


def groups_of_curves(spec: SmoothSpec) -> GroupSpec:
    """Return the group term that the curves of groups are."""
    own = Effects(True, ((spec.covariate,),))
    return GroupSpec(own.text, spec.group, False, spec.groups, own, smooth=spec)


def check_group_terms(groups: tuple[GroupSpec, ...], source: str) -> None:
    """Refuse two group terms that give the same parameter.

    Raises
    ------
    FormulaError
    """
    seen: dict[tuple[str, frozenset[str]], GroupSpec] = {}
    for group in groups:
        for name in group.design.names:
            first = seen.setdefault((name, frozenset(group.factor_columns)), group)
            if first is group:
                continue
            what, remedy = f"'{name}'", "remove one of them"
            if name == "1":
                what = "an intercept"
                if group.design.terms:
                    remedy = (
                        f"write {group.without_intercept}, or put all effects into one group term"
                    )
            if first.smooth is not None or group.smooth is not None:
                curve, other = (first, group) if first.smooth is not None else (group, first)
                remedy = f"{curve.text} has a level and a slope of each: remove {other.text}"
            raise formula_error(
                f"{first.text} and {group.text} both give {what} for each '{group.factor}'; "
                f"{remedy}.",
                source,
            )


def _options(node: Node, atoms: AtomReader, source: str) -> tuple[Node, str]:
    """Take a factor out of ``gr(factor, by=column)``, with the column."""
    match node:
        case Call("gr", (factor,), ()):
            return factor, ""
        case Call("gr", (factor,), (("by", Name(column)),)):
            atoms.must_be_columns((column,))
            return factor, column
        case Call("gr", pos=pos):
            raise formula_error(
                "gr(g, by=column) gives the groups of each level of a column a covariance of "
                "their own; it has no other option (cov=, dist=).",
                source,
                pos,
            )
    return node, ""


def _factors(node: Node, source: str) -> list[tuple[str, ...]]:
    """Return the columns of each factor: ``a/b`` is the two factors a and a:b."""
    match node:
        case Name(text) | Call("C" | "factor", (Name(text),), ()):
            return [(text,)]
        case Binary("/", left, right):
            outer = _factors(left, source)
            return [*outer, *(unique(outer[-1] + inner) for inner in _factors(right, source))]
        case Binary(":", left, right):
            first, second = _factors(left, source), _factors(right, source)
            if len(first) == len(second) == 1:
                return [unique(first[0] + second[0])]
        case Binary("+" | "*", pos=pos):
            raise formula_error(
                "one group term has one grouping factor: write (1 | a) + (1 | b) for crossed "
                "factors, (1 | a:b) for combinations, (1 | a/b) for nested ones.",
                source,
                pos,
            )
        case Call(function) if (said := foreign_call(function)) is not None:
            raise formula_error(said, source, node.pos)
    raise formula_error(
        f"'{write(node)}' is no grouping factor: a factor is a column, a:b or a/b. Make it a "
        "column of the data first.",
        source,
        node.pos,
    )
