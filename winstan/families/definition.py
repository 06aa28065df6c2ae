"""What defines a family, as text that files keep: whether it is still the one of a kept fit."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from pathlib import Path
from textwrap import dedent
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.namespace import Namespace
from winstan.families.registry import FAMILIES, own_family

if TYPE_CHECKING:
    from winstan.families.family import Family

# What it is called, and is written as for readers, changes no posterior.
_WORDS = frozenset({"name", "aliases", "label", "usual", "wider", "zeros", "stan", "pymc"})
_APART = frozenset({"reference", "parameters", "template"})
PARAMETER = "parameter "
"""What the entries of parameters begin with."""


def definition_of(family: Family) -> dict[str, str]:
    """Return what defines a family; nothing of one of winstan's own, which its version does.

    Parameters
    ----------
    family

    Returns
    -------
    dict of str to str
        By what it is called: the template's text and each function's source by a hash (comments
        and spaces of functions apart, and what else they call), parameters, and all other data.
    """
    own = own_family(family.name)
    if own is family:
        return {}
    found = _description(family)
    return {} if own is not None and found == _description(own) else found


def definition_changes(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name what differs between two definitions of families of one name.

    Parameters
    ----------
    name
        Of the families.
    before, now
        From `definition_of`.
    """
    if not before and not now:
        return []
    one, other = (given or _description(FAMILIES[name]) for given in (before, now))
    return [what for what in dict.fromkeys([*one, *other]) if one.get(what) != other.get(what)]


def _description(family: Family) -> dict[str, str]:
    out = {"template": _template(family.template)}
    out["order of parameters"] = " ".join(parameter.name for parameter in family.parameters)
    out |= {f"{PARAMETER}{p.name!r}": _text(_attributes(p)) for p in family.parameters}
    known = _attributes(family)
    return out | {name: _text(value) for name, value in known.items() if name not in _APART}


def _template(name: str) -> str:
    path = Path(name)
    is_own = path.suffix == ".stan" and path.is_file()
    return _hash(path.read_text(encoding="utf-8")) if is_own else path.name


def _attributes(value: Any) -> dict[str, Any]:
    """Return what is not as by default: the fields that a later winstan adds will be."""
    out = {}
    for field in fields(value):
        if field.name in _WORDS:
            continue
        own, default = getattr(value, field.name), field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        if own is not default and _described(own) != _described(default):
            out[field.name] = own
    return out


def _text(value: Any) -> str:
    return json.dumps(_described(value), sort_keys=True)


def _described(value: Any) -> Any:
    """Write what a value is as what JSON has."""
    out: Any
    match value:
        case None | bool() | int() | float() | str():
            out = value
        case tuple() | list():
            out = [_described(part) for part in value]
        case Mapping():
            out = {str(key): _described(part) for key, part in value.items()}
        case np.ndarray() | np.generic():
            out = value.tolist()
        case Namespace():  # a default argument of densities, which grows with winstan
            out = "Namespace"
        case partial():
            out = [_described(part) for part in (value.func, value.args, value.keywords)]
        case MethodType():
            out = [_described(value.__func__), _described(value.__self__)]
        case FunctionType():
            out = _described_function(value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            out = [type(value).__qualname__, _described(_attributes(value))]
        case _:
            out = getattr(value, "__qualname__", type(value).__qualname__)
    return out


def _described_function(function: FunctionType) -> list[Any]:
    if function.__module__.partition(".")[0] == "winstan":
        own = function.__qualname__
    else:
        try:
            source = dedent(inspect.getsource(function))
        except (OSError, TypeError):  # typed at a prompt
            source = _written(function.__code__)
        with suppress(SyntaxError):  # of a lambda that begins in the middle of a line
            source = ast.dump(ast.parse(source))
        own = _hash(source)
    held = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # of what is not yet there
            if not isinstance(cell.cell_contents, FunctionType):
                held.append(_described(cell.cell_contents))
    return [own, _described(function.__defaults__), held]


def _written(code: CodeType) -> str:
    """Return what a function does, without its source."""
    constants = [
        _written(part) if isinstance(part, CodeType) else part
        for part in code.co_consts
        if isinstance(part, CodeType | int | float | complex | str)
    ]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
