"""Diagnostics: R-hat, effective sample sizes, divergences, E-BFMI, tree depth; one plain verdict.

References
----------
Vehtari, Gelman, Simpson, Carpenter and Burkner (2021), Bayesian Analysis 16, 667-718:
rank-normalised R-hat (below 1.01) and effective sample size (at least 100 a chain, for bulk and
tail). Betancourt (2016), arXiv:1604.00695: E-BFMI (0.3 and above).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from winstan.draws import Draws

R_HAT_BELOW = 1.01
ESS_PER_CHAIN = 100
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

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One sentence: the draws can be trusted, or what is wrong and what to do."""
        if self.ok:
            return (
                f"Converged: {self.n_chains} chain{'s' if self.n_chains > 1 else ''} of "
                f"{self.n_draws} draws, "
                f"R-hat at most {self.max_r_hat:.3f}, "
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
    # An R-hat that is missing is worse than any: a parameter that never moved.
    worst = table["r_hat"].fillna(np.inf).idxmax() if not max_r_hat < R_HAT_BELOW else ess.idxmin()

    problems = []
    if n_divergent:
        problems.append(
            f"{n_divergent} of {n_chains * n_draws} draws diverged; give target_accept=0.99, and "
            "if some remain, a tighter prior on the group standard deviations, or the family's "
            "default link"
        )
    if not max_r_hat < R_HAT_BELOW:  # also when it is missing: a chain stood still
        problems.append(
            f"R-hat is {max_r_hat:.3f} (worst: {worst}), so the chains disagree; give more warmup= "
            "and draws=, and look for terms that the data cannot tell apart"
        )
    needed = ESS_PER_CHAIN * n_chains
    if not ess.min() >= needed:
        problems.append(
            f"{ess.idxmin()} has {ess.min():.0f} effective draws where {needed} are wanted; "
            "give more draws="
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
    )
