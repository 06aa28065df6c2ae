"""Whether the verdict's advice helps: corners in which it speaks, and what following it gives.

A verdict that calls a fit unconverged says what to do; here a reader who knows nothing else does
that, at most `STEPS` times, and the next verdicts are counted.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.plain_divergences import crossed_rows
from benchmarks.sbc import cases
from winstan.backends import Settings, backend_named
from winstan.building import model_and_frame
from winstan.calibration.simulation import simulator_of
from winstan.errors import WinstanError
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.diagnostics import Diagnostics
    from winstan.model import Model

STEPS = 2
"""Times that advice is followed."""
CORNERS = (
    "shifted_lognormal none", "shifted_lognormal (1|g)", "exgaussian none", "exgaussian (1|g)",
    "hurdle_lognormal (1|g)", "hurdle_gamma (1|g)", "zero_inflated_negative_binomial (1|g)",
    "inverse_gaussian lam ~ x", "sratio cs(x)", "nested", "defaults",
)  # fmt: skip
"""Cases of `benchmarks.sbc` in which default fits have had divergences, or too few draws."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader does next."""

    accept: float | None = None
    draws: int | None = None
    warmup: int | None = None

    def applied(self, before: Told) -> Told:
        """Keep what was given before where this says nothing."""
        return Told(
            self.accept or before.accept, self.draws or before.draws, self.warmup or before.warmup
        )


def read(found: Diagnostics) -> Told:
    """Read a verdict's advice by its words."""
    said, told = found.verdict, Told()
    if (accept := re.search(r"give target_accept=([\d.]+)", said)) is not None:
        told = replace(told, accept=float(accept[1].rstrip(".,")))
    if (draws := re.search(r"give draws=(\d+)", said)) is not None:
        told = replace(told, draws=int(draws[1]))
    if "more warmup=" in said:
        told = replace(told, warmup=1000)
    if "more warmup= and draws=" in said:
        told = replace(told, draws=max(4 * found.n_draws, told.draws or 0))
    return told


def followed(model: Model, seed: int) -> list[Diagnostics]:
    """Fit by default, and as each verdict says, until one is good or nothing more is said."""
    told, found = Told(), [_diagnosed(model, Told(), seed)]
    while not found[-1].ok and len(found) <= STEPS:
        more = read(found[-1]).applied(told)
        if more == told:
            break
        told = more
        found.append(_diagnosed(model, told, seed + len(found)))
    return found


def _diagnosed(model: Model, told: Told, seed: int) -> Diagnostics:
    settings = Settings(
        draws=told.draws,
        warmup=told.warmup,
        target_accept=told.accept,
        seed=seed,
        cores=1,
        progress=False,
    )
    return fit_by(Fit, backend_named("stan"), model, settings, perf_counter()).diagnostics


def simulated(name: str) -> Callable[[int], Model]:
    """Return what makes a model of data simulated for a case of `benchmarks.sbc`."""
    (case,) = [case for case in cases() if case.name == name]
    model, _ = model_and_frame(case.formula, case.data(), case.family, {}, **_built(case.options))
    simulator = simulator_of(model)
    return lambda seed: simulator.draw(np.random.SeedSequence(9, spawn_key=(seed,)))[1]


def _built(options: dict[str, object]) -> dict[str, object]:
    """Put formulas of other parameters where `model_and_frame` takes them."""
    known = {"priors", "link", "center", "weights", "trials"}
    formulas = {name: text for name, text in options.items() if name not in known}
    return {name: own for name, own in options.items() if name in known} | {"formulas": formulas}


def crossed(family: str) -> Callable[[int], Model]:
    """Return what makes a model of crossed intercepts of few levels."""
    return lambda seed: model_and_frame(
        "y ~ x + (1|a) + (1|b)", crossed_rows(family, seed), family, {}
    )[0]


def advice_study(sets: int) -> pd.DataFrame:
    """Follow the advice in each corner.

    Returns
    -------
    DataFrame
        Columns corner, sets, spoke, first and second (of these, converged after so many pieces of
        advice), left.
    """
    corners = {name: simulated(name) for name in CORNERS}
    corners |= {f"crossed intercepts, {name}": crossed(name) for name in ("poisson", "gamma")}
    rows = []
    for name, make in corners.items():
        runs = []
        for seed in range(sets):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    runs.append(followed(make(seed), seed))
                except WinstanError:  # data that no model is of
                    continue
        spoke = [run for run in runs if not run[0].ok]
        mended = [sum(run[-1].ok and len(run) == 2 + step for run in spoke) for step in (0, 1)]
        rows.append((name, len(runs), len(spoke), *mended, len(spoke) - sum(mended)))
        print(rows[-1], [run[-1].verdict for run in spoke if not run[-1].ok], flush=True)
    columns = ["corner", "sets", "spoke", "first", "second", "left"]
    return pd.DataFrame(rows, columns=columns)
