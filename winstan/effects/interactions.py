"""What to do about a contrast of an interaction: a difference of differences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from winstan.errors import OptionError

if TYPE_CHECKING:
    from winstan.effects.specification import Specified


def refuse_interaction(model: Specified, name: str, what: str) -> None:
    """Refuse ``a:b`` and ``a*b``, with code for how one contrast differs between levels.

    Raises
    ------
    OptionError
        If the name is of columns with ``:`` or ``*`` between them.
    """
    parts = [part.strip(" `") for part in re.split(r"[:*]", str(name))]
    if len(parts) < 2 or not all(part in model.design.predictors for part in parts):
        return
    treatment, by = parts[0], parts[1]
    label, levels = _labels(model, treatment, by)
    raise OptionError(
        f"{what} names {name!r}, which is an interaction and no column. How the contrast of "
        f"{treatment!r} differs between levels of {by!r} is had from the draws of ws.fit's fits:\n"
        f"d = fit.contrast({treatment!r}, by={by!r}, draws=True)\n"
        f"wide = d[d['contrast'] == {label!r}].pivot(index='draw', columns={by!r}, "
        "values='value')\n"
        f"difference = wide[{levels[1]!r}] - wide[{levels[0]!r}]\n"
        "difference.mean(), difference.quantile([0.03, 0.97])"
    )


def _labels(model: Specified, treatment: str, by: str) -> tuple[str, tuple[object, object]]:
    """Return a contrast's label, and two levels, as its draws have them."""
    # Both import the check that calls this.
    from winstan.effects.comparisons import comparison  # noqa: PLC0415
    from winstan.effects.strata import strata  # noqa: PLC0415

    try:
        label = comparison(model, treatment, None, "reference").labels(ratio=False)[0]
        levels = strata(model, by).levels
    except OptionError:
        return "label", ("one", "other")
    return label, (levels[0], levels[min(1, len(levels) - 1)])
