"""The pages of the documentation: their code runs, their links lead somewhere."""

from __future__ import annotations

import ast
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import winstan as ws
from winstan import fitting
from winstan.design_warnings import GUARDS
from winstan.families import FAMILIES
from winstan.fit_class import Fit
from winstan.formula import parse_formula

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
# With tests of their own, or (contributing) a sketch of a file that a reader writes.
ELSEWHERE = {"analyses", "contributing", "gallery", "start", "warnings"}
PAGES = [
    path
    for path in sorted(DOCS.glob("*.md"))
    if path.stem not in ELSEWHERE and CODE.search(path.read_text(encoding="utf-8"))
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Pages write files where they are."""
    monkeypatch.chdir(tmp_path)


def run(page: Path, space: dict, text: str | None = None) -> dict:
    """Run the Python of a page, or of a part of it, and return its names."""
    for block in CODE.findall(page.read_text(encoding="utf-8") if text is None else text):
        exec(compile(block, page.name, "exec"), space)
    return space


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # the text tells of them
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs_and_its_fits_converge(page):
    found = run(page, {})
    fits = [value for value in found.values() if isinstance(value, Fit)]
    assert all(fit.diagnostics.ok for fit in fits)


PRINTED = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?: s\b)?")


@pytest.mark.slow
def test_what_the_start_page_prints_is_what_is_printed():
    """Words as they are, and numbers but for what draws on another machine would make of them."""
    space: dict = {}
    shown = 0
    for block, text in PRINTED.findall((DOCS / "start.md").read_text(encoding="utf-8")):
        *before, last = ast.parse(block).body
        exec(compile(ast.Module(before, []), "start", "exec"), space)
        if not isinstance(last, ast.Expr):
            exec(compile(ast.Module([last], []), "start", "exec"), space)
            continue
        value = eval(compile(ast.Expression(last.value), "start", "eval"), space)
        if not text:
            continue
        printed = value.to_string(index=False) if isinstance(value, pd.DataFrame) else str(value)
        assert NUMBER.sub("", text).split() == NUMBER.sub("", printed).split()
        told, found = (
            [float(x) for x in NUMBER.findall(one) if not x.endswith("s")]
            for one in (text, printed)
        )
        np.testing.assert_allclose(told, found, rtol=0.3, atol=0.05)
        shown += 1
    assert shown == 2


# --- warnings

WARNINGS = (DOCS / "warnings.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"\n### (\w+)\n(.*?)(?=\n##|\Z)", WARNINGS, re.DOTALL)
AFTER_THE_FIT = {
    "extrapolation", "influential_rows", "lone_predictors", "far_units", "censored_loo",
    "conditional_loo", "level_ranks",
}  # fmt: skip


class Enough(Exception):  # noqa: N818 - not an error
    """The guards have spoken, and sampling would begin."""


def no_sampling(*_args, **_options):
    raise Enough


def test_every_warning_has_a_section():
    assert {name for name, _ in SECTIONS} == set(GUARDS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(name, text, id=name, marks=pytest.mark.slow if name in AFTER_THE_FIT else ())
        for name, text in SECTIONS
    ],
)
def test_the_example_of_a_warning_shows_it(name, text, monkeypatch, capsys):
    before = Path.cwd()
    space = run(DOCS / "warnings.md", {}, WARNINGS.partition("\n## ")[0])
    if name not in AFTER_THE_FIT:
        monkeypatch.setattr(fitting, "fit_by", no_sampling)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run(DOCS / "warnings.md", space, text)
        except Enough:
            pass
        finally:
            os.chdir(before)
    names = [w.message.guard for w in caught if isinstance(w.message, ws.DesignWarning)]
    printed = f'silence="{name}"' in capsys.readouterr().err  # by the command line
    assert name in names or printed


# --- formulas and families


def test_the_formulas_of_the_guide_are_winstans():
    text = (DOCS / "formulas.md").read_text(encoding="utf-8")
    cells = [
        line.replace(r"\|", "¦").split("|")[column].replace("¦", "|")
        for column, part in (
            (1, text.partition("## Beside")[0]),
            (2, text.partition("## Beside")[2]),
        )
        for line in part.splitlines()
        if line.startswith("| ") and "~" in line
    ]
    spans = [span for cell in cells for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", cell)]
    formulas = [span for span in spans if re.match(r"[\w(\[]", span) and "~" in span]
    assert len(formulas) > 25
    for formula in formulas:
        parse_formula(ast.literal_eval(formula) if formula.startswith("[") else formula)


def test_every_family_is_in_the_table_with_its_links():
    found = {}
    for line in (DOCS / "families.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            _, _, names, links, *_ = line.split("|")
            found |= dict.fromkeys(re.findall(r"`(\w+)`", names), links.partition(" of ")[0])
    for name, family in FAMILIES.items():
        links = [link.strip() for link in found[name].strip(" ,").split(",")]
        assert tuple(links) == family.links, name


def test_every_row_of_the_lab_files_is_run_by_a_script():
    page = (DOCS / "lab-files.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for row in rows:
        script = re.findall(r"`([\w-]+)` \|$", row)[0]
        text = (ROOT / "findings" / f"{script}.sh").read_text(encoding="utf-8")
        for version in re.findall(r"\b\d+\.\d+\.\d+\b", row):
            assert f"=={version}" in text, row


# --- links

LINK = re.compile(r"\]\(([^)#\s]+?)(?:#[\w-]+)?\)")


def test_relative_links_lead_to_files():
    pages = [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
    for page in pages:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
