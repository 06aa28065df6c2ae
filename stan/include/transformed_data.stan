  vector[P] prior_mean = beta_prior_p[, 1];          // of all but StudentT
  vector[P] prior_sd = beta_prior_p[, 2];
  vector[C] linear_location = offsets + (X * beta_location)[row];
  int n_factor = 0;                                  // entries of the Cholesky factors
  for (m in 1:M) if (correlated[m]) n_factor += q[m] * q[m];
  array[M] int k_start;                              // where a term starts in Q, corr_factor,
  array[M] int f_start;
  array[M] int known_start;                          // known, size_of_kind, kind_of
  array[M] int size_start;
  array[M] int kind_start;
  {
    int k = 1;
    int f = 1;
    int at = 1;
    int kind = 1;
    int inside = 1;
    for (m in 1:M) {
      k_start[m] = k;
      f_start[m] = f;
      known_start[m] = at;
      size_start[m] = kind;
      kind_start[m] = inside;
      k += q[m];
      if (correlated[m]) f += q[m] * q[m];
      if (informed[m]) at += n_kinds[m] > 0 ? n_kinds[m] * q[m] * q[m] : J[m];
      kind += n_kinds[m];
      if (q[m] > 1) inside += J[m];
    }
  }
  array[E] int pass_start;
  array[E] int J_outer;
  {
    int at = 1;
    for (e in 1:E) {
      pass_start[e] = at;
      at += J[inner[e]];
      J_outer[e] = max(segment(outer_level, pass_start[e], J[inner[e]]));
    }
  }
