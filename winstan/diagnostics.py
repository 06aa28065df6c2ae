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
import pandas as pd

from winstan.chain_faults import not_numbers, repetition, standstill
from winstan.chance import (
    ESS_PER_CHAIN,
    LEAST_DRAWS,
    R_HAT_BELOW,
    batch_ess_limits,
    cautious,
    divergence_limit,
    r_hat_limit,
)
from winstan.convergence import BATCHES, ess_by_batches, r_hats_and_ess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan._typing import Array
    from winstan.draws import Draws

E_BFMI_FROM = 0.3
SMALL_STEPS = 0.99
"""The target acceptance that is given where trajectories diverge."""
_PRIORS = "a tighter prior on the group standard deviations, or the family's default link"


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
    notes : tuple of str
        What was seen and does no harm.
    r_hat_below : float
        What the R-hat that is nearest to it, or furthest beyond it, had to stay below: 1.01, or
        what chance does to the worst of so many parameters (`winstan.chance`).
    divergences_up_to : int
        Divergences that so many draws may have by chance.
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
    notes: tuple[str, ...]
    r_hat_below: float
    divergences_up_to: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One sentence: the draws can be trusted, or what is wrong and what to do."""
        if not self.ok:
            return "Not converged: " + "; ".join(self.problems) + "."
        chance = ""
        if not self.max_r_hat < R_HAT_BELOW:
            chance = f" (of so many parameters chance leaves it below {self.r_hat_below:.3f})"
        seen = [*self.notes] if self.n_divergent else ["no divergences", *self.notes]
        return (
            f"Converged: {self.n_chains} chain{'s' if self.n_chains > 1 else ''} of "
            f"{self.n_draws} draws, "
            f"R-hat at most {self.max_r_hat:.3f}{chance}, "
            f"at least {self.min_ess_bulk:.0f} effective draws (tail {self.min_ess_tail:.0f}), "
            f"{', '.join(seen)}."
        )

    def __str__(self) -> str:
        return self.verdict


def diagnose(draws: Draws, table: pd.DataFrame, values: Array) -> Diagnostics:
    """Judge a set of draws.

    Parameters
    ----------
    draws
    table
        `summarise`'s table of every parameter: columns r_hat, ess_bulk, ess_tail.
    values : ndarray, shape (chains, draws, P)
        Draws of each row of the table.
    """
    n_chains, n_draws = next(iter(draws.sample_stats.values())).shape
    n_divergent = int(np.sum(draws.sample_stats["diverging"]))
    n_deep = int(np.sum(draws.sample_stats["tree_depth"] >= draws.max_treedepth))
    min_e_bfmi = _e_bfmi(draws)
    # Missing where draws are too few, or stand still.
    smaller = np.minimum(table["ess_bulk"].to_numpy(float), table["ess_tail"].to_numpy(float))
    ess = pd.Series(np.where(np.isnan(smaller), 0.0, smaller), table.index)
    limits = _limits(table["r_hat"].to_numpy(float), values)
    # An R-hat that is missing is worse than any: a parameter that never moved.
    excess = table["r_hat"].fillna(np.inf) - limits
    agree = not bool((excess >= 0).any())
    worst = ess.idxmin() if agree else excess.idxmax()
    judged = int(np.argmax((table["r_hat"] if agree else excess).to_numpy()))
    up_to = divergence_limit(n_chains * n_draws)

    problems = list(_faults(table.index.astype(str), values))
    if n_draws < LEAST_DRAWS:
        problems.append(
            f"chains of {n_draws} draws are too short to be judged; give draws=1000, or "
            f"{LEAST_DRAWS} at the least"
        )
    if n_divergent > up_to:
        problems.append(_divergent(n_divergent, draws))
    if not agree:
        its = float(table["r_hat"].iloc[judged])
        problems.append(_disagreement(str(worst), its, float(limits[judged]), len(table)))
    few = _few(np.asarray(ess, float), values)
    if few.any():
        problems.append(_too_few(str(ess[few].idxmin()), float(ess[few].min()), n_chains, n_draws))
    if min_e_bfmi < E_BFMI_FROM:
        problems.append(
            f"E-BFMI is {min_e_bfmi:.2f}, so the tails are poorly explored; tighten the priors of "
            "the group standard deviations"
        )
    notes = []
    if 0 < n_divergent <= up_to:
        notes.append(
            f"{n_divergent} divergence{'s' if n_divergent > 1 else ''} of {n_chains * n_draws:,} "
            f"draws (chance leaves up to {up_to})"
        )
    if n_deep:
        deep = (
            f"{n_deep} draws reached the largest tree depth, which is slow but not wrong: "
            "rescale or centre the predictors"
        )
        # Beside what is wrong it may be why.
        (problems if problems else notes).append(deep)
    return Diagnostics(
        max_r_hat=float(table["r_hat"].max(skipna=False)),
        min_ess_bulk=float(table["ess_bulk"].min()),
        min_ess_tail=float(table["ess_tail"].min()),
        worst=str(worst),
        n_divergent=n_divergent,
        n_max_treedepth=n_deep,
        min_e_bfmi=min_e_bfmi,
        n_chains=n_chains,
        n_draws=n_draws,
        problems=tuple(problems),
        notes=tuple(notes),
        r_hat_below=float(limits[judged]),
        divergences_up_to=up_to,
    )


def _e_bfmi(draws: Draws) -> float:
    """Return the least of the chains' energy fractions of missing information."""
    energy = np.asarray(draws.sample_stats["energy"], float)
    if energy.shape[1] < 2:
        return float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1)
    return float(np.nanmin(each))


def _limits(r_hat: Array, values: Array) -> Array:
    """Return what each R-hat must stay below, shape (P,)."""
    n_chains, _, P = values.shape
    limits = np.full(P, R_HAT_BELOW)
    rows = np.flatnonzero(r_hat >= R_HAT_BELOW)
    if rows.size:
        both, effective = r_hats_and_ess(values[..., rows])
        own = r_hat_limit(cautious(effective), P, n_chains)
        beyond = both >= own
        larger = np.where(both[0] >= both[1], own[0], own[1])
        broken = np.where(beyond, own, np.inf).min(axis=0)
        limits[rows] = np.where(beyond.any(axis=0), broken, larger)
    return limits


def _few(ess: Array, values: Array) -> np.ndarray:
    """Tell which parameters have fewer effective draws than are wanted, shape (P,)."""
    n_chains, n_draws, P = values.shape
    few = ess < ESS_PER_CHAIN * n_chains
    if few.any() and n_draws >= LEAST_DRAWS:
        bulk, tail, length = ess_by_batches(values[..., few])
        limits = batch_ess_limits(P, n_chains, BATCHES, length)
        few[few] = (bulk < limits[0]) | (tail < limits[1])
    return few


def _faults(names: pd.Index, values: Array) -> Iterator[str]:
    """Name what chains have that no sound ones have."""
    bad = not_numbers(values)
    if bad.any():
        p = int(bad.argmax())
        more = np.count_nonzero(bad) - 1
        others = f", and so have {more} more parameters" if more else ""
        yield (
            f"{names[p]} has {bad[p]} draws that are no finite numbers{others}; look for "
            "predictors of very large values, and for priors that allow any"
        )
    if (twice := repetition(values)) is not None:
        pair = f"chains {twice.chain} and {twice.again}"
        if twice.chain == twice.again:
            said = f"{twice.length} draws of chain {twice.chain} come twice"
        elif twice.length == values.shape[1]:
            said = f"{pair} are the same draws"
        else:
            said = f"{pair} have {twice.length} of their draws in common"
        yield f"{said}; give each chain a seed of its own"
    if (still := standstill(values)) is not None:
        p, chain, length = still
        yield (
            f"chain {chain} stood still for {length} draws (of {names[p]}); give "
            f"target_accept={SMALL_STEPS} and more warmup="
        )


def _divergent(n_divergent: int, draws: Draws) -> str:
    total = draws.sample_stats["diverging"].size
    target = draws.attrs.get("target_accept")
    if target is not None and float(target) >= SMALL_STEPS:
        remedy = f"give {_PRIORS}"
    else:
        remedy = f"give target_accept={SMALL_STEPS}, and if some remain, {_PRIORS}"
    return f"{n_divergent} of {total} draws diverged; {remedy}"


def _disagreement(worst: str, r_hat: float, below: float, n_parameters: int) -> str:
    if np.isnan(r_hat):
        return (
            f"{worst} never moved; give more warmup=, and look for a prior that leaves it no room"
        )
    return (
        f"R-hat is {r_hat:.3f} (worst: {worst}; wanted{_of_many(n_parameters)}: below "
        f"{below:.3f}), so the chains disagree; give more warmup= and draws=, and look for terms "
        "that the data cannot tell apart"
    )


def _too_few(worst: str, ess: float, n_chains: int, n_draws: int) -> str:
    wanted = ESS_PER_CHAIN * n_chains
    return (
        f"{worst} has {ess:.0f} effective draws where {wanted} are wanted; give "
        f"{_enough(n_draws, ess / wanted)}"
    )


def _enough(n_draws: int, share: float) -> str:
    """Say how many draws suffice, with a half more for what is estimated badly."""
    if share > 0.1:
        return f"draws={int(500 * np.ceil(1.5 * n_draws / share / 500))}"
    return "more warmup= and draws="


def _of_many(n_parameters: int) -> str:
    return f" of the worst of {n_parameters:,} parameters" if n_parameters > 1 else ""
