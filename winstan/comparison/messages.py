"""What an agreement says: its verdict, and its table as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.fitted.reprs import EFFECT_ROWS, round_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.comparison.agreement import Agreement

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


def _largest_z(table: pd.DataFrame) -> pd.Series:
    """Return the larger |z| of each row; a missing one is worse than any."""
    return table[["z_mean", "z_sd"]].abs().fillna(np.inf).max(axis=1)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def unconverged_verdict(unconverged: dict[str, str]) -> str:
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


def verdict(agreement: Agreement) -> str:
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


def heading(agreement: Agreement) -> str:
    """Name the fits and the threshold."""
    n, pairs = agreement.table["parameter"].nunique(), len(agreement.names) - 1
    against = f" against {agreement.names[0]}" if pairs > 1 else ""
    return (
        f"{_listed(agreement.names)}{against}: {n} parameters, means and sds. z in combined Monte "
        f"Carlo errors; threshold {agreement.threshold:.2f} (Sidak, {100 * agreement.alpha:g}% for "
        "all of them)."
    )


def format_agreement(agreement: Agreement) -> tuple[pd.DataFrame, str]:
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


def to_plot(table: pd.DataFrame) -> list[str]:
    """Parameters to draw: all but many group effects that agree; at most a figure's worth."""
    worst = _largest_z(table).groupby(table["parameter"], sort=False).max()
    effect = table.groupby("parameter", sort=False)["role"].first() == "effect"
    agrees = table.groupby("parameter", sort=False)["agrees"].all()
    keep = worst
    if effect.sum() > EFFECT_ROWS:
        keep = worst[~(effect & agrees)]
    chosen = set(keep.nlargest(PLOTTED_ROWS).index)
    return [name for name in worst.index if name in chosen]
