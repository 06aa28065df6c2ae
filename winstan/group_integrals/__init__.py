"""Counts and waiting times of many groups, whose effects are integrated out one by one.

Of poisson and gamma with a logarithmic link, the rows of a group tell its effect by two numbers:
``known * u - total * exp(u)``, of gamma for the effect's negative and times the shape. With the
effect's normal prior that is a log-concave density, whose integral ``stan/group_integrals.stan``
takes by quadrature. Coefficients, one sd and the shape are left to sample, and the effects are
drawn afterwards, exactly (docs/decisions/72-group-integrals.md).

`rule` says for which models, `statistics` has the rows group by group, `coordinates` the
coordinates of what is left, and `draws` draws the effects.
"""

from winstan.group_integrals.coordinates import of_coefficients
from winstan.group_integrals.draws import draw_effects
from winstan.group_integrals.rule import TEMPLATE, are_integrated
from winstan.group_integrals.statistics import GroupedRows, grouped_rows

__all__ = [
    "TEMPLATE",
    "GroupedRows",
    "are_integrated",
    "draw_effects",
    "grouped_rows",
    "of_coefficients",
]
