"""What a contrast is asked for: its options, the columns it is of, and what is compared of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winstan.effects.comparisons import listed
from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.options import By, Comparing, Ratio, Scale, Weighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Options of a contrast.

    Attributes
    ----------
    values : sequence, or None
        What to compare, the reference first; by default the levels of a factor in the order of its
        coding (``C(cond, Treatment("b"))`` has the reference b), the two values of a predictor that
        has two, and otherwise x and x + 1. Of slopes, where to take them.
    by
        Columns, or columns with their values: see `winstan.effects.strata.strata`.
    of
        Columns whose contrast is contrasted in turn, or these with their values.
    scale : {"response", "link", "odds"}
    ratio
        Ratio of the means in place of their difference, or ``"percent"``; None is a ratio of odds.
    pairs
        See `winstan.effects.weights.weights_of`; a list has one for each column.
    slope
        The derivative by a number, averaged: see `winstan.effects.averaging.averaged_slopes`.
    standardise
        See `winstan.effects.standardising.check_standardise`.
    rope
        See `winstan.effects.rope.rope_of`.
    groups
        See `winstan.effects.estimands.choose_estimand`.
    weights : {"observed", "equal"}
        See `winstan.effects.strata.strata`.
    seed
        Of the effects of new groups.
    """

    values: Sequence[Any] | None = None
    by: By | None = None
    of: By | None = None
    scale: Scale = "response"
    ratio: Ratio | None = None
    pairs: Comparing | Sequence[Comparing] = "reference"
    slope: bool = False
    standardise: str | None = None
    rope: Any = None
    groups: Any = None
    weights: Weighting = "observed"
    seed: int = 0


def read_columns(
    known: Collection[str], treatment: str, values: Sequence[Any] | None, of: By | None
) -> dict[str, Any]:
    """Return the columns of a contrast, the outermost first, with the values given of each.

    Parameters
    ----------
    known
        Columns that there are.
    treatment
        A column, or several with a colon between them.
    values
        Of the first.
    of
        Columns of the contrasts that are contrasted.

    Raises
    ------
    OptionError
        If a column is named twice, or in both ways.
    """
    first, *others = _parts(known, treatment)
    if others and of is not None:
        raise OptionError(f"{treatment!r} says already what of= says: leave of={of!r} out.")
    wanted = dict(of) if isinstance(of, Mapping) else dict.fromkeys(listed(of or others))
    if first in wanted:
        raise OptionError(f"of= names {first!r}, which is the treatment itself.")
    return {first: values, **wanted}


def read_pairs(pairs: Any, names: Sequence[str]) -> list[Any]:
    """Return what is compared of each column.

    A word is of all of them, and so is a list that has one for each; weights are of the first.

    Raises
    ------
    OptionError
        If the list is of another length.
    """
    if isinstance(pairs, str):
        return [pairs] * len(names)
    if isinstance(pairs, Mapping) or not isinstance(pairs, Iterable):
        return [pairs, *["reference"] * (len(names) - 1)][: len(names)]
    out = list(pairs)
    if len(out) != len(names):
        raise OptionError(
            f"pairs= has {len(out)} entries, and what is compared {len(names)} columns "
            f"({', '.join(map(repr, names))}): one for each."
        )
    return out


def nested_labels(names: Sequence[str], parts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return a label for each contrast, of several columns ``b - a of dose (high - low)``.

    Parameters
    ----------
    names
        Of the columns, the outermost first.
    parts
        Labels of each column's own contrasts.
    """
    out = tuple(parts[-1])
    for name, own in zip(reversed(names[1:]), reversed(parts[:-1]), strict=True):
        out = tuple(f"{one} of {name} ({inner})" for one in own for inner in out)
    return out


def _parts(known: Collection[str], treatment: Any) -> list[str]:
    """Part ``drug:dose`` into columns, unless that is the name of one."""
    if not isinstance(treatment, str):
        raise OptionError(
            f"contrast takes one column, not {treatment!r}: of= names those whose contrasts it "
            "contrasts, and by= those whose levels have one each."
        )
    if treatment in known or ":" not in treatment:
        return [treatment]
    parts = [part.strip(" `") for part in treatment.split(":")]
    if len(set(parts)) < len(parts):
        raise OptionError(f"contrast names a column twice: {treatment!r}.")
    return parts
