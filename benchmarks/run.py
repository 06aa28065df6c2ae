"""winstan beside its peers: one run, one machine, one process after the other.

    make bench          the LFP example, all engines
    make bench-all      every design, the page and the figure of the docs
    python -m benchmarks.run --designs lfp,sleepstudy --engines winstan,rowwise

Four chains of 1000 draws (of winstan 2000 where it samples thousands of effects) with the same
priors, after each engine's own warm-up; ESS by ArviZ, the smallest over all parameters and group
effects. Cold is the first fit of a new process (pandas and
the data are loaded), with the engine's imports and whatever it compiles for this one model; warm is
the median of those after it.
Exit code 1 if an engine fails, if posterior means disagree beyond Monte Carlo error, if a goal is
not reached, in bulk ESS/s, or if winstan has divergences, or InstEval an R-hat of 1.01.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import table as tables
from benchmarks.designs import DESIGNS, SETS
from benchmarks.engines import ENGINES
from benchmarks.page import page
from benchmarks.processes import Limits, run_engine
from benchmarks.startup import cold_seconds, import_seconds, prepare
from benchmarks.table import Row, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.design import Design
    from benchmarks.engine import Engine


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.table and arguments.out is None:
        parser.error("--table shows the file of --out, which is not given")
    if not arguments.table:
        rows = _measured(arguments)
    # With --out, all that the file holds is shown, from earlier runs too.
    table = tables.framed(rows) if arguments.out is None else tables.read(arguments.out)
    text = [tables.of_design(table, name) for name in dict.fromkeys(table["design"])]
    startup = _startup(arguments.cold) if arguments.cold or not arguments.table else []
    lines = [*startup, *tables.growth(table)]
    print("\n\n".join([*text, tables.summary(table), tables.goals(table), *lines]))
    if arguments.page:
        arguments.page.write_text(page(table, lines), encoding="utf-8")
    if arguments.figure:
        from benchmarks.figure import figure  # noqa: PLC0415 - plotnine takes a second

        figure(table).save(arguments.figure, verbose=False)
    bad = table[table["status"].eq("failed") | table["means"].eq("disagree")]
    for row in bad.to_dict("records"):
        print(f"{row['design']}, {row['engine']}: {row['status']} {row['means']}", file=sys.stderr)
    return int(len(bad) > 0 or bool(tables.missed(table)) or bool(tables.faults(table)))


def _measured(arguments: argparse.Namespace) -> list[Row]:
    """Run all engines on all designs; the file grows with every row."""
    _say("compiling winstan's templates, if they are not yet")
    prepare()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        for design in arguments.designs:
            budget = arguments.budget_seconds or design.budget
            limits = Limits(budget, arguments.memory_gb * 1e9, arguments.repeats)
            for row in _rows(design, arguments.engines, limits, Path(folder)):
                rows.append(row)
                if arguments.out is not None:
                    tables.write(rows, arguments.out)
    return rows


def _rows(design: Design, engines: Sequence[Engine], limits: Limits, folder: Path) -> Iterator[Row]:
    data = design.data()
    path = folder / "data.pickle"
    data.to_pickle(path)
    n_rows = len(data)
    del data
    reference = None
    began = datetime.now(UTC).isoformat(timespec="seconds")
    for engine in engines:
        if not engine.covers(design):
            continue
        if engine.missing:
            _say(f"{design.name}, {engine.name}: {engine.missing} is not installed")
            yield Row(design.name, engine.name, n_rows, "not installed", run=began)
            continue
        outcome = run_engine(design, engine, path, limits)
        if engine.name == tables.REFERENCE:
            reference = outcome
        row = replace(row_of(design, engine, n_rows, outcome, reference), run=began)
        rate = f"{tables.number(row.bulk_per_s)} ESS/s" if row.bulk_per_s > 0 else ""
        _say(f"{design.name}, {engine.name}: {row.status} {rate}".rstrip())
        if outcome.said:
            _say(outcome.said)
        yield row


def _startup(cold: bool) -> list[str]:
    lines = [f"`import winstan`: {import_seconds():.2f} s."]
    if cold:
        lines.append(
            f"Driver and one template, compiled in an empty cache: {cold_seconds():.0f} s, once "
            "per machine."
        )
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--designs",
        type=_designs,
        default=[DESIGNS["lfp"]],
        help=f"all, {', '.join(SETS)}, or some of {','.join(DESIGNS)} (default: lfp)",
    )
    add(
        "--engines",
        type=lambda text: _named(text, ENGINES, "engine"),
        default=list(ENGINES.values()),
        help=f"all, or some of {','.join(ENGINES)} (default: all)",
    )
    add("--repeats", type=_positive(int), default=21, help="warm fits at most (default: 21)")
    add(
        "--budget-seconds",
        type=_positive(float),
        help="an engine is ended when one fit takes longer (default: the design's own, 60 or more)",
    )
    add(
        "--memory-gb",
        type=_positive(float),
        default=12,
        help="an engine is ended when it takes more (default: 12)",
    )
    add("--out", type=Path, help="CSV file: rows of the same design and engine are replaced")
    add("--page", type=Path, help="Markdown page to write")
    add("--figure", type=Path, help="PNG to draw")
    add("--cold", action="store_true", help="also time the compilers in an empty cache")
    add("--table", action="store_true", help="run nothing: show the file of --out")
    return parser


def _designs(text: str) -> list[Design]:
    names = [name for word in text.split(",") for name in SETS.get(word, [word])]
    return _named(",".join(names), DESIGNS, "design")


def _named[T](text: str, known: dict[str, T], kind: str) -> list[T]:
    if text == "all":
        return list(known.values())
    wrong = [name for name in text.split(",") if name not in known]
    if wrong:
        raise argparse.ArgumentTypeError(
            f"there is no {kind} {wrong[0]!r}; there are {', '.join(known)}"
        )
    return [known[name] for name in dict.fromkeys(text.split(","))]


def _positive[T: (int, float)](kind: type[T]) -> Callable[[str], T]:
    def read(text: str) -> T:
        value = kind(text)
        if value <= 0:
            raise ValueError
        return value

    read.__name__ = f"positive {kind.__name__}"  # what argparse's message calls it
    return read


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
