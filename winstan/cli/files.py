"""Files in and out of the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from winstan.compare import Agreement
    from winstan.each import FitEach
    from winstan.fitted import Fit

FIGURE = {"dpi": 200, "verbose": False}


def read_table(path: Path) -> pd.DataFrame:
    """Read a csv, tsv or parquet file.

    Raises
    ------
    DataError
        If it does not exist, is of another kind, or cannot be read.
    """
    import pandas as pd  # noqa: PLC0415

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": pd.read_csv,
        ".tsv": lambda file: pd.read_csv(file, sep="\t"),
        ".parquet": pd.read_parquet,
        ".pq": pd.read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: a .csv, .tsv or .parquet file is wanted.")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    try:
        return reader(path)
    except ImportError as error:
        raise DataError(
            f"{path}: parquet needs pyarrow; pip install 'winstan[parquet]'."
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}).") from error


def make_folder(out: Path | None) -> None:
    """Make the folder of ``--out``, before any time is spent on sampling.

    Raises
    ------
    DataError
        If it cannot be made.
    """
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {out}: the folder cannot be made ({_reason(error)}).") from error


def write_fit(
    fit: Fit, tables: dict[str, pd.DataFrame], out: Path | None, treatment: str | None
) -> None:
    """Write a fit's summary, draws, contrasts and figures into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    try:
        make_folder(out)
        fit.summary().to_csv(out / "summary.csv", index_label="parameter")
        fit.draws.to_netcdf(out / "draws.nc", engine="h5netcdf")
        for name, table in tables.items():
            table.to_csv(out / f"contrast_{_file_name(name)}.csv", index=False)
            fit.plot_difference(name).save(out / f"difference_{_file_name(name)}.png", **FIGURE)
        for group in fit.model.design.groups:
            if f"1|{group.factor}" in fit.draws["posterior"]:
                figure = fit.plot_intercepts(group.factor, treatment=treatment)
                figure.save(out / f"intercepts_{_file_name(group.factor)}.png", **FIGURE)
    except OSError as error:
        raise _not_writable(out, error) from error
    _say_written(out)


def write_each(result: FitEach, out: Path | None) -> None:
    """Write the tables of all groups, and a figure of each contrast, into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    try:
        make_folder(out)
        result.table.to_csv(out / "table.csv", index=False)
        result.verdicts.to_csv(out / "verdicts.csv", index=False)
        result.failures.to_csv(out / "failures.csv", index=False)
        for name in result.predictors:
            result.contrast(name).to_csv(out / f"contrast_{_file_name(name)}.csv", index=False)
            result.plot(name).save(out / f"difference_{_file_name(name)}.png", **FIGURE)
    except OSError as error:
        raise _not_writable(out, error) from error
    _say_written(out)


def write_agreement(agreement: Agreement, out: Path | None) -> None:
    """Write an agreement's table and figure into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    try:
        make_folder(out)
        agreement.table.to_csv(out / "agreement.csv", index=False)
        agreement.plot().save(out / "agreement.png", **FIGURE)
    except OSError as error:
        raise _not_writable(out, error) from error
    _say_written(out)


def _not_writable(out: Path, error: OSError) -> DataError:
    return DataError(f"--out {out}: cannot be written to ({_reason(error)}).")


def _say_written(out: Path) -> None:
    print(f"\nWritten to {out}: {', '.join(sorted(p.name for p in out.iterdir()))}")


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def one_line(message: object) -> str:
    """Return a message on one line."""
    return " ".join(str(message).split())


def _reason(error: OSError) -> str:
    return error.strerror or one_line(error)
