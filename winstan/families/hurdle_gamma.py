"""The hurdle gamma distribution: with probability hu a zero, else gamma of mean mu, shape alpha."""

from __future__ import annotations

from dataclasses import replace

from winstan.families.auxiliary import mean
from winstan.families.distribution import Distribution
from winstan.families.gamma import GAMMA
from winstan.families.hurdle_positive import hurdle_positive
from winstan.families.noise import NoiseInformation, gamma_peaks

HURDLE_GAMMA = hurdle_positive(
    "hurdle_gamma",
    # Under other links mu has no logarithm that the mean response follows.
    replace(GAMMA, parameters=(mean("positive", "log"), *GAMMA.parameters[1:])),
    aliases=("hurdlegamma", "zero_inflated_gamma", "ziga", "zigamma"),
    stan=Distribution(
        name="gamma",
        arguments="alpha, alpha {over} mu{i}",
        zero="log(hu)",
        above="log1m(hu) + {y}",
    ),
    pymc=Distribution(name="HurdleGamma", arguments="psi=1 - hu, alpha=alpha, beta=alpha / mu"),
    noise=NoiseInformation("alpha", 1.0, gamma_peaks),
)
