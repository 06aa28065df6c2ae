  // Declares gram, of the entries `weighted`: columns of effects by their terms' sds, or by the
  // Cholesky factor of a term's covariance, and the prior of all columns.
  vector[W] width_of = ones_vector(W);
  for (m in 1:M) {
    if (column[m] > 0 && !correlated[m]) {
      for (i in 1:q[m]) {
        int at = column[m] + (i - 1) * J[m];
        width_of[at:(at + J[m] - 1)] = rep_vector(L[m, i, i], J[m]);
      }
    }
  }
  vector[entries(W)] entry = weighted .* width_of[row_of] .* width_of[column_of];
  matrix[W, W] gram;
  if (n_blocks == 0) {
    gram = to_matrix((entry + prior_entries)[place], W, W);
  } else {
    gram = to_matrix(entry[place], W, W);
    for (m in 1:M) {
      if (column[m] > 0 && correlated[m]) {          // gram -> D' gram D, D = L kron identity
        for (i in 1:q[m]) {
          int at = column[m] + (i - 1) * J[m];
          int last = at + J[m] - 1;
          gram[, at:last] *= L[m, i, i];
          for (j in (i + 1):q[m]) {
            gram[, at:last] += L[m, j, i] * gram[, (at + (j - i) * J[m]):(last + (j - i) * J[m])];
          }
        }
        for (i in 1:q[m]) {
          int at = column[m] + (i - 1) * J[m];
          int last = at + J[m] - 1;
          gram[at:last] *= L[m, i, i];
          for (j in (i + 1):q[m]) {
            gram[at:last] += L[m, j, i] * gram[(at + (j - i) * J[m]):(last + (j - i) * J[m])];
          }
        }
      }
    }
    gram = symmetrize_from_lower_tri(gram + prior);
  }
