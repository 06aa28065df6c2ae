"""What a study is asked: contrasts, and the coefficients that give them the sizes wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize

from winstan.design_warnings import silenced
from winstan.effects.categories import parts_of
from winstan.effects.comparisons import check_treatment
from winstan.effects.contrasts import contrast
from winstan.effects.measures import measure_of
from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.effects.contrasts import Contrast
    from winstan.effects.specification import Specified
    from winstan.model import Model

# Largest miss of a contrast that was to be set, relative to its size.
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True)
class Treatment:
    """A treatment whose contrasts are asked of each study.

    Attributes
    ----------
    treatment : str
        A column, or several as ``drug:dose``.
    sizes : float, mapping from contrasts to floats, or None
        What its contrasts are in the simulated studies; None is what the parameters say.
    """

    treatment: str
    sizes: Any = None


@dataclass(frozen=True, slots=True)
class Targets:
    """The contrasts that are asked, and how.

    Attributes
    ----------
    each : tuple of Treatment
    parameter : str or None
    options : mapping
        Of `winstan.effects.contrasts.contrast`: scale, ratio, groups, rope.
    """

    each: tuple[Treatment, ...]
    parameter: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def ask(self, model: Model, draws: Mapping[str, Array], **other: Any) -> list[Contrast]:
        """Contrast each treatment, by draws of a model's parameters; `other` are other options."""
        part = self.part(model)
        with silenced("all"):
            return [
                contrast(part, draws, one.treatment, **{**self.options, **other})
                for one in self.each
            ]

    def part(self, model: Model) -> Specified:
        """Return what is asked of: the mean response, or a parameter."""
        (part,) = parts_of(model, self.parameter)
        return part.model


def read_targets(
    model: Model,
    effect: Any,
    *,
    scale: Any,
    ratio: Any,
    groups: Any,
    rope: Any,
    parameter: str | None,
) -> Targets:
    """Read the contrasts that a study is asked for.

    Raises
    ------
    OptionError
        If there is none, or an option is none of a contrast's.
    """
    each = _each(effect)
    parameter = _parameter(model, parameter)
    if groups not in (None, "population", "typical"):
        raise OptionError(
            f"groups={groups!r}: each simulated study has groups of its own, so that its effects "
            "are 'population' or 'typical'."
        )
    if ratio == "percent":
        raise OptionError("ratio='percent' is of tables: ratio=True, and 1.2 for 20% more.")
    if ratio is None and scale == "response" and parameter is None:
        ratio = model.link.name == "log" or model.family.log_response
    targets = Targets(
        each,
        parameter,
        MappingProxyType({"scale": scale, "ratio": ratio, "groups": groups, "rope": rope}),
    )
    part = targets.part(model)
    measure_of(part, scale, ratio)
    for one in each:
        for column in columns_of(model, one.treatment):
            check_treatment(part, column, "effect=")
    return targets


def _each(effect: Any) -> tuple[Treatment, ...]:
    """Read the treatments, with or without the sizes of their contrasts."""
    if isinstance(effect, str):
        effect = [effect]
    if isinstance(effect, Mapping):
        each = tuple(Treatment(str(name), sizes) for name, sizes in effect.items())
    elif isinstance(effect, Sequence) and all(isinstance(name, str) for name in effect):
        each = tuple(Treatment(name) for name in effect)
    else:
        each = ()
    if not each:
        raise OptionError(
            "effect= says what is compared, and how large it is: effect={'stim': 1.2}; or only "
            f"what, effect='stim', of the size that truth= gives it; not {effect!r}."
        )
    return each


def _parameter(model: Model, parameter: str | None) -> str | None:
    """Return what is asked of, and refuse responses that no one number is compared of."""
    family = model.family
    if family.circular:
        raise OptionError(
            f"ws.design has no {family.name} family: intervals of directions go round, so that "
            "none excludes a turn of zero as that of a number does. Simulate the cosine or sine of "
            "the angle as a gaussian response."
        )
    if model.design.response.categories is not None and parameter is None:
        if family.kind != "ordered":
            raise OptionError(
                f"ws.design compares one number, and the {family.name} family has a probability "
                "of each category. Simulate whether a response is of one category, by "
                "family='bernoulli'; or ordered ones by family='cumulative'."
            )
        parameter = "score"
    return parameter


def decided(model: Model, targets: Targets) -> frozenset[str]:
    """Return the variables of the coefficients that sizes decide.

    Raises
    ------
    OptionError
        If the formula has no term of a treatment alone.
    """
    return frozenset(
        name
        for one in targets.each
        if one.sizes is not None
        for name in own_coefficients(model, targets, one.treatment)
    )


def own_coefficients(model: Model, targets: Targets, treatment: str) -> tuple[str, ...]:
    """Return the variables of the coefficients of a treatment's own term."""
    parameter = targets.parameter
    of_mean = parameter in (None, "score", model.design.parameter)
    design = model.design if of_mean else model.design.beside[str(parameter)]
    formula = model.formula if of_mean else model.formula.parameters[str(parameter)]
    columns = set(columns_of(model, treatment))
    names = {
        ":".join(atom.name for atom in term)
        for term in formula.effects.terms
        if {c for atom in term for c in atom.columns} == columns
    }
    found = [term for term in design.terms if term.name in names and not term.monotonic]
    if not found:
        raise OptionError(
            f"{formula.text!r} has no coefficient of {treatment!r} alone, by which its contrast "
            "could be set. State the coefficients by truth=, name the contrast alone, "
            f"effect={treatment!r}, and leave false positives out, null=False."
        )
    return tuple(term.variable for term in found)


def columns_of(model: Model, treatment: str) -> list[str]:
    """Part a treatment into columns: ``drug:dose``, unless that is the name of one."""
    if treatment in model.design.predictors.columns:
        return [treatment]
    return [column.strip(" `") for column in treatment.split(":")]


def with_sizes(
    model: Model, targets: Targets, parameters: Mapping[str, Array], *, null: bool = False
) -> dict[str, Array]:
    """Set the coefficients so that contrasts have the sizes wanted, or all are null.

    Parameters
    ----------
    model
    targets
    parameters : mapping of str to ndarray, shape (1, *dims)
    null
        Whether there is no effect: all contrasts that are asked are null.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    OptionError
        If no coefficients give these contrasts.
    """
    out = dict(parameters)
    chosen = [one for one in targets.each if null or one.sizes is not None]
    if not chosen:
        return out
    asked = Targets(tuple(chosen), targets.parameter, {**targets.options, "rope": None})
    names = sorted({n for one in chosen for n in own_coefficients(model, targets, one.treatment)})
    start = [np.ravel(np.nan_to_num(out[name])) for name in names]
    parts = np.cumsum([own.size for own in start])[:-1]

    def put(values: Array) -> dict[str, Array]:
        own = zip(names, np.split(values, parts), strict=True)
        return {**out, **{name: part.reshape(out[name].shape) for name, part in own}}

    def found(values: Array) -> Array:
        contrasts = asked.ask(model, put(values))
        return np.concatenate([even(one, one.draws[0, :, 0]) for one in contrasts])

    first = asked.ask(model, put(np.concatenate(start)))
    wanted = np.concatenate(
        [
            even(result, _wanted(one, result, null=null))
            for one, result in zip(chosen, first, strict=True)
        ]
    )
    at = np.concatenate(start)
    if at.size != wanted.size:
        raise OptionError(
            f"The contrasts of {', '.join(repr(one.treatment) for one in chosen)} are "
            f"{wanted.size}, and the coefficients of its own terms {at.size}: state these by "
            "truth=, and name the contrast alone in effect=."
        )

    def away(values: Array) -> Array:
        return found(values) - wanted

    with np.errstate(all="ignore"):
        solved = optimize.root(away, at, tol=1e-10)
        miss = np.abs(away(solved.x)).max()
    if not miss <= _CLOSE * max(1.0, float(np.abs(wanted).max())):
        raise OptionError(
            f"No coefficients of {', '.join(map(repr, names))} give the contrasts that effect= "
            f"asks for, {_sizes(chosen)}: it is a {first[0].measure.words}, and the other "
            "parameters bound it. Ask for a smaller one, or on scale='link'."
        )
    return put(solved.x)


def even(result: Contrast, values: Array) -> Array:
    """Return contrasts on the scale that is even: the logarithm of ratios."""
    with np.errstate(all="ignore"):
        return np.log(values) if result.measure.ratio else values


def _wanted(one: Treatment, result: Contrast, *, null: bool) -> Array:
    """Return the size of each contrast of a treatment."""
    if null:
        return np.full(len(result.labels), result.measure.null)
    given = one.sizes
    if isinstance(given, Mapping):
        sizes = [_of_label(one, result, label) for label in result.labels]
        if len(given) != len(sizes):
            raise OptionError(
                f"effect= has {len(given)} sizes of {one.treatment!r}, whose contrasts are "
                f"{', '.join(map(repr, result.labels))}."
            )
    elif len(result.labels) > 1:
        raise OptionError(
            f"{one.treatment!r} has {len(result.labels)} contrasts, "
            f"{', '.join(map(repr, result.labels))}: give each its size, effect="
            f"{{{one.treatment!r}: {{{result.labels[0]!r}: ..., ...}}}}."
        )
    else:
        sizes = [given]
    for size in sizes:
        number = isinstance(size, Real) and not isinstance(size, bool)
        if not number or not np.isfinite(float(size)):
            raise OptionError(f"effect= gives {one.treatment!r} the size {size!r}: a number.")
        if result.measure.ratio and float(size) <= 0:
            raise OptionError(
                f"effect= gives {one.treatment!r} {size!r}, and it is a {result.measure.words} "
                "here, which is positive. ratio=False takes a difference."
            )
    return np.array(sizes, float)


def _of_label(one: Treatment, result: Contrast, label: str) -> Any:
    """Find a contrast's size by its label, or by the level that it is of."""
    sign = " / " if result.measure.ratio else " - "
    level = label.split(sign, maxsplit=1)[0]
    for key, size in one.sizes.items():
        if str(key) in (label, level):
            return size
    raise OptionError(
        f"effect= has no size of the contrast {label!r} of {one.treatment!r}; it has "
        f"{', '.join(map(repr, one.sizes))}."
    )


def _sizes(chosen: Sequence[Treatment]) -> str:
    return ", ".join(f"{one.treatment!r}: {one.sizes}" for one in chosen)
