"""The page of calibration in the docs, from what `python -m benchmarks.sbc --kept` has kept.

`python -m benchmarks.sbc_page out/calibration` writes docs/calibration.md, its table and figure.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.sbc import Case, cases, stem_of
from winstan.calibration.quantities import LIKELIHOOD
from winstan.plots import plot_calibration
from winstan.uniformity import differences, p_value

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCS = Path(__file__).resolve().parents[1] / "docs"
ALARMS = 0.01
_INTRODUCTION = """\
# Calibration

`make sbc` draws parameters from priors, responses from the family, fits them at winstan's default
settings, and ranks each true parameter among its posterior draws, and each contrast and the log
likelihood beside them ([`ws.calibrate`](../winstan/calibration/calibrating.py) does the same on
your design). Ranks are uniform if density, coordinates, sampler, generator and estimands are all
right. The designs are small (48 rows, 8 groups, 6 crossed items), where posteriors are least
normal; the priors are those of [`benchmarks/sbc.py`](../benchmarks/sbc.py). A response of the
simulation can be one that no model is of (all counts zero): winstan refuses it, and the
simulation counts as **failed**. **Divergent** and **not converged** are fits with a divergence,
or that their own verdict does not trust. **Smallest p** is that of the quantity whose ranks stray
furthest from uniform ones anywhere (exact for the whole distribution function), and **adjusted**
what it is for the worst of so many quantities.

The exponentially modified normal and the shifted lognormal are the two families whose default fits
of so few rows often want more draws: the parts of their noise trade places along a curve that no
metric straightens. Their ranks are uniform, and of 400 rows in 10 groups such fits converged.
Of the other fits with divergences most have one or two in 4,000 draws, which smaller steps cure, as
their verdicts say; hurdle models with groups have more, where few rows are above zero.

"""


def collected(kept: Path) -> pd.DataFrame:
    """Return a row for each case that was kept, in the order of the cases."""
    return pd.DataFrame(
        [_row(case, path) for case in cases() for path in _ranks_of(kept, case.name)]
    )


def _ranks_of(kept: Path, name: str) -> list[Path]:
    """Return the files of a case, one for each seed."""
    stem = f"{stem_of(name)}_"
    every = sorted(kept.glob(f"{stem}*.ranks.parquet"))
    return [path for path in every if path.name.split(".")[0].removeprefix(stem).isdigit()]


def _row(case: Case, path: Path) -> dict[str, object]:
    ranks = pd.read_parquet(path)
    fits = pd.read_parquet(path.with_name(path.name.replace(".ranks.", ".fits.")))
    p = ranks.groupby("quantity")["pit"].agg(lambda u: p_value(u.dropna().to_numpy()))
    return {
        "case": case.name,
        "family": case.family,
        "structure": case.structure,
        "fits": len(fits),
        "failed": int((~fits["fitted"]).sum()),
        "divergent": int((fits["n_divergent"] > 0).sum()),
        "unconverged": int((fits["fitted"] & ~fits["ok"]).sum()),
        "quantities": len(p),
        "smallest_p": p.min(),
        "adjusted": min(1.0, p.min() * len(p)),
        "quantity": p.idxmin(),
    }


def page(table: pd.DataFrame) -> str:
    """Return the page's text."""
    lines = [
        "| case | fits | failed | divergent | not converged | quantities | smallest p | adjusted |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in table.to_dict("records"):
        case = str(row["case"]).replace("|", "\\|")
        counts = [row[name] for name in ("fits", "failed", "divergent", "unconverged")]
        p = [f"{row['smallest_p']:.2g} ({row['quantity']})", f"{row['adjusted']:.2g}"]
        cells = [f"`{case}`", *counts, row["quantities"], p[0].replace("|", "\\|"), p[1]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    fits, quantities = int(table["fits"].sum()), int(table["quantities"].sum())
    least = min(1.0, table["adjusted"].min() * len(table))
    summary = (
        f"{len(table)} cases, {fits:,} fits, {quantities:,} quantities; of all cases together the "
        f"smallest p is {least:.2g}, adjusted. {table['divergent'].sum()} fits had divergences,"
        f" {table['unconverged'].sum()} did not converge.\n\n"
        "![The log likelihood's ranks by family, less uniform ones](calibration.png)\n\n"
    )
    return _INTRODUCTION + summary + "\n".join(lines) + "\n"


def figure(kept: Path, families: Sequence[str]) -> object:
    """Draw the ranks of the log likelihood, which sees errors of any part, family by family."""
    values = {}
    for family in families:
        names = (f"{family} none", f"{family} (1|g)")
        parts = [pd.read_parquet(path) for name in names for path in _ranks_of(kept, name)]
        if not parts:
            continue
        ranks = pd.concat(parts)
        is_own = ranks["quantity"] == LIKELIHOOD
        values[family.replace("_", " ")] = ranks.loc[is_own, "pit"].to_numpy(float)
    return plot_calibration(*differences(values, ALARMS / len(families)), alarms=ALARMS)


def main() -> None:
    """Write the page, its table and its figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    kept = parser.parse_args().kept
    table = collected(kept)
    table.round({"smallest_p": 5, "adjusted": 5}).to_csv(DOCS / "calibration.csv", index=False)
    (DOCS / "calibration.md").write_text(page(table), encoding="utf-8")
    families = list(dict.fromkeys(table["family"]))
    figure(kept, families).save(DOCS / "calibration.png", dpi=110, verbose=False)  # type: ignore[attr-defined]
    print(f"{len(table)} cases, {np.sum(table['fits'])} fits")


if __name__ == "__main__":
    main()
