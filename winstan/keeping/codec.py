"""Values as text and arrays, and back: data alone, of types that are listed here.

A value becomes JSON in which arrays are numbers of a list. Objects are written by the name of
their class and their fields; only dataclasses of winstan's own that hold data are known, so that
reading a file runs none of its contents.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from importlib import import_module
from inspect import ismodule
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Modules of functions that a formula may call; another could do anything when it is imported.
_MODULES = ("numpy", "scipy", "math")
# Where the classes are whose objects are data.
_HOMES = (
    "winstan.priors",
    "winstan.coordinates.conditional",
    "winstan.coordinates.coordinates",
    "winstan.coordinates.crossing",
    "winstan.coordinates.decorrelation",
    "winstan.coordinates.nesting",
    "winstan.coordinates.profiled",
    "winstan.coordinates.sd_dependent_covariance",
    "winstan.coordinates.sd_dependent_location",
    "winstan.coordinates.sd_dependent_scale",
    "winstan.coordinates.standard",
    "winstan.data.frame",
    "winstan.data.grouped",
    "winstan.diagnostics",
    "winstan.inputs",
    "winstan.settings",
)


class NotDataError(OptionError):
    """A value that is not data: a function, say."""


@cache
def _known() -> Mapping[str, type]:
    """Return the classes whose objects are written, by name."""
    modules = [vars(import_module(home)) for home in _HOMES]
    return MappingProxyType(
        {
            name: value
            for module in modules
            for name, value in module.items()
            if isinstance(value, type) and is_dataclass(value)
        }
    )


def encode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Write a value as what JSON has; its arrays are added to a list.

    Raises
    ------
    NotDataError
        If it, or a part of it, is not data.
    """
    if value is None or type(value) in (bool, str, int):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    for types, tag, write in _WRITERS:
        if isinstance(value, types):
            return {tag: write(value, arrays)}
    if value is pd.NA:
        return {"missing": "NA"}
    if ismodule(value) and value.__name__.split(".")[0] in _MODULES:
        return {"module": value.__name__}
    name = type(value).__name__
    if is_dataclass(value) and _known().get(name) is type(value):
        has = {f.name: encode(getattr(value, f.name), arrays) for f in fields(value)}
        return {"is": name, "has": has}
    raise NotDataError(f"{name} {value!r} is not data, and a file of a fit holds nothing else.")


def _items(values: Any, arrays: list[np.ndarray]) -> list[Any]:
    return [encode(value, arrays) for value in values]


def _csr(value: Any, arrays: list[np.ndarray]) -> list[Any]:
    parts = (value.data, value.indices, value.indptr)
    return [*(_array(part, arrays) for part in parts), list(value.shape)]


def _table(value: pd.DataFrame, arrays: list[np.ndarray]) -> list[Any]:
    columns = [
        [encode(name, arrays), encode(value.iloc[:, k], arrays)]
        for k, name in enumerate(value.columns)
    ]
    return [columns, encode(value.index, arrays), encode(dict(value.attrs), arrays)]


def _moment(value: pd.Timestamp, _: list[np.ndarray]) -> list[Any]:
    return [value.asm8.view("i8").item(), value.unit, None if value.tz is None else str(value.tz)]


def _array(value: np.ndarray, arrays: list[np.ndarray]) -> Any:
    """Put an array into the list, and return its place, shape, and type if files have no such."""
    if value.dtype.kind in "OU":
        items = _items(value.ravel().tolist(), arrays)
        return {"of": items, "shape": list(value.shape), "type": value.dtype.str}
    plain = value
    if value.dtype.kind in "mM":
        plain = value.view("i8")
    elif value.dtype.kind == "b":
        plain = value.view("u1")
    arrays.append(np.ascontiguousarray(plain).reshape(-1))
    return {"at": len(arrays) - 1, "shape": list(value.shape), "type": value.dtype.str}


def _column(value: Any, arrays: list[np.ndarray]) -> dict[str, Any]:
    """Write a column or an index of a table: factors by codes and levels, text by its values."""
    dtype = value.dtype
    out: dict[str, Any] = {"name": encode(value.name, arrays), "index": isinstance(value, pd.Index)}
    if isinstance(value, pd.RangeIndex):
        return out | {"range": [value.start, value.stop, value.step]}
    if isinstance(dtype, pd.CategoricalDtype):
        categorical = value.array
        levels = [encode(level, arrays) for level in categorical.categories.tolist()]
        codes = _array(np.asarray(categorical.codes), arrays)
        return out | {"codes": codes, "levels": levels, "ordered": bool(dtype.ordered)}
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        return out | {"values": _array(value.to_numpy(), arrays)}
    return out | {"items": [encode(part, arrays) for part in value.tolist()], "type": str(dtype)}


# In this order: a Timestamp is a datetime, and a NumPy float is a float.
_WRITERS: tuple[tuple[Any, str, Any], ...] = (
    (np.generic, "numpy", lambda value, arrays: _array(np.asarray(value), arrays)),
    (float, "float", lambda value, _: repr(value)),
    (bytes, "bytes", lambda value, _: value.hex()),
    (np.ndarray, "array", _array),
    (list, "list", _items),
    (tuple, "tuple", _items),
    (frozenset, "frozenset", _items),
    (
        (dict, MappingProxyType),
        "dict",
        lambda value, arrays: [[encode(k, arrays), encode(v, arrays)] for k, v in value.items()],
    ),
    (type(pd.NaT), "missing", lambda _value, _: "NaT"),
    (pd.Timestamp, "timestamp", _moment),
    (pd.Timedelta, "timedelta", lambda value, _: [value.asm8.view("i8").item(), value.unit]),
    (pd.Period, "period", lambda value, _: [value.ordinal, value.freqstr]),
    (
        pd.Interval,
        "interval",
        lambda value, arrays: [*_items((value.left, value.right), arrays), value.closed],
    ),
    (pd.DataFrame, "table", _table),
    ((pd.Series, pd.Index), "column", _column),
    (sparse.csr_array, "csr", _csr),
    (datetime.datetime, "datetime", lambda value, _: value.isoformat()),
    (datetime.date, "date", lambda value, _: value.isoformat()),
    (datetime.time, "time", lambda value, _: value.isoformat()),
    (Decimal, "decimal", lambda value, _: str(value)),
)


def decode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Read what `encode` wrote.

    Raises
    ------
    Exception
        Any, if it was not written so.
    """
    if not isinstance(value, dict):
        return value
    if "is" in value:
        parts = {name: decode(part, arrays) for name, part in value["has"].items()}
        return _known()[value["is"]](**parts)
    (kind, own), *rest = value.items()
    if rest:
        raise ValueError(f"{kind} has more than one value")
    return _DECODERS[kind](own, arrays)


def _decoded_array(own: Any, arrays: list[np.ndarray]) -> np.ndarray:
    dtype, shape = np.dtype(own["type"]), tuple(own["shape"])
    if "of" in own:
        out = np.empty(len(own["of"]), dtype=dtype)
        out[:] = [decode(part, arrays) for part in own["of"]]
        return out.reshape(shape)
    flat = arrays[own["at"]]
    typed = flat.view(dtype) if dtype.kind in "mMb" else flat.astype(dtype, copy=False)
    return typed.reshape(shape)


def _decoded_column(own: Any, arrays: list[np.ndarray]) -> Any:
    name = decode(own["name"], arrays)
    make: Any = pd.Index if own["index"] else pd.Series
    if "range" in own:
        start, stop, step = own["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    if "codes" in own:
        levels = pd.Index([decode(level, arrays) for level in own["levels"]])
        dtype = pd.CategoricalDtype(levels, ordered=own["ordered"])
        codes = _decoded_array(own["codes"], arrays)
        return make(pd.Categorical.from_codes(codes, dtype=dtype), name=name)
    if "values" in own:
        return make(_decoded_array(own["values"], arrays), name=name)
    items = [decode(part, arrays) for part in own["items"]]
    return make(items, dtype=own["type"], name=name)


def _decoded_table(own: Any, arrays: list[np.ndarray]) -> pd.DataFrame:
    columns, index, attrs = own
    labels = decode(index, arrays)
    series = [decode(part, arrays).set_axis(labels) for _, part in columns]
    out = pd.concat(series, axis=1) if series else pd.DataFrame(index=labels)
    out.columns = pd.Index([decode(name, arrays) for name, _ in columns])
    out.attrs |= decode(attrs, arrays)
    return out


def _module(name: str, _: list[np.ndarray]) -> Any:
    if name.split(".", maxsplit=1)[0] not in _MODULES:
        raise ValueError(f"{name} is no module of functions")
    return import_module(name)


def _timestamp(own: Any, _: list[np.ndarray]) -> pd.Timestamp:
    value, unit, zone = own
    found = pd.Timestamp(np.datetime64(value, unit))
    return found if zone is None else found.tz_localize("UTC").tz_convert(zone)


_DECODERS: Mapping[str, Any] = MappingProxyType(
    {
        "float": lambda own, _: float(own),
        "numpy": lambda own, arrays: _decoded_array(own, arrays)[()],
        "bytes": lambda own, _: bytes.fromhex(own),
        "array": _decoded_array,
        "list": lambda own, arrays: [decode(part, arrays) for part in own],
        "tuple": lambda own, arrays: tuple(decode(part, arrays) for part in own),
        "frozenset": lambda own, arrays: frozenset(decode(part, arrays) for part in own),
        "dict": lambda own, arrays: {decode(k, arrays): decode(v, arrays) for k, v in own},
        "timestamp": _timestamp,
        "timedelta": lambda own, _: pd.Timedelta(np.timedelta64(own[0], own[1])),
        "period": lambda own, _: pd.Period(ordinal=own[0], freq=own[1]),
        "interval": lambda own, arrays: pd.Interval(
            decode(own[0], arrays), decode(own[1], arrays), closed=own[2]
        ),
        "table": _decoded_table,
        "column": _decoded_column,
        "csr": lambda own, arrays: sparse.csr_array(
            tuple(_decoded_array(part, arrays) for part in own[:3]), shape=tuple(own[3])
        ),
        "missing": lambda own, _: {"NA": pd.NA, "NaT": pd.NaT}[own],
        "datetime": lambda own, _: datetime.datetime.fromisoformat(own),
        "date": lambda own, _: datetime.date.fromisoformat(own),
        "time": lambda own, _: datetime.time.fromisoformat(own),
        "decimal": lambda own, _: Decimal(own),
        "module": _module,
    }
)
