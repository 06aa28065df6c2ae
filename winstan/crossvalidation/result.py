"""Expected log predictive densities, as ArviZ has them, that know of which data they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO, ELPDDataLOOKFold, ELPDDataLOOSubsample

from winstan.draws import ROW

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.crossvalidation.scored import ScoredData

FEW_UNITS = 100
"""Units below which the standard error is rough (Sivula, Magnusson and Vehtari 2025)."""


class _Summed:
    """What is the sum of an entry for each row, or unit."""

    def less(self: Any, best: Any) -> dict[str, float]:
        """Return the difference from another of the same rows, and its standard error."""
        total, error = sum_of_units(self.elpd_i - best.elpd_i.to_numpy())
        return {"elpd_diff": total, "se_diff": error}

    def of_entries(self) -> Any:
        """Return what has an entry for each row or unit, for ArviZ."""
        return self


@dataclass(kw_only=True, repr=False)
class ELPDRows(_Summed, ELPDDataLOO):
    """Leaving out each row: ArviZ's result.

    Attributes
    ----------
    scored : ScoredData
    refits : DataFrame
        Of the rows that were refitted without: row, elpd, mcse, k, verdict.
    """

    scored: ScoredData
    refits: pd.DataFrame


@dataclass(kw_only=True, repr=False)
class ELPDSample(ELPDDataLOOSubsample):
    """Leaving out each of a sample of rows, of data that an engine grouped: ArviZ's result.

    Attributes
    ----------
    elpd : float
        Of all rows: their log density at the posterior mean, which is exact, and what leaving rows
        out changes it by, estimated from the sample.
    subsampling_se : float
        Standard error of `elpd` as the sum over these rows: of what is estimated.
    se : float
        As of any leave-one-out, were all rows drawn anew: ``sqrt(n var)``, by the sample.
    rows : DataFrame
        Of the sampled rows: columns row (its place in the sample), weight, elpd (left out), lpd (at
        the posterior mean), p, k.
    n_rows : int
        All rows.
    scored : ScoredData
        Of the sampled rows.
    """

    rows: pd.DataFrame
    n_rows: int
    scored: ScoredData

    @property
    def refits(self) -> pd.DataFrame:
        """No row was refitted without."""
        return pd.DataFrame({"ok": np.zeros(0, bool)})

    def less(self, best: ELPDSample) -> dict[str, float]:
        """Return the difference from another of the same sample, and its standard errors."""
        a, b = self.rows, best.rows
        apart = np.repeat(a["elpd"] - b["elpd"], a["weight"].astype(int))
        estimated = a["weight"] * ((a["elpd"] - a["lpd"]) - (b["elpd"] - b["lpd"]))
        return {
            "elpd_diff": self.elpd - best.elpd,
            "se_diff": float(np.sqrt(self.n_data_points * apart.var(ddof=1))),
            "subsampling_se_diff": total_of_sample(estimated, self.n_rows)[1],
        }

    def of_entries(self) -> ELPDDataLOO:
        """Return the sampled rows by themselves, for ArviZ."""
        values = np.repeat(self.rows["elpd"].to_numpy(), self.rows["weight"].astype(int))
        return ELPDDataLOO(
            elpd=float(values.sum()),
            se=sum_of_units(values)[1],
            p=float(self.rows["p"].sum()),
            n_samples=self.n_samples,
            n_data_points=values.size,
            scale="log",
            warning=self.warning,
            good_k=self.good_k,
            elpd_i=xr.DataArray(values, dims=ROW),
            pareto_k=self.pareto_k,
        )


@dataclass(kw_only=True, repr=False)
class ELPDUnits(_Summed, ELPDDataLOOKFold):
    """Leaving out each unit: ArviZ's result, and what is known of each refit.

    Attributes
    ----------
    elpd, se, p : float
        The sum of `elpd_i`; its standard error over units, ``sqrt(J var(elpd_i))``; and the sum of
        what each unit's log density falls by when it is left out.
    elpd_i : DataArray, shape (J,)
        Log density of each unit given all others; dim and coordinate are the factor's.
    factor : str
    mcse : float
        Monte Carlo standard error of `elpd`, from that of each refit's draws and of the integrals
        over effects.
    refits : DataFrame
        A row for each unit: columns factor, rows, elpd, mcse, k (Pareto's, of the
        densities over draws: above 0.7 elpd and mcse are rough), p, ok, verdict.
    scored : ScoredData
    """

    _kind: ClassVar[str] = "loo_kfold"
    _display_kind: ClassVar[str] = "loo"

    factor: str
    mcse: float
    refits: pd.DataFrame
    scored: ScoredData

    def _header(self) -> str:
        return (
            f"Each of {self.n_data_points} levels of '{self.factor}' predicted by a refit without "
            f"it; Monte Carlo error {self.mcse:.2f}."
        )

    def _footer(self) -> str:
        out = ""
        if self.n_data_points < FEW_UNITS:
            out += f"\n\nThe SE is that of {self.n_data_points} units: rough."
        bad = int((~self.refits["ok"]).sum())
        if bad:
            out += f"\n{bad} of {len(self.refits)} refits cannot be trusted: see .refits."
        return out


def sum_of_units(elpd_i: xr.DataArray | np.ndarray) -> tuple[float, float]:
    """Return the sum, and its standard error over units."""
    values = np.asarray(elpd_i, float)
    return float(values.sum()), float(np.sqrt(values.size * values.var(ddof=1)))


def total_of_sample(values: pd.Series | Array, n: int) -> tuple[float, float]:
    """Estimate the sum over n rows by some of them, and its standard error.

    Rows are drawn without replacement, each with the same chance.
    """
    some = np.asarray(values, float)
    unseen = 1.0 - some.size / n
    return n * float(some.mean()), n * float(np.sqrt(unseen * some.var(ddof=1) / some.size))
