"""Quantile residuals of a fit, and their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import effects
from winstan.effects.comparisons import check_predictor, has_labels
from winstan.effects.observed import labels_of, ordered_labels
from winstan.effects.pit import residuals as made
from winstan.effects.replicates import check_seed
from winstan.options import Foretold, check_option, check_probability

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.fitted.fitted_model import FittedModel

WHAT = {"loo": "from all other rows", "posterior": "from all rows"}
MOST_LEVELS = 12
"""Values of a number that are taken as levels."""


def residuals(fit: FittedModel, *, given: Foretold = "loo", seed: int = 0) -> pd.DataFrame:
    """Give each response its place in the distribution that the model foretells for it.

    The place is P(Y <= y), the probability integral transform (PIT): uniform over rows if the model
    is right. Of whole numbers, and of responses behind a limit, it is drawn between the
    probabilities just below and up to what was seen, so that it is uniform as well. The residual is
    its normal score: the randomised quantile residual (Dunn and Smyth 1996).

    Parameters
    ----------
    given : {"loo", "posterior"}
        What a row is foretold from: all other rows (LOO-PIT, by Pareto-smoothed importance
        sampling), or all, itself among them, which draws residuals towards zero.
    seed
        Of what is drawn. The same seed gives the same.

    Returns
    -------
    DataFrame
        Columns row (position in the data, counted from 0), those of the formula's right side,
        observed, mean (foretold: of successes their number, of categories the mean place, of
        angles the direction), pit, and residual. A row with a frequency weight of 3 is there three
        times; one that counts categories for each response that it counts. Truncated responses are
        held to what is within their bounds; rows of correlated residuals are foretold from the
        others of their unit. Where an engine has grouped the rows, a sample of 20,000 of them,
        numbered from 0.

    Raises
    ------
    OptionError
        For unordered categories, or weights that are no whole numbers.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, "gamma", seed=1, silence="all")
    >>> by_mouse = fit.residuals().groupby("mouse", observed=True)["residual"].mean()
    >>> bool(by_mouse.abs().max() < 1)
    True
    """
    check_option("given", given, Foretold)
    chains = fit.draws["posterior"].sizes["chain"]
    model = effects.single_rows(fit.model, "Residuals are")
    return made(model, fit.joined(), chains, check_seed(seed), loo=given == "loo")


def plot_residuals(
    fit: FittedModel,
    by: str | None = None,
    *,
    given: Foretold = "loo",
    seed: int = 0,
    prob: float = 0.94,
) -> ggplot:
    """Draw quantile residuals along the mean, along a predictor, or by unit.

    If the model is right they are standard normal everywhere: means away from zero show what the
    formula lacks, a spread that changes what the family lacks.

    Parameters
    ----------
    by
        A column of the formula; None is the mean that is foretold.
    given, seed
        As for `residuals`.
    prob
        Of the bars: where the means of so many groups are if the model is right.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As `residuals`, and for an unknown column.

    Examples
    --------
    >>> fit.plot_residuals("mouse")  # doctest: +SKIP
    """
    from winstan import plots  # noqa: PLC0415

    effects.interval_names(prob, "eti")
    check_option("given", given, Foretold)
    model = effects.single_rows(fit.model, "Residuals are")
    factors = [group.factor for group in model.design.groups]
    if by is not None and by not in factors:
        check_predictor(model, by, "by=")
    table = residuals(fit, given=given, seed=seed)
    x: pd.Series | pd.Categorical = table["mean"]
    labels = False
    if by is not None:
        place = pd.Index(model.design.kept).get_indexer(table["row"])
        values = labels_of(model, by)
        labels = by in factors or has_labels(model, by) or len(pd.unique(values)) <= MOST_LEVELS
        x = ordered_labels(model, by)[place] if labels else values[place].astype(float)
    return plots.plot_residuals(
        pd.DataFrame({"x": x, "residual": table["residual"].to_numpy()}),
        along=by or "Mean that is foretold",
        labels=labels,
        what=_what(fit, given),
        prob=prob,
    )


def plot_pit(
    fit: FittedModel,
    by: str | None = None,
    *,
    given: Foretold = "loo",
    seed: int = 0,
    alarms: float = 0.05,
) -> ggplot:
    """Draw the distribution of PIT values: its difference from a uniform one, within a band.

    Above the band at the left and below it at the right the responses spread more than the model
    has it; a slope across the middle is a spread that is too wide (Sailynoja, Buerkner and
    Vehtari 2022).

    Parameters
    ----------
    by
        A column of the formula: a panel for each of its levels.
    given, seed
        As for `residuals`.
    alarms
        The probability that a line leaves its band although the model is right.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        As `plot_residuals`, or if `alarms` is no probability.

    Examples
    --------
    >>> fit.plot_pit()  # doctest: +SKIP
    """
    from winstan import plots, uniformity  # noqa: PLC0415

    check_probability("alarms", alarms, 0.05)
    check_option("given", given, Foretold)
    model = effects.single_rows(fit.model, "Residuals are")
    if by is not None and by not in [group.factor for group in model.design.groups]:
        check_predictor(model, by, "by=")
    table = residuals(fit, given=given, seed=seed)
    panels: dict[str, np.ndarray] = {"": table["pit"].to_numpy()}
    if by is not None:
        place = pd.Index(model.design.kept).get_indexer(table["row"])
        levels = ordered_labels(model, by)[place]
        panels = {
            f"{by} {level}": table["pit"].to_numpy()[levels.codes == k]
            for k, level in enumerate(levels.categories)
        }
    lines, bands = uniformity.differences(panels, alarms / len(panels))
    return plots.plot_calibration(
        lines,
        bands,
        alarms=alarms,
        caption=f"PIT of each row, foretold {_what(fit, given)}",
        axis="PIT",
    )


def _what(fit: FittedModel, given: Foretold) -> str:
    note = effects.sample_note(fit.model)
    return f"{WHAT[given]},\n{note}" if note else WHAT[given]
