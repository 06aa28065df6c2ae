"""Shares of variance: R squared, and intraclass correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import effects
from winstan.effects.explained import intraclass, r_squared, strata_levels
from winstan.options import ResidualVariance, check_flags, check_option

if TYPE_CHECKING:
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval


def r2(
    fit: FittedModel,
    *,
    residual: ResidualVariance | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    draws: bool = False,
) -> pd.DataFrame:
    """Give the share of the responses' variance that the model explains: Bayesian R squared.

    Of each draw, the variance of the rows' means over that plus the residual variance (Gelman,
    Goodrich, Gabry and Vehtari 2019): conditional on the groups' effects, and marginal, of the
    population's coefficients alone, over the same total.

    Parameters
    ----------
    residual : {"model", "data"}, optional
        The residual variance that the distribution has at the means, averaged over rows (sigma by
        condition counts for its rows), or the variance of the responses about the means. By default
        the first where winstan has the family's variance, as of gaussian, bernoulli and most
        others; `attrs` says which. Of successes it is the variance of their share.
    prob, interval
        As for `summary`.
    draws
        Return the draws in long form (columns r2, draw, value).

    Returns
    -------
    DataFrame
        Columns r2 (``"conditional"`` and ``"marginal"``, or ``"all"`` without group terms), mean,
        sd, and the interval's ends; ``attrs["residual"]``.

    Raises
    ------
    OptionError
        For categories and directions, which have no variance, or an unknown option.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("np.log(Power) ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> fit.r2()["r2"].tolist()
    ['conditional', 'marginal']
    """
    check_flags(draws=draws)
    if residual is not None:
        check_option("residual", residual, ResidualVariance)
    effects.interval_names(prob, interval)  # refuses what is none, before any work
    found = r_squared(fit.model, fit.joined(), residual)
    tables = [
        _rows({"r2": name}, values, prob, interval, draws=draws)
        for name, values in found.shares.items()
    ]
    out = pd.concat(tables, ignore_index=True)
    out.attrs["residual"] = found.note
    return out


def icc(
    fit: FittedModel,
    *,
    by: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    draws: bool = False,
) -> pd.DataFrame:
    """Give each group term's share of the variance: the intraclass correlation.

    That is the correlation of two responses of one group, by what the term has of it. Of a term
    with slopes, its variance is averaged over the rows.

    Parameters
    ----------
    by
        A column of the formula: one for each of its levels, with the variances of its rows, where
        slopes or sigma make them differ.
    prob, interval
        As for `summary`.
    draws
        Return the draws in long form (columns term, [by], draw, value).

    Returns
    -------
    DataFrame
        Columns term, [by], mean, sd, and the interval's ends. ``attrs["scale"]`` names the scale
        of the variances: the response's; its logarithm (lognormal); the latent one of a binary,
        binomial or cumulative response, whose residual variance is that of its link (pi^2 / 3 of
        the logit); or, of a log link, the logarithm of the mean, with the observation-level
        variance ln(1 + Var(y) / mean^2) (Nakagawa, Johnson and Schielzeth 2017).

    Raises
    ------
    OptionError
        Without a group term, or for a family and link of which no such scale is known.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("np.log(Power) ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> fit.icc().attrs["scale"]
    'response'
    """
    check_flags(draws=draws)
    effects.interval_names(prob, interval)
    levels, tables = strata_levels(fit.model, by), []
    found = intraclass(fit.model, fit.joined(), by)
    for name in found[0].shares:
        for level, one in zip(levels, found, strict=True):
            own = {"term": name} | ({} if by is None else {by: level})
            tables.append(_rows(own, one.shares[name], prob, interval, draws=draws))
    out = pd.concat(tables, ignore_index=True)
    out.attrs["scale"] = found[0].note
    return out


def _rows(
    own: dict[str, object], values: np.ndarray, prob: float, interval: Interval, *, draws: bool
) -> pd.DataFrame:
    """Return a row that summarises draws, or a row for each."""
    if draws:
        return pd.DataFrame(own | {"draw": np.arange(values.size), "value": values})
    return pd.DataFrame([own | effects.describe(values, prob, interval)])
