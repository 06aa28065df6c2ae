"""Expected log predictive densities, as ArviZ has them, that know of which data they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from arviz_stats.utils import ELPDDataLOO, ELPDDataLOOKFold

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from winstan.crossvalidation.scored import ScoredData

FEW_UNITS = 100
"""Units below which the standard error is rough (Sivula, Magnusson and Vehtari 2025)."""


@dataclass(kw_only=True, repr=False)
class ELPDRows(ELPDDataLOO):
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
class ELPDUnits(ELPDDataLOOKFold):
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
