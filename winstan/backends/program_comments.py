"""The comments at the head of a program for readers: what it states, and where its names are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from winstan.backends.program_names import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.backends.program_parts import Parts
    from winstan.backends.program_pieces import Predictor


class Named(Protocol):
    """A linear predictor under the names of a program."""

    @property
    def of(self) -> Predictor:
        """What it is of."""
        ...

    @property
    def at_mean(self) -> str:
        """Name its Intercept, or the thresholds that stand for it, at the mean of its columns."""
        ...

    @property
    def at_zero(self) -> str:
        """Name the same at the zeros of its columns."""
        ...


def comments_of(
    parts: Parts, linear: Sequence[Named], *, program: str = "", levels: str = "", centred: str
) -> list[str]:
    """Say what a program states, a line each, without the mark of a comment.

    Parameters
    ----------
    parts
    linear
        The linear predictors, that of the mean first.
    program
        What follows the family and the links.
    levels
        How levels of groups are counted.
    centred
        Where the priors of levels are, if they are at the mean of other predictors.
    """
    model = parts.model
    links = "".join(f"; {p.parameter}, link {p.link.name}" for p in parts.beside if p.has_constant)
    lines = [
        one_line(model.formula.text),
        f"family {model.family.name}, link {model.link.name}{links}{program}",
    ]
    if parts.groups:
        lines.append("Group effects are non-centred: u = sd * z, with z standard normal.")
        lines += [levels] if levels else []
    lines += [
        f"{x.at_mean} is at the mean of {'its' if block else 'the'} predictors, "
        f"{x.at_zero} at zero."
        for block, x in enumerate(linear)
        if x.of.center and x.of.has_constant
    ]
    lines += [said for simplex in parts.simplexes for said in simplex.comments]
    lines += [said for curve in parts.curves for said in curve.comments]
    return [*lines, centred] if parts.centers_levels else lines
