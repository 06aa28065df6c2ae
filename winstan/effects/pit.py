"""Where each response lies in the distribution that the model foretells for it.

The probability integral transform of a row is P(Y <= y): uniform, over rows, if the model is right.
Of whole numbers, and of responses behind a limit, it is drawn at random between the probabilities
just below and up to what was seen. Its normal score is the randomised quantile residual.

References
----------
Dunn and Smyth (1996), J. Computational and Graphical Statistics 5, 236-244: randomised quantile
residuals. Gelman, Meng and Stern (1996); Vehtari, Gelman and Gabry (2017), Statistics and Computing
27, 1413-1432: leave-one-out, by Pareto-smoothed importance sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from winstan._angles import wrap_angles
from winstan.draws import ROW
from winstan.effects.distribution import distribution
from winstan.effects.grouped_rows import check_responses_known
from winstan.effects.means import auxiliary, linear_predictor, mean_response, rows_of
from winstan.effects.pointwise import distinct_rows, whole_repeats
from winstan.effects.psis import weights_without
from winstan.errors import OptionError
from winstan.residual.rows import given_others

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.model import Model

# Quantile residuals are within the normal scores of this and one less it.
LEAST = 1e-15


@dataclass(frozen=True, slots=True)
class Foretold:
    """Of some distinct rows: what each draw foretells of them.

    Attributes
    ----------
    part : slice
        Which of the distinct rows.
    log_density : ndarray, shape (S, n)
    mean : ndarray, shape (S, n)
        Of the response.
    below, up_to : ndarray, shape (S, n)
        P(Y < y), or what is below the interval that a censored response is in, and P(Y <= y).
    replicated : bool
        Whether these are zeros and ones, of a replicate for each draw.
    """

    part: slice
    log_density: Array
    mean: Array
    below: Array
    up_to: Array
    replicated: bool = False


def residuals(
    model: Model, posterior: Mapping[str, Array], n_chains: int, seed: int, *, loo: bool
) -> pd.DataFrame:
    """Give each response its place in what is foretold for it.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, chain after chain, (S, *dims).
    n_chains
    seed
        Of the randomisation, and of replicates where there is no distribution function.
    loo
        Foretold from all other responses, in place of from all.

    Returns
    -------
    DataFrame
        See `Fit.residuals`.

    Raises
    ------
    OptionError
        For categories without an order, or weights that are no whole numbers.
    """
    design = model.design
    if model.family.kind == "unordered":
        raise OptionError(
            f"family={model.family.name!r} has categories without an order, so that none is below "
            "another: there are no quantile residuals. fit.plot_predictive() shows their shares."
        )
    check_responses_known(model, "Residuals are")
    random = np.random.default_rng([seed, 3])
    number, blocks = _blocks(model, posterior, random)
    n = int(number.max()) + 1
    below, up_to, mean = np.empty((3, n))
    for block in blocks:
        weight = weights_without(block.log_density, n_chains) if loo else _even(block.log_density)
        for out, values in ((below, block.below), (up_to, block.up_to), (mean, block.mean)):
            out[block.part] = (weight * values).sum(axis=0)
        if block.replicated:  # a row's place among S replicates: one of S + 1
            S = len(block.below)
            below[block.part] *= S / (S + 1)
            up_to[block.part] = (S * up_to[block.part] + 1) / (S + 1)
    rows = _every(model)
    at = number[rows]
    share = random.random(rows.size)
    pit = np.clip(below[at] + share * (up_to[at] - below[at]), 0.0, 1.0)
    seen = design.response.in_units(design.response.y[rows])
    table: dict[str, Any] = {ROW: _positions(model)[rows]}
    for name in map(str, design.predictors.columns):
        table[name] = design.predictors[name].to_numpy()[design.row[rows]]
    table |= {"observed": seen, "mean": mean[at], "pit": pit}
    table["residual"] = special.ndtri(np.clip(pit, LEAST, 1 - LEAST))
    return pd.DataFrame(table)


def _every(model: Model) -> np.ndarray:
    """Return the place, among the N rows, of each observation: as often as it was made."""
    design = model.design
    if design.response.counts is None:
        return np.repeat(np.arange(design.row.size), whole_repeats(model, "residuals()"))
    places = np.arange(design.row.size)[design.responses]
    weights = design.response_weights
    return places if weights is None else np.repeat(places, weights.astype(int))


def _positions(model: Model) -> np.ndarray:
    """Return the position of each of the N rows in the user's data."""
    return model.design.kept.astype(np.int64)


def _blocks(
    model: Model, posterior: Mapping[str, Array], random: np.random.Generator
) -> tuple[np.ndarray, Iterator[Foretold]]:
    """Return the distinct row of each of the N, and what is foretold of those."""
    if model.residuals is not None:
        return np.arange(model.design.row.size), _given_others(model, posterior)
    design, response = model.design, model.design.response
    y = wrap_angles(response.y) if model.family.circular else response.y
    y = y.astype(float)
    number, first, rows = distinct_rows(design, y)

    def blocks() -> Iterator[Foretold]:
        for part, without in linear_predictor(model, posterior, rows):
            at, eta = first[part], without + rows.offset[part]
            aux = auxiliary(model, posterior, rows, part)
            of = response.beside(at)
            log_density = model.family.log_densities(y[at], eta, aux, model.link, of)
            found = distribution(model, y[at], eta, aux, of, random)
            yield Foretold(part, log_density, _means(model, aux, eta, response.trials, at), *found)

    return number, blocks()


def _means(
    model: Model, aux: Mapping[str, Any], eta: Array, trials: Array | None, at: np.ndarray
) -> Array:
    """Return the mean response; of categories their mean place, of angles the direction."""
    family = model.family
    if family.of_categories:
        n = len(model.design.response.categories or ())
        each = [
            k * np.exp(family.log_densities(np.full(at.size, float(k)), eta, aux, model.link))
            for k in range(n)
        ]
        return np.asarray(sum(each))
    mean = mean_response(model, aux, eta)
    if family.circular:
        return np.asarray(np.angle(mean))
    return mean if trials is None else mean * trials[at]


def _given_others(model: Model, posterior: Mapping[str, Array]) -> Iterator[Foretold]:
    """Foretell each row from the other rows of its unit, whose residuals its own is like."""
    residual, design = model.residuals, model.design
    assert residual is not None
    rows, row = rows_of(design, beside=True), design.row
    log_response = model.family.log_response
    y = np.log(design.response.y) if log_response else design.response.y.astype(float)
    eta = np.hstack([part for _, part in linear_predictor(model, posterior, rows)]) + rows.offset
    aux = auxiliary(model, posterior, rows)
    sigma = aux["sigma"]
    spread = np.broadcast_to(sigma if sigma.shape[1] == 1 else sigma[:, row], (len(eta), row.size))
    error = y - eta[:, row]
    structure = residual.structure
    mean, sd, others = given_others(residual, posterior[structure.name], spread, error)
    z = (error - mean) / sd
    if model.family.elliptical is None:
        below, log_density = special.ndtr(z), -0.5 * np.square(z) - np.log(sd)
    else:
        size = np.bincount(residual.unit)[residual.unit]
        below, own = model.family.elliptical.given_others(z, others, size - 1, aux)
        log_density = own - np.log(sd)
    expected = eta[:, row] + mean
    if log_response:
        expected = np.exp(expected + 0.5 * np.square(sd))
    yield Foretold(slice(0, row.size), log_density, expected, below, below)


def _even(log_density: Array) -> Array:
    return np.full((len(log_density), 1), 1 / len(log_density))
