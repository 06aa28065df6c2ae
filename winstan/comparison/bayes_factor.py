"""The Bayes factor of two fits of the same data, and how it hangs on the priors that differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from winstan.comparison.comparability import same_prior
from winstan.crossvalidation.scored import ScoredData
from winstan.errors import OptionError
from winstan.evidence import check_priors_proper, rescaled
from winstan.fit_class import Fit

if TYPE_CHECKING:
    from winstan.evidence import LogMarginalLikelihood
    from winstan.model import Model

FACTORS = (0.5, 1.0, 2.0)
"""How many times as wide the priors that differ are."""


@dataclass(frozen=True, slots=True, repr=False)
class BayesFactor:
    """What the data say of one model against another; `float` takes the Bayes factor.

    Attributes
    ----------
    log : float
        Natural logarithm of the Bayes factor, of the first model over the second.
    error : float
        Standard error of `log`.
    formulas : tuple of str
        Of the first model and the second.
    log_marginal_likelihoods : tuple of LogMarginalLikelihood
        Theirs.
    priors : tuple of str
        Parameters whose priors differ: that one model lacks, or that have another prior there.
    defaults : tuple of str
        Those of them whose prior is a default.
    sensitivity : DataFrame
        Columns width (of those priors, times what they are), log_bf, bf: a row each for half as
        wide, as they are, and twice as wide.
    """

    log: float
    error: float
    formulas: tuple[str, str]
    log_marginal_likelihoods: tuple[LogMarginalLikelihood, LogMarginalLikelihood]
    priors: tuple[str, ...]
    defaults: tuple[str, ...]
    sensitivity: pd.DataFrame

    def __float__(self) -> float:
        return _exp(self.log)

    def __repr__(self) -> str:
        first, second = self.formulas
        lines = [
            f"Bayes factor {_number(self.log)} of {first!r} over {second!r} "
            f"(log {self.log:.3f}, standard error {self.error:.2g})",
            self.line,
        ]
        return "\n".join(lines)

    @property
    def line(self) -> str:
        """One sentence: how it moves with the priors that differ."""
        if not self.priors:
            return "Prior sensitivity: no prior differs whose width could be changed."
        some = ", ".join(self.priors[:5]) + (", ..." if len(self.priors) > 5 else "")
        narrow, _, wide = self.sensitivity["log_bf"]
        line = (
            f"Prior sensitivity: {_number(narrow)} with the prior of {some} half as wide, "
            f"{_number(wide)} twice as wide."
        )
        if self.defaults:
            line += f" Defaults, which are scaled by the data: {', '.join(self.defaults[:5])}."
        return line


def bayes_factor(a: Fit, b: Fit, *, seed: int = 0) -> BayesFactor:
    """Weigh two models of the same data by their marginal likelihoods.

    Parameters
    ----------
    a, b
        Fits of the same rows and response, with proper priors.
    seed
        As for `Fit.log_marginal_likelihood`.

    Returns
    -------
    BayesFactor
        Of `a` over `b`, always with what it would be if the priors that differ were half, or
        twice, as wide.

    Raises
    ------
    OptionError
        If they are not of the same data, of another response (``y`` and ``log(y)``), or if one has
        densities where the other has probabilities.
    PriorError
        If a prior is improper.

    Notes
    -----
    A Bayes factor compares how well both models, priors included, foretold the data: it hangs on
    the priors of what they do not share, however many data there are (see the page on evidence).

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> a = ws.fit("np.log(Power) ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> b = a.update("np.log(Power) ~ 1 + (1|mouse)", silence="all")
    >>> float(ws.bayes_factor(a, b)) > 1
    True
    """
    for fit in (a, b):
        if not isinstance(fit, Fit):
            raise OptionError(
                f"bayes_factor() takes two fits of winstan's, not {type(fit).__name__}. A "
                "hypothesis within one fit is fit.bayes_factor('stim > 0')."
            )
    check_priors_proper(a.model)
    check_priors_proper(b.model)
    if difference := ScoredData.of(a.model).difference(ScoredData.of(b.model), "a", "b"):
        raise OptionError(difference)
    found = a.log_marginal_likelihood(seed=seed), b.log_marginal_likelihood(seed=seed)
    log = found[0].value - found[1].value
    names = [_differing(a.model, b.model), _differing(b.model, a.model)]
    posteriors = [a.joined(), b.joined()]
    rows = []
    for factor in FACTORS:
        moved = [
            0.0 if factor == 1 else rescaled(fit.model, draws, own, factor)
            for fit, draws, own in zip((a, b), posteriors, names, strict=True)
        ]
        moved_log = log + moved[0] - moved[1]
        rows.append({"width": factor, "log_bf": moved_log, "bf": _exp(moved_log)})
    both = tuple(dict.fromkeys([*names[0], *names[1]]))
    given = a.model.priors.given | b.model.priors.given
    return BayesFactor(
        log,
        math.hypot(found[0].error, found[1].error),
        (a.model.formula.text, b.model.formula.text),
        found,
        both,
        tuple(name for name in both if name not in given),
        pd.DataFrame(rows),
    )


def _differing(model: Model, other: Model) -> list[str]:
    """Name the parameters whose prior has a width, and that `other` has not, or not so."""
    out = []
    for name, prior in model.priors.table.items():
        beside = other.priors.table.get(name)
        same = (
            beside is not None
            and same_prior(prior, beside)
            and model.priors.place(name) == other.priors.place(name)
        )
        if not same and prior.has_width:
            out.append(name)
    return out


def _exp(log: float) -> float:
    return math.exp(log) if log < 709 else math.inf


def _number(log: float) -> str:
    """Write a Bayes factor; one below one as its inverse, too."""
    if abs(log) > 13:
        return f"e^{log:.1f}"
    value = math.exp(log)
    return f"{value:.4g}" if value >= 1 else f"{value:.3g} (1 to {1 / value:.4g})"
