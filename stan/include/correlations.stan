  // Cholesky factors of the correlations, column by column, term by term, from `partial`: artanh of
  // their canonical partial correlations.
  vector[n_factor] corr_factor;
  if (n_corr > 0) {
    int from_raw = 1;
    int from = 1;
    for (m in 1:M) {
      if (correlated[m]) {
        int n_free = (q[m] * (q[m] - 1)) %/% 2;
        int n_entries = q[m] * q[m];
        corr_factor[from:(from + n_entries - 1)]
          = to_vector(cholesky_factor_corr_jacobian(segment(partial, from_raw, n_free), q[m]));
        from_raw += n_free;
        from += n_entries;
      }
    }
  }
