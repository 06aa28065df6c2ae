"""Figures of how the draws were made: chains, ranks, pairs of parameters, divergences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.errors import OptionError
from winstan.fitted.parameters import Parameter, long_draws, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotnine import ggplot

    from winstan.fitted.fitted_model import FittedModel

PANELS = 12
"""Parameters of a figure with a panel for each."""
PAIRS = 5
"""Parameters of a figure with a panel for every two."""


def plot_trace(fit: FittedModel, names: str | Sequence[str] | None = None) -> ggplot:
    """Draw the chains of each parameter, draw by draw; divergent draws are marked.

    Parameters
    ----------
    names
        Parameters (``"sigma"``, ``"1|mouse[m3]"``), all of one name (``"1|mouse"``), or a class
        (``"b"``, ``"sd"``, ``"corr"``). By default all but the group effects. Twelve fit a
        figure; the caption counts the others.

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
    >>> figure = fit.plot_trace("stim")
    """
    from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

    parameters, caption = panels(fit, names, PANELS)
    chain, draw = np.nonzero(_diverging(fit))
    return plots.plot_trace(
        long_draws(parameters),
        diagnostics=mixing(fit, parameters),
        divergent=pd.DataFrame({"chain": chain, "draw": draw}),
        caption=caption,
    )


def plot_rank(fit: FittedModel, names: str | Sequence[str] | None = None) -> ggplot:
    """Draw how the ranks of each chain's draws are spread: evenly, if the chains agree.

    Parameters
    ----------
    names
        As for `plot_trace`.

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
    >>> figure = fit.plot_rank("stim")
    """
    from winstan import plots  # noqa: PLC0415

    parameters, caption = panels(fit, names, PANELS)
    return plots.plot_rank(
        long_draws(parameters), diagnostics=mixing(fit, parameters), caption=caption
    )


def plot_pairs(fit: FittedModel, names: str | Sequence[str] | None = None) -> ggplot:
    """Draw every two parameters against each other, the divergent draws marked.

    Standard deviations are on a logarithmic scale, where the funnels that cause divergences
    can be seen.

    Parameters
    ----------
    names
        As for `plot_trace`; to look into a funnel, an sd and an effect of it:
        ``["1|mouse_sigma", "1|mouse[m3]"]``. Five fit a figure, group sds first, then
        coefficients; the caption counts the others.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    OptionError
        If a name is unknown, or there is only one parameter.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> figure = fit.plot_pairs(["stim", "alpha"])
    """
    from winstan import plots  # noqa: PLC0415

    parameters, caption = panels(fit, names, PAIRS, first=("sd", "coefficient", "correlation"))
    table = {}
    positive = {p.name for p in fit.model.family.parameters[1:] if p.domain == "positive"}
    for parameter in parameters:
        logged = parameter.role == "sd" or parameter.name in positive
        values = parameter.values.ravel()
        table[f"log {parameter.name}" if logged else parameter.name] = (
            np.log(values) if logged else values
        )
    draws = pd.DataFrame(table).assign(diverging=_diverging(fit).ravel())
    return plots.plot_pairs(draws, caption=caption)


def _diverging(fit: FittedModel) -> np.ndarray:
    """Tell which draws are divergent: shape (chains, draws)."""
    stats = fit.draws["sample_stats"]
    if "diverging" in stats:
        return stats["diverging"].to_numpy().astype(bool)
    posterior = fit.draws["posterior"]
    return np.zeros((posterior.sizes["chain"], posterior.sizes["draw"]), bool)


def mixing(fit: FittedModel, parameters: Sequence[Parameter]) -> pd.DataFrame:
    """R-hat and effective draws of some parameters."""
    table = fit._table.loc[[p.name for p in parameters]]
    return table.assign(parameter=[p.name for p in parameters])[["parameter", "r_hat", "ess_bulk"]]


def panels(
    fit: FittedModel,
    names: str | Sequence[str] | None,
    most: int,
    first: Sequence[str] = (),
) -> tuple[tuple[Parameter, ...], str]:
    """Return the parameters that a figure holds, and what to say of the others.

    Where not all fit, those of the roles named `first` come first.
    """
    found = select(fit.model, fit.draws, names)
    if not found:
        raise OptionError("No parameters: give names=, such as names='1|mouse'.")
    place = {role: i for i, role in enumerate(first)}
    ranked = sorted(found, key=lambda p: place.get(p.role, len(place)))
    kept = {p.name for p in ranked[:most]}
    shown = tuple(p for p in found if p.name in kept)
    left = [p.name for p in found if p.name not in kept]
    effects = [v.name for v in fit.model.variables if v.role == "effect"]
    parts = []
    if left:
        parts.append(f"{len(left)} more not drawn: names=[{left[0]!r}, ...]")
    if names is None and effects:
        parts.append(f"group effects not drawn: names={effects[0]!r}")
    return shown, "; ".join(parts)
