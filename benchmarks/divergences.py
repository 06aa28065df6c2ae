"""How many fits of small designs have divergences, at Stan's target acceptance and at a higher one.

    python -m benchmarks.divergences

Two to twelve groups of ten rows, counts, positive numbers and 0 and 1, whose group sd is 0, 0.4 or
1.5; and gaussian rows, without slopes, with uncorrelated and with correlated ones. The fits are
parted by how long a tail log sd has towards zero (the gaussian ones have other coordinates), and by
groups: both decide which rate is the default (`Geometry.curved` in `winstan.geometry.coordinates`).
"""

from __future__ import annotations

import argparse
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.table import markdown
from winstan.model import ACCEPT, ACCEPT_CURVED

FAMILIES = ("poisson", "gamma", "bernoulli", "gaussian")
TERMS = "(1|g)", "(x||g)", "(x|g)"
GROUPS = (2, 3, 4, 5, 6, 8, 12)
SDS = (0.0, 0.4, 1.5)
TAILS = (0.0, 0.3, 0.5, 0.75, 1.5, np.inf)
ROWS = 10


@dataclass(frozen=True, slots=True)
class Small:
    """One small design."""

    family: str
    groups: int
    sd: float
    seed: int
    term: str = "(1|g)"

    def data(self) -> pd.DataFrame:
        """Simulate rows: y, x, and the group g."""
        rng = np.random.default_rng((self.seed, self.groups, FAMILIES.index(self.family)))
        group = np.repeat(np.arange(self.groups), ROWS)
        x = rng.normal(size=group.size)
        if self.term != "(1|g)" and self.seed % 2:
            x += 3.0  # its zero lies beyond the data
        eta = 1 + 0.3 * x + self.sd * rng.normal(size=self.groups)[group]
        if self.term != "(1|g)":
            eta += 0.5 * self.sd * x * rng.normal(size=self.groups)[group]
        y = {
            "poisson": lambda: rng.poisson(np.exp(eta)),
            "gamma": lambda: rng.gamma(4, np.exp(eta) / 4),
            "bernoulli": lambda: (rng.random(eta.size) < 1 / (1 + np.exp(-eta))).astype(int),
            "gaussian": lambda: eta + rng.normal(size=eta.size),
        }[self.family]()
        return pd.DataFrame({"y": y, "x": x, "g": group.astype(str)})


def measured(small: Small, warmup: int | None = None) -> dict[str, float] | None:
    """Fit a design at both rates: the tail of log sd, the divergences, and R-hat by default.

    None where the design is refused: a response of 0 and 1 that is constant.
    """
    out: dict[str, float] = {"groups": small.groups, "tail": np.nan}
    data = small.data()
    for accept in (ACCEPT, ACCEPT_CURVED):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of few groups, and of what is counted here
                fit = ws.fit(
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
        except ws.DataError:
            return None
        geometry = fit.model.geometry
        if fit.model.variances is None:
            out["tail"] = float(np.max(geometry.log_sd_scale - geometry.log_sd_bend))
        out[f"at {accept:g}"] = float(fit.draws["sample_stats"]["diverging"].sum())
        if accept == fit.model.target_accept:
            out["by default"] = out[f"at {accept:g}"]
            out["r_hat"] = float(fit.summary()["r_hat"].max())
    return out


def shown(found: pd.DataFrame, by: str) -> str:
    """Write fits, and those with divergences, as a Markdown table."""
    rates = [c for c in found if str(c).startswith("at ") or c == "by default"]
    lines = [
        [str(value), str(len(part)), *(str(int((part[rate] > 0).sum())) for rate in rates)]
        for value, part in found.groupby(by, observed=True)
    ]
    return markdown([by, "fits", *(f"with divergences {rate}" for rate in rates)], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8, help="designs of each kind")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--warmup", type=int, help="iterations (winstan's default)")
    arguments = parser.parse_args()
    designs = [
        Small(*kind, term)
        for kind in product(FAMILIES, GROUPS, SDS, range(arguments.seeds))
        for term in (TERMS if kind[0] == "gaussian" else TERMS[:1])
    ]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        each = pool.map(partial(measured, warmup=arguments.warmup), designs, chunksize=8)
        found = pd.DataFrame([one for one in each if one is not None])
    found["tail of log sd"] = pd.cut(found["tail"], list(TAILS))
    print(shown(found, "tail of log sd"))
    print()
    for gaussian, part in found.groupby(found["tail"].isna()):
        print("gaussian" if gaussian else "other families")
        print(shown(part, "groups"))
    print(f"\nR-hat above 1.01 by default: {(found['r_hat'] > 1.01).sum()} of {len(found)} fits.")


if __name__ == "__main__":
    main()
