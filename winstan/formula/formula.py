"""`Formula`: what the text of a formula means, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winstan.formula.functions import CODINGS
from winstan.formula.monotonic import is_monotonic
from winstan.formula.syntax import formula_error
from winstan.formula.terms import (
    Atom,
    Effects,
    GroupSpec,
    ResidualSpec,
    ResponseSpec,
    SmoothSpec,
)
from winstan.formula.tree import Call, Name, walk

if TYPE_CHECKING:
    from collections.abc import Container


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
        and so are `predictor_columns`, `ambient`, `elementwise`, `counted`, `functions` and
        `constants`.
    response_columns, predictor_columns
        Those of the left side; those of the right side, group factors included.
    ambient
        Names used only inside calls, which the caller's namespace knows: columns where the data
        have such a column, the caller's values otherwise.
    elementwise
        Whether every function on the right side works row by row.
    counted
        Whether they do but for those of whole columns that know how often a row occurs (``scale``,
        ``poly``), so that rows that share all predictor values share their design row.
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
    counted: bool
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
        return right_atoms(self.effects, (), (), self.specific, self.smooths)

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
        return right_atoms(
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


def right_atoms(
    effects: Effects,
    offsets: tuple[Atom, ...],
    groups: tuple[GroupSpec, ...],
    specific: Effects | None,
    smooths: tuple[SmoothSpec, ...],
) -> tuple[Atom, ...]:
    """Return the atoms of a right side: of common terms, offsets, group effects and curves."""
    of_groups = (atom for group in groups for atom in group.design.atoms.values())
    of_thresholds = () if specific is None else specific.atoms.values()
    along = (spec.covariate for spec in smooths)
    return (*effects.atoms.values(), *of_thresholds, *offsets, *of_groups, *along)
