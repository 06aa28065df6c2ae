"""What each of several results says of one contrast: numbers on a shared scale, and a label."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan import effects
from winstan._angles import wrap_angles
from winstan.classical.linear import interval_names
from winstan.classical.numerals import degrees
from winstan.classical.paired import Paired
from winstan.effects.asked import nested_labels
from winstan.effects.comparisons import format_value
from winstan.effects.strata import columns_of_by
from winstan.errors import FormulaError, OptionError
from winstan.formula import parse_formula
from winstan.plots.words import number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from winstan._typing import Array
    from winstan.classical import LME, Anova
    from winstan.comparison.common_scale import Scale, Source
    from winstan.effects.comparisons import Comparison
    from winstan.options import By, Comparing

LABEL = 42
"""Longest line of a label, in characters."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every result: the arguments of their `contrast`, and the coverage.

    `columns` are those that are compared, the treatment first, each with its values or None.
    """

    columns: Mapping[str, Any]
    by: By | None
    pairs: Comparing | Sequence[Comparing]
    prob: float
    groups: Any = None

    @property
    def treatment(self) -> str:
        """The column whose contrasts are asked for."""
        return next(iter(self.columns))

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of every result's `contrast`."""
        values, *others = self.columns.values()
        of = dict(zip(list(self.columns)[1:], others, strict=True))
        return {"values": values, "by": self.by, "of": of or None, "pairs": self.pairs}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The contrasts by one result.

    Attributes
    ----------
    contrasts : tuple of str
        Labels, each for all levels of `by` in turn.
    levels : tuple of str
        Of `by`, for each of these: ``sex = f``; empty texts without it.
    numbers : ndarray, shape (contrasts, 3)
        Estimate, and the ends of its interval, on the shared scale.
    draws : ndarray, shape (S, contrasts), or None
        Of a posterior.
    tests : tuple of str
        For each contrast, how sure it is, in words of one or two lines.
    whose : str
        Of a posterior with group terms: whose effect it is, such as ``in a typical mouse``.
    """

    contrasts: tuple[str, ...]
    levels: tuple[str, ...]
    numbers: Array
    draws: Array | None
    tests: tuple[str, ...]
    whose: str = ""


def answers_of(source: Source, base: float | None, scale: Scale, asked: Asked) -> Answers:
    """Ask a result for the contrasts.

    Parameters
    ----------
    source
    base
        Of the logarithm that its response is of the scale's; None where it is the same.
    scale
    asked
    """
    if source.kind == "posterior":
        fit = source.posterior
        ratio = scale.ratio and base is None
        result = effects.contrast(
            fit.model,
            fit.joined(),
            asked.treatment,
            ratio=ratio,
            groups=asked.groups,
            **asked.options,
        )
        draws = _on_scale(result.draws.reshape(len(result.draws), -1), base)
        at = [_level_text(result.by, level) for level in result.levels]
        found = effects.summarise_values(draws, asked.prob, "hdi", circular=result.circular)
        mean, _, lower, upper = found.values()
        null = 1.0 if scale.ratio else 0.0
        tests = tuple(_direction(column, null) for column in draws.T)
        if result.circular:  # by whole turns to where the interval is
            draws = mean + wrap_angles(draws - mean)
        return Answers(
            contrasts=tuple(label for label in result.labels for _ in at),
            levels=tuple(at) * len(result.labels),
            numbers=np.stack([mean, lower, upper], axis=1),
            draws=draws,
            tests=tests,
            whose=result.estimand.words,
        )
    classical: LME | Anova = source.lme if source.kind == "lme" else source.anova
    table = classical.contrast(asked.treatment, prob=asked.prob, **asked.options)
    tests = (
        _t_tests(table)
        if source.kind == "lme"
        else _f_tests(source.anova, tuple(asked.columns), table, alone=asked.by is None)
    )
    by = tuple(columns_of_by(asked.by))
    columns = ["estimate", *interval_names(asked.prob)]
    return Answers(
        contrasts=tuple(map(str, table["contrast"])),
        levels=tuple(_level_text(by, level) for level in table[list(by)].itertuples(index=False)),
        numbers=_on_scale(table[columns].to_numpy(dtype=float), base),
        draws=None,
        tests=tests,
    )


def contrasts_of(
    answers: Sequence[Answers], compared: Mapping[str, Comparison], *, ratio: bool
) -> list[str]:
    """Return what the contrasts of all results are called.

    Raises
    ------
    OptionError
        If ``by=`` has other levels in one result than in another.
    """
    first, *others = answers
    if any(other.levels != first.levels for other in others):
        raise OptionError(
            "by= has other levels in one result than in another: "
            f"{', '.join(dict.fromkeys(one for own in answers for one in own.levels))}. Give its "
            "values, by={'x': [...]}, or write the column alike in all formulas."
        )
    n = len(dict.fromkeys(first.levels))
    labels = first.contrasts
    if compared:
        own = nested_labels(list(compared), [one.labels(ratio=ratio) for one in compared.values()])
        labels = tuple(label for label in own for _ in range(n))
    both = zip(labels, first.levels, strict=True)
    return [f"{label}, {level}" if level else label for label, level in both]


def _level_text(by: Sequence[str], level: Sequence[Any]) -> str:
    return ", ".join(
        f"{name} = {format_value(value)}" for name, value in zip(by, level, strict=True)
    )


def labels_of_sources(
    sources: Sequence[Source],
    scale: Scale,
    answers: Sequence[Answers],
    contrast: int,
    prob: float,
) -> list[str]:
    """Label each result's row: what it is, its numbers, how sure it is, whether to trust it."""
    names = [_name(source, sources, scale) for source in sources]
    repeated = Counter(names)
    out = []
    for source, name, answer in zip(sources, names, answers, strict=True):
        lines = [name]
        if repeated[name] > 1:
            lines.append(textwrap.shorten(source.written, LABEL, placeholder=" …"))
        lines += [textwrap.shorten(answer.whose, LABEL, placeholder=" …")] if answer.whose else []
        estimate, lower, upper = (number(x) for x in answer.numbers[contrast])
        kind = "HDI" if source.kind == "posterior" else "CI"
        lines += [f"{estimate} [{lower}, {upper}], {percent(prob)} {kind}"]
        lines += [answer.tests[contrast]]
        if warning := _distrust(source):
            lines.append(warning)
        out.append("\n".join(lines))
    return out


def averaging_words(answers: Sequence[Answers]) -> list[str]:
    """Say whose the posteriors' effects are."""
    said = dict.fromkeys(answer.whose for answer in answers if answer.whose)
    return [f"posterior: {words}" for words in said]


def _on_scale(values: Array, base: float | None) -> Array:
    """Turn differences of logarithms into ratios."""
    return values if base is None else np.power(base, values)


def _direction(draws: Array, null: float) -> str:
    above, below = float(np.mean(draws > null)), float(np.mean(draws < null))
    sign, share = (">", above) if above >= below else ("<", below)
    limit = 1 - 1 / draws.size
    text = f"> {min(limit, 0.999):.3g}" if share > min(limit, 0.999) else f"= {share:.3f}"
    return f"P({sign} {null:g}) {text}"


def _t_tests(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        f"{'z' if np.isinf(df) else f't({degrees(df)})'} = {number(estimate / error)}, {_p(p)}"
        for estimate, error, df, p in zip(
            table["estimate"], table["std_error"], table["df"], table["p_value"], strict=True
        )
    )


def _f_tests(
    anova: Anova, columns: tuple[str, ...], table: pd.DataFrame, *, alone: bool
) -> tuple[str, ...]:
    """Say the F test of the columns' own term; of several levels, each pair's p value too.

    Where contrasts are not `alone`, but of some rows each, no term is theirs.
    """
    fit = anova.fit
    paired = isinstance(fit, Paired)
    term = _own_term(anova, columns) if alone else None
    if term is None:
        df = len(fit.groups) - 1 if isinstance(fit, Paired) else fit.df
        return tuple(f"t({df:g}) test: {_p(p)}" for p in table["p_value"])
    row = {str(name): float(x) for name, x in anova.table.loc[[term]].iloc[0].items()}
    within = float(anova.table["df"].loc[f"{term}:{anova.group}" if paired else "Residual"])
    p, corrected = row["PR(>F)"], ""
    if row["df"] > 1 and "PR(>F)_GG" in row:
        p, corrected = row["PR(>F)_GG"], " (GG)"
    test = f"F({row['df']:g}, {within:g}) = {number(row['F'])}, {_p(p)}{corrected}"
    if row["df"] == 1:
        return (test,) * len(table)
    return tuple(f"this pair: {_p(p)}\nall levels: {test}" for p in table["p_value"])


def _own_term(anova: Anova, columns: tuple[str, ...]) -> str | None:
    """Return the name of the term that is made of these columns, and of no others."""
    for name in anova.table.index:
        try:
            atoms = list(parse_formula(f"y ~ {_written(str(name), columns)}", {}).effects.terms)
        except FormulaError:
            continue
        if len(atoms) == 1 and {a.columns for a in atoms[0]} == {(c,) for c in columns}:
            return str(name)
    return None


def _written(name: str, columns: tuple[str, ...]) -> str:
    """Write a term's name as a formula has it: columns of unusual names are in back-ticks."""
    return ":".join(f"`{part}`" if part in columns else part for part in name.split(":"))


def _name(source: Source, sources: Sequence[Source], scale: Scale) -> str:
    of = f" of {source.response}" if scale.ratio else ""
    if source.kind == "lme":
        return f"LME{of}{'' if source.lme.reml else ', maximum likelihood'}"
    if source.kind == "anova":
        analysis = source.anova.fit
        if isinstance(analysis, Paired):
            return f"paired ANOVA{of} ({analysis.group}, n = {len(analysis.groups):,})"
        robust = f", {analysis.robust.upper()}" if analysis.robust else ""
        return f"unpaired ANOVA{robust}{of} (rows, n = {analysis.design.row.size:,})"
    fit = source.posterior
    backends = {s.posterior.backend for s in sources if s.kind == "posterior"}
    backend = f", {fit.backend}" if len(backends) > 1 else ""
    return f"posterior, {fit.model.family.name}{backend}{of}"


def _distrust(source: Source) -> str:
    if source.kind == "posterior" and not source.posterior.diagnostics.ok:
        return "NOT CONVERGED: do not use"
    if source.kind == "lme" and source.lme.problem:
        return "NOT CONVERGED: do not use"
    return "singular fit" if source.kind == "lme" and source.lme.singular else ""


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
