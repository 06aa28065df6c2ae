"""Words that a Stan program of ours cannot give the user's columns and levels."""

from __future__ import annotations

_KEYWORDS = """
    array break cholesky_factor_corr cholesky_factor_cov complex complex_matrix complex_row_vector
    complex_vector continue corr_matrix cov_matrix data else fatal_error for functions generated if
    in int jacobian lower matrix model multiplier offset ordered parameters positive_ordered print
    profile quantities real reject return row_stochastic_matrix row_vector simplex
    column_stochastic_matrix sum_to_zero_matrix sum_to_zero_vector target transformed truncate
    tuple unit_vector upper vector void while
"""
# Functions that the program calls: a variable of that name would hide them.
_FUNCTIONS = """
    Phi append_row atan beta cauchy cumulative_sum diag_matrix diag_post_multiply diag_pre_multiply
    dirichlet dot_product exp exponential fmax gamma inv inv_cloglog inv_gamma inv_logit
    linspaced_vector lkj_corr_cholesky log log_diff_exp log_sum_exp logistic mean min
    multiply_lower_tri_self_transpose normal pi rep_vector rows_dot_product sqrt square
    std_normal student_t sum to_vector
"""
# Names that the program gives itself.
_OWN = "N n eta mu Intercept b_Intercept hs_global hs_slab hs_local R2D2_R2 R2D2_phi"

TAKEN = tuple(f"{_KEYWORDS} {_FUNCTIONS} {_OWN}".split())
