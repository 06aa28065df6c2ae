"""Stan's CSV files into arrays, and the raw draws that winstan's own program puts beside them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from winstan.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_STEP_SIZE = re.compile(rb"^# Step size = (\S+)", re.MULTILINE)
_METRIC = re.compile(rb"^# (Diagonal elements|Elements) of inverse mass matrix:\n", re.MULTILINE)
_SECONDS = re.compile(rb"^# .*?([\d.e+-]+) seconds \((Warm-up|Sampling)\)", re.MULTILINE)

RAW_DRAWS = {"WINSTAN_RAW_DRAWS": "1"}
"""What in the environment has winstan's own program write draws as they are, beside the CSV."""


@dataclass(frozen=True, slots=True)
class ChainFile:
    """One chain's CSV."""

    columns: tuple[str, ...]
    values: NDArray[np.float64]
    step_size: float
    inv_metric: NDArray[np.float64]
    seconds: tuple[float, float]


@dataclass(frozen=True, slots=True)
class RawDraws:
    """What the sampler gave, before winstan's own names.

    Parameters
    ----------
    columns
        Stan's names of the scalar quantities, such as ``beta.2``.
    values
        Draws after warm-up, (chains, draws, columns).
    sampler
        ``lp__``, ``accept_stat__``, ``stepsize__``, ``treedepth__``, ``n_leapfrog__``,
        ``divergent__`` and ``energy__``, each (chains, draws).
    step_size
        The adapted step size of each chain.
    inv_metric
        The adapted inverse metric of each chain: (chains, parameters), with another axis of
        parameters if dense; without parameters if unit.
    seconds
        Warm-up and sampling time of each chain, (chains, 2).
    wall
        Seconds that the program took, from its start to its end.
    command
        What was run.
    messages
        What Stan said beside progress and timing.
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64] = field(repr=False)
    sampler: dict[str, NDArray[np.float64]] = field(repr=False)
    step_size: NDArray[np.float64]
    inv_metric: NDArray[np.float64] = field(repr=False)
    seconds: NDArray[np.float64]
    wall: float
    command: tuple[str, ...] = field(repr=False)
    messages: tuple[str, ...] = field(repr=False)

    @property
    def chains(self) -> int:
        """How many chains there are."""
        return self.values.shape[0]

    @property
    def draws(self) -> int:
        """How many draws each chain has."""
        return self.values.shape[1]

    def variable(self, name: str) -> NDArray[np.float64]:
        """Return a Stan variable, (chains, draws) and then its own dimensions.

        Raises
        ------
        KeyError
            If the program has no such variable, or it has no elements.
        """
        if name in self.columns:
            return self.values[:, :, self.columns.index(name)]
        places = [i for i, c in enumerate(self.columns) if c.startswith(f"{name}.")]
        if not places:
            raise KeyError(name)
        last = self.columns[places[-1]].split(".")[1:]
        shape = tuple(int(size) for size in last)
        flat = self.values[:, :, places[0] : places[-1] + 1]
        # Stan writes the first index fastest, NumPy the last
        reverse = flat.reshape(*flat.shape[:2], *shape[::-1])
        return reverse.transpose(0, 1, *range(reverse.ndim - 1, 1, -1))


def read_chain(path: Path) -> ChainFile:
    """Read the draws after warm-up from one chain's file.

    Raises
    ------
    BackendError
        If the file holds no draws, as when the chain failed.
    """
    text = path.read_bytes() if path.exists() else b""
    start = _header_start(text)
    end_of_header = text.find(b"\n", start)
    adapted = text.find(b"\n# Adaptation terminated", start)
    step = _STEP_SIZE.search(text, start)
    if start == len(text) or end_of_header < 0 or (adapted >= 0 and step is None):
        raise BackendError(f"Stan wrote no draws to {path.name}.")
    columns = tuple(text[start:end_of_header].decode().split(","))

    raw = raw_path(path)
    if raw.exists():
        numbers = np.fromfile(raw)
        rows = numbers.size // len(columns)  # a killed chain may have left half a row
        values = numbers[: rows * len(columns)].reshape(rows, len(columns))
    else:
        values = _rows(text, end_of_header + 1 if adapted < 0 else adapted + 1, len(columns))
    took = {phase: float(seconds) for seconds, phase in _SECONDS.findall(text[-2000:])}
    return ChainFile(
        columns=columns,
        values=values,
        step_size=float(step[1]) if step else float("nan"),
        inv_metric=_inv_metric(text, start),
        seconds=(took.get(b"Warm-up", float("nan")), took.get(b"Sampling", float("nan"))),
    )


def raw_path(path: Path) -> Path:
    """Return where winstan's own program writes the rows of a CSV, if `RAW_DRAWS` is set.

    Rows of float64, in the machine's own byte order; header and comments are in the CSV.
    """
    return path.with_name(f"{path.name}.raw")


def _rows(text: bytes, start: int, n_columns: int) -> NDArray[np.float64]:
    """Return the numbers from a place of a CSV's text on."""
    import pandas as pd  # noqa: PLC0415 - `import winstan` must not wait for it

    first = _skip_comments(text, start)
    last = text.find(b"\n#", first)
    block = text[first : last + 1 if last >= 0 else len(text)]
    if not block or block.startswith(b"#"):
        return np.empty((0, n_columns))
    # pandas' reader: three to four times as fast as NumPy's
    frame = pd.read_csv(io.BytesIO(block), header=None, dtype=np.float64, low_memory=False)
    return frame.to_numpy()


def join_chains(
    files: Sequence[ChainFile],
    *,
    wall: float,
    command: tuple[str, ...],
    messages: tuple[str, ...],
) -> RawDraws:
    """Put the chains of one run together."""
    columns = files[0].columns
    values = np.stack([chain.values for chain in files])
    own = [i for i, name in enumerate(columns) if not name.endswith("__")]
    first = own[0] if own else len(columns)
    return RawDraws(
        columns=columns[first:],
        values=values[:, :, first:],
        sampler={name: values[:, :, i] for i, name in enumerate(columns[:first])},
        step_size=np.array([f.step_size for f in files]),
        inv_metric=np.stack([f.inv_metric for f in files]),
        seconds=np.array([f.seconds for f in files]),
        wall=wall,
        command=command,
        messages=messages,
    )


def _inv_metric(text: bytes, start: int) -> NDArray[np.float64]:
    """Return the adapted inverse metric: its diagonal, or all of it; empty for a unit metric."""
    heading = _METRIC.search(text, start)
    if heading is None:
        return np.empty(0)
    lines = text[heading.end() : _skip_comments(text, heading.end())].splitlines()
    rows = []
    for line in lines:
        numbers = line[1:].strip()
        if not numbers or numbers.startswith(b"Elapsed"):  # no draws came between
            break
        rows.append([float(number) for number in numbers.split(b",")])
    matrix = np.array(rows)
    return matrix[0] if heading[1].startswith(b"Diagonal") else matrix


def _header_start(text: bytes) -> int:
    """Return the place of the first line that is no comment."""
    return _skip_comments(text, 0)


def _skip_comments(text: bytes, place: int) -> int:
    while text.startswith(b"#", place):
        end = text.find(b"\n", place)
        place = len(text) if end < 0 else end + 1
    return place
