  // Cholesky factor of the covariance of a term's effects: diag(sd) * (Cholesky of correlations).
  matrix covariance_factor(vector sd, matrix correlation_factor) {
    return diag_pre_multiply(sd, correlation_factor);
  }

  // Rows of u are independent multi_normal_cholesky(0, factor): one triangular solve for them all.
  real effects_lpdf(matrix u, matrix factor) {
    int q = cols(u);
    if (q == 1) return normal_lpdf(to_vector(u) | 0, factor[1, 1]);
    return std_normal_lpdf(to_vector(mdivide_left_tri_low(factor, u')))
           - rows(u) * sum(log(diagonal(factor)));
  }
