"""Formula: what a model formula says, before any data are seen.

`parse_formula` reads the text, expands operators (``*``, ``/``, ``^``, ``a/b`` and ``||`` in group
terms) into explicit terms, and finds the columns, functions and offsets in use. formulae, which
later evaluates the terms on data, is therefore only ever given plain sums of plain terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from winstan.errors import FormulaError
from winstan.formula.counted import COUNTED, code_name
from winstan.formula.formula import Formula, right_atoms
from winstan.formula.functions import (
    MODULES,
    is_counted,
    is_elementwise,
    resolve_function,
    transforms,
)
from winstan.formula.joining import apart, check_labels
from winstan.formula.reader import read_formula
from winstan.formula.residual import (
    RESIDUAL,
    check_places,
    check_residual_alone,
    refuse_residual,
    residual_columns,
    with_residual,
)
from winstan.formula.syntax import formula_error
from winstan.formula.terms import unique
from winstan.formula.tree import Name

if TYPE_CHECKING:
    from collections.abc import Iterable


def parse_formula(
    text: str | Iterable[str],
    namespace: Mapping[str, Any] | None = None,
    parameters: Mapping[str, str] | None = None,
    *,
    for_all: bool = False,
) -> Formula:
    """Read a formula, or those of several parameters of one model.

    Parameters
    ----------
    text
        Such as ``"log(Power) ~ stim * np.log(dose) + offset(t) + (1 + stim | mouse)"``; or a list,
        that of the mean first: ``["y ~ x", "sigma ~ x"]``, which is ``"y ~ x; sigma ~ x"``.
    namespace
        Where functions and values of the caller's own are found. ``np`` and the usual
        mathematical functions need none.
    parameters
        Right sides by parameter: ``{"sigma": "x"}``.
    for_all
        Whether the first formula is that of several parameters (`for_each`), so that a label
        ``(x |p| g)`` may stand in it alone.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        When the text is not a formula, or calls a function that does not exist.
    """
    try:
        return _read_all(text, {} if namespace is None else namespace, parameters, for_all=for_all)
    except RecursionError:
        raise FormulaError(
            "The formula is nested too deeply to be read: take brackets and signs away, or make "
            "columns of its parts first."
        ) from None


def _read_all(
    text: str | Iterable[str],
    namespace: Mapping[str, Any],
    parameters: Mapping[str, str] | None,
    *,
    for_all: bool,
) -> Formula:
    source, *others = apart(text, parameters)
    mean = _read(source, namespace)
    found: dict[str, Formula] = {}
    apart_from: list[Formula] = []
    constants = dict(mean.constants)
    for other in others:
        formula = _read(other, namespace, constants)
        constants |= dict(formula.constants)
        name = formula.response
        if not isinstance(formula.response_spec.value.node, Name) or formula.response_spec.success:
            raise formula_error(
                f"after the first formula come those of parameters, such as sigma ~ x: {name!r} "
                "is none. One model has one response.",
                other,
            )
        if name in found or (name == RESIDUAL and apart_from):
            raise formula_error(f"there are two formulas of {name!r}.", other)
        if name == RESIDUAL:
            check_residual_alone(formula)
            apart_from.append(formula)
        else:
            refuse_residual(formula)
            found[name] = formula
    if apart_from:
        mean = with_residual(mean, apart_from[0])
    check_places(mean)
    whole = (mean, *found.values())
    if not for_all:
        groups = (g for formula in whole for g in formula.groups)
        check_labels(groups, "; ".join([source, *others]))
    return _joined(mean, found) if found else mean


def _joined(mean: Formula, parameters: dict[str, Formula]) -> Formula:
    """Put the formulas of other parameters into that of the mean."""
    whole = (mean, *parameters.values())
    right = unique(column for formula in whole for column in formula.predictor_columns)
    return replace(
        mean,
        text="; ".join(formula.text for formula in whole),
        columns=unique([*mean.response_columns, *right, *residual_columns(mean)]),
        predictor_columns=right,
        ambient=unique(name for formula in whole for name in formula.ambient),
        elementwise=all(formula.elementwise for formula in whole),
        counted=all(formula.counted for formula in whole),
        functions=unique(name for formula in whole for name in formula.functions),
        constants=tuple(dict(pair for formula in whole for pair in formula.constants).items()),
        parameters=parameters,
    )


def _read(
    source: str, namespace: Mapping[str, Any], constants: Mapping[str, object] | None = None
) -> Formula:
    """Read a single formula."""
    reading = read_formula(source, namespace, constants)
    response = reading.response
    atoms = right_atoms(
        reading.effects, reading.offsets, reading.groups, reading.specific, reading.smooths
    )
    left = [column for atom in response.atoms for column in (*atom.columns, *atom.grouping)]
    right = [column for atom in atoms for column in (*atom.columns, *atom.grouping)]
    right += [c for group in reading.groups for c in (*group.factor_columns, group.by) if c]
    right += [spec.by for spec in reading.smooths if spec.by]
    formula = Formula(
        text=source,
        response=response.text,
        common=reading.effects.text,
        offset=tuple(atom.text for atom in reading.offsets),
        groups=reading.groups,
        columns=unique(
            [*left, *right, *([] if reading.residual is None else reading.residual.columns)]
        ),
        response_columns=unique(left),
        predictor_columns=unique(right),
        ambient=reading.ambient,
        elementwise=all(is_elementwise(atom.node, namespace) for atom in atoms),
        counted=all(is_counted(atom.node, namespace) for atom in atoms),
        functions=reading.functions,
        constants=reading.constants,
        response_spec=response,
        effects=reading.effects,
        offset_atoms=reading.offsets,
        specific=reading.specific,
        residual=reading.residual,
        smooths=reading.smooths,
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
        elif function in COUNTED:
            names[code_name(function)] = COUNTED[function]
        elif function not in known:
            names[function] = resolve_function(function, namespace)
    names |= {name: namespace[name] for name in formula.ambient if name in namespace}
    return names
