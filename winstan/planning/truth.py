"""The truth of simulated studies: stated parameters, or draws of a posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._text import find_name
from winstan.effects.covariances import covariances
from winstan.effects.new_levels import draw_effects
from winstan.errors import OptionError, near_matches
from winstan.priors import Flat, Prior

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan._typing import Array
    from winstan.fit_class import Fit
    from winstan.model import Model
    from winstan.variables import Variable

DRAWS = 4000
"""Draws of what is stated as a distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Parameters from which studies are simulated.

    Attributes
    ----------
    values : mapping of str to ndarray
        By variable, without the groups' effects: shape (S, *dims); S is 1 where all are known.
    source : str
        Where they are from, in words.
    """

    values: Mapping[str, Array]
    source: str

    @property
    def known(self) -> bool:
        """Whether all studies have the same parameters."""
        return len(next(iter(self.values.values()))) == 1

    def draw(self, rng: np.random.Generator) -> dict[str, Array]:
        """Take the parameters of one study, by variable, shape (1, *dims)."""
        k = 0 if self.known else int(rng.integers(len(next(iter(self.values.values())))))
        return {name: values[[k]] for name, values in self.values.items()}


def with_effects(
    model: Model, parameters: Mapping[str, Array], rng: np.random.Generator
) -> dict[str, Array]:
    """Add effects of new groups, as many as the layout has, from their sds and correlations."""
    out = dict(parameters)
    for group, _ in model.design.drawn:
        of = covariances(group, parameters)
        u = draw_effects(of, group.n_levels, group.arm_of_level, rng)
        for effect in group.effects:
            out[group.effect_name(effect)] = group.columns_of(effect, u, axis=-2)
    return out


def truth_of_fit(model: Model, fit: Fit) -> Truth:
    """Return the posterior of a fit, whose model has the parameters of the layout's.

    Raises
    ------
    OptionError
        If it has other parameters.
    """
    own = {v.name: v for v in fit.model.variables}
    for variable in _parameters(model):
        same = own.get(variable.name)
        if same is None or list(same.coords.values()) != list(variable.coords.values()):
            raise OptionError(
                f"The fit of {fit.model.formula.text!r} has no {variable.name!r}"
                + (f" of {_listed(variable)}" if variable.coords and same is not None else "")
                + f", which the simulated {model.formula.text!r} needs: fit the same formula to a "
                "pilot of the same conditions, or state the parameters by truth={...}."
            )
    draws = fit.joined()
    values = {v.name: draws[v.name] for v in _parameters(model)}
    return Truth(values, f"{len(next(iter(values.values()))):,} draws of the posterior")


def stated_truth(model: Model, given: Any, settled: frozenset[str], seed: int) -> Truth:
    """Read parameters that are stated, as numbers or as priors that they are drawn from.

    Coefficients and correlations that are not named are zero, shares of steps are equal; so is the
    Intercept where its zero is no particular mean. All others must be there.

    Parameters
    ----------
    model
    given
        By parameter, as `Fit.summary` names them.
    settled
        Variables of the coefficients that the effect asked for decides.
    seed
        Of draws.

    Raises
    ------
    OptionError
        If a name is unknown, a value is none that the parameter can have, or one is missing.
    """
    if not isinstance(given, Mapping):
        raise OptionError(
            "truth= states the parameters of the simulated studies, truth={'sigma': 1, ...}, or is "
            f"a fit, whose posterior they are from; not {given!r}."
        )
    every = {name: (v, at) for v in _parameters(model) for name, at in _scalars(v)}
    said = dict(_said(model, given, every))
    if both := sorted(name for name in said if every[name][0].name in settled):
        raise OptionError(
            f"truth= states {both[0]!r}, which effect= decides: leave one out. effect='...' names "
            "a contrast whose size the parameters say."
        )
    missing = [
        name
        for name, (v, _) in every.items()
        if name not in said and v.name not in settled and _default(model, v) is None
    ]
    if missing:
        raise OptionError(
            f"truth= lacks {', '.join(map(repr, missing))}, without which no study of "
            f"{model.formula.text!r} can be simulated: give numbers, or priors from which each "
            "study draws its own (ws.HalfNormal(1)), or a fit of a pilot study for truth=."
        )
    n = DRAWS if any(isinstance(value, Prior) for value in said.values()) else 1
    rng = np.random.default_rng([seed, 1])
    values = {v.name: np.empty((n, *v.shape)) for v in _parameters(model)}
    for name, (variable, at) in every.items():
        value = said.get(name, _default(model, variable))
        value = 0.0 if value is None else value
        own = value.sample(rng, n) if isinstance(value, Prior) else np.full(n, float(value))
        _check_value(model, name, variable, own)
        place: Any = (slice(None), *at)
        values[variable.name][place] = own
    return Truth(values, "stated parameters" if n == 1 else "stated parameters and priors")


def shown(model: Model, truth: Truth) -> dict[str, float | str]:
    """Return each parameter as a table shows it: its value, or mean and sd of its draws."""
    out: dict[str, float | str] = {}
    for variable in _parameters(model):
        for name, at in _scalars(variable):
            place: Any = (slice(None), *at)
            own = truth.values[variable.name][place]
            many = f"{own.mean():.4g} ± {own.std():.2g}"
            out[name] = float(own[0]) if (own == own[0]).all() else many
    return out


def _parameters(model: Model) -> list[Variable]:
    """List what is stated: not effects, nor the numbers of a prior that coefficients share."""
    shared = () if model.shrinkage is None else tuple(model.shrinkage.dims)
    return [v for v in model.variables if v.role != "effect" and v.name not in shared]


def _scalars(variable: Variable) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Give the name and the place of each number of a variable."""
    for at in product(*(enumerate(labels) for labels in variable.coords.values())):
        text = ", ".join(str(label) for _, label in at)
        yield f"{variable.name}[{text}]" if at else variable.name, tuple(i for i, _ in at)


def _said(model: Model, given: Mapping[Any, Any], every: Mapping[str, Any]) -> Iterator[Any]:
    """Give the scalar parameters that are stated; a variable of several takes a sequence."""
    whole = {v.name: v for v in _parameters(model) if v.coords}
    for key, value in given.items():
        name = find_name(str(key), [*every, *whole])
        if name is None:
            raise OptionError(
                f"truth= names {key!r}, which {model.formula.text!r} does not have."
                + near_matches(str(key), [*every, *whole])
            )
        if name in every:
            yield name, _number(name, value)
            continue
        parts = [scalar for scalar, _ in _scalars(whole[name])]
        values = [value] * len(parts)
        if isinstance(value, Mapping):
            values = [value.get(label) for label in next(iter(whole[name].coords.values()))]
        elif np.iterable(value):
            values = np.ravel(np.asarray(value, object)).tolist()
        if len(values) != len(parts) or any(one is None for one in values):
            raise OptionError(
                f"truth= gives {name!r} {value!r}: it has {len(parts)} numbers, "
                f"{', '.join(map(repr, parts))}."
            )
        yield from ((part, _number(part, one)) for part, one in zip(parts, values, strict=True))


def _number(name: str, value: Any) -> Any:
    if isinstance(value, Flat):
        raise OptionError(f"truth= gives {name!r} a Flat prior, which nothing can be drawn from.")
    number = isinstance(value, Real) and not isinstance(value, bool) and np.isfinite(float(value))
    if not number and not isinstance(value, Prior):
        raise OptionError(
            f"truth= gives {name!r} {value!r}: a finite number, or a prior such as ws.Normal(0, 1)."
        )
    return value


def _default(model: Model, variable: Variable) -> float | None:
    """Return what a parameter is that is not stated; None where it must be."""
    if variable.role == "simplex":
        return 1 / len(next(iter(variable.coords.values())))
    if variable.role == "correlation":
        return 0.0
    if variable.role == "coefficient":
        shift = variable.name == "Intercept" and model.link.name == "identity"
        # The logarithm of a response has no unit, and its level is that of the response.
        return 0.0 if shift or not variable.constant else None
    return None


def _check_value(model: Model, name: str, variable: Variable, values: Array) -> None:
    """Refuse numbers that the parameter cannot have."""
    low, high = -np.inf, np.inf
    if variable.role == "sd":
        low = 0.0
    elif variable.role == "correlation":
        low, high = -1.0, 1.0
    elif variable.role == "auxiliary" and variable.name in model.family.auxiliary:
        domain = model.family.parameter(variable.name).domain
        low, high = {"positive": (0.0, np.inf), "unit": (0.0, 1.0)}.get(domain, (low, high))
    bad = values[(values < low) | (values > high)]
    if variable.role == "auxiliary" and not bad.size:
        bad = values[(values == low) | (values == high)]
    if bad.size:
        raise OptionError(
            f"truth= gives {name!r} {bad[0]:g}, and it lies between {low:g} and {high:g}."
            + (" Give it a prior of such numbers." if values.size > 1 else "")
        )


def _listed(variable: Variable) -> str:
    return ", ".join(str(label) for labels in variable.coords.values() for label in labels)
