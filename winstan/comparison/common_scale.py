"""Whether several results can be drawn on one scale: the units of one response, or its ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.classical import LME, Anova
from winstan.classical.paired import Paired
from winstan.errors import FormulaError, OptionError
from winstan.fit_class import Fit
from winstan.formula import parse_formula
from winstan.formula.tree import Call, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.design import Design
    from winstan.formula import Formula

type Result = Fit | LME | Anova

LOGARITHMS = {"log": math.e, "log2": 2.0, "log10": 10.0}
"""Functions of a formula, and their bases; also as ``np.log``."""
SAME = 1e-9
"""Relative difference up to which two columns hold the same numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A result, and what its numbers are of.

    Attributes
    ----------
    result : Fit, LME or Anova
    kind : {"posterior", "lme", "anova"}
    formula : Formula
    design : Design or None
        None for a paired analysis, which keeps the means of its cells only.
    response : str
    inner : str or None
        Of a logarithm, what it is of.
    base : float or None
        Of that logarithm.
    """

    result: Result
    kind: str
    formula: Formula
    design: Design | None
    response: str
    inner: str | None
    base: float | None

    @property
    def posterior(self) -> Fit:
        """The result, of a source of that kind."""
        assert isinstance(self.result, Fit)
        return self.result

    @property
    def lme(self) -> LME:
        """The result, of a source of that kind."""
        assert isinstance(self.result, LME)
        return self.result

    @property
    def anova(self) -> Anova:
        """The result, of a source of that kind."""
        assert isinstance(self.result, Anova)
        return self.result

    @property
    def paired(self) -> Paired:
        """The numbers of a paired analysis, which has no design."""
        assert isinstance(self.anova.fit, Paired)
        return self.anova.fit

    @property
    def title(self) -> str:
        """How messages call it."""
        what = {"posterior": "fit", "lme": "LME", "anova": "ANOVA"}[self.kind]
        return f"the {what} of {self.response!r}"

    @property
    def opening(self) -> str:
        """Its title, as a sentence begins with it."""
        return f"The{self.title.removeprefix('the')}"

    @property
    def written(self) -> str:
        """The right side of its formula."""
        groups = (group.text for group in self.formula.groups)
        return " + ".join([self.formula.common.removeprefix("1 + "), *groups]).replace(" | ", "|")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of its population-level terms."""
        atoms = self.formula.effects.atoms.values()
        return tuple(dict.fromkeys(column for atom in atoms for column in atom.columns))


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale that all results share.

    Attributes
    ----------
    response : str
        Of what the differences, or ratios, are.
    ratio : bool
    bases : tuple of (float or None)
        For each source, the base of the logarithm that its response is of `response`; None where
        it is the response itself.
    """

    response: str
    ratio: bool
    bases: tuple[float | None, ...]


def source_of(result: Result) -> Source:
    """Read off a result what it is of."""
    if isinstance(result, Anova):
        fit = result.fit
        if isinstance(fit, Paired):
            formula, design, response = _paired_formula(result), None, fit.response
        else:
            formula, design, response = fit.formula, fit.design, fit.design.response.name
        kind = "anova"
    elif isinstance(result, LME):
        formula, design = result.formula, result.design
        response, kind = design.response.name, "lme"
    else:
        formula, design = result.model.formula, result.model.design
        response, kind = design.response.name, "posterior"
    node = formula.response_spec.value.node
    inner = base = None
    if isinstance(node, Call) and len(node.arguments) == 1 and not node.keywords:
        root, _, name = node.function.rpartition(".")
        if root in ("", "np", "numpy") and name in LOGARITHMS:
            inner, base = write(node.arguments[0], ticks=False), LOGARITHMS[name]
    return Source(result, kind, formula, design, response, inner, base)


def _paired_formula(anova: Anova) -> Formula:
    """Read a paired analysis' formula anew; its response may call the caller's own functions."""
    try:
        return parse_formula(anova.formula, {})
    except FormulaError:
        right = anova.formula.split(" ~ ", 1)[1]
        return parse_formula(f"response ~ {right}", {})


def shared_scale(sources: Sequence[Source], ratio: bool | None) -> Scale:
    """Find the scale on which all results can be shown.

    Differences, where all are of one response. Ratios, where all are of one positive response or
    of its logarithm: exp(a difference of mean logarithms) is a ratio of geometric means. A column
    of logarithms, such as ``Log power``, is known for what it is by its values.

    Parameters
    ----------
    sources
    ratio
        What the user asked for; None takes differences if they can be had.

    Raises
    ------
    OptionError
        If there is no such scale, with the remedy.
    """
    _check_offsets(sources)
    names = list(dict.fromkeys(source.response for source in sources))
    if len(names) == 1 and not ratio:
        return Scale(names[0], False, (None,) * len(sources))
    if ratio is False:
        raise OptionError(
            f"Differences are in the units of one response, and here are {_listed(names)}. "
            "Leave ratio=False out, or give all results one response."
        )
    inner = list(dict.fromkeys(source.inner for source in sources if source.inner is not None))
    plain = [source.response for source in sources if source.inner is None]
    # Of the responses that are no logarithm, the one that others are logarithms of.
    targets = list(dict.fromkeys([*plain, *inner]))
    for target in targets:
        bases = [_base(source, target, sources) for source in sources]
        if all(base != 0.0 for base in bases):
            found = Scale(target, True, tuple(bases))
            _check_ratios(sources, found)
            return found
    shown = _listed(names)
    raise OptionError(
        f"The results are of {shown}, which have no scale in common: a difference of one is no "
        "difference of the other. Fit all to one response; or fit some to y and the others to "
        "log(y) of the same rows, and they can be compared as ratios of y."
        if len(names) > 1
        else f"ratio=True needs a posterior of a positive response, or log(y) on the left side; "
        f"{shown} is neither. Leave ratio=True out."
    )


def _base(source: Source, target: str, sources: Sequence[Source]) -> float | None:
    """Return the base of the logarithm that a source's response is of the target.

    None is the target itself, 0 no known logarithm.
    """
    if source.response == target:
        return None
    if source.inner is not None:
        return source.base if source.inner == target else 0.0
    own = _numbers(source)
    for other in sources:
        if other.response == target and other.design is not None:
            y = other.design.response.y
            if not (y > 0).all():
                continue
            for base in LOGARITHMS.values():
                if _same(own, np.log(y) / math.log(base)):
                    return base
    return 0.0


def _numbers(source: Source) -> Array | tuple[float, int]:
    """Return a source's response, or (paired analyses) its mean and number of rows."""
    if source.design is not None:
        return source.design.response.y
    paired = source.paired
    return float(paired.centre), int(paired.counts.sum())


def _same(own: Array | tuple[float, int], logged: Array) -> bool:
    scale = float(np.abs(logged).max())
    if isinstance(own, tuple):
        centre, n = own
        return n == logged.size and abs(centre - float(logged.mean())) <= SAME * scale
    return own.size == logged.size and bool(
        np.allclose(np.sort(own), np.sort(logged), rtol=0, atol=SAME * scale)
    )


def _check_ratios(sources: Sequence[Source], scale: Scale) -> None:
    """Refuse classical results of the response itself: they give no ratio."""
    for source, base in zip(sources, scale.bases, strict=True):
        if base is None and source.kind != "posterior":
            raise OptionError(
                f"As ratios of {scale.response!r}, {source.title} cannot be shown: it compares "
                f"means by their difference. Write log({scale.response}) on its left side"
                + (
                    ", or give all results one response."
                    if any(base is not None for base in scale.bases)
                    else ", or leave ratio=True out."
                )
            )


def _check_offsets(sources: Sequence[Source]) -> None:
    """Refuse results of which only some are per unit of exposure."""
    offsets = [tuple(sorted(source.formula.offset)) for source in sources]
    for source, offset in zip(sources, offsets, strict=True):
        if offset != offsets[0]:
            a, b = (o or ("no offset",) for o in (offsets[0], offset))
            raise OptionError(
                f"{sources[0].opening} has {' + '.join(a)}, {source.title} has "
                f"{' + '.join(b)}: their means are of different things. Give both the same offset."
            )
    if not offsets[0]:
        return
    links = {s.posterior.model.link.name for s in sources if s.kind == "posterior"}
    if links - {"identity"} and any(source.kind != "posterior" for source in sources):
        raise OptionError(
            f"The fit has an offset ({' + '.join(offsets[0])}) inside its link, so that its means "
            "are per unit of exposure; the classical results subtract it. Divide the response by "
            "the exposure for these, and leave the offset out."
        )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names))
