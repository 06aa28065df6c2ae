"""How the default prior of a slope's sd decides what the interval of an effect covers.

The gaussian studies of `benchmarks.coverage` in the limit in which each animal's own effect is
known to its standard error: effects d_j ~ Normal(beta, tau^2 + se^2), a flat prior on beta and
tau ~ Exponential(k sd(x) / sd(y)). The posterior of tau is summed over a grid, so that thousands
of studies take seconds. ``python -m benchmarks.slope_prior`` prints a table of docs/estimands.md.

Under a log link the difference of means is the effect times the mean of a typical animal, so that
intercepts and slopes count together: ``--log`` prints the table of the same limit of the gamma
studies, for the difference and for the ratio. There the posterior of the sds and their correlation
is a sample, and the interval the shortest one, as in the tables of effects.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product

import numpy as np
from scipy import stats
from scipy.stats import qmc

from benchmarks.coverage import TRUTHS

RATES = (1.0, 2.0, 3.0, 4.0)
LOG_RATES = (3.0, 4.0, 5.0, 6.0, 8.0)
TIMES = (0.5, 1.0, 2.0)
ANIMALS = (4, 8, 20)
SD_X = 0.5  # of two conditions, as many trials of each


def coverage(n_animals: int, tau: float, error: float, mean: float, studies: int) -> float:
    """Return the share of studies whose 94% interval holds beta, by the prior mean of tau."""
    grid = np.geomspace(1e-3, 60, 400) * mean
    variance = np.square(grid) + error**2
    effects = np.random.default_rng(1).normal(0, np.hypot(tau, error), (studies, n_animals))
    middle = effects.mean(axis=1)
    squares = np.square(effects - middle[:, None]).sum(axis=1)
    log_density = -grid / mean - 0.5 * (n_animals - 1) * np.log(variance)
    log_density = log_density - 0.5 * squares[:, None] / variance
    weight = np.exp(log_density - log_density.max(axis=1, keepdims=True)) * np.gradient(grid)
    weight /= weight.sum(axis=1, keepdims=True)
    inside = 2 * stats.norm.cdf(np.abs(middle[:, None]) / np.sqrt(variance / n_animals)) - 1
    return float(np.mean((weight * inside).sum(axis=1) <= 0.94))


def shortest(draws: np.ndarray, mass: float = 0.94) -> tuple[float, float]:
    """Return the ends of the shortest interval that holds `mass` of the draws."""
    draws = np.sort(draws)
    held = int(mass * len(draws))
    start = int(np.argmin(draws[held:] - draws[:-held]))
    return draws[start], draws[start + held]


def log_coverage(
    n_animals: int, times: float, rates: tuple[float, ...], studies: int, draws: int = 4096
) -> np.ndarray:
    """Return the shares that hold the difference, and the ratio, by rate: shape (rates, 2)."""
    truth, shape = TRUTHS["gamma"], 4.0
    sd_slope = times * truth.sd1
    error = 1 / (shape * truth.trials)  # of the logarithm of one mean
    noise = error * np.array([[1.0, -1.0], [-1.0, 2.0]])
    normals = stats.norm.ppf(qmc.Sobol(2, seed=2).random(draws)).T
    cube = qmc.Sobol(3, seed=1).random(draws).T
    sd0, sd1 = -np.log1p(-cube[:2])
    correlation = 2 * cube[2] - 1
    effects = np.exp(truth.b0) * np.expm1(truth.b1), np.exp(truth.b1)
    rng = np.random.default_rng(1)
    held = np.zeros((len(rates), len(effects)))
    for _ in range(studies):
        animals = rng.normal((truth.b0, truth.b1), (truth.sd0, sd_slope), (n_animals, 2))
        animals += rng.multivariate_normal((0, 0), noise, n_animals)
        mean = animals.mean(axis=0)
        (s00, s01), (_, s11) = (animals - mean).T @ (animals - mean)
        for i, rate in enumerate(rates):
            slope = sd1 / (rate * SD_X)
            v00, v11 = sd0**2 + noise[0, 0], slope**2 + noise[1, 1]
            v01 = correlation * sd0 * slope + noise[0, 1]
            determinant = v00 * v11 - v01**2
            log_density = -0.5 * (n_animals - 1) * np.log(determinant)
            log_density -= 0.5 * (v11 * s00 - 2 * v01 * s01 + v00 * s11) / determinant
            # As many draws of the posterior as of the prior, in no order.
            weight = np.cumsum(np.exp(log_density - log_density.max()))
            places = (np.arange(draws) + 0.5) / draws * weight[-1]
            chosen = rng.permutation(np.searchsorted(weight, places))
            scale0 = np.sqrt(v00[chosen])
            scale1 = np.sqrt(determinant[chosen]) / scale0
            along = v01[chosen] / scale0
            b0 = mean[0] + scale0 * normals[0] / np.sqrt(n_animals)
            b1 = mean[1] + (along * normals[0] + scale1 * normals[1]) / np.sqrt(n_animals)
            for j, given in enumerate((np.exp(b0) * np.expm1(b1), np.exp(b1))):
                low, high = shortest(given)
                held[i, j] += low <= effects[j] <= high
    return held / studies


def identity_table(studies: int) -> None:
    """Print what 94% intervals of the gaussian studies hold."""
    truth = TRUTHS["gaussian"]
    error = np.sqrt(2 / truth.trials)  # of the difference of an animal's two means, noise of sd 1
    print("| k | slope sd | " + " | ".join(f"{n} animals" for n in ANIMALS) + " |")
    print("|---" * (2 + len(ANIMALS)) + "|")
    for rate, times in product(RATES, TIMES):
        tau = times * truth.sd1
        # Within a condition the noise, and animals' intercepts; slopes in one of the two.
        sd_y = np.sqrt(1 + truth.sd0**2 + tau**2 / 2 + (truth.b1 * SD_X) ** 2)
        found = [coverage(n, tau, error, sd_y / (rate * SD_X), studies) for n in ANIMALS]
        print(f"| {rate:g} | {tau:g} | " + " | ".join(f"{c:.3f}" for c in found) + " |")


def log_table(studies: int) -> None:
    """Print what 94% intervals of the gamma studies hold: of the difference, and of the ratio."""
    found = {
        (times, n): log_coverage(n, times, LOG_RATES, studies) for times in TIMES for n in ANIMALS
    }
    print(
        "| k | slope sd | " + " | ".join(f"{n} animals: difference | ratio" for n in ANIMALS) + " |"
    )
    print("|---" * (2 + 2 * len(ANIMALS)) + "|")
    for (i, rate), times in product(enumerate(LOG_RATES), TIMES):
        shares = " | ".join(f"{share:.3f}" for n in ANIMALS for share in found[times, n][i])
        print(f"| {rate:g} | {times * TRUTHS['gamma'].sd1:g} | {shares} |")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--log", action="store_true", help="the gamma studies, under a log link")
    arguments = parser.parse_args(argv)
    (log_table if arguments.log else identity_table)(arguments.studies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
