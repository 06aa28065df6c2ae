"""How often the guards speak: of sets that need another model, and of sets that do not.

``python -m benchmarks.guard_rates`` draws 200 sets of each kind and prints a row for each: the
share in which the guard fired. Nothing is sampled: guards see the quick approximate fit. At least
80% of the sets that need the model should be told, and under 5% of the others; else the exit code
is 1.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from winstan.errors import DesignWarning
from winstan.fitted.pipeline import model_from

ENOUGH, FEW = 0.8, 0.05
GROUPS, ROWS = 12, 8


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data, and what a guard should say of it.

    Attributes
    ----------
    guard : str
        Its name among the `DesignWarning`s.
    label : str
    formula, family : str
        The model that is asked for.
    draw : callable
        ``draw(rng, data, eta)``: the response, of a linear predictor of order one.
    needed : bool
        Whether the guard should speak.
    groups, rows : int
        Groups, and rows of each in either condition.
    order : str
        How conditions follow each other in a group: in ``blocks``, in ``turns`` or at ``random``.
    lost : float
        Share of rows that are missing.
    """

    guard: str
    label: str
    formula: str
    family: str
    draw: Callable[[np.random.Generator, pd.DataFrame, np.ndarray], np.ndarray]
    needed: bool
    groups: int = GROUPS
    rows: int = ROWS
    order: str = "blocks"
    lost: float = 0.0


COUNTS, TRIALS, REAL = "y ~ cond + (1|g)", "p(y, n) ~ cond + (1|g)", "y ~ cond + (1|g)"
CROSSED, RAMP = "y ~ cond + (1|g) + (1|n)", "y ~ x + (1|g)"


def _zeros(share: float, draw: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Set a share of responses to zero."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        return np.where(rng.random(eta.size) < share, 0, draw(rng, data, eta))

    return drawn


def _poisson(mean: float, size: float = 0.4) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: rng.poisson(mean * np.exp(size * eta))


def _negative_binomial(mean: float, alpha: float) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: rng.poisson(
        mean * np.exp(0.4 * eta) * rng.gamma(alpha, 1 / alpha, eta.size)
    )


def _successes(level: float) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: rng.binomial(data["n"], special.expit(level + 0.5 * eta))


def _varying(level: float, phi: float) -> Callable[..., np.ndarray]:
    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        mu = special.expit(level + 0.5 * eta)
        return rng.binomial(data["n"], rng.beta(mu * phi, (1 - mu) * phi))

    return drawn


def _shares(level: float, phi: float) -> Callable[..., np.ndarray]:
    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        mu = special.expit(level + 0.5 * eta)
        return np.clip(rng.beta(mu * phi, (1 - mu) * phi), 1e-6, 1 - 1e-6)

    return drawn


def _percent(level: float, phi: float) -> Callable[..., np.ndarray]:
    shares = _shares(level, phi)
    return lambda rng, data, eta: np.round(100 * shares(rng, data, eta), 1)


def _angles(direction: float, kappa: float) -> Callable[..., np.ndarray]:
    """Turn directions of the conditions by half a radian."""
    return lambda rng, data, eta: rng.vonmises(direction + 0.5 * (data["cond"] == "b"), kappa)


def _degrees(direction: float, kappa: float) -> Callable[..., np.ndarray]:
    """Write angles in whole degrees from 0 up."""
    angles = _angles(direction, kappa)
    return lambda rng, data, eta: np.round(np.rad2deg(angles(rng, data, eta))) % 360


def _normal(level: float, sd: float) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: rng.normal(level + 0.5 * sd * eta, sd)


def _unequal(ratio: float) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: rng.normal(eta, np.where(data["cond"] == "b", ratio, 1.0))


def _scores(n: int) -> Callable[..., np.ndarray]:
    """Cut a latent logistic variable at n - 1 thresholds."""
    cuts = np.linspace(-2, 3, n - 1)
    return lambda rng, data, eta: 1.0 + np.searchsorted(cuts, eta + rng.logistic(size=eta.size))


def _rounded(level: float, sd: float) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: np.round(rng.normal(level + 0.5 * sd * eta, sd))


def _own(spread: float) -> Callable[..., np.ndarray]:
    """Give each group a spread of its own, whatever its condition."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        own = np.exp(rng.normal(0, spread, GROUPS))
        return rng.normal(eta, np.repeat(own, 2 * ROWS))

    return drawn


def _serial(rho: float, *, tail: float = np.inf) -> Callable[..., np.ndarray]:
    """Let the rows of a group follow each other, with innovations of a t of `tail` degrees."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        e = rng.standard_normal(eta.size) if np.isinf(tail) else rng.standard_t(tail, eta.size)
        same = data["g"].to_numpy()[1:] == data["g"].to_numpy()[:-1]
        for k in range(1, e.size):
            if same[k - 1]:
                e[k] = rho * e[k - 1] + np.sqrt(1 - rho**2) * e[k]
        return eta + e

    return drawn


def _answers(spread: float, rho: float = 0.0) -> Callable[..., np.ndarray]:
    """Let groups respond to the condition differently, and a crossed factor add its own."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        own = rng.normal(0, spread, data["g"].nunique())[pd.factorize(data["g"])[0]]
        crossed = rng.normal(0, spread, 30)[data["n"]]
        return _serial(rho)(rng, data, eta + own * (data["cond"] == "b") + crossed)

    return drawn


def _ramp(spread: float, rho: float = 0.0) -> Callable[..., np.ndarray]:
    """Let groups respond differently to a dose that rises from row to row."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        own = rng.normal(0, spread, data["g"].nunique())[pd.factorize(data["g"])[0]]
        return _serial(rho)(rng, data, eta + (1 + own) * data["x"])

    return drawn


def _limited(share: float) -> Callable[..., np.ndarray]:
    """Put the largest responses at a limit."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        y = eta + rng.normal(size=eta.size)
        return np.minimum(y, np.quantile(y, 1 - share))

    return drawn


def _detected(share: float) -> Callable[..., np.ndarray]:
    """Put the smallest of positive responses at a limit of detection."""

    def drawn(rng: np.random.Generator, data: pd.DataFrame, eta: np.ndarray) -> np.ndarray:
        y = _gamma(2)(rng, data, eta)
        return np.maximum(y, np.quantile(y, share))

    return drawn


def _gamma(mean: float) -> Callable[..., np.ndarray]:
    return lambda rng, data, eta: mean * np.exp(0.3 * eta) * rng.gamma(4, 0.25, eta.size)


KINDS = (
    Kind("overdispersion", "successes of phi 6", TRIALS, "binomial", _varying(-0.4, 6), True),
    Kind("overdispersion", "successes of phi 2", TRIALS, "binomial", _varying(-1.5, 2), True),
    Kind("overdispersion", "binomial successes", TRIALS, "binomial", _successes(-0.4), False),
    Kind("overdispersion", "rare successes", TRIALS, "binomial", _successes(-3), False),
    Kind("overdispersion", "counts of alpha 2", COUNTS, "poisson", _negative_binomial(4, 2), True),
    Kind("overdispersion", "Poisson counts", COUNTS, "poisson", _poisson(4), False),
    Kind("overdispersion", "rare counts", COUNTS, "poisson", _poisson(0.3), False),
    Kind("overdispersion", "alpha 2, 30% zeros", COUNTS, "zero_inflated_poisson",
         _zeros(0.3, _negative_binomial(4, 2)), True),
    Kind("overdispersion", "Poisson, 30% zeros", COUNTS, "zero_inflated_poisson",
         _zeros(0.3, _poisson(4)), False),
    Kind("overdispersion", "rare counts, 30% zeros", COUNTS, "zero_inflated_poisson",
         _zeros(0.3, _poisson(0.8)), False),
    Kind("overdispersion", "alpha 2, 30% zeros", COUNTS, "hurdle_poisson",
         _zeros(0.3, _negative_binomial(4, 2)), True),
    Kind("excess_zeros", "Poisson, 30% zeros", COUNTS, "poisson", _zeros(0.3, _poisson(4)), True),
    Kind("excess_zeros", "Poisson, 50% zeros", COUNTS, "poisson", _zeros(0.5, _poisson(3)), True),
    Kind("excess_zeros", "Poisson counts", COUNTS, "poisson", _poisson(1), False),
    Kind("excess_zeros", "Poisson counts, groups of four", COUNTS, "poisson",
         _poisson(1.6, 0.8), False, groups=600, rows=2),
    Kind("excess_zeros", "alpha 2", COUNTS, "poisson", _negative_binomial(4, 2), False),
    Kind("excess_zeros", "alpha 0.7", COUNTS, "poisson", _negative_binomial(2, 0.7), False),
    Kind("excess_zeros", "successes, 30% zeros", TRIALS, "binomial",
         _zeros(0.3, _successes(-0.4)), True),
    Kind("excess_zeros", "alpha 2, 30% zeros", COUNTS, "negative_binomial",
         _zeros(0.3, _negative_binomial(4, 2)), True),
    Kind("excess_zeros", "alpha 5, 50% zeros", COUNTS, "negative_binomial",
         _zeros(0.5, _negative_binomial(6, 5)), True),
    Kind("excess_zeros", "alpha 2", COUNTS, "negative_binomial", _negative_binomial(4, 2), False),
    Kind("excess_zeros", "alpha 5, rare", COUNTS, "negative_binomial",
         _negative_binomial(1, 5), False),
    Kind("excess_zeros", "alpha 0.7", COUNTS, "negative_binomial",
         _negative_binomial(2, 0.7), False),
    Kind("excess_zeros", "alpha 0.4", COUNTS, "negative_binomial",
         _negative_binomial(6, 0.4), False),
    Kind("excess_zeros", "binomial successes", TRIALS, "binomial", _successes(-2.5), False),
    Kind("excess_zeros", "successes of phi 2", TRIALS, "binomial", _varying(-0.4, 2), False),
    Kind("shares", "shares of phi 5", REAL, "gaussian", _shares(-0.5, 5), True),
    Kind("shares", "shares of 0.3, phi 8", REAL, "gaussian", _shares(-1, 8), True),
    Kind("shares", "normal about 0.5", REAL, "gaussian", _normal(0.5, 0.05), False),
    Kind("shares", "normal about 0", REAL, "gaussian", _normal(0, 1), False),
    Kind("shares", "positive, of 0.1", REAL, "gaussian", _gamma(0.1), False),
    Kind("shares", "percentages about 85", REAL, "gaussian", _percent(1.7, 6), True),
    Kind("shares", "percentages about 50", REAL, "gaussian", _percent(0, 3), True),
    Kind("shares", "normal about 50", REAL, "gaussian", _normal(50, 12), False),
    Kind("shares", "normal about 75", REAL, "gaussian", _normal(75, 8), False),
    Kind("shares", "positive, of 30", REAL, "gaussian", _gamma(30), False),
    Kind("angles", "phases across the cut", REAL, "gaussian", _angles(2.9, 2), True),
    Kind("angles", "phases of little order", REAL, "gaussian", _angles(0, 0.5), True),
    Kind("angles", "degrees across the cut", REAL, "gaussian", _degrees(0.1, 2), True),
    Kind("angles", "phases of one side", REAL, "gaussian", _angles(0.3, 8), False),
    Kind("angles", "normal about 0", REAL, "gaussian", _normal(0, 1), False),
    Kind("angles", "normal about 0, sd 1.2", REAL, "gaussian", _normal(0, 1.2), False),
    Kind("angles", "positive, of 2", REAL, "gaussian", _gamma(2), False),
    Kind("angles", "normal about 180", REAL, "gaussian", _normal(180, 60), False),
    Kind("scores", "five categories", REAL, "gaussian", _scores(5), True),
    Kind("scores", "normal, in whole numbers", REAL, "gaussian", _rounded(37, 1.5), False),
    Kind("scores", "normal about 0", REAL, "gaussian", _normal(0, 1), False),
    Kind("unequal_spread", "sd twice as large", REAL, "gaussian", _unequal(2), True),
    Kind("unequal_spread", "one sd", REAL, "gaussian", _unequal(1), False),
    Kind("unequal_spread", "an sd of each group", REAL, "gaussian", _own(0.7), False),
    Kind("group_spread", "sds of log sd 0.7", REAL, "gaussian", _own(0.7), True),
    Kind("group_spread", "one sd", REAL, "gaussian", _unequal(1), False),
    Kind("group_spread", "sd twice as large in b", REAL, "gaussian", _unequal(2), False),
    Kind("group_spread", "t of 3", REAL, "gaussian", _serial(0.0, tail=3), False),
    Kind("group_spread", "rho 0.5", REAL, "gaussian", _serial(0.5), False),
    Kind("heap", "normal, a fifth at a limit", REAL, "gaussian", _limited(0.2), True),
    Kind("heap", "gamma, a fifth at a limit", REAL, "gamma", _detected(0.2), True),
    Kind("heap", "normal about 0", REAL, "gaussian", _normal(0, 1), False),
    Kind("heap", "normal, in whole numbers", REAL, "gaussian", _rounded(37, 1.5), False),
    Kind("heap", "positive, of 2", REAL, "gamma", _gamma(2), False),
    *(
        Kind("serial_correlation", f"{label}, {groups}x{rows} {order}", REAL, "gaussian", draw,
             needed, groups, rows, order)
        for groups, rows, order in (
            (12, 4, "blocks"), (12, 8, "blocks"), (6, 20, "blocks"), (24, 3, "blocks"),
            (12, 4, "turns"), (12, 4, "random"), (6, 20, "random"),
        )
        for label, draw, needed in (
            ("rho 0.5", _serial(0.5), True),
            ("rho 0.8", _serial(0.8), True),
            ("independent", _serial(0.0), False),
            ("t of 3", _serial(0.0, tail=3), False),
            ("sd twice as large", _unequal(2), False),
        )
    ),
    *(
        Kind("serial_correlation", f"responses of sd 1, {groups}x{rows} {order}", CROSSED,
             "gaussian", _answers(1.0), False, groups, rows, order)
        for groups, rows, order in (
            (12, 4, "blocks"), (12, 8, "blocks"), (24, 3, "blocks"), (24, 6, "blocks"),
            (12, 8, "turns"), (12, 8, "random"), (6, 20, "random"),
        )
    ),
    Kind("serial_correlation", "responses of sd 1, rho 0.5", CROSSED, "gaussian",
         _answers(1.0, 0.5), True, 12, 8),
    Kind("serial_correlation", "a fifth lost, rho 0.5", REAL, "gaussian", _serial(0.5), True,
         12, 6, lost=0.2),
    Kind("serial_correlation", "a fifth lost", REAL, "gaussian", _serial(0.0), False,
         12, 6, lost=0.2),
    Kind("serial_correlation", "slopes along a ramp", RAMP, "gaussian", _ramp(1.0), False, 12, 4),
    Kind("serial_correlation", "slopes along a ramp", RAMP, "gaussian", _ramp(1.0), False, 8, 10),
    Kind("serial_correlation", "ramp, rho 0.5", RAMP, "gaussian", _ramp(1.0, 0.5), True, 18, 5),
    Kind("serial_correlation", "ramp, rho 0.5", RAMP, "gaussian", _ramp(1.0, 0.5), True, 8, 10),
)  # fmt: skip


def layout(rng: np.random.Generator, kind: Kind) -> tuple[pd.DataFrame, np.ndarray]:
    """Return groups that have both conditions, and a linear predictor of order one."""
    g = np.repeat(np.arange(kind.groups), 2 * kind.rows)
    cond = np.tile(np.repeat(["a", "b"], kind.rows), kind.groups)
    if kind.order == "turns":
        cond = np.tile(["a", "b"], kind.rows * kind.groups)
    elif kind.order == "random":
        cond = rng.permuted(cond.reshape(kind.groups, -1), axis=1).ravel()
    data = pd.DataFrame({"g": [f"g{i}" for i in g], "cond": cond})
    data["n"] = rng.integers(8, 20, g.size)
    data["x"] = np.tile(np.linspace(0.5, 3.2, 2 * kind.rows), kind.groups)
    return data, (cond == "b") + rng.normal(size=kind.groups)[g]


def fires(kind: Kind, seed: int) -> bool:
    """Whether the guard speaks of one set."""
    rng = np.random.default_rng(seed)
    data, eta = layout(rng, kind)
    data["y"] = kind.draw(rng, data, eta)
    data = data[rng.random(len(data)) >= kind.lost] if kind.lost else data
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model_from(
            kind.formula, data, kind.family, {}, silence=("random_slopes", "pseudoreplication")
        )
    found = [w.message for w in caught]
    return any(isinstance(one, DesignWarning) and one.guard == kind.guard for one in found)


def main(arguments: list[str] | None = None) -> int:
    """Print the rates; 1 if one is out of its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first set")
    parser.add_argument("--guard", help="of one guard only")
    asked = parser.parse_args(arguments)
    good = True
    for kind in KINDS:
        if asked.guard not in (None, kind.guard):
            continue
        seeds = range(asked.first, asked.first + asked.sets)
        rate = float(np.mean([fires(kind, seed) for seed in seeds]))
        fine = rate >= ENOUGH if kind.needed else rate < FEW
        good &= fine
        bound = f">= {ENOUGH:.0%}" if kind.needed else f"<  {FEW:.0%}"
        print(
            f"{kind.guard:18} {kind.family:17} {kind.label:40} {rate:6.1%} {bound} "
            f"{'' if fine else 'NO'}",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
