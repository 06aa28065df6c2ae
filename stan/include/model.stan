  // Declares eta, and adds every prior and the density of the group effects to target.
  vector[C] eta = offsets + X * beta;
  {
    vector[T] deviation;                             // of each level, in its term's directions
    vector[T] total = carried * beta;                // mean of the totals
    for (m in order) {
      int k = k_start[m];
      int t = t_start[m];
      int last = t + J[m] * q[m] - 1;
      vector[J[m] * q[m]] u = segment(effect, t, J[m] * q[m]);
      if (centered[m]) {
        int at = 1;
        for (e in 1:E) {
          if (inner[e] == m) {
            int p = outer[e];
            matrix[J[p], q[p]] above
              = to_matrix(segment(deviation, t_start[p], J[p] * q[p]), J[p], q[p]);
            matrix[J[p], q[m]] passed = above * pass[e, 1:q[m], 1:q[p]]';
            total[t:last] += to_vector(passed[segment(outer_level, at, J[m])]);
          }
          at += J[inner[e]];
        }
      }
      if (q[m] == 1) {                               // the common case, in vectors
        if (centered[m]) {
          u -= total[t:last];
          target += normal_lpdf(u | 0, sd[k]);
        } else {
          target += std_normal_lpdf(u);
          u *= sd[k];
        }
        deviation[t:last] = u;
        eta += Z[, k] .* u[level[m]];
      } else {
        int c = centered[m];
        matrix[J[m], q[m]] z = to_matrix(u, J[m], q[m]);
        matrix[q[m], q[m]] L = identity_matrix(q[m]);
        if (correlated[m]) {
          L = to_matrix(segment(corr_factor, f_start[m], q[m] * q[m]), q[m], q[m]);
          target += lkj_corr_cholesky_lpdf(L | lkj[m]);
        }
        L = diag_pre_multiply(sd[k:(k + q[m] - 1)], L);
        if (turned[m]) L = cholesky_decompose(tcrossprod(turn[m, 1:q[m], 1:q[m]] * L));
        if (c > 0) {
          matrix[J[m], q[m]] mean_total = to_matrix(total[t:last], J[m], q[m]);
          z[, 1:c] = mdivide_left_tri_low(L[1:c, 1:c], (z[, 1:c] - mean_total[, 1:c])')';
          target += -J[m] * sum(log(diagonal(L)[1:c]));
        }
        target += std_normal_lpdf(to_vector(z));
        z = z * L';                                  // z-scores to deviations
        deviation[t:last] = to_vector(z);
        for (i in 1:q[m]) eta += Z[, k + i - 1] .* z[level[m], i];
      }
    }
  }
