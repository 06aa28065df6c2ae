"""Point estimates of R's lme4 and glmmTMB, timed where R is on the machine (it need not be).

One process of R reads the data once; each fit is a line to it, answered when the fit has ended, so
that what is timed is the fit and a message of some bytes.
"""

from __future__ import annotations

import atexit
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.engine import Runner, Sample

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.design import Design

PACKAGES = ("lme4", "glmmTMB")
# By family: lme4's call, glmmTMB's family; in place of `LINK` the design's.
_LMER = "lmer(FORMULA, data)"
_CALLS = {
    "gaussian": (_LMER, "gaussian()"),
    "lognormal": (_LMER, "gaussian()"),
    "gamma": ('glmer(FORMULA, data, family = Gamma("LINK"))', 'Gamma("LINK")'),
    "poisson": ('glmer(FORMULA, data, family = poisson("LINK"))', 'poisson("LINK")'),
    "bernoulli": ('glmer(FORMULA, data, family = binomial("LINK"))', 'binomial("LINK")'),
    "binomial": ('glmer(FORMULA, data, family = binomial("LINK"))', 'binomial("LINK")'),
    "negative_binomial": ("glmer.nb(FORMULA, data)", "nbinom2()"),
}
_LINKS = {"gamma": "log", "poisson": "log", "bernoulli": "logit", "binomial": "logit"}
_OF_COUNTS = re.compile(r"p\((\w+), (\w+)\)")
# Formulas that R's packages read as winstan does: names, numbers and operators
_PLAIN = re.compile(r"[\w\s~+*:|/().-]+")

_PROGRAM = """
suppressWarnings(suppressMessages(library({package})))
data <- read.csv("{path}", stringsAsFactors = TRUE)
input <- file("stdin", "r")
cat("ready\\n")
while (length(line <- readLines(input, 1)) > 0) {{
  fit <- suppressWarnings(suppressMessages({call}))
  cat("fitted\\n")
}}
"""


def formula_in_r(design: Design) -> str:
    """Return a design's formula in R's words: trials beside successes, and logarithms."""
    left, _, right = design.formula.partition("~")
    left = left.strip()
    if (counts := _OF_COUNTS.fullmatch(left)) is not None:
        left = f"cbind({counts[1]}, {counts[2]} - {counts[1]})"
    if design.family == "lognormal":
        left = f"log({left})"
    return f"{left} ~ {right.strip()}"


def covers(design: Design) -> bool:
    """Whether both packages fit the design: a formula of plain terms, with groups."""
    _, _, right = design.formula.partition("~")
    return (
        design.family in _CALLS
        and "|" in right
        and re.search(r"\w\(", right) is None
        and _PLAIN.fullmatch(design.formula.replace(",", "")) is not None
    )


@cache
def missing(package: str) -> str:
    """Return what lacks: R, or its package; an empty string if neither does."""
    if shutil.which("Rscript") is None:
        return "R"
    found = subprocess.run(
        ["Rscript", "-e", f'quit(status = !requireNamespace("{package}", quietly = TRUE))'],
        capture_output=True,
        check=False,
    )
    return "" if found.returncode == 0 else f"R's {package}"


def versions() -> dict[str, str]:
    """Return the versions of the packages that are there."""
    found = {}
    for package in PACKAGES:
        if not missing(package):
            asked = ["Rscript", "-e", f'cat(as.character(packageVersion("{package}")))']
            found[package] = subprocess.run(
                asked, capture_output=True, text=True, check=True
            ).stdout.strip()
    return found


def _call(design: Design, package: str) -> str:
    lme4, family = _CALLS[design.family]
    call = lme4 if package == "lme4" else f"glmmTMB(FORMULA, data, family = {family})"
    link = design.link or _LINKS.get(design.family, "")
    return call.replace("LINK", link).replace("FORMULA", formula_in_r(design))


def prepare(design: Design, data: pd.DataFrame, package: str) -> Runner:
    """Start R, and have it read the data."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-r-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, program = folder / "data.csv", folder / "fits.R"
    data.to_csv(path, index=False)
    program.write_text(
        _PROGRAM.format(package=package, path=path.as_posix(), call=_call(design, package)),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        ["Rscript", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.kill)
    assert process.stdin is not None
    assert process.stdout is not None
    asked, answers = process.stdin, process.stdout

    def wait_for(answer: str) -> None:
        if (line := answers.readline().strip()) != answer:
            raise RuntimeError(f"R ended, or said {line!r}, where {answer!r} was expected")

    wait_for("ready")

    def fit(seed: int) -> None:
        asked.write("\n")
        asked.flush()
        wait_for("fitted")

    return Runner(fit, lambda result: Sample({}))
