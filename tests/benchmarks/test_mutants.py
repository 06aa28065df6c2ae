"""The list of deliberate faults does not rot: `make mutants` itself takes half an hour."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from benchmarks.mutants import ASSERTIONS, ROOT, Mutant, Result, line, misplaced, read_mutants

MUTANTS = read_mutants()


def test_every_fault_has_one_place_and_changes_it():
    assert misplaced(MUTANTS) == []
    gone = Mutant("links", "no such text", "winstan/families/links.py", "no such text", "x", "t")
    twice = Mutant("links", "often", "winstan/families/links.py", "Link(", "x", "t")
    assert len(misplaced([gone, twice])) == 2


def test_every_fault_is_a_program_and_its_test_is_there():
    for mutant in MUTANTS:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        ast.parse(source.replace(mutant.before, mutant.after))
        file, name = mutant.test.split("[")[0].split("::")
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), mutant.test


def test_there_are_sixty_faults_of_all_areas():
    areas = Counter(mutant.area for mutant in MUTANTS)
    assert areas.total() >= 60
    wanted = [
        "families",
        "links",
        "cells",
        "terms",
        "coordinates",
        "effects",
        "estimands",
        "priors",
    ]
    assert set(wanted) <= areas.keys()
    assert len({(m.file, m.before, m.after) for m in MUTANTS}) == len(MUTANTS)


def test_a_survivor_is_told():
    assert "SURVIVED" in line(Result(MUTANTS[0], "", "", 3.0))
    assert "killed by a_test" in line(Result(MUTANTS[0], "a_test", "assert 1 == 2", 3.0))
    assert "assert 1 == 2".startswith(ASSERTIONS)
    assert not "SyntaxError: invalid syntax".startswith(ASSERTIONS)
    assert Path(ROOT, "Makefile").read_text(encoding="utf-8").count("benchmarks.mutants") == 1
