// Gaussian likelihood with coefficients and group effects integrated out: what is sampled is their
// sds and correlations, and sigma. Cross-products are sufficient (winstan/marginal/statistics.py).
// One factor is integrated group by group, groups of equal design at once; the effects of all
// others, as z-scores, are columns beside those of the coefficients, and last comes the response.
// Serves gaussian, and lognormal (statistics of log y; its Jacobian is in log_constant).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/curves.stan
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

#include include/variances_data.stan
  int<lower=1> A;                                    // auxiliary parameters: sigma
  array[A] int aux_prior;
  matrix[A, 3] aux_prior_p;
}
transformed data {
  int n_pairs = entries(width);
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
#include include/columns_data.stan
  if (of_factor > width || D != Q + n_corr + A) reject("the terms' sizes do not add up");
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
#include include/variances.stan
  real log_sigma = coordinate[D];
  real variance = exp(2 * log_sigma);
  vector[n_pairs] covariance = rep_vector(0, n_pairs);   // of a group's effects
  {
    int inside = 0;
    for (m in 1:M) {
      if (column[m] == 0) {
        for (i in 1:q[m]) {
          for (j in 1:i) {
            covariance[entries(inside + i - 1) + inside + j]
              = dot_product(L[m, i, 1:j], L[m, j, 1:j]);
          }
        }
        inside += q[m];
      }
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

  weighted += left * inv(variance);
#include include/columns.stan

  // The last pivot is what neither columns nor priors explain of the responses.
  vector[W] pivots = diagonal(cholesky_decompose(gram));
  target += -0.5 * square(pivots[W]) - sum(log(pivots[1:(W - 1)]));
  target += prior_lpdf(exp(log_sigma) | aux_prior[1], aux_prior_p[1]) + log_sigma;
  target += log_constant - n_sigma * log_sigma;
}
