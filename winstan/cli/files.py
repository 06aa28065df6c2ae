"""Files that the command line writes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from winstan.cli.words import one_line
from winstan.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from winstan.compare import Agreement
    from winstan.each import FitEach
    from winstan.fitted import Fit

FIGURE = {"dpi": 200, "verbose": False}
RECORD = ".winstan-results"
"""File of a folder of results that names them, so that the next run can replace them."""
_RESULT = re.compile(
    r"summary\.csv|draws\.nc|table\.csv|verdicts\.csv|failures\.csv|agreement\.(csv|png)"
    r"|contrast_[^/\\]*\.csv|(difference|intercepts)_[^/\\]*\.png"
)


def make_folder(out: Path | None) -> None:
    """Make the folder of ``--out``, before any time is spent on sampling.

    Raises
    ------
    DataError
        If it cannot be made; or if it has files that are called as results are, and that no earlier
        run is known to have written: they would lie among the new results.
    """
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        known = _written_before(out)
        strange = sorted(p.name for p in out.iterdir() if _RESULT.fullmatch(p.name))
    except OSError as error:
        raise DataError(f"--out {out}: the folder cannot be made ({_reason(error)}).") from error
    if strange := [name for name in strange if name not in known]:
        raise DataError(
            f"--out {out}: {', '.join(strange)} may be of an earlier run, or your own: the folder "
            f"has no record ({RECORD}) of them, and they would lie among the new results. Move or "
            "delete them, or name another folder."
        )


@contextmanager
def _results(out: Path) -> Iterator[Callable[[str], Path]]:
    """Give the path of each result; delete those of the run before, and keep a record of these.

    Yields
    ------
    callable
        From a file's name to its path.
    """
    names: list[str] = []

    def path(name: str) -> Path:
        names.append(name)
        record.write_text("\n".join(names) + "\n", encoding="utf-8")
        return out / name

    try:
        make_folder(out)
        for name in _written_before(out):
            (out / name).unlink(missing_ok=True)
        record = out / RECORD
        yield path
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written to ({_reason(error)}).") from error
    print(f"\nWritten to {out}: {', '.join(sorted(names))}")


def _written_before(out: Path) -> list[str]:
    """Return the files of the folder that an earlier run wrote, by the record that it left."""
    record = out / RECORD
    names = record.read_text(encoding="utf-8").splitlines() if record.is_file() else []
    return [name for name in names if _RESULT.fullmatch(name) and (out / name).is_file()]


def write_fit(
    fit: Fit,
    tables: dict[str, pd.DataFrame],
    out: Path | None,
    treatment: str | None,
    groups: str | None,
) -> None:
    """Write a fit's summary, draws, contrasts and figures into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    with _results(out) as path:
        fit.summary().to_csv(path("summary.csv"), index_label="parameter")
        fit.draws.to_netcdf(path("draws.nc"), engine="h5netcdf")
        for name, table in tables.items():
            table.to_csv(path(f"contrast_{_file_name(name)}.csv"), index=False)
            figure = fit.plot_difference(name, groups=groups)
            figure.save(path(f"difference_{_file_name(name)}.png"), **FIGURE)
        for group in fit.model.design.groups:
            if f"1|{group.factor}" in fit.draws["posterior"]:
                figure = fit.plot_intercepts(group.factor, treatment=treatment)
                figure.save(path(f"intercepts_{_file_name(group.factor)}.png"), **FIGURE)


def write_each(result: FitEach, out: Path | None) -> None:
    """Write the tables of all groups, and a figure of each contrast, into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    with _results(out) as path:
        result.table.to_csv(path("table.csv"), index=False)
        result.verdicts.to_csv(path("verdicts.csv"), index=False)
        result.failures.to_csv(path("failures.csv"), index=False)
        for name in result.predictors:
            result.contrast(name).to_csv(path(f"contrast_{_file_name(name)}.csv"), index=False)
            result.plot(name).save(path(f"difference_{_file_name(name)}.png"), **FIGURE)


def write_agreement(agreement: Agreement, out: Path | None) -> None:
    """Write an agreement's table and figure into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    with _results(out) as path:
        agreement.table.to_csv(path("agreement.csv"), index=False)
        agreement.plot().save(path("agreement.png"), **FIGURE)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def _reason(error: OSError) -> str:
    return error.strerror or one_line(error)
