"""What each unit moves: every parameter and contrast, without it and with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import effects
from winstan.crossvalidation.leave_out import refit_units
from winstan.crossvalidation.units import units_of
from winstan.errors import OptionError, collected_warnings, near_matches
from winstan.fitted.effects import contrast

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.crossvalidation.task import Refit
    from winstan.crossvalidation.units import Units
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Whose

LARGE = 1.0
"""Posterior sds by which one unit moves what it is too much of."""
_ROLES = ("coefficient", "sd", "correlation", "simplex", "auxiliary")


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What each unit moves, from fits without it.

    Attributes
    ----------
    table : DataFrame
        A row for each unit and quantity: columns factor (by its name), quantity, kind
        (``parameter`` or ``contrast``), estimate (posterior mean of the whole fit), without (that
        of the fit without the unit), sd (posterior sd of the whole fit), shift ((estimate -
        without) / sd: what the unit adds, in posterior sds).
    factor : str
    """

    table: pd.DataFrame
    factor: str

    @property
    def largest(self) -> pd.DataFrame:
        """The unit that moves each quantity most, a row for each, the most moved first."""
        table = self.table.assign(size=self.table["shift"].abs()).dropna(subset=["size"])
        at = table.groupby("quantity", sort=False)["size"].idxmax()
        chosen = table.loc[at].sort_values("size", ascending=False)
        return chosen.drop(columns="size").reset_index(drop=True)

    @property
    def verdict(self) -> str:
        """One sentence: which unit moves what most, and whether that is much."""
        most = self.largest.iloc[0]
        size = abs(most["shift"])
        judged = (
            f"more than {LARGE:g} posterior sd: the result hangs on it"
            if size > LARGE
            else f"none moves anything by more than {LARGE:g} posterior sd"
        )
        return (
            f"{self.factor} {most[self.factor]!r} moves {most['quantity']!r} most, by "
            f"{size:.2f} posterior sds ({most['without']:.4g} without it, {most['estimate']:.4g} "
            f"with it); {judged}."
        )

    def plot(self, *, quantities: str | Iterable[str] | None = None, largest: int = 12) -> ggplot:
        """Draw what each unit moves, in posterior sds; the one that moves most is named.

        Parameters
        ----------
        quantities : str or iterable of str, optional
            Which, in order; None is those that are moved most.
        largest
            How many of these.

        Raises
        ------
        OptionError
            If there is no such quantity.
        """
        from winstan import plots  # noqa: PLC0415 - half a second

        known = self.largest["quantity"].tolist()
        if quantities is None:
            wanted = known[:largest]
        else:
            wanted = [quantities] if isinstance(quantities, str) else list(quantities)
            for name in wanted:
                if name not in known:
                    raise OptionError(
                        f"{name!r} is nothing that was looked at." + near_matches(str(name), known)
                    )
        return plots.plot_influence(self.table, wanted, factor=self.factor)

    @property
    def _said(self) -> str:
        """The verdict, and whose effects the contrasts are."""
        whose = self.table.attrs.get("estimand")
        return self.verdict + (f" Contrasts: {whose}." if whose else "")

    def __repr__(self) -> str:
        shown = self.largest.round({"estimate": 4, "without": 4, "sd": 4, "shift": 2})
        return f"{self._said}\n\n{shown.to_string(index=False)}"

    def _repr_html_(self) -> str:
        shown = self.largest.round({"estimate": 4, "without": 4, "sd": 4, "shift": 2})
        return f"<p>{self._said}</p>{shown.to_html(index=False, border=0)}"


def influence_of(
    fit: FittedModel,
    factor: str,
    *,
    contrasts: str | Iterable[str] | None = None,
    groups: Whose | None = None,
    **options: Any,
) -> Influence:
    """Refit without each unit, and look at what has moved; see `Fit.influence`."""
    units = units_of(fit.model, factor)
    asked = _contrasts(fit, contrasts, groups)
    with collected_warnings():
        whole = {name: contrast(fit, name, **own) for name, own in asked.items()}
    refits = refit_units(fit, units, asked, **options)
    parts = [_of_parameters(fit, refits), *(_of_contrast(n, t, refits) for n, t in whole.items())]
    table = _long(pd.concat(parts, ignore_index=True), units, refits)
    for found in whole.values():
        table.attrs |= found.attrs
    return Influence(table, factor)


def _contrasts(
    fit: FittedModel, wanted: str | Iterable[str] | None, groups: Whose | None
) -> dict[str, dict[str, Any]]:
    known = effects.population_predictors(fit.model)
    names = known if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in known:
            raise OptionError(
                f"contrasts= names {name!r}, which is no predictor of the mean."
                + near_matches(str(name), known)
            )
    own = {} if groups is None else {"groups": groups}
    return {name: dict(own) for name in names}


def _of_parameters(fit: FittedModel, refits: list[Refit]) -> pd.DataFrame:
    """Mean and sd of every parameter but group effects, and its mean in each refit."""
    roles = {v.name: v.role for v in fit.model.variables}
    table = fit.summary()
    own = [str(name) for name in table.index if roles.get(_variable(str(name), roles)) in _ROLES]
    rows = pd.DataFrame(
        {
            "quantity": own,
            "kind": "parameter",
            "estimate": table.loc[own, "mean"].to_numpy(),
            "sd": table.loc[own, "sd"].to_numpy(),
        }
    )
    for i, one in enumerate(refits):
        rows[i] = np.nan if one.means is None else one.means.reindex(own).to_numpy()
    return rows[rows["sd"] > 0]


def _variable(name: str, roles: dict[str, str]) -> str:
    """Return the variable that a scalar is of: ``cond`` of ``cond[b]``."""
    return name if name in roles else name.rpartition("[")[0]


def _of_contrast(name: str, whole: pd.DataFrame, refits: list[Refit]) -> pd.DataFrame:
    """Mean and sd of each row of a table of contrasts, and its mean in each refit."""
    labels = whole[[c for c in (effects.CATEGORY, "contrast") if c in whole]].astype(str)
    rows = pd.DataFrame(
        {
            "quantity": [f"{name}: {label}" for label in labels.agg(", ".join, axis=1)],
            "kind": "contrast",
            "estimate": whole["mean"].to_numpy(),
            "sd": whole["sd"].to_numpy(),
        }
    )
    for i, one in enumerate(refits):
        found = one.contrasts.get(name)
        rows[i] = np.nan if found is None else found["mean"].to_numpy()
    return rows


def _long(rows: pd.DataFrame, units: Units, refits: list[Refit]) -> pd.DataFrame:
    parts = []
    for i in range(len(refits)):
        part = rows[["quantity", "kind", "estimate", "sd"]].copy()
        part.insert(0, units.factor, pd.Series([units.labels[i]] * len(part), index=part.index))
        part.insert(4, "without", rows[i])
        parts.append(part)
    out = pd.concat(parts, ignore_index=True)
    out["shift"] = (out["estimate"] - out["without"]) / out["sd"]
    return out
