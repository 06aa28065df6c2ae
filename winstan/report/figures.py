"""The figures of a report's page, as pictures inside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from winstan.effects.comparisons import has_labels, population_predictors
from winstan.effects.estimands import choose_estimand
from winstan.effects.own_values import own_values
from winstan.errors import WinstanError
from winstan.fitted.chains import plot_trace
from winstan.fitted.figures import plot_conditional, plot_difference
from winstan.fitted.group_figures import plot_intercepts
from winstan.fitted.intervals import plot_forest
from winstan.fitted.predictive_checks import plot_predictive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Whose

PREDICTORS = 4
"""Predictors that have figures of their own."""
DPI = 160


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to draw.

    Attributes
    ----------
    caption : str
    draw : callable
        Gives the plot.
    """

    caption: str
    draw: Callable[[], Any]


def figures_of(
    fit: FittedModel, *, prob: float, unit: str | None, groups: Whose | None = None
) -> tuple[list[Figure], list[Figure], str]:
    """Choose the figures: of what the fit says, of whether to trust it; and what is left out."""
    model = fit.model
    predictors = population_predictors(model)
    results = [_figure_of(fit, name, prob, unit, groups) for name in predictors[:PREDICTORS]]
    factors = [group for group in model.design.groups if not group.latent]
    if factors and not model.formula.curves:
        group = factors[0]
        own = own_values(model, group).words
        results.append(
            Figure(
                f"Intercepts by {group.factor}, {f'{own}, ' if own else ''}over the data.",
                lambda: plot_intercepts(fit, prob=prob, unit=unit),
            )
        )
    results.append(
        Figure(
            f"Parameters, with their {100 * prob:g}% intervals.",
            lambda: plot_forest(fit, prob=prob),
        )
    )
    checks = [
        Figure("The data, and data that the model makes.", lambda: plot_predictive(fit, unit=unit)),
        Figure("The chains, draw by draw.", partial(plot_trace, fit)),
    ]
    left = predictors[PREDICTORS:]
    words = (
        f"Not drawn: {len(left)} more predictors ({', '.join(left[:5])}"
        f"{', …' if len(left) > 5 else ''}); fit.plot_difference and fit.plot_conditional draw "
        "them."
        if left
        else ""
    )
    return results, checks, words


def _figure_of(
    fit: FittedModel, name: str, prob: float, unit: str | None, groups: Whose | None
) -> Figure:
    """Choose the figure of a predictor: a curve along a number, or differences."""
    words = choose_estimand(fit.model, groups, [name]).words
    whose = f", {words}" if words else ""
    several = fit.model.design.predictors[name].nunique() > 2
    if several and not has_labels(fit.model, name):
        return Figure(
            f"The mean response along {name}{whose}, over the data.",
            lambda: plot_conditional(fit, name, prob=prob, unit=unit, groups=groups),
        )
    return Figure(
        f"The effect of {name}{whose}: posterior, and the differences in the data.",
        lambda: plot_difference(fit, name, prob=prob, unit=unit, groups=groups),
    )


def as_html(figures: list[Figure]) -> Iterator[str]:
    """Draw figures; one that cannot be drawn for this model says why."""
    for figure in figures:
        caption = escape(figure.caption)
        try:
            plot = figure.draw()
        except WinstanError as error:
            yield f'<p class="soft">{caption} Not drawn: {escape(str(error))}</p>'
            continue
        width, png = _png(plot)
        data = base64.b64encode(png).decode("ascii")
        yield (
            f'<figure><img alt="{caption}" width="{width}" src="data:image/png;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )


def _png(plot: Any) -> tuple[int, bytes]:
    """Draw a plot; the width at which it is shown is that of its print, at 96 pixels an inch."""
    out = BytesIO()
    plot.save(out, format="png", dpi=DPI, verbose=False)
    inches = plot.theme.getp("figure_size")[0]
    # Half as large again as in print: screens are read from farther away.
    return round(inches * 96 * 1.5), out.getvalue()
