"""How parameters are named: nothing else puts a name together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MEAN = "mu"
"""The parameter of the first formula."""


def prefix_of(parameter: str) -> str:
    """Begin names in a parameter's linear predictor: with nothing of the mean, or ``sigma_``."""
    return "" if parameter == MEAN else f"{parameter}_"


def parameter_name(parameter: str, name: str) -> str:
    """Name what is in the linear predictor of a parameter: ``stim`` of the mean, ``sigma_stim``."""
    return f"{prefix_of(parameter)}{name}"


def column_names(variable: str, labels: Iterable[object]) -> tuple[str, ...]:
    """Name the columns of a variable: ``cond[b]``, or as the variable where there is one."""
    return tuple(f"{variable}[{label}]" for label in labels) or (variable,)


def effect_name(effect: str, factor: str) -> str:
    """Name an effect of a factor's levels: ``stim|mouse``."""
    return f"{effect}|{factor}"


def sd_name(effect: str, factor: str) -> str:
    """Name the sd of an effect: ``stim|mouse_sigma``."""
    return f"{effect_name(effect, factor)}_sigma"


def correlation_name(factor: str, of: Iterable[object] = ()) -> str:
    """Name the correlations of a factor's effects: ``mouse_corr``, or of one of its terms."""
    return column_names(f"{factor}_corr", filter(None, [", ".join(map(str, of))]))[0]
