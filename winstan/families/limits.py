"""Censored and truncated responses, and responses of known standard error.

A censored row says that its response is in an interval (a, b], without end on one side or the
other, and its likelihood is F(b) - F(a); truncation between lb and ub divides each row's by
F(ub) - F(lb), which is such a row of a negative tally. Rows of a cell and of one interval share one
number. Measured rows keep the family's own statistics; where standard errors are known, a cell has
a part for each of them, whose scale is sqrt(error^2 + sigma^2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import FamilyError
from winstan.families.cellwise import of_rows
from winstan.families.family import ACCEPT_OPEN
from winstan.families.intervals import Intervals, least_end
from winstan.families.namespace import NUMPY
from winstan.families.registry import FAMILIES
from winstan.families.sample import INTERVAL, MEASURED, Limits
from winstan.families.suitable import named
from winstan.families.tails import log_difference
from winstan.families.truncation import draw_by_inverse, draw_within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from winstan._typing import Array
    from winstan.families.family import Aux, Family, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.parameter import Parameter
    from winstan.families.sample import Sample

# A step of a linear predictor, in scales of it, by which interval probabilities are differentiated.
_STEP = 1e-4
# Statistics of one base or another.
_OTHERS: dict[str, Any] = {
    "V": 0,
    "cell": np.zeros(0, int),
    **dict.fromkeys(
        ("n", "mean_y", "ss_within", "sum_y", "sum_log_y", "value", "log_value", "excess", "tally"),
        np.zeros(0),
    ),
    "linear": 0,
    "least": 0.0,
}
# What a censored row tells at least, of what a measured one does: next to nothing, and above zero.
_LEAST = 1e-6


def limited(family: Family, limits: Limits) -> Family:
    """Return the family of responses with such limits.

    Raises
    ------
    FamilyError
        If the family has no distribution function here, or no scale that known errors add to.
    """
    if family.cumulative is None:
        can = [name for name, other in FAMILIES.items() if other.cumulative is not None]
        raise FamilyError(
            f"family={family.name!r} cannot have censored or truncated responses, or known errors: "
            f"its distribution function is not there. {named(can)} can."
        )
    if limits.error is not None and (family.noise is None or family.kind != "real"):
        can = [n for n, f in FAMILIES.items() if f.noise and f.kind == "real" and f.cumulative]
        raise FamilyError(
            f"family={family.name!r} has no scale that a known standard error adds to: se() is for "
            f"{named(can)}."
        )
    own = Limited(family, known=limits.error is not None, with_sigma=limits.with_sigma)
    fixed = family.noise if own.known and not own.with_sigma else None
    return replace(
        family,
        template="limits",
        parameters=tuple(p for p in family.parameters if p.name != fixed),
        support=own.support,
        statistics=own.statistics,
        log_likelihood=own.log_likelihood,
        score=own.score,
        scores={n: partial(own.score_of, n) for n in family.scores if n != fixed},
        log_density=own.log_density,
        draw=own.draw,
        shared={},
        absorbs_offset={},
        scale_part=own.scale_part,
        noise=None if fixed else family.noise,
        tails=None if own.known else family.tails,
        conjugate=False,
        exponential_family=False,
        variance=None,
        excess_kurtosis=None,
        zeros=(),
        wider=None,
        target_accept=max(ACCEPT_OPEN if limits.mostly_beyond else 0, family.target_accept),
    )


def unlimited(family: Family) -> Family:
    """Return the family of responses without their limits: what `limited` was given."""
    own = _limited_of(family)
    return family if own is None else own.base


def scale_of_known(family: Family, aux: Aux, limits: Limits) -> Aux:
    """Return parameters of a family, from `limited` or not, with known errors in its scale."""
    own = _limited_of(family)
    return aux if own is None else own.with_known(aux, limits)


def draw_within_bounds(
    family: Family, rng: np.random.Generator, eta: Array, aux: Aux, link: Link, limits: Limits
) -> Array:
    """Draw responses of a limited family that truncation lets be seen, at each linear predictor.

    Parameters
    ----------
    family
        From `limited`.
    rng
    eta : ndarray, shape (N,)
    aux
        Parameters beside the mean: numbers, or of shape (N,).
    link, limits

    Returns
    -------
    ndarray, shape (N,)
    """
    own = _limited_of(family)
    assert own is not None
    return own.draw_within_bounds(rng, eta, aux, link, limits)


def _limited_of(family: Family) -> Limited | None:
    own = getattr(family.draw, "__self__", None)
    return own if isinstance(own, Limited) else None


@dataclass(frozen=True, slots=True)
class Limited:
    """The functions of such a family.

    Attributes
    ----------
    base : Family
        Of the responses, without limits.
    known : bool
        Whether standard errors are known.
    with_sigma : bool
        Whether there is a scale beside them.
    """

    base: Family
    known: bool
    with_sigma: bool

    def support(self, sample: Sample) -> tuple[np.ndarray, str, str]:
        """Return the rows whose measured value, or end of an interval, cannot be."""
        limits = _limits_of(sample)
        bad, wanted, remedy = self.base.support(sample)
        if limits.status is None:
            return bad, wanted, remedy
        if limits.upper is None:
            return bad, wanted, remedy
        of_ends, _, _ = self.base.support(replace(sample, y=limits.upper))
        return np.where(limits.status == INTERVAL, of_ends, bad), wanted, remedy

    def scale_part(self, sample: Sample) -> Sample:
        """Return the responses with the middle of each interval, and others' limits as they are."""
        limits = _limits_of(sample)
        if limits.upper is not None:
            sample = replace(sample, y=0.5 * (sample.y + limits.upper))
        return sample if self.base.scale_part is None else self.base.scale_part(sample)

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Statistics of the measured rows by part of a cell, and a tally of intervals."""
        limits = _limits_of(sample)
        known, part, of = np.zeros(n_cells), cell, np.arange(n_cells)
        if limits.error is not None:
            keys, part = np.unique(
                np.column_stack([cell, limits.error]), axis=0, return_inverse=True
            )
            of, known = keys[:, 0].astype(int), keys[:, 1]
        measured = (
            np.ones(sample.y.shape, bool) if limits.status is None else limits.status == MEASURED
        )
        assert self.base.cumulative is not None
        if self.base.cumulative.by_part:
            predicted = self.base.auxiliary
        return {
            **_OTHERS,
            "base": self.base.cumulative.code,
            "with_sigma": int(not self.known or self.with_sigma),
            "parts": of.size,
            "cell_of": of + 1,
            "known_error": known,
            **self.base.statistics(sample.taken(measured), part[measured], of.size, predicted),
            **{str(p.bound): least_end(sample, limits) for p in self._bounded},
            **self._intervals.tally(sample, limits, part),
        }

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of the measured rows, and log probabilities of intervals."""
        eta, aux = self._of_parts(stats, eta, aux, xp)
        out = self.base.log_likelihood(stats, eta, aux, link, xp)
        if not stats["interval_tally"].size:
            return out
        return out + xp.dot(stats["interval_tally"], self._of_tally(stats, eta, aux, link, xp))

    def _of_parts(
        self, stats: Statistics, eta: Any, aux: Aux, xp: Namespace
    ) -> tuple[Any, Mapping[str, Any]]:
        """Return the linear predictor and the parameters of each part of a cell."""
        assert self.base.cumulative is not None
        if self.base.cumulative.by_part:
            each = np.zeros(len(stats["cell_of"]))
            return eta, {name: value + each for name, value in aux.items()}
        if not self.known:
            return eta, aux
        at = stats["cell_of"] - 1
        own = {name: of_rows(value, at) for name, value in aux.items()}
        return eta[at], own | {self._noise: self._total(stats["known_error"], own, xp)}

    @property
    def _intervals(self) -> Intervals:
        return Intervals(self.base)

    @property
    def _noise(self) -> str:
        return str(self.base.noise)

    @property
    def _bounded(self) -> list[Parameter]:
        """Those that the data bound: log likelihoods have their shares of the bound."""
        return [p for p in self.base.parameters if p.bound is not None]

    def _total(self, known: Any, aux: Aux, xp: Namespace) -> Any:
        """Return the scale of both errors."""
        if not self.with_sigma:
            return known
        return xp.sqrt(xp.square(aux[self._noise]) + xp.square(known))

    def _of_tally(self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace) -> Any:
        """Log probability of each interval of the tally, given those of the parts of cells."""
        assert self.base.cumulative is not None
        at, left = stats["end_part"] - 1, stats["n_left"]
        own = {name: of_rows(value, at) for name, value in aux.items()}
        own |= {p.name: stats[str(p.bound)] * own[p.name] for p in self._bounded}
        below, above = self.base.cumulative.log_tails(stats["interval_end"], eta[at], own, link, xp)
        low = slice(left + stats["n_right"], left + stats["n_right"] + stats["n_between"])
        high = slice(low.stop, None)
        closed = log_difference(below[low], above[low], below[high], above[high], xp)
        return xp.concatenate([below[:left], above[left : low.start], closed])

    def score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
        """Score and information by eta, shape (C,) each."""
        of_parts, own = self._of_parts(stats, eta, aux, NUMPY)
        measured = self._summed(stats, self.base.score(stats, of_parts, own, link), eta)
        scale = np.abs(eta) + (eta == 0)
        assert self.base.cumulative is not None
        if name := self.base.noise or self.base.cumulative.scale:
            size = np.abs(link.inverse_derivative(eta))
            scale = self._scale_of_cells(name, stats, aux, eta) / np.maximum(size, 1e-300)
        elif link.unitless:
            scale = np.ones_like(eta)

        def moved(by: Array) -> Array:
            return self._by_cell(stats, eta + by, aux, link)

        return self._with_intervals(stats, measured, moved, _STEP * scale)

    def score_of(
        self, name: str, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and information by a parameter of each cell, shape (C,) each."""
        of_parts, own = self._of_parts(stats, eta, aux, NUMPY)
        score, information = self.base.scores[name](stats, of_parts, own, link)
        if self.known and name == self.base.noise:
            slope = aux[name][stats["cell_of"] - 1] / own[name]  # d total / d sigma
            score, information = score * slope, information * np.square(slope)
        measured = self._summed(stats, (score, information), eta)

        def moved(by: Array) -> Array:
            return self._by_cell(stats, eta, {**aux, name: aux[name] + by}, link)

        return self._with_intervals(stats, measured, moved, _STEP * np.abs(aux[name]))

    def _summed(
        self, stats: Statistics, parts: tuple[Array, Array], eta: Array
    ) -> tuple[Array, Array]:
        """Sum those of the parts of cells."""
        if not self.known:
            return parts
        at = stats["cell_of"] - 1
        score, information = (np.bincount(at, part, minlength=eta.size) for part in parts)
        return score, information

    def _scale_of_cells(self, name: str, stats: Statistics, aux: Aux, eta: Array) -> Array:
        """Return a scale of the noise in each cell: the smallest of its parts."""
        if not self.known:
            return np.broadcast_to(aux[name], eta.shape)
        _, own = self._of_parts(stats, eta, aux, NUMPY)
        least = np.full(eta.shape, np.inf)
        np.minimum.at(least, stats["cell_of"] - 1, own[name])
        return least

    def _by_cell(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
        """Sum the log probabilities of intervals over each cell."""
        values = self._of_tally(stats, *self._of_parts(stats, eta, aux, NUMPY), link, NUMPY)
        at = self._cells_of_tally(stats)
        return np.bincount(at, stats["interval_tally"] * values, minlength=eta.size)

    @staticmethod
    def _cells_of_tally(stats: Statistics) -> np.ndarray:
        """Return the cell of each interval of the tally."""
        part = stats["end_part"][: stats["interval_tally"].size]
        return np.asarray(stats["cell_of"][part - 1] - 1)

    def _with_intervals(
        self,
        stats: Statistics,
        measured: tuple[Array, Array],
        moved: Callable[[Array], Array],
        step: Array,
    ) -> tuple[Array, Array]:
        """Add what intervals tell, by differences: score, and observed information.

        Truncation takes information away; what is left is above zero.
        """
        score, information = measured
        if not stats["interval_tally"].size:
            return measured
        low, mid, high = (moved(sign * step) for sign in (-1, 0, 1))
        rows = np.bincount(
            self._cells_of_tally(stats), np.abs(stats["interval_tally"]), minlength=step.size
        )
        least = _LEAST * (information + rows * np.square(_STEP / step))
        curvature = (2 * mid - low - high) / np.square(step)
        return score + (high - low) / (2 * step), np.maximum(information + curvature, least)

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows, a censored one's probability; their limits are `trials`."""
        limits: Limits = trials
        own = self.with_known(aux, limits)
        measured = np.ones(y.shape, bool)
        if limits.status is not None:
            measured = limits.status == MEASURED
        # A limit may lie where no response can.
        seen = np.where(measured, y, 1.0)
        out = self.base.log_density(seen, eta, own, link, None)
        if limits.status is not None:
            low, high = self._intervals.ends(y, limits)
            if limits.truncated:
                lb, ub = self._intervals.bounds(limits, y.size)
                low, high = np.maximum(low, lb), np.minimum(high, ub)
            out = np.where(measured, out, self._between(low, high, eta, own, link))
        if limits.truncated:
            out = out - self._between(*self._intervals.bounds(limits, y.size), eta, own, link)
        return out

    def _between(self, low: Array, high: Array, eta: Array, aux: Aux, link: Link) -> Array:
        """Log probability of (low, high] row by row, where ends may be infinite."""
        assert self.base.cumulative is not None
        tails = self.base.cumulative.log_tails
        is_low, is_high = np.isfinite(low), np.isfinite(high)
        # An end that is none has some other in its place, whose probabilities are not used.
        below_low, above_low = tails(np.where(is_low, low, 1.0), eta, aux, link, NUMPY)
        below_high, above_high = tails(np.where(is_high, high, 1.0), eta, aux, link, NUMPY)
        with np.errstate(invalid="ignore"):
            closed = log_difference(below_low, above_low, below_high, above_high, NUMPY)
        one_sided = np.where(is_low, above_low, np.where(is_high, below_high, 0.0))
        return np.where(is_low & is_high, closed, one_sided)

    def draw(self, rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
        """Draw a response for each mean, not censored; `trials` has its bounds and known errors."""
        limits: Limits | None = trials
        if self.known:
            assert limits is not None
            aux = {**aux, self._noise: self._total(limits.error, aux, NUMPY)}
        if limits is None or not limits.truncated:
            return self.base.draw(rng, mu, aux, None)
        return draw_within(self.base, rng, mu, aux, limits)

    def draw_within_bounds(
        self, rng: np.random.Generator, eta: Array, aux: Aux, link: Link, limits: Limits
    ) -> Array:
        """See the function of this name."""
        return draw_by_inverse(self.base, rng, eta, self.with_known(aux, limits), link, limits)

    def with_known(self, aux: Aux, limits: Limits) -> Aux:
        """Return the parameters, the scale with known errors in it if there are any."""
        if limits.error is None:
            return aux
        return {**aux, self._noise: self._total(limits.error, aux, NUMPY)}


def _limits_of(sample: Sample) -> Limits:
    assert sample.limits is not None
    return sample.limits
