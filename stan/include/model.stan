  // Declares eta and deviation, and adds the density of the group effects to target. Whole vectors, and
  // no single elements of long ones: stanc then keeps values and derivatives of each in one piece.
  vector[rows] eta;
  vector[sum(along_rows) > 0 ? D : 0] common;        // of coefficients and curves of all rows
  if (sum(along_rows) > 0) {
    common = X * moved;
    eta = linear_location;
  } else if (D < rows) eta = linear_location + (X * moved)[row];
  else eta = linear_location + X * moved;            // each row its own, in order
  if (n_curved > 0) eta += curved;
  vector[kept ? T : 0] deviation;                    // of each effect
  {
    vector[T] centred_score;
    if (n_centred < P) centred_score = score - information_centring * moved[centred_by];
    else centred_score = score - information_centring * moved;
    for (m in order) {
      int k = k_start[m];
      int n_m = J[m] * q[m];
      real s = column_sd[k];
      vector[n_m] x;
      vector[n_m] own_score = segment(centred_score, start[m], n_m);
      vector[n_m] z;                                 // the effects' z-scores
      if (start[m] > W) x = segment(rest, start[m] - W, n_m);
      else x = segment(joint, P + start[m], n_m);
      for (e in 1:E) {
        if (nested[e] == m) {
          int at = nested_start[e] - start[m];
          array[J[m]] int above = segment(parent_level, parent_entry[e], J[m]);
          own_score[(at + 1):(at + J[m])]
            -= segment(parent_information, parent_entry[e], J[m]) .* segment(deviation, parent_start[e], J_parent[e])[above];
        }
      }
      if (n_crossed > 0 && start[m] > W) own_score -= crossed * head(deviation, W);
      if (q[m] == 1) {
        if (!informed[m]) {
          z = x;
        } else if (n_classes[m] > 0) {               // levels of one class
          real width = inv_sqrt(1 + square(s) * information[information_start[m]]);
          z = width * x + (s * square(width)) * own_score;
          target += J[m] * log(width);
        } else {
          vector[n_m] width = inv_sqrt(1 + segment(information, information_start[m], n_m) .* rep_vector(square(s), n_m));
          z = width .* (x + s * width .* own_score);
          target += sum(log(width));
        }
        target += std_normal_lpdf(z);
        vector[n_m] u = s * z;
        if (effect_product[k]) eta += Z[, z_start[m]] .* factor[effect_product[k]] .* u[level[m]];
        else if (ones[z_start[m]]) eta += u[level[m]];
        else eta += Z[, z_start[m]] .* u[level[m]];
        if (kept) deviation[start[m]:(start[m] + n_m - 1)] = u;
      } else {
        matrix[q[m], q[m]] L = identity_matrix(q[m]);
        if (correlated[m]) L = to_matrix(segment(corr_factor, f_start[m], q[m] * q[m]), q[m], q[m]);
        L = diag_pre_multiply(column_sd[k:(k + q[m] - 1)], L);
        z = x;
        if (informed[m]) {
          // z = K'^-1 (x + K^-1 L' score), K K' = 1 + L' I L.
          int n_c = n_classes[m];
          array[J[m]] int level_class = segment(class_of, class_start[m], J[m]);
          array[q[m], q[m]] vector[n_c] own = whitening_of_each(
            L, correlated[m], segment(information, information_start[m], n_c * q[m] * q[m]), n_c);
          vector[n_m] w = x;
          for (b in 1:q[m]) {
            vector[J[m]] p = L[b, b] * segment(own_score, (b - 1) * J[m] + 1, J[m]);
            for (c in (b + 1):(correlated[m] ? q[m] : b)) p += L[c, b] * segment(own_score, (c - 1) * J[m] + 1, J[m]);
            for (a in b:q[m]) {
              if (n_c == 1) w[((a - 1) * J[m] + 1):(a * J[m])] += own[a, b][1] * p;
              else w[((a - 1) * J[m] + 1):(a * J[m])] += own[a, b][level_class] .* p;
            }
          }
          for (i in 1:q[m]) {
            vector[J[m]] zi = rep_vector(0, J[m]);
            for (a in i:q[m]) {
              if (n_c == 1) zi += own[a, i][1] * segment(w, (a - 1) * J[m] + 1, J[m]);
              else zi += own[a, i][level_class] .* segment(w, (a - 1) * J[m] + 1, J[m]);
            }
            z[((i - 1) * J[m] + 1):(i * J[m])] = zi;
            target += dot_product(segment(class_size, size_start[m], n_c), log(own[i, i]));
          }
        }
        target += std_normal_lpdf(z);
        if (n_distinct[m] > 0) {                     // curves: by distinct rows of predictors, level by level
          if (along_rows[m]) {
            vector[q[m]] u = segment(column_sd, k, q[m]) .* z;
            common += to_matrix(segment(basis, basis_start[m], n_distinct[m] * q[m]), n_distinct[m], q[m]) * u;
            if (kept) deviation[start[m]:(start[m] + n_m - 1)] = u;
          } else {
            matrix[J[m], q[m]] U;                    // column by column: to_matrix() would part z, and eta
            for (i in 1:q[m]) U[, i] = L[i, i] * segment(z, (i - 1) * J[m] + 1, J[m]);
            eta += to_vector(to_matrix(segment(basis, basis_start[m], n_distinct[m] * q[m]), n_distinct[m], q[m])
                             * U')[segment(place, place_start[m], rows)];
            if (kept) deviation[start[m]:(start[m] + n_m - 1)] = to_vector(U);
          }
        } else {
          for (i in 1:q[m]) {
            vector[J[m]] ui = L[i, i] * segment(z, (i - 1) * J[m] + 1, J[m]);
            for (a in 1:(correlated[m] ? i - 1 : 0)) ui += L[i, a] * segment(z, (a - 1) * J[m] + 1, J[m]);
            int p = effect_product[k + i - 1];
            if (p) eta += Z[, z_start[m] + i - 1] .* factor[p] .* ui[level[m]];
            else eta += Z[, z_start[m] + i - 1] .* ui[level[m]];
            if (kept) deviation[(start[m] + (i - 1) * J[m]):(start[m] + i * J[m] - 1)] = ui;
          }
        }
      }
    }
    if (sum(along_rows) > 0) {
      if (D < rows) eta += common[row];
      else eta += common;
    }
  }
