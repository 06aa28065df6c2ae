"""The command line: ``winstan fit``, ``fit-each``, ``agree``, ``design``, and what compiles."""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from winstan._version import __version__
from winstan.cli.commands import (
    run_agree,
    run_demo,
    run_design,
    run_fit,
    run_fit_each,
    run_prepare,
    run_toolchain,
)
from winstan.cli.words import one_line
from winstan.errors import WinstanError

if TYPE_CHECKING:
    from collections.abc import Sequence

BAD_INPUT = 2
OWN_ERROR = 70
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments; None takes the process's own.

    Returns
    -------
    int
        0; of `agree`, 1 if the fits disagree and 3 if one has not converged; of `fit-each`, 4 if a
        group could not be fitted; 2 on bad input, or if a backend is missing or fails, with one
        line on standard error; 70 on an error of winstan's own, with its traceback; 130 when
        interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warning_as_a_line
            code: int = arguments.run(arguments)
    except WinstanError as error:
        print(f"winstan: {one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("winstan: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception:  # 1, Python's own code, would read as a disagreement
        traceback.print_exc()
        return OWN_ERROR
    return code


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as for any other bad input."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"winstan: {one_line(message)} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="winstan", description="Bayesian mixed models from an R-style formula.")
    parser.add_argument("--version", action="version", version=f"winstan {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fit = commands.add_parser("fit", help="fit a model to a csv or parquet file")
    _add_question(fit)
    _add_contrasts(fit)
    _add_groups(fit)
    _add_save(fit, "ws.load_fit")
    _add_backend(fit)
    _add_sampling(fit, written="summary.csv, draws.nc and the figures")
    fit.set_defaults(run=run_fit)

    each = commands.add_parser(
        "fit-each",
        help="fit a model to every group of rows: exit code 4 if one could not be fitted",
        description="Fit one model to every group of rows, side by side. The exit code is 0, 4 if "
        "a group could not be fitted, 2 on bad input.",
    )
    _add_question(each)
    each.add_argument(
        "--by",
        action="append",
        required=True,
        metavar="COLUMN",
        help="the column whose values are the groups (may be repeated)",
    )
    _add_contrasts(each)
    _add_groups(each)
    _add_save(each, "ws.load_fit_each")
    each.add_argument("--jobs", type=int, help="groups at once (default: one a processor)")
    _add_backend(each)
    _add_sampling(each, written="table.csv, verdicts.csv, failures.csv, contrasts and figures")
    each.set_defaults(run=run_fit_each)

    agree = commands.add_parser(
        "agree",
        help="fit by several backends and compare: exit code 1 if they disagree",
        description="Fit by several backends and compare the posteriors in Monte Carlo errors. The "
        "exit code is 0 if all agree, 1 if they disagree, 3 if one has not converged, 2 on bad "
        "input.",
    )
    _add_question(agree)
    agree.add_argument("--backends", default="stan,pymc", help="(default: stan,pymc)")
    agree.add_argument("--sampler", help="of PyMC and bambi: pymc, nutpie, numpyro or blackjax")
    agree.add_argument(
        "--alpha",
        type=float,
        default=0.01,
        help="probability, at most, of calling fits that agree a disagreement (default: 0.01)",
    )
    _add_sampling(agree, written="agreement.csv and agreement.png")
    agree.set_defaults(run=run_agree)

    _add_design(commands.add_parser("design", help="plan a study by simulation: power by size"))

    demo = commands.add_parser("demo", help="simulate the LFP example, fit it, draw its figures")
    demo.add_argument("--trials-per-mouse", type=int, default=30, help="(default: 30)")
    _add_backend(demo)
    _add_sampling(demo, written="summary.csv, draws.nc and the figures", out="out", seed=5)
    demo.set_defaults(run=run_demo)

    prepare = commands.add_parser("prepare", help="compile the Stan templates ahead of time")
    prepare.add_argument("templates", nargs="*", help="(default: all)")
    prepare.add_argument(
        "--export",
        type=Path,
        metavar="FOLDER",
        help="copy the programs of all templates there, for a wheel to bring along",
    )
    prepare.set_defaults(run=run_prepare)

    toolchain = commands.add_parser("toolchain", help="say which Stan and compiler are in use")
    toolchain.set_defaults(run=run_toolchain)
    return parser


def _add_design(command: argparse.ArgumentParser) -> None:
    _add_question(command)
    for name, what, needed in (
        ("effect", "what is compared, stim, or with its size, stim=1.2 (may be repeated)", True),
        ("n", "levels of a factor, mouse=4,6,8 (may be repeated; default: as in the file)", False),
        ("truth", "a parameter, sigma=1 (may be repeated; default: of a pilot's fit)", False),
    ):
        command.add_argument(
            f"--{name}", action="append", default=[], required=needed, metavar="NAME", help=what
        )
    command.add_argument(
        "--method",
        action="append",
        metavar="{bayes,lme,anova}",
        help="an analysis (may be repeated; default: all that there are)",
    )
    command.add_argument("--simulations", type=int, default=200, help="(default: 200)")
    command.add_argument("--jobs", type=int, help="studies at once (default: one a processor)")
    command.add_argument("--seed", type=int)
    command.add_argument("--quiet", action="store_true", help="no progress")
    command.add_argument(
        "--out", type=Path, help="folder for design.csv, studies.csv and power.png"
    )
    command.set_defaults(run=run_design)


def _add_question(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", type=Path, help="a .csv, .tsv, .parquet or .xlsx file")
    command.add_argument("formula", help='such as "Power ~ stim + (1|mouse)"')
    command.add_argument("--family", default="gaussian", help="(default: gaussian)")
    command.add_argument("--link", help="(default: the family's own)")
    command.add_argument("--weights", help="column of frequency weights")
    command.add_argument("--trials", help="column, or number, of trials of a binomial response")
    command.add_argument(
        "--sep",
        metavar="CHARACTER",
        help="what separates the columns of a csv file, such as ';', or tab (default: found out)",
    )
    command.add_argument(
        "--decimal", metavar="MARK", help="decimal mark of a csv file, . or , (default: found out)"
    )
    command.add_argument(
        "--missing",
        action="append",
        default=[],
        metavar="WORD",
        help="a word that is a missing value in every column (may be repeated; by default empty "
        "fields are missing, and NA and the like among numbers)",
    )
    command.add_argument(
        "--silence",
        action="append",
        default=[],
        metavar="NAME",
        help="a warning about the design to leave out, by the name that it ends with; or all (may "
        "be repeated)",
    )


def _add_contrasts(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--contrast",
        action="append",
        metavar="COLUMN",
        help="a predictor to compare, or drug:dose for how the contrasts of dose differ between "
        "levels of drug (may be repeated; default: every predictor)",
    )
    command.add_argument(
        "--pairs",
        metavar="{reference,all,sequential,effect,helmert,poly,dunnett}",
        help="what is held against what, of the columns that --contrast names (default: reference)",
    )
    command.add_argument(
        "--simultaneous",
        action="store_true",
        help="add intervals that hold all contrasts of a column at once",
    )


def _add_groups(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--groups",
        metavar="{these,typical,population,new}",
        help="whose effects the contrasts are (default: the population's, where it has a stable "
        "mean, and else a typical group's; the table says which)",
    )


def _add_save(command: argparse.ArgumentParser, read_by: str) -> None:
    command.add_argument(
        "--save", type=Path, metavar="FILE", help=f"keep the fit in FILE.nc, for {read_by}"
    )


def _add_backend(command: argparse.ArgumentParser) -> None:
    command.add_argument("--backend", default="stan", help="the backend (default: stan)")


def _add_sampling(
    command: argparse.ArgumentParser,
    *,
    written: str,
    out: str | None = None,
    seed: int | None = None,
) -> None:
    command.add_argument("--chains", type=int, default=4, help="(default: 4)")
    command.add_argument("--warmup", type=int, help="per chain (default: as the model needs)")
    command.add_argument(
        "--draws", type=int, help="per chain (default: 1000, or 2000 of very many effects)"
    )
    command.add_argument("--seed", type=int, default=seed, help="(default: %(default)s)")
    command.add_argument("--target-accept", type=float)
    command.add_argument("--cores", type=int)
    command.add_argument("--quiet", action="store_true", help="no progress")
    command.add_argument(
        "--out", type=Path, default=out, help=f"folder for {written} (default: %(default)s)"
    )


def _warning_as_a_line(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    print(f"winstan: {category.__name__}: {one_line(message)}", file=sys.stderr)
