"""The results: rows of a CSV file, and the tables that readers see."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.designs import DESIGNS
from benchmarks.engines import ENGINES
from benchmarks.measures import largest_z, typical, z_bar
from benchmarks.r_packages import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.design import Design
    from benchmarks.engine import Engine
    from benchmarks.processes import Outcome

NAN = float("nan")
REFERENCE = next(iter(ENGINES))
ALL_DRAWS = 4 * 1000
REPEATED = "lfp"
"""The design whose data others repeat."""
LARGE, LARGE_SECONDS, LARGE_R_HAT = "insteval", 1200, 1.01
"""The design that has goals of its own: to end in time, and its worst R-hat to be below this."""
SITTING = pd.Timedelta(hours=1)
"""Runs of designs that are set beside one another began so near."""
LEAST_ESS, WORST_R_HAT = 200, 1.05
"""Draws that mixed worse have Monte Carlo errors that are not to be relied on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One engine on one design.

    Attributes
    ----------
    design, engine, rows
        Rows of the data.
    status
        ``"ok"``; ``"> 600 s"`` or ``"> 12 GB"``, if it was ended; ``"failed"``;
        ``"not installed"``.
    cold, wall
        Seconds of the first fit, and the median of the warm ones, of which there are ``fits``.
    sampling
        Seconds of the warm ones that the sampler took.
    bulk_per_s, tail_per_s
        Of the warm fits.
    ess_bulk, ess_tail, gradients, divergences, r_hat
        As `typical` gives them, of the warm fits (of the cold one, where it is the only one).
    peak_mb
        Peak memory of the cold fit, in megabytes (1e6 bytes).
    z, bar
        Largest difference of means from the reference's, in Monte Carlo standard errors, and what
        passes by chance.
    means
        ``"agree"``, ``"disagree"``; ``"other model"``; ``"not converged"``; or empty.
    run
        When the design's run began, in UTC.
    """

    design: str
    engine: str
    rows: int
    status: str
    cold: float = NAN
    wall: float = NAN
    sampling: float = NAN
    fits: int = 0
    ess_bulk: float = NAN
    ess_tail: float = NAN
    bulk_per_s: float = NAN
    tail_per_s: float = NAN
    gradients: float = NAN
    divergences: float = NAN
    r_hat: float = NAN
    peak_mb: float = NAN
    z: float = NAN
    bar: float = NAN
    means: str = ""
    run: str = ""


def row_of(
    design: Design, engine: Engine, rows: int, outcome: Outcome, reference: Outcome | None
) -> Row:
    """Sum up what an engine did, beside the reference's fits of the same design."""
    warm = outcome.fits[1:] or outcome.fits
    row = Row(
        design.name,
        engine.name,
        rows,
        outcome.problem or "ok",
        fits=max(0, len(outcome.fits) - 1),
        peak_mb=outcome.peak / 1e6,
    )
    if warm:
        facts: dict[str, Any] = {"cold": outcome.fits[0].wall, **typical(warm)}
        row = replace(row, **facts)
    if len(outcome.fits) == 1:
        row = replace(row, wall=NAN, sampling=NAN, bulk_per_s=NAN, tail_per_s=NAN)
    if not warm or not engine.samples or reference is None or reference is outcome:
        return row
    return replace(row, **_compared(design, engine, outcome, reference))


def _compared(
    design: Design, engine: Engine, outcome: Outcome, reference: Outcome
) -> dict[str, Any]:
    if not engine.exact(design):
        return {"means": "other model"}
    if outcome.means is None or reference.means is None:
        return {}
    bar = z_bar(len(reference.means.names))
    z = largest_z(reference.means, outcome.means)
    last = (reference.fits[-1], outcome.fits[-1])
    if not all(_mixed(fit.bulk, fit.tail, fit.r_hat) for fit in last):
        return {"z": z, "bar": bar, "means": "not converged"}
    # Not `z > bar`: a z that is missing is no agreement.
    return {"z": z, "bar": bar, "means": "agree" if z <= bar else "disagree"}


def _mixed(bulk: float, tail: float, r_hat: float) -> bool:
    return bulk >= LEAST_ESS and tail >= LEAST_ESS and r_hat <= WORST_R_HAT


def framed(rows: Sequence[Row]) -> pd.DataFrame:
    """Gather rows in a data frame, in the order of designs and engines."""
    return _ordered(pd.DataFrame([asdict(row) for row in rows]))


def write(rows: Sequence[Row], path: Path) -> None:
    """Write rows, in place of those that the file has of the same design and engine."""
    table = framed(rows)
    if path.exists():
        table = pd.concat([read(path), table], ignore_index=True)
    table = _ordered(table.drop_duplicates(["design", "engine"], keep="last"))
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g")


def read(path: Path) -> pd.DataFrame:
    """Read what `write` wrote."""
    return pd.read_csv(path, dtype={"means": str, "run": str}).fillna({"means": "", "run": ""})


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    order = {name: i for i, name in enumerate([*DESIGNS, *ENGINES])}
    return table.sort_values(["design", "engine"], key=lambda c: c.map(order), ignore_index=True)


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Compare the reference with its best peer on each design.

    Returns
    -------
    DataFrame
        A row for each design: columns design, rows, wall and ess_per_s (bulk) of the reference,
        peer, peer_ess_per_s, gain (NaN where no peer finished), at_least (the gain over a peer
        whose every draw were effective at the end of its budget; NaN unless all that were tried
        were ended), tail_gain and tail_at_least (the same of tail ESS, whose best peer may be
        another), smaller_gain and smaller_at_least (of the smaller of the two), sampling_gain (over
        the largest rate that a peer has while it samples, what it compiles left out), peer_mixed
        (whether the peer's draws are to be relied on), over_point (the reference's whole wall time
        over that of R's quicker point estimate; NaN without one), goal, tried (how many peers
        were), ended (those that did not finish), untried (without a row, or not installed).
    """
    peers = [engine.name for engine in ENGINES.values() if engine.peer and engine.samples]
    out = []
    for name in dict.fromkeys(table["design"]):
        part = table[table["design"] == name].set_index("engine")
        if REFERENCE not in part.index:
            continue
        part = part.assign(smaller_per_s=part[["bulk_per_s", "tail_per_s"]].min(axis=1))
        own = part.loc[REFERENCE]
        others = part[part.index.isin(peers)]
        rates = others["bulk_per_s"].dropna()
        while_sampling = others["ess_bulk"] / others["sampling"]
        best = rates.idxmax() if len(rates) else ""
        rate = rates.max() if len(rates) else NAN
        ended = others.index[others["bulk_per_s"].isna() & others["status"].str.startswith(">")]
        tried = others.index[others["status"] != "not installed"]
        bound = _largest_rate(others, ended) if len(ended) == len(tried) else NAN
        out.append(
            {
                "design": name,
                "rows": own["rows"],
                "wall": own["wall"],
                "ess_per_s": own["bulk_per_s"],
                "peer": best,
                "peer_ess_per_s": rate,
                **_gain("", own["bulk_per_s"], rate, bound),
                **_gain("tail_", own["tail_per_s"], others["tail_per_s"].max(), bound),
                **_gain("smaller_", own["smaller_per_s"], others["smaller_per_s"].max(), bound),
                "sampling_gain": own["bulk_per_s"] / while_sampling.max(),
                "peer_mixed": bool(best)
                and _mixed(*others.loc[best, ["ess_bulk", "ess_tail", "r_hat"]]),
                "over_point": own["wall"] / part["wall"].reindex(PACKAGES).min(),
                "goal": DESIGNS[name].goal,
                "tried": len(tried),
                "ended": ", ".join(f"{e} {others.loc[e, 'status']}" for e in ended),
                "untried": ", ".join(peer for peer in peers if peer not in tried),
            }
        )
    return pd.DataFrame(out)


def _gain(kind: str, own: float, best: float, bound: float) -> dict[str, float]:
    return {f"{kind}gain": own / best, f"{kind}at_least": own / bound}


def _largest_rate(others: pd.DataFrame, ended: pd.Index) -> float:
    """Return ESS/s of peers whose every draw were effective when they were ended.

    NaN if one was ended for another reason than its budget: of its speed nothing is known.
    """
    statuses = list(others.loc[ended, "status"])
    if not statuses or not all(status.endswith(" s") for status in statuses):
        return NAN
    return ALL_DRAWS / min(
        float(status.removeprefix("> ").removesuffix(" s")) for status in statuses
    )


def missed(table: pd.DataFrame, kind: str = "") -> list[str]:
    """Return the designs whose gain, or least gain, is below the goal, where a peer was tried.

    Parameters
    ----------
    table
        As `read` gives it.
    kind : {"", "tail_", "smaller_"}
        Of bulk ESS (but of designs whose goal is of the smaller, that), of tail ESS, or of the
        smaller of the two.
    """
    out = []
    for row in gains(table).to_dict("records"):
        design = DESIGNS[row["design"]]
        measure = kind or ("smaller_" if design.by_smaller else "")
        gain = np.fmax(row[f"{measure}gain"], row[f"{measure}at_least"])
        if row["tried"] and not gain >= row["goal"]:
            out.append(design.title)
    return out


def faults(table: pd.DataFrame) -> list[str]:
    """Name the reference's fits that have divergences, or of which more was wanted."""
    out = []
    for row in table[table["engine"] == REFERENCE].to_dict("records"):
        title, took = DESIGNS[row["design"]].title, np.fmax(row["wall"], row["cold"])
        # Not `> 0` and the like: what is missing is no success.
        if row["divergences"] != 0:
            out.append(f"{title}: {row['divergences']:.0f} divergences")
        if row["design"] == LARGE and not row["r_hat"] < LARGE_R_HAT:
            out.append(f"{title}: R-hat {row['r_hat']:.4f}")
        if row["design"] == LARGE and not took < LARGE_SECONDS:
            out.append(f"{title}: {took:.0f} s")
    return out


def goals(table: pd.DataFrame) -> str:
    """Say which goals are not reached, in bulk ESS/s and by the smaller of bulk and tail."""
    said = []
    for words, kind in (("bulk ESS/s", ""), ("the smaller of bulk and tail ESS/s", "smaller_")):
        names = missed(table, kind)
        which = f"not reached: {'; '.join(names)}" if names else "all are reached"
        said.append(f"By {words}, {which}.")
    wrong = faults(table)
    of_large = f", and {DESIGNS[LARGE].title} converges" if LARGE in set(table["design"]) else ""
    said.append(f"{'; '.join(wrong)}." if wrong else f"There are no divergences{of_large}.")
    return "Goals: " + " ".join(said)


def summary(table: pd.DataFrame) -> str:
    """Write the gains as a Markdown table."""
    lines = []
    for row in gains(table).to_dict("records"):
        peer = ENGINES[row["peer"]].title if row["peer"] else ""
        if peer and not row["peer_mixed"]:
            peer += ", not converged"
        lines.append(
            [
                DESIGNS[row["design"]].title,
                number(row["wall"]),
                number(row["ess_per_s"]),
                f"{peer}: {number(row['peer_ess_per_s'])}" if row["peer"] else peer,
                *(
                    _said_of_gain(row[f"{kind}gain"], row[f"{kind}at_least"])
                    for kind in ("", "tail_", "smaller_")
                ),
                number(row["sampling_gain"]),
                number(row["over_point"]),
                str(row["goal"]),
                row["ended"],
                row["untried"],
            ]
        )
    head = [
        "design", "wall, s", "bulk ESS/s", "best peer's", "gain", "in tail ESS", "in the smaller",
        "over sampling alone", "whole posterior over point estimate", "goal", "ended", "not tried",
    ]  # fmt: skip
    return markdown(head, lines)


def _said_of_gain(gain: float, at_least: float) -> str:
    return f"> {number(at_least)}" if at_least > 0 else number(gain)


def growth(table: pd.DataFrame) -> list[str]:
    """Say how the wall time grows with rows when cells do not: of the LFP example, 16 cells.

    Of runs that began within `SITTING` of one another: a machine's speed is another on another day.
    """
    own = table[(table["engine"] == REFERENCE) & table["design"].str.match(rf"{REPEATED}\b")]
    began = pd.to_datetime(own["run"], utc=True, errors="coerce")
    apart = (began - began[own["design"] == REPEATED].max()).abs()
    own = own[~(apart > SITTING)]
    wall = dict(zip(own["design"], own["wall"], strict=True))
    least = wall.pop(REPEATED, NAN)
    if not wall or pd.isna(least):
        return []
    ratios = [f"{wall[name] / least:.2f} ({DESIGNS[name].title.split(', ')[1]})" for name in wall]
    return [f"winstan's wall time on the LFP example, over that of 480 rows: {', '.join(ratios)}."]


def of_design(table: pd.DataFrame, name: str) -> str:
    """Write all engines on one design as a Markdown section."""
    design = DESIGNS[name]
    part = table[table["design"] == name].set_index("engine")
    own = part["bulk_per_s"].get(REFERENCE, NAN)
    lines = []
    for engine, row in part.iterrows():
        rate = row["bulk_per_s"]
        ended = row["status"] if row["status"] != "ok" else ""
        lines.append(
            [
                ENGINES[str(engine)].title,
                number(row["wall"]) if row["fits"] else ended or "-",
                number(row["sampling"]),
                number(row["cold"]),
                number(row["ess_bulk"]),
                number(row["ess_tail"]),
                number(rate),
                number(row["tail_per_s"]),
                "" if engine == REFERENCE else number(own / rate),
                number(row["gradients"]),
                number(row["divergences"]),
                "" if pd.isna(row["r_hat"]) else f"{row['r_hat']:.3f}",
                number(row["peak_mb"]),
                _said_of_means(row),
            ]
        )
    head = [
        "engine", "warm, s", "of it sampling", "cold, s", "bulk ESS", "tail ESS", "bulk ESS/s",
        "tail ESS/s", "winstan over it", "gradients a draw", "divergences", "R-hat", "peak, MB",
        "largest z",
    ]  # fmt: skip
    notes = [f"`{design.formula}`, {design.family}; {int(part['rows'].iloc[0]):,} rows."]
    runs = sorted(run[:16].replace("T", " ") for run in set(part["run"]) if run)
    if runs:
        notes.append(f"Run of {' and '.join(runs)} UTC.")
    if design.nearest:
        notes.append(f"bambi cannot express this; it fits `{design.nearest}`, another model.")
    return f"### {design.title}\n\n{' '.join(notes)}\n\n{markdown(head, lines)}"


def _said_of_means(row: pd.Series) -> str:
    z = "" if pd.isna(row["z"]) else f"{row['z']:.1f} (of {row['bar']:.1f})"
    return " ".join(filter(None, [z, "" if row["means"] == "agree" else row["means"]]))


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table; all columns but the first are numbers."""
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    rule = ["-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]

    def line(cells: Sequence[str]) -> str:
        padded = [c.rjust(w) for c, w in zip(cells, widths, strict=True)]
        padded[0] = cells[0].ljust(widths[0])
        return f"| {' | '.join(padded)} |"

    return "\n".join([line(head), line(rule), *map(line, rows)])


def number(value: float) -> str:
    """Write a number to three digits, or nothing where there is none."""
    if pd.isna(value):
        return ""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
