"""Chains made up to be sound, or unsound in one known way, and what the verdict says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import signal

from winstan.chance import ESS_PER_CHAIN
from winstan.convergence import convergence
from winstan.diagnostics import Diagnostics, diagnose
from winstan.draws import Draws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from winstan._typing import Array

    Generator = np.random.Generator
    Shape = tuple[int, int, int]


def autoregressive(rng: Generator, phi: float, shape: Shape) -> Array:
    """Stationary chains of variance one; n (1 - phi) / (1 + phi) effective draws of each."""
    chains, n, P = shape
    before = max(200, int(10 / (1 - abs(phi))))
    noise = rng.standard_normal((chains, n + before, P))
    found: Array = signal.lfilter([np.sqrt(1 - phi**2)], [1, -phi], noise, axis=1)
    return found[:, before:]


def judged(rng: Generator, values: Array, divergent: int = 0) -> Diagnostics:
    """Judge draws, shape (chains, draws, P), of which so many diverged."""
    found = convergence(values)
    names = [f"u[{i}]" for i in range(values.shape[2])]
    columns = {"r_hat": found.r_hat, "ess_bulk": found.ess_bulk, "ess_tail": found.ess_tail}
    shape = values.shape[:2]
    stats = {
        "diverging": (np.arange(values[..., 0].size) < divergent).reshape(shape),
        "tree_depth": np.full(shape, 3),
        "energy": rng.normal(size=shape),
    }
    return diagnose(Draws({"u": values}, stats), pd.DataFrame(columns, index=names), values)


# --- sound

SOUND: dict[str, Callable[[Generator, Shape], Array]] = {
    "independent": lambda rng, shape: rng.standard_normal(shape),
    "antithetic, as of NUTS (-0.4)": lambda rng, shape: autoregressive(rng, -0.4, shape),
    "autoregressive (0.3)": lambda rng, shape: autoregressive(rng, 0.3, shape),
    "heavy tails (Cauchy)": lambda rng, shape: rng.standard_cauchy(shape),
    "skewed (lognormal, 2)": lambda rng, shape: np.exp(2 * autoregressive(rng, 0.2, shape)),
    "two modes, mixed": lambda rng, shape: (
        4 * np.sign(autoregressive(rng, 0.3, shape)) + rng.standard_normal(shape)
    ),
    "discrete (Poisson, 1.5)": lambda rng, shape: rng.poisson(1.5, shape).astype(float),
}
"""What all parameters are."""
EFFICIENCY = {"autoregressive (0.3)": 0.54, "skewed (lognormal, 2)": 0.66, "two modes, mixed": 0.7}
"""Effective draws to a draw, where these are fewer: of fewer than 100 a chain no fit is sound."""
LAYOUTS: tuple[tuple[Shape, int], ...] = (
    ((4, 100, 1), 400), ((2, 200, 1), 400), ((2, 1000, 1), 400), ((4, 1000, 1), 400),
    ((8, 1000, 1), 200), ((4, 4000, 1), 100), ((4, 100, 30), 200), ((4, 1000, 30), 100),
    ((2, 1000, 30), 100), ((4, 100, 1000), 30), ((4, 400, 1000), 20), ((2, 1000, 1000), 15),
    ((4, 1000, 1000), 10), ((8, 1000, 1000), 5), ((4, 1000, 5000), 2),
)  # fmt: skip
"""Chains, draws and parameters, and how many fits of each are made for one share of the study."""


def is_sound(kind: str, shape: Shape) -> bool:
    """Tell whether chains so long have the effective draws that are wanted, in truth."""
    return shape[1] * EFFICIENCY.get(kind, 1.0) >= ESS_PER_CHAIN


# --- unsound


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the first of P parameters, the others being sound."""

    label: str
    spoil: Callable[[Array, Generator], None]
    draws: int = 1000


def _stuck(x: Array, rng: Generator) -> None:
    x[1, :, 0] = x[1, 0, 0]


def _stuck_for_a_while(x: Array, rng: Generator) -> None:
    start = rng.integers(x.shape[1] - 60)
    x[1, start : start + 50, 0] = x[1, start, 0]


def _other_mode(x: Array, rng: Generator) -> None:
    x[0, :, 0] += 6


def _modes_apart(x: Array, rng: Generator) -> None:
    x[..., 0] += 6 * (np.arange(len(x)) % 2)[:, None]


def _rare_switches(x: Array, rng: Generator) -> None:
    """Modes that a chain leaves once in 250 draws."""
    flips = rng.random(x.shape[:2]) < 1 / 250
    start = rng.integers(2, size=(len(x), 1))
    x[..., 0] += 6 * ((start + flips.cumsum(axis=1)) % 2)


def _shifted(x: Array, rng: Generator) -> None:
    x[0, :, 0] += 0.6


def _narrow(x: Array, rng: Generator) -> None:
    x[0, :, 0] *= 0.5


def _wide(x: Array, rng: Generator) -> None:
    x[0, :, 0] *= 1.8


def _creeping(x: Array, rng: Generator) -> None:
    x[..., 0] = autoregressive(rng, 0.99, (*x.shape[:2], 1))[..., 0]


def _creeping_less(x: Array, rng: Generator) -> None:
    x[..., 0] = autoregressive(rng, 0.97, (*x.shape[:2], 1))[..., 0]


def _drifting(x: Array, rng: Generator) -> None:
    x[..., 0] += np.linspace(0, 2, x.shape[1])


def _warming_up(x: Array, rng: Generator) -> None:
    x[..., 0] += 10 * np.exp(-np.arange(x.shape[1]) / 50)


def _growing(x: Array, rng: Generator) -> None:
    x[..., 0] *= np.linspace(0.5, 2, x.shape[1])


def _turning(x: Array, rng: Generator) -> None:
    x[..., 0] += np.sin(np.arange(x.shape[1]) / 100) * 1.5


def _sticky_tail(x: Array, rng: Generator) -> None:
    """Spoil it by a tail that is seldom found, and then kept for long: 60 draws beyond 3."""
    for chain in x:
        start = rng.integers(0, x.shape[1] - 60)
        chain[start : start + 60, 0] = 3 + 0.1 * chain[start : start + 60, 0]


def _constant(x: Array, rng: Generator) -> None:
    x[..., 0] = 1.5


def _missing(x: Array, rng: Generator) -> None:
    x[-1, 17, 0] = np.nan


def _infinite(x: Array, rng: Generator) -> None:
    x[-1, :9, 0] = np.inf


def _same(x: Array, rng: Generator) -> None:
    x[1] = x[0]


def _delayed(x: Array, rng: Generator) -> None:
    x[1, :-37] = x[0, 37:]


def _again(x: Array, rng: Generator) -> None:
    half = x.shape[1] // 2
    x[:, half : 2 * half] = x[:, :half]


def _nothing(x: Array, rng: Generator) -> None:
    pass


UNSOUND = (
    Fault("a chain that is stuck", _stuck),
    Fault("a chain that is stuck for 50 draws", _stuck_for_a_while),
    Fault("one chain in another mode", _other_mode),
    Fault("chains in two modes", _modes_apart),
    Fault("two modes, a switch in 250 draws", _rare_switches),
    Fault("a chain shifted by 0.6 sd", _shifted),
    Fault("a chain half as wide", _narrow),
    Fault("a chain 1.8 times as wide", _wide),
    Fault("autoregressive (0.99)", _creeping),
    Fault("autoregressive (0.97)", _creeping_less),
    Fault("drifting by 2 sd", _drifting),
    Fault("starting 10 sd away", _warming_up),
    Fault("a spread that grows fourfold", _growing),
    Fault("slow waves of 1.5 sd", _turning),
    Fault("a tail that is seldom left", _sticky_tail),
    Fault("a parameter that never moves", _constant),
    Fault("one draw that is no number", _missing),
    Fault("draws that are infinite", _infinite),
    Fault("two chains that are the same", _same),
    Fault("a chain that follows another", _delayed),
    Fault("chains whose second half is the first", _again),
    Fault("chains of 50 draws", _nothing, 50),
    Fault("chains of 99 draws", _nothing, 99),
)


def spoilt(rng: Generator, fault: Fault, chains: int, P: int) -> Array:
    """Draw sound chains, and spoil the first of P parameters."""
    x = autoregressive(rng, 0.2, (chains, fault.draws, P))
    fault.spoil(x, rng)
    return x


# --- studies


def sound_study(share: float, seed: int = 1) -> pd.DataFrame:
    """Count the sound fits that are called unconverged, by kind and layout.

    Parameters
    ----------
    share
        Of the fits of `LAYOUTS`.
    seed

    Returns
    -------
    DataFrame
        Columns kind, chains, draws, parameters, fits, called.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for kind, draw in SOUND.items():
        for shape, fits in LAYOUTS:
            if is_sound(kind, shape):
                n = max(1, round(fits * share))
                called = sum(not judged(rng, draw(rng, shape)).ok for _ in range(n))
                rows.append((kind, *shape, n, called))
    columns = ["kind", "chains", "draws", "parameters", "fits", "called"]
    return pd.DataFrame(rows, columns=columns)


def unsound_study(fits: int, seed: int = 2) -> pd.DataFrame:
    """Count the unsound fits that are called so, by fault and parameters, of 4 and of 2 chains.

    Returns
    -------
    DataFrame
        Columns fault, parameters, fits, called.
    """
    rng = np.random.default_rng(seed)

    def rows() -> Iterator[tuple[str, int, int, int]]:
        for fault in UNSOUND:
            for P, n in ((1, fits), (30, fits), (1000, max(1, fits // 10))):
                found = [judged(rng, spoilt(rng, fault, 4 - 2 * (i % 2), P)) for i in range(n)]
                yield fault.label, P, n, sum(not one.ok for one in found)

    return pd.DataFrame(rows(), columns=["fault", "parameters", "fits", "called"])
