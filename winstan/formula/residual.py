"""Terms of residual correlation: ``ar(time, unit)``, and the like.

They stand in the formula of the mean, or by themselves: ``residual="ar(time, unit)"``, which is
the formula ``residual ~ ar(time, unit)``. ``cs(visit, unit)`` has two columns; with one, ``cs(x)``,
it is another term.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from winstan.formula.syntax import formula_error
from winstan.formula.terms import Effects, GroupSpec, ResidualSpec, unique
from winstan.formula.tree import Binary, Call, Constant, Name, Node, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.formula.formula import Formula

RESIDUAL = "residual"
"""The left side of a formula that has nothing else."""
KINDS = ("ar", "car", "cs", "toep", "unstr")
_PLACES = {"time": 0, "visit": 0, "gr": 1, "unit": 1}


def is_residual(node: Node) -> bool:
    """Whether an addend is such a term."""
    if not isinstance(node, Call) or node.function not in KINDS:
        return False
    return node.function != "cs" or len(node.arguments) + len(node.keywords) > 1


def read_residual(node: Node, source: str) -> ResidualSpec:
    """Read a term.

    Raises
    ------
    FormulaError
        If it has not two columns.
    """
    assert isinstance(node, Call)
    kind = node.function
    what = "visit" if kind in ("cs", "toep", "unstr") else "time"

    def wrong(said: str, pos: int) -> Exception:
        return formula_error(f"{kind}({what}, unit) {said}", source, pos)

    given: list[Node | None] = [*node.arguments, None, None][: max(2, len(node.arguments))]
    for name, value in node.keywords:
        if name == "p" and isinstance(value, Constant) and value.value == 1:
            continue
        if name not in _PLACES:
            raise wrong(
                f"has no option {name}=: its correlation is of first order, within units, and "
                "spreads that differ have a formula of sigma.",
                node.pos,
            )
        if given[_PLACES[name]] is not None:
            raise wrong(f"says twice what {name}= is.", node.pos)
        given[_PLACES[name]] = value
    if len(given) > 2 or given[0] is None or given[1] is None:
        raise wrong(
            f"takes a column that orders the rows of a unit, and the column of the units: "
            f"{kind}({'visit' if what == 'visit' else 'trial'}, mouse).",
            node.pos,
        )
    if not isinstance(given[0], Name):
        raise wrong(
            f"takes a column, not '{write(given[0])}'. Make it a column of the data first.",
            given[0].pos,
        )
    return ResidualSpec(kind, given[0].text, _units(given[1], source))


def _units(node: Node, source: str) -> tuple[str, ...]:
    match node:
        case Name(text) | Call("C" | "factor", (Name(text),), ()):
            return (text,)
        case Binary(":", left, right):
            return tuple(dict.fromkeys((*_units(left, source), *_units(right, source))))
    raise formula_error(
        f"'{write(node)}' is no unit of rows: units are a column, or a:b.", source, node.pos
    )


def the_only(specs: Sequence[ResidualSpec], source: str) -> ResidualSpec | None:
    """Return the only term there is, or None.

    Raises
    ------
    FormulaError
        If there are several.
    """
    if len(specs) > 1:
        raise formula_error(
            f"there are two terms of residual correlation, {specs[0].text} and {specs[1].text}: a "
            "model has one. A group term, (1 | g), is how rows of further units resemble each "
            "other.",
            source,
        )
    return specs[0] if specs else None


def residual_columns(formula: Formula) -> tuple[str, ...]:
    """Return the columns of a formula's residual correlation."""
    return () if formula.residual is None else formula.residual.columns


def with_latent(formula: Formula) -> Formula:
    """Return the formula with its residual correlation as that of effects of single rows."""
    spec = formula.residual
    if spec is None:
        return formula
    columns = unique([*spec.factor_columns, spec.time])
    group = GroupSpec("1", spec.text, True, columns, Effects(True, ()), latent=spec.kind)
    return replace(
        formula,
        groups=(*formula.groups, group),
        predictor_columns=unique([*formula.predictor_columns, *columns]),
    )


def check_places(formula: Formula) -> None:
    """Refuse a response that orders the rows, or says their units, itself.

    Raises
    ------
    FormulaError
    """
    spec, left = formula.residual, formula.response_spec.value.columns
    if spec is not None and left and set(left) <= set(spec.columns):
        raise formula_error(
            f"the response {formula.response_spec.name!r} cannot be the "
            f"{'time' if spec.time in left else 'unit'} of {spec.text}: places and units are told "
            "before anything is measured. Name the column of times, and that of the units.",
            formula.text,
        )


def check_residual_alone(formula: Formula) -> None:
    """Refuse anything beside the term in ``residual ~ ar(time, unit)``.

    Raises
    ------
    FormulaError
    """
    others = (formula.effects.terms, formula.groups, formula.smooths, formula.offset)
    if formula.residual is None or any(others):
        raise formula_error(
            "residual= is how residuals are correlated, and nothing else: ar(time, unit), "
            "car(time, unit), cs(visit, unit), toep(visit, unit) or unstr(visit, unit).",
            formula.text,
        )


def refuse_residual(formula: Formula) -> None:
    """Refuse a residual correlation in the formula of a parameter.

    Raises
    ------
    FormulaError
    """
    if formula.residual is not None:
        raise formula_error(
            f"{formula.residual.text} stands in the first formula, or in residual=: residuals are "
            "those of the response.",
            formula.text,
        )


def with_residual(mean: Formula, other: Formula) -> Formula:
    """Return the formula of the mean with the residual correlation of a formula of its own.

    Raises
    ------
    FormulaError
        If the mean's formula has one already.
    """
    own = [spec for spec in (mean.residual, other.residual) if spec is not None]
    return replace(
        mean,
        text=f"{mean.text}; {other.text}",
        columns=unique([*mean.columns, *residual_columns(other)]),
        residual=the_only(own, f"{mean.text}; {other.text}"),
    )
