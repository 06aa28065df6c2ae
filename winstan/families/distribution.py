"""How other programs write a distribution: Stan and PyMC for readers, and bambi."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Distribution:
    """How a program for readers writes the distribution.

    Attributes
    ----------
    name : str
    arguments : str
        With ``{i}`` where a row is indexed, ``{over}`` for an elementwise division and ``{trials}``
        (Stan); ``mu``, ``{p}`` for the probability by its link, and ``{trials}`` (PyMC).
    by_link : mapping of str to (str, str)
        The name and arguments where the language has the distribution of the linear predictor
        ``eta`` itself.
    zero, above : str
        The log density (Stan) of a zero and of a response above it, where no one function has both:
        ``log(hu)`` and ``log1m(hu) + {y}``, with ``{y}`` for the log density of the distribution
        named here at the response, and ``{f0}`` for that at zero. PyMC's are needed only where it
        has no distribution of both.
    one : str
        That of a one, where this is a third case.
    of : str
        What it is the distribution of: ``{y} - ndt``.
    definition : tuple of str
        The lines of ``NAME_lpdf``, of a row, where Stan does not have it.
    tails : tuple of str
        Those of ``NAME_lcdf`` and ``NAME_lccdf``, for responses with limits.
    before : mapping of str to tuple of str
        By link, the statements that come before it (PyMC), with the linear predictor ``eta``.
    defined_for : tuple of str
        The links under which it is needed; empty is all.
    """

    name: str
    arguments: str
    by_link: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    zero: str = ""
    above: str = ""
    one: str = ""
    of: str = "{y}"
    definition: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defined_for: tuple[str, ...] = ()

    def definition_of(self, link: str) -> tuple[str, ...]:
        """Return the definition that a program needs under a link, if it needs one."""
        return self.definition if not self.defined_for or link in self.defined_for else ()

    @property
    def names(self) -> tuple[str, ...]:
        """What a program calls or makes, under any link."""
        own, said = zip(*self.by_link.values(), strict=True) if self.by_link else ((), ())
        texts = (self.arguments, self.zero, self.one, self.above, *said, *self.definition)
        called = re.findall(r"\w+(?=\()", " ".join(texts))
        made = (line.partition(" = ")[0] for lines in self.before.values() for line in lines)
        return self.name, *own, *called, *made


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BambiFamily:
    """The same distribution in bambi.

    Attributes
    ----------
    name : str
    mean : str
        What it calls the parameter of the first formula.
    weighted : bool
        Whether its ``weighted()`` is the sum over weighted rows: that of gamma is not, for one.
    complements : mapping of str to str
        By parameter, bambi's name for one less it: ``psi``, the share of what is no extra zero. A
        linear predictor of it is that of the parameter negated, as the logit's is.
    names : mapping of str to str
        What it calls the parameters beside the mean, where that is something else.
    """

    name: str
    mean: str = "mu"
    weighted: bool = False
    complements: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
