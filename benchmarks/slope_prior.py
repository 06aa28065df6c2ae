"""How the default prior of a slope's sd decides what the interval of an effect covers.

The gaussian studies of `benchmarks.coverage` in the limit in which each animal's own effect is
known to its standard error: effects d_j ~ Normal(beta, tau^2 + se^2), a flat prior on beta and
tau ~ Exponential(k sd(x) / sd(y)). The posterior of tau is summed over a grid, so that thousands
of studies take seconds. ``python -m benchmarks.slope_prior`` prints a table of docs/estimands.md.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from scipy import stats

from benchmarks.coverage import TRUTHS

RATES = (1.0, 2.0, 3.0, 4.0)
TIMES = (0.5, 1.0, 2.0)
ANIMALS = (4, 8, 20)


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


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10_000)
    studies = parser.parse_args(argv).studies
    truth = TRUTHS["gaussian"]
    error = np.sqrt(2 / truth.trials)  # of the difference of an animal's two means, noise of sd 1
    print("| k | slope sd | " + " | ".join(f"{n} animals" for n in ANIMALS) + " |")
    print("|---" * (2 + len(ANIMALS)) + "|")
    for rate in RATES:
        for times in TIMES:
            tau = times * truth.sd1
            sd_x = 0.5
            # Within a condition the noise, and animals' intercepts; slopes in one of the two.
            sd_y = np.sqrt(1 + truth.sd0**2 + tau**2 / 2 + (truth.b1 * sd_x) ** 2)
            found = [coverage(n, tau, error, sd_y / (rate * sd_x), studies) for n in ANIMALS]
            print(f"| {rate:g} | {tau:g} | " + " | ".join(f"{c:.3f}" for c in found) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
