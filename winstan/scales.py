"""Scales of the data, and the default priors that they give: proper, and blind to units.

With g the link and s a scale of the linear predictor: Intercept ~ Normal(g(mean y), 2.5 s), at the
mean of the predictors, and so each level of a factor that stands for it (``0 + cond``);
coefficient ~ Normal(0, 2.5 s / sd(x)); group sd of the intercept ~ Exponential(1/s), and so of each
level of a factor that stands for it (``(0 + cond|mouse)``), of a slope ~ Exponential(3 sd(x)/s),
under a log link Exponential(6 sd(x)); correlations ~ LKJ(1). A curve's sd, which is the root mean
square of what bends, ~ Exponential(1/s), and so is that of a Gaussian process; that of groups'
curves ~ Exponential(3/s), or (6); a length-scale ~ InverseGamma(3, range(t) / 2). Those of the
other parameters are the families' (`Parameter.default_prior`).

Of a parameter beside the mean that has a formula s is 1, its intercept's prior is about the link of
the value that the response's own scale implies, and its coefficients are Normal(0, 1 / sd(x)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from winstan import priors as pr
from winstan._angles import angular_deviation, mean_direction
from winstan.data.grouped import IDENTITY, LOG
from winstan.design.constants import constant_weights
from winstan.families.ordered import first_thresholds, location, steps_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import RandomTerm, Stacked, Term
    from winstan.design.random_terms import SharedSds
    from winstan.families import Parameter
    from winstan.likelihood import Likelihood


# How wide the priors of the mean's coefficients are, in scales of its linear predictor.
_WIDE = 2.5
# Of a direction s is 1: one radian by the identity link, or the half-tangent of a right angle. A
# normal of that width spreads a half-tangent about as evenly over the circle as one can.
_WIDE_DIRECTION = 1.0
# How much less, on the scale of the response, groups' slopes are expected to differ than groups
# themselves. A few groups hardly tell a slope's sd, and the interval of the effect is then as wide
# as its prior lets it be: `benchmarks.slope_prior` counts what it holds. Under a log link the
# difference of means is the effect times a typical group's mean, which a few groups hardly tell
# either, and the same prior would hold too much.
_SLOPES = 3.0
_LOG_SLOPES = 6.0
# Length-scales of Gaussian processes, InverseGamma: in 98% between 0.06 and 1.15 of the range.
_LENGTH_SHAPE, _LENGTH_MEAN = 3.0, 0.25


@dataclass(frozen=True, slots=True)
class Scales:
    """What of the data sets the scale of the priors.

    Attributes
    ----------
    eta_mean : tuple of float
        By block: the linear predictor at the mean response, less the mean offset; of a parameter
        beside the mean, at the value that the response's own scale implies.
    eta : tuple of float
        A scale of each linear predictor: s.
    widths : tuple of (float, float)
        By block, how wide the priors of its intercept and of its other coefficients are, in s.
    slopes : tuple of float
        By block, how many times less than s the groups' slopes vary, each over its predictor's
        spread.
    response : float
        sd(y), or sd(log y) for lognormal; of angles their angular deviation.
    steps : mapping of str to float
        Between the thresholds of an ordered parameter, as the data have them.
    means : tuple of str
        See `Family.means`.
    shared_names : mapping of str to str
        By parameter, what it and others of its kind are called together.
    """

    eta_mean: tuple[float, ...]
    eta: tuple[float, ...]
    widths: tuple[tuple[float, float], ...]
    slopes: tuple[float, ...]
    response: float
    steps: Mapping[str, float]
    means: tuple[str, ...]
    shared_names: Mapping[str, str]

    def coefficient(self, x: Array, weight: Array, block: int = 0) -> float:
        """Scale of a coefficient of the predictor x: that of eta over that of x."""
        return self.eta[block] / spread(x, weight)

    def group_sds(self, stacked: Stacked, cells: Cells) -> list[Array]:
        """Return the mean of each group sd's default prior: of each term, one for each sd."""
        means = []
        for group, of, Z in zip(stacked.groups, stacked.group_block, cells.Z, strict=True):
            if group.shared is not None:
                means.append(self._shared_sds(group.shared, int(of[0])))
                continue
            own = np.zeros(group.q)
            for b in np.unique(of):
                columns = np.flatnonzero(of == b)
                effects, some = group.within(columns), Z[:, columns]
                own[columns] = self._sds_of_block(cells, effects, some, b, arms=bool(group.arms))
            means.append(own)
        return means

    def _shared_sds(self, shared: SharedSds, b: int) -> Array:
        wide = {"level": self.eta[b], "slope": self.eta[b] / self.slopes[b]}
        length = _LENGTH_MEAN * shared.span
        return np.array([wide.get(kind, length) for kind in shared.kinds])

    def _sds_of_block(
        self, cells: Cells, effects: tuple[Term, ...], Z: Array, b: int, *, arms: bool
    ) -> Array:
        Z, weight, eta = cells.of_block(Z, b), cells.weight, self.eta[b]
        if arms:  # rows of other arms say nothing of this one's
            inside = Z.any(axis=1)
            Z, weight = Z[inside], weight[inside]
        slopes = np.array([self.coefficient(x, weight, b) for x in Z.T]) / self.slopes[b]
        constant = constant_weights(Z, effects)
        return slopes if constant is None else np.where(constant != 0, eta * abs(constant), slopes)

    def normal_priors(self, stacked: Stacked, cells: Cells, priors: pr.Priors) -> Array:
        """Mean and sd of a normal of about the width of each coefficient's prior, shape (P, 2).

        Constants have none.
        """
        out = []
        for slot in coefficient_slots(stacked, cells, self):
            prior = priors.of(slot.name)
            if isinstance(prior, pr.Constant):
                continue
            if isinstance(prior, pr.Horseshoe | pr.R2D2):
                out.append((0.0, slot.default.numbers[1]))
            elif isinstance(prior, pr.Flat):
                out.append((slot.default.numbers[0], np.inf))
            else:
                location, scale = prior.numbers[-2:]  # they come last in each
                out.append((location, scale))
        return np.array(out).reshape(-1, 2)

    def numbers(self, scalars: Iterable[Parameter]) -> dict[str, float]:
        """Where to begin with the parameters that are numbers."""
        return {
            p.name: self.steps[p.name] if p.name in self.steps else p.start_at(self.response)
            for p in scalars
        }


def spread(x: Array, weight: Array | None, within: Array | None = None) -> float:
    """Return the standard deviation over rows; for a constant, its size; for zeros, 1.

    Parameters
    ----------
    x : ndarray, shape (N,)
    weight : ndarray, shape (N,), or None
    within : ndarray, shape (N,), or None
        Sums of squares about x of the rows that each stands for.
    """
    x = np.ascontiguousarray(x)  # a matrix's column is read slowly, once
    mean = np.average(x, weights=weight)
    total = x.size if weight is None else weight.sum()
    deviation = x - mean
    squares = np.square(deviation, out=deviation)
    whole = squares.sum() if weight is None else weight @ squares
    variance = (whole if within is None else whole + within.sum()) / max(total - 1, 1)
    size = float(max(x.max(), -x.min()))
    # The rounding of a constant, some units in the last of 16 places, is no spread.
    if variance <= (1e-13 * size) ** 2:
        return size if size > 0 else 1.0
    return float(np.sqrt(variance))


def measure_scales(cells: Cells, likelihood: Likelihood) -> Scales:
    """Measure the scales that the default priors need.

    For links without a unit (log, logit, probit, cloglog, tan_half) s is 1, and so it is for
    directions; for the others it is the response's standard deviation, carried through the link by
    its derivative at the mean.
    """
    sample, family, link = cells.sample, likelihood.family, likelihood.link
    if family.scale_part is not None:
        sample = family.scale_part(sample)
    spreading = sample.transformed(LOG if family.log_response else IDENTITY)
    y = spreading.y
    if family.circular:
        mean = float(mean_direction(y, sample.weight))
    elif family.of_trials:
        # Half a success more, so that data at the edge have a finite logit.
        mean = (sample.total(y) + 0.5) / (sample.trials + 1.0)
    elif sample.size is not None:
        mean = sample.total(y) / sample.trials
    else:
        mean = float(np.average(y, weights=sample.weight))
    deviation = (
        angular_deviation(y, sample.weight)
        if family.circular
        else spread(y, sample.weight, spreading.squares)
    )
    eta = 1.0
    if not (link.unitless or family.circular):
        center = link.function(mean)
        eta = deviation / abs(float(link.inverse_derivative(np.asarray(center, float))))
    width = _WIDE_DIRECTION if family.circular else _WIDE
    center, steps = 0.0, dict[str, float]()
    if family.thresholds is not None:
        first = first_thresholds(sample, family, link)
        ordered = family.thresholds.domain == "ordered"
        center = location(first)
        pairs = zip(likelihood.steps, steps_between(first, ordered=ordered).tolist(), strict=True)
        steps = dict(pairs)
    elif not family.of_categories:
        center = float(link.function(mean))
    centers, etas, widths = [center], [eta], [(width, width)]
    for name, own in zip(likelihood.predicted, likelihood.links[1:], strict=True):
        parameter = family.parameter(name)
        centers.append(float(own.function(parameter.start_at(deviation))))
        etas.append(1.0)
        widths.append((parameter.link_sd, parameter.coefficient_sd))
    if family.starts is not None:
        centers = list(family.starts(sample))
    offsets = (
        np.average(cells.of_block(cells.offset, b), weights=cells.weight)
        for b in range(cells.blocks)
    )
    means = tuple(float(c - offset) for c, offset in zip(centers, offsets, strict=True))
    slopes = tuple(_LOG_SLOPES if own.name == "log" else _SLOPES for own in likelihood.links)
    return Scales(
        eta_mean=means,
        eta=tuple(etas),
        widths=tuple(widths),
        slopes=slopes,
        response=deviation,
        steps=steps,
        means=family.means,
        shared_names={p.name: p.shared_name for p in family.parameters if p.shared_name},
    )


def coefficient_slots(stacked: Stacked, cells: Cells, scales: Scales) -> list[pr.PriorSlot]:
    """Slots of the population coefficients, the Intercept first."""
    slots = []
    if stacked.intercept:
        default = pr.Normal(scales.eta_mean[0], scales.widths[0][0] * scales.eta[0])
        slots.append(pr.PriorSlot("Intercept", ("Intercept",), "real", default))
    for term in stacked.terms:
        for name, column in zip(term.column_names, term.columns, strict=True):
            keys = tuple(dict.fromkeys((name, term.variable, *_shared_keys(scales, term, column))))
            b = int(stacked.block[column])
            of_constant, of_slope = scales.widths[b]
            kind = "b" if term.parameter in scales.means else None  # no class is of sigma
            if share := stacked.constant[column]:
                width = of_constant * scales.eta[b] * abs(share)
                default = pr.Normal(share * scales.eta_mean[b], width)
            else:
                x = cells.of_block(cells.X[:, column], b)
                default = pr.Normal(0.0, of_slope * scales.coefficient(x, cells.weight, b))
            slots.append(pr.PriorSlot(name, keys, "real", default, kind))
    return slots


def _shared_keys(scales: Scales, term: Term, column: int) -> tuple[str, ...]:
    """Return names in ``priors=`` that reach a coefficient and others of its kind."""
    shared = scales.shared_names.get(term.parameter)
    if shared is None:
        return ()
    same = replace(term, parameter=shared)
    return same.column_names[term.columns.index(column)], same.variable


def _shared_slots(
    group: RandomTerm, shared: SharedSds, means: Array, scales: Scales
) -> list[pr.PriorSlot]:
    """Slots of the sds that a curve's columns share, and of its length-scale."""
    out = []
    of_mean = group.effects[0].parameter in scales.means
    for keys, kind, mean in zip(shared.keys, shared.kinds, means, strict=True):
        if kind == "length":
            default: pr.Prior = pr.InverseGamma(_LENGTH_SHAPE, mean * (_LENGTH_SHAPE - 1))
            out.append(pr.PriorSlot(keys[0], keys, "positive", default))
        else:
            own = "sd" if of_mean else None
            out.append(pr.PriorSlot(keys[0], keys, "positive", pr.Exponential(1 / mean), own))
    return out


def default_slots(
    stacked: Stacked, cells: Cells, likelihood: Likelihood, scales: Scales
) -> list[pr.PriorSlot]:
    """Every parameter's slot with its default, in the order of ``stan/include/data.stan``."""
    slots = coefficient_slots(stacked, cells, scales)
    for group, means in zip(stacked.groups, scales.group_sds(stacked, cells), strict=True):
        if group.shared is not None:
            slots += _shared_slots(group, group.shared, means, scales)
            continue
        for effect in group.effects:
            whole = group.sd_name(effect)
            for name, column in zip(group.sd_names_of(effect), effect.columns, strict=True):
                keys = tuple(dict.fromkeys((name, whole)))
                rate = 1 / means[column]
                kind = "sd" if effect.parameter in scales.means else None
                slots.append(pr.PriorSlot(name, keys, "positive", pr.Exponential(rate), kind))
    for group in stacked.groups:
        if name := group.correlation_name:
            keys = tuple(dict.fromkeys((name, group.correlation_variable)))
            slots.append(pr.PriorSlot(name, keys, "correlation", pr.LKJ(1.0), "corr"))
    for one in stacked.monotones:
        kind = "simo" if one.parameter in scales.means else None
        name = one.variable
        slots.append(pr.PriorSlot(name, (name,), "simplex", pr.Dirichlet(1.0), kind, size=one.n))
    for parameter in likelihood.reported:
        name, default = parameter.name, parameter.prior_at(scales.response)
        share_of = None if parameter.bound is None else f"the {parameter.bound} response"
        slots.append(pr.PriorSlot(name, (name,), parameter.domain, default, share_of=share_of))
    if (vector := likelihood.family.thresholds) is not None:
        default = vector.prior_at(scales.response)
        slots.append(pr.PriorSlot(vector.name, (vector.name,), vector.domain, default))
        slots = [slot for slot in slots if slot.name != "Intercept"]  # a shift of the thresholds
    return slots
