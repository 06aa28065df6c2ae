"""One engine on one design, in a process of its own: the first fit is cold, the others warm.

The parent, `benchmarks.processes`, reads what happens as lines of JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.designs import DESIGNS
from benchmarks.engines import ENGINES

MARK = "@benchmark "


def say(event: str, **facts: object) -> None:
    print(MARK + json.dumps({"event": event, **facts}), flush=True)


def peak_bytes() -> int:
    """Return the peak of this process, or of its largest child that has ended.

    Not their sum: a child begins with the pages of its parent, and they are counted. For the same
    reason this process is asked for its peak since it began to be Python: getrusage would give what
    the process had that started it.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    status = Path("/proc/self/status")
    if status.exists():
        (own,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        return max(int(own) * 1024, children)
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, children)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("design", choices=DESIGNS)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("data", type=Path)
    parser.add_argument("means", type=Path)
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--enough", type=float, required=True)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # divergences and the like are in the table

    design, engine = DESIGNS[arguments.design], ENGINES[arguments.engine]
    data = pd.read_pickle(arguments.data)
    runner = engine.prepare(design, data)
    warm = 0.0
    for number in range(arguments.repeats + 1):
        start = perf_counter()
        if runner.compile is not None:
            say("compiling")
            runner.compile()  # of the first fit, from the second on
        say("start")
        result = runner.fit(number + 1)
        wall = perf_counter() - start
        say("fitted", peak=peak_bytes())

        from benchmarks.measures import judged  # noqa: PLC0415 - not before the cold fit

        record, means = judged(runner.draws(result), wall)
        del result
        np.savez(
            arguments.means, names=np.array(means.names, str), mean=means.mean, mcse=means.mcse
        )
        say("judged", record=asdict(record))
        warm += wall if number else 0.0
        if warm > arguments.enough:
            break


if __name__ == "__main__":
    main()
