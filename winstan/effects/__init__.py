"""Effects: what a posterior says on the scale of the data, as tidy tables."""

from winstan.effects.arviz_groups import ArvizGroups, constant_data, joined_draws
from winstan.effects.autocorrelation import residual_autocorrelation
from winstan.effects.bands import band_table, curve_difference, derivative, stretches
from winstan.effects.categories import (
    CATEGORY,
    Part,
    answers,
    answers_of,
    by_category,
    linear_parts,
    parts_of,
)
from winstan.effects.comparisons import levels_to_compare, population_predictors
from winstan.effects.contrast_tables import contrast_draws, contrast_table, contrast_tables
from winstan.effects.contrasts import Contrast, contrast, effects_table
from winstan.effects.curves import Curve, conditional, curve_draws, curve_table, curve_tables
from winstan.effects.estimands import GROUPS, Estimand, choose_estimand
from winstan.effects.grouped_rows import sample_note, single_rows
from winstan.effects.groups import group_draws, group_effects, group_table, totals_text
from winstan.effects.hypotheses import Hypothesis, hypotheses, hypothesis_draws, hypothesis_table
from winstan.effects.intercepts import group_intercepts
from winstan.effects.intervals import (
    INTERVALS,
    SIMULTANEOUS,
    describe,
    interval_ends,
    interval_names,
    probabilities,
    summarise_values,
)
from winstan.effects.means import linear_predictor
from winstan.effects.observed import (
    intercept_data,
    limits_note,
    main_group,
    observed_rows,
    response_label,
)
from winstan.effects.observed_contrasts import observed_contrast
from winstan.effects.parameters import about, is_mean
from winstan.effects.pointwise import leave_one_out, log_likelihood, total_log_likelihood
from winstan.effects.predictions import (
    Prediction,
    category_shares,
    drawn_categories,
    predict,
    prediction_draws,
    prediction_table,
)
from winstan.effects.replicates import check_seed, posterior_predictive, prior_predictive

__all__ = [
    "CATEGORY",
    "GROUPS",
    "INTERVALS",
    "SIMULTANEOUS",
    "ArvizGroups",
    "Contrast",
    "Curve",
    "Estimand",
    "Hypothesis",
    "Part",
    "Prediction",
    "about",
    "answers",
    "answers_of",
    "band_table",
    "by_category",
    "category_shares",
    "check_seed",
    "choose_estimand",
    "conditional",
    "constant_data",
    "contrast",
    "contrast_draws",
    "contrast_table",
    "contrast_tables",
    "curve_difference",
    "curve_draws",
    "curve_table",
    "curve_tables",
    "derivative",
    "describe",
    "drawn_categories",
    "effects_table",
    "group_draws",
    "group_effects",
    "group_intercepts",
    "group_table",
    "hypotheses",
    "hypothesis_draws",
    "hypothesis_table",
    "intercept_data",
    "interval_ends",
    "interval_names",
    "is_mean",
    "joined_draws",
    "leave_one_out",
    "levels_to_compare",
    "limits_note",
    "linear_parts",
    "linear_predictor",
    "log_likelihood",
    "main_group",
    "observed_contrast",
    "observed_rows",
    "parts_of",
    "population_predictors",
    "posterior_predictive",
    "predict",
    "prediction_draws",
    "prediction_table",
    "prior_predictive",
    "probabilities",
    "residual_autocorrelation",
    "response_label",
    "sample_note",
    "single_rows",
    "stretches",
    "summarise_values",
    "total_log_likelihood",
    "totals_text",
]
