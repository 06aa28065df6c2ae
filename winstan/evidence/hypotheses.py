"""Bayes factors of statements on the parameters of one fit.

Of an order (``stim > 0``) by the encompassing prior: the probability that the posterior gives it,
over that of the prior. Of a point (``stim = 0``) by Savage and Dickey: the posterior density of the
difference at zero, over the prior's.

References
----------
Klugkist, Kato and Hoijtink (2005), Statistica Neerlandica 59, 57-69: encompassing priors. Dickey
(1971), Annals of Mathematical Statistics 42, 204-223; Wagenmakers, Lodewyckx, Kuriyal and Grasman
(2010), Cognitive Psychology 60, 158-189: the density ratio.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.convergence import convergence
from winstan.effects.hypotheses import (
    POINTS,
    evaluate_difference,
    read_hypothesis,
    scalar_draws,
)
from winstan.effects.prior_draws import prior_draws
from winstan.errors import OptionError
from winstan.evidence.marginal_likelihood import prior_ratio, prior_values
from winstan.marginal.monotone import MonotoneTransform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.effects.expressions import Token
    from winstan.model import Model

PRIOR_DRAWS = 40_000
# Draws on the lesser side of a point, below which its density cannot be told.
BEYOND = 20
# Of a normal kernel: standard deviations times draws to the power of -1/5 (Silverman 1986).
BANDWIDTH = 0.9


@dataclass(frozen=True, slots=True)
class _Weight:
    """What a distribution gives a statement: a probability, or a density; and its relative error.

    Attributes
    ----------
    value, error : float
    """

    value: float
    error: float


def hypothesis_factors(
    model: Model,
    posterior: Mapping[str, Array],
    n_chains: int,
    texts: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Weigh statements by prior and posterior.

    Parameters
    ----------
    model
        With proper priors.
    posterior : mapping of str to ndarray
        Draws by variable, chain after chain, (S, *dims).
    n_chains
    texts
    seed
        Of the draws of the priors.

    Returns
    -------
    DataFrame
        See `Fit.bayes_factor`.

    Raises
    ------
    OptionError
        If a statement cannot be read, or a point is too far out.
    """
    names = scalar_draws(model, posterior)
    read = [(text, *read_hypothesis(text, names)) for text in texts]
    rows = []
    for text, tokens, at in read:
        own = [token.text for token in tokens if token.kind == "name"]
        row: dict[str, object] = {"hypothesis": text}
        for label, factor in (("", 1.0), ("_half", 0.5), ("_twice", 2.0)):
            found = _weighed(
                model, posterior, names, n_chains, (text, tokens, at), own, factor, seed
            )
            if not label:
                row |= _told(*found, point=tokens[at].text in POINTS)
            else:
                row[f"bf{label}"] = _ratio(*found)
        rows.append(row)
    return pd.DataFrame(rows)


def _weighed(
    model: Model,
    posterior: Mapping[str, Array],
    names: Mapping[str, Array],
    n_chains: int,
    statement: tuple[str, list[Token], int],
    own: Sequence[str],
    factor: float,
    seed: int,
) -> tuple[_Weight, _Weight]:
    """Weigh a statement by posterior and prior, its parameters' priors `factor` times as wide."""
    text, tokens, at = statement
    log_weight = np.zeros(len(next(iter(posterior.values()))))
    if factor != 1:
        table = dict(model.priors.table)
        for name, values in prior_values(model, posterior).items():
            if name in own:
                table[name] = model.priors[name].rescaled(factor)
                log_weight = log_weight + prior_ratio(model.priors[name], table[name], values)
        model = replace(model, priors=replace(model.priors, table=table))
    drawn = prior_draws(model, np.random.default_rng([seed, 2]), PRIOR_DRAWS)
    difference = evaluate_difference(tokens, at, names, text).reshape(n_chains, -1)
    of_prior = evaluate_difference(tokens, at, scalar_draws(model, drawn), text)[None]
    weight = np.exp(log_weight - log_weight.max()).reshape(n_chains, -1)
    sign = tokens[at].text
    if sign in POINTS:
        _check_point(text, difference)
        return _density(difference, weight), _density(of_prior, np.ones_like(of_prior))
    holds = {
        ">": np.greater,
        "<": np.less,
        ">=": np.greater_equal,
        "<=": np.less_equal,
    }[sign]
    return _mean(holds(difference, 0), weight), _mean(holds(of_prior, 0), np.ones_like(of_prior))


def _check_point(text: str, difference: Array) -> None:
    """Refuse a point in a tail where there are next to no draws."""
    beyond = int(min((difference < 0).sum(), (difference > 0).sum()))
    if beyond < BEYOND:
        raise OptionError(
            f"The hypothesis {text!r} is where {beyond} of {difference.size:,} draws are beyond: "
            "the density there cannot be told from them. The Bayes factor of such a point is that "
            "of two fits: ws.bayes_factor(fit.update(priors={...: ws.Constant(0)}), fit)."
        )


def _density(difference: Array, weight: Array) -> _Weight:
    """Return the density at zero: of scores, which are about normal, by a kernel."""
    flat, own = difference.ravel(), weight.ravel() / weight.sum()
    spread = np.quantile(flat, 0.75) - np.quantile(flat, 0.25)
    transform = MonotoneTransform.through(flat[:, None], own)
    score, at = transform.scores(flat[:, None])[:, 0], transform.scores(np.zeros((1, 1)))[0, 0]
    slope = float(np.exp(transform.log_slope(np.full((1, 1), at))[0, 0]))
    assert spread > 0
    effective = 1 / np.square(own).sum()
    width = BANDWIDTH * effective**-0.2
    kernel = np.exp(-0.5 * np.square((score - at) / width)) / (width * np.sqrt(2 * np.pi))
    found = _mean(kernel.reshape(difference.shape), weight)
    return _Weight(found.value / slope, found.error)


def _mean(values: Array, weight: Array) -> _Weight:
    """Return a weighted mean, (chains, draws) of either, and its relative error."""
    total = float((weight * values).sum() / weight.sum())
    if not total > 0:
        return _Weight(0.0, np.nan)
    away = weight * (values - total) / weight.mean()
    if not np.any(away):
        return _Weight(total, np.nan)
    error = float(convergence(away[:, :, None]).mcse_mean[0])
    return _Weight(total, error / total)


def _told(posterior: _Weight, prior: _Weight, *, point: bool) -> dict[str, object]:
    """Return the columns of a statement."""
    bf = _ratio(posterior, prior)
    with np.errstate(divide="ignore"):
        log = float(np.log(bf))
    contrary = np.nan
    if not point and prior.value < 1:
        odds = [p.value / (1 - p.value) if p.value < 1 else np.inf for p in (posterior, prior)]
        contrary = odds[0] / odds[1] if odds[1] else np.nan
    return {
        "posterior": posterior.value,
        "prior": prior.value,
        "bf": bf,
        "log_bf": log,
        "error": float(np.hypot(posterior.error, prior.error)),
        "bf_contrary": contrary,
    }


def _ratio(posterior: _Weight, prior: _Weight) -> float:
    return posterior.value / prior.value if prior.value else np.nan
