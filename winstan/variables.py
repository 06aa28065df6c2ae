"""The parameters of a design, by the names, dims and labels that all backends report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winstan.design import Design
    from winstan.families import Family


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter as it is reported: bambi's names and dims.

    Attributes
    ----------
    name : str
        ``Intercept``, ``stim``, ``1|mouse``, ``1|mouse_sigma``, ``mouse_corr``, ``sigma``.
    coords : mapping of str to tuple
        Labels by dim, in order; empty for a scalar.
    role : {"coefficient", "effect", "sd", "correlation", "auxiliary"}
    """

    name: str
    coords: Mapping[str, tuple[Any, ...]]
    role: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dim."""
        return tuple(len(labels) for labels in self.coords.values())


def variables(design: Design, family: Family) -> tuple[Variable, ...]:
    """List a design's parameters: coefficients, group sds, correlations, auxiliary, effects."""
    out = [Variable("Intercept", {}, "coefficient")] if design.intercept else []
    out += [
        Variable(term.name, {f"{term.name}_dim": term.labels} if term.labels else {}, "coefficient")
        for term in design.terms
    ]
    for group in design.groups:
        out += [
            Variable(group.sd_name(effect), group.dims(effect), "sd") for effect in group.effects
        ]
    for factor, pairs in correlation_labels(design).items():
        out.append(Variable(f"{factor}_corr", {f"{factor}_corr_dim": pairs}, "correlation"))
    out += [Variable(name, {}, "auxiliary") for name in family.auxiliary]
    for group in design.groups:
        levels = {f"{group.factor}__factor_dim": group.levels}
        out += [
            Variable(group.effect_name(effect), group.dims(effect) | levels, "effect")
            for effect in group.effects
        ]
    return tuple(out)


def correlation_labels(design: Design) -> dict[str, tuple[str, ...]]:
    """By factor, the pairs of effects whose correlation is a parameter, in column order."""
    pairs: dict[str, tuple[str, ...]] = {}
    for group in design.groups:
        if group.pairs:
            pairs[group.factor] = pairs.get(group.factor, ()) + group.pairs
    return pairs
