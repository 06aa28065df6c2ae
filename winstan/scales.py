"""Scales of the data, and the default priors that they give: proper, and blind to units.

With g the link and s a scale of the linear predictor: Intercept ~ Normal(g(mean y), 2.5 s), at the
mean of the predictors, and so each level of a factor that stands for it (``0 + cond``);
coefficient ~ Normal(0, 2.5 s / sd(x)); group sd of the intercept ~ Exponential(1/s), and so of each
level of a factor that stands for it (``(0 + cond|mouse)``), of a slope ~ Exponential(3 sd(x)/s),
under a log link Exponential(6 sd(x)); correlations ~ LKJ(1); sigma ~ Exponential(1/sd(y));
alpha ~ InverseGamma(0.4, 0.3); nu ~ Gamma(2, 0.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan import priors as pr
from winstan.design.constants import constant_weights

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.design import Design
    from winstan.families import Family
    from winstan.families.links import Link


# How much less, on the scale of the response, groups' slopes are expected to differ than groups
# themselves. A few groups hardly tell a slope's sd, and the interval of the effect is then as wide
# as its prior lets it be: `benchmarks.slope_prior` counts what it holds. Under a log link the
# difference of means is the effect times a typical group's mean, which a few groups hardly tell
# either, and the same prior would hold too much.
_SLOPES = 3.0
_LOG_SLOPES = 6.0


@dataclass(frozen=True, slots=True)
class Scales:
    """What of the data sets the scale of the priors.

    Attributes
    ----------
    eta_mean : float
        The linear predictor at the mean response, less the mean offset.
    eta : float
        A scale of the linear predictor: s.
    response : float
        sd(y), or sd(log y) for lognormal.
    slopes : float
        How many times less than eta the groups' slopes vary, each over its predictor's spread.
    """

    eta_mean: float
    eta: float
    response: float
    slopes: float

    def coefficient(self, x: Array, weight: Array) -> float:
        """Scale of a coefficient of the predictor x: that of eta over that of x."""
        return self.eta / spread(x, weight)

    def group_sds(self, design: Design, cells: Cells) -> list[Array]:
        """Return the mean of each group sd's default prior: of each term, shape (q,)."""
        means = []
        for group, Z in zip(design.groups, cells.Z, strict=True):
            slopes = np.array([self.coefficient(x, cells.weight) for x in Z.T]) / self.slopes
            constant = constant_weights(Z, group.effects)
            if constant is None:
                means.append(slopes)
            else:
                means.append(np.where(constant != 0, self.eta * np.abs(constant), slopes))
        return means

    def normal_priors(self, design: Design, cells: Cells, priors: pr.Priors) -> Array:
        """Mean and sd of a normal of about the width of each coefficient's prior, shape (P, 2)."""
        out = []
        for slot in coefficient_slots(design, cells, self):
            prior = priors[slot.name]
            if isinstance(prior, pr.Flat):
                out.append((slot.default.numbers[0], np.inf))
            else:
                location, scale = prior.numbers[-2:]  # they come last in each
                out.append((location, scale))
        return np.array(out).reshape(-1, 2)

    def auxiliary(self, family: Family) -> dict[str, float]:
        """Where to begin with the auxiliary parameters."""
        return {p.name: p.start(self.response) for p in family.parameters[1:]}


def spread(x: Array, weight: Array | None) -> float:
    """Return the standard deviation over rows; for a constant, its size; for zeros, 1."""
    x = np.ascontiguousarray(x)  # a matrix's column is read slowly, once
    mean = np.average(x, weights=weight)
    total = x.size if weight is None else weight.sum()
    deviation = x - mean
    squares = np.square(deviation, out=deviation)
    variance = (squares.sum() if weight is None else weight @ squares) / max(total - 1, 1)
    size = float(max(x.max(), -x.min()))
    # The rounding of a constant, some units in the last of 16 places, is no spread.
    if variance <= (1e-13 * size) ** 2:
        return size if size > 0 else 1.0
    return float(np.sqrt(variance))


def measure_scales(cells: Cells, family: Family, link: Link) -> Scales:
    """Measure the scales that the default priors need.

    For links without a unit (log, logit, probit, cloglog) s is 1; for the others it is the
    response's standard deviation, carried through the link by its derivative at the mean.
    """
    sample = cells.sample
    y = np.log(sample.y) if family.log_response else sample.y
    if family.of_trials:
        # Half a success more, so that data at the edge have a finite logit.
        mean = (sample.total(y) + 0.5) / (sample.trials + 1.0)
    elif sample.size is not None:
        mean = sample.total(y) / sample.trials
    else:
        mean = float(np.average(y, weights=sample.weight))
    deviation = spread(y, sample.weight)
    eta = 1.0
    if not link.unitless:
        center = link.function(mean)
        eta = deviation / abs(float(link.inverse_derivative(np.asarray(center, float))))
    offset = np.average(cells.offset, weights=cells.weight)
    slopes = _LOG_SLOPES if link.name == "log" else _SLOPES
    return Scales(float(link.function(mean) - offset), eta, deviation, slopes)


def coefficient_slots(design: Design, cells: Cells, scales: Scales) -> list[pr.PriorSlot]:
    """Slots of the population coefficients, the Intercept first."""
    slots = []
    if design.intercept:
        default = pr.Normal(scales.eta_mean, 2.5 * scales.eta)
        slots.append(pr.PriorSlot("Intercept", ("Intercept",), "real", default))
    constant = np.zeros(design.X.shape[1]) if design.constant is None else design.constant
    for term in design.terms:
        for name, column in zip(term.column_names, term.columns, strict=True):
            keys = tuple(dict.fromkeys((name, term.name)))
            if share := constant[column]:
                default = pr.Normal(share * scales.eta_mean, 2.5 * scales.eta * abs(share))
            else:
                x = cells.X[:, column]
                default = pr.Normal(0.0, 2.5 * scales.coefficient(x, cells.weight))
            slots.append(pr.PriorSlot(name, keys, "real", default, "b"))
    return slots


def default_slots(
    design: Design, cells: Cells, family: Family, scales: Scales
) -> list[pr.PriorSlot]:
    """Every parameter's slot with its default, in the order of ``stan/include/data.stan``."""
    slots = coefficient_slots(design, cells, scales)
    for group, means in zip(design.groups, scales.group_sds(design, cells), strict=True):
        for effect in group.effects:
            whole = group.sd_name(effect)
            for name, column in zip(group.sd_names_of(effect), effect.columns, strict=True):
                keys = tuple(dict.fromkeys((name, whole)))
                rate = 1 / means[column]
                slots.append(pr.PriorSlot(name, keys, "positive", pr.Exponential(rate), "sd"))
    for group in design.groups:
        if name := group.correlation_name:
            keys = tuple(dict.fromkeys((name, f"{group.factor}_corr")))
            slots.append(pr.PriorSlot(name, keys, "correlation", pr.LKJ(1.0), "corr"))
    for parameter in family.parameters[1:]:
        name, default = parameter.name, parameter.default_prior(scales.response)
        slots.append(pr.PriorSlot(name, (name,), parameter.domain, default))
    return slots
