"""Deliberate faults, each of which a quick test must find: `make mutants`.

A fault is a slip that a careful person makes: a sign, a forgotten weight, a Jacobian, the wrong
tail. `mutants.toml` holds them. Each is written into a copy of the tree, where the test that it
names must fail by an assertion; where it passes, all quick tests get a chance. A fault that none of
them finds is printed, and the command fails.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_suffix(".toml")
COPIED = (
    *("winstan", "stan", "tests", "benchmarks", "docs", "notebooks", "pyproject.toml", "Makefile"),
    *("hatch_build.py", "README.md", "CHANGELOG.md", "ARCHITECTURE.md", "LICENSE"),
)
# How pytest writes of a fact that is not so; an error of any other kind proves no test.
ASSERTIONS = ("assert ", "AssertionError", "Failed: DID NOT", "Exception Group Traceback")
# Processes begin with what is not winstan's imported: that is most of a quick test's time.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["pytest", "numpy", "pandas", "scipy.stats", "formulae", "statsmodels.api", "xarray", "polars"]
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: `before`, which is in `file` exactly once, becomes `after`.

    Attributes
    ----------
    area : str
        What it is a fault of: families, links, cells, ...
    what : str
        What is wrong then.
    file, before, after : str
    test : str
        The test that finds it, as pytest names it.
    """

    area: str
    what: str
    file: str
    before: str
    after: str
    test: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant: the test that failed and what it said; "" where none did."""

    mutant: Mutant
    killed_by: str
    said: str
    seconds: float


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Read the list."""
    return [Mutant(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]]


def misplaced(mutants: Iterable[Mutant], root: Path = ROOT) -> list[str]:
    """Name the mutants whose text is not in its file exactly once, or that change nothing."""
    out = []
    for mutant in mutants:
        found = (root / mutant.file).read_text(encoding="utf-8").count(mutant.before)
        if found != 1 or mutant.before == mutant.after:
            out.append(f"{mutant.file}: {mutant.what}: its text is there {found} times")
    return out


def run_tests(tree: Path, tests: Iterable[str]) -> tuple[int, list[tuple[str, str]]]:
    """Run tests in a tree; return pytest's exit code, and each that failed with what it said."""
    report = tree / "report.xml"
    report.unlink(missing_ok=True)
    arguments = ["-q", "-p", "no:cacheprovider", "--maxfail=3", f"--junitxml={report}", *tests]
    process = _PROCESSES.Process(target=_pytest, args=(tree, arguments))
    process.start()
    process.join()
    failed = []
    if report.is_file():
        for case in ElementTree.parse(report).iter("testcase"):
            failed += [
                (f"{case.get('classname')}::{case.get('name')}", failure.get("message") or "")
                for failure in case.findall("failure")
            ]
    return process.exitcode or 0, failed


def _pytest(tree: Path, arguments: list[str]) -> None:
    """Be pytest in a tree, in a process of its own, silently."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = False  # whatever the environment says: it is half of the time
    os.environ["PYTHONPATH"] = str(tree)  # of the processes that tests start
    sys.exit(int(pytest.main(arguments)))


def kill(mutant: Mutant, tree: Path) -> Result:
    """Write a mutant into a tree, look for a test that fails by it, and take it out again."""
    start, file = time.monotonic(), tree / mutant.file
    sound = file.read_text(encoding="utf-8")
    file.write_text(sound.replace(mutant.before, mutant.after), encoding="utf-8")
    try:
        for tests in ([mutant.test], ["-m", "not slow and not long"]):
            code, failed = run_tests(tree, tests)
            # 1: tests ran, and some failed. A mutant that cannot be imported proves nothing.
            by_fact = [one for one in failed if one[1].lstrip().startswith(ASSERTIONS)]
            if code == 1 and by_fact:
                name, said = by_fact[0]
                return Result(mutant, name, said, time.monotonic() - start)
        return Result(mutant, "", "", time.monotonic() - start)
    finally:
        file.write_text(sound, encoding="utf-8")


def copy_tree(to: Path) -> Path:
    """Copy what the tests need."""
    to.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, to / name)
    return to


def run(mutants: list[Mutant], jobs: int) -> list[Result]:
    """Kill mutants side by side, a tree for each of `jobs`, saying each as it ends."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for job in range(jobs):
            trees.put(copy_tree(Path(folder) / str(job)))

        def work(mutant: Mutant) -> Result:
            tree = trees.get()
            try:
                result = kill(mutant, tree)
            finally:
                trees.put(tree)
            print(line(result), flush=True)
            return result

        sound = trees.get()
        code, failed = run_tests(sound, sorted({m.test for m in mutants}))
        trees.put(sound)
        if code:
            sys.exit(f"Without any fault these tests fail already: {failed or code}")
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(work, mutants))


def line(result: Result) -> str:
    """Say what became of a mutant, as a row of a table."""
    mutant = result.mutant
    fate = f"killed by {result.killed_by}" if result.killed_by else "SURVIVED"
    return f"{mutant.area:<12} {mutant.what:<62} {fate} ({result.seconds:.0f} s)"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 where a mutant survives or has no place."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="side by side")
    parser.add_argument("--only", default="", help="those whose area, file or words hold this")
    options = parser.parse_args(arguments)
    every = read_mutants()
    if wrong := misplaced(every):
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    mutants = [m for m in every if options.only in f"{m.area} {m.file} {m.what}"]
    results = run(mutants, options.jobs)
    survivors = [result for result in results if not result.killed_by]
    print(f"\n{len(results) - len(survivors)} of {len(results)} mutants killed.")
    for result in survivors:
        print(f"SURVIVED  {result.mutant.file}: {result.mutant.what}")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
