  // Rows of u are independent multi_normal_cholesky(0, factor): one triangular solve for them all.
  real effects_lpdf(matrix u, matrix factor) {
    return std_normal_lpdf(to_vector(mdivide_left_tri_low(factor, u')))
           - rows(u) * sum(log(diagonal(factor)));
  }
