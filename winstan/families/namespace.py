"""The functions that a likelihood is written in, for NumPy's arrays and for PyTensor's graphs.

A family states its log likelihood once, over a `Namespace`; the approximate fit evaluates it with
`NUMPY`, and the PyMC backend with `pytensor_namespace`. Stan's templates and the tests' reference
densities are statements of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, eq=False)
class Namespace:
    """Functions of one array library, all elementwise but `dot`, `combine`, `total` and `select`.

    Attributes
    ----------
    exp, log, log1p, expm1, square, sqrt, reciprocal, gammaln, sin, arctan : callable
    minimum, where : callable
    expit, ndtr : callable
        Distribution functions of the standard logistic and of the standard normal.
    log_expit, log_ndtr : callable
        Their logarithms, exact far out in the lower tail.
    log_i0e : callable
        ``log_i0e(x)``: log(exp(-x) I0(x)) of the modified Bessel function, x from 0 up.
    log_erfcx : callable
        ``log_erfcx(x)``: log(exp(x^2) erfc(x)), x from 0 up.
    dot : callable
        Inner product of data, shape (n,), and a vector of the same shape.
    combine : callable
        ``combine(matrix, numbers)``: the product of data, shape (m, n), and n numbers.
    total : callable
        Sum of all elements.
    concatenate : callable
        Join vectors, given as a list.
    integral : callable
        ``integral(f, nodes, weights, scale)``: the sum of ``scale * weight * f(scale * node)``, of
        the shape of `scale`.
    select : callable
        ``select(test, a, b)``: the value of ``a()`` or ``b()`` by a scalar test.
    """

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    log1p: Callable[[Any], Any]
    expm1: Callable[[Any], Any]
    square: Callable[[Any], Any]
    reciprocal: Callable[[Any], Any]
    gammaln: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    arctan: Callable[[Any], Any]
    minimum: Callable[[Any, Any], Any]
    where: Callable[[Any, Any, Any], Any]
    expit: Callable[[Any], Any]
    ndtr: Callable[[Any], Any]
    log_expit: Callable[[Any], Any]
    log_ndtr: Callable[[Any], Any]
    log_i0e: Callable[[Any], Any]
    log_erfcx: Callable[[Any], Any]
    dot: Callable[[Any, Any], Any]
    combine: Callable[[Any, Any], Any]
    total: Callable[[Any], Any]
    concatenate: Callable[[Any], Any]
    integral: Callable[[Callable[[Any], Any], Any, Any, Any], Any]
    select: Callable[[Any, Callable[[], Any], Callable[[], Any]], Any]


def _sum_over_nodes(f: Callable[[Any], Any], nodes: Any, weights: Any, scale: Any) -> Any:
    """Sum node by node: draws and rows may be many."""
    total = 0.0
    for node, weight in zip(nodes, weights, strict=True):
        total = total + weight * f(scale * node)
    return scale * total


NUMPY = Namespace(
    exp=np.exp,
    log=np.log,
    log1p=np.log1p,
    expm1=np.expm1,
    square=np.square,
    reciprocal=np.reciprocal,
    gammaln=special.gammaln,
    sqrt=np.sqrt,
    sin=np.sin,
    arctan=np.arctan,
    minimum=np.minimum,
    where=np.where,
    expit=special.expit,
    ndtr=special.ndtr,
    log_expit=special.log_expit,
    log_ndtr=special.log_ndtr,
    log_i0e=lambda x: np.log(special.i0e(x)),
    log_erfcx=lambda x: np.log(special.erfcx(x)),
    dot=np.dot,
    combine=np.dot,
    total=partial(np.add.reduce, axis=None),  # np.sum, without its dispatch
    concatenate=np.concatenate,
    integral=_sum_over_nodes,
    select=lambda test, a, b: a() if test else b(),
)


@cache
def pytensor_namespace() -> Namespace:
    """Return PyTensor's functions; PyTensor is imported here."""
    pt = import_module("pytensor.tensor")
    root = np.sqrt(2)

    def log_ndtr(x: Any) -> Any:
        # In the lower tail by the scaled complementary error function, which does not underflow.
        # Each branch sees what it serves alone: elsewhere its derivative may be no number.
        below, above = pt.minimum(x, np.asarray(-1.0)), pt.maximum(x, np.asarray(-1.0))
        low = pt.log(0.5 * pt.erfcx(-below / root)) - 0.5 * pt.sqr(below)
        return pt.switch(pt.lt(x, -1), low, pt.log1p(-0.5 * pt.erfc(above / root)))

    def log_i0e(x: Any) -> Any:
        # Beyond what ive takes, by its asymptotic series.
        far = pt.maximum(x, 1e4)
        series = pt.log1p((1 + 9 / (16 * far)) / (8 * far)) - 0.5 * pt.log(2 * np.pi * far)
        return pt.switch(pt.lt(x, 1e4), pt.log(pt.ive(0, pt.minimum(x, np.asarray(1e4)))), series)

    return Namespace(
        exp=pt.exp,
        log=pt.log,
        log1p=pt.log1p,
        expm1=pt.expm1,
        square=pt.sqr,
        reciprocal=lambda x: 1 / x,
        gammaln=pt.gammaln,
        sqrt=pt.sqrt,
        sin=pt.sin,
        arctan=pt.arctan,
        # A number of Python's would be tried as a float of half the size.
        minimum=lambda x, y: pt.minimum(x, np.asarray(y)),
        where=pt.switch,
        expit=pt.sigmoid,
        ndtr=lambda x: 0.5 * pt.erfc(-x / root),
        log_expit=lambda x: -pt.softplus(-x),
        log_ndtr=log_ndtr,
        log_i0e=log_i0e,
        log_erfcx=lambda x: pt.log(pt.erfcx(x)),
        dot=lambda data, x: (data * x).sum(),
        combine=lambda matrix, numbers: pt.dot(matrix, pt.stack(numbers)),
        total=lambda x: x.sum(),
        concatenate=pt.concatenate,
        integral=lambda f, nodes, weights, scale: (
            scale * (weights[:, None] * f(nodes[:, None] * scale)).sum(axis=0)
        ),
        select=lambda test, a, b: pt.switch(test, a(), b()),
    )
