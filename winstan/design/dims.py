"""What dims are called, as bambi calls them."""

from __future__ import annotations

from typing import Any


def dim_of(variable: str) -> str:
    """Name the dim of a variable's own elements: ``stim_dim``."""
    return f"{variable}_dim"


def dims_of(variable: str, labels: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    """Return a variable's dim with its labels; none of a scalar, which has no labels."""
    return {dim_of(variable): labels} if labels else {}


def level_dim(factor: str) -> str:
    """Name the dim of a factor's levels: ``mouse__factor_dim``."""
    return f"{factor}__factor_dim"
