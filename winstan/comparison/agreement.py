"""`Agreement`: how far fits of one question agree, in a table, a sentence and a figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan import _html
from winstan.errors import AgreementError
from winstan.fitted.reprs import EFFECT_ROWS, round_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotnine import ggplot

PLOTTED_ROWS = 40
"""Parameters that a figure holds; beyond these, those of the largest z are drawn."""

_LOOK_FOR = {
    "coefficient": "a prior, a centring of the predictors or an offset that one backend lacks, or "
    "an Intercept that is not at X = 0",
    "effect": "group levels in another order, or another prior of the group standard deviation",
    "sd": "another prior of the group standard deviations, a rate for a scale, or a Jacobian "
    "that one backend lacks",
    "correlation": "another prior of the correlations, or group effects in another order",
    "auxiliary": "another parametrization of the family (a rate for a shape, a precision for an "
    "sd), or another prior",
}


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far fits of one question agree; `agree` makes it.

    Attributes
    ----------
    table : DataFrame
        A row for each parameter and pair of fits: columns parameter, role, first, second (names of
        the fits), mean_first, mean_second, difference, z_mean, sd_ratio, z_sd, ess_first,
        ess_second (the smaller of bulk and tail), agrees.
    intervals : DataFrame
        A row for each parameter and fit: columns fit, parameter, role, mean, sd, lower, upper (94%
        HDI), mcse_mean.
    names : tuple of str
        Of the fits; every other one is held against the first.
    alpha : float
        The probability, at most, that one or more rows of fits that do agree are called a
        disagreement.
    threshold : float
        The largest absolute z that is called agreement.
    unconverged : mapping of str to str
        By name, the verdict of each fit that has not converged.
    """

    table: pd.DataFrame
    intervals: pd.DataFrame
    names: tuple[str, ...]
    alpha: float
    threshold: float
    unconverged: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all fits have converged, and no parameter differs by more than chance allows."""
        return not self.unconverged and bool(self.table["agrees"].all())

    @property
    def verdict(self) -> str:
        """One sentence: the fits agree, or where they differ most and what to look for."""
        if self.unconverged:
            return _unconverged(self.unconverged)
        return _verdict(self)

    def raise_for_disagreement(self) -> None:
        """Raise unless the fits agree.

        Raises
        ------
        AgreementError
            With the verdict, if they differ or have not converged.
        """
        if not self.ok:
            raise AgreementError(self.verdict)

    def plot(self) -> ggplot:
        """Draw the intervals of each fit side by side, and the z values beside them.

        Returns
        -------
        plotnine.ggplot
            120 mm wide, of a height that fits its rows.
        """
        from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

        shown = _to_plot(self.table)
        left_out = self.table["parameter"].nunique() - len(shown)
        return plots.plot_agreement(
            self.intervals[self.intervals["parameter"].isin(shown)],
            self.table[self.table["parameter"].isin(shown)],
            threshold=self.threshold,
            left_out=left_out,
        )

    def __repr__(self) -> str:
        shown, left_out = _as_table(self)
        lines = [_heading(self), "", self.verdict, "", shown.to_string()]
        return "\n".join(lines + (["", left_out] if left_out else []))

    def _repr_html_(self) -> str:
        shown, left_out = _as_table(self)
        return _html.lines(
            _html.note(_heading(self)),
            _html.verdict(self.verdict, ok=self.ok),
            shown.to_html(border=0),
            _html.note(left_out),
        )


def _largest_z(table: pd.DataFrame) -> pd.Series:
    """Return the larger |z| of each row; a missing one is worse than any."""
    return table[["z_mean", "z_sd"]].abs().fillna(np.inf).max(axis=1)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _unconverged(unconverged: dict[str, str]) -> str:
    """Say which fits have not converged, so that nothing can be said."""
    names = list(unconverged)
    reasons = "; ".join(
        (f"{name}: " if len(names) > 1 else "") + text.removeprefix("Not converged: ").rstrip(".")
        for name, text in unconverged.items()
    )
    return (
        f"{_listed(names)} {'have' if len(names) > 1 else 'has'} not converged, so that nothing "
        f"can be said of the agreement: {reasons}."
    )


def _verdict(agreement: Agreement) -> str:
    """Say that the fits agree, or where they differ most and what to look for."""
    table, limit = agreement.table, agreement.threshold
    largest = _largest_z(table)
    worst = table.iloc[int(largest.to_numpy().argmax())]
    n = table["parameter"].nunique()
    if agreement.ok:
        return (
            f"{_listed(agreement.names)} agree: none of {n} parameters differs by more than chance "
            f"allows (largest |z| {largest.max():.1f}, {worst['parameter']}; threshold "
            f"{limit:.1f}), and a shift of {_visible(agreement):.2g} sd would have been seen."
        )
    apart = table.loc[~table["agrees"], "parameter"].nunique()
    a, b = worst["first"], worst["second"]
    on = f"{apart} of {n} parameters, most on " if apart > 1 else f"one of {n} parameters, "
    mean = not abs(worst["z_mean"]) < abs(worst["z_sd"])
    if mean:
        shown = _mean_texts(agreement, worst)
        how = (
            f"whose mean is {shown[0]} in {a} and {shown[1]} in {b}, "
            f"{abs(worst['z_mean']):.1f} combined Monte Carlo errors apart"
        )
    else:
        how = (
            f"whose sd in {a} is {worst['sd_ratio']:.3g} times that in {b} "
            f"(|z| {abs(worst['z_sd']):.1f})"
        )
    return (
        f"{a} and {b} disagree on {on}{worst['parameter']}, {how} where chance allows {limit:.1f}; "
        f"look for {_LOOK_FOR[worst['role']]}."
    )


def _mean_texts(agreement: Agreement, row: pd.Series) -> list[str]:
    """Both means, with the digits that their Monte Carlo error warrants."""
    of = agreement.intervals
    error = of.loc[of["parameter"] == row["parameter"], "mcse_mean"].max()
    frame = pd.DataFrame(
        # `round_table` gives three digits of the column sd: one of the error.
        {"a": [row["mean_first"]], "b": [row["mean_second"]], "sd": [100 * error]}
    )
    return round_table(frame)[["a", "b"]].iloc[0].tolist()


def _visible(agreement: Agreement) -> float:
    """Return the shift, in posterior sds, that could just have gone unseen in some parameter."""
    of = agreement.intervals
    a = of[of["fit"] == agreement.names[0]]
    sd = a["sd"].to_numpy(float)
    shifts = []
    for name in agreement.names[1:]:
        b = of[of["fit"] == name]
        error = np.hypot(a["mcse_mean"].to_numpy(float), b["mcse_mean"].to_numpy(float))
        shifts.append(np.max(error[sd > 0] / sd[sd > 0], initial=0.0))
    return agreement.threshold * float(max(shifts))


def _heading(agreement: Agreement) -> str:
    """Name the fits and the threshold."""
    n, pairs = agreement.table["parameter"].nunique(), len(agreement.names) - 1
    against = f" against {agreement.names[0]}" if pairs > 1 else ""
    return (
        f"{_listed(agreement.names)}{against}: {n} parameters, means and sds. z in combined Monte "
        f"Carlo errors; threshold {agreement.threshold:.2f} (Sidak, {100 * agreement.alpha:g}% for "
        "all of them)."
    )


def _as_table(agreement: Agreement) -> tuple[pd.DataFrame, str]:
    """Return the table as text, and a line on what it leaves out."""
    table = agreement.table
    effects = (table["role"] == "effect") & table["agrees"]
    left_out = ""
    n_effects = table.loc[effects, "parameter"].nunique()
    if table.loc[table["role"] == "effect", "parameter"].nunique() > EFFECT_ROWS and n_effects:
        left_out = f"{n_effects} group effects that agree are not shown; .table has them all."
        table = table[~effects]
    sds = agreement.intervals.drop_duplicates("parameter").set_index("parameter")["sd"]
    means = round_table(
        pd.DataFrame(
            {
                "first": table["mean_first"],
                "second": table["mean_second"],
                # A digit more than the summary's: the differences are small.
                "sd": sds.reindex(table["parameter"]).to_numpy() / 10,
            }
        )
    )
    several = len(agreement.names) > 2
    first, *others = agreement.names
    columns: dict[str, Any] = {"against": table["second"].tolist()} if several else {}
    columns[f"mean {first}"] = means["first"].tolist()
    columns["mean" if several else f"mean {others[0]}"] = means["second"].tolist()
    columns["z_mean"] = [f"{z:.1f}" for z in table["z_mean"]]
    columns["sd_ratio"] = [f"{x:.3f}" for x in table["sd_ratio"]]
    columns["z_sd"] = [f"{z:.1f}" for z in table["z_sd"]]
    columns[f"ess {first}"] = [f"{x:.0f}" for x in table["ess_first"]]
    columns["ess" if several else f"ess {others[0]}"] = [f"{x:.0f}" for x in table["ess_second"]]
    unknown = table[["first", "second"]].isin(list(agreement.unconverged)).any(axis=1)
    columns["agrees"] = [
        "?" if no_word else "yes" if agrees else "NO"
        for agrees, no_word in zip(table["agrees"], unknown, strict=True)
    ]
    shown = pd.DataFrame(columns, dtype=object)
    shown.index = pd.Index(table["parameter"].tolist())
    return shown, left_out


def _to_plot(table: pd.DataFrame) -> list[str]:
    """Parameters to draw: all but many group effects that agree; at most a figure's worth."""
    worst = _largest_z(table).groupby(table["parameter"], sort=False).max()
    effect = table.groupby("parameter", sort=False)["role"].first() == "effect"
    agrees = table.groupby("parameter", sort=False)["agrees"].all()
    keep = worst
    if effect.sum() > EFFECT_ROWS:
        keep = worst[~(effect & agrees)]
    chosen = set(keep.nlargest(PLOTTED_ROWS).index)
    return [name for name in worst.index if name in chosen]
