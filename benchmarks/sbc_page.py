"""The page of calibration in the docs, from what `python -m benchmarks.sbc --kept` has kept.

`python -m benchmarks.sbc_page out/calibration` writes docs/calibration.md, its table and figures. A
case that is not kept there keeps the row that the table has of it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.sbc import Case, cases, stem_of
from benchmarks.table import markdown
from winstan.backends.base import BACKENDS
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
likelihood beside them ([`ws.calibrate`](api.rst) does the same on
your design). Ranks are uniform if density, coordinates, sampler, generator and estimands are all
right. The designs are small (48 rows, 8 groups, 6 crossed items), where posteriors are least
normal; the priors are those of [`benchmarks/sbc.py`](../benchmarks/sbc.py). A response of the
simulation can be one that no model is of (all counts zero): winstan refuses it, and the
simulation counts as **failed**. **Divergent** and **not converged** are fits with a divergence,
or that their own verdict does not trust. **Smallest p** is that of the quantity whose ranks stray
furthest from uniform ones anywhere (exact for the whole distribution function), and **adjusted**
what it is for the worst of so many quantities.

Of the shifted lognormal, and of zeros beside a negative binomial, all else follows one number along
a curve, and so do the coordinates ([decision 68](decisions/68-profiled-numbers.md)). The
exponentially modified normal of so few rows may want more draws: where its normal part is about
gone the density has an edge. Hurdle models whose rows above zero are too few to say how noisy they
are follow the noise ([decision 70](decisions/70-given-noise.md)). Of the other fits with
divergences most have one or two in 4,000 draws, which smaller steps cure, as their verdicts say.

A figure is of the fits of all its rows that were there when it was drawn; rows of the tables that
were fitted again since (hurdle, exponentially modified normal, shifted lognormal and inverse
Gaussian models) are newer.

"""


def collected(kept: Path) -> pd.DataFrame:
    """Return a row for each case and backend that was kept, in the order of the cases."""
    return pd.DataFrame(
        [
            _row(case, backend, paths)
            for backend in BACKENDS
            for case in cases()
            if (paths := _ranks_of(kept, case.name, backend))
        ]
    )


def merged(table: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Put rows in place of those that there were of the same case and backend."""
    key = ["case", "backend"]
    whole = pd.concat([before, table]).drop_duplicates(key, keep="last")
    place = {case.name: i for i, case in enumerate(cases())}
    order = whole["backend"].map(list(BACKENDS).index) * len(place) + whole["case"].map(place)
    known = order.notna()  # a case may have been taken out
    return whole[known].iloc[np.argsort(order[known], kind="stable")].reset_index(drop=True)


def _ranks_of(kept: Path, name: str, backend: str = "stan") -> list[Path]:
    """Return the files of a case, one for each seed."""
    stem = f"{stem_of(name, backend)}_"
    every = sorted(kept.glob(f"{stem}*.ranks.parquet"))
    return [path for path in every if path.name.split(".")[0].removeprefix(stem).isdigit()]


def _row(case: Case, backend: str, paths: Sequence[Path]) -> dict[str, object]:
    ranks = pd.concat(map(pd.read_parquet, paths))
    fits = pd.concat(
        pd.read_parquet(path.with_name(path.name.replace(".ranks.", ".fits."))) for path in paths
    )
    p = ranks.groupby("quantity")["pit"].agg(lambda u: p_value(u.dropna().to_numpy()))
    return {
        "case": case.name,
        "backend": backend,
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


# --- the page

SECTIONS = (
    ("Families", "calibration", {"none", "(1|g)"}, "stan"),
    ("Slopes, and crossed factors", "calibration-structures", {"(x|g)", "crossed"}, "stan"),
    ("Predicted parameters", "calibration-predicted", {"predicted"}, "stan"),
    ("Limits and known errors", "calibration-limits", {"limits"}, "stan"),
    ("Terms", "calibration-terms", {"terms"}, "stan"),
    ("Rows that resemble their neighbours", "calibration-residual", {"residual"}, "stan"),
    ("Curves", "calibration-curves", {"curves"}, "stan"),
    ("PyMC", "calibration-pymc", None, "pymc"),
)
"""Title, figure, structures (None: all) and backend of each part of the page."""


def _of(table: pd.DataFrame, structures: set[str] | None, backend: str) -> pd.DataFrame:
    own = table[table["backend"] == backend]
    return own if structures is None else own[own["structure"].isin(structures)]


def page(table: pd.DataFrame) -> str:
    """Return the page's text."""
    fits, quantities = int(table["fits"].sum()), int(table["quantities"].sum())
    least = min(1.0, table["adjusted"].min() * len(table))
    parts = [
        f"{len(table)} cases, {fits:,} fits, {quantities:,} quantities; of all cases together the "
        f"smallest p is {least:.2g}, adjusted. {table['divergent'].sum()} fits had divergences,"
        f" {table['unconverged'].sum()} did not converge.{_not_run(table)}\n"
    ]
    for title, name, structures, backend in SECTIONS:
        own = _of(table, structures, backend)
        if len(own):
            parts.append(f"## {title}\n")
            if (DOCS / f"{name}.png").exists():
                parts.append(f"![Ranks of the log likelihood, less uniform ones]({name}.png)\n")
            parts.append(_table(own))
    return _INTRODUCTION + "\n".join(parts)


def _not_run(table: pd.DataFrame) -> str:
    """Say of how many cases of each structure, and of which backends, there is no row."""
    have = set(table.loc[table["backend"] == "stan", "case"])
    missing = Counter(case.structure for case in cases() if case.name not in have)
    said = [f"{n} of `{structure}`" for structure, n in missing.items()]
    if "pymc" not in set(table["backend"]):
        said.append("all by PyMC")
    return f" Not run yet: {', '.join(said)}." if said else ""


def _table(table: pd.DataFrame) -> str:
    counts = ["fits", "failed", "divergent", "unconverged", "quantities"]
    rows = []
    for row in table.to_dict("records"):
        worst = f"{row['smallest_p']:.2g} ({row['quantity']})"
        cells = [f"`{row['case']}`", *(str(row[name]) for name in counts), worst]
        rows.append([cell.replace("|", "\\|") for cell in [*cells, f"{row['adjusted']:.2g}"]])
    head = ["case", "fits", "failed", "divergent", "not converged", "quantities", "smallest p",
            "adjusted"]  # fmt: skip
    return markdown(head, rows) + "\n"


def figure(kept: Path, table: pd.DataFrame, *, by_family: bool) -> Any:
    """Draw the ranks of the log likelihood, which sees errors of any part: of each case or family.

    None where not all of them are kept.
    """
    values: dict[str, list[Any]] = {}
    for row in table.to_dict("records"):
        paths = _ranks_of(kept, row["case"], row["backend"])
        if not paths:
            return None
        ranks = pd.concat(map(pd.read_parquet, paths))
        own = ranks.loc[ranks["quantity"] == LIKELIHOOD, "pit"].to_numpy(float)
        panel = row["family"] if by_family else row["case"]
        values.setdefault(panel.replace("_", " "), []).append(own[~np.isnan(own)])
    joined = {panel: np.concatenate(parts) for panel, parts in values.items()}
    return plot_calibration(*differences(joined, ALARMS / len(joined)), alarms=ALARMS)


def main() -> None:
    """Write the page, its table and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    kept = parser.parse_args().kept
    path = DOCS / "calibration.csv"
    table = merged(collected(kept), pd.read_csv(path))
    table.round({"smallest_p": 5, "adjusted": 5}).to_csv(path, index=False)
    for _, name, structures, backend in SECTIONS:
        own = _of(table, structures, backend)
        drawn = figure(kept, own, by_family=name == "calibration") if len(own) else None
        if drawn is not None:
            drawn.save(DOCS / f"{name}.png", dpi=110, verbose=False)
    (DOCS / "calibration.md").write_text(page(table), encoding="utf-8")
    print(f"{len(table)} cases, {np.sum(table['fits'])} fits")


if __name__ == "__main__":
    main()
