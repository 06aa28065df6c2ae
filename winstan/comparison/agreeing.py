"""Whether fits of one question, by different backends, gave one answer.

Two correct samplers of one posterior differ by Monte Carlo error alone, and that error is known: a
difference is measured in it, and called a disagreement only where chance would hardly give it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from winstan.comparison.agreement import Agreement
from winstan.comparison.comparability import check_same_question
from winstan.comparison.numbers import draws_of, intervals_of, pair_of, roles_of
from winstan.errors import OptionError
from winstan.fit_class import Fit
from winstan.options import check_probability

if TYPE_CHECKING:
    from collections.abc import Sequence


def agree(
    a: Fit, b: Fit, *more: Fit, names: Sequence[str] | None = None, alpha: float = 0.01
) -> Agreement:
    """Hold fits of the same question against each other, in units of their Monte Carlo error.

    Parameters
    ----------
    a, b, *more
        Fits with the same data, formula, family, link and priors. All others are held against the
        first.
    names
        What to call each; by default its backend, numbered where several share one.
    alpha
        Probability, at most, of calling any of the parameters of any pair a disagreement when all
        fits sample the same posterior.

    Returns
    -------
    Agreement

    Raises
    ------
    OptionError
        If the fits do not answer the same question, or an option has no such value.

    Notes
    -----
    Means are compared as z = (mean_a - mean_b) / hypot(mcse_a, mcse_b). The ratio of sds is
    reported, but judged by a measure that exists for any distribution, heavy tails included: the
    mean of the squared normal scores of the ranks among the draws of both fits (Klotz 1962, Annals
    of Mathematical Statistics 33, 498-512), again in units of its Monte Carlo error; its sign is
    that of a wider first fit.

    Both count against one threshold, that of Sidak (1967, J. American Statistical Association 62,
    626-633) for 2 x parameters x pairs of them. It holds for correlated parameters as well, where
    it is conservative: false alarms are rarer than `alpha`.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> other = fit.update(seed=2, silence="all")
    >>> ws.agree(fit, other).ok
    True
    """
    fits = (a, b, *more)
    _check_fits(fits)
    named = _named(fits, names)
    check_probability("alpha", alpha, 0.01)
    for other, name in zip(fits[1:], named[1:], strict=True):
        check_same_question(fits[0].model, other.model, named[0], name)

    summaries = [fit.summary() for fit in fits]
    rows = summaries[0].index
    roles = roles_of(a.model, rows)
    n_tests = 2 * len(rows) * (len(fits) - 1)
    # log1p and expm1: 1 - alpha to a power near 0 would lose its digits.
    each = -np.expm1(np.log1p(-alpha) / n_tests)
    threshold = float(-special.ndtri(each / 2))

    first = draws_of(a, rows)
    pairs = []
    for i in range(1, len(fits)):
        second = draws_of(fits[i], rows)
        if np.array_equal(first, second):
            raise OptionError(
                f"{named[0]} and {named[i]} are the same draws, which prove nothing: give one of "
                "the fits another seed= or backend=."
            )
        pairs.append(
            pair_of(
                (named[0], summaries[0], first),
                (named[i], summaries[i].loc[rows], second),
                threshold,
            )
        )
    table = pd.concat(pairs, ignore_index=True)
    table.insert(1, "role", np.tile(np.array(roles, dtype=object), len(pairs)))
    return Agreement(
        table=table,
        intervals=intervals_of(named, [s.loc[rows] for s in summaries], roles),
        names=named,
        alpha=float(alpha),
        threshold=threshold,
        unconverged={
            name: fit.verdict
            for name, fit in zip(named, fits, strict=True)
            if not fit.diagnostics.ok
        },
    )


def _check_fits(fits: Sequence[Any]) -> None:
    for fit in fits:
        if not isinstance(fit, Fit):
            raise OptionError(
                f"agree() takes fits, as ws.fit gives them, not {type(fit).__name__}; write "
                "ws.agree(fit, twin)."
            )


def _named(fits: Sequence[Fit], names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        backends = [fit.backend for fit in fits]
        count, seen = Counter(backends), Counter[str]()
        out = []
        for backend in backends:
            seen[backend] += 1
            out.append(f"{backend} {seen[backend]}" if count[backend] > 1 else backend)
        return tuple(out)
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise OptionError(f"names= must be a list of strings, one for each fit, not {names!r}.")
    if len(names) != len(fits) or len(set(names)) != len(fits):
        raise OptionError(
            f"names= must be {len(fits)} different names, one for each fit, not {list(names)!r}."
        )
    return tuple(names)
