"""`fit_each`: one model, every group of rows, side by side."""

from __future__ import annotations

import secrets
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from winstan.backends import Settings, one_backend
from winstan.data.columns import how_many
from winstan.data.tables import check_columns, column_names
from winstan.design_warnings import silenced
from winstan.each.categories import with_settled_categories
from winstan.each.contrast_options import contrasts_of
from winstan.each.fingerprint import fingerprint_of
from winstan.each.groups import partition, seed_of
from winstan.each.joining import result_of
from winstan.each.kept import kept_fit_each
from winstan.each.result import FitEach, named_groups
from winstan.each.task import GroupTasks, Question
from winstan.effects import CATEGORY
from winstan.effects.intervals import interval_names
from winstan.errors import (
    BackendError,
    ConvergenceWarning,
    DesignWarning,
    FailureWarning,
    OptionError,
    collected_warnings,
    warn_user,
)
from winstan.families import family_named
from winstan.formula import parse_formula
from winstan.formula.scope import namespace_of_caller
from winstan.inputs import names_in_use
from winstan.keywords import explains_keywords
from winstan.options import Kept, Whose, check_flags, check_option
from winstan.parallel import run_tasks, workers_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from winstan.each.groups import Parts
    from winstan.families import Family
    from winstan.formula import Formula
    from winstan.model import Model
    from winstan.options import Interval
    from winstan.priors import Prior


@explains_keywords
def fit_each(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family = "gaussian",
    *,
    by: str | list[str] | tuple[str, ...],
    contrasts: str | Iterable[str] | Mapping[str, Mapping[str, Any]] | None = None,
    groups: Whose | None = None,
    keep: Kept = "summary",
    n_jobs: int | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    backend: str = "stan",
    link: str | None = None,
    priors: Mapping[str, Prior] | None = None,
    center: bool = True,
    weights: str | None = None,
    trials: str | int | None = None,
    chains: int = 4,
    warmup: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    target_accept: float | None = None,
    cores: int | None = None,
    progress: bool | None = None,
    sampler: str | None = None,
    parametrization: str | Mapping[str, str] | None = None,
    silence: str | Iterable[str] | None = None,
    file: str | os.PathLike[str] | None = None,
    **formulas: str,
) -> FitEach:
    """Fit one model to every group of rows, such as every neuron, side by side.

    Each group's fit is the one that `winstan.fit` gives of its rows alone, with its seed: nothing
    is shared between groups. (To share, write the group into the formula: ``(stim|neuron)``.) Only
    the categories of a response of text or whole numbers, which declares none, are those of all
    groups, so that every group has the same ones, and the same reference: the first category
    that every group has, unless `winstan.categorical` chooses another.

    Parameters
    ----------
    formula, data, family, **formulas
        As for `winstan.fit`.
    by
        The column whose values are the groups, or a list of columns. None of the formula's.
        Messages, and the rows of a group's fit, have the numbers of the data's rows, from 0.
    contrasts
        Predictors whose contrasts are computed with each fit; or, by predictor, options of
        `Fit.contrast`: ``{"stim": {"ratio": True}}``. By default all population-level predictors.
    groups
        Whose effect each contrast is, as for `Fit.contrast`, unless its own options say otherwise.
    keep : {"summary", "fits"}
        Tables only, some kilobytes a group; or the fits themselves with all draws (0.6 MB for
        4 x 1000 draws of twelve parameters), for ``result[key]``.
    n_jobs
        Groups that are fitted at once; -1 is one for each processor, 1 is one after the other in
        this process. None is what `joblib.parallel_config` says, whose backend (processes, threads,
        a cluster) is used unless it is 1, and otherwise one for each processor. On Dask's clusters
        joblib takes all processors whatever it is.
    prob, interval
        Of the tables' intervals, as for `Fit.summary`.
    seed
        Each group has a seed of its own, made of this one and of its key: results depend neither
        on `n_jobs`, nor on the order of the rows, nor (where categories of a response are declared)
        on what other groups there are.
    cores
        Chains of one group that run at once. By default one, where as many groups as processors
        run already.
    progress
        Whether to show a line of progress; None does in terminals and notebooks.
    file
        Where the fits of all groups are kept, ``"each.nc"``, as for `winstan.fit`: what is there is
        read if the columns in use, the formula and the options are the same (how many workers,
        cores, progress and silence never count), and else replaced, with a `RefitWarning` that says
        what has changed.
    backend, link, priors, center, weights, trials, chains, warmup, draws, target_accept, sampler, \
parametrization, silence
        As for `winstan.fit`, of every group; one backend.

    Returns
    -------
    FitEach
        Of all groups; those that could not be fitted are in its ``failures``.

    Raises
    ------
    FormulaError, DataError, FamilyError, PriorError, OptionError
        Before any sampling, if no group can be fitted as it stands.
    BackendError
        If the backend is missing, or failed in every group.
    FitFileError
        If `file` is damaged, or cannot be written.

    Warns
    -----
    RefitWarning
        If `file` holds other fits.
    FailureWarning
        If some groups could not be fitted.
    ConvergenceWarning
        If some have not converged.
    DesignWarning
        Each kind once, with the groups that it is of; ``missing_rows`` also of rows whose group is
        missing.

    Notes
    -----
    A group's seed is that of ``numpy.random.SeedSequence(seed, spawn_key=k)``, k being the SHA-256
    digest of its key.

    Where a worker dies, most often for want of memory, the groups that were at hand are fitted
    again, half by half, and those that kill a worker of their own are in ``failures``. joblib's
    ``"multiprocessing"`` says nothing of a process that died, and waits for it. A Dask cluster with
    no worker left waits for one: for ever, unless its ``distributed.scheduler.no-workers-timeout``
    says for how long.

    Examples
    --------
    >>> import pandas as pd
    >>> import winstan as ws
    >>> neurons = [ws.simulate_lfp(n_mice=4, seed=i).assign(neuron=f"n{i}") for i in (1, 2)]
    >>> each = ws.fit_each("Power ~ stim + (1|mouse)", pd.concat(neurons), family="gamma",
    ...     by="neuron", seed=1, silence="all", n_jobs=1)
    >>> each.contrast("stim")["neuron"].tolist()
    ['n1', 'n2']
    """
    check_flags(center=center, progress=progress)
    start = perf_counter()
    used = one_backend(backend, "fit_each", sampler=sampler)
    check_option("keep", keep, Kept)
    interval_names(prob, interval)
    namespace = namespace_of_caller()
    known = family_named(family)
    known.link(link)
    parsed = parse_formula(formula, namespace, formulas, for_all=known.of_labels is not None)
    formula = parsed.text
    workers = workers_of(n_jobs)
    sampling: dict[str, Any] = {
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "target_accept": target_accept,
        "cores": cores,
        "progress": False,
        "sampler": sampler,
    }
    any_seed, seed = seed is None, secrets.randbelow(2**31 - 1) if seed is None else seed
    settings = Settings(**sampling, seed=seed)
    with silenced(silence):
        parts = partition(data, by)
        _check_columns(parsed, parts, weights, trials)
        if known.of_categories and CATEGORY in parts.by:
            raise OptionError(
                f"by={CATEGORY!r}: tables of a response of categories have a column of that name. "
                "Rename yours."
            )
        if cores is None and workers.n_jobs > 1:
            sampling["cores"] = max(1, workers.n_jobs // len(parts.keys))
        question = Question(
            formula=formula,
            family=known,
            backend=used.name,
            namespace=names_in_use(parsed, namespace),
            model={
                "link": link,
                "priors": priors,
                "center": center,
                "weights": weights,
                "trials": trials,
                "parametrization": parametrization,
                "silence": [silence] if isinstance(silence, str) else silence and list(silence),
            },
            sampling=sampling,
            contrasts={},
            prob=prob,
            interval=interval,
            keep_fits=keep == "fits",
        )
        question = with_settled_categories(question, parsed, parts)
        fingerprint: dict[str, str] = {}
        if file is not None:
            columns = _columns_in_use(parsed, parts, weights, trials)
            fingerprint = fingerprint_of(
                question, parts, columns, seed, contrasts=contrasts, groups=groups
            )
            if (kept := kept_fit_each(file, fingerprint, any_seed=any_seed)) is not None:
                _tell_verdicts(kept)
                return kept
        model = _first_model(question, parts)
        used.check(model, settings)
        question = replace(
            question, contrasts=contrasts_of(contrasts, model, prob, interval, groups)
        )
        used.prepare(model, progress=progress)
        seeds = [seed_of(key, seed) for key in parts.keys]
        outcomes = run_tasks(GroupTasks(question, parts, seeds), workers, progress)
        if not any(outcome.fitted for outcome in outcomes):
            raise BackendError(
                f"All {how_many(len(outcomes), 'group')} failed. The first, {parts.name(0)}: "
                f"{outcomes[0].problems[0].error}: {outcomes[0].problems[0].message}"
            )
        result = result_of(question, parts, outcomes, model, seed, perf_counter() - start)
    result = replace(result, _fingerprint=fingerprint)
    if file is not None:
        result.save(file)
    _tell_verdicts(result)
    _tell_warnings(result)
    return result


def _check_columns(
    parsed: Formula, parts: Parts, weights: str | None, trials: str | int | None
) -> None:
    """Refuse columns that no group has, and a formula that uses what is constant in each."""
    check_columns(parts.table, _columns_in_use(parsed, parts, weights, trials))
    for name in parts.by:
        if name in parsed.columns:
            raise OptionError(
                f"by={name!r} is constant within each of its groups, and {parsed.text!r} uses it."
                " Leave it out of one of the two."
            )


def _columns_in_use(
    parsed: Formula, parts: Parts, weights: str | None, trials: str | int | None
) -> list[str]:
    known = set(column_names(parts.table))
    used = [name for name in parsed.columns if name in known or name not in parsed.ambient]
    return [*used, *(x for x in (weights, trials) if isinstance(x, str))]


def _first_model(question: Question, parts: Parts) -> Model:
    """Return the model of the first group that has one.

    Raises
    ------
    WinstanError
        The first group's, if there is no such group: then it is an error of all.
    """
    first: Exception | None = None
    for i in range(len(parts.keys)):
        try:
            with collected_warnings():
                return question.model_of(parts.part(i), parts.positions(i))
        except Exception as error:  # it is of one group, until all have one
            first = first or error
    assert first is not None  # there is a group
    first.add_note(f"(In {parts.name(0)}; no group of {len(parts.keys):,} can be fitted.)")
    raise first


def _tell_verdicts(result: FitEach) -> None:
    """Warn once of groups that failed, and once of those that have not converged."""
    failed = result.failures
    if len(failed):
        first = failed.iloc[0]
        warn_user(
            f"{_some(result, failed)} could not be fitted, or not wholly; .failures has"
            f" them. The first: {first['error']}: {first['message']}",
            FailureWarning,
        )
    bad = result.verdicts[result.verdicts["fitted"] & ~result.verdicts["ok"]]
    if len(bad):
        warn_user(
            f"{_some(result, bad)} have not converged; .verdicts has them. The first: "
            f"{bad.iloc[0]['verdict']}",
            ConvergenceWarning,
        )


def _tell_warnings(result: FitEach) -> None:
    """Give one warning of each kind, of all groups."""
    for name, part in result.warnings.groupby("name", sort=False):
        if name:
            first = part.iloc[0]
            warn_user(
                DesignWarning(f"In {_some(result, part)}, such as: {first['message']}", str(name))
            )


def _some(result: FitEach, table: Any) -> str:
    """Say of how many groups a table is, and name some: ``2 of 5 groups by cell ('n1', 'n4')``."""
    rows = table[list(result.by)].drop_duplicates()
    keys = [row[0] if len(row) == 1 else row for row in rows.itertuples(index=False, name=None)]
    return named_groups(result, keys)
