"""The figures. They take tidy tables only, and return plotnine plots.

Nothing here samples, fits or looks into a model: each function is given the numbers to draw. The
results compose like any plotnine plots, in a size to match (`winstan.plots.composing`): ``a | b``
beside, ``a / b`` above, ``a + theme(...)``.
"""

from winstan.plots.agreement import plot_agreement
from winstan.plots.autocorrelation import plot_autocorrelation
from winstan.plots.bands import plot_band
from winstan.plots.calibration import plot_calibration
from winstan.plots.chains import plot_rank, plot_trace
from winstan.plots.conditional import CURVES, plot_conditional
from winstan.plots.contrasts import plot_contrasts
from winstan.plots.crossvalidation import plot_elpd, plot_influence
from winstan.plots.design import plot_design
from winstan.plots.difference import plot_difference
from winstan.plots.directions import DIRECTIONS, plot_directions
from winstan.plots.each import plot_each
from winstan.plots.forest import plot_forest
from winstan.plots.intercepts import plot_intercepts
from winstan.plots.means import plot_means
from winstan.plots.pairs import plot_pairs
from winstan.plots.panels import with_note
from winstan.plots.posterior import plot_posterior
from winstan.plots.predictive import plot_density
from winstan.plots.raw import plot_data
from winstan.plots.replicated import plot_groups, plot_statistics
from winstan.plots.residuals import plot_residuals
from winstan.plots.slopes import plot_plane, plot_slopes
from winstan.plots.theme import OKABE_ITO, theme_winstan

__all__ = [
    "CURVES",
    "DIRECTIONS",
    "OKABE_ITO",
    "plot_agreement",
    "plot_autocorrelation",
    "plot_band",
    "plot_calibration",
    "plot_conditional",
    "plot_contrasts",
    "plot_data",
    "plot_density",
    "plot_design",
    "plot_difference",
    "plot_directions",
    "plot_each",
    "plot_elpd",
    "plot_forest",
    "plot_groups",
    "plot_influence",
    "plot_intercepts",
    "plot_means",
    "plot_pairs",
    "plot_plane",
    "plot_posterior",
    "plot_rank",
    "plot_residuals",
    "plot_slopes",
    "plot_statistics",
    "plot_trace",
    "theme_winstan",
    "with_note",
]
