"""The hurdle lognormal: with probability hu a zero, else log y is normal of mean mu, sd sigma."""

from __future__ import annotations

from dataclasses import replace

from winstan.families.distribution import Distribution
from winstan.families.family import ACCEPT_CURVED
from winstan.families.hurdle_positive import hurdle_positive
from winstan.families.lognormal import LOGNORMAL
from winstan.families.noise import NoiseInformation, normal_peaks

HURDLE_LOGNORMAL = replace(
    hurdle_positive(
        "hurdle_lognormal",
        LOGNORMAL,
        aliases=(
            "hurdlelognormal",
            "hurdle_log_normal",
            "zero_inflated_lognormal",
            "delta_lognormal",
        ),
        stan=Distribution(
            name="lognormal", arguments="mu{i}, sigma", zero="log(hu)", above="log1m(hu) + {y}"
        ),
        pymc=Distribution(name="HurdleLogNormal", arguments="psi=1 - hu, mu=mu, sigma=sigma"),
        noise=NoiseInformation("sigma", -2.0, normal_peaks),
    ),
    # Of few rows above zero one level's sigma is open: 3 of 40 such fits had divergences.
    accept_predicted={"sigma": ACCEPT_CURVED},
)
