"""Coverage and false positives of default contrasts under default priors, beside LME and ANOVA.

Studies like those of an LFP lab: 4, 8 or 20 animals, 30 trials of each of two conditions, animals
that differ in their intercepts or in their slopes too, noise that is equal in both conditions or is
not. `ws.design` simulates and analyses them, each posterior by the model that is right, at the
defaults of `Fit.contrast`: 94% HDI of a difference of means. ``python -m benchmarks.defaults
--studies 200`` appends a row for each design to a CSV, and ``--page docs/defaults.md`` writes the
page of what is there.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.coverage import TRUTHS, Truth
from winstan.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.families import Family

ANIMALS, ROWS, TRIALS = (4, 8, 20), 30, 12
"""Animals, trials of each condition, and tries of each trial where these are counted."""
PROB, LOW, HIGH = 0.94, 0.92, 0.96
"""Of the intervals, and what coverage is to be within wherever the model is right."""
SPREAD = 0.7
"""Difference of the other parameter between conditions, on its link's scale."""
COLUMNS = ["family", "animals", "varying", "spread", "studies"]
_OTHERS = {
    "log": Truth(1.5, 0.3, 0.5, 0.3, ROWS),
    "identity": Truth(10.0, 0.5, 1.0, 0.5, ROWS),
    "logit": Truth(-0.3, 0.8, 0.8, 0.5, ROWS),
}
_INTRODUCTION = """\
# Defaults, judged

How often the default interval of a default contrast (94% HDI of the difference of means, default
priors) holds the effect, and how often it excludes none where there is none, beside the 94%
confidence intervals of an LME and a paired ANOVA of the same studies. Two conditions within each
animal, 30 trials of each, new animals in each study; **slopes** means that the effect differs
between animals and the model says so, **unequal** that the other parameter (sigma, alpha, phi)
differs between conditions and the posterior's formula says so, which LME and ANOVA cannot. LME
and ANOVA are of log(y) for positive responses, else of y ([how they are compared](design.md)).
The studies are simulated by [`ws.design`](design.md), with {setting}; `make defaults` does more
of them.

A posterior's coverage should be {low:.0%} to {high:.0%}, and its false positives the rest. The
Monte Carlo error of a share is about {error:.3f} for {least} studies and {smallest:.3f} for
{most}; **!** marks coverage that is beyond these bounds by more than two errors.

{words}

"""


@dataclass(frozen=True, slots=True)
class Case:
    """A family's studies: what varies between animals, and whether the spread is equal."""

    family: str
    varying: str
    spread: str

    @property
    def of(self) -> Family:
        """The family."""
        return FAMILIES[self.family]

    @property
    def response(self) -> str:
        """The left side."""
        return "p(y, tries)" if self.of.kind == "successes" else "y"

    @property
    def formula(self) -> str:
        """The model, which is right."""
        return f"{self.response} ~ x + ({'x' if self.varying == 'slopes' else '1'}|mouse)"

    @property
    def spreads(self) -> dict[str, Any]:
        """The formula of the parameter that says how the response is spread."""
        return {second(self.of): "x"} if self.spread == "unequal" else {}

    def truth(self) -> dict[str, Any]:
        """Return the parameters."""
        link = self.of.mean_link or self.of.link(None).name
        own = TRUTHS.get(self.family, _OTHERS.get(link, _OTHERS["logit"]))
        out: dict[str, Any] = {"Intercept": own.b0, "x": own.b1, "1|mouse_sigma": own.sd0}
        if self.varying == "slopes":
            out["x|mouse_sigma"] = own.sd1
        for parameter in self.of.parameters[1:]:
            start = parameter.start_at(1.0)
            if parameter.is_vector:
                del out["Intercept"]
                out["threshold"] = [-1.0, 0.0, 1.5]
            elif parameter.name in self.spreads:
                out[f"{parameter.name}_Intercept"] = float(parameter.link.function(start))
                out[f"{parameter.name}_x"] = SPREAD
            else:
                out[parameter.name] = start
        return out

    def design(self, studies: int, jobs: int | None, seed: int) -> ws.StudyDesign:
        """Simulate and analyse the studies."""
        table = ws.layout(mouse=ANIMALS[0], x=[0, 1], trial=ROWS).assign(tries=TRIALS)
        return ws.design(
            self.formula,
            table,
            self.family,
            effect="x",
            n={"mouse": ANIMALS},
            truth=self.truth(),
            simulations=studies,
            ratio=False if not self.of.of_categories else None,
            prob=PROB,
            interval="hdi",
            draws=1000,
            n_jobs=jobs,
            seed=seed,
            **self.spreads,
        )


def second(family: Family) -> str:
    """Return the first parameter beside the mean that can have a formula; "" without any."""
    return next((p.name for p in family.parameters[1:] if p.name in family.scores), "")


def cases(families: Sequence[str]) -> list[Case]:
    """List the designs of families: all that have a mean, or a mean score, and no direction."""
    out = []
    for name in families:
        own = FAMILIES[name]
        if own.circular or own.kind == "unordered":
            continue
        spreads = ("equal", "unequal") if second(own) else ("equal",)
        out += [Case(name, *rest) for rest in product(("intercepts", "slopes"), spreads)]
    return out


def rows_of(case: Case, found: ws.StudyDesign) -> pd.DataFrame:
    """Return a row for each number of animals, with columns of each method."""
    out = []
    for animals, part in found.table.groupby("mouse"):
        row: dict[str, Any] = {"family": case.family, "animals": animals}
        row |= {"varying": case.varying, "spread": case.spread}
        row["studies"] = int(part["simulations"].iloc[0])
        for one in part.to_dict("records"):
            for what in ("coverage", "false_positives", "failed", "unconverged"):
                row[f"{one['method']}_{what}"] = one[what]
        out.append(row)
    return pd.DataFrame(out)


def error_of(studies: float) -> float:
    """Return the Monte Carlo error of a coverage of `PROB`."""
    return float(np.sqrt(PROB * (1 - PROB) / studies))


def is_out(coverage: float, studies: float) -> bool:
    """Whether coverage is beyond its bounds by more than two Monte Carlo errors."""
    return not LOW - 2 * error_of(studies) <= coverage <= HIGH + 2 * error_of(studies)


def page(table: pd.DataFrame) -> str:
    """Return the page's text."""
    names = {"bayes": "Bayes", "lme": "LME", "anova": "ANOVA"}
    heads = [f"{names[m]}: {w}" for m in names for w in ("coverage", "false positives")]
    lines = ["| " + " | ".join([*COLUMNS, *heads]) + " |", "|---" * (5 + len(heads)) + "|"]
    for row in table.to_dict("records"):
        cells = [str(row[c]) for c in COLUMNS]
        for method in names:
            for what in ("coverage", "false_positives"):
                value = row.get(f"{method}_{what}", np.nan)
                mark = method == "bayes" and what == "coverage" and is_out(value, row["studies"])
                cells.append("" if pd.isna(value) else f"{value:.3f}{' **!**' if mark else ''}")
        lines.append("| " + " | ".join(cells) + " |")
    least, most = int(table["studies"].min()), int(table["studies"].max())
    introduction = _INTRODUCTION.format(
        setting="posteriors of 2 chains of 1,000 draws",
        low=LOW,
        high=HIGH,
        least=least,
        most=most,
        error=error_of(least),
        smallest=error_of(most),
        words=_words(table),
    )
    return introduction + "\n".join(lines) + "\n"


def _words(table: pd.DataFrame) -> str:
    """Say what was found over all designs."""
    n = table["studies"]
    out = [is_out(c, k) for c, k in zip(table["bayes_coverage"], n, strict=True)]
    mean = {
        m: np.average(table[f"{m}_coverage"].fillna(0), weights=n * table[f"{m}_coverage"].notna())
        for m in ("bayes", "lme", "anova")
    }
    false = np.average(table["bayes_false_positives"], weights=n)
    bad = int(table["bayes_unconverged"].sum())
    families, studies = table["family"].nunique(), 2 * int(n.sum())
    return (
        f"{len(table)} designs of {families} families, {studies:,} studies (half of them without"
        f" an effect), with {bad} unconverged posteriors among those with an effect. On average"
        f" Bayes held {mean['bayes']:.3f} and had {false:.3f} false positives; LME held"
        f" {mean['lme']:.3f}, ANOVA {mean['anova']:.3f}. {sum(out)} of the designs are marked."
        f"{_not_run(table)}"
    )


def _not_run(table: pd.DataFrame) -> str:
    """Say of how many designs there is no row."""
    every = {(c.family, n, c.varying, c.spread) for c in cases(list(FAMILIES)) for n in ANIMALS}
    left = every - set(table[COLUMNS[:-1]].itertuples(index=False, name=None))
    return f" Of all {len(every)} designs {len(left)} have not been run yet." if left else ""


def main(argv: list[str] | None = None) -> int:
    """Run the designs, and write the page of all that were run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--varying", nargs="+", default=["intercepts", "slopes"])
    parser.add_argument("--spread", nargs="+", default=["equal", "unequal"])
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/defaults.csv"))
    parser.add_argument("--page", type=Path, help="write the page of the CSV there")
    options = parser.parse_args(argv)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for case in cases(options.families) if options.studies else []:
        if case.varying not in options.varying or case.spread not in options.spread:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = case.design(options.studies, options.jobs, options.seed)
        rows = rows_of(case, found)
        rows.to_csv(options.out, mode="a", header=not options.out.exists(), index=False)
        print(f"{case}: {found.seconds:.0f} s\n{rows.to_string()}", flush=True)
    if options.page is not None:
        table = pd.read_csv(options.out).sort_values(["family", "varying", "spread", "animals"])
        options.page.write_text(page(table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
