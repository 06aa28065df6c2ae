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
  on which level is the reference (the split plot's analysis). There must be more groups than
  standard deviations: of an interaction and its main effects, the interaction is left out first.
- Of fewer than five groups one slope: so few say hardly more than that effects differ at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    X : ndarray, shape (D, width)
        Its columns of the design.
    treatment : bool
        Whether it compares conditions.
    """

    text: str
    columns: tuple[str, ...]
    X: np.ndarray
    treatment: bool

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
    now = " and ".join(f"`{_bar(m.spec)}`" for m in found)
    terms, reasons = zip(*(_remedy(missing) for missing in found), strict=True)
    because = "; ".join(dict.fromkeys(filter(None, reasons)))
    return (
        f"{'; '.join(parts)}, but {now} {'gives' if len(found) == 1 else 'give'} all groups the "
        "same effect. If their effects differ, the interval is too narrow. Fit "
        f"{' and '.join(terms)} instead{f': {because}' if because else ''}. The interval of the "
        "population's effect is then as wide as the groups' differences make it."
        + "".join(filter(None, map(_numbered_anew, found)))
    )


def _remedy(missing: Missing) -> tuple[str, str]:
    """Return the terms to fit, and why no more of them."""
    slopes, J = missing.slopes[:MOST_NAMED], missing.n_varying
    q = missing.width + sum(slope.width for slope in slopes)
    if J >= FEWEST_CORRELATED and q * (q + 1) // 2 < J:
        return f"`{_bar(missing.spec, slopes)}`", ""
    room = 1 if J < FEWEST_CORRELATED else max(1, J - 1 - missing.width)
    kept, left = slopes[:room], slopes[room:]
    joint = [slope for slope in kept if slope.width == 1]
    factor = [quote_name(column) for column in missing.spec.factor_columns]
    bars = [_bar(missing.spec, joint, correlated=missing.spec.correlated and not joint)]
    for slope in kept:
        if slope.width > 1:
            levels = ":".join([*factor, *map(quote_name, slope.columns)])
            bars.append(f"(1|{levels})")
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
