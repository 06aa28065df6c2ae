"""`Fit`: the draws of a model, their verdict, and every question that can be put to them.

The questions are functions of a `FittedModel`, by subject in `winstan.fitted` and in the packages
that refit, report and keep; here they become methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winstan.crossvalidation import methods
from winstan.fitted import (
    arviz,
    autocorrelation,
    chains,
    contrast_figures,
    curves,
    effects,
    evidence,
    explained,
    figures,
    group_effects,
    group_figures,
    intervals,
    predictions,
    predictive_checks,
    predictor_effects,
    programs,
    publication,
    residuals,
)
from winstan.fitted.fitted_model import FittedModel
from winstan.fitted.reprs import fit_as_html, fit_as_text
from winstan.formula.scope import namespace_of_caller
from winstan.keeping import changes, fits
from winstan.keywords import explains_methods

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from winstan.families import Family
    from winstan.options import Whose


@explains_methods
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit(FittedModel):
    """A fitted model: draws, their verdict, and the ways to look at them.

    Attributes
    ----------
    model : Model
        Formula, design, cells, family, priors and coordinates.
    draws : xarray.DataTree
        ArviZ's: groups ``posterior``, ``sample_stats``, ``observed_data``; coordinates are the
        levels of the data. Groups ``log_likelihood``, ``log_prior``, ``posterior_predictive``,
        ``prior`` and ``prior_predictive`` are made when they are first asked for, as ArviZ's
        functions do; see `to_arviz`.
    diagnostics : Diagnostics
    backend : str
    seconds : float
        Wall time of the whole fit.
    settings : Settings or None
        As they were asked for; None of fits that are put together by hand.
    """

    # On the scale of the data: tidy tables.
    contrast = effects.contrast
    conditional = effects.conditional
    curve_difference = curves.curve_difference
    curve_stretches = curves.curve_stretches
    derivative = curves.derivative
    means = effects.means
    intercepts = group_effects.intercepts
    effects = predictor_effects.effects  # these two take the names of modules
    group_effects = group_effects.group_effects
    # Predictions, and what they are held to.
    predict = predictions.predict
    hypothesis = predictions.hypothesis
    posterior_predictive = predictions.posterior_predictive
    prior_predictive = predictions.prior_predictive
    log_likelihood = predictions.log_likelihood
    loo = methods.loo
    influence = methods.influence
    to_arviz = arviz.to_arviz
    # For print.
    table = publication.table
    # How well it explains the data, and what these say of it.
    r2 = explained.r2
    icc = explained.icc
    log_marginal_likelihood = evidence.log_marginal_likelihood
    bayes_factor = evidence.bayes_factor
    sensitivity = evidence.sensitivity
    plot_residuals = residuals.plot_residuals
    plot_pit = residuals.plot_pit
    residuals = residuals.residuals
    # Figures of effects, of parameters, and of how the draws were made.
    plot_difference = figures.plot_difference
    plot_contrast = contrast_figures.plot_contrast
    plot_means = contrast_figures.plot_means
    plot_intercepts = group_figures.plot_intercepts
    plot_slopes = group_figures.plot_slopes
    plot_conditional = figures.plot_conditional
    plot_curve_difference = curves.plot_curve_difference
    plot_derivative = curves.plot_derivative
    plot_directions = figures.plot_directions
    plot_forest = intervals.plot_forest
    plot_posterior = intervals.plot_posterior
    plot_trace = chains.plot_trace
    plot_rank = chains.plot_rank
    plot_pairs = chains.plot_pairs
    plot_predictive = predictive_checks.plot_predictive
    residual_autocorrelation = autocorrelation.residual_autocorrelation
    plot_residual_autocorrelation = autocorrelation.plot_residual_autocorrelation
    # The same model in the words of each backend.
    code = programs.code
    code_data = programs.code_data
    log_density = programs.log_density
    stan_code = programs.stan_code
    stan_data = programs.stan_data
    pymc_model = property(programs.pymc_model)
    bambi_model = property(programs.bambi_model)

    def __repr__(self) -> str:
        return fit_as_text(self)

    def _repr_html_(self) -> str:
        return fit_as_html(self)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str | None = None,
        unit: str | None = None,
        prob: float = 0.94,
        groups: Whose | None = None,
    ) -> Path:
        """Write one HTML page on the fit, to read, to print or to send: it needs no other file.

        Formula, data, verdict, effects, figures, checks, parameters, priors, and a methods
        paragraph with its references, ready for a paper.

        Parameters
        ----------
        path
            The file, which ends in ``.html``; one that exists is replaced.
        title
            By default the formula.
        unit
            Unit of the response, such as ``"Hz"``, for the figures.
        prob
            Probability of the intervals, highest-density.
        groups
            Whose effects the page gives, as for `contrast`; it says which.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If the path is no HTML file that can be written, or an option is wrong.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
        >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
        >>> fit.report(pathlib.Path(tempfile.mkdtemp()) / "fit.html", unit="Hz").name
        'fit.html'
        """
        from winstan.report.page import write_report  # noqa: PLC0415 - with the figures

        return write_report(self, path, title=title, unit=unit, prob=prob, groups=groups)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the fit in one file, from which `winstan.load_fit` has it back.

        The file is netCDF, so that `arviz.from_netcdf` and xarray open it too: the draws are its
        groups, and a group ``winstan`` holds the formula, the columns in use, the priors, the
        options and the tables. There is no code in it.

        Parameters
        ----------
        path
            The file, which ends in ``.nc``. One that exists is replaced once the new one is whole.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If the path does not end in ``.nc``, or the formula calls functions of your own code.
        FitFileError
            If the file cannot be written; what was there before is as it was.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
        >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, seed=1, silence="all")
        >>> file = fit.save(pathlib.Path(tempfile.mkdtemp()) / "fit.nc")
        >>> ws.load_fit(file).verdict == fit.verdict
        True
        """
        return fits.save_fit(self, path)

    def update(
        self,
        formula: str | Sequence[str] | None = None,
        data: Any = None,
        family: str | Family | None = None,
        **options: Any,
    ) -> Fit:
        """Fit again, with what is given changed and all else as it was, the seed too.

        Parameters
        ----------
        formula
            As for `winstan.fit`; those of other parameters go with it. Or what is to change,
            ``". ~ . + age"``, as in R: a dot is what this fit has on that side, and the formulas
            of other parameters stay.
        data
            None is the rows of this fit, of which it keeps the columns that it uses.
        family
            Another family comes with its own link, unless ``link=`` is given.
        **options
            Any others of `winstan.fit`: ``priors=``, which replace all that were given before,
            ``draws=``, ``backend=``, ``sigma="stim"``.

        Returns
        -------
        Fit

        Raises
        ------
        DataError
            If the formula has a column that this fit does not use, and no data are given.
        OptionError
            If there is no such option.
        WinstanError
            All that `winstan.fit` raises.

        Examples
        --------
        >>> import winstan as ws
        >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
        >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, seed=1, silence="all")
        >>> fit.update(priors={"stim": ws.Normal(0, 5)}, silence="all").priors["stim"].sigma
        5.0
        """
        return changes.update(
            self, formula, data, family, namespace=namespace_of_caller(), **options
        )
