"""How often the verdict is wrong, and whether its advice helps: `python -m benchmarks.verdict`.

Each study writes a table to `out/verdict/`, and all that are there make docs/verdict.md. `--only`
runs some of them again: sound, unsound, samplers, divergences, data, advice.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from benchmarks.table import markdown
from benchmarks.verdict_advice import advice_study
from benchmarks.verdict_chains import sound_study, unsound_study
from benchmarks.verdict_divergences import divergence_study
from benchmarks.verdict_fits import classics_study, wrong_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OUT = Path("out/verdict")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "verdict.md"
STUDIES: dict[str, Callable[[float], pd.DataFrame]] = {
    "sound": sound_study,
    "unsound": lambda share: unsound_study(_times(60, share)),
    "samplers": lambda share: wrong_study(_times(100, share)),
    "divergences": lambda share: divergence_study(_times(60, share)),
    "data": lambda share: classics_study(_times(3, share)),
    "advice": lambda share: advice_study(_times(40, share)),
}
"""By name, what makes the table of a study, for a share of its usual fits."""


def _times(fits: int, share: float) -> int:
    return max(1, round(fits * share))


def page(tables: Mapping[str, pd.DataFrame]) -> str:
    """Fill the studies' tables into the page, in place of those that it has."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in tables.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        if not after:
            raise ValueError(f"{PAGE.name} has no place for {name}")
        text = f"{before}{start}\n{SHOWN[name](table)}\n\n{end}{after}"
    return text


def _sound(table: pd.DataFrame) -> str:
    by_kind = table.groupby("kind", sort=False)[["fits", "called"]].sum().reset_index()
    by_layout = (
        table.groupby(["chains", "draws", "parameters"], sort=False)[["fits", "called"]]
        .sum()
        .reset_index()
    )
    total = table[["fits", "called"]].sum()
    return (
        f"{total['called']} of {total['fits']:,} sound fits are called unconverged "
        f"({total['called'] / total['fits']:.2%}).\n\n"
        f"{_plain(by_kind)}\n\n{_plain(by_layout)}"
    )


def _unsound(table: pd.DataFrame) -> str:
    wide = table.assign(of=table["called"].astype(str) + " of " + table["fits"].astype(str))
    wide = wide.pivot_table(
        index="fault", columns="parameters", values="of", aggfunc="first", sort=False
    )
    parameters = [int(P) for P in wide.columns]
    wide.columns = [f"of {P:,} parameter{'s' if P > 1 else ''}" for P in parameters]
    return _plain(wide.reset_index())


def _data(table: pd.DataFrame) -> str:
    columns = ["data", "package", "formula", "family", "parameters", "fits", "called"]
    return _plain(table[columns].assign(formula="`" + table["formula"] + "`"))


def _plain(table: pd.DataFrame) -> str:
    """Write a table with its own columns."""
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return markdown([str(name).replace("_", " ") for name in table.columns], rows)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


SHOWN: dict[str, Callable[[pd.DataFrame], str]] = {
    "sound": _sound,
    "unsound": _unsound,
    "samplers": _plain,
    "divergences": _plain,
    "data": _data,
    "advice": _plain,
}


def main() -> None:
    """Run the studies, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=tuple(STUDIES), default=tuple(STUDIES))
    parser.add_argument("--share", type=float, default=1.0, help="of the usual numbers of fits")
    parser.add_argument("--page-only", action="store_true", help="of what was run before")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    if not options.page_only:
        for name in options.only:
            STUDIES[name](options.share).to_csv(OUT / f"{name}.csv", index=False)
    tables = {name: pd.read_csv(path) for name in STUDIES if (path := OUT / f"{name}.csv").exists()}
    PAGE.write_text(page(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
