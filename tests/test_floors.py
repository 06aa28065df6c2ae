"""The house: imports go down only, type hints included, and no file imports itself in a circle."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import winstan

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(winstan.__file__).parent
FLOORS = (
    "errors _angles _html _text _typing _version chance design_warnings options parallel"
    " progress settings tuning uniformity",
    "formula data engines",
    "design families priors variables scales centering coefficients shrinkage monotonic cells"
    " correlations likelihood one_pass by_category",
    "approximation coordinates group_integrals inputs marginal residual model building validation"
    " toolchain backends unconstrained draws tree",
    "chain_faults convergence ordered_draws summary diagnostics effects evidence classical guards"
    " keywords",
    "plots tables",
    "crossvalidation fit_class fitted keeping report",
    "calibration comparison each planning real_data simulate",
    "fitting cli __init__ __main__",
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
FILES = {
    ".".join(("winstan", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room_of(module: str) -> str:
    """The package, or the file beside the packages, in which a module is."""
    return module.split(".")[1] if "." in module else "__init__"


def imported(tree: ast.AST) -> Iterator[str]:
    """Modules of winstan's that a file imports: for type hints and inside functions too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("winstan"):
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                is_module = whole in FILES or f"{whole}.__init__" in FILES
                yield whole if is_module else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("winstan"))
        yield from imported(node)


@pytest.mark.parametrize("module", FILES)
def test_imports_go_down_only(module):
    floor = FLOOR[room_of(module)]  # a new room needs a floor
    needs = imported(tree_of(module))
    above = {name for name in needs if FLOOR[room_of(name)] > floor}
    assert not above


@cache
def tree_of(module: str) -> ast.Module:
    """The syntax of a file, read once."""
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def edges() -> dict[str, set[str]]:
    """What each file imports."""
    return {
        module.removesuffix(".__init__"): {
            name.removesuffix(".__init__") for name in imported(tree_of(module))
        }
        for module in FILES
    }


def in_circles(edges: dict[str, set[str]]) -> list[str]:
    """What is left once whatever imports nothing of the rest is taken away, again and again."""
    left = dict(edges)
    while free := [m for m, needs in left.items() if not (needs - {m}) & left.keys()]:
        for module in free:
            del left[module]
    return sorted(left)


@pytest.mark.slow
def test_no_file_imports_itself_in_a_circle():
    assert not in_circles(edges())


def test_no_package_imports_itself_in_a_circle():
    rooms: dict[str, set[str]] = {}
    for module, needs in edges().items():
        rooms.setdefault(room_of(module), set()).update(map(room_of, needs))
    # All read the version from the package itself, whose own names load when they are asked for.
    del rooms["__init__"]
    assert not in_circles(rooms)


def test_the_architecture_names_these_floors():
    page = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = page.partition("From the ground up:")[2].partition("\n## ")[0]
    floors = [set(re.findall("`(.*?)`", text)) for text in re.split(r"\n\d\. ", listed)[1:]]
    own = {"__init__", "__main__", "_version"}
    assert floors == [set(rooms.split()) - own for rooms in FLOORS]


def test_importing_winstan_loads_numpy_and_little_else():
    code = "import sys, winstan; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    heavy = {
        "scipy",
        "pandas",
        "narwhals",
        "polars",
        "arviz",
        "xarray",
        "plotnine",
        "pymc",
        "bambi",
    }
    assert not heavy & set(loaded)
    assert "numpy" in loaded


def test_no_two_files_of_tests_have_one_name():
    """pytest imports them by their names alone, and takes the second for the first."""
    names = sorted(path.name for path in Path(__file__).parent.rglob("*.py"))
    names = [name for name in names if name != "conftest.py"]
    assert sorted(set(names)) == names
