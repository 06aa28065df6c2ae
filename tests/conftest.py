"""Where the reference posteriors lie, and which cases the short loop takes."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
MUTANTS = Path(__file__).resolve().parents[1] / "benchmarks" / "mutants.toml"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference posteriors; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the reference posteriors are not here")
    return SHARED


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--thin`, by which `make quick` takes some cases of each test."""
    parser.addoption("--thin", type=int, help="so many cases of each parametrised test, evenly")


@pytest.hookimpl(trylast=True)  # of what the markers leave
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other cases, apart from those that find a mutant."""
    number = config.getoption("thin")
    if number is None:
        return
    listed = tomllib.loads(MUTANTS.read_text(encoding="utf-8"))["mutant"]
    finders = {mutant["test"] for mutant in listed}
    cases = defaultdict(list)
    for item in items:
        cases[item.nodeid.split("[")[0]].append(item)
    kept = set()
    for of_test in cases.values():
        steps = max(min(number, len(of_test)) - 1, 1)
        kept |= {of_test[k * (len(of_test) - 1) // steps] for k in range(steps + 1)}
    left_out = [item for item in items if item not in kept and item.nodeid not in finders]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item in kept or item.nodeid in finders]
