"""Files of fits: netCDF, versioned, checked, and written whole or not at all."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan._version import __version__
from winstan.errors import FitFileError, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

FORMAT = 1
"""Of the files that are written; those of a larger one are of a newer winstan."""
NODE = "winstan"
"""The group that holds what is no draws."""
_HELD = {"fit": ("a single fit", "load_fit"), "fit_each": ("fits of groups", "load_fit_each")}
"""What files of each kind hold, and what reads them."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"  # of HDF5, which netCDF 4 is


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What a file holds.

    Attributes
    ----------
    kind : {"fit", "fit_each"}
    about : Any
        JSON.
    arrays : list of ndarray
        Those that it names by number, one-dimensional.
    nodes : mapping of str to mapping of str to ndarray
        The arrays of the other groups, by the group's path and their name.
    version : str
        Of winstan, when it was written.
    """

    kind: str
    about: Any
    arrays: list[np.ndarray]
    nodes: Mapping[str, Mapping[str, np.ndarray]]
    version: str = __version__


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file of a fit, which ends in ``.nc``."""
    if not isinstance(path, str | os.PathLike):
        raise OptionError(f"path must be the name of a file, such as 'fit.nc', not {path!r}.")
    found = Path(path)
    if found.suffix != ".nc":
        raise OptionError(f"A fit is saved as netCDF, and {str(found)!r} does not end in '.nc'.")
    if found.is_dir():
        raise OptionError(f"{str(found)!r} is a folder: name a file in it.")
    if not found.parent.is_dir():
        raise FitFileError(
            f"There is no folder {str(found.parent)!r}: make it, or name a file in another."
        )
    return found


def write(
    path: Path, kind: str, about: Any, arrays: list[np.ndarray], nodes: Mapping[str, xr.Dataset]
) -> None:
    """Write a file beside its place, read it again, and only then put it there.

    Raises
    ------
    FitFileError
        If that fails; what was there before is as it was.
    """
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    packed, index = _packed(arrays)
    own = {"text": _as_numbers(about), "arrays": packed, "index": _as_numbers(index)}
    sums = {f"{NODE}/{name}": _sum(values) for name, values in own.items()}
    for node, dataset in nodes.items():
        for name, variable in dataset.data_vars.items():
            if variable.dtype.kind in "biuf":
                sums[f"{node}/{name}"] = _sum(variable.to_numpy())
    own["checksums"] = _as_numbers(sums)
    head = {"format": FORMAT, "kind": kind, "winstan": __version__}
    head["checksum"] = _sum(own["checksums"])
    of_fit = xr.Dataset(
        {name: (f"bytes_of_{name}", values) for name, values in own.items()},
        attrs={"about": json.dumps(head)},
    )
    tree = xr.DataTree.from_dict(
        {**{f"/{node}": ds for node, ds in nodes.items()}, f"/{NODE}": of_fit}
    )
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # In memory first: where a disk is full, HDF5 ends the process.
        whole = tree.to_netcdf(None, engine="h5netcdf")
        with beside.open("wb") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        read(beside, kind)
        beside.replace(path)
    except (OSError, RuntimeError, ValueError) as error:
        raise FitFileError(
            f"The fit could not be saved in {str(path)!r} ({_first_line(error)}). Nothing was "
            "changed there: see whether the disk is full, and whether the folder exists and may "
            "be written to."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def read(path: Path, kind: str) -> Contents:
    """Read a file, and hold its contents to their checksums.

    Parameters
    ----------
    path
    kind : {"fit", "fit_each"}
        What it should hold.

    Raises
    ------
    FitFileError
        If there is none, it is no fit of winstan's, of a newer winstan, or damaged.
    OptionError
        If it holds the other kind.
    """
    import h5py  # noqa: PLC0415 - only where a file is read

    if not path.is_file():
        raise FitFileError(f"There is no file {str(path)!r}.")
    _check_signature(path)
    try:
        with h5py.File(path, "r") as file:
            found = _contents(file, path)
    except FitFileError:
        raise
    except Exception as error:  # HDF5 has many words for a file that is not whole
        raise damaged(path, _first_line(error)) from error
    if found.kind != kind:
        what, by = _HELD[found.kind]
        raise OptionError(f"{str(path)!r} holds {what}: read it with ws.{by}.")
    return found


def _check_signature(path: Path) -> None:
    """Refuse a file of another kind; one that was cut is damaged."""
    with path.open("rb") as file:
        found = file.read(len(_SIGNATURE))
    if found != _SIGNATURE[: len(found)]:
        raise FitFileError(
            f"{str(path)!r} is not a netCDF 4 file, as fit.save writes them: it begins with "
            f"{found!r}. Name the file of a saved fit, or a new one to keep a fit in."
        )


def _contents(file: Any, path: Path) -> Contents:
    if NODE not in file or "about" not in file[NODE].attrs:
        raise FitFileError(
            f"{str(path)!r} is no fit that winstan saved. Draws alone, as of "
            "fit.draws.to_netcdf, are read by arviz.from_netcdf."
        )
    head = json.loads(file[NODE].attrs["about"])
    version = head["winstan"]
    if head["format"] > FORMAT:
        raise FitFileError(
            f"{str(path)!r} was saved by winstan {version}, in format {head['format']}; this "
            f"is winstan {__version__}, which reads up to format {FORMAT}. Update winstan: "
            "pip install --upgrade winstan."
        )
    checks = file[NODE]["checksums"][()]
    if _sum(checks) != head["checksum"]:
        raise damaged(path, "its checksums are others than were saved")
    sums: dict[str, int] = json.loads(checks.tobytes())
    nodes: dict[str, dict[str, np.ndarray]] = {}
    for place, expected in sums.items():
        node, _, name = place.rpartition("/")
        values = file[place][()]
        if _sum(values) != expected:
            raise damaged(path, f"{name!r} of the group {node!r} has other numbers than were saved")
        nodes.setdefault(node, {})[name] = values
    own = nodes.pop(NODE)
    arrays = _unpacked(own["arrays"], json.loads(own["index"].tobytes()))
    return Contents(head["kind"], json.loads(own["text"].tobytes()), arrays, nodes, version)


def damaged(path: Path, what: str) -> FitFileError:
    """Return the error of a file that is not what was saved."""
    return FitFileError(
        f"{str(path)!r} is damaged: {what}. Take it from a backup, or fit and save again."
    )


def _packed(arrays: list[np.ndarray]) -> tuple[np.ndarray, list[list[Any]]]:
    """Put arrays one behind the other, each at a multiple of eight bytes, and say where."""
    index: list[list[Any]] = []
    size = 0
    for values in arrays:
        index.append([values.dtype.str, size, values.size])
        size += -(-values.nbytes // 8) * 8
    packed = np.zeros(size, dtype=np.uint8)
    for values, (_, start, _) in zip(arrays, index, strict=True):
        packed[start : start + values.nbytes] = values.view(np.uint8)
    return packed, index


def _unpacked(packed: np.ndarray, index: list[list[Any]]) -> list[np.ndarray]:
    """Return the arrays, each of its own memory."""
    return [
        np.frombuffer(packed, dtype=dtype, count=count, offset=start).copy()
        if count
        else np.zeros(0, dtype=dtype)
        for dtype, start, count in index
    ]


def _as_numbers(value: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(value, allow_nan=False).encode(), dtype=np.uint8)


def _sum(values: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(values).view(np.uint8).reshape(-1).data)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
