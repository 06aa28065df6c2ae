"""Files: which there are of a path or pattern, and whether they are still as they were."""

from __future__ import annotations

from dataclasses import dataclass
from glob import escape, has_magic, iglob
from pathlib import Path
from typing import TYPE_CHECKING

from winstan.data.columns import how_many
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READERS: Mapping[str, str] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".gz": "csv",
}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are read where they are.

    Attributes
    ----------
    pattern : str
        As `glob` takes it; or the address of files elsewhere.
    kind : str
        ``parquet`` or ``csv``.
    stamps : mapping of str to (int, int)
        Bytes, and time of the last change in nanoseconds, of each file; none of files elsewhere.
    """

    pattern: str
    kind: str
    stamps: Mapping[str, tuple[int, int]]

    @property
    def is_single(self) -> bool:
        """Whether rows of it have numbers: several files have no order that one would know."""
        return len(self.stamps) == 1

    def check_unchanged(self) -> None:
        """Refuse files that were written while they were read.

        Raises
        ------
        DataError
            Since each pass over the rows would have been over other rows.
        """
        now = _stamps(self.pattern)
        names = sorted(self.stamps.keys() | now.keys())
        changed = [name for name in names if self.stamps.get(name) != now.get(name)]
        if changed:
            more = ", ..." if len(changed) > _SHOWN else ""
            raise DataError(
                f"{how_many(len(changed), 'file')} changed while the rows were grouped: "
                f"{', '.join(map(repr, changed[:_SHOWN]))}{more}. The passes over the rows have "
                "seen other values, and nothing was kept of them. Fit again when the files are "
                "written to the end."
            )


def find_files(path: str) -> Files:
    """Find the files of a path or pattern.

    Raises
    ------
    DataError
        If there are none, or of other kinds.
    """
    pattern = path if "://" in path else _found(path)
    kind = READERS.get(Path(pattern).suffix.lower())
    if kind is None:
        raise DataError(
            f"{path!r} is no parquet or CSV file: its name should end in {', '.join(READERS)}."
        )
    return Files(pattern, kind, _stamps(pattern))


def _stamps(pattern: str) -> dict[str, tuple[int, int]]:
    if "://" in pattern:
        return {}
    states = {name: Path(name).stat() for name in _matches(pattern)}
    return {name: (state.st_size, state.st_mtime_ns) for name, state in states.items()}


def _found(path: str) -> str:
    """Return a path or pattern of files that are there; of a folder, that of its parquet files.

    Raises
    ------
    DataError
        If there are none.
    """
    remedy = "Give the path of a parquet or CSV file, or a pattern for several: 'data/*.parquet'."
    if Path(path).is_dir():
        pattern = str(Path(escape(path)) / "**" / "*.parquet")
        if not any(_matches(pattern)):
            raise DataError(f"The folder {path!r} has no file that ends in .parquet. {remedy}")
        return pattern
    if Path(path).exists():
        return escape(path)
    if not has_magic(path):
        raise DataError(f"There is no file {path!r}. {remedy}")
    if not any(_matches(path)):
        raise DataError(f"No file has a name of the pattern {path!r}. {remedy}")
    return path


def _matches(pattern: str) -> Iterator[str]:
    return iglob(pattern, recursive=True)  # noqa: PTH207 - Path's are relative
