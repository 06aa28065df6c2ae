"""What the commands do; each returns the exit code."""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from winstan.cli.files import (
    make_folder,
    one_line,
    write_agreement,
    write_design,
    write_each,
    write_fit,
)
from winstan.cli.tables import read_table
from winstan.errors import OptionError, WinstanError, near_matches

# Imports of the library are inside the functions: `winstan --version` needs none of it.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from winstan.fit_class import Fit
    from winstan.formula import Formula
    from winstan.options import Groups

DISAGREEMENT = 1
UNCONVERGED = 3
FAILED_GROUPS = 4


def run_fit(arguments: argparse.Namespace) -> int:
    """``winstan fit``."""
    from winstan.effects.estimands import check_groups
    from winstan.fitting import fit
    from winstan.keeping.files import checked_path

    if arguments.groups is not None:
        check_groups(arguments.groups)
    data = _data(arguments)
    check_contrasts(arguments.formula, arguments.contrast or [], arguments.family)
    compared = _compared(arguments)
    if arguments.save is not None:
        checked_path(arguments.save)
    make_folder(arguments.out)
    result = fit(
        arguments.formula,
        data,
        arguments.family,
        backend=arguments.backend,
        **_question(arguments),
        **_sampling(arguments),
    )
    if arguments.save is not None:
        result.save(arguments.save)
    wanted = arguments.contrast or contrasts_of(result)
    _show(result, wanted, arguments.out, groups=arguments.groups, compared=compared)
    return 0


def run_fit_each(arguments: argparse.Namespace) -> int:
    """``winstan fit-each``."""
    from winstan.each import fit_each
    from winstan.keeping.files import checked_path

    data = _data(arguments)
    check_contrasts(arguments.formula, arguments.contrast or [], arguments.family)
    compared, wanted = _compared(arguments), arguments.contrast
    if arguments.save is not None:
        checked_path(arguments.save)
    make_folder(arguments.out)
    result = fit_each(
        arguments.formula,
        data,
        arguments.family,
        by=arguments.by[0] if len(arguments.by) == 1 else arguments.by,
        contrasts=dict.fromkeys(wanted, compared) if wanted else None,
        groups=arguments.groups,
        keep="summary" if arguments.save is None else "fits",
        n_jobs=arguments.jobs,
        backend=arguments.backend,
        **_question(arguments),
        **_sampling(arguments),
    )
    print(result)
    if arguments.save is not None:
        result.save(arguments.save)
    write_each(result, arguments.out)
    return 0 if result.failures.empty else FAILED_GROUPS


def run_agree(arguments: argparse.Namespace) -> int:
    """``winstan agree``."""
    from winstan.comparison.agreeing import agree
    from winstan.fitting import fit
    from winstan.options import check_probability

    check_probability("alpha", arguments.alpha, 0.01)
    data = _data(arguments)
    make_folder(arguments.out)
    backends = tuple(name.strip() for name in arguments.backends.split(","))
    fits = fit(
        arguments.formula,
        data,
        arguments.family,
        backend=backends,
        sampler=arguments.sampler,
        **_question(arguments),
        **_sampling(arguments),
    )
    agreement = fits.agreement
    if agreement.alpha != arguments.alpha:
        agreement = agree(*fits, alpha=arguments.alpha)
    print(agreement)
    write_agreement(agreement, arguments.out)
    if agreement.unconverged:
        return UNCONVERGED
    return 0 if agreement.ok else DISAGREEMENT


def run_design(arguments: argparse.Namespace) -> int:
    """``winstan design``."""
    from winstan.planning import design

    if arguments.weights is not None:
        raise OptionError("--weights: a row of weight 3 is three rows, which a layout has itself.")
    data = _data(arguments)
    make_folder(arguments.out)
    effect = {name: _number(value) for name, value in map(_pair, arguments.effect)}
    sized = all(value is not None for value in effect.values())
    question = _question(arguments)
    plan = design(
        arguments.formula,
        data,
        arguments.family,
        effect=effect if sized else list(effect),
        n={name: _sizes(name, value) for name, value in map(_pair, arguments.n)} or None,
        truth={n: _number(v) for n, v in map(_pair, arguments.truth)} or None,
        methods=arguments.method,
        simulations=arguments.simulations,
        n_jobs=arguments.jobs,
        link=question["link"],
        trials=question["trials"],
        seed=arguments.seed,
        progress=False if arguments.quiet else None,
    )
    print(plan)
    write_design(plan, arguments.out)
    return 0


def _pair(text: str) -> tuple[str, str]:
    """Part ``stim=1.2`` at its last sign: names of parameters may have some."""
    name, sign, value = text.rpartition("=")
    return (name, value) if sign else (text, "")


def _number(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise OptionError(f"{text!r} is no number: write NAME=1.5.") from None


def _sizes(name: str, text: str) -> list[int]:
    if not all(part.strip().isdigit() for part in text.split(",")):
        raise OptionError(f"--n {name}={text}: whole numbers with commas between, mouse=4,6,8.")
    return [int(part) for part in text.split(",")]


def run_demo(arguments: argparse.Namespace) -> int:
    """``winstan demo``."""
    from winstan.backends import Settings
    from winstan.fitted.pipeline import model_from
    from winstan.fitting import fit
    from winstan.simulate import simulate_lfp
    from winstan.toolchain import prebuild

    trials = simulate_lfp(n_trials=arguments.trials_per_mouse, slope=15, seed=arguments.seed)
    for folder in ("power", "log-power"):
        make_folder(arguments.out / folder)
    examples = (
        ("Power ~ stim + (1|mouse)", "gamma", "power"),
        ("`Log power` ~ stim + (1|mouse)", "gaussian", "log-power"),
    )
    sampling = _sampling(arguments)
    Settings(**sampling)  # numbers out of range are refused before anything is compiled
    if arguments.backend == "stan":  # side by side
        prebuild(
            [model_from(text, trials, own, {}, silence="all").template for text, own, _ in examples]
        )
    for formula, family, folder in examples:
        result = fit(
            formula,
            trials,
            family,
            backend=arguments.backend,
            silence=("random_slopes", "skew"),  # the example as it is known
            **sampling,
        )
        _show(result, ["stim"], arguments.out / folder, treatment="stim")
        print()
    return 0


def run_prepare(arguments: argparse.Namespace) -> int:
    """``winstan prepare``."""
    from winstan.toolchain import prebuild, template_names
    from winstan.toolchain.export import export

    if arguments.export is not None and arguments.templates:
        raise OptionError("--export takes all templates: name none.")
    paths = (
        prebuild(arguments.templates or template_names())
        if arguments.export is None
        else export(arguments.export)
    )
    for path in paths:
        print(path)
    return 0


def run_toolchain(_arguments: argparse.Namespace) -> int:
    """``winstan toolchain``."""
    from winstan.toolchain import toolchain

    print(toolchain())
    return 0


def check_contrasts(formula: str, wanted: Sequence[str], family: str) -> None:
    """Refuse a ``--contrast`` that the formula does not have, before any time is spent on sampling.

    Raises
    ------
    OptionError
        With the names that are near.
    """
    from winstan.families import family_named
    from winstan.families.family import mean_itself

    parsed = _parsed(formula, family)
    # Other parameters' formulas count where the mean response, or a probability, depends on them.
    alone = family_named(family).response_mean is mean_itself
    of_mean = (parsed,) if alone else parsed.every
    factors = [c for one in of_mean for group in one.groups for c in group.factor_columns]
    known = [*(c for one in of_mean for atom in one.atoms for c in atom.columns), *factors]
    for name in wanted:
        for column in [name] if name in known else name.split(":"):
            if column.strip() not in known:
                raise OptionError(
                    f"--contrast {name}: no predictor of {formula!r}."
                    + near_matches(column.strip(), known)
                )


def contrasts_of(fit: Fit) -> list[str]:
    """Return the predictors of the common terms: what is compared unless the user chooses."""
    from winstan.effects import population_predictors

    return population_predictors(fit.model)


def _show(
    fit: Fit,
    contrasts: Sequence[str],
    out: Path | None,
    *,
    treatment: str | None = None,
    groups: Groups | None = None,
    compared: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    from winstan.effects import response_label
    from winstan.report.tables import predicted_parameters

    print(fit)
    tables = {}
    for name in contrasts:
        try:
            tables[name] = fit.contrast(name, groups=groups, **compared)
        except WinstanError as error:  # the fit is kept
            print(f"winstan: no contrast of {name}: {one_line(error)}", file=sys.stderr)
    for name, table in tables.items():
        whose = f", {table.attrs['estimand']}" if "estimand" in table.attrs else ""
        print(f"\nDifference in {response_label(fit.model)}, by {name}{whose}:")
        print(table.to_string(index=False, float_format=lambda x: f"{x:.4g}"))
    for parameter in predicted_parameters(fit.model):
        _show_parameter(fit, parameter)
    write_fit(fit, tables, out, treatment, groups, compared)


def _compared(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what is held against what; refused where no column is named.

    Raises
    ------
    OptionError
    """
    from winstan.options import Pairs, check_option

    out: dict[str, Any] = {"simultaneous": True} if arguments.simultaneous else {}
    if arguments.pairs is not None:
        check_option("--pairs", arguments.pairs, Pairs)
        out["pairs"] = arguments.pairs
    if out and not arguments.contrast:
        raise OptionError(
            "--pairs and --simultaneous are of columns that --contrast names, such as "
            "--contrast dose."
        )
    return out


def _show_parameter(fit: Fit, parameter: str) -> None:
    """Print the effects on a parameter beside the mean, or of each category."""
    from winstan.report.tables import effects_on_table

    table = effects_on_table(fit, parameter, prob=0.94)
    if table is not None:
        what = "Ratio" if table.attrs["ratio"] else "Difference"
        whose = f", {table.attrs['whose']}" if table.attrs["whose"] else ""
        print(f"\n{what} of {parameter}{whose}:")
        print(table.to_string())


def _data(arguments: argparse.Namespace) -> pd.DataFrame:
    """Read the table, and say what is worth it of the columns that the question uses."""
    from winstan.design_warnings import silenced

    if "~" in str(arguments.data) and "~" not in arguments.formula:
        raise OptionError(
            f"The file stands before the formula: {arguments.formula} {str(arguments.data)!r}"
        )
    parsed = _parsed(arguments.formula, arguments.family)
    used = {*parsed.columns, arguments.weights, arguments.trials, *(getattr(arguments, "by", ()))}
    with silenced(arguments.silence):
        return read_table(
            arguments.data,
            sep=arguments.sep,
            decimal=arguments.decimal,
            missing=arguments.missing,
            used=used,
        )


def _parsed(formula: str, family: str) -> Formula:
    """Read a formula as the fit will: labels may stand in that of unordered categories alone."""
    from winstan.families import family_named
    from winstan.formula import parse_formula

    return parse_formula(formula, for_all=family_named(family).of_labels is not None)


def _question(arguments: argparse.Namespace) -> dict[str, Any]:
    trials = arguments.trials
    return {
        "link": arguments.link,
        "weights": arguments.weights,
        "silence": arguments.silence,
        "trials": int(trials) if trials is not None and trials.lstrip("-").isdigit() else trials,
    }


def _sampling(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "chains": arguments.chains,
        "warmup": arguments.warmup,
        "draws": arguments.draws,
        "seed": arguments.seed,
        "target_accept": arguments.target_accept,
        "cores": arguments.cores,
        "progress": False if arguments.quiet else None,
    }
