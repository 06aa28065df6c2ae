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
from winstan.classical.paired import Paired
from winstan.classical.shown import degrees
from winstan.errors import FormulaError
from winstan.formula import parse_formula
from winstan.plots.words import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from winstan._typing import Array
    from winstan.classical import LME, Anova
    from winstan.comparison.common_scale import Scale, Source
    from winstan.options import Comparing

LABEL = 42
"""Longest line of a label, in characters."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every result: the arguments of their `contrast`, and the coverage."""

    treatment: str
    values: Sequence[Any] | None
    pairs: Comparing
    prob: float
    groups: Any = None

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of every result's `contrast`."""
        return {"values": self.values, "pairs": self.pairs}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The contrasts by one result.

    Attributes
    ----------
    contrasts : tuple of str
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
        draws = _on_scale(result.draws[:, :, 0], base)
        found = effects.summarise_values(draws, asked.prob, "hdi", circular=result.circular)
        mean, _, lower, upper = found.values()
        null = 1.0 if scale.ratio else 0.0
        tests = tuple(_direction(column, null) for column in draws.T)
        if result.circular:  # by whole turns to where the interval is
            draws = mean + wrap_angles(draws - mean)
        return Answers(
            contrasts=result.labels,
            numbers=np.stack([mean, lower, upper], axis=1),
            draws=draws,
            tests=tests,
            whose=result.estimand.words,
        )
    classical: LME | Anova = source.lme if source.kind == "lme" else source.anova
    table = classical.contrast(asked.treatment, prob=asked.prob, **asked.options)
    tests = (
        _t_tests(table) if source.kind == "lme" else _f_tests(source.anova, asked.treatment, table)
    )
    columns = ["estimate", *interval_names(asked.prob)]
    return Answers(
        contrasts=tuple(map(str, table["contrast"])),
        numbers=_on_scale(table[columns].to_numpy(dtype=float), base),
        draws=None,
        tests=tests,
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


def _f_tests(anova: Anova, treatment: str, table: pd.DataFrame) -> tuple[str, ...]:
    """Say the F test of the treatment's own term; of several levels, each pair's p value too."""
    fit = anova.fit
    paired = isinstance(fit, Paired)
    term = _own_term(anova, treatment)
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


def _own_term(anova: Anova, treatment: str) -> str | None:
    """Return the name of the term that is made of the treatment alone."""
    for name in anova.table.index:
        try:
            atoms = list(parse_formula(f"y ~ {_written(str(name), treatment)}", {}).effects.terms)
        except FormulaError:
            continue
        if len(atoms) == 1 and [a.columns for a in atoms[0]] == [(treatment,)]:
            return str(name)
    return None


def _written(name: str, treatment: str) -> str:
    """Write a term's name as a formula has it: columns of unusual names are in back-ticks."""
    return f"`{name}`" if name == treatment else name


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
