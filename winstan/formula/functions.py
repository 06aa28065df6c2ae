"""Functions that a formula may call, where they come from, and which work row by row."""

from __future__ import annotations

import inspect
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from formulae.categorical import ENCODINGS
from formulae.transforms import TRANSFORMS

from winstan.errors import near_matches
from winstan.formula.binning import BIN, Bins
from winstan.formula.codings import contrast_of
from winstan.formula.counted import COUNTED
from winstan.formula.foreign import foreign_call
from winstan.formula.group_means import GROUP_MEANS
from winstan.formula.monotonic import MONOTONIC, Steps
from winstan.formula.tree import Call, Node, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

# Functions that a formula may call by their bare names.
BARE_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            *(np.log, np.log10, np.log2, np.log1p, np.exp, np.exp2, np.expm1, np.sqrt, np.cbrt),
            *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan),
            *(np.sinh, np.cosh, np.tanh, np.sign, np.floor, np.ceil, np.round),
            *(np.minimum, np.maximum, np.where, np.clip),
        )
    }
    | {"abs": np.abs}
)
# Modules that a formula may use although the caller never imported them under this name.
MODULES: Mapping[str, Any] = MappingProxyType({"np": np, "numpy": np})
# What a formula reaches in modules beside their ufuncs: numpy's functions of whole columns. None of
# them knows files or code.
_OF_COLUMNS = (
    *(np.where, np.clip, np.round, np.around, np.nan_to_num, np.isin, np.real, np.sinc, np.i0),
    *(np.cumsum, np.cumprod, np.diff, np.gradient, np.sort, np.argsort, np.flip, np.roll),
    *(np.sum, np.prod, np.mean, np.average, np.median, np.std, np.var, np.min, np.max, np.ptp),
    *(np.quantile, np.percentile, np.nanmean, np.nanmedian, np.nanstd, np.nanmin, np.nanmax),
    *(np.interp, np.digitize, np.searchsorted, np.unwrap, np.polyval, np.zeros_like, np.ones_like),
)
CODINGS = frozenset({"C", "S", "T", "B", "binary", MONOTONIC})
PROPORTIONS = frozenset({"p", "prop", "proportion"})
COUNTS = frozenset({"multinomial", "c"})
# Elementwise besides numpy's ufuncs: a row's value depends on that row alone. The codings qualify
# because they depend on the set of levels, which the distinct rows have in common with all rows.
_ELEMENTWISE_NAMES = CODINGS | {"I", "offset"}
_ELEMENTWISE = (np.where, np.clip, np.round, np.around, np.nan_to_num, np.isin, abs, round)
# So do means of groups, which count each distinct row as often as it occurs, and evenly spaced
# values between the smallest and the largest, which distinct rows have among them.
_COUNTED = (*GROUP_MEANS.values(), Bins)


def transforms() -> dict[str, Any]:
    """Return formulae's functions and codings, without what bambi adds as it is imported.

    Its ``hsgp()`` is not a column of a design, but a process.
    """
    every = {**TRANSFORMS, **ENCODINGS}
    return {
        name: function
        for name, function in every.items()
        if not str(function.__module__).startswith("bambi")
    }


def resolve_function(name: str, namespace: Mapping[str, Any]) -> Any:
    """Find the function that a formula calls; None where there is no such function.

    formulae's own come first (as formulae itself has it) and ``mo``, then the bare mathematical
    functions, unless the caller defined a function of that name, then the caller's namespace. What
    bambi put among formulae's does not count, nor does a function of the caller's that it hides.
    Of modules, those functions that only make numbers of numbers: a formula may come from elsewhere
    than the program, and reaches no file, no attribute and no code.
    """
    known = {**transforms(), MONOTONIC: Steps}
    if name in known:
        return known[name]
    if name in TRANSFORMS or _is_private(name):
        return None
    root, *attributes = name.split(".")
    if attributes:
        found = _attribute(namespace.get(root, MODULES.get(root)), attributes)
        return found if isinstance(found, np.ufunc) or _is_one_of(found, _OF_COLUMNS) else None
    if name in BARE_FUNCTIONS:
        own = namespace.get(name)
        # `from math import log` is no wish for a function that fails on columns.
        is_own = callable(own) and own is not getattr(math, name, None)
        return own if is_own and not isinstance(own, np.ufunc) else BARE_FUNCTIONS[name]
    own = {**GROUP_MEANS, BIN: Bins}
    if name in own and not callable(namespace.get(name)):
        return own[name]
    found = namespace.get(name)
    return found if callable(found) else None


def _is_private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _attribute(module: Any, names: Sequence[str]) -> Any:
    """Return what modules have under these names; None where one is no module."""
    for name in names:
        module = getattr(module, name, None) if inspect.ismodule(module) else None
    return module


def _is_one_of(function: Any, known: Sequence[Any]) -> bool:
    return any(function is one for one in known)


def would_overwrite(call: Call, function: Any) -> bool:
    """Whether an argument of numpy's is a place for the result, which a column is not."""
    if isinstance(function, np.ufunc):
        return bool(call.keywords) or len(call.arguments) > function.nin
    if not _is_one_of(function, _OF_COLUMNS):
        return False
    try:
        known = list(inspect.signature(function).parameters)
    except ValueError:  # np.where tells none, and has no such argument
        return False
    given = [*known[: len(call.arguments)], *(key for key, _ in call.keywords)]
    return "out" in given


def is_counted(node: Node, namespace: Mapping[str, Any]) -> bool:
    """Whether a row's values need no more than that row, the others' and how often each occurs."""
    return _all_calls(node, namespace, _ELEMENTWISE_NAMES | COUNTED.keys())


def is_elementwise(node: Node, namespace: Mapping[str, Any]) -> bool:
    """Whether every function in an expression gives a row's value from that row alone."""
    return _all_calls(node, namespace, _ELEMENTWISE_NAMES)


def _all_calls(node: Node, namespace: Mapping[str, Any], names: Container[str]) -> bool:
    """Whether all calls are of these names, elementwise, or codings."""
    calls = [call for call in walk(node) if isinstance(call, Call)]
    contrasts = [contrast_of(call) for call in calls]
    for call in calls:
        if call.function in names or any(call is one for one in contrasts):
            continue
        function = resolve_function(call.function, namespace)
        is_ufunc = isinstance(function, np.ufunc) and function.signature is None
        if not is_ufunc and not _is_one_of(function, (*_ELEMENTWISE, *_COUNTED)):
            return False
    return True


def unknown_function(name: str, namespace: Mapping[str, Any]) -> str:
    """Say that there is no such function, and what may have been meant."""
    if (said := foreign_call(name)) is not None:
        return said
    root, *attributes = name.split(".")
    module_name = name.rpartition(".")[0]
    if _is_private(name):
        hint, remedy = "", "A formula calls no name that begins with an underscore."
    elif not module_name:
        own = [key for key, value in namespace.items() if callable(value)]
        hint = near_matches(
            name, [*transforms(), *BARE_FUNCTIONS, *GROUP_MEANS, BIN, MONOTONIC, *own]
        )
        remedy = "Functions of your own must be defined where the formula is written."
    elif root not in namespace and root not in MODULES:
        hint, remedy = "", f"'{root}' is not defined where the formula is written."
    else:
        module = _attribute(namespace.get(root, MODULES.get(root)), attributes[:-1])
        hint = near_matches(name, [f"{module_name}.{key}" for key in dir(module)])
        remedy = f"'{module_name}' has no such function."
        if inspect.ismodule(module) and callable(getattr(module, attributes[-1], None)):
            short, hint = attributes[-1], ""
            remedy = (
                "Of a module a formula reaches ufuncs, and numpy's functions of columns: make a "
                f"column first; or say {short} = {name} where the formula is written, and call "
                f"{short}()."
            )
    if hint.startswith(" Known"):
        hint = ""  # hundreds of names help nobody
    return f"unknown function '{name}'.{hint} {remedy}"
