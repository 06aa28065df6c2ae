"""The parameters of a fit by name: which a figure is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan._text import find_name
from winstan.draws import tree_name
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    import xarray as xr

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.variables import Variable

CLASSES = {"b": "coefficient", "sd": "sd", "corr": "correlation", "simo": "simplex"}
"""The classes of parameters, as the priors name them, and their roles."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A scalar parameter with its draws.

    Attributes
    ----------
    name : str
        As in the summary: ``sigma``, ``1|mouse[m3]``.
    label : str
        What tells it from others of its variable, ``m3``; the name where there are no others.
    of : Variable
        What it is an entry of.
    values : ndarray, shape (chains, draws)
    """

    name: str
    label: str
    of: Variable
    values: Array

    @property
    def variable(self) -> str:
        """The name of its variable."""
        return self.of.name

    @property
    def role(self) -> str:
        """What it is, see `Variable`."""
        return self.of.role


def select(
    model: Model, draws: xr.DataTree, names: str | Sequence[str] | None
) -> tuple[Parameter, ...]:
    """Return the parameters of these names, each once, in the order given.

    Parameters
    ----------
    model, draws
    names
        Parameters (``sigma``, ``1|mouse[m3]``), variables of several (``1|mouse``, ``cond``), or
        classes: ``"b"`` (coefficients), ``"sd"``, ``"corr"``,
        ``"simo"`` (shares of monotonic steps). None is all but the group effects.

    Raises
    ------
    OptionError
        If a name is unknown.
    """
    found: dict[str, Parameter] = {}
    known = _places(model)
    if names is None:
        wanted = [name for name, (of, _, _) in known.items() if of.role != "effect"]
    else:
        if not isinstance(names, Iterable):
            raise OptionError(f"names= takes names of parameters, not {names!r}.")
        wanted = []
        for name in [names] if isinstance(names, str) else list(names):
            wanted += _matching(name, known)
    posterior = draws["posterior"]
    for name in wanted:
        of, label, at = known[name]
        values = posterior[tree_name(of.name)].to_numpy()
        place: Any = (..., *at)
        found[name] = Parameter(name, label, of, values[place])
    return tuple(found.values())


def long_draws(parameters: Sequence[Parameter]) -> pd.DataFrame:
    """Return draws in long form: columns parameter, chain, draw, value."""
    parts = []
    for parameter in parameters:
        chains, draws = parameter.values.shape
        at = product(range(chains), range(draws))
        table = pd.DataFrame(at, columns=["chain", "draw"])
        parts.append(table.assign(parameter=parameter.name, value=parameter.values.ravel()))
    return pd.concat(parts, ignore_index=True)


def _matching(name: object, known: dict[str, tuple[Variable, str, tuple[int, ...]]]) -> list[str]:
    """Return the scalars that a name stands for."""
    if not isinstance(name, str):
        raise OptionError(f"names= takes names of parameters, not {name!r}.")
    if name in known:
        return [name]
    if found := find_name(name, known):
        return [found]
    whole = find_name(name, {of.name for of, *_ in known.values()})
    several = [scalar for scalar, (of, *_) in known.items() if of.name == whole]
    if not several and name in CLASSES:
        several = [scalar for scalar, (of, *_) in known.items() if of.role == CLASSES[name]]
        if not several:
            raise OptionError(f"This model has no parameter of the class {name!r}.")
    if not several:
        variables = [of.name for of, *_ in known.values()]
        # The variables first: a model may have thousands of group effects.
        candidates = list(dict.fromkeys([*variables, *known] if "[" in name else variables))
        raise OptionError(f"There is no parameter {name!r}." + near_matches(name, candidates))
    return several


def _places(model: Model) -> dict[str, tuple[Variable, str, tuple[int, ...]]]:
    """By scalar: its variable, its label there, and its place."""
    out = {}
    for variable in model.variables:
        axes = [list(enumerate(labels)) for labels in variable.coords.values()]
        for at in product(*axes):
            label = ", ".join(str(text) for _, text in at)
            name = f"{variable.name}[{label}]" if at else variable.name
            out[name] = (variable, label or name, tuple(i for i, _ in at))
    return out
