"""winstan beside a row-wise Stan program that would take hours: a whole fit and a few draws.

``python -m benchmarks.few_draws histogram`` fits a design by `ws.fit`, all of it, and then runs one
chain of the row-wise program for a few draws. Of a whole run of that program, with four chains on
two cores, is said what it gives at most: its warm-up and its compilation take no time, its draws
take as long as those few, and every one is effective. So few iterations adapt no metric, and their
trees may be longer than those of a whole run: hence also in how many gradients that program would
have to make an effective draw to be nearer than the goal. Exit code 1 if winstan's rate is not the
design's goal times what it gives at most.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from time import perf_counter

from benchmarks.designs import DESIGNS
from benchmarks.engines import rowwise_stan, winstan
from benchmarks.measures import judged

CORES = 2


def main(arguments: list[str] | None = None) -> int:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("design", choices=DESIGNS)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # what the guards say is not asked here
    design = DESIGNS[asked.design]
    data = design.data()

    runner = winstan(design, data, "stan")
    start = perf_counter()
    fit = runner.fit(asked.seed)
    record, _ = judged(runner.draws(fit), perf_counter() - start)
    smaller = min(record.bulk, record.tail)
    own = smaller / record.wall
    print(
        f"winstan: {record.wall:.1f} s, smallest ESS {smaller:.0f}, R-hat {record.r_hat:.4f}, "
        f"{record.divergences:.0f} divergences, {record.steps:.0f} gradients a draw, "
        f"{own:.1f} ESS/s",
        flush=True,
    )

    twin = rowwise_stan(design, data, chains=1, warmup=asked.warmup, draws=asked.draws)
    raw = twin.fit(asked.seed)
    warmed, sampled = raw.seconds[0]
    steps = float(raw.sampler["n_leapfrog__"].mean())
    at_most = CORES * asked.draws / sampled
    gradient = sampled / asked.draws / steps
    enough = CORES * design.goal / own / gradient
    print(
        f"row-wise Stan: warm-up of {asked.warmup} in {warmed:.0f} s, then {asked.draws} draws in "
        f"{sampled:.0f} s, {steps:.0f} gradients a draw, {1e3 * gradient:.1f} "
        f"ms a gradient: of four chains at most {at_most:.2g} ESS/s\n"
        f"winstan gives at least {own / at_most:.0f} times as many (goal: {design.goal:g}), and "
        f"{design.goal:g} times where that takes {enough:.0f} gradients "
        "or more for an effective draw"
    )
    return int(own < design.goal * at_most)


if __name__ == "__main__":
    sys.exit(main())
