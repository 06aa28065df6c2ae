"""`compare`: fits by how well they predict what they have not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.data.columns import how_many
from winstan.effects import single_rows
from winstan.errors import OptionError
from winstan.fit_class import Fit

if TYPE_CHECKING:
    from plotnine import ggplot

    from winstan.crossvalidation.result import ELPDRows, ELPDSample, ELPDUnits

LITTLE = 4.0
"""Differences of elpd below which fits predict about alike (Sivula, Magnusson and Vehtari 2025)."""
CLEAR = 2.0
"""Standard errors above which a difference is called clear."""
FEW = 100
"""Rows or units below which its standard error is rough."""


@dataclass(frozen=True, slots=True, eq=False)
class ELPDComparison:
    """Fits of one data set, the one that predicts best first.

    Attributes
    ----------
    table : DataFrame
        A row for each fit: columns fit; elpd and se; elpd_diff, how much less than the best
        one's, and se_diff, the standard error of that, over the same rows or units; weight, of
        stacking; p, the effective number of parameters; and problems, rows or refits that cannot
        be trusted. Where a sample of rows was left out also subsampling_se_diff, the standard error
        of elpd_diff by sampling.
    results : mapping of str to ELPDData
        What `Fit.loo` gives, by fit.
    leave_out : str or None
        The factor whose units were left out; None of rows.
    n : int
        How many of these.
    """

    table: pd.DataFrame
    results: Mapping[str, ELPDRows | ELPDSample | ELPDUnits]
    leave_out: str | None
    n: int

    @property
    def verdict(self) -> str:
        """One sentence: which fit predicts best, by how much, and whether that is clear."""
        best, *others = self.table.to_dict("records")
        what = self.leave_out or "row"
        count = f"{self.n:,} {f'levels of {self.leave_out}' if self.leave_out else 'rows'}"
        parts = [f"{best['fit']!r} predicts a {what} that it has not seen best"]
        parts += [_difference(other) for other in others]
        rough = f"; standard errors of {count} are rough" if self.n < FEW else ""
        problems = [one["fit"] for one in (best, *others) if one["problems"]]
        trust = f". Not to be trusted yet: {', '.join(map(repr, problems))}" if problems else ""
        return f"{': '.join([parts[0], '; '.join(parts[1:])])}{rough}{trust}."

    def plot(self) -> ggplot:
        """Draw the differences from the best fit, with one and two standard errors."""
        from winstan import plots  # noqa: PLC0415 - half a second

        what = f"each {self.leave_out}" if self.leave_out else "each row"
        return plots.plot_elpd(self.table, what=what)

    def __repr__(self) -> str:
        return f"{self.verdict}\n\n{self._shown().to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.verdict}</p>{self._shown().to_html(index=False, border=0)}"

    def _shown(self) -> pd.DataFrame:
        return self.table.round(
            {"elpd": 1, "se": 1, "elpd_diff": 1, "se_diff": 1, "weight": 2, "p": 1}
        )


def compare(
    fits: Mapping[str, Fit | ELPDRows | ELPDSample | ELPDUnits],
    *,
    leave_out: str | None = None,
    reloo: bool = False,
    sample: int | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    silence: str | Iterable[str] | None = None,
) -> ELPDComparison:
    """Compare fits of the same data by how well they predict what they have not seen.

    Parameters
    ----------
    fits : mapping of str to Fit
        By a name of each; or to what `Fit.loo` gave, which is not computed again.
    leave_out, reloo, sample, n_jobs, seed, progress, silence
        As for `Fit.loo`: by default rows are left out, with ``leave_out="mouse"`` whole mice. Of
        rows that an engine has grouped the same sample is left out of all fits.

    Returns
    -------
    ELPDComparison
        With ``table``, ``verdict`` and ``plot()``.

    Raises
    ------
    OptionError
        If fits are of different rows, values or scales of the response (``y`` and ``log(y)``), or
        results of other rows or units; by name.
    WinstanError
        All that `Fit.loo` raises.

    Warns
    -----
    DesignWarning, ConvergenceWarning, FailureWarning
        As for `Fit.loo`.

    Notes
    -----
    The difference of two fits is the sum over rows (or units) of the differences of their log
    densities, its standard error that of such a sum, ``sqrt(n var)``, with n - 1 in the variance as
    R's loo has it (ArviZ has n). Of a sample of rows, the difference at the posterior means is that
    of all rows, and the rest is estimated from the sample, as in `Fit.loo`. Weights are those of
    stacking (Yao, Vehtari, Simpson and Gelman 2018, Bayesian Analysis 13, 917-1007), ArviZ's.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> with_stim = ws.fit("`Log power` ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> without = ws.fit("`Log power` ~ 1 + (1|mouse)", trials, seed=1, silence="all")
    >>> both = {"with stim": with_stim, "without": without}
    >>> found = ws.compare(both, silence="influential_rows")
    >>> list(found.table["fit"])
    ['with stim', 'without']
    """
    results = _results(
        fits,
        leave_out=leave_out,
        reloo=reloo,
        sample=sample,
        n_jobs=n_jobs,
        seed=seed,
        progress=progress,
        silence=silence,
    )
    from arviz import compare as weigh  # noqa: PLC0415 - seconds, where it was not asked for before

    first = next(iter(results.values()))
    by_row = {name: one.of_entries() for name, one in results.items()}
    by_weight = weigh(by_row, round_to="none")["weight"]
    order = sorted(results, key=lambda name: -results[name].elpd)
    best = results[order[0]]
    rows = [
        {
            "fit": name,
            "elpd": results[name].elpd,
            "se": results[name].se,
            **results[name].less(best),
            "weight": float(by_weight[name]),
            "p": results[name].p,
            "problems": _problems(results[name]),
        }
        for name in order
    ]
    return ELPDComparison(
        pd.DataFrame(rows), results, getattr(first, "factor", None), first.n_data_points
    )


def _results(fits: Any, **options: Any) -> dict[str, ELPDRows | ELPDSample | ELPDUnits]:
    """Return what `Fit.loo` gives of each, all of the same data."""
    from winstan.crossvalidation.result import ELPDUnits  # noqa: PLC0415 - with ArviZ

    if not isinstance(fits, Mapping) or len(fits) < 2:
        raise OptionError(
            'compare takes fits by name, two or more: ws.compare({"a": a, "b": b}); got '
            f"{type(fits).__name__ if not isinstance(fits, Mapping) else len(fits)}."
        )
    from winstan.crossvalidation.sampled import ROWS  # noqa: PLC0415

    models = [one.model for one in fits.values() if isinstance(one, Fit)]
    sampled = options["leave_out"] is None and any(one.design.grouped for one in models)
    if sampled and options["sample"] is None and not options["reloo"]:
        options["sample"] = ROWS
    _check_same_data(fits, sampled=sampled)
    asked = options["leave_out"]
    if asked is None:  # results say what is left out
        asked = next((one.factor for one in fits.values() if isinstance(one, ELPDUnits)), None)
    options["leave_out"] = asked
    out = {}
    for name, one in fits.items():
        if not isinstance(one, Fit):
            _check_same_units(name, one, asked)
        out[str(name)] = one.loo(**options) if isinstance(one, Fit) else one
    _check_same_rows(out)
    for name, one in out.items():
        if not np.isfinite(one.elpd):
            raise OptionError(
                f"{name!r} has no sum over all: some refits failed, see its .refits, or densities "
                "of rows are zero."
            )
    return out


def _check_same_rows(results: Mapping[str, Any]) -> None:
    """Refuse samples of rows beside others, or beside all rows."""
    of = {name: getattr(one, "subsample_size", one.n_data_points) for name, one in results.items()}
    of_all = {one.n_data_points for one in results.values()}
    if len(set(of.values())) > 1 or len(of_all) > 1:
        each = ", ".join(f"{n:,} for {name!r}" for name, n in of.items())
        raise OptionError(
            f"Rows or units that were left out differ: {each}. Compare the fits themselves, with "
            "one sample=, so that the same are left out of all."
        )


def _check_same_data(fits: Mapping[str, Any], *, sampled: bool) -> None:
    from winstan.crossvalidation.result import ELPDRows, ELPDSample, ELPDUnits  # noqa: PLC0415
    from winstan.crossvalidation.scored import ScoredData  # noqa: PLC0415

    scored = {}
    for name, one in fits.items():
        if not isinstance(one, Fit | ELPDRows | ELPDSample | ELPDUnits):
            raise OptionError(
                f"compare takes fits, or what fit.loo() gives, and {name!r} is of the type "
                f"{type(one).__name__}."
            )
        if isinstance(one, Fit):
            model = single_rows(one.model, "compare() is") if sampled else one.model
            scored[name] = ScoredData.of(model)
        else:
            scored[name] = one.scored
    first, *others = scored
    for name in others:
        if found := scored[first].difference(scored[name], str(first), str(name)):
            raise OptionError(found)


def _check_same_units(name: Any, one: Any, asked: str | None) -> None:
    own = getattr(one, "factor", None)
    if own != asked:
        left, wanted = (f"each {x}" if x else "each row" for x in (own, asked))
        raise OptionError(
            f"{name!r} has left out {left}, and others {wanted}: these are different questions. "
            f"Ask all of them by loo({f'leave_out={asked!r}' if asked else ''})."
        )


def _problems(one: ELPDRows | ELPDSample | ELPDUnits) -> str:
    bad = int((~one.refits["ok"]).sum())
    said = [f"{how_many(bad, 'refit')} not converged"] if bad else []
    if one.pareto_k is not None:
        above = int(np.count_nonzero(~(one.pareto_k.to_numpy() <= one.good_k)))
        said += [f"{how_many(above, 'row')} with Pareto k above {one.good_k:.2f}"] if above else []
    return "; ".join(said)


def _difference(other: Mapping[Any, Any]) -> str:
    size = -other["elpd_diff"]
    error = float(np.hypot(other["se_diff"], other.get("subsampling_se_diff", 0.0)))
    said = f"{other['fit']!r} by {size:.1f} less (SE {error:.1f})"
    if size < LITTLE:
        return f"{said}, which is little"
    times = size / error if error else np.inf
    return f"{said}, {'clearly' if times > CLEAR else 'not clearly'}: {times:.1f} SEs"
