"""What simulated studies say of a design: shares and sizes, each with its Monte Carlo error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.effects.rope import Rope
    from winstan.planning.task import SimulatedStudy

DRAWS = 4000
"""Draws of the powers from which a sample size has its interval."""


@dataclass(frozen=True, slots=True)
class AskedContrast:
    """A contrast as a method estimates it.

    Attributes
    ----------
    method : str
    contrast : str
    scale : str
        What its numbers are: ``ratio of means``.
    null : float
        No effect.
    ratio : bool
    rope : (float, float), or None
    """

    method: str
    contrast: str
    scale: str
    null: float
    ratio: bool
    rope: Rope | None = None


def studies_table(
    done: Sequence[SimulatedStudy],
    plans: Sequence[tuple[Mapping[str, int], bool]],
    asked: Sequence[AskedContrast],
) -> pd.DataFrame:
    """Return a row for each study, method and contrast.

    Parameters
    ----------
    done
    plans
        Of each plan, its sizes and whether it has no effect.
    asked
        In the order of each method's contrasts.
    """
    rows: list[dict[str, Any]] = []
    for study in done:
        sizes, null = plans[study.plan]
        place: dict[str, int] = {}
        for one in asked:
            found = study.found.get(one.method)
            k = place[one.method] = place.get(one.method, -1) + 1
            error = study.error or ("" if found is None else found.error)
            values = np.full(4, np.nan)
            if found is not None and not error:
                values = found.values[k]
            row = {**sizes, "null": null, "study": study.number, "method": one.method}
            row |= {"contrast": one.contrast}
            row |= dict(zip(("estimate", "lower", "upper", "truth"), values, strict=True))
            ok = found is not None and not error and found.ok
            rows.append(row | {"ok": ok, "error": error, "seconds": study.seconds})
    return pd.DataFrame(rows)


def summary_table(
    studies: pd.DataFrame, sizes: Sequence[str], asked: Sequence[AskedContrast]
) -> pd.DataFrame:
    """Summarise studies: a row for each size, method and contrast."""
    rows = []
    for key, part in studies.groupby(list(sizes), sort=False) if sizes else [((), studies)]:
        for one in asked:
            is_own = (part["method"] == one.method) & (part["contrast"] == one.contrast)
            own = part[is_own]
            row: dict[str, Any] = dict(zip(sizes, key, strict=True))
            row |= {"method": one.method, "contrast": one.contrast, "scale": one.scale}
            rows.append(row | _summarised(own, one))
    return pd.DataFrame(rows)


def _summarised(own: pd.DataFrame, one: AskedContrast) -> dict[str, Any]:
    fitted = own[own["error"] == ""]
    effect, without = fitted[~fitted["null"]], fitted[fitted["null"]]
    decided = _excludes(effect, one.null)
    estimate, truth = (_from_null(effect[c].to_numpy(), one) for c in ("estimate", "truth"))
    sure = decided & (truth != 0)
    out: dict[str, Any] = {
        "simulations": int((~own["null"]).sum()),
        "failed": int((~own["null"] & (own["error"] != "")).sum()),
        "unconverged": int((~effect["ok"]).sum()),
    }
    out |= _named("power", _share(decided))
    out |= _named("width", _median((effect["upper"] - effect["lower"]).to_numpy()))
    out |= _named("type_s", _share(np.sign(estimate[sure]) != np.sign(truth[sure])))
    out |= _named("type_m", _mean(np.abs(estimate[sure]) / np.abs(truth[sure])))
    held = (effect["lower"] <= effect["truth"]) & (effect["truth"] <= effect["upper"])
    out |= _named("coverage", _share(held.to_numpy()))
    if own["null"].any():
        out |= _named("false_positives", _share(_excludes(without, one.null)))
    if one.rope is not None:
        low, high = one.rope
        beyond = (effect["lower"] > high) | (effect["upper"] < low)
        inside = (effect["lower"] > low) & (effect["upper"] < high)
        out |= _named("outside_rope", _share(beyond.to_numpy()))
        out |= _named("inside_rope", _share(inside.to_numpy()))
    return out


def _excludes(part: pd.DataFrame, null: float) -> np.ndarray:
    return ((part["lower"] > null) | (part["upper"] < null)).to_numpy()


def _from_null(values: Array, one: AskedContrast) -> Array:
    """Measure contrasts from no effect: ratios by their logarithm."""
    with np.errstate(all="ignore"):
        return np.log(values) if one.ratio else values - one.null


def _named(name: str, found: tuple[float, float]) -> dict[str, float]:
    return {name: found[0], f"{name}_mcse": found[1]}


def _share(hits: np.ndarray) -> tuple[float, float]:
    """Return a share and its standard error, which is not zero where all or none are hits."""
    n = len(hits)
    if not n:
        return np.nan, np.nan
    shrunk = (hits.sum() + 1) / (n + 2)
    return float(hits.mean()), float(np.sqrt(shrunk * (1 - shrunk) / n))


def _mean(values: Array) -> tuple[float, float]:
    n = len(values)
    error = values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return (float(values.mean()) if n else np.nan), float(error)


def _median(values: Array) -> tuple[float, float]:
    """Return a median, and its standard error by order statistics one binomial sd away."""
    n = len(values)
    if n < 2:
        return (float(values[0]) if n else np.nan), np.nan
    low, high = np.quantile(values, 0.5 + np.array([-0.5, 0.5]) / np.sqrt(n))
    return float(np.median(values)), float(high - low) / 2


def sample_sizes(
    table: pd.DataFrame, along: str, others: Sequence[str], power: float
) -> pd.DataFrame:
    """Interpolate the size that reaches a power, for each method, contrast and other sizes.

    Between sizes the probit of the power is a line in the root of the size, as it is for a mean of
    known variance. The interval is that of draws from the posterior of each size's power, which a
    larger study does not lower.

    Returns
    -------
    DataFrame
        Columns of `others`, method, contrast, `along` (0 where the smallest study has more power
        than that already, infinite where the largest has less), lower, upper (the ends of a 95%
        Monte Carlo interval, likewise).
    """
    rows = []
    keys = [*others, "method", "contrast"]
    for key, part in table.sort_values(along).groupby(keys, sort=False):
        n = (part["simulations"] - part["failed"]).to_numpy()
        hits = np.round(np.nan_to_num(part["power"].to_numpy()) * n)
        size = part[along].to_numpy(float)
        rng = np.random.default_rng(0)
        drawn = rng.beta(hits + 0.5, n - hits + 0.5, (DRAWS, size.size))
        found = [_reached(size, np.maximum.accumulate(one), power) for one in drawn]
        middle = _reached(size, np.maximum.accumulate((hits + 0.5) / (n + 1)), power)
        low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf")
        rows.append(
            dict(zip(keys, key, strict=True)) | {along: middle, "lower": low, "upper": high}
        )
    return pd.DataFrame(rows)


def _reached(size: Array, powers: Array, power: float) -> float:
    """Return where powers, in the order of the sizes, reach a power."""
    if powers[0] >= power:
        return 0.0
    if powers[-1] < power:
        return np.inf
    k = int(np.argmax(powers >= power))
    z = stats.norm.ppf(powers[k - 1 : k + 1])
    share = (stats.norm.ppf(power) - z[0]) / (z[1] - z[0])
    root = np.sqrt(size[k - 1 : k + 1])
    return float((root[0] + share * (root[1] - root[0])) ** 2)


def size_words(found: float, lower: float, upper: float, name: str, known: Iterable[int]) -> str:
    """Say where a power is reached, in words."""
    sizes = sorted(known)
    if found == 0:
        return f"below {name} = {sizes[0]}, the smallest"
    if np.isinf(found):
        return f"beyond {name} = {sizes[-1]}, the largest"
    low = f"below {sizes[0]}" if lower == 0 else f"{lower:.1f}"
    high = f"beyond {sizes[-1]}" if np.isinf(upper) else f"{upper:.1f}"
    return f"at {name} = {found:.1f} (95% Monte Carlo interval {low} to {high})"
