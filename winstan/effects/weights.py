"""Weights of contrasts: which of several means are held against which, and how much each counts.

A contrast is a weighted sum of means less another; as a ratio it is the one sum over the other. The
matrices that have a name are those of emmeans.

References
----------
Searle, Speed and Milliken (1980), The American Statistician 34, 216-221, for marginal means and
their contrasts; Dunnett (1955), Journal of the American Statistical Association 50, 1096-1121;
Fisher and Yates (1963), Statistical Tables, table 23, for polynomials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import OptionError
from winstan.options import Pairs, check_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan._typing import Array
    from winstan.options import Comparing

MOST = 10_000
"""Contrasts that are made at once."""
DEGREES = ("linear", "quadratic", "cubic", "quartic", "degree 5", "degree 6")
"""The polynomials that there are, by degree."""
ELSEWHERE = {
    "pairwise": "all",
    "revpairwise": "all",
    "tukey": "all",
    "consec": "consecutive",
    "eff": "effect",
    "deviation": "effect",
    "polynomial": "poly",
    "treatment": "reference",
    "trt.vs.ctrl": "reference",
}
"""What the same is called in other packages."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Contrasts of V means.

    Attributes
    ----------
    sides : tuple of (str, str)
        What is held against what, by name: ``("b", "a")``; or a name, and nothing.
    plus, minus : ndarray, shape (C, V)
        Of the means on either side: none is negative, and both add up to the same.
    """

    sides: tuple[tuple[str, str], ...]
    plus: Array
    minus: Array

    @property
    def extent(self) -> Array:
        """What the weights of one side add up to: 1 of a difference of two means, shape (C,)."""
        return self.plus.sum(axis=1)

    @property
    def are_pairs(self) -> bool:
        """Whether all are of two single means."""
        return all(_single(side) is not None for side in (self.plus, self.minus))

    def labels(self, *, ratio: bool) -> tuple[str, ...]:
        """Return a label for each: ``b - a``, as a ratio ``b / a``; or its name."""
        sign = "/" if ratio else "-"
        return tuple(f"{one} {sign} {other}" if other else one for one, other in self.sides)

    def of(self, means: Array, axis: int, *, ratio: bool = False) -> Array:
        """Contrast means along an axis, where the contrasts then stand."""
        one, other = (_weighed(side, means, axis) for side in (self.plus, self.minus))
        return one / other if ratio else one - other


def weights_of(
    names: Sequence[str],
    pairs: Comparing,
    *,
    what: str,
    settle: Callable[[Any], Any] = str,
    scores: Sequence[float] | None = None,
) -> Weights:
    """Weigh means.

    Parameters
    ----------
    names
        Of the V means.
    pairs
        A word of `Pairs`; or, by the name of each contrast, weights: one for each mean in order, or
        by level.
    what
        Whose means they are, for messages.
    settle
        Returns the place in `names` of a level that weights name.
    scores
        Numbers that the means belong to, for polynomials; by default their ranks.

    Raises
    ------
    OptionError
        If there is no such word, weights are no numbers, do not add up to zero or are of no level,
        or there are more than 10,000 contrasts.
    """
    if isinstance(pairs, Mapping):
        return _given(pairs, len(names), what, settle)
    if not isinstance(pairs, str):
        raise OptionError(
            f"pairs= takes a word, or weights by name, such as pairs={{'late - early': "
            f"[-1, 1]}}; not {pairs!r}."
        )
    if pairs in ELSEWHERE:
        raise OptionError(f"pairs={pairs!r} is called {ELSEWHERE[pairs]!r} here.")
    check_option("pairs", pairs, Pairs)
    count = len(names) * (len(names) - 1) // 2
    if pairs == "all" and count > MOST:
        raise OptionError(
            f"pairs='all' of the {len(names):,} levels of {what!r} are {count:,} contrasts, and "
            f"{MOST:,} are made at once. Choose levels by values=[...]."
        )
    return _named(names, pairs, scores, what)


def _named(
    names: Sequence[str], pairs: Pairs, scores: Sequence[float] | None, what: str
) -> Weights:
    """Return the matrix that has a name."""
    n = len(names)
    match pairs:
        case "all":
            return _differences(names, [(a, b) for a in range(n) for b in range(a + 1, n)])
        case "sequential" | "consecutive":
            return _differences(names, [(b - 1, b) for b in range(1, n)])
        case "effect":
            mean = np.full((n, n), 1 / n)
            return Weights(tuple((name, "mean") for name in names), np.eye(n), mean)
        case "helmert":
            own = np.eye(n)[1:] * np.arange(1, n)[:, None]
            sides = tuple((f"{name} vs earlier", "") for name in names[1:])
            return Weights(sides, own, np.tri(n, k=-1)[1:])
        case "poly":
            return _polynomials(n, scores, what)
        case "reference" | "dunnett":
            return _differences(names, [(0, b) for b in range(1, n)])


def _differences(names: Sequence[str], pairs: Sequence[tuple[int, int]]) -> Weights:
    """Hold single means against single means, the reference of each pair first."""
    identity = np.eye(len(names))
    first, second = zip(*pairs, strict=True)
    sides = tuple((names[b], names[a]) for a, b in pairs)
    return Weights(sides, identity[list(second)], identity[list(first)])


def _signed(sides: Sequence[tuple[str, str]], weights: Array) -> Weights:
    return Weights(tuple(sides), np.maximum(weights, 0.0), np.maximum(-weights, 0.0))


def _polynomials(n: int, scores: Sequence[float] | None, what: str) -> Weights:
    at = [Fraction(str(x)) for x in (range(n) if scores is None else scores)]
    if len(set(at)) < n:
        raise OptionError(f"pairs='poly' is of different values of {what!r}: some are given twice.")
    degrees = range(1, min(n - 1, len(DEGREES)) + 1)
    rows = orthogonal_polynomials(at, degrees[-1])
    return _signed([(DEGREES[d - 1], "") for d in degrees], np.array(rows, float))


def orthogonal_polynomials(at: Sequence[Fraction], most: int) -> list[list[int]]:
    """Return the smallest whole numbers that are orthogonal polynomials of some scores.

    Parameters
    ----------
    at
        V different scores.
    most
        Highest degree.

    Returns
    -------
    list of list of int
        Of the degrees 1, 2, ...; V numbers each.
    """
    found = [[Fraction(1)] * len(at)]
    for _ in range(most):
        row = [x * p for x, p in zip(at, found[-1], strict=True)]
        for other in found:
            square = sum((p * p for p in other), Fraction(0))
            share = sum((x * p for x, p in zip(row, other, strict=True)), Fraction(0)) / square
            row = [x - share * p for x, p in zip(row, other, strict=True)]
        found.append(row)
    out = []
    for row in found[1:]:
        whole = lcm(*(x.denominator for x in row))
        numbers = [int(x * whole) for x in row]
        out.append([x // gcd(*numbers) for x in numbers])
    return out


def _given(pairs: Mapping[Any, Any], n: int, what: str, settle: Callable[[Any], Any]) -> Weights:
    """Read weights that the user gives."""
    if not pairs:
        raise OptionError("pairs= has no contrast: give weights by name.")
    rows = np.stack([_row(name, weights, n, what, settle) for name, weights in pairs.items()])
    for name, row in zip(pairs, rows, strict=True):
        total, size = row.sum(), np.abs(row).sum()
        if not size:
            raise OptionError(f"pairs= gives {name!r} weights of zero alone: it compares nothing.")
        if abs(total) > 1e-8 * size:
            raise OptionError(
                f"The weights of {name!r} add up to {total:.4g}: that is a weighted mean, and no "
                "contrast, whose weights add up to 0. fit.means(..., draws=True) has the draws of "
                "the means, of which any sum can be taken."
            )
    return _signed([(str(name), "") for name in pairs], rows)


def _row(name: Any, given: Any, n: int, what: str, settle: Callable[[Any], Any]) -> Array:
    if isinstance(given, Mapping):
        places, weights = [settle(level) for level in given], list(given.values())
    elif isinstance(given, Iterable) and not isinstance(given, str):
        weights = list(given)
        places = list(range(len(weights)))
        if len(weights) != n:
            raise OptionError(
                f"pairs= gives {name!r} {len(weights)} weights, and {what!r} has {n} levels here: "
                "one for each, in order, or by level: {'a': -1, 'b': 1}."
            )
    else:
        raise OptionError(
            f"pairs= gives {name!r} {given!r}: weights are numbers, one for each level in order, "
            "or by level: {'a': -1, 'b': 1}."
        )
    for weight in weights:
        number = isinstance(weight, Real) and not isinstance(weight, bool)
        if not number or not np.isfinite(float(weight)):
            raise OptionError(f"pairs= gives {name!r} the weight {weight!r}, which is no number.")
    out = np.zeros(n)
    np.add.at(out, places, np.array(weights, float))
    return out


def _single(side: Array) -> np.ndarray | None:
    """Return the place of the only mean of each row; None where some have several."""
    places = side.argmax(axis=1)
    alone = (np.count_nonzero(side, axis=1) == 1).all() and (side.max(axis=1) == 1).all()
    return places if alone else None


def _weighed(side: Array, means: Array, axis: int) -> Array:
    places = _single(side)
    if places is not None:
        return np.take(means, places, axis)
    return np.moveaxis(np.tensordot(means, side, (axis, 1)), -1, axis)
