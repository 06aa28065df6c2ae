"""`fit`: from a formula and a data frame to a `Fit`."""

from __future__ import annotations

import inspect
import secrets
from time import perf_counter
from typing import TYPE_CHECKING, Any

from winstan.backends import Settings, backend_named
from winstan.data import frame_from
from winstan.design import build_design
from winstan.diagnostics import diagnose
from winstan.draws import to_datatree
from winstan.errors import ConvergenceWarning, warn_user
from winstan.families import family_named
from winstan.fitted import Fit
from winstan.formula import parse_formula
from winstan.model import build_model
from winstan.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.priors import Prior


def fit(
    formula: str,
    data: Any,
    family: str = "gaussian",
    *,
    backend: str = "stan",
    link: str | None = None,
    priors: Mapping[str, Prior] | None = None,
    center: bool = True,
    weights: str | None = None,
    trials: str | int | None = None,
    chains: int = 4,
    warmup: int = 1000,
    draws: int = 1000,
    seed: int | None = None,
    target_accept: float | None = None,
    cores: int | None = None,
    progress: bool | None = None,
    sampler: str | None = None,
    parametrization: str | Mapping[str, str] | None = None,
) -> Fit:
    """Fit a mixed model by NUTS.

    Parameters
    ----------
    formula
        R-style: ``Power ~ stim + (1|mouse)``. ``(x|g)`` is a correlated intercept and slope, as in
        lme4 and brms; ``(x||g)`` an uncorrelated one.
    data
        A pandas or polars data frame (or any that narwhals reads), or a mapping of columns. It is
        never changed.
    family
        ``gaussian``, ``student``, ``lognormal``, ``gamma``, ``poisson``, ``negative_binomial``,
        ``bernoulli`` or ``binomial``.
    backend
        The engine: ``"stan"``, ``"pymc"`` or ``"bambi"``.
    link
        By default the family's first: identity, log or logit.
    priors
        By parameter (``"stim"``, ``"1|mouse_sigma"``, ``"Intercept"``) or by class (``"b"``,
        ``"sd"``, ``"corr"``); see `winstan.priors`. The others have the defaults, which do not
        depend on units.
    center
        Whether the Intercept's prior is at the mean of the predictors (else at zero). The
        Intercept is reported at X = 0 in either case.
    weights
        Column of frequency weights: a row of weight 3 stands for three equal rows.
    trials
        Column, or number, of trials of a binomial response.
    chains, warmup, draws
        Warm-up iterations and kept draws are per chain.
    seed
        The same seed gives the same draws. None takes one at random; it is kept in
        ``draws["posterior"].attrs``.
    target_accept
        NUTS's target acceptance rate; nearer 1 cures divergences, slowly. None is 0.8, or 0.95
        with random slopes.
    cores
        Chains that run at once; None is as many as there are.
    progress
        Whether to show progress; None does in terminals and notebooks.
    sampler : {"pymc", "nutpie", "numpyro", "blackjax"}, optional
        Which NUTS the PyMC and bambi backends use; PyMC's by default.
    parametrization : {"centered", "noncentered"}, or by group factor, or None
        None decides for each group term from the data. It changes the speed, not the posterior.

    Returns
    -------
    Fit

    Raises
    ------
    FormulaError, DataError, FamilyError, PriorError, OptionError
        Before any sampling.
    BackendError
        If the engine is missing, or fails.

    Warns
    -----
    DesignWarning
        If rows were dropped for missing values, or a factor has few levels.
    ConvergenceWarning
        If the draws should not be trusted as they are.
    """
    start = perf_counter()
    namespace = _namespace_of_caller()
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
    engine = backend_named(backend)
    parsed = parse_formula(formula, namespace)
    chosen = family_named(family)
    frame = frame_from(data, parsed, weights=weights, trials=trials)
    design = build_design(parsed, frame, namespace)
    model = build_model(
        parsed,
        design,
        frame.kept,
        chosen,
        chosen.link(link),
        priors=priors,
        center=center,
        parametrization=parametrization,
    )
    sampled = engine.sample(model, settings)
    tree = to_datatree(model, sampled)
    table = summarise(tree)
    diagnostics = diagnose(sampled, table)
    if not diagnostics.ok:
        warn_user(diagnostics.verdict, ConvergenceWarning)
    return Fit(model, tree, diagnostics, backend, perf_counter() - start, table)


def _namespace_of_caller() -> dict[str, Any]:
    """Names that the formula may call: those in scope where `fit` was called."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("winstan."):
        frame = frame.f_back
    return {} if frame is None else {**frame.f_globals, **frame.f_locals}
