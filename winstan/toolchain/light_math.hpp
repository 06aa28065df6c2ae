// The part of Stan Math that the driver and winstan's own templates call, read before any other header
// of Stan. The guards of what they do not call keep it out: solvers of equations, quadrature, map_rect,
// most functions and distributions.
//
// A template that calls another function or distribution does not compile until that is in the lists
// below. A function that has a text of its own for autodiff variables is listed by this (rev/fun), also
// where another header brings the general one (prim/fun): alone, the general text would serve in its
// stead, right but slow, and nobody would be told. tests/toolchain/test_light_math.py sees to that.
#ifndef WINSTAN_LIGHT_MATH_HPP
#define WINSTAN_LIGHT_MATH_HPP

#include <stan/version.hpp>

// Another Stan may have other headers; it is read whole.
#if STAN_MAJOR == 2 && STAN_MINOR == 39

#define STAN_MATH_REV_FUNCTOR_INTEGRATE_ODE_CVODES_HPP
#define STAN_MATH_REV_FUNCTOR_FP_SOLVER_HPP
#define STAN_MATH_REV_FUNCTOR_ALGEBRA_SYSTEM_HPP
#define STAN_MATH_REV_FUNCTOR_SOLVE_POWELL_HPP
#define STAN_MATH_REV_FUNCTOR_SOLVE_NEWTON_HPP
#define STAN_MATH_REV_FUNCTOR_COUPLED_ODE_SYSTEM_HPP
#define STAN_MATH_REV_FUNCTOR_CVODES_UTILS_HPP
#define STAN_MATH_REV_FUNCTOR_integrate_1d_HPP
#define STAN_MATH_REV_FUNCTOR_DAE_HPP
#define STAN_MATH_REV_FUNCTOR_INTEGRATE_ODE_ADAMS_HPP
#define STAN_MATH_REV_FUNCTOR_INTEGRATE_ODE_BDF_HPP
#define STAN_MATH_REV_FUNCTOR_ODE_ADAMS_HPP
#define STAN_MATH_REV_FUNCTOR_ODE_BDF_HPP
#define STAN_MATH_REV_FUNCTOR_ODE_ADJOINT_HPP
#define STAN_MATH_REV_FUNCTOR_ODE_STORE_SENSITIVITIES_HPP
#define STAN_MATH_REV_FUNCTOR_KINSOL_DATA_HPP
#define STAN_MATH_REV_FUNCTOR_KINSOL_SOLVE_HPP
#define STAN_MATH_REV_FUNCTOR_MAP_RECT_CONCURRENT_HPP
#define STAN_MATH_REV_FUNCTOR_MAP_RECT_REDUCE_HPP
#define STAN_MATH_REV_FUNCTOR_DAE_RESIDUAL_HPP
#define STAN_MATH_REV_FUNCTOR_IDAS_INTEGRATOR_HPP
#define STAN_MATH_PRIM_FUNCTOR_COUPLED_ODE_SYSTEM_HPP
#define STAN_MATH_PRIM_FUNCTOR_HCUBATURE_HPP
#define STAN_MATH_PRIM_FUNCTOR_INTEGRATE_1D_HPP
#define STAN_MATH_PRIM_FUNCTOR_INTEGRATE_ODE_RK45_HPP
#define STAN_MATH_PRIM_FUNCTOR_ODE_CKRK_HPP
#define STAN_MATH_PRIM_FUNCTOR_ODE_RK45_HPP
#define STAN_MATH_PRIM_FUNCTOR_ODE_STORE_SENSITIVITIES_HPP
#define STAN_MATH_PRIM_FUNCTOR_MAP_RECT_HPP
#define STAN_MATH_PRIM_FUNCTOR_MAP_RECT_COMBINE_HPP
#define STAN_MATH_PRIM_FUNCTOR_MAP_RECT_CONCURRENT_HPP
#define STAN_MATH_PRIM_FUNCTOR_MAP_RECT_REDUCE_HPP
#define STAN_MATH_PRIM_PROB_HPP
#define STAN_MATH_PRIM_FUN_HPP
#define STAN_MATH_REV_FUN_HPP
// Incomplete gamma and beta functions, which only cumulative distributions and quantiles call: Boost's
// tables for them are a third of all that would be read.
#define STAN_MATH_REV_PROB_HPP
#define STAN_MATH_PRIM_FUN_GRAD_REG_INC_GAMMA_HPP

#include <stan/math/rev/core.hpp>

#include <stan/math/rev/fun/LDLT_factor.hpp>
#include <stan/math/rev/fun/Phi.hpp>
#include <stan/math/rev/fun/accumulator.hpp>
#include <stan/math/rev/fun/append_row.hpp>
#include <stan/math/rev/fun/as_array_or_scalar.hpp>
#include <stan/math/rev/fun/as_column_vector_or_scalar.hpp>
#include <stan/math/rev/fun/asin.hpp>
#include <stan/math/rev/fun/atanh.hpp>
#include <stan/math/rev/fun/cholesky_decompose.hpp>
#include <stan/math/rev/fun/csr_matrix_times_vector.hpp>
#include <stan/math/rev/fun/diag_pre_multiply.hpp>
#include <stan/math/rev/fun/digamma.hpp>
#include <stan/math/rev/fun/divide.hpp>
#include <stan/math/rev/fun/elt_divide.hpp>
#include <stan/math/rev/fun/erf.hpp>
#include <stan/math/rev/fun/erfc.hpp>
#include <stan/math/rev/fun/fma.hpp>
#include <stan/math/rev/fun/fmax.hpp>
#include <stan/math/rev/fun/from_var_value.hpp>
#include <stan/math/rev/fun/inv.hpp>
#include <stan/math/rev/fun/inv_sqrt.hpp>
#include <stan/math/rev/fun/inverse.hpp>
#include <stan/math/rev/fun/lgamma.hpp>
#include <stan/math/rev/fun/log1m.hpp>
#include <stan/math/rev/fun/log1m_exp.hpp>
#include <stan/math/rev/fun/log1m_inv_logit.hpp>
#include <stan/math/rev/fun/log1p.hpp>
#include <stan/math/rev/fun/log1p_exp.hpp>
#include <stan/math/rev/fun/log2.hpp>
#include <stan/math/rev/fun/log_inv_logit.hpp>
#include <stan/math/rev/fun/log_sum_exp.hpp>
#include <stan/math/rev/fun/logit.hpp>
#include <stan/math/rev/fun/multiply_log.hpp>
#include <stan/math/rev/fun/primitive_value.hpp>
#include <stan/math/rev/fun/read_corr_matrix.hpp>
#include <stan/math/rev/fun/read_cov_matrix.hpp>
#include <stan/math/rev/fun/rep_vector.hpp>
#include <stan/math/rev/fun/stan_print.hpp>
#include <stan/math/rev/fun/tanh.hpp>
#include <stan/math/rev/fun/to_vector.hpp>
#include <stan/math/prim/fun/diagonal.hpp>
#include <stan/math/prim/fun/head.hpp>
#include <stan/math/prim/fun/identity_matrix.hpp>
#include <stan/math/prim/fun/logical_eq.hpp>
#include <stan/math/prim/fun/logical_gt.hpp>
#include <stan/math/prim/fun/logical_lt.hpp>
#include <stan/math/prim/fun/logical_lte.hpp>
#include <stan/math/prim/fun/logical_negation.hpp>
#include <stan/math/prim/fun/logical_neq.hpp>
#include <stan/math/prim/fun/max.hpp>
#include <stan/math/prim/fun/minus.hpp>
#include <stan/math/prim/fun/ones_vector.hpp>
#include <stan/math/prim/fun/quad_form_diag.hpp>
#include <stan/math/prim/fun/segment.hpp>
#include <stan/math/prim/fun/stan_print.hpp>
#include <stan/math/prim/fun/symmetrize_from_lower_tri.hpp>
#include <stan/math/prim/fun/to_matrix.hpp>
#include <stan/math/prim/fun/transpose.hpp>
#include <stan/math/prim/fun/zeros_vector.hpp>

#include <stan/math/prim/prob/cauchy_lpdf.hpp>
#include <stan/math/prim/prob/exponential_lpdf.hpp>
#include <stan/math/prim/prob/gamma_lpdf.hpp>
#include <stan/math/prim/prob/inv_gamma_lpdf.hpp>
#include <stan/math/prim/prob/lkj_corr_cholesky_lpdf.hpp>
#include <stan/math/prim/prob/normal_lpdf.hpp>
#include <stan/math/prim/prob/std_normal_lpdf.hpp>
#include <stan/math/prim/prob/student_t_lpdf.hpp>

#endif
#endif
