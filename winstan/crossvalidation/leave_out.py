"""Leave-one-out by refits: of whole units, and of the rows that importance sampling fails for."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.backends import Settings, backend_named
from winstan.crossvalidation.result import ELPDRows, ELPDUnits, sum_of_units
from winstan.crossvalidation.scored import ScoredData
from winstan.crossvalidation.task import Asked, Held, RefitTasks, good_k
from winstan.crossvalidation.units import units_of
from winstan.data.columns import how_many
from winstan.design import take_data
from winstan.design_warnings import warn_design
from winstan.draws import ROW, label_coordinate, row_numbers
from winstan.effects.grouped_rows import check_responses_known
from winstan.effects.joint_density import joint_log_density, unseen_rows
from winstan.effects.pointwise import leave_one_out, pointwise
from winstan.errors import BackendError, ConvergenceWarning, FailureWarning, OptionError, warn_user
from winstan.fitted.attempts import Sampling
from winstan.parallel import run_tasks, threads_unless_told, workers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.crossvalidation.task import Refit
    from winstan.crossvalidation.units import Units
    from winstan.fitted.fitted_model import FittedModel

# Draws of the whole fit by which a unit's own share of the effective parameters is found.
_DRAWS = 1000


def leave_units_out(
    fit: FittedModel,
    factor: str,
    *,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
) -> ELPDUnits:
    """Predict each unit by a refit without it; see `Fit.loo`."""
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    units = units_of(fit.model, factor)
    refits = refit_units(fit, units, {}, n_jobs=n_jobs, seed=seed, progress=progress)
    _tell_far(fit, refits, factor)
    elpd_i = np.array([one.elpd for one in refits])
    p_i = _densities_in_sample(fit, units) - elpd_i
    labels = label_coordinate(units.labels)

    def by_unit(values: Array, name: str) -> xr.DataArray:
        return xr.DataArray(values, dims=factor, coords={factor: labels}, name=name)

    total, error = sum_of_units(elpd_i)
    mcse = np.array([one.mcse for one in refits])
    return ELPDUnits(
        elpd=total,
        se=error,
        p=float(p_i.sum()),
        n_samples=_n_draws(fit),
        n_data_points=len(units.labels),
        scale="log",
        warning=not all(_ok(one) for one in refits),
        good_k=None,
        elpd_i=by_unit(elpd_i, "elpd_i"),
        n_folds=len(units.labels),
        p_kfold_i=by_unit(p_i, "p_kfold_i"),
        factor=factor,
        mcse=float(np.sqrt(np.square(mcse).sum())),
        refits=_table(refits, factor).assign(p=p_i),
        scored=ScoredData.of(fit.model),
    )


def refit_units(
    fit: FittedModel, units: Units, contrasts: Mapping[str, Mapping[str, Any]], **options: Any
) -> list[Refit]:
    """Refit without each unit; options are those of `refit_without`."""
    weight = fit.model.design.weights
    held = []
    for i, label in enumerate(units.labels):
        at = units.rows(i)
        held.append(Held(label, at, np.ones(at.size) if weight is None else weight[at]))
    return refit_without(fit, held, units.factor, contrasts, **options)


def refit_without(
    fit: FittedModel,
    held: Sequence[Held],
    what: str,
    contrasts: Mapping[str, Mapping[str, Any]],
    *,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
) -> list[Refit]:
    """Refit without some rows, and some others, side by side, by the fit's own backend.

    Raises
    ------
    BackendError
        If none could be fitted.
    OptionError
        If an engine has kept means of the response alone.

    Warns
    -----
    FailureWarning, ConvergenceWarning
        If some could not be fitted, or have not converged.
    """
    check_responses_known(fit.model, "Refits without some rows are")
    used, settings = backend_named(fit.backend), fit.settings or Settings()
    if used.reads_formula and not fit.model.formula.elementwise:
        raise BackendError(
            f"{used.name} would evaluate functions of whole columns (scale, center, poly) anew on "
            f"the rows of a refit, and {fit.model.formula.text!r} has some: use backend='stan' or "
            "'pymc'."
        )
    used.check(fit.model, settings)
    with threads_unless_told() if used.own_processes else nullcontext():
        workers = workers_of(n_jobs)
        used.prepare(fit.model, progress=progress)
        sampling = asdict(settings) | {"progress": False}
        if workers.n_jobs > 1:
            sampling["cores"] = max(1, workers.n_jobs // len(held))
        own = sampling.pop("seed")
        asked = Asked(fit.model, Sampling(fit.backend, sampling), contrasts)
        tasks = RefitTasks(asked, held, own if seed is None else seed)
        refits = run_tasks(tasks, workers, progress)
    _tell(refits, what)
    return refits


def _tell(refits: Sequence[Refit], what: str) -> None:
    failed = [one for one in refits if not one.fitted]
    if failed:
        some = (
            f"{len(failed)} of {how_many(len(refits), 'refit')} failed, the first without {what} "
            f"{failed[0].label!r}: {failed[0].error}: {failed[0].message}"
        )
        if len(failed) == len(refits):
            raise BackendError(some)
        warn_user(f"{some} Without these there is no sum over all.", FailureWarning)
    bad = [one for one in refits if one.diagnostics is not None and not one.diagnostics.ok]
    if bad:
        assert bad[0].diagnostics is not None
        warn_user(
            f"{len(bad)} of {how_many(len(refits), 'refit')} cannot be trusted, the first without "
            f"{what} {bad[0].label!r}: {bad[0].diagnostics.verdict}",
            ConvergenceWarning,
        )


def _tell_far(fit: FittedModel, refits: Sequence[Refit], what: str) -> None:
    good = good_k(_n_draws(fit))
    far = sorted((one for one in refits if one.k > good), key=lambda one: -one.k)
    if far:
        some = ", ".join(f"{one.label!r}: {one.k:.2f}" for one in far[:5])
        warn_design(
            f"{len(far)} of {len(refits)} left out by {what} lie where hardly any draw of the fit "
            f"without them goes: Pareto k of their density above {good:.2g} ({some}"
            f"{', ...' if len(far) > 5 else ''}), so that it is known roughly. Take more draws=; a "
            "family of heavier tails may suit them.",
            "far_units",
        )


def _ok(refit: Refit) -> bool:
    return refit.diagnostics is not None and refit.diagnostics.ok


def _table(refits: Sequence[Refit], what: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            what: [one.label for one in refits],
            "rows": [one.n_rows for one in refits],
            "elpd": [one.elpd for one in refits],
            "mcse": [one.mcse for one in refits],
            "k": [one.k for one in refits],
            "ok": np.array([_ok(one) for one in refits], bool),
            "verdict": [
                f"{one.error}: {one.message}"
                if one.diagnostics is None
                else one.diagnostics.verdict
                for one in refits
            ],
        }
    )


def _n_draws(fit: FittedModel) -> int:
    sizes = fit.draws["posterior"].sizes
    return int(sizes["chain"] * sizes["draw"])


def _densities_in_sample(fit: FittedModel, units: Units) -> Array:
    """Return the log density of each unit under the fit that has seen it, effects integrated."""
    design, every = fit.model.design, fit.joined()
    step = max(1, _n_draws(fit) // _DRAWS)
    draws = {name: values[::step] for name, values in every.items()}
    out = np.empty(len(units.labels))
    for i in range(out.size):
        at = units.rows(i)
        places = [
            [np.where(own < 0, -1, np.arange(own.size)) for own in of_parameter]
            for of_parameter in take_data(design, units.code != i).places
        ]
        weight = np.ones(at.size) if design.weights is None else design.weights[at]
        found = joint_log_density(unseen_rows(fit.model, at, weight, places), draws)
        out[i] = np.logaddexp.reduce(found) - np.log(found.size)
    return out


def leave_rows_out(
    fit: FittedModel,
    *,
    reloo: bool = False,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
) -> ELPDRows:
    """Predict each row from all others by importance sampling; see `Fit.loo`.

    Rows for which that fails are predicted by refits, if these are asked for.
    """
    model, posterior = fit.model, fit.joined()
    found = leave_one_out(model, posterior, fit.draws["posterior"].sizes["chain"], warn=not reloo)
    known = {one.name: getattr(found, one.name) for one in fields(found)}
    empty = _table([], ROW)
    out = ELPDRows(**known, scored=ScoredData.of(model), refits=empty)
    return _with_refits(fit, out, n_jobs, seed, progress) if reloo else out


def _with_refits(
    fit: FittedModel, found: ELPDRows, n_jobs: int | None, seed: int | None, progress: bool | None
) -> ELPDRows:
    """Put refits in place of what importance sampling failed for."""
    model, design = fit.model, fit.model.design
    if design.residual is not None:
        raise OptionError(
            f"reloo=True: rows of {model.formula.text!r} are predicted from the others of their "
            f"'{design.residual.spec.factor}', and no refit is made for that. "
            f"fit.loo(leave_out={design.residual.spec.factor!r}) leaves whole ones out."
        )
    repeats = np.ones(design.n_rows, int)
    if design.frequency is not None:
        repeats = design.frequency.astype(int)
    of_entry = np.repeat(np.arange(design.n_rows), repeats)
    bad = np.unique(of_entry[~(found.pareto_k.to_numpy() <= found.good_k)])
    if not bad.size:
        return found
    alike = pointwise(model, fit.joined()).number
    numbers, first = np.unique(alike[bad], return_index=True)  # rows that are alike share one
    held = [_one_row(fit, int(row)) for row in bad[first]]
    refits = refit_without(fit, held, ROW, {}, n_jobs=n_jobs, seed=seed, progress=progress)
    _tell_far(fit, refits, ROW)
    by_number = dict(zip(numbers.tolist(), refits, strict=True))
    elpd, p, k = (values.copy() for values in (found.elpd_i, found.p_loo_i, found.pareto_k))
    for entry, row in enumerate(of_entry.tolist()):
        one = by_number.get(int(alike[row]))
        if one is not None:
            p[entry] += elpd[entry] - one.elpd
            elpd[entry], k[entry] = one.elpd, 0.0
    total, error = sum_of_units(elpd)
    changed = {
        "elpd": total,
        "se": error,
        "p": float(p.sum()),
        "elpd_i": elpd,
        "p_loo_i": p,
        "pareto_k": k,
        "warning": not all(_ok(one) for one in refits),
        "refits": _table(refits, ROW),
    }
    return replace(found, **changed)  # its fields are ArviZ's


def _one_row(fit: FittedModel, row: int) -> Held:
    """Hold one observation of a row of data."""
    design = fit.model.design
    counts = design.response.counts
    label = int(row_numbers(design)[design.data_rows][row])
    if counts is None:
        return Held(label, np.array([row]), np.ones(1))
    at = np.flatnonzero(np.nonzero(counts)[0] == row)
    weight = np.ones(at.size) if design.weights is None else design.weights[at]
    frequency = 1.0 if design.frequency is None else design.frequency[row]
    return Held(label, at, weight / frequency)
