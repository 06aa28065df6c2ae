"""One figure of one question: the raw pairs, the posterior, the LME and the ANOVA."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan.classical import LME, Anova
from winstan.classical.linear import interval_names
from winstan.comparison.common_scale import Source, shared_scale, source_of
from winstan.comparison.estimates import (
    Answers,
    Asked,
    answers_of,
    averaging_words,
    contrasts_of,
    labels_of_sources,
)
from winstan.comparison.fits import Fits
from winstan.comparison.observed import check_same_data, known_groups, observed_pairs
from winstan.data.columns import how_many
from winstan.effects.asked import read_columns, read_pairs
from winstan.effects.codings import coding_of
from winstan.effects.comparisons import comparison, has_labels
from winstan.effects.specification import Specification
from winstan.effects.strata import columns_of_by
from winstan.errors import OptionError, near_matches
from winstan.fit_class import Fit
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plotnine.composition import Compose

    from winstan.comparison.common_scale import Scale
    from winstan.effects.comparisons import Comparison
    from winstan.options import By, Comparing

CONTRASTS = 8
"""Contrasts that a figure holds."""
NARROWEST, WIDEST = 80.0, 300.0
"""Widths of a figure, in mm."""
ENDS = ("estimate", "lower", "upper")


def side_by_side(
    *results: Fit | Fits | LME | Anova,
    lme: LME | None = None,
    aov: Anova | None = None,
    treatment: str | None = None,
    values: Sequence[Any] | None = None,
    by: By | None = None,
    of: By | None = None,
    pairs: Comparing | Sequence[Comparing] = "reference",
    ratio: bool | None = None,
    group: str | None = None,
    groups: Whose | None = None,
    prob: float = 0.95,
    unit: str | None = None,
    width: float = 180.0,
) -> Compose:
    """Draw the data of each animal, the posterior, the LME and the ANOVA of one contrast.

    At the left what was observed: the mean of each animal at each value of the treatment, joined.
    At the right, on one axis, the contrast by each result: the posterior with its mean and HDI,
    and the classical estimates with their confidence intervals, F or z tests beside them. A
    posterior says whose effect it is: by default, of a linear model, that in the population that
    the animals come from, as the classical results are.

    All results must be of the same response, treatment and groups, row for row in any order. One
    may have fewer rows, if they are among those of the others; the figure then counts them.

    Parameters
    ----------
    *results
        Any number of results of `winstan.fit`, `winstan.lme` and `winstan.anova`, in the order in
        which they are to stand.
    lme, aov
        The same, by name.
    treatment
        A column of all formulas. By default the one that all have at population level.
    values, by, of, pairs
        As for `Fit.contrast`; the data then stand at each combination of the levels.
    ratio
        Ratios of means in place of differences: of posteriors of a positive response, and of
        results of its logarithm, whose differences become ratios of geometric means. By default
        differences, where all are of one response, and else ratios, if some results are of y and
        the others of log(y).
    group
        The column whose levels are the dots. By default the first group factor of the results.
    groups
        Whose effect a posterior shows, as for `Fit.contrast`.
    prob
        Probability of all intervals: HDIs of posteriors, confidence intervals of the others.
    unit
        Unit of the response, such as ``"Hz"``, for the axes.
    width
        Of the figure in mm, from 80 to 300: 180 for both columns of a journal, 90 for one, in which
        the answers stand below the data.

    Returns
    -------
    plotnine.composition.Compose
        Composes with ``|`` and ``/``, and has `save`.

    Raises
    ------
    OptionError
        If there is no result, one is of categories, they share no treatment or scale, they are of
        different data, the treatment is a number in some and a factor in others and `values` does
        not say what to compare, or an option is unknown.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> lme = ws.lme("`Log power` ~ stim + (stim|mouse)", trials)
    >>> aov = ws.anova("`Log power` ~ stim", trials, group="mouse")
    >>> figure = ws.side_by_side(lme, aov, treatment="stim")
    """
    check_flags("ratio", ratio=ratio)
    from winstan.plots.side_by_side import plot_side_by_side  # noqa: PLC0415 - plotnine loads late

    interval_names(prob)
    width = _width(width)
    sources = [source_of(result) for result in _results(results, lme, aov)]
    _check_categories(sources, treatment)
    _check_directions(sources)
    columns = _columns(sources, treatment, values, of)
    treatment = next(iter(columns))
    scale = shared_scale(sources, None if ratio is None else bool(ratio))
    group = _group(sources, group)
    check_same_data(sources, scale, treatment, group)
    for name in columns:
        if columns[name] is None:
            _check_readings(sources, name)
    compared = _compared(sources, columns, pairs)
    if scale.ratio and not all(one.weights.are_pairs for one in compared.values()):
        raise OptionError(
            "Ratios of weighted means of y and differences of weighted means of log(y) are two "
            "things: pairs='reference', 'all' or 'sequential' can stand side by side."
        )
    levels = {
        name: (list(one.values) if one.names else None) for name, one in compared.items()
    } or columns
    asked = Asked(levels, by, pairs, prob, groups)
    answers = [
        answers_of(source, base, scale, asked)
        for source, base in zip(sources, scale.bases, strict=True)
    ]
    contrasts = contrasts_of(answers, compared, ratio=scale.ratio)
    rows: list[dict[str, Any]] = []
    drawn: list[pd.DataFrame] = []
    for c, contrast in enumerate(contrasts[:CONTRASTS]):
        labels = labels_of_sources(sources, scale, answers, c, prob)
        for source, answer, label in zip(sources, answers, labels, strict=True):
            key = len(rows)
            row = {"contrast": contrast, "label": label, "kind": source.kind, "key": key}
            rows.append(row | dict(zip(ENDS, answer.numbers[c], strict=True)))
            if answer.draws is not None:
                drawn.append(pd.DataFrame({"key": key, "value": answer.draws[:, c]}))
    apart = levels | {name: None for name, given in columns_of_by(by).items() if given is None}
    seen = observed_pairs(sources, scale, apart, group)
    return plot_side_by_side(
        seen.table,
        pd.DataFrame(rows),
        pd.concat(drawn) if drawn else pd.DataFrame({"key": [], "value": []}),
        response=_response(sources, scale),
        treatment=treatment,
        across=seen.across,
        group=group,
        observed=seen.name,
        unit=unit,
        ratio=scale.ratio,
        caption=_caption(sources, scale, answers, len(contrasts)),
        width=width,
    )


def _check_categories(sources: Sequence[Source], treatment: str | None) -> None:
    """Refuse responses of categories, which have a probability each in place of one mean."""
    for source in sources:
        family = None if source.kind != "posterior" else source.posterior.model.family
        if family is None or not family.of_categories:
            continue
        name = treatment or next(iter(source.columns), "x")
        remedy = f"fit.plot_difference({name!r}) draws the contrast of each probability"
        if family.kind == "ordered":
            remedy += (
                f", fit.plot_difference({name!r}, parameter='score') that of the mean score. To "
                "stand beside an LME or ANOVA of the scores, fit the scores as numbers, with "
                "family='gaussian'"
            )
        raise OptionError(
            f"{source.opening}, of the {family.name} family, has a probability for each category, "
            f"and ws.side_by_side draws one mean: {remedy}."
        )


def _check_directions(sources: Sequence[Source]) -> None:
    """Refuse means of angles as numbers beside mean directions."""
    angles = [s for s in sources if s.kind == "posterior" and s.posterior.model.family.circular]
    numbers = [s for s in sources if s not in angles]
    if angles and numbers:
        raise OptionError(
            f"{numbers[0].opening} takes the angles of {angles[0].title} for numbers, "
            "whose mean breaks between pi and -pi: there is no LME and no ANOVA of directions. "
            "Give the posterior alone, whose contrast is an angle. The classical test of mean "
            "directions, of independent rows, is Watson and Williams' (watson_williams in "
            "pycircstat, watson.williams.test in R's circular)."
        )


def _width(width: float) -> float:
    """Refuse a width that holds no figure."""
    number = isinstance(width, int | float | np.number) and not isinstance(width, bool)
    if not number or not NARROWEST <= width <= WIDEST:
        raise OptionError(
            f"width must be a number of mm from {NARROWEST:g} to {WIDEST:g}, not {width!r}."
        )
    return float(width)


def _results(results: Sequence[Any], lme: LME | None, aov: Anova | None) -> list[Fit | LME | Anova]:
    """List the results, several fits one by one."""
    out: list[Any] = []
    for result in (*results, *(r for r in (lme, aov) if r is not None)):
        out += list(result) if isinstance(result, Fits) else [result]
    for i, result in enumerate(out):
        if not isinstance(result, Fit | LME | Anova):
            raise OptionError(
                f"ws.side_by_side takes results of ws.fit, ws.lme and ws.anova, and result {i + 1} "
                f"is {'None' if result is None else f'of type {type(result).__name__}'}."
            )
    if not out:
        raise OptionError("ws.side_by_side needs one result at least: ws.side_by_side(fit, lme).")
    return out


def _columns(
    sources: Sequence[Source], treatment: str | None, values: Sequence[Any] | None, of: By | None
) -> dict[str, Any]:
    """Return the columns that are compared, which all results have, and the values of each."""
    known = {name for source in sources for name in source.columns}
    treatment = _treatment(sources) if treatment is None else treatment
    columns = read_columns(known, treatment, values, of)
    for name, source in product(columns, sources):
        if name not in source.columns:
            what = "treatment=" if name == next(iter(columns)) else "of="
            raise OptionError(
                f"{what}{name!r} has no population-level term in {source.title}."
                + near_matches(str(name), source.columns)
            )
    return columns


def _treatment(sources: Sequence[Source]) -> str:
    """Return the only column that all results can be asked of."""
    factors = {g.factor for s in sources for g in s.formula.groups}
    factors |= {s.anova.group or "" for s in sources if s.kind == "anova"}
    shared = [c for c in sources[0].columns if all(c in s.columns for s in sources)]
    choices = [c for c in shared if c not in factors]
    if len(choices) == 1:
        return choices[0]
    raise OptionError(
        f"Several columns can be compared: give treatment={choices[0]!r}, or another of "
        f"{', '.join(map(repr, choices))}."
        if choices
        else "The results have no population-level column in common, so that there is no "
        "contrast that all of them have."
    )


def _group(sources: Sequence[Source], group: str | None) -> str | None:
    """Return the column whose levels are shown, one dot each."""
    if group is None:
        for source in sources:
            for term in source.formula.groups:
                return term.factor
            if source.kind == "anova" and source.anova.group is not None:
                return source.anova.group
        return None
    known = [name for source in sources for name in known_groups(source)]
    if group not in known:
        raise OptionError(
            f"group={group!r} is no column of these results." + near_matches(str(group), set(known))
        )
    return group


def _check_readings(sources: Sequence[Source], treatment: str) -> None:
    """Refuse the slope of a number beside differences of its levels: no row would be of both."""
    numeric: list[Source] = []
    factor: list[Source] = []
    known: list[Any] = []
    for source in sources:
        if source.design is None:
            factor.append(source)
            continue
        model = Specification(source.formula, source.design)
        labels = has_labels(model, treatment)
        (factor if labels else numeric).append(source)
        if not labels:
            known = list(coding_of(model, treatment).levels)
    # Of two values there is one difference, however they are read.
    if numeric and factor and len(known) > 2:
        raise OptionError(
            f"{treatment!r} is a number in {numeric[0].title}, which has a slope, and a factor in "
            f"{factor[0].title}, which has a difference for each level. Say which to compare, "
            f"such as values=[{known[0]:.4g}, {known[-1]:.4g}], or write the column alike in all "
            "formulas."
        )


def _compared(
    sources: Sequence[Source], columns: Mapping[str, Any], pairs: Comparing | Sequence[Comparing]
) -> dict[str, Comparison]:
    """Settle the values once, so that all results have one reference; none asks the result."""
    own = zip(columns, read_pairs(pairs, list(columns)), strict=True)
    for source in sources:
        if source.design is not None:
            model = Specification(source.formula, source.design)
            return {name: comparison(model, name, columns[name], one) for name, one in own}
    return {}


def _response(sources: Sequence[Source], scale: Scale) -> str:
    """Name what the means are means of."""
    for source, base in zip(sources, scale.bases, strict=True):
        if source.kind == "posterior" and base is None:
            return effects.response_label(source.posterior.model)
    return scale.response


def _caption(
    sources: Sequence[Source], scale: Scale, answers: Sequence[Answers], n_contrasts: int
) -> list[str]:
    """Say what the figure itself does not show."""
    out = []
    by_kind: dict[bool, list[str]] = {True: [], False: []}
    for source, base in zip(sources, scale.bases, strict=True):
        if source.response not in (names := by_kind[base is not None]):
            names.append(source.response)
    if by_kind[True]:
        said = f"of {' and '.join(by_kind[True])}: ratios of geometric means"
        said += f"; of {by_kind[False][0]}: ratios of means" if by_kind[False] else ""
        out.append(said)
    out += averaging_words(answers)
    sizes = {name: _rows(source) for source in sources for name in [source.title]}
    if len(set(sizes.values())) > 1:
        out.append("rows: " + ", ".join(f"{n:,} ({name})" for name, n in sizes.items()))
    if n_contrasts > CONTRASTS:
        more = how_many(n_contrasts - CONTRASTS, "more contrast")
        out.append(f"{more} not drawn: choose by values=")
    return out


def _rows(source: Source) -> int:
    """Count the rows that a result is of."""
    if source.design is None:
        return int(source.paired.counts.sum())
    weights = source.design.weights
    return int(source.design.row.size if weights is None else weights.sum())
