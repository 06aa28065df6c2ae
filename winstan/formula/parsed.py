"""Formula: what a model formula says, before any data are seen.

`parse_formula` reads the text, expands operators (``*``, ``/``, ``^``, ``a/b`` and ``||`` in group
terms) into explicit terms, and finds the columns, functions and offsets in use. formulae, which
later evaluates the terms on data, is therefore only ever given plain sums of plain terms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from winstan.formula.functions import (
    CODINGS,
    MODULES,
    is_elementwise,
    resolve_function,
    transforms,
)
from winstan.formula.reader import read_formula
from winstan.formula.syntax import formula_error, normalise
from winstan.formula.terms import Atom, Effects, GroupSpec, ResponseSpec, unique
from winstan.formula.tree import Call, Name, walk

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

__all__ = ["Formula", "GroupSpec", "evaluation_names", "parse_formula"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula.

    Attributes
    ----------
    text
        As the user wrote it, with white space normalised.
    response
        The response expression, as text: ``log(Power)``, ``p(successes, trials)``.
    common
        The common (population-level) part, expanded, without offsets: ``1 + stim``.
    offset
        The offsets, which add up.
    groups
        The group terms.
    columns
        Every column in use, in order of appearance.
    response_columns, predictor_columns
        Those of the left side; those of the right side, group factors included.
    ambient
        Names used only inside calls, which the caller's namespace knows: columns where the data
        have such a column, the caller's values otherwise.
    elementwise
        Whether every function on the right side works row by row, so that rows that share all
        predictor values share their design row.
    functions
        Names of the functions called.
    constants
        Values of strings, lists and unusual numbers, by the names they have in `Atom.code`.
    response_spec, effects, offset_atoms
        The parts again, as trees.
    """

    text: str
    response: str
    common: str
    offset: tuple[str, ...]
    groups: tuple[GroupSpec, ...]
    columns: tuple[str, ...]
    response_columns: tuple[str, ...]
    predictor_columns: tuple[str, ...]
    ambient: tuple[str, ...]
    elementwise: bool
    functions: tuple[str, ...]
    constants: tuple[tuple[str, object], ...] = field(repr=False)
    response_spec: ResponseSpec = field(repr=False)
    effects: Effects = field(repr=False)
    offset_atoms: tuple[Atom, ...] = field(repr=False)

    @property
    def coded_columns(self) -> frozenset[str]:
        """Columns inside ``C()`` and its like, whose values are labels rather than numbers."""
        return frozenset(
            below.text
            for atom in self.atoms
            for node in walk(atom.node)
            if isinstance(node, Call) and node.function in CODINGS
            for below in walk(node)
            if isinstance(below, Name)
        )

    def check_response_columns(self, columns: Container[str]) -> None:
        """Refuse a response that is made of nothing but predictors: ``y ~ log(y)``.

        A response of several columns may share some of them with the right side: the change of
        ``I(after - before) ~ before`` is not known from ``before``.

        Parameters
        ----------
        columns
            Names that are columns. Others are the caller's values, which may stand on both sides.
        """
        left = [c for c in self.response_spec.value.columns if c in columns]
        if left and all(column in self.predictor_columns for column in left):
            name = self.response_spec.value.name
            what = "" if [name] == left else f"column '{left[0]}' of "
            raise formula_error(
                f"{what}the response '{name}' is also a predictor; remove it from one side.",
                self.text,
            )

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The atoms of the right side: of common terms, offsets and group effects."""
        return _right_atoms(self.effects, self.offset_atoms, self.groups)


def parse_formula(text: str, namespace: Mapping[str, Any] | None = None) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text
        Such as ``"log(Power) ~ stim * np.log(dose) + offset(t) + (1 + stim | mouse)"``.
    namespace
        Where functions and values of the caller's own are found. ``np`` and the usual
        mathematical functions need none.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        When the text is not a formula, or calls a function that does not exist.
    """
    if not isinstance(text, str):
        raise formula_error(f"a formula is a string, not {type(text).__name__}.", str(text))
    source = normalise(text)
    namespace = {} if namespace is None else namespace
    reading = read_formula(source, namespace)
    response = reading.response
    atoms = _right_atoms(reading.effects, reading.offsets, reading.groups)
    left = [*response.value.columns, *(response.trials.columns if response.trials else ())]
    right = [column for atom in atoms for column in atom.columns]
    right += [column for group in reading.groups for column in group.factor_columns]
    formula = Formula(
        text=source,
        response=response.text,
        common=reading.effects.text,
        offset=tuple(atom.text for atom in reading.offsets),
        groups=reading.groups,
        columns=unique([*left, *right]),
        response_columns=unique(left),
        predictor_columns=unique(right),
        ambient=reading.ambient,
        elementwise=all(is_elementwise(atom.node, namespace) for atom in atoms),
        functions=reading.functions,
        constants=reading.constants,
        response_spec=response,
        effects=reading.effects,
        offset_atoms=reading.offsets,
    )
    # Of the other names only the data can tell whether they are columns.
    certain = set(formula.columns).difference(formula.ambient)
    if certain.issuperset(response.value.columns):
        formula.check_response_columns(certain)
    return formula


def evaluation_names(formula: Formula, namespace: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the names beside columns that the formula's code needs, with their values."""
    namespace = {} if namespace is None else namespace
    names: dict[str, Any] = dict(formula.constants)
    known = transforms()
    for function in formula.functions:
        root, *attributes = function.split(".")
        if attributes:
            names[root] = namespace.get(root, MODULES.get(root))
        elif function not in known:
            names[function] = resolve_function(function, namespace)
    names |= {name: namespace[name] for name in formula.ambient if name in namespace}
    return names


def _right_atoms(
    effects: Effects, offsets: tuple[Atom, ...], groups: tuple[GroupSpec, ...]
) -> tuple[Atom, ...]:
    of_groups = (atom for group in groups for atom in group.design.atoms.values())
    return (*effects.atoms.values(), *offsets, *of_groups)
