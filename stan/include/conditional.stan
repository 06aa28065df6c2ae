  // Declares joint_raw and rest_raw: standard scores of the normal posterior given sds and the noise, where
  // that is asked for. (stanc's optimiser knows vectors by their names alone: none here is one of
  // effects.stan or model.stan.)
  vector[P + W] joint_raw = joint_x;
  vector[T - W] rest_raw = rest_x;
  if (n_given > 0) {
    matrix[n_told, n_given] given_G = given_columns; // effects in units of their priors
    int given_at = P;
    for (m in 1:M) {
      int levels_m = levels_given[m];
      for (a in 1:q[m]) {
        int from = given_at + (a - 1) * levels_m;
        real entry = column_sd[k_start[m] + a - 1];
        if (correlated[m]) entry *= corr_factor[f_start[m] + (a - 1) * q[m] + a - 1];
        given_G[, (from + 1):(from + levels_m)] = entry * given_columns[, (from + 1):(from + levels_m)];
        for (c in (a + 1):(correlated[m] ? q[m] : a)) {
          int beside_from = given_at + (c - 1) * levels_m;
          entry = column_sd[k_start[m] + c - 1] * corr_factor[f_start[m] + (a - 1) * q[m] + c - 1];
          given_G[, (from + 1):(from + levels_m)]
            += entry * given_columns[, (beside_from + 1):(beside_from + levels_m)];
        }
      }
      given_at += q[m] * levels_m;
    }
    vector[n_told] told = fixed_information + scaled_information * exp(noise_power * free_aux[noise_number]);
    matrix[n_given, n_told] given_weighted = diag_pre_multiply(told, given_G)';
    matrix[n_given, n_given] given_K
      = cholesky_decompose(symmetrize_from_lower_tri(given_weighted * given_G + identity_matrix(n_given)));
    matrix[n_given, n_given] given_inverse = inverse(given_K);
    target += -sum(log(diagonal(given_K)));
    vector[n_given] given_x = given_joint' * joint_x + given_rest' * rest_x;
    vector[n_given] given_score
      = given_inverse' * (given_x + given_inverse * (given_weighted * given_response));
    array[n_given] real change;
    for (i in 1:n_given) change[i] = sum(segment(given_score, i, 1)) - sum(segment(given_x, i, 1));
    joint_raw += given_joint * to_vector(change);
    rest_raw += given_rest * to_vector(change);
  }
