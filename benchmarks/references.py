"""The table of outside answers that winstan is held to, from what `make test-reference` ran.

`python -m benchmarks.references out/references.xml` writes docs/references.md. Tests keep what they
held in pytest's properties (`tests/support/reference_checks.py`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from benchmarks.table import markdown

PAGE = Path(__file__).resolve().parents[1] / "docs" / "references.md"
_INTRODUCTION = """\
# References

winstan's answers beside those of others (`make test-reference`). Posteriors are held to published
reference draws and to quadrature: the furthest mean, in Monte Carlo errors of both sides, stays
below 4.5, which chance passes once in 150,000 numbers. Published fits by maximum likelihood are
held to the maximum of winstan's own likelihood, effects integrated out: the furthest number, as an
absolute difference, stays within what their printed digits allow.

"""
COLUMNS = ["model", "source", "numbers", "furthest", "allowed", "unit"]


def read(path: Path) -> tuple[pd.DataFrame, int]:
    """Return a row for each reference that was held, and the number of tests that failed."""
    root = ElementTree.parse(path).getroot()
    rows = [
        str(item.get("value")).split("\t")
        for item in root.iter("property")
        if item.get("name") == "reference"
    ]
    failed = sum(int(suite.get("failures", 0)) for suite in root.iter("testsuite"))
    table = pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(["model", "source"])
    return table.astype({"numbers": int}), failed


def page(table: pd.DataFrame) -> str:
    """Return the page's text."""
    parts = [
        f"{len(table)} references, {table['numbers'].sum():,} numbers; all are within what is "
        "allowed.\n"
    ]
    for source in sorted(set(table["source"])):
        own = table[table["source"] == source].astype(str).to_dict("records")
        rows = [
            ["`" + row["model"].replace("|", "\\|") + "`", *(row[c] for c in COLUMNS[2:5])]
            for row in own
        ]
        head = ["model", "numbers", f"furthest ({own[0]['unit']})", "allowed"]
        parts.append(f"## {source}\n\n{markdown(head, rows)}\n")
    return _INTRODUCTION + "\n".join(parts)


def main() -> None:
    """Write the page, unless a reference was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    table, failed = read(parser.parse_args().results)
    if failed:
        raise SystemExit(f"{failed} references are missed: the page stays as it is.")
    PAGE.write_text(page(table), encoding="utf-8")
    print(f"{len(table)} references")


if __name__ == "__main__":
    main()
