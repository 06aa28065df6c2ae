  int n_factor = 0;                                  // entries of the Cholesky factors
  int q_max = M > 0 ? max(q) : 0;
  array[W * W] int place;                            // of a matrix's entries in its lower triangle
  array[entries(W)] int row_of;                      // and of these in the matrix
  array[entries(W)] int column_of;
  vector[entries(W)] prior_entries;
  int n_blocks = 0;                                  // terms with columns, correlated effects
  int of_factor = 0;                                 // effects of each group of the factor
  for (m in 1:M) if (correlated[m]) n_factor += q[m] * q[m];
  for (m in 1:M) n_blocks += column[m] > 0 && correlated[m];
  // Sizes that the declarations leave open: no index is checked later (light_model.hpp).
  for (m in 1:M) {
    if (column[m] == 0) of_factor += q[m];
    else if (column[m] + J[m] * q[m] > W) reject("term ", m, " has more effects than columns");
  }
  if (sum(q) != N || sum(n_sds) != Q) reject("the terms' sizes do not add up");
  for (i in 1:W) {
    for (j in 1:i) {
      prior_entries[entries(i - 1) + j] = prior[i, j];
      row_of[entries(i - 1) + j] = i;
      column_of[entries(i - 1) + j] = j;
      place[(j - 1) * W + i] = entries(i - 1) + j;
      place[(i - 1) * W + j] = entries(i - 1) + j;
    }
  }
