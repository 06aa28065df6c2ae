"""Names and words of programs for readers: valid identifiers, numbers, and what is quoted."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from winstan.design.dims import dim_of
from winstan.draws import tree_name
from winstan.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.design import Term
    from winstan.families.distribution import Distribution
    from winstan.model import Model


class Names:
    """Identifiers of a program, each given once; `taken` are those of its language and its own."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)

    def new(self, text: str) -> str:
        """Make a valid, unused identifier of what the user wrote."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        plain = re.sub(r"\b(np|numpy)\.", "", plain)
        plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_") or "x"
        plain = plain if plain[0].isalpha() else f"x_{plain}"
        name, number = plain, 2
        if name in self.taken:
            name = f"{plain}_"
        while name in self.taken:
            name, number = f"{plain}_{number}", number + 1
        self.taken.add(name)
        return name

    def tail(self, text: str) -> str:
        """Find an ending with which every parameter of a group term has a name of its own."""
        ending = self.new(f"sd_{text}").removeprefix("sd_")
        mates = {f"{kind}_{ending}" for kind in ("z", "u", "L", "corr")}
        if mates & self.taken:
            return self.tail(f"{text}_group")
        self.taken |= mates
        return ending


def written_distribution(model: Model, language: str) -> Distribution:
    """Return how a language writes the family's distribution.

    Raises
    ------
    BackendError
        If nothing says how.
    """
    family = model.family
    found = family.stan if language == "stan" else family.pymc
    if found is None:
        other = " fit.code('stan') does, and fit.pymc_model has it." if family.stan else ""
        raise BackendError(
            f"The family {family.name!r} does not say how {language} writes it, which may not have "
            f"it, or not exactly.{other} A family of your own says so by "
            f"Family({language}=winstan.families.Distribution(name=..., arguments=...))."
        )
    return found


def format_effect(effect: Term) -> str:
    """Name an effect: the constant is the Intercept."""
    return f"{effect.prefix}Intercept" if effect.name == "1" else effect.variable


def speakable(name: str) -> str:
    """Name a variable and its dims as PyMC, ArviZ and nutpie can all take it.

    A slash would part the groups of a DataTree, and nutpie parts dims at commas.
    """
    return tree_name(name).replace(",", ";")


def pymc_dim(variable: str) -> str:
    """Name the dim of a variable's own elements in PyMC."""
    return speakable(dim_of(variable))


def one_line(formula: str) -> str:
    """Write a formula for a comment."""
    return " ".join(formula.split())


def quote(text: str) -> str:
    """Write a string of Python, in double quotes where it holds none."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


def number(value: float) -> str:
    """Write a number short, yet exact enough for one and the same posterior."""
    return f"{value:.10g}"
