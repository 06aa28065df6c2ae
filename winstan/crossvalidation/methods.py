"""How well a fit predicts what it has not seen, and what each unit moves: methods of `Fit`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, overload

from winstan import effects
from winstan.design_warnings import silenced
from winstan.errors import OptionError
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    from winstan.crossvalidation.influence import Influence
    from winstan.crossvalidation.result import ELPDRows, ELPDSample, ELPDUnits
    from winstan.fitted.fitted_model import FittedModel


LEAST = 100
"""Rows of a sample below which its standard error is rough."""


@overload
def loo(
    fit: FittedModel,
    *,
    leave_out: None = None,
    reloo: bool = False,
    sample: int | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    silence: str | Iterable[str] | None = None,
) -> ELPDRows | ELPDSample: ...


@overload
def loo(
    fit: FittedModel,
    *,
    leave_out: str,
    reloo: bool = False,
    sample: int | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    silence: str | Iterable[str] | None = None,
) -> ELPDUnits: ...


def loo(
    fit: FittedModel,
    *,
    leave_out: str | None = None,
    reloo: bool = False,
    sample: int | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    silence: str | Iterable[str] | None = None,
) -> ELPDRows | ELPDSample | ELPDUnits:
    """Estimate how well the model predicts each row from all others, or each unit.

    By row it is leave-one-out cross-validation by Pareto-smoothed importance sampling (Vehtari,
    Gelman and Gabry 2017), ArviZ's, with the effective draws of each row as R's loo has them
    (Vehtari and others 2024): how well the next trial of the same animals is predicted. With
    ``leave_out="mouse"`` whole mice are left out, one after the other: how well the next animal
    is. For that the model is fitted again without each, by the same backend, with the priors and
    the centring of the fit of all rows.

    Parameters
    ----------
    leave_out : str, optional
        A grouping factor of the formula: ``"mouse"``; of nested ones that which is meant,
        ``"mouse"`` or ``"mouse:neuron"``. None is rows.
    reloo
        Of rows: fit without each of those that weigh too much for importance sampling.
    sample
        Of rows that an engine has grouped: how many are left out, one at a time, of the 20,000
        that were sampled of them. None is 1,000 where single responses are not known, and all rows
        where they are.
    n_jobs
        Refits at once, as for `winstan.fit_each`; Stan's run in threads, as its samplers are
        processes, unless `joblib.parallel_config` names another backend.
    seed
        Of the refits; None is the fit's own. Refit i has that of
        ``numpy.random.SeedSequence(seed, spawn_key=(i,))``, whatever `n_jobs` is.
    progress
        Whether to show a line of progress; None does in terminals and notebooks.
    silence
        Names of `DesignWarning`s not to give, as for `winstan.fit`.

    Returns
    -------
    ELPDRows, ELPDSample or ELPDUnits
        ArviZ's ``ELPDData``: ``elpd``, ``se``, ``p``, and ``elpd_i`` by row or by unit; a row of
        weight 3 is three observations, or part of its unit three times. Of units also ``mcse``
        and ``refits``; of a sample ``subsampling_se``, the error of `elpd` by sampling, and
        ``rows``. `winstan.compare` takes several, ``arviz.compare`` those of all rows or units.

    Raises
    ------
    OptionError
        If there is no such factor, or a frequency weight is no whole number; if there is no sample
        of rows, or it is asked for of rows that are in memory.
    DataError, PriorError
        If nothing is left without a unit to fit, or to tell a parameter.
    BackendError
        If all refits failed.

    Warns
    -----
    DesignWarning
        ``influential_rows``, of rows whose Pareto k is too large for their term to be trusted;
        ``lone_predictors``, of coefficients that one unit alone tells; ``far_units``, of units
        where hardly any draw of the fit without them goes.
    ConvergenceWarning, FailureWarning
        Of refits.

    Notes
    -----
    The log density of a unit is that of all its rows together, the log of the mean over draws of
    the fit without it. Effects of its levels (and of levels that no other unit has) are integrated
    out: exactly where responses are normal about the linear predictor, as a multivariate normal,
    residuals correlated or not; by adaptive Gauss-Hermite quadrature where there is one effect;
    by importance sampling about their mode where there are several. ``mcse`` is the error of all
    of this together, which more draws make smaller. Crossed factors whose levels other units have
    too keep the effects of the refit.

    The standard error is that of a sum over units: of few it is rough.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("`Log power` ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> mice = fit.loo(leave_out="mouse", n_jobs=1, silence="far_units")
    >>> mice.elpd_i.sizes["mouse"]
    6
    """
    check_flags(reloo=reloo, progress=progress)
    if leave_out is not None and reloo:
        raise OptionError("reloo=True is of rows; leave_out= fits without every unit anyhow.")
    if seed is not None:
        effects.check_seed(seed)
    _check_sample(fit, sample, leave_out, reloo=reloo)
    from winstan.crossvalidation.leave_out import (  # noqa: PLC0415 - with ArviZ
        leave_rows_out,
        leave_units_out,
    )
    from winstan.crossvalidation.sampled import leave_sampled_rows_out  # noqa: PLC0415

    with silenced(silence):
        if leave_out is None:
            if sample is not None or (fit.model.design.response.moments and not reloo):
                return leave_sampled_rows_out(fit, sample)
            return leave_rows_out(fit, reloo=reloo, n_jobs=n_jobs, seed=seed, progress=progress)
        return leave_units_out(fit, leave_out, n_jobs=n_jobs, seed=seed, progress=progress)


def _check_sample(
    fit: FittedModel, sample: int | None, leave_out: str | None, *, reloo: bool
) -> None:
    if sample is None:
        return
    if isinstance(sample, bool) or not isinstance(sample, int) or sample < LEAST:
        raise OptionError(f"sample must be a whole number from {LEAST} up, not {sample!r}.")
    if leave_out is not None or reloo:
        other = "reloo=True" if reloo else "leave_out="
        raise OptionError(f"sample= leaves single rows out and refits nothing: not with {other}.")
    if fit.model.design.grouped is None:
        raise OptionError(
            "sample= is of rows that an engine has grouped where they are, and those of this fit "
            "are in memory: loo() leaves out each."
        )


def influence(
    fit: FittedModel,
    leave_out: str,
    *,
    contrasts: str | Iterable[str] | None = None,
    groups: Whose | None = None,
    n_jobs: int | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    silence: str | Iterable[str] | None = None,
) -> Influence:
    """Say what each unit moves: every parameter and contrast, by fits without it.

    Parameters
    ----------
    leave_out : str
        A grouping factor, as for `loo`.
    contrasts : str or iterable of str, optional
        Predictors whose contrasts are looked at; None is all of the mean's.
    groups
        Whose effects the contrasts are, as for `contrast`.
    n_jobs, seed, progress, silence
        As for `loo`.

    Returns
    -------
    Influence
        ``table``: by unit and quantity, the posterior mean with and without the unit, and
        ``shift``, their difference in posterior sds of the fit of all; ``largest``, ``verdict``,
        and ``plot()``.

    Raises
    ------
    OptionError, DataError, PriorError, BackendError
        As for `loo`.

    Warns
    -----
    DesignWarning, ConvergenceWarning, FailureWarning
        As for `loo`.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("`Log power` ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> moved = fit.influence("mouse", n_jobs=1)
    >>> sorted(moved.table.columns)
    ['estimate', 'kind', 'mouse', 'quantity', 'sd', 'shift', 'without']
    """
    check_flags(progress=progress)
    if seed is not None:
        effects.check_seed(seed)
    from winstan.crossvalidation.influence import influence_of  # noqa: PLC0415 - with ArviZ

    with silenced(silence):
        return influence_of(
            fit,
            leave_out,
            contrasts=contrasts,
            groups=groups,
            n_jobs=n_jobs,
            seed=seed,
            progress=progress,
        )
