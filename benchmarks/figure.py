"""The figure of the docs: effective draws per second of every engine on every design."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotnine import (
    aes,
    element_line,
    geom_line,
    geom_point,
    ggplot,
    labs,
    scale_color_manual,
    scale_shape_manual,
    scale_x_log10,
    scale_y_discrete,
    theme,
)

from benchmarks.designs import MAIN
from benchmarks.engines import ENGINES
from winstan.plots.theme import OKABE_ITO, theme_winstan

_COLOURS = ("blue", "sky", "vermillion", "orange", "black")
_SHAPES = ("o", "s", "^", "D", "v")
_ROW_MM = 7.0


def _decades(rates: pd.Series) -> list[float]:
    low, high = np.floor(np.log10(rates.min())), np.ceil(np.log10(rates.max()))
    return [10.0**power for power in np.arange(low, high + 1)]


def figure(table: pd.DataFrame, *, width: float = 180.0) -> ggplot:
    """Draw ESS/s, a line for each design and a mark for each engine.

    Parameters
    ----------
    table
        As `benchmarks.table.read` gives it. The main designs are drawn.
    width
        In mm.
    """
    engines = [engine for engine in ENGINES.values() if engine.samples]
    table = table[table["design"].isin(MAIN)]
    shown = table[table["bulk_per_s"].notna()]
    engines = [engine for engine in engines if engine.name in set(shown["engine"])]
    titles = [MAIN[name].title for name in MAIN if name in set(shown["design"])]
    data = pd.DataFrame(
        {
            "design": [MAIN[name].title for name in shown["design"]],
            "engine": pd.Categorical(
                [ENGINES[name].title for name in shown["engine"]],
                [engine.title for engine in engines],
            ),
            "rate": shown["bulk_per_s"].to_numpy(),
        }
    )
    nearest = [design for design in MAIN.values() if design.nearest and design.title in titles]
    notes = [f"{d.title}: bambi has no such model, and fits {d.nearest}." for d in nearest]
    ended = table[table["status"].str.startswith(">") & table["bulk_per_s"].isna()]
    for name in dict.fromkeys(ended["design"]):
        part = ended[ended["design"] == name]
        pairs = zip(part["engine"], part["status"], strict=True)
        said = [f"{ENGINES[engine].title} ({status})" for engine, status in pairs]
        notes.append(f"{MAIN[name].title}: ended were {', '.join(said)}.")
    place = {engine: i for i, engine in enumerate(e for e in ENGINES.values() if e.samples)}
    return (
        ggplot(data, aes("rate", "design"))
        + geom_line(aes(group="design"), color="#bbbbbb", size=0.5)
        + geom_point(aes(color="engine", shape="engine"), size=2.2)
        + scale_x_log10(
            breaks=_decades(shown["bulk_per_s"]),
            labels=lambda ticks: [f"{tick:,.10g}" for tick in ticks],
        )
        + scale_y_discrete(limits=titles[::-1])
        + scale_color_manual([OKABE_ITO[_COLOURS[place[engine]]] for engine in engines])
        + scale_shape_manual([_SHAPES[place[engine]] for engine in engines])
        + labs(
            x="Effective draws per second (the worst parameter's)", y="", caption="\n".join(notes)
        )
        + theme_winstan(width=width, height=28 + _ROW_MM * len(titles) + 4 * len(notes))
        + theme(panel_grid_major_x=element_line(color="#e5e5e5", size=0.4))
    )
