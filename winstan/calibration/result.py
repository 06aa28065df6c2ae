"""`Calibration`: ranks of all simulations, as tidy tables, with a verdict and a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import _html
from winstan.data.columns import how_many
from winstan.errors import OptionError, near_matches
from winstan.plots.words import percent
from winstan.uniformity import differences, p_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plotnine import ggplot

    from winstan._typing import Array
    from winstan.calibration.task import Simulation
    from winstan.model import Model

PANELS = 12
"""Quantities that a figure shows."""
NAMED = 3
"""Quantities that a verdict names."""
# How far from one half a mean rank is, and from one a spread, for a verdict to say so.
_SHIFT, _STRETCH = 0.05, 0.1
_DIGITS = 3


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration:
    """What simulations from the priors say of a model's posteriors.

    Attributes
    ----------
    table : DataFrame
        A row for each quantity, the least uniform first: columns quantity, kind (``parameter``,
        ``group effect``, ``contrast``, ``log likelihood``), simulations, p_value (that uniform
        ranks stray as far anywhere), p_adjusted (of all quantities together, by Holm's method), ok,
        mean_rank (0.5 if all is right; below where posteriors lie above the truth), spread (of the
        ranks: 1; more where posteriors are too narrow), coverage_50 and coverage_90 (of
        equal-tailed intervals).
    simulations : DataFrame
        A row for each simulation: columns simulation, seed, fitted, ok (converged), n_divergent,
        max_r_hat, min_ess_bulk, verdict (of the fit), seconds, error, message.
    ranks : DataFrame
        A row for each simulation and quantity: columns simulation, quantity, kind, truth, mean, sd,
        rank (posterior draws below the truth), draws (of how many), pit (the rank as a share,
        spread evenly over its step: uniform on (0, 1) if all is right).
    alarms : float
        The probability that a model without fault is called miscalibrated.
    formula, family, link, backend : str
    seed : int
    seconds : float
        Wall time of all.
    """

    table: pd.DataFrame
    simulations: pd.DataFrame
    ranks: pd.DataFrame
    alarms: float
    formula: str
    family: str
    link: str
    backend: str
    seed: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether all ranks may be uniform, and nothing failed."""
        return bool(self.table["ok"].all()) and bool(self.simulations["fitted"].all())

    @property
    def n_failed(self) -> int:
        """Simulations without a fit."""
        return int((~self.simulations["fitted"]).sum())

    @property
    def n_divergent(self) -> int:
        """Fits with a divergence."""
        return int((self.simulations["n_divergent"] > 0).sum())

    @property
    def n_unconverged(self) -> int:
        """Fits that their own verdict does not trust."""
        return int((self.simulations["fitted"] & ~self.simulations["ok"]).sum())

    @property
    def verdict(self) -> str:
        """What was found, with the probability of a false alarm."""
        return f"{self._of_ranks()} {self._of_fits()}"

    def plot(self, names: str | Sequence[str] | None = None) -> ggplot:
        """Draw, by quantity, how far the ECDF of the ranks is from a uniform distribution's.

        Parameters
        ----------
        names
            Quantities, as `table` names them. By default the twelve that stray furthest.

        Returns
        -------
        plotnine.ggplot
            The grey band holds all lines of a model without fault with probability
            ``1 - alarms`` (Bonferroni over all quantities). A line that rises above it on the
            left, and falls below on the right, is of a posterior that is too narrow; one on one
            side throughout, of a posterior that lies too high (above) or too low.

        Raises
        ------
        OptionError
            If there is no quantity of a name.
        """
        from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

        chosen = self._chosen(names)
        left = len(self.table) - len(chosen)
        values = {name: self._pit(name) for name in chosen}
        lines, bands = differences(values, self.alarms / len(self.table))
        return plots.plot_calibration(
            lines,
            bands,
            alarms=self.alarms,
            caption=f"{left} more quantities not drawn" if names is None and left else "",
        )

    def __repr__(self) -> str:
        return "\n".join([self._heading(), "", self.verdict, "", str(self._shown())])

    def _repr_html_(self) -> str:
        return _html.lines(
            _html.heading(self._heading()),
            _html.verdict(self.verdict, ok=self.ok),
            self._shown().to_html(border=0),
        )

    def _heading(self) -> str:
        n = how_many(len(self.simulations), "simulation")
        return f"Calibration of {self.formula}, {self.family} ({self.link}), {self.backend}: {n}"

    def _shown(self) -> pd.DataFrame:
        columns = ["p_value", "p_adjusted", "mean_rank", "spread", "coverage_50", "coverage_90"]
        return self.table.set_index("quantity")[columns].round(_DIGITS)

    def _of_ranks(self) -> str:
        bad = self.table[~self.table["ok"]]
        n, fitted = len(self.table), int(self.simulations["fitted"].sum())
        of = f"{n} quantities over {how_many(fitted, 'simulation')}"
        rate = f"(false alarms: {percent(self.alarms)})"
        if bad.empty:
            least = f"adjusted p at least {self.table['p_adjusted'].min():.2g}"
            return f"Calibrated: the ranks of {of} are uniform, {least} {rate}."
        named = "; ".join(_reading(row) for row in bad.head(NAMED).to_dict("records"))
        more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        found = f"the ranks of {len(bad)} of {of} are not uniform {rate}"
        return f"Miscalibrated: {found}: {named}{more}."

    def _of_fits(self) -> str:
        said = [
            f"{self.n_failed} of {len(self.simulations)} simulations failed"
            if self.n_failed
            else "No simulation failed"
        ]
        said.append(f"{self.n_divergent or 'none'} had divergences")
        said.append(f"{self.n_unconverged or 'none'} did not converge")
        return f"{said[0]}, {said[1]}, {said[2]}."

    def _pit(self, name: str) -> Array:
        of_name = self.ranks.loc[self.ranks["quantity"] == name, "pit"].dropna()
        return of_name.to_numpy(float)

    def _chosen(self, names: str | Sequence[str] | None) -> list[str]:
        known = self.table["quantity"].tolist()
        if names is None:
            return known[:PANELS]
        wanted = [names] if isinstance(names, str) else list(names)
        for name in wanted:
            if name not in known:
                raise OptionError(
                    f"There is no quantity {name!r}." + near_matches(str(name), known)
                )
        return wanted


def result_of(
    model: Model, done: Sequence[Simulation], alarms: float, backend: str, seed: int, seconds: float
) -> Calibration:
    """Put the tables together; some simulation has a fit."""
    ranks = pd.concat([_ranks(one) for one in done if one.fitted], ignore_index=True)
    rows = [_judged(str(name), part) for name, part in ranks.groupby("quantity", sort=False)]
    table = pd.DataFrame(rows)
    table.insert(4, "p_adjusted", holm(table["p_value"].to_numpy()))
    table.insert(5, "ok", ~(table["p_adjusted"] <= alarms))
    return Calibration(
        table=table.sort_values("p_value", kind="stable", ignore_index=True),
        simulations=pd.DataFrame([_row(one) for one in done]),
        ranks=ranks,
        alarms=alarms,
        formula=model.formula.text,
        family=model.family.name,
        link=model.link.name,
        backend=backend,
        seed=seed,
        seconds=seconds,
    )


def holm(p: Array) -> Array:
    """Return Holm's adjusted p-values: the family's error rate holds whatever the dependence."""
    order = np.argsort(p)
    factors = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def _ranks(one: Simulation) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "simulation": one.number,
            "quantity": one.names,
            "kind": one.kinds,
            "truth": one.truth,
            "mean": one.mean,
            "sd": one.sd,
            "rank": one.rank,
            "draws": one.draws,
            "pit": one.pit,
        }
    )


def _judged(name: str, part: pd.DataFrame) -> dict[str, object]:
    pit = part["pit"].dropna().to_numpy(float)
    off = np.abs(pit - 0.5)
    return {
        "quantity": name,
        "kind": part["kind"].iloc[0],
        "simulations": len(pit),
        "p_value": p_value(pit),
        "mean_rank": pit.mean(),
        "spread": float(np.sqrt(12 * np.mean(np.square(off)))),
        "coverage_50": float(np.mean(off < 0.25)),
        "coverage_90": float(np.mean(off < 0.45)),
    }


def _row(one: Simulation) -> dict[str, object]:
    found = one.diagnostics
    return {
        "simulation": one.number,
        "seed": one.seed,
        "fitted": one.fitted,
        "ok": found is not None and found.ok,
        "n_divergent": found.n_divergent if found else 0,
        "max_r_hat": found.max_r_hat if found else np.nan,
        "min_ess_bulk": found.min_ess_bulk if found else np.nan,
        "verdict": found.verdict if found else "",
        "seconds": one.seconds,
        "error": one.error,
        "message": one.message,
    }


def _reading(row: Mapping[Any, Any]) -> str:
    """Name a quantity, and say what its ranks look like."""
    words = []
    if abs(row["mean_rank"] - 0.5) > _SHIFT:
        words.append(f"posteriors lie too {'low' if row['mean_rank'] > 0.5 else 'high'}")
    if abs(row["spread"] - 1) > _STRETCH:
        words.append(f"posteriors are too {'narrow' if row['spread'] > 1 else 'wide'}")
    said = f", {' and '.join(words)}" if words else ""
    return f"{row['quantity']!r} (p {row['p_value']:.1g}{said})"
