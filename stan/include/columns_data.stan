  int n_roots = 0;                                   // entries of the Cholesky factors
  int of_factor = 0;                                 // effects of each group of the factor
  real lkj_constant = 0;
  for (m in 1:M) {
    n_roots += q[m] * q[m];
    if (correlated[m]) lkj_constant += lkj_corr_cholesky_lpdf(identity_matrix(q[m]) | lkj[m]);
    // Sizes that the declarations leave open: no index is checked later (light_model.hpp).
    if (column[m] == 0) of_factor += q[m];
    else if (column[m] + J[m] * q[m] > W) reject("term ", m, " has more effects than columns");
  }
  if (sum(q) != N || sum(n_sds) != Q) reject("the terms' sizes do not add up");
