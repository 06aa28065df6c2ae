"""The page of the docs."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import r_packages
from benchmarks import table as tables
from benchmarks.designs import MAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_PACKAGES = ("winstan", "httpstan", "pymc", "pytensor", "bambi", "nutpie", "mixedlm")

_INTRODUCTION = """\
# Benchmarks

`make bench-all` makes this page (all of it at once, or by `python -m benchmarks.run --designs ...
--out docs/benchmarks.csv` in pieces); `make bench` runs the LFP example alone.

Each row is one engine on one design, alone on the machine, in a process of its own: four chains of
1000 draws (winstan: 2000 where it samples more than a thousand effects), with winstan's default
priors in every engine, after the engine's own default warm-up (1000; of winstan 100, 150 with
smaller steps, or 300 where it adapts a metric). winstan's times are those of `ws.fit` as it is
called by default, with formula, guards, table and verdict; its peers' begin with the formula read
and end with the draws. The peers are at their own defaults (target_accept 0.8).

- **ESS** is the smallest effective sample size over all parameters and group effects, by ArviZ's
  functions whatever the engine.
- **Warm** is the median of the fits after the first of a process; **cold** is the first: the
  engine's imports and all that it compiles for this one model (winstan's templates are compiled
  once per machine; pandas and the data are loaded). ESS/s are of warm fits. PyMC and nutpie make
  their functions anew at every fit: **of it sampling** is what the sampler itself took, warm-up and
  all, as the engine says (of Stan, its program).
- **Row-wise Stan** is the program as brms writes it, centred predictors in one matrix and
  non-centred group effects added in a loop over rows; it is compiled with the flags that CmdStan
  has by default (and STAN_THREADS, for chains are threads of winstan's driver, with winstan's
  lighter base class of models).
- **Gradients** are evaluations per draw after warm-up.
- **Peak** memory is the cold fit's: Python, the data, the sampler's processes and the compilers of
  the one model; of fits too short to be looked at, Python or its largest child.
- **Largest z** is the largest difference of posterior means from winstan's, in Monte Carlo standard
  errors, beside what chance reaches once in ten thousand with so many parameters.
- **Gain** is in bulk ESS/s over the best peer's, as which the goals are read here. Beside it stand
  the gains in tail ESS/s and in the smaller of the two, in which a goal is harder to reach: draws
  that leap to the other side of the mean have more bulk ESS than there are draws, and no more tail
  ESS. **Over sampling alone** is winstan's whole fit over a peer's sampling, what the peer compiles
  left out: for whom fits the same model often, and keeps what nutpie has compiled.
- **Ended** are engines that took more than the design's budget for one fit (it begins when the
  row-wise program is compiled; PyMC compiles within it). Where all peers that were tried were ended
  so, the gain is what it would be over one whose 4000 draws were all effective at that moment.
- **Point estimates** are those of maximum likelihood by mixedlm (statsmodels without groups), for
  scale, and where R is on the machine those of lme4 and glmmTMB, in a process of R that has read
  the data. **Whole posterior over point estimate** is winstan's warm fit over R's quicker one.

With few groups a fit of winstan's may have divergences at the default settings:
`python -m benchmarks.divergences` counts them in 1,176 small designs.

A peri-stimulus histogram with a curve for each animal (200 bins, 40 mice, two conditions: 16,000
counts) is a quarter of an hour and more of the row-wise program. `python -m benchmarks.few_draws
histogram` runs all of winstan's fit and a few of that program's iterations. In one run, on a
machine that others used, winstan took 39 s (20 s of processor time; 10 s of wall time when fewer
used it): smallest ESS 1,895, no divergences, 8 gradients a draw, 48 ESS/s. Row-wise Stan took 7.8
ms a gradient and, after 100 iterations of warm-up, 1,023 gradients a draw: at most 0.25 ESS/s, 194
times as few. So short a warm-up adapts no metric; winstan gives 25 times as many as long as a whole
run of that program needs 132 gradients or more for an effective draw.
"""

_BESIDE = """\
## Other designs

Other families, sizes and shapes of groups than those that the goals were set for (`--designs
others`). The goals are those of their kind: 100 where cells hold twenty rows or more on average, 25
in gaussian models with one grouping factor, 10 elsewhere."""


def page(table: pd.DataFrame, lines: Sequence[str]) -> str:
    """Write the page: method, machine, gains, figure, and a section for each design."""
    sections = [tables.of_design(table, name) for name in dict.fromkeys(table["design"])]
    is_main = table["design"].isin(MAIN)
    main, others = table[is_main], table[~is_main]
    beside = [_BESIDE, tables.summary(others), tables.goals(others)] if len(others) else []
    text = [
        _INTRODUCTION.rstrip(),
        machine(),
        "## Gains",
        tables.summary(main),
        tables.goals(main),
        "![Effective draws per second of every engine on every design](benchmarks.png)",
        *lines,
        *beside,
        "## Designs",
        *sections,
    ]
    return "\n\n".join(text) + "\n"


def machine() -> str:
    """Say what the numbers were measured on."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    found += [f"{package} {number} (R)" for package, number in r_packages.versions().items()]
    return (
        f"Measured on {os.cpu_count()} processors ({_processor()}), {platform.system()}, "
        f"Python {platform.python_version()}: {', '.join(found)}."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
