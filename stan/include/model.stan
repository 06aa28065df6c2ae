  // Declares eta, and adds every prior and the density of the group effects to target.
  vector[C] eta = offsets + X * beta;
  {
    int k = 1;                                       // where the term starts: in Q, T, corr_factor
    int t = 1;
    int from = 1;
    for (m in 1:M) {
      if (q[m] == 1) {                               // the common case, in vectors
        vector[J[m]] u = segment(effect, t, J[m]);
        if (centered[m]) {
          target += normal_lpdf(u | B[k] * beta, sd[k]);
        } else {
          target += std_normal_lpdf(u);
          u *= sd[k];
        }
        eta += Z[, k] .* u[level[m]];
      } else {
        int last = k + q[m] - 1;
        matrix[J[m], q[m]] u = to_matrix(segment(effect, t, J[m] * q[m]), J[m], q[m]);
        matrix[q[m], q[m]] L = identity_matrix(q[m]);
        if (correlated[m]) {
          L = to_matrix(segment(corr_factor, from, q[m] * q[m]), q[m], q[m]);
          target += lkj_corr_cholesky_lpdf(L | lkj[m]);
          from += q[m] * q[m];
        }
        L = diag_pre_multiply(sd[k:last], L);
        if (centered[m]) {
          target += effects_lpdf(u * basis[m, 1:q[m], 1:q[m]]'
                                 - rep_matrix((B[k:last] * beta)', J[m]) | L);
        } else {
          target += std_normal_lpdf(to_vector(u));
          u = u * L';
        }
        for (i in 1:q[m]) eta += Z[, k + i - 1] .* u[level[m], i];
      }
      k += q[m];
      t += J[m] * q[m];
    }
  }
  target += priors_lpdf(beta | beta_prior, beta_prior_p);
  target += priors_lpdf(sd | sd_prior, sd_prior_p) + sum(log_sd);      // Jacobian of exp
  target += priors_lpdf(aux | aux_prior, aux_prior_p) + sum(log_aux);
