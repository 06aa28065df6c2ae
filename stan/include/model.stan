  // Declares eta, and adds the density of the group effects to target. Whole vectors, and no single
  // elements of them: stanc then keeps values and derivatives of each in one piece.
  vector[C] eta;
  if (D < C) eta = linear_location + (X * moved)[row];
  else eta = linear_location + X * moved;            // each row its own, in order
  {
    vector[T] deviation;                             // kept for the terms that are nested in others
    vector[T] pull = score;
    if (n_taken > 0) pull = score - taken * moved[taken_by];
    for (m in order) {
      int k = k_start[m];
      int n_m = J[m] * q[m];
      real s = sd[k];
      vector[n_m] x;
      vector[n_m] own_pull = segment(pull, start[m], n_m);
      vector[n_m] z;                                 // the effects' z-scores,
      vector[n_m] u;                                 // and themselves
      if (start[m] > W) x = segment(rest, start[m] - W, n_m);
      else x = segment(joint, P + start[m], n_m);
      for (e in 1:E) {
        if (inner[e] == m) {
          int at = inner_start[e] - start[m];
          array[J[m]] int above = segment(outer_level, pass_start[e], J[m]);
          own_pull[(at + 1):(at + J[m])]
            -= segment(pass, pass_start[e], J[m]) .* segment(deviation, outer_start[e], J_outer[e])[above];
        }
      }
      if (q[m] == 1) {
        if (!informed[m]) {
          z = x;
        } else if (n_kinds[m] > 0) {                 // levels that are known alike
          real width = inv_sqrt(1 + square(s) * known[known_start[m]]);
          z = width * x + (s * square(width)) * own_pull;
          target += J[m] * log(width);
        } else {
          vector[n_m] width = inv_sqrt(1 + segment(known, known_start[m], n_m) .* rep_vector(square(s), n_m));
          z = width .* (x + s * width .* own_pull);
          target += sum(log(width));
        }
        target += std_normal_lpdf(z);
        u = s * z;
        if (ones[k]) eta += u[level[m]];
        else eta += Z[, k] .* u[level[m]];
      } else {
        matrix[q[m], q[m]] L = identity_matrix(q[m]);
        if (correlated[m]) {
          L = to_matrix(segment(corr_factor, f_start[m], q[m] * q[m]), q[m], q[m]);
          target += lkj_corr_cholesky_lpdf(L | lkj[m]);
        }
        L = diag_pre_multiply(sd[k:(k + q[m] - 1)], L);
        z = x;
        if (informed[m]) {
          int at = member_start[m];
          for (d in 1:n_kinds[m]) {
            int size = size_of_kind[size_start[m] + d - 1];
            matrix[q[m], q[m]] information = to_matrix(
              segment(known, known_start[m] + (d - 1) * q[m] * q[m], q[m] * q[m]), q[m], q[m]);
            matrix[q[m], q[m]] root = cholesky_decompose(add_diag(quad_form_sym(information, L), 1.0));
            matrix[q[m], q[m]] inverse = mdivide_left_tri_low(root, identity_matrix(q[m]));
            matrix[q[m], q[m]] to_z = L * crossprod(inverse);
            for (i in 1:q[m]) {                      // z = inverse' * x + crossprod(inverse) * L' * pull
              vector[size] zi = rep_vector(0, size);
              for (a in 1:q[m]) {
                array[size] int those = segment(member, at + (a - 1) * size, size);
                if (a >= i) zi += inverse[a, i] * x[those];
                zi += to_z[a, i] * own_pull[those];
              }
              z[segment(member, at + (i - 1) * size, size)] = zi;
            }
            target += -size * sum(log(diagonal(root)));
            at += q[m] * size;
          }
        }
        target += std_normal_lpdf(z);
        for (i in 1:q[m]) {
          int to = (i - 1) * J[m];
          vector[J[m]] ui = L[i, 1] * z[1:J[m]];
          for (a in 2:i) ui += L[i, a] * z[((a - 1) * J[m] + 1):(a * J[m])];
          u[(to + 1):(to + J[m])] = ui;
          eta += Z[, k + i - 1] .* ui[level[m]];
        }
      }
      if (E > 0) deviation[start[m]:(start[m] + n_m - 1)] = u;
    }
  }
