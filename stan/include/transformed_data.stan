  int n_factor = 0;                                  // entries of the Cholesky factors
  for (m in 1:M) if (correlated[m]) n_factor += q[m] * q[m];
  array[M] int k_start;                              // where a term starts in Q, T, corr_factor
  array[M] int t_start;
  array[M] int f_start;
  {
    int k = 1;
    int t = 1;
    int f = 1;
    for (m in 1:M) {
      k_start[m] = k;
      t_start[m] = t;
      f_start[m] = f;
      k += q[m];
      t += J[m] * q[m];
      if (correlated[m]) f += q[m] * q[m];
    }
  }
