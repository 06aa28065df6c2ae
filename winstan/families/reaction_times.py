"""What the families of ``stan/reaction_times.stan`` share: a tally, and the normal tail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import special

from winstan.families.auxiliary import mean
from winstan.families.cellwise import by_cell, of_rows, rows_by_cell, tally_by_cell
from winstan.families.family import Family
from winstan.families.namespace import NUMPY
from winstan.families.offsets import subtract_offset
from winstan.families.support import any_real
from winstan.families.tails import ROOT_HALF

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.parameter import Parameter
    from winstan.families.sample import Sample

_CODES = {"exgaussian": 1, "shifted_lognormal": 2, "skew_normal": 3}
type Name = Literal["exgaussian", "shifted_lognormal", "skew_normal"]


def reaction_statistics(
    family: Name, sample: Sample, cell: np.ndarray, least: float = 0.0
) -> dict[str, Any]:
    """Return a tally of the distinct (cell, value) pairs: there are no sufficient statistics."""
    return {
        **tally_by_cell(sample, cell),
        "reaction": _CODES[family],
        "least": least,
        "log_constant": sample.log_jacobian,
    }


def inverse_mills(x: Array) -> Array:
    """Return the derivative of log Phi, phi(x) / Phi(x), with all its digits in both tails."""
    low = np.sqrt(2 / np.pi) / special.erfcx(-ROOT_HALF * np.minimum(x, 0.0))
    above = np.maximum(x, 0.0)
    high = np.exp(-0.5 * np.square(above)) / (np.sqrt(2 * np.pi) * special.ndtr(above))
    return np.where(x < 0, low, high)


@dataclass(frozen=True, slots=True)
class OfResiduals:
    """The functions of a family whose density is of the response less its mean.

    Attributes
    ----------
    name : str
    log_kernel : callable
        ``log_kernel(residual, own, xp)``: the log density of a row.
    slopes : callable
        ``slopes(residual, own)``: its derivatives by each parameter, ``mu`` for the mean.
    information : callable
        ``information(own)``: about the expected information of a row by each of them.
    """

    name: Name
    log_kernel: Callable[[Any, Aux, Namespace], Any]
    slopes: Callable[[Array, Aux], Mapping[str, Array]]
    information: Callable[[Aux], Mapping[str, Array]]

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Return a tally of the distinct (cell, value) pairs."""
        return reaction_statistics(self.name, sample, cell)

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of all rows."""
        by_row = self.log_kernel(*_of_pairs(stats, link.inverse(eta, xp), aux), xp)
        return xp.dot(stats["tally"], by_row) + stats["log_constant"]

    def score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
        """Score and about the expected information by eta, shape (C,) each."""
        score, information = self.score_of("mu", stats, eta, aux, link)
        slope = link.inverse_derivative(eta)
        return score * slope, information * np.square(slope)

    def score_of(
        self, name: str, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and about the expected information by a parameter, shape (C,) each."""
        by_row = self.slopes(*_of_pairs(stats, link.inverse(eta), aux))[name]
        information = rows_by_cell(stats, eta.size) * self.information(aux)[name]
        return by_cell(stats, by_row, eta.size), information

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        return np.asarray(self.log_kernel(y - link.inverse(eta), aux, NUMPY))


def _of_pairs(stats: Statistics, mu: Any, aux: Aux) -> tuple[Any, dict[str, Any]]:
    """Residual and parameters beside the mean of each pair of cell and value."""
    cell = stats["cell"] - 1
    return stats["value"] - mu[cell], {name: of_rows(value, cell) for name, value in aux.items()}


def family_of_residuals(functions: OfResiduals, *beside: Parameter, **own: Any) -> Family:
    """Return the family of these functions and parameters; `own` is what else it says."""
    return Family(
        name=functions.name,
        kind="real",
        parameters=(mean("real", "identity", "log", "inverse"), *beside),
        template="reaction_times",
        support=any_real,
        statistics=functions.statistics,
        log_likelihood=functions.log_likelihood,
        score=functions.score,
        scores={p.name: partial(functions.score_of, p.name) for p in beside},
        log_density=functions.log_density,
        absorbs_offset={"identity": subtract_offset},
        dense_metric=True,
        **own,
    )
