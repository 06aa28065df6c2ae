"""What winstan takes around the sampler: each figure beside its goal.

    make overheads

Seconds are the least of several runs, since other work on a machine can only add to them; the
processor seconds beside them are of winstan's own process, all threads. Memory is the largest
resident size above that before the call, over the size of the columns in use; its goal is below 3.
Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.designs import DESIGNS, resampled_lfp
from benchmarks.engines import model_of
from benchmarks.startup import import_times
from benchmarks.timed import compilers, in_new_process, least, peak, programs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winstan.draws import Draws
    from winstan.fit_class import Fit

NAN = float("nan")
_LFP = DESIGNS["lfp"]
_USED = ["Power", "stim", "mouse"]
GROWING = (2_000, 6_000, 20_000, 60_000)
"""Rows of a design whose cells are its rows: time is to be linear in them."""
MEMORY_GOAL = 3.0
"""Sizes of the columns in use."""
COMPILING_GOAL = 40.0
"""Seconds for each template, side by side with others."""
SLACK = 1.5
"""How much longer than the small fit, or than the one of fewer rows by the ratio of rows, a fit may
take, where time is to be flat or linear."""
PREDICTED_ROWS = 500_000
TWICE = 2.0
"""How much longer a fit may take that has a formula for sigma too."""
LARGE = (
    ("pandas", "trials"),
    ("polars", "trials"),
    ("pandas", "independent"),
    ("pandas", "zeros"),
    ("pandas", "counts"),
)
"""Libraries and responses of whole fits of many rows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; times in seconds, `memory` in sizes of the columns in use."""

    what: str
    goal: float
    wall: float
    cpu: float = NAN
    memory: float = NAN

    @property
    def missed(self) -> bool:
        """Whether it is beyond its goal; what has none is not."""
        return self.wall >= self.goal or self.memory >= MEMORY_GOAL


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--groups", type=int, default=996, help="(996; four parameters more)")
    parser.add_argument("--neurons", type=int, default=1000, help="fits of ws.fit_each")
    figures = measured(parser.parse_args(argv))
    print(table(figures))
    missed = [figure.what for figure in figures if figure.missed]
    for what in missed:
        print(f"goal missed: {what}", file=sys.stderr)
    return int(bool(missed))


def measured(arguments: argparse.Namespace) -> list[Figure]:
    """Measure all, each in a process of its own."""
    figures = [Figure("import winstan", 0.4, min(import_times()))]
    figures += [
        in_new_process(partial(frame, library, kind, arguments.rows))
        for library in ("pandas", "polars")
        for kind in ("text", "category", "number")
    ]
    small = in_new_process(small_fit)
    figures += small
    for library, response in LARGE:
        whole, program = in_new_process(partial(large_fit, library, response, arguments.rows))
        figures.append(whole)
        if response == "trials":  # of as many cells, and as hard to sample
            figures.append(replace(program, goal=SLACK * small[1].wall))
    figures += in_new_process(partial(predicted, PREDICTED_ROWS))
    figures += in_new_process(partial(tables, arguments.groups))
    figures += in_new_process(plots)
    grown = [in_new_process(partial(growing, n)) for n in GROWING]
    steps = zip(pairwise(grown), pairwise(GROWING), strict=True)
    figures.append(grown[0])
    figures += [
        replace(figure, goal=SLACK * before.wall * n / fewer)
        for (before, figure), (fewer, n) in steps
    ]
    figures.append(in_new_process(partial(many, arguments.neurons)))
    return figures + in_new_process(templates)


def table(figures: list[Figure]) -> str:
    lines = ["| | goal (s) | wall (s) | processor (s) | memory |", "|---|---|---|---|---|"]
    for f in figures:
        cpu = "" if np.isnan(f.cpu) else f"{f.cpu:.3f}"
        memory = "" if np.isnan(f.memory) else f"{f.memory:.1f}"
        goal = "" if np.isnan(f.goal) else f"{round(f.goal, 3):g}"
        lines.append(f"| {f.what} | {goal} | {f.wall:.3f} | {cpu} | {memory} |")
    return "\n".join(lines)


def frame(library: str, kind: str, n_rows: int) -> Figure:
    """Time the design and cells of the LFP model, whose groups are text, a factor or numbers."""
    from winstan.cells import compress  # noqa: PLC0415 - as `ws.fit` finds them: loaded
    from winstan.data import frame_from  # noqa: PLC0415
    from winstan.design import build_design, stack  # noqa: PLC0415
    from winstan.families import family_named  # noqa: PLC0415
    from winstan.formula import parse_formula  # noqa: PLC0415

    data = resampled_lfp(n_rows)[_USED]
    if kind == "category":
        data["mouse"] = data["mouse"].astype("category")
    elif kind == "number":
        data["mouse"] = data["mouse"].astype("category").cat.codes.astype(np.int64)
    data = _frame_of(library, data)
    used = _size(data)
    formula, family = parse_formula(_LFP.formula, {}), family_named(_LFP.family)

    def prepare() -> None:
        read = frame_from(data, formula)
        design = build_design(formula, read, {})
        compress(design, stack(design), family, family.link(None))

    with peak() as grown:
        wall, cpu = least(prepare, 1)
    again = least(prepare, 4)
    return Figure(
        f"design and cells, {n_rows:,} rows, {library}, groups as {kind}",
        2.0,
        min(wall, again[0]),
        min(cpu, again[1]),
        grown() / used,
    )


def large_fit(library: str, response: str, n_rows: int) -> list[Figure]:
    """Time all of `ws.fit` of many rows, in which the guards look for repeats.

    Parameters
    ----------
    library : {"pandas", "polars"}
    response : {"trials", "independent", "zeros", "counts"}
        Of trials that are drawn again and again, with columns that say so; or of rows of their own.
    n_rows
    """
    data, family = resampled_lfp(n_rows), _LFP.family
    rng = np.random.default_rng(9)
    if response == "counts":
        data["Power"], family = rng.poisson(data["Power"] / 100), "poisson"
    elif response != "trials":
        data["Power"] *= rng.uniform(0.9, 1.1, n_rows)
        del data["trial"], data["Log power"]
    if response == "zeros":
        data.loc[rng.uniform(size=n_rows) < 0.5, "Power"], family = 0.0, "gaussian"
    data = _frame_of(library, data)
    used = _size(data[_USED])

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the guards', of just that
            ws.fit(_LFP.formula, data, family, seed=1, progress=False)

    ws.fit(_LFP.formula, _LFP.data(), _LFP.family, seed=1, progress=False, silence="all")  # imports
    with peak() as grown:
        wall, cpu = least(fit, 1)
    with programs() as took:
        again = least(fit, 4)
    name = f"ws.fit, LFP, {n_rows:,} rows, {library}, {response}"
    return [
        Figure(name, NAN, min(wall, again[0]), min(cpu, again[1]), grown() / used),
        Figure(f"{name}: Stan's program", NAN, min(took)),
    ]


def _frame_of(library: str, data: pd.DataFrame) -> Any:
    if library == "pandas":
        return data
    import polars as pl  # noqa: PLC0415 - optional

    return pl.from_pandas(data)


def _size(data: Any) -> float:
    """Return the size of a frame in bytes."""
    if isinstance(data, pd.DataFrame):
        return float(data.memory_usage(deep=True).sum())
    import polars as pl  # noqa: PLC0415

    # estimated_size counts the letters, and not the views of 16 bytes (Arrow's format) they are in
    text = sum(16 * len(column) for column in data if column.dtype == pl.String)
    return float(data.select(pl.exclude(pl.String)).estimated_size() + text)


def tables(n_groups: int) -> list[Figure]:
    """Time what is computed of a fit with about a thousand parameters."""
    from winstan.diagnostics import diagnose  # noqa: PLC0415
    from winstan.summary import scalars_of, table_of  # noqa: PLC0415

    def judged() -> object:
        scalars = scalars_of(fit.draws)
        return diagnose(sampled, table_of(scalars), scalars.values)

    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(n_groups), 20)
    x = np.tile([0, 1], group.size // 2)
    mean = np.exp(1 + 0.3 * x + rng.normal(0, 0.4, n_groups)[group])
    data = pd.DataFrame({"y": rng.gamma(2, mean / 2), "x": x, "g": group})
    fit, sampled = _fit_with_draws("y ~ x + (1|g)", data)
    whole = f"{len(fit.summary())} parameters, 4 x 1000 draws: "
    return [
        Figure(f"{whole}{what}", 0.3, *least(call, 5))
        for what, call in {
            "summary": lambda: fit.summary(prob=0.9),
            "diagnostics": judged,
            "contrast": lambda: fit.contrast("x"),
        }.items()
    ]


def plots() -> list[Figure]:
    """Time figures of the LFP example, written to PNG."""
    fit, _ = _fit_with_draws(_LFP.formula, _LFP.data())
    figures = {
        "plot_difference": lambda: fit.plot_difference("stim"),
        "plot_intercepts": fit.plot_intercepts,
        "plot_forest": fit.plot_forest,
    }
    with tempfile.TemporaryDirectory() as folder:

        def draw(make: Callable[[], Any]) -> None:
            make().save(Path(folder) / "figure.png", verbose=False)

        first = least(partial(draw, figures["plot_difference"]), 1)
        return [
            Figure("plot_difference, the first of a process: with plotnine's import", 2.0, *first),
            *(Figure(name, 2.0, *least(partial(draw, f), 3)) for name, f in figures.items()),
        ]


def small_fit(repeats: int = 20) -> list[Figure]:
    """Take a warm `ws.fit` of 480 rows apart: Stan's program, and all around it."""
    data = _LFP.data()

    def fit(**settings: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the guards', of stim within mouse
            ws.fit(_LFP.formula, data, _LFP.family, seed=1, progress=False, **settings)

    with programs() as took:
        fit()
        whole, rest, processor = [], [], []
        for _ in range(repeats):
            start, cpu = perf_counter(), process_time()
            fit()
            whole.append(perf_counter() - start)
            rest.append(whole[-1] - took[-1])
            processor.append(process_time() - cpu)
        program = min(took[1:])
        took.clear()
        for _ in range(repeats):
            with patch("winstan.fitted.pipeline.warn_user"):  # of draws that are far too few
                fit(warmup=1, draws=4)
    name = "ws.fit, LFP, 480 rows, warm"
    return [
        Figure(name, NAN, min(whole), min(processor)),
        Figure(f"{name}: Stan's program", NAN, program),
        Figure(f"{name}: the same, 5 iterations", NAN, min(took)),
        Figure(f"{name}: around the program", 0.06 - min(took), min(rest)),
    ]


def predicted(n_rows: int, repeats: int = 5) -> list[Figure]:
    """Time a gaussian fit of many rows, and the same with formulas for sigma, by turns."""
    data = resampled_lfp(n_rows)
    mean = "`Log power` ~ stim + (1|mouse)"
    beside = "sigma ~ stim", "sigma ~ stim + (1|mouse)"
    formulas = {"one sigma": [mean]} | {own: [mean, own] for own in beside}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in formulas}
    for _ in range(repeats + 1):  # the first run of each has imports in it
        for name, formula in formulas.items():
            start, cpu = perf_counter(), process_time()
            ws.fit(formula, data, seed=1, progress=False, silence="all")
            taken[name].append((perf_counter() - start, process_time() - cpu))
    best = {name: np.min(seconds[1:], axis=0) for name, seconds in taken.items()}
    goals = dict.fromkeys(formulas, TWICE * best["one sigma"][0]) | {"one sigma": NAN}
    return [
        Figure(f"ws.fit, log LFP, {n_rows:,} rows, {name}", goals[name], *best[name])
        for name in formulas
    ]


def growing(n_rows: int) -> Figure:
    """Time a fit whose every row is a cell of its own: a predictor of distinct numbers."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"x": rng.normal(size=n_rows), "g": rng.integers(0, 20, n_rows)})
    data["n"] = rng.poisson(np.exp(1 + 0.3 * data["x"] + 0.1 * data["g"]))

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the guards', of slopes
            ws.fit("n ~ x + (1|g)", data, "poisson", seed=1, progress=False)

    return Figure(f"ws.fit, poisson, {n_rows:,} rows, as many cells", NAN, *least(fit, 3))


def many(n_neurons: int) -> Figure:
    """Time `ws.fit_each` of the LFP model, 480 rows a neuron."""
    whole = pd.concat(
        [ws.simulate_lfp(seed=seed).assign(neuron=seed) for seed in range(n_neurons)],
        ignore_index=True,
    )

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of neurons that have not converged
            ws.fit_each(
                _LFP.formula, whole, by="neuron", family=_LFP.family, progress=False, seed=1
            )

    goal = 0.6 * n_neurons  # ten minutes for a thousand
    return Figure(f"ws.fit_each, {n_neurons:,} neurons of 480 rows", goal, *least(fit, 1))


def templates() -> list[Figure]:
    """Time the compilers of templates and driver, side by side, from an empty cache."""
    from winstan.toolchain import prebuild, template_names  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory() as cache,
        patch.dict(os.environ, WINSTAN_CACHE=cache, WINSTAN_CMDSTAN="bundled"),
        compilers() as took,
    ):
        whole, _ = least(partial(prebuild, template_names(), progress=False), 1)
    took.pop("program", None)  # the linker's
    each = [Figure(f"compiling {name}", COMPILING_GOAL, took[name]) for name in sorted(took)]
    return [*each, Figure("compiling all of them", NAN, whole)]


def _fit_with_draws(formula: str, data: pd.DataFrame) -> tuple[Fit, Draws]:
    from winstan.backends import Settings, backends_named  # noqa: PLC0415
    from winstan.fitted.pipeline import fit_from_draws  # noqa: PLC0415

    (engine,) = backends_named("stan")
    model = model_of(formula, "gamma", data)
    sampled = engine.sample(model, Settings(seed=1, progress=False))
    return fit_from_draws(ws.Fit, model, sampled, "stan", perf_counter()), sampled


if __name__ == "__main__":
    sys.exit(main())
