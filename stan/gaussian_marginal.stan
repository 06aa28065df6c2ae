// Gaussian likelihood with coefficients and group effects integrated out: what is sampled is their
// sds and correlations, and sigma. Cross-products are sufficient (winstan/marginal/statistics.py).
// One factor is integrated group by group, groups of equal design at once; the effects of all
// others, as z-scores, are columns beside those of the coefficients, and last comes the response.
// Serves gaussian, and lognormal (statistics of log y; its Jacobian is in log_constant).
functions {
#include include/priors.stan
#include include/matrices.stan

  // See winstan/marginal/monotone.py.
  vector curve(vector x, vector location, vector above, vector above_tail, vector below,
               vector below_tail) {
    vector[size(x)] arc = sqrt(1 + square(x));
    vector[size(x)] p = x + arc;
    vector[size(x)] n = arc - x;
    return location + p .* (above + above_tail .* p) - n .* (below + below_tail .* n);
  }

  vector curve_slope(vector x, vector above, vector above_tail, vector below, vector below_tail) {
    vector[size(x)] arc = sqrt(1 + square(x));
    vector[size(x)] p = x + arc;
    vector[size(x)] n = arc - x;
    return (p .* (above + 2 * above_tail .* p) + n .* (below + 2 * below_tail .* n)) ./ arc;
  }
}
data {
  int<lower=1> W;                                    // columns: coefficients, effects, response
  int<lower=1> K;                                    // patterns: groups of equal design
  int<lower=1> width;                                // effects per group
  vector<lower=0>[K] n_groups;
  array[K] matrix[width, width] R;                   // R'R: cross-product of the effects' columns
  array[K] matrix[width, W] projected;               // all columns on those of R, by sqrt(n_groups)
  array[K] matrix[width, width] spread;              // of the groups' responses about their mean
  matrix[W, W] residual;                             // cross-product of what no group explains
  matrix[W, W] prior;                                // of the columns; 0: flat
  real n_sigma;                                      // rows less effects of the groups
  real log_constant;

  int<lower=0> M;                                    // group terms
  array[M] int<lower=1> J;                           // levels of each
  array[M] int<lower=1> q;                           // effects per level
  array[M] int<lower=0, upper=1> correlated;
  array[M] int<lower=0, upper=W> column;             // of its first effect; 0: of the factor
  int<lower=0> Q;                                    // sum of q
  array[Q] int sd_prior;                             // see priors.stan
  matrix[Q, 3] sd_prior_p;
  vector<lower=0>[M] lkj;                            // 1: flat on correlation matrices
  int<lower=1> A;                                    // auxiliary parameters: sigma
  array[A] int aux_prior;
  matrix[A, 3] aux_prior_p;

  // Coordinates of the variances (winstan/marginal/variances.py). Of a term with several effects,
  // the log sd of what they add up to in the data, and contrasts of their log sds.
  int<lower=0> n_corr;                               // free correlations, over all terms
  int<lower=Q + n_corr + A, upper=Q + n_corr + A> D;
  matrix[Q, Q] gram_of_terms;                        // mean cross-products, block by block
  matrix[Q, Q] contrasts;                            // block by block, after a column of zeros
  vector[D] location;
  vector<lower=0>[D] above;                          // see winstan/marginal/monotone.py
  vector<lower=0>[D] above_tail;
  vector<lower=0>[D] below;
  vector<lower=0>[D] below_tail;
  matrix[D, D] mixing;                               // lower triangular
}
transformed data {
  int n_factor = 0;                                  // entries of the Cholesky factors
  int n_pairs = entries(width);
  int q_max = M > 0 ? max(q) : 0;
  // Both the covariance of a group's projected responses and the cross-products that it weighs are
  // linear: in the effects' covariance, and in the inverses of those covariances.
  array[n_pairs] matrix[K, n_pairs] to_covariance;
  matrix[n_pairs, n_pairs] one_to_covariance;        // of the first pattern
  vector[n_pairs] on_diagonal;                       // 1, or 0 for an entry beside it
  array[width * width] int pair_place;               // of a matrix's entries in its lower triangle
  array[n_pairs] int pair_entry;                     // and of these in the matrix
  vector[K] single = to_vector(square(R[, 1, 1]));   // of one effect a group
  matrix[entries(W), n_pairs * K] products;
  vector[entries(W)] left;                           // what no group explains
  array[W * W] int place;                            // of a matrix's entries in its lower triangle
  array[entries(W)] int row_of;                      // and of these in the matrix
  array[entries(W)] int column_of;
  vector[entries(W)] prior_entries;
  int n_blocks = 0;                                  // terms with columns, several effects per level
  for (m in 1:M) if (correlated[m]) n_factor += q[m] * q[m];
  for (m in 1:M) n_blocks += column[m] > 0 && q[m] > 1;
  {
    // Sizes that the declarations leave open: no index is checked later (light_model.hpp).
    int of_factor = 0;
    for (m in 1:M) {
      if (column[m] == 0) of_factor += q[m];
      else if (column[m] + J[m] * q[m] > W) reject("term ", m, " has more effects than columns");
    }
    if (sum(q) != Q || of_factor > width) reject("the terms' sizes do not add up");
  }
  {
    int pair = 1;
    for (a in 1:width) {
      for (b in 1:a) {
        for (k in 1:K) {
          int at = 1;
          for (i in 1:W) {
            for (j in 1:i) {
              products[at, (pair - 1) * K + k]
                = projected[k, a, i] * projected[k, b, j]
                  + (a == b ? 0 : projected[k, b, i] * projected[k, a, j]);
              at += 1;
            }
          }
          products[at - 1, (pair - 1) * K + k] += (a == b ? 1 : 2) * spread[k, a, b];
          at = 1;
          for (c in 1:width) {
            for (d in 1:c) {
              to_covariance[pair, k, at] = R[k, a, c] * R[k, b, d]
                                           + (c == d ? 0 : R[k, a, d] * R[k, b, c]);
              at += 1;
            }
          }
        }
        on_diagonal[pair] = a == b;
        one_to_covariance[pair] = to_covariance[pair, 1];
        pair_place[(b - 1) * width + a] = pair;
        pair_place[(a - 1) * width + b] = pair;
        pair_entry[pair] = (b - 1) * width + a;
        pair += 1;
      }
    }
    for (i in 1:W) {
      for (j in 1:i) {
        left[entries(i - 1) + j] = residual[i, j];
        prior_entries[entries(i - 1) + j] = prior[i, j];
        row_of[entries(i - 1) + j] = i;
        column_of[entries(i - 1) + j] = j;
        place[(j - 1) * W + i] = entries(i - 1) + j;
        place[(i - 1) * W + j] = entries(i - 1) + j;
      }
    }
  }
}
parameters {
  vector[Q] sd_raw;
  vector[n_corr] corr_raw;
  vector[A] aux_raw;
}
transformed parameters {
  vector[n_factor] corr_factor;
  if (n_corr > 0) {
    int from = Q + 1;
    int last = Q + n_corr;
    vector[n_corr] x = mixing[from:last] * append_row(sd_raw, append_row(corr_raw, aux_raw));
    corr_factor = correlations_jacobian(
      curve(x, location[from:last], above[from:last], above_tail[from:last], below[from:last],
            below_tail[from:last]), q, correlated, n_factor);
  }
}
model {
  vector[D] x = mixing * append_row(sd_raw, append_row(corr_raw, aux_raw));
  vector[D] coordinate = curve(x, location, above, above_tail, below, below_tail);
  vector[Q] sd;
  real log_sigma = coordinate[D];
  real variance = exp(2 * log_sigma);
  vector[n_pairs] covariance = rep_vector(0, n_pairs);   // of a group's effects
  array[M] matrix[q_max, q_max] L;
  {
    int k = 1;
    int from = 1;
    int inside = 0;
    for (m in 1:M) {
      int last = k + q[m] - 1;
      matrix[q[m], q[m]] Lm = identity_matrix(q[m]);
      vector[q[m]] log_sd;
      if (correlated[m]) {
        Lm = to_matrix(segment(corr_factor, from, q[m] * q[m]), q[m], q[m]);
        target += lkj_corr_cholesky_lpdf(Lm | lkj[m]);
        from += q[m] * q[m];
      }
      if (q[m] == 1) {
        log_sd[1] = coordinate[k];
      } else {
        log_sd = contrasts[k:last, k:last] * coordinate[k:last];
        matrix[q[m], q[m]] share = diag_pre_multiply(exp(log_sd), Lm);
        log_sd += coordinate[k] - 0.5 * log(sum(share .* (gram_of_terms[k:last, k:last] * share)));
      }
      sd[k:last] = exp(log_sd);
      target += sum(log_sd);
      Lm = diag_pre_multiply(sd[k:last], Lm);
      if (column[m] == 0) {
        for (i in 1:q[m]) {
          for (j in 1:i) {
            covariance[entries(inside + i - 1) + inside + j] = dot_product(Lm[i, 1:j], Lm[j, 1:j]);
          }
        }
        inside += q[m];
      }
      L[m, 1:q[m], 1:q[m]] = Lm;
      k += q[m];
    }
  }

  vector[entries(W)] weighted;                       // cross-products, by inverse covariances
  if (width == 1) {
    vector[K] of_pattern = covariance[1] * single + variance;
    target += -0.5 * dot_product(n_groups, log(of_pattern));
    weighted = products * inv(of_pattern);
  } else if (K == 1) {                               // by matrices, which are quicker one at a time
    vector[n_pairs] entry = one_to_covariance * covariance + variance * on_diagonal;
    matrix[width, width] V = to_matrix(entry[pair_place], width, width);
    target += -n_groups[1] * sum(log(diagonal(cholesky_decompose(V))));
    weighted = products * to_vector(inverse(V))[pair_entry];
  } else {
    array[width, width] vector[K] factor;            // of each pattern's covariance
    int pair = 1;
    for (a in 1:width) {
      for (b in 1:a) {
        factor[a, b] = to_covariance[pair] * covariance;
        if (a == b) factor[a, b] += variance;
        else factor[b, a] = zeros_vector(K);
        pair += 1;
      }
    }
    factor = cholesky_of_each(factor);
    for (a in 1:width) target += -dot_product(n_groups, log(factor[a, a]));
    weighted = products * inverse_of_each(factor);
  }

  // Columns of effects by their terms' sds, or by the Cholesky factor of a term's covariance.
  vector[W] width_of = ones_vector(W);
  for (m in 1:M) {
    if (column[m] > 0 && q[m] == 1) {
      width_of[column[m]:(column[m] + J[m] - 1)] = rep_vector(L[m, 1, 1], J[m]);
    }
  }
  vector[entries(W)] entry = (weighted + left * inv(variance))
                             .* width_of[row_of] .* width_of[column_of];
  matrix[W, W] gram;
  if (n_blocks == 0) {
    gram = to_matrix((entry + prior_entries)[place], W, W);
  } else {
    gram = to_matrix(entry[place], W, W);
    for (m in 1:M) {
      if (column[m] > 0 && q[m] > 1) {               // gram -> D' gram D, D = L kron identity
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
  // The last pivot is what neither columns nor priors explain of the responses.
  vector[W] pivots = diagonal(cholesky_decompose(gram));
  target += -0.5 * square(pivots[W]) - sum(log(pivots[1:(W - 1)]));
  for (k in 1:Q) target += prior_lpdf(sd[k] | sd_prior[k], sd_prior_p[k]);
  target += prior_lpdf(exp(log_sigma) | aux_prior[1], aux_prior_p[1]) + log_sigma;
  target += sum(log(curve_slope(x, above, above_tail, below, below_tail)));
  target += log_constant - n_sigma * log_sigma;
}
