"""The chains of a sampler, for diagnosis: traces and ranks."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    facet_wrap,
    geom_line,
    geom_point,
    geom_rect,
    geom_step,
    guide_legend,
    guides,
    labs,
    scale_color_manual,
    scale_x_continuous,
    scale_y_continuous,
)
from scipy import stats

from winstan.plots.axis import plain_labels
from winstan.plots.composing import Plot
from winstan.plots.panels import as_panels, caption_of, columns_for, theme_panels
from winstan.plots.tables import require_columns, require_finite
from winstan.plots.theme import OKABE_ITO

CHAINS = tuple(
    OKABE_ITO[name] for name in ("blue", "orange", "green", "purple", "sky", "black", "yellow")
)
STEPS = 500
"""Draws of each chain that a trace shows; of more, every second, third, ..."""
BINS = 20
"""Classes of ranks: of 1,000 draws a chain, fifty in each."""
STRIP = 24
"""Longest line of a panel's title, in characters: two panels stand in a column of 90 mm."""
CHANCE = 0.99
"""Probability of the band of a rank plot."""


def plot_trace(
    draws: pd.DataFrame,
    *,
    diagnostics: pd.DataFrame | None = None,
    divergent: pd.DataFrame | None = None,
    caption: str = "",
) -> Plot:
    """Draw the chains of each parameter, one panel a parameter.

    Chains that have converged overlap, without trend. Divergent draws are marked under the chains.

    Parameters
    ----------
    draws
        Columns ``parameter``, ``chain``, ``draw``, ``value``. Panels are in its order.
    diagnostics
        Columns ``parameter``, ``r_hat``, ``ess_bulk``, for the titles of the panels.
    divergent
        Columns ``chain``, ``draw`` of the divergent draws.
    caption
        What else is to be told.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    rows, order = _prepared(draws, diagnostics)
    n_draws = rows["draw"].nunique()
    every = int(np.ceil(n_draws / STEPS))
    marks = _marks(rows, divergent)
    shown = rows[rows["draw"] % every == 0]
    caption = caption_of(
        [
            f"every {_ordinal(every)} draw" if every > 1 else "",
            f"vermillion: {len(marks) // len(order)} divergent draws" if len(marks) else "",
            caption,
        ]
    )
    plot = Plot() + geom_line(
        aes("draw", "value", color="chain", group="chain"), shown, size=0.25, alpha=0.8
    )
    if len(marks):
        plot += geom_point(
            aes("draw", "value"),
            marks,
            shape="|",
            size=2,
            color=OKABE_ITO["vermillion"],
            stroke=0.5,
        )
    return _finished(plot, rows, order, caption, x="draw", y="", free="free_y")


def plot_rank(
    draws: pd.DataFrame, *, diagnostics: pd.DataFrame | None = None, caption: str = ""
) -> Plot:
    """Draw how the ranks of each chain's draws, among those of all chains, are spread.

    Of chains that have converged, each has its share of all ranks: the steps stay about one. The
    grey band holds a step with probability 0.99 if draws are independent; draws of a slowly mixing
    chain leave it more often. Rank plots show what traces hide when tails are long (Vehtari,
    Gelman, Simpson, Carpenter and Burkner 2021, Bayesian Analysis 16, 667-718).

    Parameters
    ----------
    draws, diagnostics, caption
        As for `plot_trace`.

    Returns
    -------
    plotnine.ggplot

    Raises
    ------
    DataError
        If a table lacks a column or has no row.
    """
    rows, order = _prepared(draws, diagnostics)
    total = rows.groupby("panel", observed=True)["value"].transform("size")
    rank = rows.groupby("panel", observed=True)["value"].rank(method="first")
    rows["bin"] = np.minimum(((rank - 0.5) / total * BINS).astype(int), BINS - 1)
    counts = pd.crosstab([rows["panel"], rows["chain"]], rows["bin"])
    counts = counts.reindex(columns=range(BINS), fill_value=0)
    n_draws = counts.sum(axis=1)
    share = counts.div(n_draws / BINS, axis=0)
    # The last class once more, so that its step is as wide as the others.
    share[BINS] = share[BINS - 1]
    steps = share.reset_index().melt(["panel", "chain"], var_name="bin", value_name="share")
    steps["bin"] = steps["bin"].astype(int)
    steps["rank"] = 100 * steps["bin"] / BINS
    n, size = int(n_draws.iloc[0]), len(rows) // len(order)
    low, high = stats.hypergeom(size, size // BINS, n).interval(CHANCE)
    band = pd.DataFrame(
        {"low": [low * BINS / n], "high": [high * BINS / n], "left": [0.0], "right": [100.0]}
    )
    caption = caption_of(
        [f"grey: {CHANCE:.0%} of the steps of chains of independent draws", caption]
    )
    plot = (
        Plot()
        + geom_rect(aes(xmin="left", xmax="right", ymin="low", ymax="high"), band, fill="#E6E6E6")
        + geom_step(aes("rank", "share", color="chain", group="chain"), steps, size=0.6)
        + scale_x_continuous(breaks=[0, 50, 100], expand=(0, 2))
    )
    return _finished(
        plot,
        rows,
        order,
        caption,
        x="rank among all draws, percent",
        y="draws / expected",
        free="fixed",
    )


def _prepared(
    draws: pd.DataFrame, diagnostics: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the draws with their panel, whose title tells R-hat and ESS."""
    require_columns(draws, "draws", ["parameter", "chain", "draw", "value"])
    require_finite("draws", draws["value"], positive=False)
    names = draws["parameter"].astype(str)
    order = list(dict.fromkeys(names))
    titles = {name: name for name in order}
    if diagnostics is not None:
        require_columns(diagnostics, "diagnostics", ["parameter", "r_hat", "ess_bulk"])
        columns = (diagnostics[c] for c in ("parameter", "r_hat", "ess_bulk"))
        for name, r_hat, ess in zip(*columns, strict=True):
            if str(name) in titles:
                titles[str(name)] += f"\nR-hat {r_hat:.3f}, ESS {ess:.0f}"
    titled = [titles[name] for name in order]
    chains = [f"chain {chain}" for chain in sorted(draws["chain"].unique())]
    rows = draws.assign(
        panel=as_panels(names.map(titles), titled, STRIP),
        chain=pd.Categorical([f"chain {chain}" for chain in draws["chain"]], chains),
    )
    return rows, order


def _marks(rows: pd.DataFrame, divergent: pd.DataFrame | None) -> pd.DataFrame:
    """Return the divergent draws, placed under the chains of every panel."""
    if divergent is None or divergent.empty:
        return pd.DataFrame()
    require_columns(divergent, "divergent", ["chain", "draw"])
    spans = rows.groupby("panel", observed=True)["value"].agg(["min", "max"])
    floor = (spans["min"] - 0.06 * (spans["max"] - spans["min"])).rename("value").reset_index()
    return divergent[["draw"]].merge(floor, how="cross")


def _finished(
    plot: Plot, rows: pd.DataFrame, order: list[str], caption: str, *, x: str, y: str, free: str
) -> Plot:
    chains = list(rows["chain"].cat.categories)
    ncol = columns_for(len(order), most=2)
    titles = rows["panel"].cat.categories
    return (
        plot
        + facet_wrap("panel", ncol=ncol, scales=free)
        + scale_y_continuous(labels=plain_labels)
        + scale_color_manual(values=dict(zip(chains, cycle(CHAINS), strict=False)), breaks=chains)
        + guides(color=guide_legend(nrow=1 if len(chains) <= 8 else 2, override_aes={"size": 1.2}))
        + labs(x=x, y=y, color="", caption=caption)
        + theme_panels(
            len(order),
            ncol,
            height=33.0,
            caption=caption,
            strip=max(title.count("\n") + 1 for title in titles),
            extra=5,
        )
    )


def _ordinal(n: int) -> str:
    return {2: "second", 3: "third"}.get(n, f"{n}th")
