"""How many fits of small designs have divergences, by default and at given target acceptances.

    python -m benchmarks.divergences

Two to twelve groups of ten rows, counts, positive numbers and 0 and 1, whose group sd is 0, 0.4 or
1.5; and gaussian rows, without slopes, with five groups in each, with uncorrelated and with
correlated slopes. The fits are parted by how long a tail log sd has towards zero (the gaussian ones
have other coordinates), by groups and by the group term: these decide which rate is the default
(`Model.target_accept`). Beside them stand the least effective draws of all parameters, by default,
per thousand gradients.
"""

from __future__ import annotations

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.table import markdown
from winstan.families.family import ACCEPT, ACCEPT_CURVED

if TYPE_CHECKING:
    from collections.abc import Sequence

FAMILIES = ("poisson", "gamma", "bernoulli", "gaussian")
TERMS = "(1|g)", "(1|g/h)", "(x||g)", "(x|g)"
SLOPES = TERMS[2:]
NESTED = 5
GROUPS = (2, 3, 4, 5, 6, 8, 12)
SDS = (0.0, 0.4, 1.5)
TAILS = (0.0, 0.3, 0.5, 0.75, 1.5, np.inf)
ROWS = 10
KINDS = "bulk", "tail"


@dataclass(frozen=True, slots=True)
class Small:
    """One small design."""

    family: str
    groups: int
    sd: float
    seed: int
    term: str = "(1|g)"

    def data(self) -> pd.DataFrame:
        """Simulate rows: y, x, the group g, and h, five to a group."""
        rng = np.random.default_rng((self.seed, self.groups, FAMILIES.index(self.family)))
        group = np.repeat(np.arange(self.groups), ROWS)
        x = rng.normal(size=group.size)
        if self.term in SLOPES and self.seed % 2:
            x += 3.0  # its zero lies beyond the data
        eta = 1 + 0.3 * x + self.sd * rng.normal(size=self.groups)[group]
        if self.term in SLOPES:
            eta += 0.5 * self.sd * x * rng.normal(size=self.groups)[group]
        inner = np.arange(group.size) % NESTED
        if self.term == "(1|g/h)":
            eta += self.sd * rng.normal(size=(self.groups, NESTED))[group, inner]
        y = {
            "poisson": lambda: rng.poisson(np.exp(eta)),
            "gamma": lambda: rng.gamma(4, np.exp(eta) / 4),
            "bernoulli": lambda: (rng.random(eta.size) < 1 / (1 + np.exp(-eta))).astype(int),
            "gaussian": lambda: eta + rng.normal(size=eta.size),
        }[self.family]()
        return pd.DataFrame({"y": y, "x": x, "g": group.astype(str), "h": inner.astype(str)})


def measured(
    small: Small, accepts: Sequence[float] = (ACCEPT, ACCEPT_CURVED), warmup: int | None = None
) -> dict[str, Any] | None:
    """Fit a design by default and at each rate: divergences, and how well it mixed by default.

    None where the design is refused: a response of 0 and 1 that is constant.
    """
    data = small.data()

    def fitted(accept: float | None) -> ws.Fit:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few groups, and of what is counted here
            return ws.fit(
                f"y ~ x + {small.term}",
                data,
                small.family,
                seed=small.seed,
                target_accept=accept,
                warmup=warmup,
                cores=1,
                progress=False,
                silence="all",
            )

    try:
        default = fitted(None)
    except ws.DataError:
        return None
    coordinates, table = default.model.coordinates, default.summary()
    tail = np.max(coordinates.log_sd_scale - coordinates.log_sd_skew)
    gradients = float(default.draws["sample_stats"]["n_steps"].sum())
    out = {
        "groups": small.groups,
        "term": small.term,
        "tail of log sd": float(tail) if default.model.variances is None else np.nan,
        "r_hat": float(table["r_hat"].max()),
        **{kind: 1000 * float(table[f"ess_{kind}"].min()) / gradients for kind in KINDS},
    }
    for accept in accepts:
        same = accept == default.model.target_accept
        out[f"at {accept:g}"] = _diverged(default if same else fitted(accept))
    return out | {"by default": _diverged(default)}


def _diverged(fit: ws.Fit) -> float:
    return float(fit.draws["sample_stats"]["diverging"].sum())


def shown(found: pd.DataFrame, by: str) -> str:
    """Write fits, those with divergences, and mean effective draws, as a Markdown table."""
    rates = [c for c in found if str(c).startswith("at ") or c == "by default"]
    lines = [
        [
            str(value),
            str(len(part)),
            *(str(int((part[rate] > 0).sum())) for rate in rates),
            *(f"{part[kind].mean():.0f}" for kind in KINDS),
        ]
        for value, part in found.groupby(by, observed=True)
    ]
    head = [f"with divergences {rate}" for rate in rates]
    head += [f"{kind} ESS per 1000 gradients" for kind in KINDS]
    return markdown([by, "fits", *head], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8, help="designs of each kind")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--families", nargs="+", default=FAMILIES, choices=FAMILIES)
    parser.add_argument("--accept", nargs="+", type=float, default=(ACCEPT, ACCEPT_CURVED))
    parser.add_argument("--warmup", type=int, help="iterations (winstan's default)")
    arguments = parser.parse_args()
    designs = [
        Small(*kind, term)
        for kind in product(arguments.families, GROUPS, SDS, range(arguments.seeds))
        for term in (TERMS if kind[0] == "gaussian" else TERMS[:1])
    ]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        task = partial(measured, accepts=arguments.accept, warmup=arguments.warmup)
        each = pool.map(task, designs, chunksize=8)
        found = pd.DataFrame([one for one in each if one is not None])
    integrated = found["tail of log sd"].isna()
    found["tail of log sd"] = pd.cut(found["tail of log sd"], list(TAILS))
    if not integrated.all():
        print(shown(found, "tail of log sd"), end="\n\n")
    for gaussian, part in found.groupby(integrated):
        print("gaussian" if gaussian else "other families")
        print(shown(part, "groups"), shown(part, "term"), sep="\n\n")
    mean = ", ".join(f"{found[kind].mean():.0f} {kind}" for kind in KINDS)
    print(f"\nEffective draws per 1000 gradients by default, on average: {mean}.")
    print(f"R-hat above 1.01 by default: {(found['r_hat'] > 1.01).sum()} of {len(found)} fits.")


if __name__ == "__main__":
    main()
