"""`Fit`: the draws of a model, their verdict, and every question that can be put to them.

The questions are functions of a posterior, by subject in the other files of this package; here they
become its methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from winstan.fitted import checks, effects, figures, intervals, predictions, programs
from winstan.fitted.posterior import Posterior
from winstan.report import fit_as_html, fit_as_text

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from winstan.options import Whose


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit(Posterior):
    """A fitted model: draws, their verdict, and the ways to look at them.

    Attributes
    ----------
    model : Model
        Formula, design, cells, family, priors and coordinates.
    draws : xarray.DataTree
        ArviZ's: groups ``posterior``, ``sample_stats``, ``observed_data``; coordinates are the
        levels of the data.
    diagnostics : Diagnostics
    backend : str
    seconds : float
        Wall time of the whole fit.
    """

    # On the scale of the data: tidy tables.
    contrast = effects.contrast
    conditional = effects.conditional
    means = effects.means
    group_effects = effects.group_effects
    intercepts = effects.intercepts
    effects = effects.effects  # the last of them: it takes the module's name
    # Predictions, and what they are held to.
    predict = predictions.predict
    hypothesis = predictions.hypothesis
    posterior_predictive = predictions.posterior_predictive
    prior_predictive = predictions.prior_predictive
    log_likelihood = predictions.log_likelihood
    loo = predictions.loo
    # Figures of effects, of parameters, and of how the draws were made.
    plot_difference = figures.plot_difference
    plot_intercepts = figures.plot_intercepts
    plot_slopes = figures.plot_slopes
    plot_conditional = figures.plot_conditional
    plot_directions = figures.plot_directions
    plot_forest = intervals.plot_forest
    plot_posterior = intervals.plot_posterior
    plot_trace = checks.plot_trace
    plot_rank = checks.plot_rank
    plot_pairs = checks.plot_pairs
    plot_predictive = checks.plot_predictive
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
        """
        from winstan.report.page import write_report  # noqa: PLC0415 - with the figures

        return write_report(self, path, title=title, unit=unit, prob=prob, groups=groups)
