"""Diagnostics: R-hat, effective sample sizes, divergences, E-BFMI, tree depth; one plain verdict.

References
----------
Vehtari, Gelman, Simpson, Carpenter and Burkner (2021), Bayesian Analysis 16, 667-718:
rank-normalised R-hat (below 1.01) and effective sample size (at least 100 a chain, for bulk and
tail), both of the worst of many parameters as far as chance goes (`winstan.chance`). Betancourt
(2016), arXiv:1604.00695: E-BFMI (0.3 and above).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from winstan.chance import ESS_PER_CHAIN, R_HAT_BELOW, cautious, ess_limit, r_hat_limit
from winstan.convergence import r_hats_and_ess
from winstan.draws import tree_name

if TYPE_CHECKING:
    import pandas as pd

    from winstan._typing import Array
    from winstan.draws import Draws

E_BFMI_FROM = 0.3


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """How far the draws can be trusted.

    Attributes
    ----------
    max_r_hat : float
    min_ess_bulk, min_ess_tail : float
        Over all parameters and group effects.
    worst : str
        The parameter with the largest R-hat or, where all are small, the least effective draws.
    n_divergent : int
    n_max_treedepth : int
        Draws whose trajectory was cut at the largest tree depth.
    min_e_bfmi : float
    n_chains, n_draws : int
        Chains, and draws of each.
    problems : tuple of str
        Each with its remedy; empty when all is well.
    r_hat_below : float
        What the R-hat that is nearest to it, or furthest beyond it, had to stay below: 1.01, or
        what chance does to the worst of so many parameters (`winstan.chance`).
    ess_from : float
        Effective draws that the least informed parameter had to have.
    """

    max_r_hat: float
    min_ess_bulk: float
    min_ess_tail: float
    worst: str
    n_divergent: int
    n_max_treedepth: int
    min_e_bfmi: float
    n_chains: int
    n_draws: int
    problems: tuple[str, ...]
    r_hat_below: float
    ess_from: float

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One sentence: the draws can be trusted, or what is wrong and what to do."""
        if self.ok:
            chance = ""
            if not self.max_r_hat < R_HAT_BELOW:
                chance = f" (of so many parameters chance leaves it below {self.r_hat_below:.3f})"
            return (
                f"Converged: {self.n_chains} chain{'s' if self.n_chains > 1 else ''} of "
                f"{self.n_draws} draws, "
                f"R-hat at most {self.max_r_hat:.3f}{chance}, "
                f"at least {self.min_ess_bulk:.0f} effective draws (tail {self.min_ess_tail:.0f}), "
                "no divergences."
            )
        return "Not converged: " + "; ".join(self.problems) + "."

    def __str__(self) -> str:
        return self.verdict


def diagnose(draws: Draws, table: pd.DataFrame) -> Diagnostics:
    """Judge a set of draws.

    Parameters
    ----------
    draws
    table
        `summarise`'s table of every parameter: columns r_hat, ess_bulk, ess_tail.
    """
    n_chains, n_draws = next(iter(draws.sample_stats.values())).shape
    stats = draws.sample_stats
    n_divergent = int(np.sum(stats["diverging"]))
    n_deep = int(np.sum(stats["tree_depth"] >= draws.max_treedepth))
    energy = np.asarray(stats["energy"], float)
    with np.errstate(invalid="ignore", divide="ignore"):
        e_bfmi = np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1)
    min_e_bfmi = float(np.nanmin(e_bfmi)) if n_draws > 1 else np.nan
    max_r_hat = float(table["r_hat"].max(skipna=False))
    bulk, tail = float(table["ess_bulk"].min()), float(table["ess_tail"].min())
    # Missing where draws are too few, or stand still.
    ess = table[["ess_bulk", "ess_tail"]].min(axis=1, skipna=False).fillna(0)
    limits = _limits(draws, table, ess, n_chains)
    # An R-hat that is missing is worse than any: a parameter that never moved.
    excess = table["r_hat"].fillna(np.inf) - limits
    agree = not bool((excess >= 0).any())
    least = ess_limit(len(table), n_chains)
    worst = ess.idxmin() if agree else excess.idxmax()
    judged = int(np.argmax((table["r_hat"] if agree else excess).to_numpy()))
    r_hat_below = float(limits[judged])
    of_many = f" of the worst of {len(table):,} parameters" if len(table) > 1 else ""

    problems = []
    if n_divergent:
        problems.append(
            f"{n_divergent} of {n_chains * n_draws} draws diverged; give target_accept=0.99, and "
            "if some remain, a tighter prior on the group standard deviations, or the family's "
            "default link"
        )
    if not agree:
        its = float(table["r_hat"].iloc[judged])
        problems.append(
            f"R-hat is {its:.3f} (worst: {worst}; wanted{of_many}: below {r_hat_below:.3f}), so "
            "the chains disagree; give more warmup= and draws=, and look for terms that the data "
            "cannot tell apart"
        )
    if not ess.min() >= least:
        allowed = f" ({least:.0f}{of_many})" if round(least) < ESS_PER_CHAIN * n_chains else ""
        problems.append(
            f"{ess.idxmin()} has {ess.min():.0f} effective draws where "
            f"{ESS_PER_CHAIN * n_chains} are wanted{allowed}; give more draws="
        )
    if n_deep:
        problems.append(
            f"{n_deep} draws reached the largest tree depth, which is slow but not wrong; "
            "rescale or centre the predictors"
        )
    if min_e_bfmi < E_BFMI_FROM:
        problems.append(
            f"E-BFMI is {min_e_bfmi:.2f}, so the tails are poorly explored; tighten the priors of "
            "the group standard deviations"
        )
    return Diagnostics(
        max_r_hat=max_r_hat,
        min_ess_bulk=bulk,
        min_ess_tail=tail,
        worst=str(worst),
        n_divergent=n_divergent,
        n_max_treedepth=n_deep,
        min_e_bfmi=min_e_bfmi,
        n_chains=n_chains,
        n_draws=n_draws,
        problems=tuple(problems),
        r_hat_below=r_hat_below,
        ess_from=least,
    )


def _limits(draws: Draws, table: pd.DataFrame, ess: pd.Series, n_chains: int) -> Array:
    """Return what each R-hat must stay below, shape (P,)."""
    r_hat, P = table["r_hat"].to_numpy(float), len(table)
    limits = np.full(P, R_HAT_BELOW)
    for row in np.flatnonzero(r_hat >= R_HAT_BELOW).tolist():
        own = _draws_of(draws, table.index, row)
        if own is None:
            limits[row] = r_hat_limit(ess.iloc[row], P, n_chains)
            continue
        both, effective = r_hats_and_ess(own[..., None])
        limit = r_hat_limit(cautious(effective[:, 0]), P, n_chains)
        beyond = both[:, 0] >= limit
        limits[row] = limit[beyond].min() if beyond.any() else limit[int(np.argmax(both[:, 0]))]
    return limits


def _draws_of(draws: Draws, names: pd.Index, row: int) -> Array | None:
    """Find the draws of a row of the table, shape (chains, draws), by its name and its place."""
    text = str(names[row])
    owners = {name: name for name in draws.posterior}
    owners |= {tree_name(name): name for name in draws.posterior}
    if text in owners:
        values = draws.posterior[owners[text]]
        return values if values.ndim == 2 else None
    label = max((o for o in owners if text.startswith(f"{o}[")), key=len, default=None)
    if label is None:
        return None
    values = draws.posterior[owners[label]]
    values = values.reshape(*values.shape[:2], -1)
    first = row
    while first and str(names[first - 1]).startswith(f"{label}["):
        first -= 1
    return values[..., row - first] if row - first < values.shape[2] else None
