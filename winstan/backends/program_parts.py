"""What the programs for readers have in common: columns, linear predictors and group terms, named.

A parameter that has a formula has a linear predictor of its own; a group term may have effects on
several of them, which is why group terms stand beside the predictors and not in them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from winstan._angles import wrap_angles
from winstan.backends.program_curves import WrittenCurve, curve_of_groups, curve_of_rows
from winstan.backends.program_names import Names, format_effect
from winstan.backends.program_pieces import Column, Group, Predictor, Thresholds
from winstan.backends.program_simplexes import Simplex
from winstan.design import MEAN

if TYPE_CHECKING:
    from winstan.design import Design, RandomTerm, Term
    from winstan.formula import Formula
    from winstan.model import Model


class Parts:
    """The columns, linear predictors and group terms of a model, named.

    Attributes
    ----------
    model : Model
    columns : list of Column
        All of them, in order: response, trials, coefficients and offset of each predictor, weight,
        group terms.
    response, trials, weight : Column
        The last two may be None.
    limits : dict of str to Column
        What is known of the response's limits and errors, by `Limits`'s names.
    predictors : tuple of Predictor
        That of the mean first.
    simplexes : list of Simplex
        Of monotonic effects.
    groups : list of Group
    curves : list of WrittenCurve
        Those of groups, which are no group terms here, after those of all rows.
    """

    def __init__(self, model: Model, names: Names) -> None:
        self._names = names
        self.model = model
        self._shared: list[tuple[Column, np.ndarray]] = []
        self._row = model.design.row
        self.columns: list[Column] = []
        design, spec = model.design, model.formula.response_spec

        y = spec.value.name + "".join(f"_{level}" for level in spec.success)
        kind = "count" if model.family.trials else model.family.kind
        labels = design.response.categories or ()
        values = wrap_angles(design.response.y) if model.family.circular else design.response.y
        self.response = self._declare(y, kind, values, len(labels))
        self.trials = self.weight = None
        if design.response.trials is not None:
            text = spec.trials.name if spec.trials and spec.trials.columns else "trials"
            self.trials = self._declare(text, "count", design.response.trials)
        self.limits = self._limits(model)
        self.simplexes = self._simplexes(model)
        self.predictors = tuple(
            self._predictor(model, block, formula)
            for block, formula in enumerate(model.formula.every)
        )
        if design.weights is not None:
            self.weight = self._declare("weight", "positive", design.weights)
        self._levels: dict[str, Column] = {}
        self.groups = self._groups(model)
        self.curves = self._smooths(model)

    @property
    def mean(self) -> Predictor:
        """The linear predictor of the mean."""
        return self.predictors[0]

    @property
    def beside(self) -> tuple[Predictor, ...]:
        """Those of other parameters."""
        return self.predictors[1:]

    @property
    def centers_levels(self) -> bool:
        """Whether some level's prior is at the mean of other columns."""
        return any(move for predictor in self.predictors for move in predictor.moves)

    def _limits(self, model: Model) -> dict[str, Column]:
        """Declare the columns of limits and errors by the user's names, where these are columns."""
        limits, spec = model.design.response.limits, model.formula.response_spec.limits
        if limits is None or spec is None:
            return {}
        out = {}
        for name, values in limits.columns.items():
            atom = getattr(spec, name)
            kind = "count" if model.family.whole else "real"
            kind = {"status": "status", "error": "positive"}.get(name, kind)
            out[name] = self._declare(atom.name if atom.columns else name, kind, values)
        return out

    def _declare(self, text: str, kind: str, values: np.ndarray, levels: int = 0) -> Column:
        whole = kind in ("count", "binary", "level", "ordered", "unordered", "status")
        copied = values.astype(int if whole else float)  # a program's data are the reader's own
        column = Column(self._names.new(text), text, kind, copied, levels)
        self.columns.append(column)
        return column

    def _shareable(self, text: str, by_design_row: np.ndarray) -> Column:
        """Declare a design column; whatever has the same name and values shares it."""
        for known, values in self._shared:
            if known.text == text and np.array_equal(values, by_design_row):
                return known
        column = self._declare(text, "real", by_design_row[self._row])
        self._shared.append((column, by_design_row))
        return column

    def _simplexes(self, model: Model) -> list[Simplex]:
        """Name the simplexes, and the columns of their categories."""
        out, columns = [], dict[str, Column]()
        for v, one in enumerate(model.stacked.monotones):
            if one.column not in columns:
                values = model.stacked.steps[self._row, v]
                columns[one.column] = self._declare(one.column, "level", values, one.n + 1)
            name, tail = self._names.new(one.variable), one.variable.replace("simo_", "")
            prior = model.priors[one.variable]
            heights = self._names.new(f"h_{tail}")
            out.append(Simplex(one.variable, name, heights, columns[one.column], prior))
        return out

    def _curves(self, term: Term) -> tuple[str, ...]:
        """Return what multiplies a term's columns."""
        places = self.model.stacked.monotones_of(term)
        return tuple(self.simplexes[v].factor for v in places)

    def _predictor(self, model: Model, block: int, formula: Formula) -> Predictor:
        """Name the columns of a parameter's linear predictor."""
        design, priors = model.design.every[block], model.priors
        coefficients = tuple(
            self._shareable(name, design.X[:, column])
            for term in design.terms
            for name, column in zip(_columns_of(term), term.columns, strict=True)
        )
        offset = None
        if np.any(design.offset):
            text = f"offset_{design.prefix}" + "_".join(formula.offset)
            offset = self._declare(text, "real", design.offset[design.row])
        own = np.flatnonzero(model.stacked.block == block)[-len(coefficients) :]
        means = np.zeros((len(coefficients), 0))
        if coefficients and model.level_means is not None:
            means = model.level_means[np.ix_(own, own)]
        name, thresholds = design.intercept_name, None
        if (vector := model.family.thresholds) is not None and block == 0:
            name = vector.name
            kind = "ordered" if vector.domain == "ordered" else "vector"
            labels = model.likelihood.threshold_labels
            thresholds = Thresholds(name, labels, priors[name], kind)
        return Predictor(
            design=design,
            link=model.likelihood.links[block],
            coefficients=coefficients,
            offset=offset,
            intercept_prior=priors[name] if design.intercept and not thresholds else None,
            priors=tuple(priors[name] for term in design.terms for name in term.column_names),
            center=_has_columns(design, model)
            and _constant_of(design, model, name) in priors.at_mean,
            curves=tuple(self._curves(term) for term in design.terms for _ in term.columns),
            moves=tuple({int(i): float(row[i]) for i in np.flatnonzero(row)} for row in means),
            thresholds=thresholds,
        )

    def _effect_column(
        self, group: RandomTerm, effect: Term, name: str, values: np.ndarray
    ) -> Column | None:
        """Declare the column of a group effect: zero in the rows of other arms; None is one."""
        if group.arms:
            of = "" if effect.name == "1" else f"{name}_"
            return self._shareable(f"{of}{group.by}_{group.arms[0]}", values)
        return None if effect.name == "1" else self._shareable(name, values)

    def _level(self, group: RandomTerm) -> Column:
        """Declare the column of a factor, once."""
        whose = "_".join([group.factor, *map(str, group.arms)])
        if whose not in self._levels:
            values = group.level[self._row]
            self._levels[whose] = self._declare(whose, "level", values, group.n_levels)
        return self._levels[whose]

    def _smooths(self, model: Model) -> list[WrittenCurve]:
        """Name the curves, and declare their columns."""
        priors, out = model.priors, []
        for design in model.design.every:
            for smooth in design.smooths:
                values = design.X[:, list(smooth.term.columns)]
                columns = self._declare_basis(smooth.term.variable, values)
                out.append(curve_of_rows(smooth, columns, self._names, priors))
        of_rows = {part for curve in model.stacked.curves for part in curve.parts}
        for m, one in enumerate(model.stacked.groups):
            if one.shared is not None and m not in of_rows:
                columns = self._declare_basis(one.effects[0].variable, one.Z)
                out.append(curve_of_groups(one, columns, self._level(one), self._names, priors))
        return out

    def _declare_basis(self, text: str, by_design_row: np.ndarray) -> Column:
        return self._declare(text, "basis", by_design_row[self._row], by_design_row.shape[1])

    def _groups(self, model: Model) -> list[Group]:
        """Name the group terms."""
        stacked, priors = model.stacked, model.priors
        factors = [group.partition for group in stacked.groups if group.shared is None]
        out = []
        for group, blocks in zip(stacked.groups, stacked.group_block, strict=True):
            if group.shared is not None:
                continue
            level = self._level(group)
            tail = level.name
            effects = tuple(map(_ascii, group.column_names))
            if factors.count(group.partition) > 1:  # (1|g) + (0 + x|g)
                tail = "_".join([tail, *(format_effect(effect) for effect in group.effects)])
            out.append(
                Group(
                    term=group,
                    level=level,
                    tail=self._names.tail(tail),
                    columns=tuple(
                        self._effect_column(group, effect, name, group.Z[:, column])
                        for effect in group.effects
                        for name, column in zip(_columns_of(effect), effect.columns, strict=True)
                    ),
                    of=tuple(stacked.parameters[block] for block in blocks),
                    curves=tuple(self._curves(e) for e in group.effects for _ in e.columns),
                    effects=effects,
                    sd_priors=tuple(priors[name] for name in group.sd_names),
                    lkj=priors[name].numbers[0] if (name := group.correlation_name) else None,
                )
            )
        return out


def _constant_of(design: Design, model: Model, own: str) -> str:
    """Name the constant that columns stand beside: of those of one threshold, the thresholds."""
    vector = model.family.thresholds
    return vector.name if design.anchored and vector is not None else own


def _has_columns(design: Design, model: Model) -> bool:
    """Whether any columns stand beside a linear predictor's constant."""
    also = model.design.beside.values() if design is model.design else ()
    return bool(design.terms) or any(own.anchored for own in also)


def _columns_of(term: Term) -> tuple[str, ...]:
    """Name a term's columns as data: those of one name are the same in all formulas."""
    return replace(term, parameter=MEAN).column_names


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode().replace("\n", " ")
