"""What to fit where effects may differ between groups: as much as the number of groups can bear.

The advice lies between two schools. Leaving out the slope of what varies within groups makes
intervals too narrow (Barr et al. 2013, https://doi.org/10.1016/j.jml.2012.11.001); a covariance
matrix that the groups cannot estimate makes a fit that says nothing of its slopes, and may not
converge (Bates et al. 2015, https://arxiv.org/abs/1506.04967; Matuschek et al. 2017,
https://doi.org/10.1016/j.jml.2017.01.001). J groups are J draws of q effects a group, whose
covariance matrix has q (q + 1) / 2 entries. So, of J groups in which the effects vary:

- All effects with their correlations, ``(a + b|g)``, if there are more groups than entries, and at
  least five: of four pairs a correlation's standard error is one on Fisher's scale, as wide as the
  scale is (1 / sqrt(J - 3)).
- Otherwise no correlations: a standard deviation each for the effects of one column,
  ``(a + b||g)``, and one for all levels of a factor of more, ``(1|g:cond)``, which does not depend
  on which level is the reference (the split plot's analysis); ``(0 + x|g:cond)`` of its product
  with a number. There must be more groups than
  standard deviations: of an interaction and its main effects, the interaction is left out first.
- Of fewer than five groups one slope: so few say hardly more than that effects differ at all.
- Of a curve along t, each group's own: ``s(t, g, bs="fs")``, in place of an intercept, which it
  has. Where the curve is one of each condition and these vary within groups, each has its own too,
  ``s(t, g:cond, bs="fs")``. All groups' curves share three sds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan.formula.terms import Effects, SmoothSpec
from winstan.formula.tree import quote_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.formula import GroupSpec

# Fewer groups bear no correlation, and one slope.
FEWEST_CORRELATED = 5
# A longer list would name covariates rather than treatments.
MOST_NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Slope:
    """An effect that varies within groups, and might differ between them.

    Attributes
    ----------
    text : str
        As the formula has it: ``cond``, ``a:b``.
    columns : tuple of str
        Its columns of data.
    numbers : tuple of str
        Its factors that are numbers, as the formula has them.
    labels : tuple of str
        Those of its columns that hold labels.
    X : ndarray, shape (D, width)
        Its columns of the design.
    treatment : bool
        Whether it compares conditions.
    curve : SmoothSpec or None
        The curve that it is the straight line of.
    """

    text: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    labels: tuple[str, ...]
    X: np.ndarray
    treatment: bool
    curve: SmoothSpec | None = None

    @property
    def width(self) -> int:
        """Number of effects a group."""
        return self.X.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """The slopes that a factor's terms lack.

    Attributes
    ----------
    spec : GroupSpec
        The factor's term as it is.
    width : int
        Effects a group that it has.
    levels : tuple
        Of the factor.
    n_varying : int
        Groups within which the slopes' predictors vary.
    slopes : list of Slope
    """

    spec: GroupSpec
    width: int
    levels: Sequence[object]
    n_varying: int
    slopes: list[Slope]


def advice(found: Sequence[Missing]) -> str:
    """Say which effects could differ between which groups, and what to fit.

    Parameters
    ----------
    found
        Of each factor, at least one.
    """
    parts = []
    for missing in found:
        names = [f"'{slope.text}'" for slope in missing.slopes]
        shown = names[:MOST_NAMED]
        more = len(names) - len(shown)
        said = ", ".join(shown) + (f" and {more} more" if more else "")
        parts.append(
            f"{said} {'vary' if len(names) > 1 else 'varies'} within '{missing.spec.factor}' (in "
            f"{missing.n_varying:,} of {len(missing.levels):,} groups)"
        )
    now = " and ".join(f"`{m.spec.text if m.spec.smooth else _bar(m.spec)}`" for m in found)
    terms, reasons = zip(*(_any_remedy(missing) for missing in found), strict=True)
    because = "; ".join(dict.fromkeys(filter(None, reasons)))
    return (
        f"{'; '.join(parts)}, but {now} {'gives' if len(found) == 1 else 'give'} all groups the "
        "same effect. If their effects differ, the interval is too narrow. Fit "
        f"{' and '.join(terms)} instead{f': {because}' if because else ''}. The interval of the "
        "population's effect is then as wide as the groups' differences make it."
        + "".join(filter(None, map(_numbered_anew, found)))
    )


def _any_remedy(missing: Missing) -> tuple[str, str]:
    """Return the terms to fit, and why no more of them."""
    slopes = missing.slopes[:MOST_NAMED]
    if missing.spec.smooth is not None or any(slope.curve is not None for slope in slopes):
        return _curves(missing.spec, slopes, missing.n_varying)
    return _remedy(missing)


def _curves(spec: GroupSpec, slopes: Sequence[Slope], J: int) -> tuple[str, str]:
    """Return curves of the groups, with what else may differ between them."""
    first = spec.smooth or next(slope.curve for slope in slopes if slope.curve is not None)
    along = set(first.covariate.columns)
    terms = [_of_groups(first, spec.factor_columns)]
    others = tuple(t for t in spec.design.terms if not along & {c for a in t for c in a.columns})
    if others:
        terms.append(replace(spec, design=Effects(False, others)).text)
    bent = [s for s in slopes if set(s.columns) - set(s.labels) == along]
    levels = [s.labels for s in bent if s.labels]
    terms += [_of_groups(first, (*spec.factor_columns, *labels)) for labels in levels]
    for slope in slopes:
        if slope not in bent and not any(set(slope.columns) <= set(labels) for labels in levels):
            terms.append(_apart(spec, slope))
    if J < FEWEST_CORRELATED and len(terms) > 1:
        return f"`{terms[0]}`", f"{J} groups can bear no more slopes"
    return f"`{' + '.join(dict.fromkeys(terms))}`", ""


def _of_groups(curve: SmoothSpec, columns: tuple[str, ...]) -> str:
    """Write the curves of groups, as a population's is."""
    size = curve.size if curve.kind == "s" else None
    return SmoothSpec("s", curve.covariate, groups=columns, basis=curve.basis, size=size).text


def _apart(spec: GroupSpec, slope: Slope) -> str:
    """Write an effect of groups as a term of its own: of labels, one of each level within them."""
    levels = slope.labels or slope.columns * slope.treatment
    factor = ":".join(map(quote_name, (*spec.factor_columns, *levels)))
    effect = ":".join(slope.numbers) if slope.labels or not slope.treatment else ""
    return f"({f'0 + {effect}' if effect else '1'}|{factor})"


def _remedy(missing: Missing) -> tuple[str, str]:
    """Return effects of the groups, or of the levels of factors within them."""
    slopes, J = missing.slopes[:MOST_NAMED], missing.n_varying
    q = missing.width + sum(slope.width for slope in slopes)
    if J >= FEWEST_CORRELATED and q * (q + 1) // 2 < J:
        return f"`{_bar(missing.spec, slopes)}`", ""
    room = 1 if J < FEWEST_CORRELATED else max(1, J - 1 - missing.width)
    kept, left = slopes[:room], slopes[room:]
    joint = [slope for slope in kept if slope.width == 1 or not slope.labels]
    bars = [_bar(missing.spec, joint, correlated=missing.spec.correlated and not joint)]
    bars += [_apart(missing.spec, slope) for slope in kept if slope not in joint]
    reason = f"{J} groups can bear no {'more slopes' if left else 'correlations'}"
    if left:
        reason += f" ({', '.join(repr(slope.text) for slope in left)})"
    far = [s for s in joint if not s.treatment and not s.X.min() <= 0 <= s.X.max()]
    if far:
        names = " and ".join(f"'{slope.text}'" for slope in far)
        reason += f"; centre {names} first, since `||` takes effects to be independent at zero"
    return f"`{' + '.join(bars)}`", reason


def _bar(spec: GroupSpec, slopes: Sequence[Slope] = (), *, correlated: bool | None = None) -> str:
    effects = [] if spec.design.intercept else ["0"]
    effects += [":".join(atom.text for atom in term) for term in spec.design.terms]
    effects += [slope.text for slope in slopes]
    factor = ":".join(quote_name(column) for column in spec.factor_columns)
    joined = spec.correlated if correlated is None else correlated
    return f"({' + '.join(effects) or '1'}{'|' if joined else '||'}{factor})"


def _numbered_anew(missing: Missing) -> str:
    """Name the other reading of groups that are numbered: cage 1 of each arm is another cage.

    Numbers from 0 or 1 up may start anew in every treatment. Nothing in the data says so.
    """
    treatments = [s for s in missing.slopes if s.treatment and len(s.columns) == 1]
    if len(missing.spec.factor_columns) > 1 or not treatments or not _counts(missing.levels):
        return ""
    column, factor = treatments[0].columns[0], missing.spec.factor_columns[0]
    return (
        f" If '{factor}' is numbered anew for each '{column}', so that one number stands for "
        f"several groups, fit `(1|{quote_name(column)}:{quote_name(factor)})` instead."
    )


def _counts(levels: Sequence[object]) -> bool:
    """Whether levels are the numbers from 0 or 1 up."""
    texts = [str(level) for level in levels]
    if not all(text.isascii() and text.isdigit() for text in texts):
        return False
    numbers = sorted(map(int, texts))
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
