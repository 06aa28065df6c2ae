"""The left side of a formula as an expression that an engine evaluates, through narwhals."""

from __future__ import annotations

import operator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import narwhals as nw

from winstan.data.grouped import IDENTITY, LOG, LOG_REST
from winstan.errors import FormulaError
from winstan.formula.tree import Binary, Call, Constant, Name, Unary, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from winstan.formula.binning import Grid
    from winstan.formula.tree import Node

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "**": operator.pow,
    }
)
_FUNCTIONS: Mapping[str, Callable[[nw.Expr], nw.Expr]] = MappingProxyType(
    {
        "log": lambda x: x.log(),
        "log10": lambda x: x.log(10),
        "log2": lambda x: x.log(2),
        "exp": lambda x: x.exp(),
        "sqrt": lambda x: x.sqrt(),
        "abs": lambda x: x.abs(),
        "I": lambda x: x,
    }
)


def number(column: str) -> nw.Expr:
    """Return a column as doubles: sums of narrower types wrap, or round, in some engines."""
    return nw.col(column).cast(nw.Float64)


def with_doubles(table: nw.DataFrame[Any], names: Iterable[str]) -> nw.DataFrame[Any]:
    """Round whole numbers of some columns to doubles, which pyarrow's cast refuses where it must.

    Engines round them as they cast; this is for what they have read into memory.
    """
    if not table.implementation.is_pyarrow():
        return table
    import pyarrow as pa  # noqa: PLC0415 - the rows are its table

    native = table.to_native()
    for name in names:
        place = native.schema.get_field_index(name)
        if pa.types.is_integer(native.schema.field(place).type):
            rounded = native.column(place).cast(pa.float64(), safe=False)
            native = native.set_column(place, name, rounded)
    return nw.from_native(native, eager_only=True)


def key_of(name: str, dtype: nw.dtypes.DType, grids: Mapping[str, Grid]) -> nw.Expr:
    """Return a column by which rows are grouped, at the values of its grid if it has one."""
    if name in grids:
        return grids[name].nearest(number(name), lambda x: x.floor()).alias(name)
    # Zero of either sign is one key, whatever the engine's hash says.
    return nw.col(name) + 0.0 if dtype.is_float() else nw.col(name)


def is_missing(column: str, dtype: nw.dtypes.DType) -> nw.Expr:
    """Return where a column is null or NaN."""
    null = nw.col(column).is_null()
    return null | nw.col(column).is_nan() if dtype.is_float() else null


def left_side(node: Node) -> nw.Expr:
    """Write the response for the engine.

    Raises
    ------
    FormulaError
        If it calls what no engine evaluates.
    """
    match node:
        case Name(text):
            return number(text)
        case Constant(int() | float() as value):
            return nw.lit(float(value))
        case Unary("-", operand):
            return left_side(operand) * -1.0
        case Unary("+", operand):
            return left_side(operand)
        case Binary(op, left, right) if op in _OPERATORS:
            return _OPERATORS[op](left_side(left), left_side(right))
        case Call(function, (argument,), ()) if _bare(function) in _FUNCTIONS:
            return _FUNCTIONS[_bare(function)](left_side(argument))
    raise FormulaError(
        f"The response has {write(node)!r}, which is not evaluated where data larger than memory "
        f"are: arithmetic and {', '.join(_FUNCTIONS)} are. Make a column of it in the engine, and "
        "write that column on the left side."
    )


def function_of(y: nw.Expr, function: str) -> nw.Expr:
    """Return a function of the response, of those in `winstan.data.grouped.FUNCTIONS`."""
    if function == IDENTITY:
        return y
    if function == LOG:
        return y.log()
    assert function == LOG_REST
    # log(1 - y) loses the digits of a small y; times y / (1 - (1 - y)) it has them back.
    rest = 1.0 - y
    gone = 1.0 - rest
    safe = nw.when(gone == 0.0).then(1.0).otherwise(gone)
    return nw.when(gone == 0.0).then(y * -1.0).otherwise(rest.log() * (y / safe))


def beyond(y: nw.Expr, lower: float, upper: float) -> nw.Expr:
    """Return where a response is not inside an open interval, or not defined."""
    return y.is_null() | ~((y > lower) & (y < upper))


def _bare(function: str) -> str:
    module, _, name = function.rpartition(".")
    return name if module in ("", "np", "numpy") else function
