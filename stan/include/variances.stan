  // Declares the sds and, of each term, the Cholesky factor of its effects' covariance, from the
  // coordinates x; adds their priors and Jacobians to target.
  vector[D] coordinate = curve(x, location, above, above_tail, below, below_tail);
  vector[Q] log_sd;
  vector[N] column_sd;
  array[M] matrix[q_max, q_max] L;
  {
    int k = 1;
    int c = 1;
    int from = 1;
    for (m in 1:M) {
      int last = k + n_sds[m] - 1;
      matrix[q[m], q[m]] Lm = identity_matrix(q[m]);
      if (correlated[m]) {
        Lm = to_matrix(segment(corr_factor, from, q[m] * q[m]), q[m], q[m]);
        target += lkj_corr_cholesky_lpdf(Lm | lkj[m]);
        from += q[m] * q[m];
      }
      if (n_sds[m] == 1 || length_of[c] > 0) {
        log_sd[k:last] = coordinate[k:last];
      } else {
        vector[n_sds[m]] ratio = contrasts[k:last, k:last] * coordinate[k:last];
        matrix[n_sds[m], n_sds[m]] share;
        if (correlated[m]) share = diag_pre_multiply(exp(ratio), Lm);
        else share = diag_pre_multiply(exp(ratio), identity_matrix(n_sds[m]));
        log_sd[k:last] = ratio + coordinate[k]
                         - 0.5 * log(sum(share .* (gram_of_terms[k:last, k:last] * share)));
      }
      L[m, 1:q[m], 1:q[m]] = Lm;
      k += n_sds[m];
      c += q[m];
    }
    column_sd = sds_of_columns(exp(log_sd), sd_of, length_of, frequency);
    c = 1;
    for (m in 1:M) {
      L[m, 1:q[m], 1:q[m]] = diag_pre_multiply(column_sd[c:(c + q[m] - 1)], L[m, 1:q[m], 1:q[m]]);
      c += q[m];
    }
  }
  target += sum(log_sd);
  for (k in 1:Q) target += prior_lpdf(exp(log_sd[k]) | sd_prior[k], sd_prior_p[k]);
  target += sum(log(curve_slope(x, above, above_tail, below, below_tail)));
