"""Effects: what a posterior says on the scale of the data, as tidy tables."""

from winstan.effects.contrasts import Contrast, contrast, contrast_draws, contrast_table
from winstan.effects.intercepts import group_intercepts
from winstan.effects.intervals import INTERVALS, describe, interval_ends, interval_names
from winstan.effects.means import linear_predictor
from winstan.effects.observed import (
    intercept_data,
    main_group,
    observed_contrast,
    observed_rows,
    response_label,
)

__all__ = [
    "INTERVALS",
    "Contrast",
    "contrast",
    "contrast_draws",
    "contrast_table",
    "describe",
    "group_intercepts",
    "intercept_data",
    "interval_ends",
    "interval_names",
    "linear_predictor",
    "main_group",
    "observed_contrast",
    "observed_rows",
    "response_label",
]
