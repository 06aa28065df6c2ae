"""Run the notebooks of this folder and write their outputs into them: ``make notebooks``.

The ``.ipynb`` files are the only source. A notebook is run top to bottom in a new kernel, and its
file is replaced only if all of it succeeds: warnings are errors there, and nothing may be written
to stderr. Three tags of cells change that, or say what a cell is for:

``warns``
    The cell shows a warning on purpose: it is printed, and it is an error if there is none.
``raises-exception``
    The cell shows an error on purpose.
``check``
    ``assert`` statements that hold the text's conclusions to the numbers above it.
"""

from __future__ import annotations

import argparse
import base64
import io
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).resolve().parent
LIMIT = 300.0
"""Seconds that a notebook may take."""

# These leave no name behind. Warnings are shown without the file of the cell, which is of one
# machine, and figures not with twice as many pixels, for screens of high density.
FIRST = """\
__import__("plotnine").options.figure_format = "png"
__import__("warnings").formatwarning = (
    lambda message, category, *_: f"{category.__name__}: {message}\\n"
)
"""
STRICT = """\
__import__("warnings").simplefilter("error")
__import__("warnings").filterwarnings("ignore", module="ipykernel")
__import__("warnings").filterwarnings("ignore", message="IProgress not found")
"""
SHOWN = """\
__import__("warnings").simplefilter("always")
__import__("warnings").filterwarnings("ignore", message="IProgress not found")
"""


COLOUR = re.compile(r"\x1b\[[0-9;]*m")
"""What colours text in terminals."""


class NotebookError(Exception):
    """A notebook did not run as it must."""


def execute(path: Path, limit: float = LIMIT) -> NotebookNode:
    """Run a notebook from its first cell to its last.

    Parameters
    ----------
    path
        Its file, which is not changed. It is run in its own folder.
    limit
        Seconds that all of it may take.

    Returns
    -------
    NotebookNode
        The notebook with its new outputs.

    Raises
    ------
    NotebookError
        If a cell fails, warns or writes to stderr without the tag that allows it, or the time is
        up; with the cell and what it said.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.cells.append(nbformat.v4.new_code_cell())  # a place for `_run_unseen`
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    with client.setup_kernel():
        _run_unseen(client, FIRST)
        end = time.monotonic() + limit
        for index, cell in enumerate(notebook.cells[:-1]):
            if cell.cell_type == "code" and cell.source.strip():
                _run(client, path.name, index, cell, end)
    notebook.cells.pop()
    notebook.metadata = _portable(notebook.metadata)
    nbformat.validate(notebook)
    return notebook


def _run(client: NotebookClient, name: str, index: int, cell: NotebookNode, end: float) -> None:
    """Run a cell, and hold it to what its tags say."""
    tags = cell.metadata.get("tags", [])
    _run_unseen(client, SHOWN if "warns" in tags else STRICT)
    where = f"{name}, cell {index} ({cell.source.splitlines()[0]!r})"
    client.timeout = max(1, round(end - time.monotonic()))
    try:
        client.execute_cell(cell, index)
    except CellTimeoutError as error:
        raise NotebookError(f"{where}: the notebook's time is up.") from error
    except CellExecutionError as error:
        raise NotebookError(f"{where}:\n{COLOUR.sub('', str(error))}") from error
    cell.outputs = [output for output in map(_without_progress, cell.outputs) if output is not None]
    for output in cell.outputs:
        _make_figure_small(output)
    said = "".join(o.text for o in cell.outputs if o.get("name") == "stderr")
    if "warns" in tags and "Warning: " not in said:
        raise NotebookError(f"{where} is tagged 'warns' and does not.")
    if "warns" not in tags and said:
        raise NotebookError(f"{where} writes to stderr: {said}")


def _run_unseen(client: NotebookClient, source: str) -> None:
    """Run code that is no cell of the notebook."""
    client.execute_cell(nbformat.v4.new_code_cell(source), -1, store_history=False)


def _without_progress(output: NotebookNode) -> NotebookNode | None:
    """Return an output as a terminal would leave it: of a rewritten line, what is left."""
    if output.output_type != "stream":
        return output
    lines = [line.rsplit("\r", 1)[-1] for line in output.text.split("\n")]
    output.text = "\n".join(lines)
    return output if output.text.strip() else None


def _make_figure_small(output: NotebookNode) -> None:
    """Store a figure with a palette of 128 colours, a third of its size."""
    data = output.get("data", {})
    if "image/png" in data:
        image = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
        small = io.BytesIO()
        image.quantize(128, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        data["image/png"] = base64.b64encode(small.getvalue()).decode()


def _portable(metadata: NotebookNode) -> NotebookNode:
    """Keep of the metadata what is not this machine's."""
    return nbformat.from_dict(
        {
            **{key: value for key, value in metadata.items() if key == "title"},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the given notebooks, or all of the folder, and write their outputs."""
    parser = argparse.ArgumentParser(description="Run notebooks and write their outputs.")
    parser.add_argument("paths", nargs="*", type=Path, help="by default all of this folder")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each notebook")
    options = parser.parse_args(arguments)
    failed = False
    for path in options.paths or sorted(FOLDER.glob("*.ipynb")):
        start = time.monotonic()
        try:
            notebook = execute(path.resolve(), options.limit)
        except NotebookError as error:
            failed = True
            print(error, file=sys.stderr)
            continue
        nbformat.write(notebook, path)
        size = path.stat().st_size / 1000
        print(f"{path.name}: {time.monotonic() - start:.0f} s, {size:.0f} kB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
