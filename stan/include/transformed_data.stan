  int normal_alone = 1;                              // whether all coefficients' priors are normal
  for (p in 1:P) normal_alone = normal_alone && beta_prior[p] == 1;
  vector[P] prior_mean = beta_prior_p[, 1];          // if they are
  vector[P] prior_sd = beta_prior_p[, 2];
  vector[rows] linear_location = offsets + (X * beta_location)[row];
  for (k in 1:n_beside)
    if (block_of[k] * C > rows || (block_of[k] == 0) == (number_of[k] == 0) || number_of[k] > A)
      reject("parameter ", k, " beside the mean is neither a block nor a number");
  int n_factor = 0;                                  // entries of the Cholesky factors
  real lkj_constant = 0;
  for (m in 1:M) {
    if (correlated[m]) {
      n_factor += q[m] * q[m];
      lkj_constant += lkj_corr_cholesky_lpdf(identity_matrix(q[m]) | lkj[m]);
    }
  }
  array[M] int k_start;                              // where a term starts in N, corr_factor,
  array[M] int f_start;
  array[M] int information_start;                    // information, class_size, class_of
  array[M] int size_start;
  array[M] int class_start;
  array[M] int z_start;                              // in Z, basis, place
  array[M] int basis_start;
  array[M] int place_start;
  {
    int z = 1;
    int in_basis = 1;
    int in_place = 1;
    int k = 1;
    int f = 1;
    int at = 1;
    int entry = 1;
    int inside = 1;
    for (m in 1:M) {
      k_start[m] = k;
      f_start[m] = f;
      information_start[m] = at;
      size_start[m] = entry;
      class_start[m] = inside;
      k += q[m];
      z_start[m] = z;
      basis_start[m] = in_basis;
      place_start[m] = in_place;
      if (along_rows[m] && (n_distinct[m] != D || J[m] > 1))
        reject("term ", m, " has other rows than the coefficients");
      if (n_distinct[m] == 0) {
        z += q[m];
      } else if (along_rows[m]) {
        in_basis += D * q[m];
      } else {
        if (rows > 0 && max(segment(place, in_place, rows)) > n_distinct[m] * J[m])
          reject("term ", m, " has no such row and level");
        in_basis += n_distinct[m] * q[m];
        in_place += rows;
      }
      if (correlated[m]) f += q[m] * q[m];
      if (informed[m]) at += n_classes[m] > 0 ? n_classes[m] * q[m] * q[m] : J[m];
      entry += n_classes[m];
      if (rows > 0 && max(level[m]) > J[m])
        reject("term ", m, " has ", J[m], " levels, and cells of level ", max(level[m]));
      if (start[m] + J[m] * q[m] - 1 > T || (start[m] <= W && start[m] + J[m] * q[m] - 1 > W))
        reject("term ", m, " does not fit the places of the effects");
      if (q[m] > 1) {
        if (max(segment(class_of, inside, J[m])) > n_classes[m])
          reject("term ", m, " has ", n_classes[m], " classes, and levels of others");
        inside += J[m];
      }
    }
    if (n_crossed > 0 && (n_crossed != W || !kept)) reject("crossed effects are not those drawn with coefficients");
    for (m in leading)
      if (q[m] > 1 || start[m] > W) reject("coefficients cannot follow term ", m);
    for (g in 1:n_covariance_growth)
      if (covariance_growth_of[g, 1] > M || max(covariance_growth_of[g, 2:3]) > q[covariance_growth_of[g, 1]])
        reject("there is no such entry of a covariance: ", covariance_growth_of[g]);
    // Sizes that the declarations leave open: no index is checked later (light_model.hpp).
    if (k != N + 1 || z != n_plain + 1 || in_basis != n_basis + 1 || in_place != n_place + 1 || at != n_information + 1 || entry != n_class_sizes + 1 || inside != n_class_of + 1)
      reject("the terms' sizes do not add up");
  }
  for (v in 1:n_mono)
    if (max(mono_at[v]) > mono_steps[v] + 1 || mono_from[v] + mono_steps[v] - 1 > A)
      reject("monotonic predictor ", v, " has neither such categories nor such pieces");
  array[E] int parent_entry;
  array[E] int J_parent;
  {
    int at = 1;
    for (e in 1:E) {
      parent_entry[e] = at;
      at += J[nested[e]];
      if (nested_start[e] < start[nested[e]]
          || nested_start[e] + J[nested[e]] > start[nested[e]] + J[nested[e]] * q[nested[e]])
        reject("term ", nested[e], " does not have the places of its nested effects");
      J_parent[e] = max(segment(parent_level, parent_entry[e], J[nested[e]]));
    }
  }
