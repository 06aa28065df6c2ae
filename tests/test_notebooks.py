"""The notebooks: they run, their claims hold, and their outputs are small and those of a run."""

from __future__ import annotations

import base64
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
LARGEST_FILE = 600_000
LARGEST_FIGURE = 60_000
# Folders of one machine, and addresses of objects in its memory.
OF_A_MACHINE = re.compile(r"/(home|root|tmp|work|Users|usr|opt|var)/|site-packages| at 0x[0-9a-f]+")

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    """Return the script that runs notebooks, which is in no package."""
    spec = importlib.util.spec_from_file_location("execute_notebooks", FOLDER / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def tags(cell: Any) -> list[str]:
    return cell.metadata.get("tags", [])


def written(tmp_path: Path, *sources: str | tuple[str, str]) -> Path:
    """Write a notebook of code cells, a pair being source and tag."""
    cells = []
    for source in sources:
        text, tag = source if isinstance(source, tuple) else (source, None)
        cells.append(nbformat.v4.new_code_cell(text, metadata={"tags": [tag]} if tag else {}))
    path = tmp_path / "made.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_there_are_notebooks() -> None:
    assert {"lfp", "counts"} <= {path.stem for path in PATHS}


@pytest.mark.slow
@every_notebook
def test_runs_from_top_to_bottom(runner: ModuleType, path: Path) -> None:
    before = path.read_bytes()
    notebook = runner.execute(path)
    assert all(cell.execution_count for cell in code_cells(notebook))
    assert path.read_bytes() == before


@every_notebook
def test_states_conclusions_that_are_checked(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    checks = [cell for cell in code_cells(notebook) if "check" in tags(cell)]
    assert sum(len(re.findall(r"^\s*assert ", cell.source, re.MULTILINE)) for cell in checks) >= 5
    for cell in checks:
        assert not cell.outputs


@every_notebook
def test_outputs_are_those_of_one_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error" or "raises-exception" in tags(cell)
            assert output.get("name") != "stderr" or "warns" in tags(cell)


@every_notebook
def test_outputs_are_small(path: Path) -> None:
    assert path.stat().st_size < LARGEST_FILE
    for cell in code_cells(nbformat.read(path, as_version=4)):
        for output in cell.outputs:
            figure = output.get("data", {}).get("image/png")
            if figure is not None:
                assert len(base64.b64decode(figure)) < LARGEST_FIGURE, cell.source


@every_notebook
def test_holds_nothing_of_a_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert not OF_A_MACHINE.search(cell.source), cell.source
        for output in cell.get("outputs", []):
            texts = [output.get("text", ""), *output.get("data", {}).values()]
            for text in texts:
                found = OF_A_MACHINE.search(str(text))
                assert found is None or "image/png" in output.get("data", {}), found
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "title"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["import warnings", "warnings.warn('look here')"], "UserWarning: look here"),
        ([("x = 1", "warns")], "tagged 'warns' and does not"),
        (["import sys", "print('noise', file=sys.stderr)"], "writes to stderr: noise"),
        (["slope = 1", ("assert slope > 2, 'no effect'", "check")], "no effect"),
        (["x = 1", "import time; time.sleep(60)"], "time is up"),
    ],
    ids=["warning", "no warning", "stderr", "false claim", "too slow"],
)
def test_a_notebook_that_must_fail(
    runner: ModuleType, tmp_path: Path, sources: list[Any], message: str
) -> None:
    path = written(tmp_path, *sources)
    before = path.read_bytes()
    with pytest.raises(runner.NotebookError, match=message) as found:
        runner.execute(path, limit=3)
    assert f"cell {len(sources) - 1}" in str(found.value)
    assert runner.main([str(path), "--limit", "3"]) == 1
    assert path.read_bytes() == before


@pytest.mark.slow
def test_outputs_are_written(runner: ModuleType, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "import sys, warnings\nfor s in ('10 %', '20 %', '    '):\n"
        "    print('\\r' + s, end='', file=sys.stderr, flush=True)\n40 + 2",
        ("warnings.warn('on purpose')", "warns"),
        ("1 / 0", "raises-exception"),
    )
    assert runner.main([str(path)]) == 0
    first, second, third = nbformat.read(path, as_version=4).cells
    assert first.source.startswith("import sys")
    assert [output.data["text/plain"] for output in first.outputs] == ["42"]
    assert [(output.name, output.text) for output in second.outputs] == [
        ("stderr", "UserWarning: on purpose\n")
    ]
    assert [output.ename for output in third.outputs] == ["ZeroDivisionError"]
