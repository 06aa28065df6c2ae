"""The examples of the docstrings run, and everything public has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest

import winstan as ws
from winstan.families import registry

PACKAGE = Path(ws.__file__).parent
MODULES = [
    ".".join(("winstan", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]

PRIORS = [one for one in vars(ws.priors).values() if inspect.isclass(one)]


@pytest.fixture
def kept_fits(monkeypatch):
    """Fit once what several examples fit: they show what follows."""
    made: dict = {}
    real = ws.fit

    def fit(*arguments, **options):
        shown = re.sub(r" at 0x\w+", "", repr((arguments, sorted(options.items()))))
        if shown not in made:
            made[shown] = real(*arguments, **options)
        return made[shown]

    monkeypatch.setattr(ws, "fit", fit)
    yield
    registry._FAMILIES.pop("mine", None)


@pytest.mark.slow
@pytest.mark.usefixtures("kept_fits")
def test_the_examples_run():
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(verbose=False)
    said: list[str] = []
    for name in MODULES:
        for case in finder.find(importlib.import_module(name), name):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                runner.run(case, out=said.append)
    assert not said, "".join(said)
    assert runner.tries > 150


def test_everything_public_has_an_example():
    without = [
        name
        for name in ws.__all__
        if (inspect.isfunction(one := getattr(ws, name)) or one in PRIORS)
        and ">>> " not in (one.__doc__ or "")
    ]
    without += [
        f"Fit.{name}"
        for name, one in vars(ws.Fit).items()
        if inspect.isfunction(one)
        and not name.startswith("_")
        and ">>> " not in (one.__doc__ or "")
    ]
    assert without == []
