"""`fit`: from a formula and a data frame to a `Fit`; and `load_fit`, from a file."""

from __future__ import annotations

import secrets
from time import perf_counter
from typing import TYPE_CHECKING, Any, overload

from winstan.backends import Settings, backends_named
from winstan.building import ModelOptions, read_inputs
from winstan.design_warnings import silenced
from winstan.engines import enter
from winstan.errors import OptionError
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by, model_from, warn_of_verdict
from winstan.formula.scope import namespace_of_caller
from winstan.keeping.fits import kept_fit, load_fit_as
from winstan.keywords import explains_keywords
from winstan.options import check_flags

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from winstan.comparison import Fits
    from winstan.families import Family
    from winstan.priors import Prior


@overload
def fit(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family = "gaussian",
    *,
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
) -> Fit: ...


@overload
def fit(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family = "gaussian",
    *,
    backend: tuple[str, ...] | list[str],
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
) -> Fits: ...


@explains_keywords
def fit(
    formula: str | Sequence[str],
    data: Any,
    family: str | Family = "gaussian",
    *,
    backend: str | tuple[str, ...] | list[str] = "stan",
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
) -> Fit | Fits:
    """Fit a mixed model by NUTS.

    Parameters
    ----------
    formula
        R-style: ``Power ~ stim + (1|mouse)``. ``(x|g)`` is a correlated intercept and slope, as in
        lme4 and brms; ``(x||g)`` an uncorrelated one. Several formulas, that of the mean first, are
        those of other parameters: ``["Power ~ stim", "sigma ~ stim"]``, or apart by ``;`` in one
        string. Effects of terms with one label, ``(stim |p| mouse)``, are correlated, in the
        formulas of all parameters.
    data
        A pandas or polars data frame (or any that narwhals reads), or a mapping of columns. It is
        never changed. Paths of parquet or CSV files (``"data/*.parquet"``), lazy frames of polars,
        Dask, PySpark and Ibis, and DuckDB relations may be larger than memory: their engine groups
        the rows (docs/scale.md); `winstan.scan` opens files with a limit of memory of your own.
    family
        ``gaussian``, ``student``, ``skew_normal``, ``exgaussian``, ``lognormal``, ``gamma``,
        ``exponential``, ``weibull``, ``inverse_gaussian``, ``shifted_lognormal``, ``poisson``,
        ``negative_binomial``, ``negative_binomial1``, ``geometric``, ``bernoulli``, ``binomial``,
        ``beta_binomial``, ``beta`` or ``von_mises`` (angles); with zeros, or ends, of their own
        ``zero_inflated_poisson``, ``zero_inflated_negative_binomial``,
        ``zero_inflated_binomial``, ``hurdle_poisson``, ``hurdle_negative_binomial``,
        ``hurdle_gamma``, ``hurdle_lognormal``, ``ordered_beta`` or ``zero_one_inflated_beta``; of
        categories ``cumulative``, ``sratio``, ``acat`` or ``categorical`` (`winstan.categorical`
        chooses the reference).
    backend
        The backend: ``"stan"``, ``"pymc"`` or ``"bambi"``; or several, ``("stan", "pymc")``, for a
        fit by each and their agreement.
    link
        By default the family's first: identity, log, logit, softmax or tan_half.
    priors
        By parameter (``"stim"``, ``"1|mouse_sigma"``, ``"Intercept"``) or by class (``"b"``,
        ``"sd"``, ``"corr"``, ``"simo"``); see `winstan.priors`. Where a predictor has the name of a
        class, ``"`b`"`` (in back-ticks) is the predictor and ``"class b"`` the class. The others
        have the defaults, which do not depend on units.
    center
        Whether the Intercept's prior is at the mean of the predictors (else at zero). Without an
        Intercept, so are the default priors of the levels that stand for it (``0 + cond + x``): at
        the mean of the other predictors in each level. All are reported at X = 0 in either case.
    weights
        Column of frequency weights: a row of weight 3 stands for three equal rows.
    trials
        Column, or number, of trials of a binomial response.
    chains
        Chains.
    draws
        Draws kept of each chain. None is 1000; 2000 where more than a thousand coefficients and
        effects are sampled, the worst R-hat of which is 1.01 by chance alone after 1000.
    warmup
        Iterations of each chain before. None is 100, for the coordinates are made so that a step
        size is all there is to adapt; 150 where it is to be small (`target_accept`); 300 where a
        metric is adapted too (random slopes whose effects are sampled, PyMC, and where no good
        coordinates are found for what is left when effects are integrated out); 1000 for bambi.
    seed
        The same seed gives the same draws. None takes one at random; it is kept in
        ``draws["posterior"].attrs``.
    target_accept
        NUTS's target acceptance rate; nearer 1 cures divergences, slowly. None is 0.8; 0.65
        of hundreds of coefficients of curves (``bs="fs"``); 0.95
        of truncated and of mostly censored responses, of inverse_gaussian, hurdle_gamma,
        hurdle_lognormal and acat, of ordered_beta whose phi has a formula, and under Horseshoe and
        R2D2; 0.995 of exgaussian and 0.99 of shifted_lognormal; 0.98 of skew_normal, of zeros
        beside a negative binomial and of hurdle_lognormal whose sigma has a formula, where few rows
        above zero leave the noise of a hurdle model open, and where effects are sampled
        and there are random slopes, or few groups, as four, or few events hardly tell a group sd
        from zero; where effects are integrated out, 0.9 for slopes whose sd
        may be zero or whose groups are fewer than eight, and for several factors, one of up to
        eight groups, 0.85 for other intercepts whose sd may, 0.95 for Gaussian processes, curves of
        levels and correlated residuals, 0.98 for group terms beside these; of bambi
        0.95 with group terms, and 0.98 with random slopes.
    cores
        Chains that run at once; None is as many as there are.
    progress
        Whether to show progress; None does in terminals and notebooks.
    sampler : {"pymc", "nutpie", "numpyro", "blackjax"}, optional
        Which NUTS the PyMC and bambi backends use; PyMC's by default.
    parametrization : {"marginal", "centered", "noncentered"}, or by group factor, or None
        It changes the speed, not the posterior. ``"marginal"`` integrates coefficients and group
        effects out, and draws them exactly afterwards: gaussian and lognormal models with Normal
        or Flat priors of the coefficients. Otherwise they are sampled, as standard
        scores of what the data say of them; ``"centered"`` (totals) and ``"noncentered"`` (z-scores
        of the prior) are the two ends of that, by group factor if need be: ``{"mouse":
        "centered"}``. None takes marginal where it is possible and quick.
    silence
        Names of each `DesignWarning` not to give, or ``"all"``; `winstan.guards.GUARDS` lists them.
    file
        Where the fit is kept, ``"fit.nc"``. If a fit is there that was made with the same formula,
        columns in use, priors, family, options and version of winstan, it is read and returned;
        otherwise a `RefitWarning` says what has changed, and the new fit is saved there. The seed
        counts if it is given; cores, progress and silence never do. A fit that is read is not
        checked against its data again, so that it gives no `DesignWarning`.
    **formulas
        Right sides of the formulas of other parameters of the family, by their names:
        ``sigma="stim + (1|mouse)"``. They are of the parameter's logarithm, or of its log odds
        where it is a probability. ``residual="ar(trial, mouse)"`` is how residuals of one mouse are
        correlated, which may stand in the first formula as well (docs/residual-correlation.md).

    Returns
    -------
    Fit
        Or `Fits`, if several backends were asked for.

    Raises
    ------
    FormulaError, DataError, FamilyError, PriorError, OptionError
        Before any sampling.
    BackendError
        If the backend is missing, or fails.
    FitFileError
        If `file` is damaged, or cannot be written.

    Warns
    -----
    DesignWarning
        If the data or the formula deserve a second look: see `silence`.
    ConvergenceWarning
        If the draws should not be trusted as they are.
    RefitWarning
        If `file` holds another fit.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.diagnostics.ok
    True
    >>> fit.contrast("stim")["contrast"].tolist()
    ['1 - 0']
    """
    check_flags(center=center, progress=progress)
    start = perf_counter()
    used = backends_named(backend, sampler=sampler)
    namespace = namespace_of_caller()
    settings = Settings(
        chains=chains,
        warmup=warmup,
        draws=draws,
        seed=secrets.randbelow(2**31 - 1) if seed is None else seed,
        target_accept=target_accept,
        cores=cores,
        progress=progress,
        sampler=sampler,
    )
    options = ModelOptions(
        formulas=formulas,
        link=link,
        priors=priors,
        center=center,
        weights=weights,
        trials=trials,
        parametrization=parametrization,
    )
    data = enter(data, progress=progress)
    if file is not None:
        if not isinstance(backend, str):
            raise OptionError("file= keeps the fit of one backend: call ws.fit once for each.")
        with silenced("all"):
            inputs, _ = read_inputs(formula, data, family, namespace, **options)
        kept = kept_fit(Fit, file, inputs, settings, backend, any_seed=seed is None)
        if kept is not None:
            warn_of_verdict(kept)  # as when it was made
            return kept
    model = model_from(formula, data, family, namespace, silence=silence, **options)
    if len(used) > 1:  # a single backend finds out for itself
        for one in used:
            one.check(model, settings)
    fits = []
    for one in used:
        fits.append(fit_by(Fit, one, model, settings, start))
        start = perf_counter()
        warn_of_verdict(fits[-1], f"{one.name}: " if len(used) > 1 else "")
    if file is not None:
        fits[0].save(file)
    if isinstance(backend, str):
        return fits[0]
    from winstan.comparison import Fits, agree  # noqa: PLC0415 - only where there are several

    return Fits(tuple(fits), agree(*fits))


def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Read a fit that `Fit.save` saved: nothing is fitted or compiled again.

    Parameters
    ----------
    path
        The file, ``fit.nc``.

    Returns
    -------
    Fit
        Every method works as it did where the fit was saved.

    Raises
    ------
    FitFileError
        If there is no such file, or it is damaged, of a newer winstan, or no fit.
    FamilyError
        If the fit is of a family of your own that is not registered here (call
        `winstan.register_family` before), or is registered with other parameters.

    Warns
    -----
    RefitWarning
        If it is registered with another template, other functions or other links.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> import tempfile, pathlib
    >>> file = fit.save(pathlib.Path(tempfile.mkdtemp()) / "fit.nc")
    >>> ws.load_fit(file).summary().equals(fit.summary())
    True
    """
    return load_fit_as(Fit, path)
