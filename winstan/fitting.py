"""Fit: a model with its draws and their diagnostics, and the one function that makes it."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.backends import Settings, backend_named
from winstan.data import frame_from
from winstan.design import build_design
from winstan.diagnostics import diagnose
from winstan.draws import to_datatree, tree_name
from winstan.errors import ConvergenceWarning, OptionError, warn_user
from winstan.families import family_named
from winstan.formula import parse_formula
from winstan.model import build_model
from winstan.report import fit_as_html, fit_as_text
from winstan.summary import summarise

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from plotnine import ggplot

    from winstan.diagnostics import Diagnostics
    from winstan.families.links import Array
    from winstan.model import Model
    from winstan.priors import Prior, Priors


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model: draws, their verdict, and the ways to look at them.

    Attributes
    ----------
    model : Model
        Formula, design, cells, family, priors and geometry.
    draws : xarray.DataTree
        ArviZ's: groups ``posterior``, ``sample_stats``, ``observed_data``; coordinates are the
        levels of the data.
    diagnostics : Diagnostics
    backend : str
    seconds : float
        Wall time of the whole fit.
    """

    model: Model
    draws: xr.DataTree
    diagnostics: Diagnostics
    backend: str
    seconds: float
    _table: pd.DataFrame = field(repr=False)

    @property
    def priors(self) -> Priors:
        """The priors in use, in the units of the data; prints as a table."""
        return self.model.priors

    @property
    def verdict(self) -> str:
        """One sentence: the draws can be trusted, or what is wrong and what to do."""
        return self.diagnostics.verdict

    def summary(self, *, prob: float = 0.94, interval: str = "hdi") -> pd.DataFrame:
        """Summarise every parameter and group effect.

        Parameters
        ----------
        prob
            Probability of the interval.
        interval : {"hdi", "eti"}
            Highest density, or equal tails.

        Returns
        -------
        DataFrame
            A row for each scalar; columns mean, sd, the interval's ends (``hdi_3%``, ``hdi_97%``),
            ess_bulk, ess_tail, r_hat, mcse_mean. The Intercept is at X = 0.
        """
        if (prob, interval) == (0.94, "hdi"):
            return self._table.copy()
        return summarise(self.draws, prob=prob, interval=interval)

    def contrast(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: str | None = None,
        scale: str = "response",
        ratio: bool = False,
        prob: float = 0.94,
        interval: str = "hdi",
        draws: bool = False,
    ) -> pd.DataFrame:
        """Compare the mean response between values of a predictor.

        Every row of predictors is evaluated with the treatment at one value and at the other, its
        group's own effects included; the means are averaged over rows within a group, and over
        groups, each counting once.

        Parameters
        ----------
        treatment
            A column of the formula.
        values
            What to compare, the reference first. By default all levels of a factor against the
            reference of its coding, the two values of a predictor that has two, and otherwise
            x + 1 against x.
        by
            A column: one contrast for each of its levels, such as each mouse.
        scale : {"response", "link"}
            Units of the data, or of the linear predictor.
        ratio
            Ratio of the means in place of their difference.
        prob, interval
            As for `summary`.
        draws
            Return the draws in long form (columns contrast, [by], draw, value), not their summary.

        Returns
        -------
        DataFrame
            Columns contrast, [by], mean, sd, the interval's ends, and p_direction: the posterior
            probability that the effect has the sign that it seems to have.

        Raises
        ------
        OptionError
            If the treatment, a value, `by` or `scale` is unknown.
        """
        result = effects.contrast(
            self.model,
            self._flat(),
            treatment,
            values=values,
            by=by,
            scale=scale,
            ratio=ratio,
        )
        if draws:
            return effects.contrast_draws(result)
        return effects.contrast_table(result, prob, interval)

    def intercepts(
        self, group: str | None = None, *, prob: float = 0.94, interval: str = "hdi"
    ) -> pd.DataFrame:
        """Each group's intercept on the response scale: its mean response at X = 0.

        Without a population intercept, the factor that stands for it is averaged over. The effects
        of factors that contain the group are added; those of crossed factors are at zero.

        Parameters
        ----------
        group
            A group factor; by default the first of the formula.
        prob, interval
            As for `summary`.

        Returns
        -------
        DataFrame
            Columns level, mean, sd, and the interval's ends.
        """
        group = self._group(group)
        return effects.group_intercepts(self.model, self._flat(), group, prob, interval)

    def plot_difference(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: str | None = None,
        ratio: bool = False,
        prob: float = 0.94,
        unit: str | None = None,
    ) -> ggplot:
        """Draw the posterior of a contrast over the observed differences of the groups.

        Parameters
        ----------
        treatment, values, by, ratio
            As for `contrast`.
        prob
            Probability of the HDI.
        unit
            Unit of the response, for the axis.

        Returns
        -------
        plotnine.ggplot
            Composes with ``|`` and ``/``.
        """
        from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

        result = effects.contrast(
            self.model, self._flat(), treatment, values=values, by=by, ratio=ratio
        )
        group = effects.main_group(self.model)
        return plots.plot_difference(
            effects.contrast_draws(result),
            _ends_renamed(effects.contrast_table(result, prob, "hdi")),
            effects.observed_contrast(self.model, result, values, group),
            response=effects.response_label(self.model),
            treatment=treatment,
            unit=unit,
            ratio=ratio,
            prob=prob,
            group=group,
            by=by,
        )

    def plot_intercepts(
        self, group: str | None = None, *, treatment: str | None = None, prob: float = 0.94
    ) -> ggplot:
        """Draw each group's intercept, on the response scale, over the raw data.

        Parameters
        ----------
        group
            A group factor; by default the first of the formula.
        treatment
            A column to colour the raw data by.
        prob
            Probability of the HDI.

        Returns
        -------
        plotnine.ggplot
        """
        from winstan import plots  # noqa: PLC0415

        group = self._group(group)
        return plots.plot_intercepts(
            _ends_renamed(self.intercepts(group, prob=prob)),
            effects.intercept_data(self.model, group, treatment),
            response=effects.response_label(self.model),
            group=group,
            treatment=treatment,
            prob=prob,
        )

    def stan_code(self) -> str:
        """Return the family's Stan program, includes in place."""
        return backend_named("stan").code(self.model)

    def stan_data(self) -> dict[str, Any]:
        """Return the data of `stan_code`: cells, priors and geometry, as Stan reads them."""
        from winstan.backends.stan import stan_data  # noqa: PLC0415

        return stan_data(self.model)

    def _flat(self) -> dict[str, Array]:
        """Draws by variable, chains joined: shape (chains * draws, *dims)."""
        posterior = self.draws["posterior"]
        out = {}
        for variable in self.model.variables:
            values = posterior[tree_name(variable.name)].to_numpy()
            out[variable.name] = values.reshape(-1, *values.shape[2:])
        return out

    def _group(self, group: str | None) -> str:
        group = group or effects.main_group(self.model)
        if group is None:
            raise OptionError(f"{self.model.formula.text!r} has no group term, such as (1|mouse).")
        return group

    def __repr__(self) -> str:
        return fit_as_text(self)

    def _repr_html_(self) -> str:
        return fit_as_html(self)


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


def _ends_renamed(table: pd.DataFrame) -> pd.DataFrame:
    """Name the interval's ends lower and upper, as the plots have them."""
    ends = [column for column in table.columns if column.startswith(effects.INTERVALS)]
    return table.rename(columns=dict(zip(ends, ("lower", "upper"), strict=True)))
