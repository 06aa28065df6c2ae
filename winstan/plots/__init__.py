"""The figures. They take tidy tables only, and return plotnine plots.

Nothing here samples, fits or looks into a model: each function is given the numbers to draw. The
results compose like any plotnine plots: ``a | b`` beside, ``a / b`` above, ``a + theme(...)``.
"""

from winstan.plots.agreement import plot_agreement
from winstan.plots.difference import plot_difference
from winstan.plots.intercepts import plot_intercepts
from winstan.plots.theme import OKABE_ITO, theme_winstan

__all__ = ["OKABE_ITO", "plot_agreement", "plot_difference", "plot_intercepts", "theme_winstan"]
