"""What bambi calls a model's components, terms and variables, and where draws of ours are in them.

bambi has a component for each parameter that has a formula; of unordered categories it has one for
all of them, whose coefficients have an element for each category but the reference. Variables of
components beside the mean begin with the parameter's name, as winstan's do. What bambi has as one
less a parameter (``psi`` of ``zi``) has that parameter's linear predictor, negated: on the logit
scale that is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.bambi_curves import curves_of
from winstan.backends.program_names import speakable
from winstan.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr

    from winstan._typing import Array
    from winstan.design import Design, RandomTerm, Term
    from winstan.families.distribution import BambiFamily
    from winstan.formula import Formula
    from winstan.model import Model

OWN = "winstan_"
RESPONSE = f"{OWN}y"
# The dim of categories but the reference.
_BY_CATEGORY = f"{RESPONSE}_reduced_dim"


def family_of(model: Model) -> BambiFamily:
    """Return the family as bambi has it.

    Raises
    ------
    BackendError
        If it has none.
    """
    if model.family.bambi is None:
        raise BackendError(
            f"bambi has no family {model.family.name!r} of these parameters; backend='stan' and "
            "'pymc' have."
        )
    return model.family.bambi


def component_of(model: Model, parameter: str) -> str:
    """Name a parameter as bambi does."""
    family = family_of(model)
    if parameter == model.design.parameter:
        return family.mean
    return family.names.get(parameter, family.complements.get(parameter, parameter))


def has_categories(model: Model) -> bool:
    """Whether one formula of bambi's is that of all categories but the reference."""
    return model.family.of_labels is not None


def is_mirrored(model: Model, parameter: str) -> bool:
    """Whether bambi's linear predictor is ours, negated."""
    return parameter in family_of(model).complements


def stated(model: Model) -> list[tuple[Formula, Design]]:
    """List the formulas that bambi is given, and their designs."""
    pairs = list(zip(model.formula.every, model.design.every, strict=True))
    return pairs[:1] if has_categories(model) else pairs


def group_terms(model: Model) -> list[RandomTerm]:
    """List the group terms, which curves of all rows are none of."""
    return [one.term for one in model.stacked.written]


def factor_columns(model: Model) -> dict[str, str]:
    """Name a column for each factor: what users call theirs may be no name for bambi."""
    factors = dict.fromkeys(group.factor for group in group_terms(model))
    return {factor: f"{OWN}group_{i}" for i, factor in enumerate(factors)}


def prefix_of_component(model: Model, design: Design) -> str:
    """Return what bambi's names of a component's variables begin with, or ours that it is given."""
    if has_categories(model):
        return ""
    if is_mirrored(model, design.parameter):
        return f"{component_of(model, design.parameter)}_"
    return design.prefix


def aliases(model: Model) -> dict[str, str]:
    """Name the variables whose own names cannot be those of variables and dims."""
    names = [
        f"{prefix_of_component(model, design)}{term}"
        for _, design in stated(model)
        for term in terms_of(model, design)
    ]
    return {name: f"{OWN}term_{i}" for i, name in enumerate(names) if speakable(name) != name}


def aliases_by_component(model: Model) -> dict[str, Any]:
    """Return `aliases` as bambi takes them: by term, and by parameter if several are predicted.

    Parameters that bambi has another name for are called by ours too, and so are their terms.
    """
    known, names = aliases(model), family_of(model).names
    by_parameter = {}
    for _, design in stated(model):
        prefix = prefix_of_component(model, design)
        terms = {term: f"{prefix}{term}" for term in terms_of(model, design)}
        own = {term: known[name] for term, name in terms.items() if name in known}
        if design.parameter in names:
            if design.intercept:
                terms["Intercept"] = design.intercept_name
            own = {names[design.parameter]: design.parameter} | terms | own
        by_parameter[component_of(model, design.parameter)] = own
    numbers = {their: our for our, their in names.items() if our not in model.design.beside}
    if len(by_parameter) == 1:
        return by_parameter[component_of(model, model.design.parameter)] | numbers
    return {parameter: own for parameter, own in by_parameter.items() if own} | numbers


def terms_of(model: Model, design: Design) -> Iterator[str]:
    """List a component's terms by bambi's names, but for its intercept."""
    yield from (term.name for term in design.terms)
    yield from (curve.term.name for curve in curves_of(design))
    columns = factor_columns(model)
    for group in design.groups:
        yield from (name_of_effect(effect, columns[group.factor]) for effect in group.effects)


def name_of_effect(effect: Term, column: str) -> str:
    """Name a group term's effect as bambi does, by the column of its factor."""
    return f"{effect.name}|{column}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variable is among bambi's.

    Attributes
    ----------
    name : str
        Of bambi's variable.
    sign : int
        What bambi's is multiplied by.
    complement : bool
        Whether it is one less bambi's.
    category : int or None
        Its place in the dim of categories, if there is one.
    levels_last : bool
        Whether bambi has the coefficients of a curve by column, then by level: we have a curve
        after the other.
    """

    name: str
    sign: int = 1
    complement: bool = False
    category: int | None = None
    levels_last: bool = False

    def values(self, posterior: xr.Dataset) -> Array:
        """Return the draws with dims in our order: (chains, draws, *dims)."""
        found = posterior[self.name]
        if self.category is not None:
            found = found.isel({_BY_CATEGORY: self.category})
        values: Array = found.transpose("chain", "draw", ...).to_numpy()
        if self.levels_last:
            values = np.swapaxes(values, -2, -1).reshape(*values.shape[:-2], -1)
        return 1 - values if self.complement else self.sign * values


def places(model: Model) -> dict[str, Place]:
    """Return where each variable of a model is among bambi's."""
    out: dict[str, Place] = {}
    designs = {design.parameter: design for design in model.design.every}
    for k, design in enumerate(designs.values()):
        at = _component_place(model, design, k)
        if design.intercept:
            out[design.intercept_name] = replace(at, name=_their_name(model, design, "Intercept"))
        for term in design.terms:
            out[term.variable] = replace(at, name=_their_name(model, design, term.name))
        for curve in curves_of(design):
            theirs, smooth = _their_name(model, design, curve.term.name), curve.smooth
            weights = replace(at, name=f"{theirs}_weights", levels_last=bool(curve.by))
            out[smooth.term.variable] = weights
            for name, their in zip(smooth.variables, ("sigma", "ell"), strict=True):
                out[name] = Place(f"{theirs}_{their}")
    columns, order = factor_columns(model), list(designs)
    for group in group_terms(model):
        for effect in group.effects:
            design = designs[effect.parameter]
            theirs = _their_name(model, design, name_of_effect(effect, columns[group.factor]))
            at = replace(
                _component_place(model, design, order.index(effect.parameter)), name=theirs
            )
            out[group.effect_name(effect)] = at
            out[group.sd_name(effect)] = replace(at, name=f"{theirs}_sigma", sign=1)
    for ours, theirs in family_of(model).complements.items():
        if ours not in designs:
            out[ours] = Place(theirs, complement=True)
    return out


def _component_place(model: Model, design: Design, k: int) -> Place:
    sign = -1 if is_mirrored(model, design.parameter) else 1
    return Place("", sign, category=k if has_categories(model) else None)


def _their_name(model: Model, design: Design, term: str) -> str:
    name = f"{prefix_of_component(model, design)}{term}"
    return aliases(model).get(name, name)
