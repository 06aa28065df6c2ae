"""Figures of a fit's parameters: intervals and posteriors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import effects
from winstan.design import MEAN
from winstan.errors import OptionError
from winstan.fitted.parameters import select
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.design import Term
    from winstan.effects.specification import Specified
    from winstan.fitted.fitted_model import FittedModel
    from winstan.fitted.parameters import Parameter
    from winstan.model import Model
    from winstan.options import Interval
    from winstan.variables import Variable

SIGNED = ("coefficient", "correlation", "effect")
"""Roles of parameters that can be on either side of zero."""
ON_LINK = ("coefficient", "sd", "effect")
"""Roles of parameters on the scale of the linear predictor."""
INNER = 0.5
"""Probability of the thick line of a forest's intervals."""
PANELS_MOST = 12
"""Posteriors of a figure with a panel for each."""
PANELS = {
    "coefficient": "coefficients",
    "sd": "group sds",
    "correlation": "correlations",
    "auxiliary": "family parameters",
    "simplex": "shares of monotonic steps",
}
"""Titles of a forest's panels, by role."""


def plot_forest(
    fit: FittedModel,
    names: str | Sequence[str] | None = None,
    *,
    prob: float = 0.94,
    interval: Interval = "hdi",
    standardise: bool = False,
) -> ggplot:
    """Draw all coefficients, standard deviations and the like as intervals.

    Parameters of different roles have axes of their own, and so have coefficients whose scales
    differ too much for one.

    Parameters
    ----------
    names
        Parameters (``"sigma"``), all of one name (``"1|mouse"``), or a class (``"b"``,
        ``"sd"``, ``"corr"``). By default all but the group effects. Sixty fit a figure; the
        caption counts the others.
    prob, interval
        As for `summary`.
    standardise
        Multiply coefficients and the sds of slopes by the sd of their predictor over the rows:
        the change for one sd, so that predictors in different units can be compared. Intercepts
        stay as they are.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If a name is unknown.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_forest()
    """
    check_flags(standardise=standardise)
    from winstan import plots  # noqa: PLC0415

    effects.interval_names(prob, interval)  # refuses what is none, before any work
    parameters = select(fit.model, fit.draws, names)
    if not parameters:
        raise OptionError("No parameters: give names=, such as names='1|mouse'.")
    factor = _sds_of_predictors(fit.model) if standardise else {}
    rows = []
    for parameter in parameters:
        values = parameter.values.ravel() * factor.get(parameter.name, 1.0)
        ends = np.ravel(effects.interval_ends(values, prob, interval))
        inner = np.ravel(effects.interval_ends(values, INNER, interval))
        is_effect = parameter.role == "effect"
        rows.append(
            {
                "parameter": parameter.label if is_effect else parameter.name,
                "panel": _panel(fit.model, parameter),
                "zero": parameter.role in SIGNED and not parameter.of.constant,
                "mean": values.mean(),
                "lower": ends[0],
                "upper": ends[1],
                "inner_lower": inner[0],
                "inner_upper": inner[1],
            }
        )
    return plots.plot_forest(
        pd.DataFrame(rows),
        prob=prob,
        inner=INNER,
        interval=interval,
        title="for one sd of each predictor" if standardise else "",
        caption="" if names is not None else _effects_left_out(fit),
    )


def plot_posterior(
    fit: FittedModel,
    name: str,
    *,
    contrast: bool = False,
    ratio: bool = False,
    groups: Whose | None = None,
    rope: float | tuple[float, float] | bool | None = None,
    ref: float | None = None,
    prob: float = 0.94,
    unit: str | None = None,
) -> ggplot:
    """Draw a posterior with its interval, its mean, and what lies on each side of a value.

    Parameters
    ----------
    name
        A parameter (``"stim"``, ``"1|mouse_sigma"``, ``"1|mouse[m3]"``), all of one name, or a
        class, as for `plot_forest`; with `contrast` or `ratio`, a treatment.
    contrast, ratio
        Draw the difference, or the ratio, of the mean responses: the posterior of `contrast`.
    groups
        Of a contrast, whose means, as for `contrast`; the caption says it.
    rope
        A region of practical equivalence, within which an effect is as good as none: its ends,
        or its half-width, as for `contrast`; True is the default region of `contrast`, for
        contrasts and ratios. The share of draws in it is written. By default none is drawn.
    ref
        A value to compare with; by default that of no effect, for coefficients and contrasts.
    prob
        Probability of the HDI.
    unit
        Unit of the values, for the axis.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If the name is unknown, or `rope` is no interval.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_posterior("stim", contrast=True, rope=5, unit="Hz")
    """
    check_flags(contrast=contrast, ratio=ratio)
    from winstan import plots  # noqa: PLC0415
    from winstan.plots.words import contrast_text  # noqa: PLC0415

    effects.interval_names(prob, "hdi")
    caption = ""
    if groups is not None and not (contrast or ratio):
        raise OptionError("groups= is of contrasts: add contrast=True, or leave it out.")
    if contrast or ratio:
        given = None if isinstance(rope, bool) else rope
        result = effects.contrast(
            fit.model, fit.joined(), name, ratio=ratio, rope=given, groups=groups
        )
        caption = result.estimand.words
        region = None if rope is None or rope is False else result.rope
        if region is not None and not np.isfinite(region).all():
            region = None
        draws = effects.contrast_draws(result).rename(columns={"contrast": "name"})
        table = effects.contrast_table(result, prob, "hdi").rename(columns={"contrast": "name"})
        what = effects.response_label(fit.model)
        title = f"{'Ratio of' if ratio else 'Difference in'} {what} ({name}"
        title += f" {contrast_text(table['name'].iloc[0], None)})" if len(table) == 1 else ")"
        no_effect: float | None = 1.0 if ratio else 0.0
        summary = ends_renamed(table)
    else:
        parameters = select(fit.model, fit.draws, [name])
        left = parameters[PANELS_MOST:]
        parameters = parameters[:PANELS_MOST]
        if left:
            caption = f"{len(left)} more not drawn: name one, such as {left[0].name!r}"
        draws = pd.concat(
            pd.DataFrame({"name": p.name, "value": p.values.ravel()}) for p in parameters
        )
        summary = ends_renamed(
            pd.DataFrame(
                {"name": p.name} | effects.describe(p.values.ravel(), prob, "hdi")
                for p in parameters
            )
        )
        title = name if len(parameters) == 1 else "posterior"
        signed = all(p.role in SIGNED and not p.of.constant for p in parameters)
        no_effect = 0.0 if signed else None
        if rope is True:
            raise OptionError(
                f"rope=True is the region of a contrast; for the parameter {name!r} give its "
                "ends or its half-width, such as rope=0.1."
            )
        region = None if rope is None or rope is False else _region(rope)
        scales = {_scale(fit.model, p.of) for p in parameters}
        if len(scales) == 1:
            title += scales.pop()
    return plots.plot_posterior(
        draws,
        summary,
        title=title,
        prob=prob,
        rope=region,
        ref=no_effect if ref is None else ref,
        unit=None if ratio else unit,
        log=ratio,
        caption=caption,
    )


def scale_of_coefficients(model: Specified) -> str:
    """Say on which scale coefficients are, where it is not the data's."""
    link = model.family.mean_link or model.link.name
    return "" if link == "identity" else f" ({link} scale)"


def _scale(model: Model, of: Variable) -> str:
    """Say on which scale a variable is, where it is not the data's."""
    if of.role in ON_LINK and model.family.of_categories:
        if model.family.kind == "unordered":
            return f" ({model.family.parameter(of.parameter).label})"
        return f" ({model.link.name} scale)"
    return scale_of_coefficients(effects.about(model, of.parameter)) if of.role in ON_LINK else ""


def _panel(model: Model, parameter: Parameter) -> str:
    """Name the panel of a forest: by role, by whose linear predictor, and by scale."""
    of = parameter.of
    name = of.name if of.role == "effect" else PANELS[of.role]
    if of.parameter != MEAN and of.role != "effect":
        shared = model.family.parameter(of.parameter).shared_name
        name += f" of {shared or of.parameter}"
    return name + _scale(model, of)


def _effects_left_out(fit: FittedModel) -> str:
    """Say how to draw the group effects, where there are any."""
    names = [v.name for v in fit.model.variables if v.role == "effect"]
    return f"group effects not drawn: names={names[0]!r}" if names else ""


def _region(rope: float | tuple[float, float]) -> tuple[float, float]:
    """Return the ends of a region given by its half-width; ends are left as they are."""
    return (-rope, rope) if isinstance(rope, int | float) else rope


def _sds_of_predictors(model: Model) -> dict[str, float]:
    """By parameter, the sd over rows of the predictor that it multiplies; constants have none."""
    design = model.design
    weights = np.bincount(design.row, weights=design.weights, minlength=len(design.X))
    out: dict[str, float] = {}

    def take(names: Sequence[str], term: Term, matrix: np.ndarray) -> None:
        for name, column in zip(names, term.columns, strict=True):
            x = matrix[:, column]
            sd = float(
                np.sqrt(np.average((x - np.average(x, weights=weights)) ** 2, weights=weights))
            )
            out[name] = sd or 1.0

    for one in design.every:
        for term in one.terms:
            take(term.column_names, term, one.X)
        for group in (g for g in one.groups if not g.arms and g.shared is None):
            for effect in group.effects:
                take(group.sd_names_of(effect), effect, group.Z)
    return out


def ends_renamed(table: pd.DataFrame) -> pd.DataFrame:
    """Name the interval's ends lower and upper, as the plots have them."""
    ends = [column for column in table.columns if column.startswith(effects.INTERVALS)]
    if len(ends) != 2:
        raise OptionError(
            "This figure draws one interval: give one number, prob=0.94. plot_contrast and "
            "plot_means draw several."
        )
    return table.rename(columns=dict(zip(ends, ("lower", "upper"), strict=True)))
