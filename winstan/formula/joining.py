"""Several formulas for one model: that of the mean, and those of other parameters.

``["y ~ x", "sigma ~ x"]``, ``"y ~ x; sigma ~ x"`` and ``sigma="x"`` say the same.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from winstan.errors import FormulaError
from winstan.formula.residual import RESIDUAL
from winstan.formula.syntax import formula_error, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan.formula.terms import GroupSpec


def apart(text: str | Iterable[str], by_name: Mapping[str, str] | None = None) -> list[str]:
    """Take the formulas of a model apart: that of the mean first.

    Parameters
    ----------
    text
        One formula, several of them apart by ``;``, or a list of them.
    by_name
        Right sides by parameter: ``{"sigma": "stim"}``.

    Raises
    ------
    FormulaError
        If something is no text.
    """
    parts = [text] if isinstance(text, str) else text
    several = isinstance(parts, list | tuple)
    if not several or not all(isinstance(part, str) for part in parts):
        wrong = next((p for p in parts if not isinstance(p, str)), text) if several else text
        raise formula_error(
            f"a formula is a string, or a list of strings, not {type(wrong).__name__}.", str(text)
        )
    found = [piece for part in parts for piece in _pieces(part)]
    for name, right in (by_name or {}).items():
        if not isinstance(right, str):
            raise FormulaError(
                f"{name}= takes the right side of a formula, such as {name}='stim + (1|mouse)', "
                f"not {type(right).__name__}. A fixed value is a prior: priors={{'{name}': ...}}."
            )
        if not right.strip():
            example = "ar(trial, mouse)" if name == RESIDUAL else "stim + (1|mouse)"
            raise FormulaError(
                f"{name}= is empty: leave it out, or write the right side of a formula, such as "
                f"{name}='{example}'."
            )
        found.append(f"{name} ~ {right.strip().removeprefix('~')}")
    return [normalise(formula) for formula in found] or [""]


def _pieces(text: str) -> list[str]:
    """Split a text at each ``;`` outside back-ticks and quotes."""
    pieces = [""]
    for part in re.split(r"""(`[^`]*`|"[^"]*"|'[^']*')""", text):
        quoted = part.startswith(("`", '"', "'"))
        first, *more = [part] if quoted else part.split(";")
        pieces[-1] += first
        pieces += more
    while len(pieces) > 1 and not pieces[-1].strip():
        pieces.pop()
    return pieces


def check_labels(groups: Iterable[GroupSpec], source: str) -> None:
    """Refuse labels ``(x |p| g)`` that join nothing, or terms of unlike arms."""
    groups = tuple(groups)
    shared = Counter((group.label, group.factor_columns) for group in groups)
    arms: dict[object, str] = {}
    for group in groups:
        if (
            group.label
            and arms.setdefault((group.label, group.factor_columns), group.by) != group.by
        ):
            raise formula_error(
                f"terms of '{group.factor}' with the label {group.label!r} have one covariance: "
                "write gr(..., by=) in all of them, with one column, or in none.",
                source,
            )
        if group.label and shared[group.label, group.factor_columns] == 1:
            raise formula_error(
                f"{group.text} has the label {group.label!r}, and no other term of "
                f"'{group.factor}' has it: effects of terms of one label are correlated. Write "
                f"(... | {group.factor}); nested factors are (1 | a/b).",
                source,
            )
