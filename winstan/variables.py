"""The parameters of a design, by the names, dims and labels that all backends report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winstan.design.dims import dims_of, level_dim
from winstan.design.evaluation import MEAN, parameter_name

if TYPE_CHECKING:
    from winstan.design import Stacked
    from winstan.likelihood import Likelihood
    from winstan.shrinkage import Shrinkage


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter as it is reported: bambi's names and dims.

    Attributes
    ----------
    name : str
        ``Intercept``, ``stim``, ``1|mouse``, ``1|mouse_sigma``, ``mouse_corr``, ``sigma``.
    coords : mapping of str to tuple
        Labels by dim, in order; empty for a scalar.
    role : {"coefficient", "effect", "sd", "correlation", "simplex", "auxiliary"}
    parameter : str
        In whose linear predictor it is: ``mu``, the mean; ``sigma``.
    """

    name: str
    coords: Mapping[str, tuple[Any, ...]]
    role: str
    parameter: str = MEAN

    @property
    def constant(self) -> bool:
        """Whether it is the constant of a linear predictor."""
        return self.name == parameter_name(self.parameter, "Intercept")

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dim."""
        return tuple(len(labels) for labels in self.coords.values())


def variables(
    stacked: Stacked,
    likelihood: Likelihood,
    shrinkage: Shrinkage | None = None,
    residual: Mapping[str, Mapping[str, tuple[Any, ...]]] | None = None,
) -> tuple[Variable, ...]:
    """List a model's parameters: coefficients, group sds, correlations, numbers, effects.

    `residual` has the dims of residual correlations, by name.
    """
    vector = likelihood.family.thresholds
    out = [Variable("Intercept", {}, "coefficient")] if stacked.intercept and not vector else []
    for term in stacked.terms:
        dims = dims_of(term.variable, term.labels)
        out.append(Variable(term.variable, dims, "coefficient", term.parameter))
    written = [one.term for one in stacked.written]
    for group in written:
        out += [Variable(name, dims, "sd", of) for name, (dims, of) in group.sd_variables.items()]
    for curve in stacked.curves:
        smooth = curve.smooth
        out += [Variable(n, smooth.dims, "sd", smooth.term.parameter) for n in smooth.variables]
    for name, pairs in stacked.correlation_labels.items():
        out.append(Variable(name, dims_of(name, pairs), "correlation"))
    for one in stacked.monotones:
        dims = dims_of(one.variable, one.labels)
        out.append(Variable(one.variable, dims, "simplex", one.parameter))
    out += [Variable(number.name, {}, "auxiliary") for number in likelihood.reported]
    if vector is not None:
        dims = dims_of(vector.name, likelihood.threshold_labels)
        out.append(Variable(vector.name, dims, "auxiliary"))
    if shrinkage is not None:
        out += [
            Variable(name, dims_of(name, own), "auxiliary") for name, own in shrinkage.dims.items()
        ]
    out += [Variable(name, dims, "auxiliary") for name, dims in (residual or {}).items()]
    for group in written:
        levels = {level_dim(group.factor): group.levels}
        out += [
            Variable(group.effect_name(e), group.dims(e) | levels, "effect", e.parameter)
            for e in group.effects
        ]
    for curve in stacked.curves:
        term = curve.smooth.term
        dims = dims_of(term.variable, term.labels)
        out.append(Variable(term.variable, dims, "effect", term.parameter))
    return tuple(out)
