"""Files that the command line writes."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from winstan.cli.words import one_line
from winstan.errors import DataError, WinstanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from winstan.comparison import Agreement
    from winstan.each import FitEach
    from winstan.fit_class import Fit
    from winstan.options import Groups
    from winstan.planning import StudyDesign

# The mark by which a figure is known as a result.
FIGURE = {"dpi": 200, "verbose": False, "metadata": {"Source": "winstan"}}
_MARK = b"Source\0winstan"
# Of each table, columns that are in its first line.
_COLUMNS = (
    (re.compile(r"summary\.csv"), {"parameter", "ess_bulk"}),
    (re.compile(r"table\.csv"), {"parameter", "mcse_mean", "ok"}),
    (re.compile(r"verdicts\.csv"), {"verdict", "seed"}),
    (re.compile(r"failures\.csv"), {"step", "error"}),
    (re.compile(r"contrast_.*\.csv"), {"contrast", "p_direction"}),
    (re.compile(r"agreement\.csv"), {"parameter", "sd_ratio", "agrees"}),
    (re.compile(r"design\.csv"), {"method", "power", "power_mcse"}),
    (re.compile(r"studies\.csv"), {"study", "method", "truth"}),
)
_RESULT = re.compile(
    r"summary\.csv|draws\.nc|table\.csv|verdicts\.csv|failures\.csv|agreement\.(csv|png)"
    r"|design\.csv|studies\.csv|power\.png"
    r"|contrast_[^/\\]*\.csv|(difference|intercepts)_[^/\\]*\.png"
)


def make_folder(out: Path | None) -> None:
    """Make the folder of ``--out``, before any time is spent on sampling.

    Raises
    ------
    DataError
        If it cannot be made; or if it has files that are called as results are and are none of
        winstan's: they would lie among the new results.
    """
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        strange = [p.name for p in _results_in(out) if not _is_own(p)]
    except OSError as error:
        raise DataError(f"--out {out}: the folder cannot be made ({_reason(error)}).") from error
    if strange:
        raise DataError(
            f"--out {out}: {', '.join(strange)} would lie among the new results, and cannot be "
            "told to be winstan's, to be replaced. Move or delete them, or name another folder."
        )


@contextmanager
def _results(out: Path) -> Iterator[Callable[[str], Path]]:
    """Give the path of each result, after those of the run before are deleted.

    Yields
    ------
    callable
        From a file's name to its path.
    """
    names: list[str] = []

    def path(name: str) -> Path:
        names.append(name)
        return out / name

    try:
        make_folder(out)
        for old in _results_in(out):
            old.unlink()
        yield path
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written to ({_reason(error)}).") from error
    print(f"\nWritten to {out}: {', '.join(sorted(names))}")


def _results_in(out: Path) -> list[Path]:
    """Return the files of a folder that are called as results are."""
    return sorted(p for p in out.iterdir() if _RESULT.fullmatch(p.name) and p.is_file())


def _is_own(path: Path) -> bool:
    """Whether a file is a result of winstan's, and no file of the user's own of such a name."""
    if path.suffix == ".nc":  # a summary is written with the draws
        return _is_own(path.with_name("summary.csv"))
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(4096)
    if path.suffix == ".png":
        return _MARK in start
    columns = set(start.partition(b"\n")[0].decode("utf-8", "replace").strip().split(","))
    return any(name.fullmatch(path.name) and own <= columns for name, own in _COLUMNS)


def write_fit(
    fit: Fit,
    tables: dict[str, pd.DataFrame],
    out: Path | None,
    treatment: str | None,
    groups: Groups | None,
    compared: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write a fit's summary, draws, contrasts and figures into a folder.

    `compared` are options of the contrasts, which are then drawn as intervals.

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
            with _or_no_figure(name):
                if compared or name not in fit.model.design.predictors:
                    figure = fit.plot_contrast(name, groups=groups, **compared)
                else:
                    figure = fit.plot_difference(name, groups=groups)
                figure.save(path(f"difference_{_file_name(name)}.png"), **FIGURE)
        for group in fit.model.design.groups:
            if not group.latent and any(effect.variable == "1" for effect in group.effects):
                with _or_no_figure(group.factor):
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
            with _or_no_figure(name):
                figure = result.plot(name)
                figure.save(path(f"difference_{_file_name(name)}.png"), **FIGURE)


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


def write_design(plan: StudyDesign, out: Path | None) -> None:
    """Write a design's table, its simulated studies and the figure of its power into a folder.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    if out is None:
        return
    with _results(out) as path:
        plan.table.to_csv(path("design.csv"), index=False)
        plan.studies.to_csv(path("studies.csv"), index=False)
        plan.plot().save(path("power.png"), **FIGURE)


@contextmanager
def _or_no_figure(what: str) -> Iterator[None]:
    """Say why a figure cannot be drawn of this model; the rest of the results is kept."""
    try:
        yield
    except WinstanError as error:
        print(f"winstan: no figure of {what}: {one_line(error)}", file=sys.stderr)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def _reason(error: OSError) -> str:
    return error.strerror or one_line(error)
