// Gaussian likelihood with coefficients and group effects integrated out: what is sampled is their
// sds and correlations, and sigma. Cross-products are sufficient (winstan/marginal/statistics.py).
// One factor is integrated group by group, groups of equal design at once; the effects of all
// others, as z-scores, are columns beside those of the coefficients, and last comes the response.
// Serves gaussian, and lognormal (statistics of log y; its Jacobian is in log_constant).
functions {
#include include/priors.stan
#include include/matrices.stan
#include include/term_covariances.stan
#include include/columns.stan
#include include/integrated.stan
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
model {
  target += integrated_density(
    append_row(sd_raw, append_row(corr_raw, aux_raw)), mixing, location, above, above_tail, below, below_tail, q,
    n_sds, correlated, sd_of, length_of, frequency, gram_of_terms, contrasts, sd_prior, sd_prior_p, lkj, J, column,
    width, n_groups, to_covariance, products, left, prior, n_sigma, aux_prior[1], aux_prior_p)
    + log_constant + lkj_constant;
}
