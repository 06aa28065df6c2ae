"""Counts with zeros of their own: zero-inflated and hurdle Poisson and negative binomial.

Of a count with density f, an extra zero has the probability zi: P(0) = zi + (1 - zi) f(0) and
P(y) = (1 - zi) f(y); or zeros are apart: P(0) = hu and P(y) = (1 - hu) f(y) / (1 - f(0)). A cell
needs its zeros, its rows above zero and the sum of their counts; and a shape alpha the rising
factorials of its values (`winstan.families.rising`). log(1 - f(0)) is of expm1, which loses nothing
where zeros are rare or nearly certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from winstan.families import negative_binomial, poisson
from winstan.families.auxiliary import ALPHA, HU, ZI, mean
from winstan.families.cellwise import log_factorial, tally_by_cell
from winstan.families.distribution import BambiFamily, Distribution
from winstan.families.family import ACCEPT, ACCEPT_CURVED, Family
from winstan.families.namespace import NUMPY
from winstan.families.rising import LARGEST_ALPHA, log_rising_by_cell, rising_slope
from winstan.families.sample import sum_by
from winstan.families.support import counts
from winstan.families.zeros import LEAST, log_odds, log_sum, positive_part, zero_rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from winstan._typing import Array
    from winstan.families.family import Aux, Statistics
    from winstan.families.links import Link
    from winstan.families.namespace import Namespace
    from winstan.families.sample import Sample


@dataclass(frozen=True, slots=True)
class ZeroCounts:
    """The functions of such a family.

    Attributes
    ----------
    hurdle : bool
        Whether zeros are apart.
    dispersed : bool
        Whether counts are negative binomial.
    """

    hurdle: bool
    dispersed: bool

    @property
    def zero(self) -> str:
        """The parameter of zeros."""
        return "hu" if self.hurdle else "zi"

    def statistics(
        self, sample: Sample, cell: np.ndarray, n_cells: int, predicted: Collection[str] = ()
    ) -> Statistics:
        """Zeros, rows above zero and sum of y per cell; values that rising factorials are of."""
        pairs: dict[str, Any] = {
            "V": 0, "cell": np.zeros(0, int), "excess": np.zeros(0), "tally": np.zeros(0)
        }  # fmt: skip
        if self.dispersed:
            if "alpha" in predicted:
                tally = tally_by_cell(sample, cell)
            else:
                value, at = np.unique(sample.y, return_inverse=True)
                rows = sum_by(at, sample.weight, value.size)
                tally = {"cell": np.zeros(0, int), "value": value, "tally": rows}
            kept = tally["value"] > 0
            pairs = {
                "V": int(np.count_nonzero(kept)),
                "cell": tally["cell"][kept] if tally["cell"].size else tally["cell"],
                "excess": tally["value"][kept],
                "tally": tally["tally"][kept],
            }
        return {
            "hurdle": int(self.hurdle),
            "dispersed": int(self.dispersed),
            **zero_rows(sample, cell, n_cells),
            "sum_y": sample.by_cell(cell, n_cells, sample.y),
            **pairs,
            "log_constant": sample.log_jacobian - sample.total(log_factorial(sample.y)),
        }

    def log_likelihood(
        self, stats: Statistics, eta: Any, aux: Aux, link: Link, xp: Namespace = NUMPY
    ) -> Any:
        """Log density of all rows."""
        log_mu = link.log_inverse(eta, xp)
        n_zero, n_above, sum_y = stats["n_zero"], stats["n_above"], stats["sum_y"]
        kernel = xp.dot(sum_y, log_mu) + stats["log_constant"]
        if self.dispersed:
            alpha = xp.minimum(aux["alpha"], LARGEST_ALPHA)
            share = xp.log1p(xp.exp(log_mu) / alpha)
            log_f0 = -alpha * share
            kernel += log_rising_by_cell(stats, alpha, xp) - xp.dot(sum_y, share)
        else:
            log_f0 = -xp.exp(log_mu)
        odds, log_rest = log_odds(aux[self.zero], xp)
        kernel += xp.dot(n_above, log_f0) + xp.total(log_rest * (n_zero + n_above))
        if self.hurdle:
            log_some = xp.log(-xp.expm1(log_f0))
            return kernel + xp.total(n_zero * odds) - xp.dot(n_above, log_some)
        return kernel + xp.dot(n_zero, log_sum(odds, log_f0, xp))

    def score(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> tuple[Array, Array]:
        """Score and expected information by eta, shape (C,) each.

        Of a hurdle, the information of as many rows above zero as there are.
        """
        mu, slope = link.inverse(eta), link.inverse_derivative(eta)
        alpha, log_f0, f0, some = self._none(mu, aux)
        n = stats["n_zero"] + stats["n_above"]
        damped = 1.0 if alpha is None else alpha / (alpha + mu)  # -d log f0 / d mu
        if self.hurdle:
            by_mu = stats["sum_y"] / mu - stats["n_above"] / some
            spread = np.maximum(1 / damped - mu * f0 / some, 0.4 * np.minimum(mu, 1.0))
            information = np.maximum(stats["n_above"], LEAST * n) * spread / (mu * some)
        else:
            extra = special.expit(log_f0 - special.logit(aux["zi"]))  # of a zero, not to be extra
            by_mu = stats["sum_y"] / mu - stats["n_above"] - stats["n_zero"] * extra
            information = n * (1 - aux["zi"]) * (1 / (damped * mu) - f0 * (1 - extra))
        return damped * by_mu * slope, np.square(damped * slope) * information

    def score_of_alpha(
        self, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and about the expected information by an alpha of each cell, shape (C,) each.

        The information is that of a negative binomial of the rows that are of it.
        """
        mu = link.inverse(eta)
        alpha, log_f0, _, some = self._none(mu, aux)
        cell, y = stats["cell"] - 1, stats["excess"]
        rising = stats["tally"] * rising_slope(y, alpha[cell])
        score = np.bincount(cell, rising, minlength=eta.size)
        by_f0 = mu / (alpha + mu) - np.log1p(mu / alpha)  # d log f0 / d alpha
        if self.hurdle:
            own = stats["n_above"] / some
            rows = np.maximum(stats["n_above"], LEAST * (stats["n_above"] + stats["n_zero"]))
        else:
            extra = special.expit(log_f0 - special.logit(aux["zi"]))
            own = stats["n_above"] + stats["n_zero"] * extra
            rows = (stats["n_above"] + stats["n_zero"]) * (1 - aux["zi"])
        score += stats["sum_y"] * mu / (alpha * (alpha + mu)) + own * by_f0
        of_gamma = special.polygamma(1, alpha) - 1 / alpha
        spread = np.maximum(of_gamma, 0.5 / alpha**2) * np.square(mu / (alpha + mu))
        return score, rows * spread

    def score_of_zero(
        self, stats: Statistics, eta: Array, aux: Aux, link: Link
    ) -> tuple[Array, Array]:
        """Score and expected information by the probability of zeros, shape (C,) each."""
        n_zero, n_above, p = stats["n_zero"], stats["n_above"], aux[self.zero]
        if self.hurdle:
            return n_zero / p - n_above / (1 - p), (n_zero + n_above) / (p * (1 - p))
        _, _, f0, some = self._none(link.inverse(eta), aux)
        zero = p + (1 - p) * f0
        information = (n_zero + n_above) * some / (zero * (1 - p))
        return n_zero * some / zero - n_above / (1 - p), information

    def shared_of_zi(self, stats: Statistics, eta: Array, aux: Aux, link: Link) -> Array:
        """Information that eta and zi share, shape (C,): Poisson's zeros may be of either."""
        f0 = np.exp(-link.inverse(eta))
        zero = aux["zi"] + (1 - aux["zi"]) * f0
        rows = stats["n_zero"] + stats["n_above"]
        return -rows * f0 / zero * link.inverse_derivative(eta)

    def log_density(self, y: Array, eta: Array, aux: Aux, link: Link, trials: Any) -> Array:
        """Log density of single rows."""
        base = negative_binomial if self.dispersed else poisson
        _, log_f0, _, some = self._none(link.inverse(eta), aux)
        p = aux[self.zero]
        above = np.log1p(-p) + base.log_density(y, eta, aux, link, trials)
        if self.hurdle:
            return np.where(y == 0, np.log(p), above - np.log(some))
        return np.where(y == 0, np.logaddexp(np.log(p), np.log1p(-p) + log_f0), above)

    def draw(self, rng: np.random.Generator, mu: Array, aux: Aux, trials: Any) -> Array:
        """Draw a response for each mean."""
        some = rng.random(mu.shape) >= aux[self.zero]
        base = negative_binomial if self.dispersed else poisson
        drawn = self._above(rng, mu, aux) if self.hurdle else base.draw(rng, mu, aux, trials)
        return np.where(some, drawn, 0.0)

    def _above(self, rng: np.random.Generator, mu: Array, aux: Aux) -> Array:
        """Draw counts above zero: events of a process until mu, of which there is a first.

        Its waiting time has an inverse distribution function, also where it is not beyond mu; what
        comes after is Poisson, of a rate that is one, or gamma given that wait.
        """
        alpha, log_f0, _, _ = self._none(mu, aux)
        log_left = np.log1p(rng.random(mu.shape) * np.expm1(log_f0))
        if alpha is None:
            first, rate = -log_left, 1.0
        else:
            first = alpha * np.expm1(-log_left / alpha)
            rate = rng.standard_gamma(alpha + 1, mu.shape) / (alpha + first)
        return 1.0 + poisson.draw(rng, rate * np.maximum(mu - first, 0.0), aux, None)

    def response_mean(self, mu: Array, aux: Aux) -> Array:
        """Mean of all responses, zeros among them."""
        whole = (1 - aux[self.zero]) * mu
        if not self.hurdle:
            return whole
        _, _, _, some = self._none(np.maximum(mu, np.finfo(float).tiny), aux)
        return np.where(mu > np.finfo(float).tiny, whole / some, 1 - aux[self.zero])

    def _none(self, mu: Array, aux: Aux) -> tuple[Any, Array, Array, Array]:
        """Return alpha, log f(0), f(0) and 1 - f(0)."""
        alpha = np.minimum(aux["alpha"], LARGEST_ALPHA) if self.dispersed else None
        log_f0 = -mu if alpha is None else -alpha * np.log1p(mu / alpha)
        return alpha, log_f0, np.exp(log_f0), -np.expm1(log_f0)


def poisson_above_zero(mu: Array) -> tuple[Array, Array, Array]:
    """Mean, variance and excess kurtosis of Poisson counts that are not zero."""
    mu = np.maximum(mu, 1e-6)
    some = -np.expm1(-mu)
    mean = mu / some
    variance = mean * (1 + mu - mean)
    # By moments about zero: of large counts their difference has few digits, and zeros are none
    near = np.minimum(mu, 50.0)
    m = near / -np.expm1(-near)
    second, third = m * (1 + near), m * (1 + near * (3 + near))
    fourth = m * (1 + near * (7 + near * (6 + near)))
    central = fourth - 4 * m * third + 6 * m**2 * second - 3 * m**4
    kurtosis = central / np.square(m * (1 + near - m)) - 3
    return mean, variance, np.where(mu > 50.0, 1 / mu, kurtosis)


def zero_counts(
    name: str,
    label: str,
    *,
    aliases: tuple[str, ...],
    stan: Distribution,
    pymc: Distribution,
    bambi: str,
) -> Family:
    """Return a family of these, by its name: ``hurdle_...``, ``..._negative_binomial``."""
    own = ZeroCounts(name.startswith("hurdle"), name.endswith("negative_binomial"))
    scores = {own.zero: own.score_of_zero}
    if own.dispersed:
        scores["alpha"] = own.score_of_alpha
    return Family(
        name=name,
        aliases=aliases,
        kind="count",
        label=label,
        parameters=(
            mean(
                "positive",
                "log",
                label="mean before zeros are cut off" if own.hurdle else "mean beside added zeros",
            ),
            *([ALPHA] if own.dispersed else []),
            HU if own.hurdle else ZI,
        ),
        template="zero_counts",
        support=counts,
        statistics=own.statistics,
        log_likelihood=own.log_likelihood,
        score=own.score,
        scores=scores,
        # Where there is an alpha it hangs on that: the smaller, the more zeros are the count's own.
        shared={} if own.hurdle or own.dispersed else {("mu", "zi"): own.shared_of_zi},
        log_density=own.log_density,
        draw=own.draw,
        stan=stan,
        pymc=pymc,
        bambi=BambiFamily(name=bambi, complements={own.zero: "psi"}),
        response_mean=own.response_mean,
        above_zero=None if own.dispersed else poisson_above_zero,
        wider=None if own.dispersed else name.replace("poisson", "negative_binomial"),
        # Counts above zero have the mean mu / (1 - f(0)): f(0) is one at mu = 2 pi i (Poisson), and
        # of a negative binomial where the logarithm of mu is as far off the line, or farther.
        mean_strip=np.pi / 2 if own.hurdle else None,
        scale_part=positive_part if own.hurdle else None,
        profiled="alpha" if own.dispersed else None,
        target_accept=ACCEPT_CURVED if own.dispersed else ACCEPT,
    )
