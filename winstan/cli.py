"""The command line: ``winstan fit``, ``demo``, ``prepare`` and ``toolchain``."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from winstan._version import __version__
from winstan.errors import DataError, OptionError, WinstanError, near_matches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from winstan.fitted import Fit

BAD_INPUT = 2
INTERRUPTED = 130
FIGURE = {"dpi": 200, "verbose": False}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments; None takes the process's own.

    Returns
    -------
    int
        0; 2 on bad input, with one line on standard error; 130 when interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warning_as_a_line
            arguments.run(arguments)
    except WinstanError as error:
        print(f"winstan: {_one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("winstan: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as for any other bad input."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"winstan: {_one_line(message)} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="winstan", description="Bayesian mixed models from an R-style formula.")
    parser.add_argument("--version", action="version", version=f"winstan {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser("fit", help="fit a model to a csv or parquet file")
    fit.add_argument("data", type=Path, help="a .csv, .tsv or .parquet file")
    fit.add_argument("formula", help='such as "Power ~ stim + (1|mouse)"')
    fit.add_argument("--family", default="gaussian", help="(default: gaussian)")
    fit.add_argument("--link", help="(default: the family's own)")
    fit.add_argument("--weights", help="column of frequency weights")
    fit.add_argument("--trials", help="column, or number, of trials of a binomial response")
    fit.add_argument(
        "--contrast",
        action="append",
        metavar="COLUMN",
        help="a predictor to compare (may be repeated; default: every one)",
    )
    _add_sampling(fit)
    fit.set_defaults(run=_run_fit)

    demo = commands.add_parser("demo", help="simulate the LFP example, fit it, draw its figures")
    demo.add_argument("--trials-per-mouse", type=int, default=30, help="(default: 30)")
    _add_sampling(demo, out="out", seed=5)
    demo.set_defaults(run=_run_demo)

    prepare = commands.add_parser("prepare", help="compile the Stan templates ahead of time")
    prepare.add_argument("templates", nargs="*", help="(default: all)")
    prepare.set_defaults(run=_run_prepare)

    toolchain = commands.add_parser("toolchain", help="say which Stan and compiler are in use")
    toolchain.set_defaults(run=_run_toolchain)
    return parser


def _add_sampling(
    command: argparse.ArgumentParser, *, out: str | None = None, seed: int | None = None
) -> None:
    command.add_argument("--backend", default="stan", help="the engine (default: stan)")
    command.add_argument("--chains", type=int, default=4, help="(default: 4)")
    command.add_argument("--warmup", type=int, default=1000, help="per chain (default: 1000)")
    command.add_argument("--draws", type=int, default=1000, help="per chain (default: 1000)")
    command.add_argument("--seed", type=int, default=seed, help="(default: %(default)s)")
    command.add_argument("--target-accept", type=float)
    command.add_argument("--cores", type=int)
    command.add_argument("--quiet", action="store_true", help="no progress")
    command.add_argument(
        "--out",
        type=Path,
        default=out,
        help="folder for summary.csv, draws.nc and the figures (default: %(default)s)",
    )


def _run_fit(arguments: argparse.Namespace) -> None:
    from winstan.fitting import fit  # noqa: PLC0415 - `winstan --version` needs none of it

    data = read_table(arguments.data)
    check_contrasts(arguments.formula, arguments.contrast or [])
    make_folder(arguments.out)
    result = fit(
        arguments.formula,
        data,
        arguments.family,
        link=arguments.link,
        weights=arguments.weights,
        trials=_column_or_number(arguments.trials),
        **_sampling(arguments),
    )
    _show(result, arguments.contrast or contrasts_of(result), arguments.out)


def _run_demo(arguments: argparse.Namespace) -> None:
    from winstan.fitting import fit  # noqa: PLC0415
    from winstan.simulate import simulate_lfp  # noqa: PLC0415

    trials = simulate_lfp(n_trials=arguments.trials_per_mouse, slope=15, seed=arguments.seed)
    options = _sampling(arguments)
    make_folder(arguments.out)
    for response, family, folder in (
        ("Power", "gamma", "power"),
        ("`Log power`", "gaussian", "log-power"),
    ):
        result = fit(f"{response} ~ stim + (1|mouse)", trials, family, **options)
        _show(result, ["stim"], arguments.out / folder, treatment="stim")
        print()


def _run_prepare(arguments: argparse.Namespace) -> None:
    from winstan.families import FAMILIES  # noqa: PLC0415
    from winstan.toolchain import prebuild  # noqa: PLC0415

    templates = arguments.templates or sorted({f.template for f in FAMILIES.values()})
    for path in prebuild(templates):
        print(path)


def _run_toolchain(arguments: argparse.Namespace) -> None:
    from winstan.toolchain import toolchain  # noqa: PLC0415

    print(toolchain())


def _sampling(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "backend": arguments.backend,
        "chains": arguments.chains,
        "warmup": arguments.warmup,
        "draws": arguments.draws,
        "seed": arguments.seed,
        "target_accept": arguments.target_accept,
        "cores": arguments.cores,
        "progress": False if arguments.quiet else None,
    }


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
        raise DataError(f"{path}: cannot be read ({_one_line(error)}).") from error


def check_contrasts(formula: str, wanted: Sequence[str]) -> None:
    """Refuse a ``--contrast`` that the formula does not have, before any time is spent on sampling.

    Raises
    ------
    OptionError
        With the names that are near.
    """
    from winstan.formula import parse_formula  # noqa: PLC0415

    known = parse_formula(formula).predictor_columns
    for name in wanted:
        if name not in known:
            raise OptionError(
                f"--contrast {name}: no predictor of {formula!r}." + near_matches(name, known)
            )


def contrasts_of(fit: Fit) -> list[str]:
    """Return the predictors of the common terms: what is compared unless the user chooses."""
    common = fit.model.formula.effects
    columns = dict.fromkeys(c for atom in common.atoms.values() for c in atom.columns)
    return [c for c in columns if c in fit.model.design.predictors.columns]


def _show(
    fit: Fit, contrasts: Sequence[str], out: Path | None, *, treatment: str | None = None
) -> None:
    from winstan.effects import response_label  # noqa: PLC0415

    print(fit)
    tables = {name: fit.contrast(name) for name in contrasts}
    for name, table in tables.items():
        print(f"\nDifference in {response_label(fit.model)}, by {name}:")
        print(table.to_string(index=False, float_format=lambda x: f"{x:.4g}"))
    if out is None:
        return
    try:
        make_folder(out)
        _write(fit, tables, out, treatment)
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written to ({_reason(error)}).") from error
    print(f"\nWritten to {out}: {', '.join(sorted(p.name for p in out.iterdir()))}")


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


def _write(fit: Fit, tables: dict[str, pd.DataFrame], out: Path, treatment: str | None) -> None:
    fit.summary().to_csv(out / "summary.csv", index_label="parameter")
    fit.draws.to_netcdf(out / "draws.nc", engine="h5netcdf")
    for name, table in tables.items():
        table.to_csv(out / f"contrast_{_file_name(name)}.csv", index=False)
        fit.plot_difference(name).save(out / f"difference_{_file_name(name)}.png", **FIGURE)
    for group in fit.model.design.groups:
        if f"1|{group.factor}" in fit.draws["posterior"]:
            figure = fit.plot_intercepts(group.factor, treatment=treatment)
            figure.save(out / f"intercepts_{_file_name(group.factor)}.png", **FIGURE)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def _column_or_number(text: str | None) -> str | int | None:
    return int(text) if text is not None and text.lstrip("-").isdigit() else text


def _one_line(message: object) -> str:
    return " ".join(str(message).split())


def _reason(error: OSError) -> str:
    return error.strerror or _one_line(error)


def _warning_as_a_line(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    print(f"winstan: {category.__name__}: {_one_line(message)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
