"""Formula: what a model formula says, before any data are seen.

`parse_formula` reads the text, expands operators (``*``, ``/``, ``^``, ``a/b`` and ``||`` in group
terms) into explicit terms, and finds the columns, functions and offsets in use. formulae, which
later evaluates the terms on data, is therefore only ever given plain sums of plain terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from winstan.errors import FormulaError
from winstan.formula.functions import (
    CODINGS,
    MODULES,
    is_elementwise,
    resolve_function,
    transforms,
)
from winstan.formula.joining import apart, check_labels
from winstan.formula.monotonic import is_monotonic
from winstan.formula.reader import read_formula
from winstan.formula.residual import (
    RESIDUAL,
    check_places,
    check_residual_alone,
    refuse_residual,
    residual_columns,
    with_residual,
)
from winstan.formula.smooths import SmoothSpec
from winstan.formula.syntax import formula_error
from winstan.formula.terms import Atom, Effects, GroupSpec, ResponseSpec, unique
from winstan.formula.tree import Call, Name, walk

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from winstan.formula.residual import ResidualSpec


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula: that of the mean, with those of other parameters inside it.

    Attributes
    ----------
    text
        As the user wrote it, with white space normalised; several formulas apart by ``;``.
    response
        The response expression, as text: ``log(Power)``, ``p(successes, trials)``.
    common
        The common (population-level) part, expanded, without offsets: ``1 + stim``. Of curves it
        has the straight line: ``s(t)`` is ``t`` and what bends.
    offset
        The offsets, which add up.
    groups
        The group terms.
    smooths
        The curves of all rows; those of groups are group terms.
    columns
        Every column in use, in order of appearance, those of other parameters' formulas included;
        and so are `predictor_columns`, `ambient`, `elementwise`, `functions` and `constants`.
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
    parameters : mapping of str to Formula
        Formulas of parameters beside the mean, by the parameter, which is their response.
    specific
        The terms inside ``cs()``, which have a coefficient at each threshold; None without any.
    anchored
        Of the formula of such terms: it is coded as if beside a constant, which is the thresholds'.
    residual : ResidualSpec or None
        How residuals are correlated; its columns are no predictors.
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
    smooths: tuple[SmoothSpec, ...] = ()
    parameters: Mapping[str, Formula] = field(default_factory=dict)
    specific: Effects | None = None
    anchored: bool = False
    residual: ResidualSpec | None = None

    @property
    def every(self) -> tuple[Formula, ...]:
        """Itself, and the formulas of other parameters."""
        return self, *self.parameters.values()

    @property
    def mean_text(self) -> str:
        """The formula of the mean alone, as the user wrote it."""
        return self.text.removesuffix("".join(f"; {f.text}" for f in self.parameters.values()))

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

    @property
    def monotonic_columns(self) -> frozenset[str]:
        """Columns inside ``mo()``, which keep the levels that they declare and no row has."""
        atoms = (atom for formula in self.every for atom in formula.atoms)
        return frozenset(c for atom in atoms if is_monotonic(atom.node) for c in atom.columns)

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
    def population_atoms(self) -> tuple[Atom, ...]:
        """The atoms of common terms, those inside ``cs()`` and what curves are along among them."""
        return _right_atoms(self.effects, (), (), self.specific, self.smooths)

    @property
    def limit_columns(self) -> frozenset[str]:
        """Columns that say how the response is limited, and nothing else: need not vary."""
        return self._only_of(() if (spec := self.response_spec.limits) is None else spec.atoms)

    @property
    def optional_columns(self) -> frozenset[str]:
        """Columns of the ends of intervals, which only rows that are intervals must have."""
        spec = self.response_spec.limits
        return self._only_of(() if spec is None or spec.upper is None else (spec.upper,))

    def _only_of(self, atoms: tuple[Atom, ...]) -> frozenset[str]:
        """Return the columns of some of the response's atoms that stand nowhere else."""
        others = [atom for atom in self.response_spec.atoms if atom not in atoms]
        elsewhere = {column for atom in others for column in atom.columns}
        own = {column for atom in atoms for column in atom.columns}
        return frozenset(own - elsewhere - {*self.predictor_columns})

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The atoms of the right side: of common terms, offsets and group effects."""
        return _right_atoms(
            self.effects, self.offset_atoms, self.groups, self.specific, self.smooths
        )

    @property
    def curves(self) -> tuple[SmoothSpec, ...]:
        """The curves of all rows and of groups, in formulas of all parameters."""
        every = [spec for one in self.every for spec in one.smooths]
        every += [g.smooth for one in self.every for g in one.groups if g.smooth is not None]
        return tuple(every)

    @property
    def curved_columns(self) -> frozenset[str]:
        """Columns that curves are along."""
        return frozenset(column for spec in self.curves for column in spec.covariate.columns)


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
    atoms = _right_atoms(
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
        elif function not in known:
            names[function] = resolve_function(function, namespace)
    names |= {name: namespace[name] for name in formula.ambient if name in namespace}
    return names


def _right_atoms(
    effects: Effects,
    offsets: tuple[Atom, ...],
    groups: tuple[GroupSpec, ...],
    specific: Effects | None,
    smooths: tuple[SmoothSpec, ...],
) -> tuple[Atom, ...]:
    of_groups = (atom for group in groups for atom in group.design.atoms.values())
    of_thresholds = () if specific is None else specific.atoms.values()
    along = (spec.covariate for spec in smooths)
    return (*effects.atoms.values(), *of_thresholds, *offsets, *of_groups, *along)
