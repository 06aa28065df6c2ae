"""Priors that bambi has no words for: as distributions that it calls, and as programs have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.program_names import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array


@dataclass(frozen=True, slots=True)
class Made:
    """A distribution of PyMC's, with numbers for single elements, or of elements in order.

    Attributes
    ----------
    kind : str
        PyMC's name for it.
    numbers : mapping of str to ndarray
        Its numbers, of the shape of the variable.
    ordered : int
        How many elements there are, if these are to increase.
    """

    kind: str
    numbers: Mapping[str, Array] = field(default_factory=dict)
    ordered: int = 0

    def __call__(self, name: str, dims: Any = None) -> Any:
        """Make the variable, in PyMC's model."""
        pm = import_module("pymc")
        more = {}
        if self.ordered:
            transform = pm.distributions.transforms.ordered
            more = {"transform": transform, "initval": np.linspace(-1, 1, self.ordered)}
        return getattr(pm, self.kind)(name, dims=dims, **self.numbers, **more)

    @property
    def source(self) -> str:
        """What a program writes."""
        said = [f"{name}={_written(values)}" for name, values in self.numbers.items()]
        if self.ordered:
            said.append("transform=pm.distributions.transforms.ordered")
            said.append(f"initval=np.linspace(-1, 1, {self.ordered})")
        return f"lambda name, dims: pm.{self.kind}(name, {', '.join(said)}, dims=dims)"


def _written(values: Any) -> str:
    if np.ndim(values):
        return f"[{', '.join(map(_written, values))}]"
    if np.isfinite(values):
        return number(values)
    return "np.inf" if values > 0 else "-np.inf"
