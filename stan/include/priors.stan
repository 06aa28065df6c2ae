  // Priors are data: a kind and up to three numbers each, in the order of winstan's prior objects.
  // 0 Flat, 1 Normal, 2 StudentT(nu), 3 Cauchy, 4 Exponential, 5 Gamma, 6 InverseGamma, 7 Beta, and
  // 11 HalfNormal, 12 HalfStudentT(nu), 13 HalfCauchy: twice the density on the positive half. (priors.hpp
  // has them, with their derivatives: as Stan they would stand at every call, and be compiled there.)
  real prior_lpdf(real x, data int kind, data row_vector p);
