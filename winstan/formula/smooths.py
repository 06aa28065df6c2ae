"""Reading ``s(t)`` and ``hsgp(t)``: curves along a number, of all rows, by condition, of groups.

``s(t)`` is a straight line, the term ``t``, and what bends; ``s(t, by=cond)`` the terms ``cond:t``
and a bend for each level; ``s(t, mouse, bs="fs")`` a curve of each mouse, level and slope included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.formula.monotonic import check_monotonic, is_monotonic
from winstan.formula.syntax import formula_error
from winstan.formula.terms import SmoothSpec
from winstan.formula.tree import Binary, Call, Constant, Name, Node, quote_name, walk, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan.formula.atoms import AtomReader
    from winstan.formula.terms import Atom, Effects

SMOOTHS = frozenset({"s", "hsgp"})
BASES = ("tp", "cr", "fs")
_NOT_BUILT = (
    '{word!r} is no basis of s(): bs="tp" (thin plate, what is taken), "cr" (cubic regression) or, '
    'for a curve of each group, s(t, group, bs="fs"){more}'
)


def read_smooth(call: Call, atoms: AtomReader, source: str) -> SmoothSpec:
    """Read a call of ``s`` or ``hsgp``.

    Raises
    ------
    FormulaError
    """

    def error(message: str, pos: int = call.pos) -> Exception:
        return formula_error(message, source, pos)

    kind, options = call.function, dict(call.keywords)
    usage = (
        's(t), s(t, k=10), s(t, by=cond), or s(t, mouse, bs="fs") for a curve of each mouse'
        if kind == "s"
        else "hsgp(t), hsgp(t, by=cond), hsgp(t, m=30, c=2)"
    )
    known = ("k", "by", "bs", "xt") if kind == "s" else ("m", "c", "by")
    for name in options:
        if name not in known:
            raise error(f"{kind}() has no option {name}=: write {usage}.")
    wanted = _basis(options, error) if kind == "s" else ("", "tp")
    grouped = wanted[0] == "fs"
    if len(call.arguments) != 1 + grouped:
        raise error(
            f"{kind}() takes one number: write {usage}. Surfaces of several are in mgcv and brms."
            if not grouped
            else 's(t, mouse, bs="fs") takes a number and the column of its groups.'
        )
    groups: tuple[str, ...] = ()
    if grouped:
        groups = _columns(call.arguments[1], 's(t, mouse, bs="fs")', error)
        atoms.must_be_columns(groups)
        if "by" in options:
            raise error(
                's(..., bs="fs") has no by=: write s(t, by=cond) for the conditions, and '
                's(t, mouse, bs="fs") for the curves of each mouse beside them.'
            )
    by = ""
    if "by" in options:
        by = _column(options["by"], f"{kind}(t, by=cond)", error)
        atoms.must_be_columns((by,))
    node = call.arguments[0]
    for below in walk(node):
        if isinstance(below, Call) and is_monotonic(below):
            check_monotonic(below, source, inside=True)
    return SmoothSpec(
        kind=kind,
        covariate=atoms.atom(node),
        by=by,
        groups=groups,
        basis=wanted[1],
        size=_whole(options, "k" if kind == "s" else "m", 3 if kind == "s" else 2, error),
        boundary=_number(options, "c", error),
    )


def with_lines(
    smooths: tuple[SmoothSpec, ...], effects: Effects, source: str
) -> tuple[tuple[Atom, ...], ...]:
    """Return the terms that are the straight lines of curves, beside those of `effects`.

    Raises
    ------
    FormulaError
        If ``by=`` names a column that is no term of its own, or two curves are one.
    """
    out: list[tuple[Atom, ...]] = []
    seen: dict[tuple[str, str], SmoothSpec] = {}
    for spec in smooths:
        first = seen.setdefault((spec.name, spec.group), spec)
        if first is not spec:
            raise formula_error(
                f"{first.text} and {spec.text} are the same curve; remove one of them.", source
            )
        if spec.group:
            continue
        line: tuple[Atom, ...] = (spec.covariate,)
        if spec.by:
            own = next((t[0] for t in effects.terms if len(t) == 1 and _is(t[0], spec.by)), None)
            if own is None:
                raise formula_error(
                    f"{spec.text} has curves about the level of each {spec.by!r}, and the formula "
                    f"has no levels: write {quote_name(spec.by)} + {spec.text}.",
                    source,
                )
            line = (spec.covariate, own)
        if spec.kind == "s":
            out.append(line)
    return tuple(out)


def _is(atom: Atom, column: str) -> bool:
    return atom.columns == (column,)


def _basis(options: Mapping[str, Node], error: Callable[..., Exception]) -> tuple[str, str]:
    """Return ``bs=``, and the basis of its curves."""
    given = _word(options, "bs", "tp", error)
    if given not in BASES:
        raise error(
            _NOT_BUILT.format(
                word=given, more="; effects of groups are (1 | group)" * (given == "re")
            )
            + "."
        )
    inner = _word(options, "xt", "tp", error)
    if "xt" in options and (given != "fs" or inner not in ("tp", "cr")):
        raise error('xt= is the basis of s(t, group, bs="fs"): "tp" or "cr".')
    return given, inner if given == "fs" else given


def _word(
    options: Mapping[str, Node], name: str, usual: str, error: Callable[..., Exception]
) -> str:
    match options.get(name):
        case None:
            return usual
        case Constant(str() as word):
            return word
    raise error(f'{name}= is a word in quotes, such as {name}="{usual}".')


def _column(node: Node, usage: str, error: Callable[..., Exception]) -> str:
    if isinstance(node, Name):
        return node.text
    raise error(f"{write(node)} is no column: {usage} takes a column of labels.")


def _columns(node: Node, usage: str, error: Callable[..., Exception]) -> tuple[str, ...]:
    """Return the columns of a factor: of ``a:b`` both."""
    if isinstance(node, Binary) and node.op == ":":
        every = (*_columns(node.left, usage, error), *_columns(node.right, usage, error))
        return tuple(dict.fromkeys(every))
    return (_column(node, usage, error),)


def _whole(
    options: Mapping[str, Node], name: str, least: int, error: Callable[..., Exception]
) -> int | None:
    match options.get(name):
        case None:
            return None
        case Constant(int() as value) if value >= least:
            return value
    raise error(f"{name}= is a whole number from {least} up.")


def _number(
    options: Mapping[str, Node], name: str, error: Callable[..., Exception]
) -> float | None:
    match options.get(name):
        case None:
            return None
        case Constant(int() | float() as value) if value > 1:
            return float(value)
    raise error(f"{name}= is a number above 1.")
