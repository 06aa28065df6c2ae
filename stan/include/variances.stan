  // Declares the sds and, of each term, the Cholesky factor of its effects' covariance, from the
  // coordinates x; adds their priors and Jacobians to target.
  vector[D] coordinate = curve(x, location, above, above_tail, below, below_tail);
  vector[Q] sd;
  array[M] matrix[q_max, q_max] L;
  {
    int k = 1;
    int from = 1;
    for (m in 1:M) {
      int last = k + q[m] - 1;
      matrix[q[m], q[m]] Lm = identity_matrix(q[m]);
      vector[q[m]] log_sd;
      if (correlated[m]) {
        Lm = to_matrix(segment(corr_factor, from, q[m] * q[m]), q[m], q[m]);
        target += lkj_corr_cholesky_lpdf(Lm | lkj[m]);
        from += q[m] * q[m];
      }
      if (q[m] == 1) {
        log_sd[1] = coordinate[k];
      } else {
        log_sd = contrasts[k:last, k:last] * coordinate[k:last];
        matrix[q[m], q[m]] share = diag_pre_multiply(exp(log_sd), Lm);
        log_sd += coordinate[k] - 0.5 * log(sum(share .* (gram_of_terms[k:last, k:last] * share)));
      }
      sd[k:last] = exp(log_sd);
      target += sum(log_sd);
      L[m, 1:q[m], 1:q[m]] = diag_pre_multiply(sd[k:last], Lm);
      k += q[m];
    }
  }
  for (k in 1:Q) target += prior_lpdf(sd[k] | sd_prior[k], sd_prior_p[k]);
  target += sum(log(curve_slope(x, above, above_tail, below, below_tail)));
