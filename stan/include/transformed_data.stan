  int n_corr = 0;                                    // free correlations, over all terms
  int n_factor = 0;                                  // entries of the Cholesky factors
  for (m in 1:M) {
    if (correlated[m]) {
      n_corr += (q[m] * (q[m] - 1)) %/% 2;
      n_factor += q[m] * q[m];
    }
  }
