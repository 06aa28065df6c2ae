"""The von Mises distribution of angles: mean direction mu, concentration kappa.

A cell keeps the mean of its unit vectors, by length and angle: its direction m, the length R of
their sum, and how much shorter R is than their number n. With 1 - cos x = 2 sin^2(x / 2), the sum
of 1 - cos(y - mu) over its rows is then n - R + 2 R sin^2((mu - m) / 2), of which rounding takes
nothing however near the angles are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan._angles import TURN, deviations
from winstan.families.auxiliary import mean
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.parameter import Parameter
from winstan.families.support import angles
from winstan.priors import HalfCauchy

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample

# From here the asymptotic series of A(kappa) is good to rounding, and differences of Bessel
# functions are not.
_FAR = 1e3


def statistics(
    sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
) -> Statistics:
    """Count, mean direction, and length of the resultant of each cell."""
    n = sample.by_cell(cell, n_cells)
    # About the mean of all, where the sums of near angles round the least.
    center, away = deviations(sample.y, sample.weight, None)
    sums = [sample.by_cell(cell, n_cells, part) for part in (np.cos(away), np.sin(away))]
    of_cell = np.arctan2(sums[1], sums[0])
    nearer = np.sin(0.5 * (away - of_cell[cell]))
    lost = sample.by_cell(cell, n_cells, 2 * np.square(nearer))
    return {
        "n": n,
        "direction": center + of_cell,
        "lost": lost,
        "length": np.maximum(n - lost, 0.0),
        "log_constant": sample.log_jacobian - sample.total(np.full(sample.y.shape, np.log(TURN))),
    }


def log_likelihood(stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY) -> Any:
    """Log density of all rows."""
    kappa = aux["kappa"]
    half = xp.sin(0.5 * (link.inverse(eta, xp) - stats["direction"]))
    lost = stats["lost"] + 2 * stats["length"] * xp.square(half)
    return stats["log_constant"] - xp.total(kappa * lost + stats["n"] * xp.log_i0e(kappa))


def mean_length(kappa: Any) -> Any:
    """Return A(kappa) = I1(kappa) / I0(kappa), the length of the mean of unit vectors."""
    return special.i1e(kappa) / special.i0e(kappa)


def _shortening(kappa: Any) -> Any:
    """Return 1 - A(kappa)."""
    far = np.maximum(kappa, _FAR)
    series = (1 + (1 + (1 + 25 / (16 * far)) / far) / (4 * far)) / (2 * far)
    return np.where(kappa < _FAR, 1 - mean_length(np.minimum(kappa, _FAR)), series)


def _slope_of_length(kappa: Any) -> Any:
    """Return dA / dkappa = 1 - A / kappa - A^2, a row's information on kappa."""
    near = np.clip(kappa, 1e-8, _FAR)
    A = mean_length(near)
    far = np.maximum(kappa, _FAR)
    series = (1 + (1 + 3 / (2 * far)) / (2 * far)) / (2 * np.square(far))
    return np.where(kappa < _FAR, 1 - A / near - np.square(A), series)


def score(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by eta, shape (C,) each (Mardia and Jupp 2000, 5.3)."""
    kappa, slope = aux["kappa"], link.inverse_derivative(eta)
    sine = stats["length"] * np.sin(stats["direction"] - link.inverse(eta))
    information = stats["n"] * kappa * mean_length(kappa)
    return kappa * sine * slope, information * np.square(slope)


def score_of_kappa(stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
    """Score and expected information by kappa, shape (C,) each."""
    n, kappa = stats["n"], aux["kappa"]
    half = np.sin(0.5 * (link.inverse(eta) - stats["direction"]))
    lost = stats["lost"] + 2 * stats["length"] * np.square(half)
    return n * _shortening(kappa) - lost, n * _slope_of_length(kappa)


def log_density(y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
    """Log density of single rows."""
    lost = 2 * np.square(np.sin(0.5 * (y - link.inverse(eta))))
    return -aux["kappa"] * lost - np.log(special.i0e(aux["kappa"])) - np.log(TURN)


def draw(rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
    """Draw an angle for each direction, between -pi and pi."""
    return rng.vonmises(mu, np.broadcast_to(aux["kappa"], mu.shape))


def mean_vector(mu: Array, aux: Aux) -> Array:
    """Return the mean of the responses' unit vectors: A(kappa) long, in direction mu."""
    return mean_length(aux["kappa"]) * np.exp(1j * mu)


def _inverse_square(scale: float) -> float:
    return 1 / scale**2


KAPPA = Parameter(
    name="kappa",
    domain="positive",
    label="concentration",
    # Half lie above 3, where a mean vector is 0.8 long; its density is finite at zero (no direction
    # is preferred), and its tail that of a power: precise responses overcome it.
    default_prior=HalfCauchy(3.0),
    # About the concentration of angles that deviate so much.
    start=_inverse_square,
    link_sd=2.0,
)

VON_MISES = Family(
    name="von_mises",
    aliases=("vonmises", "circular", "circular_normal"),
    kind="circular",
    label="von Mises",
    parameters=(mean("real", "tan_half", "identity", label="mean direction"), KAPPA),
    template="von_mises",
    support=angles,
    statistics=statistics,
    log_likelihood=log_likelihood,
    score=score,
    scores={"kappa": score_of_kappa},
    log_density=log_density,
    draw=draw,
    stan=Distribution(name="von_mises", arguments="mu{i}, kappa"),
    pymc=Distribution(name="VonMises", arguments="mu=mu, kappa=kappa"),
    bambi=BambiFamily(name="vonmises"),
    response_mean=mean_vector,
    # The half-tangent's unit vector is (1 + i eta) / (1 - i eta): analytic but for -i.
    mean_strip=1.0,
)
